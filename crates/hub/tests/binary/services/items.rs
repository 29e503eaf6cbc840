//! Single items: refused for good, refused for now, too many, too large.

use std::sync::Arc;

use fanlight_net::Body;
use fanlight_net::http::text as http_text;
use fanlight_net::status::Code;
use fanlight_otlp::Signal::{self, Logs, Traces};
use fanlight_testkit::fakes::aws::XRay;
use fanlight_testkit::fakes::azure_monitor::{AzureMonitor, Plan};
use fanlight_testkit::fakes::elasticsearch::{Elasticsearch, Rules};
use fanlight_testkit::fakes::google_cloud::{self, PROJECT, Payload, partial_codes};
use fanlight_testkit::fakes::splunk_hec::{self, SplunkHec};
use fanlight_testkit::{Backend, GOLDEN_TIME, Recorded, golden, golden_json};
use http::StatusCode;

use super::fakes::{ACCOUNT, AZURE_KEY, DATADOG_KEY};
use super::table::{self, Service};
use super::{golden_time, wait_until};
use crate::hub::{Hub, post};

const IMPATIENT: &str = "retry_on_failure: {initial_interval: 10ms}";

/// A hub that sends to an address as a service's table says, with more keys, and tries again soon.
fn hub(service: &Service, address: std::net::SocketAddr, more: &str) -> Hub {
    let yaml = format!("{}\n{more}\n{IMPATIENT}", service.yaml(address));
    service.hub(&yaml, service.variables)
}

/// Sends the golden batch and waits until all of it is settled: what was sent, and what was lost.
fn settle(service: &Service, hub: &Hub, signal: Signal) -> (u64, u64) {
    let json = golden_json(signal, golden_time());
    settle_json(service, hub, signal, &json, golden(signal).items())
}

fn settle_json(
    service: &Service,
    hub: &Hub,
    signal: Signal,
    json: &str,
    items: usize,
) -> (u64, u64) {
    let info = signal.info();
    post(hub.otlp(), info.http_path, json);
    let counted = |what: &str| {
        let name = format!("otelcol_exporter_{what}_{}", info.items);
        hub.metric(&name, service.kind)
    };
    let all = || (counted("sent"), counted("send_failed"));
    wait_until(
        || {
            let (sent, lost) = all();
            sent + lost >= items as u64
        },
        || format!("{:?}", all()),
    );
    all()
}

fn has(log: &str, parts: &[&str]) {
    for part in parts {
        assert!(log.contains(part), "{part} in {log}");
    }
}

/// Scenario: of one request, Elasticsearch refuses a document for good and two for now.
/// Guarantee: the two alone are sent again; one is counted as lost and told, without what the document says.
#[tokio::test(flavor = "multi_thread")]
async fn elasticsearch_gets_only_the_rest_again() {
    let fake = Elasticsearch::start(Rules {
        status: Box::new(
            |request, document| match document.source["severity_text"].as_str() {
                Some("ERROR") => 400,
                Some("FATAL") if request == 0 => 429,
                Some("debug") if request == 0 => 503,
                _ => 201,
            },
        ),
        ..Rules::default()
    });
    let service = table::elasticsearch();
    let hub = hub(&service, fake.address(), "");
    let items = golden(Logs).items();
    assert_eq!(settle(&service, &hub, Logs), (items as u64 - 1, 1));
    assert_eq!((fake.taken().len(), fake.requests().len()), (items - 1, 2));
    assert_eq!(hub.metric("fanlight_exporter_retries", "elasticsearch"), 1);
    let log = hub.log();
    has(&log, &["refused a document with 400", "trying again"]);
    assert!(!log.contains("secret"), "{log}");
}

/// Scenario: X-Ray is too busy for one segment, and finds another wrong.
/// Guarantee: the first alone is sent again, the second is counted and told; every other is there once.
#[tokio::test(flavor = "multi_thread")]
async fn xray_gets_only_the_unprocessed_segment_again() {
    let fake = Arc::new(XRay::new(ACCOUNT));
    let answering = fake.clone();
    let backend = Backend::http(None, move |request| answering.answer(request));
    fake.leave_unprocessed_once("eee19b7ec3c1b174", "ThrottledException");
    fake.leave_unprocessed_once("eee19b7ec3c1b175", "InvalidTraceId");
    let service = table::awsxray();
    let hub = hub(&service, backend.address, "");
    let items = golden(Traces).items();
    assert_eq!(settle(&service, &hub, Traces), (items as u64 - 1, 1));
    assert_eq!(
        (fake.segments().len(), backend.requests().len()),
        (items - 1, 2)
    );
    has(&hub.log(), &["InvalidTraceId", "trying again"]);
    service.shows_no_secret(&hub.log());
}

