//! Limits that a backend has on attributes and requests, applied here so that nothing is lost unseen.

use fanlight_otlp::Batch;
use fanlight_otlp::edit::{AttributeList, Level, Verdict, rewrite};
use fanlight_otlp::view::Value;
use fanlight_otlp::{DecodeError, Signal};

/// What a backend takes at the most; zero means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Attributes of one span, log record or data point.
    pub(crate) attributes: usize,
    /// Bytes of one text value of an attribute.
    pub(crate) value_bytes: usize,
    /// Bytes of one request, before compression.
    pub(crate) request_bytes: usize,
}

impl Limits {
    /// The batch within the limits on attributes, and how many attributes were cut short or left out. Text is cut between
    /// characters; what is beyond the number of attributes goes from the end.
    pub(crate) fn apply(self, batch: Batch) -> (Batch, u64) {
        if (self.attributes == 0 && self.value_bytes == 0) || batch.signal() == Signal::Profiles {
            return (batch, 0);
        }
        let mut trimmed = 0;
        let within = rewrite(batch.clone(), |element| {
            if matches!(element.level(), Level::Item | Level::Point)
                && let Some(attributes) = element.attributes()?
            {
                trimmed += self.trim(attributes)?;
            }
            Ok(Verdict::Keep)
        });
        match within {
            Ok(within) => (within, trimmed),
            // A batch was validated when it came in. Too much is better than lost.
            Err(_) => (batch, 0),
        }
    }

    fn trim(self, attributes: &mut AttributeList<'_>) -> Result<u64, DecodeError> {
        let mut trimmed = 0;
        if self.attributes > 0 && attributes.len() > self.attributes {
            trimmed += (attributes.len() - self.attributes) as u64;
            let mut room = self.attributes;
            attributes.retain(|_| {
                let keep = room > 0;
                room = room.saturating_sub(1);
                keep
            });
        }
        if self.value_bytes > 0 {
            let mut long = Vec::new();
            for entry in attributes.iter() {
                let (key, value) = entry?;
                if let Value::Str(text) = value
                    && text.len() > self.value_bytes
                {
                    let cut = text.floor_char_boundary(self.value_bytes);
                    let short = text.get(..cut).unwrap_or_default();
                    long.push((key.to_owned(), short.to_owned()));
                }
            }
            trimmed += long.len() as u64;
            for (key, short) in long {
                attributes.set(&key, short.as_str());
            }
        }
        Ok(trimmed)
    }
}

#[cfg(test)]
mod tests {
    use fanlight_testkit::golden;

    use super::*;

    #[test]
    fn long_text_is_cut_and_counted() {
        let limits = Limits {
            value_bytes: 100,
            ..Limits::default()
        };
        let before = golden(Signal::Traces);
        let (after, trimmed) = limits.apply(before.clone());
        assert_eq!((after.items(), trimmed), (before.items(), 1));
        assert!(after.bytes().len() + 19_000 < before.bytes().len());
        assert_eq!(limits.apply(after.clone()), (after, 0));
    }

    #[test]
    fn attributes_beyond_the_number_are_left_out_and_counted() {
        let limits = Limits {
            attributes: 15,
            ..Limits::default()
        };
        let (after, trimmed) = limits.apply(golden(Signal::Logs));
        assert!(trimmed > 0);
        assert_eq!(limits.apply(after.clone()), (after, 0));
    }
}
