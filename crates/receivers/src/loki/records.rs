//! Entries as log records.
//!
//! As in the Collector the line is the body, and the stream's labels, but for those that begin with `__`, are attributes. More
//! than there: structured metadata are attributes too; the label `service_name` names the resource's service; the level and
//! the ids of trace and span, which Loki's clients put into labels and structured metadata, are those of the record.
//!
//! Limits: a push has at most [`MOST_ENTRIES`] entries, and becomes at most [`GROWTH`] times as large as the largest body.

use std::time::SystemTime;

use bytes::Bytes;
use fanlight_formats::loki::{Entry, JsonPush, PushRequest, parse_labels};
use fanlight_net::status::Failure;
use fanlight_otlp::view::Value;
use fanlight_otlp::write::{LogRecord, RequestWriter};
use fanlight_otlp::{Batch, Signal};
use prost::Message as _;
use prost::bytes::Buf as _;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// How many entries a push may have: each costs memory, however short it is.
const MOST_ENTRIES: usize = 1_000_000;
/// Labels stand on every record, so that a small body can become large.
const GROWTH: usize = 4;

/// Which time records have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    /// That of the entry.
    OfClient,
    /// That of its arrival.
    OfArrival,
}

/// A push as it came.
pub(super) enum Body {
    Protobuf(Bytes),
    Json(Bytes),
}

/// Undoes the snappy block.
pub(super) fn unsnap(block: &[u8], most: usize) -> Result<Body, Failure> {
    let invalid = |_| Failure::bad_request("the body is not a snappy block");
    if snap::raw::decompress_len(block).map_err(invalid)? > most {
        let message = format!(
            "the body is larger than {most} bytes after decompression; send smaller batches or raise the limit"
        );
        return Err(Failure::too_large(message));
    }
    let message = snap::raw::Decoder::new().decompress_vec(block);
    Ok(Body::Protobuf(message.map_err(invalid)?.into()))
}

/// Reads a push. `most` is the largest body in bytes.
pub(super) fn read(body: Body, times: Times, most: usize) -> Result<Batch, Failure> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
    let mut writer = Writer {
        out: RequestWriter::new(Signal::Logs),
        room: most.saturating_mul(GROWTH),
        times,
        now,
    };
    match body {
        Body::Protobuf(bytes) => {
            let invalid =
                |error| Failure::bad_request(format!("the body is no PushRequest: {error}"));
            if entries(&bytes).map_err(invalid)? > MOST_ENTRIES {
                return Err(too_many());
            }
            for stream in PushRequest::decode(bytes).map_err(invalid)?.streams {
                let labels = parse_labels(&stream.labels)
                    .map_err(|error| Failure::bad_request(error.to_string()))?;
                writer.stream(&labels, &stream.entries)?;
            }
        }
        Body::Json(bytes) => {
            let push: JsonPush = serde_json::from_slice(&bytes).map_err(|error| {
                Failure::bad_request(format!("the body is no push in JSON: {error}"))
            })?;
            for stream in push.streams {
                let labels = stream.stream.0.into_iter();
                let labels: Vec<_> = labels.map(|label| (label.name, label.value)).collect();
                writer.stream(&labels, &stream.values)?;
            }
        }
    }
    Ok(writer.out.finish())
}

/// How many entries a `PushRequest` has, found without decoding it.
fn entries(mut message: &[u8]) -> Result<usize, prost::DecodeError> {
    let mut count = 0;
    fields(&mut message, 1, |mut stream| {
        fields(&mut stream, 2, |_| {
            count += 1;
            Ok(())
        })
    })?;
    Ok(count)
}

/// Calls `each` with every occurrence of a field that is a message.
fn fields<'a>(
    message: &mut &'a [u8],
    number: u32,
    mut each: impl FnMut(&'a [u8]) -> Result<(), prost::DecodeError>,
) -> Result<(), prost::DecodeError> {
    while message.has_remaining() {
        let (tag, wire_type) = decode_key(message)?;
        if tag != number || wire_type != WireType::LengthDelimited {
            skip_field(wire_type, tag, message, DecodeContext::default())?;
            continue;
        }
        let length = usize::try_from(decode_varint(message)?).unwrap_or(usize::MAX);
        let Some((field, rest)) = message.split_at_checked(length) else {
            // Decoding will say what is wrong.
            return Ok(());
        };
        *message = rest;
        each(field)?;
    }
    Ok(())
}

fn too_many() -> Failure {
    Failure::too_large("the push has too many entries or labels; send smaller batches")
}

struct Writer {
    out: RequestWriter,
    /// How many bytes more may be written, about.
    room: usize,
    times: Times,
    now: u64,
}

