//! The conventions' metrics of clients, summed up since the recorder began.
//!
//! [Names, units and bounds](https://github.com/open-telemetry/semantic-conventions-genai). Bounded: beyond so many kinds of
//! calls, further ones are summed up in one, as OpenTelemetry's SDKs do it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use fanlight_otlp::view::Value;
use fanlight_otlp::write::{Data, HistogramPoint, Metric, RequestWriter};
use fanlight_otlp::{Batch, Signal};

use super::CallHead;
use super::read::Record;
use super::span::nanos;
use crate::redact::Redaction;

/// More kinds of calls are not told apart.
const MOST_SERIES: usize = 2_000;

const SECONDS: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Instrument {
    Duration,
    TokenUsage,
    TimeToFirstChunk,
    TimePerOutputChunk,
}

use Instrument::*;

/// Of which calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Series {
    operation: String,
    provider: String,
    request_model: String,
    response_model: String,
    server: (String, u16),
    error_type: String,
    token_type: &'static str,
    is_overflow: bool,
}

#[derive(Clone, Debug, Default)]
struct Histogram {
    counts: [u64; 15],
    sum: f64,
}

/// All of them, by service.
#[derive(Debug)]
pub(super) struct Metrics {
    since: SystemTime,
    series: BTreeMap<(String, Instrument, Series), Histogram>,
    has_changed: bool,
}

impl Metrics {
    pub(super) fn new(since: SystemTime) -> Metrics {
        Metrics {
            since,
            series: BTreeMap::new(),
            has_changed: false,
        }
    }

    /// Counts a call of a model.
    pub(super) fn add(
        &mut self,
        service: &str,
        head: &CallHead,
        record: &Record<'_>,
        redaction: &Redaction,
    ) {
        let Some(operation) = record.operation() else {
            return;
        };
        let clean = |text: Option<&String>| {
            text.map(|text| redaction.text(text).into_owned())
                .unwrap_or_default()
        };
        let call = &record.call;
        let series = Series {
            operation: operation.to_owned(),
            provider: clean(call.provider.as_ref()),
            request_model: clean(call.request_model.as_ref()),
            response_model: clean(call.response_model.as_ref()),
            server: head.server.clone(),
            error_type: clean(record.error.as_ref().map(|(kind, _)| kind)),
            ..Series::default()
        };
        self.put(service, Duration, &series, [record.duration.as_secs_f64()]);
        self.put(service, TimeToFirstChunk, &series, call.time_to_first_chunk);
        self.put(
            service,
            TimePerOutputChunk,
            &series,
            record.gaps.iter().copied(),
        );
        if let Some(usage) = &call.usage {
            for (token_type, tokens) in [
                ("input", usage.input_tokens),
                ("output", usage.output_tokens),
            ] {
                let series = Series {
                    token_type,
                    ..series.clone()
                };
                self.put(service, TokenUsage, &series, [tokens as f64]);
            }
        }
    }

    fn put(
        &mut self,
        service: &str,
        instrument: Instrument,
        series: &Series,
        values: impl IntoIterator<Item = f64>,
    ) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return;
        }
        self.has_changed = true;
        let mut key = (service.to_owned(), instrument, series.clone());
        if self.series.len() >= MOST_SERIES && !self.series.contains_key(&key) {
            key.2 = Series {
                is_overflow: true,
                token_type: series.token_type,
                ..Series::default()
            };
        }
        let histogram = self.series.entry(key).or_default();
        let bounds = instrument.bounds();
        for value in values {
            let bucket = bounds.partition_point(|bound| *bound < value);
            if let Some(count) = histogram.counts.get_mut(bucket) {
                *count += 1;
            }
            histogram.sum += value;
        }
    }

    /// All of them as they are now; nothing if they are as they were.
    pub(super) fn batch(&mut self, now: SystemTime) -> Option<Batch> {
        if !std::mem::take(&mut self.has_changed) {
            return None;
        }
        let mut request = RequestWriter::new(Signal::Metrics);
        let mut services: Vec<&String> = self.series.keys().map(|(service, ..)| service).collect();
        services.dedup();
        for service in services {
            request.resource(&[("service.name", Value::Str(service))], |resource| {
                resource.scope(super::SCOPE, super::VERSION, |scope| {
                    for instrument in [Duration, TokenUsage, TimeToFirstChunk, TimePerOutputChunk] {
                        self.write(service, instrument, now, scope);
                    }
                });
            });
        }
        Some(request.finish())
    }

    fn write(
        &self,
        service: &str,
        instrument: Instrument,
        now: SystemTime,
        scope: &mut fanlight_otlp::write::ScopeWriter<'_>,
    ) {
        let of_it = |(of, measured, _): &&(String, Instrument, Series)| {
            of == service && *measured == instrument
        };
        let found: Vec<_> = self.series.iter().filter(|(key, _)| of_it(key)).collect();
        let attributes: Vec<_> = found
            .iter()
            .map(|((.., series), _)| series.attributes())
            .collect();
        let points = found
            .iter()
            .zip(&attributes)
            .map(|((_, histogram), attributes)| HistogramPoint {
                attributes,
                start_time_unix_nano: nanos(self.since),
                time_unix_nano: nanos(now),
                count: histogram.counts.iter().sum(),
                sum: histogram.sum,
                bucket_counts: &histogram.counts,
                explicit_bounds: instrument.bounds(),
            });
        let points: Vec<_> = points.collect();
        if points.is_empty() {
            return;
        }
        let (name, unit, description) = instrument.described();
        scope.metric(&Metric {
            name,
            unit,
            description,
            data: Data::Histogram(&points),
        });
    }
}

impl Instrument {
    const fn bounds(self) -> &'static [f64] {
        match self {
            TokenUsage => &TOKENS,
            _ => &SECONDS,
        }
    }

    const fn described(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Duration => (
                "gen_ai.client.operation.duration",
                "s",
                "How long calls of models take.",
            ),
            TokenUsage => (
                "gen_ai.client.token.usage",
                "{token}",
                "How many tokens calls of models read and write.",
            ),
            TimeToFirstChunk => (
                "gen_ai.client.operation.time_to_first_chunk",
                "s",
                "How long it takes until the first piece of a streamed answer comes.",
            ),
            TimePerOutputChunk => (
                "gen_ai.client.operation.time_per_output_chunk",
                "s",
                "How long it takes from one piece of a streamed answer to the next.",
            ),
        }
    }
}

impl Series {
    fn attributes(&self) -> Vec<(&str, Value<'_>)> {
        if self.is_overflow {
            return vec![("otel.metric.overflow", Value::Bool(true))];
        }
        let mut all = vec![
            ("gen_ai.operation.name", Value::Str(&self.operation)),
            ("gen_ai.provider.name", Value::Str(&self.provider)),
            ("server.address", Value::Str(&self.server.0)),
            ("server.port", Value::Int(i64::from(self.server.1))),
        ];
        for (key, text) in [
            ("gen_ai.request.model", self.request_model.as_str()),
            ("gen_ai.response.model", &self.response_model),
            ("error.type", &self.error_type),
            ("gen_ai.token.type", self.token_type),
        ] {
            if !text.is_empty() {
                all.push((key, Value::Str(text)));
            }
        }
        all
    }
}
