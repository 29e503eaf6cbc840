//! Rows in ClickHouse's [RowBinary](https://clickhouse.com/docs/interfaces/formats/RowBinary): no separators, numbers
//! little-endian, lengths as varints. The columns are those of [`super::schema::Schema::insert`], in its order.

use bytes::{Bytes, BytesMut};
use fanlight_otlp::view::{
    Attributes, BucketsView, ExemplarView, LogView, MetricView, NumberView, PointValue, PointView,
    ResourceView, ScopeView, SpanView,
};
use fanlight_otlp::{DecodeError, json};

use super::table::Columns;
use crate::span_words;

type Written = Result<(), DecodeError>;

/// What all rows of a scope have in common, as it stands in each.
pub(super) struct Envelope<'a> {
    service: Vec<u8>,
    resource: Vec<u8>,
    resource_keys: Vec<u8>,
    scope: Vec<u8>,
    scope_keys: Vec<u8>,
    resource_schema: &'a str,
    scope_schema: &'a str,
    name: &'a str,
    version: &'a str,
    dropped: u32,
}

impl<'a> Envelope<'a> {
    pub(super) fn new(
        resource: &ResourceView<'a>,
        scope: &ScopeView<'a>,
        json: bool,
    ) -> Result<Envelope<'a>, DecodeError> {
        let written = |write: &dyn Fn(&mut Rows) -> Written| {
            let mut rows = Rows::new(json);
            write(&mut rows).map(|()| rows.bytes.to_vec())
        };
        let service = resource.attributes.get("service.name")?.unwrap_or_default();
        Ok(Envelope {
            service: written(&|rows| {
                rows.text(&service.to_text());
                Ok(())
            })?,
            resource: written(&|rows| rows.attributes(&resource.attributes))?,
            resource_keys: written(&|rows| rows.keys(&resource.attributes))?,
            scope: written(&|rows| rows.attributes(&scope.attributes))?,
            scope_keys: written(&|rows| rows.keys(&scope.attributes))?,
            resource_schema: resource.schema_url,
            scope_schema: scope.schema_url,
            name: scope.name,
            version: scope.version,
            dropped: scope.dropped_attributes_count,
        })
    }
}

/// Rows, one after the other.
pub(super) struct Rows {
    bytes: BytesMut,
    /// For texts whose length is known only when they are written.
    scratch: Vec<u8>,
    json: bool,
}

