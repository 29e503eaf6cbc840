use fanlight_pipeline::ExporterConfig as _;
use fanlight_testkit::node;

use super::*;

fn decoded(yaml: &str) -> Elasticsearch {
    decode(&node(yaml)).unwrap()
}

fn refused(yaml: &str) -> String {
    decode(&node(yaml)).unwrap_err().to_string()
}

/// The Collector's defaults, but for the queue, which never makes other destinations wait, and retries, which go on.
#[test]
fn an_empty_configuration_has_the_defaults() {
    let elasticsearch = decoded("endpoint: https://es:9200");
    assert_eq!(elasticsearch.rules.mode, Mode::Otel);
    assert_eq!(elasticsearch.rules.logstash, Logstash::default());
    assert_eq!(elasticsearch.answers.retry_on_status, BTreeSet::from([429]));
    assert_eq!(elasticsearch.client.compression_params.level, Some(1));
    let settings = elasticsearch.settings;
    assert_eq!(settings.timeout, Duration::from_secs(90));
    assert_eq!(settings.retry.initial_interval, Duration::from_millis(100));
    assert_eq!(settings.retry.max_interval, Duration::from_secs(60));
    assert_eq!(settings.queue.num_consumers, 10);
    let batch = settings.queue.batch.unwrap();
    assert_eq!(
        (
            batch.min_size,
            batch.max_size,
            batch.sizer,
            batch.flush_timeout
        ),
        (1_000_000, 5_000_000, Sizer::Bytes, Duration::from_secs(10))
    );
}

#[test]
fn old_keys_become_those_of_the_queue() {
    let old = "endpoint: https://es:9200\nflush:\n  bytes: 500000\n  interval: 3s\nnum_workers: 4";
    let queue = decoded(old).settings.queue;
    let batch = queue.batch.unwrap();
    assert_eq!(queue.num_consumers, 4);
    assert_eq!(
        (batch.min_size, batch.max_size, batch.flush_timeout),
        (500_000, 500_000, Duration::from_secs(3))
    );
    let both =
        format!("{old}\nsending_queue:\n  num_consumers: 2\n  batch:\n    flush_timeout: 1s");
    let queue = decoded(&both).settings.queue;
    assert_eq!(queue.num_consumers, 2);
    assert_eq!(queue.batch.unwrap().flush_timeout, Duration::from_secs(1));
}

#[test]
fn endpoints_are_one_kind() {
    let cloud = decoded("cloudid: foo:YmFyLmNsb3VkLmVzLmlvJGFiYzEyMyRkZWY0NTY=");
    let url = cloud.targets.first().unwrap().url.to_string();
    assert!(
        url.starts_with("https://abc123.bar.cloud.es.io/_bulk?filter_path="),
        "{url}"
    );
    let several = refused("endpoint: https://a\nendpoints: [https://b]");
    assert!(
        several.contains("write one of endpoint, endpoints and cloudid"),
        "{several}"
    );
    let none = refused("user: elastic\npassword: x");
    assert!(none.contains("there is no endpoint to send to"), "{none}");
    let node = node("user: elastic");
    let (keys, client) = node.decode_both::<Keys, blocks::HttpClient>().unwrap();
    let named = endpoints(&node, &keys, &client, "http://a:9200, http://b:9200").unwrap();
    assert_eq!(named.len(), 2);
}

#[test]
fn what_can_not_be_honoured_is_refused_by_name() {
    for (yaml, expected) in [
        ("discover:\n  on_start: true", "not supported"),
        ("compression: zstd", "gzip or none"),
        ("api_key: a\nuser: b", "not both"),
        ("password: a", "no `user`"),
        (
            "logs_index: a\nlogs_dynamic_index:\n  enabled: true",
            "no effect",
        ),
        (
            "mapping:\n  mode: ecs\n  allowed_modes: [otel]",
            "not among allowed_modes",
        ),
        ("logstash_format:\n  date_format: '%!'", "date_format"),
        ("mapping:\n  mode: jaeger", "jaeger"),
    ] {
        let message = refused(&format!("endpoint: https://es:9200\n{yaml}"));
        assert!(message.contains(expected), "{yaml}: {message}");
    }
}

#[test]
fn a_pipeline_is_escaped_and_secrets_are_not_shown() {
    let yaml = "endpoint: https://es:9200/base?x=1\npipeline: my pipe/1\napi_key: hunter2";
    let elasticsearch = decoded(yaml);
    let target = elasticsearch.targets.first().unwrap();
    assert!(
        target
            .url
            .to_string()
            .starts_with("https://es:9200/base/_bulk?x=1&filter_path=")
    );
    assert!(target.url.to_string().ends_with("&pipeline=my%20pipe%2F1"));
    assert_eq!(
        elasticsearch.destination().text,
        "https://es:9200/base (bulk, mode otel)"
    );
    assert!(!format!("{elasticsearch:?}").contains("hunter2"));
}
