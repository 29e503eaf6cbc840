//! Mode `otel`: OpenTelemetry's own structure, as the index templates `*-otel@template` of Elasticsearch want it.
//! [Documents](https://github.com/open-telemetry/opentelemetry-collector-contrib/blob/main/exporter/elasticsearchexporter/DOCUMENT_STRUCTURE.md).
//!
//! Times are milliseconds with the nanoseconds after the point as six digits, which an index of `date_nanos` reads exactly.
//! The Collector's exporter leaves leading zeros out there, so that 5 ns become half a millisecond.

use fanlight_otlp::view::{Attributes, EventView, LogView, SpanView, Value};
use fanlight_otlp::{DecodeError, SpanId, TraceId};

use super::documents::{Envelope, ID, MODE_ATTRIBUTE, PIPELINE};
use super::metrics::HINTS;
use super::route::{DATA_STREAM, INDEX, Index};
use crate::fields::{Dialect, Fields, member, scalar, text, write_value};
use crate::span_words;

type Written = Result<(), DecodeError>;

/// Writes what every document of a scope has: `"resource":{...},"scope":{...}`. Maps become text in metrics, whose
/// attributes are dimensions.
pub(super) fn write_envelope(envelope: &mut Envelope<'_>) -> Written {
    let mut out = std::mem::take(&mut envelope.members);
    let (resource, scope) = (envelope.resource, envelope.scope);
    let flat = scope.metrics().next().is_some();
    let fields = &mut envelope.fields;
    out.extend_from_slice(b"\"resource\":{");
    some_text(&mut out, "schema_url", resource.schema_url);
    write_attributes(&mut out, resource.attributes, flat, fields, &[])?;
    count(
        &mut out,
        "dropped_attributes_count",
        resource.dropped_attributes_count,
    );
    out.extend_from_slice(b"},\"scope\":{");
    some_text(&mut out, "schema_url", scope.schema_url);
    some_text(&mut out, "name", scope.name);
    some_text(&mut out, "version", scope.version);
    write_attributes(&mut out, scope.attributes, flat, fields, &[])?;
    count(
        &mut out,
        "dropped_attributes_count",
        scope.dropped_attributes_count,
    );
    out.push(b'}');
    envelope.members = out;
    Ok(())
}

/// Writes a log record.
pub(super) fn write_log(
    out: &mut Vec<u8>,
    envelope: &Envelope<'_>,
    record: &LogView<'_>,
    index: &Index,
    scratch: &mut Fields,
) -> Written {
    let time = match record.time_unix_nano {
        0 => record.observed_time_unix_nano,
        time => time,
    };
    out.push(b'{');
    write_time(out, "@timestamp", time);
    write_time(out, "observed_timestamp", record.observed_time_unix_nano);
    write_data_stream(out, index);
    some_text(out, "severity_text", record.severity_text);
    if record.severity_number != 0 {
        member(out, b"severity_number");
        scalar(out, &record.severity_number);
    }
    write_ids(out, record.trace_id, record.span_id);
    write_attributes(out, record.attributes, false, scratch, &[])?;
    count(
        out,
        "dropped_attributes_count",
        record.dropped_attributes_count,
    );
    let name = record.attributes.get("event.name")?;
    match (record.event_name, name) {
        ("", Some(Value::Str(name))) => some_text(out, "event_name", name),
        (name, _) => some_text(out, "event_name", name),
    }
    write_members(out, envelope);
    write_body(out, &record.body)?;
    out.push(b'}');
    Ok(())
}

/// An index takes maps and lists of maps; any other list becomes the `value` of a map.
fn write_body(out: &mut Vec<u8>, body: &Value<'_>) -> Written {
    let is_structured = match body {
        Value::Empty => return Ok(()),
        Value::Map(_) => true,
        Value::Array(array) => array
            .into_iter()
            .all(|element| matches!(element, Ok(Value::Map(_)))),
        _ => false,
    };
    member(out, b"body");
    match body {
        body if is_structured => {
            out.extend_from_slice(b"{\"structured\":");
            write_value(out, body, Dialect::Elastic)?;
        }
        Value::Array(_) => {
            out.extend_from_slice(b"{\"structured\":{\"value\":");
            write_value(out, body, Dialect::Elastic)?;
            out.push(b'}');
        }
        body => {
            out.extend_from_slice(b"{\"text\":");
            write_value(out, body, Dialect::Elastic)?;
        }
    }
    out.push(b'}');
    Ok(())
}

/// Writes a span, without its events.
pub(super) fn write_span(
    out: &mut Vec<u8>,
    envelope: &Envelope<'_>,
    span: &SpanView<'_>,
    index: &Index,
    scratch: &mut Fields,
) -> Written {
    out.push(b'{');
    write_time(out, "@timestamp", span.start_time_unix_nano);
    write_data_stream(out, index);
    write_ids(out, span.trace_id, span.span_id);
    some_text(out, "trace_state", span.trace_state);
    if !span.parent_span_id.is_zero() {
        member(out, b"parent_span_id");
        text(out, &span.parent_span_id.to_string());
    }
    some_text(out, "name", span.name);
    member(out, b"kind");
    text(out, span_words::kind(span.kind));
    member(out, b"duration");
    let duration = span
        .end_time_unix_nano
        .saturating_sub(span.start_time_unix_nano);
    scalar(out, &duration);
    write_attributes(out, span.attributes, false, scratch, &[])?;
    count(
        out,
        "dropped_attributes_count",
        span.dropped_attributes_count,
    );
    count(out, "dropped_events_count", span.dropped_events_count);
    write_links(out, span, scratch)?;
    count(out, "dropped_links_count", span.dropped_links_count);
    member(out, b"status");
    out.push(b'{');
    some_text(out, "message", span.status.message);
    some_text(out, "code", span_words::status(span.status.code));
    out.push(b'}');
    write_members(out, envelope);
    out.push(b'}');
    Ok(())
}

