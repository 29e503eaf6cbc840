//! The fields of `tracing`'s spans and events.

use std::error::Error;
use std::fmt::Debug;

use tracing_core::field::{Field, Visit};
use tracing_core::{Event, Metadata};

use super::super::callsites::{Place, package_of};
use crate::exception::Described;
use crate::value::{DebugValue, ToValue};
use crate::{Level, LogBuilder, Span, SpanBuilder, SpanKind};

/// The fields by which `tracing-log` says where a record was made; `log` is the target of all of those.
const LOG_TARGET: &str = "log";
const LOG_NAME: &str = "log event";
const LOG_PREFIX: &str = "log.";

/// What fields with a meaning of their own say of a span.
///
/// [Source](https://docs.rs/tracing-opentelemetry/latest/tracing_opentelemetry/#special-fields).
#[derive(Debug, Default)]
struct Special {
    name: Option<String>,
    kind: Option<SpanKind>,
    is_ok: bool,
    is_error: bool,
    why: Option<String>,
    error: Option<Described>,
}

impl Special {
    /// Takes a field, if it is one of those.
    fn take(&mut self, name: &str, text: impl FnOnce() -> String) -> bool {
        match name {
            "otel.name" => self.name = Some(text()),
            "otel.kind" => self.kind = kind(&text()),
            "otel.status_code" => {
                let code = text();
                self.is_ok = code.eq_ignore_ascii_case("ok");
                self.is_error = code.eq_ignore_ascii_case("error");
            }
            "otel.status_description" | "otel.status_message" => self.why = Some(text()),
            _ => return false,
        }
        true
    }

    /// Says of a span what can be said after it has started.
    fn settle(self, span: &Span) {
        if let Some(error) = self.error {
            span.record_exception(error);
        }
        if let Some(why) = self.why {
            span.set_error(why);
        } else if self.is_error {
            span.set_failed();
        }
        if self.is_ok {
            span.set_ok();
        }
    }
}

fn kind(text: &str) -> Option<SpanKind> {
    let kinds = [
        ("internal", SpanKind::Internal),
        ("server", SpanKind::Server),
        ("client", SpanKind::Client),
        ("producer", SpanKind::Producer),
        ("consumer", SpanKind::Consumer),
    ];
    let found = kinds
        .iter()
        .find(|(name, _)| text.eq_ignore_ascii_case(name));
    found.map(|(_, kind)| *kind)
}

/// The methods of `Visit` whose values are attributes as they are.
macro_rules! as_they_are {
    () => {
        as_they_are!(record_i64 i64, record_u64 u64, record_i128 i128, record_u128 u128, record_f64 f64, record_bool bool);

        fn record_bytes(&mut self, field: &Field, value: &[u8]) {
            self.put(field, &Bytes(value));
        }
    };
    ($($method:ident $type:ty),*) => {$(
        fn $method(&mut self, field: &Field, value: $type) {
            self.put(field, &value);
        }
    )*};
}

struct Bytes<'a>(&'a [u8]);

impl ToValue for Bytes<'_> {
    fn to_value(&self, out: crate::ValueWriter<'_>) {
        out.bytes(self.0);
    }
}

/// The fields of a span that is about to start.
pub(super) struct SpanFields {
    builder: SpanBuilder,
    special: Special,
}

impl SpanFields {
    pub(super) fn new(builder: SpanBuilder) -> SpanFields {
        SpanFields {
            builder,
            special: Special::default(),
        }
    }

    pub(super) fn start(mut self) -> Span {
        let mut builder = self.builder;
        if let Some(name) = self.special.name.take() {
            builder = builder.name(name);
        }
        if let Some(kind) = self.special.kind.take() {
            builder = builder.kind(kind);
        }
        let span = builder.start();
        self.special.settle(&span);
        span
    }

    fn put(&mut self, field: &Field, value: &(impl ToValue + ?Sized)) {
        self.builder.add(field.name(), value);
    }
}

impl Visit for SpanFields {
    as_they_are!();

