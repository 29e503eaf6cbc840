//! Keeps keys out of what is recorded: everything that leaves the recorder goes through here.
//!
//! Three ways to know a secret: the header or parameter that it stands in, the shape of a key, and, word for word, the very
//! credentials that this call was made with, whatever their shape and wherever they turn up again, such as in a provider's
//! message about a wrong key. Texts are looked at as a whole, so it does not matter how they were cut on their way; a text
//! that is cut short loses what may be the beginning of a key.

mod candidates;

use std::borrow::Cow;
use std::sync::LazyLock;

use http::HeaderMap;
use memchr::memmem::Finder;
use regex::{Captures, Regex};

/// What stands in the place of a secret.
pub(crate) const REDACTED: &str = "[redacted]";

/// Credentials that are shorter are not looked for in texts: they are words that people use, such as `ollama`.
const SHORTEST: usize = 8;

/// How much of what may be a key is given up at the end of a text that is cut.
const LONGEST_BEGINNING: usize = 1024;

/// Keys by their shapes, of providers and of whom people write prompts about. What a named group matches stays.
///
/// A text is tried only where [`candidates`] finds a beginning, so each shape begins with what is looked for there.
static SHAPES: LazyLock<Regex> = LazyLock::new(|| {
    let shapes = [
        // OpenAI, Anthropic, OpenRouter, Langfuse, DeepSeek, ...
        r"(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}",
        // Groq, Hugging Face, GitHub, Replicate, Fireworks, npm.
        r"(?:gsk|hf|gh[pousr]|github_pat|r8|fw|npm|csk|nvapi)[-_][A-Za-z0-9_-]{16,}",
        r"(?:xai|pplx|glpat|tgp_v1|xox[abeoprs]|sntrys|dop_v1|lin_api|pylf_v[0-9]+)[-_][A-Za-z0-9_-]{10,}",
        // Google.
        r"AIza[A-Za-z0-9_-]{30,}",
        r"ya29\.[A-Za-z0-9_-]{16,}",
        // AWS.
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}",
        r"bedrock-api-key-[A-Za-z0-9+/=_-]{16,}",
        // JSON web tokens.
        r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
        r"(?P<scheme>(?:[Bb]earer|BEARER|[Bb]asic)(?:\s|%20|\+)+)[A-Za-z0-9._~+/=-]{12,}",
        // `?key=...`, and members and headers that are called so.
        r"(?P<parameter>[?&](?i:key|api[_-]?key|access[_-]?token|auth[_-]?token|token|signature|sig|x-amz-[a-z-]+|subscription-key)=)[^&\s\x22'<>\\#]+",
        r"(?P<member>(?i:api[_-]?key|helicone-auth|client[_-]?secret|access[_-]?token|refresh[_-]?token|secret[_-]?(?:access[_-]?)?key|password)\\?[\x22']?\s*[:=]\s*\\?[\x22']?)[A-Za-z0-9._~+/=-]{8,}",
    ];
    // The patterns are constants, and a test compiles them.
    Regex::new(&format!(r"\A(?:{})", shapes.join("|")))
        .unwrap_or_else(|_| unreachable!("the shapes are regular expressions"))
});

/// Parameters of a query whose values are secrets.
const SECRET_PARAMETERS: [&str; 12] = [
    "key",
    "api_key",
    "api-key",
    "apikey",
    "access_token",
    "auth_token",
    "token",
    "sig",
    "signature",
    "x-amz-signature",
    "x-amz-credential",
    "x-amz-security-token",
];

/// What is secret in one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redaction {
    /// Its credentials, the longest first, since one may contain another.
    credentials: Vec<Finder<'static>>,
}

impl Redaction {
    /// With the credentials that stand in the headers and the query of a request.
    pub(crate) fn of_request(headers: &HeaderMap, query: Option<&str>) -> Redaction {
        let secret = headers
            .iter()
            .filter(|(name, _)| is_secret_header(name.as_str()));
        let values = secret.filter_map(|(_, value)| value.to_str().ok());
        let mut credentials: Vec<String> = values.flat_map(credentials_in).collect();
        for (name, value) in query
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
        {
            if is_secret_parameter(name) {
                credentials.push(value.to_owned());
            }
        }
        credentials.retain(|credential| credential.len() >= SHORTEST);
        credentials.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        credentials.dedup();
        let finders = credentials.iter().map(|one| Finder::new(one).into_owned());
        Redaction {
            credentials: finders.collect(),
        }
    }

