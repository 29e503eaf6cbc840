//! The client's key, in the header where the provider looks for it.

use fanlight_config::Secret;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::provider::Dialect;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const API_KEY: HeaderName = HeaderName::from_static("api-key");
const GOOGLE: HeaderName = HeaderName::from_static("x-goog-api-key");
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// Whether the client sends a key of its own.
pub(crate) fn has_key(headers: &HeaderMap, query: Option<&str>) -> bool {
    let in_query = || {
        let mut pairs = query.unwrap_or_default().split('&');
        pairs.any(|pair| pair.starts_with("key="))
    };
    [AUTHORIZATION, X_API_KEY, API_KEY, GOOGLE]
        .iter()
        .any(|name| headers.contains_key(name))
        || in_query()
}

/// Puts a configured key in as if the client had sent it.
pub(crate) fn give(headers: &mut HeaderMap, key: &Secret) {
    if let Ok(mut value) = HeaderValue::try_from(format!("Bearer {}", key.expose())) {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
}

/// Moves the key to where the provider looks. `path` is that at the provider.
pub(crate) fn place(headers: &mut HeaderMap, dialect: Dialect, path: &str, is_encrypted: bool) {
    match dialect {
        Dialect::Anthropic => {
            // Logins of people (OAuth) stay bearer tokens.
            move_bearer(headers, &X_API_KEY, |token| {
                !token.starts_with("sk-ant-oat")
            });
            headers
                .entry(ANTHROPIC_VERSION)
                .or_insert(HeaderValue::from_static("2023-06-01"));
        }
        // Below /openai/, Gemini speaks as OpenAI does; access tokens of Google Cloud stay bearer tokens.
        Dialect::Gemini if !path.contains("/openai/") => {
            move_bearer(headers, &GOOGLE, |token| !token.starts_with("ya29."));
        }
        // Tokens of Entra ID are JSON web tokens, keys are not.
        Dialect::Azure => move_bearer(headers, &API_KEY, |token| !token.starts_with("eyJ")),
        // Clients send some key because they must; it is meant for somebody else, and would go in the clear.
        Dialect::Ollama if !is_encrypted => {
            headers.remove(AUTHORIZATION);
            headers.remove(X_API_KEY);
        }
        Dialect::OpenAi | Dialect::Plain | Dialect::Cohere | Dialect::Gemini => {
            to_bearer(headers);
        }
        Dialect::Ollama | Dialect::Bedrock => {}
    }
}

/// `Authorization: Bearer KEY` becomes `name: KEY`, where there is no such header yet.
fn move_bearer(headers: &mut HeaderMap, name: &HeaderName, is_key: impl Fn(&str) -> bool) {
    if headers.contains_key(name) {
        return;
    }
    let token = headers.get(AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| token.trim().to_owned())
    });
    if let Some(token) = token.filter(|token| is_key(token))
        && let Ok(mut value) = HeaderValue::try_from(token)
    {
        value.set_sensitive(true);
        headers.remove(AUTHORIZATION);
        headers.insert(name.clone(), value);
    }
}

/// `x-api-key` or `api-key` become `Authorization: Bearer`, where there is none yet.
fn to_bearer(headers: &mut HeaderMap) {
    if headers.contains_key(AUTHORIZATION) {
        return;
    }
    for name in [X_API_KEY, API_KEY] {
        let key = headers.get(&name).and_then(|value| value.to_str().ok());
        if let Some(value) = key.and_then(|key| HeaderValue::try_from(format!("Bearer {key}")).ok())
        {
            let mut value = value;
            value.set_sensitive(true);
            headers.remove(&name);
            headers.insert(AUTHORIZATION, value);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name of a header and what it says, if it is sent.
    type Sent = Option<(&'static str, &'static str)>;

    /// Dialect, path at the provider, the client's bearer token, and where it stands in the end.
    #[rustfmt::skip]
    const TOKENS: &[(Dialect, &str, &str, Sent)] = &[
        (Dialect::OpenAi, "/v1/models", "k", Some(("authorization", "Bearer k"))),
        (Dialect::Anthropic, "/v1/messages", "sk-ant-api03", Some(("x-api-key", "sk-ant-api03"))),
        (Dialect::Anthropic, "/v1/messages", "sk-ant-oat01", Some(("authorization", "Bearer sk-ant-oat01"))),
        (Dialect::Gemini, "/v1beta/models", "AIza", Some(("x-goog-api-key", "AIza"))),
        (Dialect::Gemini, "/v1beta/openai/models", "AIza", Some(("authorization", "Bearer AIza"))),
        (Dialect::Gemini, "/v1beta/models", "ya29.a", Some(("authorization", "Bearer ya29.a"))),
        (Dialect::Azure, "/openai/x", "k", Some(("api-key", "k"))),
        (Dialect::Azure, "/openai/x", "eyJ0", Some(("authorization", "Bearer eyJ0"))),
        (Dialect::Ollama, "/api/chat", "k", None),
        (Dialect::Bedrock, "/model/m/converse", "k", Some(("authorization", "Bearer k"))),
    ];

    fn placed(
        dialect: Dialect,
        path: &str,
        name: &'static str,
        value: &str,
    ) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        place(&mut headers, dialect, path, false);
        headers.remove(ANTHROPIC_VERSION);
        let pair = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        headers.iter().map(pair).collect()
    }

    fn expected(pair: Option<(&str, &str)>) -> Vec<(String, String)> {
        let owned = pair.map(|(name, value)| (name.to_owned(), value.to_owned()));
        owned.into_iter().collect()
    }

    #[test]
    fn keys_stand_where_the_provider_looks() {
        for (dialect, path, token, pair) in TOKENS {
            let found = placed(*dialect, path, "authorization", &format!("Bearer {token}"));
            assert_eq!(found, expected(*pair), "{dialect:?} {token}");
        }
        let own = placed(Dialect::OpenAi, "/v1/models", "x-api-key", "k");
        assert_eq!(own, expected(Some(("authorization", "Bearer k"))));
        let own = placed(Dialect::Anthropic, "/v1/messages", "x-api-key", "k");
        assert_eq!(own, expected(Some(("x-api-key", "k"))));
    }
}
