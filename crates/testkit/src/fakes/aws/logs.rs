//! CloudWatch Logs: groups, streams and events, within the limits of `PutLogEvents`.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use fanlight_net::Body;
use fanlight_net::http::text;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{Account, Fault};
use crate::Recorded;

const HOUR: i64 = 60 * 60 * 1000;

/// CloudWatch Logs in one account and region.
#[derive(Debug)]
pub struct CloudWatchLogs {
    account: Account,
    groups: Mutex<BTreeMap<String, Group>>,
}

#[derive(Debug, Default)]
struct Group {
    retention_in_days: Option<u64>,
    tags: BTreeMap<String, String>,
    streams: BTreeMap<String, Vec<(i64, String)>>,
}

impl CloudWatchLogs {
    /// No group yet.
    pub fn new(account: Account) -> CloudWatchLogs {
        CloudWatchLogs {
            account,
            groups: Mutex::default(),
        }
    }

    /// The events of a stream: time in milliseconds since 1970, and message.
    pub fn events(&self, group: &str, stream: &str) -> Vec<(i64, String)> {
        let groups = self.groups.lock().expect("nobody panicked");
        let events = groups
            .get(group)
            .and_then(|group| group.streams.get(stream));
        events.cloned().unwrap_or_default()
    }

    /// A group's retention in days and its tags; none where there is no such group.
    pub fn group(&self, name: &str) -> Option<(Option<u64>, BTreeMap<String, String>)> {
        let groups = self.groups.lock().expect("nobody panicked");
        let group = groups.get(name)?;
        Some((group.retention_in_days, group.tags.clone()))
    }

    /// The answer to a request.
    pub fn answer(&self, request: &Recorded) -> Response<Body> {
        match self.call(request) {
            Ok(answer) => text(StatusCode::OK, answer.to_string()),
            Err(fault) => fault.json(),
        }
    }

    fn call(&self, request: &Recorded) -> Result<Value, Fault> {
        self.account.check(request, "logs")?;
        let unknown = |message: &str| Fault::new(400, "UnknownOperationException", message);
        if request.path != "/" || request.header("content-type") != "application/x-amz-json-1.1" {
            return Err(unknown("it speaks application/x-amz-json-1.1 at /"));
        }
        let body: Value = serde_json::from_slice(&request.body)
            .map_err(|error| Fault::new(400, "SerializationException", error.to_string()))?;
        let target = request.header("x-amz-target");
        let operation = target.strip_prefix("Logs_20140328.");
        let mut groups = self.groups.lock().expect("nobody panicked");
        let name = required(&body, "logGroupName", 512)?;
        match operation.ok_or_else(|| unknown(target))? {
            "CreateLogGroup" => {
                if groups.contains_key(&name) {
                    return Err(exists("The specified log group already exists"));
                }
                let group = Group {
                    tags: serde_json::from_value(body["tags"].clone()).unwrap_or_default(),
                    ..Group::default()
                };
                groups.insert(name, group);
            }
            "PutRetentionPolicy" => {
                let group = groups.get_mut(&name).ok_or_else(no_group)?;
                group.retention_in_days = body["retentionInDays"].as_u64();
            }
            "CreateLogStream" => {
                let stream = required(&body, "logStreamName", 512)?;
                let group = groups.get_mut(&name).ok_or_else(no_group)?;
                if group.streams.contains_key(&stream) {
                    return Err(exists("The specified log stream already exists"));
                }
                group.streams.insert(stream, Vec::new());
            }
            "PutLogEvents" => {
                let stream = required(&body, "logStreamName", 512)?;
                let group = groups.get_mut(&name).ok_or_else(no_group)?;
                let events = group.streams.get_mut(&stream);
                return put(events.ok_or_else(no_stream)?, &body);
            }
            other => return Err(unknown(other)),
        }
        Ok(json!({}))
    }
}

fn put(kept: &mut Vec<(i64, String)>, body: &Value) -> Result<Value, Fault> {
    let invalid = |message: &str| Fault::new(400, "InvalidParameterException", message);
    let events = body["logEvents"].as_array();
    let events = events.ok_or_else(|| invalid("logEvents is missing"))?;
    if events.is_empty() || events.len() > 10_000 {
        return Err(invalid("between 1 and 10000 events"));
    }
    let mut read = Vec::new();
    for event in events {
        let (timestamp, message) = (event["timestamp"].as_i64(), event["message"].as_str());
        match (timestamp, message) {
            (Some(timestamp), Some(message)) if timestamp >= 0 && !message.is_empty() => {
                read.push((timestamp, message.to_owned()));
            }
            _ => {
                return Err(invalid(
                    "an event has a timestamp and a message of 1 at least",
                ));
            }
        }
    }
    let size: usize = read.iter().map(|(_, message)| message.len() + 26).sum();
    if size > 1_048_576 {
        return Err(invalid("Upload too large: exceeds 1048576 bytes"));
    }
    if !read.is_sorted_by_key(|(timestamp, _)| *timestamp) {
        return Err(invalid(
            "Log events in a single PutLogEvents request must be in chronological order.",
        ));
    }
    let times = (
        read.first().map_or(0, |e| e.0),
        read.last().map_or(0, |e| e.0),
    );
    if times.1 - times.0 > 24 * HOUR {
        return Err(invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_millis() as i64);
    let old = read.partition_point(|event| event.0 < now - 14 * 24 * HOUR);
    let new = read.partition_point(|event| event.0 <= now + 2 * HOUR);
    kept.extend(read.get(old..new).unwrap_or_default().iter().cloned());
    let mut info = json!({});
    if old > 0 {
        info["tooOldLogEventEndIndex"] = json!(old);
    }
    if new < read.len() {
        info["tooNewLogEventStartIndex"] = json!(new);
    }
    match info.as_object().is_some_and(|info| info.is_empty()) {
        true => Ok(json!({ "nextSequenceToken": "1" })),
        false => Ok(json!({ "nextSequenceToken": "1", "rejectedLogEventsInfo": info })),
    }
}

fn required(body: &Value, key: &str, longest: usize) -> Result<String, Fault> {
    match body[key].as_str() {
        Some(text) if !text.is_empty() && text.len() <= longest => Ok(text.to_owned()),
        _ => Err(Fault::new(
            400,
            "InvalidParameterException",
            format!("{key} has between 1 and {longest} characters"),
        )),
    }
}

fn exists(message: &str) -> Fault {
    Fault::new(400, "ResourceAlreadyExistsException", message)
}

fn no_group() -> Fault {
    let message = "The specified log group does not exist.";
    Fault::new(400, "ResourceNotFoundException", message)
}

fn no_stream() -> Fault {
    let message = "The specified log stream does not exist.";
    Fault::new(400, "ResourceNotFoundException", message)
}
