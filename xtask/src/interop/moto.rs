//! X-Ray and CloudWatch Logs behind the hub, as moto has them: the golden traces and logs are read back from their APIs.
//!
//! moto checks signatures and policies with AWS's own Python library. X-Ray is sent to in a role that is taken on by STS, CloudWatch
//! Logs with the user's own key; region and credentials come from the environment.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use fanlight_otlp::Signal;
use serde_json::{Map, Value, json};

use super::Setting;
use super::golden::Golden;
use super::server::moto::{Moto, REGION, User};
use crate::hub::{Hub, Ports};
use crate::process::eventually;
use crate::steps::{Steps, Tests};
use crate::workspace;

/// The hub forwards traces and logs to AWS.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    steps.run("hub to moto: awsxray in a role, awscloudwatchlogs", |_| {
        hub_to_moto(setting)
    });
}

/// Scenario: the hub forwards the golden traces to X-Ray and the golden logs to a group of CloudWatch that is not there yet.
/// Guarantee: every span reads back as its segment and every record as its event, with everything that was sent.
fn hub_to_moto(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/moto")?;
    let moto = Moto::start(setting, &directory)?;
    let user = moto.user()?;
    let ports = Ports::free()?;
    let file = directory.join("fanlight.yaml");
    std::fs::write(&file, configuration(&moto, &user, ports))?;
    let variables = [
        ("AWS_ACCESS_KEY_ID", user.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", user.secret_access_key.clone()),
        ("AWS_REGION", REGION.to_owned()),
        (
            "AWS_ENDPOINT_URL_STS",
            format!("http://127.0.0.1:{}", moto.http),
        ),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    let hub = Hub::from_file(
        &setting.hub()?,
        &directory.join("hub"),
        ports,
        &file,
        &variables,
    )?;
    moto.check_signatures(true)?;
    let traces = Golden::send(Signal::Traces, ports)?.json()?;
    let logs = Golden::send(Signal::Logs, ports)?.json()?;
    // Stopping drains the queues; what is read back then is all that was ever sent.
    hub.stop()?;
    moto.check_signatures(false)?;
    let spans = check_segments(&moto, &traces)?;
    check_summaries(&moto, &traces)?;
    let events = check_events(&moto, &logs)?;
    Ok(Tests::passed(spans + events))
}

fn configuration(moto: &Moto, user: &User, ports: Ports) -> String {
    format!(
        "{}exporters:\n  awsxray:\n    endpoint: http://127.0.0.1:{port}\n    role_arn: {role}\n    aws_log_groups: [/shop/checkout]\n\
         \x20 awscloudwatchlogs:\n    endpoint: http://127.0.0.1:{port}\n    log_group_name: /shop/checkout\n    log_stream_name: hub\n    log_retention: 14\n\
         service:\n  pipelines:\n    traces:\n      receivers: [otlp]\n      exporters: [awsxray]\n    logs:\n      receivers: [otlp]\n      exporters: [awscloudwatchlogs]\n",
        ports.receivers(),
        port = moto.http,
        role = user.role_arn,
    )
}

/// Compares the segments that X-Ray has with the spans of a request; returns how many there are.
fn check_segments(moto: &Moto, traces: &Value) -> Result<usize> {
    let spans = spans(traces);
    let mut ids: Vec<String> = spans.iter().map(|(_, span)| trace_id(span)).collect();
    ids.sort();
    ids.dedup();
    let answer = moto.xray("Traces", &json!({ "TraceIds": ids }))?;
    let mut segments = BTreeMap::new();
    for segment in elements(&answer["Traces"]).flat_map(|trace| elements(&trace["Segments"])) {
        let document = segment["Document"].as_str().unwrap_or_default();
        let document: Value = serde_json::from_str(document)?;
        let id = document["id"].as_str().unwrap_or_default().to_owned();
        let twice = segments.insert(id, document);
        ensure!(twice.is_none(), "X-Ray has a segment twice: {segment}");
    }
    ensure!(
        segments.len() == spans.len(),
        "X-Ray has {} segments of {} spans",
        segments.len(),
        spans.len()
    );
    for (resource, span) in &spans {
        let id = span["spanId"].as_str().unwrap_or_default();
        let segment = segments
            .get(id)
            .with_context(|| format!("no segment {id}"))?;
        must_tell(segment, resource, span).with_context(|| format!("{segment:#}"))?;
    }
    Ok(spans.len())
}

/// Whether a segment tells everything of its span.
fn must_tell(segment: &Value, resource: &Value, span: &Value) -> Result<()> {
    let seconds = |key: &str| {
        let nanos: u64 = text(&span[key]).parse().unwrap_or_default();
        nanos as f64 / 1e9
    };
    let parent = text(&span["parentSpanId"]);
    let is_subsegment = span["kind"] != 2 && !parent.is_empty();
    for (key, expected) in [
        ("start_time", seconds("startTimeUnixNano")),
        ("end_time", seconds("endTimeUnixNano")),
    ] {
        let found = segment[key].as_f64().unwrap_or_default();
        let is_same = (found - expected).abs() < 1e-6;
        ensure!(is_same, "{key} is {found}, expected {expected}");
    }
    ensure!(segment["trace_id"] == trace_id(span), "the trace differs");
    let has_failed = span["status"]["code"] == 2;
    ensure!(
        segment["fault"] == has_failed,
        "fault is {}",
        segment["fault"]
    );
    ensure!(text(&segment["parent_id"]) == parent, "the parent differs");
    ensure!(
        (segment["type"] == "subsegment") == is_subsegment,
        "the type differs"
    );
    let kept = &segment["metadata"]["default"];
    for attribute in elements(&span["attributes"]) {
        let (key, value) = (text(&attribute["key"]), plain(&attribute["value"]));
        let in_metadata = number(&kept[&key]) == value && kept.get(&key).is_some();
        ensure!(
            in_metadata || holds(segment, &value),
            "{key} is lost: {value:.100}"
        );
    }
    for attribute in elements(&resource["attributes"]).filter(|_| !is_subsegment) {
        let key = format!("otel.resource.{}", text(&attribute["key"]));
        ensure!(
            number(&kept[&key]) == plain(&attribute["value"]),
            "{key} differs"
        );
    }
    for event in elements(&span["events"]) {
        let attributes = elements(&event["attributes"]);
        for attribute in attributes.filter(|one| one["key"] != "exception.stacktrace") {
            let value = plain(&attribute["value"]);
            let is_told = holds(segment, &value) || attribute["key"] == "exception.escaped";
            ensure!(is_told, "{attribute} of an event is lost");
        }
    }
    for link in elements(&span["links"]) {
        let id = json!(text(&link["spanId"]));
        let has = elements(&segment["links"]).any(|found| found["id"] == id);
        ensure!(has || text(&link["traceId"]).is_empty(), "a link is lost");
    }
    Ok(())
}

/// Whether a value is one of a document's, or part of the URL or another text that was put together.
fn holds(document: &Value, value: &Value) -> bool {
    match document {
        Value::Object(fields) => fields.values().any(|inner| holds(inner, value)),
        Value::Array(list) => {
            number(document) == *value || list.iter().any(|inner| holds(inner, value))
        }
        Value::String(found) => {
            let wanted = value.as_str().map_or(value.to_string(), str::to_owned);
            // The usual port of a scheme is left out of a URL.
            found.contains(&wanted) || (*value == json!(443) && found.starts_with("https://"))
        }
        other => number(other) == *value,
    }
}

/// X-Ray lists the golden trace among those of the last minutes.
fn check_summaries(moto: &Moto, traces: &Value) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let wanted = spans(traces).first().map(|(_, span)| trace_id(span));
    let range = json!({"StartTime": now - 600, "EndTime": now + 60});
    eventually(Duration::from_secs(5), || {
        let answer = moto.xray("TraceSummaries", &range)?;
        let has = elements(&answer["TraceSummaries"])
            .any(|summary| summary["Id"].as_str() == wanted.as_deref());
        ensure!(has, "no {wanted:?} among {answer}");
        Ok(())
    })
}

/// Compares the events that CloudWatch has with the records of a request; returns how many there are.
fn check_events(moto: &Moto, logs: &Value) -> Result<usize> {
    let names =
        json!({"logGroupName": "/shop/checkout", "logStreamName": "hub", "startFromHead": true});
    let answer = moto.logs("GetLogEvents", &names)?;
    let found: Vec<(u64, Value)> = elements(&answer["events"])
        .map(|event| {
            let message = serde_json::from_str(event["message"].as_str().unwrap_or_default())?;
            Ok((
                event["timestamp"].as_u64().unwrap_or_default(),
                number(&message),
            ))
        })
        .collect::<Result<_>>()?;
    let mut expected = Vec::new();
    for resource in elements(&logs["resourceLogs"]) {
        for scope in elements(&resource["scopeLogs"]) {
            for record in elements(&scope["logRecords"]) {
                expected.push(event(&resource["resource"], &scope["scope"], record));
            }
        }
    }
    expected.sort_by_key(|(time, _)| *time);
    ensure!(
        found.len() == expected.len(),
        "CloudWatch has {} events of {} records",
        found.len(),
        expected.len()
    );
    for (found, expected) in found.iter().zip(&expected) {
        ensure!(found == expected, "is {found:?}, expected {expected:?}");
    }
    let groups = moto.logs("DescribeLogGroups", &json!({}))?;
    let retention = &groups["logGroups"][0]["retentionInDays"];
    ensure!(*retention == json!(14), "the retention is {retention}");
    Ok(expected.len())
}

/// The event of a log record: its time in milliseconds, and its message.
fn event(resource: &Value, scope: &Value, record: &Value) -> (u64, Value) {
    let nanos = |key: &str| text(&record[key]).parse::<u64>().unwrap_or_default();
    let time = match nanos("timeUnixNano") {
        0 => nanos("observedTimeUnixNano"),
        time => time,
    };
    let mut scope_kept = Map::new();
    for key in ["name", "version"] {
        scope_kept.insert(key.to_owned(), scope[key].clone());
    }
    scope_kept.insert("attributes".to_owned(), attributes(&scope["attributes"]));
    let mut kept = Map::new();
    for (key, field) in [
        ("severity_number", "severityNumber"),
        ("severity_text", "severityText"),
        ("event_name", "eventName"),
        ("flags", "flags"),
        ("dropped_attributes_count", "droppedAttributesCount"),
        ("trace_id", "traceId"),
        ("span_id", "spanId"),
    ] {
        kept.insert(key.to_owned(), record[field].clone());
    }
    kept.insert("attributes".to_owned(), attributes(&record["attributes"]));
    kept.insert("resource".to_owned(), attributes(&resource["attributes"]));
    kept.insert(
        "scope".to_owned(),
        Value::Object(without_nothing(scope_kept)),
    );
    let mut kept = without_nothing(kept);
    if let Some(body) = record.get("body") {
        kept.insert("body".to_owned(), plain(body));
    }
    (time / 1_000_000, Value::Object(kept))
}

/// Fields that say nothing are not written.
fn without_nothing(mut fields: Map<String, Value>) -> Map<String, Value> {
    fields.retain(|_, value| {
        let nothing = [Value::Null, json!(""), json!(0), json!({})];
        !nothing.contains(value)
    });
    fields
}

/// Every span of a request, with its resource.
fn spans(traces: &Value) -> Vec<(&Value, &Value)> {
    let mut found = Vec::new();
    for resource in elements(&traces["resourceSpans"]) {
        for scope in elements(&resource["scopeSpans"]) {
            let spans = elements(&scope["spans"]);
            found.extend(spans.map(|span| (&resource["resource"], span)));
        }
    }
    found
}

fn trace_id(span: &Value) -> String {
    let id = text(&span["traceId"]);
    let (time, rest) = id.split_at_checked(8).unwrap_or((&id, ""));
    format!("1-{time}-{rest}")
}

fn attributes(list: &Value) -> Value {
    let pairs = elements(list).map(|one| (text(&one["key"]), plain(&one["value"])));
    Value::Object(pairs.collect())
}

/// A value of OTLP/JSON as plain JSON.
fn plain(value: &Value) -> Value {
    let Some((kind, content)) = value.as_object().and_then(|fields| fields.iter().next()) else {
        return Value::Null;
    };
    match &**kind {
        "intValue" => text(content)
            .parse::<i64>()
            .map_or(content.clone(), Value::from),
        "arrayValue" => elements(&content["values"]).map(plain).collect(),
        "kvlistValue" => attributes(&content["values"]),
        _ => number(content),
    }
}

/// The same value with whole numbers as such, however they were written.
fn number(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if !number.is_i64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                json!(float as i64)
            }
            _ => value.clone(),
        },
        Value::Array(list) => list.iter().map(number).collect(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| (key.clone(), number(value)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

fn elements(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// A text; a number in digits.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}
