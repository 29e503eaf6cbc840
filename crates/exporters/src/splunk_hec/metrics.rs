//! Data points: `event` is `"metric"`, values and dimensions are fields.
//! [Format](https://docs.splunk.com/Documentation/Splunk/latest/Metrics/GetMetricsInOther).
//!
//! A histogram becomes `_sum`, `_count` and one `_bucket` for each bound (`le`), cumulative; a summary `_sum`, `_count` and a
//! value for each quantile (`qt`). With `use_multi_metric_format`, values of the same time and dimensions are one event.

use std::collections::HashMap;

use fanlight_otlp::view::{MetricKind, MetricView, NumberView, PointValue, PointView};
use fanlight_otlp::{Batch, DecodeError};

use super::config::Rules;
use super::event::Origin;
use super::requests::{Group, Requests};
use crate::fields::{Dialect, Fields, member, not_finite, scalar, text};

/// Bit 0 of a point's flags: there is no recorded value.
const NO_RECORDED_VALUE: u32 = 1;

/// An event in the making: open up to its values.
struct Event {
    group: Group,
    head: Vec<u8>,
    /// Names and values, as members of `fields`.
    values: Vec<(String, Vec<u8>)>,
    items: Vec<usize>,
}

/// Writes the data points of a batch.
pub(super) fn write(
    batch: &Batch,
    rules: &Rules,
    requests: &mut Requests,
) -> Result<(), DecodeError> {
    let mut number = 0;
    let mut events: Vec<Event> = Vec::new();
    for resource in batch.resources() {
        let resource = resource?;
        let mut common = Fields::new(Dialect::Splunk);
        let mut origin = Origin::new(rules);
        origin.take(resource.attributes, rules, |key, value| {
            common.text(key, &value.to_text());
            Ok(())
        })?;
        let group = origin.group(false);
        for scope in resource.scopes() {
            for metric in scope?.metrics() {
                let metric = metric?;
                for point in metric.points() {
                    let point = point?;
                    let mut writer = Writer {
                        origin: &origin,
                        common: &common,
                        group: &group,
                        metric: &metric,
                        point: &point,
                        number,
                        events: Vec::new(),
                    };
                    let written = writer.point()?;
                    let own = writer.events;
                    number += 1;
                    match written {
                        Err(why) => requests.leave_out(1, why),
                        Ok(()) if rules.multi_metric => events.extend(own),
                        Ok(()) => {
                            let bodies: Vec<Vec<u8>> = own.iter().map(Event::body).collect();
                            requests.add(&group, &bodies, &[number - 1]);
                        }
                    }
                }
            }
        }
    }
    for event in merged(events) {
        requests.add(&event.group, &[event.body()], &event.items);
    }
    Ok(())
}

/// Events with the same beginning as one, where no value stands twice.
fn merged(events: Vec<Event>) -> Vec<Event> {
    let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut merged: Vec<Event> = Vec::new();
    for event in events {
        let same = known
            .get(&event.head)
            .and_then(|place| merged.get_mut(*place));
        let free = same.filter(|same| {
            let taken =
                |(name, _): &(String, Vec<u8>)| same.values.iter().any(|(known, _)| known == name);
            same.group == event.group && !event.values.iter().any(taken)
        });
        match free {
            Some(same) => {
                same.values.extend(event.values);
                same.items.extend(event.items);
            }
            None => {
                known.insert(event.head.clone(), merged.len());
                merged.push(event);
            }
        }
    }
    for event in &mut merged {
        event.items.dedup();
    }
    merged
}

impl Event {
    fn body(&self) -> Vec<u8> {
        let mut body = self.head.clone();
        for (name, value) in &self.values {
            member(&mut body, name.as_bytes());
            body.extend_from_slice(value);
        }
        body.extend_from_slice(b"}}");
        body
    }
}

/// One point on its way to its events.
struct Writer<'w> {
    origin: &'w Origin<'w>,
    common: &'w Fields,
    group: &'w Group,
    metric: &'w MetricView<'w>,
    point: &'w PointView<'w>,
    number: usize,
    events: Vec<Event>,
}

