//! `google.rpc.Status`: how OTLP says what went wrong, in a gRPC trailer or an HTTP body.
//!
//! [Source](https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto). Of the details, the delay of
//! `RetryInfo` is read and written, as [OTLP asks](https://opentelemetry.io/docs/specs/otlp/#otlpgrpc-throttling); others are
//! left out.

use std::time::Duration;

use serde_json::Value as Json;

use crate::DecodeError;
use crate::wire::Records;
use crate::write::Encoder;

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// What went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The gRPC status code, such as 8 for `RESOURCE_EXHAUSTED`.
    pub code: i32,
    /// What happened, for people.
    pub message: String,
    /// When to try again, if the answer says so.
    pub retry_delay: Option<Duration>,
}

impl Status {
    /// The status as protobuf.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.varint(1, self.code as u64);
        out.bytes(2, &self.message);
        if let Some(delay) = self.retry_delay {
            out.nested(3, |any| {
                any.bytes(1, RETRY_INFO);
                any.nested(2, |retry_info| {
                    retry_info.nested(1, |duration| {
                        duration.varint(1, delay.as_secs());
                        duration.varint(2, u64::from(delay.subsec_nanos()));
                    });
                });
            });
        }
        out.into_bytes()
    }

    /// Reads a status from protobuf. A message that is not UTF-8 is read as far as it is.
    ///
    /// # Errors
    /// When the bytes are not a status.
    pub fn decode(bytes: &[u8]) -> Result<Status, DecodeError> {
        let mut status = Status::default();
        for record in Records::new(bytes, "google.rpc.Status") {
            let record = record?;
            match record.number {
                1 => status.code = record.varint()? as i32,
                2 => status.message = String::from_utf8_lossy(record.bytes()?).into_owned(),
                3 => status.retry_delay = retry_delay(record.bytes()?)?.or(status.retry_delay),
                _ => {}
            }
        }
        Ok(status)
    }

    /// The status as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::json!({ "code": self.code, "message": self.message });
        if let Some(delay) = self.retry_delay {
            let delay = format!("{}.{:09}", delay.as_secs(), delay.subsec_nanos());
            let delay = delay.trim_end_matches('0').trim_end_matches('.');
            json["details"] =
                serde_json::json!([{ "@type": RETRY_INFO, "retryDelay": format!("{delay}s") }]);
        }
        json.to_string().into_bytes()
    }

    /// Reads a status from JSON; `None` when the text is not one.
    pub fn from_json(json: &[u8]) -> Option<Status> {
        let json: Json = serde_json::from_slice(json).ok()?;
        let message = json.get("message")?.as_str()?.to_owned();
        let code = json
            .get("code")
            .and_then(Json::as_i64)
            .and_then(|code| i32::try_from(code).ok())
            .unwrap_or(0);
        let mut details = json
            .get("details")
            .and_then(Json::as_array)
            .into_iter()
            .flatten();
        let retry_delay = details.find_map(|detail| {
            let seconds = detail.get("retryDelay")?.as_str()?.strip_suffix('s')?;
            Duration::try_from_secs_f64(seconds.parse().ok()?).ok()
        });
        Some(Status {
            code,
            message,
            retry_delay,
        })
    }
}

/// The delay that a detail (`google.protobuf.Any`) asks for, if it is a `RetryInfo`.
fn retry_delay(any: &[u8]) -> Result<Option<Duration>, DecodeError> {
    let (mut kind, mut value): (&str, &[u8]) = ("", &[]);
    for record in Records::new(any, "google.protobuf.Any") {
        let record = record?;
        match record.number {
            1 => kind = record.text()?,
            2 => value = record.bytes()?,
            _ => {}
        }
    }
    if kind != RETRY_INFO {
        return Ok(None);
    }
    let (mut seconds, mut nanoseconds) = (0, 0);
    for record in Records::new(value, "google.rpc.RetryInfo") {
        let record = record?;
        if record.number != 1 {
            continue;
        }
        for record in Records::new(record.bytes()?, "google.protobuf.Duration") {
            let record = record?;
            match record.number {
                1 => seconds = record.varint()?,
                2 => nanoseconds = record.varint()?,
                _ => {}
            }
        }
    }
    // A negative or absurd duration asks for no delay.
    let nanoseconds = u32::try_from(nanoseconds)
        .ok()
        .filter(|nanoseconds| *nanoseconds < 1_000_000_000);
    let seconds = u32::try_from(seconds).ok();
    Ok(seconds
        .zip(nanoseconds)
        .map(|(seconds, nanoseconds)| Duration::new(u64::from(seconds), nanoseconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Status {
        Status {
            code: 8,
            message: "queue full".to_owned(),
            retry_delay: Some(Duration::from_millis(1500)),
        }
    }

    #[test]
    fn a_status_survives_both_encodings() {
        assert_eq!(Status::decode(&example().encode()), Ok(example()));
        assert_eq!(Status::from_json(&example().to_json()), Some(example()));
        let plain = Status {
            retry_delay: None,
            ..example()
        };
        assert_eq!(Status::decode(&plain.encode()), Ok(plain.clone()));
        assert_eq!(Status::from_json(&plain.to_json()), Some(plain));
    }

    #[test]
    fn json_is_the_one_that_grpc_gateways_write() {
        let json = String::from_utf8(example().to_json()).unwrap();
        assert!(
            json.contains(
                r#""@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.5s""#
            ),
            "{json}"
        );
    }

    #[test]
    fn other_text_is_no_status() {
        assert_eq!(Status::from_json(b"<html>no</html>"), None);
        assert_eq!(Status::from_json(b"{\"error\":1}"), None);
        assert!(Status::decode(b"<html>").is_err());
    }

    #[test]
    fn absurd_delays_are_no_delay() {
        let mut negative = Encoder::new();
        negative.nested(3, |any| {
            any.bytes(1, RETRY_INFO);
            any.nested(2, |info| {
                info.nested(1, |duration| duration.varint(1, u64::MAX))
            });
        });
        assert_eq!(
            Status::decode(&negative.into_bytes()).unwrap().retry_delay,
            None
        );
    }
}
