//! The dashboard's Jaeger API beside Jaeger's own: the same telemetry, the same questions, the same answers.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use fanlight_otlp::Signal;
use serde_json::{Value, json};

use super::Setting;
use super::golden::{Golden, send};
use super::jaeger::{Jaeger, trace_ids};
use crate::hub::Ports;
use crate::process::eventually;
use crate::steps::{Steps, Tests};
use crate::{http, workspace};

/// Both are asked everything that Grafana's data source asks.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    steps.run("the dashboard's Jaeger API beside Jaeger's own", |_| {
        same_answers(setting)
    });
}

/// What Jaeger and the hub call a service without a name.
const UNNAMED: [&str; 2] = ["missing-service-name", "unknown_service"];

/// The two that are asked.
struct Both {
    jaeger: u16,
    dashboard: u16,
}

/// Scenario: the golden traces are sent to Jaeger and to the hub, and both are asked for services, operations, each trace,
/// and traces by service, tag and duration.
/// Guarantee: the answers are equal field by field, but for the order of lists that have none.
fn same_answers(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/jaeger-api")?;
    let jaeger = Jaeger::start(&setting.jaeger()?, &directory)?;
    let ports = Ports::free()?;
    let hub = setting.start_hub(&directory, ports, &ports.receivers())?;
    let mut golden = Golden::now(Signal::Traces)?;
    // Jaeger answers 500 where a trace has a number that JSON does not.
    for number in ["\"NaN\"", "\"Infinity\"", "\"-Infinity\""] {
        golden.text = golden.text.replace(number, "0.25");
    }
    send(Signal::Traces, jaeger.otlp, &golden.text)?;
    send(Signal::Traces, ports, &golden.text)?;
    let ids: Vec<String> = trace_ids(&golden.items()?).into_iter().collect();
    let both = Both {
        jaeger: jaeger.query,
        dashboard: ports.dashboard,
    };
    let mut questions = vec!["/api/services".to_owned()];
    for id in &ids {
        questions.push(format!("/api/traces/{id}"));
        questions.push(format!("/api/traces?traceID={id}"));
    }
    let services = eventually(Duration::from_secs(10), || both.same("/api/services"))?;
    let named = services["data"].as_array().into_iter().flatten();
    for service in named.filter(|name| **name != UNNAMED[1]) {
        let service = service.as_str().unwrap_or_default().replace(' ', "%20");
        questions.push(format!("/api/services/{service}/operations"));
        let search =
            format!("/api/traces?service={service}&limit=100&start=1&end=9000000000000000");
        for filter in [
            "",
            "&minDuration=1ms",
            "&tags=%7B%22error%22%3A%22true%22%7D",
        ] {
            questions.push(format!("{search}{filter}"));
        }
    }
    let wrong: Vec<String> = questions
        .iter()
        .filter_map(|question| both.same(question).err())
        .map(|error| error.to_string())
        .collect();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    hub.stop()?;
    Ok(Tests::passed(questions.len()))
}

impl Both {
    /// Asks both, and answers what they agree on.
    fn same(&self, question: &str) -> Result<Value> {
        let theirs = http::get(self.jaeger, question)?;
        let ours = http::get(self.dashboard, &format!("/jaeger{question}"))?;
        let (theirs, ours) = (comparable(theirs.json()?), comparable(ours.json()?));
        ensure!(
            theirs == ours,
            "{question}:\n{}",
            differences("", &theirs, &ours).join("\n")
        );
        Ok(ours)
    }
}

/// Where two values differ, and how.
fn differences(place: &str, theirs: &Value, ours: &Value) -> Vec<String> {
    match (theirs, ours) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            let of = |key: &String| {
                let place = format!("{place}.{key}");
                differences(
                    &place,
                    one.get(key).unwrap_or(&json!("(absent)")),
                    other.get(key).unwrap_or(&json!("(absent)")),
                )
            };
            keys.into_iter().flat_map(of).collect()
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let pairs = one.iter().zip(other).enumerate();
            pairs
                .flat_map(|(index, (one, other))| {
                    differences(&format!("{place}[{index}]"), one, other)
                })
                .collect()
        }
        (Value::Array(one), Value::Array(other)) => {
            let only = |these: &[Value], those: &[Value]| -> Vec<String> {
                let only = these.iter().filter(|value| !those.contains(value));
                only.map(ToString::to_string).collect()
            };
            vec![format!(
                "{place}: only Jaeger {:?}, only we {:?}",
                only(one, other),
                only(other, one)
            )]
        }
        _ if theirs == ours => Vec::new(),
        _ => vec![format!("{place}: Jaeger {theirs}, we {ours}")],
    }
}

/// An answer without what may differ: the order of lists, the names of processes, how a number is written, and what Jaeger
/// adds in words.
fn comparable(mut answer: Value) -> Value {
    for trace in answer["data"].as_array_mut().into_iter().flatten() {
        name_processes(trace);
    }
    for name in answer["data"].as_array_mut().into_iter().flatten() {
        if *name == UNNAMED[0] {
            *name = json!(UNNAMED[1]);
        }
    }
    if let Some(errors) = answer["errors"].as_array_mut() {
        errors
            .iter_mut()
            .for_each(|error| error["msg"] = Value::Null);
    }
    sorted(answer)
}

/// Calls each process by what it is.
fn name_processes(trace: &mut Value) {
    let Some(processes) = trace.get("processes").cloned().map(sorted) else {
        return;
    };
    for span in trace["spans"].as_array_mut().into_iter().flatten() {
        let id = span["processID"].as_str().unwrap_or_default().to_owned();
        span["processID"] = processes[&id].clone();
        // Jaeger says in words what it left out, and has a name of its own for services without one.
        span["warnings"] = Value::Null;
        if span["processID"]["serviceName"] == UNNAMED[0] {
            span["processID"]["serviceName"] = json!(UNNAMED[1]);
        }
    }
    if let Some(trace) = trace.as_object_mut() {
        trace.remove("processes");
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Array(list) => {
            let mut list: Vec<Value> = list.into_iter().map(sorted).collect();
            list.sort_by_key(ToString::to_string);
            Value::Array(list)
        }
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| (key, sorted(value)));
            Value::Object(fields.collect())
        }
        // 2.0 is 2.
        Value::Number(number) => match number.as_f64() {
            Some(value) if number.is_f64() && value.fract() == 0.0 => json!(value as i64),
            _ => Value::Number(number),
        },
        other => other,
    }
}
