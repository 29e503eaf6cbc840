//! In which form a destination wants what the program tells.
//!
//! Records hold what happened. What a message reads like, where in the code it came from, whether a log record is a span of
//! no duration: that is added here, away from the program's threads, once for all destinations that want the same.

use std::collections::HashMap;

use fanlight_otlp::view::{LogView, SpanView, Value};
use fanlight_otlp::write::{Encoder, RequestWriter, ScopeWriter};
use fanlight_otlp::{Batch, Signal};

use crate::record::{Kind, Record};
use crate::template::Template;
use crate::value::put_attribute;
use crate::{log, span};

/// What a destination wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Form {
    pub(crate) spans: bool,
    pub(crate) logs: LogForm,
    /// Spans that have started, as Logfire's pending spans.
    pub(crate) starts: bool,
    pub(crate) details: Details,
}

/// What becomes of log records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LogForm {
    /// They stay log records.
    #[default]
    Records,
    /// They become spans without duration, for backends that know traces only.
    Spans,
    /// The destination doesn't want them.
    Nothing,
}

/// How much is said about a record besides what the program says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Details {
    /// Where in the code, and the message where it isn't the name.
    #[default]
    Usual,
    /// Also everything that Logfire's pages show: template, level, type, schema.
    Logfire,
}

/// The resource that everything belongs to: fields of an OTLP `Resource`.
pub(crate) type Resource<'a> = fanlight_otlp::write::KeyValues<'a>;

