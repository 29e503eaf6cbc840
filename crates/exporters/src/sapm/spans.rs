//! Spans as Jaeger's.

use bytes::Bytes;
use fanlight_formats::jaeger::{
    Batch, Duration, KeyValue, Log, Process, Span, SpanRef, SpanRefType, Timestamp, ValueType,
};
use fanlight_formats::signalfx::PostSpansRequest;
use fanlight_otlp::view::{Attributes, ResourceView, ScopeView, SpanView, Value};
use fanlight_otlp::{DecodeError, SpanId, TraceId};

use crate::pieces::LeftOut;
use crate::span_words::kind_in_lower_case;
use crate::splunk_ingest::TOKEN_ATTRIBUTE;

/// The service of a resource without attributes, as the Collector calls it.
const NO_SERVICE: &str = "OTLPResourceNoServiceName";

/// A request that is being filled.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// The request.
    pub(super) request: PostSpansRequest,
    /// The numbers of its spans in the batch.
    pub(super) items: Vec<usize>,
}

impl Group {
    /// Adds the spans of a resource; `number` is that of its first span, and afterwards that of the next resource's.
    pub(super) fn add(
        &mut self,
        resource: &ResourceView<'_>,
        number: &mut usize,
        left_out: &mut LeftOut,
    ) -> Result<(), DecodeError> {
        let mut spans = Vec::new();
        for scope in resource.scopes() {
            let scope = scope?;
            for span in scope.spans() {
                let span = span?;
                if span.trace_id.is_zero() || span.span_id.is_zero() {
                    left_out.items += 1;
                    "a span has no id".clone_into(&mut left_out.why);
                } else {
                    spans.push(jaeger_span(&span, &scope)?);
                    self.items.push(*number);
                }
                *number += 1;
            }
        }
        if !spans.is_empty() {
            self.request.batches.push(Batch {
                spans,
                process: Some(process(&resource.attributes)?),
            });
        }
        Ok(())
    }
}

fn process(attributes: &Attributes<'_>) -> Result<Process, DecodeError> {
    let mut process = Process {
        service_name: match attributes.is_empty() {
            true => NO_SERVICE.to_owned(),
            false => String::new(),
        },
        tags: Vec::with_capacity(attributes.len()),
    };
    for attribute in attributes.iter() {
        match attribute? {
            ("service.name", value) => process.service_name = value.to_text().into_owned(),
            (TOKEN_ATTRIBUTE, _) => {}
            (key, value) => process.tags.push(tag(key, &value)),
        }
    }
    Ok(process)
}

fn jaeger_span(span: &SpanView<'_>, scope: &ScopeView<'_>) -> Result<Span, DecodeError> {
    let taken = span
        .end_time_unix_nano
        .saturating_sub(span.start_time_unix_nano);
    Ok(Span {
        trace_id: Bytes::copy_from_slice(&span.trace_id.0),
        span_id: Bytes::copy_from_slice(&span.span_id.0),
        operation_name: span.name.to_owned(),
        references: references(span)?,
        flags: span.flags & 0xff,
        start_time: Some(Timestamp::from_nanos(span.start_time_unix_nano)),
        duration: Some(Duration::from_nanos(taken)),
        tags: tags(span, scope)?,
        logs: logs(span)?,
        ..Span::default()
    })
}

/// The parent comes first: that is where backends look for it. Links without ids lead nowhere.
fn references(span: &SpanView<'_>) -> Result<Vec<SpanRef>, DecodeError> {
    let mut references = Vec::new();
    if !span.parent_span_id.is_zero() {
        references.push(reference(
            span.trace_id,
            span.parent_span_id,
            SpanRefType::ChildOf,
        ));
    }
    for link in span.links() {
        let link = link?;
        if link.trace_id.is_zero() || link.span_id.is_zero() {
            continue;
        }
        let kind = match link.attributes.get("opentracing.ref_type")? {
            Some(Value::Str("child_of")) => SpanRefType::ChildOf,
            _ => SpanRefType::FollowsFrom,
        };
        let is_parent = link.trace_id == span.trace_id && link.span_id == span.parent_span_id;
        match references.first_mut().filter(|_| is_parent) {
            Some(parent) => parent.ref_type = kind as i32,
            None => references.push(reference(link.trace_id, link.span_id, kind)),
        }
    }
    Ok(references)
}

fn reference(trace_id: TraceId, span_id: SpanId, kind: SpanRefType) -> SpanRef {
    SpanRef {
        trace_id: Bytes::copy_from_slice(&trace_id.0),
        span_id: Bytes::copy_from_slice(&span_id.0),
        ref_type: kind as i32,
    }
}

fn tags(span: &SpanView<'_>, scope: &ScopeView<'_>) -> Result<Vec<KeyValue>, DecodeError> {
    let mut tags = Vec::with_capacity(span.attributes.len() + 7);
    let mut text = |key: &str, value: &str| {
        if !value.is_empty() {
            tags.push(KeyValue::text(key, value));
        }
    };
    text("otel.scope.name", scope.name);
    text("otel.scope.version", scope.version);
    if span.kind != 0 {
        text("span.kind", kind_in_lower_case(span.kind));
    }
    text("otel.status_code", status_name(span.status.code));
    text("otel.status_description", span.status.message);
    text("w3c.tracestate", span.trace_state);
    if span.status.code == 2 {
        tags.push(tag("error", &Value::Bool(true)));
    }
    for attribute in span.attributes {
        let (key, value) = attribute?;
        tags.push(tag(key, &value));
    }
    Ok(tags)
}

const fn status_name(code: i32) -> &'static str {
    match code {
        1 => "OK",
        2 => "ERROR",
        _ => "",
    }
}

fn logs(span: &SpanView<'_>) -> Result<Vec<Log>, DecodeError> {
    let mut logs = Vec::new();
    for event in span.events() {
        let event = event?;
        let mut fields = Vec::with_capacity(event.attributes.len() + 1);
        if !event.name.is_empty() && event.attributes.get("event")?.is_none() {
            fields.push(KeyValue::text("event", event.name));
        }
        for attribute in event.attributes {
            let (key, value) = attribute?;
            fields.push(tag(key, &value));
        }
        logs.push(Log {
            timestamp: Some(Timestamp::from_nanos(event.time_unix_nano)),
            fields,
        });
    }
    Ok(logs)
}

fn tag(key: &str, value: &Value<'_>) -> KeyValue {
    let mut tag = KeyValue {
        key: key.to_owned(),
        ..KeyValue::default()
    };
    let kind = match value {
        Value::Bool(value) => {
            tag.v_bool = *value;
            ValueType::Bool
        }
        Value::Int(value) => {
            tag.v_int64 = *value;
            ValueType::Int64
        }
        Value::Double(value) => {
            tag.v_float64 = *value;
            ValueType::Float64
        }
        Value::Bytes(value) => {
            tag.v_binary = Bytes::copy_from_slice(value);
            ValueType::Binary
        }
        Value::Str(_) | Value::Empty | Value::Array(_) | Value::Map(_) => {
            tag.v_str = value.to_text().into_owned();
            ValueType::String
        }
    };
    tag.v_type = kind as i32;
    tag
}
