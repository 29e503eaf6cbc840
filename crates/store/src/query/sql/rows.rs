//! The values of rows: blocks are decoded as rows of them are asked for, and the last few kept.

use std::collections::{HashMap, HashSet};

use fanlight_otlp::json::{write_plain_attributes, write_plain_value};
use fanlight_otlp::view::{Attributes, LogView, PointValue, SpanView, Value};
use fanlight_otlp::write::Encoder;
use rusqlite::types::Value as Cell;
use serde_json::json;

use super::super::QueryError;
use super::super::any_value_text;
use super::super::json::with_resource;
use super::super::logs::record_message;
use super::super::scan::{log_block, span_block, superseded};
use super::super::shared::Shared;
use super::super::spans::{kind, span_message, status};
use super::calls::CallRows;
use super::points::StreamRows;
use crate::block::{LogBlock, SpanBlock};
use crate::readers::View;

/// How many decoded blocks are kept.
const KEPT: usize = 16;

/// Where the rows of a question come from.
pub(super) struct Rows {
    pub(super) view: View,
    shared: HashMap<usize, Shared>,
    resources: HashMap<(usize, i64), String>,
    spans: HashMap<i64, SpanRows>,
    logs: HashMap<i64, LogBlock>,
    pub(super) streams: Option<(i64, StreamRows)>,
    calls: Option<(i64, CallRows)>,
}

/// A block of spans, and what was found out about it.
struct SpanRows {
    block: SpanBlock,
    superseded: HashSet<usize>,
}

/// A block's place in a list: the partition's in the view, and the block's id.
pub(super) const fn list_key(partition: usize, block: i64) -> i64 {
    ((partition as i64) << 40) | block
}

const fn of_list(key: i64) -> (usize, i64) {
    ((key >> 40) as usize, key & ((1 << 40) - 1))
}

impl Rows {
    pub(super) fn new(view: View) -> Rows {
        Rows {
            view,
            shared: HashMap::new(),
            resources: HashMap::new(),
            spans: HashMap::new(),
            logs: HashMap::new(),
            streams: None,
            calls: None,
        }
    }

    /// A column of a span.
    pub(super) fn span(
        &mut self,
        column: &str,
        key: i64,
        place: usize,
    ) -> Result<Cell, QueryError> {
        let (number, id) = of_list(key);
        let partition = self.view.partitions.get(number).ok_or(QueryError::Closed)?;
        let connection = &partition.connection;
        let rows = spans_at(&mut self.spans, connection, key, id)?;
        let block = &rows.block;
        let at = |column: &[i64]| column.get(place).copied().unwrap_or_default();
        let shared = self.shared.entry(number).or_default();
        Ok(match column {
            "trace_id" => Cell::Text(block.ids(place).0.to_string()),
            "span_id" => Cell::Text(block.ids(place).1.to_string()),
            "parent_span_id" => match block.ids(place).2 {
                parent if parent.is_zero() => Cell::Null,
                parent => Cell::Text(parent.to_string()),
            },
            "name" => Cell::Text(shared.name(connection, at(&block.names))?.to_owned()),
            "service" => Cell::Text(shared.resource(connection, at(&block.resources))?.1.clone()),
            "kind" => Cell::Text(kind(at(&block.kinds)).to_owned()),
            "status" => Cell::Text(status(at(&block.statuses)).to_owned()),
            "start_time" => Cell::Text(iso_time(at(&block.starts))),
            "end_time" => Cell::Text(iso_time(at(&block.ends))),
            "start_time_ns" => Cell::Integer(at(&block.starts)),
            "end_time_ns" => Cell::Integer(at(&block.ends)),
            "duration_ms" => {
                Cell::Real(at(&block.ends).saturating_sub(at(&block.starts)) as f64 / 1e6)
            }
            "scope" => Cell::Text(shared.scope(connection, at(&block.scopes))?.name.clone()),
            "is_live" => Cell::Integer(i64::from(!rows.superseded.contains(&place))),
            "resource" => {
                let resource = at(&block.resources);
                Cell::Text(resource_json(
                    &mut self.resources,
                    connection,
                    (number, resource),
                )?)
            }
            other => span_part(&span_message(connection, block, place)?, other)?,
        })
    }

