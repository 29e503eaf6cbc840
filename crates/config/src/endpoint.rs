//! Where clients send to.
//!
//! | Form | TLS | For |
//! |---|---|---|
//! | `host:port`, `host`, `[::1]:4317` | as `tls.insecure` says | gRPC, HTTP |
//! | `http://host[:port][/base][?query]` | no | gRPC (no base), HTTP |
//! | `https://host[:port][/base][?query]` | yes | gRPC (no base), HTTP |
//! | `dns:///host:port` | as `tls.insecure` says | gRPC, spread over all addresses of the name |
//! | `unix:/path`, `unix:///path` | no | gRPC over a socket of this machine |
//!
//! Credentials in the address (`user:password@`) are refused, since addresses end up in logs. A query is kept and sent but
//! never shown. Placeholders such as `<zone>` are pointed out.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// An address that a client sends to, in one of the forms that the Collector and Telegen document.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    scheme: Scheme,
    host: String,
    port: Option<u16>,
    path: String,
    query: Option<String>,
}

/// How an endpoint begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `host:port`.
    None,
    /// `http://`.
    Http,
    /// `https://`.
    Https,
    /// `dns:///`.
    Dns,
    /// `unix:`.
    Unix,
}

/// The text is not an endpoint, or contradicts another key. The message never repeats credentials or a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidEndpoint(String);

impl Endpoint {
    /// How it begins.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host's name or address, without the brackets of IPv6; empty for a Unix socket.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port as written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The port as written, or 443 with TLS and 80 without.
    pub fn port_or_default(&self, tls: bool) -> u16 {
        self.port.unwrap_or(if tls { 443 } else { 80 })
    }

    /// What follows the host, without the slash at the end: empty or `/base`. For a Unix socket, its path.
    pub fn path(&self) -> &str {
        if self.scheme == Scheme::Unix {
            &self.path
        } else {
            self.path.trim_end_matches('/')
        }
    }

    /// The host and port as they stand in a URL: `[::1]:4317`.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }

    /// Whether to use TLS, given `insecure` of the `tls` block. A scheme decides by itself.
    ///
    /// # Errors
    /// When the scheme is `https` and `insecure` is true: one of them must be wrong.
    pub fn uses_tls(&self, insecure: bool) -> Result<bool, InvalidEndpoint> {
        match self.scheme {
            Scheme::Http | Scheme::Unix => Ok(false),
            Scheme::Https if insecure => Err(InvalidEndpoint(
                "`https://` asks for TLS and `insecure: true` for none; write http://, or use insecure_skip_verify to accept any certificate".to_owned(),
            )),
            Scheme::Https => Ok(true),
            Scheme::None | Scheme::Dns => Ok(!insecure),
        }
    }

    /// The URL of a path below this endpoint, never with two slashes: `https://host/base` and `/v1/traces` give
    /// `https://host/base/v1/traces`. An empty path gives the endpoint itself, as it was written.
    pub fn url(&self, tls: bool, path: &str) -> String {
        let scheme = if tls { "https" } else { "http" };
        let mut url = format!("{scheme}://{}", self.authority());
        if path.is_empty() {
            url.push_str(&self.path);
        } else {
            url.push_str(self.path());
            url.push_str(if path.starts_with('/') { "" } else { "/" });
            url.push_str(path);
        }
        if let Some(query) = &self.query {
            url.push('?');
            url.push_str(query);
        }
        url
    }

    fn of_host(scheme: Scheme, written: &str, text: &str) -> Result<Endpoint, InvalidEndpoint> {
        let (host, port) = host_and_port(written)
            .map_err(|why| InvalidEndpoint(format!("`{text}` is not an endpoint: {why}")))?;
        Ok(Endpoint {
            scheme,
            host,
            port,
            path: String::new(),
            query: None,
        })
    }

