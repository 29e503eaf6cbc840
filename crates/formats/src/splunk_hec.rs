//! Events of Splunk's HTTP Event Collector, as senders write them.
//! [Format](https://docs.splunk.com/Documentation/Splunk/latest/Data/FormateventsforHTTPEventCollector).

use serde::Deserialize;
use serde_json::{Map, Value};

/// One event: an object of a request's body, which are one after the other or in a list.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Event {
    /// When it happened: seconds since 1970 with a fraction, a number or its text; some senders write milliseconds,
    /// microseconds or nanoseconds.
    pub time: Option<Time>,
    /// The host that it is from.
    pub host: Option<String>,
    /// What it is from on that host.
    pub source: Option<String>,
    /// How Splunk is to read it.
    pub sourcetype: Option<String>,
    /// Where Splunk keeps it.
    pub index: Option<String>,
    /// The event; `"metric"` for data points.
    pub event: Value,
    /// Fields to search by; the values of data points are among them.
    pub fields: Map<String, Value>,
}

/// The time of an [`Event`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Time {
    /// A whole number.
    Whole(u64),
    /// A number with a fraction.
    Fraction(f64),
    /// Either, as text.
    Text(String),
}

/// What the ids of a channel are asked with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct AckRequest {
    /// The ids.
    pub acks: Vec<u64>,
}

impl Time {
    /// Nanoseconds since 1970; none where the text is no number.
    pub fn nanoseconds(&self) -> Option<u64> {
        match self {
            Time::Whole(time) => Some(of_whole(*time)),
            Time::Fraction(time) => of_fraction(*time),
            Time::Text(text) => match text.trim().parse::<u64>() {
                Ok(time) => Some(of_whole(time)),
                Err(_) => of_fraction(text.trim().parse().ok()?),
            },
        }
    }
}

/// Times of this age differ enough in size to tell their units apart.
fn of_whole(time: u64) -> u64 {
    let unit = match time {
        0..10_000_000_000 => 1_000_000_000,
        10_000_000_000..10_000_000_000_000 => 1_000_000,
        10_000_000_000_000..10_000_000_000_000_000 => 1_000,
        _ => 1,
    };
    time.saturating_mul(unit)
}

fn of_fraction(time: f64) -> Option<u64> {
    if !time.is_finite() || time < 0.0 {
        return None;
    }
    Some(match time {
        time if time >= 1e16 => time as u64,
        time if time >= 1e13 => (time * 1e3) as u64,
        time if time >= 1e10 => (time * 1e6) as u64,
        // Doubles of today's seconds are exact to a quarter of a microsecond: what is beyond is noise.
        time => (time * 1e6).round() as u64 * 1_000,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_every_unit_are_read() {
        for (json, expected) in [
            ("1700000000", 1_700_000_000_000_000_000),
            ("1700000000.011", 1_700_000_000_011_000_000),
            ("\"1700000000.250123\"", 1_700_000_000_250_123_000),
            ("1700000000011", 1_700_000_000_011_000_000),
            ("1700000000011000", 1_700_000_000_011_000_000),
            ("1700000000011000001", 1_700_000_000_011_000_001),
        ] {
            let time: Time = serde_json::from_str(json).unwrap();
            assert_eq!(time.nanoseconds(), Some(expected), "{json}");
        }
        assert_eq!(Time::Text("soon".to_owned()).nanoseconds(), None);
        assert_eq!(Time::Fraction(-1.0).nanoseconds(), None);
    }
}
