//! Where the servers are: data source names as ClickHouse's own Go driver reads them.
//!
//! ```text
//! scheme://[user[:password]@]host[:port][,host[:port]...][/database][?key=value&...]
//! ```

use std::collections::BTreeMap;

/// A data source name, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    /// Host and port of each server, as the HTTP interface has them.
    pub(super) hosts: Vec<(String, u16)>,
    /// Whether the scheme is that of the native protocol.
    pub(super) is_native: bool,
    pub(super) is_encrypted: bool,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: Option<String>,
    pub(super) parameters: BTreeMap<String, String>,
}

/// The ports of the native protocol, plain and encrypted, and of the HTTP interface.
const NATIVE: [u16; 2] = [9000, 9440];
const HTTP: [u16; 2] = [8123, 8443];

impl Source {
    /// Reads a data source name. What it can't be read for is told without quoting it: it may hold a password.
    pub(super) fn parse(text: &str) -> Result<Source, &'static str> {
        const FORM: &str = "write http://host:8123, or clickhouse://host:9000";
        let (scheme, rest) = text.split_once("://").ok_or(FORM)?;
        let (is_native, by_scheme) = match scheme {
            "clickhouse" | "tcp" | "native" => (true, false),
            "http" => (false, false),
            "https" => (false, true),
            _ => return Err(FORM),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let parameters: BTreeMap<String, String> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(key, value)| (decoded(key), decoded(value)))
            .collect();
        let is_encrypted =
            by_scheme || parameters.get("secure").is_some_and(|value| is_true(value));
        let (user_info, address) = match rest.rsplit_once('@') {
            Some((user_info, address)) => (Some(user_info), address),
            None => (None, rest),
        };
        let own = format!("{scheme}://");
        // Each server may repeat the scheme, whose slashes are no path.
        let address = address.replace(&own, "");
        let (servers, path) = address.split_once('/').unwrap_or((&address, ""));
        let host = |server: &str| -> Result<(String, u16), &'static str> {
            let (host, port) = match server.rsplit_once(':') {
                Some((host, port)) if !port.ends_with(']') => (
                    host,
                    Some(port.parse().map_err(|_| "a port is a number up to 65535")?),
                ),
                _ => (server, None),
            };
            match host.is_empty() {
                true => Err("a server has no name"),
                false => Ok((host.to_owned(), http_port(port, is_native, is_encrypted))),
            }
        };
        let hosts = servers
            .split(',')
            .map(host)
            .collect::<Result<Vec<_>, _>>()?;
        let (user, password) =
            match user_info.map(|info| info.split_once(':').unwrap_or((info, ""))) {
                Some((user, password)) => (Some(decoded(user)), Some(decoded(password))),
                None => (None, None),
            };
        Ok(Source {
            hosts,
            is_native,
            is_encrypted,
            user: user.filter(|user| !user.is_empty()),
            password,
            database: Some(decoded(path)).filter(|database| !database.is_empty()),
            parameters,
        })
    }

    /// The URL of the HTTP interface of each server.
    pub(super) fn urls(&self) -> Vec<String> {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        let url = |(host, port): &(String, u16)| format!("{scheme}://{host}:{port}");
        self.hosts.iter().map(url).collect()
    }
}

/// The port of the HTTP interface. For the native protocol's scheme that is another than the one that is written, unless
/// somebody has written the HTTP port with the wrong scheme.
fn http_port(written: Option<u16>, is_native: bool, is_encrypted: bool) -> u16 {
    let [plain, encrypted] = HTTP;
    match written {
        Some(port) if !is_native || HTTP.contains(&port) => port,
        Some(port) if port == NATIVE[1] => encrypted,
        _ if is_encrypted => encrypted,
        _ => plain,
    }
}

/// What Go reads as true.
pub(super) fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escape = match tail {
            [high, low, ..] if *first == b'%' => {
                let digit = |half: u8| char::from(half).to_digit(16);
                digit(*high).zip(digit(*low))
            }
            _ => None,
        };
        match escape {
            Some((high, low)) => {
                bytes.extend(u8::try_from(high * 16 + low));
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_source_names_lead_to_the_http_interface() {
        let cases = [
            ("http://a:8123", "http://a:8123"),
            ("http://a", "http://a:8123"),
            ("https://a", "https://a:8443"),
            (
                "https://a.clickhouse.cloud:443/otel",
                "https://a.clickhouse.cloud:443",
            ),
            ("clickhouse://a:9000", "http://a:8123"),
            (
                "tcp://127.0.0.1:9000?dial_timeout=10s&compress=lz4",
                "http://127.0.0.1:8123",
            ),
            ("tcp://a:9440?secure=true", "https://a:8443"),
            (
                "clickhouse://me:p%40ss@a:9000,b:9000/otel?secure=1",
                "https://a:8443 https://b:8443",
            ),
            ("tcp://a:9000,tcp://b:19000", "http://a:8123 http://b:8123"),
            ("http://[::1]:8123", "http://[::1]:8123"),
        ];
        for (text, urls) in cases {
            assert_eq!(
                Source::parse(text).map(|source| source.urls().join(" ")),
                Ok(urls.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn user_database_and_parameters_are_found() {
        let source =
            Source::parse("clickhouse://me:p%40ss@a:9000/otel?max_execution_time=60&x").unwrap();
        assert_eq!(
            (source.user.as_deref(), source.password.as_deref()),
            (Some("me"), Some("p@ss"))
        );
        assert_eq!(source.database.as_deref(), Some("otel"));
        assert_eq!(
            source
                .parameters
                .get("max_execution_time")
                .map(String::as_str),
            Some("60")
        );
    }

    #[test]
    fn what_is_no_data_source_name_is_refused() {
        for text in ["localhost:9000", "ftp://a", "http://:8123", "http://a:port"] {
            assert!(Source::parse(text).is_err(), "{text}");
        }
    }
}
