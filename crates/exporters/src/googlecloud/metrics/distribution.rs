//! Histograms as distributions.
//! [Source](https://github.com/googleapis/googleapis/blob/master/google/api/distribution.proto).

use fanlight_formats::google::monitoring::{
    BucketOptions, DROPPED_LABELS, Distribution, DroppedLabels, Exemplar, Explicit, Exponential,
    Options, SPAN_CONTEXT, SpanContext, Value,
};
use fanlight_formats::google::{Any, Timestamp};
use fanlight_otlp::DecodeError;
use fanlight_otlp::view::{ExponentialHistogramView, HistogramView, PointView};

use super::super::resource::Labels;

/// Cloud Monitoring takes no more buckets. [Source](https://cloud.google.com/monitoring/quotas).
const MOST_BUCKETS: usize = 200;

/// A histogram with explicit bounds; `None` where a number is not finite.
pub(super) fn explicit(
    histogram: &HistogramView<'_>,
    exemplars: Vec<Exemplar>,
) -> Result<Option<Value>, DecodeError> {
    let mut bounds = histogram
        .explicit_bounds()
        .collect::<Result<Vec<f64>, _>>()?;
    let mut counts = histogram.bucket_counts().collect::<Result<Vec<u64>, _>>()?;
    // The last bound may be infinite, which Google's last bucket is anyway.
    if bounds.last() == Some(&f64::INFINITY) {
        bounds.pop();
        let last = counts.pop().unwrap_or_default();
        if let Some(before) = counts.last_mut() {
            *before += last;
        }
    }
    if counts.is_empty() {
        counts = vec![histogram.count];
    }
    if bounds.iter().any(|bound| !bound.is_finite()) {
        return Ok(None);
    }
    // Google needs a bound; all values are on one side of this one.
    if bounds.is_empty() {
        bounds.push(0.0);
        counts.insert(0, 0);
    }
    let options = Options::ExplicitBuckets(Explicit { bounds });
    Ok(distribution(histogram.sum, counts, options, exemplars))
}

/// A histogram with exponential buckets. What is not above zero is in the bucket below; neighbours are joined until there
/// are few enough.
pub(super) fn exponential(
    histogram: &ExponentialHistogramView<'_>,
    exemplars: Vec<Exemplar>,
) -> Result<Option<Value>, DecodeError> {
    let mut positive = histogram
        .positive
        .bucket_counts()
        .collect::<Result<Vec<u64>, _>>()?;
    let negative = histogram
        .negative
        .bucket_counts()
        .try_fold(0_u64, |sum, count| Ok(sum.saturating_add(count?)))?;
    let (mut scale, mut offset) = (histogram.scale, histogram.positive.offset);
    while positive.len() > MOST_BUCKETS - 2 {
        (positive, offset) = halved(&positive, offset);
        scale -= 1;
    }
    let below = histogram.zero_count.saturating_add(negative);
    if positive.is_empty() {
        let options = Options::ExplicitBuckets(Explicit { bounds: vec![0.0] });
        return Ok(distribution(
            histogram.sum,
            vec![below, 0],
            options,
            exemplars,
        ));
    }
    let width = 2_f64.powi(-scale);
    let growth_factor = width.exp2();
    let first = (f64::from(offset) * width).exp2();
    let fits = growth_factor.is_finite() && growth_factor > 1.0 && first.is_finite() && first > 0.0;
    if !fits {
        return Ok(None);
    }
    let options = Options::ExponentialBuckets(Exponential {
        num_finite_buckets: positive.len() as i32,
        growth_factor,
        scale: first,
    });
    let counts = [below].into_iter().chain(positive).chain([0]).collect();
    Ok(distribution(histogram.sum, counts, options, exemplars))
}

/// The same values in buckets of twice the width.
fn halved(counts: &[u64], offset: i32) -> (Vec<u64>, i32) {
    let first = offset.div_euclid(2);
    let mut halved = Vec::with_capacity(counts.len() / 2 + 1);
    for (index, count) in (offset..).zip(counts) {
        let place = (index.div_euclid(2) - first) as usize;
        halved.resize(halved.len().max(place + 1), 0);
        if let Some(bucket) = halved.get_mut(place) {
            *bucket += count;
        }
    }
    (halved, first)
}

fn distribution(
    sum: Option<f64>,
    counts: Vec<u64>,
    options: Options,
    exemplars: Vec<Exemplar>,
) -> Option<Value> {
    let bucket_counts: Vec<i64> = counts
        .into_iter()
        .map(|count| i64::try_from(count).unwrap_or(i64::MAX))
        .collect();
    // Google refuses a count that is not the buckets' sum, and a mean without values.
    let count = bucket_counts
        .iter()
        .fold(0_i64, |sum, count| sum.saturating_add(*count));
    let mean = match count {
        0 => 0.0,
        _ => sum.unwrap_or_default() / count as f64,
    };
    mean.is_finite()
        .then_some(Value::DistributionValue(Distribution {
            count,
            mean,
            sum_of_squared_deviation: 0.0,
            bucket_options: Some(BucketOptions {
                options: Some(options),
            }),
            bucket_counts,
            exemplars,
        }))
}

/// A point's exemplars, rising by value as Google wants them.
pub(super) fn exemplars(
    point: &PointView<'_>,
    project: &str,
) -> Result<Vec<Exemplar>, DecodeError> {
    let mut exemplars = Vec::new();
    for exemplar in point.exemplars() {
        let exemplar = exemplar?;
        let Some(value) = exemplar.value.map(|value| value.as_f64()) else {
            continue;
        };
        if !value.is_finite() {
            continue;
        }
        let mut attachments = Vec::new();
        let (trace, span) = (exemplar.trace_id, exemplar.span_id);
        if !trace.is_zero() && !span.is_zero() {
            let span_name = format!("projects/{project}/traces/{trace}/spans/{span}");
            attachments.push(any(SPAN_CONTEXT, &SpanContext { span_name }));
        }
        let mut label = Labels::new();
        for attribute in exemplar.filtered_attributes.iter() {
            let (key, value) = attribute?;
            label.insert(key.to_owned(), value.to_text().into_owned());
        }
        if !label.is_empty() {
            attachments.push(any(DROPPED_LABELS, &DroppedLabels { label }));
        }
        exemplars.push(Exemplar {
            value,
            timestamp: Some(Timestamp::from_unix_nano(exemplar.time_unix_nano)),
            attachments,
        });
    }
    exemplars.sort_by(|one, other| one.value.total_cmp(&other.value));
    Ok(exemplars)
}

fn any(type_url: &str, message: &impl prost::Message) -> Any {
    Any {
        type_url: type_url.to_owned(),
        value: message.encode_to_vec().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_of_twice_the_width_hold_the_same_values() {
        assert_eq!(halved(&[1, 2, 3, 4], -3), (vec![1, 5, 4], -2));
        assert_eq!(halved(&[1, 2, 3, 4], 4), (vec![3, 7], 2));
        assert_eq!(halved(&[], 5), (vec![], 2));
    }
}
