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
    open: Vec<(Group, Vec<u8>, Vec<usize>)>,
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
        let place = self.open.iter().position(|(open, ..)| open == group);
        let place = place.unwrap_or_else(|| {
            self.open.push((group.clone(), Vec::new(), Vec::new()));
            self.open.len() - 1
        });
        let Some((group, body, numbers)) = self.open.get_mut(place) else {
            return;
        };
        if !body.is_empty() && body.len() + size > self.limit {
            let full = piece(group, std::mem::take(body), std::mem::take(numbers));
            self.finished.push(full);
        }
        events
            .iter()
            .for_each(|event| body.extend_from_slice(event));
        numbers.extend_from_slice(items);
    }

    /// Notes items that no request holds.
    pub(super) fn leave_out(&mut self, items: usize, why: &str) {
        self.left_out.items += items as u64;
        why.clone_into(&mut self.left_out.why);
    }

    /// The requests, and what is in none of them.
    pub(super) fn finish(mut self) -> (Vec<Piece<Request>>, LeftOut) {
        for (group, body, numbers) in self.open {
            if !body.is_empty() {
                self.finished.push(piece(&group, body, numbers));
            }
        }
        (self.finished, self.left_out)
    }
}

fn piece(group: &Group, body: Vec<u8>, items: Vec<usize>) -> Piece<Request> {
    let request = Request {
        body: body.into(),
        token: group.token.clone(),
        is_profiling: group.is_profiling,
    };
    Piece { request, items }
}
