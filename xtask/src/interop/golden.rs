//! The golden set on its way through the hub: one request of each signal with every kind of item and awkward values.

use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use fanlight_otlp::Signal;
use fanlight_testkit::golden_json;
use serde_json::Value;

use crate::http;
use crate::hub::Ports;
use crate::otlp_json::Items;
use crate::process::eventually;

/// How long ago the set happened: its last time, two seconds later, is then past too, and no backend finds it old.
const AGO: Duration = Duration::from_secs(20);

/// The golden set's request of one signal, as it was sent.
#[derive(Debug)]
pub(super) struct Golden {
    /// The request in OTLP/JSON.
    pub(super) text: String,
}

impl Golden {
    /// The set with times of just now.
    pub(super) fn now(signal: Signal) -> Result<Golden> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH)? - AGO;
        // Whole milliseconds, so that backends which keep less than nanoseconds round only what the set means them to.
        let since = u64::try_from(since.as_millis())? * 1_000_000;
        Ok(Golden::at(signal, since))
    }

    /// The set with times from `time` on, in Unix nanoseconds.
    pub(super) fn at(signal: Signal, time: u64) -> Golden {
        let text = golden_json(signal, time);
        Golden { text }
    }

    /// Sends the set, with times of just now, to the OTLP/HTTP port, and returns what was acknowledged.
    ///
    /// # Errors
    /// When the receiver does not accept all of it.
    pub(super) fn send(signal: Signal, to: Ports) -> Result<Golden> {
        let golden = Golden::now(signal)?;
        send(signal, to, &golden.text)?;
        Ok(golden)
    }

    /// Its items.
    ///
    /// # Errors
    /// For profiles, which have no items that stand alone.
    pub(super) fn items(&self) -> Result<Items> {
        Items::from_lines(&self.json()?.to_string())
    }

    /// The request.
    ///
    /// # Errors
    /// None that a test of the set has not found before.
    pub(super) fn json(&self) -> Result<Value> {
        Ok(serde_json::from_str(&self.text)?)
    }
}

/// Sends the set's spans, data points and log records, and returns the requests.
///
/// # Errors
/// As [`Golden::send`].
pub(super) fn send_each(to: Ports) -> Result<Vec<Golden>> {
    let signals = [Signal::Traces, Signal::Metrics, Signal::Logs];
    signals
        .into_iter()
        .map(|signal| Golden::send(signal, to))
        .collect()
}

/// Sends the set's spans, data points and log records, and returns them.
///
/// # Errors
/// As [`Golden::send`].
pub(super) fn send_all(to: Ports) -> Result<Items> {
    let mut items = Items::default();
    for signal in [Signal::Traces, Signal::Metrics, Signal::Logs] {
        items = items.and(Golden::send(signal, to)?.items()?);
    }
    Ok(items)
}

/// Sends a request in OTLP/JSON to the OTLP/HTTP port.
///
/// # Errors
/// When the receiver does not accept all of it.
pub(super) fn send(signal: Signal, to: Ports, request: &str) -> Result<()> {
    // A hub may be healthy a moment before its receiver listens.
    eventually(Duration::from_secs(10), || {
        Ok(TcpStream::connect(("127.0.0.1", to.http))?)
    })?;
    let answer = http::request(
        to.http,
        "POST",
        signal.info().http_path,
        &[("content-type", "application/json")],
        request.as_bytes(),
    )?;
    let answer = answer.json()?;
    let rejected = answer["partialSuccess"][signal.info().json_rejected].as_str();
    ensure!(
        rejected.is_none_or(|count| count == "0"),
        "the receiver answers {answer}"
    );
    Ok(())
}
