use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fanlight_config::blocks::Queue;
use fanlight_otlp::view::Value;
use fanlight_otlp::{Batch, Signal, json};
use fanlight_pipeline::{Outcome, ReceiverConfig as _};
use fanlight_testkit::{Hub, Recorder, golden, node};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::config::kafka;

type Cluster = MockCluster<'static, DefaultProducerContext>;

fn cluster() -> Cluster {
    let cluster = MockCluster::new(1).unwrap();
    for topic in ["otlp_spans", "otlp_metrics", "otlp_logs", "otlp_profiles"] {
        cluster.create_topic(topic, 1, 1).unwrap();
    }
    cluster
}

fn producer(cluster: &Cluster) -> FutureProducer {
    let mut config = rdkafka::ClientConfig::new();
    config.set("bootstrap.servers", cluster.bootstrap_servers());
    config.create().unwrap()
}

async fn send(producer: &FutureProducer, topic: &str, payload: &[u8]) {
    let headers = OwnedHeaders::new().insert(Header {
        key: "Tenant",
        value: Some("7"),
    });
    let record = FutureRecord::<(), _>::to(topic)
        .payload(payload)
        .headers(headers);
    producer
        .send(record, Duration::from_secs(10))
        .await
        .unwrap();
}

fn hub(cluster: &Cluster, yaml: &str, recorder: &Recorder) -> Hub {
    let yaml = format!(
        "receivers:\n  kafka:\n    brokers: {}\n    initial_offset: earliest\n    autocommit: {{interval: 100ms}}\n{yaml}",
        cluster.bootstrap_servers(),
    );
    Hub::start(&yaml, crate::RECEIVERS, recorder)
}

async fn until(what: &str, mut check: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(40);
    while !check() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "not in time: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The offset that the group has committed for the only partition.
fn committed(cluster: &Cluster, topic: &str) -> Option<i64> {
    let mut config = rdkafka::ClientConfig::new();
    config
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .set("group.id", "otel-collector");
    let consumer: BaseConsumer = config.create().unwrap();
    let mut wanted = TopicPartitionList::new();
    wanted.add_partition(topic, 0);
    let found = consumer
        .committed_offsets(wanted, Duration::from_secs(10))
        .ok()?;
    match found.elements().first()?.offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }
}

/// Scenario: one message of each signal in its default topic.
/// Guarantee: each arrives as it was sent, with its place and headers as metadata.
#[tokio::test(flavor = "multi_thread")]
async fn each_signal_arrives_from_its_topic() {
    let cluster = cluster();
    let recorder = Recorder::new(|_| Outcome::Delivered);
    let hub = hub(&cluster, "", &recorder);
    let producer = producer(&cluster);
    for (signal, topic) in [
        (Signal::Traces, "otlp_spans"),
        (Signal::Metrics, "otlp_metrics"),
        (Signal::Logs, "otlp_logs"),
        (Signal::Profiles, "otlp_profiles"),
    ] {
        send(&producer, topic, golden(signal).bytes()).await;
        until(topic, || {
            recorder
                .taken()
                .iter()
                .any(|batch| batch.signal() == signal)
        })
        .await;
        let taken = recorder.taken();
        let batch = taken.iter().find(|batch| batch.signal() == signal).unwrap();
        assert_eq!(batch.bytes(), golden(signal).bytes());
        let metadata = &batch.origin().unwrap().metadata;
        for (name, value) in [
            ("kafka.topic", topic),
            ("kafka.partition", "0"),
            ("kafka.offset", "0"),
            ("tenant", "7"),
        ] {
            assert!(
                metadata.contains(&(name.to_owned(), value.to_owned())),
                "{metadata:?}"
            );
        }
    }
    hub.running.stop(Duration::from_secs(10)).await;
}

/// Scenario: garbage between two good messages.
/// Guarantee: both good ones arrive, the garbage is counted and committed, and never comes again.
#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_message_is_counted_and_never_blocks() {
    let cluster = cluster();
    let recorder = Recorder::new(|_| Outcome::Delivered);
    let hub = hub(&cluster, "    encoding: otlp_json\n", &recorder);
    let producer = producer(&cluster);
    let good = json::to_vec(&golden(Signal::Logs)).unwrap();
    for payload in [&good[..], b"{garbage", &good[..]] {
        send(&producer, "otlp_logs", payload).await;
    }
    until("both good messages", || recorder.taken().len() == 2).await;
    until("the commit of all three", || {
        committed(&cluster, "otlp_logs") == Some(3)
    })
    .await;
    let receivers = hub.status.snapshot().receivers;
    let refused: u64 = receivers
        .iter()
        .flat_map(|receiver| receiver.refused.values())
        .sum();
    assert_eq!(refused, 1);
    hub.running.stop(Duration::from_secs(10)).await;
}

/// Scenario: the destination is away for a while, and the sender waits for it.
/// Guarantee: nothing is committed meanwhile; the message comes in as soon as it is back, and then the next.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_is_offered_again_and_only_then_committed() {
    let cluster = cluster();
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let queue = Queue {
        enabled: false,
        ..Queue::default()
    };
    let recorder = Recorder::new(move |_| match counted.fetch_add(1, Ordering::SeqCst) {
        0..3 => Outcome::Retry {
            after: None,
            why: "away".to_owned(),
        },
        _ => Outcome::Delivered,
    })
    .with_queue(queue);
    let backoff =
        "    error_backoff: {enabled: true, initial_interval: 10ms, max_interval: 50ms}\n";
    let hub = hub(&cluster, backoff, &recorder);
    let producer = producer(&cluster);
    send(&producer, "otlp_logs", golden(Signal::Logs).bytes()).await;
    send(&producer, "otlp_logs", golden(Signal::Logs).bytes()).await;
    until("the second attempt", || {
        attempts.load(Ordering::SeqCst) >= 2
    })
    .await;
    assert_eq!(committed(&cluster, "otlp_logs"), None);
    until("both messages", || {
        committed(&cluster, "otlp_logs") == Some(2)
    })
    .await;
    assert_eq!(attempts.load(Ordering::SeqCst), 5);
    hub.running.stop(Duration::from_secs(10)).await;
}

