//! Tempo behind the hub: the golden set's traces are read back from its API, and found by its search.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanlight_otlp::{Batch, Signal, json};

use super::Setting;
use super::collector::sending;
use super::golden::Golden;
use super::jaeger::trace_ids;
use super::server::tempo::Tempo;
use crate::hub::{Hub, Ports};
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
/// Guarantee: every span reads back from Tempo's API equal field by field, and TraceQL finds the trace by its service.
fn hub_to_tempo(setting: &Setting, exporter: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!("interop/runs/tempo-{exporter}"))?;
    let tempo = Tempo::start(setting, &directory)?;
    let ports = Ports::free()?;
    let configuration = format!(
        "{}exporters:\n  {}\nservice:\n  pipelines:\n    traces:\n      receivers: [otlp]\n      exporters: [{exporter}/next]\n",
        ports.receivers(),
        sending(exporter, tempo.otlp, "timeout: 5s")
    );
    let hub = Hub::start(
        &setting.hub()?,
        &directory.join("hub"),
        ports,
        &configuration,
    )?;
    let sent = Golden::send(Signal::Traces, ports)?.items()?;
    let ids = trace_ids(&sent);
    let found = eventually(Duration::from_secs(20), || {
        let found = traces(&tempo, &ids)?;
        let (has, all) = (found.len(), sent.len());
        ensure!(has >= all, "Tempo has {has} of {all} spans");
        Ok(found)
    })?;
    found
        .mapped(unordered)
        .must_equal(&sent.mapped(unordered))?;
    eventually(Duration::from_secs(20), || {
        let query = "/api/search?q=%7Bresource.service.name%3D%22checkout%22%7D";
        let answer = http::get(tempo.http, query)?.json()?;
        let found = answer["traces"].as_array().map_or(0, Vec::len);
        ensure!(found == 1, "the search finds {answer}");
        Ok(())
    })?;
    hub.stop()?;
    Ok(Tests::passed(2))
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
