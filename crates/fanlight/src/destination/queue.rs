//! What waits for a destination: a lane for each signal, so that one signal's trouble is not another's.
//!
//! A lane is a queue in memory, and one on disk behind it. What does not fit into memory goes to disk; so does everything
//! once a lane has failed twice, so that a killed process loses little. What fits nowhere is dropped, the newest first.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use fanlight_otlp::{Batch, Signal};

use crate::destination::counts::{Cause, Counts};
use crate::destination::retry::Pace;
use crate::destination::settings::{Settings, Target};
use crate::destination::store::{Kept, Next, Store};
use crate::notice::{NoticeKind, Notices};

/// How large joined requests get, in bytes.
const REQUEST: usize = 1 << 20;

/// One signal's way to the destination.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) target: Arc<Target>,
    waiting: VecDeque<Waiting>,
    /// Bytes of `waiting` and `out`.
    bytes: usize,
    out: Option<Out>,
    store: Option<Store>,
    pub(crate) pace: Pace,
    /// Until then, everything offered is dropped, since the destination doesn't take the signal.
    pub(crate) closed_until: Option<Instant>,
    /// Whether the user knows that the destination doesn't take the signal.
    pub(crate) has_told_closed: bool,
    /// What the destination takes at once, as far as known.
    request_bytes: usize,
    /// Why the last attempt failed, if it did.
    pub(crate) error: Option<String>,
    /// What a flush in progress has made of this lane.
    pub(crate) flush: Flushing,
}

/// How far a flush is with a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Flushing {
    /// No attempt was made.
    #[default]
    Untried,
    /// The destination answers.
    Tried,
    /// The flush won't get any further here.
    GivenUp,
}

#[derive(Clone, Debug)]
struct Waiting {
    batch: Batch,
    since: SystemTime,
}

/// What is on its way.
#[derive(Debug)]
struct Out {
    waiting: Waiting,
    /// Where it is on disk, if it is.
    kept: Option<Kept>,
    /// Whether it was in memory when it was sent.
    is_from_memory: bool,
}

/// Everything that waits for a destination.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) lanes: Vec<Lane>,
    name: String,
    limit: usize,
    disk_limit: u64,
    age_limit: Duration,
    notices: Notices,
    counts: Arc<Counts>,
}

impl Queue {
    pub(crate) fn new(settings: &Settings, notices: Notices, counts: Arc<Counts>) -> Queue {
        let lane = |target: &Target| Lane {
            target: Arc::new(target.clone()),
            waiting: VecDeque::new(),
            bytes: 0,
            out: None,
            store: settings
                .disk
                .as_ref()
                .map(|disk| Store::new(disk, &settings.name, target)),
            pace: Pace::default(),
            closed_until: None,
            has_told_closed: false,
            request_bytes: REQUEST,
            error: None,
            flush: Flushing::default(),
        };
        Queue {
            lanes: settings.targets.iter().map(lane).collect(),
            name: settings.name.clone(),
            limit: settings.queue_bytes,
            disk_limit: settings.disk.as_ref().map_or(0, |disk| disk.max_bytes),
            age_limit: settings.retry.age_limit,
            notices,
            counts,
        }
    }

    /// Lends the disk out, so that it can be looked through while requests are taken.
    pub(crate) fn lend_stores(&mut self) -> Vec<Option<Store>> {
        let lanes = self.lanes.iter_mut();
        lanes.map(|lane| lane.store.take()).collect()
    }

    /// Takes the disk back, with what earlier processes left there.
    pub(crate) fn return_stores(&mut self, stores: Vec<Option<Store>>) {
        for (lane, store) in self.lanes.iter_mut().zip(stores) {
            lane.store = store;
        }
        self.count_held();
    }

