//! Tracing libraries that do not speak OTLP: real clients for the hub's other receivers.
//!
//! Each program of `tests/clients/tracers` sends the two spans of one small request; [`seen`] is what arrived, without what
//! differs from run to run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use super::Setting;
use super::go::go;
use crate::clients::{virtual_environment, without_telemetry_variables};
use crate::end_to_end::arrived;
use crate::process::{run, run_within};
use crate::{download, workspace};

/// Where the programs are.
fn sources() -> PathBuf {
    workspace::root().join("tests/clients/tracers")
}

/// A Python program.
pub(super) fn python(setting: &Setting, script: &str) -> Result<Command> {
    let mut command = Command::new(setting.program("tracers for Python", |log| {
        let directory = workspace::target().join("clients/tracers-python");
        virtual_environment(&directory, &sources().join("requirements.txt"), log)
    })?);
    command.arg(sources().join(script));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    // Old packages of generated messages need protobuf's slow implementation.
    command.env("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python");
    without_telemetry_variables(&mut command);
    Ok(command)
}

/// The Node program.
pub(super) fn node(setting: &Setting) -> Result<Command> {
    let modules = setting.program("tracers for Node", install_node)?;
    let mut command = Command::new("node");
    command.arg(sources().join("node_spans.js"));
    command.env("NODE_PATH", modules);
    without_telemetry_variables(&mut command);
    Ok(command)
}

fn install_node(log: &Path) -> Result<PathBuf> {
    let directory = workspace::target().join("clients/tracers-node");
    let wanted = std::fs::read_to_string(sources().join("package-lock.json"))?;
    download::once(&directory, &wanted, || {
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(sources().join(file), directory.join(file))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund"]);
        run(npm.current_dir(&directory), log).context("Node.js 20 with npm is needed")?;
        Ok(())
    })?;
    Ok(directory.join("node_modules"))
}

/// The Go program.
pub(super) fn go_program(setting: &Setting) -> Result<Command> {
    Ok(Command::new(setting.program("tracers for Go", |log| {
        let directory = workspace::target().join("clients/tracers-go");
        let files = ["main.go", "go.mod", "go.sum"];
        let mut wanted = String::new();
        for file in files {
            wanted.push_str(&std::fs::read_to_string(sources().join("go").join(file))?);
        }
        let binary = directory.join("bin/tracers");
        download::once(&directory, &wanted, || {
            for file in files {
                std::fs::copy(sources().join("go").join(file), directory.join(file))?;
            }
            let output = binary.display().to_string();
            go(&directory, &["build", "-trimpath", "-o", &output, "."], log)
        })?;
        Ok(binary)
    })?))
}

/// Runs a client to its end.
pub(super) fn send(mut client: Command, directory: &Path) -> Result<()> {
    let log = directory.join("client.log");
    run_within(&mut client, &log, Duration::from_secs(60)).map(drop)
}

/// The spans that arrived in the file exporter's directory, by name: parents by name, attributes by key, no ids and times.
///
/// # Errors
/// When fewer than `count` arrive, or a span has no valid times.
pub(super) fn seen(directory: &Path, count: usize) -> Result<Value> {
    let items = arrived(&directory.join("received.jsonl"), count)?;
    let all: Vec<Value> = items.values().collect();
    let name_of = |id: &Value| {
        let found = all.iter().find(|span| span["item"]["spanId"] == *id);
        found.map_or(Value::Null, |span| span["item"]["name"].clone())
    };
    let mut spans = Map::new();
    for whole in &all {
        let item = &whole["item"];
        let time = |key: &str| {
            let text = item[key].as_str().unwrap_or_default();
            text.parse::<u64>().context("a span has no time")
        };
        ensure!(
            time("startTimeUnixNano")? <= time("endTimeUnixNano")?,
            "a span ends before it starts: {item}"
        );
        let mut span = json!({
            "resource": attributes(&whole["resource"]["attributes"]),
            "scope": whole["scope"],
            "parent": name_of(&item["parentSpanId"]),
            "kind": item["kind"],
            "status": item["status"],
            "attributes": attributes(&item["attributes"]),
            "events": events(&item["events"]),
            "links": item["links"],
        });
        let name = item["name"].as_str().unwrap_or_default();
        remove_nulls(&mut span);
        spans.insert(name.to_owned(), span);
    }
    Ok(Value::Object(spans))
}

/// Attributes by key, with the value that stands under the name of its type.
pub(super) fn attributes(list: &Value) -> Value {
    let mut found = Map::new();
    for attribute in list.as_array().into_iter().flatten() {
        let key = attribute["key"].as_str().unwrap_or_default();
        found.insert(key.to_owned(), attribute["value"].clone());
    }
    Value::Object(found)
}

fn events(list: &Value) -> Value {
    let event = |event: &Value| json!({"name": event["name"], "attributes": attributes(&event["attributes"])});
    list.as_array().into_iter().flatten().map(event).collect()
}

/// Takes out the fields that say nothing.
pub(super) fn remove_nulls(value: &mut Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, value| !value.is_null() && *value != json!([]) && *value != json!({}));
    }
}

/// Says where what was seen is not what should be.
///
/// # Errors
/// With both.
pub(super) fn must_be(seen: &Value, expected: &Value) -> Result<()> {
    ensure!(
        seen == expected,
        "arrived:\n{seen:#}\nexpected:\n{expected:#}"
    );
    Ok(())
}
