//! The golden set: one request of each signal with every kind of item and awkward values.
//!
//! Spans of every kind, errors, exceptions, links; logs with every kind of body; every point type, both temporalities,
//! exemplars, NaN and infinity; empty, unicode, nested, binary and huge values; ids of no length. Trace and span ids of the
//! spans themselves are valid, as most backends refuse a request as a whole otherwise.

use fanlight_otlp::{Batch, Signal, json};

/// When the golden set happened: 2023-11-14 22:13:20 UTC, in Unix nanoseconds. Everything is within the two seconds after.
pub const GOLDEN_TIME: u64 = 1_700_000_000_000_000_000;

/// The length of the value that the set calls huge, in bytes: past the limits of most backends, below those of a request.
const HUGE: usize = 20_000;

/// The set's request of one signal.
pub fn golden(signal: Signal) -> Batch {
    golden_at(signal, GOLDEN_TIME)
}

/// The same with other times: what backends keep must be of today. `now` is in Unix nanoseconds.
pub fn golden_at(signal: Signal, now: u64) -> Batch {
    json::read(signal, golden_json(signal, now).as_bytes()).expect("the golden set is valid")
}

/// The same as OTLP/JSON.
pub fn golden_json(signal: Signal, now: u64) -> String {
    let text = match signal {
        Signal::Traces => include_str!("golden/traces.json"),
        Signal::Metrics => include_str!("golden/metrics.json"),
        Signal::Logs => include_str!("golden/logs.json"),
        Signal::Profiles => include_str!("golden/profiles.json"),
    };
    let text = text.replace("@HUGE@", &"huge ".repeat(HUGE / 5));
    // Every number of nineteen digits that begins like this is a time.
    let mut shifted = String::with_capacity(text.len());
    for (number, part) in text.split("\"17000000").enumerate() {
        if number == 0 {
            shifted.push_str(part);
            continue;
        }
        let (offset, rest) = part.split_at(11);
        let offset: u64 = offset.parse().expect("a time of the golden set");
        shifted.push_str(&format!("\"{}{rest}", now + offset));
    }
    shifted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_of_the_set_is_valid_at_any_time() {
        for signal in Signal::ALL {
            let batch = golden_at(signal, 1_800_000_000_000_000_000);
            assert_eq!(batch.items(), golden(signal).items());
            assert!(batch.items() >= 4, "{signal}");
            assert!(!golden_json(signal, GOLDEN_TIME + 1).contains("\"1700000000000000000\""));
        }
    }
}
