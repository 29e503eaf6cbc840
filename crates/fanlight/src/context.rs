//! Which span the running code belongs to.
//!
//! Every thread has a stack of entered spans; the innermost is the parent of what starts there. Besides it, a thread keeps
//! its buffer, and used memory to use again, so that a span costs no allocation once a thread has warmed up.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use fanlight_otlp::write::Encoder;
use fanlight_otlp::{SpanId, TraceId};

use crate::handoff::{Handoff, ThreadBuffer};
use crate::propagation::Carried;
use crate::span::SpanState;

/// What a span passes to its children, in this process or another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The trace.
    pub trace_id: TraceId,
    /// The span that children have as their parent.
    pub span_id: SpanId,
    /// Whether the trace is recorded.
    pub is_sampled: bool,
    /// What came with the trace from elsewhere, and goes with it.
    pub(crate) carried: Carried,
}

/// What may be on the stack.
#[derive(Clone, Debug)]
pub(crate) enum Active {
    Span(Arc<SpanState>),
    /// A span of elsewhere.
    Remote(Context),
}

/// What a thread owns.
pub(crate) struct Local {
    stack: Vec<Active>,
    spare_spans: Vec<Arc<SpanState>>,
    spare_encoders: Vec<Encoder>,
    pub(crate) random: fastrand::Rng,
    generation: u64,
    outlet: Option<(Arc<Handoff>, Arc<ThreadBuffer>)>,
    /// Where the thread's telemetry goes instead, the last of them at present; for tests.
    redirections: Vec<Arc<Handoff>>,
}

/// How much used memory a thread keeps.
const SPARE: usize = 32;
/// Memory of more than this is freed rather than kept.
const SPARE_BYTES: usize = 16 * 1024;

/// Where the program's telemetry goes at present, and how often that has changed.
static CURRENT: RwLock<Option<Arc<Handoff>>> = RwLock::new(None);
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Sampled traces are those whose id, read as a number, is not above this.
static SAMPLED: AtomicU64 = AtomicU64::new(u64::MAX);

thread_local! {
    static LOCAL: RefCell<Local> = RefCell::new(Local {
        stack: Vec::new(),
        spare_spans: Vec::new(),
        spare_encoders: Vec::new(),
        random: fastrand::Rng::new(),
        generation: 0,
        outlet: None,
        redirections: Vec::new(),
    });
}

/// Where telemetry goes from now on; nowhere without one.
pub(crate) fn direct(handoff: Option<Arc<Handoff>>) {
    let mut current = CURRENT.write().unwrap_or_else(PoisonError::into_inner);
    *current = handoff;
    GENERATION.fetch_add(1, Ordering::Release);
}

/// No generation, so that a thread looks again where its telemetry goes.
const OUTDATED: u64 = u64::MAX;

/// Where this thread's telemetry goes from now on, whatever happens to that of the program.
pub(crate) fn redirect(handoff: Arc<Handoff>) {
    Local::with(|local| {
        local.redirections.push(handoff);
        local.generation = OUTDATED;
    });
}

/// Ends a redirection of this thread.
pub(crate) fn redirect_no_more(handoff: &Arc<Handoff>) {
    Local::with(|local| {
        let mut redirections = local.redirections.iter();
        if let Some(index) = redirections.rposition(|other| Arc::ptr_eq(other, handoff)) {
            local.redirections.remove(index);
            local.generation = OUTDATED;
        }
    });
}

/// Whether this thread's telemetry is redirected.
pub(crate) fn is_redirected() -> bool {
    Local::with(|local| !local.redirections.is_empty()).unwrap_or(false)
}

/// Which share of new traces is recorded, from 0 to 1.
pub(crate) fn set_sample_rate(rate: f64) {
    SAMPLED.store(threshold(rate), Ordering::Relaxed);
}

/// The highest low half of a trace id that a share of all traces stays below.
pub(crate) fn threshold(rate: f64) -> u64 {
    if rate >= 1.0 {
        u64::MAX
    } else {
        (rate.max(0.0) * u64::MAX as f64) as u64
    }
}

impl Local {
    /// Runs with what the thread owns. Nothing when the thread is about to end, or is in here already.
    pub(crate) fn with<R>(run: impl FnOnce(&mut Local) -> R) -> Option<R> {
        LOCAL
            .try_with(|local| local.try_borrow_mut().ok().map(|mut local| run(&mut local)))
            .ok()
            .flatten()
    }