    /// A column of a log record.
    pub(super) fn log(&mut self, column: &str, key: i64, place: usize) -> Result<Cell, QueryError> {
        let (number, id) = of_list(key);
        let partition = self.view.partitions.get(number).ok_or(QueryError::Closed)?;
        let connection = &partition.connection;
        if !self.logs.contains_key(&key) {
            if self.logs.len() >= KEPT {
                self.logs.clear();
            }
            self.logs.insert(key, log_block(connection, id)?.1);
        }
        let block = self.logs.get(&key).ok_or(QueryError::Closed)?;
        let at = |column: &[i64]| column.get(place).copied().unwrap_or_default();
        let shared = self.shared.entry(number).or_default();
        let trace_id = block.traces.get(place).filter(|id| !id.is_zero());
        let span_id = block.spans.get(place).filter(|id| !id.is_zero());
        let text = |text: Option<String>| text.map_or(Cell::Null, Cell::Text);
        Ok(match column {
            "time" => Cell::Text(iso_time(at(&block.sorts))),
            "time_ns" => Cell::Integer(at(&block.sorts)),
            "severity" => Cell::Integer(at(&block.severities)),
            "service" => Cell::Text(shared.resource(connection, at(&block.resources))?.1.clone()),
            "trace_id" => text(trace_id.map(ToString::to_string)),
            "span_id" => text(span_id.map(ToString::to_string)),
            "scope" => Cell::Text(shared.scope(connection, at(&block.scopes))?.name.clone()),
            "resource" => {
                let resource = at(&block.resources);
                Cell::Text(resource_json(
                    &mut self.resources,
                    connection,
                    (number, resource),
                )?)
            }
            other => {
                let message = record_message(connection, block, place)?;
                let view = LogView::read(message.as_bytes())?;
                match other {
                    "body" => text(any_value_text(view.body)?.map(Into::into)),
                    "severity_text" => Cell::Text(view.severity_text.to_owned()),
                    "event_name" => Cell::Text(view.event_name.to_owned()),
                    "attributes" => Cell::Text(object(&view.attributes)?),
                    _ => Cell::Null,
                }
            }
        })
    }

    /// A column of a call of a language model.
    pub(super) fn call(
        &mut self,
        column: &str,
        key: i64,
        place: usize,
    ) -> Result<Cell, QueryError> {
        let (number, id) = of_list(key);
        let partition = self.view.partitions.get(number).ok_or(QueryError::Closed)?;
        if self.calls.as_ref().is_none_or(|(of, _)| *of != key) {
            self.calls = Some((key, CallRows::read(partition, id)?));
        }
        let Some((_, calls)) = &mut self.calls else {
            return Ok(Cell::Null);
        };
        calls.value(
            partition,
            self.shared.entry(number).or_default(),
            column,
            place,
        )
    }

    /// A column of a metric's point.
    pub(super) fn metric(
        &mut self,
        column: &str,
        key: i64,
        place: usize,
    ) -> Result<Cell, QueryError> {
        let (number, id) = of_list(key);
        let partition = self.view.partitions.get(number).ok_or(QueryError::Closed)?;
        let connection = &partition.connection;
        if self.streams.as_ref().is_none_or(|(of, _)| *of != key) {
            self.streams = Some((key, StreamRows::read(connection, id)?));
        }
        let Some((_, stream)) = &self.streams else {
            return Ok(Cell::Null);
        };
        if column == "resource" {
            let resource = (number, stream.resource);
            return resource_json(&mut self.resources, connection, resource).map(Cell::Text);
        }
        stream.value(column, place)
    }
}

fn spans_at<'r>(
    spans: &'r mut HashMap<i64, SpanRows>,
    connection: &rusqlite::Connection,
    key: i64,
    id: i64,
) -> Result<&'r mut SpanRows, QueryError> {
    if !spans.contains_key(&key) {
        if spans.len() >= KEPT {
            spans.clear();
        }
        let rows = SpanRows {
            block: span_block(connection, id)?,
            superseded: superseded(connection, id)?,
        };
        spans.insert(key, rows);
    }
    spans.get_mut(&key).ok_or(QueryError::Closed)
}

