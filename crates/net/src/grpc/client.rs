//! Making unary calls, many at once over one connection.
//!
//! Connects with the first call, and again with the next call after a connection broke; trying again is the pipeline's.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use fanlight_config::{Scheme, blocks};
use fanlight_pipeline::{BuildContext, BuildError, ClientAuth, Outcome, Peer};
use http::header::{CONTENT_TYPE, TE, USER_AGENT};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version,
};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::server::{CONTENT_TYPE_GRPC, GRPC_ENCODING};
use super::{Status, frame};
use crate::auth::{self, Secrets};
use crate::body::Body;
use crate::compress::{Compressor, Encoding};
use crate::connect::{Connector, server_name};
use crate::http::{encoding, header_map, no_answer};
use crate::intake::{Intake, Limits};
use crate::status::{Advice, Code, grpc_outcome};
use crate::tls;

const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
/// Answers of OTLP servers are a few bytes.
const LONGEST_ANSWER: usize = 64 << 10;
/// How many connections share the load over the addresses of a `dns:///` name.
const CONNECTIONS_OF_A_NAME: usize = 4;

/// Calls the methods of one server.
pub struct GrpcClient {
    /// One connection each; calls take turns.
    lanes: Vec<Client<Connector, Body>>,
    turn: AtomicUsize,
    /// `https://authority`: what a method's path is put behind.
    scheme: http::uri::Scheme,
    authority: http::uri::Authority,
    /// Where it connects to, for messages.
    target: String,
    headers: HeaderMap,
    auth: Option<Arc<dyn ClientAuth>>,
    compressor: Option<Compressor>,
    intake: Intake,
    advice: Advice,
}

/// A call did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The server answered with a status.
    Status(Status),
    /// There is no answer; the reason is for people.
    NoAnswer(String),
}

/// Where a gRPC client connects to: host, port and whether with TLS.
///
/// # Errors
/// When the endpoint contradicts `tls.insecure`, or is a Unix socket.
pub fn target(block: &blocks::GrpcClient) -> Result<(Peer, bool), String> {
    let endpoint = block
        .endpoint
        .as_ref()
        .ok_or("endpoint is missing; write host:4317 or https://host:4317")?;
    if endpoint.scheme() == Scheme::Unix {
        return Err("unix sockets are not supported in this release; write host:4317".to_owned());
    }
    if !endpoint.path().is_empty() {
        return Err(format!(
            "a gRPC endpoint has no path; write {} or use otlp_http",
            endpoint.authority()
        ));
    }
    let tls = endpoint
        .uses_tls(block.tls.insecure)
        .map_err(|error| error.to_string())?;
    let port = match (endpoint.port(), endpoint.scheme()) {
        (Some(port), _) => port,
        (None, Scheme::Https) => 443,
        (None, _) => 4317,
    };
    Ok((
        Peer {
            host: endpoint.host().to_owned(),
            port,
        },
        tls,
    ))
}

impl GrpcClient {
    /// A client made from a block.
    ///
    /// # Errors
    /// When the endpoint or the TLS material can't be used, a header can't be sent, or the extension is not there.
    pub fn new(
        block: &blocks::GrpcClient,
        default_compression: blocks::Compression,
        context: &BuildContext<'_>,
    ) -> Result<GrpcClient, BuildError> {
        let (peer, encrypted) = target(block).map_err(BuildError::new)?;
        let host = if peer.host.contains(':') {
            format!("[{}]", peer.host)
        } else {
            peer.host.clone()
        };
        let place = format!("{host}:{}", peer.port);
        let scheme = if encrypted {
            http::uri::Scheme::HTTPS
        } else {
            http::uri::Scheme::HTTP
        };
        let not_a_host = |what: &str| BuildError::new(format!("{what} is not a host and port"));
        let connect_to: Uri = format!("{scheme}://{place}")
            .parse()
            .map_err(|_| not_a_host("endpoint"))?;
        let authority = block
            .authority
            .as_deref()
            .filter(|text| !text.is_empty())
            .unwrap_or(&place);
        let authority = authority.parse().map_err(|_| not_a_host("authority"))?;
        let tls = if encrypted {
            Some(tls::client_config(&block.tls, &[b"h2"])?)
        } else {
            None
        };
        let name = block
            .tls
            .server_name_override
            .as_deref()
            .map(server_name)
            .transpose();
        let name =
            name.map_err(|why| BuildError::new(format!("tls.server_name_override: {why}")))?;
        let rotate = block
            .endpoint
            .as_ref()
            .is_some_and(|endpoint| endpoint.scheme() == Scheme::Dns);
        let connector = Connector::new(tls, name, Some(connect_to), rotate);
        let count = if rotate { CONNECTIONS_OF_A_NAME } else { 1 };
        let auth = block
            .auth
            .as_ref()
            .map(|auth| context.client_auth(&auth.authenticator))
            .transpose()?;
        let compressor = encoding(block.compression.unwrap_or(default_compression))
            .map(|e| Compressor::new(e, None));
        Ok(GrpcClient {
            lanes: (0..count).map(|_| lane(block, connector.clone())).collect(),
            turn: AtomicUsize::new(0),
            target: format!("{scheme}://{place}"),
            scheme,
            authority,
            headers: call_headers(block, compressor.as_ref(), context)?,
            auth,
            compressor,
            intake: Intake::default(),
            advice: Advice::GENERAL,
        })
    }

