//! `probabilistic_sampler`: keeps a share of spans or log records, the same ones at every hub and Collector that is set up
//! alike.
//!
//! `hash_seed` (the default) hashes the trace id to 14 bits, as the Collector always did; `proportional` and `equalizing`
//! use the randomness of the trace id as [OpenTelemetry specifies](https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/).
//! Either way a kept item says how it was sampled: a span in the `ot` entry of its trace state, a log record in attributes.
//! [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/processor/probabilisticsamplerprocessor).

mod carrier;
mod priority;
mod threshold;

use fanlight_config::{ConfigError, Node};
use fanlight_otlp::edit::{Element, Verdict, rewrite};
use fanlight_otlp::view::{LogView, SpanView, Value};
use fanlight_otlp::{Batch, DecodeError, Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Kind, Processor, ProcessorConfig, ProcessorKind, Refused,
};
use serde::Deserialize;

use self::carrier::Carrier;
use self::threshold::{ALWAYS, MIN_PROBABILITY, NEVER, Randomness, Threshold};
use crate::unreadable;

/// The descriptor.
pub(crate) static KIND: ProcessorKind = Kind {
    name: "probabilistic_sampler",
    aliases: &[],
    about: "Keeps a share of spans or log records, chosen by trace id.",
    sample: "sampling_percentage: 15",
    decode,
};

/// The configuration. Defaults are the Collector's.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
struct Config {
    /// How many of a hundred are kept; more than 100 is 100. Default: 0.
    sampling_percentage: f32,
    /// Hubs with the same seed keep the same items. Default: 0.
    hash_seed: u32,
    /// How to choose. Default: `hash_seed`.
    mode: Mode,
    /// Whether items that can't be judged (no trace id, contradicting trace state) are dropped. Default: true.
    fail_closed: bool,
    /// How many hexadecimal digits of the threshold are written, 1 to 14. Default: 4.
    sampling_precision: u8,
    /// Logs: whether the trace id counts, or only `from_attribute`. Default: `traceID`.
    attribute_source: AttributeSource,
    /// Logs: the attribute to hash where there is no trace id.
    from_attribute: String,
    /// Logs: the attribute that holds a percentage of its own.
    sampling_priority: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    HashSeed,
    Proportional,
    Equalizing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum AttributeSource {
    #[serde(rename = "traceID")]
    TraceId,
    #[serde(rename = "record")]
    Record,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            sampling_percentage: 0.0,
            hash_seed: 0,
            mode: Mode::HashSeed,
            fail_closed: true,
            sampling_precision: 4,
            attribute_source: AttributeSource::TraceId,
            from_attribute: String::new(),
            sampling_priority: String::new(),
        }
    }
}

fn decode(node: &Node) -> Result<Box<dyn ProcessorConfig>, ConfigError> {
    let config: Config = node.decode()?;
    let percentage = config.sampling_percentage;
    if !percentage.is_finite() || percentage < 0.0 {
        return Err(node.error_at(
            "sampling_percentage",
            format!("{percentage} is not a percentage; write 0 to 100"),
        ));
    }
    if percentage > 0.0 && f64::from(percentage) / 100.0 < MIN_PROBABILITY {
        return Err(node.error_at(
            "sampling_percentage",
            format!("{percentage} is too small to be told from 0"),
        ));
    }
    if !(1..=14).contains(&config.sampling_precision) {
        return Err(node.error_at(
            "sampling_precision",
            format!("{} is not from 1 to 14", config.sampling_precision),
        ));
    }
    Ok(Box::new(config))
}

impl ProcessorConfig for Config {
    fn signals(&self) -> SignalSet {
        SignalSet::of(&[Signal::Traces, Signal::Logs])
    }

    fn build(
        &self,
        _signal: Signal,
        _context: &BuildContext<'_>,
    ) -> Result<Box<dyn Processor>, BuildError> {
        Ok(Box::new(Sampler::new(self.clone())))
    }
}

/// A configuration with what can be computed beforehand.
#[derive(Debug)]
struct Sampler {
    config: Config,
    rule: Rule,
}

/// How the threshold of an item is found.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    Never,
    /// The hash of the trace id against a fixed threshold.
    Hash(Threshold),
    /// The randomness of the trace id against a fixed threshold, or a higher one that the item has already.
    AtMost(Threshold),
    /// The randomness of the trace id against this share of the probability that the item has already.
    Share(f64),
}

/// How many values the hash can have.
const BUCKETS: u32 = 1 << 14;

impl Sampler {
    fn new(config: Config) -> Sampler {
        let percentage = config.sampling_percentage.min(100.0);
        let ratio = f64::from(percentage) / 100.0;
        // In 32 bits and rounded down, as the Collector does it: other arithmetic would keep other items.
        let kept_buckets = (percentage * (BUCKETS as f32 / 100.0)) as u32;
        let rule = match config.mode {
            _ if percentage == 0.0 => Rule::Never,
            Mode::HashSeed if kept_buckets == 0 => Rule::Never,
            Mode::HashSeed => Rule::Hash(Threshold(u64::from(BUCKETS - kept_buckets) << 42)),
            Mode::Equalizing => {
                Rule::AtMost(Threshold::of(ratio, config.sampling_precision).unwrap_or(ALWAYS))
            }
            Mode::Proportional => Rule::Share(ratio),
        };
        Sampler { config, rule }
    }

