//! Data points as SignalFx's.

use bytes::Bytes;
use fanlight_formats::signalfx::{DataPoint, DataPointUploadMessage, Datum, Dimension, MetricType};
use fanlight_otlp::edit::{Level, Verdict, rewrite};
use fanlight_otlp::view::{
    Attributes, HistogramView, MetricKind, MetricView, NumberView, PointValue, PointView,
    SummaryView,
};
use fanlight_otlp::{Batch, DecodeError};
use prost::Message as _;

use super::filter::Filters;
use super::{Content, Pieces, Request};
use crate::pieces::{LeftOut, Piece};
use crate::splunk_ingest::{self, TOKEN_ATTRIBUTE};

/// Longest name of a metric, in characters.
const LONGEST_NAME: usize = 256;
/// Longest key of a dimension, in characters.
const LONGEST_KEY: usize = 128;
/// Longest value of a dimension, in characters.
const LONGEST_VALUE: usize = 256;
/// Most dimensions of a point.
const MOST_DIMENSIONS: usize = 36;

const DELTA: i32 = 1;

/// How points are mapped.
#[derive(Clone, Debug)]
pub(super) struct Mapping {
    pub(super) filters: Filters,
    /// What a key may have besides letters and digits.
    pub(super) key_characters: String,
    pub(super) drop_buckets: bool,
    pub(super) otlp_histograms: bool,
}

/// Points of one access token.
#[derive(Default)]
struct Group<'a> {
    token: Option<&'a str>,
    message: DataPointUploadMessage,
    items: Vec<usize>,
    /// Numbers of the points that go as OTLP.
    histograms: Vec<usize>,
}

impl<'a> Group<'a> {
    /// The group of a token, which is made when it appears first.
    fn of<'g>(groups: &'g mut Vec<Group<'a>>, token: Option<&'a str>) -> &'g mut Group<'a> {
        let found = groups.iter().position(|group| group.token == token);
        let index = found.unwrap_or(groups.len());
        if found.is_none() {
            groups.push(Group {
                token,
                ..Group::default()
            });
        }
        &mut groups[index]
    }

    /// Its requests.
    fn into_pieces(self, batch: &Batch) -> Result<Vec<Piece<Request>>, DecodeError> {
        let mut pieces = Vec::new();
        let mut add = |content, body, items| {
            pieces.push(Piece {
                request: Request {
                    content,
                    token: self.token.map(str::to_owned),
                    body,
                },
                items,
            });
        };
        if !self.items.is_empty() {
            let body = self.message.encode_to_vec().into();
            add(Content::DataPoints, body, self.items);
        }
        if !self.histograms.is_empty() {
            let body = otlp(batch, &self.histograms)?;
            add(Content::OtlpHistograms, body, self.histograms);
        }
        Ok(pieces)
    }
}

/// One request for each access token, and one more for its histograms where they go as OTLP.
pub(super) fn pieces(
    batch: &Batch,
    mapping: &Mapping,
    passthrough: bool,
) -> Result<Pieces, DecodeError> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut left_out = LeftOut::default();
    let mut number = 0..;
    for resource in batch.resources() {
        let resource = resource?;
        let token = splunk_ingest::token(&resource, passthrough)?;
        let group = Group::of(&mut groups, token);
        let shared = mapping.resource_dimensions(&resource.attributes)?;
        for scope in resource.scopes() {
            for metric in scope?.metrics() {
                let metric = metric?;
                for (point, number) in metric.points().zip(&mut number) {
                    if mapping.otlp_histograms && metric.kind == MetricKind::Histogram {
                        group.histograms.push(number);
                        continue;
                    }
                    let mut writer = Writer::new(mapping, &metric, &mut group.message);
                    match writer.point(&point?, &shared)? {
                        Ok(()) => group.items.push(number),
                        Err(why) => {
                            left_out.items += 1;
                            left_out.why = why;
                        }
                    }
                }
            }
        }
    }
    let pieces = groups.into_iter().map(|group| group.into_pieces(batch));
    let pieces: Vec<_> = pieces.collect::<Result<_, _>>()?;
    Ok((pieces.into_iter().flatten().collect(), left_out))
}

/// The chosen points as they came, without the token.
fn otlp(batch: &Batch, numbers: &[usize]) -> Result<Bytes, DecodeError> {
    let chosen = batch.select(|number| numbers.binary_search(&number).is_ok());
    let stripped = rewrite(chosen, |element| {
        if element.level() != Level::Resource {
            return Ok(Verdict::KeepWhole);
        }
        if let Some(attributes) = element.attributes()? {
            attributes.remove(TOKEN_ATTRIBUTE);
        }
        Ok(Verdict::KeepWhole)
    })?;
    Ok(stripped.bytes().clone())
}

