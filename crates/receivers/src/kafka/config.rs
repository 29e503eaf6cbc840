//! The keys of the Kafka receiver.

use std::time::Duration;

use fanlight_config::blocks::{KafkaClient, Retry};
use fanlight_config::{ConfigError, Node};
use fanlight_net::kafka::{client_config, default_topic, millis};
use fanlight_otlp::{Signal, SignalSet};
use fanlight_pipeline::{BuildContext, BuildError, Receiver, ReceiverConfig};
use rdkafka::ClientConfig;
use regex::Regex;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny};

use super::consume::KafkaReceiver;
use super::message::Encoding;

/// How much librdkafka fetches ahead of what the pipelines have taken.
const FETCHED_KIBIBYTES: u32 = 32 << 10;

/// A checked configuration.
#[derive(Clone, Debug)]
pub(super) struct Kafka {
    pub(super) keys: Keys,
    pub(super) client: KafkaClient,
    /// One for each signal that its encoding can hold.
    pub(super) sources: Vec<Source>,
}

/// Where the messages of one signal are.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) signal: Signal,
    pub(super) topics: Vec<Topic>,
    pub(super) encoding: Encoding,
}

/// A topic, or all whose names a pattern matches.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    /// As it is written, which is how librdkafka wants it.
    pub(super) text: String,
    pattern: Option<Regex>,
}

/// Keys of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(super) struct Keys {
    /// Default: `otel-collector`.
    group_id: String,
    /// Where a group without a committed offset begins. Default: latest.
    initial_offset: InitialOffset,
    traces: SignalKeys,
    metrics: SignalKeys,
    logs: SignalKeys,
    profiles: SignalKeys,
    /// The old form of every signal's `topics`.
    topic: Option<String>,
    /// The old form of every signal's `encoding`.
    encoding: Option<Encoding>,
    /// Default: 10s.
    #[serde(with = "fanlight_config::duration")]
    session_timeout: Duration,
    /// Default: 3s.
    #[serde(with = "fanlight_config::duration")]
    heartbeat_interval: Duration,
    /// The old form of `group_rebalance_strategies`.
    group_rebalance_strategy: Option<Strategy>,
    /// How partitions are shared out. Default: cooperative-sticky.
    group_rebalance_strategies: Vec<Strategy>,
    /// Makes this a static member of its group. Default: none.
    group_instance_id: String,
    pub(super) autocommit: AutoCommit,
    /// Accepted, no effect: see the module's documentation.
    #[serde(rename = "message_marking")]
    _message_marking: MessageMarking,
    pub(super) header_extraction: HeaderExtraction,
    /// How long to wait before a message that was refused for now is offered again. Default: 500ms, doubling up to 10s.
    pub(super) error_backoff: Option<Retry>,
    /// Default: 1.
    min_fetch_size: u32,
    /// The largest answer to a fetch; 0 means librdkafka's. Default: 0.
    max_fetch_size: u32,
    /// The old name of `max_partition_fetch_size`.
    default_fetch_size: Option<u32>,
    /// Default: 250ms.
    #[serde(with = "fanlight_config::duration")]
    max_fetch_wait: Duration,
    /// Default: 1048576.
    max_partition_fetch_size: Option<u32>,
    /// Accepted, no effect: one receiver's partitions are taken in turn.
    #[serde(rename = "partition_processing")]
    _partition_processing: Option<IgnoredAny>,
    /// Accepted, no effect.
    #[serde(rename = "telemetry")]
    _telemetry: Option<IgnoredAny>,
}

/// Keys of one signal.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct SignalKeys {
    /// Names, or patterns beginning with `^`. Default: `otlp_spans`, `otlp_metrics`, `otlp_logs`, `otlp_profiles`.
    topics: Vec<String>,
    /// The old form of `topics`.
    topic: Option<String>,
    /// Default: `otlp_proto`.
    encoding: Option<Encoding>,
    /// Patterns of topics that no signal reads. Default: none.
    exclude_topics: Vec<String>,
    /// The old form of `exclude_topics`.
    exclude_topic: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum InitialOffset {
    #[default]
    Latest,
    Earliest,
}

/// A way of sharing partitions out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strategy {
    Range,
    RoundRobin,
    CooperativeSticky,
}

/// `autocommit`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(super) struct AutoCommit {
    /// Whether offsets are committed at an interval; if not, after each message. Default: true.
    pub(super) enable: bool,
    /// Default: 1s.
    #[serde(with = "fanlight_config::duration")]
    interval: Duration,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct MessageMarking {
    #[serde(rename = "after")]
    _after: bool,
    #[serde(rename = "on_error")]
    _on_error: bool,
    #[serde(rename = "on_permanent_error")]
    _on_permanent_error: bool,
}

