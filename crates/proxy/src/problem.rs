//! What the proxy itself has to say, in the shape of errors that clients of OpenAI and Anthropic show.

use fanlight_net::Body;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::upstream::SendError;

/// The proxy can't forward a request, or must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// The word that clients put before the message.
    kind: &'static str,
    /// The fact.
    pub(crate) message: String,
    /// What to do.
    hint: Option<String>,
    provider: Option<String>,
    /// Whether a recording or a counter tells it already.
    pub(crate) is_told: bool,
}

#[derive(Serialize)]
struct Answer<'p> {
    r#type: &'static str,
    error: Fields<'p>,
}

#[derive(Serialize)]
struct Fields<'p> {
    message: String,
    r#type: &'static str,
    code: &'static str,
    param: Option<()>,
    provider: Option<&'p str>,
    hint: Option<&'p str>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Problem {
        Problem {
            status,
            kind,
            message: message.into(),
            hint: None,
            provider: None,
            is_told: false,
        }
    }

    /// The request asks for what can't be done.
    pub(crate) fn bad(message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    /// Nothing is known by that name.
    pub(crate) fn unknown(message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not_found_error", message)
    }

    /// The request must not be made from where it comes, or to where it wants to go.
    pub(crate) fn forbidden(message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "permission_error", message)
    }

    /// The proxy's own token is missing or wrong.
    pub(crate) fn unauthorized(message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "authentication_error", message)
    }

    /// The body is longer than what is looked at.
    pub(crate) fn too_large(message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", message)
    }

    /// There is no answer of the provider.
    pub(crate) fn of_upstream(error: &SendError) -> Problem {
        let status = match error {
            SendError::Dial(error) if error.is_timeout() => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        };
        // The advice of all clients names the keys of their block.
        let message = error
            .to_string()
            .replace("set tls.", "set llm.upstream_tls.");
        Problem::new(status, "upstream_error", message).told()
    }

    /// The same problem where a recording or a counter tells it.
    pub(crate) fn told(mut self) -> Problem {
        self.is_told = true;
        self
    }

    /// The same problem with what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    /// The same problem with whose it is.
    pub(crate) fn of(mut self, provider: &str) -> Problem {
        self.provider = Some(provider.to_owned());
        self
    }

    /// The response to the client.
    pub(crate) fn response(&self) -> Response<Body> {
        // Programs show only the message.
        let message = match &self.hint {
            Some(hint) => format!("fanlight: {}; {hint}", self.message),
            None => format!("fanlight: {}", self.message),
        };
        let answer = Answer {
            r#type: "error",
            error: Fields {
                message,
                r#type: self.kind,
                code: "fanlight_proxy",
                param: None,
                provider: self.provider.as_deref(),
                hint: self.hint.as_deref(),
            },
        };
        let mut response =
            Response::new(Body::from(serde_json::to_vec(&answer).unwrap_or_default()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Fanlight"));
        }
        response
    }
}
