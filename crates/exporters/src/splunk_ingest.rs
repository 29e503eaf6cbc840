//! Splunk Observability Cloud's ingest, which `sapm` and `signalfx` share: its access token, and its answers.
//!
//! A resource may bring a token of its own in the attribute `com.splunk.signalfx.access_token`
//! (`access_token_passthrough`); it is sent as the token of a request of its own, and never as telemetry.
//! 400 and 401 are final, 429 and 503 say when to come back, other failures of the server are tried again.
//! [Source](https://dev.splunk.com/observability/reference/api/ingest_data/latest).

use bytes::Bytes;
use fanlight_net::http::HttpClient;
use fanlight_otlp::DecodeError;
use fanlight_otlp::view::ResourceView;
use fanlight_pipeline::Outcome;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};

use crate::answers;

/// The header that carries the token.
pub(crate) const TOKEN: HeaderName = HeaderName::from_static("x-sf-token");
/// The resource attribute that carries it.
pub(crate) const TOKEN_ATTRIBUTE: &str = "com.splunk.signalfx.access_token";
/// The content type of protobuf.
pub(crate) const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

/// The token that a resource brings, if there is one and it counts.
pub(crate) fn token<'a>(
    resource: &ResourceView<'a>,
    passthrough: bool,
) -> Result<Option<&'a str>, DecodeError> {
    if !passthrough {
        return Ok(None);
    }
    let value = resource.attributes.get(TOKEN_ATTRIBUTE)?;
    Ok(value.and_then(|value| value.as_str()))
}

/// Where a request goes, what it is, and whose.
pub(crate) struct Head<'a> {
    pub(crate) url: &'a Uri,
    pub(crate) content_type: HeaderValue,
    /// The token, where it is not the exporter's.
    pub(crate) token: Option<&'a str>,
}

/// Sends one request.
pub(crate) async fn post(client: &HttpClient, head: Head<'_>, body: Bytes) -> Outcome {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = head.url.clone();
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, head.content_type);
    if let Some(token) = head.token {
        let Ok(mut value) = HeaderValue::from_str(token) else {
            let why = format!("the value of {TOKEN_ATTRIBUTE} can't be sent as a token");
            return Outcome::Rejected { why };
        };
        value.set_sensitive(true);
        headers.insert(TOKEN, value);
    }
    let answer = match client.send(request).await {
        Ok(answer) if answer.status.is_success() => return Outcome::Delivered,
        Ok(answer) => answer,
        Err(outcome) => return outcome,
    };
    let outcome = answers::outcome(client, head.url, &answer);
    let outcome = match head.token {
        Some(token) => outcome.told(|why| why.replace(token, "[REDACTED]")),
        None => outcome,
    };
    match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => answers::advised(
            outcome,
            "access_token is a token with ingest scope, of the realm in the address",
        ),
        StatusCode::NOT_FOUND => answers::advised(
            outcome,
            "the ingest address is https://ingest.<realm>.signalfx.com",
        ),
        _ => outcome,
    }
}
