//! The series of an instrument: one for each set of attributes, up to a limit, past which one takes all the rest.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use fanlight_otlp::view::NumberView;
use fanlight_otlp::{SpanId, TraceId};

use super::attributes::{self, Attributes};
use super::exponential::{Exponential, Limits};
use super::histogram::{Buckets, Distribution};
use crate::clock;
use crate::context::Context;

/// How many maps the series of an instrument are spread over, so that threads seldom meet.
const SHARDS: usize = 16;

/// What an instrument makes of its measurements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Sum { is_monotonic: bool },
    Last,
    Histogram(Arc<[f64]>),
    Exponential(Limits),
}

/// All series of an instrument.
#[derive(Debug)]
pub(crate) struct SeriesMap {
    shape: Shape,
    is_int: bool,
    is_observed: bool,
    /// When the instrument was made, in nanoseconds since 1970.
    made: u64,
    /// How many series there may be, with the two below.
    limit: usize,
    /// How many there are in the shards.
    count: AtomicUsize,
    shards: [RwLock<Shard>; SHARDS],
    /// The series without attributes.
    plain: OnceLock<Arc<Series>>,
    /// The series that takes the rest.
    overflow: OnceLock<Arc<Series>>,
}

type Shard = HashMap<Arc<[u8]>, Arc<Series>>;

/// One series.
#[derive(Debug)]
pub(crate) struct Series {
    /// Its attributes, as they are encoded.
    attributes: Arc<[u8]>,
    /// Since when it counts, in nanoseconds since 1970.
    start: u64,
    state: State,
    exemplar: Mutex<Option<Exemplar>>,
}

#[derive(Debug)]
enum State {
    Number(Cell),
    Observed(Mutex<Observed>),
    Histogram(Halves<Buckets>),
    Exponential(Box<Halves<Exponential>>),
}

/// A number that threads add to, or set.
#[derive(Debug)]
struct Cell {
    is_int: bool,
    /// An `i64` or an `f64`, as bits.
    bits: AtomicU64,
    /// What it was when it was last taken.
    taken: AtomicU64,
    /// Whether it is a value of the program's. A sum is from the start, which is zero.
    is_set: AtomicBool,
}

/// A number that the collecting thread was told.
#[derive(Debug, Default)]
struct Observed {
    value: Option<NumberView>,
    taken: Option<NumberView>,
}

/// A distribution in two halves: what is new, and what has been taken.
#[derive(Debug)]
struct Halves<D> {
    new: Mutex<D>,
    taken: Mutex<D>,
}

/// A measurement inside a sampled span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) value: NumberView,
    pub(crate) time: u64,
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
}

/// What a series has to tell.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) attributes: Arc<[u8]>,
    pub(crate) start: u64,
    pub(crate) total: Data,
    /// What is new since the last time, if anything is.
    pub(crate) change: Option<Data>,
    pub(crate) exemplar: Option<Exemplar>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    Number(NumberView),
    Histogram(Buckets),
    Exponential(Box<Exponential>),
}

impl Shape {
    /// The number of the field that holds the attributes of a data point of this shape.
    pub(crate) fn attributes_field(&self) -> u32 {
        match self {
            Shape::Sum { .. } | Shape::Last => 7,
            Shape::Histogram(_) => 9,
            Shape::Exponential(_) => 1,
        }
    }
}

impl SeriesMap {
    pub(crate) fn new(shape: Shape, is_int: bool, is_observed: bool, limit: usize) -> SeriesMap {
        SeriesMap {
            shape,
            is_int,
            is_observed,
            made: clock::now(),
            limit,
            count: AtomicUsize::new(0),
            shards: Default::default(),
            plain: OnceLock::new(),
            overflow: OnceLock::new(),
        }
    }

    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Runs with the series of some attributes.
    pub(crate) fn with<R>(
        &self,
        attributes: &(impl Attributes + ?Sized),
        run: impl FnOnce(&Arc<Series>) -> R,
    ) -> R {
        attributes::with_encoded(self.shape.attributes_field(), attributes, |key| {
            if key.is_empty() {
                return run(self.plain.get_or_init(|| self.series(Arc::default())));
            }
            let found = read(self.shard(key)).get(key).map(Arc::clone);
            run(&found.unwrap_or_else(|| self.add(key)))
        })
    }

