//! Spans: operations with a start, an end and whatever happened between.

mod builder;
mod entered;

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanlight_otlp::SpanId;
use fanlight_otlp::write::Encoder;

use crate::callsite::Callsite;
use crate::context::{Active, Context, Local};
use crate::exception::{Described, Exception};
use crate::record::{self, Kind};
use crate::value::{ToValue, put_attribute};
use crate::{Level, clock, panic};

pub use builder::SpanBuilder;
pub use entered::{Entered, EnteredSpan, Instrument, Instrumented};

/// What a span does for whom.
///
/// [Source](https://opentelemetry.io/docs/specs/otel/trace/api/#spankind).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SpanKind {
    /// Work inside the program.
    #[default]
    Internal = 1,
    /// Answering a request from elsewhere.
    Server = 2,
    /// A request to elsewhere.
    Client = 3,
    /// Handing over a message.
    Producer = 4,
    /// Taking a message.
    Consumer = 5,
}

/// An operation. It ends when this is dropped, or with [`Span::end`].
///
/// A span has to be entered for others to become its children: [`Span::in_scope`] for a closure, [`Span::entered`] for the
/// rest of a block, [`Instrument::instrument`] for a future.
///
/// ```
/// let span = fanlight::span!("pay {order}", order = 17);
/// span.in_scope(|| fanlight::info!("card accepted"));
/// span.set("amount", 12.5);
/// ```
#[derive(Debug, Default)]
#[must_use = "a span ends when it is dropped; `let _span = ...` keeps it until the end of the block"]
pub struct Span {
    state: Option<Arc<SpanState>>,
}

/// A span given as a parent, or as a link.
impl From<&Span> for Option<Context> {
    fn from(span: &Span) -> Option<Context> {
        span.context()
    }
}

/// What is known of a span that has not ended. Its memory is used again, so that a span costs no allocation.
#[derive(Debug)]
pub(crate) struct SpanState {
    identity: Identity,
    fields: Mutex<Fields>,
}

/// What no longer changes once a span has started.
#[derive(Debug)]
struct Identity {
    callsite: &'static Callsite,
    context: Context,
    parent: SpanId,
    start: u64,
}

/// What may still change.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    /// Attributes, events and links: fields of an OTLP `Span`.
    encoded: Encoder,
    name: Option<String>,
    level: Option<Level>,
    kind: Option<SpanKind>,
    status: Status,
    has_ended: bool,
}

#[derive(Debug, Default)]
enum Status {
    #[default]
    Unset,
    Ok,
    Error(String),
}

/// Field numbers of an OTLP `Span`.
pub(crate) mod field {
    pub(crate) const ATTRIBUTES: u32 = 9;
    pub(crate) const EVENTS: u32 = 11;
    pub(crate) const LINKS: u32 = 13;
    pub(crate) const STATUS: u32 = 15;
}

impl Span {
    /// A span that records nothing and is nobody's parent.
    #[inline]
    pub const fn none() -> Span {
        Span { state: None }
    }

    /// Starts building a span whose name is known only at run time.
    pub fn build(name: impl Into<String>) -> SpanBuilder {
        SpanBuilder::named(name.into())
    }

    /// Whether anything is recorded. If not, what would only be computed for it can be spared.
    pub fn is_recording(&self) -> bool {
        self.state
            .as_ref()
            .is_some_and(|state| state.identity.context.is_sampled)
    }

    /// What children in other threads, tasks or processes need to know of it.
    pub fn context(&self) -> Option<Context> {
        self.state.as_ref().map(|state| state.context())
    }

    /// Sets an attribute, and replaces the one of that name.
    pub fn set(&self, key: &str, value: impl ToValue) -> &Span {
        self.change(|fields| fields.set_attribute(key, &value));
        self
    }

    /// Gives it another name.
    pub fn set_name(&self, name: impl Into<String>) -> &Span {
        self.change(|fields| fields.name = Some(name.into()));
        self
    }

    /// Sets the message that people read; the name stays what it is.
    pub fn set_message(&self, message: impl std::fmt::Display) -> &Span {
        self.set("logfire.msg", crate::value::DisplayValue(message))
    }

    /// Says how much it matters.
    pub fn set_level(&self, level: Level) -> &Span {
        self.change(|fields| fields.level = Some(level));
        self
    }

