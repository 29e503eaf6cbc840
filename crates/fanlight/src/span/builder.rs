//! Spans before they start.

use std::sync::Arc;

use fanlight_otlp::SpanId;

use super::{Fields, Identity, Span, SpanKind, SpanState};
use crate::callsite::{Callsite, Source};
use crate::context::{Active, Context, Local};
use crate::value::ToValue;
use crate::{Level, callsite, clock};

/// A span that has not started. It starts with [`SpanBuilder::start`], as a child of the innermost entered span unless told otherwise.
///
/// ```
/// use fanlight::{Span, SpanKind};
///
/// let table = "orders";
/// let span = Span::build(format!("SELECT {table}")).kind(SpanKind::Client).attribute("db.system.name", "postgresql").start();
/// ```
#[derive(Debug)]
#[must_use = "the span starts with `start`"]
pub struct SpanBuilder {
    /// Nobody else has it yet. Nothing where the span is not wanted.
    state: Option<Arc<SpanState>>,
}

/// The start of a span for which none was said.
const UNSAID: u64 = 0;

/// The callsite of all spans whose name is known at run time only.
static NAMED: Callsite = Callsite::new(
    "",
    Level::Info,
    Source {
        package: "fanlight",
        version: env!("CARGO_PKG_VERSION"),
        module: "",
        file: "",
        line: 0,
    },
);

impl SpanBuilder {
    pub(super) fn named(name: String) -> SpanBuilder {
        if !NAMED.is_wanted() {
            return SpanBuilder { state: None };
        }
        SpanBuilder::at(&NAMED).change(|fields| fields.name = Some(name))
    }

    /// A span of a callsite that is wanted; for the macros.
    pub fn at(callsite: &'static Callsite) -> SpanBuilder {
        let state = Local::with(|local| {
            let parent = local.active().map(Active::context);
            let identity = Identity {
                callsite,
                context: local.child_of(parent),
                parent: span_id(parent),
                start: UNSAID,
            };
            let mut spare = local.spare_span();
            match spare.as_mut().and_then(Arc::get_mut) {
                Some(state) => state.identity = identity,
                None => spare = Some(Arc::new(SpanState::new(identity))),
            }
            spare
        });
        SpanBuilder {
            state: state.flatten(),
        }
    }

    /// Adds an attribute. A later one of the same name is a second one: use [`Span::set`] to replace.
    #[inline]
    pub fn attribute(mut self, key: &str, value: impl ToValue) -> SpanBuilder {
        self.add(key, &value);
        self
    }

    /// Adds an attribute; for the macros.
    #[inline]
    pub fn add(&mut self, key: &str, value: &(impl ToValue + ?Sized)) {
        if let Some(state) = self.state()
            && state.identity.context.is_sampled
        {
            state.own_fields().add_attribute(key, value);
        }
    }

    /// Makes it a child of that span, which may be in another thread or process.
    pub fn parent(mut self, parent: impl Into<Option<Context>>) -> SpanBuilder {
        if let Some(state) = self.state() {
            let parent = parent.into();
            if let Some(context) = Local::with(|local| local.child_of(parent)) {
                state.identity.context = context;
                state.identity.parent = span_id(parent);
            }
        }
        self
    }

    /// Starts a trace of its own, whatever span is entered.
    pub fn root(self) -> SpanBuilder {
        self.parent(None)
    }

    /// Its name, where that is not its callsite's template.
    #[cfg(any(feature = "tower", feature = "reqwest", feature = "tracing"))]
    pub(crate) fn name(self, name: String) -> SpanBuilder {
        self.change(|fields| fields.name = Some(name))
    }

    /// What it does for whom.
    pub fn kind(self, kind: SpanKind) -> SpanBuilder {
        self.change(|fields| fields.kind = Some(kind))
    }

    /// How much it matters.
    pub fn level(self, level: Level) -> SpanBuilder {
        self.change(|fields| fields.level = Some(level))
    }

    /// Names another span that has to do with it.
    pub fn link(self, to: Context) -> SpanBuilder {
        self.change(|fields| fields.add_link(to))
    }

    /// When it started, in nanoseconds since 1970; otherwise the moment of [`SpanBuilder::start`].
    pub fn start_time(mut self, unix_nanos: u64) -> SpanBuilder {
        if let Some(state) = self.state() {
            state.identity.start = unix_nanos;
        }
        self
    }

    /// Starts it.
    pub fn start(mut self) -> Span {
        if let Some(state) = self.state() {
            if state.identity.start == UNSAID {
                state.identity.start = clock::now();
            }
            if state.identity.context.is_sampled && callsite::are_starts_wanted() {
                state.announce();
            }
        }
        Span { state: self.state }
    }

    fn change(mut self, change: impl FnOnce(&mut Fields)) -> SpanBuilder {
        if let Some(state) = self.state() {
            change(state.own_fields());
        }
        self
    }

    fn state(&mut self) -> Option<&mut SpanState> {
        self.state.as_mut().and_then(Arc::get_mut)
    }
}

/// The id of a parent; zero for a root.
fn span_id(parent: Option<Context>) -> SpanId {
    parent.map_or(SpanId::default(), |parent| parent.span_id)
}
