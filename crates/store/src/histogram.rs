//! Durations, counted so that percentiles are known to 3 %.

use crate::block::{BlockError, Reader, put_varint};

/// Each power of two is divided into so many buckets, which makes them 6 % wide at most.
const PARTS: u64 = 16;

/// Durations, counted in buckets of a logarithmic scale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Histogram {
    /// Bucket and count, by bucket.
    buckets: Vec<(u16, u64)>,
}

impl Histogram {
    /// Counts a duration; negative ones are none.
    pub(crate) fn add(&mut self, duration_ns: i64) {
        self.add_to(bucket(duration_ns.max(0).cast_unsigned()), 1);
    }

    fn add_to(&mut self, bucket: u16, count: u64) {
        match self.buckets.binary_search_by_key(&bucket, |(at, _)| *at) {
            Ok(place) => {
                if let Some((_, have)) = self.buckets.get_mut(place) {
                    *have += count;
                }
            }
            Err(place) => self.buckets.insert(place, (bucket, count)),
        }
    }

    pub(crate) fn merge(&mut self, other: &Histogram) {
        let (mut mine, mut theirs) = (
            std::mem::take(&mut self.buckets).into_iter().peekable(),
            other.buckets.iter().copied().peekable(),
        );
        loop {
            let next = match (mine.peek(), theirs.peek()) {
                (Some((a, _)), Some((b, _))) if a < b => mine.next(),
                (Some((a, _)), Some((b, _))) if a > b => theirs.next(),
                (Some(_), Some(_)) => mine.next().zip(theirs.next()).map(join),
                (Some(_), None) => mine.next(),
                (None, _) => theirs.next(),
            };
            match next {
                Some(bucket) => self.buckets.push(bucket),
                None => return,
            }
        }
    }

    /// The duration that this share of all does not exceed, to 3 %; 0 when there are none.
    pub(crate) fn quantile(&self, share: f64) -> u64 {
        let all: u64 = self.buckets.iter().map(|(_, count)| count).sum();
        let wanted = (all as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in &self.buckets {
            seen += count;
            if seen >= wanted {
                return middle(*bucket);
            }
        }
        0
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let (mut out, mut last) = (Vec::new(), 0);
        for (bucket, count) in &self.buckets {
            put_varint(&mut out, u64::from(bucket - last));
            put_varint(&mut out, *count);
            last = *bucket;
        }
        out
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Histogram, BlockError> {
        let (mut reader, mut last) = (Reader::new(bytes), 0_u16);
        let mut buckets = Vec::new();
        while !reader.rest().is_empty() {
            let step = u16::try_from(reader.varint()?).map_err(|_| BlockError::Malformed)?;
            last = last.checked_add(step).ok_or(BlockError::Malformed)?;
            buckets.push((last, reader.varint()?));
        }
        Ok(Histogram { buckets })
    }
}

/// Two counts of the same bucket.
fn join(((bucket, a), (_, b)): ((u16, u64), (u16, u64))) -> (u16, u64) {
    (bucket, a + b)
}

/// The bucket of a duration: exact below 16, then by the highest bit and the four bits behind it.
fn bucket(value: u64) -> u16 {
    if value < PARTS {
        return value as u16;
    }
    let exponent = u64::from(value.ilog2());
    let part = (value >> (exponent - 4)) & (PARTS - 1);
    ((exponent - 3) * PARTS + part) as u16
}

/// The middle of a bucket.
fn middle(bucket: u16) -> u64 {
    let (octave, part) = (u64::from(bucket) / PARTS, u64::from(bucket) % PARTS);
    if octave == 0 {
        return part;
    }
    let shift = (octave - 1).min(59);
    ((PARTS + part) << shift) + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_three_percent() {
        let mut histogram = Histogram::default();
        (1..=10_000).for_each(|number| histogram.add(number * 1000));
        for (share, exact) in [(0.5, 5e6), (0.95, 9.5e6), (0.99, 9.9e6), (1.0, 1e7)] {
            let found = histogram.quantile(share) as f64;
            assert!((found / exact - 1.0).abs() < 0.032, "{share}: {found}");
        }
        assert_eq!(Histogram::default().quantile(0.5), 0);
    }

    #[test]
    fn every_duration_has_a_bucket_that_holds_it() {
        for value in [
            0,
            1,
            15,
            16,
            17,
            31,
            32,
            1000,
            u64::from(u32::MAX),
            i64::MAX as u64,
        ] {
            let middle = middle(bucket(value)) as f64;
            assert!(
                (middle - value as f64).abs() <= value as f64 * 0.032,
                "{value}: {middle}"
            );
        }
    }

    #[test]
    fn merging_is_adding_one_by_one() {
        let (mut a, mut b, mut both) = Default::default();
        for value in [3, 500, 500, 70_000, 9_000_000] {
            Histogram::add(&mut a, value);
            Histogram::add(&mut both, value);
        }
        for value in [1, 500, 80_000, i64::MAX] {
            Histogram::add(&mut b, value);
            Histogram::add(&mut both, value);
        }
        a.merge(&b);
        assert_eq!(a, both);
    }

    #[test]
    fn histograms_survive_their_bytes() {
        let mut histogram = Histogram::default();
        [0, 5, 5, 1_000_000, i64::MAX, -3]
            .into_iter()
            .for_each(|value| histogram.add(value));
        assert_eq!(Histogram::read(&histogram.write()).unwrap(), histogram);
        assert!(Histogram::read(&[0x80]).is_err());
    }
}
