//! What `tracing`'s macros record, as Fanlight's spans and log records.
//!
//! Put [`tracing_layer`] on a subscriber, and everything that uses `tracing` shows up, values typed as they are:
//!
//! ```
//! use tracing_subscriber::layer::SubscriberExt;
//! use tracing_subscriber::util::SubscriberInitExt;
//!
//! tracing_subscriber::registry().with(fanlight::tracing_layer()).init();
//! ```
//!
//! Both kinds of spans nest in each other: an entered `tracing` span is the parent of `fanlight::span!`, and the other way
//! round. The layer wants what Fanlight's filter wants, and leaves other layers alone.
//!
//! - Events are log records, whose message is the field `message`. An event of level ERROR also marks the `tracing` span
//!   that it is in as failed, which is how `#[tracing::instrument(err)]` reports.
//! - Fields that are errors (`error = &error as &dyn Error`) become exceptions, with what caused them.
//! - The fields `otel.name`, `otel.kind`, `otel.status_code` and `otel.status_description` (or `otel.status_message`) say
//!   of a span what they say to `tracing-opentelemetry`.
//! - A span ends when `tracing` closes it: when its last handle and all its children are gone.
//! - Records of the `log` crate that come by `tracing-log` keep the place where they were made.

mod fields;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tracing_core::callsite::{Identifier, rebuild_interest_cache};
use tracing_core::dispatcher::{self, Dispatch, WeakDispatch};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::layer::{Context as Layers, Filter};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::callsites::{LIMIT, Place, package_of};
use crate::callsite::{self, Callsite};
use crate::{Context, Current, Level, LogBuilder, Span, SpanBuilder};
use fields::{EventFields, LoggedAt, RecordedFields, SpanFields};

/// What [`tracing_layer`] makes.
pub type TracingLayer<S> = Filtered<Bridge, Wanted, S>;

/// A layer for `tracing_subscriber` that makes Fanlight's spans and log records of everything.
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let subscriber = tracing_subscriber::registry().with(fanlight::tracing_layer());
/// tracing::subscriber::with_default(subscriber, || tracing::info!(order = 17, "paid"));
/// ```
pub fn tracing_layer<S>() -> TracingLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    Bridge(()).with_filter(Wanted(()))
}

/// Makes spans and log records of what `tracing` tells.
#[derive(Debug)]
pub struct Bridge(());

/// Wants what Fanlight's filter wants.
#[derive(Debug)]
pub struct Wanted(());

/// The span of a `tracing` span, among that one's extensions.
struct Bridged(Span);

/// The newest subscriber with the layer.
static NEWEST: Mutex<Option<WeakDispatch>> = Mutex::new(None);

/// `tracing` remembers what is wanted, until it is told to ask again. Where there is one subscriber, it takes the one of this
/// thread for that, which may have none.
pub(super) fn follow_filter() {
    let newest = NEWEST
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    match newest.and_then(|newest| newest.upgrade()) {
        Some(newest) => dispatcher::with_default(&newest, rebuild_interest_cache),
        None => rebuild_interest_cache(),
    }
}

impl<S> Filter<S> for Wanted {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Layers<'_, S>) -> bool {
        callsite::wants(metadata.target(), level(metadata))
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        match callsite::is_always_wanted(metadata.target(), level(metadata)) {
            Some(true) => Interest::always(),
            Some(false) => Interest::never(),
            None => Interest::sometimes(),
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match callsite::least_wanted() {
            Some(Level::Trace) => LevelFilter::TRACE,
            Some(Level::Debug) => LevelFilter::DEBUG,
            Some(Level::Info) => LevelFilter::INFO,
            Some(Level::Notice | Level::Warn) => LevelFilter::WARN,
            Some(Level::Error) => LevelFilter::ERROR,
            Some(Level::Fatal) | None => LevelFilter::OFF,
        })
    }
}

