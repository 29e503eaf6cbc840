use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanlight_otlp::{Batch, Origin, Signal, json};
use fanlight_pipeline::{Exporter, ExporterConfig as _};
use fanlight_testkit::{batch, golden, node, with_context};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _, OwnedMessage};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::config::kafka;
use super::*;

type Cluster = MockCluster<'static, DefaultProducerContext>;

/// librdkafka's own brokers, with topics of four partitions.
fn cluster(topics: &[&str]) -> Cluster {
    let cluster = MockCluster::new(1).unwrap();
    for topic in topics {
        cluster.create_topic(topic, 4, 1).unwrap();
    }
    cluster
}

fn exporter(cluster: &Cluster, yaml: &str) -> Box<dyn Exporter> {
    let yaml = format!("brokers: {}\n{yaml}", cluster.bootstrap_servers());
    let config = kafka(&node(&yaml)).unwrap();
    with_context("kafka", |context| config.build(context)).unwrap()
}

/// The messages of a topic until they are enough.
async fn messages(
    cluster: &Cluster,
    topic: &str,
    enough: impl Fn(&[OwnedMessage]) -> bool + Send + 'static,
) -> Vec<OwnedMessage> {
    let consumer: BaseConsumer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .set("group.id", "test")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let mut partitions = TopicPartitionList::new();
    for partition in 0..4 {
        partitions
            .add_partition_offset(topic, partition, Offset::Beginning)
            .unwrap();
    }
    consumer.assign(&partitions).unwrap();
    tokio::task::spawn_blocking(move || {
        let mut messages = Vec::new();
        while !enough(&messages) {
            let message = consumer
                .poll(Duration::from_secs(30))
                .expect("a message in time");
            messages.push(message.unwrap().detach());
        }
        messages
    })
    .await
    .unwrap()
}

fn payload(message: &OwnedMessage) -> Bytes {
    Bytes::copy_from_slice(message.payload().unwrap())
}

/// Scenario: a batch of each signal, with the default settings.
/// Guarantee: each is one message in its own topic, with the very bytes of the batch.
#[tokio::test]
async fn batches_leave_as_they_are() {
    let topics = ["otlp_spans", "otlp_metrics", "otlp_logs", "otlp_profiles"];
    let cluster = cluster(&topics);
    let exporter = exporter(&cluster, "");
    for (signal, topic) in Signal::ALL.into_iter().zip(topics) {
        let batch = golden(signal);
        assert_eq!(exporter.send(&batch).await, Outcome::Delivered, "{signal}");
        let messages = messages(&cluster, topic, |found| !found.is_empty()).await;
        assert_eq!(payload(&messages[0]), batch.bytes(), "{signal}");
        assert_eq!(messages[0].key(), None, "{signal}");
    }
}

/// Scenario: JSON, a key from the caller's metadata, headers of the caller and of the configuration.
/// Guarantee: the message carries all of it.
#[tokio::test]
async fn keys_headers_and_topics_come_from_the_caller() {
    let cluster = cluster(&["tenant-7"]);
    let exporter = exporter(
        &cluster,
        "encoding: otlp_json\ninclude_metadata_keys: [X-Tenant, absent]\nrecord_headers: {env: prod}\nlogs:\n  topic_from_metadata_key: x-topic\n  message_key_from_metadata_key: x-tenant",
    );
    let metadata = [("x-tenant", "7"), ("x-topic", "tenant-7")];
    let origin = Origin {
        metadata: metadata
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        self_telemetry: false,
    };
    let batch = golden(Signal::Logs).with_origin(Some(Arc::new(origin)));
    assert_eq!(exporter.send(&batch).await, Outcome::Delivered);
    let found = messages(&cluster, "tenant-7", |found| !found.is_empty())
        .await
        .remove(0);
    assert_eq!(found.key(), Some(&b"7"[..]));
    assert_eq!(payload(&found), json::to_vec(&batch).unwrap());
    let headers: Vec<_> = found
        .headers()
        .unwrap()
        .iter()
        .map(|header| (header.key, header.value))
        .collect();
    assert_eq!(
        headers,
        [("env", Some(&b"prod"[..])), ("X-Tenant", Some(&b"7"[..]))]
    );
}

