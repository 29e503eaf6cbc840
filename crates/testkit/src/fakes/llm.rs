//! Providers of language models in one server: OpenAI (and those that copy it), Anthropic, Gemini, Cohere and Ollama, each
//! at its own paths, with its own keys and words. What the real one refuses, it refuses; whole answers and streams have the
//! real wire formats, and the same request always gets the same bytes.
//!
//! | Provider | Source |
//! |---|---|
//! | OpenAI | <https://platform.openai.com/docs/api-reference> |
//! | Anthropic | <https://docs.anthropic.com/en/api/messages> |
//! | Gemini | <https://ai.google.dev/api/generate-content> |
//! | Cohere | <https://docs.cohere.com/v2/reference/chat> |
//! | Ollama | <https://github.com/ollama/ollama/blob/main/docs/api.md> |
//!
//! How an answer is sent is asked for in the request's own text, by wishes such as `{{pause 2000}}` ([`Wishes`]), so that
//! clients that nobody here wrote can ask for it. What came is answered by `GET /_requests`.

mod anthropic;
mod cohere;
mod deliver;
mod gemini;
mod ollama;
mod openai;
mod responses;
mod wishes;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use fanlight_config::ListenAddress;
use fanlight_config::blocks::HttpServer;
use fanlight_net::Body;
use fanlight_net::http::{Handler, Server};
use fanlight_pipeline::{Stop, Stopper};
use futures::future::BoxFuture;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

pub use wishes::Wishes;

/// The key that OpenAI and those that copy it accept, as a bearer token.
pub const OPENAI_KEY: &str = "sk-proj-fake0123456789abcdefghij";
/// The key that Anthropic accepts, in `x-api-key`; as a bearer token it is an account's.
pub const ANTHROPIC_KEY: &str = "sk-ant-api03-fake0123456789abcdef";
/// The key that Gemini accepts, in `x-goog-api-key` or `?key=`.
pub const GEMINI_KEY: &str = "AIzaSyFake0123456789abcdefghijklmnopqrs";
/// The key that Cohere accepts, as a bearer token.
pub const COHERE_KEY: &str = "co-fake0123456789abcdefghijklmnopqrs";

/// What every text answer says, unless another length is wished for.
pub const ANSWER: &str = "Hello! How can I help you today?";

/// How the server behaves where a request has no wishes of its own.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where to listen; a free port of 127.0.0.1 when left out.
    pub endpoint: Option<ListenAddress>,
    /// What every request gets.
    pub wishes: Wishes,
    /// Whether requests are forgotten, as a load test wants it.
    pub forgets: bool,
}

/// The providers, on a port of their own; they stop when dropped.
pub struct Providers {
    /// Where they listen.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    stopper: Stopper,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Every header.
    pub headers: HeaderMap,
    /// The body as it was on the wire.
    pub body: Bytes,
}

impl Providers {
    /// Starts them on a free port.
    pub fn start() -> Providers {
        Providers::start_with(Options::default())
    }

    /// Starts them.
    pub fn start_with(options: Options) -> Providers {
        let default = ListenAddress::new("127.0.0.1", 0);
        let endpoint = options.endpoint.unwrap_or(default);
        let server =
            Server::http(&HttpServer::default(), &endpoint, "test").expect("the port is free");
        let (stopper, stop) = Stop::new();
        let (address, seen) = (server.address(), Arc::<Mutex<Vec<Seen>>>::default());
        let desk = Desk {
            seen: seen.clone(),
            wishes: options.wishes,
            forgets: options.forgets,
        };
        tokio::spawn(server.serve(Arc::new(desk), stop));
        Providers {
            address,
            seen,
            stopper,
        }
    }

    /// A base address: `url("/v1")`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Every request so far, oldest first; they are forgotten then.
    pub fn take_seen(&self) -> Vec<Seen> {
        take(&self.seen)
    }
}

impl Drop for Providers {
    fn drop(&mut self) {
        self.stopper.stop();
    }
}

fn take(seen: &Mutex<Vec<Seen>>) -> Vec<Seen> {
    std::mem::take(&mut *seen.lock().expect("nobody panicked"))
}

struct Desk {
    seen: Arc<Mutex<Vec<Seen>>>,
    wishes: Wishes,
    forgets: bool,
}

/// A request as a provider looks at it.
struct Asked<'a> {
    path: &'a str,
    query: &'a str,
    headers: &'a HeaderMap,
    body: &'a Bytes,
    wishes: Wishes,
}

