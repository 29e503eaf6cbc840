//! Spans of the requests that a program makes with `reqwest`, which carry on the trace to whoever answers.
//!
//! ```no_run
//! use fanlight::integrations::reqwest::SendTraced;
//!
//! # async fn example() -> Result<(), reqwest::Error> {
//! let client = reqwest::Client::new();
//! let response = client.get("https://example.com/orders/17").send_traced().await?;
//! # Ok(())
//! # }
//! ```
//!
//! A span has failed when there is no response, or one that says 4xx or 5xx, and ends when the response's head is there.
//! What URLs hold of secrets, user and password among it, is not recorded.
//!
//! [Source](https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span) of names and attributes.

use std::future::Future;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Error, Request, RequestBuilder, Response, Url};

use super::conventions;
use crate::__private::inside;
use crate::callsite::Callsite;
use crate::exception::Described;
use crate::{Context, Span, SpanBuilder, SpanKind};

static CALLSITE: Callsite = conventions::callsite(SpanKind::Client, "fanlight::reqwest");

/// Sends requests in spans.
pub trait SendTraced {
    /// As [`RequestBuilder::send`], in a span of its own, and with headers by which whoever answers goes on with the trace.
    ///
    /// # Errors
    /// Those of [`RequestBuilder::send`].
    fn send_traced(self) -> impl Future<Output = Result<Response, Error>> + Send;
}

impl SendTraced for RequestBuilder {
    async fn send_traced(self) -> Result<Response, Error> {
        let (client, request) = self.build_split();
        execute(&client, request?).await
    }
}

/// As [`Client::execute`], in a span of its own, and with headers by which whoever answers goes on with the trace. Headers of
/// those names that the request has already stay as they are.
///
/// # Errors
/// Those of [`Client::execute`].
pub async fn execute(client: &Client, mut request: Request) -> Result<Response, Error> {
    let span = start(&request);
    if let Some(context) = span.context().or_else(Context::current) {
        inject(context, request.headers_mut());
    }
    let answer = inside(&span, client.execute(request)).await;
    match &answer {
        Ok(response) => answered(&span, response),
        Err(error) => failed(&span, error),
    }
    answer
}

fn start(request: &Request) -> Span {
    if !CALLSITE.is_wanted() {
        return Span::none();
    }
    let url = request.url();
    let mut builder = SpanBuilder::at(&CALLSITE);
    let method = conventions::add_method(&mut builder, request.method().as_str());
    let host = url.host_str().unwrap_or_default();
    builder.add(
        "logfire.msg",
        &format_args!("{method} {host}{}", url.path()),
    );
    builder.add("url.full", shown(url).as_str());
    builder.add("server.address", host);
    if let Some(port) = url.port_or_known_default() {
        builder.add("server.port", &port);
    }
    builder.name(method.to_owned()).start()
}

/// The URL without what gives access to something.
fn shown(url: &Url) -> Url {
    let mut shown = url.clone();
    // Those that can have neither have neither.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    let query = url.query().map(conventions::without_secrets);
    shown.set_query(query.as_deref());
    shown
}

fn inject(context: Context, headers: &mut HeaderMap) {
    context.inject(|name, value| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.entry(name).or_insert(value);
        }
    });
}

fn answered(span: &Span, response: &Response) {
    let status = response.status();
    span.set("http.response.status_code", status.as_u16());
    if status.is_client_error() || status.is_server_error() {
        span.set("error.type", status.as_str());
        span.set_failed();
    }
}

fn failed(span: &Span, error: &Error) {
    let kind = [
        (error.is_timeout(), "timeout"),
        (error.is_connect(), "connect"),
        (error.is_redirect(), "redirect"),
    ];
    let kind = kind.iter().find(|(is, _)| *is);
    span.set(
        "error.type",
        kind.map_or("reqwest::Error", |(_, kind)| *kind),
    );
    let mut message = error.to_string();
    if let Some(url) = error.url() {
        message = message.replace(url.as_str(), shown(url).as_str());
    }
    span.record_exception(Described::retold("reqwest::Error", message, error));
}
