//! Verbosity `basic` and `normal`: one line for the batch, one for each item.

use std::fmt;

use fanlight_otlp::view::{
    DictionaryView, ExponentialHistogramView, HistogramView, LogView, MetricView, NumberView,
    PointValue, PointView, ProfileView, ScopeView, SpanView, SummaryView,
};
use fanlight_otlp::{Batch, DecodeError, Signal};

use super::text::{Decimals, Shortest, Text, id};

/// The line for the batch.
pub(super) fn summary(batch: &Batch, text: &mut Text) -> Result<(), DecodeError> {
    let (mut resources, mut metrics) = (0, 0);
    for resource in batch.resources() {
        resources += 1;
        for scope in resource?.scopes() {
            metrics += scope?.metrics().count();
        }
    }
    let items = batch.items();
    match batch.signal() {
        Signal::Traces => text.line(format_args!("Traces\t{{\"resource spans\": {resources}, \"spans\": {items}}}")),
        Signal::Metrics => text.line(format_args!(
            "Metrics\t{{\"resource metrics\": {resources}, \"metrics\": {metrics}, \"data points\": {items}}}"
        )),
        Signal::Logs => text.line(format_args!("Logs\t{{\"resource logs\": {resources}, \"log records\": {items}}}")),
        Signal::Profiles => text.line(format_args!(
            "Profiles\t{{\"resource profiles\": {resources}, \"sample records\": {items}}}"
        )),
    }
    Ok(())
}

/// The lines for the items, under their resources and scopes.
pub(super) fn write(batch: &Batch, text: &mut Text) -> Result<(), DecodeError> {
    let kind = match batch.signal() {
        Signal::Traces => "Traces",
        Signal::Metrics => "Metrics",
        Signal::Logs => "Log",
        Signal::Profiles => "Profiles",
    };
    let dictionary = batch.dictionary()?;
    for (index, resource) in batch.resources().enumerate() {
        let resource = resource?;
        text.add(format_args!(
            "Resource{kind} #{index}{}",
            Schema(resource.schema_url)
        ));
        attributes(text, resource.attributes)?;
        for (index, scope) in resource.scopes().enumerate() {
            let scope = scope?;
            text.add(format_args!("Scope{kind} #{index}"));
            scope_header(text, &scope)?;
            scope
                .spans()
                .try_for_each(|span| write_span(text, &span?))?;
            scope
                .logs()
                .try_for_each(|record| write_log(text, &record?))?;
            scope
                .metrics()
                .try_for_each(|metric| write_metric(text, &metric?))?;
            scope
                .profiles()
                .try_for_each(|profile| write_profile(text, &profile?, &dictionary))?;
        }
    }
    Ok(())
}

/// A schema in brackets, if there is one.
struct Schema<'a>(&'a str);

impl fmt::Display for Schema<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(f, " [{}]", self.0)
        }
    }
}

/// ` key=value key=value` and the end of the line.
fn attributes(
    text: &mut Text,
    attributes: fanlight_otlp::view::Attributes<'_>,
) -> Result<(), DecodeError> {
    if !attributes.is_empty() {
        text.add(format_args!(" "));
        text.pairs(attributes, " ")?;
    }
    text.line(format_args!(""));
    Ok(())
}

fn scope_header(text: &mut Text, scope: &ScopeView<'_>) -> Result<(), DecodeError> {
    match (scope.name, scope.version) {
        ("", "") => {}
        (name, "") => text.add(format_args!(" {name}")),
        (name, version) => text.add(format_args!(" {name}@{version}")),
    }
    text.add(format_args!("{}", Schema(scope.schema_url)));
    attributes(text, scope.attributes)
}

fn write_span(text: &mut Text, span: &SpanView<'_>) -> Result<(), DecodeError> {
    text.add(format_args!(
        "{} {} {}",
        span.name,
        id(span.trace_id),
        id(span.span_id)
    ));
    attributes(text, span.attributes)
}

fn write_log(text: &mut Text, record: &LogView<'_>) -> Result<(), DecodeError> {
    text.value(&record.body)?;
    text.add(format_args!(" "));
    text.pairs(record.attributes, " ")?;
    text.line(format_args!(""));
    Ok(())
}

fn write_metric(text: &mut Text, metric: &MetricView<'_>) -> Result<(), DecodeError> {
    for point in metric.points() {
        write_point(text, metric.name, &point?)?;
    }
    Ok(())
}

