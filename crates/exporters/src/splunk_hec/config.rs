//! The configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use fanlight_config::blocks::{self, Compression};
use fanlight_config::{ConfigError, Node, Secret};
use http::Uri;
use serde::Deserialize;

use super::SplunkHec;
use super::heartbeat::Pulse;
use crate::delivery::Delivery;
use crate::target::{Target, usual_path};

/// How long one attempt may take, where the configuration says nothing.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);
/// Where events go, where the endpoint has no path.
const EVENTS: &str = "/services/collector";
/// Where raw lines go, where the endpoint has no path.
const RAW: &str = "/services/collector/raw";
/// An endpoint as it may be written.
const EXAMPLE: &str = "https://splunk:8088/services/collector";
/// 800 MiB: what Splunk takes at most.
const LARGEST: u64 = 838_860_800;

/// What the configuration says about events.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) source: String,
    pub(super) sourcetype: String,
    pub(super) index: String,
    pub(super) attributes: Metadata,
    pub(super) severity: SeverityFields,
    pub(super) logs: bool,
    pub(super) profiling: bool,
    pub(super) raw: bool,
    pub(super) multi_metric: bool,
    pub(super) max_logs: usize,
    pub(super) max_metrics: usize,
    pub(super) max_traces: usize,
    pub(super) max_event: usize,
}

/// Which attributes become what every event has.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    /// Default: com.splunk.source.
    pub(super) source: String,
    /// Default: com.splunk.sourcetype.
    pub(super) sourcetype: String,
    /// Default: com.splunk.index.
    pub(super) index: String,
    /// Default: host.name.
    pub(super) host: String,
}

/// Which fields a severity becomes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct SeverityFields {
    /// Default: otel.log.severity.text.
    pub(super) severity_text: String,
    /// Default: otel.log.severity.number.
    pub(super) severity_number: String,
}

/// Keys of its own. [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/blob/main/exporter/splunkhecexporter/config.go).
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Keys {
    /// The token. Mandatory.
    token: Option<Secret>,
    /// The source of events. Default: none.
    source: String,
    /// The source type of events. Default: none, Splunk finds one.
    sourcetype: String,
    /// The index of events. Default: the token's.
    index: String,
    /// No gzip. Default: false.
    disable_compression: bool,
    /// The largest request of log records in bytes, before compression; 0 means no limit. Default: 2 MiB.
    max_content_length_logs: u64,
    /// The same for data points.
    max_content_length_metrics: u64,
    /// The same for spans.
    max_content_length_traces: u64,
    /// The largest event in bytes. Default: 5 MiB.
    max_event_size: u64,
    /// What sends, for Splunk's own statistics. Default: Fanlight.
    splunk_app_name: String,
    /// Its version. Default: this release.
    splunk_app_version: Option<String>,
    /// Whether log records are sent. Default: true.
    log_data_enabled: bool,
    /// Whether log records of the scope `otel.profiling` are sent. Default: true.
    profiling_data_enabled: bool,
    /// Attributes that become metadata of events.
    #[serde(alias = "hec_metadata_to_otel_attrs")]
    otel_attrs_to_hec_metadata: Metadata,
    /// Fields that severities become.
    otel_to_hec_fields: SeverityFields,
    /// The path that tells whether Splunk is well. Default: /services/collector/health.
    health_path: String,
    /// Whether it is asked at the start; an answer other than success is told as a warning. Default: false.
    health_check_enabled: bool,
    /// Whether the bodies of log records are sent alone, as lines for the raw endpoint. Default: false.
    export_raw: bool,
    /// Whether points with the same dimensions are one event. Default: false.
    use_multi_metric_format: bool,
    /// Events that say that this exporter lives.
    heartbeat: HeartbeatKeys,
    /// Accepted, no effect: failed heartbeats are logged.
    telemetry: Telemetry,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct HeartbeatKeys {
    /// How often; zero means never. Default: 0.
    #[serde(with = "fanlight_config::duration")]
    interval: Duration,
    /// Whether one is sent at the start. Default: false.
    startup: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Telemetry {
    #[serde(rename = "enabled")]
    _enabled: bool,
    #[serde(rename = "override_metrics_names")]
    _override_metrics_names: BTreeMap<String, String>,
    #[serde(rename = "extra_attributes")]
    _extra_attributes: BTreeMap<String, String>,
}

impl Default for Metadata {
    fn default() -> Metadata {
        Metadata {
            source: "com.splunk.source".to_owned(),
            sourcetype: "com.splunk.sourcetype".to_owned(),
            index: "com.splunk.index".to_owned(),
            host: "host.name".to_owned(),
        }
    }
}

impl Default for SeverityFields {
    fn default() -> SeverityFields {
        SeverityFields {
            severity_text: "otel.log.severity.text".to_owned(),
            severity_number: "otel.log.severity.number".to_owned(),
        }
    }
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            token: None,
            source: String::new(),
            sourcetype: String::new(),
            index: String::new(),
            disable_compression: false,
            max_content_length_logs: 2 << 20,
            max_content_length_metrics: 2 << 20,
            max_content_length_traces: 2 << 20,
            max_event_size: 5 << 20,
            splunk_app_name: "Fanlight".to_owned(),
            splunk_app_version: None,
            log_data_enabled: true,
            profiling_data_enabled: true,
            otel_attrs_to_hec_metadata: Metadata::default(),
            otel_to_hec_fields: SeverityFields::default(),
            health_path: "/services/collector/health".to_owned(),
            health_check_enabled: false,
            export_raw: false,
            use_multi_metric_format: false,
            heartbeat: HeartbeatKeys::default(),
            telemetry: Telemetry::default(),
        }
    }
}

