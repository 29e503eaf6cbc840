//! The configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use fanlight_config::blocks::{self, Compression, NotSupported};
use fanlight_config::{ComponentId, ConfigError, Node};
use fanlight_net::http::HttpClient;
use fanlight_otlp::{Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig,
};
use http::HeaderName;
use serde::Deserialize;

use super::request::{Shape, Version};
use super::{RemoteWriteExporter, Translation};
use crate::delivery::Delivery;
use crate::prometheus_model::{LabelSettings, Names, ResourceLabels, Strategy};
use crate::target::Target;

/// An endpoint as it may be written.
const EXAMPLE: &str = "http://prometheus:9090/api/v1/write";
/// How long one attempt may take, where the configuration says nothing.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The first delay before another attempt, where the configuration says nothing.
const INITIAL_INTERVAL: Duration = Duration::from_millis(50);
/// The most bytes of a request before compression, where the configuration says nothing.
const MAX_BATCH_SIZE_BYTES: usize = 3_000_000;
/// Headers that are the protocol's.
const RESERVED: [&str; 4] = [
    "content-encoding",
    "content-type",
    "user-agent",
    "x-prometheus-remote-write-version",
];

/// A checked configuration.
#[derive(Clone, Debug)]
pub(super) struct RemoteWrite {
    keys: Keys,
    delivery: Delivery,
    client: blocks::HttpClient,
    timeout: Duration,
    target: Target,
    /// The callers' headers that are sent on.
    forwarded: Vec<HeaderName>,
    resource: ResourceLabels,
}

/// Keys of its own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
struct Keys {
    /// What every metric's name begins with. Default: nothing.
    namespace: String,
    /// Labels of every series. Default: none.
    external_labels: BTreeMap<String, String>,
    /// The queue, and how many requests are in flight.
    remote_write_queue: RemoteWriteQueue,
    /// The most bytes of a request before compression; 0 is the default, 3,000,000.
    max_batch_size_bytes: usize,
    /// How many requests of one batch are in flight. Default: `remote_write_queue.num_consumers`.
    max_batch_request_parallelism: Option<usize>,
    /// Which resource attributes become labels. Default: none.
    resource_constant_labels: ResourceLabels,
    /// The older key for it.
    resource_to_telemetry_conversion: ResourceLabels,
    /// Whether there is `target_info`. Default: true.
    target_info: TargetInfo,
    /// Whether series don't tell their scope. Default: false.
    disable_scope_info: bool,
    /// Whether units and types are added to names; `translation_strategy` wins. Default: true.
    add_metric_suffixes: bool,
    /// How names are made. Default: UnderscoreEscapingWithSuffixes.
    translation_strategy: Option<Strategy>,
    /// Whether version 1 tells kind, help and unit of metrics; version 2 always does. Default: false.
    send_metadata: bool,
    /// Which version. Default: prometheus.WriteRequest.
    protobuf_message: ProtobufMessage,
    /// The callers' headers that are sent on, such as `X-Scope-OrgID`. Default: none.
    include_metadata_keys: Vec<String>,
    /// The client, where it does not stand beside the other keys. Default: none.
    http: Option<blocks::HttpClient>,
    /// Not supported.
    convert_explicit_histograms_to_nhcb: NotSupported,
    /// Accepted, no effect: classic histograms are always sent.
    keep_classic_histograms: bool,
    /// Not supported.
    export_created_metric: Switch,
    /// Accepted, no effect: the Collector has none any more.
    scope_info: Switch,
}

/// `remote_write_queue`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
struct RemoteWriteQueue {
    /// Whether there is a queue. Default: true.
    enabled: bool,
    /// How many batches fit in. Default: 10000.
    queue_size: u64,
    /// How many requests of one batch are in flight. Default: 5.
    num_consumers: usize,
}

/// `target_info`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
struct TargetInfo {
    /// Default: true.
    enabled: bool,
}

