//! Jaeger behind the hub: what went in is read back from its query API.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use fanlight_otlp::Signal;
use serde_json::{Map, Value, json};

use super::Setting;
use super::collector::{send_all, sending};
use super::go::{go, sources};
use super::golden::Golden;
use crate::hub::Ports;
use crate::otlp_json::{Items, unordered};
use crate::process::{Background, eventually, free_port};
use crate::steps::{Steps, Tests};
use crate::{download, http, workspace};

/// The module's version; v1.76 is the module that holds Jaeger 2.13.
const VERSION: &str = "v1.76.0";
const MODULE: &str = "github.com/jaegertracing/jaeger";
/// Jaeger's own replacement; `go install` of a version refuses modules that have one, hence a module of our own.
const REPLACED: &str = "github.com/Shopify/sarama=github.com/Shopify/sarama@v1.33.0";

/// Builds Jaeger, and returns its path.
///
/// # Errors
/// When Go is not there, or a module can't be had.
pub fn build(log: &Path) -> Result<PathBuf> {
    let directory = workspace::target().join("interop/jaeger");
    let binary = directory.join("bin/jaeger");
    let command = format!("{MODULE}/cmd/jaeger");
    download::once(&directory, &format!("{MODULE} {VERSION}"), || {
        println!("   building Jaeger {VERSION}, which takes some minutes");
        go(
            &directory,
            &["mod", "init", "fanlight.invalid/interop/jaeger"],
            log,
        )?;
        go(&directory, &["mod", "edit", "-replace", REPLACED], log)?;
        // Jaeger's own list of checksums makes the build the one that its authors made.
        std::fs::copy(
            sources(MODULE, VERSION)?.join("go.sum"),
            directory.join("go.sum"),
        )?;
        go(
            &directory,
            &["get", "-tool", &format!("{command}@{VERSION}")],
            log,
        )?;
        go(
            &directory,
            &[
                "build",
                "-trimpath",
                "-ldflags",
                "-s -w",
                "-o",
                &binary.display().to_string(),
                &command,
            ],
            log,
        )
    })?;
    Ok(binary)
}

/// A running Jaeger with memory storage.
#[derive(Debug)]
pub(super) struct Jaeger {
    _process: Background,
    /// Where it takes OTLP; the other two are not used.
    pub(super) otlp: Ports,
    /// Where its query API is.
    pub(super) query: u16,
}

impl Jaeger {
    /// Starts one.
    ///
    /// # Errors
    /// When it ends or does not get ready.
    pub(super) fn start(binary: &Path, directory: &Path) -> Result<Jaeger> {
        let (otlp, query, grpc) = (Ports::free()?, free_port()?, free_port()?);
        let file = directory.join("jaeger.yaml");
        let configuration = format!(
            "service:\n  extensions: [jaeger_storage, jaeger_query]\n  telemetry:\n    metrics:\n      level: none\n  pipelines:\n\
             \x20   traces:\n      receivers: [otlp]\n      exporters: [jaeger_storage_exporter]\n\
             extensions:\n  jaeger_storage:\n    backends:\n      memory:\n        memory:\n          max_traces: 1000\n\
             \x20 jaeger_query:\n    storage:\n      traces: memory\n    grpc:\n      endpoint: 127.0.0.1:{grpc}\n    http:\n      endpoint: 127.0.0.1:{query}\n\
             {}exporters:\n  jaeger_storage_exporter:\n    trace_storage: memory\n",
            otlp.receivers()
        );
        std::fs::write(&file, configuration)?;
        let mut process = Background::spawn(
            Command::new(binary).arg("--config").arg(&file),
            &directory.join("jaeger.log"),
        )?;
        eventually(Duration::from_secs(30), || {
            process.still_running()?;
            http::get(otlp.http, "/")?;
            http::get(query, "/api/services")
        })?;
        Ok(Jaeger {
            _process: process,
            otlp,
            query,
        })
    }

    /// The ids of a service's traces, which it only finds where it lists the service.
    pub(super) fn traces_of(&self, service: &str) -> Result<BTreeSet<String>> {
        let services = http::get(self.query, "/api/services")?.json()?;
        let listed = services["data"].as_array();
        ensure!(
            listed.is_some_and(|names| names.iter().any(|name| name == service)),
            "Jaeger lists {services}"
        );
        let path = format!("/api/traces?service={service}&limit=1000");
        let found = http::get(self.query, &path)?.json()?;
        let traces = found["data"].as_array().into_iter().flatten();
        let ids = traces.filter_map(|trace| trace["traceID"].as_str());
        Ok(ids.map(str::to_owned).collect())
    }