/// Reads and checks the configuration.
pub(super) fn decode(node: &Node) -> Result<SplunkHec, ConfigError> {
    let (keys, delivery, mut client) = node.decode_three::<Keys, Delivery, blocks::HttpClient>()?;
    let token = check(node, &keys)?;
    if keys.disable_compression {
        client.compression = Some(Compression::None);
    }
    // The defaults of this exporter, where the block has others.
    client.idle_conn_timeout = match node.get("idle_conn_timeout") {
        Some(_) => client.idle_conn_timeout,
        None => Duration::from_secs(10),
    };
    let path = if keys.export_raw { RAW } else { EVENTS };
    let target = Target::of_client(node, &client, EXAMPLE, usual_path(path))?;
    let health = keys
        .health_check_enabled
        .then(|| on_same_host(&target.url, &keys.health_path))
        .transpose()
        .map_err(|error| node.error_at("health_path", format!("it makes no URL: {error}")))?;
    Ok(SplunkHec {
        target,
        token,
        client,
        delivery,
        app: (
            keys.splunk_app_name.clone(),
            keys.splunk_app_version.clone(),
        ),
        heartbeat: Pulse {
            interval: keys.heartbeat.interval,
            startup: keys.heartbeat.startup,
            health,
        },
        rules: rules(keys),
    })
}

/// Refuses what can't work, and returns the token.
fn check(node: &Node, keys: &Keys) -> Result<Secret, ConfigError> {
    let token = keys
        .token
        .clone()
        .filter(|token| !token.expose().is_empty());
    let token = token.ok_or_else(|| {
        node.error_at("token", "the token is missing")
            .hint("write the token of an HTTP Event Collector input of Splunk")
    })?;
    if !keys.log_data_enabled && !keys.profiling_data_enabled {
        let why = "log_data_enabled and profiling_data_enabled are both false";
        return Err(node
            .error_at("log_data_enabled", why)
            .hint("set one of them to true"));
    }
    for (key, bytes) in [
        ("max_content_length_logs", keys.max_content_length_logs),
        (
            "max_content_length_metrics",
            keys.max_content_length_metrics,
        ),
        ("max_content_length_traces", keys.max_content_length_traces),
        ("max_event_size", keys.max_event_size),
    ] {
        if bytes > LARGEST {
            return Err(node.error_at(key, format!("Splunk takes at most {LARGEST} bytes")));
        }
    }
    Ok(token)
}

