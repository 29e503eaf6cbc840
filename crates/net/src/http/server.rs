//! A server: a listening socket and its rules, for HTTP/1.1 and HTTP/2, and so for gRPC too.
//!
//! Limits: at most [`MAX_CONNECTIONS`] connections, further ones wait to be accepted; a connection that does not send its
//! headers, or that is idle for too long, is closed; a handler that takes longer than `write_timeout` is answered for with
//! 503. Told to stop, it accepts nothing more, lets open requests get their answers until a deadline, and closes.

mod bind;
mod connection;

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use fanlight_config::{ListenAddress, blocks};
use fanlight_pipeline::{BuildError, Listening, Stop};
use http::header::ORIGIN;
use http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use self::connection::Times;
use super::cors::Cors;
use super::handler::{Handler, text};
use crate::body::Body;
use crate::tls;

/// How many connections a server keeps open.
pub const MAX_CONNECTIONS: usize = 4096;

/// How long open requests may still run after the word to stop.
#[derive(Clone, Copy, Debug)]
pub struct Drain(pub Duration);

impl Default for Drain {
    fn default() -> Drain {
        Drain(Duration::from_secs(10))
    }
}

/// A server whose socket is open and that does not serve yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    rules: Arc<Rules>,
    drain: Drain,
}

/// What holds for every connection and request of a server.
struct Rules {
    times: Times,
    cors: Option<Cors>,
    response_headers: HeaderMap,
    /// How long a handler may take.
    answer_within: Option<Duration>,
}

impl Server {
    /// Opens the socket of an HTTP server. `place` is where the address is configured, for the error:
    /// `receivers.otlp.protocols.http.endpoint`.
    ///
    /// # Errors
    /// When the address can't be listened on, or the TLS material can't be used.
    pub fn http(
        block: &blocks::HttpServer,
        default: &ListenAddress,
        place: &str,
    ) -> Result<Server, BuildError> {
        let rules = Rules {
            times: Times::of_http(block),
            cors: block
                .cors
                .as_ref()
                .filter(|cors| !cors.allowed_origins.is_empty())
                .map(Cors::new),
            response_headers: super::header_map(&block.response_headers)?,
            answer_within: positive(block.write_timeout),
        };
        Server::open(
            block.endpoint.as_ref().unwrap_or(default),
            block.tls.as_ref(),
            rules,
            place,
        )
    }

    /// Opens the socket of a gRPC server.
    ///
    /// # Errors
    /// As [`Server::http`].
    pub fn grpc(
        block: &blocks::GrpcServer,
        default: &ListenAddress,
        place: &str,
    ) -> Result<Server, BuildError> {
        let rules = Rules {
            times: Times::of_grpc(block),
            cors: None,
            response_headers: HeaderMap::new(),
            answer_within: None,
        };
        Server::open(
            block.endpoint.as_ref().unwrap_or(default),
            block.tls.as_ref(),
            rules,
            place,
        )
    }

    fn open(
        address: &ListenAddress,
        tls: Option<&blocks::TlsServer>,
        rules: Rules,
        place: &str,
    ) -> Result<Server, BuildError> {
        let tls = tls
            .map(tls::server_config)
            .transpose()?
            .map(TlsAcceptor::from);
        let (listener, address) = bind::bind(address, place)?;
        Ok(Server {
            listener,
            address,
            tls,
            rules: Arc::new(rules),
            drain: Drain::default(),
        })
    }

    /// The same server with another deadline for open requests when it is told to stop.
    #[must_use]
    pub fn with_drain(mut self, drain: Drain) -> Server {
        self.drain = drain;
        self
    }

    /// The bound address, with the real port where the configuration said 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// For the start-up summary: what it speaks and where.
    pub fn listening(&self, protocol: &'static str) -> Listening {
        Listening {
            protocol,
            address: self.address,
            tls: self.tls.is_some(),
        }
    }

    /// Serves until told to stop; returns when the last request has its answer, or the deadline is over.
    ///
    /// # Errors
    /// When the socket breaks.
    pub async fn serve(self, handler: Arc<dyn Handler>, stop: Stop) -> Result<(), BuildError> {
        let broken =
            |error| BuildError::new(format!("the socket on {} broke", self.address)).because(error);
        self.listener.set_nonblocking(true).map_err(broken)?;
        let listener = tokio::net::TcpListener::from_std(self.listener).map_err(broken)?;
        let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            // Finished connections are forgotten, or the set would grow for ever.
            while connections.try_join_next().is_some() {}
            let accept = async {
                let permit = free.clone().acquire_owned().await;
                (permit, listener.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                biased;
                () = stop.requested() => break,
                accepted = accept => accepted,
            };
            match accepted {
                Ok((socket, peer)) => {
                    let connection = Connection {
                        rules: self.rules.clone(),
                        handler: handler.clone(),
                        tls: self.tls.clone(),
                        stop: stop.clone(),
                        peer,
                    };
                    connections.spawn(async move {
                        connection.run(socket).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    // Out of file descriptors, most likely: waiting lets other connections end.
                    tracing::warn!(address = %self.address, %error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(listener);
        let finished = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(self.drain.0, finished).await.is_err() {
            tracing::warn!(address = %self.address, "connections were closed before their requests had answers");
        }
        Ok(())
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("tls", &self.tls.is_some())
            .finish()
    }
}

/// One connection: what it needs to answer requests.
struct Connection {
    rules: Arc<Rules>,
    handler: Arc<dyn Handler>,
    tls: Option<TlsAcceptor>,
    stop: Stop,
    peer: SocketAddr,
}

impl Connection {
    async fn run(self, socket: TcpStream) {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(peer = %self.peer, %error, "could not set TCP_NODELAY");
        }
        let Some(tls) = &self.tls else {
            return self.serve(socket).await;
        };
        match tokio::time::timeout(Duration::from_secs(10), tls.accept(socket)).await {
            Ok(Ok(stream)) => self.serve(stream).await,
            Ok(Err(error)) => tracing::debug!(peer = %self.peer, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(peer = %self.peer, "TLS handshake took too long"),
        }
    }

    /// Answers one request by the rules of the server.
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let mut request = request.map(Body::incoming);
        request.extensions_mut().insert(self.peer);
        let rules = &self.rules;
        let origin = rules
            .cors
            .as_ref()
            .and_then(|_| request.headers().get(ORIGIN).cloned());
        let preflight = rules
            .cors
            .as_ref()
            .and_then(|cors| cors.preflight(&request));
        let is_preflight = preflight.is_some();
        let mut response = match (preflight, rules.answer_within) {
            (Some(answer), _) => answer,
            (None, None) => self.handler.handle(request).await,
            (None, Some(limit)) => tokio::time::timeout(limit, self.handler.handle(request))
                .await
                .unwrap_or_else(|_| {
                    text(StatusCode::SERVICE_UNAVAILABLE, "answering took too long\n")
                }),
        };
        if let Some(cors) = rules.cors.as_ref().filter(|_| !is_preflight) {
            cors.add_headers(origin.as_ref(), response.headers_mut());
        }
        for (name, value) in &rules.response_headers {
            response.headers_mut().insert(name.clone(), value.clone());
        }
        Ok(response)
    }
}

/// Zero means "no limit" in every block.
fn positive(duration: Duration) -> Option<Duration> {
    (!duration.is_zero()).then_some(duration)
}
