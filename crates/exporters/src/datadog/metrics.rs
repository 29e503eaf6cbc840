//! A batch of data points as requests for `/api/v2/series` and `/api/beta/sketches`.
//!
//! | OTLP | Datadog |
//! |---|---|
//! | gauge; sum that may fall and is cumulative | gauge |
//! | sum, delta; cumulative, as its increase | count |
//! | histogram, exponential histogram | distribution (`histograms.mode: distributions`); or counts, one a bucket (`counters`) |
//! | summary | `.count`, `.sum`, and gauges `.quantile` (`summaries.mode: gauges`) |
//!
//! Increases are made before a batch gets here (`prepare`). Requests are kept within the intake's 500 kB compressed by
//! being no larger before compression. Metrics of hosts and processes are called `otel.system.*` and `otel.process.*`, as
//! the Collector's are, so that they don't mix with the Agent's own. NaN and infinity are left out and counted.
//! [Source](https://docs.datadoghq.com/opentelemetry/mapping/metrics/).

mod sketch;
mod summaries;

use bytes::Bytes;
use fanlight_formats::datadog::{
    CommonMetadata, Dogsketch, Metadata, MetricPayload, MetricPoint, MetricSeries, MetricType,
    Origin, Resource, Sketch, SketchPayload,
};
use fanlight_otlp::view::{
    Attributes, BucketsView, ExponentialHistogramView, HistogramView, MetricKind, MetricView,
    PointValue, PointView, ResourceView, ScopeView, SummaryView,
};
use fanlight_otlp::{Batch, DecodeError};
use prost::Message;
use serde::Deserialize;

pub(super) use self::summaries::Summaries;
use super::source::{self, Source};
use crate::pieces::{LeftOut, Piece};

/// The most that a request may have: the intake takes 512,000 bytes compressed, and nothing grows past that.
const LARGEST: usize = 500_000;

const DELTA: i32 = 1;
const CUMULATIVE: i32 = 2;

/// `histograms.mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum HistogramMode {
    /// As distributions.
    #[default]
    Distributions,
    /// As counts, one for each bucket.
    Counters,
    /// Only `.count`, `.sum`, `.min` and `.max`.
    NoBuckets,
}

/// How points are mapped.
#[derive(Clone, Debug, Default)]
pub(super) struct Mapping {
    pub(super) hostname: String,
    pub(super) resource_attributes: bool,
    pub(super) scope_attributes: bool,
    pub(super) histograms: HistogramMode,
    pub(super) aggregations: bool,
    pub(super) quantiles: bool,
    /// Sums that count from a fixed start are gauges.
    pub(super) raw_sums: bool,
}

/// A request, and where it goes.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Series(Bytes),
    Sketches(Bytes),
}

/// What one point becomes.
#[derive(Default)]
struct Converted {
    series: Vec<MetricSeries>,
    sketch: Option<Sketch>,
    /// Why the point, or a part of it, can't be sent.
    refused: Option<&'static str>,
}

/// The requests of a batch.
pub(super) fn pieces(
    batch: &Batch,
    mapping: &Mapping,
) -> Result<(Vec<Piece<Request>>, LeftOut), DecodeError> {
    let mut series = Filling::default();
    let mut sketches = Filling::default();
    let mut left_out = LeftOut::default();
    let mut number = 0..;
    for resource in batch.resources() {
        let resource = resource?;
        let shared = Shared::of(&resource, mapping)?;
        for scope in resource.scopes() {
            let scope = scope?;
            let tags = shared.tags(&scope, mapping)?;
            for metric in scope.metrics() {
                let metric = metric?;
                for (point, number) in metric.points().zip(&mut number) {
                    let point = point?;
                    let converter = Converter::new(mapping, &shared, &tags, &metric, &point)?;
                    let converted = converter.convert(&point)?;
                    if let Some(why) = converted.refused {
                        left_out.items += 1;
                        why.clone_into(&mut left_out.why);
                        continue;
                    }
                    for one in converted.series {
                        series.add(one, number);
                    }
                    if let Some(one) = converted.sketch {
                        sketches.add(one, number);
                    }
                }
            }
        }
    }
    let mut pieces =
        series.finish(|series| Request::Series(MetricPayload { series }.encode_to_vec().into()));
    pieces.extend(sketches.finish(|sketches| {
        let metadata = Some(CommonMetadata::default());
        Request::Sketches(SketchPayload { sketches, metadata }.encode_to_vec().into())
    }));
    Ok((pieces, left_out))
}

/// Requests of one kind that are being filled.
struct Filling<T> {
    done: Vec<(Vec<T>, Vec<usize>)>,
    size: usize,
}

impl<T> Default for Filling<T> {
    fn default() -> Filling<T> {
        Filling {
            done: Vec::new(),
            size: 0,
        }
    }
}

