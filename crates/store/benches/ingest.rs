//! How many spans a second of CPU stores, how many bytes one takes, and how long questions take.
//!
//! `cargo bench -p fanlight-store -- --spans 10000000`. Requests are of 100 spans in 10 traces with ten attributes each, as
//! in the forwarding benchmark, of ten services, spread over 24 hours. Absolute figures mean nothing across machines: the
//! ratio sets ingest against plain SQLite inserts of the same rows into a table without anything else, on the same machine
//! in the same run. `--requests FILE --count N` writes the first N requests to a file instead, each behind its length (four
//! bytes, little endian), so that other systems can be given the same spans.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and may fail loudly"
)]

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use fanlight_otlp::view::Value;
use fanlight_otlp::write::{RequestWriter, Span};
use fanlight_otlp::{Batch, Signal, SpanId, TraceId};
use fanlight_store::{
    AttributeFilter, OverviewFilter, RedFilter, Store, StoreOptions, TimeRange, TraceFilter,
};
use futures::stream::{self, StreamExt};

/// So many requests are made before they are stored, and measured.
const MEASURED: u64 = 5_000;
const TRACES_PER_REQUEST: u64 = 10;
const SPANS_PER_TRACE: u64 = 10;
const SPANS_PER_REQUEST: u64 = TRACES_PER_REQUEST * SPANS_PER_TRACE;

/// The 24 hours that the spans are spread over.
const BEGIN: u64 = 1_700_000_000_000_000_000;
const HOUR: u64 = 3_600_000_000_000;
const DAY: u64 = 24 * HOUR;

/// How often each question is asked.
const ROUNDS: u64 = 20;

fn main() {
    let number = |name: &str| -> Option<u64> {
        let mut arguments = std::env::args().skip_while(|argument| argument != name);
        arguments.nth(1)?.parse().ok()
    };
    let spans = number("--spans").unwrap_or(MEASURED * SPANS_PER_REQUEST);
    let requests = (spans / SPANS_PER_REQUEST).max(MEASURED);
    let file = std::env::args()
        .skip_while(|argument| argument != "--requests")
        .nth(1);
    if let Some(file) = file {
        let mut out = fs::File::create(file).unwrap();
        for number in 0..number("--count").unwrap_or(MEASURED) {
            let batch = request(number, requests);
            let length = u32::try_from(batch.bytes().len()).unwrap();
            out.write_all(&length.to_le_bytes()).unwrap();
            out.write_all(batch.bytes()).unwrap();
        }
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fanlight.db");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let store = runtime.block_on(async { Store::open(&StoreOptions::new(&path)).unwrap() });
    measure_ingest(&runtime, &store, directory.path(), requests);
    if requests > MEASURED {
        let rest = stream::iter(MEASURED..requests)
            .map(|number| {
                let store = store.clone();
                async move { store.write(&request(number, requests)).await }
            })
            .buffer_unordered(32);
        runtime.block_on(rest.for_each(async |answer| assert_eq!(answer.unwrap(), 0)));
        runtime.block_on(store.checkpoint());
    }
    let stored = runtime.block_on(store.counts()).unwrap().spans;
    let bytes = stored_bytes(directory.path());
    println!(
        "stored: {stored:>9} spans, {:.1} bytes each",
        bytes as f64 / stored as f64
    );
    questions(&runtime, &store, requests);
}

fn measure_ingest(
    runtime: &tokio::runtime::Runtime,
    store: &Store,
    directory: &std::path::Path,
    requests: u64,
) {
    let batches: Vec<Batch> = (0..MEASURED)
        .map(|number| request(number, requests))
        .collect();
    let wire: usize = batches.iter().map(|batch| batch.bytes().len()).sum();
    let before = cpu_time();
    runtime.block_on(async {
        let writes = stream::iter(&batches)
            .map(|batch| store.write(batch))
            .buffer_unordered(8);
        writes
            .for_each(async |answer| assert_eq!(answer.unwrap(), 0))
            .await;
        store.checkpoint().await;
    });
    let store_time = cpu_time() - before;
    let bytes = stored_bytes(directory);
    let before = cpu_time();
    plain_sqlite(&directory.join("plain.db"), &batches);
    let plain_time = cpu_time() - before;
    fs::remove_file(directory.join("plain.db")).unwrap();
    let spans = (MEASURED * SPANS_PER_REQUEST) as f64;
    let rate = |time: Duration| spans / time.as_secs_f64();
    println!("store:  {:>9.0} spans per CPU-second", rate(store_time));
    println!(
        "plain:  {:>9.0} rows per CPU-second in a table of one index",
        rate(plain_time)
    );
    println!("ratio:  {:>9.2}", rate(store_time) / rate(plain_time));
    println!(
        "size:   {:>9.1} bytes per span, {:.1} on the wire",
        bytes as f64 / spans,
        wire as f64 / spans
    );
}

/// Asks a question several times, and prints the median and the longest time.
fn time(what: &str, ask: &dyn Fn(u64) -> usize) {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|round| {
            let begun = Instant::now();
            assert!(ask(round) > 0, "{what} found nothing");
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "{what:<48} median {:>8.2} ms, longest {:>8.2} ms",
        times[times.len() / 2],
        times[times.len() - 1]
    );
}

fn range(from: u64, to: u64) -> TimeRange {
    TimeRange {
        from: Some(BEGIN + from),
        to: Some(BEGIN + to),
    }
}

fn questions(runtime: &tokio::runtime::Runtime, store: &Store, requests: u64) {
    let traces = |filter: TraceFilter| runtime.block_on(store.traces(filter)).unwrap().items.len();
    let last_hour = || TraceFilter {
        limit: 50,
        time: range(DAY - HOUR, DAY + HOUR),
        ..TraceFilter::default()
    };
    let having = |filter: TraceFilter, key: &str, value: String| TraceFilter {
        attributes: vec![AttributeFilter {
            key: key.to_owned(),
            value,
        }],
        ..filter
    };
    let day = || TraceFilter {
        time: range(0, DAY),
        ..last_hour()
    };
    time("trace by id", &|round| {
        let trace = mix(round + 1) % (requests * TRACES_PER_REQUEST);
        let found = runtime.block_on(store.trace(trace_id(trace))).unwrap();
        found.map_or(0, |trace| trace.spans.len())
    });
    time("newest 50 traces", &|_| traces(day()));
    time("newest 50 traces of a service", &|round| {
        traces(TraceFilter {
            service: Some(service(round).to_owned()),
            ..day()
        })
    });
    time("attribute = value in the last hour, newest 50", &|round| {
        traces(having(last_hour(), "url.path", format!("/users/{round}")))
    });
    time("attribute = value that one span has, in 24 h", &|round| {
        let trace = mix(round + 7) % (requests * TRACES_PER_REQUEST);
        let value = span_seed(trace, 3).to_string();
        traces(having(day(), "shop.customer", value))
    });
    time("text in the last hour, newest 50", &|round| {
        traces(TraceFilter {
            text: Some(format!("users/{round}")),
            ..last_hour()
        })
    });
    overviews(runtime, store);
}

fn overviews(runtime: &tokio::runtime::Runtime, store: &Store) {
    let filter = OverviewFilter {
        time: range(0, DAY),
        bins: 60,
    };
    time("overview of 24 h", &|_| {
        runtime
            .block_on(store.overview(filter))
            .unwrap()
            .services
            .len()
    });
    time("rate, errors, durations of a service, 24 h", &|round| {
        let filter = RedFilter {
            time: range(0, DAY),
            service: service(round).to_owned(),
            operation: None,
            bins: 60,
        };
        runtime.block_on(store.red(filter)).unwrap().counts.len()
    });
}

fn service(number: u64) -> &'static str {
    const SERVICES: [&str; 10] = [
        "shop", "bank", "cart", "search", "login", "mail", "stock", "price", "ship", "track",
    ];
    SERVICES[(number % 10) as usize]
}

