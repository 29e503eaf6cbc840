//! Data points in Prometheus' terms.

use fanlight_otlp::DecodeError;
use fanlight_otlp::view::{
    BucketsView, ExponentialHistogramView, HistogramView, MetricKind, MetricView, NumberView,
    PointValue, PointView, SummaryView,
};

use super::{Label, Labeller, Type};

/// What a point measured.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Measurement {
    /// A number.
    Number(f64),
    /// A histogram with bounds.
    Histogram {
        /// How many values.
        count: u64,
        /// Their sum, where it is known.
        sum: Option<f64>,
        /// Upper bounds, and how many values are at or below each; the last bucket, `+Inf`, is `count`.
        buckets: Vec<(f64, u64)>,
    },
    /// A histogram with exponential buckets.
    Native(Native),
    /// A summary.
    Summary {
        /// How many values.
        count: u64,
        /// Their sum.
        sum: f64,
        /// Quantiles and their values.
        quantiles: Vec<(f64, f64)>,
    },
}

/// A native histogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Native {
    /// How many values.
    pub(crate) count: u64,
    /// Their sum.
    pub(crate) sum: f64,
    /// The resolution, -4 to 8.
    pub(crate) schema: i32,
    /// The width of the zero bucket.
    pub(crate) zero_threshold: f64,
    /// How many values are in it.
    pub(crate) zero_count: u64,
    /// The buckets of positive values.
    pub(crate) positive: NativeBuckets,
    /// The buckets of negative values.
    pub(crate) negative: NativeBuckets,
}

/// The buckets of one side.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct NativeBuckets {
    /// Runs of buckets: the gap before, and the length.
    pub(crate) spans: Vec<(i32, u32)>,
    /// The first count, then differences.
    pub(crate) deltas: Vec<i64>,
}

/// An example of the values behind a point.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exemplar {
    /// Its labels.
    pub(crate) labels: Vec<Label>,
    /// The value.
    pub(crate) value: f64,
    /// When, in Unix milliseconds.
    pub(crate) time: i64,
}

/// Why Prometheus can't hold a point.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// No value, and no word that there is none.
    #[error("metric `{0}` has a data point without a value")]
    NoValue(String),
    /// No time.
    #[error("metric `{0}` has a data point without a time, which Prometheus needs")]
    NoTime(String),
    /// No character that a name may have.
    #[error(
        "the metric name `{0}` has no character that Prometheus' names may have; rename it, or set translation_strategy: NoUTF8EscapingWithSuffixes where the backend takes UTF-8"
    )]
    NoName(String),
    /// Still a delta.
    #[error("metric `{0}` has no cumulative values, which are what Prometheus takes")]
    Temporality(String),
    /// Too coarse.
    #[error(
        "metric `{0}` is an exponential histogram of scale {1}; Prometheus' native histograms go from -4 up"
    )]
    Scale(String, i32),
    /// A histogram that contradicts itself is refused together with everything else in its request.
    #[error("metric `{0}` is an exponential histogram whose buckets do not add up to its count")]
    Count(String),
    /// The bytes of the batch can't be read.
    #[error("the batch can't be read: {0}")]
    Unreadable(#[from] DecodeError),
}

/// The zero bucket's width where a sender names none, as Prometheus' own OTLP endpoint has it.
const ZERO_THRESHOLD: f64 = 1e-128;
/// The finest resolution of native histograms.
const FINEST: i32 = 8;
/// The coarsest.
const COARSEST: i32 = -4;
/// A gap of so many empty buckets is written out; a longer one starts a new span.
const GAP: i32 = 2;
/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: i32 = 2;
/// The labels of an exemplar have at most so many characters
/// ([source](https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md#exemplars)).
const EXEMPLAR_CHARACTERS: usize = 128;

/// Unix milliseconds.
pub(crate) fn millis(nanoseconds: u64) -> i64 {
    (nanoseconds / 1_000_000).cast_signed()
}

