//! `Host` and `Origin`.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri};

use crate::api::ApiError;

/// Which hosts are ours.
#[derive(Debug)]
pub(super) struct Hosts {
    accepts_any_ip: bool,
    names: Vec<String>,
}

impl Hosts {
    pub(super) fn new(bound: Option<SocketAddr>, allowed_hosts: &[String]) -> Hosts {
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
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
        let host = host(uri, headers)
            .ok_or_else(|| ApiError::bad("the request has no valid Host header"))?;
        if !self.accepts(&host) {
            let message = format!("the dashboard is not served as {}", host.host());
            return Err(ApiError::new(StatusCode::FORBIDDEN, message)
                .hint("open it as localhost, or add the name to dashboard.allowed_hosts"));
        }
        match origin(headers) {
            None => Ok(()),
            Some(Some(origin)) if is_same(&origin, &host) => Ok(()),
            Some(_) => Err(of_another_origin()),
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

/// The error of a request that a page of somebody else makes.
pub(super) fn of_another_origin() -> ApiError {
    ApiError::new(
        StatusCode::FORBIDDEN,
        "the request comes from a page of another origin",
    )
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
