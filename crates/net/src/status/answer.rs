//! What an answer from a backend means, and what the user can do about it.

use std::time::{Duration, SystemTime};

use fanlight_otlp::status::Status as RpcStatus;
use fanlight_pipeline::Outcome;
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, StatusCode};

use super::{Advice, BodyFormat, Code};
use crate::grpc::Status;

/// How much of a server's own words goes into an error, in characters.
const LONGEST_QUOTE: usize = 300;
/// A server can ask for no longer delay than this.
const LONGEST_DELAY: Duration = Duration::from_secs(60 * 60);

/// What an HTTP answer other than success means. `target` is what the request was sent to, without secrets.
pub fn http_outcome(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    target: &str,
    advice: &Advice,
    now: SystemTime,
) -> Outcome {
    let quote = quote_body(headers, body);
    let mut why = format!("{} answered {status}", advice.who(target));
    if !quote.is_empty() {
        why.push_str(&format!(": {quote}"));
    }
    if let Some(advice) = http_advice(status, headers, advice) {
        why.push_str(&format!(" ({advice})"));
    }
    match status.as_u16() {
        429 | 502 | 503 | 504 => Outcome::Retry {
            after: retry_after(headers, now),
            why,
        },
        413 => Outcome::TooLarge { why },
        _ => Outcome::Rejected { why },
    }
}

/// What a gRPC status other than OK means.
pub fn grpc_outcome(status: &Status, target: &str, advice: &Advice) -> Outcome {
    let mut why = format!("{} answered {}", advice.who(target), status.code.name());
    if !status.message.is_empty() {
        why.push_str(&format!(": {}", shorten(&status.message)));
    }
    if is_too_large(status) {
        return Outcome::TooLarge { why };
    }
    if let Some(advice) = grpc_advice(status.code, advice) {
        why.push_str(&format!(" ({advice})"));
    }
    let after = status.retry_after.map(|delay| delay.min(LONGEST_DELAY));
    let comes_back = status.code == Code::ResourceExhausted && after.is_some();
    match status.code.is_retryable() || comes_back {
        true => Outcome::Retry { after, why },
        false => Outcome::Rejected { why },
    }
}

/// Servers have no status of its own for a message that is too long: most share one with quotas that are used up, tonic one
/// with what OTLP may send again. Their words tell, and that they name no delay
/// ([OTLP](https://opentelemetry.io/docs/specs/otlp/#failures)).
fn is_too_large(status: &Status) -> bool {
    const WORDS: [&str; 5] = [
        "larger than",
        "too large",
        "too big",
        "maximum size",
        "message size",
    ];
    let message = status.message.to_ascii_lowercase();
    matches!(status.code, Code::ResourceExhausted | Code::OutOfRange)
        && status.retry_after.is_none()
        && WORDS.iter().any(|words| message.contains(words))
}

/// The delay of a `Retry-After` header, which is a number of seconds or a date.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let delay = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(text)
            .ok()?
            .duration_since(now)
            .unwrap_or_default(),
    };
    Some(delay.min(LONGEST_DELAY))
}

fn http_advice(status: StatusCode, headers: &HeaderMap, advice: &Advice) -> Option<String> {
    let advice = match status.as_u16() {
        300..=399 => {
            let location = headers
                .get(LOCATION)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default();
            let (location, _) = location.split_once('?').unwrap_or((location, ""));
            return Some(format!(
                "redirects are not followed; set the endpoint to where it leads: {}",
                shorten(location)
            ));
        }
        401 | 403 => advice.credentials,
        404 | 405 => advice.not_found,
        415 => {
            "the server does not take this format: try encoding: json or proto, or compression: none"
        }
        _ => return None,
    };
    Some(advice.to_owned())
}

const fn grpc_advice(code: Code, advice: &Advice) -> Option<&'static str> {
    match code {
        Code::Unauthenticated | Code::PermissionDenied => Some(advice.credentials),
        Code::Unimplemented => Some(advice.not_found),
        Code::ResourceExhausted => {
            Some("is a quota used up? if it is about size, set sending_queue.batch.max_size")
        }
        _ => None,
    }
}

/// The server's own words, from a `google.rpc.Status` or from text; a page for browsers is left out.
fn quote_body(headers: &HeaderMap, body: &[u8]) -> String {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let message = match BodyFormat::from_content_type(content_type) {
        Some(BodyFormat::Protobuf) => RpcStatus::decode(body)
            .map(|status| status.message)
            .unwrap_or_default(),
        Some(BodyFormat::Json) => {
            message_in_json(body).unwrap_or_else(|| String::from_utf8_lossy(body).into_owned())
        }
        None if content_type.starts_with("text/html") => String::new(),
        None => String::from_utf8_lossy(body).into_owned(),
    };
    shorten(&message)
}

/// Backends put their words under one of a few names.
fn message_in_json(body: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    ["message", "error", "detail"].iter().find_map(|key| {
        let found = value.get(key)?;
        let text = found.as_str().or_else(|| found.get("message")?.as_str())?;
        Some(text.to_owned())
    })
}

/// One line of limited length.
fn shorten(text: &str) -> String {
    let mut words = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty());
    let mut short: String = words.next().unwrap_or_default().to_owned();
    for word in words {
        short.push(' ');
        short.push_str(word);
        if short.len() > LONGEST_QUOTE * 4 {
            break;
        }
    }
    if short.chars().count() > LONGEST_QUOTE {
        short = short
            .chars()
            .take(LONGEST_QUOTE)
            .chain("...".chars())
            .collect();
    }
    short
}

#[cfg(test)]
mod tests;
