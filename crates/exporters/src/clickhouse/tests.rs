use bytes::Bytes;
use fanlight_net::{Body, http::text};
use fanlight_otlp::Signal;
use fanlight_pipeline::ExporterConfig as _;
use fanlight_testkit::{Backend, Recorded, batch, golden, node, with_context};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::config::config;
use super::*;

const USER: &str = "username: fanlight\npassword: hunter2-hunter2\ndatabase: otel";

fn exporter(backend: &Backend, yaml: &str) -> Box<dyn Exporter> {
    let yaml = format!("endpoint: http://{}\n{yaml}", backend.address);
    with_context("clickhouse", |context| {
        config(&node(&yaml)).unwrap().build(context)
    })
    .unwrap()
}

/// A statement, wherever it is.
fn statement(request: &Recorded) -> String {
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let parameters = super::server::Source::parse(&format!("http://x?{}", query.replace('+', " ")));
    match parameters.unwrap().parameters.remove("query") {
        Some(text) => text,
        None => String::from_utf8_lossy(&request.body).into_owned(),
    }
}

/// Answers as a server does whose tables have these columns, `insert` says what of the rows.
fn server(
    columns: &'static [(&'static str, &'static str)],
    insert: impl Fn(usize) -> Option<&'static str> + Send + Sync + 'static,
) -> Backend {
    let inserts = AtomicUsize::new(0);
    Backend::http(None, move |request| {
        let statement = statement(request);
        if statement.contains("system.columns") {
            let mut rows = Vec::new();
            for text in columns.iter().flat_map(|(name, kind)| [name, kind]) {
                rows.push(text.len() as u8);
                rows.extend_from_slice(text.as_bytes());
            }
            return Response::new(Body::from(Bytes::from(rows)));
        }
        let refused = match statement.starts_with("INSERT") {
            true => insert(inserts.fetch_add(1, Ordering::SeqCst)),
            false => None,
        };
        match refused {
            Some(why) => text(StatusCode::INTERNAL_SERVER_ERROR, why.to_owned()),
            None => Response::new(Body::from(Bytes::new())),
        }
    })
}

const COLUMNS: &[(&str, &str)] = &[("TimeUnix", "DateTime64(9)"), ("EventName", "String")];

/// Scenario: the golden set of each signal, with the default settings and without compression.
/// Guarantee: database and tables are created once, and the rows are those of the snapshot, with nothing left over.
#[tokio::test]
async fn golden_rows() {
    let backend = server(COLUMNS, |_| None);
    let exporter = exporter(&backend, &format!("{USER}\ncompress: none\nttl: 72h"));
    for signal in [Signal::Traces, Signal::Logs, Signal::Metrics] {
        assert_eq!(
            exporter.send(&golden(signal)).await,
            Outcome::Delivered,
            "{signal}"
        );
        assert_eq!(
            exporter.send(&Batch::empty(signal)).await,
            Outcome::Delivered,
            "{signal}"
        );
    }
    let mut shown = Vec::new();
    for request in backend.requests() {
        assert_eq!(request.header("x-clickhouse-user"), "fanlight");
        assert!(request.path.contains("async_insert=1"), "{}", request.path);
        let statement = statement(&request);
        match statement.starts_with("INSERT") && !request.body.is_empty() {
            true => shown
                .push(json!({"statement": statement, "rows": decoded(&statement, &request.body)})),
            false if statement.starts_with("CREATE") => shown.push(json!({"statement": statement})),
            false => {}
        }
    }
    let shown = serde_json::to_string_pretty(&shown).unwrap();
    insta::with_settings!({snapshot_path => "../../tests/snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("clickhouse_golden_rows", shown);
    });
}

/// Scenario: the server answers the first INSERT that the table is gone.
/// Guarantee: it is created again, once, and the rows arrive; if that is of no use, the batch waits.
#[tokio::test]
async fn a_table_that_has_gone_is_created_again_once() {
    const GONE: &str =
        "Code: 60. DB::Exception: Table otel.otel_logs does not exist. (UNKNOWN_TABLE)";
    let created = |backend: &Backend| {
        let all = backend.requests();
        all.iter()
            .filter(|request| statement(request).starts_with("CREATE TABLE"))
            .count()
    };
    let backend = server(COLUMNS, |insert| (insert == 0).then_some(GONE));
    let outcome = exporter(&backend, USER).send(&batch(Signal::Logs, 1)).await;
    assert_eq!((outcome, created(&backend)), (Outcome::Delivered, 2));

    let backend = server(COLUMNS, |_| Some(GONE));
    let outcome = exporter(&backend, USER).send(&batch(Signal::Logs, 1)).await;
    assert!(
        matches!(&outcome, Outcome::Retry { why, .. } if why.contains("create_schema")),
        "{outcome:?}"
    );
    assert_eq!(created(&backend), 2);
}

