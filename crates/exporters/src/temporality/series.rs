//! What is remembered of one series, and its arithmetic.

use std::time::Instant;

use fanlight_otlp::DecodeError;
use fanlight_otlp::edit::{NewBuckets, NewExponentialHistogram, NewHistogram, NewValue};
use fanlight_otlp::view::{BucketsView, NumberView, PointValue, PointView};

/// One series: the sum so far, or the last point.
#[derive(Debug)]
pub(super) struct Series {
    value: NewValue,
    start_time_unix_nano: u64,
    time_unix_nano: u64,
    /// When a point last came, for forgetting.
    pub(super) seen: Instant,
}

/// Why a point can't be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is not newer than the last one.
    Late,
}

/// How many buckets a side of an exponential histogram may have; past that, the scale is halved as SDKs do.
const MOST_BUCKETS: usize = 160;

type Answer = Result<Option<(u64, NewValue)>, Refusal>;

impl Series {
    pub(super) fn new(value: NewValue, point: &PointView<'_>, now: Instant) -> Series {
        Series {
            value,
            // A delta point without a start began, as far as anyone knows, when it was measured.
            start_time_unix_nano: match point.start_time_unix_nano {
                0 => point.time_unix_nano,
                start => start,
            },
            time_unix_nano: point.time_unix_nano,
            seen: now,
        }
    }

    /// When the series began.
    pub(super) const fn start(&self) -> u64 {
        self.start_time_unix_nano
    }

    /// Adds a delta point; the answer is the sum so far.
    pub(super) fn add(&mut self, value: NewValue, point: &PointView<'_>) -> Answer {
        if point.time_unix_nano <= self.time_unix_nano {
            return Err(Refusal::Late);
        }
        match sum(&self.value, &value) {
            Some(sum) => self.value = sum,
            // Other bounds, or another type of number: the sum begins anew, and says so by its start.
            None => {
                self.start_time_unix_nano = point.start_time_unix_nano.max(self.time_unix_nano);
                self.value = value;
            }
        }
        self.time_unix_nano = point.time_unix_nano;
        Ok(Some((self.start_time_unix_nano, self.value.clone())))
    }

    /// Takes a cumulative point in; the answer is what came since the last one, or since a reset.
    pub(super) fn subtract(&mut self, value: NewValue, point: &PointView<'_>) -> Answer {
        if point.time_unix_nano <= self.time_unix_nano {
            return Err(Refusal::Late);
        }
        let is_same_run = point.start_time_unix_nano == 0
            || point.start_time_unix_nano == self.start_time_unix_nano
            || point.start_time_unix_nano < self.time_unix_nano;
        let grown = difference(&value, &self.value).filter(|_| is_same_run);
        let (start, delta) = match grown {
            Some(delta) => (self.time_unix_nano, delta),
            // A reset: everything in the point came after it.
            None => (
                point.start_time_unix_nano.max(self.time_unix_nano),
                value.clone(),
            ),
        };
        self.value = value;
        self.time_unix_nano = point.time_unix_nano;
        if point.start_time_unix_nano != 0 {
            self.start_time_unix_nano = point.start_time_unix_nano;
        }
        Ok(Some((start, delta)))
    }
}

/// A point's value as one of its own; `None` for kinds that have no temporality.
pub(super) fn read(value: &PointValue<'_>) -> Result<Option<NewValue>, DecodeError> {
    Ok(Some(match value {
        PointValue::Number(number) => NewValue::Number(*number),
        PointValue::Histogram(view) => NewValue::Histogram(NewHistogram {
            count: view.count,
            sum: view.sum,
            min: view.min,
            max: view.max,
            bucket_counts: view.bucket_counts().collect::<Result<_, _>>()?,
        }),
        PointValue::ExponentialHistogram(view) => {
            NewValue::ExponentialHistogram(NewExponentialHistogram {
                count: view.count,
                sum: view.sum,
                min: view.min,
                max: view.max,
                scale: view.scale,
                zero_count: view.zero_count,
                zero_threshold: view.zero_threshold,
                positive: buckets(&view.positive)?,
                negative: buckets(&view.negative)?,
            })
        }
        PointValue::Empty | PointValue::Summary(_) => return Ok(None),
    }))
}

