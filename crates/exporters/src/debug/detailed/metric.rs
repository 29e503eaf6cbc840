//! Metrics with their data points.

use fanlight_otlp::DecodeError;
use fanlight_otlp::view::{
    ExemplarView, ExponentialHistogramView, HistogramView, MetricKind, MetricView, NumberView,
    PointValue, PointView, SummaryView,
};

use super::super::normal::bucket_bound;
use super::super::text::{Decimals, Text, Time, id, word};
use super::{attributes, nested_attributes};

/// Words of `AggregationTemporality`.
const TEMPORALITIES: [&str; 3] = ["Unspecified", "Delta", "Cumulative"];

pub(super) fn write(text: &mut Text, metric: &MetricView<'_>) -> Result<(), DecodeError> {
    let (kind, points) = match metric.kind {
        MetricKind::Empty => ("Empty", ""),
        MetricKind::Gauge => ("Gauge", "NumberDataPoints"),
        MetricKind::Sum => ("Sum", "NumberDataPoints"),
        MetricKind::Histogram => ("Histogram", "HistogramDataPoints"),
        MetricKind::ExponentialHistogram => {
            ("ExponentialHistogram", "ExponentialHistogramDataPoints")
        }
        MetricKind::Summary => ("Summary", "SummaryDataPoints"),
    };
    text.line(format_args!("Descriptor:"));
    text.line(format_args!("     -> Name: {}", metric.name));
    text.line(format_args!("     -> Description: {}", metric.description));
    text.line(format_args!("     -> Unit: {}", metric.unit));
    text.line(format_args!("     -> DataType: {kind}"));
    nested_attributes(text, "     -> Metadata", metric.metadata)?;
    if metric.kind == MetricKind::Sum {
        text.line(format_args!("     -> IsMonotonic: {}", metric.is_monotonic));
    }
    if matches!(
        metric.kind,
        MetricKind::Sum | MetricKind::Histogram | MetricKind::ExponentialHistogram
    ) {
        let temporality = word(&TEMPORALITIES, metric.aggregation_temporality);
        text.line(format_args!(
            "     -> AggregationTemporality: {temporality}"
        ));
    }
    for (index, point) in metric.points().enumerate() {
        text.line(format_args!("{points} #{index}"));
        write_point(text, &point?)?;
    }
    Ok(())
}

fn write_point(text: &mut Text, point: &PointView<'_>) -> Result<(), DecodeError> {
    attributes(text, "", "Data point attributes", point.attributes)?;
    text.line(format_args!(
        "StartTimestamp: {}",
        Time(point.start_time_unix_nano)
    ));
    text.line(format_args!("Timestamp: {}", Time(point.time_unix_nano)));
    match &point.value {
        PointValue::Empty => {}
        PointValue::Number(number) => write_number(text, "", *number),
        PointValue::Histogram(histogram) => write_histogram(text, histogram)?,
        PointValue::ExponentialHistogram(histogram) => {
            write_exponential_histogram(text, histogram)?
        }
        PointValue::Summary(summary) => write_summary(text, summary)?,
    }
    for (index, exemplar) in point.exemplars().enumerate() {
        if index == 0 {
            text.line(format_args!("Exemplars:"));
        }
        text.line(format_args!("Exemplar #{index}"));
        write_exemplar(text, &exemplar?)?;
    }
    Ok(())
}

fn write_number(text: &mut Text, indent: &str, number: NumberView) {
    match number {
        NumberView::Int(value) => text.line(format_args!("{indent}Value: {value}")),
        NumberView::Double(value) => text.line(format_args!("{indent}Value: {}", Decimals(value))),
    }
}

fn write_statistics(text: &mut Text, count: u64, statistics: [Option<f64>; 3]) {
    text.line(format_args!("Count: {count}"));
    for (name, value) in ["Sum", "Min", "Max"].iter().zip(statistics) {
        if let Some(value) = value {
            text.line(format_args!("{name}: {}", Decimals(value)));
        }
    }
}

fn write_histogram(text: &mut Text, histogram: &HistogramView<'_>) -> Result<(), DecodeError> {
    write_statistics(
        text,
        histogram.count,
        [histogram.sum, histogram.min, histogram.max],
    );
    for (index, bound) in histogram.explicit_bounds().enumerate() {
        text.line(format_args!(
            "ExplicitBounds #{index}: {}",
            Decimals(bound?)
        ));
    }
    for (index, count) in histogram.bucket_counts().enumerate() {
        text.line(format_args!("Buckets #{index}, Count: {}", count?));
    }
    Ok(())
}

fn write_exponential_histogram(
    text: &mut Text,
    histogram: &ExponentialHistogramView<'_>,
) -> Result<(), DecodeError> {
    write_statistics(
        text,
        histogram.count,
        [histogram.sum, histogram.min, histogram.max],
    );
    let bound = bucket_bound(histogram.scale);
    let counts = histogram
        .negative
        .bucket_counts()
        .collect::<Result<Vec<_>, _>>()?;
    for (index, count) in counts.iter().enumerate().rev() {
        let offset = histogram.negative.offset;
        let (lower, upper) = (
            Decimals(-bound(offset, index + 1)),
            Decimals(-bound(offset, index)),
        );
        text.line(format_args!("Bucket [{lower}, {upper}), Count: {count}"));
    }
    if histogram.zero_count != 0 {
        text.line(format_args!(
            "Bucket [0, 0], Count: {}",
            histogram.zero_count
        ));
    }
    for (index, count) in histogram.positive.bucket_counts().enumerate() {
        let offset = histogram.positive.offset;
        let (lower, upper) = (
            Decimals(bound(offset, index)),
            Decimals(bound(offset, index + 1)),
        );
        text.line(format_args!("Bucket ({lower}, {upper}], Count: {}", count?));
    }
    Ok(())
}

fn write_summary(text: &mut Text, summary: &SummaryView<'_>) -> Result<(), DecodeError> {
    text.line(format_args!("Count: {}", summary.count));
    text.line(format_args!("Sum: {}", Decimals(summary.sum)));
    for (index, quantile) in summary.quantile_values().enumerate() {
        let quantile = quantile?;
        let (at, value) = (Decimals(quantile.quantile), Decimals(quantile.value));
        text.line(format_args!(
            "QuantileValue #{index}: Quantile {at}, Value {value}"
        ));
    }
    Ok(())
}

fn write_exemplar(text: &mut Text, exemplar: &ExemplarView<'_>) -> Result<(), DecodeError> {
    text.line(format_args!("     -> Trace ID: {}", id(exemplar.trace_id)));
    text.line(format_args!("     -> Span ID: {}", id(exemplar.span_id)));
    text.line(format_args!(
        "     -> Timestamp: {}",
        Time(exemplar.time_unix_nano)
    ));
    if let Some(number) = exemplar.value {
        write_number(text, "     -> ", number);
    }
    nested_attributes(
        text,
        "     -> FilteredAttributes",
        exemplar.filtered_attributes,
    )
}