/// Scenario: exceptions of the server, and a proxy that answers instead.
/// Guarantee: what may pass is tried again, what may not is given up; the user reads the host and what to do, no password.
#[tokio::test]
async fn exceptions_are_told_with_advice() {
    let cases: [(&'static str, bool, &str); 8] = [
        (
            "Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)",
            false,
            "max_size",
        ),
        (
            "Code: 252. DB::Exception: Too many parts. (TOO_MANY_PARTS)",
            false,
            "min_size",
        ),
        (
            "Code: 159. DB::Exception: Timeout exceeded. (TIMEOUT_EXCEEDED)",
            false,
            "159",
        ),
        (
            "Code: 210. DB::NetException: Connection refused. (NETWORK_ERROR)",
            false,
            "210",
        ),
        (
            "Code: 516. DB::Exception: hunter2-hunter2: Authentication failed. (AUTHENTICATION_FAILED)",
            true,
            "password",
        ),
        (
            "Code: 497. DB::Exception: Not enough privileges. (ACCESS_DENIED)",
            true,
            "INSERT",
        ),
        (
            "Code: 117. DB::Exception: Cannot parse. (INCORRECT_DATA)",
            true,
            "117",
        ),
        ("<html>Bad Gateway</html>", false, "8123"),
    ];
    for (answer, is_final, part) in cases {
        let backend = server(COLUMNS, move |_| Some(answer));
        let outcome = exporter(&backend, USER).send(&batch(Signal::Logs, 1)).await;
        let (found, why) = match outcome {
            Outcome::Rejected { why } => (true, why),
            Outcome::Retry { why, .. } => (false, why),
            other => panic!("{answer}: {other:?}"),
        };
        assert_eq!(found, is_final, "{why}");
        assert!(
            why.contains(part) && why.contains(&backend.address.to_string()),
            "{why}"
        );
        assert!(!why.contains("hunter2"), "{why}");
    }
}

/// Scenario: a proxy in between takes smaller requests only, and says so in a page or with its status alone.
/// Guarantee: less is sent at once.
#[tokio::test]
async fn what_a_proxy_finds_too_large_may_be_sent_in_halves() {
    for answer in [
        "<html>\r\n<head><title>413 Request Entity Too Large</title></head></html>",
        "413 Payload Too Large",
    ] {
        let backend = server(COLUMNS, move |_| Some(answer));
        let outcome = exporter(&backend, USER).send(&batch(Signal::Logs, 2)).await;
        assert!(matches!(outcome, Outcome::TooLarge { .. }), "{outcome:?}");
    }
}

/// Scenario: metrics of five kinds; one table refuses for now.
/// Guarantee: only the points of that table are to be sent again.
#[tokio::test]
async fn only_the_table_that_failed_is_sent_again() {
    let busy =
        "Code: 202. DB::Exception: Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)";
    let backend = server(COLUMNS, move |insert| (insert == 1).then_some(busy));
    let sent = golden(Signal::Metrics);
    let outcome = exporter(&backend, USER).send(&sent).await;
    let Outcome::Resend {
        rest, rejected: 0, ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert!(rest.items() > 0 && rest.items() < sent.items());
    let kinds: Vec<Table> = pieces(&rest)
        .unwrap()
        .iter()
        .map(|piece| piece.request)
        .collect();
    assert_eq!(kinds.len(), 1);
}

/// Scenario: the first of two hosts is away.
/// Guarantee: the first attempt names it, the next goes to the second.
#[tokio::test]
async fn another_host_is_tried_after_a_broken_connection() {
    let backend = server(COLUMNS, |_| None);
    let yaml = format!("endpoint: http://127.0.0.1:1,{}\n{USER}", backend.address);
    let exporter = with_context("clickhouse", |context| {
        config(&node(&yaml)).unwrap().build(context)
    })
    .unwrap();
    let logs = batch(Signal::Logs, 1);
    let outcome = exporter.send(&logs).await;
    assert!(
        matches!(&outcome, Outcome::Retry { why, .. } if why.contains("127.0.0.1:1")),
        "{outcome:?}"
    );
    assert_eq!(exporter.send(&logs).await, Outcome::Delivered);
}

#[test]
fn snippets_load_and_lead_to_the_http_interface() {
    let yaml = "endpoint: tcp://127.0.0.1:9000?dial_timeout=10s\ndatabase: otel\nasync_insert: true\nttl: 72h\ncompress: lz4\ncreate_schema: true\nlogs_table_name: otel_logs\ntraces_table_name: otel_traces\ntimeout: 5s\nmetrics_tables:\n  gauge:\n    name: my_gauge\nretry_on_failure:\n  enabled: true\n  initial_interval: 5s";
    let config = config(&node(yaml)).unwrap();
    let shown = config.destination();
    assert_eq!(
        shown.text,
        "http://127.0.0.1:8123 (ClickHouse over HTTP, instead of the native protocol, database otel)"
    );
    assert_eq!(
        (shown.peers[0].host.as_str(), shown.peers[0].port),
        ("127.0.0.1", 8123)
    );
}

#[test]
fn what_can_not_be_is_refused_with_a_hint() {
    let cases = [
        ("", "http://host:8123"),
        ("endpoint: localhost:9000", "clickhouse://"),
        ("endpoint: http://a\nttl_days: 3", "ttl: 72h"),
        ("endpoint: http://a\nlogs_table_name: 'a\"b'", "quotes"),
        ("endpoint: http://a\ncompress: snappy", "lz4"),
        ("endpoint: http://a\ntable: x", "table"),
    ];
    for (yaml, part) in cases {
        let error = format!("{:?}", config(&node(yaml)).unwrap_err());
        assert!(error.contains(part), "{yaml}: {error}");
    }
    let secret = format!(
        "{:?}",
        config(&node("endpoint: ftp://me:hunter2@a")).unwrap_err()
    );
    assert!(!secret.contains("hunter2"), "{secret}");
}

/// Rows as JSON, by the types of the columns that the statement names.
fn decoded(statement: &str, bytes: &[u8]) -> Vec<Value> {
    let (_, names) = statement.split_once('(').unwrap();
    let (names, _) = names.split_once(')').unwrap();
    let mut rest = bytes;
    let mut rows = Vec::new();
    while !rest.is_empty() {
        let row = names.split(", ").map(|name| {
            let name = name.trim_matches('`');
            (name.to_owned(), column(name, &mut rest))
        });
        rows.push(Value::Object(row.collect()));
    }
    rows
}

fn column(name: &str, rest: &mut &[u8]) -> Value {
    let own = name.rsplit('.').next().unwrap();
    if own != name
        || name == "BucketCounts"
        || name == "ExplicitBounds"
        || name.ends_with("BucketCounts")
    {
        let read = |rest: &mut &[u8]| scalar(own, rest);
        return (0..varint(rest)).map(|_| read(rest)).collect();
    }
    scalar(own, rest)
}

fn scalar(name: &str, rest: &mut &[u8]) -> Value {
    match name {
        "Timestamp"
        | "StartTimeUnix"
        | "TimeUnix"
        | "Duration"
        | "Count"
        | "ZeroCount"
        | "BucketCounts"
        | "PositiveBucketCounts"
        | "NegativeBucketCounts" => json!(u64::from_le_bytes(take(rest))),
        "Value" | "Sum" | "Min" | "Max" | "ExplicitBounds" | "Quantile" => {
            let value = f64::from_le_bytes(take(rest));
            match value.is_finite() {
                true => json!(value),
                false => json!(value.to_string()),
            }
        }
        "TraceFlags" | "SeverityNumber" | "IsMonotonic" => json!(u8::from_le_bytes(take(rest))),
        "ScopeDroppedAttrCount" | "Flags" => json!(u32::from_le_bytes(take(rest))),
        "AggregationTemporality" | "Scale" | "PositiveOffset" | "NegativeOffset" => {
            json!(i32::from_le_bytes(take(rest)))
        }
        name if name.ends_with("Attributes") => {
            let entries = (0..varint(rest)).map(|_| (string(rest), json!(string(rest))));
            Value::Object(entries.collect())
        }
        _ => json!(string(rest)),
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (head, tail) = rest.split_first_chunk::<N>().unwrap();
    *rest = tail;
    *head
}

fn varint(rest: &mut &[u8]) -> usize {
    let (mut value, mut shift) = (0, 0);
    loop {
        let [byte] = take::<1>(rest);
        value |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return value;
        }
    }
}

/// A text; only the ends of a huge one.
fn string(rest: &mut &[u8]) -> String {
    let length = varint(rest);
    let (head, tail) = rest.split_at(length);
    *rest = tail;
    let text = std::str::from_utf8(head).unwrap();
    match text.len() > 1000 {
        true => format!("{}... ({} bytes)", text.get(..20).unwrap(), text.len()),
        false => text.to_owned(),
    }
}
