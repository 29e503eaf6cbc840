//! Which records there are and how far each one is, in memory. No I/O, and so the lock around it is held shortly.

use std::collections::{BTreeMap, BTreeSet};

use crate::segment::SegmentName;

/// How far a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// To be handed out.
    Waiting,
    /// Handed out.
    Out,
    /// Handed out, but the disk could not read it: it stays for the next time the queue is opened.
    Unreadable,
    /// Acknowledged, or damaged.
    Done,
}

/// A record in a segment. Its id follows from its place in the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Where its header starts.
    pub(crate) offset: u32,
    /// Bytes of payload.
    pub(crate) length: u32,
    /// How far it is.
    pub(crate) state: State,
}

/// A segment and its records.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Its name.
    pub(crate) name: SegmentName,
    /// Its records, the first id first.
    pub(crate) entries: Vec<Entry>,
    /// Bytes on disk.
    pub(crate) size: u64,
    /// Whether nothing will be appended to it.
    pub(crate) sealed: bool,
    /// Whether it holds something that the disk could not read, and must not be removed.
    pub(crate) pinned: bool,
    live: usize,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The segment.
    pub(crate) segment: SegmentName,
    /// The record.
    pub(crate) id: u64,
    /// Where its header starts.
    pub(crate) offset: u32,
    /// Bytes of payload.
    pub(crate) length: u32,
}

/// The records of a queue.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    segments: BTreeMap<u64, Segment>,
    /// Records below are handed out already, but for `returned`.
    cursor: u64,
    returned: BTreeSet<u64>,
    /// Segments whose records are all done, to be removed from the disk.
    pub(crate) finished: Vec<(SegmentName, u64)>,
    /// Records that are not done.
    pub(crate) length: u64,
    /// Bytes of their payloads.
    pub(crate) bytes: u64,
    /// Bytes of segments on disk.
    pub(crate) disk_bytes: u64,
    /// Records that could not be read back since the queue was opened.
    pub(crate) damaged: u64,
}

impl Segment {
    pub(crate) fn new(name: SegmentName, entries: Vec<Entry>, size: u64) -> Segment {
        let live = entries
            .iter()
            .filter(|entry| entry.state != State::Done)
            .count();
        Segment {
            name,
            entries,
            size,
            sealed: false,
            pinned: false,
            live,
        }
    }

    fn entry(&mut self, id: u64) -> Option<&mut Entry> {
        self.entries
            .get_mut(usize::try_from(id.checked_sub(self.name.first)?).ok()?)
    }

    /// Whether all its records are done.
    pub(crate) fn is_done(&self) -> bool {
        self.live == 0
    }
}

impl Queue {
    /// Adds a segment with the records it has.
    pub(crate) fn add(&mut self, segment: Segment) {
        self.length += segment.live as u64;
        let live = segment
            .entries
            .iter()
            .filter(|entry| entry.state != State::Done);
        self.bytes += live.map(|entry| u64::from(entry.length)).sum::<u64>();
        self.disk_bytes += segment.size;
        self.segments.insert(segment.name.first, segment);
    }

    /// Whether there is a segment with this first id.
    pub(crate) fn contains(&self, first: u64) -> bool {
        self.segments.contains_key(&first)
    }

    /// Adds records to the end of a segment.
    pub(crate) fn publish(&mut self, first: u64, entries: &[Entry]) {
        let Some(segment) = self.segments.get_mut(&first) else {
            return;
        };
        segment.entries.extend_from_slice(entries);
        segment.live += entries.len();
        self.length += entries.len() as u64;
        self.bytes += entries
            .iter()
            .map(|entry| u64::from(entry.length))
            .sum::<u64>();
    }

    /// Says how large a segment is now.
    pub(crate) fn resize(&mut self, first: u64, size: u64) {
        let Some(segment) = self.segments.get_mut(&first) else {
            return;
        };
        self.disk_bytes = self.disk_bytes - segment.size + size;
        segment.size = size;
    }

    /// Says that nothing will be appended to a segment any more.
    pub(crate) fn seal(&mut self, first: u64) {
        if let Some(segment) = self.segments.get_mut(&first) {
            segment.sealed = true;
            self.finish(first);
        }
    }

