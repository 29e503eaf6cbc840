//! All instruments of a program, each once.
//!
//! An instrument is known by its scope, name, kind and unit. One that differs from another of its name in kind or unit is an
//! instrument of its own, and the program is told, since backends may not tell the two apart.
//! [Source](https://opentelemetry.io/docs/specs/otel/metrics/sdk/#duplicate-instrument-registration).

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use fanlight_otlp::view::NumberView;

use super::complaint::Complaints;
use super::observable::Observer;
use super::series::{Point, Series, SeriesMap, Shape};
use super::{Name, histogram};
use crate::clock;

/// How many series an instrument may have.
/// [Source](https://opentelemetry.io/docs/specs/otel/metrics/sdk/#configuration-1).
const SERIES: usize = 2_000;

static OF_PROCESS: LazyLock<Arc<Registry>> = LazyLock::new(Arc::default);

/// Instruments.
#[derive(Debug)]
pub(crate) struct Registry {
    instruments: Mutex<BTreeMap<Identity, Arc<Instrument>>>,
    complaints: Arc<Complaints>,
    series_limit: usize,
    /// When this was collected last, in nanoseconds since 1970.
    collected: AtomicU64,
}

/// What an instrument is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity {
    pub(crate) scope: (Name, Name),
    /// In lower case: names that differ in case only are the same.
    name: String,
    kind: &'static str,
    unit: Name,
}

/// What a program says of an instrument.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) scope: (Name, Name),
    pub(crate) name: Name,
    pub(crate) unit: Name,
    pub(crate) description: Name,
    pub(crate) shape: Shape,
    pub(crate) is_int: bool,
    pub(crate) is_observed: bool,
}

/// An instrument with its series.
pub(crate) struct Instrument {
    pub(crate) name: Name,
    pub(crate) unit: Name,
    description: Mutex<Name>,
    pub(crate) scope: (Name, Name),
    pub(crate) is_observed: bool,
    pub(crate) series: SeriesMap,
    callbacks: Mutex<Vec<Callback>>,
    has_complained: AtomicBool,
    complaints: Arc<Complaints>,
}

/// Asks for what is observed.
pub(crate) type Callback = Arc<dyn Fn(&Observer<'_>) + Send + Sync>;

/// What an instrument has to tell.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) instrument: Arc<Instrument>,
    pub(crate) points: Vec<Point>,
    /// When it told before, in nanoseconds since 1970.
    pub(crate) previous: u64,
}

impl Default for Registry {
    fn default() -> Registry {
        Registry::with_series_limit(SERIES)
    }
}

impl Registry {
    /// The instruments of this process.
    pub(crate) fn of_process() -> Arc<Registry> {
        Arc::clone(&OF_PROCESS)
    }

    pub(crate) fn with_series_limit(series_limit: usize) -> Registry {
        Registry {
            instruments: Mutex::default(),
            complaints: Arc::default(),
            series_limit,
            collected: AtomicU64::new(0),
        }
    }

    pub(crate) fn complaints(&self) -> &Complaints {
        &self.complaints
    }

    /// The instrument of that description, which is a new one only if there is none yet.
    pub(crate) fn instrument(&self, mut description: Description) -> Arc<Instrument> {
        let is_named = self.check(&mut description);
        let identity = Identity::of(&description);
        let make = || Arc::new(Instrument::new(description.clone(), self));
        if !is_named {
            // It measures, and nobody collects it.
            return make();
        }
        let (instrument, complaint) = self.get_or_add(identity, make);
        let complaint = complaint.or_else(|| instrument.compare(&description));
        // Whoever is told may make an instrument: nothing is locked here.
        if let Some(complaint) = complaint {
            self.complaints.tell(complaint);
        }
        instrument
    }

    /// The instrument, and what is wrong with adding it.
    fn get_or_add(
        &self,
        identity: Identity,
        make: impl FnOnce() -> Arc<Instrument>,
    ) -> (Arc<Instrument>, Option<String>) {
        let mut instruments = lock(&self.instruments);
        if let Some(instrument) = instruments.get(&identity) {
            return (Arc::clone(instrument), None);
        }
        let is_near =
            |other: &&Identity| other.scope == identity.scope && other.name == identity.name;
        let complaint = instruments.keys().find(is_near).map(|other| {
            format!(
                "metric {:?} exists as {other}, and now also as {identity}: backends may mix them up; give one another name",
                identity.name
            )
        });
        let instrument = make();
        instruments.insert(identity, Arc::clone(&instrument));
        (instrument, complaint)
    }

    /// Corrects what can't be, and says whether the name can.
    fn check(&self, description: &mut Description) -> bool {
        let name = &description.name;
        let is_named = is_name(name);
        if !is_named {
            self.complaints.tell(format!(
                "metric {name:?} is not exported: a name starts with a letter, and goes on with at most 254 letters, digits or \
                 characters of `_`, `.`, `-`, `/`"
            ));
        }
        if description.unit.len() > 63 || !description.unit.is_ascii() {
            self.complaints.tell(format!(
                "metric {name:?} has no unit: {:?} is none, which has at most 63 ASCII characters",
                description.unit
            ));
            description.unit = Name::default();
        }
        if let Shape::Histogram(bounds) = &mut description.shape
            && !histogram::are_valid(bounds)
        {
            self.complaints.tell(format!(
                "metric {name:?} has the usual bounds: those given, {bounds:?}, are not rising numbers"
            ));
            *bounds = histogram::default_bounds();
        }
        is_named
    }

