//! What a span's attributes say of an HTTP call: the semantic conventions' names of today before those of yesterday.
//!
//! [Source](https://opentelemetry.io/docs/specs/semconv/non-normative/http-migration/).

use std::borrow::Cow;

/// Attributes that hold the method.
pub(crate) const METHOD: &[&str] = &["http.request.method", "http.method"];
/// Attributes that hold the status of the answer.
pub(crate) const STATUS: &[&str] = &["http.response.status_code", "http.status_code"];
/// Attributes that hold the whole URL.
pub(crate) const URL: &[&str] = &["url.full", "http.url"];

/// Attributes that hold host and port of the URL, on the server's own span and on its client's.
type Places = (&'static [&'static str], &'static [&'static str]);
const AT_SERVER: Places = (
    &[
        "server.address",
        "http.host",
        "http.server_name",
        "net.host.name",
    ],
    &["server.port", "net.host.port"],
);
const AT_CLIENT: Places = (
    &[
        "server.address",
        "http.host",
        "net.peer.name",
        "net.peer.ip",
    ],
    &["server.port", "net.peer.port"],
);

/// The URL put together from its parts; none where the host is not among them. `text` gives the text of the first of
/// several attributes that has one.
pub(crate) fn url_of_parts<'a>(
    is_server: bool,
    mut text: impl FnMut(&[&str]) -> Option<Cow<'a, str>>,
) -> Option<String> {
    let (hosts, ports) = if is_server { AT_SERVER } else { AT_CLIENT };
    let host = text(hosts)?;
    let scheme = text(&["url.scheme", "http.scheme"]).unwrap_or(Cow::Borrowed("http"));
    let mut url = format!("{scheme}://{host}");
    let usual = if scheme == "https" { 443 } else { 80 };
    let port: Option<u16> = text(ports).and_then(|port| port.parse().ok());
    if let Some(port) = port.filter(|port| *port != usual && !host.contains(':')) {
        url.push_str(&format!(":{port}"));
    }
    let path = text(&["url.path", "http.target"]).unwrap_or(Cow::Borrowed("/"));
    url.push_str(if path.starts_with('/') { "" } else { "/" });
    url.push_str(&path);
    if let Some(query) = text(&["url.query"]) {
        url.push_str(if query.starts_with('?') { "" } else { "?" });
        url.push_str(&query);
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(is_server: bool, attributes: &[(&str, &'static str)]) -> Option<String> {
        url_of_parts(is_server, |keys| {
            let value = |key: &&str| attributes.iter().find(|(name, _)| name == key);
            let (_, text) = keys.iter().find_map(value)?;
            Some(Cow::Borrowed(*text))
        })
    }

    #[test]
    fn a_url_is_made_of_names_of_today_and_of_yesterday() {
        let today = [
            ("server.address", "shop"),
            ("server.port", "8443"),
            ("url.scheme", "https"),
            ("url.path", "/cart"),
            ("url.query", "a=1"),
        ];
        assert_eq!(
            url(false, &today).as_deref(),
            Some("https://shop:8443/cart?a=1")
        );
        let yesterday = [
            ("net.peer.name", "client"),
            ("net.host.name", "shop"),
            ("net.host.port", "80"),
            ("http.target", "cart?a=1"),
        ];
        assert_eq!(
            url(true, &yesterday).as_deref(),
            Some("http://shop/cart?a=1")
        );
        assert_eq!(
            url(false, &yesterday).as_deref(),
            Some("http://client/cart?a=1")
        );
    }

    #[test]
    fn a_port_is_added_once_and_only_if_it_is_one() {
        let with = |host, port| url(true, &[("http.host", host), ("server.port", port)]);
        assert_eq!(with("shop:81", "82").as_deref(), Some("http://shop:81/"));
        assert_eq!(with("shop", "none").as_deref(), Some("http://shop/"));
        assert_eq!(url(true, &[("server.port", "82")]), None);
    }
}
