//! Which backend a request is for: how its items are counted, and how a backend answers that took them all.

use anyhow::Result;
use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use crate::tally::Tally;

/// The coding of a body that is one block of snappy, which the coding `snappy` is not in every protocol.
pub const SNAPPY_BLOCK: &str = "a block of snappy";

/// A kind of backend, found by path and media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// OTLP's spans as protobuf, over gRPC or HTTP.
    OtlpSpans,
    /// Something else in OTLP, or something unknown, as protobuf: only the request is counted.
    Other,
    /// Something else in OTLP, or something unknown, as JSON.
    Json,
    /// Zipkin, JSON.
    ZipkinJson,
    /// Zipkin, protobuf.
    ZipkinProtobuf,
    /// Prometheus' remote write 1.0, and what takes it.
    RemoteWrite,
    /// Loki's push API.
    Loki,
    /// Elasticsearch's bulk API.
    Elasticsearch,
    /// Splunk's HTTP Event Collector.
    Splunk,
    /// ClickHouse's HTTP interface.
    ClickHouse,
    /// Azure Monitor's ingestion.
    AzureMonitor,
    /// AWS X-Ray.
    XRay,
}

/// A request without its coding.
#[derive(Clone, Copy, Debug)]
pub struct Came<'a> {
    /// What stands behind the path.
    pub query: &'a str,
    /// The body.
    pub message: &'a [u8],
}

impl Backend {
    /// The backend that has this path and takes this type of content.
    pub fn of(path: &str, media: &str) -> Backend {
        let is_json = media.contains("json");
        match path {
            _ if path.ends_with("/_bulk") => Backend::Elasticsearch,
            _ if path.ends_with("/track") => Backend::AzureMonitor,
            _ if path.ends_with("/services/collector") => Backend::Splunk,
            _ if path.ends_with("/api/v1/write") => Backend::RemoteWrite,
            _ if path.ends_with("/loki/api/v1/push") => Backend::Loki,
            _ if path.ends_with("/api/v2/spans") && is_json => Backend::ZipkinJson,
            _ if path.ends_with("/api/v2/spans") => Backend::ZipkinProtobuf,
            "/" => Backend::ClickHouse,
            "/TraceSegments" => Backend::XRay,
            _ if is_json => Backend::Json,
            _ if path.ends_with("/v1/traces") || path.contains("collector.trace.") => {
                Backend::OtlpSpans
            }
            _ => Backend::Other,
        }
    }

    /// The coding of a body: Loki's and Prometheus' protobuf is in a snappy block, whether a header says so or not.
    pub fn coding(self, said: &str) -> &str {
        match self {
            Backend::Loki | Backend::RemoteWrite => SNAPPY_BLOCK,
            _ => said,
        }
    }

    /// Counts what came.
    ///
    /// # Errors
    /// When it is not what the backend takes.
    pub fn count(self, came: &Came<'_>, tally: &mut Tally) -> Result<()> {
        match self {
            Backend::OtlpSpans => tally.add_spans(came.message)?,
            Backend::ZipkinProtobuf => tally.add_zipkin(came.message)?,
            Backend::RemoteWrite => tally.add_samples(came.message)?,
            Backend::Other => tally.requests += 1,
            _ => tally.add_text(came.message),
        }
        Ok(())
    }

    /// The status and the body of a good answer. An empty protobuf message is OTLP's full answer.
    pub fn thanks(self, came: &Came<'_>) -> (StatusCode, Bytes) {
        let lines = || came.message.split(|byte| *byte == b'\n');
        let items = || lines().filter(|line| !line.is_empty()).count();
        let answer = match self {
            Backend::OtlpSpans | Backend::Other => return (StatusCode::OK, Bytes::new()),
            Backend::RemoteWrite | Backend::Loki => return (StatusCode::NO_CONTENT, Bytes::new()),
            Backend::ZipkinJson | Backend::ZipkinProtobuf => {
                return (StatusCode::ACCEPTED, Bytes::new());
            }
            Backend::ClickHouse => return (StatusCode::OK, rows(came)),
            // A line says what to do with the document in the next.
            Backend::Elasticsearch => {
                let created = json!({ "create": { "status": 201 } });
                json!({ "errors": false, "items": vec![created; items() / 2] })
            }
            Backend::Splunk => json!({ "text": "Success", "code": 0 }),
            Backend::AzureMonitor => {
                json!({ "itemsReceived": items(), "itemsAccepted": items(), "errors": [] })
            }
            Backend::XRay => json!({ "UnprocessedTraceSegments": [] }),
            Backend::Json => json!({}),
        };
        (StatusCode::OK, answer.to_string().into())
    }
}

/// What ClickHouse answers: nothing, unless it is asked for a table's columns, in RowBinary. Those are told by which the
/// tables of the newest Collectors differ from older ones.
fn rows(came: &Came<'_>) -> Bytes {
    let asks = |text: &[u8]| memchr::memmem::find(text, b"system.columns").is_some();
    if ![came.query.as_bytes(), came.message].into_iter().any(asks) {
        return Bytes::new();
    }
    let mut rows = Vec::new();
    for text in ["TimeUnix", "DateTime64(9)", "EventName", "String"] {
        rows.push(text.len() as u8);
        rows.extend_from_slice(text.as_bytes());
    }
    rows.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_backend_is_told_by_path_and_media_type() {
        for (path, media, backend) in [
            ("/v1/traces", "application/x-protobuf", Backend::OtlpSpans),
            ("/v1/traces", "application/json", Backend::Json),
            ("/v1/logs", "application/x-protobuf", Backend::Other),
            ("/api/v2/spans", "application/json", Backend::ZipkinJson),
            (
                "/api/v2/spans",
                "application/x-protobuf",
                Backend::ZipkinProtobuf,
            ),
            ("/_bulk", "application/x-ndjson", Backend::Elasticsearch),
            ("/", "", Backend::ClickHouse),
        ] {
            assert_eq!(Backend::of(path, media), backend, "{path} {media}");
        }
    }

    #[test]
    fn elasticsearch_creates_every_document() {
        let came = Came {
            query: "",
            message: b"{}\n{}\n{}\n{}\n",
        };
        let (_, answer) = Backend::Elasticsearch.thanks(&came);
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["items"].as_array().map(Vec::len), Some(2));
    }
}
