//! A request that was refused whole: what of it can be taken after all.
//!
//! Servers of version 1.0 refuse a request of thousands of samples for one that is too old, say. Its halves are sent, and
//! theirs, until the bad points stand alone. Limits: [`MOST_REQUESTS`] more requests, and [`MOST_REFUSALS`] of them refused
//! before the first is taken; what was not tried by then counts as refused.

use fanlight_otlp::Batch;
use http::HeaderMap;

use super::RemoteWriteExporter;
use super::request::{Version, WriteRequest};
use crate::pieces::{Piece, Sent};

/// How many requests one refused request may become.
const MOST_REQUESTS: usize = 64;
/// How many may be refused when none was taken yet: enough to find one bad point among a hundred thousand.
const MOST_REFUSALS: usize = 20;

/// What has come of it so far.
#[derive(Default)]
struct Found {
    requests: usize,
    taken: usize,
    rejected: u64,
    why: String,
}

impl RemoteWriteExporter {
    /// Sends the points of a refused request in smaller ones, in order, and without `target_info`, which would be at
    /// an older time in some of them.
    pub(super) async fn sift(
        &self,
        batch: &Batch,
        piece: &Piece<WriteRequest>,
        headers: &HeaderMap,
        why: String,
    ) -> Sent {
        let mut found = Found {
            why,
            ..Found::default()
        };
        let mut waiting = halves(&piece.items);
        while let Some(items) = waiting.pop() {
            if found.is_hopeless() {
                found.rejected += items.len() as u64;
                continue;
            }
            let part = batch.select(|number| items.binary_search(&number).is_ok());
            let Some((pieces, _)) = self
                .make(&part, Version::V1, &self.without_target_info)
                .await
            else {
                found.rejected += items.len() as u64;
                continue;
            };
            for piece in pieces {
                found.requests += 1;
                let own: Vec<usize> = piece
                    .items
                    .iter()
                    .filter_map(|number| items.get(*number).copied())
                    .collect();
                match self.try_piece(&piece, headers, Version::V1).await {
                    Ok(Sent::Settled { rejected, .. }) => {
                        found.taken += 1;
                        found.rejected += rejected;
                    }
                    Ok(Sent::Again { after, why, .. }) => {
                        let later = waiting.into_iter().rev().flatten();
                        return Sent::Again {
                            items: own.into_iter().chain(later).collect(),
                            rejected: found.rejected,
                            after,
                            why,
                        };
                    }
                    Ok(Sent::Waiting { .. }) => waiting.push(own),
                    Ok(Sent::TooLarge { why, .. }) | Err(why) if own.len() < 2 => {
                        found.rejected += own.len() as u64;
                        found.why = why;
                    }
                    Ok(Sent::TooLarge { .. }) | Err(_) => waiting.extend(halves(&own)),
                }
            }
        }
        Sent::Settled {
            rejected: found.rejected,
            why: found.why,
        }
    }
}

impl Found {
    fn is_hopeless(&self) -> bool {
        self.requests >= MOST_REQUESTS || (self.taken == 0 && self.requests >= MOST_REFUSALS)
    }
}

/// The two halves, the later first, so that the earlier is taken from the end first.
fn halves(items: &[usize]) -> Vec<Vec<usize>> {
    let (early, late) = items.split_at(items.len() / 2);
    vec![late.to_vec(), early.to_vec()]
}