/// Scenario: traces partitioned by id.
/// Guarantee: each message holds one trace under its id, and no span is lost or doubled.
#[tokio::test]
async fn each_trace_is_a_message_with_its_id_as_key() {
    let cluster = cluster(&["otlp_spans"]);
    let exporter = exporter(&cluster, "partition_traces_by_id: true");
    let batch = golden(Signal::Traces);
    let mut spans: BTreeMap<String, usize> = BTreeMap::new();
    for resource in batch.resources() {
        for scope in resource.unwrap().scopes() {
            for span in scope.unwrap().spans() {
                *spans.entry(span.unwrap().trace_id.to_string()).or_default() += 1;
            }
        }
    }
    assert_eq!(exporter.send(&batch).await, Outcome::Delivered);
    let traces = spans.len();
    let found = messages(&cluster, "otlp_spans", move |found| found.len() >= traces).await;
    let found: BTreeMap<String, usize> = found
        .iter()
        .map(|message| {
            let key = String::from_utf8(message.key().unwrap_or_default().to_vec()).unwrap();
            (
                key,
                Batch::decode(Signal::Traces, payload(message))
                    .unwrap()
                    .items(),
            )
        })
        .collect();
    assert_eq!(found, spans);
}

/// Scenario: a batch many times the largest message, in both encodings.
/// Guarantee: every message fits, every item arrives once.
#[tokio::test]
async fn what_is_too_large_is_split() {
    for (encoding, signal) in [("otlp_proto", Signal::Logs), ("otlp_json", Signal::Metrics)] {
        let cluster = cluster(&["t"]);
        let yaml = format!("topic: t\nencoding: {encoding}\nproducer: {{max_message_bytes: 1000}}");
        let exporter = exporter(&cluster, &yaml);
        let sent = batch(signal, 2000);
        assert_eq!(exporter.send(&sent).await, Outcome::Delivered);
        let items = move |messages: &[OwnedMessage]| -> usize {
            let items = messages.iter().map(|message| match encoding {
                "otlp_json" => json::read(signal, message.payload().unwrap())
                    .unwrap()
                    .items(),
                _ => Batch::decode(signal, payload(message)).unwrap().items(),
            });
            items.sum()
        };
        let found = messages(&cluster, "t", move |found| items(found) >= 2000).await;
        assert!(
            found
                .iter()
                .all(|message| message.payload().unwrap().len() <= 1000)
        );
        assert_eq!(items(&found), sent.items());
    }
}

/// Scenario: two log records of 20 KB where messages hold 10 KB.
/// Guarantee: the others arrive; they alone are counted, with what to change.
#[tokio::test]
async fn an_item_that_fits_no_message_is_counted() {
    let cluster = cluster(&["otlp_logs"]);
    let exporter = exporter(&cluster, "producer: {max_message_bytes: 10000}");
    let outcome = exporter.send(&golden(Signal::Logs)).await;
    let Outcome::Partial { rejected, why } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(rejected, 2);
    assert!(why.contains("producer.max_message_bytes"), "{why}");
}

/// Scenario: the broker refuses messages as too large, or as forbidden.
/// Guarantee: they are not sent again as they are, and the user reads what to change.
#[tokio::test]
async fn refusals_for_good_are_told_with_advice() {
    let cases = [
        (
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
            "max.message.bytes",
        ),
        (
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            "ACL",
        ),
    ];
    for (error, advice) in cases {
        let cluster = cluster(&["otlp_logs"]);
        let exporter = exporter(&cluster, "");
        cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
        let outcome = exporter.send(&batch(Signal::Logs, 3)).await;
        assert!(
            matches!(outcome, Outcome::TooLarge { .. } | Outcome::Rejected { .. }),
            "{outcome:?}"
        );
        let why = outcome.why();
        assert!(why.contains("otlp_logs") && why.contains(advice), "{why}");
    }
}

