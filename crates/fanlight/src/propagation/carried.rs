//! What goes with a trace besides its ids: `tracestate` and `baggage` of the requests that are under way.
//!
//! A [`Context`](crate::Context) is copied for every span, and hardly any carries something. So it has the number of what
//! it carries, which is kept here. Only the newest [`LIMIT`] bytes are: a request that is under way for so long that others
//! have brought more than that since goes on without.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// How many bytes are kept.
const LIMIT: usize = 8 * 1024 * 1024;
/// What keeping something costs besides its text.
const OVERHEAD: usize = 128;

/// The number of what a context carries; 0 for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Carried(u32);

/// Values of headers; empty for none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) state: String,
    pub(crate) baggage: String,
}

/// What is kept, in the order of its numbers.
struct Kept {
    /// The number of the first.
    first: u32,
    contents: VecDeque<Arc<Content>>,
    bytes: usize,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept {
    first: 1,
    contents: VecDeque::new(),
    bytes: 0,
});

impl Carried {
    /// Keeps something.
    pub(crate) fn keep(state: &str, baggage: &str) -> Carried {
        if state.is_empty() && baggage.is_empty() {
            return Carried::default();
        }
        let content = Content {
            state: state.to_owned(),
            baggage: baggage.to_owned(),
        };
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        Carried(kept.push(content))
    }

    /// What it is the number of, if that is still kept.
    pub(crate) fn get(self) -> Option<Arc<Content>> {
        if self == Carried::default() {
            return None;
        }
        let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        let index = self.0.wrapping_sub(kept.first);
        kept.contents.get(usize::try_from(index).ok()?).cloned()
    }
}

impl Kept {
    fn push(&mut self, content: Content) -> u32 {
        self.bytes += content.size();
        self.contents.push_back(Arc::new(content));
        while self.bytes > LIMIT
            && let Some(oldest) = self.contents.pop_front()
        {
            self.bytes -= oldest.size();
            self.first = self.first.wrapping_add(1);
        }
        let newest = u32::try_from(self.contents.len()).unwrap_or_default();
        match self.first.wrapping_add(newest).wrapping_sub(1) {
            // After four billion requests the numbers begin anew, and what has this one can't be asked for.
            0 => Carried::default().0,
            number => number,
        }
    }
}

impl Content {
    fn size(&self) -> usize {
        self.state.len() + self.baggage.len() + OVERHEAD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Kept {
        Kept {
            first: 1,
            contents: VecDeque::new(),
            bytes: 0,
        }
    }

    #[test]
    fn the_newest_is_kept_and_memory_is_bounded() {
        let mut kept = kept();
        for number in 1..=10_000 {
            let content = Content {
                state: format!("a={number}"),
                baggage: "b".repeat(4096),
            };
            assert_eq!(kept.push(content), number);
        }
        assert!(kept.bytes <= LIMIT);
        assert_eq!(kept.contents.back().unwrap().state, "a=10000");
        assert!(kept.contents.len() > 1900);
        let oldest = kept.contents.front().unwrap();
        assert_eq!(oldest.state, format!("a={}", kept.first));
    }
}
