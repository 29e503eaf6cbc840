//! What the keys of `datadog` come to: checked, and given to each signal.

use std::sync::Mutex;
use std::time::Duration;

use fanlight_config::blocks::{self, Compression};
use fanlight_config::{ConfigError, Endpoint, Node, Secret};
use fanlight_net::http::HttpClient;
use fanlight_otlp::{Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig,
};
use regex::Regex;

use super::intake::{API_KEY, Intakes, Urls};
use super::keys::{CumulativeMode, InitialMode, Keys, Metrics, SummaryMode};
use super::metrics::{self, HistogramMode};
use super::span::Naming;
use super::stats::Selection;
use super::{DatadogExporter, traces};
use crate::delivery::Delivery;
use crate::target::{Target, peers};
use crate::temporality::{Converter, Initial, Temporality};

/// What Datadog is told of the sender.
pub(super) const VERSION: &str = concat!("fanlight-", env!("CARGO_PKG_VERSION"));
/// How long one attempt may take, where the configuration says nothing.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A checked configuration.
#[derive(Clone, Debug)]
struct Datadog {
    keys: Keys,
    ignored: Vec<Regex>,
    delivery: Delivery,
    client: blocks::HttpClient,
    urls: Urls,
    destination: Destination,
}

pub(super) fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    let (mut keys, delivery, client) = node.decode_three::<Keys, Delivery, blocks::HttpClient>()?;
    let api = node.get("api").unwrap_or(node);
    let key = keys.api.key.expose().trim();
    if key.is_empty() {
        return Err(api
            .error_at("key", "`api.key` is missing")
            .hint("write api: {key: \"${env:DD_API_KEY}\"}"));
    }
    if !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(api
            .error_at("key", "`api.key` has characters that no API key has")
            .hint("an API key has 32 hexadecimal digits"));
    }
    keys.api.key = Secret::new(key);
    if client.endpoint.is_some() {
        return Err(node
            .error_at("endpoint", "datadog has several intakes, and no `endpoint`")
            .hint("write api.site, or traces.endpoint, metrics.endpoint and logs.endpoint"));
    }
    check_metrics(node, &keys.metrics)?;
    let ignored = keys.traces.ignore_resources.iter();
    let ignored = ignored
        .map(|text| Regex::new(text))
        .collect::<Result<_, _>>();
    let ignored = ignored.map_err(|error| {
        let traces = node.get("traces").unwrap_or(node);
        traces.error_at("ignore_resources", error.to_string())
    })?;
    let (urls, destination) = intakes(node, &keys, client.tls.insecure)?;
    Ok(Box::new(Datadog {
        keys,
        ignored,
        delivery,
        client,
        urls,
        destination,
    }))
}

fn check_metrics(node: &Node, metrics: &Metrics) -> Result<(), ConfigError> {
    let block = |key| {
        node.get("metrics")
            .and_then(|metrics| metrics.get(key))
            .unwrap_or(node)
    };
    let histograms = metrics.histograms;
    let aggregations = histograms.send_aggregation_metrics || histograms.send_count_sum_metrics;
    if histograms.mode == HistogramMode::NoBuckets && !aggregations {
        return Err(block("histograms")
            .error_at(
                "mode",
                "`nobuckets` without aggregation metrics leaves nothing of histograms",
            )
            .hint("add send_aggregation_metrics: true"));
    }
    let sums = metrics.sums;
    if sums.initial_cumulative_monotonic_value.is_some()
        && sums.cumulative_monotonic_mode != CumulativeMode::ToDelta
    {
        return Err(block("sums")
            .error_at(
                "initial_cumulative_monotonic_value",
                "raw values have no initial value",
            )
            .hint("remove it, or write cumulative_monotonic_mode: to_delta"));
    }
    Ok(())
}

