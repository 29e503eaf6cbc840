//! X-Ray, in front of a fake that checks signatures and documents.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use fanlight_otlp::Signal;
use fanlight_otlp::view::Value;
use fanlight_pipeline::Outcome;
use fanlight_testkit::fakes::aws::{Account, XRay};
use fanlight_testkit::{Backend, Hub, batch, golden};

use crate::made::{config, exporter, now, readable, resetting_peer, spans};

pub(crate) const ACCOUNT: Account = Account {
    access_key_id: "AKIDEXAMPLE",
    secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    session_token: Some("a-token/that+is=secret"),
    region: "eu-central-1",
};

/// Credentials in a file, as the exporters are told to read them.
pub(crate) struct Keys(tempfile::TempDir);

impl Keys {
    pub(crate) fn of(account: &Account) -> Keys {
        let directory = tempfile::tempdir().unwrap();
        let text = format!(
            "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
            account.access_key_id,
            account.secret_access_key,
            account.session_token.unwrap()
        );
        std::fs::write(directory.path().join("credentials"), text).unwrap();
        Keys(directory)
    }

    /// The keys of a session that uses them.
    pub(crate) fn session(&self, backend: &Backend) -> String {
        self.session_at(backend.address)
    }

    fn session_at(&self, address: SocketAddr) -> String {
        format!(
            "region: eu-central-1\nendpoint: http://{address}\nprofile: default\nshared_credentials_file: [{}]\n",
            self.0.path().join("credentials").display()
        )
    }
}

fn xray() -> (Arc<XRay>, Backend) {
    let fake = Arc::new(XRay::new(ACCOUNT));
    let answering = fake.clone();
    let backend = Backend::http(None, move |request| answering.answer(request));
    (fake, backend)
}

/// How many segments came, each counted once, and in all.
fn segments(fake: &XRay) -> (usize, usize) {
    let segments = fake.segments();
    let ids = segments.iter().map(|segment| segment["id"].to_string());
    (ids.collect::<BTreeSet<_>>().len(), segments.len())
}

/// Scenario: the golden spans are sent, some attributes to be indexed, with log groups.
/// Guarantee: every span is a document that X-Ray's schema takes, in one signed request.
#[tokio::test]
async fn golden_spans_become_documents() {
    let (fake, backend) = xray();
    let keys = Keys::of(&ACCOUNT);
    let options = "indexed_attributes: [http.route, otel.resource.service.namespace, flag, list]\naws_log_groups: [/shop/checkout]";
    let exporter = exporter("awsxray", &format!("{}{options}", keys.session(&backend)));
    let golden = golden(Signal::Traces);
    assert_eq!(exporter.send(&golden).await, Outcome::Delivered);
    let segments = fake.segments();
    assert_eq!(segments.len(), golden.items());
    insta::assert_snapshot!(readable(&segments.into()));
    let [request] = &backend.requests()[..] else {
        panic!("one request")
    };
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("user-agent"), "fanlight/test");
}

/// Scenario: more spans than a request may have, one of them without ids.
/// Guarantee: they are sent fifty at a time; the one that X-Ray can't take is counted, not sent.
#[tokio::test]
async fn requests_have_at_most_fifty_documents() {
    let (fake, backend) = xray();
    let keys = Keys::of(&ACCOUNT);
    let exporter = exporter("awsxray", &keys.session(&backend));
    let outcome = exporter.send(&spans(120, now(), &[])).await;
    assert_eq!(outcome, Outcome::Delivered);
    assert_eq!(fake.segments().len(), 120);
    assert_eq!(backend.requests().len(), 3);
    let outcome = exporter.send(&batch(Signal::Traces, 2)).await;
    assert!(matches!(outcome, Outcome::Rejected { .. }));
    assert_eq!(
        outcome.why(),
        "X-Ray takes no span without a trace id and a span id"
    );
    assert_eq!(backend.requests().len(), 3);
}

/// Scenario: X-Ray leaves two segments unprocessed, one because it is busy, one because it does not like it.
/// Guarantee: the first alone is sent again, the second is counted as refused; every other is there once.
#[tokio::test]
async fn unprocessed_segments_are_sent_again_by_themselves() {
    let (fake, backend) = xray();
    let keys = Keys::of(&ACCOUNT);
    let exporter = exporter("awsxray", &keys.session(&backend));
    fake.leave_unprocessed_once("0000000000000003", "ThrottledException");
    fake.leave_unprocessed_once("0000000000000004", "InvalidTraceId");
    let outcome = exporter.send(&spans(60, now(), &[])).await;
    let Outcome::Resend { rest, rejected, .. } = &outcome else {
        panic!("{outcome:?}")
    };
    // The second request waits with the segment that is to be sent again.
    assert_eq!((rest.items(), *rejected), (11, 1));
    assert_eq!(exporter.send(rest).await, Outcome::Delivered);
    assert_eq!(segments(&fake), (59, 59));
}

/// Scenario: X-Ray refuses one segment for good.
/// Guarantee: it is counted and its reason told; nothing is sent again.
#[tokio::test]
async fn a_segment_that_is_refused_for_good_is_counted() {
    let (fake, backend) = xray();
    let keys = Keys::of(&ACCOUNT);
    let exporter = exporter("awsxray", &keys.session(&backend));
    fake.leave_unprocessed_once("0000000000000002", "InvalidSegment");
    let outcome = exporter.send(&spans(3, now(), &[])).await;
    assert!(matches!(outcome, Outcome::Partial { rejected: 1, .. }));
    assert_eq!(
        outcome.why(),
        "X-Ray did not process a segment: InvalidSegment: as planned"
    );
}

