//! What a server answers instead of success.

use std::time::Duration;

use bytes::Bytes;
use fanlight_otlp::status::Status as RpcStatus;
use fanlight_pipeline::{RefusalReason, Refused, Unauthenticated};
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::Code;
use crate::admission::OverBudget;
use crate::body::Body;
use crate::compress::{DecompressError, UnsupportedEncoding};

/// The delay that is asked for where a refusal names none.
const DEFAULT_DELAY: Duration = Duration::from_secs(1);

/// How an OTLP/HTTP body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFormat {
    /// `application/x-protobuf`
    Protobuf,
    /// `application/json`
    Json,
}

/// A request that is answered with an error: one status for both transports.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The HTTP status.
    pub status: StatusCode,
    /// The gRPC status.
    pub code: Code,
    /// What is wrong and what to do, for the sender.
    pub message: String,
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// `WWW-Authenticate`.
    pub challenge: Option<&'static str>,
    /// A whole `google.rpc.Status` for gRPC's details; empty where there is no more to tell.
    pub details: Bytes,
}

impl BodyFormat {
    /// The format that a `content-type` names; parameters such as `charset` are ignored.
    pub fn from_content_type(value: &str) -> Option<BodyFormat> {
        let (kind, _) = value.split_once(';').unwrap_or((value, ""));
        match kind.trim() {
            kind if kind.eq_ignore_ascii_case("application/x-protobuf") => {
                Some(BodyFormat::Protobuf)
            }
            kind if kind.eq_ignore_ascii_case("application/json") => Some(BodyFormat::Json),
            _ => None,
        }
    }

    /// The `content-type`.
    pub const fn content_type(self) -> HeaderValue {
        match self {
            BodyFormat::Protobuf => HeaderValue::from_static("application/x-protobuf"),
            BodyFormat::Json => HeaderValue::from_static("application/json"),
        }
    }
}

impl Failure {
    fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Failure {
        Failure {
            status,
            code,
            message: message.into(),
            retry_after: None,
            challenge: None,
            details: Bytes::new(),
        }
    }

    /// The request itself is wrong: 400, `INVALID_ARGUMENT`.
    pub fn bad_request(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::BAD_REQUEST, Code::InvalidArgument, message)
    }

    /// Nothing is there: 404, `UNIMPLEMENTED`.
    pub fn not_found(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::NOT_FOUND, Code::Unimplemented, message)
    }

    /// Only POST is served there: 405.
    pub fn only_post() -> Failure {
        let message = "only POST is served here: an OTLP exporter sends its data to this path";
        Failure::new(StatusCode::METHOD_NOT_ALLOWED, Code::Unimplemented, message)
    }

    /// The sender took too long: 408, `DEADLINE_EXCEEDED`.
    pub fn too_slow(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::REQUEST_TIMEOUT, Code::DeadlineExceeded, message)
    }

    /// The request is larger than allowed: 413, `RESOURCE_EXHAUSTED` without a delay, which means "never".
    pub fn too_large(message: impl Into<String>) -> Failure {
        Failure::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            Code::ResourceExhausted,
            message,
        )
    }

    /// The body is in no format of ours: 415.
    pub fn unsupported_media_type(message: impl Into<String>) -> Failure {
        Failure::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::InvalidArgument,
            message,
        )
    }

    /// Come back later: 503, `UNAVAILABLE`.
    pub fn unavailable(message: impl Into<String>) -> Failure {
        let failure = Failure::new(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, message);
        Failure {
            retry_after: Some(DEFAULT_DELAY),
            ..failure
        }
    }

    /// Something broke inside: 500, `INTERNAL`.
    pub fn internal(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, message)
    }

    /// As `google.rpc.Status`, which is what OTLP puts into bodies and details.
    pub fn rpc_status(&self) -> RpcStatus {
        RpcStatus {
            code: self.code.number(),
            message: self.message.clone(),
            retry_delay: self.retry_after,
        }
    }

    /// The HTTP response, its body a `google.rpc.Status` in the request's format.
    pub fn to_http(&self, format: BodyFormat) -> Response<Body> {
        let status = self.rpc_status();
        let body = match format {
            BodyFormat::Protobuf => Bytes::from(status.encode()),
            BodyFormat::Json => Bytes::from(status.to_json()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, format.content_type());
        self.add_headers(response.headers_mut());
        response
    }

    fn add_headers(&self, headers: &mut HeaderMap) {
        if let Some(delay) = self.retry_after {
            headers.insert(
                RETRY_AFTER,
                HeaderValue::from(delay.as_millis().div_ceil(1000).max(1) as u64),
            );
        }
        if let Some(challenge) = self.challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Failure {
        let (status, code) = match refused.reason {
            RefusalReason::Overloaded => (StatusCode::TOO_MANY_REQUESTS, Code::ResourceExhausted),
            RefusalReason::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
            RefusalReason::NotRouted => (StatusCode::NOT_FOUND, Code::Unimplemented),
            RefusalReason::Rejected => (StatusCode::BAD_REQUEST, Code::InvalidArgument),
            RefusalReason::Internal => (StatusCode::INTERNAL_SERVER_ERROR, Code::Internal),
        };
        // Without a delay RESOURCE_EXHAUSTED would mean that the batch can never be taken.
        let overloaded = (refused.reason == RefusalReason::Overloaded).then_some(DEFAULT_DELAY);
        Failure {
            status,
            code,
            message: refused.message,
            retry_after: refused.retry_after.or(overloaded),
            challenge: None,
            details: Bytes::new(),
        }
    }
}

impl From<Unauthenticated> for Failure {
    fn from(missing: Unauthenticated) -> Failure {
        let failure = Failure::new(
            StatusCode::UNAUTHORIZED,
            Code::Unauthenticated,
            missing.message,
        );
        Failure {
            challenge: missing.challenge,
            ..failure
        }
    }
}

impl From<OverBudget> for Failure {
    fn from(full: OverBudget) -> Failure {
        Failure::unavailable(full.to_string())
    }
}

impl From<UnsupportedEncoding> for Failure {
    fn from(encoding: UnsupportedEncoding) -> Failure {
        let failure = Failure::unsupported_media_type(encoding.to_string());
        // https://github.com/grpc/grpc/blob/master/doc/compression.md
        Failure {
            code: Code::Unimplemented,
            ..failure
        }
    }
}

impl From<DecompressError> for Failure {
    fn from(error: DecompressError) -> Failure {
        let message = error.to_string();
        match error {
            DecompressError::TooLarge { .. } => Failure::too_large(message),
            DecompressError::OverBudget(full) => full.into(),
            DecompressError::Malformed { .. } => Failure::bad_request(message),
            DecompressError::Broken => Failure::unavailable(message),
        }
    }
}
