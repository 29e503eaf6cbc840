//! The keys of the Kafka exporter.

use std::time::Duration;

use fanlight_config::blocks::{CompressionParams, KafkaClient};
use fanlight_config::{ConfigError, Headers, Node};
use fanlight_net::kafka::{Ear, client_config, default_topic, millis, peers, refused};
use fanlight_otlp::{Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig,
};
use rdkafka::ClientConfig;
use serde::Deserialize;

use super::message::{Encoding, KeyBy, Layout, Route};
use super::{BUFFER_KIBIBYTES, KafkaExporter};
use crate::delivery::Delivery;

/// A checked configuration.
#[derive(Clone, Debug)]
pub(super) struct Kafka {
    pub(super) keys: Keys,
    pub(super) delivery: Delivery,
    pub(super) client: KafkaClient,
    layout: Layout,
}

/// Keys of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(super) struct Keys {
    /// How long the brokers may take to acknowledge a batch; zero means forever. Default: 5s.
    #[serde(with = "fanlight_config::duration")]
    pub(super) timeout: Duration,
    pub(super) traces: SignalKeys,
    pub(super) metrics: SignalKeys,
    pub(super) logs: SignalKeys,
    pub(super) profiles: SignalKeys,
    /// The old form of every signal's `topic`.
    topic: Option<String>,
    /// The old form of every signal's `encoding`.
    encoding: Option<Encoding>,
    /// The resource attribute that names the topic. Default: none.
    pub(super) topic_from_attribute: String,
    /// The caller's metadata that becomes message headers. Default: none.
    pub(super) include_metadata_keys: Vec<String>,
    /// Headers of every message. Default: none.
    pub(super) record_headers: Headers,
    /// A message for each trace, with its id as the key. Default: false.
    pub(super) partition_traces_by_id: bool,
    /// A message for each resource, with a hash as the key. Default: false.
    pub(super) partition_metrics_by_resource_attributes: bool,
    /// The same for logs. Default: false.
    pub(super) partition_logs_by_resource_attributes: bool,
    /// A message for each trace, with its id as the key; logs without one have none. Default: false.
    pub(super) partition_logs_by_trace_id: bool,
    /// Which partition a message goes to.
    pub(super) record_partitioner: RecordPartitioner,
    pub(super) producer: Producer,
}

/// Keys of one signal.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SignalKeys {
    /// Default: `otlp_spans`, `otlp_metrics`, `otlp_logs`, `otlp_profiles`.
    topic: Option<String>,
    /// Default: `otlp_proto`.
    encoding: Option<Encoding>,
    /// The caller's metadata that names the topic. Default: none.
    topic_from_metadata_key: String,
    /// The caller's metadata that is the message's key. Default: none.
    message_key_from_metadata_key: String,
}

/// `record_partitioner`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RecordPartitioner {
    /// By the key's hash; without a key, one partition for a while and then another. The default.
    #[serde(deserialize_with = "fanlight_config::present")]
    sticky_key: Option<StickyKey>,
    /// Evenly over all partitions, whatever the key.
    #[serde(deserialize_with = "fanlight_config::present")]
    round_robin: Option<Nothing>,
    /// Not supported: use `round_robin`.
    least_backup: fanlight_config::blocks::NotSupported,
    /// Not supported.
    extension: fanlight_config::blocks::NotSupported,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Nothing {}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct StickyKey {
    hasher: Hasher,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Hasher {
    /// FNV-1a, as Go's Sarama library.
    #[default]
    SaramaCompat,
    /// As Kafka's own Java clients.
    Murmur2,
}

/// `producer`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(super) struct Producer {
    /// No message is larger, before compression. Default: 1000000.
    pub(super) max_message_bytes: usize,
    /// Accepted, no effect: a request holds one message at least and `flush_max_messages` at most.
    max_broker_write_bytes: u64,
    /// Whose acknowledgement counts. Default: the leader's.
    pub(super) required_acks: RequiredAcks,
    /// Default: none.
    pub(super) compression: Codec,
    /// Default: the codec's.
    compression_params: CompressionParams,
    /// Default: 10000; 0 means that.
    pub(super) flush_max_messages: u32,
    /// How long a partition waits for more before it sends. Default: 10ms.
    #[serde(with = "fanlight_config::duration")]
    pub(super) linger: Duration,
    /// Accepted, no effect: the brokers decide (`auto.create.topics.enable`). Default: true.
    allow_auto_topic_creation: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum RequiredAcks {
    #[serde(rename = "all", alias = "-1")]
    All,
    #[default]
    #[serde(rename = "1")]
    Leader,
    #[serde(rename = "0")]
    Nobody,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Codec {
    #[default]
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            timeout: Duration::from_secs(5),
            traces: SignalKeys::default(),
            metrics: SignalKeys::default(),
            logs: SignalKeys::default(),
            profiles: SignalKeys::default(),
            topic: None,
            encoding: None,
            topic_from_attribute: String::new(),
            include_metadata_keys: Vec::new(),
            record_headers: Headers::default(),
            partition_traces_by_id: false,
            partition_metrics_by_resource_attributes: false,
            partition_logs_by_resource_attributes: false,
            partition_logs_by_trace_id: false,
            record_partitioner: RecordPartitioner::default(),
            producer: Producer::default(),
        }
    }
}

