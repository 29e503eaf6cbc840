//! Events and links with their attributes, which OpenTelemetry's exporters write into one text:
//! `name|{"key":"value"}|dropped` and `trace id|span id|state|{"key":"value"}|dropped`.

use fanlight_formats::zipkin::Annotation;
use fanlight_otlp::view::{OwnedValue, Value};
use fanlight_otlp::{SpanId, TraceId};
use serde_json::Value as Json;

/// Attributes that were JSON.
pub(super) type JsonAttributes = Vec<(String, OwnedValue)>;

/// An event.
#[derive(Debug)]
pub(super) struct OwnedEvent<'a> {
    pub(super) time_unix_nano: u64,
    pub(super) name: &'a str,
    pub(super) attributes: JsonAttributes,
    pub(super) dropped_attributes_count: u32,
}

/// A link.
#[derive(Debug)]
pub(super) struct OwnedLink {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) trace_state: String,
    pub(super) attributes: JsonAttributes,
    pub(super) dropped_attributes_count: u32,
}

impl<'a> OwnedEvent<'a> {
    /// An annotation as an event. A text that has another form is the name as it stands.
    pub(super) fn read(annotation: &'a Annotation<'_>) -> OwnedEvent<'a> {
        let (name, attributes, dropped_attributes_count) =
            split(&annotation.value).unwrap_or((&annotation.value, Vec::new(), 0));
        OwnedEvent {
            time_unix_nano: annotation.timestamp,
            name,
            attributes,
            dropped_attributes_count,
        }
    }
}

impl OwnedLink {
    /// The link that a tag holds; `None` if it has another form.
    pub(super) fn read(text: &str) -> Option<OwnedLink> {
        let (front, attributes, dropped_attributes_count) = split(text)?;
        let mut parts = front.splitn(3, '|');
        let (trace_id, span_id) = (parts.next()?, parts.next()?);
        Some(OwnedLink {
            trace_id: id(trace_id)?,
            span_id: id(span_id)?,
            trace_state: parts.next()?.to_owned(),
            attributes,
            dropped_attributes_count,
        })
    }
}

/// An id; the empty text stands for none.
fn id<T: std::str::FromStr + Default>(text: &str) -> Option<T> {
    match text {
        "" => Some(T::default()),
        text => text.parse().ok(),
    }
}

/// What stands before the attributes, the attributes, and how many were dropped. Names may have bars in them too, so the
/// attributes start at the first bar behind which there is a whole object.
fn split(text: &str) -> Option<(&str, JsonAttributes, u32)> {
    let (rest, dropped) = text.rsplit_once('|')?;
    let dropped = dropped.parse().ok()?;
    if !rest.ends_with('}') {
        return None;
    }
    // A text full of bars is no reason to read it again and again.
    let starts = rest.match_indices("|{").take(8);
    starts.into_iter().find_map(|(at, _)| {
        let (front, object) = rest.split_at_checked(at)?;
        let object = serde_json::from_str(object.strip_prefix('|')?).ok()?;
        Some((front, attributes(object), dropped))
    })
}

fn attributes(object: serde_json::Map<String, Json>) -> JsonAttributes {
    object
        .into_iter()
        .map(|(key, value)| (key, owned(&value)))
        .collect()
}

/// A JSON value; serde_json has bounded its depth.
fn owned(value: &Json) -> OwnedValue {
    match value {
        Json::Null => Value::Empty.into(),
        Json::Bool(value) => Value::Bool(*value).into(),
        Json::String(text) => Value::Str(text).into(),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Value::Int(number).into(),
            (None, number) => Value::Double(number.unwrap_or_default()).into(),
        },
        Json::Array(elements) => {
            let elements: Vec<OwnedValue> = elements.iter().map(owned).collect();
            OwnedValue::array(&elements)
        }
        Json::Object(entries) => {
            let entries: Vec<(&str, OwnedValue)> = entries
                .iter()
                .map(|(key, value)| (key.as_str(), owned(value)))
                .collect();
            OwnedValue::map(entries.iter().map(|(key, value)| (*key, value)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_text(text: &str) -> Option<(&str, usize, u32)> {
        split(text).map(|(front, attributes, dropped)| (front, attributes.len(), dropped))
    }

    #[test]
    fn bars_in_names_and_attributes_do_no_harm() {
        for (text, expected) in [
            ("name", None),
            ("a|b", None),
            ("a|b|3", None),
            (r#"name|{"k":"v"}|3"#, Some(("name", 1, 3))),
            (r#"a|b|{"k":"x|{y}|z","l":1}|0"#, Some(("a|b", 2, 0))),
            (r#"a|{b|{}|0"#, Some(("a|{b", 0, 0))),
            (r#"name|{"k":|0"#, None),
            (r#"name|{}|-1"#, None),
            ("|{}|2", Some(("", 0, 2))),
        ] {
            assert_eq!(split_text(text), expected, "{text}");
        }
    }

    #[test]
    fn a_link_is_read_or_left_alone() {
        let link = OwnedLink::read(
            r#"0af7651916cd43dd8448eb211c80319c|b7ad6b7169203331|a=b|{"n":[1,{"x":null}]}|1"#,
        );
        let link = link.unwrap();
        assert_eq!(link.trace_state, "a=b");
        assert_eq!(link.attributes[0].1.view().to_text(), r#"[1,{"x":null}]"#);
        assert!(OwnedLink::read("||s|{}|0").is_some_and(|link| link.span_id.is_zero()));
        for text in ["", "x|y|z|{}|0", "0af7651916cd43dd8448eb211c80319c|{}|0"] {
            assert!(OwnedLink::read(text).is_none(), "{text}");
        }
    }
}
