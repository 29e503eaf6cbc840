use fanlight_testkit::node;

use super::*;

#[test]
fn defaults_are_the_collectors() {
    let keys: Keys = node("").decode().unwrap();
    assert_eq!(keys, Keys::default());
    assert_eq!(keys.timeout, Duration::from_secs(12));
    let config = decode(&node("project: shop")).unwrap();
    assert_eq!(config.destination().text, "Google Cloud, shop (gRPC)");
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
