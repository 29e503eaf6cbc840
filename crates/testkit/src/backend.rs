//! A backend that records what it is sent, as it was on the wire, and answers as the test says.

use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fanlight_config::ListenAddress;
use fanlight_config::blocks::{GrpcServer, HttpServer, TlsServer};
use fanlight_net::Body;
use fanlight_net::grpc::{GrpcHandler, Service};
use fanlight_net::http::{Handler, Server};
use fanlight_net::intake::{Held, Intake, Limits};
use fanlight_net::status::Failure;
use fanlight_pipeline::{Stop, Stopper};
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;

/// A request as it was received.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Path and query.
    pub path: String,
    /// Every header.
    pub headers: HeaderMap,
    /// The body: over HTTP as it was on the wire, over gRPC the decompressed message.
    pub body: Bytes,
}

/// A server on a port of its own; it stops when dropped.
pub struct Backend {
    /// Where it listens.
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Recorded>>>,
    stopper: Stopper,
}

impl Recorded {
    /// A header's text, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap_or("?"))
    }

    /// The body without its content coding: gzip, deflate, zstd or none.
    ///
    /// # Errors
    /// When the coding is another one, or the body is not in it.
    pub fn plain(&self) -> Result<Vec<u8>, String> {
        let mut plain = Vec::new();
        let read = match self.header("content-encoding") {
            "" | "identity" => return Ok(self.body.to_vec()),
            "gzip" => flate2::read::GzDecoder::new(&*self.body).read_to_end(&mut plain),
            "deflate" => flate2::read::ZlibDecoder::new(&*self.body).read_to_end(&mut plain),
            "zstd" | "zstd1" => zstd::stream::copy_decode(&*self.body, &mut plain).map(|()| 0),
            other => return Err(format!("the content coding {other} is not supported")),
        };
        read.map(|_| plain)
            .map_err(|error| format!("the body is not in its content coding: {error}"))
    }
}

impl Backend {
    /// A backend that speaks HTTP.
    pub fn http(
        tls: Option<TlsServer>,
        answer: impl Fn(&Recorded) -> Response<Body> + Send + Sync + 'static,
    ) -> Backend {
        let block = HttpServer {
            tls,
            ..HttpServer::default()
        };
        let server =
            Server::http(&block, &ListenAddress::new("127.0.0.1", 0), "test").expect("a free port");
        let requests = Arc::<Mutex<Vec<Recorded>>>::default();
        Backend::serve(
            server,
            requests.clone(),
            Arc::new(Recording { requests, answer }),
        )
    }

    /// A backend that speaks gRPC.
    pub fn grpc(
        tls: Option<TlsServer>,
        answer: impl Fn(&Recorded) -> Result<Bytes, Failure> + Send + Sync + 'static,
    ) -> Backend {
        let block = GrpcServer {
            tls,
            ..GrpcServer::default()
        };
        let server =
            Server::grpc(&block, &ListenAddress::new("127.0.0.1", 0), "test").expect("a free port");
        let requests = Arc::<Mutex<Vec<Recorded>>>::default();
        let service = Recording {
            requests: requests.clone(),
            answer,
        };
        let handler = GrpcHandler::new(service, Intake::default(), Limits::of_size(64 << 20), None);
        Backend::serve(server, requests, Arc::new(handler))
    }

    fn serve(
        server: Server,
        requests: Arc<Mutex<Vec<Recorded>>>,
        handler: Arc<dyn Handler>,
    ) -> Backend {
        let (stopper, stop) = Stop::new();
        let address = server.address();
        tokio::spawn(server.serve(handler, stop));
        Backend {
            address,
            requests,
            stopper,
        }
    }

    /// Everything that was received, in order.
    pub fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().expect("nobody panicked").clone()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.stopper.stop();
    }
}

struct Recording<F> {
    requests: Arc<Mutex<Vec<Recorded>>>,
    answer: F,
}

impl<F> Recording<F> {
    fn record(&self, recorded: &Recorded) {
        self.requests
            .lock()
            .expect("nobody panicked")
            .push(recorded.clone());
    }
}

impl<F: Fn(&Recorded) -> Response<Body> + Send + Sync + 'static> Handler for Recording<F> {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.expect("the body arrives").to_bytes();
            let recorded = Recorded {
                path: head.uri.to_string(),
                headers: head.headers,
                body,
            };
            self.record(&recorded);
            (self.answer)(&recorded)
        })
    }
}

impl<F: Fn(&Recorded) -> Result<Bytes, Failure> + Send + Sync + 'static> Service for Recording<F> {
    fn serves(&self, method: &str) -> bool {
        !method.is_empty()
    }

    fn call<'a>(
        &'a self,
        method: &'a str,
        headers: &'a HeaderMap,
        message: Held,
    ) -> BoxFuture<'a, Result<Bytes, Failure>> {
        Box::pin(async move {
            let recorded = Recorded {
                path: method.to_owned(),
                headers: headers.clone(),
                body: message.bytes.clone(),
            };
            self.record(&recorded);
            (self.answer)(&recorded)
        })
    }
}
