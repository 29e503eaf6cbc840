//! The configuration: keys, old spellings, and what they become.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fanlight_config::blocks::{self, Batching, Compression, NotSupported, Queue, Retry, Sizer};
use fanlight_config::{ConfigError, Endpoint, Node, Secret};
use fanlight_pipeline::ExportSettings;
use serde::Deserialize;

use super::Elasticsearch;
use super::answer::Answers;
use super::documents::Rules;
use super::route::Logstash;
use crate::target::Target;

/// How long one attempt may take, where the configuration says nothing.
const TIMEOUT: Duration = Duration::from_secs(90);
/// The variable that names the endpoints where the configuration names none, separated by commas.
const ENDPOINTS_VARIABLE: &str = "ELASTICSEARCH_URL";

/// Where bulk requests go, below an endpoint.
pub(super) const PATH: &str = "/_bulk";

/// How items become documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    /// OpenTelemetry's own structure, which Elasticsearch 8.16 has index templates for.
    #[default]
    Otel,
    /// The Elastic Common Schema.
    Ecs,
    /// The fields of OTLP, flat.
    #[serde(alias = "no", alias = "")]
    None,
    /// As `none`, without `Attributes.` and `Events.` before attributes and events.
    Raw,
    /// A log record's body, which is a map, is the document.
    Bodymap,
}

impl Mode {
    /// The mode of that name.
    pub(super) fn named(name: &str) -> Option<Mode> {
        let name = name.to_ascii_lowercase();
        [Mode::Otel, Mode::Ecs, Mode::None, Mode::Raw, Mode::Bodymap]
            .into_iter()
            .find(|mode| mode.to_string() == name)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Otel => "otel",
            Mode::Ecs => "ecs",
            Mode::None => "none",
            Mode::Raw => "raw",
            Mode::Bodymap => "bodymap",
        })
    }
}

