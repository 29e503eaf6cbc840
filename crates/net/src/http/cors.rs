//! Which web pages may send. [Source](https://fetch.spec.whatwg.org/#http-cors-protocol).

use fanlight_config::blocks;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};

use crate::body::Body;

/// Headers that every page may send: what OTLP exporters in browsers set by themselves.
const ALWAYS_ALLOWED: &str = "accept, content-type, content-encoding, x-requested-with";

/// The rules of one server.
#[derive(Clone, Debug)]
pub(crate) struct Cors {
    origins: Vec<String>,
    allowed_headers: Vec<String>,
    exposed_headers: Option<HeaderValue>,
    max_age: u64,
}

impl Cors {
    pub(crate) fn new(block: &blocks::Cors) -> Cors {
        let exposed = (!block.exposed_headers.is_empty()).then(|| block.exposed_headers.join(", "));
        Cors {
            origins: block.allowed_origins.clone(),
            allowed_headers: block.allowed_headers.clone(),
            exposed_headers: exposed.and_then(|names| HeaderValue::from_str(&names).ok()),
            max_age: block.max_age,
        }
    }

    /// The answer to a browser that asks first; `None` for any other request.
    pub(crate) fn preflight(&self, request: &Request<Body>) -> Option<Response<Body>> {
        let headers = request.headers();
        let asks = request.method() == Method::OPTIONS
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let origin = headers.get(ORIGIN).filter(|_| asks)?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        answer.insert(
            VARY,
            HeaderValue::from_static(
                "origin, access-control-request-method, access-control-request-headers",
            ),
        );
        if self.allow(origin, answer) {
            answer.insert(
                ACCESS_CONTROL_ALLOW_METHODS,
                HeaderValue::from_static("GET, POST, HEAD"),
            );
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.allowed_headers(headers));
            if self.max_age > 0 {
                answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(self.max_age));
            }
        }
        Some(response)
    }

    /// Lets the page that sent the request read the response.
    pub(crate) fn add_headers(&self, origin: Option<&HeaderValue>, response: &mut HeaderMap) {
        response.append(VARY, HeaderValue::from(ORIGIN));
        if let Some(origin) = origin
            && self.allow(origin, response)
            && let Some(exposed) = &self.exposed_headers
        {
            response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
    }

    fn allow(&self, origin: &HeaderValue, response: &mut HeaderMap) -> bool {
        let Ok(text) = origin.to_str() else {
            return false;
        };
        if self.origins.iter().any(|allowed| allowed == "*") {
            // Any page at all may send, but not with the user's cookies: no browser allows both.
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            return true;
        }
        let allowed = self.origins.iter().any(|pattern| matches(pattern, text));
        if allowed {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            response.insert(
                ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderValue::from_static("true"),
            );
        }
        allowed
    }

    fn allowed_headers(&self, request: &HeaderMap) -> HeaderValue {
        let asked = request.get(ACCESS_CONTROL_REQUEST_HEADERS);
        if let Some(asked) = asked.filter(|_| self.allowed_headers.iter().any(|name| name == "*")) {
            return asked.clone();
        }
        let names = self
            .allowed_headers
            .iter()
            .filter_map(|name| name.parse::<HeaderName>().ok());
        let list = names.fold(ALWAYS_ALLOWED.to_owned(), |list, name| {
            format!("{list}, {name}")
        });
        HeaderValue::from_str(&list).unwrap_or(HeaderValue::from_static(ALWAYS_ALLOWED))
    }
}

/// Whether an origin fits a pattern in which `*` stands for any text.
fn matches(pattern: &str, origin: &str) -> bool {
    let (pattern, origin) = (pattern.to_ascii_lowercase(), origin.to_ascii_lowercase());
    let Some((before, after)) = pattern.split_once('*') else {
        return pattern == origin;
    };
    let rest = origin
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after));
    // What the star stands for stays within the host: `https://*.example.com` is no `https://evil/.example.com`.
    rest.is_some_and(|star| !star.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text_within_the_host() {
        assert!(matches("https://*.example.com", "https://app.example.com"));
        assert!(matches("http://localhost:*", "http://localhost:5173"));
        assert!(matches(
            "https://App.example.com",
            "https://app.example.com"
        ));
        assert!(!matches("https://*.example.com", "https://example.com"));
        assert!(!matches(
            "https://*.example.com",
            "https://evil/.example.com"
        ));
        assert!(!matches(
            "https://app.example.com",
            "https://app.example.com.evil.org"
        ));
    }
}