    fn record_str(&mut self, field: &Field, value: &str) {
        if !self.special.take(field.name(), || value.to_owned()) {
            self.put(field, value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if !self.special.take(field.name(), || format!("{value:?}")) {
            self.put(field, &DebugValue(value));
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, &value.to_string());
        self.special.error = Some(Described::of_unknown(value));
    }
}

/// Fields that a running span is given later.
pub(super) struct RecordedFields<'a> {
    span: &'a Span,
    special: Special,
}

impl<'a> RecordedFields<'a> {
    pub(super) fn new(span: &'a Span) -> RecordedFields<'a> {
        RecordedFields {
            span,
            special: Special::default(),
        }
    }

    pub(super) fn settle(mut self) {
        if let Some(name) = self.special.name.take() {
            self.span.set_name(name);
        }
        if let Some(kind) = self.special.kind.take() {
            self.span.set_kind(kind);
        }
        self.special.settle(self.span);
    }

    fn put(&mut self, field: &Field, value: &(impl ToValue + ?Sized)) {
        self.span.set(field.name(), value);
    }
}

impl Visit for RecordedFields<'_> {
    as_they_are!();

    fn record_str(&mut self, field: &Field, value: &str) {
        if !self.special.take(field.name(), || value.to_owned()) {
            self.put(field, value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Shown before it is set: what shows itself may use the span.
        let text = format!("{value:?}");
        self.record_str(field, &text);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, &value.to_string());
        self.special.error = Some(Described::of_unknown(value));
    }
}

/// The fields of an event.
pub(super) struct EventFields {
    builder: LogBuilder,
    error: Option<Described>,
    /// Whether what it says is why its span failed.
    is_failure: bool,
    has_message: bool,
    is_from_log: bool,
    message: Option<String>,
    reason: Option<String>,
}

impl EventFields {
    pub(super) fn new(
        builder: LogBuilder,
        metadata: &Metadata<'_>,
        is_from_log: bool,
    ) -> EventFields {
        EventFields {
            builder,
            error: None,
            is_failure: *metadata.level() == tracing_core::Level::ERROR,
            has_message: metadata.fields().field("message").is_some(),
            is_from_log,
            message: None,
            reason: None,
        }
    }

    /// What to emit, and why the span failed if it did.
    pub(super) fn finish(mut self) -> (LogBuilder, Option<String>) {
        if let Some(error) = self.error {
            self.reason = Some(error.message().to_owned());
            self.builder.exception(error);
        } else if let Some(reason) = &self.reason {
            self.builder.add("exception.message", reason);
        }
        if !self.has_message
            && let Some(reason) = &self.reason
        {
            self.builder.message(reason);
        }
        let failure = self
            .is_failure
            .then(|| self.reason.or(self.message).unwrap_or_default());
        (self.builder, failure)
    }

    fn put(&mut self, field: &Field, value: &(impl ToValue + ?Sized)) {
        match field.name() {
            "message" => self.builder.message(value),
            name if self.is_from_log && name.starts_with(LOG_PREFIX) => {}
            name => self.builder.add(name, value),
        }
    }

    /// Keeps what an event says that tells of a failure.
    fn keep(&mut self, field: &Field, text: impl FnOnce() -> String) {
        match field.name() {
            "message" if self.is_failure => self.message = Some(text()),
            "error" if self.is_failure => self.reason = Some(text()),
            _ => {}
        }
    }
}

impl Visit for EventFields {
    as_they_are!();

    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, || value.to_owned());
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.keep(field, || format!("{value:?}"));
        self.put(field, &DebugValue(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, &value.to_string());
        self.error = Some(Described::of_unknown(value));
    }
}

/// Where a record was made that came through `tracing-log`, whose events are all of one place.
#[derive(Debug, Default)]
pub(super) struct LoggedAt {
    target: String,
    module: Option<String>,
    file: Option<String>,
    line: Option<u32>,
}

impl LoggedAt {
    pub(super) fn read(event: &Event<'_>) -> Option<LoggedAt> {
        let metadata = event.metadata();
        if metadata.target() != LOG_TARGET || metadata.name() != LOG_NAME {
            return None;
        }
        let mut logged = LoggedAt::default();
        event.record(&mut logged);
        Some(logged)
    }

    pub(super) fn place(&self, level: Level) -> Place<'_> {
        Place {
            name: "",
            package: package_of(self.module.as_deref(), &self.target),
            version: "",
            target: &self.target,
            file: self.file.as_deref(),
            line: self.line,
            level,
        }
    }
}

impl Visit for LoggedAt {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "log.target" => self.target = value.to_owned(),
            "log.module_path" => self.module = Some(value.to_owned()),
            "log.file" => self.file = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "log.line" {
            self.line = u32::try_from(value).ok();
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
