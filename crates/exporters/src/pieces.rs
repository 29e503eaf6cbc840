//! One batch as several requests: what is settled is not sent again when a later one fails.

use std::time::Duration;

use fanlight_otlp::Batch;
use fanlight_pipeline::Outcome;

/// One request of those that a batch became.
#[derive(Clone, Debug)]
pub(crate) struct Piece<T> {
    /// What to send.
    pub(crate) request: T,
    /// The numbers of the batch's items that are in it, as [`Batch::select`] counts them.
    pub(crate) items: Vec<usize>,
}

/// How a piece ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Nothing of it will be sent again.
    Settled {
        /// How many of its items the backend refused.
        rejected: u64,
        /// Why; empty when none was.
        why: String,
    },
    /// Some of it is to be sent again.
    Again {
        /// The numbers of those items.
        items: Vec<usize>,
        /// How many of the others the backend refused.
        rejected: u64,
        /// The delay that it asked for.
        after: Option<Duration>,
        /// What happened.
        why: String,
    },
}

/// What a batch lost before anything was sent: items that the backend is known not to take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// How many.
    pub(crate) items: u64,
    /// Why the last of them; empty when there was none.
    pub(crate) why: String,
}

impl<T> Piece<T> {
    /// What an outcome of the whole request means for its items.
    pub(crate) fn sent(&self, outcome: Outcome) -> Sent {
        let all = self.items.len() as u64;
        let settled = |rejected, why| Sent::Settled { rejected, why };
        match outcome {
            Outcome::Delivered => settled(0, String::new()),
            Outcome::Partial { rejected, why } => settled(rejected.min(all), why),
            Outcome::Rejected { why } => settled(all, why),
            Outcome::Retry { after, why } | Outcome::Resend { after, why, .. } => Sent::Again {
                items: self.items.clone(),
                rejected: 0,
                after,
                why,
            },
        }
    }
}

/// Sends the pieces in order. What comes after a piece that is to be sent again waits with it: the backend has just asked
/// for a pause, and samples of one series must not overtake each other.
pub(crate) async fn deliver<'p, T, F: Future<Output = Sent>>(
    batch: &Batch,
    pieces: &'p [Piece<T>],
    left_out: LeftOut,
    send: impl Fn(&'p Piece<T>) -> F,
) -> Outcome {
    let mut all_sent = Vec::with_capacity(pieces.len());
    let mut waiting = pieces.iter();
    while let Some(piece) = waiting.next() {
        let mut sent = send(piece).await;
        if let Sent::Again { items, .. } = &mut sent {
            let later = waiting.by_ref();
            items.extend(later.flat_map(|piece| piece.items.iter().copied()));
        }
        all_sent.push(sent);
    }
    settle(batch, left_out, all_sent)
}

/// What became of the batch, when each of its pieces was sent or waits for the next attempt.
pub(crate) fn settle(batch: &Batch, left_out: LeftOut, sent: Vec<Sent>) -> Outcome {
    match joined(left_out, sent) {
        Sent::Settled { rejected, why } => settled(batch, rejected, why),
        Sent::Again {
            items,
            rejected,
            after,
            why,
        } => resend(batch, items, rejected, after, why),
    }
}

/// Several pieces as one.
pub(crate) fn joined(left_out: LeftOut, sent: Vec<Sent>) -> Sent {
    let (mut rejected, mut reason) = (left_out.items, left_out.why);
    let mut again: Option<(Vec<usize>, Option<Duration>, String)> = None;
    for sent in sent {
        let (some, why) = match sent {
            Sent::Settled { rejected, why } => (rejected, why),
            Sent::Again {
                items,
                rejected,
                after,
                why,
            } => {
                let (all, longest, first) = again.get_or_insert_default();
                all.extend(items);
                *longest = after.max(*longest);
                if first.is_empty() {
                    *first = why.clone();
                }
                (rejected, why)
            }
        };
        if some > 0 {
            rejected += some;
            reason = why;
        }
    }
    match again {
        Some((items, after, why)) => Sent::Again {
            items,
            rejected,
            after,
            why,
        },
        None => Sent::Settled {
            rejected,
            why: reason,
        },
    }
}

/// What a batch came to of which so many items were refused for good, and nothing is to be sent again.
pub(crate) fn settled(batch: &Batch, rejected: u64, why: String) -> Outcome {
    match rejected {
        0 => Outcome::Delivered,
        _ if rejected >= batch.items() as u64 => Outcome::Rejected { why },
        _ => Outcome::Partial { rejected, why },
    }
}

fn resend(
    batch: &Batch,
    mut again: Vec<usize>,
    rejected: u64,
    after: Option<Duration>,
    why: String,
) -> Outcome {
    again.sort_unstable();
    again.dedup();
    if again.len() >= batch.items() {
        return Outcome::Retry { after, why };
    }
    let rest = batch.select(|number| again.binary_search(&number).is_ok());
    Outcome::Resend {
        rest,
        rejected,
        after,
        why,
    }
}

#[cfg(test)]
mod tests {
    use fanlight_otlp::Signal;
    use fanlight_testkit::batch;

    use super::*;

    fn pieces(items: &[&[usize]]) -> Vec<Piece<()>> {
        let piece = |items: &&[usize]| Piece {
            request: (),
            items: items.to_vec(),
        };
        items.iter().map(piece).collect()
    }

    fn retry() -> Outcome {
        Outcome::Retry {
            after: None,
            why: "503".to_owned(),
        }
    }

    #[tokio::test]
    async fn only_what_is_not_settled_is_sent_again() {
        let pieces = pieces(&[&[0, 1], &[2, 3], &[4]]);
        let send = |piece: &Piece<()>| {
            let outcome = match piece.items.contains(&2) {
                true => retry(),
                false => Outcome::Delivered,
            };
            std::future::ready(piece.sent(outcome))
        };
        let outcome = deliver(&batch(Signal::Logs, 5), &pieces, LeftOut::default(), send).await;
        let Outcome::Resend { rest, rejected, .. } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!((rest.items(), rejected), (3, 0));
    }

    #[tokio::test]
    async fn nothing_settled_is_a_plain_retry() {
        let pieces = pieces(&[&[0], &[1]]);
        let send = |piece: &Piece<()>| std::future::ready(piece.sent(retry()));
        let batch = batch(Signal::Traces, 2);
        let outcome = deliver(&batch, &pieces, LeftOut::default(), send).await;
        assert_eq!(outcome, retry());
    }

    #[tokio::test]
    async fn refused_and_left_out_items_are_counted_together() {
        let pieces = pieces(&[&[0], &[1, 2]]);
        let send = |piece: &Piece<()>| {
            let outcome = match piece.items.len() {
                1 => Outcome::Rejected {
                    why: "400".to_owned(),
                },
                _ => Outcome::Delivered,
            };
            std::future::ready(piece.sent(outcome))
        };
        let left_out = LeftOut {
            items: 1,
            why: "too long".to_owned(),
        };
        let outcome = deliver(&batch(Signal::Traces, 4), &pieces, left_out, send).await;
        let expected = Outcome::Partial {
            rejected: 2,
            why: "400".to_owned(),
        };
        assert_eq!(outcome, expected);
    }
}
