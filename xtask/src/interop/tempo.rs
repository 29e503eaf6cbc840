//! Tempo behind the hub: the golden set's traces are read back from its API.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanlight_otlp::{Batch, Signal, json};
use serde_json::Value;

use super::Setting;
use super::collector::sending;
use super::golden::Golden;
use super::jaeger::trace_ids;
use super::server::tempo::Tempo;
use crate::hub::Ports;
use crate::otlp_json::{Items, unordered};
use crate::process::eventually;
use crate::steps::{Steps, Tests};
use crate::{http, workspace};

/// The hub forwards traces to Tempo over both transports.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    for exporter in ["otlp", "otlphttp"] {
        steps.run(&format!("hub to Tempo: {exporter}"), |_| {
            hub_to_tempo(setting, exporter)
        });
    }
}

/// Scenario: the hub forwards the golden traces to Tempo.
/// Guarantee: every span reads back from Tempo's API equal field by field.
fn hub_to_tempo(setting: &Setting, exporter: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!("interop/runs/tempo-{exporter}"))?;
    let tempo = Tempo::start(setting, &directory)?;
    let ports = Ports::free()?;
    let configuration = format!(
        "{}exporters:\n  {}\nservice:\n  pipelines:\n    traces:\n      receivers: [otlp]\n      exporters: [{exporter}/next]\n",
        ports.receivers(),
        sending(exporter, tempo.otlp, "timeout: 5s")
    );
    let hub = setting.start_hub(&directory, ports, &configuration)?;
    let sent = Golden::send(Signal::Traces, ports)?.items()?;
    let ids = trace_ids(&sent);
    let found = eventually(Duration::from_secs(20), || {
        let found = traces(&tempo, &ids)?;
        let (has, all) = (found.len(), sent.len());
        ensure!(has >= all, "Tempo has {has} of {all} spans");
        Ok(found)
    })?;
    found.mapped(as_kept).must_equal(&sent.mapped(as_kept))?;
    hub.stop()?;
    Ok(Tests::ONE)
}

/// The traces with these ids. Tempo's protobuf form of a trace is that of an OTLP request.
pub(super) fn traces(tempo: &Tempo, ids: &BTreeSet<String>) -> Result<Items> {
    let mut lines = String::new();
    for id in ids {
        let accept = [("accept", "application/protobuf")];
        let path = format!("/api/traces/{id}");
        let answer = http::request(tempo.http, "GET", &path, &accept, b"")?;
        ensure!(
            answer.status == 200,
            "{path} answers {}: {}",
            answer.status,
            answer.text()
        );
        let batch = Batch::decode(Signal::Traces, answer.body.into()).context(path)?;
        lines.push_str(&String::from_utf8(json::to_vec(&batch)?)?);
        lines.push('\n');
    }
    Items::from_lines(&lines)
}

/// A span in the form that it has before and after Tempo 1.5, whose OTLP is of 2022: no schema URLs, no attributes of scopes, no
/// flags, no bytes.
pub(super) fn as_kept(span: &mut Value) {
    unordered(span);
    without_fields(
        span,
        &["resourceSchema", "scopeSchema", "flags", "bytesValue"],
    );
    if let Some(scope) = span["scope"].as_object_mut() {
        scope.remove("attributes");
    }
}

/// Takes fields out wherever they are, and objects that are empty then.
fn without_fields(value: &mut Value, names: &[&str]) {
    match value {
        Value::Array(values) => {
            for element in values {
                without_fields(element, names);
            }
        }
        Value::Object(fields) => {
            for field in fields.values_mut() {
                without_fields(field, names);
            }
            fields.retain(|name, field| {
                !names.contains(&&**name)
                    && field.as_object().is_none_or(|object| !object.is_empty())
            });
        }
        _ => {}
    }
}