    /// The innermost entered span.
    pub(crate) fn active(&self) -> Option<&Active> {
        self.stack.last()
    }

    /// The context that children get here, and whether they start a trace.
    pub(crate) fn child_of(&mut self, parent: Option<Context>) -> Context {
        let span_id = SpanId(self.random.u64(1..).to_be_bytes());
        match parent {
            Some(parent) => Context { span_id, ..parent },
            None => {
                let low = self.random.u64(1..);
                let id = u128::from(self.random.u64(..)) << 64 | u128::from(low);
                Context {
                    trace_id: TraceId(id.to_be_bytes()),
                    span_id,
                    is_sampled: low <= SAMPLED.load(Ordering::Relaxed)
                        || !self.redirections.is_empty(),
                    carried: Carried::default(),
                }
            }
        }
    }

    /// Makes something the innermost.
    pub(crate) fn push(&mut self, active: Active) {
        self.stack.push(active);
    }

    /// Takes a span off the stack; usually it is the innermost.
    pub(crate) fn pop(&mut self, span_id: SpanId) -> Option<Active> {
        let mut innermost_first = self.stack.iter();
        let index = innermost_first.rposition(|active| active.span_id() == span_id)?;
        Some(self.stack.remove(index))
    }

    /// Memory for a span.
    pub(crate) fn spare_span(&mut self) -> Option<Arc<SpanState>> {
        self.spare_spans.pop()
    }

    /// Keeps the memory of a span that nobody else has.
    pub(crate) fn keep_span(&mut self, span: Arc<SpanState>) {
        if self.spare_spans.len() < SPARE {
            self.spare_spans.push(span);
        }
    }

    /// An empty encoder.
    pub(crate) fn spare_encoder(&mut self) -> Encoder {
        self.spare_encoders.pop().unwrap_or_default()
    }

    /// Keeps the memory of an encoder.
    pub(crate) fn keep_encoder(&mut self, mut encoder: Encoder) {
        if self.spare_encoders.len() < SPARE && encoder.capacity() <= SPARE_BYTES {
            encoder.clear();
            self.spare_encoders.push(encoder);
        }
    }

    /// Hands a record over, if anybody collects them.
    pub(crate) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let generation = GENERATION.load(Ordering::Acquire);
        if self.generation != generation {
            self.find_outlet();
            self.generation = generation;
        }
        if let Some((handoff, buffer)) = &self.outlet {
            handoff.append(buffer, write);
        }
    }

    #[cold]
    fn find_outlet(&mut self) {
        let current = CURRENT.read().unwrap_or_else(PoisonError::into_inner);
        let handoff = self.redirections.last().or(current.as_ref());
        self.outlet = handoff.map(|handoff| (Arc::clone(handoff), handoff.join()));
    }
}

impl Active {
    pub(crate) fn context(&self) -> Context {
        match self {
            Active::Span(span) => span.context(),
            Active::Remote(context) => *context,
        }
    }

    fn span_id(&self) -> SpanId {
        match self {
            Active::Span(span) => span.span_id(),
            Active::Remote(context) => context.span_id,
        }
    }
}

impl Context {
    /// A context that came on a way of its own; [`Context::from_headers`] is for those in HTTP headers.
    pub fn new(trace_id: TraceId, span_id: SpanId, is_sampled: bool) -> Context {
        Context {
            trace_id,
            span_id,
            is_sampled,
            carried: Carried::default(),
        }
    }

    /// The context of the running code: that of the innermost entered span.
    pub fn current() -> Option<Context> {
        Local::with(|local| local.active().map(Active::context)).flatten()
    }

    /// Makes what starts on this thread a child of it, until the guard is dropped.
    pub fn enter(self) -> EnteredContext {
        Local::with(|local| local.push(Active::Remote(self)));
        EnteredContext {
            span_id: self.span_id,
            stays_on_thread: std::marker::PhantomData,
        }
    }
}

/// While it lives, what starts on the thread is a child of the context.
#[derive(Debug)]
#[must_use = "the context is left when this is dropped"]
pub struct EnteredContext {
    span_id: SpanId,
    stays_on_thread: std::marker::PhantomData<*const ()>,
}

impl Drop for EnteredContext {
    fn drop(&mut self) {
        // The span is dropped outside: what it does then may come back here.
        drop(Local::with(|local| local.pop(self.span_id)));
    }
}
