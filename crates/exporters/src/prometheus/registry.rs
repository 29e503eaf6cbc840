//! The newest point of every series.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fanlight_otlp::Batch;
use fanlight_otlp::view::{MetricView, PointView};

use crate::pieces::LeftOut;
use crate::prometheus_model::{
    Label, LabelSettings, Labeller, Measurement, Symbols, Type, Unfit, exemplars, is_stale, kind,
    measure, millis,
};

/// All families, by name.
#[derive(Debug)]
pub(super) struct Registry {
    settings: Settings,
    families: BTreeMap<String, Family>,
    /// `target_info`, by `job` and `instance`: its labels, and when it was last heard of.
    targets: BTreeMap<Labels, (Labels, Instant)>,
    series: usize,
}

/// What a registry does.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// How labels and names are made.
    pub(super) labels: LabelSettings,
    /// How long a series is kept without a new point.
    pub(super) expiration: Duration,
    /// How many series are kept.
    pub(super) max_series: usize,
    /// Whether points are served with their times.
    pub(super) send_timestamps: bool,
}

/// The series of one name.
#[derive(Debug)]
pub(super) struct Family {
    /// What the metric is.
    pub(super) kind: Type,
    /// What it measures.
    pub(super) help: String,
    /// Its unit.
    pub(super) unit: String,
    /// The newest points.
    pub(super) points: BTreeMap<Labels, Point>,
}

/// The newest point of a series.
#[derive(Debug)]
pub(super) struct Point {
    /// When it was measured, in Unix milliseconds.
    pub(super) time: i64,
    /// When counting began; 0 when unknown.
    pub(super) start: i64,
    /// What was measured.
    pub(super) measurement: Measurement,
    /// Examples, in the order of time.
    pub(super) exemplars: Vec<Example>,
    updated: Instant,
}

/// An exemplar with its labels' texts.
#[derive(Debug)]
pub(super) struct Example {
    /// Its labels.
    pub(super) labels: Labels,
    /// The value.
    pub(super) value: f64,
    /// When, in Unix milliseconds.
    pub(super) time: i64,
}

/// Names and values, each followed by a byte that no text has.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Labels(Vec<u8>);

/// No UTF-8 text has this byte.
const END: u8 = 0xff;

impl Labels {
    fn set(&mut self, labels: &[Label], symbols: &Symbols<'_>) {
        self.0.clear();
        for text in labels.iter().flat_map(|label| [label.name, label.value]) {
            self.0.extend_from_slice(symbols.text(text).as_bytes());
            self.0.push(END);
        }
    }

    fn of(labels: &[Label], symbols: &Symbols<'_>) -> Labels {
        let mut made = Labels::default();
        made.set(labels, symbols);
        made
    }

    /// Names and values in the order of the names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut texts = self.0.split(|byte| *byte == END);
        std::iter::from_fn(move || {
            let name = texts.next().filter(|name| !name.is_empty())?;
            let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
            Some((text(name), text(texts.next().unwrap_or_default())))
        })
    }
}

impl Registry {
    pub(super) fn new(settings: Settings) -> Registry {
        Registry {
            settings,
            families: BTreeMap::new(),
            targets: BTreeMap::new(),
            series: 0,
        }
    }

    /// How many series there are.
    pub(super) fn len(&self) -> usize {
        self.series
    }

    /// The families in the order of their names.
    pub(super) fn families(&self) -> impl Iterator<Item = (&str, &Family)> {
        self.families
            .iter()
            .map(|(name, family)| (name.as_str(), family))
    }

    /// The labels of every `target_info`.
    pub(super) fn targets(&self) -> impl Iterator<Item = &Labels> {
        self.targets.values().map(|(labels, _)| labels)
    }

    /// The time to serve with a point, where times are served.
    pub(super) fn timestamp(&self, point: &Point) -> Option<i64> {
        self.settings.send_timestamps.then_some(point.time)
    }

    /// Takes a batch in, and says what it can't hold.
    pub(super) fn store(&mut self, batch: &Batch, now: Instant) -> LeftOut {
        let mut left_out = LeftOut::default();
        if self.series >= self.settings.max_series {
            self.forget(now);
        }
        let settings = self.settings.clone();
        let mut labeller = Labeller::new(&settings.labels);
        if let Err(error) = self.read(batch, &mut labeller, now, &mut left_out) {
            left_out.items += 1;
            left_out.why = error.to_string();
        }
        left_out
    }

