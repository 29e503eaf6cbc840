//! `loki`: what promtail, Alloy and other clients push to Loki, over HTTP and gRPC.
//!
//! Success means that every required queue holds the entries. Configuration and defaults are those of the
//! [Collector's receiver](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/receiver/lokireceiver),
//! paths and answers those of [Loki](https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs).

mod grpc;
mod http;
mod records;

use fanlight_config::blocks::{GrpcServer, HttpServer};
use fanlight_config::{ComponentId, ConfigError, ListenAddress, Node};
use fanlight_net::intake::Intake;
use fanlight_otlp::{Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Inlet, Listening, Peer, Receiver, ReceiverConfig, ReceiverKind, Stop,
};
use serde::Deserialize;

use self::grpc::Pusher;
use self::http::PushHandler;
use self::records::Times;
use crate::door::{Door, Queues};
use crate::open::{self, Open, Serving, bytes, peer};

/// The component type.
pub(crate) static KIND: ReceiverKind = ReceiverKind {
    name: "loki",
    aliases: &[],
    about: "Logs that are pushed to Loki, over HTTP (protobuf, JSON) and gRPC.",
    sample: "protocols:\n  http:\n    endpoint: 127.0.0.1:3500\n  grpc:\n    endpoint: 127.0.0.1:3600\nuse_incoming_timestamp: true",
    decode,
};

/// A checked configuration. A protocol that is not there is not served.
#[derive(Debug)]
struct Loki {
    grpc: Option<GrpcServer>,
    http: Option<HttpServer>,
    times: Times,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Keys {
    /// What is served. At least one of both.
    protocols: Protocols,
    /// Whether records have the time that the client gave. Default: false, the time of arrival.
    use_incoming_timestamp: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Protocols {
    /// Default: not served; where it is, at localhost:3600.
    #[serde(deserialize_with = "fanlight_config::present")]
    grpc: Option<GrpcServer>,
    /// Default: not served; where it is, at localhost:3500.
    #[serde(deserialize_with = "fanlight_config::present")]
    http: Option<HttpServer>,
}

fn decode(node: &Node) -> Result<Box<dyn ReceiverConfig>, ConfigError> {
    let keys: Keys = node.decode()?;
    let Protocols { grpc, http } = keys.protocols;
    if grpc.is_none() && http.is_none() {
        return Err(node
            .error_at("protocols", "no protocol is named")
            .hint("write http:, grpc: or both below it"));
    }
    let times = match keys.use_incoming_timestamp {
        true => Times::OfClient,
        false => Times::OfArrival,
    };
    Ok(Box::new(Loki { grpc, http, times }))
}

fn default_grpc() -> ListenAddress {
    ListenAddress::new("localhost", 3600)
}

fn default_http() -> ListenAddress {
    ListenAddress::new("localhost", 3500)
}

impl ReceiverConfig for Loki {
    fn signals(&self) -> SignalSet {
        [Signal::Logs].into_iter().collect()
    }

    fn endpoints(&self) -> Vec<Peer> {
        let grpc = self.grpc.as_ref();
        let grpc = grpc.map(|grpc| peer(grpc.endpoint.as_ref(), &default_grpc()));
        let http = self.http.as_ref();
        let http = http.map(|http| peer(http.endpoint.as_ref(), &default_http()));
        grpc.into_iter().chain(http).collect()
    }

    fn extensions(&self) -> Vec<ComponentId> {
        let grpc = self.grpc.iter().flat_map(GrpcServer::extensions);
        let http = self.http.iter().flat_map(HttpServer::extensions);
        grpc.chain(http).collect()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Receiver>, BuildError> {
        let place =
            |protocol: &str| format!("receivers.{}.protocols.{protocol}.endpoint", context.id);
        let grpc = self.grpc.as_ref();
        let grpc = grpc.map(|block| Open::grpc(block, &default_grpc(), &place("grpc"), context));
        let http = self.http.as_ref();
        let http = http.map(|block| Open::http(block, &default_http(), &place("http"), context));
        Ok(Box::new(LokiReceiver {
            grpc: grpc.transpose()?,
            http: http.transpose()?,
            times: self.times,
            intake: Intake::default(),
        }))
    }
}

/// Built: its sockets are open.
struct LokiReceiver {
    grpc: Option<Open<GrpcServer>>,
    http: Option<Open<HttpServer>>,
    times: Times,
    /// One memory budget for both transports.
    intake: Intake,
}

impl Receiver for LokiReceiver {
    fn listening(&self) -> Vec<Listening> {
        let grpc = self.grpc.as_ref().map(|open| open.listening("Loki/gRPC"));
        let http = self.http.as_ref().map(|open| open.listening("Loki/HTTP"));
        grpc.into_iter().chain(http).collect()
    }

    fn run(self: Box<Self>, out: Inlet, stop: Stop) -> Serving {
        let LokiReceiver {
            grpc,
            http,
            times,
            intake,
        } = *self;
        let mut servers = Vec::new();
        if let Some(open) = grpc {
            let pusher = Pusher {
                queues: Queues {
                    inlet: out.clone(),
                    intake: intake.clone(),
                    include_metadata: open.block.include_metadata,
                },
                max_bytes: bytes(open.block.message_limit()),
                times,
            };
            servers.push(open.serve(pusher, intake.clone(), stop.clone()));
        }
        if let Some(open) = http {
            let handler = |block: HttpServer, auth| PushHandler {
                max_bytes: bytes(block.body_limit()),
                door: Door::new(&block, auth, intake, out),
                times,
            };
            servers.push(open.serve(handler, stop));
        }
        open::all(servers)
    }
}