/// Scenario: two messages of a batch; the broker refuses one for now.
/// Guarantee: only the items of that one are to be sent again.
#[tokio::test]
async fn only_what_was_not_acknowledged_is_sent_again() {
    let cluster = cluster(&["otlp_logs"]);
    let exporter = exporter(
        &cluster,
        "timeout: 2s\nproducer: {max_message_bytes: 1000, flush_max_messages: 1}",
    );
    let sent = batch(Signal::Logs, 600);
    // librdkafka tries again by itself until the time is up, so a refusal that it can't overcome stands for one.
    let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN;
    cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
    let outcome = exporter.send(&sent).await;
    let Outcome::Resend {
        rest, rejected: 0, ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert!(
        rest.items() > 0 && rest.items() < sent.items(),
        "{}",
        rest.items()
    );
}

/// Scenario: nobody listens where the broker should be.
/// Guarantee: the batch is to be sent again, and the reason names the broker and what it answered.
#[tokio::test]
async fn a_broker_that_is_away_is_named() {
    let config = kafka(&node("brokers: [127.0.0.1:1]\ntimeout: 1s")).unwrap();
    let exporter = with_context("kafka", |context| config.build(context)).unwrap();
    let outcome = exporter.send(&batch(Signal::Logs, 1)).await;
    let Outcome::Retry { why, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        why.contains("127.0.0.1:1") && why.contains("refused"),
        "{why}"
    );
}

#[test]
fn defaults_are_the_collectors() {
    let config = kafka(&node("")).unwrap();
    assert_eq!(config.client.brokers, ["localhost:9092"]);
    assert_eq!(config.client.client_id, "otel-collector");
    assert_eq!(
        config.destination().text,
        "localhost:9092 (Kafka, otlp_spans, otlp_metrics, otlp_logs, otlp_profiles)"
    );
    let librdkafka = config.client_config().unwrap();
    for (key, value) in [
        ("acks", "1"),
        ("compression.codec", "none"),
        ("linger.ms", "10"),
        ("message.max.bytes", "1000000"),
        ("message.timeout.ms", "5000"),
        ("batch.num.messages", "10000"),
        ("partitioner", "fnv1a_random"),
        ("security.protocol", "plaintext"),
    ] {
        assert_eq!(librdkafka.get(key), Some(value), "{key}");
    }
}

#[test]
fn old_and_new_keys_are_read() {
    let old = kafka(&node(
        "protocol_version: 2.0.0\ntopic: all\nencoding: raw\nproducer: {required_acks: -1, compression: zstd}\nrecord_partitioner: {sticky_key: {hasher: murmur2}}",
    ))
    .unwrap();
    assert_eq!(old.signals(), fanlight_otlp::SignalSet::of(&[Signal::Logs]));
    let librdkafka = old.client_config().unwrap();
    assert_eq!(librdkafka.get("acks"), Some("all"));
    assert_eq!(librdkafka.get("partitioner"), Some("murmur2_random"));
}

#[test]
fn what_can_not_be_is_refused_with_a_hint() {
    let cases = [
        ("traces: {encoding: raw}", "for logs"),
        ("encoding: jaeger_proto", "otlp_proto"),
        ("encoding: avro", "no encoding"),
        (
            "partition_logs_by_trace_id: true\npartition_logs_by_resource_attributes: true",
            "exclude",
        ),
        (
            "partition_traces_by_id: true\ntraces: {message_key_from_metadata_key: x}",
            "exclude",
        ),
        ("record_partitioner: {extension: mine}", "not supported"),
        ("producer: {max_message_bytes: 10}", "max_message_bytes"),
        ("topc: x", "topic"),
    ];
    for (yaml, part) in cases {
        let error = format!("{:?}", kafka(&node(yaml)).unwrap_err());
        assert!(error.contains(part), "{yaml}: {error}");
    }
}
