//! Phoenix behind the hub: the golden set's traces, LLM spans among them, are read back from its API.
//!
//! Phoenix keeps the fields of `context` and what is below, in its own form: times in microseconds, attributes as JSON
//! with maps taken apart into dotted names. It has no place for resources, scopes, kinds, links, flags and trace states.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fanlight_otlp::Signal;
use serde_json::{Value, json};

use super::Setting;
use super::golden::Golden;
use super::server::phoenix::Phoenix;
use crate::hub::Ports;
use crate::process::eventually;
use crate::steps::{Steps, Tests};
use crate::{http, workspace};

/// The hub forwards traces to Phoenix by its preset.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    steps.run("hub to Phoenix: preset phoenix", |_| {
        hub_to_phoenix(setting)
    });
}

/// Scenario: the hub forwards the golden traces to a project of Phoenix.
/// Guarantee: every span reads back from that project with everything that Phoenix keeps, and the LLM span has its tokens.
fn hub_to_phoenix(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/phoenix")?;
    let phoenix = Phoenix::start(setting, &directory)?;
    let ports = Ports::free()?;
    let configuration = format!(
        "{}exporters:\n  phoenix:\n    endpoint: http://127.0.0.1:{}\n    project: golden\n\
         service:\n  pipelines:\n    traces:\n      receivers: [otlp]\n      exporters: [phoenix]\n",
        ports.receivers(),
        phoenix.http
    );
    let hub = setting.start_hub(&directory, ports, &configuration)?;
    let expected = sent(&Golden::send(Signal::Traces, ports)?.json()?);
    ensure!(expected.len() > 4, "the golden set has no spans");
    let found = eventually(Duration::from_secs(30), || {
        let found = spans(&phoenix)?;
        let missing: Vec<&String> = expected
            .keys()
            .filter(|id| !found.contains_key(*id))
            .collect();
        ensure!(missing.is_empty(), "Phoenix lacks the spans {missing:?}");
        Ok(found)
    })?;
    for (id, span) in &expected {
        let kept = found.get(id).with_context(|| format!("no span {id}"))?;
        kept.must_have(span).with_context(|| format!("span {id}"))?;
    }
    let tokens: Vec<&Value> = found
        .values()
        .filter_map(|span| span.attributes.get("llm.token_count.total"))
        .collect();
    ensure!(tokens == [&json!(22)], "Phoenix counts {tokens:?} tokens");
    hub.stop()?;
    Ok(Tests::passed(2))
}

/// A span as Phoenix keeps it.
#[derive(Debug)]
struct Span {
    /// What must be equal.
    fields: Value,
    /// By dotted name. Phoenix adds some of its own.
    attributes: BTreeMap<String, Value>,
}

impl Span {
    fn must_have(&self, expected: &Span) -> Result<()> {
        ensure!(
            self.fields == expected.fields,
            "is {}, expected {}",
            self.fields,
            expected.fields
        );
        for (key, value) in &expected.attributes {
            let found = self.attributes.get(key);
            ensure!(
                found == Some(value),
                "{key:?} is {found:?}, expected {value:.100}"
            );
        }
        Ok(())
    }
}

/// The spans of a request in OTLP/JSON, by span id.
fn sent(request: &Value) -> BTreeMap<String, Span> {
    let scopes = elements(&request["resourceSpans"]).flat_map(|one| elements(&one["scopeSpans"]));
    let spans = scopes.flat_map(|scope| elements(&scope["spans"]));
    spans
        .map(|span| (text(&span["spanId"]), as_sent(span)))
        .collect()
}

fn as_sent(span: &Value) -> Span {
    let status = ["UNSET", "OK", "ERROR"];
    let code = span["status"]["code"].as_u64().unwrap_or_default() as usize;
    let micros = |time: &Value| (text(time).parse::<u64>().unwrap_or_default() + 500) / 1000;
    let events = elements(&span["events"]).map(|event| {
        json!({"name": event["name"], "time": micros(&event["timeUnixNano"]), "attributes": attributes(&event["attributes"])})
    });
    let fields = json!({
        "trace": span["traceId"],
        "parent": text(&span["parentSpanId"]),
        "name": span["name"],
        "start": micros(&span["startTimeUnixNano"]),
        "end": micros(&span["endTimeUnixNano"]),
        "status": status.get(code),
        "message": text(&span["status"]["message"]),
        "events": events.collect::<Vec<_>>(),
    });
    Span {
        fields,
        attributes: attributes(&span["attributes"]),
    }
}