    /// What a span or log record is judged by, `None` if it has nothing of the kind. The carrier is where its sampling is
    /// written; it is taken away where the item's own contradicts the mode.
    fn randomness(
        &self,
        subject: &Subject<'_>,
        carrier: &mut Option<Carrier>,
    ) -> Option<Randomness> {
        match self.rule {
            Rule::Never => Some(Randomness::HIGHEST),
            Rule::Hash(_) => {
                let randomness = self.hashed(subject);
                match carrier {
                    // Sampled by the specification elsewhere: to be left alone.
                    Some(found) if found.randomness.is_some() || found.threshold.is_some() => {
                        *carrier = None
                    }
                    Some(found) => found.randomness = randomness,
                    None => {}
                }
                randomness
            }
            Rule::AtMost(_) | Rule::Share(_) => {
                let explicit = carrier.as_ref()?.randomness;
                explicit.or_else(|| subject.trace_id().map(|id| Randomness::of_trace_id(&id)))
            }
        }
    }

    fn hashed(&self, subject: &Subject<'_>) -> Option<Randomness> {
        let seed = self.config.hash_seed;
        let log = match subject {
            Subject::Span(_) => return subject.trace_id().map(|id| Randomness::hashed(&id, seed)),
            Subject::Log(log) => log,
        };
        if self.config.attribute_source == AttributeSource::TraceId
            && let Some(id) = subject.trace_id()
        {
            return Some(Randomness::hashed(&id, seed));
        }
        let source = log
            .attributes
            .get(&self.config.from_attribute)
            .ok()
            .flatten()?;
        let text = source.to_text();
        let bytes = if let Value::Bytes(bytes) = source {
            bytes
        } else {
            text.as_bytes()
        };
        (!bytes.is_empty()).then(|| Randomness::hashed(bytes, seed))
    }

    /// The threshold that the mode asks for.
    fn threshold(&self, carrier: &Carrier) -> Threshold {
        match self.rule {
            Rule::Never => NEVER,
            Rule::Hash(threshold) => threshold,
            Rule::AtMost(threshold) => carrier
                .threshold
                .map_or(threshold, |arriving| arriving.max(threshold)),
            Rule::Share(ratio) => {
                let arriving = carrier.threshold.map_or(1.0, Threshold::probability);
                Threshold::of(arriving * ratio, self.config.sampling_precision).unwrap_or(NEVER)
            }
        }
    }

    /// Whether to keep an item, and what it is to say about its sampling.
    fn judge(&self, subject: &Subject<'_>) -> Result<Judgement, DecodeError> {
        let mut carrier = subject.carrier()?;
        let randomness = self.randomness(subject, &mut carrier);
        let contradiction = match (&mut carrier, randomness) {
            // A threshold that would have dropped the item can't be true.
            (Some(carrier), Some(randomness))
                if carrier
                    .threshold
                    .is_some_and(|found| !found.keeps(randomness)) =>
            {
                carrier.threshold = None;
                true
            }
            (carrier, randomness) => carrier.is_none() || randomness.is_none(),
        };
        let mut threshold = match &carrier {
            Some(carrier) if !contradiction => self.threshold(carrier),
            _ if self.config.fail_closed => NEVER,
            _ => ALWAYS,
        };
        threshold = match subject {
            Subject::Span(span) => priority::of_span(span)?.unwrap_or(threshold),
            Subject::Log(log) => {
                let key = &self.config.sampling_priority;
                let own = priority::of_log(log, key, self.config.sampling_precision)?;
                own.map_or(threshold, |own| own.min(threshold))
            }
        };
        if !threshold.keeps(randomness.unwrap_or(Randomness::HIGHEST)) {
            return Ok(Judgement::Drop);
        }
        let Some(mut carrier) = carrier else {
            return Ok(Judgement::Keep);
        };
        // Probability can only fall on the way.
        carrier.threshold = Some(
            carrier
                .threshold
                .map_or(threshold, |arriving| arriving.max(threshold)),
        );
        Ok(Judgement::KeepAs(carrier))
    }
}

enum Judgement {
    Keep,
    KeepAs(Carrier),
    Drop,
}

enum Subject<'a> {
    Span(SpanView<'a>),
    Log(LogView<'a>),
}

impl Subject<'_> {
    fn trace_id(&self) -> Option<[u8; 16]> {
        let id = match self {
            Subject::Span(span) => span.trace_id,
            Subject::Log(log) => log.trace_id,
        };
        (!id.is_zero()).then_some(id.0)
    }

    /// What the item says about its sampling; `None` when that can't be read.
    fn carrier(&self) -> Result<Option<Carrier>, DecodeError> {
        match self {
            Subject::Span(span) => Ok(Carrier::of_trace_state(span.trace_state)),
            Subject::Log(log) => Carrier::of_attributes(&log.attributes),
        }
    }
}

impl Processor for Sampler {
    fn process(&self, batch: Batch) -> Result<Batch, Refused> {
        rewrite(batch, |element| self.visit(element)).map_err(unreadable)
    }
}

impl Sampler {
    fn visit(&self, element: &mut Element<'_>) -> Result<Verdict, DecodeError> {
        let subject = match (element.span()?, element.log()?) {
            (Some(span), _) => Subject::Span(span),
            (_, Some(log)) => Subject::Log(log),
            _ => return Ok(Verdict::Keep),
        };
        match (self.judge(&subject)?, subject) {
            (Judgement::Drop, _) => return Ok(Verdict::Drop),
            (Judgement::Keep, _) => {}
            (Judgement::KeepAs(carrier), Subject::Span(_)) => {
                element.set_trace_state(&carrier.to_trace_state())?
            }
            (Judgement::KeepAs(carrier), Subject::Log(_)) => {
                if let Some(attributes) = element.attributes()? {
                    carrier.put_into(attributes);
                }
            }
        }
        Ok(Verdict::Keep)
    }
}

#[cfg(test)]
mod tests;
