//! Errors as JSON.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use fanlight_store::QueryError;
use serde_json::json;

/// An answer that is not 200.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
    hint: Option<String>,
}

impl ApiError {
    /// An error that states a fact: lower case, no full stop.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> ApiError {
        ApiError {
            status,
            message: message.into(),
            hint: None,
        }
    }

    /// The same error with what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> ApiError {
        self.hint = Some(hint.into());
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({ "error": { "message": self.message, "hint": self.hint } });
        (self.status, Json(body)).into_response()
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> ApiError {
        if matches!(error, QueryError::Cursor(_)) {
            return ApiError::new(StatusCode::BAD_REQUEST, error.to_string());
        }
        let source = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(error = %error, source, "a question to the store failed");
        let status = match error {
            QueryError::Closed => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        ApiError::new(status, error.to_string()).hint("the hub's log has the details")
    }
}
