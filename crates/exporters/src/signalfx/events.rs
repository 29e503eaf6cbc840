//! Log records as events: those that say so by the attribute `com.splunk.signalfx.event_category`.

use fanlight_formats::signalfx::{Dimension, Event, EventUploadMessage, Property, PropertyValue};
use fanlight_otlp::view::{Attributes, LogView, Value};
use fanlight_otlp::{Batch, DecodeError};
use prost::Message as _;

use super::{Content, Pieces, Request};
use crate::pieces::{LeftOut, Piece};
use crate::splunk_ingest::{self, TOKEN_ATTRIBUTE};

/// The category's number, which makes a record an event.
const CATEGORY: &str = "com.splunk.signalfx.event_category";
/// A map of what else is known.
const PROPERTIES: &str = "com.splunk.signalfx.event_properties";
/// The event's type.
const TYPE: &str = "com.splunk.signalfx.event_type";
/// Why a record is left out.
const NO_EVENT: &str = "only SignalFx events go to /v2/event; send log records with splunk_hec";

/// One request for each access token.
pub(super) fn pieces(batch: &Batch, passthrough: bool) -> Result<Pieces, DecodeError> {
    let mut groups: Vec<(Option<&str>, EventUploadMessage, Vec<usize>)> = Vec::new();
    let mut left_out = LeftOut::default();
    let mut number = 0..;
    for resource in batch.resources() {
        let resource = resource?;
        let token = splunk_ingest::token(&resource, passthrough)?;
        let found = groups.iter().position(|(known, ..)| *known == token);
        let index = found.unwrap_or_else(|| {
            groups.push((token, EventUploadMessage::default(), Vec::new()));
            groups.len() - 1
        });
        let Some((_, message, items)) = groups.get_mut(index) else {
            continue;
        };
        for scope in resource.scopes() {
            for (log, number) in scope?.logs().zip(&mut number) {
                if let Some(event) = event(&log?, &resource.attributes)? {
                    message.events.push(event);
                    items.push(number);
                } else {
                    left_out.items += 1;
                    NO_EVENT.clone_into(&mut left_out.why);
                }
            }
        }
    }
    let piece = |(token, message, items): (Option<&str>, EventUploadMessage, _)| Piece {
        request: Request {
            content: Content::Events,
            token: token.map(str::to_owned),
            body: message.encode_to_vec().into(),
        },
        items,
    };
    let full = groups.into_iter().filter(|(.., items)| !items.is_empty());
    Ok((full.map(piece).collect(), left_out))
}

fn event(log: &LogView<'_>, resource: &Attributes<'_>) -> Result<Option<Event>, DecodeError> {
    let Some(category) = log.attributes.get(CATEGORY)? else {
        return Ok(None);
    };
    let mut event = Event {
        // Splunk drops an event without a type.
        event_type: "unknown".to_owned(),
        category: category.as_int().and_then(|number| number.try_into().ok()),
        timestamp: i64::try_from(log.time_unix_nano / 1_000_000).ok(),
        ..Event::default()
    };
    if let Some(Value::Map(properties)) = log.attributes.get(PROPERTIES)? {
        for property in properties {
            let (key, value) = property?;
            event.properties.push(Property {
                key: key.to_owned(),
                value: Some(property_value(&value)),
            });
        }
    }
    for attribute in resource.iter() {
        let (key, value) = attribute?;
        if log.attributes.get(key)?.is_none() {
            add_dimension(&mut event, key, &value);
        }
    }
    for attribute in log.attributes {
        let (key, value) = attribute?;
        add_dimension(&mut event, key, &value);
    }
    Ok(Some(event))
}

fn add_dimension(event: &mut Event, key: &str, value: &Value<'_>) {
    match (key, value) {
        (CATEGORY | PROPERTIES | TOKEN_ATTRIBUTE, _) => {}
        (TYPE, value) if !value.to_text().is_empty() => {
            event.event_type = value.to_text().into_owned();
        }
        (TYPE, _) => {}
        (key, value) => event.dimensions.push(Dimension {
            key: key.to_owned(),
            value: value.to_text().into_owned(),
        }),
    }
}

fn property_value(value: &Value<'_>) -> PropertyValue {
    let mut property = PropertyValue::default();
    match value {
        Value::Int(value) => property.int_value = Some(*value),
        Value::Double(value) => property.double_value = Some(*value),
        Value::Bool(value) => property.bool_value = Some(*value),
        value => property.str_value = Some(value.to_text().into_owned()),
    }
    property
}