/// `header_extraction`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HeaderExtraction {
    /// Default: false.
    extract_headers: bool,
    /// Which headers become resource attributes `kafka.header.<name>`. Default: none.
    headers: Vec<String>,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            group_id: "otel-collector".to_owned(),
            initial_offset: InitialOffset::default(),
            traces: SignalKeys::default(),
            metrics: SignalKeys::default(),
            logs: SignalKeys::default(),
            profiles: SignalKeys::default(),
            topic: None,
            encoding: None,
            session_timeout: Duration::from_secs(10),
            heartbeat_interval: Duration::from_secs(3),
            group_rebalance_strategy: None,
            group_rebalance_strategies: Vec::new(),
            group_instance_id: String::new(),
            autocommit: AutoCommit::default(),
            _message_marking: MessageMarking::default(),
            header_extraction: HeaderExtraction::default(),
            error_backoff: None,
            min_fetch_size: 1,
            max_fetch_size: 0,
            default_fetch_size: None,
            max_fetch_wait: Duration::from_millis(250),
            max_partition_fetch_size: None,
            _partition_processing: None,
            _telemetry: None,
        }
    }
}

impl Default for AutoCommit {
    fn default() -> AutoCommit {
        AutoCommit {
            enable: true,
            interval: Duration::from_secs(1),
        }
    }
}

impl Strategy {
    const fn name(self) -> &'static str {
        match self {
            Strategy::Range => "range",
            Strategy::RoundRobin => "roundrobin",
            Strategy::CooperativeSticky => "cooperative-sticky",
        }
    }
}

impl<'de> Deserialize<'de> for Strategy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Strategy, D::Error> {
        let name = String::deserialize(deserializer)?;
        match name.as_str() {
            "range" => Ok(Strategy::Range),
            "roundrobin" => Ok(Strategy::RoundRobin),
            "cooperative-sticky" => Ok(Strategy::CooperativeSticky),
            "sticky" => Err(D::Error::custom(
                "`sticky` is not supported: write cooperative-sticky, in every member of the group",
            )),
            _ => Err(D::Error::custom(format!(
                "`{name}` is no strategy; write range, roundrobin or cooperative-sticky"
            ))),
        }
    }
}

pub(super) fn decode(node: &Node) -> Result<Box<dyn ReceiverConfig>, ConfigError> {
    kafka(node).map(|kafka| Box::new(kafka) as Box<dyn ReceiverConfig>)
}

pub(super) fn kafka(node: &Node) -> Result<Kafka, ConfigError> {
    let (keys, client) = node.decode_both::<Keys, KafkaClient>()?;
    if keys.group_rebalance_strategy.is_some() && !keys.group_rebalance_strategies.is_empty() {
        return Err(node.error_at(
            "group_rebalance_strategy",
            "group_rebalance_strategies and this exclude each other",
        ));
    }
    let eager = |strategy: &Strategy| *strategy != Strategy::CooperativeSticky;
    let strategies = keys.strategies();
    if strategies.iter().any(eager) && !strategies.iter().all(eager) {
        return Err(node.error_at(
            "group_rebalance_strategies",
            "cooperative-sticky can't be mixed with range or roundrobin in one consumer",
        ));
    }
    let mut sources = Vec::new();
    for signal in Signal::ALL {
        let source = keys.source(signal);
        sources.extend(source.map_err(|why| node.error_at(signal.name(), why))?);
    }
    Ok(Kafka {
        keys,
        client,
        sources,
    })
}

impl Keys {
    fn signal(&self, signal: Signal) -> &SignalKeys {
        match signal {
            Signal::Traces => &self.traces,
            Signal::Metrics => &self.metrics,
            Signal::Logs => &self.logs,
            Signal::Profiles => &self.profiles,
        }
    }

    /// Where a signal's messages are, if the encoding can hold it.
    fn source(&self, signal: Signal) -> Result<Option<Source>, String> {
        let keys = self.signal(signal);
        let encoding = keys.encoding.or(self.encoding).unwrap_or_default();
        if encoding.is_for_logs() && signal != Signal::Logs {
            return match keys.encoding {
                Some(_) => Err("this encoding is for logs".to_owned()),
                None => Ok(None),
            };
        }
        let names = match (keys.topics.is_empty(), &keys.topic) {
            (false, Some(_)) => return Err("topic and topics exclude each other".to_owned()),
            (false, None) => keys.topics.clone(),
            (true, name) => {
                let name = name.as_ref().or(self.topic.as_ref());
                vec![name.map_or_else(|| default_topic(signal).to_owned(), String::clone)]
            }
        };
        let topics = names
            .into_iter()
            .map(Topic::new)
            .collect::<Result<Vec<_>, _>>()?;
        let has_pattern = topics.iter().any(|topic| topic.pattern.is_some());
        if !has_pattern && keys.excluded().next().is_some() {
            return Err("exclude_topics is of use with patterns only, such as ^logs-".to_owned());
        }
        Ok(Some(Source {
            signal,
            topics,
            encoding,
        }))
    }