fn write_links(out: &mut Vec<u8>, span: &SpanView<'_>, scratch: &mut Fields) -> Written {
    member(out, b"links");
    out.push(b'[');
    for (number, link) in span.links().enumerate() {
        let link = link?;
        if number > 0 {
            out.push(b',');
        }
        out.push(b'{');
        write_ids(out, link.trace_id, link.span_id);
        some_text(out, "trace_state", link.trace_state);
        write_attributes(out, link.attributes, false, scratch, &[])?;
        count(
            out,
            "dropped_attributes_count",
            link.dropped_attributes_count,
        );
        out.push(b'}');
    }
    out.push(b']');
    Ok(())
}

/// Writes an event of a span, which is a document among the logs.
pub(super) fn write_event(
    out: &mut Vec<u8>,
    envelope: &Envelope<'_>,
    span: &SpanView<'_>,
    event: &EventView<'_>,
    index: &Index,
    scratch: &mut Fields,
) -> Written {
    out.push(b'{');
    write_time(out, "@timestamp", event.time_unix_nano);
    write_data_stream(out, index);
    write_ids(out, span.trace_id, span.span_id);
    count(
        out,
        "dropped_attributes_count",
        event.dropped_attributes_count,
    );
    some_text(out, "event_name", event.name);
    let name = [("event.name", event.name)];
    let more = if event.name.is_empty() {
        &[]
    } else {
        &name[..]
    };
    write_attributes(out, event.attributes, false, scratch, more)?;
    write_members(out, envelope);
    out.push(b'}');
    Ok(())
}

fn write_members(out: &mut Vec<u8>, envelope: &Envelope<'_>) {
    out.push(b',');
    out.extend_from_slice(&envelope.members);
}

/// Writes attributes, each key once and sorted, without those that only say where the document goes. `more` are added.
pub(super) fn write_attributes(
    out: &mut Vec<u8>,
    attributes: Attributes<'_>,
    maps_are_text: bool,
    scratch: &mut Fields,
    more: &[(&str, &str)],
) -> Written {
    if attributes.is_empty() && more.is_empty() {
        return Ok(());
    }
    scratch.clear();
    for attribute in attributes {
        let (key, value) = attribute?;
        if DATA_STREAM.contains(&key) || [INDEX, ID, PIPELINE, HINTS, MODE_ATTRIBUTE].contains(&key)
        {
            continue;
        }
        if let Some(place) = place(key, &value, attributes)? {
            if let Some((key, [longitude, latitude])) = place {
                scratch.with(&[key], |out| scalar(out, &[longitude, latitude]));
            }
            continue;
        }
        let mut written = Ok(());
        match value {
            Value::Map(_) if maps_are_text => scratch.text(key, &value.to_text()),
            value => scratch.with(&[key], |out| {
                written = write_value(out, &value, Dialect::Elastic);
            }),
        }
        written?;
    }
    for (key, value) in more {
        scratch.text(key, value);
    }
    member(out, b"attributes");
    scratch.write_flat(out);
    scratch.clear();
    Ok(())
}

/// A point on earth, which is a field of its own type, `[longitude, latitude]`: `x.geo.location.lon` and `.lat` become
/// `x.geo.location`. `Some(None)` for the second half of one.
#[expect(clippy::type_complexity, reason = "named, it would not be clearer")]
fn place<'k>(
    key: &'k str,
    value: &Value<'_>,
    attributes: Attributes<'_>,
) -> Result<Option<Option<(&'k str, [f64; 2])>>, DecodeError> {
    let Some((front, half)) = key.rsplit_once('.') else {
        return Ok(None);
    };
    let is_place = front == "geo.location" || front.ends_with(".geo.location");
    let other = match half {
        "lon" if is_place => "lat",
        "lat" if is_place => "lon",
        _ => return Ok(None),
    };
    let other = attributes.get(&format!("{front}.{other}"))?;
    let (Value::Double(own), Some(Value::Double(other))) = (*value, other) else {
        return Ok(None);
    };
    Ok(Some((half == "lon").then_some((front, [own, other]))))
}

/// Writes a time: `"1700000000000.000005"`.
pub(super) fn write_time(out: &mut Vec<u8>, key: &str, nanoseconds: u64) {
    member(out, key.as_bytes());
    let (milliseconds, rest) = (nanoseconds / 1_000_000, nanoseconds % 1_000_000);
    text(out, &format!("{milliseconds}.{rest:06}"));
}

/// Writes the data stream that the document goes to.
pub(super) fn write_data_stream(out: &mut Vec<u8>, index: &Index) {
    let Some([kind, dataset, namespace]) = &index.data_stream else {
        return;
    };
    member(out, b"data_stream");
    out.push(b'{');
    some_text(out, "type", kind);
    some_text(out, "dataset", dataset);
    some_text(out, "namespace", namespace);
    out.push(b'}');
}

fn write_ids(out: &mut Vec<u8>, trace: TraceId, span: SpanId) {
    if !trace.is_zero() {
        member(out, b"trace_id");
        text(out, &trace.to_string());
    }
    if !span.is_zero() {
        member(out, b"span_id");
        text(out, &span.to_string());
    }
}

/// Writes text, unless it is empty.
pub(super) fn some_text(out: &mut Vec<u8>, key: &str, value: &str) {
    if !value.is_empty() {
        member(out, key.as_bytes());
        text(out, value);
    }
}

fn count(out: &mut Vec<u8>, key: &str, count: u32) {
    if count > 0 {
        member(out, key.as_bytes());
        scalar(out, &count);
    }
}
