use std::time::Duration;

use fanlight_genai::spans::read_span;
use fanlight_genai::{Dollars, LlmCall};
use fanlight_otlp::view::{Attributes, SpanView, Value};
use fanlight_otlp::{Batch, TraceId};
use fanlight_pipeline::Outcome;
use fanlight_testkit::Hub;
use serde_json::{Value as Json, json};

use super::*;
use crate::provider::Dialect;

mod fixtures;
mod keys;
mod losses;
mod round_trip;
mod wire;

/// A call, told to the recorder piece by piece.
struct Told {
    host: &'static str,
    path: String,
    query: Option<&'static str>,
    headers: Vec<(&'static str, String)>,
    capture: Capture,
    request: Vec<Bytes>,
    response: Option<(u16, Vec<(&'static str, String)>)>,
    answer: Vec<Bytes>,
    end: End,
}

impl Default for Told {
    fn default() -> Told {
        let request = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]});
        let answer = json!({"id": "1", "model": "gpt-4o-2024-08-06", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 100}});
        Told {
            host: "api.openai.com",
            path: "/v1/chat/completions".to_owned(),
            query: None,
            headers: Vec::new(),
            capture: Capture::Full,
            request: vec![request.to_string().into()],
            response: Some((200, vec![("content-type", "application/json".to_owned())])),
            answer: vec![answer.to_string().into()],
            end: End::Complete,
        }
    }
}

impl Told {
    fn header(mut self, name: &'static str, value: &str) -> Told {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn answered(mut self, status: u16, content_type: &str, answer: impl Into<Bytes>) -> Told {
        self.response = Some((status, vec![("content-type", content_type.to_owned())]));
        self.answer = vec![answer.into()];
        self
    }

    fn head(&self) -> CallHead {
        CallHead {
            provider: Arc::new(provider()),
            api: ProviderApi::detect(self.host, &self.path),
            method: Method::POST,
            path: self.path.clone(),
            query: self.query.map(str::to_owned),
            headers: headers(&self.headers),
            server: (self.host.to_owned(), 443),
            started: (SystemTime::now(), Instant::now()),
            capture: self.capture,
            injected_usage: false,
        }
    }

    fn tell(self, recorder: &Recorder) {
        let Recording {
            mut request,
            mut response,
        } = recorder.begin(self.head());
        self.request.iter().for_each(|chunk| request.chunk(chunk));
        request.end();
        if let Some((status, of_answer)) = &self.response {
            let status = StatusCode::from_u16(*status).unwrap();
            response.head(status, &headers(of_answer));
        }
        self.answer.iter().for_each(|chunk| response.chunk(chunk));
        match self.end {
            End::ClientGone => drop(response),
            end => response.end(end),
        }
    }
}

fn provider() -> Provider {
    Provider {
        name: "openai".to_owned(),
        semantic_name: None,
        dialect: Dialect::Plain,
        base: None,
        headers: HeaderMap::new(),
        key: None,
        counts_when_asked: false,
    }
}

fn headers(headers: &[(&'static str, String)]) -> HeaderMap {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap()));
    headers.collect()
}

fn settings() -> Settings {
    Settings {
        service: "llm-proxy".to_owned(),
        buffer_bytes: 64 << 20,
        body_bytes: 8 << 20,
        text_bytes: 1 << 10,
    }
}

/// Everything that was handed in, and what the receiver counted.
struct Handed {
    batches: Vec<Batch>,
    status: fanlight_pipeline::Status,
}

/// Records calls, and stops.
async fn recorded(settings: Settings, tell: impl FnOnce(&Recorder)) -> Handed {
    let keeper = fanlight_testkit::Recorder::new(|_| Outcome::Delivered);
    let (hub, inlet) = Hub::with_door(&keeper).await;
    let recorder = Recorder::new(settings, inlet);
    tell(&recorder);
    recorder.finish().await;
    let status = hub.status.clone();
    hub.running.stop(Duration::from_secs(10)).await;
    Handed {
        batches: keeper.taken(),
        status,
    }
}

async fn one(told: Told) -> Handed {
    recorded(settings(), |recorder| told.tell(recorder)).await
}

impl Handed {
    fn of(&self, signal: Signal) -> impl Iterator<Item = &Batch> {
        self.batches
            .iter()
            .filter(move |batch| batch.signal() == signal)
    }

    /// Looks at every span.
    fn spans<T>(&self, mut look: impl FnMut(&SpanView<'_>, Option<LlmCall>) -> T) -> Vec<T> {
        let mut all = Vec::new();
        for batch in self.of(Signal::Traces) {
            for resource in batch.resources().map(Result::unwrap) {
                for scope in resource.scopes().map(Result::unwrap) {
                    for span in scope.spans().map(Result::unwrap) {
                        all.push(look(&span, read_span(&resource, &scope, &span)));
                    }
                }
            }
        }
        all
    }

    fn span<T>(&self, look: impl FnMut(&SpanView<'_>, Option<LlmCall>) -> T) -> T {
        let mut all = self.spans(look);
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    /// The bodies of the log records, as JSON.
    fn exchanges(&self) -> Vec<Json> {
        let mut all = Vec::new();
        for batch in self.of(Signal::Logs) {
            for resource in batch.resources().map(Result::unwrap) {
                for scope in resource.scopes().map(Result::unwrap) {
                    for log in scope.logs().map(Result::unwrap) {
                        assert_eq!(log.event_name, "fanlight.llm.exchange");
                        all.push(to_json(&log.body));
                    }
                }
            }
        }
        all
    }

    /// How many items the receiver refused over a transport.
    fn refused(&self, signal: Signal, transport: &str) -> u64 {
        let snapshot = self.status.snapshot();
        let found = snapshot
            .receivers
            .iter()
            .filter(|counters| counters.transport == transport);
        found
            .filter_map(|counters| counters.refused.get(&signal))
            .sum()
    }
}

fn attribute(attributes: &Attributes<'_>, key: &str) -> Json {
    let value = attributes.get(key).unwrap();
    value.map(|value| to_json(&value)).unwrap_or_default()
}

fn to_json(value: &Value<'_>) -> Json {
    match value {
        Value::Str(text) => json!(text),
        Value::Bool(truth) => json!(truth),
        Value::Int(number) => json!(number),
        Value::Double(number) => json!(number),
        Value::Array(items) => items
            .into_iter()
            .map(|item| to_json(&item.unwrap()))
            .collect(),
        Value::Map(map) => map
            .iter()
            .map(|entry| {
                entry
                    .map(|(key, value)| (key.to_owned(), to_json(&value)))
                    .unwrap()
            })
            .collect(),
        _ => Json::Null,
    }
}
