//! What Cloud Trace wants of spans.
//! [Source](https://github.com/googleapis/googleapis/blob/master/google/devtools/cloudtrace/v2/trace.proto).

use fanlight_formats::google::trace::{
    Attributes, BatchWriteSpansRequest, Span, TruncatableString, Value,
};

use super::require;

pub(super) fn check(request: &BatchWriteSpansRequest) -> Result<(), String> {
    let is_project = request
        .name
        .strip_prefix("projects/")
        .is_some_and(|id| !id.is_empty() && !id.contains('/'));
    require(is_project, "Invalid project name")?;
    require(!request.spans.is_empty(), "No spans")?;
    let mut spans = request.spans.iter();
    spans.try_for_each(|span| check_span(&request.name, span))
}

fn check_span(project: &str, span: &Span) -> Result<(), String> {
    let rest = span.name.strip_prefix(project);
    let rest = rest.and_then(|rest| rest.strip_prefix("/traces/"));
    let (trace, id) = rest
        .and_then(|rest| rest.split_once("/spans/"))
        .ok_or("Invalid span name")?;
    require(is_id(trace, 32) && is_id(id, 16), "Invalid span name")?;
    require(span.span_id == id, "span_id is not that of the name")?;
    let parent = &span.parent_span_id;
    require(
        parent.is_empty() || is_id(parent, 16),
        "Invalid parent_span_id",
    )?;
    let name = span
        .display_name
        .as_ref()
        .ok_or("display_name is required")?;
    require(!name.value.is_empty(), "display_name is required")?;
    text(name, 128)?;
    let (start, end) = (span.start_time, span.end_time);
    require(start.is_some() && end >= start, "Invalid times")?;
    attributes(span.attributes.as_ref(), 32)?;
    let events = span
        .time_events
        .iter()
        .flat_map(|events| &events.time_event);
    require(events.clone().count() <= 32, "Too many annotations")?;
    for event in events {
        require(event.time.is_some(), "an event needs its time")?;
        let annotation = event.annotation.as_ref().ok_or("an event needs a value")?;
        annotation
            .description
            .as_ref()
            .map_or(Ok(()), |description| text(description, 256))?;
        attributes(annotation.attributes.as_ref(), 4)?;
    }
    let links = span.links.iter().flat_map(|links| &links.link);
    require(links.clone().count() <= 128, "Too many links")?;
    for link in links {
        let is_whole = is_id(&link.trace_id, 32) && is_id(&link.span_id, 16);
        require(is_whole, "Invalid link")?;
        attributes(link.attributes.as_ref(), 32)?;
    }
    require((0..=5).contains(&span.span_kind), "Invalid span_kind")
}

fn attributes(attributes: Option<&Attributes>, most: usize) -> Result<(), String> {
    let Some(attributes) = attributes else {
        return Ok(());
    };
    require(
        attributes.attribute_map.len() <= most,
        "Too many attributes",
    )?;
    for (key, value) in &attributes.attribute_map {
        let is_key = (1..=128).contains(&key.len());
        require(is_key, "Invalid attribute key")?;
        match &value.value {
            None => return Err("an attribute needs a value".to_owned()),
            Some(Value::StringValue(value)) => text(value, 256)?,
            Some(_) => {}
        }
    }
    Ok(())
}

fn text(text: &TruncatableString, longest: usize) -> Result<(), String> {
    require(text.value.len() <= longest, "Text is too long")
}

fn is_id(text: &str, digits: usize) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == digits && text.bytes().all(is_digit) && text.bytes().any(|byte| byte != b'0')
}
