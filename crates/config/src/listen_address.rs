//! Addresses to listen on.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// An address to listen on: `127.0.0.1:4317`, `localhost:4317`, `[::1]:4317`, or `:4317` for every interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    host: String,
    port: u16,
}

/// The text is not an address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address to listen on: {why}; write one like 127.0.0.1:4317")]
pub struct InvalidListenAddress {
    text: String,
    why: &'static str,
}

impl ListenAddress {
    /// An address made of its parts.
    pub fn new(host: impl Into<String>, port: u16) -> ListenAddress {
        ListenAddress {
            host: host.into(),
            port,
        }
    }

    /// The host, without the brackets of IPv6; empty for every interface.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port; 0 lets the system choose.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, where no name has to be looked up: `localhost` is 127.0.0.1, and an empty
    /// host is 0.0.0.0, since a machine without IPv6 could not listen on `[::]`.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        let ip = match self.host.as_str() {
            "" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            host => host.parse().ok()?,
        };
        Some(SocketAddr::new(ip, self.port))
    }
}

impl FromStr for ListenAddress {
    type Err = InvalidListenAddress;

    fn from_str(text: &str) -> Result<ListenAddress, InvalidListenAddress> {
        let invalid = |why| InvalidListenAddress {
            text: text.to_owned(),
            why,
        };
        if text.contains("://") {
            return Err(invalid("a server's endpoint has no scheme"));
        }
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| invalid("the port is missing"))?;
        let port = port
            .parse()
            .map_err(|_| invalid("the port is not a number from 0 to 65535"))?;
        let bracketed = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        if let Some(address) = bracketed {
            address
                .parse::<Ipv6Addr>()
                .map_err(|_| invalid("what stands in brackets is not an IPv6 address"))?;
        } else if host.contains(':') {
            return Err(invalid("an IPv6 address stands in brackets"));
        } else if host.contains(|c: char| c.is_whitespace() || "/?#@[]".contains(c)) {
            return Err(invalid("the host is not a name or an address"));
        }
        Ok(ListenAddress {
            host: bracketed.unwrap_or(host).to_owned(),
            port,
        })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ListenAddress, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = ListenAddress;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address like 127.0.0.1:4317")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ListenAddress, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_alike() {
        let cases = [
            ("127.0.0.1:4317", "127.0.0.1:4317"),
            ("0.0.0.0:4318", "0.0.0.0:4318"),
            ("localhost:4317", "127.0.0.1:4317"),
            ("[::1]:4317", "[::1]:4317"),
            (":8888", "0.0.0.0:8888"),
        ];
        for (text, address) in cases {
            let listen: ListenAddress = text.parse().unwrap();
            assert_eq!(listen.to_string(), text);
            assert_eq!(
                listen.socket_addr().map(|a| a.to_string()),
                Some(address.to_owned()),
                "{text}"
            );
        }
        assert_eq!(
            "collector.local:4317"
                .parse::<ListenAddress>()
                .unwrap()
                .socket_addr(),
            None
        );
    }

    #[test]
    fn what_cannot_be_listened_on_is_refused() {
        for text in [
            "",
            "localhost",
            "localhost:",
            "localhost:70000",
            "http://localhost:4317",
            "::1:4317",
            "[x]:1",
            "a b:1",
            "a/b:1",
        ] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }
}