    fn of_url(scheme: Scheme, rest: &str) -> Result<Endpoint, InvalidEndpoint> {
        let before_fragment = rest.split_once('#').map_or(rest, |(before, _)| before);
        let (address, query) = match before_fragment.split_once('?') {
            Some((address, query)) => (address, Some(query.to_owned())),
            None => (before_fragment, None),
        };
        let (authority, path) = match address.find('/') {
            Some(slash) => address.split_at(slash),
            None => (address, ""),
        };
        if authority.contains('@') {
            return Err(InvalidEndpoint(
                "an endpoint holds no credentials; put them into `headers` or an extension such as basicauth".to_owned(),
            ));
        }
        if path.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(InvalidEndpoint(format!(
                "`{authority}` is followed by a path with blanks in it"
            )));
        }
        let endpoint = Endpoint::of_host(scheme, authority, authority)?;
        Ok(Endpoint {
            path: path.trim_end_matches('/').to_owned(),
            query,
            ..endpoint
        })
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Endpoint, InvalidEndpoint> {
        let text = text.trim();
        let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
        let after = |length: usize| text.get(length..).unwrap_or_default();
        if lower.starts_with("https://") {
            return Endpoint::of_url(Scheme::Https, after(8));
        }
        if lower.starts_with("http://") {
            return Endpoint::of_url(Scheme::Http, after(7));
        }
        if lower.starts_with("dns:///") {
            return Endpoint::of_host(Scheme::Dns, after(7), text);
        }
        if let Some(path) = text
            .strip_prefix("unix://")
            .or_else(|| text.strip_prefix("unix:"))
        {
            return Ok(Endpoint {
                scheme: Scheme::Unix,
                host: String::new(),
                port: None,
                path: path.to_owned(),
                query: None,
            });
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(InvalidEndpoint(format!(
                "`{scheme}://` is no scheme of an endpoint; write host:port, http://, https:// or dns:///"
            )));
        }
        if text.contains('@') {
            return Err(InvalidEndpoint(
                "an endpoint holds no credentials; put them into `headers`".to_owned(),
            ));
        }
        if let Some((address, _)) = text.split_once(['/', '?', '#']) {
            return Err(InvalidEndpoint(format!(
                "`{address}` is followed by a path but has no scheme; write http:// or https:// before it"
            )));
        }
        Endpoint::of_host(Scheme::None, text, text)
    }
}

fn host_and_port(written: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = match written.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']').ok_or("`]` is missing")?;
            address
                .parse::<Ipv6Addr>()
                .map_err(|_| "what stands in brackets is not an IPv6 address")?;
            let port = after.strip_prefix(':');
            if port.is_none() && !after.is_empty() {
                return Err("after `]` comes a port".to_owned());
            }
            (address, port)
        }
        None => match written.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err("an IPv6 address stands in brackets".to_owned());
            }
            Some((host, port)) => (host, Some(port)),
            None => (written, None),
        },
    };
    if let Some(start) = host.find('<') {
        let placeholder = host.get(start..).unwrap_or_default();
        let end = placeholder
            .find('>')
            .map_or(placeholder.len(), |end| end + 1);
        return Err(format!(
            "`{}` is a placeholder; put your own in its place",
            placeholder.get(..end).unwrap_or_default()
        ));
    }
    if host.is_empty() {
        return Err("the host is missing".to_owned());
    }
    if host.contains(|c: char| !c.is_alphanumeric() && !"-._:%".contains(c)) {
        return Err("the host is not a name or an address".to_owned());
    }
    let port = match port {
        None => None,
        Some(digits) => match digits.parse::<u16>() {
            Ok(port) if port > 0 => Some(port),
            _ => return Err("the port is not a number from 1 to 65535".to_owned()),
        },
    };
    Ok((host.to_owned(), port))
}