    /// What all instruments have to tell, by scope and name.
    pub(crate) fn collect(&self) -> Vec<Collected> {
        let previous = self.collected.load(Ordering::Relaxed);
        let instruments: Vec<Arc<Instrument>> =
            lock(&self.instruments).values().map(Arc::clone).collect();
        let collected = instruments.into_iter().map(|instrument| Collected {
            points: instrument.take(),
            instrument,
            previous,
        });
        let collected = collected
            .filter(|collected| !collected.points.is_empty())
            .collect();
        self.collected.store(clock::now(), Ordering::Relaxed);
        collected
    }
}

impl Identity {
    fn of(description: &Description) -> Identity {
        Identity {
            scope: description.scope.clone(),
            name: description.name.to_ascii_lowercase(),
            kind: kind(description),
            unit: description.unit.clone(),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of unit {:?}", self.kind, self.unit)
    }
}

fn kind(description: &Description) -> &'static str {
    let is_int = description.is_int;
    match (&description.shape, description.is_observed) {
        (Shape::Sum { is_monotonic: true }, false) if is_int => "counter of integers",
        (Shape::Sum { is_monotonic: true }, false) => "counter",
        (Shape::Sum { is_monotonic: true }, true) => "observable counter",
        (Shape::Sum { .. }, false) if is_int => "up-down counter of integers",
        (Shape::Sum { .. }, false) => "up-down counter",
        (Shape::Sum { .. }, true) => "observable up-down counter",
        (Shape::Last, false) if is_int => "gauge of integers",
        (Shape::Last, false) => "gauge",
        (Shape::Last, true) => "observable gauge",
        (Shape::Histogram(_), _) => "histogram",
        (Shape::Exponential(_), _) => "exponential histogram",
    }
}

impl Instrument {
    fn new(description: Description, registry: &Registry) -> Instrument {
        Instrument {
            name: description.name,
            unit: description.unit,
            description: Mutex::new(description.description),
            scope: description.scope,
            is_observed: description.is_observed,
            series: SeriesMap::new(
                description.shape,
                description.is_int,
                description.is_observed,
                registry.series_limit,
            ),
            callbacks: Mutex::default(),
            has_complained: AtomicBool::new(false),
            complaints: Arc::clone(&registry.complaints),
        }
    }

    /// What is said of the same instrument again may differ: the longer description stays, and the first buckets do.
    fn compare(&self, again: &Description) -> Option<String> {
        let mut description = lock(&self.description);
        if again.description.len() > description.len() {
            *description = again.description.clone();
        }
        (*self.series.shape() != again.shape).then(|| {
            format!(
                "metric {:?} keeps the buckets with which it was made first",
                self.name
            )
        })
    }

    pub(crate) fn description(&self) -> Name {
        lock(&self.description).clone()
    }

    /// Adds a measurement to a series.
    pub(crate) fn add(&self, series: &Series, value: NumberView) {
        if self.accepts(value) {
            series.add(value);
        }
    }

    /// Whether a value can be part of what the instrument tells: infinities and `NaN` would spoil every sum.
    pub(crate) fn accepts(&self, value: NumberView) -> bool {
        let is_good = match self.series.shape() {
            Shape::Last => true,
            Shape::Sum { is_monotonic: true } => {
                value.as_f64().is_finite() && value.as_f64() >= 0.0
            }
            _ => value.as_f64().is_finite(),
        };
        if !is_good && !self.has_complained.swap(true, Ordering::Relaxed) {
            self.complaints.tell(format!(
                "metric {:?} ignores values such as {}: {}",
                self.name,
                value.as_f64(),
                if value.as_f64().is_finite() {
                    "a counter only grows; use an up-down counter"
                } else {
                    "it takes finite numbers"
                }
            ));
        }
        is_good
    }

    /// Asks this as well when metrics are collected.
    pub(crate) fn observe_with(&self, callback: Callback) {
        lock(&self.callbacks).push(callback);
    }

    /// Asks this no more.
    pub(crate) fn stop_observing(&self, callback: &Callback) {
        lock(&self.callbacks).retain(|other| !Arc::ptr_eq(other, callback));
    }

    fn take(&self) -> Vec<Point> {
        if self.is_observed {
            self.series.unset();
            // A callback may make instruments, and even stop being asked.
            let callbacks = lock(&self.callbacks).clone();
            for callback in callbacks {
                let observer = Observer::new(self);
                if panic::catch_unwind(AssertUnwindSafe(|| callback(&observer))).is_err() {
                    self.complaints.tell(format!(
                        "metric {:?} may lack values: what observes it panicked",
                        self.name
                    ));
                }
            }
            self.series.keep_set();
        }
        self.series.take()
    }
}

impl fmt::Debug for Instrument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instrument")
            .field("name", &self.name)
            .field("unit", &self.unit)
            .field("shape", self.series.shape())
            .finish_non_exhaustive()
    }
}

/// [Source](https://opentelemetry.io/docs/specs/otel/metrics/api/#instrument-name-syntax).
fn is_name(name: &str) -> bool {
    let may_follow = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte);
    name.len() <= 255
        && name
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
        && name.bytes().all(may_follow)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
