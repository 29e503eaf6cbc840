//! A span's events and links, which are tags with JSON in them.

use fanlight_otlp::DecodeError;
use fanlight_otlp::view::{Attributes, SpanView};
use serde_json::{Map, Value};

/// The events; none for a span without.
pub(super) fn events(span: &SpanView<'_>) -> Result<Option<String>, DecodeError> {
    let mut list = Vec::new();
    for event in span.events() {
        let event = event?;
        let mut fields = Map::new();
        fields.insert("time_unix_nano".to_owned(), event.time_unix_nano.into());
        fields.insert("name".to_owned(), event.name.into());
        add_attributes(
            &mut fields,
            &event.attributes,
            event.dropped_attributes_count,
        )?;
        list.push(Value::Object(fields));
    }
    Ok(text(list))
}

/// The links that lead somewhere; none for a span without.
pub(super) fn links(span: &SpanView<'_>) -> Result<Option<String>, DecodeError> {
    let mut list = Vec::new();
    for link in span.links() {
        let link = link?;
        if link.trace_id.is_zero() || link.span_id.is_zero() {
            continue;
        }
        let mut fields = Map::new();
        fields.insert("trace_id".to_owned(), link.trace_id.to_string().into());
        fields.insert("span_id".to_owned(), link.span_id.to_string().into());
        if !link.trace_state.is_empty() {
            fields.insert("tracestate".to_owned(), link.trace_state.into());
        }
        if link.flags & 0xff != 0 {
            fields.insert("flags".to_owned(), (link.flags & 0xff).into());
        }
        add_attributes(&mut fields, &link.attributes, link.dropped_attributes_count)?;
        list.push(Value::Object(fields));
    }
    Ok(text(list))
}

fn add_attributes(
    fields: &mut Map<String, Value>,
    attributes: &Attributes<'_>,
    dropped: u32,
) -> Result<(), DecodeError> {
    if !attributes.is_empty() {
        let mut map = Map::new();
        for attribute in attributes.iter() {
            let (key, value) = attribute?;
            map.insert(key.to_owned(), value.to_text().into());
        }
        fields.insert("attributes".to_owned(), Value::Object(map));
    }
    if dropped > 0 {
        fields.insert("dropped_attributes_count".to_owned(), dropped.into());
    }
    Ok(())
}

fn text(list: Vec<Value>) -> Option<String> {
    (!list.is_empty()).then(|| Value::Array(list).to_string())
}
