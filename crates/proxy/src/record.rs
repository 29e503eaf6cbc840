//! What becomes of a call that went through: a span, its exchange, its metrics. Never on the client's path.
//!
//! Who forwards a call hands over what passes, which costs a copy of small pieces and a reference to large ones, and never waits.
//! All calls share one budget of bytes; a call takes from it what it brings and gives it back once its record is handed in.
//! Where nothing is left, a call that begins is not recorded, and one that is under way is recorded without its bodies. Both are
//! counted as refused by the receiver, over the transport `proxy_buffer_full`: spans and log records respectively.
//!
//! One thread reads the calls that are over (`record/worker.rs`), every 100 ms or as soon as a quarter of the budget is taken, and
//! hands spans, log records and metrics in together.

mod attributes;
mod body;
mod budget;
mod caller;
mod decode;
mod exchange;
mod json;
mod messages;
mod metrics;
mod read;
mod span;
mod worker;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use fanlight_genai::api::ProviderApi;
use fanlight_genai::price::Prices;
use fanlight_otlp::Signal;
use fanlight_pipeline::Inlet;
use http::{HeaderMap, Method, StatusCode};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::provider::Provider;
use body::{Body, Cut};
use budget::{Budget, Charge};
use worker::{Told, Worker};

/// The scope of everything that is recorded.
const SCOPE: &str = "fanlight.proxy";
/// Its version.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What the counters call the way by which calls are handed in.
const TRANSPORT: &str = "proxy";
/// And what they call it if there was no room.
const BUFFER_FULL: &str = "proxy_buffer_full";
/// How many calls may wait for the worker.
const WAITING: usize = 1 << 16;
/// What a call takes of the budget before its first byte, beside its headers.
const CALL: usize = 2 << 10;

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
    /// How many bytes of a text are kept where texts are cut.
    pub(crate) text_bytes: usize,
}

/// Records the calls of one receiver. Bounded by bytes; never blocks, never awaits; counts what it drops. A clone is the
/// same recorder.
#[derive(Clone)]
pub(crate) struct Recorder(Arc<Shared>);

struct Shared {
    settings: Arc<Settings>,
    budget: Budget,
    worker: mpsc::Sender<Told>,
    /// Wakes the worker before its time.
    hurry: Arc<Notify>,
    inlet: Inlet,
    losses: Arc<Losses>,
}

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
pub(crate) struct RequestSide(Option<Arc<Call>>);

/// The answer's side. Dropping it without [`ResponseSide::end`] means that the client went away.
pub(crate) struct ResponseSide(Option<Box<Answering>>);

/// What both sides know of a call.
struct Call {
    shared: Arc<Shared>,
    started: Instant,
    /// The request so far; the sides rarely meet here.
    request: Mutex<(Body, Charge)>,
}

/// What the answer's side knows.
struct Answering {
    call: Arc<Call>,
    head: CallHead,
    response: Option<(StatusCode, HeaderMap)>,
    answer: Body,
    charge: Charge,
}

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

/// A call that is over.
struct Finished {
    settings: Arc<Settings>,
    head: CallHead,
    request: Body,
    response: Option<(StatusCode, HeaderMap)>,
    answer: Body,
    end: End,
    ended: Instant,
    /// Given back with the call.
    _charges: [Charge; 2],
}

/// What could not be recorded.
#[derive(Debug, Default)]
struct Losses {
    calls: AtomicU64,
    exchanges: AtomicU64,
}

impl Recorder {
    /// A recorder that hands in to `inlet`. Called within a tokio runtime.
    pub(crate) fn new(settings: Settings, inlet: Inlet) -> Recorder {
        let (worker, told) = mpsc::channel(WAITING);
        let losses = Arc::new(Losses::default());
        let hurry = Arc::new(Notify::new());
        let budget = Budget::new(settings.buffer_bytes);
        let reads = Worker {
            inlet: inlet.clone(),
            losses: Arc::clone(&losses),
            budget: budget.clone(),
            prices: Prices::default(),
            hurry: Arc::clone(&hurry),
        };
        let runtime = tokio::runtime::Handle::current();
        let run = move || {
            give_way();
            runtime.block_on(reads.run(told));
        };
        let spawned = std::thread::Builder::new()
            .name("llm-recorder".to_owned())
            .spawn(run);
        if let Err(error) = spawned {
            tracing::error!(%error, "LLM calls are not recorded: no thread could be started");
        }
        Recorder(Arc::new(Shared {
            budget,
            settings: Arc::new(settings),
            worker,
            hurry,
            inlet,
            losses,
        }))
    }

    /// Begins to record a call.
    pub(crate) fn begin(&self, head: CallHead) -> Recording {
        let inert = Recording {
            request: RequestSide(None),
            response: ResponseSide(None),
        };
        if head.capture == Capture::Off {
            return inert;
        }
        let shared = &self.0;
        let taken = shared.budget.take(CALL + size_of_headers(&head.headers));
        let Some((charge, of_request)) = taken.zip(shared.budget.take(0)) else {
            shared.losses.call(&shared.inlet);
            return inert;
        };
        let call = Arc::new(Call {
            shared: Arc::clone(shared),
            started: head.started.1,
            request: Mutex::new((Body::default(), of_request)),
        });
        Recording {
            request: RequestSide(Some(Arc::clone(&call))),
            response: ResponseSide(Some(Box::new(Answering {
                call,
                head,
                response: None,
                answer: Body::default(),
                charge,
            }))),
        }
    }

