//! A batch as series: each label set once, its samples in the order of time.
//!
//! Series are numbered in the order in which their points first appear, those of one histogram next to each other. A series
//! is in one request only, so that its samples can't overtake each other, whatever is sent at once.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;

use fanlight_otlp::Batch;
use fanlight_otlp::view::{MetricView, PointView};

use super::Translation;
use crate::pieces::LeftOut;
use crate::prometheus_model::{
    Exemplar, Label, Labeller, Measurement, Native, Symbol, Symbols, Type, Unfit, exemplars,
    is_stale, kind, measure, millis, number,
};

/// `NaN` that ends a series.
const STALE: f64 = f64::from_bits(fanlight_formats::prometheus::STALE_NAN);

/// The series of one batch.
pub(super) struct AllSeries<'a> {
    /// Every text.
    pub(super) symbols: Symbols<'a>,
    /// The labels of all series, one after the other.
    pub(super) labels: Vec<Label>,
    /// The series.
    pub(super) series: Vec<Series>,
    /// The samples of all series, those of a series together and in the order of time.
    pub(super) samples: Vec<Sample>,
    /// The exemplars likewise.
    pub(super) exemplars: Vec<(u32, Exemplar)>,
    /// What is known about the metrics.
    pub(super) metadata: Vec<Metadata>,
    /// Points that Prometheus can't hold.
    pub(super) left_out: LeftOut,
}

/// One series.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// Where its labels are.
    pub(super) labels: Range<usize>,
    /// Which metadata it has.
    pub(super) metadata: usize,
    /// Whether it is the first of a point, where a request may end.
    pub(super) starts_point: bool,
    /// The series whose labels have the same hash.
    next: Option<u32>,
}

/// One sample.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// Which series.
    pub(super) series: u32,
    /// When, in Unix milliseconds.
    pub(super) time: i64,
    /// When counting began; 0 when unknown.
    pub(super) start: i64,
    /// What was measured.
    pub(super) value: SampleValue,
    /// The number of its point in the batch.
    pub(super) item: usize,
}

/// A sample's value.
#[derive(Clone, Debug)]
pub(super) enum SampleValue {
    /// A number.
    Float(f64),
    /// A native histogram.
    Native(Box<Native>),
}

/// What is known about a metric.
#[derive(Clone, Copy, Debug)]
pub(super) struct Metadata {
    /// Its name, without `_bucket` and its like.
    pub(super) name: Symbol,
    /// Its kind.
    pub(super) kind: Type,
    /// What it measures.
    pub(super) help: Symbol,
    /// Its unit.
    pub(super) unit: Symbol,
}

/// Reads a batch.
pub(super) fn translate<'a>(batch: &'a Batch, translation: &Translation) -> AllSeries<'a> {
    let mut reader = Reader::new(translation);
    if let Err(error) = reader.read(batch) {
        // A batch was validated when it came in; what was read up to here is sent.
        let unread = batch.items().saturating_sub(reader.item);
        reader.leave_out(unread, &error);
    }
    reader.finish()
}

/// What the reading of a batch has come to.
struct Reader<'a, 's> {
    translation: &'s Translation,
    labeller: Labeller<'a, 's>,
    labels: Vec<Label>,
    series: Vec<Series>,
    /// The first series of a hash of labels.
    index: HashMap<u64, u32>,
    hasher: RandomState,
    samples: Vec<Sample>,
    exemplars: Vec<(u32, Exemplar)>,
    metadata: Vec<Metadata>,
    left_out: LeftOut,
    /// The number of the point that is read.
    item: usize,
    /// The newest point of the resource: its time and number.
    newest: Option<(i64, usize)>,
    /// Labels of the point, and of one of its series.
    point: Vec<Label>,
    scratch: Vec<Label>,
}

impl<'a, 's> Reader<'a, 's> {
    fn new(translation: &'s Translation) -> Reader<'a, 's> {
        Reader {
            translation,
            labeller: Labeller::new(&translation.labels),
            labels: Vec::new(),
            series: Vec::new(),
            index: HashMap::new(),
            hasher: RandomState::new(),
            samples: Vec::new(),
            exemplars: Vec::new(),
            metadata: Vec::new(),
            left_out: LeftOut::default(),
            item: 0,
            newest: None,
            point: Vec::new(),
            scratch: Vec::new(),
        }
    }

    fn read(&mut self, batch: &'a Batch) -> Result<(), Unfit> {
        for resource in batch.resources() {
            let resource = resource?;
            self.labeller.enter_resource(&resource)?;
            self.newest = None;
            for scope in resource.scopes() {
                let scope = scope?;
                self.labeller.enter_scope(&scope)?;
                for metric in scope.metrics() {
                    self.read_metric(&metric?)?;
                }
            }
            self.add_target_info();
        }
        Ok(())
    }

