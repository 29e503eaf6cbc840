//! `prometheus` in front of targets that answer as the test says.

use std::time::Duration;

use fanlight_net::Body;
use fanlight_net::http::text;
use fanlight_otlp::json;
use fanlight_pipeline::Outcome;
use fanlight_receivers::RECEIVERS;
use fanlight_testkit::{Backend, Hub, Recorder};
use http::{HeaderValue, Response, StatusCode};

const PAGE: &str =
    "# TYPE jobs counter\njobs_total{kind=\"a\",secret=\"x\"} 3\njobs_total{kind=\"b\"} 4\n# EOF\n";

fn page(content_type: &'static str, body: &'static str) -> Response<Body> {
    let mut response = text(StatusCode::OK, body);
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(content_type));
    response
}

fn start(target: &str, rest: &str) -> (Hub, Recorder) {
    let config = format!(
        "receivers:\n  prometheus:\n    config:\n      scrape_configs:\n        - job_name: shop\n          \
         scrape_interval: 100ms\n          scrape_timeout: 90ms\n          static_configs: [{{targets: ['{target}'], labels: {{zone: eu}}}}]\n{rest}"
    );
    let recorder = Recorder::new(|_| Outcome::Delivered);
    (Hub::start(&config, RECEIVERS, &recorder), recorder)
}

/// The first scrape that holds this text, as OTLP/JSON.
async fn scraped(recorder: &Recorder, wanted: &str) -> String {
    for _ in 0..200 {
        for batch in recorder.taken() {
            let text = String::from_utf8(json::to_vec(&batch).unwrap()).unwrap();
            if text.contains(wanted) {
                return text;
            }
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("nothing with {wanted} was scraped")
}

/// Scenario: a target answers with OpenMetrics; rules drop a sample and a label; the job has credentials and parameters.
/// Guarantee: what is left arrives with the target's labels and resource, and the request was as configured.
#[tokio::test]
async fn a_target_is_scraped_and_relabelled() {
    let target = Backend::http(None, |_| {
        page("application/openmetrics-text; version=1.0.0", PAGE)
    });
    let rest = "          params: {module: [a b]}\n          basic_auth: {username: u, password: p}\n          \
                metric_relabel_configs:\n            - {source_labels: [kind], regex: b, action: drop}\n            \
                - {regex: secret, action: labeldrop}\n            - {source_labels: [job], target_label: from}\n";
    let (_hub, recorder) = start(&target.address.to_string(), rest);
    let text = scraped(&recorder, "jobs_total").await;
    assert!(
        text.contains(r#"{"key":"zone","value":{"stringValue":"eu"}}"#),
        "{text}"
    );
    assert!(
        !text.contains("secret") && !text.contains(r#""stringValue":"b""#),
        "{text}"
    );
    assert!(
        text.contains(r#"{"key":"service.name","value":{"stringValue":"shop"}}"#),
        "{text}"
    );
    // Rules see what then is in the resource.
    assert!(
        text.contains(r#"{"key":"from","value":{"stringValue":"shop"}}"#)
            && !text.contains(r#""key":"job""#),
        "{text}"
    );
    assert!(
        text.contains("scrape_samples_post_metric_relabeling"),
        "{text}"
    );
    let request = &target.requests()[0];
    assert_eq!(request.path, "/metrics?module=a%20b");
    assert_eq!(request.header("authorization"), "Basic dTpw");
    assert!(
        request
            .header("accept")
            .starts_with("application/vnd.google.protobuf")
    );
}

/// Scenario: a target first answers, then refuses, then answers nonsense.
/// Guarantee: `up` falls to 0 and every series that was there is marked stale.
#[tokio::test]
async fn a_target_that_breaks_is_down_and_its_series_are_stale() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let target = Backend::http(None, move |_| {
        match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => page("text/plain; version=0.0.4", PAGE),
            1 => text(StatusCode::INTERNAL_SERVER_ERROR, "no"),
            _ => page("text/plain", "no page at all"),
        }
    });
    let (_hub, recorder) = start(&target.address.to_string(), "");
    let stale = scraped(&recorder, r#""flags":1"#).await;
    assert!(stale.contains("jobs_total"), "{stale}");
    assert!(
        stale.contains(r#"{"name":"up","gauge":{"dataPoints":[{"#),
        "{stale}"
    );
    assert!(stale.contains(r#""asDouble":0"#), "{stale}");
}