/// What older configurations may have switched on.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Switch {
    enabled: bool,
}

/// `protobuf_message`, by the full names of the messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum ProtobufMessage {
    #[default]
    #[serde(rename = "prometheus.WriteRequest", alias = "")]
    V1,
    #[serde(rename = "io.prometheus.write.v2.Request")]
    V2,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            namespace: String::new(),
            external_labels: BTreeMap::new(),
            remote_write_queue: RemoteWriteQueue::default(),
            max_batch_size_bytes: MAX_BATCH_SIZE_BYTES,
            max_batch_request_parallelism: None,
            resource_constant_labels: ResourceLabels::default(),
            resource_to_telemetry_conversion: ResourceLabels::default(),
            target_info: TargetInfo::default(),
            disable_scope_info: false,
            add_metric_suffixes: true,
            translation_strategy: None,
            send_metadata: false,
            protobuf_message: ProtobufMessage::V1,
            include_metadata_keys: Vec::new(),
            http: None,
            convert_explicit_histograms_to_nhcb: NotSupported,
            keep_classic_histograms: false,
            export_created_metric: Switch::default(),
            scope_info: Switch::default(),
        }
    }
}

impl Default for RemoteWriteQueue {
    fn default() -> RemoteWriteQueue {
        RemoteWriteQueue {
            enabled: true,
            queue_size: 10_000,
            num_consumers: 5,
        }
    }
}

impl Default for TargetInfo {
    fn default() -> TargetInfo {
        TargetInfo { enabled: true }
    }
}

pub(super) fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    Ok(Box::new(read(node)?))
}

fn read(node: &Node) -> Result<RemoteWrite, ConfigError> {
    if node.get("wal").is_some_and(|wal| !wal.is_null()) {
        let error = node.error_at("wal", "this exporter has no write-ahead log of its own");
        return Err(error.hint(
            "the queue itself can be on disk: define an extension file_storage, and set sending_queue: {storage: file_storage}",
        ));
    }
    let node = without_snappy(node.clone().without("wal"));
    let (keys, mut delivery, top) = node.decode_three::<Keys, Delivery, blocks::HttpClient>()?;
    check(&node, &keys)?;
    let resource = ResourceLabels::chosen(
        &node,
        &keys.resource_constant_labels,
        &keys.resource_to_telemetry_conversion,
    )?;
    let timeout = top.timeout.unwrap_or(TIMEOUT);
    let client = keys.http.clone().unwrap_or(top);
    if client
        .compression
        .is_some_and(|compression| compression != Compression::None)
    {
        let error = node.error_at(
            "compression",
            "remote write is always compressed with snappy",
        );
        return Err(error.hint("remove the key"));
    }
    let is_set = |block: &str, key: &str| {
        node.get(block)
            .is_some_and(|block| block.get(key).is_some())
    };
    if !is_set("retry_on_failure", "initial_interval") {
        delivery.retry_on_failure.initial_interval = INITIAL_INTERVAL;
    }
    let queue = &mut delivery.sending_queue;
    if !is_set("sending_queue", "queue_size") {
        queue.queue_size = keys.remote_write_queue.queue_size.max(1);
    }
    if !is_set("sending_queue", "enabled") {
        queue.enabled = keys.remote_write_queue.enabled;
    }
    // A batch that overtakes another would make its samples too old to be taken.
    queue.num_consumers = 1;
    let target = Target::of_client(&node, &client, EXAMPLE, |_| "")?;
    let forwarded = forwarded(&node, &keys)?;
    Ok(RemoteWrite {
        timeout,
        target,
        forwarded,
        resource,
        keys,
        delivery,
        client,
    })
}

/// The Collector's only compression has a name that no other client knows.
fn without_snappy(mut node: Node) -> Node {
    let is_snappy = |node: &Node| {
        node.get("compression")
            .and_then(|value| value.decode::<String>().ok())
            .is_some_and(|value| value == "snappy")
    };
    if let Some(http) = node.get("http").filter(|http| is_snappy(http)) {
        let http = http.clone().without("compression");
        node = node.with("http", http);
    }
    match is_snappy(&node) {
        true => node.without("compression"),
        false => node,
    }
}

