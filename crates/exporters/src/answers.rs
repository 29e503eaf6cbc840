//! What an answer over HTTP means to backends that are not OTLP's own.

use std::time::SystemTime;

use fanlight_net::http::{Answer, HttpClient};
use fanlight_net::status::retry_after;
use fanlight_pipeline::Outcome;
use http::{StatusCode, Uri};

/// As [`HttpClient::outcome`], but 408 and every 5xx may be sent again, as HTTP means them; OTLP knows but some of these.
pub(crate) fn outcome(client: &HttpClient, url: &Uri, answer: &Answer) -> Outcome {
    let again = answer.status == StatusCode::REQUEST_TIMEOUT || answer.status.is_server_error();
    match client.outcome(url, answer) {
        Outcome::Rejected { why } if again => Outcome::Retry {
            after: retry_after(&answer.headers, SystemTime::now()),
            why,
        },
        outcome => outcome,
    }
}

/// The same outcome with what the user can do, in the vendor's words.
pub(crate) fn advised(outcome: Outcome, advice: &str) -> Outcome {
    outcome.told(|why| format!("{why}; {advice}"))
}
