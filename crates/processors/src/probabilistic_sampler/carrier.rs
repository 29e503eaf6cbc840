//! What an item says about its own sampling: a span in the `ot` entry of its trace state, a log record in attributes.
//!
//! [Source](https://opentelemetry.io/docs/specs/otel/trace/tracestate-handling/).

use fanlight_otlp::DecodeError;
use fanlight_otlp::edit::AttributeList;
use fanlight_otlp::view::{Attributes, Value};

use super::threshold::{Randomness, Threshold};

const THRESHOLD_ATTRIBUTE: &str = "sampling.threshold";
const RANDOMNESS_ATTRIBUTE: &str = "sampling.randomness";

/// The longest `ot` entry.
const LONGEST: usize = 256;

/// An item's sampling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Carrier {
    /// What the item draws, where it says so.
    pub(super) randomness: Option<Randomness>,
    /// What it was sampled with.
    pub(super) threshold: Option<Threshold>,
    /// The other members of the `ot` entry.
    others: Vec<String>,
    /// The other entries of the trace state.
    entries: Vec<String>,
}

impl Carrier {
    /// Reads a trace state; `None` when it is malformed.
    pub(super) fn of_trace_state(text: &str) -> Option<Carrier> {
        let mut carrier = Carrier::default();
        for entry in text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
        {
            match entry.split_once('=')? {
                ("ot", members) => carrier.read_members(members)?,
                _ => carrier.entries.push(entry.to_owned()),
            }
        }
        Some(carrier)
    }

    fn read_members(&mut self, members: &str) -> Option<()> {
        if members.len() > LONGEST {
            return None;
        }
        for member in members.split(';') {
            match member.split_once(':')? {
                ("rv", value) => self.randomness = Some(Randomness::parse(value)?),
                ("th", value) => self.threshold = Some(Threshold::parse(value)?),
                _ => self.others.push(member.to_owned()),
            }
        }
        Some(())
    }

    /// Writes the trace state: the `ot` entry first, since it changed last.
    pub(super) fn to_trace_state(&self) -> String {
        let randomness = self
            .randomness
            .map(|randomness| format!("rv:{}", randomness.text()));
        let threshold = self
            .threshold
            .map(|threshold| format!("th:{}", threshold.text()));
        let members: Vec<String> = randomness
            .into_iter()
            .chain(threshold)
            .chain(self.others.iter().cloned())
            .collect();
        let entry = (!members.is_empty()).then(|| format!("ot={}", members.join(";")));
        let entries: Vec<String> = entry
            .into_iter()
            .chain(self.entries.iter().cloned())
            .collect();
        entries.join(",")
    }

    /// Reads a log record's attributes; `None` when they are malformed.
    pub(super) fn of_attributes(
        attributes: &Attributes<'_>,
    ) -> Result<Option<Carrier>, DecodeError> {
        let mut carrier = Carrier::default();
        if let Some(Value::Str(text)) = attributes
            .get(THRESHOLD_ATTRIBUTE)?
            .filter(|value| *value != Value::Str(""))
        {
            carrier.threshold = Threshold::parse(text);
            if carrier.threshold.is_none() {
                return Ok(None);
            }
        }
        if let Some(Value::Str(text)) = attributes
            .get(RANDOMNESS_ATTRIBUTE)?
            .filter(|value| *value != Value::Str(""))
        {
            carrier.randomness = Randomness::parse(text);
            if carrier.randomness.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(carrier))
    }

    /// Writes a log record's attributes.
    pub(super) fn put_into(&self, attributes: &mut AttributeList<'_>) {
        if let Some(randomness) = self.randomness {
            attributes.set(RANDOMNESS_ATTRIBUTE, randomness.text().as_str());
        }
        if let Some(threshold) = self.threshold {
            attributes.set(THRESHOLD_ATTRIBUTE, threshold.text().as_str());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_state_survives_with_everything_else_in_it() {
        let text = "ot=rv:abcdefabcdefab;th:8;x:y,vendor=1,other=a:b";
        assert_eq!(
            Carrier::of_trace_state(text).unwrap().to_trace_state(),
            text
        );
        assert_eq!(
            Carrier::of_trace_state("a=1, ot=th:c")
                .unwrap()
                .to_trace_state(),
            "ot=th:c,a=1"
        );
        assert_eq!(Carrier::of_trace_state("").unwrap().to_trace_state(), "");
    }

    #[test]
    fn a_malformed_trace_state_is_not_read() {
        for text in ["x", "ot=th", "ot=th:xyz", "ot=rv:12", "ot="] {
            assert_eq!(Carrier::of_trace_state(text), None, "{text}");
        }
    }
}