fn rules(keys: Keys) -> Rules {
    let bytes = |limit: u64| match usize::try_from(limit) {
        Ok(0) | Err(_) => usize::MAX,
        Ok(limit) => limit,
    };
    Rules {
        source: keys.source,
        sourcetype: keys.sourcetype,
        index: keys.index,
        attributes: keys.otel_attrs_to_hec_metadata,
        severity: keys.otel_to_hec_fields,
        logs: keys.log_data_enabled,
        profiling: keys.profiling_data_enabled,
        raw: keys.export_raw,
        multi_metric: keys.use_multi_metric_format,
        max_logs: bytes(keys.max_content_length_logs),
        max_metrics: bytes(keys.max_content_length_metrics),
        max_traces: bytes(keys.max_content_length_traces),
        max_event: bytes(keys.max_event_size),
    }
}

/// A URL with another path.
fn on_same_host(url: &Uri, path: &str) -> Result<Uri, http::Error> {
    let mut parts = url.clone().into_parts();
    parts.path_and_query = Some(path.parse()?);
    Ok(Uri::from_parts(parts)?)
}

#[cfg(test)]
mod tests {
    use fanlight_testkit::node;

    use super::*;

    fn decoded(yaml: &str) -> SplunkHec {
        decode(&node(yaml)).unwrap()
    }

    /// The Collector's defaults, but for the name under which Splunk counts what this program sends.
    #[test]
    fn a_token_and_an_endpoint_are_enough() {
        let splunk = decoded("token: t\nendpoint: https://splunk:8088");
        assert_eq!(
            splunk.target.url.to_string(),
            "https://splunk:8088/services/collector"
        );
        assert_eq!(splunk.client.idle_conn_timeout, Duration::from_secs(10));
        assert_eq!(splunk.app, ("Fanlight".to_owned(), None));
        let rules = splunk.rules;
        assert_eq!(
            (rules.max_logs, rules.max_metrics, rules.max_traces),
            (2 << 20, 2 << 20, 2 << 20)
        );
        assert_eq!(
            (rules.max_event, rules.logs, rules.profiling),
            (5 << 20, true, true)
        );
        assert_eq!(rules.attributes, Metadata::default());
        assert!(!rules.raw && !rules.multi_metric && splunk.heartbeat.interval.is_zero());
    }

    #[test]
    fn paths_follow_the_endpoint() {
        for (yaml, url) in [
            (
                "endpoint: https://s:8088/",
                "https://s:8088/services/collector",
            ),
            (
                "endpoint: https://s:8088/own/path",
                "https://s:8088/own/path",
            ),
            (
                "endpoint: http://s:8088\nexport_raw: true",
                "http://s:8088/services/collector/raw",
            ),
        ] {
            let splunk = decoded(&format!("token: t\n{yaml}"));
            assert_eq!(splunk.target.url.to_string(), url);
        }
        let health = "token: t\nendpoint: https://s:8088/own/path\nhealth_check_enabled: true";
        let health = decoded(health).heartbeat.health.unwrap();
        assert_eq!(
            health.to_string(),
            "https://s:8088/services/collector/health"
        );
    }

    #[test]
    fn what_is_missing_or_too_large_is_named() {
        for (yaml, expected) in [
            ("endpoint: https://s:8088", "the token is missing"),
            ("token: t", "no endpoint to send to"),
            (
                "token: t\nendpoint: https://s\nmax_event_size: 838860801",
                "at most 838860800",
            ),
            (
                "token: t\nendpoint: https://s\nlog_data_enabled: false\nprofiling_data_enabled: false",
                "both false",
            ),
        ] {
            let message = decode(&node(yaml)).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        let shown = format!("{:?}", decoded("token: hunter2\nendpoint: https://s"));
        assert!(!shown.contains("hunter2"));
    }
}
