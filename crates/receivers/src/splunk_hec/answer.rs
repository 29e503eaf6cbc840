//! Splunk's answers, by their codes.
//! [Codes](https://docs.splunk.com/Documentation/Splunk/latest/Data/TroubleshootHTTPEventCollector#Possible_error_codes).

use std::time::Duration;

use fanlight_net::Body;
use fanlight_net::status::Failure;
use fanlight_pipeline::{RefusalReason, Refused};
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

/// What a request is refused with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    code: u16,
    text: String,
    /// The number of the event at fault, from 0.
    event: Option<usize>,
    retry_after: Option<Duration>,
}

impl Refusal {
    fn new(status: StatusCode, code: u16, text: impl Into<String>) -> Refusal {
        Refusal {
            status,
            code,
            text: text.into(),
            event: None,
            retry_after: None,
        }
    }

    fn bad(code: u16, text: &str) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, code, text)
    }

    pub(super) fn no_data() -> Refusal {
        Refusal::bad(5, "No data")
    }

    pub(super) fn invalid_format() -> Refusal {
        Refusal::bad(6, "Invalid data format")
    }

    pub(super) fn channel_missing() -> Refusal {
        Refusal::bad(10, "Data channel is missing")
    }

    pub(super) fn invalid_channel() -> Refusal {
        Refusal::bad(11, "Invalid data channel")
    }

    pub(super) fn event_required() -> Refusal {
        Refusal::bad(12, "Event field is required")
    }

    pub(super) fn event_blank() -> Refusal {
        Refusal::bad(13, "Event field cannot be blank")
    }

    pub(super) fn ack_disabled() -> Refusal {
        Refusal::bad(14, "ACK is disabled")
    }

    pub(super) fn indexed_fields() -> Refusal {
        Refusal::bad(15, "Error in handling indexed fields")
    }

    /// A destination that the client waits for refused events for good.
    pub(super) fn of_destination(why: String) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, 6, why)
    }

    pub(super) fn only_post() -> Refusal {
        Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            6,
            "Only POST is served here",
        )
    }

    /// The same, about one event of a request.
    pub(super) fn of_event(mut self, number: usize) -> Refusal {
        self.event = Some(number);
        self
    }

    pub(super) fn response(&self) -> Response<Body> {
        let mut body = json!({"text": self.text, "code": self.code});
        if let Some(number) = self.event {
            body["invalid-event-number"] = number.into();
        }
        let mut response = respond(self.status, &body);
        if let Some(delay) = self.retry_after {
            let seconds = HeaderValue::from(delay.as_secs().max(1));
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Refusal {
        let Refused {
            reason,
            message,
            retry_after,
        } = refused;
        let (status, code) = match reason {
            RefusalReason::Overloaded | RefusalReason::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, 9)
            }
            RefusalReason::NotRouted | RefusalReason::Rejected => (StatusCode::BAD_REQUEST, 6),
            RefusalReason::Internal => (StatusCode::INTERNAL_SERVER_ERROR, 8),
        };
        let text = match code {
            9 => format!("Server is busy: {message}"),
            _ => message,
        };
        Refusal {
            retry_after,
            ..Refusal::new(status, code, text)
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Refusal {
        let code = match failure.status.as_u16() {
            401 => 3,
            403 => 4,
            500 => 8,
            503 => 9,
            _ => 6,
        };
        Refusal {
            retry_after: failure.retry_after,
            ..Refusal::new(failure.status, code, failure.message)
        }
    }
}

/// An answer in JSON.
pub(super) fn respond(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
