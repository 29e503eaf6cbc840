//! Traces that are kept for what happened in them.
//!
//! Whether a trace matters is known once something in it does: a record at or above a level, or a span that took long. Until then its
//! records wait in memory; when the trace's root ends without either, they are dropped. Which traces are recorded at all is decided
//! before, where they start.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use fanlight_otlp::TraceId;
use fanlight_otlp::view::{LogView, SpanView};

use crate::Level;
use crate::collect::Stage;
use crate::record::{self, Kind, Record};

/// Which traces are kept. A trace that is kept is kept whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TailSampling {
    /// Traces with a record at least this important.
    pub level: Option<Level>,
    /// Traces that have lasted longer than this, from their first record on.
    pub duration: Option<Duration>,
    /// Which share of all other traces is kept as well, from 0 to 1.
    pub background_rate: f64,
}

/// How many bytes of undecided traces may wait. Above that, the oldest is kept undecided no longer, and passed on.
const LIMIT: usize = 32 * 1024 * 1024;
/// Of how many traces the verdict is remembered, for records that come late.
const REMEMBERED: usize = 10_000;

impl Default for TailSampling {
    /// Traces with a notice or worse, and those longer than 5 seconds.
    fn default() -> TailSampling {
        TailSampling {
            level: Some(Level::Notice),
            duration: Some(Duration::from_secs(5)),
            background_rate: 0.0,
        }
    }
}

/// The traces that wait for a verdict.
#[derive(Debug)]
pub(crate) struct Tail {
    sampling: TailSampling,
    waiting: HashMap<TraceId, Waiting>,
    /// In the order in which they came; those that were decided since are still among them.
    order: VecDeque<TraceId>,
    bytes: usize,
    verdicts: HashMap<TraceId, bool>,
    remembered: VecDeque<TraceId>,
}

#[derive(Debug, Default)]
struct Waiting {
    records: Vec<u8>,
    start: u64,
}

/// What a record says about its trace.
struct About {
    trace: TraceId,
    start: u64,
    end: u64,
    ends_trace: bool,
}

impl Tail {
    pub(crate) fn new(sampling: TailSampling) -> Tail {
        Tail {
            sampling,
            waiting: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            verdicts: HashMap::new(),
            remembered: VecDeque::new(),
        }
    }

    fn take(&mut self, record: &Record<'_>, on: &mut Vec<u8>) {
        // Whatever belongs to no trace is nobody's to drop.
        let Some(about) = About::of(record) else {
            return record::copy(on, record);
        };
        match self.verdicts.get(&about.trace) {
            Some(true) => return record::copy(on, record),
            Some(false) => return,
            None => {}
        }
        let waiting = self.waiting.entry(about.trace).or_insert_with(|| {
            self.order.push_back(about.trace);
            Waiting {
                records: Vec::new(),
                start: about.start,
            }
        });
        waiting.start = waiting.start.min(about.start);
        let before = waiting.records.len();
        record::copy(&mut waiting.records, record);
        self.bytes += waiting.records.len() - before;
        let lasted = Duration::from_nanos(about.end.saturating_sub(waiting.start));
        if self
            .sampling
            .level
            .is_some_and(|level| record.level >= level)
            || self.sampling.duration.is_some_and(|long| lasted > long)
        {
            self.decide(about.trace, true, on);
        } else if about.ends_trace {
            let is_kept = self.sampling.is_background(about.trace);
            self.decide(about.trace, is_kept, on);
        }
        while self.bytes > LIMIT
            && let Some(oldest) = self.order.pop_front()
        {
            self.decide(oldest, true, on);
        }
    }

    fn decide(&mut self, trace: TraceId, is_kept: bool, on: &mut Vec<u8>) {
        let Some(waiting) = self.waiting.remove(&trace) else {
            return;
        };
        self.bytes -= waiting.records.len();
        if is_kept {
            on.extend_from_slice(&waiting.records);
        }
        self.verdicts.insert(trace, is_kept);
        self.remembered.push_back(trace);
        if self.remembered.len() > REMEMBERED
            && let Some(forgotten) = self.remembered.pop_front()
        {
            self.verdicts.remove(&forgotten);
        }
        while self
            .order
            .front()
            .is_some_and(|front| !self.waiting.contains_key(front))
        {
            self.order.pop_front();
        }
    }
}

