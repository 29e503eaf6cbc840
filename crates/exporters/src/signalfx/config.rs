//! The configuration of `signalfx`.

use std::time::Duration;

use fanlight_config::blocks::{self, Compression, NotSupported};
use fanlight_config::{ComponentId, ConfigError, Endpoint, Node, Secret};
use fanlight_net::http::HttpClient;
use fanlight_otlp::{Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig,
};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::filter::{FilterKeys, Filters};
use super::points::Mapping;
use super::{SignalFxExporter, Urls};
use crate::delivery::Delivery;
use crate::splunk_ingest::TOKEN;
use crate::target::Target;

/// The client's compression, where the configuration names none.
const COMPRESSION: Compression = Compression::Gzip;
/// How long one attempt may take, where the configuration says nothing.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Keys besides those of the client.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Keys {
    /// The access token; a resource's own comes first. Mandatory.
    access_token: Secret,
    /// Whether a resource may bring a token of its own, in `com.splunk.signalfx.access_token`. Default: true.
    access_token_passthrough: bool,
    /// The realm, such as `us1`; `ingest_url` does without.
    realm: String,
    /// Where to send instead: `/v2/datapoint` and `/v2/event` are added.
    ingest_url: Option<Endpoint>,
    /// How that connection is secured. Default: as `tls`.
    #[serde(deserialize_with = "fanlight_config::present")]
    ingest_tls: Option<blocks::TlsClient>,
    /// Accepted, no effect: only dimension updates and correlation use the API.
    api_url: IgnoredAny,
    /// Accepted, no effect.
    api_tls: IgnoredAny,
    /// Accepted, no effect: data is never logged.
    log_data_points: IgnoredAny,
    /// Accepted, no effect.
    log_dimension_updates: IgnoredAny,
    /// Accepted, no effect.
    dimension_client: IgnoredAny,
    /// Only `true` is accepted: the metrics that the Collector derives are not derived here.
    disable_default_translation_rules: Option<bool>,
    /// Accepted, no effect.
    delta_translation_ttl: u64,
    /// Not supported.
    translation_rules: NotSupported,
    /// Not supported.
    sync_host_metadata: NotSupported,
    /// Points that are not sent, besides those that never are; an empty list means none at all.
    exclude_metrics: Option<Vec<FilterKeys>>,
    /// Points that are sent though they are excluded.
    include_metrics: Vec<FilterKeys>,
    /// Accepted, no effect: there are no dimension updates.
    exclude_properties: IgnoredAny,
    /// Not supported: traces go with `otlp_http` or `sapm`.
    correlation: NotSupported,
    /// What a dimension's key may have besides letters and digits; the rest becomes `_`. Default: `_-.`
    nonalphanumeric_dimension_chars: String,
    /// Send no buckets of histograms. Default: false.
    drop_histogram_buckets: bool,
    /// Send histograms as OTLP, whole. Default: false.
    send_otlp_histograms: bool,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            access_token: Secret::default(),
            access_token_passthrough: true,
            realm: String::new(),
            ingest_url: None,
            ingest_tls: None,
            api_url: IgnoredAny,
            api_tls: IgnoredAny,
            log_data_points: IgnoredAny,
            log_dimension_updates: IgnoredAny,
            dimension_client: IgnoredAny,
            disable_default_translation_rules: None,
            delta_translation_ttl: 3600,
            translation_rules: NotSupported,
            sync_host_metadata: NotSupported,
            exclude_metrics: None,
            include_metrics: Vec::new(),
            exclude_properties: IgnoredAny,
            correlation: NotSupported,
            nonalphanumeric_dimension_chars: "_-.".to_owned(),
            drop_histogram_buckets: false,
            send_otlp_histograms: false,
        }
    }
}

/// A checked configuration.
#[derive(Clone, Debug)]
struct SignalFx {
    access_token: Secret,
    passthrough: bool,
    delivery: Delivery,
    client: blocks::HttpClient,
    /// What everything is below.
    base: Target,
    urls: Urls,
    mapping: Mapping,
}