/// Attributes of OTLP/JSON with maps taken apart, less what Phoenix has no value for: empty maps, NaN, infinity, nothing.
///
/// Phoenix sets `exception.escaped` itself.
fn attributes(list: &Value) -> BTreeMap<String, Value> {
    let mut taken_apart = BTreeMap::new();
    for attribute in elements(list).filter(|one| one["key"] != "exception.escaped") {
        take_apart(
            text(&attribute["key"]),
            &attribute["value"],
            &mut taken_apart,
        );
    }
    taken_apart
}

fn take_apart(key: String, value: &Value, into: &mut BTreeMap<String, Value>) {
    let values = &value["arrayValue"]["values"];
    if let Some(map) = value.get("kvlistValue") {
        for field in elements(&map["values"]) {
            take_apart(
                format!("{key}.{}", text(&field["key"])),
                &field["value"],
                into,
            );
        }
    } else if elements(values).any(|element| element.get("kvlistValue").is_some()) {
        for (index, element) in elements(values).enumerate() {
            take_apart(format!("{key}.{index}"), element, into);
        }
    } else if let plain @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) =
        plain(value)
    {
        into.insert(key, plain);
    }
}

/// A value of OTLP/JSON as JSON would have it; null for what JSON can't have.
fn plain(value: &Value) -> Value {
    let Some((kind, content)) = value.as_object().and_then(|fields| fields.iter().next()) else {
        return Value::Null;
    };
    match &**kind {
        "intValue" => text(content)
            .parse::<i64>()
            .map_or(Value::Null, Value::from),
        "doubleValue" if content.is_string() => Value::Null,
        "arrayValue" => elements(&content["values"]).map(plain).collect(),
        _ => content.clone(),
    }
}

/// The project's spans, by span id.
fn spans(phoenix: &Phoenix) -> Result<BTreeMap<String, Span>> {
    let path = "/v1/projects/golden/spans?limit=1000";
    let answer = http::get(phoenix.http, path)?.json()?;
    elements(&answer["data"])
        .map(|span| Ok((text(&span["context"]["span_id"]), as_kept(span)?)))
        .collect()
}

fn as_kept(span: &Value) -> Result<Span> {
    let mut events = Vec::new();
    for event in elements(&span["events"]) {
        let mut attributes = event["attributes"].clone();
        if let Some(fields) = attributes.as_object_mut() {
            fields.remove("exception.escaped");
        }
        events.push(json!({"name": event["name"], "time": micros(&event["timestamp"])?, "attributes": attributes}));
    }
    let fields = json!({
        "trace": span["context"]["trace_id"],
        "parent": text(&span["parent_id"]),
        "name": span["name"],
        "start": micros(&span["start_time"])?,
        "end": micros(&span["end_time"])?,
        "status": span["status_code"],
        "message": span["status_message"],
        "events": events,
    });
    let attributes = span["attributes"].as_object().into_iter().flatten();
    Ok(Span {
        fields,
        attributes: attributes
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    })
}

/// Microseconds since 1970 of a time like `2026-11-21T08:26:51.010000+00:00`.
fn micros(time: &Value) -> Result<u64> {
    let text = text(time);
    let numbers: Vec<u64> = text
        .trim_end_matches("+00:00")
        .trim_end_matches('Z')
        .split(|letter: char| !letter.is_ascii_digit())
        .map(str::parse)
        .collect::<Result<_, _>>()
        .with_context(|| format!("{text} is no time"))?;
    let [year, month, day, hour, minute, second, fraction @ ..] = &numbers[..] else {
        bail!("{text} is no time");
    };
    // Years begin in March here, so that the leap day is the last of its year.
    let (years, months) = if *month > 2 {
        (*year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * years + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + day
        - 1
        - 719_468;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Ok(seconds * 1_000_000 + fraction.first().copied().unwrap_or_default())
}

fn elements(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_that_many_microseconds_since_1970() {
        let time = |text: &str| micros(&json!(text)).unwrap();
        assert_eq!(time("1970-01-01T00:00:00+00:00"), 0);
        assert_eq!(
            time("2024-02-29T12:00:00.250000+00:00"),
            1_709_208_000_250_000
        );
    }
}
