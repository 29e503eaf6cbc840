//! One request on its way: what of it is still to be sent, in order, and what has become of the rest.
//!
//! What the destination finds too large is halved by items, and the halves take its place, so that order is kept. What can't
//! be halved (one item, or profiles, which share a dictionary) is refused for good.

use std::collections::VecDeque;
use std::time::Duration;

use fanlight_otlp::Batch;

use crate::Outcome;

/// A request and its parts.
#[derive(Debug)]
pub(super) struct Parts {
    waiting: VecDeque<Batch>,
    items: usize,
    /// Whether nothing was settled, and nothing halved.
    is_whole: bool,
    /// What was answered to the whole.
    answer: Option<Outcome>,
    rejected: u64,
    why: String,
    /// How many of the rejected items were too large, which no attempt has counted.
    too_large: usize,
}

/// What to do after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Send what comes next.
    GoOn,
    /// The same, which was halved.
    Halved,
    /// Wait before that.
    Wait {
        /// The delay that the destination asked for.
        after: Option<Duration>,
        /// What happened.
        why: String,
    },
}

impl Parts {
    pub(super) fn of(batch: &Batch) -> Parts {
        Parts {
            waiting: VecDeque::from([batch.clone()]),
            items: batch.items(),
            is_whole: true,
            answer: None,
            rejected: 0,
            why: String::new(),
            too_large: 0,
        }
    }

    /// What to send now; nothing when everything is settled.
    pub(super) fn first(&self) -> Option<&Batch> {
        self.waiting.front()
    }

    /// Whether that is the request as it was.
    pub(super) const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Notes how the attempt at [`Parts::first`] ended.
    pub(super) fn settle(&mut self, outcome: Outcome) -> Then {
        let Some(first) = self.waiting.pop_front() else {
            return Then::GoOn;
        };
        let is_answer = matches!(
            outcome,
            Outcome::Delivered | Outcome::Partial { .. } | Outcome::Rejected { .. }
        );
        if self.is_whole && is_answer {
            self.answer = Some(outcome.clone());
        }
        match outcome {
            Outcome::Delivered => {}
            Outcome::Partial { rejected, why } => self.reject(rejected, why),
            Outcome::Rejected { why } => self.reject(first.items() as u64, why),
            Outcome::Retry { after, why } => {
                self.waiting.push_front(first);
                return Then::Wait { after, why };
            }
            Outcome::Resend {
                rest,
                rejected,
                after,
                why,
            } => {
                self.is_whole = false;
                self.reject(rejected, why.clone());
                self.waiting.push_front(rest);
                return Then::Wait { after, why };
            }
            Outcome::TooLarge { why } => return self.halve(first, why),
            Outcome::ResendSmaller {
                rest,
                rejected,
                why,
            } => {
                self.is_whole = false;
                self.reject(rejected, why.clone());
                let mut rest = rest.into_iter();
                let large = rest.next();
                rest.rev().for_each(|part| self.waiting.push_front(part));
                return large.map_or(Then::GoOn, |large| self.halve(large, why));
            }
        }
        Then::GoOn
    }

    /// Puts the halves of a part in its place.
    fn halve(&mut self, part: Batch, why: String) -> Then {
        let items = part.items();
        let is_joinable = part.signal().info().joinable;
        let halves = part.split(items.div_ceil(2));
        if halves.len() > 1 {
            self.is_whole = false;
            let halves = halves.into_iter().rev();
            halves.for_each(|half| self.waiting.push_front(half));
            return Then::Halved;
        }
        let advice = match is_joinable {
            true => "one item alone is too large: raise the destination's limit, or shorten items",
            false => "profiles can't be divided: raise the destination's limit",
        };
        let why = format!("{why} ({advice})");
        self.too_large += items;
        if self.is_whole {
            self.answer = Some(Outcome::Rejected { why: why.clone() });
        }
        self.reject(items as u64, why);
        Then::GoOn
    }

    fn reject(&mut self, items: u64, why: String) {
        if items > 0 {
            self.rejected += items;
            self.why = why;
        }
    }