/// Whether a point says that its series has no value now.
pub(crate) const fn is_stale(point: &PointView<'_>) -> bool {
    point.flags & 1 != 0
}

/// What a metric is to Prometheus. What came from Prometheus without a type says so.
pub(crate) fn kind(metric: &MetricView<'_>) -> Type {
    match metric.kind {
        MetricKind::Sum if metric.is_monotonic => Type::Counter,
        MetricKind::Sum => Type::UpDownCounter,
        MetricKind::Histogram | MetricKind::ExponentialHistogram => Type::Histogram,
        MetricKind::Summary => Type::Summary,
        MetricKind::Gauge | MetricKind::Empty => {
            let original = metric.metadata.get("prometheus.type").ok().flatten();
            match original.and_then(|original| original.as_str()) {
                Some("unknown") => Type::Unknown,
                _ => Type::Gauge,
            }
        }
    }
}

/// What a point measured. Of a stale one only its shape counts.
pub(crate) fn measure(
    metric: &MetricView<'_>,
    point: &PointView<'_>,
) -> Result<Measurement, Unfit> {
    let name = || metric.name.to_owned();
    if point.time_unix_nano == 0 {
        return Err(Unfit::NoTime(name()));
    }
    let has_temporality = !matches!(point.value, PointValue::Empty | PointValue::Summary(_))
        && metric.kind != MetricKind::Gauge;
    if has_temporality && metric.aggregation_temporality != CUMULATIVE {
        return Err(Unfit::Temporality(name()));
    }
    match &point.value {
        PointValue::Number(value) => Ok(Measurement::Number(value.as_f64())),
        PointValue::Histogram(histogram) => Ok(classic(histogram)?),
        PointValue::ExponentialHistogram(histogram) => native(histogram, name),
        PointValue::Summary(summary) => Ok(quantiles(summary)?),
        PointValue::Empty if is_stale(point) => Ok(Measurement::Number(f64::NAN)),
        PointValue::Empty => Err(Unfit::NoValue(name())),
    }
}

fn classic(histogram: &HistogramView<'_>) -> Result<Measurement, DecodeError> {
    let mut below = 0u64;
    let mut buckets = Vec::new();
    for (bound, count) in histogram.explicit_bounds().zip(histogram.bucket_counts()) {
        below = below.saturating_add(count?);
        let bound = bound?;
        // A last bound of infinity is the bucket that is always there.
        if bound != f64::INFINITY {
            buckets.push((bound, below));
        }
    }
    Ok(Measurement::Histogram {
        count: histogram.count,
        sum: histogram.sum,
        buckets,
    })
}

fn quantiles(summary: &SummaryView<'_>) -> Result<Measurement, DecodeError> {
    let quantiles = summary.quantile_values();
    let quantiles = quantiles.map(|found| found.map(|found| (found.quantile, found.value)));
    Ok(Measurement::Summary {
        count: summary.count,
        sum: summary.sum,
        quantiles: quantiles.collect::<Result<_, _>>()?,
    })
}

fn native(
    histogram: &ExponentialHistogramView<'_>,
    name: impl Fn() -> String,
) -> Result<Measurement, Unfit> {
    if histogram.scale < COARSEST {
        return Err(Unfit::Scale(name(), histogram.scale));
    }
    let schema = histogram.scale.min(FINEST);
    let coarser = (histogram.scale - schema).cast_unsigned();
    let (positive, above) = native_buckets(&histogram.positive, coarser)?;
    let (negative, below) = native_buckets(&histogram.negative, coarser)?;
    let counted = [histogram.zero_count, above, below]
        .into_iter()
        .fold(0u64, u64::saturating_add);
    // NaN is counted, but is in no bucket.
    let is_whole = match histogram.sum.is_some_and(f64::is_nan) {
        true => counted <= histogram.count,
        false => counted == histogram.count,
    };
    if !is_whole {
        return Err(Unfit::Count(name()));
    }
    Ok(Measurement::Native(Native {
        count: histogram.count,
        sum: histogram.sum.unwrap_or_default(),
        schema,
        zero_threshold: match histogram.zero_threshold {
            0.0 => ZERO_THRESHOLD,
            threshold => threshold,
        },
        zero_count: histogram.zero_count,
        positive,
        negative,
    }))
}

