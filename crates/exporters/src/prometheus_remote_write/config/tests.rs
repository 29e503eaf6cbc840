//! Defaults, old spellings and refusals.

use fanlight_config::blocks::Retry;
use fanlight_testkit::node;

use super::*;

fn config(yaml: &str) -> RemoteWrite {
    read(&node(yaml)).unwrap()
}

fn refused(yaml: &str) -> String {
    let error = read(&node(yaml)).unwrap_err();
    format!("{error:#} {:?}", error.hint)
}

#[test]
fn defaults_are_the_collectors() {
    let config = config("endpoint: http://prometheus:9090/api/v1/write");
    let settings = config.settings();
    assert_eq!(settings.timeout, Duration::from_secs(5));
    let expected = Retry {
        initial_interval: Duration::from_millis(50),
        ..Retry::default()
    };
    assert_eq!(settings.retry, expected);
    assert!(settings.queue.enabled);
    assert_eq!(
        (settings.queue.queue_size, settings.queue.num_consumers),
        (10_000, 1)
    );
    let keys = &config.keys;
    assert_eq!(keys.remote_write_queue.num_consumers, 5);
    assert_eq!(keys.max_batch_size_bytes, 3_000_000);
    assert!(keys.target_info.enabled && keys.add_metric_suffixes);
    assert!(!keys.send_metadata && !keys.disable_scope_info);
    assert_eq!(keys.protobuf_message, ProtobufMessage::V1);
    assert_eq!(config.resource, ResourceLabels::default());
    assert_eq!(
        config.destination().text,
        "http://prometheus:9090/api/v1/write (remote write 1.0)"
    );
    assert_eq!(config.signals(), SignalSet::of(&[Signal::Metrics]));
}

#[test]
fn every_key_of_the_collector_is_read() {
    let config = config(
        "{endpoint: 'http://mimir:9009/api/v1/push', timeout: 7s, compression: snappy, namespace: n, external_labels: {a: b},
          headers: {X-Scope-OrgID: t}, remote_write_queue: {enabled: true, queue_size: 7, num_consumers: 3},
          retry_on_failure: {max_elapsed_time: 10m}, sending_queue: {batch: {}}, max_batch_size_bytes: 1000,
          max_batch_request_parallelism: 2, resource_to_telemetry_conversion: {enabled: true}, target_info: {enabled: false},
          disable_scope_info: true, translation_strategy: NoTranslation, send_metadata: true,
          protobuf_message: io.prometheus.write.v2.Request, include_metadata_keys: [X-Tenant], tls: {insecure: true}}",
    );
    let settings = config.settings();
    assert_eq!(settings.timeout, Duration::from_secs(7));
    assert_eq!(settings.queue.queue_size, 7);
    assert_eq!(settings.retry.initial_interval, INITIAL_INTERVAL);
    assert_eq!(settings.retry.max_elapsed_time, Duration::from_secs(600));
    assert_eq!(config.forwarded, ["x-tenant"]);
    let nested = read(&node(
        "{http: {endpoint: 'https://p:9090/w', compression: snappy}, timeout: 1s}",
    ))
    .unwrap();
    assert_eq!(nested.target.url.to_string(), "https://p:9090/w");
    assert_eq!(nested.timeout, Duration::from_secs(1));
}

#[test]
fn refusals_say_what_to_do() {
    let start = "endpoint: http://p:9090/api/v1/write";
    for (rest, fact) in [
        ("wal: {directory: ./w}", "file_storage"),
        ("compression: gzip", "snappy"),
        (
            "translation_strategy: NoTranslation",
            "io.prometheus.write.v2.Request",
        ),
        ("convert_explicit_histograms_to_nhcb: true", "not supported"),
        ("export_created_metric: {enabled: true}", "start times"),
        ("include_metadata_keys: [User-Agent]", "protocol itself"),
        ("remote_write_queue: {queue_size: 0}", "drop everything"),
        ("resource_constant_labels: {enabled: true}", "included"),
        ("max_batch_size: 1", "max_batch_size_bytes"),
    ] {
        let text = refused(&format!("{start}\n{rest}"));
        assert!(text.contains(fact), "{rest}: {text}");
    }
    assert!(refused("{}").contains("api/v1/write"));
    assert!(read(&node(&format!("{start}\nwal:"))).is_ok());
}
