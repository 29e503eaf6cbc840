//! From points to one value a bin.

use super::Aggregation;
use super::points::{Kind, Measured, MetricPoint, Spread, Stream};
use crate::query::Bins;

/// Nanoseconds of a second.
const SECOND: f64 = 1e9;

impl Aggregation {
    /// What suits a metric.
    pub(super) fn for_kind(self, kind: &Kind) -> Aggregation {
        match self {
            Aggregation::Auto if kind.number == 7 && kind.is_monotonic => Aggregation::Rate,
            Aggregation::Auto if kind.is_number() => Aggregation::Avg,
            Aggregation::Auto => Aggregation::P95,
            chosen => chosen,
        }
    }

    fn quantile(self) -> Option<f64> {
        match self {
            Aggregation::Min => Some(0.0),
            Aggregation::P50 => Some(0.5),
            Aggregation::P95 => Some(0.95),
            Aggregation::P99 => Some(0.99),
            Aggregation::Max => Some(1.0),
            _ => None,
        }
    }
}

/// What came together in a bin.
#[derive(Clone, Debug, Default)]
pub(super) struct Bin {
    numbers: Vec<f64>,
    /// The sum of each stream's mean.
    sum_of_means: f64,
    increase: Option<f64>,
    spread: Option<Spread>,
}

/// Gathers the streams of one series. What a stream has counted before its first point is added where it began to count
/// in the range, which begins at `from`.
pub(super) fn gather(streams: &[&Stream], kind: &Kind, bins: Bins, from: i64) -> Vec<Bin> {
    let mut all = vec![Bin::default(); bins.count];
    for stream in streams {
        match kind.is_number() {
            true => gather_numbers(stream, kind, (bins, from), &mut all),
            false => gather_spreads(stream, kind, (bins, from), &mut all),
        }
    }
    all
}

fn gather_numbers(stream: &Stream, kind: &Kind, (bins, from): (Bins, i64), all: &mut [Bin]) {
    let mut means = vec![(0.0, 0.0); all.len()];
    let mut last: Option<(&MetricPoint, f64)> = None;
    for point in &stream.points {
        let Measured::Number(value) = point.value else {
            continue;
        };
        let increase = increase(last, point, value, kind, from);
        last = Some((point, value));
        let Some(index) = bins.index(point.time_ns) else {
            continue;
        };
        if let (Some(bin), Some((sum, count))) = (all.get_mut(index), means.get_mut(index)) {
            bin.numbers.push(value);
            *sum += value;
            *count += 1.0;
            if let Some(increase) = increase {
                *bin.increase.get_or_insert(0.0) += increase;
            }
        }
    }
    for (bin, (sum, count)) in all.iter_mut().zip(means) {
        if count > 0.0 {
            bin.sum_of_means += sum / count;
        }
    }
}

/// By how much a counter has grown: from the point before, or from zero where it was reset in between.
fn increase(
    last: Option<(&MetricPoint, f64)>,
    point: &MetricPoint,
    value: f64,
    kind: &Kind,
    from: i64,
) -> Option<f64> {
    if kind.number != 7 || !kind.is_cumulative {
        return Some(value);
    }
    let Some((before, old)) = last else {
        return point.counts_since(from).then_some(value);
    };
    let is_reset = kind.is_monotonic && value < old || point.start_ns > before.time_ns;
    Some(if is_reset { value } else { value - old })
}

fn gather_spreads(stream: &Stream, kind: &Kind, (bins, from): (Bins, i64), all: &mut [Bin]) {
    let mut last: Option<(&MetricPoint, &Spread)> = None;
    for point in &stream.points {
        let Measured::Spread(spread) = &point.value else {
            continue;
        };
        // Summaries are cumulative whatever they say.
        let added = match (kind.is_cumulative || kind.number == 11, last) {
            (false, _) => Some(spread.clone()),
            (true, None) => point.counts_since(from).then(|| spread.clone()),
            (true, Some((before, old))) => Some(
                match spread.count < old.count || point.start_ns > before.time_ns {
                    true => spread.clone(),
                    false => spread.since(old),
                },
            ),
        };
        last = Some((point, spread));
        let bin = bins
            .index(point.time_ns)
            .and_then(|index| all.get_mut(index));
        if let (Some(bin), Some(added)) = (bin, added) {
            bin.spread.get_or_insert_default().add(&added);
        }
    }
}