fn buckets(view: &BucketsView<'_>) -> Result<NewBuckets, DecodeError> {
    Ok(NewBuckets {
        offset: view.offset,
        bucket_counts: view.bucket_counts().collect::<Result<_, _>>()?,
    })
}

/// Both together; `None` when they can't be added.
fn sum(a: &NewValue, b: &NewValue) -> Option<NewValue> {
    Some(match (a, b) {
        (NewValue::Number(a), NewValue::Number(b)) => NewValue::Number(match (*a, *b) {
            (NumberView::Int(a), NumberView::Int(b)) => NumberView::Int(a.checked_add(b)?),
            (a, b) => NumberView::Double(a.as_f64() + b.as_f64()),
        }),
        (NewValue::Histogram(a), NewValue::Histogram(b)) => {
            let bucket_counts = same_length(&a.bucket_counts, &b.bucket_counts, u64::checked_add)?;
            NewValue::Histogram(NewHistogram {
                count: a.count.checked_add(b.count)?,
                sum: both(a.sum, b.sum, |a, b| a + b),
                min: both(a.min, b.min, f64::min),
                max: both(a.max, b.max, f64::max),
                bucket_counts,
            })
        }
        (NewValue::ExponentialHistogram(a), NewValue::ExponentialHistogram(b)) => {
            NewValue::ExponentialHistogram(sum_exponential(a, b)?)
        }
        _ => return None,
    })
}

fn sum_exponential(
    a: &NewExponentialHistogram,
    b: &NewExponentialHistogram,
) -> Option<NewExponentialHistogram> {
    // A wider zero bucket would swallow buckets of the other; a new start is honest and rare.
    if a.zero_threshold.to_bits() != b.zero_threshold.to_bits() {
        return None;
    }
    let mut scale = a.scale.min(b.scale);
    loop {
        let side = |a: &NewBuckets, a_scale: i32, b: &NewBuckets, b_scale: i32| {
            let (a, b) = (coarser(a, a_scale - scale)?, coarser(b, b_scale - scale)?);
            merge(&a, &b, u64::checked_add)
        };
        let positive = side(&a.positive, a.scale, &b.positive, b.scale);
        let negative = side(&a.negative, a.scale, &b.negative, b.scale);
        if let (Some(positive), Some(negative)) = (positive, negative) {
            return Some(NewExponentialHistogram {
                count: a.count.checked_add(b.count)?,
                sum: both(a.sum, b.sum, |a, b| a + b),
                min: both(a.min, b.min, f64::min),
                max: both(a.max, b.max, f64::max),
                scale,
                zero_count: a.zero_count.checked_add(b.zero_count)?,
                zero_threshold: a.zero_threshold,
                positive,
                negative,
            });
        }
        // The coarsest scale of the specification is -10.
        scale = (scale > -10).then(|| scale - 1)?;
    }
}

