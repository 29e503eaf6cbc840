//! The rows of a metric stream.

use fanlight_otlp::view::{MetricKind, PointView};
use rusqlite::Connection;
use rusqlite::types::Value as Cell;

use super::super::QueryError;
use super::super::export::point_bytes;
use super::super::metrics::kind_name;
use super::rows::{count_and_sum, iso_time, object};

/// A stream with its points.
pub(super) struct StreamRows {
    pub(super) resource: i64,
    name: String,
    service: String,
    unit: String,
    kind: i64,
    points: Vec<PointRow>,
}

struct PointRow {
    time_ns: i64,
    value: Cell,
    count: Cell,
    sum: Cell,
    attributes: String,
}

impl StreamRows {
    pub(super) fn read(connection: &Connection, id: i64) -> Result<StreamRows, QueryError> {
        let mut find = connection.prepare_cached(
            "SELECT resource, name.text, service.text, unit, type, attributes FROM streams
             JOIN names AS name ON name.id = streams.name JOIN resources ON resources.id = resource
             JOIN names AS service ON service.id = resources.service WHERE streams.id = ?",
        )?;
        let (mut stream, attributes) = find.query_one([id], |row| {
            let stream = StreamRows {
                resource: row.get(0)?,
                name: row.get(1)?,
                service: row.get(2)?,
                unit: row.get(3)?,
                kind: row.get(4)?,
                points: Vec::new(),
            };
            Ok((stream, row.get::<_, Vec<u8>>(5)?))
        })?;
        let mut find = connection.prepare_cached(
            "SELECT time_ns, start_ns, value, message FROM points WHERE stream = ? ORDER BY time_ns DESC",
        )?;
        let mut rows = find.query([id])?;
        while let Some(row) = rows.next()? {
            let kind = u32::try_from(stream.kind).unwrap_or_default();
            let message = point_bytes(row, kind, &attributes)?;
            let view = PointView::read(metric_kind(stream.kind), message.as_bytes())?;
            let (count, sum) = count_and_sum(&view.value);
            stream.points.push(PointRow {
                time_ns: row.get(0)?,
                value: row.get(2)?,
                count,
                sum,
                attributes: object(&view.attributes)?,
            });
        }
        Ok(stream)
    }

    pub(super) fn value(&self, column: &str, place: usize) -> Result<Cell, QueryError> {
        let Some(point) = self.points.get(place) else {
            return Ok(Cell::Null);
        };
        Ok(match column {
            "time" => Cell::Text(iso_time(point.time_ns)),
            "time_ns" => Cell::Integer(point.time_ns),
            "name" => Cell::Text(self.name.clone()),
            "type" => Cell::Text(kind_name(self.kind).to_owned()),
            "unit" => Cell::Text(self.unit.clone()),
            "service" => Cell::Text(self.service.clone()),
            "value" => point.value.clone(),
            "count" => point.count.clone(),
            "sum" => point.sum.clone(),
            "attributes" => Cell::Text(point.attributes.clone()),
            _ => Cell::Null,
        })
    }
}

/// The kind of a metric by the number of its field.
pub(crate) fn metric_kind(number: i64) -> MetricKind {
    match number {
        5 => MetricKind::Gauge,
        7 => MetricKind::Sum,
        9 => MetricKind::Histogram,
        10 => MetricKind::ExponentialHistogram,
        11 => MetricKind::Summary,
        _ => MetricKind::Empty,
    }
}
