//! Requests: events of one token, one after the other, within a size.

use bytes::Bytes;

use crate::pieces::{LeftOut, Piece};

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) body: Bytes,
    /// The token, where it is not the configured one.
    pub(super) token: Option<String>,
    /// Whether its log records are profiles.
    pub(super) is_profiling: bool,
    /// Where it may be cut: how many bytes and items come before.
    cuts: Vec<Cut>,
}

/// A place between the events of two items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    bytes: usize,
    items: usize,
}

/// A request that takes more events.
#[derive(Debug, Default)]
struct Open {
    body: Vec<u8>,
    items: Vec<usize>,
    cuts: Vec<Cut>,
}

/// What events of one request have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) token: Option<String>,
    pub(super) is_profiling: bool,
}

/// Requests that are being written.
#[derive(Debug)]
pub(super) struct Requests {
    limit: usize,
    longest_event: usize,
    finished: Vec<Piece<Request>>,
    open: Vec<(Group, Open)>,
    left_out: LeftOut,
}

impl Requests {
    /// Requests of at most so many bytes, of events of at most so many.
    pub(super) const fn new(limit: usize, longest_event: usize) -> Requests {
        Requests {
            limit,
            longest_event,
            finished: Vec::new(),
            open: Vec::new(),
            left_out: LeftOut {
                items: 0,
                why: String::new(),
            },
        }
    }

    /// Adds the events of some items, which stay together. Each of `events` is one event.
    pub(super) fn add(&mut self, group: &Group, events: &[Vec<u8>], items: &[usize]) {
        let size: usize = events.iter().map(Vec::len).sum();
        if events.iter().any(|event| event.len() > self.longest_event) {
            return self.leave_out(items.len(), "an event is larger than max_event_size");
        }
        if size > self.limit {
            let why = "the events of one item are larger than max_content_length_*; raise it, here and in Splunk's limits.conf";
            return self.leave_out(items.len(), why);
        }
        let place = self.open.iter().position(|(open, _)| open == group);
        let place = place.unwrap_or_else(|| {
            self.open.push((group.clone(), Open::default()));
            self.open.len() - 1
        });
        let Some((group, open)) = self.open.get_mut(place) else {
            return;
        };
        if !open.body.is_empty() && open.body.len() + size > self.limit {
            self.finished.push(std::mem::take(open).close(group));
        }
        open.add(events, items);
    }

    /// Notes items that no request holds.
    pub(super) fn leave_out(&mut self, items: usize, why: &str) {
        self.left_out.items += items as u64;
        why.clone_into(&mut self.left_out.why);
    }

    /// The requests, and what is in none of them.
    pub(super) fn finish(mut self) -> (Vec<Piece<Request>>, LeftOut) {
        for (group, open) in self.open {
            if !open.body.is_empty() {
                self.finished.push(open.close(&group));
            }
        }
        (self.finished, self.left_out)
    }
}

impl Open {
    fn add(&mut self, events: &[Vec<u8>], items: &[usize]) {
        if !self.body.is_empty() {
            self.cuts.push(Cut {
                bytes: self.body.len(),
                items: self.items.len(),
            });
        }
        events
            .iter()
            .for_each(|event| self.body.extend_from_slice(event));
        self.items.extend_from_slice(items);
    }

    fn close(self, group: &Group) -> Piece<Request> {
        let request = Request {
            body: self.body.into(),
            token: group.token.clone(),
            is_profiling: group.is_profiling,
            cuts: self.cuts,
        };
        Piece {
            request,
            items: self.items,
        }
    }
}

/// The same events in two requests; nothing where they belong to one item.
pub(super) fn halves(piece: &Piece<Request>) -> Option<[Piece<Request>; 2]> {
    let request = &piece.request;
    let middle = request.cuts.len() / 2;
    let cut = *request.cuts.get(middle)?;
    let (front, back) = piece.items.split_at_checked(cut.items)?;
    let (before, after) = (request.cuts.get(..middle)?, request.cuts.get(middle + 1..)?);
    let from_cut = |later: &Cut| Cut {
        bytes: later.bytes - cut.bytes,
        items: later.items - cut.items,
    };
    let half = |body, items: &[usize], cuts| Piece {
        request: Request {
            body,
            cuts,
            ..request.clone()
        },
        items: items.to_vec(),
    };
    Some([
        half(request.body.slice(..cut.bytes), front, before.to_vec()),
        half(
            request.body.slice(cut.bytes..),
            back,
            after.iter().map(from_cut).collect(),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_hold_whole_items_down_to_one() {
        let mut requests = Requests::new(1000, 100);
        for item in 0..5 {
            let events = [format!("<{item}>").into_bytes(), b"+".to_vec()];
            requests.add(&Group::default(), &events, &[item]);
        }
        let (pieces, _) = requests.finish();
        let mut waiting = pieces;
        let mut single = Vec::new();
        while let Some(piece) = waiting.pop() {
            match halves(&piece) {
                Some([front, back]) => waiting.extend([back, front]),
                None => single.push((piece.items.clone(), piece.request.body.clone())),
            }
        }
        let expected: Vec<(Vec<usize>, Bytes)> = (0..5)
            .map(|item| (vec![item], format!("<{item}>+").into()))
            .collect();
        assert_eq!(single, expected);
    }
}
