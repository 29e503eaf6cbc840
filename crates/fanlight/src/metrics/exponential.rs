//! Histograms whose bounds are powers of a base that the values decide.
//!
//! At scale `s` the base is `2^(2^-s)`, and bucket `i` holds what is above `base^i` and at most `base^(i + 1)`. A lower scale
//! by one joins each two neighbours, so that values of any range fit into a fixed number of buckets, without any moving into
//! a bucket that it doesn't belong to.
//! [Source](https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram).

use std::collections::VecDeque;

use super::histogram::{Distribution, Summary};

/// The finest scale; finer ones tell hardly any two values apart better.
const MAX_SCALE: i32 = 20;
/// The coarsest: at it, all of `f64` fits into two buckets.
const MIN_SCALE: i32 = -10;

/// How large a histogram gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    /// Buckets of positive values, and as many of negative ones; at least 2.
    pub(crate) max_size: usize,
    /// What is no farther from zero counts as zero.
    pub(crate) zero_threshold: f64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_size: 160,
            zero_threshold: 0.0,
        }
    }
}

/// How many values each bucket counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exponential {
    pub(crate) limits: Limits,
    pub(crate) scale: i32,
    pub(crate) zero_count: u64,
    pub(crate) positive: Side,
    pub(crate) negative: Side,
    pub(crate) summary: Summary,
}

/// The buckets of values of one sign.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Side {
    /// The index of the first bucket.
    pub(crate) offset: i32,
    /// Neither the first nor the last is zero.
    pub(crate) counts: VecDeque<u64>,
}

impl Exponential {
    pub(crate) fn new(limits: Limits) -> Exponential {
        let limits = Limits {
            max_size: limits.max_size.max(2),
            ..limits
        };
        Exponential {
            limits,
            scale: MAX_SCALE,
            zero_count: 0,
            positive: Side::default(),
            negative: Side::default(),
            summary: Summary::EMPTY,
        }
    }

    /// Lowers the scale.
    fn downscale(&mut self, by: u32) {
        if by > 0 {
            self.scale -= by.cast_signed();
            self.positive.downscale(by);
            self.negative.downscale(by);
        }
    }

    /// By how much the scale has to fall for buckets of these indexes to fit.
    fn excess(&self, (mut low, mut high): (i32, i32)) -> u32 {
        let mut by = 0;
        while usize::try_from(high - low).is_ok_and(|distance| distance >= self.limits.max_size) {
            low >>= 1;
            high >>= 1;
            by += 1;
        }
        by
    }
}

impl Distribution for Exponential {
    fn record(&mut self, value: f64) {
        self.summary.record(value);
        let size = value.abs();
        if size <= self.limits.zero_threshold {
            self.zero_count += 1;
            return;
        }
        let side = if value > 0.0 {
            &self.positive
        } else {
            &self.negative
        };
        let index = index(size, self.scale);
        let excess = self.excess(side.range_with(index));
        self.downscale(excess);
        let side = if value > 0.0 {
            &mut self.positive
        } else {
            &mut self.negative
        };
        side.add(index >> excess, 1);
    }

    fn merge(&mut self, other: &Exponential) {
        let mut other = other.clone();
        let finer = self.scale.saturating_sub(other.scale);
        self.downscale(u32::try_from(finer).unwrap_or(0));
        other.downscale(u32::try_from(finer.saturating_neg()).unwrap_or(0));
        let excess = [
            (&self.positive, &other.positive),
            (&self.negative, &other.negative),
        ]
        .map(|(mine, theirs)| {
            mine.range_with_all(theirs)
                .map_or(0, |range| self.excess(range))
        });
        let excess = excess.into_iter().max().unwrap_or(0);
        self.downscale(excess);
        other.downscale(excess);
        self.positive.merge(&other.positive);
        self.negative.merge(&other.negative);
        self.zero_count += other.zero_count;
        self.summary.merge(&other.summary);
    }

    fn clear(&mut self) {
        *self = Exponential::new(self.limits);
    }

    fn summary(&self) -> &Summary {
        &self.summary
    }
}

impl Side {
    /// The first and the last index, if there is any.
    fn range(&self) -> Option<(i32, i32)> {
        let length = i32::try_from(self.counts.len()).unwrap_or(i32::MAX);
        (length > 0).then(|| (self.offset, self.offset + length - 1))
    }

    /// The first and the last index once a value of the index is added.
    fn range_with(&self, index: i32) -> (i32, i32) {
        let (low, high) = self.range().unwrap_or((index, index));
        (low.min(index), high.max(index))
    }

    fn range_with_all(&self, other: &Side) -> Option<(i32, i32)> {
        let Some((low, high)) = other.range() else {
            return self.range();
        };
        Some((self.range_with(low).0, self.range_with(high).1))
    }

    fn add(&mut self, index: i32, count: u64) {
        if self.counts.is_empty() {
            self.offset = index;
        }
        while index < self.offset {
            self.counts.push_front(0);
            self.offset -= 1;
        }
        let position = usize::try_from(index - self.offset).unwrap_or(0);
        if position >= self.counts.len() {
            self.counts.resize(position + 1, 0);
        }
        if let Some(slot) = self.counts.get_mut(position) {
            *slot += count;
        }
    }

    fn merge(&mut self, other: &Side) {
        for (index, count) in (other.offset..).zip(&other.counts) {
            if *count > 0 {
                self.add(index, *count);
            }
        }
    }

    fn downscale(&mut self, by: u32) {
        let finer = std::mem::take(self);
        for (index, count) in (finer.offset..).zip(finer.counts) {
            if count > 0 {
                self.add(index >> by, count);
            }
        }
    }
}

/// The bucket of a positive value.
fn index(value: f64, scale: i32) -> i32 {
    const MANTISSA: u64 = (1 << 52) - 1;
    // As the specification allows, what is smaller than normal numbers goes to the bucket of the smallest of them.
    let value = value.max(f64::MIN_POSITIVE);
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32 - 1023;
    let is_power_of_two = bits & MANTISSA == 0;
    if scale <= 0 {
        return (exponent - i32::from(is_power_of_two)) >> -scale.max(MIN_SCALE);
    }
    if is_power_of_two {
        return (exponent << scale) - 1;
    }
    // The exponent is exact; only the mantissa's share goes through a logarithm, and must not leave its power of two.
    let mantissa = f64::from_bits((bits & MANTISSA) | (1023 << 52));
    let steps = 1 << scale;
    let step = (mantissa.log2() * f64::from(steps)).ceil() as i32;
    (exponent << scale) + step.clamp(1, steps) - 1
}

#[cfg(test)]
mod tests;
