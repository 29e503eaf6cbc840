//! Instruments that the program calls when something happens.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::Name;
use super::attributes::Attributes;
use super::exponential::Limits;
use super::number::{Increment, Measure, Signed};
use super::observable::{Observable, Observer};
use super::registry::{Callback, Description, Instrument, Registry};
use super::series::{Series, Shape};

/// An instrument that is being described.
///
/// ```
/// let orders = fanlight::counter("shop.orders")
///     .unit("{order}")
///     .description("Orders that were accepted")
///     .build();
/// orders.add(1, ());
/// ```
#[must_use = "the instrument is made with `build`"]
pub struct InstrumentBuilder<I> {
    registry: Arc<Registry>,
    description: Description,
    makes: PhantomData<fn() -> I>,
}

/// Something that only grows. See [`counter`](super::counter).
#[derive(Clone, Debug)]
pub struct Counter<T> {
    instrument: Arc<Instrument>,
    counts: PhantomData<fn(T)>,
}

/// Something that grows and shrinks. See [`up_down_counter`](super::up_down_counter).
#[derive(Clone, Debug)]
pub struct UpDownCounter<T> {
    instrument: Arc<Instrument>,
    counts: PhantomData<fn(T)>,
}

/// Something whose last value counts. See [`gauge`](super::gauge).
#[derive(Clone, Debug)]
pub struct Gauge<T> {
    instrument: Arc<Instrument>,
    shows: PhantomData<fn(T)>,
}

/// How values are distributed. See [`histogram`](super::histogram) and
/// [`exponential_histogram`](super::exponential_histogram).
#[derive(Clone, Debug)]
pub struct Histogram {
    instrument: Arc<Instrument>,
}

/// An instrument with attributes that are always the same, so that nothing has to be looked up.
#[derive(Clone, Debug)]
pub struct Bound<I> {
    instrument: Arc<Instrument>,
    series: Arc<Series>,
    of: PhantomData<fn() -> I>,
}

impl<I> InstrumentBuilder<I> {
    pub(super) fn new(registry: Arc<Registry>, name: Name, shape: Shape) -> InstrumentBuilder<I> {
        InstrumentBuilder {
            registry,
            description: Description {
                scope: ("fanlight".into(), env!("CARGO_PKG_VERSION").into()),
                name,
                unit: Name::default(),
                description: Name::default(),
                shape,
                is_int: false,
                is_observed: false,
            },
            makes: PhantomData,
        }
    }

    /// The unit, [as UCUM writes it](https://ucum.org/ucum): `s`, `By`, `1`, or in braces what is counted: `{order}`.
    pub fn unit(mut self, unit: impl Into<Name>) -> InstrumentBuilder<I> {
        self.description.unit = unit.into();
        self
    }

    /// What is measured, in a sentence.
    pub fn description(mut self, description: impl Into<Name>) -> InstrumentBuilder<I> {
        self.description.description = description.into();
        self
    }

    /// The library that measures, and its version; that is what libraries give, so that their metrics can be told apart.
    pub fn scope(
        mut self,
        name: impl Into<Name>,
        version: impl Into<Name>,
    ) -> InstrumentBuilder<I> {
        self.description.scope = (name.into(), version.into());
        self
    }

    fn make(mut self, is_int: bool) -> Arc<Instrument> {
        self.description.is_int = is_int;
        self.registry.instrument(self.description)
    }
}

impl<T: Increment> InstrumentBuilder<Counter<T>> {
    /// Makes the instrument.
    pub fn build(self) -> Counter<T> {
        Counter {
            instrument: self.make(T::IS_INT),
            counts: PhantomData,
        }
    }
}

impl<T: Signed> InstrumentBuilder<UpDownCounter<T>> {
    /// Makes the instrument.
    pub fn build(self) -> UpDownCounter<T> {
        UpDownCounter {
            instrument: self.make(T::IS_INT),
            counts: PhantomData,
        }
    }
}

impl<T: Signed> InstrumentBuilder<Gauge<T>> {
    /// Makes the instrument.
    pub fn build(self) -> Gauge<T> {
        Gauge {
            instrument: self.make(T::IS_INT),
            shows: PhantomData,
        }
    }
}

impl InstrumentBuilder<Histogram> {
    /// The buckets' upper bounds, each above the one before.
    pub fn bounds(mut self, bounds: impl IntoIterator<Item = f64>) -> InstrumentBuilder<Histogram> {
        self.description.shape = Shape::Histogram(bounds.into_iter().collect());
        self
    }