    /// The same client, with what to tell the user when this backend refuses.
    #[must_use]
    pub fn with_advice(mut self, advice: Advice) -> GrpcClient {
        self.advice = advice;
        self
    }

    /// Calls a method (`/package.Service/Method`) and returns its answer.
    ///
    /// # Errors
    /// The server's status, or why there is none.
    pub async fn call(&self, method: &'static str, message: Bytes) -> Result<Bytes, CallError> {
        self.call_with(method, message, &HeaderMap::new()).await
    }

    /// As [`GrpcClient::call`], with headers of this call only, in place of others of the same name.
    ///
    /// # Errors
    /// The server's status, or why there is none. Of the sensitive headers, none is repeated in the server's words.
    pub async fn call_with(
        &self,
        method: &'static str,
        message: Bytes,
        more: &HeaderMap,
    ) -> Result<Bytes, CallError> {
        let mut request = self
            .request(method, message)
            .await
            .map_err(CallError::NoAnswer)?;
        let headers = request.headers_mut();
        for (name, value) in more {
            headers.insert(name, value.clone());
        }
        let answer = self.answer(request).await;
        answer.map_err(|error| match error {
            CallError::Status(mut status) => {
                status.message = Secrets::of_headers(more.iter()).redact(status.message);
                CallError::Status(status)
            }
            error => error,
        })
    }

    async fn answer(&self, request: Request<Body>) -> Result<Bytes, CallError> {
        let url = request.uri().clone();
        let lane = self.turn.fetch_add(1, Ordering::Relaxed) % self.lanes.len().max(1);
        let Some(lane) = self.lanes.get(lane) else {
            return Err(CallError::NoAnswer("no connection".to_owned()));
        };
        let response = lane
            .request(request)
            .await
            .map_err(|error| CallError::NoAnswer(no_grpc_answer(&url, &error)))?;
        self.read(response).await
    }

    /// What a failed call means; secrets that the server repeats are taken out of its words.
    pub fn outcome(&self, error: CallError) -> Outcome {
        let status = match error {
            CallError::NoAnswer(why) => {
                let why = self.advice.explain_connection(why);
                return Outcome::Retry { after: None, why };
            }
            CallError::Status(status) => status,
        };
        let mut sent = self.headers.clone();
        // Credentials that can't be had now can't be in the answer either.
        drop(auth::add_credentials(self.auth.as_ref(), &mut sent));
        Secrets::of_headers(sent.iter())
            .except(&self.advice)
            .redact_outcome(grpc_outcome(&status, &self.target, &self.advice))
    }