/// Dense buckets as spans and differences, `2^coarser` of them merged into one, and how much they count.
///
/// OTLP's bucket 0 is `(1, base]`, Prometheus' is `(1/base, 1]`, so each index is one higher here.
fn native_buckets(
    buckets: &BucketsView<'_>,
    coarser: u32,
) -> Result<(NativeBuckets, u64), DecodeError> {
    let mut out = NativeBuckets::default();
    let (mut total, mut before) = (0u64, 0i64);
    // The bucket that is being filled, and the one after the last that was written.
    let mut current: Option<(i32, u64)> = None;
    let mut next = 0i32;
    let mut flush = |index: i32, count: u64| {
        let gap = index - next;
        match out.spans.last_mut() {
            Some((_, length)) if gap <= GAP => {
                *length += gap.cast_unsigned() + 1;
                for _ in 0..gap {
                    out.deltas.push(-before);
                    before = 0;
                }
            }
            _ => out.spans.push((gap, 1)),
        }
        out.deltas.push(count.cast_signed() - before);
        before = count.cast_signed();
        next = index + 1;
    };
    for (number, count) in buckets.bucket_counts().enumerate() {
        let count = count?;
        if count == 0 {
            continue;
        }
        total = total.saturating_add(count);
        let index = i64::from(buckets.offset) + i64::try_from(number).unwrap_or(i64::MAX >> 1);
        let index = i32::try_from((index >> coarser.min(31)) + 1).unwrap_or(i32::MAX);
        match &mut current {
            Some((same, sum)) if *same == index => *sum = sum.saturating_add(count),
            _ => {
                if let Some((index, sum)) = current.replace((index, count)) {
                    flush(index, sum);
                }
            }
        }
    }
    if let Some((index, sum)) = current {
        flush(index, sum);
    }
    Ok((out, total))
}

/// The exemplars of a point, in the order of time. Those without a time have the point's; the sender's own labels are
/// left out where they would make it too long.
pub(crate) fn exemplars<'a>(
    labeller: &mut Labeller<'a, '_>,
    point: &PointView<'a>,
) -> Result<Vec<Exemplar>, DecodeError> {
    let mut exemplars = Vec::new();
    for exemplar in point.exemplars() {
        let exemplar = exemplar?;
        let Some(value) = exemplar.value.map(NumberView::as_f64) else {
            continue;
        };
        let mut labels = Vec::new();
        if !exemplar.trace_id.is_zero() {
            labels.push(labeller.label("trace_id", exemplar.trace_id.to_string()));
        }
        if !exemplar.span_id.is_zero() {
            labels.push(labeller.label("span_id", exemplar.span_id.to_string()));
        }
        let ids = labels.len();
        for attribute in exemplar.filtered_attributes {
            let (key, value) = attribute?;
            let label = labeller.attribute(key, &value);
            if label.value != 0 && !labels.iter().any(|known| known.name == label.name) {
                labels.push(label);
            }
        }
        let text = |label: &Label| {
            [label.name, label.value].map(|text| labeller.symbols.text(text).chars().count())
        };
        if labels.iter().flat_map(text).sum::<usize>() > EXEMPLAR_CHARACTERS {
            labels.truncate(ids);
        }
        labeller.symbols.sort(&mut labels);
        let time = match exemplar.time_unix_nano {
            0 => point.time_unix_nano,
            time => time,
        };
        exemplars.push(Exemplar {
            labels,
            value,
            time: millis(time),
        });
    }
    exemplars.sort_by_key(|exemplar| exemplar.time);
    Ok(exemplars)
}

#[cfg(test)]
mod tests;
