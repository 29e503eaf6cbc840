//! Fanlight, sending with its defaults.

use std::time::{Duration, Instant};

use anyhow::Result;
use fanlight::Backend;
use serde_json::{Value, json};

use super::unknown;
use crate::measure;
use crate::sink::Sink;

pub fn run(case: &str, spans: u64) -> Result<Value> {
    match case {
        "span" | "bare span" | "child span" | "log" | "disabled" => nothing(case),
        "burst" | "wire" => sending(case, spans),
        _ => unknown(case),
    }
}

fn nothing(case: &str) -> Result<Value> {
    // Without a destination nothing would be recorded, so everything is collected, encoded and sent, on the other threads.
    let (_sink, address) = Sink::start()?;
    let _fanlight = fanlight::configure()
        .service_name("bench")
        .send_to_logfire(false)
        .without_console()
        .destination(Backend::otlp(&address))
        .start()?;
    Ok(match case {
        "span" => measure::calls(|index| {
            let _span = fanlight::span!("work", index, name = "value").entered();
        }),
        "bare span" => measure::calls(|index| {
            drop(fanlight::span!("work", index, name = "value"));
        }),
        "child span" => {
            let _root = fanlight::span!("root").entered();
            measure::calls(|index| {
                let _span = fanlight::span!("work", index, name = "value").entered();
            })
        }
        "log" => measure::calls(|index| {
            fanlight::info!("work", index, name = "value");
        }),
        _ => measure::calls(|index| {
            let _span = fanlight::span!(level: fanlight::Level::Trace, "work", index, name = "value").entered();
        }),
    })
}

fn sending(case: &str, spans: u64) -> Result<Value> {
    let (sink, address) = Sink::start()?;
    let fanlight = fanlight::configure().service_name("bench").send_to_logfire(false).without_console().destination(Backend::otlp(&address)).start()?;
    let start = Instant::now();
    for index in 0..spans {
        let _span = fanlight::span!("work", index, name = "value").entered();
        if case == "wire" && index % 100 == 99 {
            std::thread::sleep(Duration::from_millis(600));
        }
    }
    let recorded = start.elapsed();
    fanlight.shutdown(Duration::from_secs(30));
    let (sent, plain) = sink.bytes();
    Ok(json!({
        "spans": spans,
        "arrived": sink.spans(),
        "recorded_ms": recorded.as_millis() as u64,
        "sent_bytes": sent,
        "plain_bytes": plain,
    }))
}
