//! `splunk_hec`: what clients of Splunk's HTTP Event Collector send becomes log records and data points.
//!
//! Limits: a request is taken whole or not at all; its body is limited after decompression. Success means that every required
//! queue holds the events. Answers are Splunk's own, `{"text": .., "code": ..}`, so that its clients behave as they know it:
//! 503 with code 9 asks to come back. Paths, configuration and mapping are those of the
//! [Collector's receiver](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/receiver/splunkhecreceiver);
//! unlike there, whole numbers stay integers, a metric value that is no number is refused instead of lost, and
//! acknowledgements need no extension: an id is given once the events are kept, so every id that was given is true.

mod answer;
mod events;
mod handler;

use std::time::Duration;

use fanlight_config::{ComponentId, ConfigError, ListenAddress, Node, blocks};
use fanlight_net::intake::Intake;
use fanlight_otlp::{Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Inlet, Listening, Peer, Receiver, ReceiverConfig, ReceiverKind, Stop,
};
use serde::Deserialize;

use crate::open::{Open, Serving, limits, peer};
use handler::HecHandler;

/// The component type.
pub(crate) static KIND: ReceiverKind = ReceiverKind {
    name: "splunk_hec",
    aliases: &[],
    about: "Events and metrics from clients of Splunk's HTTP Event Collector.",
    sample: "endpoint: 127.0.0.1:8088",
    decode,
};

/// How long reading headers and answering may take, where the configuration says nothing.
const PATIENCE: Duration = Duration::from_secs(20);

/// A checked configuration.
#[derive(Clone, Debug)]
struct SplunkHec {
    server: blocks::HttpServer,
    rules: Rules,
}

/// Keys of its own. [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/blob/main/receiver/splunkhecreceiver/config.go).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
struct Rules {
    /// Whether the client's token becomes the resource attribute `com.splunk.hec.access_token`. Default: false.
    access_token_passthrough: bool,
    /// Where acknowledgements are asked for.
    #[serde(deserialize_with = "fanlight_config::present")]
    ack: Option<Ack>,
    /// Where bodies are lines. Default: /services/collector/raw.
    raw_path: String,
    /// Whether each line of a raw body is a log record, or the whole body is. Default: line.
    splitting: Splitting,
    /// Where clients ask whether the collector is well. Default: /services/collector/health.
    health_path: String,
    /// The attributes that become of what every event has.
    hec_metadata_to_otel_attrs: Metadata,
}

/// `ack`; where it is left out, no acknowledgements are given.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
struct Ack {
    /// Accepted, no effect.
    extension: Option<String>,
    /// Default: /services/collector/ack.
    path: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Splitting {
    #[default]
    Line,
    None,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
struct Metadata {
    /// Default: com.splunk.source.
    source: String,
    /// Default: com.splunk.sourcetype.
    sourcetype: String,
    /// Default: com.splunk.index.
    index: String,
    /// Default: host.name.
    host: String,
}

impl Default for Ack {
    fn default() -> Ack {
        Ack {
            extension: None,
            path: "/services/collector/ack".to_owned(),
        }
    }
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

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            access_token_passthrough: false,
            ack: None,
            raw_path: "/services/collector/raw".to_owned(),
            splitting: Splitting::Line,
            health_path: "/services/collector/health".to_owned(),
            hec_metadata_to_otel_attrs: Metadata::default(),
        }
    }
}

fn decode(node: &Node) -> Result<Box<dyn ReceiverConfig>, ConfigError> {
    let (rules, mut server) = node.decode_both::<Rules, blocks::HttpServer>()?;
    // The defaults of this receiver, where the block has others.
    let unset = |key: &str| node.get(key).is_none();
    if unset("write_timeout") {
        server.write_timeout = PATIENCE;
    }
    if unset("read_header_timeout") {
        server.read_header_timeout = PATIENCE;
    }
    Ok(Box::new(SplunkHec { server, rules }))
}

fn default_address() -> ListenAddress {
    ListenAddress::new("localhost", 8088)
}

impl ReceiverConfig for SplunkHec {
    fn signals(&self) -> SignalSet {
        SignalSet::of(&[Signal::Logs, Signal::Metrics])
    }

    fn endpoints(&self) -> Vec<Peer> {
        vec![peer(self.server.endpoint.as_ref(), &default_address())]
    }

    fn extensions(&self) -> Vec<ComponentId> {
        self.server.extensions()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Receiver>, BuildError> {
        let place = format!("receivers.{}.endpoint", context.id);
        Ok(Box::new(HecReceiver {
            open: Open::http(&self.server, &default_address(), &place, context)?,
            rules: self.rules.clone(),
        }))
    }
}

/// Built: its socket is open.
struct HecReceiver {
    open: Open<blocks::HttpServer>,
    rules: Rules,
}

impl Receiver for HecReceiver {
    fn listening(&self) -> Vec<Listening> {
        vec![self.open.listening("Splunk HEC")]
    }

    fn run(self: Box<Self>, out: Inlet, stop: Stop) -> Serving {
        let HecReceiver { open, rules } = *self;
        let handler = |block: blocks::HttpServer, auth| {
            HecHandler::new(rules, out, Intake::default(), limits(&block), auth)
        };
        open.serve(handler, stop)
    }
}

#[cfg(test)]
mod tests {
    use fanlight_testkit::node;

    use super::*;

    #[test]
    fn an_empty_configuration_has_the_collectors_defaults() {
        let (rules, server) = node("{}")
            .decode_both::<Rules, blocks::HttpServer>()
            .unwrap();
        assert_eq!(rules, Rules::default());
        assert!(server.endpoint.is_none());
        let config = decode(&node("{}")).unwrap();
        let peer = Peer {
            host: "localhost".to_owned(),
            port: 8088,
        };
        assert_eq!(config.endpoints(), [peer]);
        assert!(decode(&node("splitting: word")).is_err());
    }
}
