//! X-Ray's `PutTraceSegments`.

use std::collections::VecDeque;
use std::sync::Mutex;

use fanlight_net::Body;
use fanlight_net::http::text;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{Account, Fault, segment};
use crate::Recorded;

/// How many documents a request may have.
const MOST_DOCUMENTS: usize = 50;

/// X-Ray in one account and region.
#[derive(Debug)]
pub struct XRay {
    account: Account,
    faults: Mutex<VecDeque<Fault>>,
    unprocessed: Mutex<Vec<(String, &'static str)>>,
    segments: Mutex<Vec<Value>>,
}

impl XRay {
    /// Nothing in it yet.
    pub fn new(account: Account) -> XRay {
        XRay {
            account,
            faults: Mutex::default(),
            unprocessed: Mutex::default(),
            segments: Mutex::default(),
        }
    }

    /// The next request is answered with this error.
    pub fn fail_once(&self, status: u16, name: &'static str, message: &str) {
        let fault = Fault::new(status, name, message);
        self.faults
            .lock()
            .expect("nobody panicked")
            .push_back(fault);
    }

    /// The segment with this id is not processed the next time that it comes, with this error code.
    pub fn leave_unprocessed_once(&self, id: &str, code: &'static str) {
        let mut unprocessed = self.unprocessed.lock().expect("nobody panicked");
        unprocessed.push((id.to_owned(), code));
    }

    /// The documents that were processed.
    pub fn segments(&self) -> Vec<Value> {
        self.segments.lock().expect("nobody panicked").clone()
    }

    /// The answer to a request.
    pub fn answer(&self, request: &Recorded) -> Response<Body> {
        match self.put(request) {
            Ok(unprocessed) => text(
                StatusCode::OK,
                json!({ "UnprocessedTraceSegments": unprocessed }).to_string(),
            ),
            Err(fault) => fault.rest(),
        }
    }

    fn put(&self, request: &Recorded) -> Result<Vec<Value>, Fault> {
        let invalid = |message: String| Fault::new(400, "InvalidRequestException", message);
        if request.path != "/TraceSegments" {
            let message = format!("{} is no operation", request.path);
            return Err(Fault::new(404, "UnknownOperationException", message));
        }
        self.account.check(request, "xray")?;
        if !request.header("content-encoding").is_empty() {
            return Err(invalid("the body can't be read".to_owned()));
        }
        if let Some(fault) = self.faults.lock().expect("nobody panicked").pop_front() {
            return Err(fault);
        }
        let body: Value = serde_json::from_slice(&request.body)
            .map_err(|error| Fault::new(400, "SerializationException", error.to_string()))?;
        let documents = body["TraceSegmentDocuments"]
            .as_array()
            .ok_or_else(|| invalid("TraceSegmentDocuments is missing".to_owned()))?;
        if documents.len() > MOST_DOCUMENTS {
            return Err(invalid(format!(
                "at most {MOST_DOCUMENTS} documents, not {}",
                documents.len()
            )));
        }
        Ok(documents
            .iter()
            .filter_map(|document| self.process(document))
            .collect())
    }

    /// Keeps a document, or says why not.
    fn process(&self, document: &Value) -> Option<Value> {
        let checked = match document.as_str() {
            Some(text) => segment::check(text),
            None => Err("a document is JSON in a text".to_owned()),
        };
        let document = match checked {
            Ok(document) => document,
            Err(why) => {
                return Some(json!({"Id": null, "ErrorCode": "InvalidSegment", "Message": why}));
            }
        };
        let mut unprocessed = self.unprocessed.lock().expect("nobody panicked");
        let planned = unprocessed
            .iter()
            .position(|(id, _)| document["id"] == id.as_str());
        if let Some((id, code)) = planned.map(|index| unprocessed.remove(index)) {
            return Some(json!({"Id": id, "ErrorCode": code, "Message": "as planned"}));
        }
        self.segments
            .lock()
            .expect("nobody panicked")
            .push(document);
        None
    }
}
