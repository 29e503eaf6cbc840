//! What one `PutLogEvents` may hold. [Source](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html).

use bytes::Bytes;

use super::event::{Event, Stream};
use crate::json_object::JsonObject;
use crate::pieces::Piece;

/// How many events.
const MOST_EVENTS: usize = 10_000;
/// How many bytes, of messages and `EVENT_OVERHEAD` for each.
const MOST_BYTES: usize = 1_048_576;
/// What each event costs besides its message.
const EVENT_OVERHEAD: usize = 26;
/// How long a message may be, in bytes.
pub(super) const LONGEST_MESSAGE: usize = MOST_BYTES - EVENT_OVERHEAD;
/// How far apart the first and the last event may be, in milliseconds.
const LONGEST_SPAN: u64 = 24 * 60 * 60 * 1000;

/// One request, and the stream to make where there is none.
#[derive(Clone, Debug)]
pub(super) struct Put {
    pub(super) stream: Stream,
    pub(super) body: Bytes,
}

/// The requests for the events of one stream: in the order of time, as CloudWatch demands.
pub(super) fn requests(stream: &Stream, mut events: Vec<Event>) -> Vec<Piece<Put>> {
    events.sort_by_key(|event| event.timestamp);
    let mut pieces = Vec::new();
    let mut waiting = events.as_slice();
    while !waiting.is_empty() {
        let (now, later) = waiting.split_at(how_many(waiting).max(1));
        pieces.push(Piece {
            request: Put {
                stream: stream.clone(),
                body: body(stream, now),
            },
            items: now.iter().map(|event| event.item).collect(),
        });
        waiting = later;
    }
    pieces
}

/// How many of these events fit into one request.
fn how_many(events: &[Event]) -> usize {
    let first = events.first().map_or(0, |event| event.timestamp);
    let mut bytes = 0;
    let fit = events.iter().take(MOST_EVENTS).take_while(|event| {
        bytes += event.message.len() + EVENT_OVERHEAD;
        bytes <= MOST_BYTES && event.timestamp - first < LONGEST_SPAN
    });
    fit.count()
}

fn body(stream: &Stream, events: &[Event]) -> Bytes {
    let mut out = Vec::new();
    JsonObject::write(&mut out, |out| {
        out.text("logGroupName", &stream.group);
        out.text("logStreamName", &stream.name);
        out.array("logEvents", |list| {
            for event in events {
                list.object(|out| {
                    out.number("timestamp", event.timestamp);
                    out.text("message", &event.message);
                });
            }
        });
    });
    Bytes::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(events: impl IntoIterator<Item = (u64, usize)>) -> Vec<Vec<usize>> {
        let event = |(item, (timestamp, length)): (usize, (u64, usize))| Event {
            timestamp,
            message: "x".repeat(length),
            item,
        };
        let stream = Stream {
            group: "g".to_owned(),
            name: "s".to_owned(),
        };
        let events = events.into_iter().enumerate().map(event).collect();
        let requests = requests(&stream, events);
        requests.into_iter().map(|piece| piece.items).collect()
    }

    #[test]
    fn events_are_in_the_order_of_time_and_within_a_day() {
        let day = LONGEST_SPAN;
        assert_eq!(
            sizes([(day, 1), (5, 1), (day + 4, 1), (day + 5, 1)]),
            [vec![1, 0, 2], vec![3]]
        );
    }

    #[test]
    fn a_request_is_full_by_count_or_by_bytes() {
        let lengths = |sizes: Vec<Vec<usize>>| sizes.iter().map(Vec::len).collect::<Vec<_>>();
        let many = std::iter::repeat_n((1, 1), MOST_EVENTS + 1);
        assert_eq!(lengths(sizes(many)), [MOST_EVENTS, 1]);
        let half = MOST_BYTES / 2 - EVENT_OVERHEAD;
        assert_eq!(
            lengths(sizes([(1, half), (1, half), (1, LONGEST_MESSAGE)])),
            [2, 1]
        );
        assert_eq!(lengths(sizes([(1, half), (1, half + 1)])), [1, 1]);
    }
}
