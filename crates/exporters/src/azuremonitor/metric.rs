//! Metrics: each data point as one measurement, or as an aggregation with its count, and its least and greatest value.
//!
//! Buckets, quantiles and exemplars have no place in Azure Monitor's metrics. Points without a number that JSON has are left
//! out.

use fanlight_otlp::view::{MetricView, PointValue, PointView};

use super::envelope::{Common, Head, SHORT, Track, or_none};
use crate::json_object::front;

/// A point that can't be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Azure Monitor takes no metric without a finite value")]
pub(super) struct NoValue;

/// What Azure Monitor keeps of a point.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Measured {
    value: f64,
    /// Count, min and max of an aggregation.
    aggregated: Option<(u64, Option<f64>, Option<f64>)>,
}

/// Appends a point's envelope.
pub(super) fn write(
    track: &mut Track,
    common: &Common<'_, '_>,
    metric: &MetricView<'_>,
    point: &PointView<'_>,
    item: usize,
) -> Result<(), NoValue> {
    let measured = measured(point).filter(|measured| measured.value.is_finite());
    let measured = measured.ok_or(NoValue)?;
    let head = Head {
        kind: "Metric",
        time_unix_nano: point.time_unix_nano,
        trace_id: Default::default(),
        parent_id: Default::default(),
        operation: "",
        item,
    };
    let properties = common.properties([], point.attributes);
    track.add(common, head, |base, limits| {
        base.array("metrics", |list| {
            list.object(|out| {
                out.text("name", or_none(front(metric.name, SHORT)));
                out.number("value", measured.value);
                let (kind, count, min, max) = match measured.aggregated {
                    None => ("Measurement", 1, None, None),
                    Some((count, min, max)) => ("Aggregation", count, min, max),
                };
                out.text("kind", kind);
                // The schema has 32 bits for it.
                out.number("count", count.min(i32::MAX as u64));
                for (key, value) in [("min", min), ("max", max)] {
                    if let Some(value) = value.filter(|value| value.is_finite()) {
                        out.number(key, value);
                    }
                }
            });
        });
        properties.write(base, limits);
    });
    Ok(())
}

fn measured(point: &PointView<'_>) -> Option<Measured> {
    // Bit 0: the point says that there is no value any more.
    if point.flags & 1 == 1 {
        return None;
    }
    let (value, aggregated) = match point.value {
        PointValue::Empty => return None,
        PointValue::Number(number) => (number.as_f64(), None),
        PointValue::Histogram(histogram) => (
            histogram.sum.unwrap_or(0.0),
            Some((histogram.count, histogram.min, histogram.max)),
        ),
        PointValue::ExponentialHistogram(histogram) => (
            histogram.sum.unwrap_or(0.0),
            Some((histogram.count, histogram.min, histogram.max)),
        ),
        PointValue::Summary(summary) => (summary.sum, Some((summary.count, None, None))),
    };
    Some(Measured { value, aggregated })
}
