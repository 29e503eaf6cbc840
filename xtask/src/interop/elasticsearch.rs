//! Elasticsearch behind the hub: the golden set's documents are read back by search, field by field.

mod expected;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanlight_otlp::Signal;
use serde_json::{Value, json};

use super::Setting;
use super::golden::Golden;
use super::server::elasticsearch::Elasticsearch;
use crate::hub::Ports;
use crate::process::eventually;
use crate::steps::{Steps, Tests};
use crate::{http, workspace};

/// Every mapping mode of the exporter that takes all signals.
const MODES: [&str; 4] = ["otel", "ecs", "none", "raw"];

/// Golden set to Elasticsearch, in every mode.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    for mode in MODES {
        steps.run(&format!("hub to Elasticsearch: mode {mode}"), |_| {
            hub_to_elasticsearch(setting, mode)
        });
    }
}

/// Scenario: the hub sends the golden spans, log records and data points to Elasticsearch in one mode.
/// Guarantee: Elasticsearch takes every document; what it finds by search has the values that were sent, times to the
/// nanosecond. Only points that no index can hold are missing.
fn hub_to_elasticsearch(setting: &Setting, mode: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!("interop/runs/elasticsearch-{mode}"))?;
    let elasticsearch = Elasticsearch::start(setting, &directory)?;
    for signal in ["traces", "logs", "metrics"] {
        put_template(&elasticsearch, signal, mode)?;
    }
    let ports = Ports::free()?;
    let configuration = format!(
        "{}exporters:\n  elasticsearch:\n    endpoint: http://127.0.0.1:{}\n    mapping:\n      mode: {mode}\n    include_source_on_error: false\n    sending_queue:\n      batch:\n        flush_timeout: 200ms\n",
        ports.receivers(),
        elasticsearch.http
    );
    let hub = setting.start_hub(&directory, ports, &configuration)?;
    let traces = Golden::send(Signal::Traces, ports)?.json()?;
    let logs = Golden::send(Signal::Logs, ports)?.json()?;
    let metrics = Golden::send(Signal::Metrics, ports)?.json()?;
    let spans = expected::spans(&traces, mode);
    let events = expected::events(&traces, mode);
    let records = expected::logs(&logs, mode);
    let points = expected::points(&metrics, mode);
    must_have(&elasticsearch, "traces-*", &spans)?;
    must_have(&elasticsearch, "logs-*", &[events, records].concat())?;
    must_have(&elasticsearch, "metrics-*", &points)?;
    hub.stop()?;
    Ok(Tests::passed(3))
}

/// A template as Elasticsearch's own are, as far as its open modules go; in the older modes, dates only.
fn put_template(elasticsearch: &Elasticsearch, signal: &str, mode: &str) -> Result<()> {
    let date =
        json!({"type": "date_nanos", "format": "epoch_millis||strict_date_optional_time_nanos"});
    let texts = json!({"texts": {"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 1024}}});
    let mut body = json!({
        "index_patterns": [format!("{signal}-*")],
        "priority": 200,
        "template": {"mappings": {"properties": {"@timestamp": date}, "dynamic_templates": [texts]}},
    });
    if mode == "otel" {
        let attributes =
            |priority: u32| json!({"type": "passthrough", "dynamic": true, "priority": priority});
        let nested = |priority: u32| json!({"properties": {"attributes": attributes(priority)}});
        body["data_stream"] = json!({});
        let mappings = &mut body["template"]["mappings"];
        mappings["properties"] = json!({
            "@timestamp": date, "observed_timestamp": date, "start_timestamp": date,
            "attributes": attributes(20), "resource": nested(10), "scope": nested(15),
            "metrics": {"type": "passthrough", "dynamic": true, "priority": 5},
            "links": {"enabled": false, "type": "object"},
            "body": {"properties": {"text": {"type": "text"}, "structured": {"type": "flattened", "ignore_above": 1024}}},
            "_metric_names_hash": {"type": "keyword"},
        });
        let kind = |name: &str, mapping: Value| json!({name: {"mapping": mapping}});
        mappings["dynamic_templates"] = json!([
            texts,
            kind("gauge_long", json!({"type": "long"})),
            kind("gauge_double", json!({"type": "double"})),
            kind("counter_long", json!({"type": "long"})),
            kind("counter_double", json!({"type": "double"})),
            // The real types are licensed; the documents are the same.
            kind("histogram", json!({"type": "flattened"})),
            kind("summary", json!({"type": "flattened"})),
        ]);
    }
    let path = format!("/_index_template/{signal}");
    let json_type = [("content-type", "application/json")];
    let answer = http::request(
        elasticsearch.http,
        "PUT",
        &path,
        &json_type,
        body.to_string().as_bytes(),
    )?;
    answer.json().with_context(|| format!("PUT {path}"))?;
    Ok(())
}

/// Waits until the indices hold exactly these documents.
fn must_have(elasticsearch: &Elasticsearch, indices: &str, expected: &[Value]) -> Result<()> {
    let found = eventually(Duration::from_secs(60), || {
        let found = search(elasticsearch, indices)?;
        let (has, all) = (found.len(), expected.len());
        ensure!(has >= all, "{indices} hold {has} of {all} documents");
        Ok(found)
    })?;
    for document in expected {
        ensure!(
            found.iter().any(|found| contains(found, document)),
            "{indices} hold no document with {document:.3000}\nbut {:.6000}",
            Value::from(found.clone()).to_string()
        );
    }
    let (has, all) = (found.len(), expected.len());
    ensure!(
        has == all,
        "{indices} hold {has} documents, {all} were expected"
    );
    Ok(())
}

/// Every document, its `@timestamp` as the index reads it.
fn search(elasticsearch: &Elasticsearch, indices: &str) -> Result<Vec<Value>> {
    http::request(
        elasticsearch.http,
        "POST",
        &format!("/{indices}/_refresh"),
        &[],
        b"",
    )?;
    let query = json!({"size": 1000, "fields": [{"field": "@timestamp", "format": "strict_date_optional_time_nanos"}]});
    let json_type = [("content-type", "application/json")];
    let path = format!("/{indices}/_search");
    let answer = http::request(
        elasticsearch.http,
        "POST",
        &path,
        &json_type,
        query.to_string().as_bytes(),
    )?
    .json()?;
    let hits = answer["hits"]["hits"].as_array().context("no hits")?;
    let document = |hit: &Value| {
        let mut source = hit["_source"].clone();
        source["@timestamp"] = hit["fields"]["@timestamp"][0].clone();
        source
    };
    Ok(hits.iter().map(document).collect())
}

/// Whether a document has every member that is expected, all the way down; where an empty object is expected, nothing may be.
fn contains(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(members)) => {
            let has = |(key, value): (&String, &Value)| {
                contains(found.get(key).unwrap_or(&Value::Null), value)
            };
            members.iter().all(has) && (!members.is_empty() || found.is_empty())
        }
        (Value::Null, Value::Object(members)) => {
            members.values().all(|value| contains(&Value::Null, value))
        }
        (found, expected) => found == expected,
    }
}
