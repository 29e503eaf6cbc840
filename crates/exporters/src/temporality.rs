//! Another aggregation temporality, for backends that take only one.
//!
//! Delta to cumulative adds up; cumulative to delta subtracts what was there before. Both need a memory of each series, which
//! lives in this process: after a restart, cumulative series begin anew (with a new start time, as
//! [the data model](https://opentelemetry.io/docs/specs/otel/metrics/data-model/#resets-and-gaps) wants), and the first point
//! of a series that becomes delta is held back unless it began after the hub did.
//!
//! Only monotonic sums and histograms become delta: an up-down counter's delta is of no use to the backends that ask for
//! deltas ([the spec's delta preference](https://opentelemetry.io/docs/specs/otel/metrics/sdk_exporters/otlp/)).

mod series;

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fanlight_otlp::edit::{Element, Level, NewValue, Verdict, has_temporality, rewrite};
use fanlight_otlp::view::{MetricKind, MetricView};
use fanlight_otlp::{Batch, DecodeError, Signal};
use fanlight_pipeline::Prepared;

use series::{Refusal, Series};

/// How many series are remembered. More are not converted but dropped, and counted.
const MOST_SERIES: usize = 1_000_000;
/// Series that have not been seen for this long are forgotten, unless the exporter says otherwise.
pub(crate) const STALE: Duration = Duration::from_secs(60 * 60);
/// How often stale series are looked for.
const SWEEP: Duration = Duration::from_secs(60);

/// `AggregationTemporality`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temporality {
    /// Since the last point.
    Delta = 1,
    /// Since the start.
    Cumulative = 2,
}

/// What becomes of the first point of a series that becomes delta.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Initial {
    /// It is sent if the series began after the hub did.
    #[default]
    Auto,
    /// It is held back.
    Drop,
    /// It is sent.
    Keep,
}

/// Converts metrics to one temporality. Points must come in order.
#[derive(Debug)]
pub(crate) struct Converter {
    to: Temporality,
    stale: Duration,
    initial: Initial,
    leaves_sums: bool,
    begun_unix_nano: u64,
    hasher: RandomState,
    memory: Mutex<Memory>,
}

#[derive(Debug)]
struct Memory {
    series: HashMap<u64, Series>,
    swept: Instant,
}

/// What is left out, by cause.
#[derive(Debug, Default)]
struct LeftOut {
    late: u64,
    too_many: u64,
}

impl Converter {
    /// One that forgets series after `stale`.
    pub(crate) fn new(to: Temporality, stale: Duration) -> Converter {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        Converter {
            to,
            stale,
            initial: Initial::Auto,
            leaves_sums: false,
            begun_unix_nano: since_1970.map_or(0, |time| time.as_nanos() as u64),
            hasher: RandomState::new(),
            memory: Mutex::new(Memory {
                series: HashMap::new(),
                swept: Instant::now(),
            }),
        }
    }

    /// The same with another way to begin a series that becomes delta.
    pub(crate) fn with_initial(mut self, initial: Initial) -> Converter {
        self.initial = initial;
        self
    }

    /// The same, but sums stay as they are.
    pub(crate) fn leaving_sums(mut self) -> Converter {
        self.leaves_sums = true;
        self
    }

    /// Converts what has the other temporality; other signals and points stay as they are.
    pub(crate) fn convert(&self, batch: Batch) -> Prepared {
        if batch.signal() != Signal::Metrics {
            return Prepared::from(batch);
        }
        let now = Instant::now();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(memory.swept) > SWEEP {
            memory.swept = now;
            memory
                .series
                .retain(|_, series| now.duration_since(series.seen) < self.stale);
        }
        let mut left_out = LeftOut::default();
        let mut scope = 0;
        let mut metric = 0;
        let converted = rewrite(batch.clone(), |element| {
            match element.level() {
                Level::Resource => {}
                Level::Scope => scope = self.scope_of(element),
                Level::Item => match element.metric().filter(|metric| self.concerns(metric)) {
                    None => return Ok(Verdict::KeepWhole),
                    Some(view) => {
                        metric =
                            self.hasher
                                .hash_one((scope, view.name, view.unit, view.kind as u8));
                        element.set_temporality(self.to as i32)?;
                    }
                },
                Level::Point => {
                    return self.point(element, metric, now, &mut memory, &mut left_out);
                }
            }
            Ok(Verdict::Keep)
        });
        // A batch was validated when it came in, so that it can be read.
        let batch = converted.unwrap_or(batch);
        let (dropped, why) = left_out.summary();
        Prepared {
            batch,
            dropped,
            why,
            trimmed: 0,
        }
    }