    /// Says that it went well, which later errors don't change.
    pub fn set_ok(&self) -> &Span {
        self.change(|fields| fields.status = Status::Ok);
        self
    }

    /// Says that it failed, and why.
    pub fn set_error(&self, why: impl std::fmt::Display) -> &Span {
        self.change(|fields| fields.fail(why.to_string()));
        self
    }

    /// Records an error as an exception, and that the span failed.
    pub fn record_error<E: Error + ?Sized>(&self, error: &E) -> &Span {
        self.change_at(|fields, source| fields.record(&Exception::of(error, source)));
        self
    }

    /// Records an exception, and that the span failed; for the macros.
    #[doc(hidden)]
    pub fn record_exception(&self, described: Described) {
        self.change_at(|fields, source| fields.record(&described.at(source)));
    }

    /// Records that something happened now.
    pub fn add_event(&self, name: &str, attributes: &[(&str, &dyn ToValue)]) -> &Span {
        self.change(|fields| fields.add_event(name, attributes));
        self
    }

    /// Names another span that has to do with it.
    pub fn add_link(&self, to: Context) -> &Span {
        self.change(|fields| fields.add_link(to));
        self
    }

    /// Another handle, which does not end it.
    #[cfg(feature = "tracing")]
    pub(crate) fn share(&self) -> Current {
        Current {
            span: std::mem::ManuallyDrop::new(Span {
                state: self.state.clone(),
            }),
        }
    }

    /// Says that it failed, where nothing has said why.
    #[cfg(any(feature = "tower", feature = "reqwest", feature = "tracing"))]
    pub(crate) fn set_failed(&self) {
        self.change(|fields| {
            if !matches!(fields.status, Status::Error(_)) {
                fields.fail(String::new());
            }
        });
    }

    /// Says what it does for whom.
    #[cfg(feature = "tracing")]
    pub(crate) fn set_kind(&self, kind: SpanKind) {
        self.change(|fields| fields.kind = Some(kind));
    }

    /// Ends it now.
    pub fn end(self) {}

    fn change(&self, change: impl FnOnce(&mut Fields)) {
        self.change_at(|fields, _| change(fields));
    }

    fn change_at(&self, change: impl FnOnce(&mut Fields, &'static Callsite)) {
        if let Some(state) = &self.state {
            state.change(change);
        }
    }
}

impl Drop for Span {
    #[inline]
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            SpanState::end(state);
        }
    }
}

/// The innermost entered span, to add to it from wherever the code is. Nothing happens where there is none.
///
/// ```
/// fanlight::current().set("user.id", 17);
/// ```
pub fn current() -> Current {
    let state = Local::with(|local| match local.active() {
        Some(Active::Span(state)) => Some(Arc::clone(state)),
        _ => None,
    });
    Current {
        span: std::mem::ManuallyDrop::new(Span {
            state: state.flatten(),
        }),
    }
}

/// A span that somebody else will end. It offers what [`Span`] does.
#[derive(Debug)]
pub struct Current {
    span: std::mem::ManuallyDrop<Span>,
}

impl std::ops::Deref for Current {
    type Target = Span;

    fn deref(&self) -> &Span {
        &self.span
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        // Gives the share of the span back without ending it.
        drop(self.span.state.take());
    }
}

impl SpanState {
    fn new(identity: Identity) -> SpanState {
        SpanState {
            identity,
            fields: Mutex::default(),
        }
    }

    pub(crate) fn context(&self) -> Context {
        self.identity.context
    }

    pub(crate) fn span_id(&self) -> SpanId {
        self.identity.context.span_id
    }