    /// The series of attributes that were not found: a new one, unless there are enough.
    #[cold]
    fn add(&self, key: &[u8]) -> Arc<Series> {
        let room = |count: usize| (count + 2 < self.limit).then_some(count + 1);
        if room(self.count.load(Ordering::Relaxed)).is_some() {
            let mut shard = write(self.shard(key));
            if let Some(series) = shard.get(key) {
                return Arc::clone(series);
            }
            let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
            if self.count.fetch_update(set, fetch, room).is_ok() {
                let attributes: Arc<[u8]> = Arc::from(key);
                let series = self.series(Arc::clone(&attributes));
                shard.insert(attributes, Arc::clone(&series));
                return series;
            }
        } else if let Some(series) = read(self.shard(key)).get(key) {
            // Another thread has just added it as the last.
            return Arc::clone(series);
        }
        Arc::clone(self.overflow.get_or_init(|| {
            let attributes = [("otel.metric.overflow", true)];
            let field = self.shape.attributes_field();
            attributes::with_encoded(field, &attributes, |key| self.series(Arc::from(key)))
        }))
    }

    fn series(&self, attributes: Arc<[u8]>) -> Arc<Series> {
        let state = match &self.shape {
            _ if self.is_observed => State::Observed(Mutex::default()),
            Shape::Sum { .. } => State::Number(Cell::new(self.is_int, true)),
            Shape::Last => State::Number(Cell::new(self.is_int, false)),
            Shape::Histogram(bounds) => {
                State::Histogram(Halves::new(Buckets::new(Arc::clone(bounds))))
            }
            Shape::Exponential(limits) => {
                State::Exponential(Box::new(Halves::new(Exponential::new(*limits))))
            }
        };
        Arc::new(Series {
            attributes,
            // What is observed went on before it was observed first.
            start: if self.is_observed {
                self.made
            } else {
                clock::now()
            },
            state,
            exemplar: Mutex::new(None),
        })
    }

    /// A cheap choice is enough here: the maps themselves are hashed well.
    fn shard(&self, key: &[u8]) -> &RwLock<Shard> {
        let mixed = key.iter().rev().take(8).fold(key.len(), |mixed, byte| {
            mixed.wrapping_mul(31).wrapping_add(usize::from(*byte))
        });
        let [first, ..] = &self.shards;
        self.shards.get(mixed % SHARDS).unwrap_or(first)
    }

    /// What all series have to tell, sorted by attributes.
    pub(crate) fn take(&self) -> Vec<Point> {
        let mut points = Vec::new();
        self.each(|series| {
            points.extend(series.take());
        });
        points.sort_by(|a, b| a.attributes.cmp(&b.attributes));
        points
    }

    /// Makes every series one that was not set.
    pub(crate) fn unset(&self) {
        self.each(|series| series.unset());
    }

    /// Forgets the series that were not set. They had their room until now, so that totals are compared with the last ones.
    pub(crate) fn keep_set(&self) {
        for shard in &self.shards {
            write(shard).retain(|_, series| {
                let is_set = series.is_set();
                if !is_set {
                    self.count.fetch_sub(1, Ordering::Relaxed);
                }
                is_set
            });
        }
    }

    fn each(&self, mut visit: impl FnMut(&Series)) {
        for series in self.plain.get().into_iter().chain(self.overflow.get()) {
            visit(series);
        }
        for shard in &self.shards {
            read(shard).values().for_each(|series| visit(series));
        }
    }
}

impl Series {
    /// Adds a measurement.
    pub(crate) fn add(&self, value: NumberView) {
        match &self.state {
            State::Number(cell) => cell.add(value),
            State::Observed(_) => {}
            State::Histogram(halves) => lock(&halves.new).record(value.as_f64()),
            State::Exponential(halves) => lock(&halves.new).record(value.as_f64()),
        }
        self.sample(value);
    }

    /// Replaces the value.
    pub(crate) fn set(&self, value: NumberView) {
        match &self.state {
            State::Number(cell) => cell.set(value),
            State::Observed(observed) => lock(observed).value = Some(value),
            State::Histogram(_) | State::Exponential(_) => {}
        }
    }

    /// Keeps the measurement as an exemplar, if it was made inside a sampled span.
    pub(crate) fn sample(&self, value: NumberView) {
        let Some(context) = Context::current().filter(|context| context.is_sampled) else {
            return;
        };
        // Any exemplar is as good as any other: nobody waits to leave one.
        if let Ok(mut exemplar) = self.exemplar.try_lock() {
            *exemplar = Some(Exemplar {
                value,
                time: clock::now(),
                trace_id: context.trace_id,
                span_id: context.span_id,
            });
        }
    }

