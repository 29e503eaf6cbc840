//! Metrics: what a program counts and measures, added up where it happens and sent once a minute.
//!
//! ```
//! let orders = fanlight::counter("shop.orders").unit("{order}").build();
//! orders.add(1, [("route", "/pay")]);
//!
//! let duration = fanlight::histogram("shop.duration").unit("s").build();
//! duration.record(0.25, (("route", "/pay"), ("status", 200)));
//!
//! fanlight::observable_gauge("shop.queue").build(|observer| observer.observe(3, ()));
//! ```
//!
//! Instruments count from the moment they are made, whether or not telemetry has started: what was counted before is in the
//! first export. Two instruments of the same name, kind and unit are one. They can be statics:
//!
//! ```
//! use std::sync::LazyLock;
//! use fanlight::metrics::Counter;
//!
//! static ORDERS: LazyLock<Counter<u64>> = LazyLock::new(|| fanlight::counter("shop.orders").build());
//! ORDERS.add(1, ());
//! ```
//!
//! Each set of attributes is a series of its own, 2,000 at most for each instrument; what is measured with further sets
//! goes to one series with the attribute `otel.metric.overflow`. Where the attributes are always the same, `bind` looks the
//! series up once:
//!
//! ```
//! let paid = fanlight::counter("shop.orders").build().bind([("route", "/pay")]);
//! paid.add(1);
//! ```
//!
//! A measurement inside a sampled span becomes its series' exemplar: backends that know exemplars lead from the point to
//! the trace.

mod attributes;
mod complaint;
mod delivery;
mod encode;
mod exponential;
mod histogram;
mod host;
mod instrument;
mod meter;
mod number;
mod observable;
mod process;
mod registry;
mod series;
mod source;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use attributes::Attributes;
pub use instrument::{Bound, Counter, Gauge, Histogram, InstrumentBuilder, UpDownCounter};
pub use number::{Increment, Measure, Signed};
pub use observable::{Observable, Observer};
pub(crate) use source::{Measured, Metrics, Settings};

use registry::Registry;
use series::Shape;

/// A name, of code or made while the program runs.
type Name = Cow<'static, str>;

/// A counter: something that only grows, of `u64` or `f64`.
///
/// ```
/// let bytes = fanlight::counter("shop.received").unit("By").build();
/// bytes.add(1_024, [("route", "/upload")]);
/// ```
pub fn counter<T: Increment>(name: impl Into<Name>) -> InstrumentBuilder<Counter<T>> {
    builder(name, Shape::Sum { is_monotonic: true })
}

/// A counter that goes down as well, of `i64` or `f64`: requests under way, items in a queue.
///
/// ```
/// let active = fanlight::up_down_counter("shop.active").build();
/// active.add(1, ());
/// active.add(-1, ());
/// ```
pub fn up_down_counter<T: Signed>(name: impl Into<Name>) -> InstrumentBuilder<UpDownCounter<T>> {
    builder(
        name,
        Shape::Sum {
            is_monotonic: false,
        },
    )
}

/// A gauge, of `i64` or `f64`: the last value counts, and values don't add up.
///
/// ```
/// let temperature = fanlight::gauge("room.temperature").unit("Cel").build();
/// temperature.set(21.5, [("room", "kitchen")]);
/// ```
pub fn gauge<T: Signed>(name: impl Into<Name>) -> InstrumentBuilder<Gauge<T>> {
    builder(name, Shape::Last)
}

/// A histogram with explicit bounds: those of OpenTelemetry, unless [`InstrumentBuilder::bounds`] gives others.
///
/// ```
/// use std::time::Duration;
///
/// let duration = fanlight::histogram("shop.duration")
///     .unit("s")
///     .bounds([0.01, 0.1, 1.0, 10.0])
///     .build();
/// duration.record(Duration::from_millis(20), ());
/// ```
pub fn histogram(name: impl Into<Name>) -> InstrumentBuilder<Histogram> {
    builder(name, Shape::Histogram(histogram::default_bounds()))
}

/// A histogram that chooses its bounds itself, as fine as 160 buckets allow for the values that come.
///
/// ```
/// let size = fanlight::exponential_histogram("shop.size").unit("By").build();
/// size.record(1_500, ());
/// ```
pub fn exponential_histogram(name: impl Into<Name>) -> InstrumentBuilder<Histogram> {
    builder(name, Shape::Exponential(exponential::Limits::default()))
}

/// A counter whose value is asked for when metrics are collected; it observes totals, not increments.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// static HITS: AtomicU64 = AtomicU64::new(0);
/// fanlight::observable_counter("cache.hits").build(|observer| observer.observe(HITS.load(Ordering::Relaxed), ()));
/// ```
pub fn observable_counter(name: impl Into<Name>) -> InstrumentBuilder<Observable> {
    builder(name, Shape::Sum { is_monotonic: true })
}

/// As [`observable_counter`], for totals that go down as well.
///
/// ```
/// fanlight::observable_up_down_counter("pool.connections").build(|observer| {
///     observer.observe(3, [("state", "idle")]);
///     observer.observe(5, [("state", "used")]);
/// });
/// ```
pub fn observable_up_down_counter(name: impl Into<Name>) -> InstrumentBuilder<Observable> {
    builder(
        name,
        Shape::Sum {
            is_monotonic: false,
        },
    )
}

/// A gauge whose value is asked for when metrics are collected.
///
/// ```
/// fanlight::observable_gauge("shop.queue").build(|observer| observer.observe(3, ()));
/// ```
pub fn observable_gauge(name: impl Into<Name>) -> InstrumentBuilder<Observable> {
    builder(name, Shape::Last)
}

fn builder<I>(name: impl Into<Name>, shape: Shape) -> InstrumentBuilder<I> {
    InstrumentBuilder::new(Registry::of_process(), name.into(), shape)
}
