//! Elasticsearch's bulk API, strict: what version 8.18 refuses, this refuses in its words.
//! [API](https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk).

use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fanlight_net::Body;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::strict_json;
use crate::{Backend, Recorded};

/// A document that was taken.
#[derive(Clone, Debug)]
pub struct Document {
    /// What the action line says.
    pub action: Value,
    /// The document.
    pub source: Value,
}

/// A running fake.
pub struct Elasticsearch {
    backend: Backend,
    taken: Arc<Mutex<Vec<Document>>>,
}

/// The status of a document, from the number of the request and the document.
type Status = dyn Fn(usize, &Document) -> u16 + Send + Sync;

/// What the fake asks for, and how it answers for documents.
pub struct Rules {
    /// The value of `Authorization` that is let in.
    pub authorization: &'static str,
    /// The largest body, before decompression.
    pub largest: usize,
    /// The status of a document: 201 takes it. Called with the number of the request, from 0, and the document.
    pub status: Box<Status>,
}

impl Default for Rules {
    /// User `elastic` with password `changeme`; everything is taken.
    fn default() -> Rules {
        Rules {
            authorization: "Basic ZWxhc3RpYzpjaGFuZ2VtZQ==",
            largest: 100 << 20,
            status: Box::new(|_, _| 201),
        }
    }
}

impl Elasticsearch {
    /// Starts it.
    pub fn start(rules: Rules) -> Elasticsearch {
        let taken = Arc::<Mutex<Vec<Document>>>::default();
        let (list, requests) = (taken.clone(), Mutex::new(0));
        let backend = Backend::http(None, move |recorded| {
            let number = {
                let mut requests = requests.lock().expect("nobody panicked");
                *requests += 1;
                *requests - 1
            };
            match bulk(&rules, recorded) {
                Ok(documents) => answer(&rules, number, documents, &list),
                Err((status, kind, reason)) => refusal(status, kind, &reason),
            }
        });
        Elasticsearch { backend, taken }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.backend.address
    }

    /// The requests as they came.
    pub fn requests(&self) -> Vec<Recorded> {
        self.backend.requests()
    }

    /// What it took, in order.
    pub fn taken(&self) -> Vec<Document> {
        self.taken.lock().expect("nobody panicked").clone()
    }
}

type Refused = (u16, &'static str, String);

fn answer(
    rules: &Rules,
    number: usize,
    documents: Vec<Document>,
    taken: &Mutex<Vec<Document>>,
) -> Response<Body> {
    let mut errors = false;
    let mut items = Vec::new();
    for document in documents {
        let mut status = (rules.status)(number, &document);
        let mut kind = match status {
            429 => "es_rejected_execution_exception",
            409 => "version_conflict_engine_exception",
            503 => "unavailable_shards_exception",
            _ => "document_parsing_exception",
        };
        let requires = document.action["create"]["require_data_stream"] == json!(true);
        if requires && document.source["@timestamp"].is_null() {
            (status, kind) = (400, "document_parsing_exception");
        }
        let mut item = json!({"status": status});
        if status < 300 {
            taken.lock().expect("nobody panicked").push(document);
        } else {
            errors = true;
            item["error"] = json!({"type": kind, "reason": "the document said secret things"});
        }
        items.push(json!({"create": item}));
    }
    let body = json!({"errors": errors, "items": items});
    response(200, &body)
}

fn refusal(status: u16, kind: &str, reason: &str) -> Response<Body> {
    let body = json!({"error": {"type": kind, "reason": reason}, "status": status});
    response(status, &body)
}

fn response(status: u16, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    response
}

fn bulk(rules: &Rules, recorded: &Recorded) -> Result<Vec<Document>, Refused> {
    let invalid = |reason: String| (400, "illegal_argument_exception", reason);
    if recorded.header("authorization") != rules.authorization {
        let reason = "unable to authenticate user for REST request [/_bulk]".to_owned();
        return Err((401, "security_exception", reason));
    }
    let (path, query) = recorded
        .path
        .split_once('?')
        .unwrap_or((&recorded.path, ""));
    if path != "/_bulk" {
        return Err(invalid(format!("no handler found for uri [{path}]")));
    }
    let known = [
        "filter_path",
        "pipeline",
        "include_source_on_error",
        "require_data_stream",
        "refresh",
        "timeout",
    ];
    let keys = query.split('&').filter_map(|pair| pair.split('=').next());
    if let Some(unknown) = keys
        .filter(|key| !key.is_empty())
        .find(|key| !known.contains(key))
    {
        let reason = format!("request [/_bulk] contains unrecognized parameter: [{unknown}]");
        return Err(invalid(reason));
    }
    let content_type = recorded.header("content-type");
    if !["application/x-ndjson", "application/json"].contains(&content_type) {
        let reason = format!("Content-Type header [{content_type}] is not supported");
        return Err((406, "media_type_header_exception", reason));
    }
    if recorded.body.len() > rules.largest {
        return Err((413, "content_too_large", "the body is too large".to_owned()));
    }
    documents(&plain(recorded)?)
}

/// Reads the lines of a body.
fn documents(body: &[u8]) -> Result<Vec<Document>, Refused> {
    let invalid = |reason: String| (400, "illegal_argument_exception", reason);
    if body.last() != Some(&b'\n') {
        return Err(invalid(
            "The bulk request must be terminated by a newline [\\n]".into(),
        ));
    }
    let mut documents = Vec::new();
    let mut lines = body.split(|byte| *byte == b'\n').enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        if line.is_empty() && lines.peek().is_none() {
            break;
        }
        let action = action(number + 1, line).map_err(invalid)?;
        let (number, line) = lines
            .next()
            .ok_or_else(|| invalid("no document".to_owned()))?;
        let source = strict_json::read(line);
        let source = source.map_err(|error| invalid(format!("[{number}] {error}")))?;
        documents.push(Document { action, source });
    }
    match documents.is_empty() {
        true => Err(invalid(
            "Validation Failed: 1: no requests added;".to_owned(),
        )),
        false => Ok(documents),
    }
}

fn plain(recorded: &Recorded) -> Result<Bytes, Refused> {
    match recorded.header("content-encoding") {
        "" => Ok(recorded.body.clone()),
        "gzip" => {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&*recorded.body)
                .read_to_end(&mut plain)
                .map_err(|error| (400, "zip_exception", error.to_string()))?;
            Ok(plain.into())
        }
        other => Err((415, "unsupported_encoding", other.to_owned())),
    }
}

/// Reads an action line, whose members are few.
fn action(number: usize, line: &[u8]) -> Result<Value, String> {
    let action = strict_json::read(line);
    let action =
        action.map_err(|error| format!("Malformed action/metadata line [{number}]: {error}"))?;
    let create = action.get("create").and_then(Value::as_object);
    let create = create.ok_or_else(|| {
        format!("Malformed action/metadata line [{number}], expected one of [create]")
    })?;
    let known = [
        "_index",
        "_id",
        "pipeline",
        "require_data_stream",
        "dynamic_templates",
    ];
    if let Some(unknown) = create.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!(
            "Action/metadata line [{number}] contains an unknown parameter [{unknown}]"
        ));
    }
    let index = create
        .get("_index")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let invalid = |c: char| c.is_uppercase() || "\\/*?\"<>| ,#:".contains(c);
    if index.is_empty() || index.starts_with(['-', '_', '+']) || index.contains(invalid) {
        return Err(format!("Invalid index name [{index}]"));
    }
    Ok(action)
}
