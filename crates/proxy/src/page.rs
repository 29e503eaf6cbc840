//! What the proxy answers by itself: whether it is well, and how it is used.

use std::fmt::Write as _;
use std::net::SocketAddr;

use fanlight_net::Body;
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde::Serialize;

use crate::provider::{BUILT_IN, Dialect, Provider};
use crate::routes::Routes;

/// The pages.
#[derive(Debug)]
pub(crate) struct Page {
    /// `http://127.0.0.1:8080`.
    address: String,
}

#[derive(Serialize)]
struct Listing<'r> {
    about: &'static str,
    providers: Vec<Entry<'r>>,
    headers: &'static [(&'static str, &'static str)],
    try_it: String,
}

#[derive(Serialize)]
struct Entry<'r> {
    provider: &'r str,
    prefix: String,
    native_prefix: String,
    upstream: Option<String>,
    base_url: String,
    note: Option<&'static str>,
}

const ABOUT: &str = "Change only the base URL of your client; its key goes on to the provider. \
                     Every call shows in the dashboard.";

const HEADERS: &[(&str, &str)] = &[
    (
        "X-Fanlight-Provider",
        "the provider by name, for clients whose path can't change",
    ),
    ("X-Fanlight-Tags", "tags of the call, separated by commas"),
    ("X-Fanlight-Session-Id", "the session that it belongs to"),
    ("X-Fanlight-User-Id", "the user for whom it is made"),
    ("X-Fanlight-Service", "service.name of the caller"),
    (
        "X-Fanlight-Forward-URL",
        "another base URL, if its host is allowed (Helicone's are)",
    ),
    ("X-Fanlight-Passthrough", "true: never translate"),
    ("traceparent", "makes the call a child of this span"),
];

impl Page {
    pub(crate) fn new(bound: SocketAddr) -> Page {
        let host = match bound.ip() {
            ip if ip.is_unspecified() => "127.0.0.1".to_owned(),
            ip if ip.is_ipv6() => format!("[{ip}]"),
            ip => ip.to_string(),
        };
        Page {
            address: format!("http://{host}:{}", bound.port()),
        }
    }

    /// The answer to a request for a page; none if it is for a provider.
    pub(crate) fn answer(
        &self,
        request: &Request<Body>,
        routes: &Routes,
    ) -> Option<Response<Body>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        match request.uri().path() {
            "/health" => Some(json(&serde_json::json!({
                "status": "ok",
                "service": "proxy",
                "version": env!("CARGO_PKG_VERSION"),
                "port": self.address.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()),
            }))),
            // Browsers ask for it beside the page.
            "/favicon.ico" => {
                let mut nothing = Response::new(Body::empty());
                *nothing.status_mut() = StatusCode::NO_CONTENT;
                Some(nothing)
            }
            "/providers" | "/providers/" | "/" => {
                let accept = request.headers().get(ACCEPT);
                let accept = accept
                    .and_then(|value| value.to_str().ok())
                    .unwrap_or_default();
                let listing = self.listing(routes);
                Some(match accept {
                    html if html.contains("text/html") => self.html(&listing),
                    text if text.contains("text/plain") => self.text(&listing),
                    _ => json(&listing),
                })
            }
            _ => None,
        }
    }

    fn listing<'r>(&self, routes: &'r Routes) -> Listing<'r> {
        let entries = routes.providers.iter().map(|provider| self.entry(provider));
        let mut providers: Vec<Entry<'_>> = entries.collect();
        // In the order of the table, and what is configured behind it.
        let order = |name: &str| BUILT_IN.iter().position(|known| known.name == name);
        providers.sort_by_key(|entry| order(entry.provider).unwrap_or(usize::MAX));
        Listing {
            about: ABOUT,
            providers,
            headers: HEADERS,
            try_it: format!(
                "curl {}/v1/chat/completions -H \"Authorization: Bearer $OPENAI_API_KEY\" -H 'Content-Type: application/json' \
                 -d '{{\"model\":\"gpt-4o-mini\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'",
                self.address
            ),
        }
    }

    fn entry<'r>(&self, provider: &'r Provider) -> Entry<'r> {
        let known = BUILT_IN.iter().find(|known| known.name == provider.name);
        let example = match known {
            Some(known) => known.example.to_owned(),
            None => format!("/{}/v1", provider.name),
        };
        let upstream = provider.base.as_ref().map(|base| {
            let scheme = if base.origin.is_encrypted() {
                "https"
            } else {
                "http"
            };
            let authority = base.origin.authority.to_str().unwrap_or_default();
            format!("{scheme}://{authority}{}", base.path)
        });
        let note = match (provider.dialect, &upstream) {
            (Dialect::Azure, None) => Some("send X-Azure-Resource, or set AZURE_OPENAI_RESOURCE"),
            (_, None) => Some("set its base_url under llm.providers"),
            (Dialect::Anthropic | Dialect::Gemini | Dialect::Cohere, _) => {
                Some("takes OpenAI's chat completions, too")
            }
            (Dialect::Bedrock, _) => {
                Some("with Bedrock API keys, or signed by the hub (sign: true)")
            }
            _ => None,
        };
        Entry {
            provider: &provider.name,
            prefix: format!("/{}", provider.name),
            native_prefix: format!("/passthrough/{}", provider.name),
            upstream,
            base_url: format!("{}{example}", self.address),
            note,
        }
    }

    fn text(&self, listing: &Listing<'_>) -> Response<Body> {
        let mut text = format!("Fanlight's LLM proxy\n\n{}\n\nBase URLs\n", listing.about);
        for entry in &listing.providers {
            let upstream = entry.upstream.as_deref().or(entry.note).unwrap_or_default();
            // Writing to a String can't fail.
            let _ = writeln!(
                text,
                "  {:<11} {:<46} {upstream}",
                entry.provider, entry.base_url
            );
        }
        text.push_str("\nHeaders\n");
        for (name, about) in listing.headers {
            let _ = writeln!(text, "  {name:<24} {about}");
        }
        let _ = write!(text, "\nTry\n  {}\n", listing.try_it);
        page("text/plain; charset=utf-8", text)
    }

    fn html(&self, listing: &Listing<'_>) -> Response<Body> {
        let mut rows = String::new();
        for entry in &listing.providers {
            let upstream = entry.upstream.as_deref().unwrap_or_default();
            let note = entry.note.unwrap_or_default();
            let _ = write!(
                rows,
                "<tr><th>{}</th><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                escaped(entry.provider),
                escaped(&entry.base_url),
                escaped(upstream),
                escaped(note)
            );
        }
        let mut headers = String::new();
        for (name, about) in listing.headers {
            let _ = write!(
                headers,
                "<tr><th><code>{name}</code></th><td>{}</td></tr>",
                escaped(about)
            );
        }
        let html = include_str!("page/providers.html")
            .replace("{about}", &escaped(listing.about))
            .replace("{providers}", &rows)
            .replace("{headers}", &headers)
            .replace("{try}", &escaped(&listing.try_it));
        page("text/html; charset=utf-8", html)
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn json(value: &impl Serialize) -> Response<Body> {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    page("application/json", text)
}

fn page(kind: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"),
    );
    response
}
