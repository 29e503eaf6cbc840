//! `Export*ServiceResponse`: what a receiver answers when it took a request, in whole or in part.
//!
//! [Source](https://opentelemetry.io/docs/specs/otlp/#partial-success). All signals have the same message but for the JSON
//! name of the counter. An answer without partial success is empty.

use serde_json::Value as Json;

use crate::Signal;
use crate::wire::Records;
use crate::write::Encoder;

/// What a receiver did not take, or a warning about what it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialSuccess {
    /// How many items were rejected; sending them again is pointless. With 0, the message is a warning.
    pub rejected: u64,
    /// Why, in the receiver's words.
    pub message: String,
}

/// The answer, in JSON or protobuf.
pub fn encode(signal: Signal, rejected: u64, message: &str, json: bool) -> Vec<u8> {
    let nothing = rejected == 0 && message.is_empty();
    if json {
        if nothing {
            return b"{}".to_vec();
        }
        let mut partial = serde_json::Map::new();
        partial.insert(
            signal.info().json_rejected.to_owned(),
            Json::String(rejected.to_string()),
        );
        partial.insert("errorMessage".to_owned(), Json::String(message.to_owned()));
        return serde_json::json!({ "partialSuccess": partial })
            .to_string()
            .into_bytes();
    }
    let mut out = Encoder::new();
    if !nothing {
        out.nested(1, |out| {
            out.varint(1, rejected);
            out.bytes(2, message);
        });
    }
    out.into_bytes()
}

/// The partial success of an answer; `None` when there is none. Bytes that are no answer are none either: the status that
/// came with them says that the request was taken, and that is what counts.
pub fn decode(signal: Signal, bytes: &[u8], json: bool) -> Option<PartialSuccess> {
    let partial = if json {
        decode_json(signal, bytes)?
    } else {
        decode_protobuf(bytes)?
    };
    (partial != PartialSuccess::default()).then_some(partial)
}

fn decode_protobuf(bytes: &[u8]) -> Option<PartialSuccess> {
    let mut partial = PartialSuccess::default();
    for record in Records::new(bytes, "Export response") {
        let record = record.ok()?;
        if record.number != 1 {
            continue;
        }
        for record in Records::new(record.bytes().ok()?, "Export partial success") {
            let record = record.ok()?;
            match record.number {
                1 => {
                    partial.rejected =
                        u64::try_from(record.varint().ok()?.cast_signed()).unwrap_or(0)
                }
                2 => partial.message = String::from_utf8_lossy(record.bytes().ok()?).into_owned(),
                _ => {}
            }
        }
    }
    Some(partial)
}

fn decode_json(signal: Signal, bytes: &[u8]) -> Option<PartialSuccess> {
    let json: Json = serde_json::from_slice(bytes).ok()?;
    let partial = json
        .get("partialSuccess")
        .or_else(|| json.get("partial_success"))?;
    let rejected = match partial.get(signal.info().json_rejected) {
        Some(Json::String(text)) => text.parse().unwrap_or(0),
        Some(number) => number.as_u64().unwrap_or(0),
        None => 0,
    };
    let message = partial
        .get("errorMessage")
        .and_then(Json::as_str)
        .unwrap_or_default();
    Some(PartialSuccess {
        rejected,
        message: message.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_survive_both_encodings() {
        for signal in Signal::ALL {
            for json in [false, true] {
                let bytes = encode(signal, 3, "too old", json);
                let partial = PartialSuccess {
                    rejected: 3,
                    message: "too old".to_owned(),
                };
                assert_eq!(
                    decode(signal, &bytes, json),
                    Some(partial),
                    "{signal} json={json}"
                );
                assert_eq!(decode(signal, &encode(signal, 0, "", json), json), None);
            }
        }
    }

    #[test]
    fn full_success_is_empty() {
        assert_eq!(encode(Signal::Traces, 0, "", false), b"");
        assert_eq!(encode(Signal::Traces, 0, "", true), b"{}");
    }

    #[test]
    fn json_uses_the_counter_of_the_signal() {
        let json = String::from_utf8(encode(Signal::Metrics, 1, "no", true)).unwrap();
        assert_eq!(
            json,
            r#"{"partialSuccess":{"errorMessage":"no","rejectedDataPoints":"1"}}"#
        );
    }

    #[test]
    fn what_is_no_answer_is_no_partial_success() {
        assert_eq!(decode(Signal::Logs, b"<html>", true), None);
        assert_eq!(decode(Signal::Logs, b"<html>", false), None);
    }
}
