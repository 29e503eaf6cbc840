//! Headers on their way: what is only between two neighbours stays there, what is for the proxy stays here.
//! [Source](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1).

use http::header::{CONNECTION, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

/// The proxy's own token.
pub(crate) const TOKEN: HeaderName = HeaderName::from_static("x-fanlight-token");

const PROVIDER: [HeaderName; 2] = [
    HeaderName::from_static("x-fanlight-provider"),
    HeaderName::from_static("x-llmflow-provider"),
];
const FORWARD: [HeaderName; 2] = [
    HeaderName::from_static("x-fanlight-forward-url"),
    HeaderName::from_static("x-llmflow-forward-url"),
];
const PASSTHROUGH: [HeaderName; 2] = [
    HeaderName::from_static("x-fanlight-passthrough"),
    HeaderName::from_static("x-llmflow-passthrough"),
];
const RESOURCE: [HeaderName; 3] = [
    HeaderName::from_static("x-fanlight-azure-resource"),
    HeaderName::from_static("x-llmflow-azure-resource"),
    HeaderName::from_static("x-azure-resource"),
];

/// What the client says about where a request goes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wishes<'h> {
    pub(crate) provider: Option<&'h str>,
    pub(crate) forward_url: Option<&'h str>,
    pub(crate) resource: Option<&'h str>,
    pub(crate) is_native: bool,
}

impl<'h> Wishes<'h> {
    pub(crate) fn read(headers: &'h HeaderMap) -> Wishes<'h> {
        let first = |names: &[HeaderName]| {
            let mut values = names.iter().filter_map(|name| headers.get(name));
            values
                .find_map(|value| value.to_str().ok())
                .map(str::trim)
                .filter(|text| !text.is_empty())
        };
        Wishes {
            provider: first(&PROVIDER),
            forward_url: first(&FORWARD),
            resource: first(&RESOURCE),
            is_native: first(&PASSTHROUGH).is_some_and(|text| text.eq_ignore_ascii_case("true")),
        }
    }
}

/// Makes a client's headers those of the request to the provider. `with_helicone`: whether what is meant for Helicone,
/// its key among it, goes on.
pub(crate) fn to_upstream(headers: &mut HeaderMap, with_helicone: bool) {
    remove_named_by_connection(headers);
    let is_dropped = |name: &str| {
        is_between_neighbours(name)
            || is_ours(name)
            || matches!(name, "host" | "expect")
            || (!with_helicone && name.starts_with("helicone-"))
    };
    remove(headers, is_dropped);
    remove_own_cookie(headers);
}

/// Makes the provider's headers those of the answer to the client.
pub(crate) fn to_client(headers: &mut HeaderMap) {
    remove_named_by_connection(headers);
    remove(headers, is_between_neighbours);
}

fn remove(headers: &mut HeaderMap, is_dropped: impl Fn(&str) -> bool) {
    let dropped: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_dropped(name.as_str()))
        .cloned()
        .collect();
    for name in dropped {
        headers.remove(name);
    }
}

fn is_between_neighbours(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}

fn is_ours(name: &str) -> bool {
    name.starts_with("x-fanlight-")
        || name.starts_with("x-llmflow-")
        || matches!(name, "x-trace-id" | "x-parent-id" | "x-azure-resource")
}

fn remove_named_by_connection(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
}

/// Browsers and some clients send the dashboard's cookie to every port of this machine.
fn remove_own_cookie(headers: &mut HeaderMap) {
    const OURS: &str = "fanlight_session=";
    let is_there = headers
        .get_all(COOKIE)
        .iter()
        .any(|value| memchr::memmem::find(value.as_bytes(), OURS.as_bytes()).is_some());
    if !is_there {
        return;
    }
    let others: Vec<String> = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .map(str::trim)
        .filter(|cookie| !cookie.starts_with(OURS))
        .map(str::to_owned)
        .collect();
    headers.remove(COOKIE);
    if let Ok(value) = HeaderValue::try_from(others.join("; "))
        && !others.is_empty()
    {
        headers.insert(COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn what_is_for_the_proxy_stays_there_and_the_rest_goes_on() {
        let mut headers = map(&[
            ("connection", "keep-alive, x-hop"),
            ("x-hop", "1"),
            ("host", "localhost:8080"),
            ("x-fanlight-tag", "a"),
            ("x-llmflow-provider", "groq"),
            ("x-trace-id", "t"),
            ("helicone-auth", "Bearer sk"),
            ("authorization", "Bearer k"),
            ("traceparent", "00-1-2-01"),
            ("openai-organization", "org"),
            ("cookie", "a=1; fanlight_session=s; b=2"),
        ]);
        to_upstream(&mut headers, false);
        let expected = map(&[
            ("authorization", "Bearer k"),
            ("traceparent", "00-1-2-01"),
            ("openai-organization", "org"),
            ("cookie", "a=1; b=2"),
        ]);
        assert_eq!(headers, expected);
    }

    #[test]
    fn helicone_gets_what_is_its() {
        let mut headers = map(&[("helicone-auth", "Bearer sk")]);
        to_upstream(&mut headers, true);
        assert_eq!(headers, map(&[("helicone-auth", "Bearer sk")]));
    }
}