    fn read_metric(&mut self, metric: &MetricView<'a>) -> Result<(), Unfit> {
        let names = &self.translation.labels.names;
        let kind = kind(metric);
        let Some(name) = names.metric(metric.name, metric.unit, kind) else {
            self.leave_out(
                metric.points_count(),
                &Unfit::NoName(metric.name.to_owned()),
            );
            self.item += metric.points_count();
            return Ok(());
        };
        let unit = names.unit(metric.unit);
        let symbols = &mut self.labeller.symbols;
        self.metadata.push(Metadata {
            name: symbols.add(name.clone()),
            kind,
            help: symbols.add(metric.description),
            unit: symbols.add(unit),
        });
        for point in metric.points() {
            let point = point?;
            match measure(metric, &point) {
                Ok(measurement) => self.add_point(&name, &point, measurement)?,
                Err(unfit) => self.leave_out(1, &unfit),
            }
            self.item += 1;
        }
        Ok(())
    }

    fn add_point(
        &mut self,
        name: &str,
        point: &PointView<'a>,
        measurement: Measurement,
    ) -> Result<(), Unfit> {
        let mut labels = std::mem::take(&mut self.point);
        self.labeller.point(&point.attributes, &mut labels)?;
        self.point = labels;
        let time = millis(point.time_unix_nano);
        if self.newest.is_none_or(|(newest, _)| time >= newest) {
            self.newest = Some((time, self.item));
        }
        let mut adding = Adding {
            time,
            start: match self.metadata.last().is_some_and(|known| counts(known.kind)) {
                true => millis(point.start_time_unix_nano),
                false => 0,
            },
            stale: is_stale(point),
            starts_point: true,
        };
        let exemplars = exemplars(&mut self.labeller, point)?;
        match measurement {
            Measurement::Number(value) => {
                let series = self.sample(&mut adding, name, "", None, value);
                self.add_exemplars(series, exemplars);
            }
            Measurement::Native(native) => {
                let series = self.series(&mut adding, name, "", None);
                let native = match adding.stale {
                    true => Native {
                        sum: STALE,
                        ..Native::default()
                    },
                    false => native,
                };
                self.push(&adding, series, SampleValue::Native(Box::new(native)));
                self.add_exemplars(series, exemplars);
            }
            Measurement::Histogram {
                count,
                sum,
                buckets,
            } => {
                self.count_and_sum(&mut adding, name, count, sum);
                let all = buckets.into_iter().chain([(f64::INFINITY, count)]);
                self.add_buckets(&mut adding, name, all, exemplars);
            }
            Measurement::Summary {
                count,
                sum,
                quantiles,
            } => {
                self.count_and_sum(&mut adding, name, count, Some(sum));
                for (quantile, value) in quantiles {
                    self.sample(&mut adding, name, "", Some(("quantile", quantile)), value);
                }
            }
        }
        Ok(())
    }

    fn add_exemplars(&mut self, series: u32, exemplars: Vec<Exemplar>) {
        let of_series = exemplars.into_iter().map(|exemplar| (series, exemplar));
        self.exemplars.extend(of_series);
    }

    /// Each exemplar goes to the first bucket that has its value.
    fn add_buckets(
        &mut self,
        adding: &mut Adding,
        name: &str,
        buckets: impl Iterator<Item = (f64, u64)>,
        mut exemplars: Vec<Exemplar>,
    ) {
        for (bound, below) in buckets {
            let le = Some(("le", bound));
            let series = self.sample(adding, name, "_bucket", le, below as f64);
            let fits = |found: &mut Exemplar| found.value <= bound || bound == f64::INFINITY;
            let here = exemplars.extract_if(.., fits).collect();
            self.add_exemplars(series, here);
        }
    }

    fn count_and_sum(&mut self, adding: &mut Adding, name: &str, count: u64, sum: Option<f64>) {
        if let Some(sum) = sum {
            self.sample(adding, name, "_sum", None, sum);
        }
        self.sample(adding, name, "_count", None, count as f64);
    }