fn write_point(text: &mut Text, name: &str, point: &PointView<'_>) -> Result<(), DecodeError> {
    text.add(format_args!("{name}{{"));
    text.pairs(point.attributes, ",")?;
    text.add(format_args!("}} "));
    match &point.value {
        PointValue::Empty => {}
        PointValue::Number(NumberView::Int(value)) => text.add(format_args!("{value}")),
        PointValue::Number(NumberView::Double(value)) => {
            text.add(format_args!("{}", Shortest(*value)))
        }
        PointValue::Histogram(histogram) => write_histogram(text, histogram)?,
        PointValue::ExponentialHistogram(histogram) => {
            write_exponential_histogram(text, histogram)?
        }
        PointValue::Summary(summary) => write_summary(text, summary)?,
    }
    text.line(format_args!(""));
    Ok(())
}

fn write_statistics(text: &mut Text, count: u64, statistics: [Option<f64>; 3]) {
    text.add(format_args!("count={count}"));
    for (name, value) in ["sum", "min", "max"].iter().zip(statistics) {
        if let Some(value) = value {
            text.add(format_args!(" {name}={}", Shortest(value)));
        }
    }
}

fn write_histogram(text: &mut Text, histogram: &HistogramView<'_>) -> Result<(), DecodeError> {
    write_statistics(
        text,
        histogram.count,
        [histogram.sum, histogram.min, histogram.max],
    );
    let mut bounds = histogram.explicit_bounds();
    for count in histogram.bucket_counts() {
        let count = count?;
        match bounds.next().transpose()? {
            Some(bound) => text.add(format_args!(" le{}={count}", Shortest(bound))),
            None => text.add(format_args!(" {count}")),
        }
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
        let upper = -bound(histogram.negative.offset, index);
        text.add(format_args!(" le{}={count}", Shortest(upper)));
    }
    if histogram.zero_count != 0 {
        text.add(format_args!(" zero={}", histogram.zero_count));
    }
    for (index, count) in histogram.positive.bucket_counts().enumerate() {
        let upper = bound(histogram.positive.offset, index + 1);
        text.add(format_args!(" le{}={}", Shortest(upper), count?));
    }
    Ok(())
}

/// The lower bound of a bucket of an exponential histogram, by offset and index.
/// [Source](https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponential-scale).
pub(super) fn bucket_bound(scale: i32) -> impl Fn(i32, usize) -> f64 {
    let factor = std::f64::consts::LN_2 * (-f64::from(scale)).exp2();
    move |offset, index| ((f64::from(offset) + index as f64) * factor).exp()
}

fn write_summary(text: &mut Text, summary: &SummaryView<'_>) -> Result<(), DecodeError> {
    text.add(format_args!(
        "count={} sum={}",
        summary.count,
        Decimals(summary.sum)
    ));
    for quantile in summary.quantile_values() {
        let quantile = quantile?;
        text.add(format_args!(
            " q{}={}",
            Shortest(quantile.quantile),
            Shortest(quantile.value)
        ));
    }
    Ok(())
}

fn write_profile(
    text: &mut Text,
    profile: &ProfileView<'_>,
    dictionary: &DictionaryView<'_>,
) -> Result<(), DecodeError> {
    text.add(format_args!(
        "{} samples={}",
        profile_id(profile),
        profile.samples_count()
    ));
    for attribute in profile_attributes(profile, dictionary) {
        match attribute? {
            Ok((key, value)) => {
                text.add(format_args!(" {key}="));
                text.value(&value)?;
            }
            Err(index) => text.add(format_args!(
                " [Missing Dictionary AttributeTable Item #{index}]"
            )),
        }
    }
    text.line(format_args!(""));
    Ok(())
}

pub(super) fn profile_id(profile: &ProfileView<'_>) -> String {
    id(fanlight_otlp::TraceId(profile.profile_id))
}

/// Attributes of one profile that are shown. Each is looked up by walking the dictionary, so a hostile list would
/// otherwise cost the product of two lengths.
const SHOWN_ATTRIBUTES: usize = 128;

type ProfileAttribute<'a> = Result<(&'a str, fanlight_otlp::view::Value<'a>), i32>;

/// The first attributes of a profile; the index instead where it points past a table.
pub(super) fn profile_attributes<'a>(
    profile: &ProfileView<'a>,
    dictionary: &DictionaryView<'a>,
) -> impl Iterator<Item = Result<ProfileAttribute<'a>, DecodeError>> {
    profile
        .attribute_indices()
        .take(SHOWN_ATTRIBUTES)
        .map(|index| {
            let index = index?;
            Ok(dictionary.attribute(index)?.ok_or(index))
        })
}