    fn read<'a>(
        &mut self,
        batch: &'a Batch,
        labeller: &mut Labeller<'a, '_>,
        now: Instant,
        left_out: &mut LeftOut,
    ) -> Result<(), Unfit> {
        for resource in batch.resources() {
            let resource = resource?;
            labeller.enter_resource(&resource)?;
            self.store_target(labeller, now);
            for scope in resource.scopes() {
                let scope = scope?;
                labeller.enter_scope(&scope)?;
                for metric in scope.metrics() {
                    self.store_metric(&metric?, labeller, now, left_out)?;
                }
            }
        }
        Ok(())
    }

    fn store_target(&mut self, labeller: &Labeller<'_, '_>, now: Instant) {
        let target = labeller.target();
        let key = Labels::of(labeller.identity(), &labeller.symbols);
        let known = self.targets.contains_key(&key);
        if target.is_empty() || (!known && self.targets.len() >= self.settings.max_series) {
            return;
        }
        let labels = Labels::of(target, &labeller.symbols);
        self.targets.insert(key, (labels, now));
    }

    fn store_metric<'a>(
        &mut self,
        metric: &MetricView<'a>,
        labeller: &mut Labeller<'a, '_>,
        now: Instant,
        left_out: &mut LeftOut,
    ) -> Result<(), Unfit> {
        if metric.points_count() == 0 {
            return Ok(());
        }
        let kind = kind(metric);
        let names = &self.settings.labels.names;
        let Some(name) = names.metric(metric.name, metric.unit, kind) else {
            let why = Unfit::NoName(metric.name.to_owned());
            refuse(left_out, metric.points_count(), why.to_string());
            return Ok(());
        };
        let unit = names.unit(metric.unit);
        let family = self.families.entry(name.clone()).or_insert_with(|| Family {
            kind,
            help: String::new(),
            unit: String::new(),
            points: BTreeMap::new(),
        });
        if family.points.is_empty() {
            family.kind = kind;
        }
        if is_of_other_type(family.kind, kind) {
            let why = format!(
                "`{name}` is another type of metric already ({}), and Prometheus has one for a name; rename one of them",
                word(family.kind)
            );
            refuse(left_out, metric.points_count(), why);
            return Ok(());
        }
        metric.description.clone_into(&mut family.help);
        family.unit = unit;
        let (mut labels, mut key) = (Vec::new(), Labels::default());
        for point in metric.points() {
            let point = point?;
            labeller.point(&point.attributes, &mut labels)?;
            key.set(&labels, &labeller.symbols);
            if is_stale(&point) {
                self.series -= usize::from(family.points.remove(&key).is_some());
                continue;
            }
            let room = self.series < self.settings.max_series;
            match read_point(metric, &point, labeller, now) {
                Ok(point) if room || family.points.contains_key(&key) => {
                    self.series += usize::from(family.store(&key, point));
                }
                Ok(_) => refuse(
                    left_out,
                    1,
                    format!(
                        "there are {} series already, as many as max_series allows; raise it, or shorten metric_expiration",
                        self.series
                    ),
                ),
                Err(unfit) => refuse(left_out, 1, unfit.to_string()),
            }
        }
        Ok(())
    }

    /// Forgets what got no point for too long; zero keeps everything.
    pub(super) fn forget(&mut self, now: Instant) {
        let expiration = self.settings.expiration;
        if expiration.is_zero() {
            return;
        }
        let is_kept = |updated: Instant| now.saturating_duration_since(updated) < expiration;
        self.families.retain(|_, family| {
            family.points.retain(|_, point| is_kept(point.updated));
            !family.points.is_empty()
        });
        self.series = self
            .families
            .values()
            .map(|family| family.points.len())
            .sum();
        self.targets.retain(|_, (_, updated)| is_kept(*updated));
    }
}

impl Family {
    /// Keeps a point unless there is a newer one of its series; says whether the series is new.
    fn store(&mut self, key: &Labels, point: Point) -> bool {
        match self.points.get_mut(key) {
            Some(known) if point.time < known.time => false,
            Some(known) => {
                *known = point;
                false
            }
            None => self.points.insert(key.clone(), point).is_none(),
        }
    }
}

fn refuse(left_out: &mut LeftOut, items: usize, why: String) {
    left_out.items += items as u64;
    left_out.why = why;
}

fn read_point<'a>(
    metric: &MetricView<'a>,
    point: &PointView<'a>,
    labeller: &mut Labeller<'a, '_>,
    now: Instant,
) -> Result<Point, Unfit> {
    let measurement = measure(metric, point)?;
    let exemplars = exemplars(labeller, point)?;
    let example = |exemplar: crate::prometheus_model::Exemplar| Example {
        labels: Labels::of(&exemplar.labels, &labeller.symbols),
        value: exemplar.value,
        time: exemplar.time,
    };
    Ok(Point {
        time: millis(point.time_unix_nano),
        start: millis(point.start_time_unix_nano),
        measurement,
        exemplars: exemplars.into_iter().map(example).collect(),
        updated: now,
    })
}

fn is_of_other_type(known: Type, kind: Type) -> bool {
    word(known) != word(kind)
}

/// A type's name in the text format.
pub(super) const fn word(kind: Type) -> &'static str {
    match kind {
        Type::Counter => "counter",
        Type::Gauge | Type::UpDownCounter | Type::Info => "gauge",
        Type::Histogram => "histogram",
        Type::Summary => "summary",
        Type::Unknown => "untyped",
    }
}

#[cfg(test)]
mod tests;