    /// Takes a request of a signal that has a lane.
    pub(crate) fn offer(&mut self, batch: Batch, now: Instant) {
        let signal = batch.signal();
        let Some(index) = self.lanes.iter().position(|it| it.target.signal == signal) else {
            return;
        };
        if batch.items() == 0 {
            return;
        }
        let Some(lane) = self.lanes.get_mut(index) else {
            return;
        };
        if lane.is_closed(now) {
            self.counts
                .add_dropped(signal, Cause::NotServed, batch.items() as u64);
            return;
        }
        let waiting = Waiting {
            batch,
            since: SystemTime::now(),
        };
        if self.bytes() + waiting.batch.bytes().len() <= self.limit {
            self.push_back(index, waiting);
        } else if !self.keep(index, &waiting) {
            self.drop(signal, Cause::QueueFull, waiting.batch.items() as u64);
        }
        self.count_held();
    }

    /// The next request of a lane, which is out until [`Queue::delivered`], [`Queue::given_up`], or [`Queue::returned`].
    pub(crate) fn take(&mut self, index: usize) -> Option<Batch> {
        loop {
            let taken = match self.joined(index) {
                Some(waiting) => Out {
                    waiting,
                    kept: None,
                    is_from_memory: true,
                },
                None => self.take_kept(index)?,
            };
            let batch = taken.waiting.batch.clone();
            let age = SystemTime::now().duration_since(taken.waiting.since);
            let lane = self.lanes.get_mut(index)?;
            lane.out = Some(taken);
            if age.unwrap_or_default() <= self.age_limit {
                return Some(batch);
            }
            self.given_up(index, Cause::Expired);
        }
    }

    /// Joins what waits in memory, as much as makes one request.
    fn joined(&mut self, index: usize) -> Option<Waiting> {
        let lane = self.lanes.get_mut(index)?;
        let first = lane.waiting.pop_front()?;
        let mut size = first.batch.bytes().len();
        let mut batches = vec![first.batch];
        while let Some(next) = lane.waiting.front() {
            size += next.batch.bytes().len();
            if size > lane.request_bytes {
                break;
            }
            batches.extend(lane.waiting.pop_front().map(|next| next.batch));
        }
        Some(Waiting {
            batch: Batch::join(&batches)?,
            since: first.since,
        })
    }

    fn take_kept(&mut self, index: usize) -> Option<Out> {
        loop {
            let lane = self.lanes.get_mut(index)?;
            let signal = lane.target.signal;
            match lane.store.as_mut()?.next() {
                Ok(Next::Request(batch, since, kept)) => {
                    return Some(Out {
                        waiting: Waiting { batch, since },
                        kept: Some(kept),
                        is_from_memory: false,
                    });
                }
                Ok(Next::Nothing) => return None,
                Ok(Next::Damaged) => self.drop(signal, Cause::Damaged, 1),
                Err(error) => {
                    self.disk_failed(&error);
                    return None;
                }
            }
        }
    }

    /// The destination took what was out. Returns how many items that were.
    pub(crate) fn delivered(&mut self, index: usize, rejected: u64) -> u64 {
        let Some(out) = self.end(index) else {
            return 0;
        };
        let signal = out.waiting.batch.signal();
        let items = out.waiting.batch.items() as u64;
        let rejected = rejected.min(items);
        self.counts.add_exported(signal, items - rejected);
        self.counts.add_dropped(signal, Cause::Refused, rejected);
        self.count_held();
        items - rejected
    }

    /// What was out will never be delivered. Returns how many items that were.
    pub(crate) fn given_up(&mut self, index: usize, cause: Cause) -> u64 {
        let Some(out) = self.end(index) else {
            return 0;
        };
        let items = out.waiting.batch.items() as u64;
        self.drop(out.waiting.batch.signal(), cause, items);
        self.count_held();
        items
    }

    /// Ends what was out, wherever else it is.
    fn end(&mut self, index: usize) -> Option<Out> {
        let lane = self.lanes.get_mut(index)?;
        let out = lane.out.take()?;
        match (&out.kept, &mut lane.store) {
            (Some(kept), Some(store)) if out.is_from_memory => store.withdraw(kept),
            (Some(kept), Some(store)) => store.done(kept),
            _ => {}
        }
        if out.is_from_memory {
            lane.bytes -= out.waiting.batch.bytes().len();
        }
        Some(out)
    }

