//! What one data point becomes: values of series, and the sketch of a distribution.

use fanlight_formats::datadog::{
    Dogsketch, Metadata, MetricPoint, MetricSeries, MetricType, Origin, Resource, Sketch,
};
use fanlight_otlp::DecodeError;
use fanlight_otlp::view::{
    BucketsView, ExponentialHistogramView, HistogramView, MetricKind, MetricView, PointValue,
    PointView, SummaryView,
};

use super::sketch;
use super::{HistogramMode, Mapping, Shared};
use crate::datadog::source;

const DELTA: i32 = 1;
const CUMULATIVE: i32 = 2;

/// What one point becomes.
#[derive(Default)]
pub(super) struct Converted {
    pub(super) series: Vec<MetricSeries>,
    pub(super) sketch: Option<Sketch>,
    /// Why the point, or a part of it, can't be sent.
    pub(super) refused: Option<&'static str>,
}

/// What a histogram says of all its values.
#[derive(Clone, Copy)]
struct Whole {
    count: u64,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
}

/// Makes what one point becomes.
pub(super) struct Converter<'a> {
    mapping: &'a Mapping,
    metric: &'a MetricView<'a>,
    name: String,
    hostname: &'a str,
    tags: Vec<String>,
    seconds: i64,
    out: Converted,
}