impl Writer<'_> {
    /// Adds the point's events, or says why there are none.
    fn point(&mut self) -> Result<Result<(), &'static str>, DecodeError> {
        if self.point.flags & NO_RECORDED_VALUE != 0 {
            return Ok(Err(
                "a data point without a recorded value has nothing to send",
            ));
        }
        match self.point.value {
            PointValue::Empty => {
                return Ok(Err("a data point without a value has nothing to send"));
            }
            PointValue::ExponentialHistogram(_) => {
                return Ok(Err(
                    "Splunk has no form for exponential histograms; let the source send explicit buckets",
                ));
            }
            PointValue::Number(NumberView::Int(value)) => {
                self.event("", None, |out| scalar(out, &value))?;
            }
            PointValue::Number(NumberView::Double(value)) => {
                self.event("", None, |out| number(out, value))?;
            }
            PointValue::Histogram(histogram) => {
                self.sum_and_count(histogram.sum, histogram.count)?;
                let counts: Vec<u64> = histogram.bucket_counts().collect::<Result<_, _>>()?;
                let bounds: Vec<f64> = histogram.explicit_bounds().collect::<Result<_, _>>()?;
                if counts.len() != bounds.len() + 1 {
                    return Ok(Ok(()));
                }
                let mut total = 0_u64;
                let bounds = bounds.into_iter().chain([f64::INFINITY]);
                for (bound, count) in bounds.zip(counts) {
                    total = total.saturating_add(count);
                    let bound = dimension(bound);
                    self.event("_bucket", Some(("le", &bound)), |out| scalar(out, &total))?;
                }
            }
            PointValue::Summary(summary) => {
                self.sum_and_count(Some(summary.sum), summary.count)?;
                for quantile in summary.quantile_values() {
                    let quantile = quantile?;
                    let name = dimension(quantile.quantile);
                    let suffix = format!("_{name}");
                    self.event(&suffix, Some(("qt", &name)), |out| {
                        number(out, quantile.value)
                    })?;
                }
            }
        }
        Ok(Ok(()))
    }

    fn sum_and_count(&mut self, sum: Option<f64>, count: u64) -> Result<(), DecodeError> {
        if let Some(sum) = sum.filter(|sum| !sum.is_nan()) {
            self.event("_sum", None, |out| number(out, sum))?;
        }
        self.event("_count", None, |out| scalar(out, &count))
    }

    /// Adds an event with one value.
    fn event(
        &mut self,
        suffix: &str,
        dimension: Option<(&str, &str)>,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), DecodeError> {
        let mut fields = self.common.clone();
        for attribute in self.point.attributes {
            let (key, value) = attribute?;
            fields.text(key, &value.to_text());
        }
        if let Some((key, value)) = dimension {
            fields.text(key, value);
        }
        fields.text("metric_type", kind(self.metric.kind));
        let mut head = Vec::new();
        self.origin.start(&mut head, self.point.time_unix_nano);
        member(&mut head, b"event");
        text(&mut head, "metric");
        member(&mut head, b"fields");
        fields.write_flat(&mut head);
        // Values go into the same object.
        head.pop();
        let mut value = Vec::new();
        write(&mut value);
        self.events.push(Event {
            group: self.group.clone(),
            head,
            values: vec![(format!("metric_name:{}{suffix}", self.metric.name), value)],
            items: vec![self.number],
        });
        Ok(())
    }
}

/// A number; text where JSON has none.
fn number(out: &mut Vec<u8>, value: f64) {
    match value.is_finite() {
        true => scalar(out, &value),
        false => text(out, not_finite(value)),
    }
}

/// A number as a dimension.
fn dimension(value: f64) -> String {
    match value.is_finite() {
        true => value.to_string(),
        false => not_finite(value).to_owned(),
    }
}

const fn kind(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Gauge => "Gauge",
        MetricKind::Sum => "Sum",
        MetricKind::Histogram => "Histogram",
        MetricKind::ExponentialHistogram => "ExponentialHistogram",
        MetricKind::Summary => "Summary",
        MetricKind::Empty => "Empty",
    }
}