impl Mapping {
    /// The resource's attributes, and the id by which Splunk knows a machine of a cloud.
    fn resource_dimensions(
        &self,
        attributes: &Attributes<'_>,
    ) -> Result<Vec<Dimension>, DecodeError> {
        let mut dimensions = Vec::with_capacity(attributes.len());
        if let Some((key, value)) = host_id(attributes)? {
            dimensions.push(Dimension {
                key: key.to_owned(),
                value,
            });
        }
        self.add_dimensions(&mut dimensions, attributes)?;
        Ok(dimensions)
    }

    /// Adds attributes; one that is there already is overwritten, and one that is too long is left out.
    fn add_dimensions(
        &self,
        dimensions: &mut Vec<Dimension>,
        attributes: &Attributes<'_>,
    ) -> Result<(), DecodeError> {
        for attribute in attributes.iter() {
            let (key, value) = attribute?;
            let value = value.to_text();
            let fits = !key.is_empty()
                && key.chars().count() <= LONGEST_KEY
                && value.chars().count() <= LONGEST_VALUE;
            if key == TOKEN_ATTRIBUTE || !fits {
                continue;
            }
            let allowed = |c: char| c.is_alphanumeric() || self.key_characters.contains(c);
            let key: String = key
                .chars()
                .map(|c| if allowed(c) { c } else { '_' })
                .collect();
            match dimensions.iter_mut().find(|known| known.key == key) {
                Some(known) => known.value = value.into_owned(),
                None => dimensions.push(Dimension {
                    key,
                    value: value.into_owned(),
                }),
            }
        }
        Ok(())
    }
}

/// Writes the data points that one OTLP point becomes.
struct Writer<'a> {
    mapping: &'a Mapping,
    metric: &'a MetricView<'a>,
    out: &'a mut DataPointUploadMessage,
    timestamp: i64,
    dimensions: Vec<Dimension>,
    /// What sums and counts are.
    counter: MetricType,
}

impl<'a> Writer<'a> {
    fn new(
        mapping: &'a Mapping,
        metric: &'a MetricView<'a>,
        out: &'a mut DataPointUploadMessage,
    ) -> Writer<'a> {
        let counter = match metric.aggregation_temporality {
            DELTA => MetricType::Counter,
            _ => MetricType::CumulativeCounter,
        };
        Writer {
            mapping,
            metric,
            out,
            timestamp: 0,
            dimensions: Vec::new(),
            counter,
        }
    }

    /// Writes a point, or says why it can't be. A point that says "no value" has nothing to write.
    fn point(
        &mut self,
        point: &PointView<'_>,
        shared: &[Dimension],
    ) -> Result<Result<(), String>, DecodeError> {
        if self.metric.name.is_empty() || self.metric.name.chars().count() > LONGEST_NAME {
            return Ok(Err(format!(
                "the name of a metric has 1 to {LONGEST_NAME} characters"
            )));
        }
        self.dimensions = shared.to_vec();
        self.mapping
            .add_dimensions(&mut self.dimensions, &point.attributes)?;
        if self.dimensions.len() > MOST_DIMENSIONS {
            return Ok(Err(format!(
                "a point has more than {MOST_DIMENSIONS} dimensions; remove attributes with a processor"
            )));
        }
        let milliseconds = point.time_unix_nano / 1_000_000;
        self.timestamp = i64::try_from(milliseconds).unwrap_or(i64::MAX);
        const NO_RECORDED_VALUE: u32 = 1;
        if point.flags & NO_RECORDED_VALUE != 0 {
            return Ok(Ok(()));
        }
        match point.value {
            PointValue::Empty => {}
            PointValue::Number(number) => return Ok(self.number(number)),
            PointValue::Histogram(histogram) => self.histogram(&histogram)?,
            PointValue::ExponentialHistogram(value) => {
                self.aggregates(value.count, value.sum, value.min, value.max);
            }
            PointValue::Summary(summary) => self.summary(&summary)?,
        }
        Ok(Ok(()))
    }

    fn number(&mut self, number: NumberView) -> Result<(), String> {
        let falls = self.metric.kind == MetricKind::Gauge || !self.metric.is_monotonic;
        let kind = if falls {
            MetricType::Gauge
        } else {
            self.counter
        };
        match number {
            NumberView::Double(value) if !value.is_finite() => {
                Err("NaN and infinity are no values to SignalFx".to_owned())
            }
            NumberView::Double(value) => {
                self.write("", kind, double(value), None);
                Ok(())
            }
            NumberView::Int(value) => {
                self.write("", kind, int(value), None);
                Ok(())
            }
        }
    }

    fn aggregates(&mut self, count: u64, sum: Option<f64>, min: Option<f64>, max: Option<f64>) {
        let counter = self.counter;
        self.write("_count", counter, unsigned(count), None);
        for (suffix, kind, value) in [
            ("_sum", counter, sum),
            ("_min", MetricType::Gauge, min),
            ("_max", MetricType::Gauge, max),
        ] {
            if let Some(value) = value.filter(|value| value.is_finite()) {
                self.write(suffix, kind, double(value), None);
            }
        }
    }

    fn histogram(&mut self, histogram: &HistogramView<'_>) -> Result<(), DecodeError> {
        self.aggregates(histogram.count, histogram.sum, histogram.min, histogram.max);
        if self.mapping.drop_buckets {
            return Ok(());
        }
        let bounds: Vec<f64> = histogram.explicit_bounds().collect::<Result<_, _>>()?;
        let counts: Vec<u64> = histogram.bucket_counts().collect::<Result<_, _>>()?;
        if counts.len() != bounds.len() + 1 {
            return Ok(());
        }
        let mut below = 0_u64;
        let bounds = bounds.into_iter().chain([f64::INFINITY]);
        for (count, bound) in counts.into_iter().zip(bounds) {
            below = below.saturating_add(count);
            let dimension = ("le", bound_text(bound));
            self.write("_bucket", self.counter, unsigned(below), Some(dimension));
        }
        Ok(())
    }

    fn summary(&mut self, summary: &SummaryView<'_>) -> Result<(), DecodeError> {
        let counter = MetricType::CumulativeCounter;
        self.write("_count", counter, unsigned(summary.count), None);
        if summary.sum.is_finite() {
            self.write("_sum", counter, double(summary.sum), None);
        }
        for quantile in summary.quantile_values() {
            let quantile = quantile?;
            if quantile.value.is_finite() {
                let dimension = ("quantile", quantile.quantile.to_string());
                self.write(
                    "_quantile",
                    MetricType::Gauge,
                    double(quantile.value),
                    Some(dimension),
                );
            }
        }
        Ok(())
    }

    /// Writes one data point, unless it is excluded.
    fn write(
        &mut self,
        suffix: &str,
        kind: MetricType,
        value: Datum,
        more: Option<(&str, String)>,
    ) {
        let metric = format!("{}{suffix}", self.metric.name);
        let mut dimensions = self.dimensions.clone();
        dimensions.extend(more.map(|(key, value)| Dimension {
            key: key.to_owned(),
            value,
        }));
        if self.mapping.filters.exclude(&metric, &dimensions) {
            return;
        }
        self.out.datapoints.push(DataPoint {
            source: None,
            metric,
            timestamp: Some(self.timestamp),
            value,
            metric_type: Some(kind as i32),
            dimensions,
        });
    }
}