    async fn request(&self, method: &'static str, message: Bytes) -> Result<Request<Body>, String> {
        let url = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(method);
        let mut request = Request::new(Body::empty());
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = url.build().map_err(|error| error.to_string())?;
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        auth::add_credentials(self.auth.as_ref(), headers)
            .map_err(|missing| missing.to_string())?;
        let compressor = self.compressor.as_ref().filter(|_| !message.is_empty());
        let framed = match compressor {
            None => frame::write(message, false),
            Some(compressor) => {
                let compressed = compressor
                    .compress(message)
                    .await
                    .map_err(|error| error.to_string())?;
                frame::write(compressed, true)
            }
        };
        let (head, message) = framed.ok_or("the message is longer than gRPC allows (4 GiB)")?;
        *request.body_mut() = Body::framed(head, message, None);
        Ok(request)
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Bytes, CallError> {
        let (head, body) = response.into_parts();
        if let Some(status) = Status::read(&head.headers).filter(|status| status.code != Code::Ok) {
            return Err(CallError::Status(status));
        }
        if head.status != StatusCode::OK {
            let message = format!(
                "HTTP status {}: is there a gRPC server behind this address?",
                head.status
            );
            return Err(CallError::Status(Status {
                code: Code::from_http(head.status),
                message,
                retry_after: None,
                details: Bytes::new(),
            }));
        }
        let broke = |error: &dyn std::fmt::Display| {
            CallError::NoAnswer(format!("{}: the answer broke off: {error}", self.target))
        };
        let collected = http_body_util::Limited::new(body, LONGEST_ANSWER)
            .collect()
            .await
            .map_err(|error| broke(&error))?;
        let status = collected
            .trailers()
            .and_then(Status::read)
            .or_else(|| Status::read(&head.headers));
        match status {
            Some(Status { code: Code::Ok, .. }) => {}
            Some(status) => return Err(CallError::Status(status)),
            None => return Err(broke(&"it has no grpc-status")),
        }
        let body = collected.to_bytes();
        if body.is_empty() {
            return Ok(body);
        }
        self.unframe(head.headers.get(GRPC_ENCODING), body)
            .await
            .map_err(|why| broke(&why))
    }

    async fn unframe(
        &self,
        declared: Option<&HeaderValue>,
        body: Bytes,
    ) -> Result<Bytes, crate::status::Failure> {
        let declared = Encoding::from_header(
            declared
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default(),
        )?;
        let limits = Limits::of_size(LONGEST_ANSWER);
        let (chunks, lease) = self
            .intake
            .gather(&mut Body::from(body), LONGEST_ANSWER, &limits)
            .await?;
        let (message, encoding) = frame::read(chunks, declared)?;
        Ok(self
            .intake
            .decompress(message, encoding, &limits, lease)
            .await?
            .bytes)
    }
}

impl std::fmt::Debug for GrpcClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GrpcClient")
            .field("target", &self.target)
            .field("compressor", &self.compressor)
            .finish_non_exhaustive()
    }
}

/// A client that keeps one HTTP/2 connection.
fn lane(block: &blocks::GrpcClient, connector: Connector) -> Client<Connector, Body> {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .http2_only(true)
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(None);
    if let Some(keepalive) = &block.keepalive {
        builder
            .http2_keep_alive_interval((!keepalive.time.is_zero()).then_some(keepalive.time))
            .http2_keep_alive_timeout(keepalive.timeout)
            .http2_keep_alive_while_idle(keepalive.permit_without_stream);
    }
    builder.build(connector)
}

/// The headers of every call.
fn call_headers(
    block: &blocks::GrpcClient,
    compressor: Option<&Compressor>,
    context: &BuildContext<'_>,
) -> Result<HeaderMap, BuildError> {
    let mut headers = header_map(&block.headers)?;
    headers.insert(CONTENT_TYPE, CONTENT_TYPE_GRPC);
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(
        GRPC_ACCEPT_ENCODING,
        HeaderValue::from_static(Encoding::ACCEPTED),
    );
    headers
        .entry(USER_AGENT)
        .or_insert(HeaderValue::from_static(context.user_agent));
    if let Some(compressor) = compressor {
        headers.insert(
            GRPC_ENCODING,
            HeaderValue::from_static(compressor.encoding().name()),
        );
    }
    Ok(headers)
}

/// Why there is no answer, in terms of gRPC.
fn no_grpc_answer(url: &Uri, error: &(dyn std::error::Error + 'static)) -> String {
    let why = no_answer(url, error);
    match url.scheme() == Some(&http::uri::Scheme::HTTP) && why.contains("broke before") {
        true => format!("{why}; if the server wants TLS, remove tls.insecure or write https://"),
        false => why,
    }
}
