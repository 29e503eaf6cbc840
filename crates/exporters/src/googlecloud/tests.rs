use fanlight_testkit::node;

use super::*;

#[test]
fn defaults_are_the_collectors() {
    let keys: Keys = node("").decode().unwrap();
    assert_eq!(keys, Keys::default());
    assert_eq!(keys.timeout, Duration::from_secs(12));
    let config = decode(&node("project: shop")).unwrap();
    assert_eq!(config.destination().text, "Google Cloud, shop (gRPC)");
    assert!(config.signals().contains(Signal::Logs));
    assert!(!config.signals().contains(Signal::Profiles));
    let peer = &config.destination().peers[0];
    assert_eq!(
        (peer.host.as_str(), peer.port),
        ("cloudtrace.googleapis.com", 443)
    );
}

#[test]
fn what_is_not_supported_or_contradicts_itself_is_refused_by_name() {
    for (yaml, named) in [
        ("impersonate: {subject: me@example.com}", "not supported"),
        ("trace: {compression: gzip}", "compression"),
        ("log: {compression: zstd}", "gzip"),
        ("metric: {create_service_timeseries: true}", "not supported"),
        (
            "metric: {experimental_wal_config: {directory: ./}}",
            "not supported",
        ),
        ("log: {resource_filters: [{regex: '('}]}", "regex"),
        ("trace: {endpoint: 'https://host/path'}", "host and a port"),
        (
            "trace: {attribute_mappings: [{key: a, replacement: b}, {key: a, replacement: c}]}",
            "twice",
        ),
    ] {
        let error = decode(&node(yaml)).unwrap_err().to_string();
        assert!(error.contains(named), "{yaml}: {error}");
    }
}

#[test]
fn the_hub_starts_without_project_and_credentials() {
    let config = decode(&node("project: \"\"\nretry_on_failure:\n  enabled: true")).unwrap();
    let built = fanlight_testkit::with_context("googlecloud", |context| config.build(context));
    assert!(built.is_ok());
}
