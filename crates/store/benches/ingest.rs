//! How many spans a second of CPU stores, and how many bytes one takes.
//!
//! `cargo bench -p fanlight-store`. Requests are of 100 spans in 10 traces with ten attributes each, as in the forwarding
//! benchmark. Absolute figures mean nothing across machines: the last line sets them against plain SQLite inserts of the
//! same rows into a table without anything else, on the same machine in the same run.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and may fail loudly"
)]

use std::fs;
use std::time::Duration;

use fanlight_otlp::view::Value;
use fanlight_otlp::write::{RequestWriter, Span};
use fanlight_otlp::{Batch, Signal, SpanId, TraceId};
use fanlight_store::{Store, StoreOptions};
use futures::stream::{self, StreamExt};

const REQUESTS: u64 = 5_000;
const TRACES_PER_REQUEST: u64 = 10;
const SPANS_PER_TRACE: u64 = 10;
const SPANS: u64 = REQUESTS * TRACES_PER_REQUEST * SPANS_PER_TRACE;

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let batches: Vec<Batch> = (0..REQUESTS).map(request).collect();
    let wire: usize = batches.iter().map(|batch| batch.bytes().len()).sum();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let path = directory.path().join("fanlight.db");
    let before = cpu_time();
    runtime.block_on(async {
        let store = Store::open(&StoreOptions::new(&path)).unwrap();
        let writes = stream::iter(&batches)
            .map(|batch| store.write(batch))
            .buffer_unordered(8);
        writes
            .for_each(async |answer| assert_eq!(answer.unwrap(), 0))
            .await;
        store.checkpoint().await;
    });
    let store_time = cpu_time() - before;
    let bytes = stored_bytes(directory.path());
    let before = cpu_time();
    plain_sqlite(&directory.path().join("plain.db"), &batches);
    let plain_time = cpu_time() - before;
    let rate = |time: Duration| SPANS as f64 / time.as_secs_f64();
    println!("store:  {:>9.0} spans per CPU-second", rate(store_time));
    println!(
        "plain:  {:>9.0} rows per CPU-second in a table of one index",
        rate(plain_time)
    );
    println!("ratio:  {:>9.2}", rate(store_time) / rate(plain_time));
    println!(
        "size:   {:>9.1} bytes per span, {:.1} on the wire",
        bytes as f64 / SPANS as f64,
        wire as f64 / SPANS as f64
    );
}

/// What the store's files take.
fn stored_bytes(directory: &std::path::Path) -> u64 {
    let files = fs::read_dir(directory).unwrap();
    files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum()
}

/// A request of 100 spans.
fn request(number: u64) -> Batch {
    let mut request = RequestWriter::new(Signal::Traces);
    let resource = [
        ("service.name", Value::Str("shop")),
        ("host.name", Value::Str("host-1")),
    ];
    request.resource(&resource, |resource| {
        resource.scope("bench", "1.0.0", |scope| {
            for trace in 0..TRACES_PER_REQUEST {
                for index in 0..SPANS_PER_TRACE {
                    let seed =
                        mix((number * TRACES_PER_REQUEST + trace) * SPANS_PER_TRACE + index + 1);
                    let route = format!("/users/{}", seed % 997);
                    let attributes = [
                        ("http.request.method", Value::Str("GET")),
                        ("url.path", Value::Str(&route)),
                        ("http.response.status_code", Value::Int(200)),
                        ("server.address", Value::Str("shop.example.com")),
                        ("server.port", Value::Int(443)),
                        ("network.protocol.version", Value::Str("1.1")),
                        (
                            "user_agent.original",
                            Value::Str("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"),
                        ),
                        ("db.system.name", Value::Str("postgresql")),
                        ("shop.customer", Value::Int(seed as i64)),
                        ("shop.discount", Value::Double(0.25)),
                    ];
                    let id = |seed: u64| SpanId(seed.to_be_bytes());
                    let trace_seed = mix(number * TRACES_PER_REQUEST + trace + 1);
                    let mut trace_id = [0; 16];
                    trace_id[..8].copy_from_slice(&trace_seed.to_be_bytes());
                    trace_id[8..].copy_from_slice(&mix(trace_seed).to_be_bytes());
                    let start = 1_700_000_000_000_000_000 + number * 1_000_000 + index * 1000;
                    scope.span(&Span {
                        trace_id: TraceId(trace_id),
                        span_id: id(seed),
                        parent_span_id: if index == 0 {
                            SpanId::default()
                        } else {
                            id(trace_seed)
                        },
                        name: ["GET /users/{id}", "SELECT users", "render", "cache get"]
                            [index as usize % 4],
                        kind: 2,
                        start_time_unix_nano: start,
                        end_time_unix_nano: start + 500,
                        attributes: &attributes,
                        ..Span::default()
                    });
                }
            }
        });
    });
    request.finish()
}

/// The same spans as rows of what every store needs at least: ids, times, name, and the message as it came.
fn plain_sqlite(path: &std::path::Path, batches: &[Batch]) {
    let mut connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             CREATE TABLE spans (trace_id BLOB, span_id BLOB, start_ns INTEGER, end_ns INTEGER, name TEXT, message BLOB);
             CREATE INDEX spans_by_trace ON spans (trace_id);",
        )
        .unwrap();
    for group in batches.chunks(50) {
        let transaction = connection.transaction().unwrap();
        {
            let mut insert = transaction
                .prepare("INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?)")
                .unwrap();
            let resources = group.iter().flat_map(Batch::resources).map(Result::unwrap);
            let scopes = resources
                .flat_map(|resource| resource.scopes())
                .map(Result::unwrap);
            for span in scopes.flat_map(|scope| scope.spans()).map(Result::unwrap) {
                let (start, end) = (
                    span.start_time_unix_nano as i64,
                    span.end_time_unix_nano as i64,
                );
                let message = [0_u8; 320];
                insert
                    .execute((
                        &span.trace_id.0[..],
                        &span.span_id.0[..],
                        start,
                        end,
                        span.name,
                        &message[..],
                    ))
                    .unwrap();
            }
        }
        transaction.commit().unwrap();
    }
}

/// Scrambles a number, so that ids are as random as real ones.
fn mix(seed: u64) -> u64 {
    let seed = (seed ^ seed >> 31).wrapping_mul(0x7fb5_d329_728e_a185);
    (seed ^ seed >> 27).wrapping_mul(0x81da_def4_bc2d_d44d)
}

/// The CPU time of this process so far, all threads, user and system. Linux only; elsewhere zero.
fn cpu_time() -> Duration {
    let Ok(stat) = fs::read_to_string("/proc/self/stat") else {
        return Duration::ZERO;
    };
    let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = behind_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}
