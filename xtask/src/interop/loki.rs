//! Loki behind the hub: the golden logs are read back from its query API; and a client of Loki in front of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use fanlight_otlp::Signal;
use serde_json::{Map, Value, json};

use super::Setting;
use super::golden::Golden;
use super::server::loki::Loki;
use crate::clients::virtual_environment;
use crate::hub::{Hub, Ports};
use crate::process::{self, eventually, free_port};
use crate::steps::{Steps, Tests};
use crate::{http, workspace};

/// Both ways into Loki, and a client's way into the hub.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    steps.run("hub to Loki: push", |_| hub_to_loki(setting, "push"));
    steps.run("hub to Loki: OTLP", |_| hub_to_loki(setting, "otlp"));
    steps.run("hub to Loki: entries that are too old", |_| {
        too_old(setting)
    });
    steps.run("client of Loki to the hub", |_| client_to_hub(setting));
}

/// Starts the hub with this as the `loki` exporter's endpoint.
fn hub(setting: &Setting, directory: &Path, loki: u16, way: &str) -> Result<Hub> {
    let path = match way {
        "otlp" => "/otlp",
        _ => "/loki/api/v1/push",
    };
    let ports = Ports::free()?;
    let configuration = format!(
        "{}exporters:\n  loki:\n    endpoint: http://127.0.0.1:{loki}{path}\nservice:\n  pipelines:\n    logs:\n      receivers: [otlp]\n      exporters: [loki]\n",
        ports.receivers()
    );
    setting.start_hub(directory, ports, &configuration)
}

/// Scenario: the hub sends the golden logs to Loki, over its push API or its OTLP endpoint.
/// Guarantee: every record reads back with its time, its labels and everything that it holds.
fn hub_to_loki(setting: &Setting, way: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!("interop/runs/loki-{way}"))?;
    let loki = Loki::start(setting, &directory)?;
    let hub = hub(setting, &directory, loki.http, way)?;
    let golden = Golden::send(Signal::Logs, hub.ports)?.json()?;
    let expected = records(&golden);
    let found = eventually(Duration::from_secs(20), || {
        let found = entries(&loki, r#"{service_name=~".+"}"#)?;
        let (has, all) = (found.len(), expected.len());
        ensure!(has >= all, "Loki has {has} of {all} entries");
        Ok(found)
    })?;
    ensure!(
        found.len() == expected.len(),
        "Loki has {} entries",
        found.len()
    );
    for (time, record) in &expected {
        let entry = found
            .get(time)
            .with_context(|| format!("nothing at {time}, where there should be {record}"))?;
        let compare = match way {
            "otlp" => compare_otlp,
            _ => compare_push,
        };
        compare(record, entry)
            .with_context(|| format!("of {record:.2000}, Loki has {entry:.2000?}"))?;
    }
    hub.stop()?;
    Ok(Tests::passed(expected.len()))
}

/// Scenario: of two records one is older than Loki takes.
/// Guarantee: the other is there, once; the hub counts one as refused, and says why.
fn too_old(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/loki-too-old")?;
    let loki = Loki::start(setting, &directory)?;
    let mut hub = hub(setting, &directory, loki.http, "push")?;
    let now = now()?;
    let record = |time: u64, body: &str| json!({"timeUnixNano": time.to_string(), "body": {"stringValue": body}});
    let request = json!({"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "old"}}]},
        "scopeLogs": [{"logRecords": [record(now - 30 * 86_400_000_000_000, "old"), record(now, "new")]}],
    }]});
    super::golden::send(Signal::Logs, hub.ports, &request.to_string())?;
    let found = eventually(Duration::from_secs(20), || {
        let found = entries(&loki, r#"{job="old"}"#)?;
        ensure!(!found.is_empty(), "nothing is there");
        Ok(found)
    })?;
    ensure!(found.len() == 1, "{found:?}");
    eventually(Duration::from_secs(20), || {
        let output = hub.process().output();
        ensure!(
            output.contains("timestamp too old"),
            "the hub says {output}"
        );
        Ok(())
    })?;
    hub.stop()?;
    Ok(Tests::ONE)
}