    /// What was out waits again.
    pub(crate) fn returned(&mut self, index: usize) {
        let Some(lane) = self.lanes.get_mut(index) else {
            return;
        };
        let Some(out) = lane.out.take() else { return };
        match (&out.kept, &mut lane.store) {
            // On disk since a flush gave up on it.
            (Some(_), Some(_)) if out.is_from_memory => {
                lane.bytes -= out.waiting.batch.bytes().len();
            }
            (Some(kept), Some(store)) => store.release(kept),
            _ => lane.waiting.push_front(out.waiting),
        }
        if lane.pace.failures() > 1 {
            self.keep_lane(index);
        }
        self.count_held();
    }

    /// What was out is too large, and goes on in two parts. A single item is given up.
    pub(crate) fn halved(&mut self, index: usize) -> Option<u64> {
        let lane = self.lanes.get_mut(index)?;
        let items = lane.out.as_ref()?.waiting.batch.items();
        if items < 2 {
            return Some(self.given_up(index, Cause::TooLarge));
        }
        let out = self.end(index)?;
        let lane = self.lanes.get_mut(index)?;
        lane.request_bytes = (out.waiting.batch.bytes().len() / 2).max(1);
        for batch in out.waiting.batch.split(items.div_ceil(2)).into_iter().rev() {
            lane.bytes += batch.bytes().len();
            let since = out.waiting.since;
            lane.waiting.push_front(Waiting { batch, since });
        }
        None
    }

    /// Puts on disk what waits in memory, and what is out.
    pub(crate) fn keep_all(&mut self) {
        for index in 0..self.lanes.len() {
            self.keep_lane(index);
            let out = self.lanes.get(index).and_then(|lane| lane.out.as_ref());
            let Some(waiting) = out
                .filter(|out| out.kept.is_none())
                .map(|out| out.waiting.clone())
            else {
                continue;
            };
            let kept = self.put(index, &waiting);
            if let Some(out) = self.lanes.get_mut(index).and_then(|lane| lane.out.as_mut()) {
                out.kept = kept;
            }
        }
        self.count_held();
    }

    fn keep_lane(&mut self, index: usize) {
        if self
            .lanes
            .get(index)
            .is_none_or(|lane| lane.store.is_none())
        {
            return;
        }
        while let Some(waiting) = self.joined(index) {
            let size = waiting.batch.bytes().len();
            let is_kept = self.keep(index, &waiting);
            let Some(lane) = self.lanes.get_mut(index) else {
                return;
            };
            if is_kept {
                lane.bytes -= size;
            } else {
                lane.waiting.push_front(waiting);
                return;
            }
        }
    }

    fn keep(&mut self, index: usize, waiting: &Waiting) -> bool {
        self.put(index, waiting).is_some()
    }

    fn put(&mut self, index: usize, waiting: &Waiting) -> Option<Kept> {
        let size = waiting.batch.bytes().len() as u64;
        if self.disk_bytes() + size > self.disk_limit {
            return None;
        }
        let store = self.lanes.get_mut(index)?.store.as_mut()?;
        match store.put(&waiting.batch, waiting.since) {
            Ok(kept) => Some(kept),
            Err(error) => {
                self.disk_failed(&error);
                None
            }
        }
    }

    fn push_back(&mut self, index: usize, waiting: Waiting) {
        if let Some(lane) = self.lanes.get_mut(index) {
            lane.bytes += waiting.batch.bytes().len();
            lane.waiting.push_back(waiting);
        }
    }

    /// Gives up everything in memory. For the end of the program.
    pub(crate) fn drop_all(&mut self) {
        for index in 0..self.lanes.len() {
            while let Some(lane) = self.lanes.get_mut(index)
                && let Some(waiting) = lane.waiting.pop_front()
            {
                lane.bytes -= waiting.batch.bytes().len();
                let items = waiting.batch.items() as u64;
                self.drop(waiting.batch.signal(), Cause::Shutdown, items);
            }
        }
        self.count_held();
    }

