//! Azure Monitor's ingestion service, `v2.1/track`.
//!
//! Written from the [published API](https://github.com/Azure/azure-rest-api-specs/blob/main/specification/applicationinsights/data-plane/Monitor.Exporters/preview/v2.1/swagger.json)
//! and the [schema](https://github.com/microsoft/ApplicationInsights-Home/tree/master/EndpointSpecs/Schemas/Bond) of its items.

use std::collections::VecDeque;
use std::io::Read as _;
use std::sync::Mutex;

use fanlight_net::Body;
use fanlight_net::http::text;
use flate2::read::GzDecoder;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::Recorded;

/// How long an item may be, in bytes.
const LONGEST_ITEM: usize = 64 << 10;
/// How many items a request may have.
const MOST_ITEMS: usize = 1024;

/// What is wrong with an item, if something is.
type Checked = Result<(), String>;

/// The service behind one instrumentation key.
#[derive(Debug)]
pub struct AzureMonitor {
    instrumentation_key: &'static str,
    plans: Mutex<VecDeque<Plan>>,
    items: Mutex<Vec<Value>>,
}

/// What happens to the next request.
#[derive(Clone, Debug)]
pub enum Plan {
    /// It is answered with this status, and a header if one is named.
    Status(u16, Option<(&'static str, String)>),
    /// It is taken but for these of its items, which get their statuses.
    Partly(Vec<(usize, u16)>),
}

impl AzureMonitor {
    /// Nothing in it yet.
    pub fn new(instrumentation_key: &'static str) -> AzureMonitor {
        AzureMonitor {
            instrumentation_key,
            plans: Mutex::default(),
            items: Mutex::default(),
        }
    }

    /// What happens to the next request that nothing is planned for yet.
    pub fn plan(&self, plan: Plan) {
        self.plans.lock().expect("nobody panicked").push_back(plan);
    }

    /// The items that were taken, in order.
    pub fn items(&self) -> Vec<Value> {
        self.items.lock().expect("nobody panicked").clone()
    }

    /// The answer to a request.
    pub fn answer(&self, request: &Recorded) -> Response<Body> {
        if request.path != "/v2.1/track" {
            return text(StatusCode::NOT_FOUND, "");
        }
        let plan = self.plans.lock().expect("nobody panicked").pop_front();
        let planned = match plan {
            Some(Plan::Status(status, header)) => {
                let mut response = track_response(status, 0, 0, &[]);
                if let Some((name, value)) = header {
                    let value = HeaderValue::from_str(&value).expect("a header");
                    response.headers_mut().insert(name, value);
                }
                return response;
            }
            Some(Plan::Partly(errors)) => errors,
            None => Vec::new(),
        };
        match lines(request) {
            Ok(lines) => self.take(&lines, &planned),
            Err(why) => track_response(400, 0, 0, &[(0, 400, why)]),
        }
    }

    fn take(&self, lines: &[String], planned: &[(usize, u16)]) -> Response<Body> {
        let mut errors = Vec::new();
        let mut items = self.items.lock().expect("nobody panicked");
        for (index, line) in lines.iter().enumerate() {
            let plan = planned.iter().find(|(at, _)| *at == index);
            if let Some((_, status)) = plan {
                errors.push((index, *status, "as planned".to_owned()));
                continue;
            }
            match self.check(line) {
                Ok(item) => items.push(item),
                Err(why) => errors.push((index, 400, why)),
            }
        }
        let accepted = lines.len() - errors.len();
        let status = match (accepted, errors.len()) {
            (_, 0) => 200,
            (0, _) if planned.is_empty() => 400,
            _ => 206,
        };
        track_response(status, lines.len(), accepted, &errors)
    }

    fn check(&self, line: &str) -> Result<Value, String> {
        if line.len() > LONGEST_ITEM {
            return Err(format!("107: the item has {} bytes", line.len()));
        }
        let item: Value = serde_json::from_str(line).map_err(|error| format!("104: {error}"))?;
        let envelope = item.as_object().ok_or("104: an item is an object")?;
        known(
            envelope,
            &[
                "ver",
                "name",
                "time",
                "sampleRate",
                "seq",
                "iKey",
                "tags",
                "data",
            ],
        )?;
        if item["iKey"] != self.instrumentation_key {
            return Err("103: Invalid instrumentation key".to_owned());
        }
        let time = item["time"].as_str().unwrap_or_default();
        let has_form = time.len() >= 20 && time.ends_with('Z') && time.get(10..11) == Some("T");
        if !has_form {
            return Err(format!(
                "106: Field 'time' on type 'Envelope' is not a date: {time}"
            ));
        }
        for (tag, value) in item["tags"].as_object().into_iter().flatten() {
            let longest = match tag.as_str() {
                "ai.operation.id" => 128,
                "ai.operation.parentId" => 512,
                "ai.operation.name" => 1024,
                "ai.cloud.role" | "ai.cloud.roleInstance" => 256,
                "ai.internal.sdkVersion" => 64,
                other => return Err(format!("unknown tag {other}")),
            };
            text_of(tag, value, longest)?;
        }
        let kind = item["data"]["baseType"].as_str().unwrap_or_default();
        let name = kind.strip_suffix("Data").unwrap_or_default();
        if item["name"] != format!("Microsoft.ApplicationInsights.{name}") {
            return Err(format!("102: {} does not hold {kind}", item["name"]));
        }
        let base = item["data"]["baseData"].as_object();
        check_data(kind, base.ok_or("105: Field 'baseData' is required")?)?;
        Ok(item)
    }
}

/// A field of an item: its name, how long it may be, whether it must be there.
type Field = (&'static str, usize, bool);

const REQUEST: &[Field] = &[
    ("id", 512, true),
    ("name", 1024, false),
    ("responseCode", 1024, true),
    ("url", 2048, false),
    ("source", 1024, false),
];
const DEPENDENCY: &[Field] = &[
    ("id", 512, false),
    ("name", 1024, true),
    ("resultCode", 1024, false),
    ("data", 8192, false),
    ("type", 1024, false),
    ("target", 1024, false),
];

fn check_data(kind: &str, data: &Map<String, Value>) -> Checked {
    if data.get("ver") != Some(&json!(2)) {
        return Err("105: Field 'ver' is 2".to_owned());
    }
    for (key, value) in data
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        if key.is_empty() || key.chars().count() > 150 {
            return Err(format!("109: Field 'properties' has the key `{key}`"));
        }
        text_of(key, value, 8192)?;
    }
    let severities = ["Verbose", "Information", "Warning", "Error", "Critical"];
    if let Some(severity) = data.get("severityLevel") {
        let is_known = severity
            .as_str()
            .is_some_and(|level| severities.contains(&level));
        if !is_known {
            return Err(format!("106: {severity} is no severity"));
        }
    }
    match kind {
        "RequestData" => check_call(data, REQUEST),
        "RemoteDependencyData" => check_call(data, DEPENDENCY),
        "MessageData" => check_fields(data, &[("message", 32768, true)], &["severityLevel"]),
        "EventData" => check_fields(data, &[("name", 512, true)], &[]),
        "ExceptionData" => check_exceptions(data),
        "MetricData" => check_metrics(data),
        other => Err(format!("102: {other} is no type of telemetry")),
    }
}

fn check_exceptions(data: &Map<String, Value>) -> Checked {
    let others = ["severityLevel", "exceptions"];
    check_fields(data, &[("problemId", 1024, false)], &others)?;
    let exceptions = data.get("exceptions").and_then(Value::as_array);
    let exceptions = exceptions.filter(|list| !list.is_empty());
    for details in exceptions.ok_or("105: Field 'exceptions' is required")? {
        let details = details.as_object().ok_or("104: details are an object")?;
        let fields = [
            "id",
            "outerId",
            "typeName",
            "message",
            "hasFullStack",
            "stack",
            "parsedStack",
        ];
        known(details, &fields)?;
        for (key, longest) in [("typeName", 1024), ("message", 32768)] {
            match details.get(key) {
                Some(Value::String(text)) if text.is_empty() => {}
                Some(value) => {
                    text_of(key, value, longest)?;
                    continue;
                }
                None => {}
            }
            return Err(format!(
                "105: Field '{key}' on type 'ExceptionDetails' is required but missing or empty"
            ));
        }
        if let Some(stack) = details.get("stack") {
            text_of("stack", stack, 32768)?;
        }
    }
    Ok(())
}

/// Requests and dependencies.
fn check_call(data: &Map<String, Value>, fields: &[Field]) -> Checked {
    check_fields(data, fields, &["duration", "success"])?;
    let duration = data
        .get("duration")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let digits = duration
        .chars()
        .all(|c| c.is_ascii_digit() || ".:".contains(c));
    if !digits || duration.split(':').count() != 3 {
        return Err(format!("106: `{duration}` is no duration"));
    }
    match data.get("success") {
        Some(Value::Bool(_)) => Ok(()),
        other => Err(format!("106: success is {other:?}")),
    }
}

fn check_metrics(data: &Map<String, Value>) -> Checked {
    check_fields(data, &[], &["metrics"])?;
    let Some([Value::Object(metric)]) = data
        .get("metrics")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
    else {
        return Err("105: Field 'metrics' has one element".to_owned());
    };
    known(
        metric,
        &[
            "ns", "name", "kind", "value", "count", "min", "max", "stdDev",
        ],
    )?;
    match metric.get("name") {
        Some(Value::String(name)) if !name.is_empty() => text_of("name", &metric["name"], 1024)?,
        _ => return Err("105: Field 'name' on type 'DataPoint' is required".to_owned()),
    }
    if !metric.get("value").is_some_and(Value::is_number) {
        return Err("105: Field 'value' on type 'DataPoint' is required".to_owned());
    }
    if !matches!(
        metric.get("kind").and_then(Value::as_str),
        Some("Measurement" | "Aggregation")
    ) {
        return Err("106: kind is Measurement or Aggregation".to_owned());
    }
    let fits = |count: &Value| {
        count
            .as_i64()
            .is_some_and(|count| i32::try_from(count).is_ok())
    };
    match metric.get("count").is_none_or(fits) {
        true => Ok(()),
        false => Err("106: count has 32 bits".to_owned()),
    }
}

fn check_fields(data: &Map<String, Value>, fields: &[Field], others: &[&str]) -> Checked {
    let names = fields.iter().map(|(name, ..)| *name);
    let names: Vec<&str> = names
        .chain(others.iter().copied())
        .chain(["ver", "properties"])
        .collect();
    known(data, &names)?;
    for (name, longest, is_required) in fields {
        match data.get(*name) {
            Some(Value::String(text)) if text.is_empty() && *is_required => {
                return Err(format!(
                    "105: Field '{name}' is required but missing or empty"
                ));
            }
            Some(value) => text_of(name, value, *longest)?,
            None if *is_required => return Err(format!("105: Field '{name}' is required")),
            None => {}
        }
    }
    Ok(())
}

fn known(object: &Map<String, Value>, fields: &[&str]) -> Checked {
    let unknown = object.keys().find(|key| !fields.contains(&key.as_str()));
    unknown.map_or(Ok(()), |key| Err(format!("104: unknown field `{key}`")))
}

fn text_of(name: &str, value: &Value, longest: usize) -> Checked {
    match value {
        Value::String(text) if text.chars().count() <= longest => Ok(()),
        Value::String(_) => Err(format!("109: Field '{name}' is longer than {longest}")),
        other => Err(format!("106: Field '{name}' is {other}")),
    }
}

/// The lines of a body, by its headers.
fn lines(request: &Recorded) -> Result<Vec<String>, String> {
    if request.header("content-type") != "application/x-json-stream" {
        return Err(format!(
            "100: content type {}",
            request.header("content-type")
        ));
    }
    let mut body = String::new();
    let read = match request.header("content-encoding") {
        "gzip" => GzDecoder::new(request.body.as_ref()).read_to_string(&mut body),
        "" => request.body.as_ref().read_to_string(&mut body),
        other => return Err(format!("100: content encoding {other}")),
    };
    read.map_err(|error| format!("100: {error}"))?;
    let lines: Vec<String> = body.lines().map(str::to_owned).collect();
    match lines.len() > MOST_ITEMS {
        true => Err(format!("101: {} items", lines.len())),
        false => Ok(lines),
    }
}

fn track_response(
    status: u16,
    received: usize,
    accepted: usize,
    errors: &[(usize, u16, String)],
) -> Response<Body> {
    let errors: Vec<Value> = errors
        .iter()
        .map(|(index, status, message)| {
            json!({"index": index, "statusCode": status, "message": message})
        })
        .collect();
    let body = json!({"itemsReceived": received, "itemsAccepted": accepted, "errors": errors});
    text(
        StatusCode::from_u16(status).expect("a status"),
        body.to_string(),
    )
}