impl Default for Producer {
    fn default() -> Producer {
        Producer {
            max_message_bytes: 1_000_000,
            max_broker_write_bytes: 100 << 20,
            required_acks: RequiredAcks::default(),
            compression: Codec::default(),
            compression_params: CompressionParams::default(),
            flush_max_messages: 10_000,
            linger: Duration::from_millis(10),
            allow_auto_topic_creation: true,
        }
    }
}

pub(super) fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    kafka(node).map(|kafka| Box::new(kafka) as Box<dyn ExporterConfig>)
}

pub(super) fn kafka(node: &Node) -> Result<Kafka, ConfigError> {
    let (keys, delivery, client) = node.decode_three::<Keys, Delivery, KafkaClient>()?;
    if keys.partition_logs_by_resource_attributes && keys.partition_logs_by_trace_id {
        let error = node.error_at(
            "partition_logs_by_trace_id",
            "logs have one key: partition_logs_by_resource_attributes and this exclude each other",
        );
        return Err(error);
    }
    if !(1000..=1_000_000_000).contains(&keys.producer.max_message_bytes) {
        return Err(node.error_at("producer", "max_message_bytes is from 1000 to 1000000000"));
    }
    let partitioners = &keys.record_partitioner;
    if partitioners.sticky_key.is_some() && partitioners.round_robin.is_some() {
        return Err(node.error_at("record_partitioner", "name one partitioner only"));
    }
    let mut routes = [const { None }; 4];
    for (signal, route) in Signal::ALL.into_iter().zip(&mut routes) {
        *route = keys
            .route(signal)
            .map_err(|why| node.error_at(signal.name(), why))?;
    }
    let layout = Layout {
        routes,
        topic_from_attribute: Some(keys.topic_from_attribute.clone()).filter(|key| !key.is_empty()),
        max_message_bytes: keys.producer.max_message_bytes,
    };
    Ok(Kafka {
        keys,
        delivery,
        client,
        layout,
    })
}

impl Keys {
    /// Where a signal's messages go, if its encoding can hold it.
    fn route(&self, signal: Signal) -> Result<Option<Route>, String> {
        let (keys, by_trace, by_resource) = match signal {
            Signal::Traces => (&self.traces, self.partition_traces_by_id, false),
            Signal::Metrics => (
                &self.metrics,
                false,
                self.partition_metrics_by_resource_attributes,
            ),
            Signal::Logs => (
                &self.logs,
                self.partition_logs_by_trace_id,
                self.partition_logs_by_resource_attributes,
            ),
            Signal::Profiles => (&self.profiles, false, false),
        };
        let encoding = keys.encoding.or(self.encoding).unwrap_or_default();
        if encoding == Encoding::Raw && signal != Signal::Logs {
            return match keys.encoding {
                Some(_) => Err("the encoding `raw` is for logs".to_owned()),
                None => Ok(None),
            };
        }
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let key_by = match text(&keys.message_key_from_metadata_key) {
            Some(_) if by_trace || by_resource => {
                return Err(
                    "message_key_from_metadata_key and partition_* exclude each other".to_owned(),
                );
            }
            Some(name) => KeyBy::Metadata(name),
            None if by_trace => KeyBy::Trace,
            None if by_resource => KeyBy::Resource,
            None => KeyBy::Nothing,
        };
        let topic = keys
            .topic
            .as_deref()
            .or(self.topic.as_deref())
            .unwrap_or(default_topic(signal));
        if topic.is_empty() {
            return Err("the topic is empty".to_owned());
        }
        Ok(Some(Route {
            topic: topic.into(),
            encoding,
            topic_from_metadata_key: text(&keys.topic_from_metadata_key),
            key_by,
        }))
    }
}

