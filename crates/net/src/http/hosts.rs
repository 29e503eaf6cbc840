//! Whether a request is meant for a server of this machine, and comes from no web page of somebody else.
//!
//! A page on the internet can make the user's browser send requests to this machine. It can't choose the `Host` that is
//! sent, unless the name in it is its own and was rebound to a loopback address; so `Host` must be a name of ours. It
//! can't hide its `Origin` from anything but plain reads, and browsers say where those come from (`Sec-Fetch-Site`).

use std::net::{IpAddr, SocketAddr};

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Method, Uri};

/// Which hosts are ours.
#[derive(Debug)]
pub struct Hosts {
    accepts_any_ip: bool,
    names: Vec<String>,
}

/// Why a request is not for us, or not from a friend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    /// There is no readable `Host`.
    #[error("the request has no valid Host header")]
    NoHost,
    /// The host is none of ours: its name.
    #[error("nothing is served here as {0}")]
    OtherHost(String),
    /// A web page of another origin asks.
    #[error("the request comes from a page of another origin")]
    OtherOrigin,
}

impl Hosts {
    /// Loopback names and addresses, any address where the server can be reached from elsewhere, and these names.
    pub fn new(bound: Option<SocketAddr>, allowed_hosts: &[String]) -> Hosts {
        let names = allowed_hosts
            .iter()
            .map(|name| name.trim_end_matches('.').to_ascii_lowercase())
            .collect();
        Hosts {
            accepts_any_ip: bound.is_some_and(|address| !address.ip().is_loopback()),
            names,
        }
    }

    /// Checks that the request is meant for us, and comes from nowhere else.
    ///
    /// # Errors
    /// Why it does not.
    pub fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Stranger> {
        let host = self.check_host(uri, headers)?;
        match origin(headers) {
            None => Ok(()),
            Some(Some(origin)) if is_same(&origin, &host) => Ok(()),
            Some(_) => Err(Stranger::OtherOrigin),
        }
    }

    /// Checks only that the request is meant for us; the host that it names.
    ///
    /// # Errors
    /// That it is not.
    pub fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<Authority, Stranger> {
        let host = host(uri, headers).ok_or(Stranger::NoHost)?;
        match self.accepts(&host) {
            true => Ok(host),
            false => Err(Stranger::OtherHost(host.host().to_owned())),
        }
    }

    fn accepts(&self, authority: &Authority) -> bool {
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .trim_end_matches('.');
        if let Ok(address) = host.parse::<IpAddr>() {
            return self.accepts_any_ip
                || address.is_loopback()
                || self.names.iter().any(|name| name == host);
        }
        let host = host.to_ascii_lowercase();
        host == "localhost" || host.ends_with(".localhost") || self.names.contains(&host)
    }
}

/// Refuses what a page of another site asks for, as browsers tell, unless the user follows its link.
///
/// # Errors
/// [`Stranger::OtherOrigin`].
pub fn same_site(method: &Method, headers: &HeaderMap) -> Result<(), Stranger> {
    let text_of = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let from_elsewhere = matches!(text_of("sec-fetch-site"), Some("cross-site" | "same-site"));
    let is_link = method == Method::GET && text_of("sec-fetch-mode") == Some("navigate");
    match from_elsewhere && !is_link {
        true => Err(Stranger::OtherOrigin),
        false => Ok(()),
    }
}

/// The host that is asked for: in the request line (HTTP/2, proxies) or in the header.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    match uri.authority() {
        Some(authority) => Some(authority.clone()),
        None => headers.get(HOST)?.to_str().ok()?.parse().ok(),
    }
}

/// The origin that is given, if one is; `Some(None)` when it is `null` or unreadable.
fn origin(headers: &HeaderMap) -> Option<Option<Authority>> {
    let origin = headers.get(ORIGIN)?;
    let authority = origin.to_str().ok().and_then(|text| text.split_once("://"));
    Some(authority.and_then(|(_, authority)| authority.parse().ok()))
}

fn is_same(origin: &Authority, host: &Authority) -> bool {
    origin.host().eq_ignore_ascii_case(host.host()) && origin.port_u16() == host.port_u16()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(bound: &str, allowed: &[&str], host: &str) -> bool {
        let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        Hosts::new(Some(bound.parse().unwrap()), &allowed).accepts(&host.parse().unwrap())
    }

    #[test]
    fn hosts_are_judged_by_name_and_by_where_we_listen() {
        let cases = [
            ("127.0.0.1:3000", "localhost:3000", true),
            ("127.0.0.1:3000", "LOCALHOST", true),
            ("127.0.0.1:3000", "localhost.", true),
            ("127.0.0.1:3000", "fanlight.localhost:3000", true),
            ("127.0.0.1:3000", "127.0.0.1:3000", true),
            ("127.0.0.1:3000", "127.8.0.1", true),
            ("127.0.0.1:3000", "[::1]:3000", true),
            ("127.0.0.1:3000", "hub.lan:3000", true),
            ("127.0.0.1:3000", "evil.example:3000", false),
            ("127.0.0.1:3000", "localhost.evil.example", false),
            ("127.0.0.1:3000", "127.0.0.1.evil.example", false),
            ("127.0.0.1:3000", "192.168.1.5:3000", false),
            ("0.0.0.0:3000", "192.168.1.5:3000", true),
            ("0.0.0.0:3000", "[fe80::1]:3000", true),
            ("0.0.0.0:3000", "evil.example:3000", false),
        ];
        for (bound, host, expected) in cases {
            assert_eq!(
                accepts(bound, &["hub.lan"], host),
                expected,
                "{host} at {bound}"
            );
        }
    }
}
