//! Spans before they start.

use std::sync::{Arc, Mutex, PoisonError};

use fanlight_otlp::SpanId;

use super::{Fields, Span, SpanKind, SpanState};
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
    /// Nothing where the span is not wanted.
    wanted: Option<Wanted>,
}

#[derive(Debug)]
struct Wanted {
    callsite: &'static Callsite,
    context: Context,
    parent: Option<Context>,
    start: Option<u64>,
    fields: Fields,
    spare: Option<Arc<SpanState>>,
}

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
            return SpanBuilder { wanted: None };
        }
        let mut builder = SpanBuilder::at(&NAMED);
        if let Some(wanted) = &mut builder.wanted {
            wanted.fields.name = Some(name);
        }
        builder
    }

    /// A span of a callsite that is wanted; for the macros.
    pub fn at(callsite: &'static Callsite) -> SpanBuilder {
        let wanted = Local::with(|local| {
            let mut spare = local.spare_span();
            let fields = spare.as_mut().and_then(Arc::get_mut).map(|state| {
                std::mem::take(
                    state
                        .fields
                        .get_mut()
                        .unwrap_or_else(PoisonError::into_inner),
                )
            });
            let parent = local.active().map(Active::context);
            Wanted {
                callsite,
                context: local.child_of(parent),
                parent,
                start: None,
                fields: fields.unwrap_or_default(),
                spare,
            }
        });
        SpanBuilder { wanted }
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
        if let Some(wanted) = &mut self.wanted
            && wanted.context.is_sampled
        {
            wanted.fields.add_attribute(key, value);
        }
    }

    /// Makes it a child of that span, which may be in another thread or process.
    pub fn parent(mut self, parent: impl Into<Option<Context>>) -> SpanBuilder {
        if let Some(wanted) = &mut self.wanted {
            let parent = parent.into();
            if let Some(context) = Local::with(|local| local.child_of(parent)) {
                wanted.context = context;
                wanted.parent = parent;
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
        if let Some(wanted) = &mut self.wanted {
            wanted.start = Some(unix_nanos);
        }
        self
    }

    /// Starts it.
    pub fn start(self) -> Span {
        let Some(wanted) = self.wanted else {
            return Span::none();
        };
        let is_sampled = wanted.context.is_sampled;
        let state = SpanState {
            callsite: wanted.callsite,
            context: wanted.context,
            parent: wanted
                .parent
                .map_or(SpanId::default(), |parent| parent.span_id),
            start: wanted.start.unwrap_or_else(clock::now),
            fields: Mutex::new(wanted.fields),
        };
        let state = match wanted.spare {
            Some(mut spare) => {
                if let Some(slot) = Arc::get_mut(&mut spare) {
                    *slot = state;
                }
                spare
            }
            None => Arc::new(state),
        };
        if is_sampled && callsite::are_starts_wanted() {
            state.announce();
        }
        Span { state: Some(state) }
    }

    fn change(mut self, change: impl FnOnce(&mut Fields)) -> SpanBuilder {
        if let Some(wanted) = &mut self.wanted {
            change(&mut wanted.fields);
        }
        self
    }
}
