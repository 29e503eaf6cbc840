//! Pages in protobuf: `io.prometheus.client.MetricFamily` messages, each behind its length. Only they have native histograms.

use fanlight_formats::prometheus::client::{
    Bucket, BucketSpan, Exemplar as ExemplarMessage, Histogram, LabelPair, Metric, MetricFamily,
    MetricType, Timestamp,
};
use prost::Message as _;

use super::exposition::{Exemplar, Family, Kind, Page, Sample};
use super::relabel::Labels;

/// A native histogram. Buckets are counts, not differences, in the order of their indexes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct NativeHistogram {
    pub(super) name: String,
    pub(super) labels: Labels,
    pub(super) timestamp: Option<i64>,
    pub(super) count: u64,
    pub(super) sum: f64,
    /// From -4 to 8: the scale of OTLP.
    pub(super) schema: i32,
    pub(super) zero_threshold: f64,
    pub(super) zero_count: u64,
    pub(super) positive: Buckets,
    pub(super) negative: Buckets,
    /// Milliseconds since 1970.
    pub(super) created: Option<i64>,
    pub(super) exemplars: Vec<Exemplar>,
}

/// One side of a native histogram, as OTLP has it: bucket `offset + n` ends at `base ^ (offset + n + 1)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Buckets {
    pub(super) offset: i32,
    pub(super) counts: Vec<u64>,
}

/// The most buckets that a hostile span may ask for.
const MOST_BUCKETS: i64 = 20_000;

/// Reads a page.
pub(super) fn read(mut bytes: &[u8]) -> Result<Page, String> {
    let mut page = Page::default();
    while !bytes.is_empty() {
        let family = MetricFamily::decode_length_delimited(&mut bytes)
            .map_err(|error| format!("not a MetricFamily: {error}"))?;
        add(family, &mut page)?;
    }
    Ok(page)
}

fn add(family: MetricFamily, page: &mut Page) -> Result<(), String> {
    let kind = match MetricType::try_from(family.r#type.unwrap_or_default()) {
        Ok(MetricType::Counter) => Kind::Counter,
        Ok(MetricType::Gauge) => Kind::Gauge,
        Ok(MetricType::Summary) => Kind::Summary,
        Ok(MetricType::Histogram | MetricType::GaugeHistogram) => Kind::Histogram,
        Ok(MetricType::Untyped) | Err(_) => Kind::Unknown,
    };
    let name = family.name.unwrap_or_default();
    for metric in family.metric {
        add_metric(&name, metric, page)?;
    }
    let about = Family {
        kind,
        help: family.help.unwrap_or_default(),
        unit: family.unit.unwrap_or_default(),
    };
    page.families.insert(name, about);
    Ok(())
}

fn add_metric(name: &str, metric: Metric, page: &mut Page) -> Result<(), String> {
    let labels = labels(metric.label);
    let sample = |suffix: &str, value: f64| Sample {
        name: format!("{name}{suffix}"),
        labels: labels.clone(),
        value,
        timestamp: metric.timestamp_ms,
        ..Sample::default()
    };
    let start = |at: Timestamp| at.seconds as f64 + f64::from(at.nanos) / 1e9;
    let created = |at: Option<Timestamp>| Some(sample("_created", start(at?)).into_start());
    if let Some(gauge) = metric.gauge {
        page.samples
            .push(sample("", gauge.value.unwrap_or_default()));
    }
    if let Some(untyped) = metric.untyped {
        page.samples
            .push(sample("", untyped.value.unwrap_or_default()));
    }
    if let Some(counter) = metric.counter {
        page.samples.push(Sample {
            exemplar: counter.exemplar.map(exemplar),
            ..sample("", counter.value.unwrap_or_default())
        });
        page.samples.extend(created(counter.start_timestamp));
    }
    if let Some(summary) = metric.summary {
        for quantile in &summary.quantile {
            let mut one = sample("", quantile.value.unwrap_or_default());
            let at = quantile.quantile.unwrap_or_default().to_string();
            one.labels.insert("quantile".to_owned(), at);
            page.samples.push(one);
        }
        page.samples.push(sample(
            "_count",
            summary.sample_count.unwrap_or_default() as f64,
        ));
        page.samples
            .push(sample("_sum", summary.sample_sum.unwrap_or_default()));
        page.samples.extend(created(summary.start_timestamp));
    }
    if let Some(histogram) = metric.histogram {
        if is_native(&histogram) {
            let native = native(name, labels, metric.timestamp_ms, histogram)?;
            page.native.push(native);
            return Ok(());
        }
        for bucket in &histogram.bucket {
            let count = bucket.cumulative_count.unwrap_or_default() as f64;
            page.samples.push(classic(sample("_bucket", count), bucket));
        }
        let count = histogram.sample_count.unwrap_or_default() as f64;
        page.samples.push(sample("_count", count));
        let sum = histogram.sample_sum.unwrap_or_default();
        page.samples.push(sample("_sum", sum));
        page.samples.extend(created(histogram.start_timestamp));
    }
    Ok(())
}

