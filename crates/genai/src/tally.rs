//! Counts of tokens as they were found, until it is known how whoever counted them counts.

use serde_json::Value as Json;

use crate::Usage;
use crate::json;

/// Counts as they were found; what was not stated is none, not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) input: Option<u64>,
    pub(crate) output: Option<u64>,
    pub(crate) total: Option<u64>,
    pub(crate) cache_read: Option<u64>,
    pub(crate) cache_creation: Option<u64>,
    pub(crate) cache_creation_5m: Option<u64>,
    pub(crate) cache_creation_1h: Option<u64>,
    pub(crate) reasoning: Option<u64>,
    /// What tools of the provider read, where that is counted beside the input.
    pub(crate) tool_use: Option<u64>,
    pub(crate) audio_input: Option<u64>,
    pub(crate) image_input: Option<u64>,
    pub(crate) audio_output: Option<u64>,
    pub(crate) image_output: Option<u64>,
    pub(crate) web_searches: Option<u64>,
    /// Whether what a cache had to do with is counted beside the input rather than within it.
    pub(crate) is_cache_beside: bool,
    /// Whether reasoning is counted beside the output rather than within it.
    pub(crate) is_reasoning_beside: bool,
}

/// Where a count belongs.
pub(crate) type Slot = fn(&mut Tally) -> &mut Option<u64>;

impl Tally {
    /// The usage, if anything was stated.
    pub(crate) fn usage(&self) -> Option<Usage> {
        let parts = self.cache_creation_5m.or(self.cache_creation_1h);
        let of_parts = self
            .cache_creation_5m
            .unwrap_or(0)
            .saturating_add(self.cache_creation_1h.unwrap_or(0));
        // The sum and its parts may both be stated; neither is added to the other.
        let creation = self
            .cache_creation
            .unwrap_or(0)
            .max(parts.map_or(0, |_| of_parts));
        let read = self.cache_read.unwrap_or(0);
        let cached = read.saturating_add(creation);
        let reasoning = self.reasoning.unwrap_or(0);
        let (input, output) = self.stated(cached > 0)?;
        // An input that is smaller than its parts can only have been counted without them.
        let is_cache_beside = self.is_cache_beside || input < cached;
        let input = input
            .saturating_add(if is_cache_beside { cached } else { 0 })
            .saturating_add(self.tool_use.unwrap_or(0));
        let is_reasoning_beside = self.is_reasoning_beside || output < reasoning;
        let output = output.saturating_add(if is_reasoning_beside { reasoning } else { 0 });
        let mut usage = Usage::new(input, output)
            .cache_read(read)
            .cache_creation(creation)
            .cache_creation_1h(self.cache_creation_1h.unwrap_or(0))
            .reasoning(reasoning);
        usage.audio_input_tokens = self.audio_input.unwrap_or(0).min(input);
        usage.image_input_tokens = self.image_input.unwrap_or(0).min(input);
        usage.audio_output_tokens = self.audio_output.unwrap_or(0).min(output);
        usage.image_output_tokens = self.image_output.unwrap_or(0).min(output);
        usage.web_searches = self.web_searches.unwrap_or(0);
        Some(usage)
    }

    /// Input and output, one of which may follow from the total.
    fn stated(&self, is_cached: bool) -> Option<(u64, u64)> {
        match (self.input, self.output, self.total) {
            (Some(input), Some(output), _) => Some((input, output)),
            (Some(input), None, Some(total)) => Some((input, total.saturating_sub(input))),
            (None, Some(output), Some(total)) => Some((total.saturating_sub(output), output)),
            // Embeddings write nothing, and where only the total is known, it was read.
            (Some(input), None, None) | (None, None, Some(input)) => Some((input, 0)),
            (None, Some(output), None) => Some((0, output)),
            (None, None, None) => is_cached.then_some((0, 0)),
        }
    }

    /// Takes the counts of a JSON object over, at the paths (`a/b`) that the table names. What is there replaces what was
    /// known, field by field, since streams state counts that grow; zeros do not replace anything in fields where a later
    /// event merely does not know.
    pub(crate) fn read(&mut self, object: &Json, table: &[(&str, Slot)]) {
        for (path, slot) in table {
            let found = path
                .split('/')
                .try_fold(object, |object, key| object.get(key))
                .and_then(json::count);
            if let Some(count) = found {
                let slot = slot(self);
                if count > 0 || slot.is_none() {
                    *slot = Some(count);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_beside_the_input_are_added_once() {
        let mut tally = Tally {
            input: Some(19),
            output: Some(10),
            cache_read: Some(30_000),
            cache_creation: Some(9_000),
            cache_creation_5m: Some(8_000),
            cache_creation_1h: Some(1_000),
            is_cache_beside: true,
            ..Tally::default()
        };
        let expected = Usage::new(39_019, 10)
            .cache_read(30_000)
            .cache_creation(9_000)
            .cache_creation_1h(1_000);
        assert_eq!(tally.usage(), Some(expected));
        // Even where nobody said that they are beside: they are more than the whole.
        tally.is_cache_beside = false;
        assert_eq!(tally.usage(), Some(expected));
        tally.input = Some(39_019);
        assert_eq!(tally.usage(), Some(expected));
    }

    #[test]
    fn nothing_stated_is_not_zero() {
        assert_eq!(Tally::default().usage(), None);
        let zero = Tally {
            output: Some(0),
            ..Tally::default()
        };
        assert_eq!(zero.usage(), Some(Usage::default()));
    }
}
