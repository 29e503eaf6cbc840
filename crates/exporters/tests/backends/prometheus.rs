//! `prometheus`: what a scrape gets in each format.

use std::fmt::Write as _;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};

use fanlight_formats::prometheus::client::MetricFamily;
use fanlight_otlp::Signal;
use fanlight_pipeline::{Exporter, Outcome};
use fanlight_testkit::{Exchange, exchange, golden, with_context};
use prost::Message as _;

use crate::made;

const PROTOBUF: &str =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0";

fn exporter(keys: &str) -> (Box<dyn Exporter>, SocketAddr) {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let yaml = format!("{{endpoint: '{address}', {keys}}}");
    (made::exporter("prometheus", &yaml), address)
}

async fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Exchange {
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{lines}\r\n");
    exchange(address, request.as_bytes()).await
}

async fn scrape(address: SocketAddr, accept: &str) -> Exchange {
    let answer = get(address, "/metrics", &[("accept", accept)]).await;
    assert_eq!(answer.status, 200);
    answer
}

async fn with_golden(keys: &str) -> (Box<dyn Exporter>, SocketAddr) {
    let (exporter, address) = exporter(keys);
    let prepared = exporter.prepare(golden(Signal::Metrics));
    assert_eq!(prepared.dropped, 0, "{}", prepared.why);
    let outcome = exporter.send(&prepared.batch).await;
    assert_eq!(outcome, Outcome::Delivered);
    (exporter, address)
}

/// Scenario: the golden metrics are scraped as text, as OpenMetrics, and as text with names in UTF-8.
/// Guarantee: names, types, units, escapes, exemplars and `target_info` are as each format wants them.
#[tokio::test]
async fn golden_metrics_as_text() {
    let (_exporter, address) =
        with_golden("enable_open_metrics: true, const_labels: {cluster: eu-1}").await;
    let answer = scrape(address, "text/plain").await;
    assert_eq!(
        answer.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    insta::assert_snapshot!("prometheus_text", answer.text());
    let answer = scrape(address, OPEN_METRICS).await;
    assert_eq!(
        answer.header("content-type"),
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    insta::assert_snapshot!("prometheus_open_metrics", answer.text());
    let keys =
        "send_timestamps: true, translation_strategy: NoTranslation, without_scope_info: true";
    let (_exporter, address) = with_golden(keys).await;
    let answer = scrape(address, "text/plain;version=1.0.0;escaping=allow-utf-8").await;
    insta::assert_snapshot!("prometheus_text_utf8", answer.text());
    let plain = scrape(address, "text/plain").await.text();
    assert!(
        plain.contains("http_server_requests{"),
        "no UTF-8 without being asked: {plain}"
    );
}

/// Scenario: the golden metrics are scraped as protobuf, compressed.
/// Guarantee: families decode to the same values, native histograms and exemplars among them.
#[tokio::test]
async fn golden_metrics_as_protobuf() {
    let (_exporter, address) = with_golden("").await;
    let headers = [("accept", PROTOBUF), ("accept-encoding", "gzip")];
    let answer = get(address, "/metrics", &headers).await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    let mut body = Vec::new();
    flate2::read::GzDecoder::new(answer.body.as_slice())
        .read_to_end(&mut body)
        .unwrap();
    let mut rest = body.as_slice();
    let mut shown = String::new();
    while !rest.is_empty() {
        let family = MetricFamily::decode_length_delimited(&mut rest).unwrap();
        writeln!(
            shown,
            "{:?} {:?} {:?} {:?}",
            family.name(),
            family.r#type(),
            family.help(),
            family.unit()
        )
        .unwrap();
        for metric in &family.metric {
            let labels: Vec<_> = metric
                .label
                .iter()
                .map(|label| format!("{}={:?}", label.name(), label.value()))
                .collect();
            writeln!(shown, "  {}", labels.join(" ")).unwrap();
            let values = [
                metric.gauge.as_ref().map(|value| format!("{value:?}")),
                metric.counter.as_ref().map(|value| format!("{value:?}")),
                metric.summary.as_ref().map(|value| format!("{value:?}")),
                metric.histogram.as_ref().map(|value| format!("{value:?}")),
            ];
            values
                .into_iter()
                .flatten()
                .for_each(|value| writeln!(shown, "    {value}").unwrap());
        }
    }
    insta::assert_snapshot!("prometheus_protobuf", shown);
}

/// Scenario: other paths and methods, a port that is taken, and an exporter that is told to finish.
/// Guarantee: the answers say where the metrics are; the error names the key; the port is free afterwards.
#[tokio::test]
async fn the_server_lives_as_long_as_the_exporter() {
    let (first, address) = exporter("");
    assert_eq!(get(address, "/", &[]).await.status, 404);
    let post = exchange(
        address,
        b"POST /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    assert_eq!(post.status, 405);
    let second = made::config("prometheus", &format!("endpoint: '{address}'"));
    let build = || with_context("prometheus/2", |context| second.build(context));
    let error = build().err().unwrap();
    assert!(error.to_string().contains("the port is in use"), "{error}");
    assert!(
        error
            .advice()
            .unwrap()
            .contains("exporters.prometheus/2.endpoint")
    );
    first.finish().await;
    assert!(build().is_ok());
}
