//! Errors as JSON.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use fanlight_store::QueryError;
use serde::Serialize;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::response::{Response as Described, ResponseBuilder};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoResponses, ToSchema};

/// An answer that is not 200.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
    hint: Option<String>,
}

/// The body of every answer that is not 200.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    #[schema(inline)]
    error: Problem,
}

/// What is wrong.
#[derive(Debug, Serialize, ToSchema)]
struct Problem {
    /// The fact.
    message: String,
    /// What to do about it, where that is known.
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

    /// The request is wrong.
    pub(crate) fn bad(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, message)
    }

    /// The same error with what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> ApiError {
        self.hint = Some(hint.into());
        self
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Fact and hint in one sentence.
    pub(crate) fn text(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", self.message),
            None => self.message.clone(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = Problem {
            message: self.message,
            hint: self.hint,
        };
        (self.status, Json(ErrorBody { error })).into_response()
    }
}

impl IntoResponses for ApiError {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        let body = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("ErrorBody")))
            .build();
        let error = ResponseBuilder::new()
            .description("What is wrong")
            .content("application/json", body)
            .build();
        BTreeMap::from([("default".to_owned(), error.into())])
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> ApiError {
        if matches!(error, QueryError::Cursor(_) | QueryError::Sql(_)) {
            return ApiError::bad(error.to_string());
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