impl<S> Layer<S> for Bridge
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        let mut newest = NEWEST.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = Some(subscriber.downgrade());
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, layers: Layers<'_, S>) {
        let Some(reference) = layers.span(id) else {
            return;
        };
        let metadata = attributes.metadata();
        let callsite = callsite_of(metadata);
        let mut builder = SpanBuilder::at(callsite);
        if callsite.template() != metadata.name() {
            builder = builder.name(metadata.name().to_owned());
        }
        // What is entered is on Fanlight's stack as well, where native spans may be further in.
        if !attributes.is_contextual() {
            let parent = reference.parent();
            builder = builder.parent(parent.and_then(|parent| context_of(&parent)));
        }
        let mut fields = SpanFields::new(builder);
        attributes.record(&mut fields);
        let span = fields.start();
        reference.extensions_mut().insert(Bridged(span));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, layers: Layers<'_, S>) {
        if let Some(span) = bridged(layers.span(id)) {
            let mut fields = RecordedFields::new(&span);
            values.record(&mut fields);
            fields.settle();
        }
    }

    fn on_follows_from(&self, id: &Id, followed: &Id, layers: Layers<'_, S>) {
        let followed = layers.span(followed);
        if let Some(span) = bridged(layers.span(id))
            && let Some(context) = followed.and_then(|followed| context_of(&followed))
        {
            span.add_link(context);
        }
    }

    fn on_event(&self, event: &Event<'_>, layers: Layers<'_, S>) {
        let metadata = event.metadata();
        let logged = LoggedAt::read(event);
        let callsite = match &logged {
            Some(logged) => logged.place(level(metadata)).callsite(),
            None => callsite_of(metadata),
        };
        let mut builder = LogBuilder::at(callsite);
        if !event.is_contextual() {
            let parent = event.parent().and_then(|id| layers.span(id));
            builder = builder.parent(parent.and_then(|parent| context_of(&parent)));
        }
        let mut fields = EventFields::new(builder, metadata, logged.is_some());
        event.record(&mut fields);
        let (builder, failure) = fields.finish();
        builder.emit();
        if let Some(why) = failure
            && let Some(span) = bridged(layers.event_span(event))
        {
            span.set_error(why);
        }
    }

    fn on_enter(&self, id: &Id, layers: Layers<'_, S>) {
        if let Some(span) = bridged(layers.span(id)) {
            span.push();
        }
    }

    fn on_exit(&self, id: &Id, layers: Layers<'_, S>) {
        if let Some(span) = bridged(layers.span(id)) {
            span.pop();
        }
    }

    fn on_close(&self, id: Id, layers: Layers<'_, S>) {
        let reference = layers.span(&id);
        let closed = reference.and_then(|span| span.extensions_mut().remove::<Bridged>());
        if let Some(Bridged(span)) = closed {
            // Nobody is left who could leave it, should it be entered still.
            span.pop();
            span.end();
        }
    }
}

/// The Fanlight span of a `tracing` span, taken out from under the lock: what is done with it may come back here.
fn bridged<'a, S: LookupSpan<'a>>(span: Option<SpanRef<'a, S>>) -> Option<Current> {
    let span = span?;
    let extensions = span.extensions();
    extensions
        .get::<Bridged>()
        .map(|Bridged(span)| span.share())
}

fn context_of<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Option<Context> {
    let extensions = span.extensions();
    let Bridged(span) = extensions.get::<Bridged>()?;
    span.context()
}

fn level(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing_core::Level::TRACE => Level::Trace,
        tracing_core::Level::DEBUG => Level::Debug,
        tracing_core::Level::INFO => Level::Info,
        tracing_core::Level::WARN => Level::Warn,
        tracing_core::Level::ERROR => Level::Error,
    }
}

thread_local! {
    /// What this thread has asked for before.
    static KNOWN: RefCell<HashMap<Identifier, &'static Callsite>> = RefCell::default();
}

fn callsite_of(metadata: &'static Metadata<'static>) -> &'static Callsite {
    let find = || {
        Place {
            name: if metadata.is_span() {
                metadata.name()
            } else {
                ""
            },
            package: package_of(metadata.module_path(), metadata.target()),
            version: "",
            target: metadata.target(),
            file: metadata.file(),
            line: metadata.line(),
            level: level(metadata),
        }
        .callsite()
    };
    let known = KNOWN.try_with(|known| {
        let mut known = known.borrow_mut();
        if known.len() >= LIMIT {
            known.clear();
        }
        *known.entry(metadata.callsite()).or_insert_with(find)
    });
    // Threads record to the very end, when what they knew is gone.
    known.unwrap_or_else(|_| find())
}
