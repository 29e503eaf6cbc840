//! One batch as several requests: what is settled is not sent again when a later one fails, or is too large.
//!
//! An item that is in several requests, as a span with its events may be, is settled with the last of them: it is sent again
//! as a whole.

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
    /// The backend takes less at once: smaller pieces are made of it.
    TooLarge {
        /// The numbers of its items.
        items: Vec<usize>,
        /// What happened.
        why: String,
    },
    /// It was not sent, since an earlier piece is to be sent again.
    Waiting {
        /// The numbers of its items.
        items: Vec<usize>,
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
    /// It waits for another.
    pub(crate) fn waiting(&self) -> Sent {
        Sent::Waiting {
            items: self.items.clone(),
        }
    }

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
            Outcome::TooLarge { why } | Outcome::ResendSmaller { why, .. } => Sent::TooLarge {
                items: self.items.clone(),
                why,
            },
        }
    }
}

impl Sent {
    /// Whether nothing of it will be sent again.
    pub(crate) const fn is_settled(&self) -> bool {
        matches!(self, Sent::Settled { .. })
    }
}

/// A batch as requests of at most so many bytes of protobuf, where items allow; zero means no limit.
pub(crate) fn of_bytes(batch: &Batch, most: usize) -> Vec<Piece<Batch>> {
    let mut first = 0;
    let parts = batch.clone().split_bytes(most).into_iter();
    let piece = parts.map(|part| {
        let items = (first..first + part.items()).collect();
        first += part.items();
        Piece {
            request: part,
            items,
        }
    });
    piece.collect()
}

/// Sends the pieces in order. What comes after a piece that is to be sent again waits with it: the backend has just asked
/// for a pause, or for less, and samples of one series must not overtake each other.
pub(crate) async fn deliver<'p, T, F: Future<Output = Sent>>(
    batch: &Batch,
    pieces: &'p [Piece<T>],
    left_out: LeftOut,
    send: impl Fn(&'p Piece<T>) -> F,
) -> Outcome {
    let mut all_sent = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let sent = match all_sent.last().is_none_or(Sent::is_settled) {
            true => send(piece).await,
            false => piece.waiting(),
        };
        all_sent.push(sent);
    }
    settle(batch, left_out, all_sent)
}

/// What became of the batch, when each of its pieces was sent or waits.
pub(crate) fn settle(batch: &Batch, left_out: LeftOut, sent: Vec<Sent>) -> Outcome {
    let mut fates = Fates {
        rejected: left_out.items,
        refused: left_out.why,
        ..Fates::default()
    };
    sent.into_iter().for_each(|sent| fates.add(sent));
    fates.outcome(batch)
}

/// What became of the items of a batch.
#[derive(Default)]
struct Fates {
    rejected: u64,
    /// Why the last of these.
    refused: String,
    again: Vec<usize>,
    /// The delay, and why, where some are to be sent again.
    pause: Option<(Option<Duration>, String)>,
    large: Vec<usize>,
    /// Why some go in smaller requests.
    too_large: Option<String>,
    waiting: Vec<usize>,
}

impl Fates {
    fn add(&mut self, sent: Sent) {
        match sent {
            Sent::Settled { rejected, why } => self.reject(rejected, why),
            Sent::Again {
                items,
                rejected,
                after,
                why,
            } => {
                self.again.extend(items);
                self.reject(rejected, why.clone());
                let (longest, first) = self.pause.get_or_insert_default();
                *longest = after.max(*longest);
                if first.is_empty() {
                    *first = why;
                }
            }
            Sent::TooLarge { items, why } => {
                self.large.extend(items);
                self.too_large = Some(why);
            }
            Sent::Waiting { items } => self.waiting.extend(items),
        }
    }

    fn reject(&mut self, items: u64, why: String) {
        if items > 0 {
            self.rejected += items;
            self.refused = why;
        }
    }

    fn outcome(mut self, batch: &Batch) -> Outcome {
        if let Some((after, why)) = self.pause {
            self.again.append(&mut self.large);
            self.again.append(&mut self.waiting);
            return resend(batch, self.again, self.rejected, after, why);
        }
        match self.too_large {
            Some(why) => resend_smaller(batch, self.large, self.waiting, self.rejected, why),
            None => settled(batch, self.rejected, self.refused),
        }
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
    in_order(&mut again);
    if again.len() >= batch.items() {
        return Outcome::Retry { after, why };
    }
    Outcome::Resend {
        rest: chosen(batch, &again),
        rejected,
        after,
        why,
    }
}

fn resend_smaller(
    batch: &Batch,
    mut large: Vec<usize>,
    mut waiting: Vec<usize>,
    rejected: u64,
    why: String,
) -> Outcome {
    in_order(&mut large);
    if large.len() >= batch.items() {
        return Outcome::TooLarge { why };
    }
    in_order(&mut waiting);
    waiting.retain(|number| large.binary_search(number).is_err());
    let parts = [large, waiting];
    let parts = parts.iter().filter(|numbers| !numbers.is_empty());
    Outcome::ResendSmaller {
        rest: parts.map(|numbers| chosen(batch, numbers)).collect(),
        rejected,
        why,
    }
}

fn in_order(numbers: &mut Vec<usize>) {
    numbers.sort_unstable();
    numbers.dedup();
}

/// The items with these numbers, which are in order.
fn chosen(batch: &Batch, numbers: &[usize]) -> Batch {
    batch.select(|number| numbers.binary_search(&number).is_ok())
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
    async fn what_is_too_large_goes_before_what_waits() {
        let pieces = pieces(&[&[0, 1], &[2, 3, 4], &[4, 5]]);
        let too_large = |first: usize| {
            move |piece: &Piece<()>| {
                let outcome = match piece.items.contains(&first) {
                    true => Outcome::TooLarge {
                        why: "413".to_owned(),
                    },
                    false => Outcome::Delivered,
                };
                std::future::ready(piece.sent(outcome))
            }
        };
        let batch = batch(Signal::Logs, 6);
        for (first, expected) in [(0, vec![2, 4]), (2, vec![3, 1]), (5, vec![2])] {
            let send = too_large(first);
            let outcome = deliver(&batch, &pieces, LeftOut::default(), send).await;
            let Outcome::ResendSmaller { rest, .. } = outcome else {
                panic!("{outcome:?}")
            };
            let sizes: Vec<usize> = rest.iter().map(Batch::items).collect();
            assert_eq!(sizes, expected, "{first}");
        }
        let whole = [Piece {
            request: (),
            items: (0..6).collect(),
        }];
        let outcome = deliver(&batch, &whole, LeftOut::default(), too_large(0)).await;
        assert!(matches!(outcome, Outcome::TooLarge { .. }), "{outcome:?}");
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
