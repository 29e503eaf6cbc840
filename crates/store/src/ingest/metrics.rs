//! Metric streams and their points.

use fanlight_otlp::view::{MetricKind, MetricView, NumberView, PointValue, PointView};
use fanlight_otlp::write::Encoder;
use rusqlite::params;
use rusqlite::types::Value as Cell;

use super::{Ingest, IngestError};
use crate::intern::{ResourceId, StreamParts};
use crate::wire::{copy_fields, last_payload, payloads};

const INSERT: &str =
    "INSERT INTO points (stream, time_ns, start_ns, value, message) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING";

/// A point that is there already is replaced: it is the same measurement, delivered again.
const REPLACE: &str =
    "UPDATE points SET start_ns = ?3, value = ?4, message = ?5 WHERE stream = ?1 AND time_ns = ?2";

/// How one kind of metric looks on the wire.
struct Layout {
    /// The field of `Metric` that holds its data.
    data: u32,
    /// The field of its data points that holds their attributes.
    attributes: u32,
    /// The data points' fields for start and time.
    times: [u32; 2],
}

impl Layout {
    fn of(kind: MetricKind) -> Option<Layout> {
        let (data, attributes) = match kind {
            MetricKind::Gauge => (5, 7),
            MetricKind::Sum => (7, 7),
            MetricKind::Histogram => (9, 9),
            MetricKind::ExponentialHistogram => (10, 1),
            MetricKind::Summary => (11, 7),
            MetricKind::Empty => return None,
        };
        Some(Layout {
            data,
            attributes,
            times: [2, 3],
        })
    }
}

impl Ingest<'_, '_> {
    pub(super) fn metric(
        &mut self,
        resource: ResourceId,
        scope: i64,
        bytes: &[u8],
    ) -> Result<(), IngestError> {
        let metric = MetricView::read(bytes)?;
        let Some(layout) = Layout::of(metric.kind) else {
            return Ok(());
        };
        let name = self.interner.name(metric.name)?;
        let mut metadata = Vec::new();
        copy_fields(bytes, &mut metadata, |number| number == 12)?;
        let stream = StreamParts {
            kind: i64::from(layout.data),
            temporality: i64::from(metric.aggregation_temporality),
            monotonic: metric.is_monotonic,
            unit: metric.unit,
            description: metric.description,
            metadata: &metadata,
            attributes: &[],
        };
        for point in payloads(last_payload(bytes, layout.data)?, 1) {
            let point = point?;
            let attributes = identity(point, layout.attributes)?;
            let parts = StreamParts {
                attributes: &attributes,
                ..stream
            };
            let stream_id = self.interner.stream(name, resource.id, scope, &parts)?;
            self.point(stream_id, metric.kind, &layout, point)?;
        }
        Ok(())
    }

    fn point(
        &mut self,
        stream: i64,
        kind: MetricKind,
        layout: &Layout,
        bytes: &[u8],
    ) -> Result<(), IngestError> {
        let view = PointView::read(kind, bytes)?;
        let value = match view.value {
            PointValue::Number(NumberView::Int(value)) => Cell::Integer(value),
            // SQLite has no NaN: it would become NULL, so the number stays in the message.
            PointValue::Number(NumberView::Double(value)) if !value.is_nan() => Cell::Real(value),
            _ => Cell::Null,
        };
        let has_value = value != Cell::Null;
        self.message.clear();
        copy_fields(bytes, &mut self.message, |number| {
            let is_time = layout.times.contains(&number);
            let is_value = has_value && matches!(number, 4 | 6);
            !(is_time || is_value || number == layout.attributes)
        })?;
        let (time_ns, start_ns) = (
            view.time_unix_nano.cast_signed(),
            view.start_time_unix_nano.cast_signed(),
        );
        let values = params![stream, time_ns, start_ns, value, self.message];
        let inserted = self.transaction.prepare_cached(INSERT)?.execute(values)?;
        if inserted == 0 {
            self.transaction.prepare_cached(REPLACE)?.execute(values)?;
        }
        self.added.points += inserted as i64;
        Ok(())
    }
}

/// A point's attributes in an order that doesn't depend on the sender's, as a `NumberDataPoint` with nothing else.
fn identity(point: &[u8], field: u32) -> Result<Vec<u8>, IngestError> {
    let mut attributes = payloads(point, field).collect::<Result<Vec<_>, _>>()?;
    attributes.sort_unstable();
    let mut message = Encoder::new();
    attributes
        .into_iter()
        .for_each(|attribute| message.some_bytes(7, attribute));
    Ok(message.into_bytes())
}