/// As written, but for the query, which may hold a key.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::None => "",
            Scheme::Http => "http://",
            Scheme::Https => "https://",
            Scheme::Dns => "dns:///",
            Scheme::Unix => "unix:",
        };
        write!(f, "{scheme}{}{}", self.authority(), self.path())?;
        if self.query.is_some() {
            f.write_str("?[REDACTED]")
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Endpoint, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Endpoint;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an endpoint like https://host:4318 or host:4317")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Endpoint, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::too_many_lines, reason = "tables of cases")]

    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        text.parse().unwrap()
    }

    #[test]
    fn documented_forms_are_read() {
        // Form, host, port, path, TLS with insecure false, TLS with insecure true.
        let cases = [
            (
                "otel-collector:4317",
                "otel-collector",
                Some(4317),
                "",
                Some(true),
                Some(false),
            ),
            ("tempo", "tempo", None, "", Some(true), Some(false)),
            (
                "http://jaeger:4318",
                "jaeger",
                Some(4318),
                "",
                Some(false),
                Some(false),
            ),
            (
                "HTTP://jaeger:4318/",
                "jaeger",
                Some(4318),
                "",
                Some(false),
                Some(false),
            ),
            (
                "https://otlp.datadoghq.com:4317",
                "otlp.datadoghq.com",
                Some(4317),
                "",
                Some(true),
                None,
            ),
            (
                "https://cloud.langfuse.com/api/public/otel",
                "cloud.langfuse.com",
                None,
                "/api/public/otel",
                Some(true),
                None,
            ),
            (
                "dns:///lb.monitoring.svc:4317",
                "lb.monitoring.svc",
                Some(4317),
                "",
                Some(true),
                Some(false),
            ),
            ("[::1]:4317", "::1", Some(4317), "", Some(true), Some(false)),
            (
                "http://[::1]:4318/otlp",
                "::1",
                Some(4318),
                "/otlp",
                Some(false),
                Some(false),
            ),
            (
                "unix:/run/otlp.sock",
                "",
                None,
                "/run/otlp.sock",
                Some(false),
                Some(false),
            ),
            (
                "unix:///run/otlp.sock",
                "",
                None,
                "/run/otlp.sock",
                Some(false),
                Some(false),
            ),
        ];
        for (text, host, port, path, secure, insecure) in cases {
            let read = endpoint(text);
            assert_eq!(
                (read.host(), read.port(), read.path()),
                (host, port, path),
                "{text}"
            );
            assert_eq!(
                (read.uses_tls(false).ok(), read.uses_tls(true).ok()),
                (secure, insecure),
                "{text}"
            );
        }
    }

    #[test]
    fn signal_paths_are_joined_with_one_slash() {
        let cases = [
            ("http://h:4318", "http://h:4318/v1/traces"),
            ("http://h:4318/", "http://h:4318/v1/traces"),
            (
                "https://h/api/public/otel",
                "https://h/api/public/otel/v1/traces",
            ),
            ("https://h/otlp//", "https://h/otlp/v1/traces"),
            ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
            ("https://h/in?key=k", "https://h/in/v1/traces?key=k"),
        ];
        for (text, url) in cases {
            let read = endpoint(text);
            assert_eq!(read.url(read.uses_tls(false).unwrap(), "/v1/traces"), url);
        }
        assert_eq!(
            endpoint("https://h/full/path").url(true, ""),
            "https://h/full/path"
        );
        assert_eq!(
            endpoint("collector:4318").url(false, "v1/logs"),
            "http://collector:4318/v1/logs"
        );
    }

    #[test]
    fn what_is_no_endpoint_says_why() {
        let cases = [
            ("", "`` is not an endpoint: the host is missing"),
            (":4317", "`:4317` is not an endpoint: the host is missing"),
            (
                "host:0",
                "`host:0` is not an endpoint: the port is not a number from 1 to 65535",
            ),
            (
                "host:abc",
                "`host:abc` is not an endpoint: the port is not a number from 1 to 65535",
            ),
            (
                "::1:4317",
                "`::1:4317` is not an endpoint: an IPv6 address stands in brackets",
            ),
            (
                "a b:1",
                "`a b:1` is not an endpoint: the host is not a name or an address",
            ),
            (
                "ftp://host",
                "`ftp://` is no scheme of an endpoint; write host:port, http://, https:// or dns:///",
            ),
            (
                "host:4318/v1/traces",
                "`host:4318` is followed by a path but has no scheme; write http:// or https:// before it",
            ),
            (
                "otlp-gateway-<zone>.grafana.net:443",
                "`otlp-gateway-<zone>.grafana.net:443` is not an endpoint: `<zone>` is a placeholder; put your own in its place",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(text.parse::<Endpoint>().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn credentials_and_queries_are_never_shown() {
        for text in [
            "https://me:hunter2@host/otlp",
            "me:hunter2@host:4317",
            "https://host:x/?key=hunter2",
        ] {
            let message = text.parse::<Endpoint>().unwrap_err().to_string();
            assert!(!message.contains("hunter2"), "{message}");
        }
        let shown = format!("{0} {0:?}", endpoint("https://host/in?key=hunter2"));
        assert_eq!(
            shown,
            "https://host/in?[REDACTED] Endpoint(https://host/in?[REDACTED])"
        );
    }
}