impl Rows {
    pub(super) fn new(json: bool) -> Rows {
        Rows {
            bytes: BytesMut::new(),
            scratch: Vec::new(),
            json,
        }
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes; what follows starts anew.
    pub(super) fn take(&mut self) -> Bytes {
        self.bytes.split().freeze()
    }

    /// A row of `otel_traces`.
    pub(super) fn span(
        &mut self,
        envelope: &Envelope<'_>,
        span: &SpanView<'_>,
        columns: Columns,
    ) -> Written {
        self.nanos(span.start_time_unix_nano);
        self.id(span.trace_id.is_zero(), &span.trace_id.0);
        self.id(span.span_id.is_zero(), &span.span_id.0);
        self.id(span.parent_span_id.is_zero(), &span.parent_span_id.0);
        self.text(span.trace_state);
        self.text(span.name);
        self.text(span_words::kind(span.kind));
        self.raw(&envelope.service);
        self.raw(&envelope.resource);
        self.text(envelope.name);
        self.text(envelope.version);
        self.attributes(&span.attributes)?;
        let nanos = span
            .end_time_unix_nano
            .saturating_sub(span.start_time_unix_nano);
        self.raw(&nanos.to_le_bytes());
        self.text(span_words::status(span.status.code));
        self.text(span.status.message);
        self.events_and_links(span)?;
        if columns.keys {
            self.raw(&envelope.resource_keys);
            self.keys(&span.attributes)?;
        }
        Ok(())
    }

    fn events_and_links(&mut self, span: &SpanView<'_>) -> Written {
        self.list(span.events(), |rows, event| {
            rows.nanos(event.time_unix_nano);
            Ok(())
        })?;
        self.list(span.events(), |rows, event| {
            rows.text(event.name);
            Ok(())
        })?;
        self.list(span.events(), |rows, event| {
            rows.attributes(&event.attributes)
        })?;
        self.list(span.links(), |rows, link| {
            rows.id(link.trace_id.is_zero(), &link.trace_id.0);
            Ok(())
        })?;
        self.list(span.links(), |rows, link| {
            rows.id(link.span_id.is_zero(), &link.span_id.0);
            Ok(())
        })?;
        self.list(span.links(), |rows, link| {
            rows.text(link.trace_state);
            Ok(())
        })?;
        self.list(span.links(), |rows, link| rows.attributes(&link.attributes))
    }

    /// A row of `otel_logs`. A record without a time happened when it was seen.
    pub(super) fn log(
        &mut self,
        envelope: &Envelope<'_>,
        log: &LogView<'_>,
        columns: Columns,
    ) -> Written {
        self.nanos(match log.time_unix_nano {
            0 => log.observed_time_unix_nano,
            time => time,
        });
        self.id(log.trace_id.is_zero(), &log.trace_id.0);
        self.id(log.span_id.is_zero(), &log.span_id.0);
        self.raw(&[(log.flags & 0xff) as u8]);
        self.text(log.severity_text);
        self.raw(&[u8::try_from(log.severity_number).unwrap_or_default()]);
        self.raw(&envelope.service);
        self.text(&log.body.to_text());
        self.text(envelope.resource_schema);
        self.raw(&envelope.resource);
        self.text(envelope.scope_schema);
        self.text(envelope.name);
        self.text(envelope.version);
        self.raw(&envelope.scope);
        self.attributes(&log.attributes)?;
        if columns.keys {
            self.raw(&envelope.resource_keys);
            self.raw(&envelope.scope_keys);
            self.keys(&log.attributes)?;
        }
        if columns.event_name {
            self.text(log.event_name);
        }
        Ok(())
    }

    /// A row of the table of the metric's kind.
    pub(super) fn point(
        &mut self,
        envelope: &Envelope<'_>,
        metric: &MetricView<'_>,
        point: &PointView<'_>,
        columns: Columns,
    ) -> Written {
        self.raw(&envelope.resource);
        self.text(envelope.resource_schema);
        self.text(envelope.name);
        self.text(envelope.version);
        self.raw(&envelope.scope);
        self.raw(&envelope.dropped.to_le_bytes());
        self.text(envelope.scope_schema);
        self.raw(&envelope.service);
        self.text(metric.name);
        self.text(metric.description);
        self.text(metric.unit);
        self.attributes(&point.attributes)?;
        self.time(point.start_time_unix_nano, columns);
        self.time(point.time_unix_nano, columns);
        self.raw(&point.flags.to_le_bytes());
        if !matches!(point.value, PointValue::Summary(_)) {
            self.exemplars(point, columns)?;
        }
        self.measured(metric, point)
    }

    fn measured(&mut self, metric: &MetricView<'_>, point: &PointView<'_>) -> Written {
        let temporality = metric.aggregation_temporality.to_le_bytes();
        match &point.value {
            PointValue::Empty | PointValue::Number(_) => {
                self.double(match point.value {
                    PointValue::Number(number) => number.as_f64(),
                    _ => 0.0,
                });
                if metric.kind == fanlight_otlp::view::MetricKind::Sum {
                    self.raw(&temporality);
                    self.raw(&[u8::from(metric.is_monotonic)]);
                }
            }
            PointValue::Histogram(histogram) => {
                self.raw(&histogram.count.to_le_bytes());
                self.double(histogram.sum.unwrap_or_default());
                self.counts(histogram.bucket_counts())?;
                self.list(histogram.explicit_bounds(), |rows, bound| {
                    rows.double(bound);
                    Ok(())
                })?;
                self.double(histogram.min.unwrap_or_default());
                self.double(histogram.max.unwrap_or_default());
                self.raw(&temporality);
            }
            PointValue::ExponentialHistogram(histogram) => {
                self.raw(&histogram.count.to_le_bytes());
                self.double(histogram.sum.unwrap_or_default());
                self.raw(&histogram.scale.to_le_bytes());
                self.raw(&histogram.zero_count.to_le_bytes());
                self.buckets(&histogram.positive)?;
                self.buckets(&histogram.negative)?;
                self.double(histogram.min.unwrap_or_default());
                self.double(histogram.max.unwrap_or_default());
                self.raw(&temporality);
            }
            PointValue::Summary(summary) => {
                self.raw(&summary.count.to_le_bytes());
                self.double(summary.sum);
                self.list(summary.quantile_values(), |rows, at| {
                    rows.double(at.quantile);
                    Ok(())
                })?;
                self.list(summary.quantile_values(), |rows, at| {
                    rows.double(at.value);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    fn exemplars(&mut self, point: &PointView<'_>, columns: Columns) -> Written {
        let value = |exemplar: &ExemplarView<'_>| exemplar.value.map_or(0.0, NumberView::as_f64);
        self.list(point.exemplars(), |rows, exemplar| {
            rows.attributes(&exemplar.filtered_attributes)
        })?;
        self.list(point.exemplars(), |rows, exemplar| {
            rows.time(exemplar.time_unix_nano, columns);
            Ok(())
        })?;
        self.list(point.exemplars(), |rows, exemplar| {
            rows.double(value(&exemplar));
            Ok(())
        })?;
        self.list(point.exemplars(), |rows, exemplar| {
            rows.id(exemplar.span_id.is_zero(), &exemplar.span_id.0);
            Ok(())
        })?;
        self.list(point.exemplars(), |rows, exemplar| {
            rows.id(exemplar.trace_id.is_zero(), &exemplar.trace_id.0);
            Ok(())
        })
    }

    fn buckets(&mut self, buckets: &BucketsView<'_>) -> Written {
        self.raw(&buckets.offset.to_le_bytes());
        self.counts(buckets.bucket_counts())
    }

    fn counts(&mut self, counts: impl Iterator<Item = Result<u64, DecodeError>>) -> Written {
        self.list(counts, |rows, count| {
            rows.raw(&count.to_le_bytes());
            Ok(())
        })
    }

    /// Attributes as a map of texts, or as the text of a JSON object.
    fn attributes(&mut self, attributes: &Attributes<'_>) -> Written {
        if self.json {
            let mut scratch = std::mem::take(&mut self.scratch);
            scratch.clear();
            json::write_plain_attributes(attributes, &mut scratch)?;
            self.sized(&scratch);
            self.scratch = scratch;
            return Ok(());
        }
        self.length(attributes.len());
        for attribute in attributes.iter() {
            let (key, value) = attribute?;
            self.text(key);
            self.text(&value.to_text());
        }
        Ok(())
    }

    fn keys(&mut self, attributes: &Attributes<'_>) -> Written {
        self.length(attributes.len());
        for attribute in attributes.iter() {
            self.text(attribute?.0);
        }
        Ok(())
    }

    fn list<T>(
        &mut self,
        elements: impl Iterator<Item = Result<T, DecodeError>>,
        mut write: impl FnMut(&mut Rows, T) -> Written,
    ) -> Written {
        // The count stands in front; most lists are short enough for one byte of it.
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0]);
        let mut count = 0;
        for element in elements {
            write(self, element?)?;
            count += 1;
        }
        match (u8::try_from(count), self.bytes.get_mut(start)) {
            (Ok(short), Some(place)) if short < 0x80 => *place = short,
            _ => {
                let tail = self.bytes.split_off(start + 1);
                self.bytes.truncate(start);
                self.length(count);
                self.bytes.unsplit(tail);
            }
        }
        Ok(())
    }

    /// An id in lower-case hexadecimal; empty when there is none.
    fn id(&mut self, is_zero: bool, id: &[u8]) {
        if is_zero {
            return self.text("");
        }
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or(b'0');
        self.length(2 * id.len());
        for byte in id {
            self.raw(&[digit(byte >> 4), digit(byte & 15)]);
        }
    }

    /// A `DateTime64(9)`, which ends in 2262.
    fn nanos(&mut self, nanos: u64) {
        self.raw(&i64::try_from(nanos).unwrap_or(i64::MAX).to_le_bytes());
    }

    fn time(&mut self, nanos: u64, columns: Columns) {
        match columns.seconds {
            true => {
                let seconds = u32::try_from(nanos / 1_000_000_000).unwrap_or(u32::MAX);
                self.raw(&seconds.to_le_bytes());
            }
            false => self.nanos(nanos),
        }
    }

    fn double(&mut self, value: f64) {
        self.raw(&value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.sized(text.as_bytes());
    }

    fn sized(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.raw(bytes);
    }

    fn length(&mut self, length: usize) {
        let mut rest = length;
        while rest >= 0x80 {
            self.raw(&[(rest & 0x7f) as u8 | 0x80]);
            rest >>= 7;
        }
        self.raw(&[rest as u8]);
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
}
