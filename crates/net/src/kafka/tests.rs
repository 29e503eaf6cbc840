use fanlight_testkit::node;

use super::*;

fn block(yaml: &str) -> KafkaClient {
    node(yaml).decode().unwrap()
}

#[test]
fn the_old_and_the_new_form_of_a_password_are_the_same() {
    let new = block(
        "brokers: [a:1, b:2]\ntls:\nauth:\n  sasl: {username: me, password: hunter2, mechanism: PLAIN}",
    );
    let old =
        block("brokers: a:1, b:2\nauth:\n  tls:\n  plain_text: {username: me, password: hunter2}");
    for block in [new, old] {
        let config = client_config(&block).unwrap();
        for (key, value) in [
            ("bootstrap.servers", "a:1,b:2"),
            ("security.protocol", "sasl_ssl"),
            ("sasl.mechanism", "PLAIN"),
            ("sasl.username", "me"),
            ("sasl.password", "hunter2"),
        ] {
            assert_eq!(config.get(key), Some(value), "{key}");
        }
    }
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let cases = [
        (
            "auth: {sasl: {mechanism: AWS_MSK_IAM_OAUTHBEARER}}",
            "SCRAM",
        ),
        (
            "auth: {sasl: {mechanism: OAUTHBEARER}}",
            "`OAUTHBEARER` is not supported",
        ),
        ("auth: {kerberos: {realm: X}}", "not supported"),
        ("brokers: []", "no broker"),
    ];
    for (yaml, part) in cases {
        let error = node(yaml).decode::<KafkaClient>().unwrap_err().to_string();
        assert!(error.contains(part), "{yaml}: {error}");
    }
}

#[test]
fn contradictions_are_errors_without_secrets() {
    let cases = [
        "auth: {sasl: {username: me, password: hunter2}}",
        "auth: {sasl: {password: hunter2, mechanism: PLAIN}}",
        "auth: {sasl: {username: me, password: hunter2, mechanism: PLAIN}, plain_text: {username: a, password: b}}",
        "tls: {server_name_override: x}",
        "tls: {cert_pem: x}",
        "tls: {ca_file: /nonexistent/ca.pem}",
    ];
    for yaml in cases {
        let error = client_config(&block(yaml)).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn no_password_reaches_the_log_or_an_explanation() {
    let ear = Ear::new(
        "kafka",
        &block("auth: {plain_text: {username: me, password: hunter2}}"),
    );
    let failed = KafkaError::Global(RDKafkaErrorCode::Authentication);
    ear.error(failed, "bad password hunter2");
    let told = ear.explain(&KafkaError::MessageProduction(
        RDKafkaErrorCode::MessageTimedOut,
    ));
    assert!(
        told.contains("[REDACTED]") && told.contains("auth.sasl"),
        "{told}"
    );
}

#[test]
fn brokers_are_peers() {
    let peers = peers(&block("brokers: [kafka-1, 'kafka-2:9093', '[::1]:9094']"));
    let shown: Vec<_> = peers
        .iter()
        .map(|peer| (peer.host.as_str(), peer.port))
        .collect();
    assert_eq!(shown, [("kafka-1", 9092), ("kafka-2", 9093), ("::1", 9094)]);
}
