//! Exporters made from their configuration, and what they sent in a form that is read.

use std::time::Duration;

use fanlight_exporters::EXPORTERS;
use fanlight_otlp::view::Value;
use fanlight_otlp::write::{RequestWriter, Span};
use fanlight_otlp::{Batch, Signal, SpanId, TraceId};
use fanlight_pipeline::{Exporter, ExporterConfig, ExporterSnapshot};
use fanlight_testkit::{Hub, exporter_config, with_context};

/// An exporter of a type, by its configuration.
pub(crate) fn exporter(name: &str, yaml: &str) -> Box<dyn Exporter> {
    with_context(name, |context| config(name, yaml).build(context)).unwrap()
}

/// The checked configuration of an exporter of a type.
pub(crate) fn config(name: &str, yaml: &str) -> Box<dyn ExporterConfig> {
    let mut kinds = EXPORTERS.iter();
    let kind = kinds.find(|kind| kind.is_called(name)).unwrap();
    exporter_config(kind, yaml)
}

/// Readable JSON, in which the golden set's huge text is short.
pub(crate) fn readable(value: &serde_json::Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap();
    text.replace(&"huge ".repeat(200), "<200 times huge>")
        .replace("<200 times huge><200 times huge>", "<400 times huge>")
}

/// So many spans, numbered in their ids from 1.
pub(crate) fn spans(
    count: u64,
    start_time_unix_nano: u64,
    attributes: &[(&str, Value<'_>)],
) -> Batch {
    let mut out = RequestWriter::new(Signal::Traces);
    out.resource(&[("service.name", "shop".into())], |resource| {
        resource.scope("", "", |scope| {
            for number in 1..=count {
                scope.span(&Span {
                    trace_id: TraceId([7; 16]),
                    span_id: SpanId(number.to_be_bytes()),
                    name: "work",
                    start_time_unix_nano,
                    end_time_unix_nano: start_time_unix_nano + 1_000_000,
                    attributes,
                    ..Span::default()
                });
            }
        });
    });
    out.finish()
}

/// Now, in nanoseconds since 1970.
pub(crate) fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(now.unwrap().as_nanos()).unwrap()
}

/// What the pipeline counted for a batch that it sent through an exporter of a type.
pub(crate) async fn piped(name: &str, yaml: &str, batch: Batch) -> ExporterSnapshot {
    let (hub, door) = Hub::with_exporter(config(name, yaml)).await;
    door.offer(batch, "test").await.unwrap();
    hub.running.stop(Duration::from_secs(20)).await;
    hub.status.snapshot().exporters.remove(0)
}

/// The address of a peer that closes every connection before it answers.
pub(crate) async fn resetting_peer() -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            drop(socket);
        }
    });
    address
}
