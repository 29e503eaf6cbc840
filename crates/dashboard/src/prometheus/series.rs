//! Metrics as series of Prometheus: names and labels by its rules, counters that only grow, histograms as buckets.
//!
//! A stream's labels are its attributes, `job` (service.namespace/service.name) and `instance` (service.instance.id), as
//! [the specification](https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#resource-attributes-1)
//! has it. Other attributes of the resource are left out. Delta streams are added up.

use std::collections::BTreeMap;

use fanlight_formats::prometheus::names::{Names, Strategy, Type};
use fanlight_formats::prometheus::number;
use fanlight_store::{Measured, MetricPoint, MetricStream, MetricStreams, MetricSummary, Spread};

/// The label that is the name.
pub(super) const NAME: &str = "__name__";

/// Labels by name.
pub(super) type Labels = BTreeMap<String, String>;

/// A series: its labels, and its samples by time, in Unix milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    pub(super) labels: Labels,
    pub(super) samples: Vec<(i64, f64)>,
}

/// What a metric is called here: one name, or several for the parts of a histogram or a summary.
pub(super) fn names_of(metric: &MetricSummary) -> Vec<String> {
    let Some(base) = base_name(&metric.name, &metric.unit, metric.kind, metric.monotonic) else {
        return Vec::new();
    };
    let part = |suffix: &str| format!("{base}{suffix}");
    match metric.kind {
        "histogram" | "exponential_histogram" => ["_bucket", "_count", "_sum"].map(part).to_vec(),
        "summary" => ["", "_count", "_sum"].map(part).to_vec(),
        _ => vec![base],
    }
}

fn names() -> Names {
    Names::new("", Some(Strategy::UnderscoreEscapingWithSuffixes), true)
}

fn base_name(name: &str, unit: &str, kind: &str, is_monotonic: bool) -> Option<String> {
    let kind = match kind {
        "sum" if is_monotonic => Type::Counter,
        "sum" => Type::UpDownCounter,
        "gauge" => Type::Gauge,
        "summary" => Type::Summary,
        _ => Type::Histogram,
    };
    names().metric(name, unit, kind)
}

/// The series of a metric whose names pass.
pub(super) fn series(
    metric: &str,
    streams: MetricStreams,
    wanted: &dyn Fn(&str) -> bool,
) -> Vec<Series> {
    let Some(base) = base_name(metric, &streams.unit, streams.kind, streams.is_monotonic) else {
        return Vec::new();
    };
    let is_delta = !streams.is_cumulative && !matches!(streams.kind, "gauge" | "summary");
    let mut all: BTreeMap<Labels, Vec<(i64, f64)>> = BTreeMap::new();
    for mut stream in streams.streams {
        if is_delta {
            add_up(&mut stream.points);
        }
        let labels = labels(&stream);
        let bounds = bounds(&stream.points);
        let mut add = |suffix: &str, more: Option<(&str, f64)>, time: i64, value: f64| {
            let name = format!("{base}{suffix}");
            if !wanted(&name) {
                return;
            }
            let mut labels = labels.clone();
            labels.insert(NAME.to_owned(), name);
            if let Some((key, value)) = more {
                labels.insert(key.to_owned(), number(value));
            }
            all.entry(labels).or_default().push((time, value));
        };
        for point in &stream.points {
            let time = point.time_ns / 1_000_000;
            match &point.value {
                Measured::Number(value) => add("", None, time, *value),
                Measured::Spread(spread) => spread_samples(spread, &bounds, time, &mut add),
            }
        }
    }
    let sorted = |(labels, mut samples): (Labels, Vec<(i64, f64)>)| {
        samples.sort_by_key(|(time, _)| *time);
        samples.dedup_by_key(|(time, _)| *time);
        Series { labels, samples }
    };
    all.into_iter().map(sorted).collect()
}

/// Takes a sample: the name's suffix, a label more, the time and the value.
type Add<'a> = dyn FnMut(&str, Option<(&str, f64)>, i64, f64) + 'a;

fn spread_samples(spread: &Spread, bounds: &[f64], time: i64, add: &mut Add<'_>) {
    add("_count", None, time, spread.count);
    add("_sum", None, time, spread.sum);
    for (quantile, value) in &spread.quantiles {
        add("", Some(("quantile", *quantile)), time, *value);
    }
    if spread.quantiles.is_empty() {
        let (mut below, mut buckets) = (0.0, spread.buckets.iter().peekable());
        for bound in bounds {
            while let Some((_, count)) = buckets.next_if(|(own, _)| own <= bound) {
                below += count;
            }
            add("_bucket", Some(("le", *bound)), time, below);
        }
        add("_bucket", Some(("le", f64::INFINITY)), time, spread.count);
    }
}

/// The upper bounds of all points, but for the infinite: each bound is a series, which must have a sample of every point.
fn bounds(points: &[MetricPoint]) -> Vec<f64> {
    let spreads = points.iter().filter_map(|point| match &point.value {
        Measured::Spread(spread) => Some(spread),
        Measured::Number(_) => None,
    });
    let bounds = spreads.flat_map(|spread| spread.buckets.iter().map(|(bound, _)| *bound));
    let mut bounds: Vec<f64> = bounds.filter(|bound| bound.is_finite()).collect();
    bounds.sort_unstable_by(f64::total_cmp);
    bounds.dedup();
    bounds
}

/// Makes points that count from the one before count from the first.
fn add_up(points: &mut [MetricPoint]) {
    let (mut total, mut whole) = (0.0, Spread::default());
    for point in points {
        match &mut point.value {
            Measured::Number(value) => {
                total += *value;
                *value = total;
            }
            Measured::Spread(spread) => {
                whole.add(spread);
                spread.clone_from(&whole);
            }
        }
    }
}

fn labels(stream: &MetricStream) -> Labels {
    let names = names();
    let mut labels = Labels::new();
    for (key, value) in &stream.attributes {
        labels.insert(names.label(key).into_owned(), value.clone());
    }
    let resource = |key: &str| stream.resource.get(key).filter(|value| !value.is_empty());
    if let Some(service) = resource("service.name") {
        let job = match resource("service.namespace") {
            Some(namespace) => format!("{namespace}/{service}"),
            None => service.clone(),
        };
        labels.entry("job".to_owned()).or_insert(job);
    }
    if let Some(instance) = resource("service.instance.id") {
        labels
            .entry("instance".to_owned())
            .or_insert_with(|| instance.clone());
    }
    labels
}
