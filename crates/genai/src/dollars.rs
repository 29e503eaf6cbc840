//! Money, counted exactly.

use std::fmt;
use std::str::FromStr;

/// US dollars, as a whole number of millionth parts of a millionth: sums of them are exact, unlike those of floating-point
/// numbers. At most some eighteen million dollars; what is more counts as that.
///
/// ```
/// use fanlight_genai::Dollars;
///
/// let cost: Dollars = "0.000345".parse().unwrap();
/// assert_eq!(cost.picodollars(), 345_000_000);
/// assert_eq!((cost + cost).to_string(), "0.00069");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dollars(u64);

const WHOLE: u64 = 1_000_000_000_000;
const DIGITS: usize = 12;

/// It is no amount in dollars: a decimal number that is not negative, such as `0.0025`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotDollars;

impl Dollars {
    /// So many 10⁻¹² dollars.
    pub const fn from_picodollars(picodollars: u64) -> Dollars {
        Dollars(picodollars)
    }

    /// How many 10⁻¹² dollars it is.
    pub const fn picodollars(self) -> u64 {
        self.0
    }

    /// The amount that a floating-point number stands for, to the nearest 10⁻¹² dollars; nothing if it is negative or no number.
    pub fn from_f64(dollars: f64) -> Option<Dollars> {
        let picodollars = (dollars * WHOLE as f64).round();
        // A cast to an integer ends at its bounds.
        (picodollars >= 0.0).then_some(Dollars(picodollars as u64))
    }

    /// The nearest floating-point number.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / WHOLE as f64
    }
}

impl std::ops::Add for Dollars {
    type Output = Dollars;

    fn add(self, other: Dollars) -> Dollars {
        Dollars(self.0.saturating_add(other.0))
    }
}

impl std::iter::Sum for Dollars {
    fn sum<I: Iterator<Item = Dollars>>(amounts: I) -> Dollars {
        amounts.fold(Dollars::default(), std::ops::Add::add)
    }
}

/// A decimal number without needless zeros.
impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / WHOLE, self.0 % WHOLE);
        let part = format!("{part:0DIGITS$}");
        match part.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            part => write!(f, "{whole}.{part}"),
        }
    }
}

/// Reads a decimal number exactly; digits beyond the twelfth after the point are dropped.
impl FromStr for Dollars {
    type Err = NotDollars;

    fn from_str(text: &str) -> Result<Dollars, NotDollars> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let is_decimal = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if text.is_empty() || text == "." {
            return Err(NotDollars);
        }
        if !is_decimal(whole) || !is_decimal(part) {
            // `1e-5` is rare enough to go through a floating-point number.
            let dollars = text.parse().map_err(|_| NotDollars)?;
            return Dollars::from_f64(dollars).ok_or(NotDollars);
        }
        let part: String = part
            .chars()
            .chain(std::iter::repeat('0'))
            .take(DIGITS)
            .collect();
        let number = |digits: &str| match digits {
            "" => Ok(0),
            digits => digits.parse::<u64>().map_err(|_| NotDollars),
        };
        let whole = number(whole)?.saturating_mul(WHOLE);
        Ok(Dollars(whole.saturating_add(number(&part)?)))
    }
}

impl fmt::Display for NotDollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an amount in dollars; write a decimal number such as 0.0025")
    }
}

impl std::error::Error for NotDollars {}

/// As a JSON number.
#[cfg(feature = "call")]
impl serde::Serialize for Dollars {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.to_f64())
    }
}

#[cfg(feature = "call")]
impl<'de> serde::Deserialize<'de> for Dollars {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Dollars, D::Error> {
        let dollars = f64::deserialize(deserializer)?;
        Dollars::from_f64(dollars).ok_or_else(|| serde::de::Error::custom(NotDollars))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenths_add_up() {
        let tenth: Dollars = "0.1".parse().unwrap();
        let sum: Dollars = std::iter::repeat_n(tenth, 10).sum();
        assert_eq!(sum, "1".parse().unwrap());
        assert_eq!(sum.to_string(), "1");
    }

    #[test]
    fn only_amounts_are_read() {
        for text in [
            "",
            ".",
            "-1",
            "nan",
            "one",
            "1.2.3",
            "-0.5",
            "99999999999999999999",
        ] {
            assert!(text.parse::<Dollars>().is_err(), "{text}");
        }
        for (text, picodollars) in [
            ("0", 0),
            (".5", WHOLE / 2),
            ("3.", 3 * WHOLE),
            ("1e-6", 1_000_000),
            ("0.0000000000019", 1),
        ] {
            assert_eq!(text.parse(), Ok(Dollars(picodollars)), "{text}");
        }
        assert_eq!(Dollars::from_f64(f64::NAN), None);
        assert_eq!(Dollars::from_f64(f64::INFINITY), Some(Dollars(u64::MAX)));
    }
}