impl Kafka {
    /// What librdkafka is told.
    pub(super) fn client_config(&self) -> Result<ClientConfig, BuildError> {
        let producer = &self.keys.producer;
        let mut config = client_config(&self.client)?;
        config
            .set("message.max.bytes", producer.max_message_bytes.to_string())
            .set("queue.buffering.max.kbytes", BUFFER_KIBIBYTES.to_string())
            .set("queue.buffering.max.messages", "100000")
            .set("linger.ms", millis(producer.linger))
            // After this librdkafka gives up and says so; zero means never.
            .set("message.timeout.ms", millis(self.keys.timeout))
            .set(
                "acks",
                match producer.required_acks {
                    RequiredAcks::All => "all",
                    RequiredAcks::Leader => "1",
                    RequiredAcks::Nobody => "0",
                },
            )
            .set(
                "compression.codec",
                match producer.compression {
                    Codec::None => "none",
                    Codec::Gzip => "gzip",
                    Codec::Snappy => "snappy",
                    Codec::Lz4 => "lz4",
                    Codec::Zstd => "zstd",
                },
            )
            .set(
                "batch.num.messages",
                match producer.flush_max_messages {
                    0 => 10_000,
                    most => most.min(1_000_000),
                }
                .to_string(),
            );
        if let Some(level) = producer.compression_params.level {
            config.set("compression.level", level.to_string());
        }
        let partitioner = &self.keys.record_partitioner;
        let hasher = partitioner.sticky_key.as_ref().map(|sticky| sticky.hasher);
        match (
            partitioner.round_robin.is_some(),
            hasher.unwrap_or_default(),
        ) {
            (true, _) => config
                .set("partitioner", "random")
                .set("sticky.partitioning.linger.ms", "0"),
            (false, Hasher::SaramaCompat) => config.set("partitioner", "fnv1a_random"),
            (false, Hasher::Murmur2) => config.set("partitioner", "murmur2_random"),
        };
        Ok(config)
    }
}

impl ExporterConfig for Kafka {
    fn signals(&self) -> SignalSet {
        let routes = Signal::ALL.into_iter().zip(&self.layout.routes);
        routes
            .filter(|(_, route)| route.is_some())
            .map(|(signal, _)| signal)
            .collect()
    }

    fn settings(&self) -> ExportSettings {
        // The client knows better what became of each message: it gets the time to say so.
        let timeout = match self.keys.timeout {
            Duration::ZERO => Duration::ZERO,
            timeout => timeout + Duration::from_secs(2),
        };
        self.delivery.settings(timeout)
    }

    fn destination(&self) -> Destination {
        let mut topics: Vec<&str> = Vec::new();
        for route in self.layout.routes.iter().flatten() {
            if !topics.contains(&&*route.topic) {
                topics.push(&route.topic);
            }
        }
        let brokers = self.client.brokers.join(", ");
        Destination {
            text: format!("{brokers} (Kafka, {})", topics.join(", ")),
            peers: peers(&self.client),
        }
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let config = self.client_config()?;
        let ear = Ear::new(&context.id.to_string(), &self.client);
        let producer = config
            .create_with_context(ear.clone())
            .map_err(|error| refused(&error))?;
        let headers = self.keys.record_headers.iter();
        Ok(Box::new(KafkaExporter {
            producer,
            ear,
            layout: self.layout.clone(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.expose().to_owned()))
                .collect(),
            metadata_keys: self.keys.include_metadata_keys.clone(),
        }))
    }
}