/// Scenario: a Python program logs through a handler for Loki, to the hub.
/// Guarantee: every line arrives with its labels and level, over the push that the handler speaks, and in Loki behind it.
fn client_to_hub(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/loki-client")?;
    let loki = Loki::start(setting, &directory)?;
    let (ports, push) = (Ports::free()?, free_port()?);
    let configuration = format!(
        "receivers:\n  loki:\n    use_incoming_timestamp: true\n    protocols:\n      http:\n        endpoint: 127.0.0.1:{push}\n\
         exporters:\n  loki:\n    endpoint: http://127.0.0.1:{}/loki/api/v1/push\n\
         service:\n  pipelines:\n    logs:\n      receivers: [loki]\n      exporters: [loki]\n",
        loki.http
    );
    let hub = setting.start_hub(&directory, ports, &configuration)?;
    let client = workspace::root().join("tests/clients/loki");
    let python = setting.program("the Python handler for Loki", |log| {
        let requirements = workspace::root().join("tests/clients/loki/requirements.txt");
        virtual_environment(
            &workspace::target().join("clients/loki"),
            &requirements,
            log,
        )
    })?;
    let mut command = std::process::Command::new(python);
    command.arg(client.join("handler.py"));
    command.arg(format!("http://127.0.0.1:{push}/loki/api/v1/push"));
    process::run(&mut command, &directory.join("client.log"))?;
    let found = eventually(Duration::from_secs(20), || {
        let found = entries(&loki, r#"{exporter="OTLP"}"#)?;
        ensure!(found.len() >= 3, "Loki has {} of 3 entries", found.len());
        Ok(found)
    })?;
    are_the_clients_lines(&found)?;
    hub.stop()?;
    Ok(Tests::passed(3))
}

/// Whether what Loki has is what `handler.py` logs.
fn are_the_clients_lines(found: &BTreeMap<String, Entry>) -> Result<()> {
    let mut seen: Vec<(String, String, String)> = Vec::new();
    for entry in found.values() {
        let line: Value = serde_json::from_str(&entry.line)?;
        let text = |key: &str| {
            line["attributes"][key]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        ensure!(
            text("application") == "checkout" && text("logger") == "shop",
            "{line}"
        );
        let body = line["body"].as_str().unwrap_or_default().to_owned();
        seen.push((
            body,
            text("severity"),
            line["severity"].as_str().unwrap_or_default().to_owned(),
        ));
    }
    seen.sort();
    let expected = [
        ("Grüße, 世界 🎉\nsecond line \"quoted\"", "warning"),
        ("cart loaded", "debug"),
        ("payment refused", "error"),
    ]
    .map(|(body, level)| (body.to_owned(), level.to_owned(), level.to_owned()));
    ensure!(seen == expected, "Loki has {seen:?}");
    Ok(())
}

/// An entry as Loki gives it: its labels and structured metadata together, and its line.
#[derive(Debug)]
struct Entry {
    labels: Map<String, Value>,
    line: String,
}

/// The entries that a query finds, by their time in nanoseconds.
fn entries(loki: &Loki, query: &str) -> Result<BTreeMap<String, Entry>> {
    let (start, end) = (now()? - 3_600_000_000_000, now()? + 60_000_000_000);
    let query: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path = format!("/loki/api/v1/query_range?query={query}&start={start}&end={end}&limit=1000");
    let answer = http::get(loki.http, &path)?.json()?;
    let mut entries = BTreeMap::new();
    for stream in answer["data"]["result"].as_array().into_iter().flatten() {
        for value in stream["values"].as_array().into_iter().flatten() {
            let entry = Entry {
                labels: stream["stream"].as_object().cloned().unwrap_or_default(),
                line: value[1].as_str().context("a line is no text")?.to_owned(),
            };
            let time = value[0].as_str().context("a time is no text")?.to_owned();
            ensure!(
                entries.insert(time.clone(), entry).is_none(),
                "two entries at {time}"
            );
        }
    }
    Ok(entries)
}

/// The records of a request by their time, each with `resource` and `scope`.
fn records(request: &Value) -> BTreeMap<String, Value> {
    let mut records = BTreeMap::new();
    for resource in request["resourceLogs"].as_array().into_iter().flatten() {
        for scope in resource["scopeLogs"].as_array().into_iter().flatten() {
            for record in scope["logRecords"].as_array().into_iter().flatten() {
                let time = ["timeUnixNano", "observedTimeUnixNano"];
                let time = time.into_iter().find_map(|key| record[key].as_str());
                let mut record = record.clone();
                record["resource"] = attributes(&resource["resource"]["attributes"]);
                record["scope"] = scope["scope"].clone();
                records.insert(time.unwrap_or_default().to_owned(), record.clone());
            }
        }
    }
    records
}

/// A list of attributes in OTLP/JSON as a plain object.
fn attributes(list: &Value) -> Value {
    let pairs = list.as_array().into_iter().flatten();
    let pair = |pair: &Value| {
        let key = pair["key"].as_str().unwrap_or_default().to_owned();
        (key, plain(&pair["value"]))
    };
    Value::Object(pairs.map(pair).collect())
}

/// An OTLP/JSON value as plain JSON.
fn plain(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|value| value.iter().next()) else {
        return Value::Null;
    };
    match kind.as_str() {
        "intValue" => {
            let digits = inner.as_str().and_then(|digits| digits.parse::<i64>().ok());
            digits.map_or_else(|| inner.clone(), Value::from)
        }
        "arrayValue" => {
            let values = inner["values"].as_array().into_iter().flatten();
            Value::Array(values.map(plain).collect())
        }
        "kvlistValue" => attributes(&inner["values"]),
        _ => inner.clone(),
    }
}

fn level(number: &Value) -> Option<&'static str> {
    Some(match number.as_i64()? {
        1 => "TRACE",
        5 => "DEBUG",
        9 => "INFO",
        10 => "INFO2",
        13 => "WARN",
        17 => "ERROR",
        24 => "FATAL4",
        _ => "?",
    })
}