impl Form {
    /// The requests that hold the records; at most one of each signal.
    pub(crate) fn batches(&self, records: &[Record<'_>], resource: Resource<'_>) -> Vec<Batch> {
        let spans = self.request(Signal::Traces, records, resource);
        let logs = self.request(Signal::Logs, records, resource);
        [spans, logs].into_iter().flatten().collect()
    }

    fn request(
        &self,
        signal: Signal,
        records: &[Record<'_>],
        resource: Resource<'_>,
    ) -> Option<Batch> {
        let mut scopes: HashMap<(&str, &str), Vec<&Record<'_>>> = HashMap::new();
        let mut order = Vec::new();
        for record in records
            .iter()
            .filter(|record| self.signal_of(record.kind) == Some(signal))
        {
            let source = record.callsite.source();
            let scope = (source.package, source.version);
            let of_scope = scopes.entry(scope).or_default();
            if of_scope.is_empty() {
                order.push(scope);
            }
            of_scope.push(record);
        }
        if order.is_empty() {
            return None;
        }
        let mut request = RequestWriter::new(signal);
        request.resource(resource, |resource| {
            for scope in order {
                resource.scope(scope.0, scope.1, |out| {
                    for record in scopes.get(&scope).into_iter().flatten() {
                        self.item(record, out);
                    }
                });
            }
        });
        Some(request.finish())
    }

    /// The signal that a record becomes part of, if the destination wants it.
    fn signal_of(&self, kind: Kind) -> Option<Signal> {
        match (kind, self.logs) {
            (Kind::Span, _) => self.spans.then_some(Signal::Traces),
            (Kind::Started, _) => (self.spans && self.starts).then_some(Signal::Traces),
            (Kind::Log, LogForm::Records) => Some(Signal::Logs),
            (Kind::Log, LogForm::Spans) => self.spans.then_some(Signal::Traces),
            (Kind::Log, LogForm::Nothing) => None,
        }
    }

    fn item(&self, record: &Record<'_>, out: &mut ScopeWriter<'_>) {
        match (record.kind, self.logs) {
            (Kind::Log, LogForm::Spans) => {
                out.item(Signal::Traces, 1, |out| self.log_as_span(record, out))
            }
            (Kind::Log, _) => out.item(Signal::Logs, 1, |out| self.log(record, out)),
            (Kind::Span | Kind::Started, _) => {
                out.item(Signal::Traces, 1, |out| self.span(record, out))
            }
        }
    }

    fn span(&self, record: &Record<'_>, out: &mut Encoder) {
        let Ok(view) = SpanView::read(record.message) else {
            return;
        };
        if record.kind == Kind::Started {
            return pending(&view, record, out);
        }
        out.raw(record.message);
        let message = Template::of(record.callsite).message(view.attributes);
        self.describe(
            record,
            field::SPAN_ATTRIBUTES,
            message.as_deref(),
            "span",
            out,
        );
    }

    fn log(&self, record: &Record<'_>, out: &mut Encoder) {
        let Ok(view) = LogView::read(record.message) else {
            return;
        };
        out.raw(record.message);
        out.bytes(3, severity_text(record));
        if view.body == Value::Empty {
            let template = Template::of(record.callsite);
            let message = template.message(view.attributes);
            let body = message.as_deref().unwrap_or(record.callsite.template());
            out.nested(log::field::BODY, |out| out.value(&Value::Str(body)));
        }
        self.describe(record, log::field::ATTRIBUTES, None, "log", out);
    }

    fn log_as_span(&self, record: &Record<'_>, out: &mut Encoder) {
        let Ok(view) = LogView::read(record.message) else {
            return;
        };
        let has_trace = !view.trace_id.is_zero();
        let trace_id = if has_trace {
            view.trace_id.0
        } else {
            fastrand::u128(1..).to_be_bytes()
        };
        out.some_bytes(1, trace_id);
        out.some_bytes(2, fastrand::u64(1..).to_be_bytes());
        if !view.span_id.is_zero() {
            out.some_bytes(4, view.span_id.0);
        }
        let formatted = match view.body {
            Value::Str(text) => Some(text.to_owned()),
            _ => Template::of(record.callsite).message(view.attributes),
        };
        let template = record.callsite.template();
        let name = if template.is_empty() {
            formatted.as_deref().unwrap_or("log")
        } else {
            template
        };
        out.bytes(5, name);
        out.varint(6, span::SpanKind::Internal as u64);
        out.some_fixed64(7, view.time_unix_nano);
        out.some_fixed64(8, view.time_unix_nano);
        for (key, value) in view.attributes.iter().flatten() {
            out.attribute(field::SPAN_ATTRIBUTES, key, &value);
        }
        put_attribute(out, field::SPAN_ATTRIBUTES, "logfire.span_type", "log");
        self.describe(
            record,
            field::SPAN_ATTRIBUTES,
            formatted.as_deref(),
            "",
            out,
        );
    }

    /// Adds what the callsite knows.
    fn describe(
        &self,
        record: &Record<'_>,
        number: u32,
        message: Option<&str>,
        kind: &str,
        out: &mut Encoder,
    ) {
        let callsite = record.callsite;
        let source = callsite.source();
        if !source.file.is_empty() {
            put_attribute(out, number, "code.file.path", source.file);
            put_attribute(out, number, "code.line.number", &source.line);
        }
        if !callsite.tags().is_empty() {
            put_attribute(out, number, "logfire.tags", callsite.tags());
        }
        if let Some(message) = message {
            put_attribute(out, number, "logfire.msg", message);
        }
        let is_logfire = self.details == Details::Logfire;
        let says_level = number == field::SPAN_ATTRIBUTES && record.level != crate::Level::Info;
        if is_logfire || says_level {
            put_attribute(out, number, "logfire.level_num", &record.level.number());
        }
        if is_logfire {
            put_attribute(out, number, "logfire.msg_template", callsite.template());
            if !source.module.is_empty() {
                put_attribute(out, number, "code.module.name", source.module);
            }
            if !kind.is_empty() {
                put_attribute(out, number, "logfire.span_type", kind);
            }
        }
    }
}

mod field {
    pub(super) const SPAN_ATTRIBUTES: u32 = crate::span::field::ATTRIBUTES;
}

fn severity_text(record: &Record<'_>) -> String {
    record.level.name().to_ascii_uppercase()
}

/// A span that has started, as Logfire knows them: a span of its own without duration, whose parent is the span itself.
fn pending(view: &SpanView<'_>, record: &Record<'_>, out: &mut Encoder) {
    out.some_bytes(1, view.trace_id.0);
    out.some_bytes(2, fastrand::u64(1..).to_be_bytes());
    out.some_bytes(4, view.span_id.0);
    out.bytes(5, view.name);
    out.varint(6, view.kind as u64);
    out.some_fixed64(7, view.start_time_unix_nano);
    out.some_fixed64(8, view.start_time_unix_nano);
    for (key, value) in view.attributes.iter().flatten() {
        out.attribute(field::SPAN_ATTRIBUTES, key, &value);
    }
    put_attribute(
        out,
        field::SPAN_ATTRIBUTES,
        "logfire.span_type",
        "pending_span",
    );
    put_attribute(
        out,
        field::SPAN_ATTRIBUTES,
        "logfire.pending_parent_id",
        &view.parent_span_id.to_string(),
    );
    let form = Form {
        details: Details::Logfire,
        ..Form::default()
    };
    let message = Template::of(record.callsite).message(view.attributes);
    form.describe(record, field::SPAN_ATTRIBUTES, message.as_deref(), "", out);
}
