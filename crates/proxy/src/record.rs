//! What becomes of a call that went through: a span, its exchange, its metrics. Never on the client's path.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use fanlight_genai::api::ProviderApi;
use fanlight_pipeline::Inlet;
use http::{HeaderMap, Method, StatusCode};

use crate::provider::Provider;

/// How much of calls is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Capture {
    /// Spans with messages, and the exchange as it went over the wire.
    #[default]
    Full,
    /// The same with long texts cut.
    Truncated,
    /// Spans without what was said.
    Metadata,
    /// Nothing.
    Off,
}

/// What holds for all calls of a receiver.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// `service.name` of callers that do not say theirs.
    pub(crate) service: String,
    /// How many bytes of calls may wait for being recorded.
    pub(crate) buffer_bytes: usize,
    /// How many bytes of one request or answer are recorded.
    pub(crate) body_bytes: usize,
}

/// Records the calls of one receiver. Bounded by bytes; never blocks, never awaits; counts what it drops. A clone is the
/// same recorder.
#[derive(Clone)]
pub(crate) struct Recorder;

/// What is known of a call before its first byte goes on.
#[derive(Debug)]
pub(crate) struct CallHead {
    pub(crate) provider: Arc<Provider>,
    /// The interface; none for what is no call of a model (a list of models, a file).
    pub(crate) api: Option<ProviderApi>,
    pub(crate) method: Method,
    /// The path at the upstream, without its query.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    /// The client's headers as they came, keys and ours (`X-LLMFlow-...`, `X-Fanlight-...`) included.
    pub(crate) headers: HeaderMap,
    /// The upstream's host and port.
    pub(crate) server: (String, u16),
    pub(crate) started: (SystemTime, Instant),
    pub(crate) capture: Capture,
    /// Whether the answer carries a usage chunk that the client did not ask for; the recording sees it.
    pub(crate) injected_usage: bool,
}

/// One call that is being recorded, as two sides that run at the same time. Both may be inert (capture off, buffer full):
/// then every call of them returns at once. Chunks are what goes over the wire at the upstream, encoded as it is there.
pub(crate) struct Recording {
    pub(crate) request: RequestSide,
    pub(crate) response: ResponseSide,
}

/// The request's side. Dropping it ends the request.
pub(crate) struct RequestSide;

/// The answer's side. Dropping it without [`ResponseSide::end`] means that the client went away.
pub(crate) struct ResponseSide;

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The answer came whole.
    Complete,
    /// The client did not wait for it.
    ClientGone,
    /// The upstream could not be reached or broke off: why. If no head came, the client has an error of the proxy.
    Upstream(String),
}

impl Recorder {
    /// A recorder that hands in to `inlet`. Called within a tokio runtime.
    pub(crate) fn new(_settings: Settings, _inlet: Inlet) -> Recorder {
        Recorder
    }

    /// Begins to record a call.
    pub(crate) fn begin(&self, _head: CallHead) -> Recording {
        Recording {
            request: RequestSide,
            response: ResponseSide,
        }
    }

    /// Resolves once what ended is handed in; called when the receiver stops.
    pub(crate) async fn finish(&self) {}
}

impl RequestSide {
    /// The next piece of the body.
    pub(crate) fn chunk(&mut self, _bytes: &Bytes) {}

    /// The body is whole. (A side that is dropped before was broken off.)
    pub(crate) fn end(self) {}
}

impl ResponseSide {
    /// The head came.
    pub(crate) fn head(&mut self, _status: StatusCode, _headers: &HeaderMap) {}

    /// The next piece of the body.
    pub(crate) fn chunk(&mut self, _bytes: &Bytes) {}

    /// The call is over.
    pub(crate) fn end(self, _end: End) {}
}
