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
}

/// A request that takes more events.
#[derive(Debug, Default)]
struct Open {
    body: Vec<u8>,
    items: Vec<usize>,
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
        };
        Piece {
            request,
            items: self.items,
        }
    }
}