impl<'a> Converter<'a> {
    pub(super) fn new(
        mapping: &'a Mapping,
        shared: &'a Shared<'_>,
        scope_tags: &[String],
        metric: &'a MetricView<'a>,
        point: &PointView<'_>,
    ) -> Result<Converter<'a>, DecodeError> {
        let mut tags = Vec::with_capacity(scope_tags.len() + point.attributes.len());
        for attribute in point.attributes {
            let (key, value) = attribute?;
            tags.push(source::tag(key, &value));
        }
        for attribute in shared.attributes.unwrap_or_default() {
            let (key, value) = attribute?;
            if point.attributes.get(key)?.is_none() {
                tags.push(source::tag(key, &value));
            }
        }
        tags.extend_from_slice(scope_tags);
        let seconds = point.time_unix_nano / 1_000_000_000;
        Ok(Converter {
            mapping,
            metric,
            name: renamed(metric.name),
            hostname: &shared.hostname,
            tags,
            seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
            out: Converted::default(),
        })
    }

    pub(super) fn convert(mut self, point: &PointView<'_>) -> Result<Converted, DecodeError> {
        const NO_RECORDED_VALUE: u32 = 1;
        if point.flags & NO_RECORDED_VALUE != 0 {
            return Ok(self.out);
        }
        match &point.value {
            PointValue::Empty => {}
            PointValue::Number(number) => self.number(number.as_f64()),
            PointValue::Histogram(histogram) => self.histogram(histogram)?,
            PointValue::ExponentialHistogram(histogram) => self.exponential(histogram)?,
            PointValue::Summary(summary) => self.summary(summary)?,
        }
        Ok(self.out)
    }

    fn refuse(&mut self, why: &'static str) {
        self.out.refused = Some(why);
    }

    fn number(&mut self, value: f64) {
        let is_gauge = !self.metric.is_monotonic || self.mapping.raw_sums;
        match (self.metric.kind, self.metric.aggregation_temporality) {
            (MetricKind::Sum, DELTA) => self.count("", value),
            (MetricKind::Sum, CUMULATIVE) if is_gauge => self.gauge("", value),
            (MetricKind::Gauge, _) => self.gauge("", value),
            _ => self.refuse("a sum is not delta, and can't be made so"),
        }
        if !value.is_finite() {
            self.refuse("NaN and infinity are no values to Datadog");
        }
    }

    /// Sends the aggregates of a histogram, where they are wanted; nothing of it, where it does not fit.
    fn aggregates(&mut self, whole: Whole) -> bool {
        let sum = whole.sum.unwrap_or_default();
        match self.metric.aggregation_temporality {
            DELTA if sum.is_finite() => {}
            DELTA => {
                self.refuse("NaN and infinity are no values to Datadog");
                return false;
            }
            _ => {
                self.refuse("a histogram is not delta, and can't be made so");
                return false;
            }
        }
        if self.mapping.aggregations {
            self.count(".count", whole.count as f64);
            self.count(".sum", sum);
            if let Some(min) = whole.min {
                self.gauge(".min", min);
            }
            if let Some(max) = whole.max {
                self.gauge(".max", max);
            }
        }
        true
    }

    fn histogram(&mut self, histogram: &HistogramView<'_>) -> Result<(), DecodeError> {
        let whole = Whole {
            count: histogram.count,
            sum: histogram.sum,
            min: histogram.min,
            max: histogram.max,
        };
        if !self.aggregates(whole) {
            return Ok(());
        }
        let (bounds, counts) = buckets(histogram)?;
        if counts.len() != bounds.len() + 1 || !bounds.is_sorted() {
            self.refuse("the bounds of a histogram don't fit its buckets");
            return Ok(());
        }
        match self.mapping.histograms {
            HistogramMode::NoBuckets => {}
            HistogramMode::Counters => self.counters(&bounds, &counts),
            HistogramMode::Distributions => {
                let mean = whole.sum.unwrap_or_default() / whole.count.max(1) as f64;
                if let Some(message) = self.spread(&bounds, &counts, mean) {
                    self.distribution(message, whole);
                }
            }
        }
        Ok(())
    }

    /// The values of buckets as a sketch; those of an open bucket are at its bound.
    fn spread(&self, bounds: &[f64], counts: &[u64], mean: f64) -> Option<Dogsketch> {
        let mut sketch = sketch::Sketch::default();
        let mut outer: Option<(f64, f64)> = None;
        for ((lower, upper), count) in edges(bounds).zip(counts) {
            if *count == 0 {
                continue;
            }
            let (low, high) = match (lower.is_finite(), upper.is_finite()) {
                (true, true) => (lower, upper),
                (true, false) => (lower, lower),
                (false, true) => (upper, upper),
                (false, false) => (mean, mean),
            };
            sketch.add(low, high, *count);
            outer = Some((outer.map_or(lower, |(lowest, _)| lowest), upper));
        }
        let mut message = sketch.finish(self.seconds)?;
        let (lowest, highest) = outer?;
        if lowest.is_finite() {
            message.min = lowest;
        }
        if highest.is_finite() {
            message.max = highest;
        }
        Some(message)
    }

    fn exponential(&mut self, histogram: &ExponentialHistogramView<'_>) -> Result<(), DecodeError> {
        let whole = Whole {
            count: histogram.count,
            sum: histogram.sum,
            min: histogram.min,
            max: histogram.max,
        };
        if !self.aggregates(whole) || self.mapping.histograms == HistogramMode::NoBuckets {
            return Ok(());
        }
        let mut sketch = sketch::Sketch::default();
        sketch.add(0.0, 0.0, histogram.zero_count);
        for (buckets, sign) in [(&histogram.positive, 1.0), (&histogram.negative, -1.0)] {
            for bucket in exponential_buckets(buckets, histogram.scale) {
                let (lower, upper, count) = bucket?;
                let (near, far) = (sign * lower, sign * upper);
                sketch.add(near.min(far), near.max(far), count);
            }
        }
        if let Some(message) = sketch.finish(self.seconds) {
            self.distribution(message, whole);
        }
        Ok(())
    }

    fn counters(&mut self, bounds: &[f64], counts: &[u64]) {
        for ((lower, upper), count) in edges(bounds).zip(counts) {
            let mut series = self.series(".bucket", MetricType::Count, *count as f64);
            let bounds = [
                format!("lower_bound:{}", bound_text(lower)),
                format!("upper_bound:{}", bound_text(upper)),
            ];
            series.tags.splice(0..0, bounds);
            self.out.series.push(series);
        }
    }

    /// A distribution; what the sender knows of all values counts more than what the bins say.
    fn distribution(&mut self, mut message: Dogsketch, whole: Whole) {
        let Whole {
            count,
            sum,
            min,
            max,
        } = whole;
        message.cnt = i64::try_from(count).unwrap_or(i64::MAX);
        if let Some(sum) = sum {
            message.sum = sum;
            message.avg = sum / count.max(1) as f64;
        }
        message.min = min.filter(|min| min.is_finite()).unwrap_or(message.min);
        message.max = max.filter(|max| max.is_finite()).unwrap_or(message.max);
        self.out.sketch = Some(Sketch {
            metric: self.name.clone(),
            host: self.hostname.to_owned(),
            tags: self.tags.clone(),
            dogsketches: vec![message],
            metadata: Some(METADATA),
        });
    }

    fn summary(&mut self, summary: &SummaryView<'_>) -> Result<(), DecodeError> {
        self.count(".count", summary.count as f64);
        if summary.sum.is_finite() {
            self.count(".sum", summary.sum);
        }
        if !self.mapping.quantiles {
            return Ok(());
        }
        for quantile in summary.quantile_values() {
            let quantile = quantile?;
            if quantile.value.is_finite() {
                let mut series = self.series(".quantile", MetricType::Gauge, quantile.value);
                let tag = format!("quantile:{}", bound_text(quantile.quantile));
                series.tags.insert(0, tag);
                self.out.series.push(series);
            }
        }
        Ok(())
    }

    fn count(&mut self, suffix: &str, value: f64) {
        let series = self.series(suffix, MetricType::Count, value);
        self.out.series.push(series);
    }

    fn gauge(&mut self, suffix: &str, value: f64) {
        let series = self.series(suffix, MetricType::Gauge, value);
        self.out.series.push(series);
    }

    fn series(&self, suffix: &str, kind: MetricType, value: f64) -> MetricSeries {
        let host = (!self.hostname.is_empty()).then(|| Resource {
            r#type: "host".to_owned(),
            name: self.hostname.to_owned(),
        });
        MetricSeries {
            resources: host.into_iter().collect(),
            metric: format!("{}{suffix}", self.name),
            tags: self.tags.clone(),
            points: vec![MetricPoint {
                value,
                timestamp: self.seconds,
            }],
            r#type: kind as i32,
            metadata: Some(METADATA),
            ..MetricSeries::default()
        }
    }
}