fn double(value: f64) -> Datum {
    Datum {
        double_value: Some(value),
        ..Datum::default()
    }
}

fn int(value: i64) -> Datum {
    Datum {
        int_value: Some(value),
        ..Datum::default()
    }
}

fn unsigned(value: u64) -> Datum {
    int(i64::try_from(value).unwrap_or(i64::MAX))
}

/// A bound as Prometheus writes it.
fn bound_text(bound: f64) -> String {
    match bound {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        bound => bound.to_string(),
    }
}

/// The dimension by which Splunk knows a machine of a cloud, as its own agents make it.
fn host_id(attributes: &Attributes<'_>) -> Result<Option<(&'static str, String)>, DecodeError> {
    let text = |key: &str| -> Result<Option<&str>, DecodeError> {
        let value = attributes.get(key)?.and_then(|value| value.as_str());
        Ok(value.filter(|text| !text.is_empty()))
    };
    let (account, host) = (text("cloud.account.id")?, text("host.id")?);
    let found = match (text("cloud.provider")?, account, host) {
        (Some("aws"), Some(account), Some(host)) => text("cloud.region")?
            .map(|region| ("AWSUniqueId", format!("{host}_{region}_{account}"))),
        (Some("gcp"), Some(account), Some(host)) => Some(("gcp_id", format!("{account}_{host}"))),
        (Some("azure"), Some(account), _) => {
            let group = text("azure.resourcegroup.name")?;
            let (machine, set) = (text("azure.vm.name")?, text("azure.vm.scaleset.name")?);
            group
                .zip(machine)
                .map(|(group, machine)| ("azure_resource_id", azure(account, group, machine, set)))
        }
        _ => None,
    };
    Ok(found)
}

fn azure(account: &str, group: &str, machine: &str, set: Option<&str>) -> String {
    let path = match set {
        None => format!("virtualmachines/{machine}"),
        Some(set) => {
            let own = machine
                .strip_prefix(set)
                .and_then(|rest| rest.strip_prefix('_'));
            format!(
                "virtualmachinescalesets/{set}/virtualmachines/{}",
                own.unwrap_or(machine)
            )
        }
    };
    format!("{account}/{group}/microsoft.compute/{path}").to_lowercase()
}
