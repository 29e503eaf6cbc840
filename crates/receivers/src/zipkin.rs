//! `zipkin`: traces from clients that send to a Zipkin server.
//!
//! `POST /api/v2/spans` in JSON or protobuf and `POST /api/v1/spans` in JSON or Thrift, told apart by the content type: what
//! is neither protobuf nor Thrift is read as JSON, since browsers send it as plain text. A request is taken whole or not at
//! all; 202 means that every required queue holds it. Configuration and defaults are those of the
//! [Collector's receiver](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/receiver/zipkinreceiver),
//! and so is what tags become, with one difference: the Collector takes the resource of a service from its first span and
//! drops what other spans say about theirs.

mod otlp;
mod upgrade;

use bytes::Bytes;
use fanlight_config::blocks::HttpServer;
use fanlight_config::{ComponentId, ConfigError, ListenAddress, Node};
use fanlight_formats::zipkin::{self, proto, v1};
use fanlight_net::Body;
use fanlight_net::http::Handler;
use fanlight_net::intake::Intake;
use fanlight_net::status::Failure;
use fanlight_otlp::{Batch, Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Inlet, Listening, Peer, Receiver, ReceiverConfig, ReceiverKind, Stop,
};
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::door::{Door, answer, media_type};
use crate::open::{Open, Serving, peer};

/// The component type.
pub(crate) static KIND: ReceiverKind = ReceiverKind {
    name: "zipkin",
    aliases: &[],
    about: "Traces from Zipkin clients, v1 and v2.",
    sample: "endpoint: 127.0.0.1:9411",
    decode,
};

/// A checked configuration.
#[derive(Debug)]
struct Zipkin {
    server: HttpServer,
    parse_string_tags: bool,
}

/// Keys besides those of the server.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Keys {
    /// Whether tags that look like numbers or booleans become such. Default: false.
    parse_string_tags: bool,
    /// The newer place of the server's keys.
    protocols: Option<Protocols>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Protocols {
    #[serde(rename = "http")]
    _http: Option<IgnoredAny>,
}

fn decode(node: &Node) -> Result<Box<dyn ReceiverConfig>, ConfigError> {
    let (keys, server) = node.decode_both::<Keys, HttpServer>()?;
    let newer = node
        .get("protocols")
        .and_then(|protocols| protocols.get("http"));
    let server = match newer {
        Some(http) => http.decode()?,
        None if keys.protocols.is_some() => {
            let error = node.error_at("protocols", "no protocol is named");
            return Err(error.hint("write http: below it, or leave protocols out"));
        }
        None => server,
    };
    Ok(Box::new(Zipkin {
        server,
        parse_string_tags: keys.parse_string_tags,
    }))
}

fn default_address() -> ListenAddress {
    ListenAddress::new("localhost", 9411)
}

impl ReceiverConfig for Zipkin {
    fn signals(&self) -> SignalSet {
        [Signal::Traces].into_iter().collect()
    }

    fn endpoints(&self) -> Vec<Peer> {
        vec![peer(self.server.endpoint.as_ref(), &default_address())]
    }

    fn extensions(&self) -> Vec<ComponentId> {
        self.server.extensions()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Receiver>, BuildError> {
        let place = format!("receivers.{}.endpoint", context.id);
        Ok(Box::new(ZipkinReceiver {
            open: Open::http(&self.server, &default_address(), &place, context)?,
            parse_string_tags: self.parse_string_tags,
        }))
    }
}

/// Built: its socket is open.
struct ZipkinReceiver {
    open: Open<HttpServer>,
    parse_string_tags: bool,
}

impl Receiver for ZipkinReceiver {
    fn listening(&self) -> Vec<Listening> {
        vec![self.open.listening("Zipkin")]
    }

