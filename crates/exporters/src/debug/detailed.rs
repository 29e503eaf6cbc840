//! Verbosity `detailed`: every field of every item. Profiles are shown with their attributes resolved and their samples
//! counted; the tables of their dictionary are left out.

mod metric;

use std::fmt;

use fanlight_otlp::view::{
    Attributes, DictionaryView, EventView, LinkView, LogView, ProfileView, ScopeView, SpanView,
};
use fanlight_otlp::{Batch, DecodeError, Signal};

use super::normal::{profile_attributes, profile_id};
use super::text::{Text, Time, id, word};

/// Words of `SpanKind`.
const SPAN_KINDS: [&str; 6] = [
    "Unspecified",
    "Internal",
    "Server",
    "Client",
    "Producer",
    "Consumer",
];
/// Words of `StatusCode`.
const STATUS_CODES: [&str; 3] = ["Unset", "Ok", "Error"];
/// Words of `SeverityNumber`.
#[rustfmt::skip]
const SEVERITIES: [&str; 25] = [
    "Unspecified",
    "Trace", "Trace2", "Trace3", "Trace4", "Debug", "Debug2", "Debug3", "Debug4",
    "Info", "Info2", "Info3", "Info4", "Warn", "Warn2", "Warn3", "Warn4",
    "Error", "Error2", "Error3", "Error4", "Fatal", "Fatal2", "Fatal3", "Fatal4",
];

/// Everything, under its resources and scopes.
pub(super) fn write(batch: &Batch, text: &mut Text) -> Result<(), DecodeError> {
    let (resource_kind, scope_kind) = match batch.signal() {
        Signal::Traces => ("ResourceSpans", "ScopeSpans"),
        Signal::Metrics => ("ResourceMetrics", "ScopeMetrics"),
        Signal::Logs => ("ResourceLog", "ScopeLogs"),
        Signal::Profiles => ("ResourceProfiles", "ScopeProfiles"),
    };
    let dictionary = batch.dictionary()?;
    for (index, resource) in batch.resources().enumerate() {
        let resource = resource?;
        text.line(format_args!("{resource_kind} #{index}"));
        text.line(format_args!("Resource SchemaURL: {}", resource.schema_url));
        attributes(text, "", "Resource attributes", resource.attributes)?;
        for (index, scope) in resource.scopes().enumerate() {
            let scope = scope?;
            text.line(format_args!("{scope_kind} #{index}"));
            text.line(format_args!("{scope_kind} SchemaURL: {}", scope.schema_url));
            text.line(format_args!(
                "InstrumentationScope {} {}",
                scope.name, scope.version
            ));
            attributes(
                text,
                "",
                "InstrumentationScope attributes",
                scope.attributes,
            )?;
            write_items(text, &scope, &dictionary)?;
        }
    }
    Ok(())
}

fn write_items(
    text: &mut Text,
    scope: &ScopeView<'_>,
    dictionary: &DictionaryView<'_>,
) -> Result<(), DecodeError> {
    for (index, span) in scope.spans().enumerate() {
        text.line(format_args!("Span #{index}"));
        write_span(text, &span?)?;
    }
    for (index, record) in scope.logs().enumerate() {
        text.line(format_args!("LogRecord #{index}"));
        write_log(text, &record?)?;
    }
    for (index, metric) in scope.metrics().enumerate() {
        text.line(format_args!("Metric #{index}"));
        metric::write(text, &metric?)?;
    }
    for (index, profile) in scope.profiles().enumerate() {
        text.line(format_args!("Profile #{index}"));
        write_profile(text, &profile?, dictionary)?;
    }
    Ok(())
}

/// A header and one line for each attribute, or nothing.
fn attributes(
    text: &mut Text,
    indent: &str,
    header: &str,
    attributes: Attributes<'_>,
) -> Result<(), DecodeError> {
    if attributes.is_empty() {
        return Ok(());
    }
    text.line(format_args!("{header}:"));
    for attribute in attributes.iter() {
        let (key, value) = attribute?;
        text.add(format_args!("{indent}     -> {key}: "));
        text.typed_value(&value)?;
        text.line(format_args!(""));
    }
    Ok(())
}

/// Attributes of something that stands below an item.
fn nested_attributes(
    text: &mut Text,
    header: &str,
    list: Attributes<'_>,
) -> Result<(), DecodeError> {
    attributes(text, "     ", header, list)
}

fn field(text: &mut Text, name: &str, value: impl fmt::Display) {
    text.line(format_args!("    {name:<15}: {value}"));
}