/// What the push API has: labels by default, and everything else as JSON in the line.
fn compare_push(record: &Value, entry: &Entry) -> Result<()> {
    let resource = &record["resource"];
    let text = |key: &str| resource[key].as_str();
    let job = text("service.name").map(|name| match text("service.namespace") {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    });
    let label = |name: &str| entry.labels.get(name).and_then(Value::as_str);
    ensure!(label("exporter") == Some("OTLP"), "exporter");
    ensure!(label("job") == job.as_deref(), "job");
    ensure!(label("instance") == text("service.instance.id"), "instance");
    ensure!(label("level") == level(&record["severityNumber"]), "level");

    let mut expected = Map::new();
    let mut set = |key: &str, value: Value| {
        let is_empty = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty() && key != "body",
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        if !is_empty {
            expected.insert(key.to_owned(), value);
        }
    };
    set("body", plain(&record["body"]));
    set("event_name", record["eventName"].clone());
    set("traceid", record["traceId"].clone());
    set("spanid", record["spanId"].clone());
    set("severity", record["severityText"].clone());
    set("flags", record["flags"].clone());
    set("attributes", attributes(&record["attributes"]));
    set("resources", resource.clone());
    let scope = &record["scope"];
    if scope["name"].is_string() {
        set(
            "instrumentation_scope",
            json!({"name": scope["name"], "version": scope["version"]}),
        );
    }
    let line: Value = serde_json::from_str(&entry.line)?;
    ensure!(
        line == Value::Object(expected.clone()),
        "the line should be {expected:?}"
    );
    Ok(())
}

/// What Loki makes of OTLP: the body is the line, the rest labels and structured metadata.
fn compare_otlp(record: &Value, entry: &Entry) -> Result<()> {
    let label = |name: &str| {
        entry
            .labels
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let service = record["resource"]["service.name"]
        .as_str()
        .unwrap_or("unknown_service");
    ensure!(label("service_name") == service, "service_name");
    ensure!(
        label("severity_text") == text(&record["severityText"]),
        "severity_text"
    );
    ensure!(label("trace_id") == text(&record["traceId"]), "trace_id");
    ensure!(label("span_id") == text(&record["spanId"]), "span_id");
    ensure!(
        label("scope_name") == text(&record["scope"]["name"]),
        "scope_name"
    );
    for (key, value) in attributes(&record["attributes"])
        .as_object()
        .into_iter()
        .flatten()
    {
        // Loki makes names of its own of other keys, and flattens maps and lists.
        let is_simple = !key.is_empty() && !key.contains([' ', '/', ':']);
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Bool(flag) => flag.to_string(),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => whole.to_string(),
                (None, double) => double.unwrap_or_default().to_string(),
            },
            _ => continue,
        };
        let found = label(&key.replace('.', "_"));
        ensure!(!is_simple || found == text, "{key} is {found}");
    }
    match plain(&record["body"]) {
        Value::Null => ensure!(entry.line.is_empty(), "the line"),
        Value::String(text) => ensure!(entry.line == text, "the line"),
        other => {
            let line: Value = serde_json::from_str(&entry.line)?;
            ensure!(line == other, "the line should be {other}");
        }
    }
    Ok(())
}

fn now() -> Result<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(u64::try_from(now.as_nanos())?)
}