fn intakes(node: &Node, keys: &Keys, insecure: bool) -> Result<(Urls, Destination), ConfigError> {
    let (mut targets, mut places) = (Vec::new(), Vec::new());
    let mut url = |block: &str, own: &Option<Endpoint>, host: &str, path: &str| {
        let (block, key, example) = match own {
            Some(_) => (block, "endpoint", "https://datadog.example.com"),
            None => ("api", "site", "datadoghq.eu"),
        };
        let block = node.get(block).unwrap_or(node);
        let endpoint = match own {
            Some(endpoint) => endpoint.clone(),
            None => format!("https://{host}.{}", keys.api.site)
                .parse()
                .map_err(|_| {
                    let error = block.error_at(key, "that is not a site");
                    error.hint(format!("write site: {example}"))
                })?,
        };
        let target = Target::new(&endpoint, insecure, path);
        let target = target.map_err(|error| error.at(block, key, example))?;
        let url = target.url.clone();
        let place = target.shown.trim_end_matches(path).to_owned();
        if !places.contains(&place) {
            places.push(place);
        }
        targets.push(target);
        Ok::<_, ConfigError>(url)
    };
    let (traces, metrics) = (&keys.traces.endpoint, &keys.metrics.endpoint);
    let urls = Urls {
        traces: url("traces", traces, "trace.agent", "/api/v0.2/traces")?,
        stats: url("traces", traces, "trace.agent", "/api/v0.2/stats")?,
        series: url("metrics", metrics, "api", "/api/v2/series")?,
        sketches: url("metrics", metrics, "api", "/api/beta/sketches")?,
        logs: url(
            "logs",
            &keys.logs.endpoint,
            "http-intake.logs",
            "/api/v2/logs",
        )?,
    };
    let destination = Destination {
        text: format!("{} (datadog)", places.join(", ")),
        peers: peers(&targets),
    };
    Ok((urls, destination))
}

impl ExporterConfig for Datadog {
    fn signals(&self) -> SignalSet {
        [Signal::Traces, Signal::Metrics, Signal::Logs]
            .into_iter()
            .collect()
    }

    fn settings(&self) -> ExportSettings {
        self.delivery.settings(self.timeout())
    }

    fn destination(&self) -> Destination {
        self.destination.clone()
    }

    fn extensions(&self) -> Vec<fanlight_config::ComponentId> {
        self.client.extensions()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let Keys { api, logs, .. } = &self.keys;
        let urls = [&self.urls.traces, &self.urls.series, &self.urls.logs].map(Clone::clone);
        let client = |block: &blocks::HttpClient| {
            HttpClient::new(block, Compression::Gzip, &urls, context)?
                .with_secret(API_KEY, api.key.expose())
        };
        let mut block = self.client.clone();
        if !logs.use_compression || logs.compression_level == 0 {
            block.compression = Some(Compression::None);
        } else if block.compression.is_none() {
            block.compression_params.level = Some(logs.compression_level);
        }
        let intakes = Intakes {
            client: client(&self.client)?,
            logs_client: client(&block)?,
            urls: self.urls.clone(),
        };
        Ok(Box::new(DatadogExporter {
            intakes,
            traces: self.traces(),
            metrics: self.metrics(),
            converter: self.converter(),
            summaries: metrics::Summaries::new(Duration::from_secs(self.keys.metrics.delta_ttl)),
            stats: Mutex::default(),
            timeout: self.timeout(),
        }))
    }
}

impl Datadog {
    fn timeout(&self) -> Duration {
        self.client.timeout.unwrap_or(TIMEOUT)
    }

    fn traces(&self) -> traces::Mapping {
        let keys = &self.keys.traces;
        let by_peer = keys.peer_tags_aggregation && keys.peer_service_aggregation;
        traces::Mapping {
            hostname: self.keys.hostname.clone(),
            naming: Naming {
                remappings: keys.span_name_remappings.clone(),
                span_name: keys.span_name_as_resource_name,
            },
            ignored: self.ignored.clone(),
            selection: Selection {
                by_kind: keys.compute_stats_by_span_kind,
                top_level_by_kind: keys.compute_top_level_by_span_kind,
                peer_tags: match by_peer {
                    true => Selection::peer_tags(&keys.peer_tags),
                    false => Vec::new(),
                },
            },
        }
    }

