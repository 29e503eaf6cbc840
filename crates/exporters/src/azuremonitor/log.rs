//! Log records: messages, or where the configuration says so custom events and exceptions.

use std::time::{SystemTime, UNIX_EPOCH};

use fanlight_otlp::view::{Attributes, LogView};

use super::envelope::{Common, Head, Track, or_none};
use super::span::write_exception;
use crate::json_object::front;

/// Attributes that make a record a custom event; their value is its name.
const EVENT_NAMES: [&str; 2] = [
    "microsoft.custom_event.name",
    "APPLICATION_INSIGHTS_EVENT_MARKER_ATTRIBUTE",
];

/// What a record may become besides a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kinds {
    pub(super) custom_events: bool,
    pub(super) exceptions: bool,
}

/// Appends a record's envelope.
pub(super) fn write(
    track: &mut Track,
    common: &Common<'_, '_>,
    record: &LogView<'_>,
    item: usize,
    kinds: Kinds,
) {
    let attributes = record.attributes;
    let event = EVENT_NAMES
        .iter()
        .find_map(|key| attributes.get(key).ok().flatten())
        .filter(|_| kinds.custom_events);
    let is_exception = kinds.exceptions && is_exception(attributes);
    let kind = match (event, is_exception) {
        (Some(_), _) => "Event",
        (None, true) => "Exception",
        (None, false) => "Message",
    };
    let head = Head {
        kind,
        time_unix_nano: time(record),
        trace_id: record.trace_id,
        parent_id: record.span_id,
        operation: "",
        item,
    };
    let event_name =
        (!record.event_name.is_empty()).then_some(("event.name", record.event_name.into()));
    let properties = common.properties(event_name, attributes);
    let body = record.body.to_text();
    track.add(common, head, |base, limits| {
        match event {
            Some(name) => base.text("name", or_none(front(&name.to_text(), 512))),
            None => base.text("severityLevel", severity(record.severity_number)),
        }
        if kind == "Exception" {
            write_exception(base, attributes, limits);
            base.some_text("problemId", front(record.severity_text, 1024));
        }
        if kind == "Message" {
            base.text("message", or_none(front(&body, limits.text)));
        }
        properties.write(base, limits);
    });
}

fn is_exception(attributes: Attributes<'_>) -> bool {
    ["exception.type", "exception.message"]
        .iter()
        .any(|key| matches!(attributes.get(key), Ok(Some(_))))
}

/// When it happened, else when it was seen, else now.
fn time(record: &LogView<'_>) -> u64 {
    match (record.time_unix_nano, record.observed_time_unix_nano) {
        (0, 0) => SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)),
        (0, observed) => observed,
        (happened, _) => happened,
    }
}

const fn severity(number: i32) -> &'static str {
    match number {
        1..=8 => "Verbose",
        13..=16 => "Warning",
        17..=20 => "Error",
        21..=24 => "Critical",
        _ => "Information",
    }
}
