//! Requests to store.

use bytes::Bytes;
use fanlight_otlp::{Batch, Signal};
use fanlight_store::{Store, StoreOptions};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

/// A store in a directory of its own, which goes with the guard.
pub(crate) fn open() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreOptions::new(directory.path().join("fanlight.db"))).unwrap();
    (directory, store)
}

pub(crate) fn batch(signal: Signal, request: &impl Message) -> Batch {
    Batch::decode(signal, Bytes::from(request.encode_to_vec())).unwrap()
}

pub(crate) fn text(value: &str) -> AnyValue {
    AnyValue {
        value: Some(any_value::Value::StringValue(value.to_owned())),
    }
}

pub(crate) fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

pub(crate) fn resource(service: &str) -> Resource {
    Resource {
        attributes: vec![
            attribute(
                "service.name",
                any_value::Value::StringValue(service.to_owned()),
            ),
            attribute("host.cpu.count", any_value::Value::IntValue(8)),
        ],
        dropped_attributes_count: 1,
        ..Resource::default()
    }
}

pub(crate) fn scope(name: &str) -> InstrumentationScope {
    InstrumentationScope {
        name: name.to_owned(),
        version: "1.2.3".to_owned(),
        attributes: vec![attribute("scope.kind", any_value::Value::BoolValue(true))],
        dropped_attributes_count: 2,
    }
}

/// A span that has nothing special.
pub(crate) fn span(trace: u8, id: u8, parent: Option<u8>) -> Span {
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![id; 8],
        parent_span_id: parent.map(|parent| vec![parent; 8]).unwrap_or_default(),
        name: format!("span {id}"),
        kind: 2,
        start_time_unix_nano: 1_000_000_000 + u64::from(id) * 1000,
        end_time_unix_nano: 1_000_000_000 + u64::from(id) * 1000 + 500,
        ..Span::default()
    }
}

/// A status by its number.
pub(crate) fn status(code: i32, message: &str) -> Status {
    Status {
        message: message.to_owned(),
        code,
    }
}

pub(crate) fn spans(service: &str, spans: Vec<Span>) -> Batch {
    let scope_spans = vec![ScopeSpans {
        scope: Some(scope("tests")),
        spans,
        schema_url: "https://example.com/scope".to_owned(),
    }];
    let resource_spans = vec![ResourceSpans {
        resource: Some(resource(service)),
        scope_spans,
        schema_url: "https://example.com/resource".to_owned(),
    }];
    batch(
        Signal::Traces,
        &ExportTraceServiceRequest { resource_spans },
    )
}

/// A log record with a text.
pub(crate) fn log(time: u64, severity_number: i32, body: &str) -> LogRecord {
    LogRecord {
        time_unix_nano: time,
        severity_number,
        body: Some(text(body)),
        ..LogRecord::default()
    }
}

pub(crate) fn logs(service: &str, log_records: Vec<LogRecord>) -> Batch {
    let scope_logs = vec![ScopeLogs {
        scope: Some(scope("tests")),
        log_records,
        schema_url: "https://example.com/scope".to_owned(),
    }];
    let resource_logs = vec![ResourceLogs {
        resource: Some(resource(service)),
        scope_logs,
        schema_url: "https://example.com/resource".to_owned(),
    }];
    batch(Signal::Logs, &ExportLogsServiceRequest { resource_logs })
}

pub(crate) fn metrics(service: &str, metrics: Vec<Metric>) -> Batch {
    let scope_metrics = vec![ScopeMetrics {
        scope: Some(scope("tests")),
        metrics,
        schema_url: String::new(),
    }];
    let resource_metrics = vec![ResourceMetrics {
        resource: Some(resource(service)),
        scope_metrics,
        schema_url: String::new(),
    }];
    batch(
        Signal::Metrics,
        &ExportMetricsServiceRequest { resource_metrics },
    )
}
