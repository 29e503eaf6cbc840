//! Base URLs, and what becomes of a client's path below them.

use std::str::FromStr;
use std::sync::Arc;

use http::Uri;

use super::pool::Origin;
use crate::provider::Dialect;

/// Where a provider is.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    /// Its host, with the connections to it.
    pub(crate) origin: Arc<Origin>,
    /// What stands before every path, without a slash at the end; may be empty.
    pub(crate) path: String,
}

/// The text is no base URL. It is not repeated: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidBase {
    #[error("a base URL looks like https://api.example.com/v1")]
    NoUrl,
    #[error("a base URL has no user, password, query or fragment; give keys as `key` or `headers`")]
    TooMuch,
    #[error("nothing is ever sent to link-local, multicast or metadata addresses")]
    Forbidden,
}

impl FromStr for Base {
    type Err = InvalidBase;

    fn from_str(text: &str) -> Result<Base, InvalidBase> {
        let url: Uri = text.trim().parse().map_err(|_| InvalidBase::NoUrl)?;
        let has_host = url.host().is_some_and(|host| !host.is_empty());
        if !matches!(url.scheme_str(), Some("http" | "https")) || !has_host {
            return Err(InvalidBase::NoUrl);
        }
        let authority = url.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') || text.contains(['?', '#']) {
            return Err(InvalidBase::TooMuch);
        }
        let origin = Origin::new(&url).ok_or(InvalidBase::Forbidden)?;
        Ok(Base {
            path: url.path().trim_end_matches('/').to_owned(),
            origin: Arc::new(origin),
        })
    }
}

impl Base {
    /// The path at the provider of a path as the client wrote it (after a prefix), with a version doubled or left out.
    pub(crate) fn path_of(&self, dialect: Dialect, path: &str) -> String {
        let base = self.path.as_str();
        let path = without_doubled_version(path);
        if base.is_empty() {
            return path.to_owned();
        }
        if is_below(path, base) {
            return path.to_owned();
        }
        match dialect {
            // The base stands in the place of the client's `/v1`.
            Dialect::OpenAi => format!(
                "{base}{}",
                path.strip_prefix("/v1")
                    .filter(|rest| rest.is_empty() || rest.starts_with('/'))
                    .unwrap_or(path)
            ),
            _ => match version_at_end(base).filter(|version| is_below(path, version)) {
                Some(version) => format!("{}{path}", base.strip_suffix(version).unwrap_or(base)),
                None => format!("{base}{path}"),
            },
        }
    }
}

/// Whether a path is this one or below it.
fn is_below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `/v1/v1/models`, as clients write it whose base URL ends in `/v1` where it should not.
fn without_doubled_version(path: &str) -> &str {
    match path.strip_prefix("/v1") {
        Some(rest) if is_below(rest, "/v1") => rest,
        _ => path,
    }
}

/// `/v1` of `/gateway/v1`.
fn version_at_end(base: &str) -> Option<&str> {
    let start = base.rfind('/')?;
    let last = base.get(start..)?;
    let digit = last.strip_prefix("/v")?.chars().next()?;
    digit.is_ascii_digit().then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Base, dialect, the client's path, the path at the provider.
    #[rustfmt::skip]
    const PATHS: &[(&str, Dialect, &str, &str)] = &[
        ("https://api.openai.com/v1", Dialect::OpenAi, "/v1/models", "/v1/models"),
        ("https://api.openai.com/v1", Dialect::OpenAi, "/responses", "/v1/responses"),
        ("https://api.openai.com/v1", Dialect::OpenAi, "/v1/v1/models", "/v1/models"),
        ("https://api.openai.com/v1", Dialect::OpenAi, "/v1beta", "/v1/v1beta"),
        ("https://api.groq.com/openai/v1", Dialect::OpenAi, "/v1/models", "/openai/v1/models"),
        ("https://api.groq.com/openai/v1", Dialect::OpenAi, "/openai/v1/models", "/openai/v1/models"),
        ("https://openrouter.ai/api/v1", Dialect::OpenAi, "/chat/completions", "/api/v1/chat/completions"),
        ("http://localhost:8585/v1/gateway/oai/v1", Dialect::OpenAi, "/v1/chat/completions", "/v1/gateway/oai/v1/chat/completions"),
        ("http://localhost:9000", Dialect::OpenAi, "/v1/models", "/v1/models"),
        ("http://localhost:9000/llm", Dialect::OpenAi, "/v1/models", "/llm/models"),
        ("https://api.anthropic.com", Dialect::Anthropic, "/v1/messages", "/v1/messages"),
        ("https://gateway/anthropic/v1", Dialect::Anthropic, "/v1/messages", "/anthropic/v1/messages"),
        ("https://gateway/anthropic", Dialect::Anthropic, "/v1/messages", "/anthropic/v1/messages"),
        ("https://g.example", Dialect::Gemini, "/v1beta/models/m:generateContent", "/v1beta/models/m:generateContent"),
    ];

    #[test]
    fn paths_go_below_the_base_however_clients_write_them() {
        for (base, dialect, path, expected) in PATHS {
            let base: Base = base.parse().unwrap();
            assert_eq!(
                base.path_of(*dialect, path),
                *expected,
                "{path} below {base:?}"
            );
        }
    }

    #[test]
    fn what_is_no_base_is_refused_without_being_repeated() {
        let cases = [
            ("api.openai.com/v1", InvalidBase::NoUrl),
            ("ftp://a/v1", InvalidBase::NoUrl),
            ("https://user:secret@a/v1", InvalidBase::TooMuch),
            ("https://a/v1?key=secret", InvalidBase::TooMuch),
            ("http://169.254.169.254/latest", InvalidBase::Forbidden),
            ("http://[fe80::1]/", InvalidBase::Forbidden),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Base>().unwrap_err(), expected, "{text}");
        }
    }
}
