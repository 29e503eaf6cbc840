//! Splunk's HTTP Event Collector, strict: what Splunk refuses, this refuses with its code.
//! [Codes](https://docs.splunk.com/Documentation/Splunk/latest/Data/TroubleshootHTTPEventCollector#Possible_error_codes).

use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fanlight_net::Body;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::{Backend, Recorded};

/// What the fake asks for.
pub struct Rules {
    /// The tokens that are let in.
    pub tokens: &'static [&'static str],
    /// The largest body, after decompression.
    pub largest: usize,
    /// What a request is answered instead, by its number from 0: a status.
    pub status: Box<dyn Fn(usize) -> Option<u16> + Send + Sync>,
}

impl Default for Rules {
    /// One token; everything is taken.
    fn default() -> Rules {
        Rules {
            tokens: &["11111111-1111-1111-1111-111111111111"],
            largest: 1 << 20,
            status: Box::new(|_| None),
        }
    }
}

/// An event that was taken, and with which token.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The token.
    pub token: String,
    /// The event, or the line.
    pub event: Value,
}

/// A running fake.
pub struct SplunkHec {
    backend: Backend,
    taken: Arc<Mutex<Vec<Taken>>>,
}

impl SplunkHec {
    /// Starts it.
    pub fn start(rules: Rules) -> SplunkHec {
        let taken = Arc::<Mutex<Vec<Taken>>>::default();
        let (list, requests) = (taken.clone(), Mutex::new(0));
        let backend = Backend::http(None, move |recorded| {
            if recorded.path == "/services/collector/health" {
                return answer(200, &json!({"text": "HEC is healthy", "code": 17}));
            }
            let number = {
                let mut requests = requests.lock().expect("nobody panicked");
                *requests += 1;
                *requests - 1
            };
            if let Some(status) = (rules.status)(number) {
                return answer(status, &json!({"text": "Server is busy", "code": 9}));
            }
            match take(&rules, recorded) {
                Ok(events) => {
                    list.lock().expect("nobody panicked").extend(events);
                    answer(200, &json!({"text": "Success", "code": 0}))
                }
                Err((status, code, text)) => answer(status, &json!({"text": text, "code": code})),
            }
        });
        SplunkHec { backend, taken }
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
    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().expect("nobody panicked").clone()
    }
}

type Refused = (u16, u16, &'static str);

const INVALID: Refused = (400, 6, "Invalid data format");

fn answer(status: u16, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    let json = http::HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json);
    response
}

fn take(rules: &Rules, recorded: &Recorded) -> Result<Vec<Taken>, Refused> {
    let token = match recorded.header("authorization") {
        "" => return Err((401, 2, "Token is required")),
        other => other
            .strip_prefix("Splunk ")
            .ok_or((401, 3, "Invalid authorization"))?,
    };
    if !rules.tokens.contains(&token) {
        return Err((403, 4, "Invalid token"));
    }
    let body = plain(recorded)?;
    if body.len() > rules.largest {
        return Err((413, 27, "Request entity too large"));
    }
    if body.is_empty() {
        return Err((400, 5, "No data"));
    }
    let (path, _) = recorded
        .path
        .split_once('?')
        .unwrap_or((&recorded.path, ""));
    let events = match path {
        "/services/collector/raw" => {
            let text = std::str::from_utf8(&body).map_err(|_| INVALID)?;
            text.lines().map(Value::from).collect()
        }
        "/services/collector" | "/services/collector/event" => events(&body)?,
        _ => return Err((404, 404, "The requested URL was not found on this server.")),
    };
    let taken = |event| Taken {
        token: token.to_owned(),
        event,
    };
    Ok(events.into_iter().map(taken).collect())
}

fn plain(recorded: &Recorded) -> Result<Bytes, Refused> {
    match recorded.header("content-encoding") {
        "" => Ok(recorded.body.clone()),
        "gzip" => {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&*recorded.body)
                .read_to_end(&mut plain)
                .map_err(|_| INVALID)?;
            Ok(plain.into())
        }
        _ => Err((415, 6, "Unsupported media type")),
    }
}

fn events(body: &[u8]) -> Result<Vec<Value>, Refused> {
    let stream = serde_json::Deserializer::from_slice(body).into_iter::<Value>();
    let events: Vec<Value> = stream.collect::<Result<_, _>>().map_err(|_| INVALID)?;
    for event in &events {
        let members = event.as_object().ok_or(INVALID)?;
        let known = [
            "time",
            "host",
            "source",
            "sourcetype",
            "index",
            "event",
            "fields",
        ];
        if members.keys().any(|key| !known.contains(&key.as_str())) {
            return Err(INVALID);
        }
        match members.get("event") {
            None | Some(Value::Null) => return Err((400, 12, "Event field is required")),
            Some(Value::String(text)) if text.is_empty() => {
                return Err((400, 13, "Event field cannot be blank"));
            }
            Some(_) => {}
        }
        if members.get("time").is_some_and(|time| !time.is_number()) {
            return Err(INVALID);
        }
        check_fields(event).ok_or((400, 15, "Error in handling indexed fields"))?;
    }
    Ok(events)
}

/// Fields are flat; a metric has at least one value.
fn check_fields(event: &Value) -> Option<()> {
    let nothing = serde_json::Map::new();
    let fields = match event.get("fields") {
        None => &nothing,
        Some(fields) => fields.as_object()?,
    };
    let is_flat = |value: &Value| match value {
        Value::Object(_) | Value::Null => false,
        Value::Array(list) => list
            .iter()
            .all(|value| !value.is_object() && !value.is_array()),
        _ => true,
    };
    let values = fields
        .keys()
        .filter(|key| key.starts_with("metric_name:"))
        .count();
    let is_metric = event["event"] == "metric";
    (fields.values().all(is_flat) && (!is_metric || values > 0)).then_some(())
}
