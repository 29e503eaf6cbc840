//! `jaeger`: traces from Jaeger's client libraries, agents and collectors.
//!
//! gRPC (`jaeger.api_v2`), Thrift over HTTP, and Thrift over UDP as an agent takes it; only the protocols that the
//! configuration names are opened. A packet has no answer, so what can't be taken is counted as refused, and told now and
//! then. Sampling strategies are not served. Configuration and defaults are those of the
//! [Collector's receiver](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/receiver/jaegerreceiver).

mod grpc;
mod otlp;
mod thrift_http;
mod udp;

use fanlight_config::blocks::{GrpcServer, HttpServer, NotSupported};
use fanlight_config::{ComponentId, ConfigError, ListenAddress, Node};
use fanlight_formats::thrift::Protocol;
use fanlight_net::intake::Intake;
use fanlight_otlp::{Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Inlet, Listening, Peer, Receiver, ReceiverConfig, ReceiverKind, Stop,
};
use serde::Deserialize;
use serde::de::IgnoredAny;

use self::grpc::Collector;
use self::thrift_http::ThriftHandler;
use self::udp::{Udp, UdpServer};
use crate::door::{Door, Queues};
use crate::open::{self, Open, Serving, peer};

/// The component type.
pub(crate) static KIND: ReceiverKind = ReceiverKind {
    name: "jaeger",
    aliases: &[],
    about: "Traces from Jaeger clients over gRPC, and Thrift over HTTP and UDP.",
    sample: "protocols:\n  grpc:\n    endpoint: 127.0.0.1:14250\n  thrift_http:\n    endpoint: 127.0.0.1:14268\n  thrift_compact:\n    endpoint: 127.0.0.1:6831\n  thrift_binary:\n    endpoint: 127.0.0.1:6832",
    decode,
};

/// A checked configuration. A protocol that is not there is not served.
#[derive(Debug)]
struct Jaeger {
    grpc: Option<GrpcServer>,
    thrift_http: Option<HttpServer>,
    thrift_compact: Option<Udp>,
    thrift_binary: Option<Udp>,
}

/// Which keys there are, so that others are refused; their values are read from the nodes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Shape {
    #[serde(rename = "protocols")]
    _protocols: Option<Protocols>,
    /// Not supported; the Collector has retired it too.
    #[serde(rename = "remote_sampling")]
    _remote_sampling: NotSupported,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Protocols {
    #[serde(rename = "grpc")]
    _grpc: Option<IgnoredAny>,
    #[serde(rename = "thrift_http")]
    _thrift_http: Option<IgnoredAny>,
    #[serde(rename = "thrift_compact")]
    _thrift_compact: Option<IgnoredAny>,
    #[serde(rename = "thrift_binary")]
    _thrift_binary: Option<IgnoredAny>,
}

fn decode(node: &Node) -> Result<Box<dyn ReceiverConfig>, ConfigError> {
    let _: Shape = node.decode()?;
    let protocol = |name: &str| node.get("protocols").and_then(|all| all.get(name));
    let jaeger = Jaeger {
        grpc: protocol("grpc").map(Node::decode).transpose()?,
        thrift_http: protocol("thrift_http").map(Node::decode).transpose()?,
        thrift_compact: protocol("thrift_compact").map(Node::decode).transpose()?,
        thrift_binary: protocol("thrift_binary").map(Node::decode).transpose()?,
    };
    if jaeger.endpoints().is_empty() {
        return Err(node.error_at("protocols", "no protocol is named").hint(
            "write some of grpc:, thrift_http:, thrift_compact: and thrift_binary: below it",
        ));
    }
    Ok(Box::new(jaeger))
}

/// Where a protocol is served, if the configuration does not say.
fn default_address(port: u16) -> ListenAddress {
    ListenAddress::new("localhost", port)
}

/// The ports that Jaeger's clients know.
const GRPC: u16 = 14250;
const THRIFT_HTTP: u16 = 14268;
const THRIFT_COMPACT: u16 = 6831;
const THRIFT_BINARY: u16 = 6832;