    /// The text without secrets.
    pub(crate) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for credential in &self.credentials {
            if credential.find(text.as_bytes()).is_some() {
                text = Cow::Owned(without(&text, credential));
            }
        }
        match text {
            Cow::Borrowed(text) => without_keys(text),
            Cow::Owned(text) => match without_keys(&text) {
                Cow::Borrowed(_) => Cow::Owned(text),
                Cow::Owned(text) => Cow::Owned(text),
            },
        }
    }

    /// What may be told of a header.
    pub(crate) fn header<'v>(&self, name: &str, value: &'v str) -> Cow<'v, str> {
        match is_secret_header(name) {
            true => Cow::Borrowed(REDACTED),
            false => self.text(value),
        }
    }

    /// A query without secrets.
    pub(crate) fn query(&self, query: &str) -> String {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret_parameter(name) => format!("{name}={REDACTED}"),
            _ => self.text(pair).into_owned(),
        });
        pairs.collect::<Vec<_>>().join("&")
    }
}

/// As much of a text as fits into so many bytes, whole characters, without what may be the beginning of a key at its end.
pub(crate) fn beginning(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let cut = text
        .get(..text.floor_char_boundary(most))
        .unwrap_or_default();
    without_beginning_of_key(cut)
}

/// A text that was cut, without what may be the beginning of a key at its end.
pub(crate) fn without_beginning_of_key(cut: &str) -> &str {
    let is_of_key = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_' | b'.' | b'+' | b'/' | b'=' | b'~')
    };
    let run = cut.bytes().rev().take_while(|byte| is_of_key(byte)).count();
    cut.get(..cut.len() - run.min(LONGEST_BEGINNING))
        .unwrap_or(cut)
}

/// The text without a credential.
fn without(text: &str, credential: &Finder<'_>) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut done = 0;
    for at in credential.find_iter(text.as_bytes()) {
        clean.push_str(text.get(done..at).unwrap_or_default());
        clean.push_str(REDACTED);
        done = at + credential.needle().len();
    }
    clean.push_str(text.get(done..).unwrap_or_default());
    clean
}

/// What a header of credentials holds: what follows a scheme, or the value, and the values of cookies.
fn credentials_in(value: &str) -> Vec<String> {
    let mut found = match value.split_once(' ') {
        Some((scheme, rest)) if is_scheme(scheme) && rest.trim().len() >= SHORTEST => {
            vec![rest.trim().to_owned()]
        }
        _ => vec![value.to_owned()],
    };
    let cookies = value.split(';').filter_map(|pair| pair.split_once('='));
    found.extend(cookies.map(|(_, value)| value.trim().to_owned()));
    found
}

fn is_scheme(word: &str) -> bool {
    word.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let parts = [
        "authorization",
        "api-key",
        "apikey",
        "api_key",
        "cookie",
        "secret",
        "password",
        "credential",
        "signature",
    ];
    parts.iter().any(|part| name.contains(part))
        || name.ends_with("-auth")
        || name.ends_with("-token")
        || name.ends_with("_token")
}

fn is_secret_parameter(name: &str) -> bool {
    SECRET_PARAMETERS
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
}

/// The text without what is shaped like a key.
fn without_keys(text: &str) -> Cow<'_, str> {
    without_keys_at(text, candidates::of(text))
}

/// The text without keys that begin at one of these places, which are in order.
fn without_keys_at(text: &str, places: Vec<usize>) -> Cow<'_, str> {
    let mut clean = String::new();
    let (mut done, mut looked_at) = (0, 0);
    for at in places {
        let rest = text.get(at..).filter(|_| at >= looked_at);
        let Some(found) = rest.and_then(|rest| SHAPES.captures(rest)) else {
            continue;
        };
        let (said, end) = (what_it_is(&found), at + found.get_match().end());
        looked_at = end;
        // Names in code look like keys as well, but keys have digits.
        let key = text.get(at + said.len()..end);
        if !key.is_some_and(|key| {
            key.starts_with("-----") || key.contains(|c: char| c.is_ascii_digit())
        }) {
            continue;
        }
        clean.push_str(text.get(done..at + said.len()).unwrap_or_default());
        clean.push_str(REDACTED);
        done = end;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(clean)
}

/// What stands before a key and says what it is; it stays.
fn what_it_is<'t>(found: &Captures<'t>) -> &'t str {
    let names = ["scheme", "parameter", "member"];
    let said = names.iter().find_map(|name| found.name(name));
    said.map_or("", |said| said.as_str())
}

#[cfg(test)]
pub(crate) mod tests;
