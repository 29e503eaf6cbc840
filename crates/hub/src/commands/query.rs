//! `fanlight query`: the store, asked in SQL.

use std::io::Read as _;
use std::process::ExitCode;

use fanlight_config::Environment;
use serde_json::json;

use crate::api::Problem;
use crate::cli::QueryArgs;
use crate::report;
use crate::terminal::table::Rows;

/// Asks, and prints the rows. Exit codes: 0 answered, 1 not.
pub(super) fn run(args: &QueryArgs, environment: &Environment) -> ExitCode {
    super::ask(&args.hub, environment, async |api| {
        let question = json!({ "sql": sql(args)?, "limit": args.limit });
        let rows: Rows = api.post("/api/sql", &question).await?;
        report::print(&match (args.csv, args.json) {
            (true, _) => rows.csv(),
            (_, true) => rows.json_lines(),
            _ => rows.table(),
        });
        if rows.truncated {
            report::complain("there are more rows; ask for them with --limit\n");
        }
        Ok(())
    })
}

fn sql(args: &QueryArgs) -> Result<String, Problem> {
    if args.sql != "-" {
        return Ok(args.sql.clone());
    }
    let mut sql = String::new();
    std::io::stdin()
        .read_to_string(&mut sql)
        .map_err(|error| Problem::new(format!("standard input can't be read: {error}")))?;
    Ok(sql)
}