fn check(node: &Node, keys: &Keys) -> Result<(), ConfigError> {
    let queue = &keys.remote_write_queue;
    if queue.enabled && queue.queue_size == 0 {
        return Err(node.error_at(
            "remote_write_queue",
            "a queue of size 0 would drop everything",
        ));
    }
    if keys.max_batch_request_parallelism == Some(0) {
        let key = "max_batch_request_parallelism";
        return Err(node.error_at(key, "at least one request must be in flight"));
    }
    if keys.export_created_metric.enabled {
        let error = node.error_at(
            "export_created_metric",
            "`_created` metrics are gone from Prometheus and the Collector",
        );
        return Err(
            error.hint("start times are part of protobuf_message: io.prometheus.write.v2.Request")
        );
    }
    let utf8 = matches!(
        keys.translation_strategy,
        Some(Strategy::NoUTF8EscapingWithSuffixes | Strategy::NoTranslation)
    );
    if utf8 && keys.protobuf_message == ProtobufMessage::V1 {
        let error = node.error_at(
            "translation_strategy",
            "names in UTF-8 need remote write 2.0",
        );
        return Err(error.hint("set protobuf_message: io.prometheus.write.v2.Request"));
    }
    Ok(())
}

fn forwarded(node: &Node, keys: &Keys) -> Result<Vec<HeaderName>, ConfigError> {
    let name = |key: &String| {
        let fail = |why: &str| node.error_at("include_metadata_keys", format!("`{key}` {why}"));
        let name = key
            .parse::<HeaderName>()
            .map_err(|_| fail("is not the name of a header"))?;
        match RESERVED.contains(&name.as_str()) {
            true => Err(fail("is a header of the protocol itself")),
            false => Ok(name),
        }
    };
    keys.include_metadata_keys.iter().map(name).collect()
}

impl ExporterConfig for RemoteWrite {
    fn signals(&self) -> SignalSet {
        SignalSet::of(&[Signal::Metrics])
    }

    fn settings(&self) -> ExportSettings {
        self.delivery.settings(self.timeout)
    }

    fn destination(&self) -> Destination {
        let version = match self.keys.protobuf_message {
            ProtobufMessage::V1 => "1.0",
            ProtobufMessage::V2 => "2.0",
        };
        self.target.destination(&format!("remote write {version}"))
    }

    fn extensions(&self) -> Vec<ComponentId> {
        self.client.extensions()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let keys = &self.keys;
        let known = std::slice::from_ref(&self.target.url);
        let client = HttpClient::new(&self.client, Compression::None, known, context)?;
        let translation = Translation {
            labels: LabelSettings {
                names: Names::new(
                    &keys.namespace,
                    keys.translation_strategy,
                    keys.add_metric_suffixes,
                ),
                external: keys.external_labels.clone(),
                resource: self.resource.clone(),
                scope: !keys.disable_scope_info,
            },
            target_info: keys.target_info.enabled,
        };
        let shape = Shape {
            version: match keys.protobuf_message {
                ProtobufMessage::V1 => Version::V1,
                ProtobufMessage::V2 => Version::V2,
            },
            max_bytes: match keys.max_batch_size_bytes {
                0 => MAX_BATCH_SIZE_BYTES,
                bytes => bytes,
            },
            metadata: keys.send_metadata,
        };
        let at_once = keys
            .max_batch_request_parallelism
            .unwrap_or(keys.remote_write_queue.num_consumers)
            .max(1);
        Ok(Box::new(RemoteWriteExporter::new(
            client,
            self.target.url.clone(),
            translation,
            shape,
            at_once,
            self.forwarded.clone(),
        )))
    }
}

#[cfg(test)]
mod tests;