/// What a provider answers.
enum Reply {
    Whole(Value),
    /// Not JSON: its content type and bytes.
    File(&'static str, Vec<u8>),
    /// The content type and the frames of a stream.
    Stream(&'static str, Vec<String>),
}

/// Why a provider does not: the status and the body.
struct Refusal(u16, Value);

type Answered = Result<Reply, Refusal>;

impl Asked<'_> {
    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    fn bearer(&self) -> &str {
        self.header("authorization")
            .strip_prefix("Bearer ")
            .unwrap_or("")
    }

    fn is_json(&self) -> bool {
        self.header("content-type").starts_with("application/json")
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The text of an answer, in as many pieces as a stream sends it.
    fn pieces(&self) -> Vec<String> {
        self.wishes.pieces(ANSWER)
    }

    fn text(&self) -> String {
        self.pieces().concat()
    }
}

impl Handler for Desk {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            // A client that broke off gets an answer that nobody reads.
            let body = body
                .collect()
                .await
                .map(http_body_util::Collected::to_bytes);
            let body = body.unwrap_or_default();
            let path = head.uri.path();
            if path == "/_requests" {
                return deliver::json(StatusCode::OK, &self.seen_as_json());
            }
            if !self.forgets {
                self.seen.lock().expect("nobody panicked").push(Seen {
                    method: head.method.clone(),
                    path: head.uri.to_string(),
                    headers: head.headers.clone(),
                    body: body.clone(),
                });
            }
            let asked = Asked {
                path,
                query: head.uri.query().unwrap_or(""),
                headers: &head.headers,
                body: &body,
                wishes: self.wishes.clone().read(&body),
            };
            let accepts_gzip = asked.header("accept-encoding").contains("gzip");
            tokio::time::sleep(asked.wishes.delay).await;
            let answered = match asked.wishes.status {
                Some(status) => Err(failure(&asked, status)),
                None => answer(&head.method, &asked),
            };
            deliver::send(answered, &asked.wishes, accepts_gzip)
        })
    }
}

impl Desk {
    fn seen_as_json(&self) -> Value {
        let seen = take(&self.seen).into_iter().map(|one| {
            let headers: Vec<[String; 2]> = one
                .headers
                .iter()
                .map(|(name, value)| {
                    [
                        name.to_string(),
                        String::from_utf8_lossy(value.as_bytes()).into_owned(),
                    ]
                })
                .collect();
            json!({
                "method": one.method.as_str(),
                "path": one.path,
                "headers": headers,
                "body": BASE64_STANDARD.encode(&one.body),
            })
        });
        seen.collect()
    }
}

/// Whose path it is.
fn answer(method: &Method, asked: &Asked<'_>) -> Answered {
    let path = asked.path;
    if is_of_gemini(path) {
        gemini::answer(method, asked)
    } else if path.starts_with("/v2/") {
        cohere::answer(method, asked)
    } else if path.starts_with("/api/") && !path.starts_with("/api/v1/") {
        ollama::answer(method, asked)
    } else if path.starts_with("/v1/messages") {
        anthropic::answer(method, asked)
    } else {
        openai::answer(method, asked)
    }
}

/// `/v1/models/NAME:generateContent` is; OpenAI's models have no colon.
fn is_of_gemini(path: &str) -> bool {
    let version = ["/v1beta/", "/v1alpha/"];
    version.iter().any(|version| path.starts_with(version))
        || path.starts_with("/v1/models/") && path.contains(':')
}

/// A failure that was wished for, in the provider's words.
fn failure(asked: &Asked<'_>, status: u16) -> Refusal {
    if asked.path.starts_with("/v1/messages") {
        anthropic::failure(status)
    } else if is_of_gemini(asked.path) {
        gemini::failure(status)
    } else {
        openai::failure(status)
    }
}

/// Arguments that a JSON schema of an object accepts: what a model would make up.
fn arguments(schema: &Value) -> Value {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let made_up = |schema: &Value| match schema["type"].as_str().map(str::to_lowercase).as_deref() {
        Some("integer") => json!(18),
        Some("number") => json!(1.5),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("object") => json!({}),
        _ => match &schema["enum"][0] {
            Value::Null => json!("Paris"),
            first => first.clone(),
        },
    };
    properties
        .map(|(name, schema)| (name.clone(), made_up(schema)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// A text in pieces of about this many characters, as arguments of tools are streamed.
fn split(text: &str, length: usize) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters
        .chunks(length)
        .map(|piece| piece.iter().collect())
        .collect()
}

/// A server-sent event without a name.
fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// A server-sent event with its `type` as its name.
fn event(value: &Value) -> String {
    format!(
        "event: {}\ndata: {value}\n\n",
        value["type"].as_str().unwrap_or("")
    )
}

/// How long a wish of milliseconds is.
fn milliseconds(number: u64) -> Duration {
    Duration::from_millis(number)
}

#[cfg(test)]
mod tests;