impl ReceiverConfig for Jaeger {
    fn signals(&self) -> SignalSet {
        [Signal::Traces].into_iter().collect()
    }

    fn endpoints(&self) -> Vec<Peer> {
        let grpc = self.grpc.as_ref().map(|block| (&block.endpoint, GRPC));
        let http = self.thrift_http.as_ref();
        let http = http.map(|block| (&block.endpoint, THRIFT_HTTP));
        let compact = self.thrift_compact.as_ref();
        let compact = compact.map(|udp| (&udp.endpoint, THRIFT_COMPACT));
        let binary = self.thrift_binary.as_ref();
        let binary = binary.map(|udp| (&udp.endpoint, THRIFT_BINARY));
        let peer = |(endpoint, port): (&Option<ListenAddress>, u16)| {
            peer(endpoint.as_ref(), &default_address(port))
        };
        let all = [grpc, http, compact, binary];
        all.into_iter().flatten().map(peer).collect()
    }

    fn extensions(&self) -> Vec<ComponentId> {
        let grpc = self.grpc.iter().flat_map(GrpcServer::extensions);
        let http = self.thrift_http.iter().flat_map(HttpServer::extensions);
        grpc.chain(http).collect()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Receiver>, BuildError> {
        let place =
            |protocol: &str| format!("receivers.{}.protocols.{protocol}.endpoint", context.id);
        let grpc = self
            .grpc
            .as_ref()
            .map(|block| Open::grpc(block, &default_address(GRPC), &place("grpc"), context));
        let thrift_http = self.thrift_http.as_ref().map(|block| {
            let default = default_address(THRIFT_HTTP);
            Open::http(block, &default, &place("thrift_http"), context)
        });
        let compact = self.thrift_compact.as_ref().map(|udp| {
            let default = default_address(THRIFT_COMPACT);
            UdpServer::bind(udp, Protocol::Compact, &default, &place("thrift_compact"))
        });
        let binary = self.thrift_binary.as_ref().map(|udp| {
            let default = default_address(THRIFT_BINARY);
            UdpServer::bind(udp, Protocol::Binary, &default, &place("thrift_binary"))
        });
        let packets = compact.into_iter().chain(binary);
        Ok(Box::new(JaegerReceiver {
            grpc: grpc.transpose()?,
            thrift_http: thrift_http.transpose()?,
            packets: packets.collect::<Result<_, _>>()?,
        }))
    }
}

/// Built: its sockets are open.
struct JaegerReceiver {
    grpc: Option<Open<GrpcServer>>,
    thrift_http: Option<Open<HttpServer>>,
    packets: Vec<UdpServer>,
}

impl Receiver for JaegerReceiver {
    fn listening(&self) -> Vec<Listening> {
        let grpc = self.grpc.as_ref();
        let grpc = grpc.map(|open| open.listening("Jaeger/gRPC"));
        let http = self.thrift_http.as_ref();
        let http = http.map(|open| open.listening("Jaeger/Thrift/HTTP"));
        let packets = self.packets.iter().map(UdpServer::listening);
        grpc.into_iter().chain(http).chain(packets).collect()
    }

    fn run(self: Box<Self>, out: Inlet, stop: Stop) -> Serving {
        // One memory budget for both transports that have answers.
        let intake = Intake::default();
        let mut servers: Vec<Serving> = Vec::new();
        if let Some(open) = self.grpc {
            let service = Collector(Queues {
                inlet: out.clone(),
                intake: intake.clone(),
                include_metadata: open.block.include_metadata,
            });
            servers.push(open.serve(service, intake.clone(), stop.clone()));
        }
        if let Some(open) = self.thrift_http {
            let out = out.clone();
            let handler = |block, auth| ThriftHandler(Door::new(&block, auth, intake, out));
            servers.push(open.serve(handler, stop.clone()));
        }
        for server in self.packets {
            servers.push(Box::pin(server.serve(out.clone(), stop.clone())));
        }
        open::all(servers)
    }
}
