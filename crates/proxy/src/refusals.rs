//! Requests that the proxy refuses before they become calls: no provider is meant, the host is not allowed, the token is wrong.
//! Nothing of them is recorded, so they are counted, as spans that the receiver refused over a transport that says why, and one
//! line in the log tells of them now and then, with no secret in it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use fanlight_otlp::Signal;
use fanlight_pipeline::Inlet;
use http::StatusCode;

use crate::problem::Problem;
use crate::redact::{Redaction, beginning};

/// How often a line is written, at most.
const EVERY: Duration = Duration::from_secs(10);
/// How much of a reason is told.
const REASON: usize = 300;

/// What is known of refusals.
pub(crate) struct Refusals {
    inlet: Inlet,
    told: Mutex<Told>,
}

/// What the log knows of them.
#[derive(Default)]
struct Told {
    last: Option<Instant>,
    /// How many came since.
    since: u64,
}

impl Refusals {
    pub(crate) fn new(inlet: Inlet) -> Refusals {
        Refusals {
            inlet,
            told: Mutex::default(),
        }
    }

    /// Counts a refusal, and tells it unless another one was told just now.
    pub(crate) fn count(&self, problem: &Problem, secrets: &Redaction) {
        self.inlet.refuse(Signal::Traces, 1, reason(problem.status));
        if let Some(untold) = may_tell(&self.told, Instant::now()) {
            let message = secrets.text(&problem.message);
            tracing::warn!(
                status = problem.status.as_u16(),
                // What a request says is in it, so that it is quoted.
                reason = ?beginning(&message, REASON),
                untold,
                "a request to the LLM proxy was refused"
            );
        }
    }
}

/// How many refusals were not told, if one may be told now.
fn may_tell(told: &Mutex<Told>, now: Instant) -> Option<u64> {
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    let is_soon = told
        .last
        .is_some_and(|last| now.saturating_duration_since(last) < EVERY);
    if is_soon {
        told.since += 1;
        return None;
    }
    told.last = Some(now);
    Some(std::mem::take(&mut told.since))
}

/// What the counters call a refusal.
fn reason(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "proxy_unauthorized",
        StatusCode::FORBIDDEN => "proxy_forbidden",
        StatusCode::NOT_FOUND => "proxy_unknown",
        _ => "proxy_bad_request",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_hears_of_one_now_and_then_and_of_how_many_there_were() {
        let told = Mutex::default();
        let now = Instant::now();
        let tells = |seconds| may_tell(&told, now + Duration::from_secs(seconds));
        assert_eq!(tells(0), Some(0));
        assert_eq!((tells(1), tells(9)), (None, None));
        assert_eq!(tells(10), Some(2));
        assert_eq!(tells(30), Some(0));
    }
}
