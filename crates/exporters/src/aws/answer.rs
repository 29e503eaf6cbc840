//! Answers of AWS other than success: what they mean, and what the user can do.
//!
//! The error's name stands in a header or in the body
//! ([rest-json](https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization)); it decides
//! more than the status, which is 400 for throttling as well as for nonsense.

use std::time::SystemTime;

use fanlight_net::aws::Credentials;
use fanlight_net::http::Answer;
use fanlight_net::status::retry_after;
use fanlight_pipeline::Outcome;
use http::StatusCode;
use serde::Deserialize;

/// How much of the service's own words goes into an error, in bytes.
const LONGEST_QUOTE: usize = 300;

/// A request that the service refused, or did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The error's name, such as `ThrottlingException`; empty when there was no answer.
    pub(crate) code: String,
    /// What it means for what was sent.
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    #[serde(rename = "__type")]
    kind: Option<String>,
    code: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

impl Refusal {
    pub(super) fn read(place: &str, answer: &Answer, credentials: &Credentials) -> Refusal {
        let body: ErrorBody = serde_json::from_slice(&answer.body).unwrap_or_default();
        let header = answer.headers.get("x-amzn-errortype");
        let named = header.and_then(|value| value.to_str().ok());
        let named = named.or(body.kind.as_deref()).or(body.code.as_deref());
        let code = bare_name(named.unwrap_or_default()).to_owned();
        let status = answer.status;
        let mut why = format!("{place} answered {status}");
        let message = quote(body.message.as_deref().unwrap_or_default(), credentials);
        for part in [code.as_str(), &message] {
            if !part.is_empty() {
                why.push_str(&format!(": {part}"));
            }
        }
        if let Some(advice) = advice(&code, status.as_u16()) {
            why.push_str(&format!(" ({advice})"));
        }
        let again = is_transient(&code)
            || status.is_server_error()
            || matches!(status.as_u16(), 408 | 429)
            || is_expired(&code);
        let outcome = match again {
            true => Outcome::Retry {
                after: retry_after(&answer.headers, SystemTime::now()),
                why,
            },
            false if status == StatusCode::PAYLOAD_TOO_LARGE => Outcome::TooLarge { why },
            false => Outcome::Rejected { why },
        };
        Refusal { code, outcome }
    }

    /// Whether other credentials may have been made meanwhile.
    pub(super) fn is_about_credentials(&self) -> bool {
        is_expired(&self.code) || is_unknown(&self.code)
    }
}

/// Whether an error of this name passes by itself.
pub(crate) fn is_transient(code: &str) -> bool {
    let code = code.to_ascii_lowercase();
    let passes = [
        "throttl",
        "toomanyrequests",
        "requestlimitexceeded",
        "limitexceeded",
        "slowdown",
        "unavailable",
        "internal",
        "timeout",
        "operationaborted",
    ];
    passes.iter().any(|part| code.contains(part))
}

fn is_expired(code: &str) -> bool {
    matches!(code, "ExpiredToken" | "ExpiredTokenException")
}

fn is_unknown(code: &str) -> bool {
    matches!(code, "UnrecognizedClientException" | "InvalidClientTokenId")
}

fn advice(code: &str, status: u16) -> Option<&'static str> {
    Some(match code {
        code if is_unknown(code) => {
            "the access key is not known there; check where the credentials come from, and the region"
        }
        "InvalidSignatureException" | "SignatureDoesNotMatch" | "RequestTimeTooSkewed" => {
            "check the secret access key, the region, and this machine's clock"
        }
        "AccessDenied" | "AccessDeniedException" => {
            "the credentials are good but may not do this; allow the action in their policy, or set role_arn"
        }
        "MissingAuthenticationToken" | "MissingAuthenticationTokenException" => {
            "is this an endpoint of AWS?"
        }
        "" if matches!(status, 401 | 403) => {
            "check the credentials, the region, and this machine's clock"
        }
        "" if status == 404 => "is this an endpoint of AWS?",
        _ => return None,
    })
}

/// `ThrottlingException` out of `com.amazonaws#ThrottlingException:http://...`.
fn bare_name(named: &str) -> &str {
    let (front, _) = named.split_once(':').unwrap_or((named, ""));
    front.rsplit('#').next().unwrap_or(front).trim()
}

/// The first line of the message: a wrong signature is explained by repeating the whole request, token included.
fn quote(message: &str, credentials: &Credentials) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line = line.get(..line.floor_char_boundary(LONGEST_QUOTE));
    let mut line = line.unwrap_or_default().to_owned();
    let secrets = [
        Some(credentials.secret_access_key()),
        credentials.session_token(),
    ];
    for secret in secrets
        .into_iter()
        .flatten()
        .filter(|secret| !secret.is_empty())
    {
        line = line.replace(secret, "[REDACTED]");
    }
    line
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn read(status: u16, header: Option<&'static str>, body: &'static str) -> Refusal {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert("x-amzn-errortype", HeaderValue::from_static(header));
        }
        let answer = Answer {
            is_cut: false,
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Bytes::from_static(body.as_bytes()),
        };
        let credentials =
            Credentials::new("AKID", "secret-key", Some("token".to_owned()), None, "test");
        Refusal::read("https://xray", &answer, &credentials)
    }

    #[test]
    fn throttling_is_tried_again_though_its_status_is_400() {
        let refusal = read(
            400,
            Some("ThrottlingException:http://internal.amazon.com/"),
            r#"{"message":"Rate exceeded"}"#,
        );
        assert_eq!(refusal.code, "ThrottlingException");
        assert!(matches!(&refusal.outcome, Outcome::Retry { why, .. }
            if why == "https://xray answered 400 Bad Request: ThrottlingException: Rate exceeded"));
    }

    #[test]
    fn wrong_credentials_are_told_without_repeating_them() {
        let refusal = read(
            403,
            None,
            r#"{"__type":"com.amazon.coral#InvalidSignatureException","message":"wrong for token\nx-amz-security-token:token"}"#,
        );
        let Outcome::Rejected { why } = refusal.outcome else {
            panic!("{refusal:?}")
        };
        assert!(why.contains("InvalidSignatureException: wrong for [REDACTED] (check the secret"));
        assert!(!why.contains("security-token"));
    }

    #[test]
    fn expired_credentials_are_fetched_again() {
        let refusal = read(403, Some("ExpiredTokenException"), "{}");
        assert!(refusal.is_about_credentials());
        assert!(matches!(refusal.outcome, Outcome::Retry { .. }));
        let refusal = read(403, Some("UnrecognizedClientException"), "{}");
        assert!(refusal.is_about_credentials());
        assert!(matches!(refusal.outcome, Outcome::Rejected { .. }));
    }

    #[test]
    fn broken_services_are_tried_again_and_nonsense_is_not() {
        assert!(matches!(
            read(500, None, "oops").outcome,
            Outcome::Retry { .. }
        ));
        assert!(matches!(
            read(400, None, "{}").outcome,
            Outcome::Rejected { .. }
        ));
        assert!(matches!(
            read(413, Some("RequestEntityTooLargeException"), "{}").outcome,
            Outcome::TooLarge { .. }
        ));
    }
}
