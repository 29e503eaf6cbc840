//! The Rust SDK of Logfire: over a processor that does nothing, and sending with its defaults.

use std::time::{Duration, Instant};

use anyhow::Result;
use logfire::config::{AdvancedOptions, SendToLogfire};
use serde_json::{Value, json};

use super::opentelemetry::Nothing;
use super::unknown;
use crate::measure;
use crate::sink::Sink;

/// In the form of a token of the US region; the requests go to the sink.
const TOKEN: &str = "pylf_v1_us_0123456789abcdefghijklmnopqrstuvwxyzABCDEF";

pub fn run(case: &str, spans: u64) -> Result<Value> {
    match case {
        "span" | "log" | "disabled" => nothing(case),
        "burst" | "wire" => sending(case, spans),
        _ => unknown(case),
    }
}

fn nothing(case: &str) -> Result<Value> {
    let _logfire = logfire::configure()
        .send_to_logfire(SendToLogfire::No)
        .with_console(None)
        .with_metrics(None)
        .with_additional_span_processor(Nothing)
        .finish()?;
    Ok(match case {
        "span" => measure::calls(|index| {
            let _span = logfire::span!("work", index = i64::from(index), name = "value").entered();
        }),
        "log" => measure::calls(|index| {
            logfire::info!("work", index = i64::from(index), name = "value");
        }),
        _ => measure::calls(|index| {
            let _span = logfire::span!(level: tracing::Level::TRACE, "work", index = i64::from(index), name = "value").entered();
        }),
    })
}

fn sending(case: &str, spans: u64) -> Result<Value> {
    let (sink, address) = Sink::start()?;
    let logfire = logfire::configure()
        .with_token(TOKEN)
        .with_console(None)
        .with_metrics(None)
        .with_advanced_options(AdvancedOptions::default().with_base_url(address))
        .finish()?;
    let start = Instant::now();
    for index in 0..spans {
        let _span = logfire::span!("work", index = index as i64, name = "value").entered();
        if case == "wire" && index % 100 == 99 {
            std::thread::sleep(Duration::from_millis(600));
        }
    }
    let recorded = start.elapsed();
    let _ = logfire.shutdown();
    let (sent, plain) = sink.bytes();
    Ok(json!({
        "spans": spans,
        // Each is also sent when it starts, which the sink counts too.
        "arrived": sink.spans(),
        "recorded_ms": recorded.as_millis() as u64,
        "sent_bytes": sent,
        "plain_bytes": plain,
    }))
}
