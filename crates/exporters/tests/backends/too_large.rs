//! Backends that answer 413, or what gRPC says instead, to requests of more than a limit that nobody has told the hub.

use fanlight_net::http::text;
use fanlight_net::status::Failure;
use fanlight_otlp::view::NumberView;
use fanlight_otlp::write::{Data, LogRecord, Metric, NumberPoint, RequestWriter, Span};
use fanlight_otlp::{Batch, Signal, SpanId, TraceId};
use fanlight_pipeline::{ExporterSnapshot, ExporterState};
use fanlight_testkit::Backend;
use http::StatusCode;

use crate::made;

/// The largest request in bytes, before compression.
const LIMIT: usize = 3000;
/// How many items a batch has: some times the limit.
const ITEMS: usize = 60;

/// How a backend is reached, and how its requests are read.
struct Case {
    exporter: &'static str,
    signal: Signal,
    yaml: fn(&Backend) -> String,
    plain: fn(&[u8]) -> Vec<u8>,
    keeps_order: bool,
}

fn as_it_is(body: &[u8]) -> Vec<u8> {
    body.to_vec()
}

fn snappy(body: &[u8]) -> Vec<u8> {
    snap::raw::Decoder::new().decompress_vec(body).unwrap()
}

const OVER_HTTP: [Case; 6] = [
    Case {
        exporter: "zipkin",
        signal: Signal::Traces,
        yaml: |backend| {
            format!(
                "{{endpoint: 'http://{}/api/v2/spans', compression: none}}",
                backend.address
            )
        },
        plain: as_it_is,
        keeps_order: true,
    },
    Case {
        exporter: "loki",
        signal: Signal::Logs,
        yaml: |backend| format!("endpoint: http://{}/loki/api/v1/push", backend.address),
        plain: snappy,
        keeps_order: true,
    },
    Case {
        exporter: "prometheusremotewrite",
        signal: Signal::Metrics,
        yaml: |backend| format!("endpoint: http://{}/api/v1/write", backend.address),
        plain: snappy,
        keeps_order: false,
    },
    Case {
        exporter: "datadog",
        signal: Signal::Logs,
        yaml: |backend| {
            let endpoint = format!("http://{}", backend.address);
            format!(
                "{{api: {{key: abc}}, logs: {{endpoint: '{endpoint}', use_compression: false}}}}"
            )
        },
        plain: as_it_is,
        keeps_order: true,
    },
    Case {
        exporter: "splunk_hec",
        signal: Signal::Logs,
        yaml: |backend| {
            format!(
                "{{endpoint: 'http://{}', token: abc, disable_compression: true, max_content_length_logs: 5000}}",
                backend.address
            )
        },
        plain: as_it_is,
        keeps_order: true,
    },
    Case {
        exporter: "otlp_http",
        signal: Signal::Metrics,
        yaml: |backend| {
            format!(
                "{{endpoint: 'http://{}', compression: none}}",
                backend.address
            )
        },
        plain: as_it_is,
        keeps_order: true,
    },
];

/// Items that are named by their number, each of more than a hundred bytes, and one of more than the limit.
fn numbered(signal: Signal, items: usize, large: Option<usize>) -> Batch {
    let mut out = RequestWriter::new(signal);
    out.resource(&[("service.name", "shop".into())], |resource| {
        resource.scope("", "", |scope| {
            for number in 0..items {
                let name = format!("item-{number:04}");
                let length = if large == Some(number) { LIMIT } else { 100 };
                let padding = "x".repeat(length);
                let attributes = [
                    ("name", name.as_str().into()),
                    ("padding", padding.as_str().into()),
                ];
                let time_unix_nano = made::now();
                match signal {
                    Signal::Traces => scope.span(&Span {
                        trace_id: TraceId([7; 16]),
                        span_id: SpanId((number as u64 + 1).to_be_bytes()),
                        name: "work",
                        attributes: &attributes,
                        ..Span::default()
                    }),
                    Signal::Metrics => {
                        let points = [NumberPoint {
                            attributes: &attributes,
                            start_time_unix_nano: 0,
                            time_unix_nano,
                            value: NumberView::Int(1),
                        }];
                        scope.metric(&Metric {
                            name: "m",
                            description: "",
                            unit: "",
                            data: Data::Gauge(&points),
                        });
                    }
                    _ => {
                        let body = format!("{name} {padding}");
                        scope.log(&LogRecord {
                            time_unix_nano,
                            body: body.as_str().into(),
                            ..LogRecord::default()
                        });
                    }
                }
            }
        });
    });
    out.finish()
}

