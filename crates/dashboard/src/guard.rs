//! Keeping other web sites out, and strangers where there is a token.
//!
//! A page on the internet can make the user's browser send requests to this machine. It can't choose the `Host` that is
//! sent, unless the name in it is its own and was rebound to a loopback address; so `Host` must be a name of ours. It
//! can't hide its `Origin` from anything but plain reads, and browsers say where those come from (`Sec-Fetch-Site`); so
//! both must be the page's own. And it can't send JSON elsewhere without asking first, which nobody answers here; so what
//! changes something must be JSON. A request with the right token in its `Authorization` comes from no such page.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fanlight_net::http::{Hosts, Stranger, same_site};

use crate::access::{self, Access};
use crate::api::ApiError;
use crate::router::Options;

/// What a body that changes something may be.
const JSON_TYPES: [&str; 3] = [
    "application/json",
    "application/x-ndjson",
    "application/jsonl",
];

/// Decides about requests by their heads. Stands before every route, OTLP on the dashboard's port included.
#[derive(Clone, Debug)]
pub struct Guard {
    hosts: Arc<Hosts>,
    access: Option<Access>,
}

/// Why a request is not answered.
#[derive(Clone, Debug)]
pub struct Refusal(ApiError);

impl Refusal {
    /// The HTTP status: 400, 401, 403 or 415.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// What is wrong and what to do, in one sentence.
    pub fn text(&self) -> String {
        self.0.text()
    }
}

impl Guard {
    /// A guard of a dashboard with these options.
    pub fn new(options: &Options) -> Guard {
        Guard {
            hosts: Arc::new(Hosts::new(options.bound, &options.allowed_hosts)),
            access: options.access.clone(),
        }
    }

    /// Checks who asks: `Host`, `Origin` and the token, where there is one.
    ///
    /// # Errors
    /// Says why the request must not be answered.
    pub fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let bearer = self
            .access
            .as_ref()
            .map(|access| access.has_bearer(headers));
        if bearer == Some(true) {
            return Ok(());
        }
        self.hosts.check(uri, headers).map_err(refused)?;
        match &self.access {
            Some(access) if !access::is_open(uri.path()) && !access.has_session(headers) => {
                Err(Refusal(access::needed(bearer_was_given(headers))))
            }
            _ => Ok(()),
        }
    }

    fn judge(&self, request: &Request) -> Result<(), Refusal> {
        self.admit(request.uri(), request.headers())?;
        same_site(request.method(), request.headers()).map_err(refused)?;
        json_only(request.method(), request.uri(), request.headers()).map_err(Refusal)
    }
}

/// Lets a request through, or answers why not.
pub(crate) async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.judge(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) if refusal.status() == StatusCode::UNAUTHORIZED => {
            unauthorized(&request, refusal)
        }
        Err(refusal) => refusal.0.into_response(),
    }
}

/// A person gets the page to sign in, a program an error.
fn unauthorized(request: &Request, refusal: Refusal) -> Response {
    let wants_page = request.method() == Method::GET
        && text_of(request.headers(), &ACCEPT).is_some_and(|accept| accept.contains("text/html"));
    if wants_page && !request.uri().path().starts_with("/api/") {
        return access::page(StatusCode::UNAUTHORIZED, "");
    }
    let challenge = [(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))];
    (challenge, refusal.0).into_response()
}

/// What a stranger is told.
fn refused(stranger: Stranger) -> Refusal {
    Refusal(match stranger {
        Stranger::NoHost => ApiError::bad(stranger.to_string()),
        Stranger::OtherHost(name) => ApiError::new(
            StatusCode::FORBIDDEN,
            format!("the dashboard is not served as {name}"),
        )
        .hint("open it as localhost, or add the name to dashboard.allowed_hosts"),
        Stranger::OtherOrigin => ApiError::new(StatusCode::FORBIDDEN, stranger.to_string()),
    })
}

/// Refuses changes that are not JSON. Only the form to sign in is one.
fn json_only(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
    let changes = matches!(*method, Method::POST | Method::PUT | Method::PATCH)
        || method == Method::DELETE && has_body(headers);
    let is_api = ["/api/", "/llmflow/"]
        .iter()
        .any(|prefix| uri.path().starts_with(prefix));
    if !changes || !is_api {
        return Ok(());
    }
    let named = text_of(headers, &CONTENT_TYPE).unwrap_or_default();
    let essence = named.split(';').next().unwrap_or_default().trim();
    if JSON_TYPES
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
    {
        return Ok(());
    }
    let error = ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "what changes something must have a JSON content type",
    );
    Err(error.hint("send `Content-Type: application/json`"))
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
        || text_of(headers, &CONTENT_LENGTH).is_some_and(|length| length != "0")
}

fn bearer_was_given(headers: &HeaderMap) -> bool {
    headers.contains_key(axum::http::header::AUTHORIZATION)
}

fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
