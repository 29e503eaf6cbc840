//! `fanlight mcp`: a [Model Context Protocol](https://modelcontextprotocol.io) server on standard input and output.
//!
//! Its tools only read, over the same API as the page. What programs recorded is answered as data in JSON, never as text
//! of our own, and the server tells its client so: a prompt in a span must not instruct whoever reads the span.

mod tools;

use std::process::ExitCode;

use fanlight_config::Environment;
use rmcp::ServiceExt as _;

use crate::api::Problem;
use crate::cli::HubArgs;
use tools::Tools;

/// Serves until the client closes its end.
pub(super) fn run(args: &HubArgs, environment: &Environment) -> ExitCode {
    super::ask(args, environment, async |api| {
        let serving = Tools::new(api).serve(rmcp::transport::stdio()).await;
        let serving = serving
            .map_err(|error| Problem::new(format!("the client does not speak MCP: {error}")))?;
        let ended = serving.waiting().await;
        ended
            .map(drop)
            .map_err(|error| Problem::new(format!("serving broke off: {error}")))
    })
}