    fn concerns(&self, metric: &MetricView<'_>) -> bool {
        let other = match self.to {
            Temporality::Delta => Temporality::Cumulative,
            Temporality::Cumulative => Temporality::Delta,
        };
        if self.leaves_sums && metric.kind == MetricKind::Sum {
            return false;
        }
        let is_counter = metric.kind != MetricKind::Sum || metric.is_monotonic;
        has_temporality(metric.kind)
            && metric.aggregation_temporality == other as i32
            && (is_counter || self.to == Temporality::Cumulative)
    }

    fn scope_of(&self, element: &Element<'_>) -> u64 {
        let resource = element.resource().attributes.fingerprint(&self.hasher);
        let scope = element.scope().map(|scope| {
            let attributes = scope.attributes.fingerprint(&self.hasher);
            (scope.name, scope.version, attributes)
        });
        self.hasher.hash_one((resource, scope))
    }

    fn point(
        &self,
        element: &mut Element<'_>,
        metric: u64,
        now: Instant,
        memory: &mut Memory,
        left_out: &mut LeftOut,
    ) -> Result<Verdict, DecodeError> {
        const NO_RECORDED_VALUE: u32 = 1;
        let Some(point) = element.point()? else {
            return Ok(Verdict::Keep);
        };
        if point.flags & NO_RECORDED_VALUE != 0 {
            return Ok(Verdict::Keep);
        }
        let Some(value) = series::read(&point.value)? else {
            return Ok(Verdict::Keep);
        };
        let attributes = point.attributes.fingerprint(&self.hasher);
        let key = self.hasher.hash_one((metric, attributes));
        let is_full = memory.series.len() >= MOST_SERIES;
        if is_full && !memory.series.contains_key(&key) {
            left_out.too_many += 1;
            return Ok(Verdict::Drop);
        }
        let series = memory.series.entry(key);
        let is_new = matches!(series, std::collections::hash_map::Entry::Vacant(_));
        let series = series.or_insert_with(|| Series::new(value.clone(), &point, now));
        series.seen = now;
        let answer: Result<Option<(u64, NewValue)>, Refusal> = match (self.to, is_new) {
            (Temporality::Cumulative, true) => Ok(Some((series.start(), value))),
            (Temporality::Cumulative, false) => series.add(value, &point),
            (Temporality::Delta, true) => {
                let is_whole = match self.initial {
                    Initial::Auto => point.start_time_unix_nano >= self.begun_unix_nano,
                    Initial::Drop => false,
                    Initial::Keep => true,
                };
                Ok(is_whole.then_some((point.start_time_unix_nano, value)))
            }
            (Temporality::Delta, false) => series.subtract(value, &point),
        };
        match answer {
            Ok(Some((start, value))) => {
                element.set_point(start, &value)?;
                Ok(Verdict::Keep)
            }
            Ok(None) => Ok(Verdict::Drop),
            Err(Refusal::Late) => {
                left_out.late += 1;
                Ok(Verdict::Drop)
            }
        }
    }
}

impl LeftOut {
    fn summary(&self) -> (u64, String) {
        let why = match (self.late, self.too_many) {
            (0, 0) => String::new(),
            (_, 0) => "points are not newer than the last one of their series; send each series from one place, in order".to_owned(),
            _ => format!(
                "more than {MOST_SERIES} series would have to be remembered to change their temporality; drop attributes of high cardinality"
            ),
        };
        (self.late + self.too_many, why)
    }
}

#[cfg(test)]
mod tests;