/// Scenario: Azure takes a request but for one item, for which a quota is used up, and one that is invalid.
/// Guarantee: the first alone is sent again, the second is counted and told.
#[tokio::test(flavor = "multi_thread")]
async fn azure_gets_only_the_item_over_quota_again() {
    let fake = Arc::new(AzureMonitor::new(AZURE_KEY));
    let answering = fake.clone();
    let backend = Backend::http(None, move |request| answering.answer(request));
    fake.plan(Plan::Partly(vec![(0, 439), (1, 400)]));
    let service = table::azuremonitor();
    let hub = hub(&service, backend.address, "");
    let items = golden(Logs).items();
    assert_eq!(settle(&service, &hub, Logs), (items as u64 - 1, 1));
    assert_eq!(
        (fake.items().len(), backend.requests().len()),
        (items - 1, 2)
    );
    has(&hub.log(), &["400", "trying again"]);
}

/// Scenario: Cloud Logging refuses one entry and is not ready for another.
/// Guarantee: only the latter is sent again, and one is counted and told.
#[tokio::test(flavor = "multi_thread")]
async fn cloud_logging_gets_only_the_rest_again() {
    let requests = std::sync::Mutex::new(0);
    let backend = Backend::grpc(None, move |request| {
        google_cloud::answer(&[PROJECT], request)?;
        let mut requests = requests.lock().unwrap();
        *requests += 1;
        match *requests {
            1 => Err(partial_codes(&[
                (0, Code::InvalidArgument),
                (2, Code::Unavailable),
            ])),
            _ => Ok(Default::default()),
        }
    });
    let service = table::googlecloud();
    let hub = hub(&service, backend.address, "");
    let items = golden(Logs).items() as u64;
    assert_eq!(settle(&service, &hub, Logs), (items - 1, 1));
    let entries: Vec<usize> = backend.requests().iter().map(entries).collect();
    assert_eq!(entries, [items as usize, 1]);
    has(
        &hub.log(),
        &["Cloud Logging", "INVALID_ARGUMENT", "trying again"],
    );
}

fn entries(request: &Recorded) -> usize {
    match google_cloud::read(request) {
        Ok(Payload::Entries(request)) => request.entries.len(),
        other => panic!("{other:?}"),
    }
}

/// Scenario: a batch takes several requests to Splunk, which is busy at the second one.
/// Guarantee: what it took by the first is not sent again.
#[tokio::test(flavor = "multi_thread")]
async fn splunk_gets_nothing_twice() {
    let fake = SplunkHec::start(splunk_hec::Rules {
        status: Box::new(|request| (request == 1).then_some(503)),
        ..splunk_hec::Rules::default()
    });
    let service = table::splunk_hec();
    let hub = hub(&service, fake.address(), "max_content_length_logs: 1500");
    let json = logs(10, 400);
    assert_eq!(settle_json(&service, &hub, Logs, &json, 10), (10, 0));
    assert_eq!(fake.taken().len(), 10);
    has(&hub.log(), &["503", "Server is busy", "trying again"]);
}

/// Scenario: an OTLP backend takes a request but for two spans, as `partial_success` says.
/// Guarantee: they are counted and told in the backend's words; nothing is sent again.
#[tokio::test(flavor = "multi_thread")]
async fn partial_success_is_counted_and_told() {
    let words = b"two spans are too old";
    let partial = [&[8, 2, 18, words.len() as u8][..], words].concat();
    let answer = [&[10, partial.len() as u8][..], &partial].concat();
    let backend = Backend::http(None, move |_| {
        let mut response = http::Response::new(Body::from(answer.clone()));
        let protobuf = http::HeaderValue::from_static("application/x-protobuf");
        response.headers_mut().insert("content-type", protobuf);
        response
    });
    let service = table::honeycomb();
    let hub = hub(&service, backend.address, "");
    let items = golden(Traces).items() as u64;
    assert_eq!(settle(&service, &hub, Traces), (items - 2, 2));
    assert_eq!(backend.requests().len(), 1);
    has(&hub.log(), &["two spans are too old", "rejected=2"]);
}