/// The numbers of the items in a body.
fn numbers(plain: &[u8]) -> Vec<usize> {
    let text = String::from_utf8_lossy(plain);
    let names = text.split("item-").skip(1);
    names
        .filter_map(|rest| rest.get(..4)?.parse().ok())
        .collect()
}

/// What the backend took.
fn taken(backend: &Backend, case: &Case) -> Vec<usize> {
    let requests = backend.requests();
    let bodies = requests.iter().map(|request| (case.plain)(&request.body));
    let mut taken: Vec<usize> = bodies
        .filter(|plain| plain.len() <= LIMIT)
        .flat_map(|plain| numbers(&plain))
        .collect();
    if !case.keeps_order {
        taken.sort_unstable();
    }
    taken
}

fn counted(snapshot: &ExporterSnapshot, signal: Signal) -> (u64, u64) {
    (snapshot.sent[&signal], snapshot.send_failed[&signal])
}

/// Scenario: batches of several times what the backend takes, in each format, one with an item that is too large alone.
/// Guarantee: everything else arrives, once and in order; the one is counted, and the exporter is healthy.
#[tokio::test]
async fn everything_that_fits_arrives_once() {
    for case in &OVER_HTTP {
        for large in [None, Some(33)] {
            let plain = case.plain;
            let backend = Backend::http(None, move |request| {
                match plain(&request.body).len() <= LIMIT {
                    true => text(StatusCode::OK, ""),
                    false => text(StatusCode::PAYLOAD_TOO_LARGE, "too large"),
                }
            });
            let batch = numbered(case.signal, ITEMS, large);
            let snapshot = made::piped(case.exporter, &(case.yaml)(&backend), batch).await;
            let expected: Vec<usize> = (0..ITEMS).filter(|number| large != Some(*number)).collect();
            assert_eq!(taken(&backend, case), expected, "{}", case.exporter);
            let (sent, failed) = counted(&snapshot, case.signal);
            assert_eq!(sent as usize, expected.len(), "{}", case.exporter);
            assert_eq!(failed as usize, ITEMS - expected.len(), "{}", case.exporter);
            assert_eq!(snapshot.state, ExporterState::Healthy, "{}", case.exporter);
            assert_eq!(snapshot.retries, 0, "{}", case.exporter);
        }
    }
}

/// Scenario: a gRPC server's messages are longer than it takes.
/// Guarantee: they go in halves; a quota that is used up is refused at once, not asked for item by item.
#[tokio::test]
async fn grpc_tells_by_its_words() {
    let backend = Backend::grpc(None, |request| match request.body.len() <= LIMIT {
        true => Ok(bytes::Bytes::new()),
        false => Err(Failure::too_large(
            "received message larger than max (5000 vs. 3000)",
        )),
    });
    let yaml = format!(
        "{{endpoint: 'http://{}', compression: none}}",
        backend.address
    );
    let batch = numbered(Signal::Logs, ITEMS, Some(7));
    let snapshot = made::piped("otlp_grpc", &yaml, batch).await;
    assert_eq!(counted(&snapshot, Signal::Logs), (ITEMS as u64 - 1, 1));

    let used_up = Backend::grpc(None, |_| Err(Failure::too_large("the quota is used up")));
    let yaml = format!("endpoint: http://{}", used_up.address);
    let snapshot = made::piped("otlp_grpc", &yaml, numbered(Signal::Logs, ITEMS, None)).await;
    assert_eq!(counted(&snapshot, Signal::Logs), (0, ITEMS as u64));
    assert_eq!(used_up.requests().len(), 1);
}
