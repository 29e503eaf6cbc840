//! Spans of HTTP servers, for axum, hyper and everything else that takes a `tower::Layer`.
//!
//! Each request is a span, whose parent is the caller's if the request's headers name one. It has failed when the response
//! says 5xx, and ends when the response's head is there: a body that is streamed after that is no part of it.
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! let app: axum::Router = axum::Router::new()
//!     .route("/orders/{id}", axum::routing::get(async || "tea"))
//!     .layer(fanlight::integrations::tower::ServerLayer::new());
//! # }
//! ```
//!
//! [Source](https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span) of names and attributes.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, ready};

use http::uri::Authority;
use http::{HeaderMap, Request, Response, StatusCode, Version, header};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::conventions;
use crate::callsite::Callsite;
use crate::context::Local;
use crate::{Context, Span, SpanBuilder, SpanKind};

static CALLSITE: Callsite = conventions::callsite(SpanKind::Server, "fanlight::tower");

/// Makes a span of each request that a service answers.
///
/// Requests that axum has routed are named by the route: put the layer on the router with `layer` or `route_layer`.
#[derive(Clone, Default)]
pub struct ServerLayer {
    is_public: bool,
    is_excepted: Option<Arc<IsExcepted>>,
}

type IsExcepted = dyn Fn(&str) -> bool + Send + Sync;

impl ServerLayer {
    /// A layer for a service whose callers are trusted to say which trace a request belongs to.
    pub fn new() -> ServerLayer {
        ServerLayer::default()
    }

    /// For services that strangers call: each request is a trace of its own, with a link to the caller's.
    pub fn public(mut self) -> ServerLayer {
        self.is_public = true;
        self
    }

    /// Records nothing of requests for some paths, nor of what happens in them.
    ///
    /// ```
    /// use fanlight::integrations::tower::ServerLayer;
    ///
    /// let layer = ServerLayer::new().except(|path| path == "/health");
    /// ```
    pub fn except(mut self, is_excepted: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.is_excepted = Some(Arc::new(is_excepted));
        self
    }

    fn span<B>(&self, request: &Request<B>) -> Span {
        if !CALLSITE.is_wanted() {
            return Span::none();
        }
        let caller = Context::from_headers(|name| joined(request.headers(), name));
        let builder = self.placed(SpanBuilder::at(&CALLSITE), caller, request.uri().path());
        describe(builder, request).start()
    }

    /// Puts the span where it belongs.
    fn placed(&self, builder: SpanBuilder, caller: Option<Context>, path: &str) -> SpanBuilder {
        if self.is_excepted.as_ref().is_some_and(|is| is(path)) {
            let begun = Local::with(|local| local.child_of(caller));
            return builder.parent(begun.map(|context| Context {
                is_sampled: false,
                ..context
            }));
        }
        match caller {
            Some(caller) if self.is_public => builder.root().link(caller),
            Some(caller) => builder.parent(caller),
            None => builder,
        }
    }
}

impl fmt::Debug for ServerLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerLayer")
            .field("is_public", &self.is_public)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = Server<S>;

    fn layer(&self, inner: S) -> Server<S> {
        Server {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service whose requests are spans; what [`ServerLayer`] makes.
#[derive(Clone, Debug)]
pub struct Server<S> {
    inner: S,
    layer: ServerLayer,
}

impl<S, B, R> Service<Request<B>> for Server<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Display,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, task: &mut Task<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<B>) -> Answering<S::Future> {
        let span = self.layer.span(&request);
        let future = span.in_scope(|| self.inner.call(request));
        Answering { future, span }
    }
}

pin_project! {
    /// A request that is being answered. The span ends with it, also where the caller goes away before that.
    #[derive(Debug)]
    pub struct Answering<F> {
        #[pin]
        future: F,
        span: Span,
    }
}

impl<F, R, E> Future for Answering<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: Display,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<F::Output> {
        let this = self.project();
        let answer = {
            let _entered = this.span.enter();
            ready!(this.future.poll(task))
        };
        let span = std::mem::take(this.span);
        match &answer {
            Ok(response) => answered(&span, response.status()),
            Err(error) => {
                span.set("error.type", std::any::type_name::<E>());
                span.set_error(error);
            }
        }
        Poll::Ready(answer)
    }
}

/// It is the caller's fault where a response says 4xx, and no error here.
fn answered(span: &Span, status: StatusCode) {
    span.set("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.set("error.type", status.as_str());
        span.set_failed();
    }
}

fn describe<B>(mut builder: SpanBuilder, request: &Request<B>) -> SpanBuilder {
    let (uri, headers) = (request.uri(), request.headers());
    let method = conventions::add_method(&mut builder, request.method().as_str());
    let name = match route(request) {
        Some(route) => {
            builder.add("http.route", route);
            builder.add("logfire.msg", &format_args!("{method} {}", uri.path()));
            format!("{method} {route}")
        }
        None => {
            builder.add("logfire.msg", &format_args!("{method} {}", uri.path()));
            method.to_owned()
        }
    };
    builder.add("url.path", uri.path());
    if let Some(query) = uri.query() {
        builder.add("url.query", &conventions::without_secrets(query));
    }
    builder.add("url.scheme", scheme(request));
    if let Some(authority) = authority(request) {
        builder.add("server.address", authority.host());
        if let Some(port) = authority.port_u16() {
            builder.add("server.port", &port);
        }
    }
    if let Some(version) = version(request.version()) {
        builder.add("network.protocol.version", version);
    }
    if let Some(agent) = headers
        .get(header::USER_AGENT)
        .and_then(|it| it.to_str().ok())
    {
        builder.add("user_agent.original", agent);
    }
    builder.name(name)
}

#[cfg(feature = "axum")]
fn route<B>(request: &Request<B>) -> Option<&str> {
    let matched = request.extensions().get::<axum::extract::MatchedPath>();
    matched.map(axum::extract::MatchedPath::as_str)
}

#[cfg(not(feature = "axum"))]
fn route<B>(_: &Request<B>) -> Option<&str> {
    None
}

/// HTTP/1 requests don't say; proxies do.
fn scheme<B>(request: &Request<B>) -> &str {
    let forwarded = request.headers().get("x-forwarded-proto");
    let forwarded = forwarded.and_then(|scheme| scheme.to_str().ok());
    let forwarded = forwarded.filter(|scheme| ["http", "https"].contains(scheme));
    request.uri().scheme_str().or(forwarded).unwrap_or("http")
}

fn authority<B>(request: &Request<B>) -> Option<Authority> {
    request.uri().authority().cloned().or_else(|| {
        let host = request.headers().get(header::HOST)?;
        host.to_str().ok()?.parse().ok()
    })
}

fn version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_09 => Some("0.9"),
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}

/// The value of a header; of several, with commas between them.
fn joined<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    let mut values = headers
        .get_all(name)
        .iter()
        .filter_map(|it| it.to_str().ok());
    let first = Cow::Borrowed(values.next()?);
    Some(values.fold(first, |joined, value| {
        Cow::Owned(format!("{joined},{value}"))
    }))
}