    /// The traces with these ids, as its API gives them: OTLP/JSON under `result`.
    pub(super) fn traces(&self, ids: &BTreeSet<String>) -> Result<Items> {
        let mut lines = String::new();
        for id in ids {
            let answer = http::get(self.query, &format!("/api/v3/traces/{id}"))?.json()?;
            lines.push_str(&format!("{}\n", answer["result"]));
        }
        Items::from_lines(&lines)
    }
}

/// The hub forwards traces to Jaeger over both transports.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    for exporter in ["otlp", "otlphttp"] {
        steps.run(&format!("hub to Jaeger: {exporter}"), |_| {
            hub_to_jaeger(setting, exporter)
        });
    }
}

/// Scenario: the hub forwards to Jaeger, which takes traces only.
/// Guarantee: every span reads back from Jaeger's API equal field by field, under the service's name.
fn hub_to_jaeger(setting: &Setting, exporter: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!("interop/runs/jaeger-{exporter}"))?;
    let jaeger = Jaeger::start(&setting.jaeger()?, &directory)?;
    let ports = Ports::free()?;
    let configuration = format!(
        "{}exporters:\n  {}\n  debug:\nservice:\n  pipelines:\n    traces:\n      receivers: [otlp]\n      exporters: [{exporter}/next]\n\
         \x20   metrics:\n      receivers: [otlp]\n      exporters: [debug]\n    logs:\n      receivers: [otlp]\n      exporters: [debug]\n",
        ports.receivers(),
        sending(exporter, jaeger.otlp, "timeout: 5s")
    );
    let hub = setting.start_hub(&directory, ports, &configuration)?;
    let sent = send_all(&setting.python()?, ports, &directory)?
        .only("spans")
        .and(Golden::send(Signal::Traces, ports)?.items()?);
    let ids = trace_ids(&sent);
    ensure!(!ids.is_empty(), "no trace was sent");
    let found = eventually(Duration::from_secs(10), || {
        let found = jaeger.traces(&ids)?;
        ensure!(
            found.len() >= sent.len(),
            "{} of {} spans",
            found.len(),
            sent.len()
        );
        Ok(found)
    })?;
    found.mapped(as_kept).must_equal(&sent.mapped(as_kept))?;
    let services = http::get(jaeger.query, "/api/services")?.json()?;
    ensure!(
        services["data"]
            .as_array()
            .is_some_and(|names| names.iter().any(|name| name == "checkout")),
        "Jaeger lists {services}"
    );
    hub.stop()?;
    Ok(Tests::ONE)
}

/// The ids of the traces that the spans belong to.
pub(super) fn trace_ids(spans: &Items) -> BTreeSet<String> {
    let ids = spans
        .values()
        .filter_map(|span| span["item"]["traceId"].as_str().map(str::to_owned));
    ids.collect()
}

/// A span in the form that it has before and after Jaeger, which keeps no schema URLs, adds its warnings as an attribute, names
/// services without a name, drops links to nowhere, and lengthens spans of no time by a nanosecond.
pub(super) fn as_kept(span: &mut Value) {
    unordered(span);
    let Some(fields) = span.as_object_mut() else {
        return;
    };
    fields.remove("scopeSchema");
    fields.remove("resourceSchema");
    let named = json!([{"key": "service.name", "value": {"stringValue": "missing-service-name"}}]);
    if fields
        .get("resource")
        .is_some_and(|resource| resource["attributes"] == named)
    {
        fields.remove("resource");
    }
    let Some(item) = fields.get_mut("item").and_then(Value::as_object_mut) else {
        return;
    };
    let added = |attribute: &Value| attribute["key"] == "@jaeger@warnings";
    without(item, "attributes", added);
    without(item, "links", |link| link.get("traceId").is_none());
    let time = |name: &str| item.get(name)?.as_str()?.parse::<u64>().ok();
    if let (Some(start), Some(end)) = (time("startTimeUnixNano"), time("endTimeUnixNano"))
        && end == start + 1
    {
        item.insert("endTimeUnixNano".to_owned(), json!(start.to_string()));
    }
}

/// Takes elements out of a list, and the list if it is empty then.
fn without(item: &mut Map<String, Value>, list: &str, taken: impl Fn(&Value) -> bool) {
    if let Some(Value::Array(elements)) = item.get_mut(list) {
        elements.retain(|element| !taken(element));
        if elements.is_empty() {
            item.remove(list);
        }
    }
}
