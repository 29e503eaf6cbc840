//! Joining the batches that leave a queue.
//!
//! Batches wait here only on their way out: the queue still has them on its books (and on its disk), so joining delays
//! nobody's answer and loses nothing. `batch` processors are honoured here as well, for the same reason.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use fanlight_config::blocks::{Batching, Sizer};
use fanlight_otlp::{Batch, Signal};

use super::queue::Entry;

/// Entries that go out together.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) entries: Vec<Entry>,
    /// What is joined is split into requests no larger than this.
    largest: Largest,
}

/// How large a request may be.
#[derive(Clone, Copy, Debug)]
enum Largest {
    Any,
    Items(usize),
    Bytes(usize),
}

/// How many groups wait at once at the most: one sender's headers must not make the hub hold groups without end.
const MAX_GROUPS: usize = 1000;

/// What waits to be joined.
#[derive(Debug)]
pub(crate) struct Batcher {
    settings: [Option<Batching>; 4],
    groups: BTreeMap<Key, Group>,
    ready: VecDeque<Parcel>,
}

/// Batches with the same key may be joined.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    signal: Signal,
    self_telemetry: bool,
    metadata: Vec<(String, String)>,
}

#[derive(Debug)]
struct Group {
    entries: Vec<Entry>,
    size: u64,
    due: Instant,
}

impl Batcher {
    pub(crate) fn new(settings: [Option<Batching>; 4]) -> Batcher {
        Batcher {
            settings,
            groups: BTreeMap::new(),
            ready: VecDeque::new(),
        }
    }

    /// Takes an entry in, which may make a parcel ready.
    pub(crate) fn add(&mut self, entry: Entry, now: Instant) {
        let signal = entry.batch.signal();
        let settings = self.settings.get(signal as usize).and_then(Option::as_ref);
        let Some(settings) = settings.filter(|_| signal.info().joinable) else {
            self.ready.push_back(Parcel {
                entries: vec![entry],
                largest: Largest::Any,
            });
            return;
        };
        let key = Key::of(&entry.batch, settings);
        let group = self.groups.entry(key.clone()).or_insert_with(|| Group {
            entries: Vec::new(),
            size: 0,
            due: now + settings.flush_timeout,
        });
        group.size += size_of(&entry.batch, settings.sizer);
        group.entries.push(entry);
        if group.size >= settings.min_size {
            self.finish(&key);
        } else if self.groups.len() > MAX_GROUPS {
            self.finish_oldest();
        }
    }

    /// When the oldest group stops waiting.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.groups.values().map(|group| group.due).min()
    }

    /// Makes ready what has waited long enough.
    pub(crate) fn finish_due(&mut self, now: Instant) {
        let due: Vec<Key> = self
            .groups
            .iter()
            .filter(|(_, group)| group.due <= now)
            .map(|(key, _)| key.clone())
            .collect();
        for key in due {
            self.finish(&key);
        }
    }

    fn finish_oldest(&mut self) {
        let oldest = self.groups.iter().min_by_key(|(_, group)| group.due);
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            self.finish(&key);
        }
    }

    /// Makes everything ready.
    pub(crate) fn finish_all(&mut self) {
        while let Some(key) = self.groups.keys().next().cloned() {
            self.finish(&key);
        }
    }

    /// Whether a parcel is ready.
    pub(crate) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether nothing waits here.
    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.groups.is_empty()
    }

    /// The oldest parcel that is ready.
    pub(crate) fn pop(&mut self) -> Option<Parcel> {
        self.ready.pop_front()
    }

    /// Everything that waits here, for the end.
    pub(crate) fn into_entries(mut self) -> impl Iterator<Item = Entry> {
        self.finish_all();
        self.ready.into_iter().flat_map(|parcel| parcel.entries)
    }

    fn finish(&mut self, key: &Key) {
        let settings = self
            .settings
            .get(key.signal as usize)
            .and_then(Option::as_ref);
        let largest = settings.map_or(Largest::Any, Largest::of);
        if let Some(group) = self.groups.remove(key) {
            self.ready.push_back(Parcel {
                entries: group.entries,
                largest,
            });
        }
    }
}

impl Largest {
    fn of(settings: &Batching) -> Largest {
        match (
            usize::try_from(settings.max_size).unwrap_or(usize::MAX),
            settings.sizer,
        ) {
            (0, _) | (_, Sizer::Requests) => Largest::Any,
            (items, Sizer::Items) => Largest::Items(items),
            (bytes, Sizer::Bytes) => Largest::Bytes(bytes),
        }
    }
}

impl Parcel {
    /// What to send, in order: the joined batch, split where it is too large. The entries share its bytes from then on.
    pub(crate) fn requests(&mut self) -> Vec<Batch> {
        let mut batches: Vec<Batch> = self
            .entries
            .iter()
            .map(|entry| entry.batch.clone())
            .collect();
        let joined = Batch::join_sharing(&mut batches);
        self.entries
            .iter_mut()
            .zip(batches)
            .for_each(|(entry, batch)| entry.batch = batch);
        match (joined, self.largest) {
            (Some(batch), Largest::Items(items)) if batch.items() > items => batch.split(items),
            (Some(batch), Largest::Bytes(bytes)) if batch.bytes().len() > bytes => {
                batch.split_bytes(bytes)
            }
            (Some(batch), _) => vec![batch],
            // Batches of one key always join; should that ever change, they go out one by one.
            (None, _) => self
                .entries
                .iter()
                .map(|entry| entry.batch.clone())
                .collect(),
        }
    }
}

impl Key {
    fn of(batch: &Batch, settings: &Batching) -> Key {
        let origin = batch.origin();
        let metadata = origin.into_iter().flat_map(|origin| &origin.metadata);
        let kept = metadata.filter(|(name, _)| {
            settings
                .metadata_keys
                .iter()
                .any(|key| key.eq_ignore_ascii_case(name))
        });
        Key {
            signal: batch.signal(),
            self_telemetry: origin.is_some_and(|origin| origin.self_telemetry),
            metadata: kept.cloned().collect(),
        }
    }
}

fn size_of(batch: &Batch, sizer: Sizer) -> u64 {
    match sizer {
        Sizer::Requests => 1,
        Sizer::Items => batch.items() as u64,
        Sizer::Bytes => batch.bytes().len() as u64,
    }
}