/// So many log records, each with so much text that does not compress.
fn logs(count: usize, length: usize) -> String {
    let mut state = 7_u64;
    let mut record = || {
        let text: String = (0..length)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                char::from(b'0' + (state >> 33) as u8 % 75)
            })
            .filter(|letter| *letter != '\\')
            .collect();
        format!(r#"{{"timeUnixNano":"{GOLDEN_TIME}","body":{{"stringValue":"{text}"}}}}"#)
    };
    let records: Vec<String> = (0..count).map(|_| record()).collect();
    let records = records.join(",");
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#)
}

/// Sends so many records to a service; how many requests it took.
fn oversized(service: &Service, count: usize, length: usize) -> usize {
    let fake = (service.start)();
    let hub = hub(service, fake.address, "");
    let json = logs(count, length);
    let settled = settle_json(service, &hub, Logs, &json, count);
    assert_eq!(
        settled,
        (count as u64, 0),
        "{}: {:?}",
        service.kind,
        fake.refused()
    );
    assert_eq!(fake.held(), count, "{}", service.kind);
    fake.refused().len()
}

/// Scenario: batches beyond what a request to the service may hold: 1000 records to Datadog, 5 MB to
/// Elasticsearch, 1024 items to Azure.
/// Guarantee: everything arrives, once, in requests that the service does not refuse.
#[tokio::test(flavor = "multi_thread")]
async fn oversized_batches_arrive_in_parts() {
    for (service, count, length) in [
        (table::datadog(), 2500, 20),
        (table::elasticsearch(), 600, 20_000),
        (table::azuremonitor(), 2500, 20),
    ] {
        assert_eq!(oversized(&service, count, length), 0, "{}", service.kind);
    }
}

/// Scenario: New Relic and Splunk answer 413 to requests of more than 1 MB, the one as they are after compression.
/// Guarantee: requests are halved until they fit; everything arrives, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_refused_as_too_large_is_halved() {
    assert!(oversized(&table::newrelic(), 300, 20_000) > 0);
    // This one keeps no list of what it refused; the exporter's own limit is twice its.
    oversized(&table::splunk_hec(), 300, 20_000);
}

/// Scenario: log records go to Langfuse, which takes traces only.
/// Guarantee: those within a trace arrive as spans; the others are counted and told, and never make it refuse anything.
#[tokio::test(flavor = "multi_thread")]
async fn log_records_go_to_langfuse_as_spans() {
    let mut service = table::langfuse();
    service.takes.push(table::Taken {
        signal: Logs,
        ..service.takes[0]
    });
    let fake = (service.start)();
    let hub = hub(&service, fake.address, "");
    post(hub.otlp(), "/v1/logs", &golden_json(Logs, golden_time()));
    let within_a_trace = 2;
    let outside = golden(Logs).items() as u64 - within_a_trace;
    let lost = || hub.metric("otelcol_exporter_send_failed_log_records", "langfuse");
    wait_until(
        || lost() == outside && fake.held() as u64 == within_a_trace,
        || format!("{} lost, {} held: {}", lost(), fake.held(), hub.log()),
    );
    assert_eq!(fake.refused(), Vec::<String>::new());
    has(
        &hub.log(),
        &["log records outside a trace", "logs_as_spans: false"],
    );
}

/// Scenario: the service answers 429 and says when to come back.
/// Guarantee: the hub comes back then, not before; nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_busy_is_left_alone_as_long_as_it_says() {
    let times = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = times.clone();
    let backend = Backend::http(None, move |request| {
        let mut seen = seen.lock().unwrap();
        seen.push(std::time::Instant::now());
        if seen.len() > 1 {
            return fanlight_testkit::fakes::datadog::answer(DATADOG_KEY, request);
        }
        let mut answer = http_text(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests");
        let second = http::HeaderValue::from_static("1");
        answer.headers_mut().insert("retry-after", second);
        answer
    });
    let service = table::datadog();
    let hub = hub(&service, backend.address, "");
    let items = golden(Logs).items() as u64;
    assert_eq!(settle(&service, &hub, Logs), (items, 0));
    let times = times.lock().unwrap();
    assert!(times[1] - times[0] >= std::time::Duration::from_secs(1));
    has(&hub.log(), &["429", "trying again"]);
}