impl Stage for Tail {
    fn pass(&mut self, records: &[Record<'_>], on: &mut Vec<u8>, is_last: bool) {
        for record in records {
            self.take(record, on);
        }
        // At the end of the program nobody knows how these would have gone on.
        while is_last && let Some(trace) = self.order.pop_front() {
            self.decide(trace, true, on);
        }
    }
}

impl TailSampling {
    /// Compares the same bits of the trace id as the decision at its start does, so that the two don't multiply.
    fn is_background(&self, trace: TraceId) -> bool {
        let low = u128::from_be_bytes(trace.0) as u64;
        self.background_rate > 0.0 && low <= crate::context::threshold(self.background_rate)
    }
}

impl About {
    fn of(record: &Record<'_>) -> Option<About> {
        let about = match record.kind {
            Kind::Span | Kind::Started => {
                let view = SpanView::read(record.message).ok()?;
                About {
                    trace: view.trace_id,
                    start: view.start_time_unix_nano,
                    end: view.end_time_unix_nano,
                    ends_trace: record.kind == Kind::Span && view.parent_span_id.is_zero(),
                }
            }
            Kind::Log => {
                let view = LogView::read(record.message).ok()?;
                About {
                    trace: view.trace_id,
                    start: view.time_unix_nano,
                    end: view.time_unix_nano,
                    ends_trace: false,
                }
            }
        };
        (!about.trace.is_zero()).then_some(about)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callsite::{Callsite, Source};

    static CALLSITE: Callsite = Callsite::new("work", Level::Info, Source::TEST);

    /// A span of a trace; the root has no parent.
    fn span(records: &mut Vec<u8>, trace: u8, is_root: bool, level: Level, seconds: u64) {
        record::append(records, Kind::Span, &CALLSITE, level, |out| {
            out.some_bytes(1, [trace; 16]);
            out.some_bytes(2, [2; 8]);
            if !is_root {
                out.some_bytes(4, [3; 8]);
            }
            out.some_fixed64(7, 1_000);
            out.some_fixed64(8, 1_000 + seconds * 1_000_000_000);
        });
    }

    /// How many records of each trace come out.
    fn passed(tail: &mut Tail, records: &[u8], is_last: bool) -> Vec<(u8, usize)> {
        let mut on = Vec::new();
        tail.pass(&record::read(records).collect::<Vec<_>>(), &mut on, is_last);
        let mut traces = std::collections::BTreeMap::new();
        for record in record::read(&on) {
            let trace = SpanView::read(record.message).unwrap().trace_id.0[0];
            *traces.entry(trace).or_default() += 1;
        }
        traces.into_iter().collect()
    }

    #[test]
    fn traces_with_trouble_or_patience_are_kept_whole() {
        let mut records = Vec::new();
        for (trace, level, seconds) in [
            (1, Level::Info, 1),
            (2, Level::Error, 1),
            (3, Level::Info, 9),
        ] {
            span(&mut records, trace, false, Level::Info, 1);
            span(&mut records, trace, false, level, seconds);
            span(&mut records, trace, true, Level::Info, 1);
        }
        let mut tail = Tail::new(TailSampling::default());
        assert_eq!(passed(&mut tail, &records, false), [(2, 3), (3, 3)]);
        assert_eq!(tail.bytes, 0);
        // A record that comes late shares its trace's fate.
        let mut late = Vec::new();
        span(&mut late, 1, false, Level::Error, 1);
        span(&mut late, 2, false, Level::Info, 1);
        assert_eq!(passed(&mut tail, &late, false), [(2, 1)]);
    }

    #[test]
    fn undecided_traces_are_kept_at_the_end_and_when_memory_is_full() {
        let mut records = Vec::new();
        span(&mut records, 1, false, Level::Info, 1);
        let mut tail = Tail::new(TailSampling::default());
        assert_eq!(passed(&mut tail, &records, false), []);
        assert_eq!(passed(&mut tail, &[], true), [(1, 1)]);

        tail.bytes = LIMIT;
        let mut records = Vec::new();
        span(&mut records, 5, false, Level::Info, 1);
        assert_eq!(passed(&mut tail, &records, false), [(5, 1)]);
    }

    #[test]
    fn a_share_of_the_others_is_kept() {
        let rate = |background_rate| {
            let mut tail = Tail::new(TailSampling {
                background_rate,
                ..TailSampling::default()
            });
            let mut records = Vec::new();
            (0..=255).for_each(|trace| span(&mut records, trace, true, Level::Info, 1));
            passed(&mut tail, &records, false).len()
        };
        assert_eq!(rate(0.0), 1, "the zero id is no trace");
        assert_eq!(rate(1.0), 256);
        assert!((100..156).contains(&rate(0.5)), "{}", rate(0.5));
    }
}
