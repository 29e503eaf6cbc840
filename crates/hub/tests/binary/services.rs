//! Commercial services, each as its strict fake, behind the binary: OTLP in, the vendor's own format out.
//!
//! A service is one [`Service`]: what a user writes to reach it, what it takes of the golden set, and what it is told when
//! the keys are wrong. Every test below runs for each of them. What single services do with single items is in `items`,
//! several destinations at once in `fan_out`.

mod fakes;
mod fan_out;
mod items;
mod peer;
mod table;

use std::fmt::Display;
use std::time::{Duration, Instant};

use fanlight_net::http::text as http_text;
use fanlight_net::status::{Code, Failure};
use fanlight_testkit::fakes::google_cloud::failure;
use fanlight_testkit::fakes::otlp_services::OTLP_SERVICES;
use fanlight_testkit::{Backend, Certificates, golden_at, golden_json};

use self::fakes::Fake;
use self::table::{Service, Taken};
use crate::hub::{Hub, fanlight, post, run, text};

/// The tests of each service of the table.
macro_rules! services {
    ($($service:ident)*) => {
        $(mod $service {
            use super::*;

            /// Scenario: the golden batch of each signal that the service takes, over OTLP/HTTP.
            /// Guarantee: the fake refuses nothing and holds every item; the hub counts what was sent, and what the
            /// service can't take with its reason.
            #[tokio::test(flavor = "multi_thread")]
            async fn takes_the_golden_set() {
                takes_everything(&table::$service()).await;
            }

            /// Scenario: the service's first connection breaks, and the second stays silent.
            /// Guarantee: the log says so once; then everything arrives, once.
            #[tokio::test(flavor = "multi_thread")]
            async fn gets_everything_over_a_bad_network() {
                survives_a_bad_network(&table::$service()).await;
            }

            /// Scenario: the credentials are wrong.
            /// Guarantee: log and `check --send` tell it in the vendor's terms without any secret; the loss is counted.
            #[tokio::test(flavor = "multi_thread")]
            async fn tells_of_wrong_credentials() {
                explains_wrong_credentials(&table::$service()).await;
            }

            /// Scenario: the address leads to something else, or to a server without TLS where TLS is expected.
            /// Guarantee: `check --send` tells both, the former in the vendor's terms, and shows no secret.
            #[tokio::test(flavor = "multi_thread")]
            async fn tells_of_a_wrong_address() {
                explains_a_wrong_address(&table::$service()).await;
            }
        })*

        /// Scenario: a fake of a service that takes OTLP is added.
        /// Guarantee: it is tested here.
        #[test]
        fn every_service_that_takes_otlp_is_here() {
            for service in OTLP_SERVICES {
                assert!([$(stringify!($service)),*].contains(&service.preset), "{}", service.preset);
            }
        }
    };
}

services! {
    arize awscloudwatchlogs awsxray azuremonitor datadog datadog_otlp elastic_apm elasticsearch googlecloud grafana_cloud
    helicone honeycomb langfuse logfire newrelic opik sapm signalfx splunk_hec splunk_o11y
}

/// Scenario: a service of one's own shows the certificate that it made for itself.
/// Guarantee: `check --send` says by which key to trust it, and which of the vendor's files that is.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_ones_own_is_explained() {
    let certificates = Certificates::new();
    for (service, file) in [
        (table::elasticsearch(), "http_ca.crt"),
        (table::splunk_hec(), "cacert.pem"),
    ] {
        let backend = Backend::http(Some(certificates.server()), |_| {
            http_text(http::StatusCode::OK, "")
        });
        let address = format!("localhost:{}", backend.address.port());
        let yaml = service.yaml(&address).replace("http://", "https://");
        let (succeeded, shown) = service.check(&yaml, service.variables);
        assert!(!succeeded, "{shown}");
        for part in [&address, "certificate", "set tls.ca_file to", file] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        assert_eq!(backend.requests().len(), 0);
    }
}

/// When everything happened: before the hub was started, and not long ago.
fn golden_time() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    (since.unwrap().as_secs() - 60) * 1_000_000_000
}

async fn takes_everything(service: &Service) {
    let fake = (service.start)();
    let hub = service.hub(&service.yaml(fake.address), service.variables);
    send_golden_set(service, &hub, &fake);
    assert_eq!(hub.metric("fanlight_exporter_retries", service.kind), 0);
    for Taken { why, .. } in &service.takes {
        assert!(hub.log().contains(why), "{why} in {}", hub.log());
    }
    service.shows_no_secret(&hub.log());
    // Some things are sent at the end.
    let mut hub = hub;
    hub.signal("-TERM");
    assert!(hub.wait().success());
    assert_eq!(fake.refused(), Vec::<String>::new());

    let (succeeded, shown) = service.check(&service.yaml(fake.address), service.variables);
    assert_eq!(succeeded, service.probed == service.takes.len(), "{shown}");
    assert_eq!(shown.matches("took it").count(), service.probed, "{shown}");
}

