//! `X-Fanlight-Forward-URL`: clients may name another host, out of a list.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::problem::Problem;
use crate::upstream::{Base, InvalidBase, Origin};

/// Helicone's own hosts, whose users write this header.
const HELICONE: &str = "*.helicone.ai";
/// How many named origins keep connections.
const MOST: usize = 64;

/// The hosts that clients may name.
#[derive(Debug)]
pub(crate) struct ForwardHosts {
    allowed: Vec<Allowed>,
    known: Mutex<HashMap<String, Arc<Origin>>>,
}

/// One entry of the list: `host`, `host:port` or `*.domain`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Allowed {
    host: String,
    port: Option<u16>,
}

/// The text is no entry of the list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a host; write `host`, `host:port` or `*.domain`")]
pub(crate) struct InvalidForwardHost(String);

impl ForwardHosts {
    /// Helicone's hosts and these.
    ///
    /// # Errors
    /// When an entry is no host.
    pub(crate) fn new(configured: &[String]) -> Result<ForwardHosts, InvalidForwardHost> {
        let entries = std::iter::once(HELICONE).chain(configured.iter().map(String::as_str));
        Ok(ForwardHosts {
            allowed: entries.map(Allowed::parse).collect::<Result<_, _>>()?,
            known: Mutex::default(),
        })
    }

    /// The base that a client names.
    ///
    /// # Errors
    /// When it is none, or its host is not in the list.
    pub(crate) fn base(&self, url: &str) -> Result<Base, Problem> {
        let mut base: Base = url.parse().map_err(|error: InvalidBase| match error {
            InvalidBase::Forbidden => Problem::forbidden(error.to_string()),
            _ => Problem::bad(format!("the forward URL can't be used: {error}")),
        })?;
        let origin = &base.origin;
        let fits = |allowed: &&Allowed| allowed.fits(origin);
        let Some(allowed) = self.allowed.iter().find(fits) else {
            return Err(Problem::forbidden(format!(
                "requests are not forwarded to {} because a header says so",
                origin.host
            ))
            .hint("add the host to llm.forward_hosts"));
        };
        if !origin.is_encrypted() && !allowed.is_loopback() {
            return Err(Problem::forbidden(
                "a forward URL must begin with https:// unless it is a loopback address of llm.forward_hosts",
            ));
        }
        base.origin = self.known(&base.origin);
        Ok(base)
    }

    /// The origin that has the connections to this one's host.
    fn known(&self, origin: &Arc<Origin>) -> Arc<Origin> {
        let key = format!(
            "{}://{}:{}",
            origin.is_encrypted(),
            origin.host,
            origin.port
        );
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST && !known.contains_key(&key) {
            known.clear();
        }
        Arc::clone(known.entry(key).or_insert_with(|| Arc::clone(origin)))
    }

    pub(super) fn origins(&self) -> Vec<Arc<Origin>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.values().cloned().collect()
    }
}

impl Allowed {
    fn parse(text: &str) -> Result<Allowed, InvalidForwardHost> {
        let invalid = || InvalidForwardHost(text.to_owned());
        let inner = text.trim().to_ascii_lowercase();
        // An address of IPv6 has colons of its own, and brackets where a port follows.
        let (host, port) = match inner.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host.to_owned(), Some(port.parse().map_err(|_| invalid())?))
            }
            _ => (inner.clone(), None),
        };
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._:*".contains(c);
        let star = host.rfind('*');
        if host.is_empty()
            || !host.chars().all(is_plain)
            || star.is_some_and(|at| at > 0 || !host.starts_with("*."))
        {
            return Err(invalid());
        }
        Ok(Allowed { host, port })
    }

    fn fits(&self, origin: &Origin) -> bool {
        let host = origin.host.trim_end_matches('.').to_ascii_lowercase();
        let is_host = match self.host.strip_prefix('*') {
            Some(domain) => host.ends_with(domain),
            None => host == self.host,
        };
        let port = self.port.or(match self.is_loopback() {
            // Whoever allows this machine allows its ports.
            true => Some(origin.port),
            false => Some(443),
        });
        is_host && port == Some(origin.port)
    }

    fn is_loopback(&self) -> bool {
        let address: Option<IpAddr> = self.host.parse().ok();
        self.host == "localhost" || address.is_some_and(|address| address.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(configured: &[&str], url: &str) -> u16 {
        let configured: Vec<String> = configured.iter().map(|host| (*host).to_owned()).collect();
        let hosts = ForwardHosts::new(&configured).unwrap();
        hosts
            .base(url)
            .map_or_else(|problem| problem.status.as_u16(), |_| 200)
    }

    #[test]
    fn only_hosts_of_the_list_are_forwarded_to() {
        let cases: &[(&[&str], &str, u16)] = &[
            (&[], "https://oai.helicone.ai/v1", 200),
            (&[], "https://OAI.HELICONE.AI/v1", 200),
            (&[], "http://oai.helicone.ai/v1", 403),
            (&[], "https://oai.helicone.ai:8443/v1", 403),
            (&[], "https://helicone.ai.evil.example/v1", 403),
            (&[], "https://evilhelicone.ai/v1", 403),
            (&[], "https://user@oai.helicone.ai/v1", 400),
            (&[], "https://169.254.169.254/latest", 403),
            (&["169.254.169.254"], "https://169.254.169.254/latest", 403),
            (&[], "http://localhost:8585/v1", 403),
            (&["localhost"], "http://localhost:8585/v1", 200),
            (&["localhost:8585"], "http://localhost:8586/v1", 403),
            (&["gateway.lan"], "http://gateway.lan/v1", 403),
            (&["gateway.lan:8443"], "https://gateway.lan:8443/v1", 200),
            (&["[::1]:80"], "http://[::1]/v1", 200),
            (&[], "file:///etc/passwd", 400),
        ];
        for (configured, url, expected) in cases {
            assert_eq!(status(configured, url), *expected, "{configured:?} {url}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in ["", "https://a", "a*b", "*", "a:b", "a/b"] {
            assert!(ForwardHosts::new(&[text.to_owned()]).is_err(), "{text}");
        }
    }
}
