//! One pipeline to services of which only one is well.

use std::net::SocketAddr;

use fanlight_otlp::Signal::Traces;
use fanlight_testkit::{golden, golden_json};

use super::{fakes, golden_time, wait_until};
use crate::forwarding::nobody;
use crate::hub::{Hub, post};

/// How often the golden batch is sent.
const TIMES: usize = 20;

/// Scenario: spans go to Elasticsearch, which is well, to Datadog, which refuses the key, to Splunk, which never answers,
/// and to an X-Ray that is not there, all with short queues.
/// Guarantee: Elasticsearch gets everything at once, and once; no sender is refused; each of the others is told of by name.
#[tokio::test(flavor = "multi_thread")]
async fn services_that_fail_cost_the_others_nothing() {
    let (elasticsearch, datadog) = (fakes::elasticsearch(), fakes::datadog());
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let splunk = silent.local_addr().unwrap();
    let hub = hub(elasticsearch.address, datadog.address, splunk);
    let json = golden_json(Traces, golden_time());
    for _ in 0..TIMES {
        post(hub.otlp(), "/v1/traces", &json);
    }
    let all = (TIMES * golden(Traces).items()) as u64;
    let counted = |what: &str, exporter: &str| {
        hub.metric(&format!("otelcol_exporter_{what}_spans"), exporter)
    };
    wait_until(
        || counted("sent", "elasticsearch") == all && counted("send_failed", "datadog") == all,
        || hub.log(),
    );
    let (documents, rest) = (elasticsearch.held() / TIMES, elasticsearch.held() % TIMES);
    assert!(documents >= golden(Traces).items() && rest == 0);
    assert_eq!(counted("send_failed", "elasticsearch"), 0);
    assert_eq!(datadog.held(), 0);
    for exporter in ["splunk_hec", "awsxray"] {
        assert_eq!(counted("sent", exporter), 0, "{exporter}");
        assert!(counted("enqueue_failed", exporter) > 0, "{exporter}");
    }
    let log = hub.log();
    for exporter in ["datadog", "awsxray"] {
        assert!(
            log.contains(&format!("exporter=\"{exporter}\"")),
            "{exporter} in {log}"
        );
    }
    assert!(!log.contains("exporter=\"elasticsearch\""), "{log}");
}

fn hub(elasticsearch: SocketAddr, datadog: SocketAddr, splunk: SocketAddr) -> Hub {
    Hub::with_config_and(
        tempfile::tempdir().unwrap(),
        &format!(
            "receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}}}
exporters:
  elasticsearch: {{endpoints: ['http://{}'], user: elastic, password: changeme}}
  datadog:
    api: {{key: fedcba9876543210fedcba9876543210}}
    traces: {{endpoint: 'http://{}'}}
  splunk_hec:
    endpoint: http://{}/services/collector
    token: 11111111-1111-1111-1111-111111111111
    sending_queue: {{queue_size: 2}}
  awsxray:
    region: eu-central-1
    endpoint: http://127.0.0.1:{}
    sending_queue: {{queue_size: 2}}
service:
  pipelines:
    traces: {{receivers: [otlp], exporters: [elasticsearch, datadog, splunk_hec, awsxray]}}
",
            elasticsearch,
            datadog,
            splunk,
            nobody(),
        ),
        &[
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "a-secret"),
        ],
    )
}