    /// How many buckets an exponential histogram may have, for positive values and as many for negative; otherwise 160.
    pub fn max_size(self, max_size: usize) -> InstrumentBuilder<Histogram> {
        self.limits(|limits| limits.max_size = max_size)
    }

    /// How far from zero values of an exponential histogram count as zero; otherwise only zero does.
    pub fn zero_threshold(self, zero_threshold: f64) -> InstrumentBuilder<Histogram> {
        self.limits(|limits| limits.zero_threshold = zero_threshold.max(0.0))
    }

    fn limits(mut self, change: impl FnOnce(&mut Limits)) -> InstrumentBuilder<Histogram> {
        let mut limits = match self.description.shape {
            Shape::Exponential(limits) => limits,
            _ => Limits::default(),
        };
        change(&mut limits);
        self.description.shape = Shape::Exponential(limits);
        self
    }

    /// Makes the instrument.
    pub fn build(self) -> Histogram {
        Histogram {
            instrument: self.make(false),
        }
    }
}

impl InstrumentBuilder<Observable> {
    /// Has the callback asked whenever metrics are collected, in the collecting thread: it should not wait for anything.
    pub fn build(mut self, callback: impl Fn(&Observer<'_>) + Send + Sync + 'static) -> Observable {
        self.description.is_observed = true;
        let callback: Callback = Arc::new(callback);
        let instrument = self.make(false);
        instrument.observe_with(Arc::clone(&callback));
        Observable::new(instrument, callback)
    }
}

impl<I> fmt::Debug for InstrumentBuilder<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.description.fmt(f)
    }
}

impl<I> Bound<I> {
    fn new(instrument: &Arc<Instrument>, attributes: impl Attributes) -> Bound<I> {
        Bound {
            instrument: Arc::clone(instrument),
            series: instrument.series.with(&attributes, Arc::clone),
            of: PhantomData,
        }
    }
}

impl<T: Increment> Counter<T> {
    /// Counts.
    pub fn add(&self, value: T, attributes: impl Attributes) {
        add(&self.instrument, value, attributes);
    }

    /// The counter with attributes that are always the same.
    pub fn bind(&self, attributes: impl Attributes) -> Bound<Counter<T>> {
        Bound::new(&self.instrument, attributes)
    }
}

impl<T: Increment> Bound<Counter<T>> {
    /// Counts.
    pub fn add(&self, value: T) {
        self.instrument.add(&self.series, value.number());
    }
}

impl<T: Signed> UpDownCounter<T> {
    /// Counts up, or down if the value is negative.
    pub fn add(&self, value: T, attributes: impl Attributes) {
        add(&self.instrument, value, attributes);
    }

    /// The counter with attributes that are always the same.
    pub fn bind(&self, attributes: impl Attributes) -> Bound<UpDownCounter<T>> {
        Bound::new(&self.instrument, attributes)
    }
}

impl<T: Signed> Bound<UpDownCounter<T>> {
    /// Counts up, or down if the value is negative.
    pub fn add(&self, value: T) {
        self.instrument.add(&self.series, value.number());
    }
}

impl<T: Signed> Gauge<T> {
    /// Shows a value, in place of the one before.
    pub fn set(&self, value: T, attributes: impl Attributes) {
        self.instrument
            .series
            .with(&attributes, |series| set(series, value));
    }

    /// The gauge with attributes that are always the same.
    pub fn bind(&self, attributes: impl Attributes) -> Bound<Gauge<T>> {
        Bound::new(&self.instrument, attributes)
    }
}

impl<T: Signed> Bound<Gauge<T>> {
    /// Shows a value, in place of the one before.
    pub fn set(&self, value: T) {
        set(&self.series, value);
    }
}

impl Histogram {
    /// Adds a value; durations are in seconds.
    pub fn record(&self, value: impl Measure, attributes: impl Attributes) {
        add(&self.instrument, value, attributes);
    }

    /// The histogram with attributes that are always the same.
    pub fn bind(&self, attributes: impl Attributes) -> Bound<Histogram> {
        Bound::new(&self.instrument, attributes)
    }
}

impl Bound<Histogram> {
    /// Adds a value; durations are in seconds.
    pub fn record(&self, value: impl Measure) {
        self.instrument.add(&self.series, value.number());
    }
}

fn add(instrument: &Instrument, value: impl Measure, attributes: impl Attributes) {
    instrument.series.with(&attributes, |series| {
        instrument.add(series, value.number());
    });
}

fn set(series: &Series, value: impl Measure) {
    series.set(value.number());
    series.sample(value.number());
}
