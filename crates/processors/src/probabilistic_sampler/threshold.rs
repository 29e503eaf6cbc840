//! Thresholds and randomness: 56-bit numbers, as OpenTelemetry specifies them. An item is kept when its randomness is not
//! below the threshold.

/// Which share of items is dropped, of 2^56.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Threshold(pub(super) u64);

/// What an item draws, below 2^56.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Randomness(u64);

const RANGE: u64 = 1 << 56;
/// The hexadecimal digits of 56 bits.
const DIGITS: usize = 14;

/// Keeps everything.
pub(super) const ALWAYS: Threshold = Threshold(0);
/// Keeps nothing.
pub(super) const NEVER: Threshold = Threshold(RANGE);
/// The smallest probability that differs from none.
pub(super) const MIN_PROBABILITY: f64 = 1.0 / RANGE as f64;

impl Threshold {
    /// The threshold of a probability, rounded to so many significant digits; `None` outside of what can be expressed.
    pub(super) fn of(probability: f64, precision: u8) -> Option<Threshold> {
        if !(MIN_PROBABILITY..=1.0).contains(&probability) {
            return None;
        }
        if probability == 1.0 {
            return Some(ALWAYS);
        }
        // Leading `0` or `f` digits carry no information; each allows for one more digit.
        let leading = exponent(probability)
            .min(exponent(1.0 - probability))
            .unsigned_abs() as usize
            / 4;
        let precision = DIGITS.min(usize::from(precision) + leading);
        let threshold = RANGE - (probability * RANGE as f64).round() as u64;
        let dropped_bits = 4 * (DIGITS - precision);
        let half = if dropped_bits == 0 {
            0
        } else {
            1 << (dropped_bits - 1)
        };
        Some(Threshold(
            (threshold + half) >> dropped_bits << dropped_bits,
        ))
    }

    /// Whether an item that draws this is kept.
    pub(super) const fn keeps(self, randomness: Randomness) -> bool {
        randomness.0 >= self.0
    }

    /// The share of items that is kept.
    pub(super) fn probability(self) -> f64 {
        RANGE.saturating_sub(self.0) as f64 / RANGE as f64
    }

    /// Reads a `th` value: 1 to 14 digits, of which trailing zeros may be left out.
    pub(super) fn parse(text: &str) -> Option<Threshold> {
        let digits = (1..=DIGITS).contains(&text.len()).then_some(text)?;
        Some(Threshold(
            hexadecimal(digits)? << (4 * (DIGITS - digits.len())),
        ))
    }

    /// The `th` value.
    pub(super) fn text(self) -> String {
        let text = format!("{:014x}", self.0);
        let short = text.trim_end_matches('0');
        if short.is_empty() {
            "0".to_owned()
        } else {
            short.to_owned()
        }
    }
}

impl Randomness {
    /// Kept by every threshold but [`NEVER`].
    pub(super) const HIGHEST: Randomness = Randomness(RANGE - 1);

    /// The last 56 bits of a trace id.
    pub(super) fn of_trace_id(id: &[u8; 16]) -> Randomness {
        Randomness(u128::from_be_bytes(*id) as u64 & (RANGE - 1))
    }

    /// The Collector's hash: 14 bits of it decide, turned around so that it compares like other randomness; the other 18
    /// bits fill the middle.
    pub(super) fn hashed(bytes: &[u8], seed: u32) -> Randomness {
        const LOW_14: u64 = (1 << 14) - 1;
        let hash = u64::from(fnv1a(&seed.to_le_bytes(), bytes));
        let bucket = hash & LOW_14;
        let unused = hash >> 18;
        let middle = unused ^ unused << 10;
        Randomness((LOW_14 - bucket) << 42 | middle << 14 | bucket)
    }

    /// Reads an `rv` value: exactly 14 digits.
    pub(super) fn parse(text: &str) -> Option<Randomness> {
        (text.len() == DIGITS)
            .then(|| hexadecimal(text))?
            .map(Randomness)
    }

    /// The `rv` value.
    pub(super) fn text(self) -> String {
        format!("{:014x}", self.0)
    }
}

/// The hash [FNV-1a](http://www.isthe.com/chongo/tech/comp/fnv/) in 32 bits, of one text after another.
fn fnv1a(first: &[u8], second: &[u8]) -> u32 {
    first.iter().chain(second).fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

fn hexadecimal(digits: &str) -> Option<u64> {
    let valid = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    valid.then(|| u64::from_str_radix(digits, 16).ok())?
}

/// The exponent of a number from 0 to 1 that is written as a fraction from a half to one times a power of two.
fn exponent(value: f64) -> i32 {
    let biased = (value.to_bits() >> 52 & 0x7ff) as i32;
    biased - 1022
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_fall_into_the_collectors_buckets() {
        let bucket = |bytes: &[u8]| Randomness::hashed(bytes, 0).0 & 0x3fff;
        assert_eq!(bucket(&[]), 0x3515);
        assert_eq!(bucket(&[0; 16]), 0x2455);
        // The same bucket decides: a high one is a low draw.
        assert_eq!(Randomness::hashed(&[], 0).0 >> 42, 0x3fff - 0x3515);
    }

    #[test]
    fn the_hash_is_fnv1a() {
        assert_eq!(fnv1a(b"", b""), 0x811c_9dc5);
        assert_eq!(fnv1a(b"", b"foobar"), 0xbf9c_f968);
        assert_eq!(fnv1a(b"foo", b"bar"), 0xbf9c_f968);
    }

    #[test]
    fn probabilities_become_thresholds_of_the_precision_asked_for() {
        let text = |probability, precision| Threshold::of(probability, precision).unwrap().text();
        assert_eq!(text(1.0, 4), "0");
        assert_eq!(text(0.5, 4), "8");
        assert_eq!(text(0.25, 4), "c");
        assert_eq!(text(1.0 / 3.0, 4), "aaab");
        assert_eq!(text(1.0 / 3.0, 14), "aaaaaaaaaaaaac");
        assert_eq!(text(0.01, 4), "fd70a");
        assert_eq!(text(0.99, 4), "028f6");
        assert_eq!(Threshold::of(0.0, 4), None);
        assert_eq!(Threshold::of(1.1, 4), None);
    }

    #[test]
    fn thresholds_and_randomness_survive_their_text() {
        assert_eq!(Threshold::parse("c"), Threshold::of(0.25, 4));
        assert_eq!(Threshold::parse("0"), Some(ALWAYS));
        assert_eq!(Threshold::parse("fffffffffffffff"), None);
        assert_eq!(Threshold::parse("+1"), None);
        let randomness = Randomness::of_trace_id(&[0xab; 16]);
        assert_eq!(Randomness::parse(&randomness.text()), Some(randomness));
        assert_eq!(Randomness::parse("12"), None);
    }
}