pub(super) fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    let (keys, delivery, mut client) = node.decode_three::<Keys, Delivery, blocks::HttpClient>()?;
    if keys.access_token.expose().is_empty() {
        return Err(node
            .error_at("access_token", "`access_token` is missing")
            .hint("write access_token: ${env:SPLUNK_ACCESS_TOKEN}"));
    }
    if keys.disable_default_translation_rules == Some(false) {
        let error = node.error_at(
            "disable_default_translation_rules",
            "the metrics that the Collector derives (cpu.utilization and the like) are not derived here",
        );
        return Err(error.hint("remove the key, or write true"));
    }
    if let Some(tls) = keys.ingest_tls {
        client.tls = tls;
    }
    let endpoint = ingest(node, &keys.realm, keys.ingest_url)?;
    let below = |path: &str| {
        Target::new(&endpoint, client.tls.insecure, path)
            .map_err(|error| error.at(node, "ingest_url", "https://ingest.us1.signalfx.com"))
    };
    let base = below("")?;
    let urls = Urls {
        datapoint: below("/v2/datapoint")?.url,
        otlp: below("/v2/datapoint/otlp")?.url,
        event: below("/v2/event")?.url,
    };
    let filters = Filters::new(keys.exclude_metrics.as_deref(), &keys.include_metrics)
        .map_err(|error| node.error_at("exclude_metrics", error.to_string()))?;
    let mapping = Mapping {
        filters,
        key_characters: keys.nonalphanumeric_dimension_chars,
        drop_buckets: keys.drop_histogram_buckets,
        otlp_histograms: keys.send_otlp_histograms,
    };
    Ok(Box::new(SignalFx {
        access_token: keys.access_token,
        passthrough: keys.access_token_passthrough,
        delivery,
        client,
        base,
        urls,
        mapping,
    }))
}

fn ingest(node: &Node, realm: &str, url: Option<Endpoint>) -> Result<Endpoint, ConfigError> {
    if let Some(url) = url {
        return Ok(url);
    }
    if realm.is_empty() {
        return Err(node
            .error("neither `realm` nor `ingest_url` says where to send to")
            .hint("write realm: us1, with your organization's realm"));
    }
    format!("https://ingest.{realm}.signalfx.com")
        .parse()
        .map_err(|error| {
            node.error_at("realm", format!("`{realm}` is not a realm: {error}"))
                .hint("a realm is short, such as us1 or eu0")
        })
}

impl ExporterConfig for SignalFx {
    fn signals(&self) -> SignalSet {
        [Signal::Metrics, Signal::Logs].into_iter().collect()
    }

    fn settings(&self) -> ExportSettings {
        self.delivery
            .settings(self.client.timeout.unwrap_or(TIMEOUT))
    }

    fn destination(&self) -> Destination {
        self.base.destination("signalfx")
    }

    fn extensions(&self) -> Vec<ComponentId> {
        self.client.extensions()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let urls = std::slice::from_ref(&self.urls.datapoint);
        let client = HttpClient::new(&self.client, COMPRESSION, urls, context)?
            .with_secret(TOKEN, self.access_token.expose())?;
        Ok(Box::new(SignalFxExporter {
            client,
            urls: self.urls.clone(),
            passthrough: self.passthrough,
            mapping: self.mapping.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use fanlight_testkit::{exporter_config, node};

    use super::*;
    use crate::signalfx::KIND;

    #[test]
    fn defaults_are_the_collectors() {
        let keys = Keys::default();
        assert!(keys.access_token_passthrough);
        assert!(!keys.drop_histogram_buckets && !keys.send_otlp_histograms);
        assert_eq!(keys.nonalphanumeric_dimension_chars, "_-.");
        assert_eq!(keys.delta_translation_ttl, 3600);
        let config = exporter_config(&KIND, KIND.sample);
        assert_eq!(config.settings().timeout, Duration::from_secs(10));
        assert_eq!(
            config.destination().text,
            "https://ingest.us1.signalfx.com (signalfx)"
        );
        let own = "{access_token: abc, ingest_url: 'http://collector:9943'}";
        let own = exporter_config(&KIND, own);
        assert_eq!(own.destination().text, "http://collector:9943 (signalfx)");
    }

    #[test]
    fn what_is_missing_or_not_done_is_said() {
        for (yaml, expected) in [
            ("realm: us1", "`access_token` is missing"),
            ("access_token: a", "neither `realm` nor `ingest_url`"),
            (
                "{access_token: a, realm: us1, sync_host_metadata: true}",
                "known but not supported",
            ),
            (
                "{access_token: a, realm: us1, disable_default_translation_rules: false}",
                "are not derived here",
            ),
            (
                "{access_token: a, realm: us1, include_metrics: [{metric_name: '/(/'}]}",
                "regex",
            ),
        ] {
            let message = decode(&node(yaml)).unwrap_err().message;
            assert!(message.contains(expected), "{yaml}: {message}");
        }
        let keys = "{access_token: a, ingest_url: 'http://x:1', api_url: 'http://y', sync_host_metadata: false, log_data_points: true}";
        assert!(decode(&node(keys)).is_ok());
    }
}
