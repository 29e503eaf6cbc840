//! What the spans of HTTP servers and clients have in common.
//!
//! [Source](https://opentelemetry.io/docs/specs/semconv/http/http-spans/).

use std::borrow::Cow;

use crate::SpanBuilder;
use crate::callsite::{Callsite, Source};
use crate::{Level, SpanKind};

/// What stands in place of a secret.
const REDACTED: &str = "REDACTED";

/// The callsite of an integration's spans; filters know them by the module.
pub(super) const fn callsite(kind: SpanKind, module: &'static str) -> Callsite {
    let source = Source {
        package: "fanlight",
        version: env!("CARGO_PKG_VERSION"),
        module,
        file: "",
        line: 0,
    };
    Callsite::new("", Level::Info, source).with_kind(kind)
}

/// Adds the method. Returns what stands for it in the span's name: made-up methods would make too many names.
pub(super) fn add_method<'a>(builder: &mut SpanBuilder, method: &'a str) -> &'a str {
    const KNOWN: [&str; 10] = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY",
    ];
    if KNOWN.contains(&method) {
        builder.add("http.request.method", method);
        method
    } else {
        builder.add("http.request.method", "_OTHER");
        builder.add("http.request.method_original", method);
        "HTTP"
    }
}

/// A query without the values that give access to something.
pub(super) fn without_secrets(query: &str) -> Cow<'_, str> {
    if !query.split('&').any(is_secret) {
        return Cow::Borrowed(query);
    }
    let shown = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret(pair) => Cow::Owned(format!("{name}={REDACTED}")),
        _ => Cow::Borrowed(pair),
    });
    Cow::Owned(shown.collect::<Vec<_>>().join("&"))
}

/// Whether a name is one of those that the conventions name, or tells that its value is a secret.
fn is_secret(pair: &str) -> bool {
    const NAMES: [&str; 5] = ["key", "sig", "code", "auth", "awsaccesskeyid"];
    const PARTS: [&str; 9] = [
        "token",
        "secret",
        "passw",
        "signature",
        "credential",
        "api_key",
        "apikey",
        "api-key",
        "session",
    ];
    let Some((name, _)) = pair.split_once('=') else {
        return false;
    };
    let name = name.to_ascii_lowercase();
    NAMES.contains(&name.as_str()) || PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_lose_their_secrets_and_nothing_else() {
        let query = "page=2&sig=abc&X-Amz-Signature=d%20e&flag&access_token=f&keyboard=g";
        let expected =
            "page=2&sig=REDACTED&X-Amz-Signature=REDACTED&flag&access_token=REDACTED&keyboard=g";
        assert_eq!(without_secrets(query), expected);
        assert!(matches!(
            without_secrets("page=2&flag"),
            Cow::Borrowed("page=2&flag")
        ));
    }
}
