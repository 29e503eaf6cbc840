//! The configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use fanlight_config::blocks;
use fanlight_config::{ComponentId, ConfigError, ListenAddress, Node};
use fanlight_net::http::Server;
use fanlight_otlp::{Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig,
};
use serde::Deserialize;

use super::registry::{Registry, Settings};
use super::{PATH, PrometheusExporter};
use crate::delivery::Delivery;
use crate::prometheus_model::{LabelSettings, Names, ResourceLabels, Strategy};

/// A checked configuration.
#[derive(Clone, Debug)]
pub(super) struct Prometheus {
    keys: Keys,
    delivery: Delivery,
    server: blocks::HttpServer,
    endpoint: ListenAddress,
    resource: ResourceLabels,
}

/// Keys of its own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
struct Keys {
    /// What every metric's name begins with. Default: nothing.
    namespace: String,
    /// Labels of every series. Default: none.
    const_labels: BTreeMap<String, String>,
    /// Whether points are served with their times, rather than the scrape's. Default: false.
    send_timestamps: bool,
    /// How long a series is kept without a new point; zero means for ever. Default: 5m.
    #[serde(with = "fanlight_config::duration")]
    metric_expiration: Duration,
    /// Which resource attributes become labels. Default: none.
    resource_constant_labels: ResourceLabels,
    /// The older key for it.
    resource_to_telemetry_conversion: ResourceLabels,
    /// Whether scrapers may have OpenMetrics. Default: false.
    enable_open_metrics: bool,
    /// Whether series don't tell their scope. Default: false.
    without_scope_info: bool,
    /// Whether units and types are added to names; `translation_strategy` wins. Default: true.
    add_metric_suffixes: bool,
    /// How names are made. Default: UnderscoreEscapingWithSuffixes.
    translation_strategy: Option<Strategy>,
    /// The most series that are held. Default: 500000. Not in the Collector, which has no bound.
    max_series: usize,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            namespace: String::new(),
            const_labels: BTreeMap::new(),
            send_timestamps: false,
            metric_expiration: Duration::from_secs(300),
            resource_constant_labels: ResourceLabels::default(),
            resource_to_telemetry_conversion: ResourceLabels::default(),
            enable_open_metrics: false,
            without_scope_info: false,
            add_metric_suffixes: true,
            translation_strategy: None,
            max_series: 500_000,
        }
    }
}

pub(super) fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    Ok(Box::new(read(node)?))
}

fn read(node: &Node) -> Result<Prometheus, ConfigError> {
    let (keys, mut delivery, server) = node.decode_three::<Keys, Delivery, blocks::HttpServer>()?;
    let Some(endpoint) = server.endpoint.clone() else {
        let error = node.error_at("endpoint", "there is no address to serve metrics at");
        return Err(
            error.hint("write endpoint: 127.0.0.1:8889, or 0.0.0.0:8889 for other machines")
        );
    };
    // A point that overtook a newer one would be lost.
    delivery.sending_queue.num_consumers = 1;
    let resource = ResourceLabels::chosen(
        node,
        &keys.resource_constant_labels,
        &keys.resource_to_telemetry_conversion,
    )?;
    Ok(Prometheus {
        keys,
        delivery,
        server,
        endpoint,
        resource,
    })
}

impl ExporterConfig for Prometheus {
    fn signals(&self) -> SignalSet {
        SignalSet::of(&[Signal::Metrics])
    }

    fn settings(&self) -> ExportSettings {
        self.delivery.settings(Duration::ZERO)
    }

    fn destination(&self) -> Destination {
        let scheme = if self.server.tls.is_some() {
            "https"
        } else {
            "http"
        };
        Destination {
            text: format!("{scheme}://{}{PATH} (scraped by Prometheus)", self.endpoint),
            peers: Vec::new(),
        }
    }

    fn extensions(&self) -> Vec<ComponentId> {
        self.server.extensions()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let keys = &self.keys;
        let auth = self.server.auth.as_ref();
        let auth = auth
            .map(|auth| context.server_auth(&auth.authenticator))
            .transpose()?;
        let place = format!("exporters.{}.endpoint", context.id);
        let server = Server::http(&self.server, &self.endpoint, &place)?;
        let registry = Registry::new(Settings {
            labels: LabelSettings {
                names: Names::new(
                    &keys.namespace,
                    keys.translation_strategy,
                    keys.add_metric_suffixes,
                ),
                external: keys.const_labels.clone(),
                resource: self.resource.clone(),
                scope: !keys.without_scope_info,
            },
            expiration: keys.metric_expiration,
            max_series: keys.max_series,
            send_timestamps: keys.send_timestamps,
        });
        let open_metrics = keys.enable_open_metrics;
        Ok(Box::new(PrometheusExporter::serve(
            registry,
            server,
            auth,
            open_metrics,
        )))
    }
}

#[cfg(test)]
mod tests {
    use fanlight_testkit::node;

    use super::*;

    #[test]
    fn defaults_are_the_collectors() {
        let config = read(&node("endpoint: 0.0.0.0:8889")).unwrap();
        let keys = &config.keys;
        assert_eq!(keys.metric_expiration, Duration::from_secs(300));
        assert!(keys.add_metric_suffixes);
        assert!(!keys.send_timestamps && !keys.enable_open_metrics && !keys.without_scope_info);
        assert_eq!((keys.namespace.as_str(), keys.const_labels.len()), ("", 0));
        assert_eq!(
            config.destination().text,
            "http://0.0.0.0:8889/metrics (scraped by Prometheus)"
        );
        assert_eq!(config.settings().queue.num_consumers, 1);
    }

    #[test]
    fn every_key_of_the_collector_is_read() {
        let config = read(&node(
            "{endpoint: '127.0.0.1:1234', namespace: test-space, const_labels: {label1: value1}, send_timestamps: true,
              metric_expiration: 60m, enable_open_metrics: true, add_metric_suffixes: false, without_scope_info: true,
              resource_constant_labels: {included: ['*']}, translation_strategy: NoTranslation, sending_queue: {queue_size: 2}}",
        ));
        assert_eq!(
            config.unwrap().keys.metric_expiration,
            Duration::from_secs(3600)
        );
        assert!(
            read(&node("{}"))
                .unwrap_err()
                .hint
                .is_some_and(|hint| hint.contains("8889"))
        );
    }
}
