//! What a destination's answer means for what was sent.
//!
//! [Source](https://opentelemetry.io/docs/specs/otlp/#otlphttp-response), but more is sent again: any 5xx and 408 too, since
//! proxies and load balancers answer those while the backend behind them restarts.

use std::time::{Duration, SystemTime};

use fanlight_otlp::Signal;
use fanlight_otlp::response;
use fanlight_otlp::status::Status;

/// The longest pause that a destination may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// How much of a destination's own words is repeated, in characters.
const QUOTE: usize = 200;

/// An answer, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) is_json: bool,
    pub(crate) body: Vec<u8>,
}

/// What becomes of a request. `why` is for people, and holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Taken, but for so many items. With 0 the message is a warning, or empty.
    Delivered { rejected: u64, message: String },
    /// Not now.
    Later {
        after: Option<Duration>,
        why: String,
    },
    /// No answer came.
    NoAnswer { why: String, is_broken: bool },
    /// It should be smaller.
    TooLarge,
    /// Never; the next may fare better.
    Refused { why: String },
    /// Never, nor the next.
    Unauthorized { why: String },
    /// There is nothing at this address that takes the signal.
    NotServed { why: String },
    /// It is elsewhere.
    Moved { why: String },
}

impl Answer {
    pub(crate) fn verdict(&self, signal: Signal, now: SystemTime) -> Verdict {
        let why = self.why();
        match self.status {
            200..=299 => {
                let partial = response::decode(signal, &self.body, self.is_json);
                let partial = partial.unwrap_or_default();
                Verdict::Delivered {
                    rejected: partial.rejected,
                    message: quote(&partial.message),
                }
            }
            300..=399 => {
                let location = self.location.as_deref().unwrap_or_default();
                let location = location.split(['?', '#']).next().unwrap_or_default();
                let why = format!("{why}: it is elsewhere ({})", quote(location));
                Verdict::Moved { why }
            }
            401 | 403 => Verdict::Unauthorized { why },
            404 | 405 | 501 => Verdict::NotServed { why },
            413 => Verdict::TooLarge,
            408 | 429 | 500..=599 => Verdict::Later {
                after: self.pause(now),
                why,
            },
            _ => Verdict::Refused { why },
        }
    }

    /// The pause it asks for, in the header or in the body.
    fn pause(&self, now: SystemTime) -> Option<Duration> {
        let of_header = self.retry_after.as_deref().and_then(|text| {
            let text = text.trim();
            match text.parse() {
                Ok(seconds) => Some(Duration::from_secs(seconds)),
                Err(_) => {
                    let date = httpdate::parse_http_date(text).ok()?;
                    Some(date.duration_since(now).unwrap_or_default())
                }
            }
        });
        let pause = of_header.or_else(|| self.rpc_status()?.retry_delay)?;
        Some(pause.min(LONGEST_PAUSE))
    }

    fn rpc_status(&self) -> Option<Status> {
        if self.is_json {
            Status::from_json(&self.body)
        } else {
            Status::decode(&self.body).ok()
        }
    }

    /// `answered 400: the destination's words`.
    fn why(&self) -> String {
        let said = self.rpc_status().map(|status| status.message);
        let said = said.filter(|said| !said.is_empty());
        let said = said.or_else(|| String::from_utf8(self.body.clone()).ok());
        match quote(&said.unwrap_or_default()) {
            said if said.is_empty() || said.starts_with('<') => format!("answered {}", self.status),
            said => format!("answered {}: {said}", self.status),
        }
    }
}

/// Somebody else's words, in one line and not too long.
fn quote(text: &str) -> String {
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(QUOTE) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(answer: Answer) -> Verdict {
        answer.verdict(Signal::Traces, SystemTime::UNIX_EPOCH)
    }

    fn pause(answer: Answer) -> Option<Duration> {
        match verdict(answer) {
            Verdict::Later { after, .. } => after,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_pause_is_read_from_seconds_dates_and_retry_info() {
        let with = |status, header: &str| Answer {
            status,
            retry_after: Some(header.to_owned()),
            ..Answer::default()
        };
        assert_eq!(pause(with(429, "7")), Some(Duration::from_secs(7)));
        assert_eq!(
            pause(with(503, "Thu, 01 Jan 1970 00:01:00 GMT")),
            Some(Duration::from_secs(60))
        );
        assert_eq!(pause(with(503, "soon")), None);
        assert_eq!(pause(with(503, "99999999999")), Some(LONGEST_PAUSE));
        let status = Status {
            code: 8,
            message: "slow down".to_owned(),
            retry_delay: Some(Duration::from_millis(1500)),
        };
        for (is_json, body) in [(false, status.encode()), (true, status.to_json())] {
            let answer = Answer {
                status: 503,
                is_json,
                body,
                ..Answer::default()
            };
            assert_eq!(pause(answer), Some(Duration::from_millis(1500)));
        }
    }

    #[test]
    fn each_status_has_its_meaning() {
        let of = |status| {
            verdict(Answer {
                status,
                ..Answer::default()
            })
        };
        let why = |status: u16| format!("answered {status}");
        for status in [200, 202, 204] {
            assert!(matches!(of(status), Verdict::Delivered { rejected: 0, .. }));
        }
        for status in [400, 402, 406, 415, 422, 431] {
            assert_eq!(of(status), Verdict::Refused { why: why(status) });
        }
        for status in [401, 403] {
            assert_eq!(of(status), Verdict::Unauthorized { why: why(status) });
        }
        for status in [404, 405, 501] {
            assert_eq!(of(status), Verdict::NotServed { why: why(status) });
        }
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(matches!(of(status), Verdict::Later { .. }), "{status}");
        }
        assert_eq!(of(413), Verdict::TooLarge);
    }

    #[test]
    fn the_backends_words_are_quoted_in_one_line_and_pages_are_not() {
        let said = |body: &str| {
            let answer = Answer {
                status: 400,
                body: body.as_bytes().to_vec(),
                ..Answer::default()
            };
            answer.why()
        };
        assert_eq!(said("bad\n  span\x1b[31m"), "answered 400: bad span [31m");
        assert_eq!(said("<html>no</html>"), "answered 400");
        assert!(said(&"x".repeat(1000)).ends_with("xxx..."));
    }

    #[test]
    fn a_redirect_is_told_without_its_query() {
        let answer = Answer {
            status: 302,
            location: Some("https://elsewhere/login?token=s3cret".to_owned()),
            ..Answer::default()
        };
        let Verdict::Moved { why } = verdict(answer) else {
            panic!("not moved");
        };
        assert_eq!(
            why,
            "answered 302: it is elsewhere (https://elsewhere/login)"
        );
    }
}