    fn run(self: Box<Self>, out: Inlet, stop: Stop) -> Serving {
        let parse_string_tags = self.parse_string_tags;
        let handler = |block, auth| ZipkinHandler {
            door: Door::new(&block, auth, Intake::default(), out),
            parse_string_tags,
        };
        self.open.serve(handler, stop)
    }
}

struct ZipkinHandler {
    door: Door,
    parse_string_tags: bool,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    V1Json,
    V1Thrift,
    V2Json,
    V2Proto,
}

impl Handler for ZipkinHandler {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move { answer(self.take(request).await, StatusCode::ACCEPTED) })
    }
}

impl ZipkinHandler {
    async fn take(&self, request: Request<Body>) -> Result<(), Failure> {
        let (head, body) = request.into_parts();
        let encoding = Encoding::of(head.uri.path(), &media_type(&head.headers))?;
        if head.method != Method::POST {
            return Err(Failure {
                message: "only POST is served here: a Zipkin reporter sends its spans to this path"
                    .to_owned(),
                ..Failure::only_post()
            });
        }
        let held = self.door.read(&head.headers, body).await?;
        let parse_string_tags = self.parse_string_tags;
        let decode = move |body| encoding.decode(body, parse_string_tags);
        let transport = encoding.transport();
        let offered = self.door.offer(held, &head.headers, transport, decode);
        offered.await.map(drop)
    }
}

impl Encoding {
    fn of(path: &str, media_type: &str) -> Result<Encoding, Failure> {
        let (proto, thrift) = ("application/x-protobuf", "application/x-thrift");
        match (path.trim_end_matches('/'), media_type) {
            ("/api/v2/spans", found) if found == proto => Ok(Encoding::V2Proto),
            ("/api/v1/spans", found) if found == thrift => Ok(Encoding::V1Thrift),
            ("/api/v2/spans", found) if found == thrift => Err(Failure::unsupported_media_type(
                "Thrift is taken at /api/v1/spans; v2 is JSON or protobuf",
            )),
            ("/api/v1/spans", found) if found == proto => Err(Failure::unsupported_media_type(
                "protobuf is taken at /api/v2/spans; v1 is JSON or Thrift",
            )),
            ("/api/v2/spans", _) => Ok(Encoding::V2Json),
            ("/api/v1/spans", _) => Ok(Encoding::V1Json),
            _ => Err(Failure::not_found(
                "nothing is served at this path; spans are taken at /api/v2/spans and /api/v1/spans",
            )),
        }
    }

    /// The Collector's name for it, in the counters.
    const fn transport(self) -> &'static str {
        match self {
            Encoding::V1Json => "http_v1_json",
            Encoding::V1Thrift => "http_v1_thrift",
            Encoding::V2Json => "http_v2_json",
            Encoding::V2Proto => "http_v2_proto",
        }
    }

    fn decode(self, body: Bytes, parse_string_tags: bool) -> Result<Batch, Failure> {
        let refused = |what: &str, why: &dyn std::fmt::Display| {
            Failure::bad_request(format!("the body is not {what}: {why}"))
        };
        let upgraded = |spans: Vec<_>| spans.into_iter().map(upgrade::to_v2).collect();
        let spans = match self {
            Encoding::V2Json => zipkin::read_json(&body)
                .map_err(|error| refused("a JSON array of Zipkin v2 spans", &error))?,
            Encoding::V2Proto => proto::read(body.clone())
                .map_err(|error| refused("a protobuf list of Zipkin v2 spans", &error))?,
            Encoding::V1Json => v1::read_json(&body)
                .map(upgraded)
                .map_err(|error| refused("a JSON array of Zipkin v1 spans", &error))?,
            Encoding::V1Thrift => zipkin::read_thrift(&body)
                .map(upgraded)
                .map_err(|error| refused("a Thrift list of Zipkin v1 spans", &error))?,
        };
        otlp::batch(spans, parse_string_tags)
            .map_err(|invalid| Failure::bad_request(invalid.to_string()))
    }
}
