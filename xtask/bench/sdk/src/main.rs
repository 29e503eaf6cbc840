//! `fanlight-sdk-bench SYSTEM CASE`: measures one SDK in one case, and prints the figures as a JSON object.
//!
//! One process measures one system, since most of them are set up once for a process.

mod measure;
mod sink;
mod systems;

use anyhow::{Context, Result, bail};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(system), Some(case)) = (arguments.next(), arguments.next()) else {
        bail!("usage: fanlight-sdk-bench SYSTEM CASE [SPANS]");
    };
    let spans = arguments.next().map(|count| count.parse()).transpose().context("SPANS is a number")?.unwrap_or(100_000);
    let figures = match system.as_str() {
        "fanlight" => systems::fanlight::run(&case, spans),
        "logfire" => systems::logfire::run(&case, spans),
        "tracing-opentelemetry" => systems::tracing_opentelemetry::run(&case),
        "opentelemetry" => systems::opentelemetry::run(&case),
        "fastrace" => systems::fastrace::run(&case),
        other => bail!("{other} is none of the systems"),
    }?;
    println!("{figures}");
    Ok(())
}