impl Writer {
    /// Writes a stream's records.
    fn stream(&mut self, labels: &[(String, String)], entries: &[Entry]) -> Result<(), Failure> {
        let public = labels.iter().filter(|(name, _)| !name.starts_with("__"));
        let labels: Vec<(&str, Value<'_>)> = public
            .map(|(name, value)| (name.as_str(), Value::from(value)))
            .collect();
        let each: usize = labels.iter().map(|(name, value)| size(name, value)).sum();
        let all = entries.len().saturating_mul(each);
        self.room = self.room.checked_sub(all).ok_or_else(too_many)?;
        if entries.is_empty() {
            return Ok(());
        }
        let service = labels.iter().find(|(name, _)| *name == "service_name");
        let resource: Vec<_> = service
            .map(|(_, value)| ("service.name", *value))
            .into_iter()
            .collect();
        let (times, now) = (self.times, self.now);
        self.out.resource(&resource, |resource| {
            resource.scope("", "", |scope| {
                let mut attributes = Vec::new();
                for entry in entries {
                    attributes.clone_from(&labels);
                    for pair in &entry.structured_metadata {
                        attributes.push((pair.name.as_str(), Value::from(&pair.value)));
                    }
                    scope.log(&record(entry, &attributes, times, now));
                }
            });
        });
        Ok(())
    }
}

fn size(name: &str, value: &Value<'_>) -> usize {
    name.len() + value.as_str().map_or(0, str::len) + 16
}

fn record<'a>(
    entry: &'a Entry,
    attributes: &'a [(&'a str, Value<'a>)],
    times: Times,
    now: u64,
) -> LogRecord<'a> {
    let given = entry.timestamp.map_or(0, |time| time.to_nanos());
    let time_unix_nano = match (times, given) {
        (Times::OfArrival, _) | (_, 0) => now,
        (Times::OfClient, given) => given,
    };
    let named = |names: &[&str]| {
        let mut found = attributes.iter().rev();
        let found = found.find(|(name, _)| names.contains(name));
        found.and_then(|(_, value)| value.as_str())
    };
    let severity_text = named(&["level", "severity_text", "detected_level", "severity"]);
    let trace_id = named(&["trace_id", "traceid", "traceID"]).and_then(|text| text.parse().ok());
    let span_id = named(&["span_id", "spanid", "spanID"]).and_then(|text| text.parse().ok());
    LogRecord {
        time_unix_nano,
        observed_time_unix_nano: now,
        severity_number: severity_text.map_or(0, severity_number),
        severity_text: severity_text.unwrap_or_default(),
        body: Value::Str(&entry.line),
        attributes,
        trace_id: trace_id.unwrap_or_default(),
        span_id: span_id.unwrap_or_default(),
        ..LogRecord::default()
    }
}

/// The number of a level by its usual names; those of OTLP may have a digit behind them (`WARN3`). 0 for any other.
fn severity_number(level: &str) -> i32 {
    let level = level.trim().to_ascii_lowercase();
    let (name, step) = match level.as_bytes().last() {
        Some(digit @ b'2'..=b'4') => (
            level.trim_end_matches(|c: char| c.is_ascii_digit()),
            i32::from(digit - b'1'),
        ),
        _ => (level.as_str(), 0),
    };
    let first = match name {
        "trace" | "trc" => 1,
        "debug" | "dbg" => 5,
        "info" | "information" | "informational" | "notice" => 9,
        "warn" | "warning" => 13,
        "error" | "err" => 17,
        "fatal" | "critical" | "crit" | "panic" | "alert" | "emergency" | "emerg" => 21,
        _ => return 0,
    };
    first + step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_the_numbers_of_their_names() {
        for (level, number) in [
            ("info", 9),
            ("INFO", 9),
            ("Warning", 13),
            ("WARN3", 15),
            ("critical", 21),
            ("unknown", 0),
            ("", 0),
            ("4", 0),
        ] {
            assert_eq!(severity_number(level), number, "{level}");
        }
    }

    #[test]
    fn entries_are_counted_before_they_are_decoded() {
        let message = PushRequest {
            streams: vec![
                fanlight_formats::loki::Stream {
                    labels: "{}".to_owned(),
                    entries: vec![Entry::default(); 3],
                };
                2
            ],
        };
        let bytes = message.encode_to_vec();
        assert_eq!(entries(&bytes).unwrap(), 6);
        for cut in 0..bytes.len() {
            let part = Bytes::copy_from_slice(&bytes[..cut]);
            // Whatever is cut off is refused or is fewer entries; nothing panics.
            if let Ok(batch) = read(Body::Protobuf(part), Times::OfClient, 1 << 20) {
                assert!(batch.items() < 6);
            }
        }
    }

    #[test]
    fn labels_that_would_grow_without_bound_are_refused() {
        let label = format!("{{a=\"{}\"}}", "x".repeat(1000));
        let message = PushRequest {
            streams: vec![fanlight_formats::loki::Stream {
                labels: label,
                entries: vec![Entry::default(); 100],
            }],
        };
        let body = || Body::Protobuf(message.encode_to_vec().into());
        assert!(read(body(), Times::OfClient, 1 << 20).is_ok());
        let refused = read(body(), Times::OfClient, 2000).unwrap_err();
        assert_eq!(refused.status.as_u16(), 413);
    }
}