impl MetricPoint {
    /// Whether all that it has counted came in a range. Where nobody knows when counting began, both times are the same.
    const fn counts_since(&self, from: i64) -> bool {
        self.start_ns > 0 && self.start_ns >= from && self.start_ns < self.time_ns
    }
}

impl Spread {
    /// What came since an earlier state.
    fn since(&self, old: &Spread) -> Spread {
        let mut new = self.clone();
        new.count -= old.count;
        new.sum -= old.sum;
        for (bound, count) in &mut new.buckets {
            let before = old.buckets.iter().find(|(other, _)| other == bound);
            *count = (*count - before.map_or(0.0, |(_, count)| *count)).max(0.0);
        }
        new
    }

    /// Adds what another has.
    pub fn add(&mut self, other: &Spread) {
        self.count += other.count;
        self.sum += other.sum;
        for (bound, count) in &other.buckets {
            match self.buckets.binary_search_by(|(at, _)| at.total_cmp(bound)) {
                Ok(place) => {
                    if let Some((_, have)) = self.buckets.get_mut(place) {
                        *have += count;
                    }
                }
                Err(place) => self.buckets.insert(place, (*bound, *count)),
            }
        }
        if !other.quantiles.is_empty() {
            self.quantiles.clone_from(&other.quantiles);
        }
    }

    /// The value that a share of all does not exceed, straight between the bounds of its bucket.
    fn quantile(&self, share: f64) -> Option<f64> {
        if self.buckets.is_empty() {
            let near = |(at, _): &&(f64, f64)| (at - share).abs();
            let nearest = self
                .quantiles
                .iter()
                .min_by(|a, b| near(a).total_cmp(&near(b)));
            return nearest.map(|(_, value)| *value);
        }
        let all: f64 = self.buckets.iter().map(|(_, count)| count).sum();
        let wanted = all * share;
        let mut seen = 0.0;
        let mut lower = self
            .buckets
            .first()
            .map_or(0.0, |(bound, _)| bound.min(0.0));
        for (bound, count) in &self.buckets {
            if *count > 0.0 && seen + count >= wanted {
                // Past the last bound nothing is known but that.
                let upper = if bound.is_finite() { *bound } else { lower };
                return Some(lower + (upper - lower) * ((wanted - seen) / count));
            }
            seen += count;
            lower = if bound.is_finite() { *bound } else { lower };
        }
        None
    }
}

impl Bin {
    /// Its one value; none where nothing was measured.
    pub(super) fn value(&mut self, aggregation: Aggregation, step_ns: i64) -> Option<f64> {
        let seconds = step_ns as f64 / SECOND;
        let value = match &self.spread {
            Some(spread) => match aggregation {
                Aggregation::Avg | Aggregation::Auto => {
                    Some(spread.sum / spread.count).filter(|_| spread.count > 0.0)
                }
                Aggregation::Sum => Some(spread.sum),
                Aggregation::Rate => Some(spread.count / seconds),
                Aggregation::Count => Some(spread.count),
                other => other.quantile().and_then(|share| spread.quantile(share)),
            },
            None if self.numbers.is_empty() => None,
            None => match aggregation {
                Aggregation::Avg | Aggregation::Auto => {
                    Some(self.numbers.iter().sum::<f64>() / self.numbers.len() as f64)
                }
                Aggregation::Sum => Some(self.sum_of_means),
                Aggregation::Rate => self.increase.map(|increase| increase / seconds),
                Aggregation::Count => Some(self.numbers.len() as f64),
                other => other
                    .quantile()
                    .and_then(|share| quantile(&mut self.numbers, share)),
            },
        };
        value.filter(|value| value.is_finite())
    }

    /// The counts of its buckets.
    pub(super) fn buckets(&self) -> &[(f64, f64)] {
        self.spread.as_ref().map_or(&[], |spread| &spread.buckets)
    }

    /// Takes another bin's spread in.
    pub(super) fn merge(&mut self, other: &Bin) {
        if let Some(spread) = &other.spread {
            self.spread.get_or_insert_default().add(spread);
        }
    }
}

fn quantile(numbers: &mut [f64], share: f64) -> Option<f64> {
    numbers.sort_unstable_by(f64::total_cmp);
    let place = (numbers.len() as f64 * share).ceil().max(1.0) as usize - 1;
    numbers.get(place).copied()
}