    /// How many items were refused for being too large, and the last reason. Nobody has counted them yet.
    pub(super) fn too_large(&self) -> Option<(usize, &str)> {
        (self.too_large > 0).then_some((self.too_large, self.why.as_str()))
    }

    /// Whether the destination has taken nothing, and never will.
    pub(super) fn is_refused(&self) -> bool {
        self.waiting.is_empty() && self.rejected >= self.items as u64
    }

    /// What is not settled.
    pub(super) fn left(self) -> Option<Batch> {
        Batch::join(&Vec::from(self.waiting))
    }

    /// What became of the request, when nothing of it is left. What was sent in parts is not [`Outcome::Rejected`] as a whole
    /// if its senders would be `joined` in that.
    pub(super) fn outcome(self, joined: bool) -> Outcome {
        let is_refused = self.is_refused() && !joined;
        match self.answer.filter(|_| self.is_whole) {
            Some(answer) => answer,
            None if self.rejected == 0 => Outcome::Delivered,
            None if is_refused => Outcome::Rejected { why: self.why },
            None => Outcome::Partial {
                rejected: self.rejected,
                why: self.why,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use fanlight_otlp::Signal;
    use fanlight_otlp::write::{LogRecord, RequestWriter};

    use super::*;

    fn logs(records: usize) -> Batch {
        let mut request = RequestWriter::new(Signal::Logs);
        request.resource(&[], |resource| {
            resource.scope("test", "", |scope| {
                (0..records).for_each(|_| scope.log(&LogRecord::default()));
            });
        });
        request.finish()
    }

    fn too_large() -> Outcome {
        Outcome::TooLarge {
            why: "413".to_owned(),
        }
    }

    fn sizes(parts: &Parts) -> Vec<usize> {
        parts.waiting.iter().map(Batch::items).collect()
    }

    #[test]
    fn halves_take_the_place_of_what_was_too_large() {
        let mut parts = Parts::of(&logs(7));
        assert_eq!(parts.settle(too_large()), Then::Halved);
        assert_eq!(sizes(&parts), [4, 3]);
        assert_eq!(parts.settle(too_large()), Then::Halved);
        assert_eq!(sizes(&parts), [2, 2, 3]);
        for _ in 0..3 {
            assert_eq!(parts.settle(Outcome::Delivered), Then::GoOn);
        }
        assert_eq!(parts.outcome(false), Outcome::Delivered);
    }

    #[test]
    fn only_the_part_that_was_too_large_is_halved() {
        let mut parts = Parts::of(&logs(10));
        let outcome = Outcome::ResendSmaller {
            rest: vec![logs(4), logs(3)],
            rejected: 1,
            why: "413".to_owned(),
        };
        assert_eq!(parts.settle(outcome), Then::Halved);
        assert_eq!(sizes(&parts), [2, 2, 3]);
        for _ in 0..3 {
            parts.settle(Outcome::Delivered);
        }
        assert!(matches!(
            parts.outcome(false),
            Outcome::Partial { rejected: 1, .. }
        ));
    }

    #[test]
    fn what_can_not_be_halved_is_refused() {
        let mut parts = Parts::of(&logs(1));
        assert_eq!(parts.settle(too_large()), Then::GoOn);
        let told = parts
            .too_large()
            .map(|(items, why)| (items, why.to_owned()));
        let (items, why) = told.unwrap();
        assert!(
            items == 1 && why.contains("413") && why.contains("raise"),
            "{why}"
        );
        assert!(parts.is_refused());
        assert!(matches!(parts.outcome(false), Outcome::Rejected { .. }));
    }

    #[test]
    fn what_waits_is_left_when_nobody_waits_longer() {
        let mut parts = Parts::of(&logs(8));
        parts.settle(too_large());
        parts.settle(Outcome::Delivered);
        let retry = Outcome::Retry {
            after: None,
            why: "503".to_owned(),
        };
        assert!(matches!(parts.settle(retry), Then::Wait { .. }));
        assert_eq!(parts.left().map(|left| left.items()), Some(4));
    }
}