/// What makes a span's id, from the number of its trace and its place in it.
fn span_seed(trace: u64, index: u64) -> u64 {
    mix(trace * SPANS_PER_TRACE + index + 1) >> 1
}

fn trace_id(trace: u64) -> TraceId {
    let seed = mix(trace + 1);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&seed.to_be_bytes());
    id[8..].copy_from_slice(&mix(seed).to_be_bytes());
    TraceId(id)
}

/// What the store's files take.
fn stored_bytes(directory: &std::path::Path) -> u64 {
    let files = fs::read_dir(directory).unwrap();
    files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum()
}

/// A request of 100 spans: the one of this number among so many.
fn request(number: u64, requests: u64) -> Batch {
    let mut request = RequestWriter::new(Signal::Traces);
    let resource = [
        ("service.name", Value::Str(service(number))),
        ("host.name", Value::Str("host-1")),
    ];
    request.resource(&resource, |resource| {
        resource.scope("bench", "1.0.0", |scope| {
            for trace in 0..TRACES_PER_REQUEST {
                let trace = number * TRACES_PER_REQUEST + trace;
                for index in 0..SPANS_PER_TRACE {
                    let seed = span_seed(trace, index);
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
                    let id = |index| SpanId(span_seed(trace, index).to_be_bytes());
                    let start = BEGIN + number * (DAY / requests) + index * 1000;
                    scope.span(&Span {
                        trace_id: trace_id(trace),
                        span_id: id(index),
                        parent_span_id: if index == 0 { SpanId::default() } else { id(0) },
                        name: ["GET /users/{id}", "SELECT users", "render", "cache get"]
                            [index as usize % 4],
                        kind: 2,
                        start_time_unix_nano: start,
                        end_time_unix_nano: start + 500 + seed % 1_000_000,
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