    fn change(&self, change: impl FnOnce(&mut Fields, &'static Callsite)) {
        if self.identity.context.is_sampled {
            let mut fields = self.fields();
            if !fields.has_ended {
                change(&mut fields, self.identity.callsite);
            }
        }
    }

    fn fields(&self) -> MutexGuard<'_, Fields> {
        self.fields.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its fields, for whoever has it alone.
    fn own_fields(&mut self) -> &mut Fields {
        let fields = self.fields.get_mut();
        fields.unwrap_or_else(PoisonError::into_inner)
    }

    fn end(mut state: Arc<SpanState>) {
        let end = clock::now();
        if std::thread::panicking() {
            let start = state.identity.start;
            state.change(|fields, _| fields.fail_by_panic(start));
        }
        Local::with(|local| match Arc::get_mut(&mut state) {
            Some(SpanState { identity, fields }) => {
                let fields = fields.get_mut().unwrap_or_else(PoisonError::into_inner);
                identity.hand_over(Kind::Span, fields, end, local);
                fields.reset();
                local.keep_span(state);
            }
            // Somebody still holds it as the current span, and the memory goes with them.
            None => {
                let mut fields = state.fields();
                fields.has_ended = true;
                state.identity.hand_over(Kind::Span, &fields, end, local);
            }
        });
    }

    /// Hands over that the span has started, for live views and the console.
    fn announce(&self) {
        let Identity { start, .. } = self.identity;
        let fields = self.fields();
        Local::with(|local| {
            let identity = &self.identity;
            identity.hand_over(Kind::Started, &fields, start, local);
        });
    }
}

impl Identity {
    fn hand_over(&self, kind: Kind, fields: &Fields, end: u64, local: &mut Local) {
        if self.context.is_sampled {
            let level = fields.level(self.callsite);
            local.append(|buffer| {
                record::append(buffer, kind, self.callsite, level, |out| {
                    self.write(fields, end, out)
                });
            });
        }
    }

    fn write(&self, fields: &Fields, end: u64, out: &mut Encoder) {
        let kind = fields.kind.unwrap_or(self.callsite.kind());
        out.some_bytes(1, self.context.trace_id.0);
        out.some_bytes(2, self.context.span_id.0);
        if !self.parent.is_zero() {
            out.some_bytes(4, self.parent.0);
        }
        out.bytes(
            5,
            fields.name.as_deref().unwrap_or(self.callsite.template()),
        );
        out.varint(6, kind as u64);
        out.some_fixed64(7, self.start);
        out.some_fixed64(8, end);
        out.raw(fields.encoded.as_bytes());
        match &fields.status {
            Status::Unset => {}
            Status::Ok => out.nested(15, |out| out.varint(3, 1)),
            Status::Error(why) => out.nested(15, |out| {
                out.bytes(2, why);
                out.varint(3, 2);
            }),
        }
    }
}

impl Fields {
    /// Forgets everything but the memory, of which no more is kept than most spans need.
    fn reset(&mut self) {
        const KEPT: usize = 4096;
        let mut encoded = std::mem::take(&mut self.encoded);
        encoded.clear();
        if encoded.capacity() > KEPT {
            encoded = Encoder::new();
        }
        *self = Fields {
            encoded,
            ..Fields::default()
        };
    }

    fn level(&self, callsite: &Callsite) -> Level {
        let level = self.level.unwrap_or(callsite.level());
        match self.status {
            Status::Error(_) => level.max(Level::Error),
            Status::Unset | Status::Ok => level,
        }
    }

    fn add_attribute(&mut self, key: &str, value: &(impl ToValue + ?Sized)) {
        put_attribute(&mut self.encoded, field::ATTRIBUTES, key, value);
    }

    fn set_attribute(&mut self, key: &str, value: &(impl ToValue + ?Sized)) {
        crate::attributes::remove(&mut self.encoded, field::ATTRIBUTES, key);
        self.add_attribute(key, value);
    }

    fn add_event(&mut self, name: &str, attributes: &[(&str, &dyn ToValue)]) {
        self.encoded.nested(field::EVENTS, |out| {
            out.some_fixed64(1, clock::now());
            out.bytes(2, name);
            for (key, value) in attributes {
                put_attribute(out, 3, key, *value);
            }
        });
    }

    fn add_link(&mut self, to: Context) {
        self.encoded.nested(field::LINKS, |out| {
            out.some_bytes(1, to.trace_id.0);
            out.some_bytes(2, to.span_id.0);
        });
    }

    fn fail(&mut self, why: String) {
        if !matches!(self.status, Status::Ok) {
            self.status = Status::Error(why);
        }
    }

    fn record(&mut self, exception: &Exception) {
        self.add_event("exception", &exception.attributes());
        self.set_attribute("logfire.exception.fingerprint", exception.fingerprint());
        self.fail(exception.summary());
    }

    fn fail_by_panic(&mut self, start: u64) {
        if let Status::Unset = self.status {
            let message = panic::message_since(start);
            self.fail(message.map_or("panicked".to_owned(), |why| format!("panicked: {why}")));
        }
    }
}