fn write_span(text: &mut Text, span: &SpanView<'_>) -> Result<(), DecodeError> {
    field(text, "Trace ID", id(span.trace_id));
    field(text, "Parent ID", id(span.parent_span_id));
    field(text, "ID", id(span.span_id));
    field(text, "Name", span.name);
    field(text, "Kind", word(&SPAN_KINDS, span.kind));
    if !span.trace_state.is_empty() {
        field(text, "TraceState", span.trace_state);
    }
    field(text, "Start time", Time(span.start_time_unix_nano));
    field(text, "End time", Time(span.end_time_unix_nano));
    field(text, "Status code", word(&STATUS_CODES, span.status.code));
    field(text, "Status message", span.status.message);
    field(
        text,
        "DroppedAttributesCount",
        span.dropped_attributes_count,
    );
    field(text, "DroppedEventsCount", span.dropped_events_count);
    field(text, "DroppedLinksCount", span.dropped_links_count);
    attributes(text, "", "Attributes", span.attributes)?;
    for (index, event) in span.events().enumerate() {
        if index == 0 {
            text.line(format_args!("Events:"));
        }
        text.line(format_args!("SpanEvent #{index}"));
        write_event(text, &event?)?;
    }
    for (index, link) in span.links().enumerate() {
        if index == 0 {
            text.line(format_args!("Links:"));
        }
        text.line(format_args!("SpanLink #{index}"));
        write_link(text, &link?)?;
    }
    Ok(())
}

fn write_event(text: &mut Text, event: &EventView<'_>) -> Result<(), DecodeError> {
    text.line(format_args!("     -> Name: {}", event.name));
    text.line(format_args!(
        "     -> Timestamp: {}",
        Time(event.time_unix_nano)
    ));
    text.line(format_args!(
        "     -> DroppedAttributesCount: {}",
        event.dropped_attributes_count
    ));
    nested_attributes(text, "     -> Attributes:", event.attributes)
}

fn write_link(text: &mut Text, link: &LinkView<'_>) -> Result<(), DecodeError> {
    text.line(format_args!("     -> Trace ID: {}", id(link.trace_id)));
    text.line(format_args!("     -> ID: {}", id(link.span_id)));
    text.line(format_args!("     -> TraceState: {}", link.trace_state));
    text.line(format_args!(
        "     -> DroppedAttributesCount: {}",
        link.dropped_attributes_count
    ));
    nested_attributes(text, "     -> Attributes:", link.attributes)
}

fn write_log(text: &mut Text, record: &LogView<'_>) -> Result<(), DecodeError> {
    text.line(format_args!(
        "ObservedTimestamp: {}",
        Time(record.observed_time_unix_nano)
    ));
    text.line(format_args!("Timestamp: {}", Time(record.time_unix_nano)));
    text.line(format_args!("SeverityText: {}", record.severity_text));
    let severity = record.severity_number;
    text.line(format_args!(
        "SeverityNumber: {}({severity})",
        word(&SEVERITIES, severity)
    ));
    if !record.event_name.is_empty() {
        text.line(format_args!("EventName: {}", record.event_name));
    }
    text.add(format_args!("Body: "));
    text.typed_value(&record.body)?;
    text.line(format_args!(""));
    attributes(text, "", "Attributes", record.attributes)?;
    text.line(format_args!("Trace ID: {}", id(record.trace_id)));
    text.line(format_args!("Span ID: {}", id(record.span_id)));
    text.line(format_args!("Flags: {}", record.flags));
    Ok(())
}

fn write_profile(
    text: &mut Text,
    profile: &ProfileView<'_>,
    dictionary: &DictionaryView<'_>,
) -> Result<(), DecodeError> {
    field(text, "Profile ID", profile_id(profile));
    field(text, "Start time", Time(profile.time_unix_nano));
    field(text, "DurationNano", profile.duration_nano);
    field(
        text,
        "Dropped attributes count",
        profile.dropped_attributes_count,
    );
    field(text, "Samples", profile.samples_count());
    for (index, attribute) in profile_attributes(profile, dictionary).enumerate() {
        if index == 0 {
            text.line(format_args!("    Attributes:"));
        }
        match attribute? {
            Ok((key, value)) => {
                text.add(format_args!("         -> {key}: "));
                text.typed_value(&value)?;
                text.line(format_args!(""));
            }
            Err(index) => text.line(format_args!(
                "         -> [Missing Dictionary AttributeTable Item #{index}]"
            )),
        }
    }
    Ok(())
}
