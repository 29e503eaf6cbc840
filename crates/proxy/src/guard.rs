//! Who may use the proxy: programs of this machine, or whoever has the token; web pages of others never.

use std::net::SocketAddr;

use fanlight_config::Secret;
use fanlight_net::http::{Hosts, Stranger, same_site};
use http::header::{ORIGIN, PROXY_AUTHORIZATION};
use http::{HeaderMap, Method, Uri};
use subtle::ConstantTimeEq as _;

use crate::headers::TOKEN;
use crate::problem::Problem;

/// Decides about requests by their heads. Stands before every route.
#[derive(Debug)]
pub(crate) struct Guard {
    hosts: Hosts,
    /// Pages that may ask, as `scheme://host[:port]`.
    origins: Vec<String>,
    token: Option<Secret>,
}

impl Guard {
    pub(crate) fn new(
        bound: SocketAddr,
        allowed_hosts: &[String],
        origins: Vec<String>,
        token: Option<Secret>,
    ) -> Guard {
        Guard {
            hosts: Hosts::new(Some(bound), allowed_hosts),
            origins,
            token,
        }
    }

    /// Lets a request in.
    ///
    /// # Errors
    /// What the stranger is told.
    pub(crate) fn admit(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(), Problem> {
        if let Some(token) = &self.token {
            // A page of somebody else can't know it.
            return match has_token(headers, token) {
                true => Ok(()),
                false => Err(Problem::unauthorized("the proxy needs its token")
                    .hint("send it as the header X-Fanlight-Token, beside the provider's own key")),
            };
        }
        let admitted = match self.is_friend(headers) {
            true => self.hosts.check_host(uri, headers).map(drop),
            false => self
                .hosts
                .check(uri, headers)
                .and_then(|()| same_site(method, headers)),
        };
        admitted.map_err(refused)
    }

    fn is_friend(&self, headers: &HeaderMap) -> bool {
        let origin = headers.get(ORIGIN);
        origin.is_some_and(|origin| {
            self.origins
                .iter()
                .any(|friend| friend.as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
        })
    }
}

fn refused(stranger: Stranger) -> Problem {
    match stranger {
        Stranger::NoHost => Problem::bad(stranger.to_string()),
        Stranger::OtherHost(name) => {
            Problem::forbidden(format!("the proxy is not served as {name}"))
                .hint("use localhost, or add the name to llm.allowed_hosts")
        }
        Stranger::OtherOrigin => Problem::forbidden(stranger.to_string())
            .hint("add its origin to llm.allowed_origins if it is yours"),
    }
}

fn has_token(headers: &HeaderMap, token: &Secret) -> bool {
    let given = headers.get(TOKEN).map(http::HeaderValue::as_bytes);
    let given = given.or_else(|| {
        let value = headers.get(PROXY_AUTHORIZATION)?;
        value.as_bytes().strip_prefix(b"Bearer ")
    });
    given.is_some_and(|given| given.ct_eq(token.expose().as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(guard: &Guard, headers: &[(&str, &str)]) -> u16 {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (
                    name.parse::<http::HeaderName>().unwrap(),
                    value.parse().unwrap(),
                )
            })
            .collect();
        let admitted = guard.admit(&Method::POST, &Uri::from_static("/v1/models"), &headers);
        admitted.map_or_else(|problem| problem.status.as_u16(), |()| 200)
    }

    #[test]
    fn pages_of_others_and_rebound_names_are_kept_out() {
        let origins = vec!["app://obsidian.md".to_owned()];
        let guard = Guard::new("127.0.0.1:8080".parse().unwrap(), &[], origins, None);
        assert_eq!(judge(&guard, &[("host", "localhost:8080")]), 200);
        assert_eq!(judge(&guard, &[("host", "evil.example:8080")]), 403);
        assert_eq!(judge(&guard, &[]), 400);
        let page = ("origin", "https://evil.example");
        assert_eq!(judge(&guard, &[("host", "localhost:8080"), page]), 403);
        let fetch = ("sec-fetch-site", "cross-site");
        assert_eq!(judge(&guard, &[("host", "localhost:8080"), fetch]), 403);
        let friend = ("origin", "app://obsidian.md");
        assert_eq!(
            judge(&guard, &[("host", "localhost:8080"), friend, fetch]),
            200
        );
        assert_eq!(judge(&guard, &[("host", "evil.example"), friend]), 403);
    }

    #[test]
    fn with_a_token_it_alone_opens() {
        let token = Some(Secret::new("0123456789abcdef"));
        let guard = Guard::new("0.0.0.0:8080".parse().unwrap(), &[], Vec::new(), token);
        assert_eq!(judge(&guard, &[("host", "localhost:8080")]), 401);
        let wrong = ("x-fanlight-token", "0123456789abcdeg");
        assert_eq!(judge(&guard, &[("host", "localhost:8080"), wrong]), 401);
        let right = ("x-fanlight-token", "0123456789abcdef");
        assert_eq!(judge(&guard, &[("host", "hub.lan:8080"), right]), 200);
        let right = ("proxy-authorization", "Bearer 0123456789abcdef");
        assert_eq!(judge(&guard, &[("host", "hub.lan:8080"), right]), 200);
    }
}
