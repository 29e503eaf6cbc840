//! What a message says: its payload as a batch, its place and headers as metadata.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use fanlight_net::kafka::FOREIGN_ENCODINGS;
use fanlight_otlp::edit::{Level, Verdict, rewrite};
use fanlight_otlp::view::{OwnedValue, Value};
use fanlight_otlp::write::{LogRecord, RequestWriter};
use fanlight_otlp::{Batch, Origin, Signal, json};
use rdkafka::Message;
use rdkafka::message::Headers as _;
use serde::Deserialize;

/// What a message's payload is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Encoding {
    /// An OTLP request in protobuf.
    #[default]
    Proto,
    /// An OTLP request in JSON.
    Json,
    /// The body of one log record, as bytes.
    RawLog,
    /// The body of one log record, as UTF-8.
    TextLog,
    /// The body of one log record, as any JSON.
    JsonLog,
}

impl TryFrom<String> for Encoding {
    type Error = String;

    fn try_from(name: String) -> Result<Encoding, String> {
        match name.as_str() {
            "otlp_proto" => Ok(Encoding::Proto),
            "otlp_json" => Ok(Encoding::Json),
            "raw" => Ok(Encoding::RawLog),
            "text" | "text_utf-8" | "text_utf8" => Ok(Encoding::TextLog),
            "json" => Ok(Encoding::JsonLog),
            name if name.starts_with("text_") => Err(format!(
                "the encoding `{name}` is not supported: write text for UTF-8, or raw to keep the bytes"
            )),
            name if FOREIGN_ENCODINGS.contains(&name) => Err(format!(
                "the encoding `{name}` can't be read from Kafka: let the producer write otlp_proto, or send to the jaeger or zipkin receiver"
            )),
            _ => Err(format!(
                "`{name}` is no encoding; write otlp_proto, otlp_json, or raw, text or json for logs (encoding extensions are not supported)"
            )),
        }
    }
}

impl Encoding {
    /// Whether only logs can have it.
    pub(super) const fn is_for_logs(self) -> bool {
        matches!(
            self,
            Encoding::RawLog | Encoding::TextLog | Encoding::JsonLog
        )
    }

    /// The batch that a payload is.
    ///
    /// # Errors
    /// Says why it is none.
    pub(super) fn read(self, signal: Signal, payload: &[u8]) -> Result<Batch, String> {
        match self {
            Encoding::Proto => Batch::decode(signal, Bytes::copy_from_slice(payload))
                .map_err(|error| error.to_string()),
            Encoding::Json => json::read(signal, payload).map_err(|error| error.to_string()),
            Encoding::RawLog => Ok(log(Value::Bytes(payload))),
            Encoding::TextLog => std::str::from_utf8(payload)
                .map(|text| log(Value::Str(text)))
                .map_err(|error| format!("not UTF-8: {error}")),
            Encoding::JsonLog => serde_json::from_slice(payload)
                .map(|value| log(owned(&value).view()))
                .map_err(|error| format!("not JSON: {error}")),
        }
    }
}

/// One log record with that body.
fn log(body: Value<'_>) -> Batch {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut request = RequestWriter::new(Signal::Logs);
    request.resource(&[], |resource| {
        resource.scope("", "", |scope| {
            scope.log(&LogRecord {
                observed_time_unix_nano: u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
                body,
                ..LogRecord::default()
            });
        });
    });
    request.finish()
}

fn owned(value: &serde_json::Value) -> OwnedValue {
    match value {
        serde_json::Value::Null => Value::Empty.into(),
        serde_json::Value::Bool(value) => Value::Bool(*value).into(),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(integer) => Value::Int(integer).into(),
            None => Value::Double(number.as_f64().unwrap_or(f64::NAN)).into(),
        },
        serde_json::Value::String(text) => Value::Str(text).into(),
        serde_json::Value::Array(values) => {
            let values: Vec<OwnedValue> = values.iter().map(owned).collect();
            OwnedValue::array(&values)
        }
        serde_json::Value::Object(fields) => {
            let fields: Vec<(&str, OwnedValue)> = fields
                .iter()
                .map(|(key, value)| (key.as_str(), owned(value)))
                .collect();
            OwnedValue::map(fields.iter().map(|(key, value)| (*key, value)))
        }
    }
}

/// The batch with the wanted headers as attributes of each resource.
pub(super) fn with_headers(
    batch: Batch,
    message: &impl Message,
    wanted: &[String],
) -> Result<Batch, String> {
    let headers: Vec<(String, String)> = headers(message)
        .filter(|(name, _)| wanted.iter().any(|wanted| wanted == name))
        .map(|(name, value)| (format!("kafka.header.{name}"), value))
        .collect();
    if headers.is_empty() {
        return Ok(batch);
    }
    rewrite(batch, |element| {
        if element.level() != Level::Resource {
            return Ok(Verdict::KeepWhole);
        }
        if let Some(attributes) = element.attributes()? {
            headers
                .iter()
                .for_each(|(name, value)| attributes.set(name, value));
        }
        Ok(Verdict::Keep)
    })
    .map_err(|error| error.to_string())
}

/// Where the message was, and its headers.
pub(super) fn origin(message: &impl Message) -> Arc<Origin> {
    let place = [
        ("kafka.topic", message.topic().to_owned()),
        ("kafka.partition", message.partition().to_string()),
        ("kafka.offset", message.offset().to_string()),
    ];
    let place = place
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    let headers = headers(message).map(|(name, value)| (name.to_ascii_lowercase(), value));
    Arc::new(Origin {
        metadata: place.chain(headers).collect(),
        self_telemetry: false,
    })
}

fn headers(message: &impl Message) -> impl Iterator<Item = (String, String)> {
    let headers = message
        .headers()
        .into_iter()
        .flat_map(|headers| headers.iter());
    headers.filter_map(|header| {
        let value = String::from_utf8_lossy(header.value?).into_owned();
        Some((header.key.to_owned(), value))
    })
}