/// What `now` has more than `before`; `None` when it has less anywhere, which is a reset.
fn difference(now: &NewValue, before: &NewValue) -> Option<NewValue> {
    Some(match (now, before) {
        (NewValue::Number(now), NewValue::Number(before)) => {
            NewValue::Number(match (*now, *before) {
                (NumberView::Int(now), NumberView::Int(before)) => {
                    NumberView::Int(now.checked_sub(before).filter(|delta| *delta >= 0)?)
                }
                (now, before) => {
                    let delta = now.as_f64() - before.as_f64();
                    NumberView::Double(Some(delta).filter(|delta| *delta >= 0.0)?)
                }
            })
        }
        (NewValue::Histogram(now), NewValue::Histogram(before)) => {
            let bucket_counts =
                same_length(&now.bucket_counts, &before.bucket_counts, u64::checked_sub)?;
            NewValue::Histogram(NewHistogram {
                count: now.count.checked_sub(before.count)?,
                sum: both(now.sum, before.sum, |now, before| now - before),
                min: None,
                max: None,
                bucket_counts,
            })
        }
        (NewValue::ExponentialHistogram(now), NewValue::ExponentialHistogram(before)) => {
            if now.zero_threshold.to_bits() != before.zero_threshold.to_bits() {
                return None;
            }
            let scale = now.scale.min(before.scale);
            let side =
                |now: &NewBuckets, now_scale: i32, before: &NewBuckets, before_scale: i32| {
                    let now = coarser(now, now_scale - scale)?;
                    merge(
                        &now,
                        &coarser(before, before_scale - scale)?,
                        u64::checked_sub,
                    )
                };
            NewValue::ExponentialHistogram(NewExponentialHistogram {
                count: now.count.checked_sub(before.count)?,
                sum: both(now.sum, before.sum, |now, before| now - before),
                min: None,
                max: None,
                scale,
                zero_count: now.zero_count.checked_sub(before.zero_count)?,
                zero_threshold: now.zero_threshold,
                positive: side(&now.positive, now.scale, &before.positive, before.scale)?,
                negative: side(&now.negative, now.scale, &before.negative, before.scale)?,
            })
        }
        _ => return None,
    })
}

fn both(a: Option<f64>, b: Option<f64>, together: impl Fn(f64, f64) -> f64) -> Option<f64> {
    a.zip(b).map(|(a, b)| together(a, b))
}

fn same_length(
    a: &[u64],
    b: &[u64],
    together: impl Fn(u64, u64) -> Option<u64>,
) -> Option<Vec<u64>> {
    if a.len() != b.len() {
        return None;
    }
    a.iter().zip(b).map(|(a, b)| together(*a, *b)).collect()
}

/// The same values in buckets that are wider by so many halvings of the scale.
fn coarser(buckets: &NewBuckets, steps: i32) -> Option<NewBuckets> {
    if steps <= 0 || buckets.bucket_counts.is_empty() {
        return Some(buckets.clone());
    }
    let steps = steps.min(31);
    let offset = buckets.offset >> steps;
    let mut bucket_counts: Vec<u64> = Vec::new();
    for (index, count) in (i64::from(buckets.offset)..).zip(&buckets.bucket_counts) {
        let at = usize::try_from((index >> steps) - i64::from(offset)).ok()?;
        if bucket_counts.len() <= at {
            bucket_counts.resize(at + 1, 0);
        }
        if let Some(bucket) = bucket_counts.get_mut(at) {
            *bucket = bucket.checked_add(*count)?;
        }
    }
    Some(NewBuckets {
        offset,
        bucket_counts,
    })
}

/// Combines the buckets of one scale; `None` when there would be too many, or when a count can't be.
fn merge(
    a: &NewBuckets,
    b: &NewBuckets,
    together: impl Fn(u64, u64) -> Option<u64>,
) -> Option<NewBuckets> {
    let range = |buckets: &NewBuckets| {
        let start = i64::from(buckets.offset);
        (!buckets.bucket_counts.is_empty())
            .then_some((start, start + buckets.bucket_counts.len() as i64))
    };
    let (start, end) = match (range(a), range(b)) {
        (None, None) => return Some(NewBuckets::default()),
        (Some(only), None) | (None, Some(only)) => only,
        (Some(a), Some(b)) => (a.0.min(b.0), a.1.max(b.1)),
    };
    let longest = MOST_BUCKETS
        .max(a.bucket_counts.len())
        .max(b.bucket_counts.len());
    if end - start > longest as i64 {
        return None;
    }
    let count = |buckets: &NewBuckets, index: i64| {
        usize::try_from(index - i64::from(buckets.offset))
            .ok()
            .and_then(|at| buckets.bucket_counts.get(at).copied())
            .unwrap_or(0)
    };
    let counts = (start..end).map(|index| together(count(a, index), count(b, index)));
    Some(NewBuckets {
        offset: i32::try_from(start).ok()?,
        bucket_counts: counts.collect::<Option<_>>()?,
    })
}
