//! OTLP over HTTP: `POST /v1/traces` and its like, protobuf or JSON.

use std::sync::Arc;

use bytes::Bytes;
use fanlight_net::compress::{Encoding, UnsupportedEncoding};
use fanlight_net::http::Handler;
use fanlight_net::intake::{Intake, Limits};
use fanlight_net::status::{BodyFormat, Failure};
use fanlight_net::{Body, auth};
use fanlight_otlp::Signal;
use fanlight_pipeline::{Inlet, ServerAuth};
use futures::future::BoxFuture;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, Response};

use super::offer::offer;
use crate::door::Queues;

/// Answers OTLP/HTTP requests.
pub struct HttpHandler {
    queues: Queues,
    limits: Limits,
    auth: Option<Arc<dyn ServerAuth>>,
    /// The content codings that are taken; empty means all there are.
    encodings: Vec<String>,
    paths: [String; 4],
    fallback: Option<Arc<dyn Handler>>,
}

impl HttpHandler {
    /// Bodies are read within the limits, after the caller's credentials were checked.
    pub fn new(
        inlet: Inlet,
        intake: Intake,
        limits: Limits,
        auth: Option<Arc<dyn ServerAuth>>,
    ) -> HttpHandler {
        let paths = Signal::ALL.map(|signal| signal.info().http_path.to_owned());
        HttpHandler {
            queues: Queues {
                inlet,
                intake,
                include_metadata: false,
            },
            limits,
            auth,
            encodings: Vec::new(),
            paths,
            fallback: None,
        }
    }

    /// The same handler, with the callers' headers kept on the batches.
    #[must_use]
    pub fn with_metadata(mut self, include_metadata: bool) -> HttpHandler {
        self.queues.include_metadata = include_metadata;
        self
    }

    /// The same handler, taking only these content codings (`gzip`, ...); an empty list takes all there are.
    #[must_use]
    pub fn with_encodings(mut self, encodings: Vec<String>) -> HttpHandler {
        self.encodings = encodings;
        self
    }

    /// The same handler, with another one for every path that is not OTLP's.
    #[must_use]
    pub fn with_fallback(mut self, fallback: Arc<dyn Handler>) -> HttpHandler {
        self.fallback = Some(fallback);
        self
    }

    /// The same handler, with other paths for the signals.
    #[must_use]
    pub fn with_paths(mut self, paths: [String; 4]) -> HttpHandler {
        self.paths = paths;
        self
    }

    /// The signal that a path stands for. A client that was given a full URL where a base was meant doubles its end
    /// (`/v1/traces/v1/traces`); what it means is clear, so it is served.
    pub fn signal_of(&self, path: &str) -> Option<Signal> {
        let path = path.strip_suffix('/').unwrap_or(path);
        Signal::ALL
            .into_iter()
            .zip(&self.paths)
            .find_map(|(signal, own)| {
                let doubled = || {
                    path.strip_suffix(own.as_str())
                        .is_some_and(|front| front == own)
                };
                (path == own || doubled()).then_some(signal)
            })
    }

    async fn export(
        &self,
        signal: Signal,
        format: BodyFormat,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Bytes, Failure> {
        auth::check(self.auth.as_ref(), headers)?;
        let encoding = self.encoding(headers)?;
        let intake = &self.queues.intake;
        let held = intake.read(body, encoding, &self.limits).await?;
        offer(&self.queues, signal, format, headers, held, "http").await
    }

    fn encoding(&self, headers: &HeaderMap) -> Result<Option<Encoding>, Failure> {
        let Some(value) = headers.get(CONTENT_ENCODING) else {
            return Ok(None);
        };
        let encoding = Encoding::from_header(value.to_str().unwrap_or("?"))?;
        let is_allowed = |encoding: Encoding| {
            self.encodings.is_empty()
                || self
                    .encodings
                    .iter()
                    .any(|name| Encoding::from_header(name) == Ok(Some(encoding)))
        };
        match encoding.filter(|encoding| !is_allowed(*encoding)) {
            None => Ok(encoding),
            Some(refused) => Err(UnsupportedEncoding::Unknown(refused.name().to_owned()).into()),
        }
    }
}

impl Handler for HttpHandler {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            let signal = self.signal_of(request.uri().path());
            if let (None, Some(fallback)) = (signal, &self.fallback) {
                return fallback.handle(request).await;
            }
            let (head, body) = request.into_parts();
            let named = head
                .headers
                .get(CONTENT_TYPE)
                .and_then(|value| value.to_str().ok());
            let format = named.and_then(BodyFormat::from_content_type);
            // Errors before the format is known are written for people who try with curl.
            let error_format = format.unwrap_or(BodyFormat::Json);
            let Some(signal) = signal else {
                return nothing_here(&self.paths).to_http(error_format);
            };
            if head.method != Method::POST {
                return Failure::only_post().to_http(error_format);
            }
            let Some(format) = format else {
                return unsupported(named).to_http(error_format);
            };
            match self.export(signal, format, &head.headers, body).await {
                Ok(answer) => {
                    let mut response = Response::new(Body::from(answer));
                    response
                        .headers_mut()
                        .insert(CONTENT_TYPE, format.content_type());
                    response
                }
                Err(failure) => failure.to_http(format),
            }
        })
    }
}

fn nothing_here(paths: &[String]) -> Failure {
    Failure::not_found(format!(
        "nothing is served at this path; OTLP/HTTP is served at {}",
        paths.join(", ")
    ))
}

fn unsupported(named: Option<&str>) -> Failure {
    let what = match named {
        Some(named) => format!(
            "content-type {:?} is not OTLP",
            named.chars().take(100).collect::<String>()
        ),
        None => "there is no content-type".to_owned(),
    };
    Failure::unsupported_media_type(format!(
        "{what}; send application/x-protobuf or application/json"
    ))
}
