//! Summaries, whose count and sum never stop growing, as increases: Datadog's counts are what came since the point before.
//!
//! A summary says nothing of its temporality; by convention it is cumulative
//! ([data model](https://opentelemetry.io/docs/specs/otel/metrics/data-model/#summary-legacy)). The first point of a series
//! counts nothing, unless the series began after this process did; its quantiles are sent all the same.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fanlight_otlp::edit::{Element, Level, Verdict, rewrite};
use fanlight_otlp::view::{MetricKind, PointValue, PointView, SummaryView};
use fanlight_otlp::write::Encoder;
use fanlight_otlp::{Batch, DecodeError};

/// How many series are remembered; the counts of more are not sent.
const MOST_SERIES: usize = 200_000;
/// How often series that have not been seen for long are looked for.
const SWEEP: Duration = Duration::from_secs(60);

/// What is remembered.
#[derive(Debug)]
pub(in crate::datadog) struct Summaries {
    stale: Duration,
    begun_unix_nano: u64,
    hasher: RandomState,
    memory: Mutex<Memory>,
}

#[derive(Debug)]
struct Memory {
    series: HashMap<u64, Last>,
    swept: Instant,
}

/// The point before.
#[derive(Clone, Copy, Debug)]
struct Last {
    start: u64,
    time: u64,
    count: u64,
    sum: f64,
    seen: Instant,
}

impl Summaries {
    /// Forgets series after `stale`.
    pub(in crate::datadog) fn new(stale: Duration) -> Summaries {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        Summaries {
            stale,
            begun_unix_nano: since_1970.map_or(0, |time| time.as_nanos() as u64),
            hasher: RandomState::new(),
            memory: Mutex::new(Memory {
                series: HashMap::new(),
                swept: Instant::now(),
            }),
        }
    }

    /// The same batch with increases in its summaries.
    pub(in crate::datadog) fn convert(&self, batch: Batch) -> Batch {
        let now = Instant::now();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(memory.swept) > SWEEP {
            memory.swept = now;
            let is_fresh = |last: &Last| now.duration_since(last.seen) < self.stale;
            memory.series.retain(|_, last| is_fresh(last));
        }
        let converted = rewrite(batch.clone(), |element| {
            let is_summary = |element: &Element<'_>| {
                let metric = element.metric();
                metric.is_some_and(|metric| metric.kind == MetricKind::Summary)
            };
            match element.level() {
                Level::Item if !is_summary(element) => return Ok(Verdict::KeepWhole),
                Level::Point => self.point(element, now, &mut memory)?,
                _ => {}
            }
            Ok(Verdict::Keep)
        });
        // A batch was validated when it came in, so that it can be read.
        converted.unwrap_or(batch)
    }

    fn point(
        &self,
        element: &mut Element<'_>,
        now: Instant,
        memory: &mut Memory,
    ) -> Result<(), DecodeError> {
        let Some(point) = element.point()? else {
            return Ok(());
        };
        let PointValue::Summary(summary) = point.value else {
            return Ok(());
        };
        let key = self.key(element, &point);
        let current = Last {
            start: point.start_time_unix_nano,
            time: point.time_unix_nano,
            count: summary.count,
            sum: summary.sum,
            seen: now,
        };
        let (count, sum) = self.increase(key, current, memory);
        element.replace(encoded(&point, &summary, count, sum)?);
        Ok(())
    }

    fn increase(&self, key: u64, current: Last, memory: &mut Memory) -> (u64, f64) {
        let last = memory.series.get(&key).copied();
        if last.is_none() && memory.series.len() >= MOST_SERIES {
            return (0, 0.0);
        }
        if last.is_some_and(|last| last.time >= current.time) {
            return (0, 0.0);
        }
        memory.series.insert(key, current);
        match last {
            Some(last) if last.start == current.start && last.count <= current.count => {
                (current.count - last.count, current.sum - last.sum)
            }
            _ if current.start > self.begun_unix_nano => (current.count, current.sum),
            _ => (0, 0.0),
        }
    }

    fn key(&self, element: &Element<'_>, point: &PointView<'_>) -> u64 {
        let resource = element.resource().attributes.fingerprint(&self.hasher);
        let scope = element.scope().map(|scope| scope.name);
        let metric = element.metric().map(|metric| metric.name);
        let attributes = point.attributes.fingerprint(&self.hasher);
        self.hasher.hash_one((resource, scope, metric, attributes))
    }
}

/// The point with another count and sum.
fn encoded(
    point: &PointView<'_>,
    summary: &SummaryView<'_>,
    count: u64,
    sum: f64,
) -> Result<Vec<u8>, DecodeError> {
    let mut out = Encoder::new();
    out.fixed64(2, point.start_time_unix_nano);
    out.fixed64(3, point.time_unix_nano);
    out.fixed64(4, count);
    out.double(5, sum);
    for quantile in summary.quantile_values() {
        let quantile = quantile?;
        out.nested(6, |out| {
            out.double(1, quantile.quantile);
            out.double(2, quantile.value);
        });
    }
    for attribute in point.attributes {
        let (key, value) = attribute?;
        out.attribute(7, key, &value);
    }
    out.varint(8, point.flags.into());
    Ok(out.into_bytes())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use fanlight_otlp::Signal;

    use super::*;

    /// A batch of one summary without quantiles.
    fn summary(start: u64, time: u64, count: u64, sum: f64) -> Batch {
        let mut out = Encoder::new();
        out.nested(1, |out| {
            out.nested(2, |out| {
                out.nested(2, |out| {
                    out.bytes(1, "pause");
                    out.nested(11, |out| {
                        out.nested(1, |out| {
                            out.fixed64(2, start);
                            out.fixed64(3, time);
                            out.fixed64(4, count);
                            out.double(5, sum);
                        });
                    });
                });
            });
        });
        Batch::decode(Signal::Metrics, Bytes::from(out.into_bytes())).unwrap()
    }

    fn read(batch: &Batch) -> (u64, f64) {
        let resource = batch.resources().next().unwrap().unwrap();
        let scope = resource.scopes().next().unwrap().unwrap();
        let metric = scope.metrics().next().unwrap().unwrap();
        let point = metric.points().next().unwrap().unwrap();
        let PointValue::Summary(summary) = point.value else {
            panic!("{point:?}")
        };
        (summary.count, summary.sum)
    }

    #[test]
    fn counts_are_what_came_since_the_point_before() {
        let summaries = Summaries::new(Duration::from_secs(60));
        let later = u64::MAX / 2;
        for (start, time, count, sum, expected) in [
            (1, 10, 100, 50.0, (0, 0.0)),
            (1, 20, 103, 52.5, (3, 2.5)),
            // It came twice.
            (1, 20, 103, 52.5, (0, 0.0)),
            // The source was started again, after this process.
            (later, later + 10, 4, 1.0, (4, 1.0)),
        ] {
            let converted = summaries.convert(summary(start, time, count, sum));
            assert_eq!(read(&converted), expected, "{time}");
        }
    }
}