    /// Whether a segment has records, and whether all of them are done.
    pub(crate) fn is_done(&self, first: u64) -> bool {
        self.segments
            .get(&first)
            .is_some_and(|segment| !segment.entries.is_empty() && segment.is_done())
    }

    /// Forgets a segment that never got a record.
    pub(crate) fn drop_empty(&mut self, first: u64) {
        if let Some(segment) = self.segments.remove(&first) {
            self.disk_bytes -= segment.size;
        }
    }

    /// Takes the first record that waits.
    pub(crate) fn take(&mut self) -> Option<Place> {
        if let Some(id) = self.returned.pop_first() {
            return self.hand_out(id);
        }
        loop {
            let segment = self
                .segment_of(self.cursor)
                .or_else(|| self.segments.range(self.cursor..).next().map(|s| s.1))?;
            let begin = segment.name.first.max(self.cursor);
            let skip = usize::try_from(begin - segment.name.first).ok()?;
            let waiting = segment
                .entries
                .iter()
                .skip(skip)
                .position(|entry| entry.state == State::Waiting);
            let Some(waiting) = waiting else {
                // The last segment may grow, so the cursor must stay with it.
                let next = *self
                    .segments
                    .range(begin.max(segment.name.first) + 1..)
                    .next()?
                    .0;
                self.cursor = next;
                continue;
            };
            let id = begin + waiting as u64;
            self.cursor = id + 1;
            return self.hand_out(id);
        }
    }

    fn hand_out(&mut self, id: u64) -> Option<Place> {
        let segment = self.segment_of_mut(id)?;
        let name = segment.name;
        let entry = segment.entry(id)?;
        entry.state = State::Out;
        Some(Place {
            segment: name,
            id,
            offset: entry.offset,
            length: entry.length,
        })
    }

    /// Where a record stands, if it is out.
    pub(crate) fn out(&mut self, id: u64) -> Option<Place> {
        let segment = self.segment_of_mut(id)?;
        let name = segment.name;
        let entry = segment
            .entry(id)
            .filter(|entry| entry.state == State::Out)?;
        Some(Place {
            segment: name,
            id,
            offset: entry.offset,
            length: entry.length,
        })
    }

    /// A record is out no more: it is acknowledged or damaged. Does nothing for one that isn't out.
    pub(crate) fn done(&mut self, id: u64) {
        let Some(segment) = self.segment_of_mut(id) else {
            return;
        };
        let Some(entry) = segment.entry(id).filter(|entry| entry.state == State::Out) else {
            return;
        };
        entry.state = State::Done;
        let length = u64::from(entry.length);
        segment.live -= 1;
        let first = segment.name.first;
        self.length -= 1;
        self.bytes -= length;
        self.finish(first);
    }

    /// A record is to be handed out again.
    pub(crate) fn release(&mut self, id: u64) {
        let Some(segment) = self.segment_of_mut(id) else {
            return;
        };
        let Some(entry) = segment.entry(id).filter(|entry| entry.state == State::Out) else {
            return;
        };
        entry.state = State::Waiting;
        self.returned.insert(id);
    }

    /// A record that is out turned out to be damaged.
    pub(crate) fn damage(&mut self, id: u64) {
        self.damaged += 1;
        self.done(id);
    }

    /// The disk can't read a record: it is left alone until the queue is opened again.
    pub(crate) fn unreadable(&mut self, id: u64) {
        self.damaged += 1;
        if let Some(entry) = self
            .segment_of_mut(id)
            .and_then(|segment| segment.entry(id))
        {
            entry.state = State::Unreadable;
        }
    }

    fn finish(&mut self, first: u64) {
        let finished = self
            .segments
            .get(&first)
            .is_some_and(|it| it.sealed && it.is_done() && !it.pinned);
        if let Some(segment) = finished.then(|| self.segments.remove(&first)).flatten() {
            self.finished.push((segment.name, segment.size));
        }
    }

    fn segment_of(&self, id: u64) -> Option<&Segment> {
        self.segments
            .range(..=id)
            .next_back()
            .map(|(_, segment)| segment)
    }

    fn segment_of_mut(&mut self, id: u64) -> Option<&mut Segment> {
        self.segments
            .range_mut(..=id)
            .next_back()
            .map(|(_, segment)| segment)
    }
}
