//! Credentials on requests: added by clients, checked by servers.

use std::sync::Arc;

use fanlight_pipeline::{ClientAuth, Outcome, ServerAuth, Unauthenticated};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::status::Advice;

/// Adds a component's credentials, if it has some, in place of headers of the same name.
///
/// # Errors
/// When the credentials can't be had now.
pub fn add_credentials(
    auth: Option<&Arc<dyn ClientAuth>>,
    headers: &mut HeaderMap,
) -> Result<(), Unauthenticated> {
    let Some(auth) = auth else { return Ok(()) };
    for (name, mut value) in auth.headers()? {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(())
}

/// Checks a request, if there is something that checks.
///
/// # Errors
/// When the request may not come in.
pub fn check(
    auth: Option<&Arc<dyn ServerAuth>>,
    headers: &HeaderMap,
) -> Result<(), Unauthenticated> {
    auth.map_or(Ok(()), |auth| auth.check(headers))
}

/// The values that must not appear in any text, as a server might repeat them in its error.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

/// Shorter values are more likely to be ordinary words than secrets.
const SHORTEST_SECRET: usize = 6;

impl Secrets {
    /// Remembers the values of headers, and what follows their scheme (`Bearer ...`).
    pub(crate) fn of_headers<'a>(
        headers: impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)>,
    ) -> Secrets {
        let mut secrets = Secrets::default();
        for (_, value) in headers.filter(|(_, value)| value.is_sensitive()) {
            let text = String::from_utf8_lossy(value.as_bytes());
            let words = text.split_whitespace().map(str::to_owned);
            secrets.0.extend(
                words
                    .chain([text.trim().to_owned()])
                    .filter(|text| text.len() >= SHORTEST_SECRET),
            );
        }
        // The longest first, or a part of one would spoil the match of the whole.
        secrets
            .0
            .sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets
    }

    /// But for what the hub's own advice says anyway, such as a scheme that is the backend's name.
    pub(crate) fn except(mut self, advice: &Advice) -> Secrets {
        self.0.retain(|secret| !advice.says(secret));
        self
    }

    /// The outcome with its reason redacted.
    pub(crate) fn redact_outcome(&self, outcome: Outcome) -> Outcome {
        outcome.told(|why| self.redact(why))
    }

    /// The text without any of the values.
    pub(crate) fn redact(&self, text: String) -> String {
        self.0
            .iter()
            .fold(text, |text, secret| match text.contains(secret.as_str()) {
                true => text.replace(secret.as_str(), "[REDACTED]"),
                false => text,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_a_server_repeats_is_redacted() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "authorization",
            HeaderValue::from_static("Bearer sk-lf-12345"),
        );
        headers.insert("x-plain", HeaderValue::from_static("shown-to-all"));
        headers
            .get_mut("authorization")
            .unwrap()
            .set_sensitive(true);
        let secrets = Secrets::of_headers(headers.iter());
        let text = secrets.redact("bad key sk-lf-12345 for shown-to-all".into());
        assert_eq!(text, "bad key [REDACTED] for shown-to-all");
    }
}