    fn is_set(&self) -> bool {
        match &self.state {
            State::Observed(observed) => lock(observed).value.is_some(),
            _ => true,
        }
    }

    fn unset(&self) {
        if let State::Observed(observed) = &self.state {
            lock(observed).value = None;
        }
    }

    /// What the series tells; nothing if nothing was measured yet.
    fn take(&self) -> Option<Point> {
        let (total, change) = match &self.state {
            State::Number(cell) => {
                let (total, change) = cell.take()?;
                (Data::Number(total), change.map(Data::Number))
            }
            State::Observed(observed) => {
                let (total, change) = lock(observed).take()?;
                (Data::Number(total), change.map(Data::Number))
            }
            State::Histogram(halves) => {
                let (total, change) = halves.take()?;
                (Data::Histogram(total), change.map(Data::Histogram))
            }
            State::Exponential(halves) => {
                let (total, change) = halves.take()?;
                let boxed = |data| Data::Exponential(Box::new(data));
                (boxed(total), change.map(boxed))
            }
        };
        Some(Point {
            attributes: Arc::clone(&self.attributes),
            start: self.start,
            total,
            change,
            exemplar: lock(&self.exemplar).take(),
        })
    }
}

impl Cell {
    fn new(is_int: bool, is_set: bool) -> Cell {
        Cell {
            is_int,
            // Zero is all bits zero in both.
            bits: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            is_set: AtomicBool::new(is_set),
        }
    }

    fn bits_of(&self, value: NumberView) -> u64 {
        match (self.is_int, value) {
            (true, NumberView::Int(value)) => value.cast_unsigned(),
            (true, NumberView::Double(value)) => (value as i64).cast_unsigned(),
            (false, value) => value.as_f64().to_bits(),
        }
    }

    fn value_of(&self, bits: u64) -> NumberView {
        if self.is_int {
            NumberView::Int(bits.cast_signed())
        } else {
            NumberView::Double(f64::from_bits(bits))
        }
    }

    fn add(&self, value: NumberView) {
        let bits = self.bits_of(value);
        if self.is_int {
            self.bits.fetch_add(bits, Ordering::Relaxed);
        } else {
            let value = f64::from_bits(bits);
            let add = |sum| Some((f64::from_bits(sum) + value).to_bits());
            // It always answers with a sum, so this always succeeds.
            let _ = self
                .bits
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        }
    }

    fn set(&self, value: NumberView) {
        self.bits.store(self.bits_of(value), Ordering::Relaxed);
        self.is_set.store(true, Ordering::Release);
    }

    fn take(&self) -> Option<(NumberView, Option<NumberView>)> {
        if !self.is_set.load(Ordering::Acquire) {
            return None;
        }
        let now = self.bits.load(Ordering::Relaxed);
        let before = self.taken.swap(now, Ordering::Relaxed);
        let (now, before) = (self.value_of(now), self.value_of(before));
        Some((now, change(now, before)))
    }
}

impl Observed {
    fn take(&mut self) -> Option<(NumberView, Option<NumberView>)> {
        let now = self.value?;
        let before = self.taken.replace(now);
        Some((now, change(now, before.unwrap_or(NumberView::Int(0)))))
    }
}

/// What is new since a total was taken. One that fell was begun anew: all of it is new.
fn change(now: NumberView, before: NumberView) -> Option<NumberView> {
    let change = match (now, before) {
        (NumberView::Int(now), NumberView::Int(before)) if now >= before => {
            NumberView::Int(now.wrapping_sub(before))
        }
        (NumberView::Double(_), _) if now.as_f64() >= before.as_f64() => {
            NumberView::Double(now.as_f64() - before.as_f64())
        }
        _ => now,
    };
    (now.as_f64() != before.as_f64()).then_some(change)
}

impl<D: Distribution> Halves<D> {
    fn new(empty: D) -> Halves<D> {
        Halves {
            new: Mutex::new(empty.clone()),
            taken: Mutex::new(empty),
        }
    }

    /// Everything, and what is new; nothing as long as there never was anything.
    fn take(&self) -> Option<(D, Option<D>)> {
        let mut taken = lock(&self.taken);
        let new = {
            let mut new = lock(&self.new);
            let was = new.clone();
            new.clear();
            was
        };
        taken.merge(&new);
        let is_new = new.summary().count > 0;
        (taken.summary().count > 0).then(|| (taken.clone(), is_new.then_some(new)))
    }
}

/// A panic while a lock is held leaves whole values behind, so the lock is as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