    /// Adds a sample to the series of the point with this suffix and label; says which it is.
    fn sample(
        &mut self,
        adding: &mut Adding,
        name: &str,
        suffix: &str,
        label: Option<(&'static str, f64)>,
        value: f64,
    ) -> u32 {
        let series = self.series(adding, name, suffix, label);
        let value = if adding.stale { STALE } else { value };
        self.push(adding, series, SampleValue::Float(value));
        series
    }

    fn push(&mut self, adding: &Adding, series: u32, value: SampleValue) {
        self.samples.push(Sample {
            series,
            time: adding.time,
            start: adding.start,
            value,
            item: self.item,
        });
    }

    /// The series of the point's labels with this name and label.
    fn series(
        &mut self,
        adding: &mut Adding,
        name: &str,
        suffix: &str,
        label: Option<(&'static str, f64)>,
    ) -> u32 {
        let mut labels = std::mem::take(&mut self.scratch);
        labels.clear();
        let own = self.labeller.label("__name__", format!("{name}{suffix}"));
        let extra = label.map(|(name, value)| self.labeller.label(name, number(value)));
        let taken = |label: &&Label| {
            label.name != own.name && extra.is_none_or(|extra| extra.name != label.name)
        };
        labels.extend(self.point.iter().filter(taken));
        labels.push(own);
        labels.extend(extra);
        self.labeller.symbols.sort(&mut labels);
        let series = self.find_or_add(&labels, adding.starts_point);
        adding.starts_point = false;
        self.scratch = labels;
        series
    }

    fn find_or_add(&mut self, labels: &[Label], starts_point: bool) -> u32 {
        let hash = self.hasher.hash_one(labels);
        let first = self.index.get(&hash).copied();
        let mut next = first;
        while let Some(number) = next {
            let Some(series) = self.series.get(number as usize) else {
                break;
            };
            if self.labels.get(series.labels.clone()) == Some(labels) {
                return number;
            }
            next = series.next;
        }
        let number = u32::try_from(self.series.len()).unwrap_or(u32::MAX);
        let start = self.labels.len();
        self.labels.extend_from_slice(labels);
        self.series.push(Series {
            labels: start..self.labels.len(),
            metadata: self.metadata.len().saturating_sub(1),
            starts_point,
            next: first,
        });
        self.index.insert(hash, number);
        number
    }

    /// `target_info`, at the resource's newest time. It goes where the newest point goes.
    fn add_target_info(&mut self) {
        let Some((time, item)) = self.newest.filter(|_| self.translation.target_info) else {
            return;
        };
        let target = self.labeller.target();
        if target.is_empty() {
            return;
        }
        self.point = target.to_vec();
        let symbols = &mut self.labeller.symbols;
        self.metadata.push(Metadata {
            name: symbols.add("target_info"),
            kind: Type::Info,
            help: symbols.add("Target metadata"),
            unit: 0,
        });
        let mut adding = Adding {
            time,
            start: 0,
            stale: false,
            starts_point: true,
        };
        let series = self.series(&mut adding, "target_info", "", None);
        self.samples.push(Sample {
            series,
            time,
            start: 0,
            value: SampleValue::Float(1.0),
            item,
        });
    }

    fn leave_out(&mut self, items: usize, why: &Unfit) {
        if items > 0 {
            self.left_out.items += items as u64;
            self.left_out.why = why.to_string();
        }
    }

    /// Puts samples and exemplars in order. Of two samples of one series at one time Prometheus takes one, and refuses the
    /// request if they differ: the later one in the batch stays.
    fn finish(mut self) -> AllSeries<'a> {
        self.samples
            .sort_by_key(|sample| (sample.series, sample.time));
        let mut twice = Vec::new();
        self.samples.dedup_by(|later, earlier| {
            let same = later.series == earlier.series && later.time == earlier.time;
            if same {
                std::mem::swap(later, earlier);
                if later.value != earlier.value {
                    twice.push(later.item);
                }
            }
            same
        });
        twice.sort_unstable();
        twice.dedup();
        if !twice.is_empty() {
            self.left_out.items += twice.len() as u64;
            self.left_out.why = "two data points of one series have the same time; is there an attribute that tells them apart, such as service.instance.id?".to_owned();
        }
        self.exemplars
            .sort_by_key(|(series, exemplar)| (*series, exemplar.time));
        AllSeries {
            symbols: self.labeller.symbols,
            labels: self.labels,
            series: self.series,
            samples: self.samples,
            exemplars: self.exemplars,
            metadata: self.metadata,
            left_out: self.left_out,
        }
    }
}

/// Whether values of this kind begin at zero. A gauge that is said to have a start would get a zero there.
const fn counts(kind: Type) -> bool {
    matches!(kind, Type::Counter | Type::Histogram | Type::Summary)
}

/// What the samples of one point have in common.
struct Adding {
    time: i64,
    start: i64,
    stale: bool,
    /// Whether its next series is its first.
    starts_point: bool,
}

impl PartialEq for SampleValue {
    /// By their bits: the `NaN`s of a series that was measured twice are the same.
    fn eq(&self, other: &SampleValue) -> bool {
        match (self, other) {
            (SampleValue::Float(a), SampleValue::Float(b)) => a.to_bits() == b.to_bits(),
            (SampleValue::Native(a), SampleValue::Native(b)) => a == b,
            _ => false,
        }
    }
}