impl<T: Message> Filling<T> {
    fn add(&mut self, message: T, number: usize) {
        let size = message.encoded_len() + 6;
        if self.done.is_empty() || self.size + size > LARGEST {
            self.done.push((Vec::new(), Vec::new()));
            self.size = 0;
        }
        self.size += size;
        if let Some((messages, items)) = self.done.last_mut() {
            messages.push(message);
            if items.last() != Some(&number) {
                items.push(number);
            }
        }
    }

    fn finish(self, request: impl Fn(Vec<T>) -> Request) -> Vec<Piece<Request>> {
        let piece = |(messages, items)| Piece {
            request: request(messages),
            items,
        };
        self.done.into_iter().map(piece).collect()
    }
}

/// What the points of a resource share.
struct Shared<'a> {
    hostname: String,
    tags: Vec<String>,
    /// Every attribute, where they are wanted.
    attributes: Option<Attributes<'a>>,
}

impl<'a> Shared<'a> {
    fn of(resource: &ResourceView<'a>, mapping: &Mapping) -> Result<Shared<'a>, DecodeError> {
        let from = Source::of(&resource.attributes)?;
        let mut tags = source::tags(&resource.attributes)?;
        if let Source::Fargate(task) = &from {
            let tag = format!("task_arn:{task}");
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Ok(Shared {
            hostname: from.hostname(&mapping.hostname),
            tags,
            attributes: mapping.resource_attributes.then_some(resource.attributes),
        })
    }

    /// The tags of a scope's points.
    fn tags(&self, scope: &ScopeView<'_>, mapping: &Mapping) -> Result<Vec<String>, DecodeError> {
        let mut tags = self.tags.clone();
        if mapping.scope_attributes {
            tags.push(source::tag_of("instrumentation_scope", scope.name));
            tags.push(source::tag_of(
                "instrumentation_scope_version",
                scope.version,
            ));
            for attribute in scope.attributes {
                let (key, value) = attribute?;
                tags.push(source::tag(key, &value));
            }
        }
        Ok(tags)
    }
}

/// Makes what one point becomes.
struct Converter<'a> {
    mapping: &'a Mapping,
    metric: &'a MetricView<'a>,
    name: String,
    hostname: &'a str,
    tags: Vec<String>,
    seconds: i64,
    out: Converted,
}

impl<'a> Converter<'a> {
    fn new(
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

    fn convert(mut self, point: &PointView<'_>) -> Result<Converted, DecodeError> {
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

    fn aggregates(&mut self, count: u64, sum: f64, min: Option<f64>, max: Option<f64>) {
        if !self.mapping.aggregations {
            return;
        }
        self.count(".count", count as f64);
        self.count(".sum", sum);
        if let Some(min) = min {
            self.gauge(".min", min);
        }
        if let Some(max) = max {
            self.gauge(".max", max);
        }
    }

    fn histogram(&mut self, histogram: &HistogramView<'_>) -> Result<(), DecodeError> {
        let sum = histogram.sum.unwrap_or_default();
        if let Some(why) = self.unfit(sum) {
            self.refuse(why);
            return Ok(());
        }
        self.aggregates(histogram.count, sum, histogram.min, histogram.max);
        let (bounds, counts) = buckets(histogram)?;
        if counts.len() != bounds.len() + 1 || !bounds.is_sorted() {
            self.refuse("the bounds of a histogram don't fit its buckets");
            return Ok(());
        }
        match self.mapping.histograms {
            HistogramMode::NoBuckets => {}
            HistogramMode::Counters => self.counters(&bounds, &counts),
            HistogramMode::Distributions => {
                let mean = sum / histogram.count.max(1) as f64;
                if let Some(message) = self.spread(&bounds, &counts, mean) {
                    self.distribution(
                        message,
                        histogram.count,
                        histogram.sum,
                        histogram.min,
                        histogram.max,
                    );
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
        let sum = histogram.sum.unwrap_or_default();
        if let Some(why) = self.unfit(sum) {
            self.refuse(why);
            return Ok(());
        }
        self.aggregates(histogram.count, sum, histogram.min, histogram.max);
        if self.mapping.histograms == HistogramMode::NoBuckets {
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
            self.distribution(
                message,
                histogram.count,
                histogram.sum,
                histogram.min,
                histogram.max,
            );
        }
        Ok(())
    }

    /// Why a histogram can't be sent.
    fn unfit(&self, sum: f64) -> Option<&'static str> {
        match self.metric.aggregation_temporality {
            DELTA if sum.is_finite() => None,
            DELTA => Some("NaN and infinity are no values to Datadog"),
            _ => Some("a histogram is not delta, and can't be made so"),
        }
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
    fn distribution(
        &mut self,
        mut message: Dogsketch,
        count: u64,
        sum: Option<f64>,
        min: Option<f64>,
        max: Option<f64>,
    ) {
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