    /// Makes increases of what counts from a fixed start.
    fn converter(&self) -> Converter {
        let keys = &self.keys.metrics;
        let stale = Duration::from_secs(keys.delta_ttl);
        let initial = match keys.sums.initial_cumulative_monotonic_value {
            None | Some(InitialMode::Auto) => Initial::Auto,
            Some(InitialMode::Drop) => Initial::Drop,
            Some(InitialMode::Keep) => Initial::Keep,
        };
        let converter = Converter::new(Temporality::Delta, stale).with_initial(initial);
        match keys.sums.cumulative_monotonic_mode {
            CumulativeMode::ToDelta => converter,
            CumulativeMode::RawValue => converter.leaving_sums(),
        }
    }

    fn metrics(&self) -> metrics::Mapping {
        let keys = &self.keys.metrics;
        let histograms = keys.histograms;
        metrics::Mapping {
            hostname: self.keys.hostname.clone(),
            resource_attributes: keys.resource_attributes_as_tags,
            scope_attributes: keys.instrumentation_scope_metadata_as_tags,
            histograms: histograms.mode,
            aggregations: histograms.send_aggregation_metrics || histograms.send_count_sum_metrics,
            quantiles: keys.summaries.mode == SummaryMode::Gauges,
            raw_sums: keys.sums.cumulative_monotonic_mode == CumulativeMode::RawValue,
        }
    }
}

#[cfg(test)]
mod tests {
    use fanlight_testkit::{exporter_config, node};

    use super::*;
    use crate::datadog::KIND;

    #[test]
    fn defaults_are_the_collectors() {
        let keys = Keys::default();
        assert_eq!(keys.api.site, "datadoghq.com");
        let traces = &keys.traces;
        assert!(traces.compute_stats_by_span_kind && !traces.compute_top_level_by_span_kind);
        assert!(traces.peer_tags_aggregation && !traces.span_name_as_resource_name);
        let metrics = &keys.metrics;
        assert_eq!(metrics.delta_ttl, 3600);
        assert_eq!(metrics.histograms.mode, HistogramMode::Distributions);
        assert!(!metrics.histograms.send_aggregation_metrics);
        assert_eq!(
            metrics.sums.cumulative_monotonic_mode,
            CumulativeMode::ToDelta
        );
        assert_eq!(metrics.summaries.mode, SummaryMode::Gauges);
        assert_eq!(
            (keys.logs.use_compression, keys.logs.compression_level),
            (true, 6)
        );
        assert_eq!(keys.logs.batch_wait, 5);
        assert!(keys.host_metadata.enabled);
        let config = exporter_config(&KIND, "api: {key: abc}");
        assert_eq!(config.settings().timeout, Duration::from_secs(15));
        assert_eq!(
            config.destination().text,
            "https://trace.agent.datadoghq.com, https://api.datadoghq.com, https://http-intake.logs.datadoghq.com (datadog)"
        );
        let own = "traces: {endpoint: 'http://agent:8126'}, logs: {endpoint: 'http://agent:8126'}";
        let config = exporter_config(&KIND, &format!("{{api: {{key: abc}}, {own}}}"));
        assert_eq!(
            config.destination().text,
            "http://agent:8126, https://api.datadoghq.com (datadog)"
        );
    }

    #[test]
    fn what_is_missing_or_not_done_is_said() {
        for (yaml, expected) in [
            ("{}", "`api.key` is missing"),
            ("api: {key: 'a b'}", "characters that no API key has"),
            ("{api: {key: a}, endpoint: 'http://x'}", "several intakes"),
            (
                "{api: {key: a, fail_on_invalid_key: true}}",
                "known but not supported",
            ),
            (
                "{api: {key: a}, host_metadata: {tags: [a]}}",
                "known but not supported",
            ),
            (
                "{api: {key: a}, metrics: {histograms: {mode: nobuckets}}}",
                "leaves nothing",
            ),
            (
                "{api: {key: a}, metrics: {sums: {cumulative_monotonic_mode: raw_value, initial_cumulative_monotonic_value: keep}}}",
                "no initial value",
            ),
            (
                "{api: {key: a}, traces: {ignore_resources: ['(']}}",
                "regex",
            ),
            ("{api: {key: a, site: 'a b'}}", "not a site"),
        ] {
            let error = decode(&node(yaml)).unwrap_err();
            assert!(error.message.contains(expected), "{yaml}: {error}");
        }
    }
}