/// Sends one signal after the other, and compares what is counted on both sides.
fn send_golden_set(service: &Service, hub: &Hub, fake: &Fake) {
    let now = golden_time();
    let mut expected = Vec::new();
    let mut found = Vec::new();
    for taken in &service.takes {
        let (signal, before) = (taken.signal, fake.held());
        let info = signal.info();
        post(hub.otlp(), info.http_path, &golden_json(signal, now));
        let counted = || {
            ["sent", "send_failed"].map(|what| {
                let name = format!("otelcol_exporter_{what}_{}", info.items);
                hub.metric(&name, service.kind)
            })
        };
        let begun = Instant::now();
        while counted() != [taken.sent, taken.lost] && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(10));
        }
        expected.push((signal, [taken.sent, taken.lost], taken.held));
        found.push((signal, counted(), fake.held() - before));
    }
    assert_eq!(found, expected, "refused: {:?}", fake.refused());
}

async fn survives_a_bad_network(service: &Service) {
    let fake = (service.start)();
    let address = peer::hard_of_hearing(fake.address).await;
    let patience = "retry_on_failure: {initial_interval: 20ms, max_interval: 100ms}";
    let yaml = format!("{}\n{}\n{patience}", service.yaml(address), service.timeout);
    let hub = service.hub(&yaml, service.variables);
    send_golden_set(service, &hub, &fake);
    assert!(hub.metric("fanlight_exporter_retries", service.kind) >= 2);
    assert_eq!(fake.refused(), Vec::<String>::new());
    let log = hub.log();
    for part in ["trying again", &address.to_string(), "answers again"] {
        assert!(log.contains(part), "{part} in {log}");
    }
    service.shows_no_secret(&log);
}

async fn explains_wrong_credentials(service: &Service) {
    let fake = (service.start)();
    let (from, to) = service.wrong;
    let yaml = service.yaml(fake.address).replace(from, to);
    let variables: Vec<(&str, String)> = service
        .variables
        .iter()
        .map(|(name, value)| (*name, value.replace(from, to)))
        .collect();
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let hub = service.hub(&yaml, &variables);
    let signal = service.takes[0].signal;
    let items = golden_at(signal, golden_time()).items() as u64;
    let info = signal.info();
    post(
        hub.otlp(),
        info.http_path,
        &golden_json(signal, golden_time()),
    );
    let lost = format!("otelcol_exporter_send_failed_{}", info.items);
    let is_lost = || hub.metric(&lost, service.kind) == items;
    wait_until(is_lost, || hub.log());
    assert_eq!(fake.held(), 0);
    let (succeeded, shown) = service.check(&yaml, &variables);
    assert!(!succeeded, "{shown}");
    for told in [hub.log(), shown] {
        for part in service.told {
            assert!(told.contains(part), "{part} in {told}");
        }
        service.shows_no_secret(&told);
    }
}

async fn explains_a_wrong_address(service: &Service) {
    let nothing_here = || -> Failure { failure(Code::Unimplemented, "there is nothing here") };
    let elsewhere = match service.is_grpc {
        true => Backend::grpc(None, move |_| Err(nothing_here())),
        false => Backend::http(None, |_| {
            http_text(http::StatusCode::NOT_FOUND, "nothing here")
        }),
    };
    let yaml = service.yaml(elsewhere.address);
    let (succeeded, shown) = service.check(&yaml, service.variables);
    assert!(!succeeded, "{shown}");
    let status = if service.is_grpc {
        "UNIMPLEMENTED"
    } else {
        "404"
    };
    for part in [status, service.not_found] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    service.shows_no_secret(&shown);

    let with_tls = yaml
        .replace("http://", "https://")
        .replace("use_insecure: true", "use_insecure: false");
    let (succeeded, shown) = service.check(&with_tls, service.variables);
    assert!(!succeeded, "{shown}");
    for part in [
        &elsewhere.address.to_string(),
        "the server speaks plain text",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    service.shows_no_secret(&shown);
}

impl Service {
    fn yaml(&self, address: impl Display) -> String {
        self.keys.replace("ADDRESS", &address.to_string())
    }

    /// A configuration with this exporter, in a pipeline of each signal that it takes.
    fn config(&self, exporter: &str) -> String {
        let exporter = exporter.trim_end().replace('\n', "\n    ");
        let kind = self.kind;
        let mut config = format!(
            "receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}}}\nexporters:\n  {kind}:\n    {exporter}\nservice:\n  pipelines:\n"
        );
        for Taken { signal, .. } in &self.takes {
            config += &format!("    {signal}: {{receivers: [otlp], exporters: [{kind}]}}\n");
        }
        config
    }

    fn hub(&self, exporter: &str, variables: &[(&str, &str)]) -> Hub {
        let directory = tempfile::tempdir().unwrap();
        Hub::with_config_and(directory, &self.config(exporter), variables)
    }

    /// What `fanlight check --send` says, and whether it found everything well.
    fn check(&self, exporter: &str, variables: &[(&str, &str)]) -> (bool, String) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("hub.yaml");
        std::fs::write(&file, self.config(exporter)).unwrap();
        let output = run(fanlight(&["check", "--send", "--config"])
            .arg(&file)
            .arg("--data-dir")
            .arg(directory.path())
            .envs(variables.iter().copied()));
        let shown = text(&output.stdout) + &text(&output.stderr);
        (output.status.success(), shown)
    }

    fn shows_no_secret(&self, shown: &str) {
        for secret in self.secrets {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for something that happens within seconds, or says what happened instead.
fn wait_until(happened: impl Fn() -> bool, instead: impl Fn() -> String) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < PATIENCE, "{}", instead());
        std::thread::sleep(Duration::from_millis(10));
    }
}