fn is_native(histogram: &Histogram) -> bool {
    let has_spans = !histogram.positive_span.is_empty() || !histogram.negative_span.is_empty();
    histogram.schema.is_some() && (has_spans || histogram.zero_threshold.is_some())
}

/// A bucket of a histogram with explicit bounds.
fn classic(mut sample: Sample, bucket: &Bucket) -> Sample {
    let bound = match bucket.upper_bound.unwrap_or_default() {
        f64::INFINITY => "+Inf".to_owned(),
        bound => bound.to_string(),
    };
    sample.labels.insert("le".to_owned(), bound);
    sample.exemplar = bucket.exemplar.clone().map(exemplar);
    sample
}

fn native(
    name: &str,
    labels: Labels,
    timestamp: Option<i64>,
    histogram: Histogram,
) -> Result<NativeHistogram, String> {
    let schema = histogram.schema.unwrap_or_default();
    if !(-4..=8).contains(&schema) {
        return Err(format!(
            "{name} is a native histogram of schema {schema}; known are -4 to 8"
        ));
    }
    let side = |spans: &[BucketSpan], deltas: &[i64], counts: &[f64]| {
        buckets(spans, deltas, counts).ok_or_else(|| format!("the buckets of {name} do not add up"))
    };
    let created = histogram.start_timestamp;
    Ok(NativeHistogram {
        name: name.to_owned(),
        labels,
        timestamp,
        count: histogram
            .sample_count
            .unwrap_or_else(|| histogram.sample_count_float.unwrap_or_default() as u64),
        sum: histogram.sample_sum.unwrap_or_default(),
        schema,
        zero_threshold: histogram.zero_threshold.unwrap_or_default(),
        zero_count: histogram
            .zero_count
            .unwrap_or_else(|| histogram.zero_count_float.unwrap_or_default() as u64),
        positive: side(
            &histogram.positive_span,
            &histogram.positive_delta,
            &histogram.positive_count,
        )?,
        negative: side(
            &histogram.negative_span,
            &histogram.negative_delta,
            &histogram.negative_count,
        )?,
        created: created.map(|at| at.seconds * 1000 + i64::from(at.nanos) / 1_000_000),
        exemplars: histogram.exemplars.into_iter().map(exemplar).collect(),
    })
}

/// Prometheus' bucket `n` ends at `base ^ n`, OTLP's at `base ^ (n + 1)`: the index is one less.
fn buckets(spans: &[BucketSpan], deltas: &[i64], floats: &[f64]) -> Option<Buckets> {
    let mut differences = deltas.iter();
    let mut floats = floats.iter();
    let is_float = deltas.is_empty();
    let (mut index, mut count) = (0_i64, 0_i64);
    let mut found: Vec<(i64, u64)> = Vec::new();
    for span in spans {
        index += i64::from(span.offset.unwrap_or_default());
        for _ in 0..span.length.unwrap_or_default() {
            count = match is_float {
                true => *floats.next()? as i64,
                false => count.checked_add(*differences.next()?)?,
            };
            found.push((index, u64::try_from(count).ok()?));
            index += 1;
        }
    }
    let (Some((first, _)), Some((last, _))) = (found.first(), found.last()) else {
        return Some(Buckets::default());
    };
    if last - first > MOST_BUCKETS {
        return None;
    }
    let mut counts = vec![0; usize::try_from(last - first + 1).ok()?];
    for (index, count) in &found {
        let at = usize::try_from(index - first).ok()?;
        *counts.get_mut(at)? = *count;
    }
    Some(Buckets {
        offset: i32::try_from(first - 1).ok()?,
        counts,
    })
}

fn labels(pairs: Vec<LabelPair>) -> Labels {
    let pair = |pair: LabelPair| {
        (
            pair.name.unwrap_or_default(),
            pair.value.unwrap_or_default(),
        )
    };
    let pairs = pairs.into_iter().map(pair);
    pairs.filter(|(_, value)| !value.is_empty()).collect()
}

fn exemplar(message: ExemplarMessage) -> Exemplar {
    let time = message.timestamp;
    Exemplar {
        labels: labels(message.label),
        value: message.value.unwrap_or_default(),
        timestamp: time.map(|at| at.seconds * 1000 + i64::from(at.nanos) / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_with_gaps_become_one_row_of_counts() {
        let span = |offset, length| BucketSpan {
            offset: Some(offset),
            length: Some(length),
        };
        let row = buckets(&[span(-1, 2), span(1, 1)], &[3, -1, 4], &[]).unwrap();
        assert_eq!((row.offset, row.counts), (-2, vec![3, 2, 0, 6]));
        assert!(
            buckets(&[span(0, 2)], &[1], &[]).is_none(),
            "a count is missing"
        );
        assert!(buckets(&[span(0, 1), span(2_000_000, 1)], &[1, 1], &[]).is_none());
    }
}