    fn strategies(&self) -> Vec<Strategy> {
        match (
            self.group_rebalance_strategy,
            &*self.group_rebalance_strategies,
        ) {
            (Some(strategy), _) => vec![strategy],
            (None, []) => vec![Strategy::CooperativeSticky],
            (None, several) => several.to_vec(),
        }
    }
}

impl SignalKeys {
    fn excluded(&self) -> impl Iterator<Item = &String> {
        self.exclude_topics.iter().chain(&self.exclude_topic)
    }
}

impl Topic {
    fn new(text: String) -> Result<Topic, String> {
        let pattern = match text.starts_with('^') {
            true => Some(Regex::new(&text).map_err(|error| format!("`{text}`: {error}"))?),
            false if text.is_empty() => return Err("a topic is empty".to_owned()),
            false => None,
        };
        Ok(Topic { text, pattern })
    }

    /// Whether this is the topic, or its name matches.
    pub(super) fn covers(&self, name: &str) -> bool {
        match &self.pattern {
            Some(pattern) => pattern.is_match(name),
            None => self.text == name,
        }
    }
}

impl HeaderExtraction {
    /// The headers that become resource attributes.
    pub(super) fn wanted(&self) -> &[String] {
        match self.extract_headers {
            true => &self.headers,
            false => &[],
        }
    }
}

impl Kafka {
    /// What librdkafka is told.
    pub(super) fn client_config(&self) -> Result<ClientConfig, BuildError> {
        let keys = &self.keys;
        let mut config = client_config(&self.client)?;
        let strategies = keys.strategies();
        let strategies = strategies.iter().map(|strategy| strategy.name());
        let partition = keys.max_partition_fetch_size.or(keys.default_fetch_size);
        config
            .set("group.id", &keys.group_id)
            .set(
                "auto.offset.reset",
                match keys.initial_offset {
                    InitialOffset::Latest => "latest",
                    InitialOffset::Earliest => "earliest",
                },
            )
            .set("session.timeout.ms", millis(keys.session_timeout))
            .set("heartbeat.interval.ms", millis(keys.heartbeat_interval))
            .set(
                "partition.assignment.strategy",
                strategies.collect::<Vec<_>>().join(","),
            )
            // An offset is stored for the next commit by hand, once its message was taken.
            .set("enable.auto.offset.store", "false")
            .set("enable.auto.commit", keys.autocommit.enable.to_string())
            .set("auto.commit.interval.ms", millis(keys.autocommit.interval))
            .set("fetch.min.bytes", keys.min_fetch_size.max(1).to_string())
            .set("fetch.wait.max.ms", millis(keys.max_fetch_wait))
            .set(
                "max.partition.fetch.bytes",
                partition.unwrap_or(1 << 20).to_string(),
            )
            .set("queued.max.messages.kbytes", FETCHED_KIBIBYTES.to_string());
        if !keys.group_instance_id.is_empty() {
            config.set("group.instance.id", &keys.group_instance_id);
        }
        if keys.max_fetch_size > 0 {
            // librdkafka wants room for the answer's own bytes.
            let answer = u64::from(keys.max_fetch_size).max(100_000_000) + 512;
            config
                .set(
                    "message.max.bytes",
                    keys.max_fetch_size.clamp(1000, 1_000_000_000).to_string(),
                )
                .set("fetch.max.bytes", keys.max_fetch_size.to_string())
                .set("receive.message.max.bytes", answer.to_string());
        }
        let excluded = Signal::ALL
            .into_iter()
            .flat_map(|signal| keys.signal(signal).excluded());
        let excluded: Vec<&str> = excluded.map(String::as_str).collect();
        if !excluded.is_empty() {
            config.set("topic.blacklist", excluded.join(","));
        }
        config
            .create_native_config()
            .map_err(|error| fanlight_net::kafka::refused(&error))?;
        Ok(config)
    }
}

impl ReceiverConfig for Kafka {
    fn signals(&self) -> SignalSet {
        self.sources.iter().map(|source| source.signal).collect()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Receiver>, BuildError> {
        let receiver = KafkaReceiver::new(self, self.client_config()?, &context.id.to_string())?;
        Ok(Box::new(receiver))
    }
}
