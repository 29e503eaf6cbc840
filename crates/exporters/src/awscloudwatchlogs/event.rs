//! One log record as one event: a time, a message, and the stream that it belongs to.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use fanlight_otlp::view::{LogView, ResourceView, ScopeView, Value};
use serde::Deserialize;

use super::limits::LONGEST_MESSAGE;
use crate::json_object::{JsonObject, front};

/// Where events go: a stream of a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stream {
    pub(super) group: String,
    pub(super) name: String,
}

/// What CloudWatch keeps of a log record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// When it happened, in milliseconds since 1970.
    pub(super) timestamp: u64,
    pub(super) message: String,
    /// The number of its record in the batch.
    pub(super) item: usize,
}

/// What the end of a message says that was too long.
const CUT: &str = "[Truncated...]";

/// When a record happened: its own time, else when it was seen, else now.
pub(super) fn milliseconds(record: &LogView<'_>) -> u64 {
    let nanos = match (record.time_unix_nano, record.observed_time_unix_nano) {
        (0, 0) => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            return now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        }
        (0, observed) => observed,
        (happened, _) => happened,
    };
    nanos / 1_000_000
}

/// The whole record as JSON, with the keys that the Collector writes and `event_name`.
pub(super) fn wrapped(
    resource: &ResourceView<'_>,
    scope: &ScopeView<'_>,
    record: &LogView<'_>,
) -> String {
    let mut out = Vec::with_capacity(512);
    JsonObject::write(&mut out, |out| {
        if record.body != Value::Empty {
            out.value("body", &record.body);
        }
        for (key, number) in [
            ("severity_number", i64::from(record.severity_number)),
            (
                "dropped_attributes_count",
                i64::from(record.dropped_attributes_count),
            ),
            ("flags", i64::from(record.flags)),
        ] {
            if number != 0 {
                out.number(key, number);
            }
        }
        out.some_text("severity_text", record.severity_text);
        out.some_text("event_name", record.event_name);
        if !record.trace_id.is_zero() {
            out.text("trace_id", &record.trace_id.to_string());
        }
        if !record.span_id.is_zero() {
            out.text("span_id", &record.span_id.to_string());
        }
        if !record.attributes.is_empty() {
            out.value("attributes", &Value::Map(record.attributes));
        }
        out.some_object("scope", |out| {
            out.some_text("name", scope.name);
            out.some_text("version", scope.version);
            if !scope.attributes.is_empty() {
                out.value("attributes", &Value::Map(scope.attributes));
            }
        });
        if !resource.attributes.is_empty() {
            out.value("resource", &Value::Map(resource.attributes));
        }
    });
    String::from_utf8(out).unwrap_or_default()
}

/// A message that fits: what is too long is cut, and says so.
pub(super) fn fit(message: Cow<'_, str>) -> String {
    if message.len() <= LONGEST_MESSAGE {
        return message.into_owned();
    }
    let kept = front(&message, LONGEST_MESSAGE - CUT.len());
    format!("{kept}{CUT}")
}

/// The keys of the [embedded metric format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html)
/// that name a stream, in its first version and in the one before.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Embedded {
    #[serde(rename = "_aws")]
    aws: Option<EmbeddedStream>,
    log_group_name: String,
    log_stream_name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EmbeddedStream {
    #[serde(rename = "LogGroupName", alias = "logGroupName")]
    group: String,
    #[serde(rename = "LogStreamName", alias = "logStreamName")]
    name: String,
}

/// Whether a message is in the embedded metric format.
pub(super) fn is_embedded(message: &str) -> bool {
    #[derive(Deserialize)]
    struct Marked {
        #[serde(rename = "_aws")]
        _aws: serde::de::IgnoredAny,
    }
    serde_json::from_str::<Marked>(message).is_ok()
}

/// The stream that a message in the embedded metric format asks for, where it does.
pub(super) fn embedded_stream(message: &str, default: &Stream) -> Option<Stream> {
    if !message.trim_start().starts_with('{') {
        return None;
    }
    let embedded: Embedded = serde_json::from_str(message).ok()?;
    let (group, name) = match embedded.aws {
        Some(aws) if !aws.group.is_empty() => (aws.group, aws.name),
        _ => (embedded.log_group_name, embedded.log_stream_name),
    };
    if group.is_empty() {
        return None;
    }
    let name = match name.is_empty() {
        true => default.name.clone(),
        false => name,
    };
    Some(Stream { group, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_metrics_name_their_stream() {
        let default = Stream {
            group: "g".to_owned(),
            name: "s".to_owned(),
        };
        let found = |message: &str| {
            embedded_stream(message, &default).map(|stream| (stream.group, stream.name))
        };
        let pair = |group: &str, name: &str| Some((group.to_owned(), name.to_owned()));
        assert_eq!(
            found(r#"{"_aws":{"LogGroupName":"a","Timestamp":1}}"#),
            pair("a", "s")
        );
        assert_eq!(
            found(r#"{"log_group_name":"a","log_stream_name":"b"}"#),
            pair("a", "b")
        );
        assert_eq!(found(r#"{"message":"a"}"#), None);
        assert_eq!(found("plain text"), None);
    }

    #[test]
    fn a_message_that_is_too_long_is_cut_and_says_so() {
        let message = fit(Cow::Owned("ü".repeat(LONGEST_MESSAGE)));
        assert!(message.len() <= LONGEST_MESSAGE && message.len() > LONGEST_MESSAGE - 3);
        assert!(message.ends_with("ü[Truncated...]"));
    }
}
