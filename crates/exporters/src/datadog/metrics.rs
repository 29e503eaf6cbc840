//! A batch of data points as requests for `/api/v2/series` and `/api/beta/sketches`.
//!
//! | OTLP | Datadog |
//! |---|---|
//! | gauge; sum that may fall and is cumulative | gauge |
//! | sum, delta; cumulative, as its increase | count |
//! | histogram, exponential histogram | distribution (`histograms.mode: distributions`); or counts, one a bucket (`counters`) |
//! | summary | `.count`, `.sum`, and gauges `.quantile` (`summaries.mode: gauges`) |
//!
//! Increases are made before a batch gets here (`prepare`). Requests are kept within the intake's 500 kB compressed by
//! being no larger before compression. Metrics of hosts and processes are called `otel.system.*` and `otel.process.*`, as
//! the Collector's are, so that they don't mix with the Agent's own. NaN and infinity are left out and counted.
//! [Source](https://docs.datadoghq.com/opentelemetry/mapping/metrics/).

mod point;
mod sketch;
mod summaries;

use bytes::Bytes;
use fanlight_formats::datadog::{CommonMetadata, MetricPayload, SketchPayload};
use fanlight_otlp::view::{Attributes, ResourceView, ScopeView};
use fanlight_otlp::{Batch, DecodeError};
use prost::Message;
use serde::Deserialize;

use self::point::Converter;
pub(super) use self::summaries::Summaries;
use super::source::{self, Source};
use crate::pieces::{LeftOut, Piece};

/// The most that a request may have: the intake takes 512,000 bytes compressed, and nothing grows past that.
const LARGEST: usize = 500_000;

/// `histograms.mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum HistogramMode {
    /// As distributions.
    #[default]
    Distributions,
    /// As counts, one for each bucket.
    Counters,
    /// Only `.count`, `.sum`, `.min` and `.max`.
    NoBuckets,
}

/// How points are mapped.
#[derive(Clone, Debug, Default)]
pub(super) struct Mapping {
    pub(super) hostname: String,
    pub(super) resource_attributes: bool,
    pub(super) scope_attributes: bool,
    pub(super) histograms: HistogramMode,
    pub(super) aggregations: bool,
    pub(super) quantiles: bool,
    /// Sums that count from a fixed start are gauges.
    pub(super) raw_sums: bool,
}

/// A request, and where it goes.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Series(Bytes),
    Sketches(Bytes),
}

/// The requests of a batch.
pub(super) fn pieces(
    batch: &Batch,
    mapping: &Mapping,
) -> Result<(Vec<Piece<Request>>, LeftOut), DecodeError> {
    let mut series = Filling::default();
    let mut sketches = Filling::default();
    let mut left_out = LeftOut::default();
    let mut number = 0..;
    for resource in batch.resources() {
        let resource = resource?;
        let shared = Shared::of(&resource, mapping)?;
        for scope in resource.scopes() {
            let scope = scope?;
            let tags = shared.tags(&scope, mapping)?;
            for metric in scope.metrics() {
                let metric = metric?;
                for (point, number) in metric.points().zip(&mut number) {
                    let point = point?;
                    let converter = Converter::new(mapping, &shared, &tags, &metric, &point)?;
                    let converted = converter.convert(&point)?;
                    if let Some(why) = converted.refused {
                        left_out.items += 1;
                        why.clone_into(&mut left_out.why);
                        continue;
                    }
                    for one in converted.series {
                        series.add(one, number);
                    }
                    if let Some(one) = converted.sketch {
                        sketches.add(one, number);
                    }
                }
            }
        }
    }
    let mut pieces =
        series.finish(|series| Request::Series(MetricPayload { series }.encode_to_vec().into()));
    pieces.extend(sketches.finish(|sketches| {
        let metadata = Some(CommonMetadata::default());
        Request::Sketches(SketchPayload { sketches, metadata }.encode_to_vec().into())
    }));
    Ok((pieces, left_out))
}

/// Requests of one kind that are being filled.
struct Filling<T> {
    done: Vec<(Vec<T>, Vec<usize>)>,
    size: usize,
}

impl<T> Default for Filling<T> {
    fn default() -> Filling<T> {
        Filling {
            done: Vec::new(),
            size: 0,
        }
    }
}

impl<T: Message> Filling<T> {
    fn add(&mut self, message: T, number: usize) {
        let size = message.encoded_len() + 6;
        if self.done.is_empty() || self.size + size > LARGEST {
            self.done.push((Vec::new(), Vec::new()));
            self.size = 0;
        }
        self.size += size;
        if let Some((messages, items)) = self.done.last_mut() {
            messages.push(message);
            if items.last() != Some(&number) {
                items.push(number);
            }
        }
    }

    fn finish(self, request: impl Fn(Vec<T>) -> Request) -> Vec<Piece<Request>> {
        let piece = |(messages, items)| Piece {
            request: request(messages),
            items,
        };
        self.done.into_iter().map(piece).collect()
    }
}

/// What the points of a resource share.
struct Shared<'a> {
    hostname: String,
    tags: Vec<String>,
    /// Every attribute, where they are wanted.
    attributes: Option<Attributes<'a>>,
}

impl<'a> Shared<'a> {
    fn of(resource: &ResourceView<'a>, mapping: &Mapping) -> Result<Shared<'a>, DecodeError> {
        let from = Source::of(&resource.attributes)?;
        let mut tags = source::tags(&resource.attributes)?;
        if let Source::Fargate(task) = &from {
            let tag = format!("task_arn:{task}");
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Ok(Shared {
            hostname: from.hostname(&mapping.hostname),
            tags,
            attributes: mapping.resource_attributes.then_some(resource.attributes),
        })
    }

    /// The tags of a scope's points.
    fn tags(&self, scope: &ScopeView<'_>, mapping: &Mapping) -> Result<Vec<String>, DecodeError> {
        let mut tags = self.tags.clone();
        if mapping.scope_attributes {
            tags.push(source::tag_of("instrumentation_scope", scope.name));
            tags.push(source::tag_of(
                "instrumentation_scope_version",
                scope.version,
            ));
            for attribute in scope.attributes {
                let (key, value) = attribute?;
                tags.push(source::tag(key, &value));
            }
        }
        Ok(tags)
    }
}