/// Where all of it comes from: OTLP, by an OpenTelemetry exporter.
const METADATA: Metadata = Metadata {
    origin: Some(Origin {
        origin_product: 19,
        origin_category: 17,
        origin_service: 0,
    }),
};

/// The bounds and counts of a histogram; one without buckets has all values in one, from the smallest to the largest.
fn buckets(histogram: &HistogramView<'_>) -> Result<(Vec<f64>, Vec<u64>), DecodeError> {
    let mut bounds: Vec<f64> = histogram.explicit_bounds().collect::<Result<_, _>>()?;
    let mut counts: Vec<u64> = histogram.bucket_counts().collect::<Result<_, _>>()?;
    if counts.is_empty() {
        bounds = [histogram.min, histogram.max]
            .into_iter()
            .flatten()
            .collect();
        counts = vec![0; bounds.len() + 1];
        let middle = usize::from(histogram.min.is_some());
        if let Some(count) = counts.get_mut(middle) {
            *count = histogram.count;
        }
    }
    Ok((bounds, counts))
}

/// The bounds of each bucket.
fn edges(bounds: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    let lower = [f64::NEG_INFINITY]
        .into_iter()
        .chain(bounds.iter().copied());
    let upper = bounds.iter().copied().chain([f64::INFINITY]);
    lower.zip(upper)
}

/// The bounds and the count of each bucket that has values.
fn exponential_buckets(
    buckets: &BucketsView<'_>,
    scale: i32,
) -> impl Iterator<Item = Result<(f64, f64, u64), DecodeError>> {
    let bound = move |index: i64| {
        let exponent = index as f64 * 2_f64.powi(scale.saturating_neg());
        exponent.exp2().min(f64::MAX)
    };
    let offset = i64::from(buckets.offset);
    buckets
        .bucket_counts()
        .zip(offset..)
        .map(move |(count, index)| Ok((bound(index), bound(index + 1), count?)))
        .filter(|bucket| !matches!(bucket, Ok((.., 0))))
}

/// A bound as the Collector writes it.
fn bound_text(bound: f64) -> String {
    match bound {
        f64::INFINITY => "inf".to_owned(),
        f64::NEG_INFINITY => "-inf".to_owned(),
        0.0 => "0".to_owned(),
        bound if bound.fract() == 0.0 => format!("{bound}.0"),
        bound => bound.to_string(),
    }
}

/// The name that does not mix with metrics of the Agent.
fn renamed(name: &str) -> String {
    match name.starts_with("system.") || name.starts_with("process.") {
        true => format!("otel.{name}"),
        false => name.to_owned(),
    }
}
