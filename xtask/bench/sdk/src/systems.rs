//! The SDKs that are measured. Each makes the same: a span with a number and a text, entered and left.

pub mod fanlight;
pub mod fastrace;
pub mod logfire;
pub mod opentelemetry;
pub mod tracing_opentelemetry;

/// A case that this system has nothing for.
fn unknown(case: &str) -> anyhow::Result<serde_json::Value> {
    anyhow::bail!("no case {case} here")
}
