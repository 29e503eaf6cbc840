//! Samples put together again: buckets to histograms, quantiles to summaries, `target_info` to the resource.

use std::collections::BTreeMap;

use super::super::exposition::{Exemplar, Family, Kind, Page, Sample};
use super::super::native::NativeHistogram;
use super::super::relabel::Labels;

/// A page's metrics by scope and name.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub(super) scopes: BTreeMap<Scope, BTreeMap<String, Points>>,
    target_info: Labels,
}

/// Name and version.
pub(super) type Scope = (String, String);

/// One metric.
#[derive(Debug, Default)]
pub(super) struct Points {
    pub(super) family: Family,
    pub(super) is_native: bool,
    pub(super) points: BTreeMap<Labels, Point>,
}

/// One series of a metric, of whatever kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Point {
    pub(super) value: f64,
    pub(super) count: Option<f64>,
    pub(super) sum: Option<f64>,
    /// Upper bounds with cumulative counts, or quantiles with values.
    pub(super) parts: Vec<(f64, f64)>,
    pub(super) native: Option<Box<NativeHistogram>>,
    pub(super) exemplars: Vec<Exemplar>,
    /// Milliseconds since 1970.
    pub(super) timestamp: Option<i64>,
    /// The same.
    pub(super) created: Option<i64>,
}

/// What a sample is of its metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Value,
    Bucket,
    Quantile,
    Count,
    Sum,
    Created,
}

impl Point {
    /// What falls when the series was reset.
    pub(super) fn count(&self) -> f64 {
        match &self.native {
            Some(native) => native.count as f64,
            None => self.count.unwrap_or(self.value),
        }
    }
}

impl Groups {
    pub(super) fn new(page: Page) -> Groups {
        let mut groups = Groups::default();
        for sample in page.samples {
            if sample.name == "target_info" {
                groups.target_info = sample.labels;
                continue;
            }
            let (name, part, family) = place(&sample, &page.families);
            groups.add(name, part, family, sample);
        }
        for native in page.native {
            let mut family = page.families.get(&native.name).cloned().unwrap_or_default();
            // A rule may have given it another name.
            family.kind = Kind::Histogram;
            let mut labels = native.labels.clone();
            let scope = scope_of(&mut labels);
            let metrics = groups.scopes.entry(scope).or_default();
            let points = metrics.entry(native.name.clone()).or_default();
            (points.family, points.is_native) = (family, true);
            let point = Point {
                timestamp: native.timestamp,
                created: native.created,
                native: Some(Box::new(native)),
                ..Point::default()
            };
            points.points.insert(labels, point);
        }
        groups
    }

    fn add(&mut self, name: String, part: Part, family: Family, sample: Sample) {
        let mut labels = sample.labels;
        let bound = match part {
            Part::Bucket => labels.remove("le"),
            Part::Quantile => labels.remove("quantile"),
            _ => None,
        };
        let bound = bound.and_then(|text| match text.as_str() {
            "+Inf" => Some(f64::INFINITY),
            text => text.parse::<f64>().ok(),
        });
        let scope = scope_of(&mut labels);
        let points = self
            .scopes
            .entry(scope)
            .or_default()
            .entry(name)
            .or_default();
        points.family = family;
        let point = points.points.entry(labels).or_default();
        point.timestamp = point.timestamp.max(sample.timestamp);
        point.exemplars.extend(sample.exemplar);
        match part {
            Part::Value => point.value = sample.value,
            Part::Bucket | Part::Quantile => {
                point.parts.extend(bound.map(|bound| (bound, sample.value)))
            }
            Part::Count => point.count = Some(sample.value),
            Part::Sum => point.sum = Some(sample.value),
            Part::Created => point.created = Some((sample.value * 1000.0).round() as i64),
        }
    }

    pub(super) fn forget_timestamps(&mut self) {
        let metrics = self.scopes.values_mut().flat_map(BTreeMap::values_mut);
        let points = metrics.flat_map(|points| points.points.values_mut());
        points.for_each(|point| point.timestamp = None);
    }

    /// The resource: what the job says, and what `target_info` adds.
    pub(super) fn resource(&self, job: &[(&'static str, String)]) -> Vec<(String, String)> {
        let own = job
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()));
        let mut all: BTreeMap<String, String> = self.target_info.clone();
        all.remove("job");
        all.remove("instance");
        all.extend(own);
        all.into_iter().collect()
    }
}

/// The metric that a sample belongs to, and what it is of it.
fn place(sample: &Sample, families: &BTreeMap<String, Family>) -> (String, Part, Family) {
    if let Some(family) = families.get(&sample.name) {
        let part = match family.kind {
            Kind::Summary => Part::Quantile,
            _ => Part::Value,
        };
        return (sample.name.clone(), part, family.clone());
    }
    let suffixes: [(&str, Part, &[Kind]); 5] = [
        ("_bucket", Part::Bucket, &[Kind::Histogram]),
        ("_count", Part::Count, &[Kind::Histogram, Kind::Summary]),
        ("_sum", Part::Sum, &[Kind::Histogram, Kind::Summary]),
        (
            "_created",
            Part::Created,
            &[Kind::Counter, Kind::Histogram, Kind::Summary],
        ),
        ("_total", Part::Value, &[Kind::Counter]),
    ];
    for (suffix, part, kinds) in suffixes {
        let Some(base) = sample.name.strip_suffix(suffix) else {
            continue;
        };
        let Some(family) = families
            .get(base)
            .filter(|family| kinds.contains(&family.kind))
        else {
            continue;
        };
        let name = match family.kind {
            Kind::Counter if !base.ends_with("_total") => format!("{base}_total"),
            _ => base.to_owned(),
        };
        return (name, part, family.clone());
    }
    let info = sample.name.strip_suffix("_info");
    let family = info.and_then(|base| families.get(base)).cloned();
    (sample.name.clone(), Part::Value, family.unwrap_or_default())
}

/// Takes the scope out of the labels that carry it.
fn scope_of(labels: &mut Labels) -> Scope {
    let mut take = |name| labels.remove(name).unwrap_or_default();
    (take("otel_scope_name"), take("otel_scope_version"))
}
