//! `fanlight trace`: one trace as a tree.

use std::process::ExitCode;

use fanlight_config::Environment;

use crate::cli::TraceArgs;
use crate::report;
use crate::terminal::log_line;
use crate::terminal::shapes::{Logs, Trace};
use crate::terminal::tree::{self, Detail};

/// Prints the trace: its spans, what failed, its logs. Exit codes: 0 found, 1 not.
pub(super) fn run(args: &TraceArgs, environment: &Environment) -> ExitCode {
    super::ask(&args.hub, environment, async |api| {
        let id = args.id.trim().to_ascii_lowercase();
        let trace: Trace = api.get(&format!("/api/traces/{id}"), &[]).await?;
        let logs: Logs = api.get(&format!("/api/traces/{id}/logs"), &[]).await?;
        let mut text = tree::draw(&trace, Detail::Errors);
        if !logs.logs.is_empty() {
            text.push('\n');
            text.extend(logs.logs.iter().map(log_line));
        }
        report::print(&text);
        Ok(())
    })
}