/// Scenario: logs as text and as JSON, with a header to extract.
/// Guarantee: the body is what was sent, of the right type, and the header an attribute of the resource.
#[tokio::test(flavor = "multi_thread")]
async fn logs_are_read_from_text_and_json() {
    type Case = (&'static str, &'static [u8], fn(Value<'_>) -> bool);
    let cases: [Case; 3] = [
        ("text", "grüße".as_bytes(), |body| {
            body == Value::Str("grüße")
        }),
        ("raw", &[0xff, 0], |body| body == Value::Bytes(&[0xff, 0])),
        (
            "json",
            br#"{"a":[1,2.5,null,true]}"#,
            |body| matches!(body, Value::Map(map) if map.len() == 1),
        ),
    ];
    for (encoding, payload, is_right) in cases {
        let cluster = cluster();
        let recorder = Recorder::new(|_| Outcome::Delivered);
        let yaml = format!(
            "    logs: {{encoding: {encoding}}}\n    header_extraction: {{extract_headers: true, headers: [Tenant]}}\n"
        );
        let hub = hub(&cluster, &yaml, &recorder);
        send(&producer(&cluster), "otlp_logs", payload).await;
        until(encoding, || !recorder.taken().is_empty()).await;
        let batch: Batch = recorder.taken().remove(0);
        let resource = batch.resources().next().unwrap().unwrap();
        assert_eq!(
            resource.attributes.get("kafka.header.Tenant"),
            Ok(Some(Value::Str("7")))
        );
        let scope = resource.scopes().next().unwrap().unwrap();
        assert!(
            is_right(scope.logs().next().unwrap().unwrap().body),
            "{encoding}"
        );
        hub.running.stop(Duration::from_secs(10)).await;
    }
}

#[test]
fn defaults_are_the_collectors() {
    let config = kafka(&node("")).unwrap();
    let topics: Vec<&str> = config
        .sources
        .iter()
        .flat_map(|source| &source.topics)
        .map(|topic| &*topic.text)
        .collect();
    assert_eq!(
        topics,
        ["otlp_spans", "otlp_metrics", "otlp_logs", "otlp_profiles"]
    );
    let librdkafka = config.client_config().unwrap();
    for (key, value) in [
        ("group.id", "otel-collector"),
        ("client.id", "otel-collector"),
        ("auto.offset.reset", "latest"),
        ("session.timeout.ms", "10000"),
        ("heartbeat.interval.ms", "3000"),
        ("enable.auto.commit", "true"),
        ("enable.auto.offset.store", "false"),
        ("auto.commit.interval.ms", "1000"),
        ("fetch.min.bytes", "1"),
        ("fetch.wait.max.ms", "250"),
        ("max.partition.fetch.bytes", "1048576"),
        ("partition.assignment.strategy", "cooperative-sticky"),
    ] {
        assert_eq!(librdkafka.get(key), Some(value), "{key}");
    }
}

#[test]
fn old_and_new_keys_are_read() {
    let config = kafka(&node(
        "topic: app\nencoding: text\ndefault_fetch_size: 5000\nmax_fetch_size: 2000000\nmin_fetch_size: 10\nmessage_marking: {after: true, on_error: false}\ngroup_rebalance_strategy: range\ntelemetry: {metrics: {kafka_receiver_records_delay: {enabled: true}}}",
    ))
    .unwrap();
    assert_eq!(
        config.signals(),
        fanlight_otlp::SignalSet::of(&[Signal::Logs])
    );
    assert!(config.sources[0].topics[0].covers("app"));
    let librdkafka = config.client_config().unwrap();
    assert_eq!(librdkafka.get("max.partition.fetch.bytes"), Some("5000"));
    let pattern = kafka(&node(
        "logs: {topics: ['^logs-.*'], exclude_topics: ['^logs-dev$']}",
    ))
    .unwrap();
    assert!(
        pattern
            .sources
            .iter()
            .any(|source| source.topics[0].covers("logs-prod"))
    );
    assert_eq!(
        pattern.client_config().unwrap().get("topic.blacklist"),
        Some("^logs-dev$")
    );
}

#[test]
fn what_can_not_be_is_refused_with_a_hint() {
    let cases = [
        ("traces: {encoding: text}", "for logs"),
        ("logs: {encoding: text_shift_jis}", "raw"),
        ("encoding: zipkin_json", "otlp_proto"),
        ("logs: {topic: a, topics: [b]}", "exclude"),
        ("logs: {exclude_topics: [b]}", "patterns"),
        ("logs: {topics: ['^(']}", "^("),
        ("group_rebalance_strategy: sticky", "cooperative-sticky"),
        (
            "group_rebalance_strategies: [range, cooperative-sticky]",
            "mixed",
        ),
        ("initial_offset: now", "earliest"),
        ("group: x", "group_id"),
    ];
    for (yaml, part) in cases {
        let error = format!("{:?}", kafka(&node(yaml)).unwrap_err());
        assert!(error.contains(part), "{yaml}: {error}");
    }
}
