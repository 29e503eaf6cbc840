//! What the wire costs: one request of 100 spans with 10 attributes each, about 45 KB, beside `prost` decoding it.
//!
//! `cargo bench -p fanlight-otlp`. Each figure is the best of many runs; compare the ratios, not the times.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints its result, and fails by panicking"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fanlight_otlp::edit::{Level, Verdict, rewrite};
use fanlight_otlp::view::Value;
use fanlight_otlp::write::{RequestWriter, Span};
use fanlight_otlp::{Batch, Signal, SpanId, TraceId, json};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

const ATTRIBUTES: [(&str, Value<'static>); 10] = [
    ("http.request.method", Value::Str("GET")),
    ("http.response.status_code", Value::Int(200)),
    (
        "url.full",
        Value::Str("https://shop.example.com/api/v1/cart/items?page=3&size=50"),
    ),
    ("url.path", Value::Str("/api/v1/cart/items")),
    ("server.address", Value::Str("shop.example.com")),
    ("server.port", Value::Int(443)),
    ("network.protocol.version", Value::Str("1.1")),
    (
        "user_agent.original",
        Value::Str("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
    ),
    ("thread.name", Value::Str("worker-7")),
    ("cache.hit_ratio", Value::Double(0.875)),
];

fn request() -> Batch {
    let mut out = RequestWriter::new(Signal::Traces);
    out.resource(
        &[
            ("service.name", "shop".into()),
            ("service.version", "1.2.3".into()),
        ],
        |resource| {
            resource.scope("io.opentelemetry.http", "1.30.0", |scope| {
                for index in 0..100_u8 {
                    scope.span(&Span {
                        trace_id: TraceId([index; 16]),
                        span_id: SpanId([index; 8]),
                        parent_span_id: SpanId([index; 8]),
                        flags: 257,
                        name: "GET /api/v1/cart/items",
                        kind: 3,
                        start_time_unix_nano: 1_700_000_000_000_000_000,
                        end_time_unix_nano: 1_700_000_000_100_000_000,
                        attributes: &ATTRIBUTES,
                        status_code: 1,
                        ..Span::default()
                    });
                }
            });
        },
    );
    out.finish()
}

/// The best of many runs of at least a few microseconds each.
fn best(mut run: impl FnMut()) -> Duration {
    let started = Instant::now();
    let mut best = Duration::MAX;
    while started.elapsed() < Duration::from_millis(500) {
        let lap = Instant::now();
        for _ in 0..8 {
            run();
        }
        best = best.min(lap.elapsed() / 8);
    }
    best
}

fn count_characters(batch: &Batch) -> usize {
    let mut characters = 0;
    for resource in batch.resources().flatten() {
        for scope in resource.scopes().flatten() {
            for span in scope.spans().flatten() {
                characters += span.name.len();
                for (key, value) in span.attributes.iter().flatten() {
                    characters += key.len() + value.as_str().map_or(8, str::len);
                }
            }
        }
    }
    characters
}

fn insert_everywhere(batch: Batch) -> Batch {
    let edited = rewrite(batch, |element| {
        if element.level() == Level::Item
            && let Some(attributes) = element.attributes()?
        {
            attributes.set("deployment.environment.name", "production");
        }
        Ok(Verdict::Keep)
    });
    edited.expect("a batch is readable")
}

fn main() {
    let batch = request();
    let bytes: Bytes = batch.bytes().clone();
    let text = json::to_vec(&batch).expect("a batch is readable");
    println!(
        "{} spans, {} bytes of protobuf, {} of JSON",
        batch.items(),
        bytes.len(),
        text.len()
    );
    let prost = best(|| {
        black_box(ExportTraceServiceRequest::decode(&bytes[..]).expect("a batch is decodable"));
    });
    let report = |name: &str, time: Duration, bytes: usize| {
        let rate = bytes as f64 / time.as_secs_f64() / 1e9;
        println!(
            "{name:34} {time:>12.1?} {rate:>6.2} GB/s   {:>6.1} x prost",
            prost.as_secs_f64() / time.as_secs_f64()
        );
    };
    report("prost decode", prost, bytes.len());
    let validate = best(|| {
        black_box(Batch::decode(Signal::Traces, bytes.clone()).expect("a batch is valid"));
    });
    report("validate", validate, bytes.len());
    report(
        "views of every attribute",
        best(|| {
            black_box(count_characters(&batch));
        }),
        bytes.len(),
    );
    let joined = [batch.clone(), batch.clone()];
    report(
        "join two",
        best(|| drop(black_box(Batch::join(&joined)))),
        2 * bytes.len(),
    );
    report(
        "split in four",
        best(|| drop(black_box(batch.clone().split(25)))),
        bytes.len(),
    );
    let insert = best(|| drop(black_box(insert_everywhere(batch.clone()))));
    report("insert an attribute in each span", insert, bytes.len());
    report(
        "write JSON",
        best(|| drop(black_box(json::to_vec(&batch)))),
        text.len(),
    );
    report(
        "read JSON",
        best(|| drop(black_box(json::read(Signal::Traces, &text)))),
        text.len(),
    );
}