    /// Resolves once what ended is handed in; called when the receiver stops.
    pub(crate) async fn finish(&self) {
        let (done, told) = oneshot::channel();
        // Without a worker nothing is left to hand in.
        if self.0.worker.send(Told::Flush(done)).await.is_ok() {
            self.0.hurry.notify_one();
            drop(told.await);
        }
    }
}

impl RequestSide {
    /// The next piece of the body, a slice of the connection's buffer.
    pub(crate) fn chunk(&mut self, bytes: &Bytes) {
        if let Some(call) = &self.0 {
            let most = call.shared.settings.body_bytes;
            let (body, charge) = &mut *call.request();
            body.push(bytes, call.started.elapsed(), most, charge);
        }
    }

    /// The next piece of the body, which is no slice of anything larger.
    pub(crate) fn own_chunk(&mut self, bytes: &Bytes) {
        if let Some(call) = &self.0 {
            let most = call.shared.settings.body_bytes;
            let (body, charge) = &mut *call.request();
            body.push_own(bytes, call.started.elapsed(), most, charge);
        }
    }

    /// The body is whole. (A side that is dropped before was broken off.)
    pub(crate) fn end(self) {
        if let Some(call) = &self.0 {
            call.request().0.is_whole = true;
        }
    }
}

impl ResponseSide {
    /// The head came.
    pub(crate) fn head(&mut self, status: StatusCode, headers: &HeaderMap) {
        if let Some(answering) = &mut self.0 {
            // Headers are small and bounded by whoever reads them from the wire.
            answering.charge.grow(size_of_headers(headers));
            answering.response = Some((status, headers.clone()));
        }
    }

    /// The next piece of the body.
    pub(crate) fn chunk(&mut self, bytes: &Bytes) {
        if let Some(answering) = &mut self.0 {
            let call = &answering.call;
            let (at, most) = (call.started.elapsed(), call.shared.settings.body_bytes);
            answering
                .answer
                .push(bytes, at, most, &mut answering.charge);
        }
    }

    /// So many bytes passed that are not told.
    pub(crate) fn passed(&mut self, bytes: usize) {
        if let Some(answering) = &mut self.0 {
            answering.answer.length += bytes as u64;
        }
    }

    /// A message within what passed. The recording has one on each line.
    pub(crate) fn event(&mut self, message: &[u8]) {
        if let Some(answering) = &mut self.0 {
            let call = &answering.call;
            let (at, most) = (call.started.elapsed(), call.shared.settings.body_bytes);
            let line = Bytes::from([message, b"\n"].concat());
            answering
                .answer
                .keep_own(&line, at, most, &mut answering.charge);
        }
    }

    /// The call is over.
    pub(crate) fn end(mut self, end: End) {
        if let Some(answering) = self.0.take() {
            answering.finish(end);
        }
    }
}

/// A client that goes away takes the future with it in which the answer was forwarded; there is no other place to notice it.
impl Drop for ResponseSide {
    fn drop(&mut self) {
        if let Some(answering) = self.0.take() {
            answering.finish(End::ClientGone);
        }
    }
}

impl Call {
    fn request(&self) -> MutexGuard<'_, (Body, Charge)> {
        self.request.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answering {
    fn finish(self, end: End) {
        let shared = &self.call.shared;
        let ended = Instant::now();
        let (request, of_request) = {
            let (body, charge) = &mut *self.call.request();
            (body.close(), charge.take())
        };
        let finished = Box::new(Finished {
            settings: Arc::clone(&shared.settings),
            head: self.head,
            request,
            response: self.response,
            answer: self.answer,
            end,
            ended,
            _charges: [self.charge, of_request],
        });
        if shared.worker.try_send(Told::Call(finished)).is_err() {
            shared.losses.call(&shared.inlet);
        }
        if shared.budget.is_strained() {
            shared.hurry.notify_one();
        }
    }
}

impl Finished {
    /// How long texts may be, if they are to be cut.
    fn text_limit(&self) -> Option<usize> {
        (self.head.capture == Capture::Truncated).then_some(self.settings.text_bytes)
    }

    /// Whether bodies are missing because there was no room for them.
    fn is_short_of_memory(&self) -> bool {
        [&self.request, &self.answer]
            .iter()
            .any(|body| body.cut == Some(Cut::OutOfMemory))
    }
}

impl Losses {
    /// A call leaves no trace.
    fn call(&self, inlet: &Inlet) {
        inlet.refuse(Signal::Traces, 1, BUFFER_FULL);
        tell(&self.calls, "LLM calls are not recorded");
    }

    /// A call is recorded without its bodies.
    fn exchange(&self, inlet: &Inlet) {
        inlet.refuse(Signal::Logs, 1, BUFFER_FULL);
        tell(
            &self.exchanges,
            "LLM calls are recorded without their bodies",
        );
    }
}

/// Counts, and says so at the first and at every thousandth time.
fn tell(count: &AtomicU64, what: &str) {
    let before = count.fetch_add(1, Ordering::Relaxed);
    if before.is_multiple_of(1_000) {
        tracing::warn!(
            so_far = before + 1,
            "{what}: too much is waiting; raise recording_buffer"
        );
    }
}

/// Lets the threads that forward go first, where the system has priorities of threads. Not by much: on a busy machine the recorder
/// must still get its share (half of what others get), or recordings are lost for want of room.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 3) {
        tracing::debug!(%error, "recording does not give way to forwarding");
    }
}

fn size_of_headers(headers: &HeaderMap) -> usize {
    let sizes = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len());
    sizes.sum()
}

#[cfg(test)]
mod tests;