/// Keys of its own. [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/blob/main/exporter/elasticsearchexporter/config.go).
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Keys {
    /// URLs, taken in turn. One of `endpoint`, `endpoints`, `cloudid` and the variable `ELASTICSEARCH_URL` is mandatory.
    endpoints: Vec<Endpoint>,
    /// The id of an Elastic Cloud deployment.
    cloudid: Option<String>,
    /// The user of HTTP basic authentication.
    user: Option<String>,
    /// The user's password.
    password: Option<Secret>,
    /// An API key, encoded, as Elasticsearch gives it.
    api_key: Option<Secret>,
    /// The index of every log record. Default: none, attributes decide.
    #[serde(alias = "index")]
    logs_index: Option<String>,
    /// The index of every data point. Default: none, attributes decide.
    metrics_index: Option<String>,
    /// The index of every span. Default: none, attributes decide.
    traces_index: Option<String>,
    /// Accepted, no effect: without `logs_index`, attributes decide.
    logs_dynamic_index: Switch,
    /// As `logs_dynamic_index`.
    metrics_dynamic_index: Switch,
    /// As `logs_dynamic_index`.
    traces_dynamic_index: Switch,
    /// Whether the attribute `elasticsearch.document_id` is a log document's id. Default: false.
    logs_dynamic_id: Switch,
    /// Whether the attribute `elasticsearch.document_pipeline` is a log document's ingest pipeline. Default: false.
    logs_dynamic_pipeline: Switch,
    /// The ingest pipeline of every document. Default: none.
    pipeline: Option<String>,
    /// A date at the end of index names. Default: none.
    logstash_format: Logstash,
    /// How items become documents. Default: otel.
    mapping: Mapping,
    /// What is sent again.
    retry: RetryKeys,
    /// Old keys for the size of requests; `sending_queue.batch` wins.
    flush: Option<Flush>,
    /// Old key for `sending_queue.num_consumers`, which wins.
    num_workers: Option<usize>,
    /// Whether errors may quote documents (`true`) or must not (`false`), for Elasticsearch 8.18 and newer. Left out,
    /// Elasticsearch's reasons are not shown, since they quote values.
    include_source_on_error: Option<bool>,
    /// The queue in front of it.
    sending_queue: Queue,
    /// When to give up; the delays are `retry`'s. Not in the Collector.
    retry_on_failure: Retry,
    /// Not supported: name the endpoints.
    discover: NotSupported,
    /// Not supported: requests and answers are not logged.
    telemetry: NotSupported,
    /// Not supported: use `sending_queue.batch`.
    batcher: NotSupported,
    /// Not supported: use `sending_queue.batch.partition.metadata_keys`.
    metadata_keys: NotSupported,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Switch {
    enabled: bool,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Mapping {
    mode: Mode,
    /// The modes that `elastic.mapping.mode` of a scope, or `x-elastic-mapping-mode` of the sender's headers, may ask for.
    /// Default: all.
    allowed_modes: Option<Vec<Mode>>,
    /// Accepted, no effect: keys are always unique.
    dedup: bool,
    /// Accepted, no effect: keys with dots become objects in mode `ecs`, and only there.
    dedot: bool,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(default)]
struct RetryKeys {
    /// Default: true.
    enabled: bool,
    /// Accepted, no effect: a document is sent again until `retry_on_failure.max_elapsed_time` is over. Default: 2.
    max_retries: u32,
    /// As `max_retries`.
    max_requests: u32,
    /// The first delay. Default: 100ms.
    #[serde(with = "fanlight_config::duration")]
    initial_interval: Duration,
    /// The longest delay. Default: 1m.
    #[serde(with = "fanlight_config::duration")]
    max_interval: Duration,
    /// What is sent again, besides 502, 503 and 504, which say that nothing was done. Default: 429.
    retry_on_status: BTreeSet<u16>,
}

impl Default for RetryKeys {
    fn default() -> RetryKeys {
        RetryKeys {
            enabled: true,
            max_retries: 2,
            max_requests: 0,
            initial_interval: Duration::from_millis(100),
            max_interval: Duration::from_secs(60),
            retry_on_status: BTreeSet::from([429]),
        }
    }
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(default)]
struct Flush {
    /// The largest request. Default: 5,000,000.
    bytes: u64,
    /// How long a batch waits for others. Default: 30s.
    #[serde(with = "fanlight_config::duration")]
    interval: Duration,
}

impl Default for Flush {
    fn default() -> Flush {
        Flush {
            bytes: 5_000_000,
            interval: Duration::from_secs(30),
        }
    }
}

/// Reads and checks the configuration.
pub(super) fn decode(node: &Node) -> Result<Elasticsearch, ConfigError> {
    let (keys, mut client) = node.decode_both::<Keys, blocks::HttpClient>()?;
    let variable = std::env::var(ENDPOINTS_VARIABLE).unwrap_or_default();
    let endpoints = endpoints(node, &keys, &client, &variable)?;
    let query = query(&keys);
    let target =
        |endpoint: &Endpoint| Target::new(endpoint, client.tls.insecure, PATH)?.with_query(&query);
    let targets: Result<Vec<Target>, _> = endpoints.iter().map(target).collect();
    let targets = targets.map_err(|error| error.at(node, "endpoint", "https://host:9200"))?;
    if matches!(
        client.compression,
        Some(Compression::Zstd | Compression::Deflate)
    ) {
        return Err(node.error_at("compression", "Elasticsearch takes gzip or none"));
    }
    // The fastest level: the same as the Collector's, and documents repeat themselves enough.
    client.compression_params.level.get_or_insert(1);
    check_index(node, "logs", &keys.logs_index, keys.logs_dynamic_index)?;
    check_index(
        node,
        "metrics",
        &keys.metrics_index,
        keys.metrics_dynamic_index,
    )?;
    check_index(
        node,
        "traces",
        &keys.traces_index,
        keys.traces_dynamic_index,
    )?;
    keys.logstash_format
        .check()
        .map_err(|why| node.error_at("logstash_format", why))?;
    let allowed = keys.mapping.allowed_modes.as_ref();
    if allowed.is_some_and(|allowed| !allowed.contains(&keys.mapping.mode)) {
        let why = format!("mode {} is not among allowed_modes", keys.mapping.mode);
        return Err(node.error_at("mapping", why));
    }
    let timeout = client.timeout.unwrap_or(TIMEOUT);
    Ok(Elasticsearch {
        client,
        settings: settings(node, &keys, timeout),
        targets,
        authorization: authorization(node, &keys)?,
        answers: Answers {
            retry_on_status: match keys.retry.enabled {
                true => keys.retry.retry_on_status.clone(),
                false => BTreeSet::new(),
            },
            shows_reasons: keys.include_source_on_error.is_some(),
        },
        rules: rules(keys),
    })
}

fn rules(keys: Keys) -> Rules {
    let named = |index: Option<String>| index.filter(|index| !index.is_empty());
    Rules {
        mode: keys.mapping.mode,
        allowed_modes: keys.mapping.allowed_modes,
        logs_index: named(keys.logs_index),
        metrics_index: named(keys.metrics_index),
        traces_index: named(keys.traces_index),
        dynamic_id: keys.logs_dynamic_id.enabled,
        dynamic_pipeline: keys.logs_dynamic_pipeline.enabled,
        logstash: keys.logstash_format,
    }
}

fn endpoints(
    node: &Node,
    keys: &Keys,
    client: &blocks::HttpClient,
    variable: &str,
) -> Result<Vec<Endpoint>, ConfigError> {
    let one = client.endpoint.iter().cloned().collect();
    let cloud = keys.cloudid.as_deref().map(of_cloud_id).transpose();
    let cloud = cloud.map_err(|why| node.error_at("cloudid", why))?;
    let given: Vec<Vec<Endpoint>> = [one, keys.endpoints.clone(), cloud.into_iter().collect()]
        .into_iter()
        .filter(|endpoints: &Vec<Endpoint>| !endpoints.is_empty())
        .collect();
    match given.as_slice() {
        [endpoints] => return Ok(endpoints.clone()),
        [] => {}
        _ => {
            let why = "write one of endpoint, endpoints and cloudid, not several";
            return Err(node.error_at("endpoint", why));
        }
    }
    let named = variable
        .split(',')
        .map(str::trim)
        .filter(|url| !url.is_empty());
    let named: Result<Vec<Endpoint>, _> = named.map(str::parse).collect();
    let named =
        named.map_err(|why| node.error_at("endpoint", format!("{ENDPOINTS_VARIABLE}: {why}")))?;
    if named.is_empty() {
        let error = node.error_at("endpoint", "there is no endpoint to send to");
        return Err(error.hint("write endpoint: https://elasticsearch:9200, or cloudid"));
    }
    Ok(named)
}

/// The URL that a cloud id stands for: `name:base64(host$elasticsearch$kibana)`.
fn of_cloud_id(id: &str) -> Result<Endpoint, String> {
    let invalid = || "this is no cloud id; copy it from the deployment's page".to_owned();
    let (_, encoded) = id.split_once(':').ok_or_else(invalid)?;
    let decoded = STANDARD.decode(encoded).map_err(|_| invalid())?;
    let decoded = String::from_utf8(decoded).map_err(|_| invalid())?;
    let mut parts = decoded.split('$');
    let (Some(host), Some(deployment)) = (parts.next(), parts.next()) else {
        return Err(invalid());
    };
    format!("https://{deployment}.{host}")
        .parse()
        .map_err(|_| invalid())
}

/// What every request asks for: an answer without what nobody reads, and the pipeline.
fn query(keys: &Keys) -> String {
    let mut query =
        "filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason".to_owned();
    if let Some(pipeline) = keys.pipeline.as_deref().filter(|name| !name.is_empty()) {
        query.push_str("&pipeline=");
        for byte in pipeline.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                    query.push(char::from(byte));
                }
                byte => query.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    if let Some(include) = keys.include_source_on_error {
        query.push_str(&format!("&include_source_on_error={include}"));
    }
    query
}

fn authorization(node: &Node, keys: &Keys) -> Result<Option<Secret>, ConfigError> {
    match (&keys.user, &keys.password, &keys.api_key) {
        (None, None, None) => Ok(None),
        (None, None, Some(key)) => Ok(Some(Secret::new(format!("ApiKey {}", key.expose())))),
        (Some(user), password, None) => {
            let password = password.as_ref().map_or("", Secret::expose);
            let encoded = STANDARD.encode(format!("{user}:{password}"));
            Ok(Some(Secret::new(format!("Basic {encoded}"))))
        }
        (None, Some(_), _) => {
            Err(node.error_at("password", "there is no `user` that it belongs to"))
        }
        (Some(_), _, Some(_)) => {
            Err(node.error_at("api_key", "write user and password, or api_key, not both"))
        }
    }
}

fn check_index(
    node: &Node,
    signal: &str,
    index: &Option<String>,
    dynamic: Switch,
) -> Result<(), ConfigError> {
    if dynamic.enabled && index.as_ref().is_some_and(|index| !index.is_empty()) {
        let key = format!("{signal}_index");
        let why = format!("every document goes there, so {signal}_dynamic_index has no effect");
        return Err(node.error_at(&key, why).hint("remove one of the two"));
    }
    Ok(())
}

/// Queue and retry. Without `sending_queue.batch`, batches are joined as the Collector's exporter does: up to five million
/// bytes, for at most ten seconds.
fn settings(node: &Node, keys: &Keys, timeout: Duration) -> ExportSettings {
    let mut queue = keys.sending_queue.clone();
    let given = |key: &str| {
        node.get("sending_queue")
            .is_some_and(|queue| queue.get(key).is_some())
    };
    if !given("batch") {
        let flush = keys.flush.as_ref();
        let max_size = flush.map_or(5_000_000, |flush| flush.bytes);
        queue.batch = Some(Batching {
            flush_timeout: flush.map_or(Duration::from_secs(10), |flush| flush.interval),
            min_size: 1_000_000.min(max_size),
            max_size,
            sizer: Sizer::Bytes,
            metadata_keys: Vec::new(),
        });
    }
    if let Some(workers) = keys.num_workers.filter(|workers| *workers > 0)
        && !given("num_consumers")
    {
        queue.num_consumers = workers;
    }
    ExportSettings {
        queue,
        retry: Retry {
            enabled: keys.retry.enabled && keys.retry_on_failure.enabled,
            initial_interval: keys.retry.initial_interval,
            max_interval: keys.retry.max_interval,
            multiplier: 2.0,
            ..keys.retry_on_failure.clone()
        },
        timeout,
    }
}

#[cfg(test)]
mod tests;