    /// Drops what waits in a lane's memory, since the destination doesn't take the signal.
    pub(crate) fn clear(&mut self, index: usize, cause: Cause) {
        while let Some(lane) = self.lanes.get_mut(index)
            && let Some(waiting) = lane.waiting.pop_front()
        {
            lane.bytes -= waiting.batch.bytes().len();
            let items = waiting.batch.items() as u64;
            self.counts
                .add_dropped(waiting.batch.signal(), cause, items);
        }
        self.count_held();
    }

    /// Lets go of the disk.
    pub(crate) fn close(&mut self) {
        for lane in &mut self.lanes {
            if let Some(store) = &mut lane.store {
                store.close();
            }
        }
    }

    fn drop(&mut self, signal: Signal, cause: Cause, items: u64) {
        self.counts.add_dropped(signal, cause, items);
        let what = match cause {
            Cause::QueueFull => "as too much waits; is the backend slow or down?",
            Cause::Expired => "as they waited too long",
            Cause::Damaged => "as they are damaged on disk",
            Cause::Shutdown => "as the program ends and they could not be delivered",
            // The worker says more about these.
            Cause::Refused | Cause::Unauthorized | Cause::NotServed | Cause::TooLarge => return,
        };
        let all = self.counts.dropped(signal, cause);
        self.notices.tell(NoticeKind::Dropped, &self.name, || {
            format!("{} dropped {what}", counted(all, signal))
        });
    }

    fn disk_failed(&self, error: &fanlight_spool::SpoolError) {
        if matches!(error, fanlight_spool::SpoolError::Full { .. }) {
            return;
        }
        self.notices.tell(NoticeKind::Disk, &self.name, || {
            let source = std::error::Error::source(error);
            let why = source.map_or_else(String::new, |source| format!(": {source}"));
            format!("the undelivered can't be kept on disk, only in memory: {error}{why}")
        });
    }

    fn count_held(&self) {
        self.counts.set_held(self.bytes(), self.disk_bytes());
    }

    /// Whether nothing is left to deliver.
    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.iter().all(Lane::is_empty)
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.lanes.iter().map(|lane| lane.bytes).sum()
    }

    /// Bytes on disk.
    fn disk_bytes(&self) -> u64 {
        let stores = self.lanes.iter().filter_map(|lane| lane.store.as_ref());
        stores.map(Store::disk_bytes).sum()
    }

    /// Items that wait, in memory and on disk.
    pub(crate) fn items(&self) -> (u64, u64) {
        self.lanes
            .iter()
            .map(Lane::items)
            .fold((0, 0), |all, of| (all.0 + of.0, all.1 + of.1))
    }
}

impl Lane {
    /// Whether the destination is known not to take the signal.
    pub(crate) fn is_closed(&self, now: Instant) -> bool {
        self.closed_until.is_some_and(|until| until > now)
    }

    /// Whether nothing is left to deliver.
    pub(crate) fn is_empty(&self) -> bool {
        self.out.is_none() && !self.has_more()
    }

    /// Whether there is something that could be sent.
    pub(crate) fn has_more(&self) -> bool {
        self.out.is_none() && (!self.waiting.is_empty() || self.has_kept())
    }

    fn has_kept(&self) -> bool {
        self.store.as_ref().is_some_and(Store::has_waiting)
    }

    /// Items in memory (what is out included, unless it is on disk) and on disk.
    pub(crate) fn items(&self) -> (u64, u64) {
        let waiting = self.waiting.iter().map(|it| it.batch.items() as u64);
        let out = self.out.iter().filter(|out| out.kept.is_none());
        let out = out.map(|out| out.waiting.batch.items() as u64);
        let kept = self.store.as_ref().map_or(0, Store::items);
        (waiting.chain(out).sum(), kept)
    }
}

/// `1 span`, `17 log records`.
pub(crate) fn counted(items: u64, signal: Signal) -> String {
    let noun = match signal {
        Signal::Traces => "span",
        Signal::Metrics => "data point",
        Signal::Logs => "log record",
        Signal::Profiles => "profile sample",
    };
    match items {
        1 => format!("1 {noun}"),
        _ => format!("{items} {noun}s"),
    }
}