fn resource_json(
    known: &mut HashMap<(usize, i64), String>,
    connection: &rusqlite::Connection,
    key: (usize, i64),
) -> Result<String, QueryError> {
    if let Some(text) = known.get(&key) {
        return Ok(text.clone());
    }
    let mut find = connection.prepare_cached("SELECT message FROM resources WHERE id = ?")?;
    let message: Vec<u8> = find.query_one([key.1], |row| row.get(0))?;
    let text = with_resource(&message, |view| object(&view.attributes))?;
    known.insert(key, text.clone());
    Ok(text)
}

/// A column that is in the message of a span.
fn span_part(message: &Encoder, column: &str) -> Result<Cell, QueryError> {
    let view = SpanView::read(message.as_bytes())?;
    Ok(match column {
        "message" => match view.attributes.get("logfire.msg")? {
            Some(value) => cell(value)?,
            None => Cell::Null,
        },
        "status_message" => Cell::Text(view.status.message.to_owned()),
        "attributes" => Cell::Text(object(&view.attributes)?),
        "events" => {
            let mut events = Vec::new();
            for event in view.events() {
                let event = event?;
                let attributes: serde_json::Value =
                    serde_json::from_str(&object(&event.attributes)?)?;
                events.push(json!({ "time_ns": event.time_unix_nano, "name": event.name, "attributes": attributes }));
            }
            Cell::Text(serde_json::Value::Array(events).to_string())
        }
        "links" => {
            let mut links = Vec::new();
            for link in view.links() {
                let link = link?;
                let attributes: serde_json::Value =
                    serde_json::from_str(&object(&link.attributes)?)?;
                let (trace_id, span_id) = (link.trace_id.to_string(), link.span_id.to_string());
                links.push(
                    json!({ "trace_id": trace_id, "span_id": span_id, "attributes": attributes }),
                );
            }
            Cell::Text(serde_json::Value::Array(links).to_string())
        }
        _ => Cell::Null,
    })
}

/// A value as SQL has it; lists and maps as JSON.
fn cell(value: Value<'_>) -> Result<Cell, QueryError> {
    Ok(match value {
        Value::Empty => Cell::Null,
        Value::Str(text) => Cell::Text(text.to_owned()),
        Value::Bool(value) => Cell::Integer(i64::from(value)),
        Value::Int(value) => Cell::Integer(value),
        Value::Double(value) => Cell::Real(value),
        other => {
            let mut out = Vec::new();
            write_plain_value(&other, &mut out)?;
            Cell::Text(String::from_utf8_lossy(&out).into_owned())
        }
    })
}

/// Attributes as a JSON object.
pub(super) fn object(attributes: &Attributes<'_>) -> Result<String, QueryError> {
    let mut out = Vec::new();
    write_plain_attributes(attributes, &mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Counts and sums of what is no single number.
pub(super) fn count_and_sum(value: &PointValue<'_>) -> (Cell, Cell) {
    let (count, sum) = match value {
        PointValue::Histogram(view) => (view.count, view.sum),
        PointValue::ExponentialHistogram(view) => (view.count, view.sum),
        PointValue::Summary(view) => (view.count, Some(view.sum)),
        PointValue::Empty | PointValue::Number(_) => return (Cell::Null, Cell::Null),
    };
    (
        Cell::Integer(count.cast_signed()),
        sum.map_or(Cell::Null, Cell::Real),
    )
}

/// A time in ISO 8601, with nanoseconds, in UTC.
pub(super) fn iso_time(time_ns: i64) -> String {
    const DAY: i64 = 86_400_000_000_000;
    let (days, rest) = (time_ns.div_euclid(DAY), time_ns.rem_euclid(DAY));
    // Days to a date of the Gregorian calendar, by eras of 400 years that begin in March
    // (https://howardhinnant.github.io/date_algorithms.html#civil_from_days).
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (seconds, nanoseconds) = (rest / 1_000_000_000, rest % 1_000_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanoseconds:09}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(iso_time(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(
            iso_time(951_782_400_000_000_001),
            "2000-02-29T00:00:00.000000001Z"
        );
        assert_eq!(
            iso_time(1_795_273_323_123_456_789),
            "2026-11-21T15:02:03.123456789Z"
        );
        assert_eq!(iso_time(-1), "1969-12-31T23:59:59.999999999Z");
    }
}
