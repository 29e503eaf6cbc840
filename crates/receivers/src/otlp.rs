//! `otlp`: telemetry over OTLP/gRPC and OTLP/HTTP, every signal.
//!
//! A request is read within limits, decompressed, decoded, offered to the pipelines and answered; the same five steps for
//! both transports. Success means that every required queue holds the batch. Statuses and bodies are those of the
//! [OTLP specification](https://opentelemetry.io/docs/specs/otlp/); configuration and defaults those of the
//! [Collector's receiver](https://github.com/open-telemetry/opentelemetry-collector/tree/main/receiver/otlpreceiver).

mod grpc;
mod http;
mod offer;

use fanlight_config::blocks::{GrpcServer, HttpServer};
use fanlight_config::{ComponentId, ConfigError, ListenAddress, Node};
use fanlight_net::intake::Intake;
use fanlight_otlp::Signal;
use fanlight_pipeline::{
    BuildContext, BuildError, Inlet, Listening, Peer, Receiver, ReceiverConfig, ReceiverKind, Stop,
};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::door::Queues;
use crate::open::{self, Open, Serving, limits, peer};
use grpc::ExportService;
pub use http::HttpHandler;

/// The component type.
pub(crate) static KIND: ReceiverKind = ReceiverKind {
    name: "otlp",
    aliases: &[],
    about: "OTLP over gRPC and HTTP, for traces, metrics, logs and profiles.",
    sample: "protocols:\n  grpc:\n    endpoint: 127.0.0.1:4317\n  http:\n    endpoint: 127.0.0.1:4318",
    decode,
};

/// A checked configuration. A protocol that is not there is not served.
#[derive(Debug)]
struct Otlp {
    grpc: Option<GrpcServer>,
    http: Option<(Paths, HttpServer)>,
}

/// Which keys there are, so that others are refused; their values are read from the nodes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Shape {
    protocols: Option<Protocols>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Protocols {
    #[serde(rename = "grpc")]
    _grpc: Option<IgnoredAny>,
    #[serde(rename = "http")]
    _http: Option<IgnoredAny>,
}

/// Other paths for the signals.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Paths {
    /// Default: `/v1/traces`.
    traces_url_path: String,
    /// Default: `/v1/metrics`.
    metrics_url_path: String,
    /// Default: `/v1/logs`.
    logs_url_path: String,
    /// Default: `/v1development/profiles`.
    profiles_url_path: String,
}

impl Default for Paths {
    fn default() -> Paths {
        let path = |signal: Signal| signal.info().http_path.to_owned();
        Paths {
            traces_url_path: path(Signal::Traces),
            metrics_url_path: path(Signal::Metrics),
            logs_url_path: path(Signal::Logs),
            profiles_url_path: path(Signal::Profiles),
        }
    }
}

impl Paths {
    fn in_order(&self) -> [String; 4] {
        let slashed = |path: &String| format!("/{}", path.trim_start_matches('/'));
        [
            &self.traces_url_path,
            &self.metrics_url_path,
            &self.logs_url_path,
            &self.profiles_url_path,
        ]
        .map(slashed)
    }
}

fn decode(node: &Node) -> Result<Box<dyn ReceiverConfig>, ConfigError> {
    let _: Shape = node.decode()?;
    let Some(protocols) = node
        .get("protocols")
        .filter(|protocols| !protocols.is_null())
    else {
        return Ok(Box::new(Otlp {
            grpc: Some(GrpcServer::default()),
            http: Some((Paths::default(), HttpServer::default())),
        }));
    };
    let otlp = Otlp {
        grpc: protocols.get("grpc").map(Node::decode).transpose()?,
        http: protocols.get("http").map(Node::decode_both).transpose()?,
    };
    if otlp.grpc.is_none() && otlp.http.is_none() {
        return Err(node
            .error_at("protocols", "no protocol is named")
            .hint("write grpc:, http: or both below it"));
    }
    Ok(Box::new(otlp))
}

impl ReceiverConfig for Otlp {
    fn endpoints(&self) -> Vec<Peer> {
        let grpc = self.grpc.as_ref();
        let grpc = grpc.map(|grpc| peer(grpc.endpoint.as_ref(), &default_grpc()));
        let http = self.http.as_ref();
        let http = http.map(|(_, http)| peer(http.endpoint.as_ref(), &default_http()));
        grpc.into_iter().chain(http).collect()
    }

    fn extensions(&self) -> Vec<ComponentId> {
        let grpc = self.grpc.iter().flat_map(GrpcServer::extensions);
        let http = self.http.iter().flat_map(|(_, http)| http.extensions());
        grpc.chain(http).collect()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Receiver>, BuildError> {
        let place =
            |protocol: &str| format!("receivers.{}.protocols.{protocol}.endpoint", context.id);
        let grpc = self.grpc.as_ref();
        let grpc = grpc.map(|block| Open::grpc(block, &default_grpc(), &place("grpc"), context));
        let http = self.http.as_ref().map(|(paths, block)| {
            let open = Open::http(block, &default_http(), &place("http"), context)?;
            Ok((open, paths.in_order()))
        });
        Ok(Box::new(OtlpReceiver {
            grpc: grpc.transpose()?,
            http: http.transpose()?,
            intake: Intake::default(),
        }))
    }
}

/// Built: its sockets are open.
struct OtlpReceiver {
    grpc: Option<Open<GrpcServer>>,
    http: Option<(Open<HttpServer>, [String; 4])>,
    /// One memory budget for both transports.
    intake: Intake,
}

impl Receiver for OtlpReceiver {
    fn listening(&self) -> Vec<Listening> {
        let grpc = self.grpc.as_ref().map(|open| open.listening("OTLP/gRPC"));
        let http = self.http.as_ref();
        let http = http.map(|(open, _)| open.listening("OTLP/HTTP"));
        grpc.into_iter().chain(http).collect()
    }

    fn run(self: Box<Self>, out: Inlet, stop: Stop) -> Serving {
        let OtlpReceiver { grpc, http, intake } = *self;
        let mut servers = Vec::new();
        if let Some(open) = grpc {
            let service = ExportService(Queues {
                inlet: out.clone(),
                intake: intake.clone(),
                include_metadata: open.block.include_metadata,
            });
            servers.push(open.serve(service, intake.clone(), stop.clone()));
        }
        if let Some((open, paths)) = http {
            let handler = |block: HttpServer, auth| {
                HttpHandler::new(out, intake, limits(&block), auth)
                    .with_metadata(block.include_metadata)
                    .with_encodings(block.compression_algorithms)
                    .with_paths(paths)
            };
            servers.push(open.serve(handler, stop));
        }
        open::all(servers)
    }
}

fn default_grpc() -> ListenAddress {
    ListenAddress::new("localhost", 4317)
}

fn default_http() -> ListenAddress {
    ListenAddress::new("localhost", 4318)
}