/// Scenario: X-Ray throttles, has an error of its own, and refuses the request.
/// Guarantee: the first two are tried again, the last is not; each names the host, the status and the error.
#[tokio::test]
async fn throttling_is_tried_again() {
    let (fake, backend) = xray();
    let keys = Keys::of(&ACCOUNT);
    let exporter = exporter("awsxray", &keys.session(&backend));
    let spans = spans(1, now(), &[]);
    fake.fail_once(429, "ThrottledException", "Rate exceeded");
    let outcome = exporter.send(&spans).await;
    assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    assert_eq!(
        outcome.why(),
        format!(
            "http://{} answered 429 Too Many Requests: ThrottledException: Rate exceeded",
            backend.address
        )
    );
    fake.fail_once(500, "InternalFailure", "");
    let outcome = exporter.send(&spans).await;
    assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    fake.fail_once(400, "InvalidRequestException", "no");
    let outcome = exporter.send(&spans).await;
    assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
    assert_eq!(exporter.send(&spans).await, Outcome::Delivered);
}

/// Scenario: the secret key is wrong; the key is unknown; the region is another.
/// Guarantee: the user reads what to check, and neither key nor token.
#[tokio::test]
async fn wrong_credentials_say_what_to_check() {
    let (_fake, backend) = xray();
    for (account, told) in [
        (
            Account {
                secret_access_key: "another-secret",
                ..ACCOUNT
            },
            "check the secret access key, the region, and this machine's clock",
        ),
        (
            Account {
                access_key_id: "AKIDOTHER",
                ..ACCOUNT
            },
            "the access key is not known there",
        ),
    ] {
        let keys = Keys::of(&account);
        let exporter = exporter("awsxray", &keys.session(&backend));
        let outcome = exporter.send(&spans(1, now(), &[])).await;
        assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
        let why = outcome.why();
        assert!(why.contains("403") && why.contains(told), "{why}");
        for secret in [account.secret_access_key, "a-token", "x-amz-security-token"] {
            assert!(!why.contains(secret), "{why}");
        }
    }
}

/// Scenario: no source has credentials.
/// Guarantee: making the exporter asks nobody; the attempt says which source was asked, and is made again later.
#[tokio::test]
async fn missing_credentials_are_told_at_the_first_attempt() {
    let (_fake, backend) = xray();
    let yaml = format!(
        "region: eu-central-1\nendpoint: http://{}\nprofile: nobody\nshared_credentials_file: [/nonexistent/credentials]",
        backend.address
    );
    let exporter = exporter("awsxray", &yaml);
    let outcome = exporter.send(&spans(1, now(), &[])).await;
    assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    let why = outcome.why();
    assert!(
        why.starts_with("no AWS credentials: the configured profile"),
        "{why}"
    );
    assert!(why.contains("/nonexistent/credentials"), "{why}");
    assert_eq!(backend.requests().len(), 0);
}

/// Scenario: the peer closes the connection before it answers; the endpoint speaks plain text where TLS is expected.
/// Guarantee: both are tried again, and the user reads which host it was.
#[tokio::test]
async fn a_peer_that_breaks_off_is_tried_again() {
    let keys = Keys::of(&ACCOUNT);
    let address = resetting_peer().await;
    let session = keys.session_at(address);
    for yaml in [session.clone(), session.replace("http:", "https:")] {
        let outcome = exporter("awsxray", &yaml).send(&spans(1, now(), &[])).await;
        assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
        assert!(outcome.why().contains(&address.to_string()), "{outcome:?}");
    }
}

/// Scenario: a span with more text than a document may have, and one with more attributes than fit even when cut.
/// Guarantee: the first is sent with its texts cut; the second is counted.
#[tokio::test]
async fn documents_that_are_too_long_are_cut_or_counted() {
    let (fake, backend) = xray();
    let keys = Keys::of(&ACCOUNT);
    let exporter = exporter("awsxray", &keys.session(&backend));
    let long = "ü".repeat(30_000);
    let names: Vec<String> = (0..2000)
        .map(|number| format!("attribute.{number:030}"))
        .collect();
    let attributes: Vec<(&str, Value<'_>)> = names[..5]
        .iter()
        .map(|name| (name.as_str(), Value::Str(&long)))
        .collect();
    let outcome = exporter.send(&spans(1, now(), &attributes)).await;
    assert_eq!(outcome, Outcome::Delivered);
    let kept = &fake.segments()[0]["metadata"]["default"][&names[0]];
    assert_eq!(kept.as_str().unwrap().len(), 4096);
    let attributes: Vec<(&str, Value<'_>)> = names
        .iter()
        .map(|name| (name.as_str(), Value::Int(1)))
        .collect();
    let outcome = exporter.send(&spans(1, now(), &attributes)).await;
    assert_eq!(outcome.why(), "X-Ray takes no document of more than 64 KB");
}

/// Scenario: a hub sends to X-Ray, which throttles first and leaves a segment unprocessed next.
/// Guarantee: every segment is there once.
#[tokio::test]
async fn a_hub_delivers_every_segment_once() {
    let (fake, backend) = xray();
    let keys = Keys::of(&ACCOUNT);
    let yaml = format!(
        "{}retry_on_failure: {{initial_interval: 1ms}}\nsending_queue: {{wait_for_result: true}}",
        keys.session(&backend)
    );
    let (hub, door) = Hub::with_exporter(config("awsxray", &yaml)).await;
    fake.fail_once(429, "ThrottledException", "Rate exceeded");
    fake.leave_unprocessed_once("0000000000000005", "ThrottledException");
    door.offer(spans(70, now(), &[]), "test").await.unwrap();
    assert_eq!(segments(&fake), (70, 70));
    drop(hub);
}
