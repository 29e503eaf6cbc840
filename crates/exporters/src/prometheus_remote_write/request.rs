//! Series as requests: cut to size, written in either version, compressed.

use std::ops::Range;

use bytes::Bytes;
use fanlight_formats::prometheus::write::MetricType;
use fanlight_otlp::write::Encoder;

use super::series::{AllSeries, Sample, SampleValue, Series};
use crate::pieces::Piece;
use crate::prometheus_model::{Label, Native, NativeBuckets, Symbol, Type};

/// Which protocol, `protobuf_message`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Remote write 1.0.
    V1,
    /// Remote write 2.0.
    V2,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct WriteRequest {
    /// The body, compressed.
    pub(super) body: Bytes,
    /// How many samples, native histograms and exemplars are in it.
    pub(super) sent: [u64; 3],
}

/// What a request may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Which protocol.
    pub(super) version: Version,
    /// The most bytes, before compression.
    pub(super) max_bytes: usize,
    /// Whether a request of version 1 tells about metrics.
    pub(super) metadata: bool,
}

/// Cuts series into requests. Only a single point is ever larger than allowed.
pub(super) fn requests(all: &AllSeries<'_>, shape: Shape) -> Vec<Piece<WriteRequest>> {
    let mut pieces = Vec::new();
    let mut rest = Cursor::new(all);
    while let Some(range) = rest.next_range(shape.max_bytes) {
        let part = rest.take(range);
        let body = match shape.version {
            Version::V1 => part.version_1(shape.metadata),
            Version::V2 => part.version_2(),
        };
        // The only way for snappy to fail is a body of more than 4 GiB, which cutting has prevented.
        let compressed = snap::raw::Encoder::new().compress_vec(&body);
        let Ok(compressed) = compressed else { continue };
        pieces.push(Piece {
            request: WriteRequest {
                body: compressed.into(),
                sent: part.counts(),
            },
            items: part.items(),
        });
    }
    pieces
}

/// Walks the series; samples and exemplars come along, as they are in the order of the series.
struct Cursor<'a, 't> {
    all: &'a AllSeries<'t>,
    series: usize,
    sample: usize,
    exemplar: usize,
}

/// The series of one request.
struct Part<'a, 't> {
    all: &'a AllSeries<'t>,
    series: Range<usize>,
    samples: Range<usize>,
    exemplars: Range<usize>,
}

impl<'a, 't> Cursor<'a, 't> {
    fn new(all: &'a AllSeries<'t>) -> Cursor<'a, 't> {
        Cursor {
            all,
            series: 0,
            sample: 0,
            exemplar: 0,
        }
    }

    /// The next series that fit into a request; a point's series stay together.
    fn next_range(&self, max_bytes: usize) -> Option<Range<usize>> {
        let all = self.all;
        let (mut bytes, mut end) = (0, self.series);
        let (mut sample, mut exemplar) = (self.sample, self.exemplar);
        let mut number = self.series;
        while let Some(series) = all.series.get(number) {
            if series.starts_point {
                end = number;
            }
            let samples = run(&all.samples, sample, |found| {
                found.series as usize == number
            });
            let exemplars = run(&all.exemplars, exemplar, |found| found.0 as usize == number);
            bytes += size(all, series, &samples, exemplars.len());
            (sample, exemplar) = (samples.end, exemplars.end);
            if bytes > max_bytes && end > self.series {
                return Some(self.series..end);
            }
            number += 1;
        }
        (number > self.series).then_some(self.series..number)
    }

    fn take(&mut self, series: Range<usize>) -> Part<'a, 't> {
        let end = series.end;
        let samples = run(&self.all.samples, self.sample, |found| {
            (found.series as usize) < end
        });
        let exemplars = run(&self.all.exemplars, self.exemplar, |found| {
            (found.0 as usize) < end
        });
        (self.series, self.sample, self.exemplar) = (end, samples.end, exemplars.end);
        Part {
            all: self.all,
            series,
            samples,
            exemplars,
        }
    }
}

/// Where the elements end that belong to something.
fn run<T>(list: &[T], start: usize, belongs: impl Fn(&T) -> bool) -> Range<usize> {
    let rest = list.get(start..).unwrap_or_default();
    start..start + rest.iter().take_while(|found| belongs(found)).count()
}

/// How many bytes a series takes in version 1, roughly; version 2 is smaller.
fn size(all: &AllSeries<'_>, series: &Series, samples: &Range<usize>, exemplars: usize) -> usize {
    let label = |label: &Label| {
        all.symbols.text(label.name).len() + all.symbols.text(label.value).len() + 8
    };
    let sample = |sample: &Sample| match &sample.value {
        SampleValue::Float(_) => 24,
        SampleValue::Native(native) => {
            96 + 4 * (native.positive.deltas.len() + native.negative.deltas.len())
        }
    };
    let labels = all.labels.get(series.labels.clone()).unwrap_or_default();
    let samples = all.samples.get(samples.clone()).unwrap_or_default();
    labels.iter().map(label).sum::<usize>()
        + samples.iter().map(sample).sum::<usize>()
        + 180 * exemplars
        + 16
}

impl Part<'_, '_> {
    fn samples(&self) -> &[Sample] {
        self.all
            .samples
            .get(self.samples.clone())
            .unwrap_or_default()
    }

    /// The numbers of the points that are in it.
    fn items(&self) -> Vec<usize> {
        let mut items: Vec<usize> = self.samples().iter().map(|sample| sample.item).collect();
        items.sort_unstable();
        items.dedup();
        items
    }

    fn counts(&self) -> [u64; 3] {
        let is_native = |sample: &&Sample| matches!(sample.value, SampleValue::Native(_));
        let histograms = self.samples().iter().filter(is_native).count();
        [
            self.samples.len() - histograms,
            histograms,
            self.exemplars.len(),
        ]
        .map(|count| count as u64)
    }

    /// Calls back with each series, and where its samples and exemplars are.
    fn each(&self, mut write: impl FnMut(&Series, Range<usize>, Range<usize>)) {
        let (mut sample, mut exemplar) = (self.samples.start, self.exemplars.start);
        for number in self.series.clone() {
            let Some(series) = self.all.series.get(number) else {
                continue;
            };
            let samples = run(&self.all.samples, sample, |found| {
                found.series as usize == number
            });
            let exemplars = run(&self.all.exemplars, exemplar, |found| {
                found.0 as usize == number
            });
            (sample, exemplar) = (samples.end, exemplars.end);
            write(series, samples, exemplars);
        }
    }

    fn version_1(&self, with_metadata: bool) -> Vec<u8> {
        let all = self.all;
        let mut out = Encoder::new();
        let mut told = Vec::new();
        self.each(|series, samples, exemplars| {
            told.push(series.metadata);
            out.nested(1, |out| {
                all.labels
                    .get(series.labels.clone())
                    .unwrap_or_default()
                    .iter()
                    .for_each(|label| self.write_label(out, label));
                for sample in all.samples.get(samples).unwrap_or_default() {
                    match &sample.value {
                        SampleValue::Float(value) => out.nested(2, |out| {
                            out.double(1, *value);
                            out.varint(2, sample.time.cast_unsigned());
                        }),
                        SampleValue::Native(native) => {
                            out.nested(4, |out| write_native(out, native, sample.time));
                        }
                    }
                }
                for (_, exemplar) in all.exemplars.get(exemplars).unwrap_or_default() {
                    out.nested(3, |out| {
                        exemplar
                            .labels
                            .iter()
                            .for_each(|label| self.write_label(out, label));
                        out.double(2, exemplar.value);
                        out.varint(3, exemplar.time.cast_unsigned());
                    });
                }
            });
        });
        if with_metadata {
            told.dedup();
            let known = told.iter().filter_map(|number| all.metadata.get(*number));
            for metadata in known {
                out.nested(3, |out| {
                    out.varint(1, metric_type(metadata.kind));
                    out.bytes(2, all.symbols.text(metadata.name));
                    out.bytes(4, all.symbols.text(metadata.help));
                    out.bytes(5, all.symbols.text(metadata.unit));
                });
            }
        }
        out.into_bytes()
    }

    fn write_label(&self, out: &mut Encoder, label: &Label) {
        out.nested(1, |out| {
            out.bytes(1, self.all.symbols.text(label.name));
            out.bytes(2, self.all.symbols.text(label.value));
        });
    }

    fn version_2(&self) -> Vec<u8> {
        let all = self.all;
        let mut symbols = Renumbered::new(all.symbols.len());
        let mut out = Encoder::new();
        self.each(|series, samples, exemplars| {
            let labels = all.labels.get(series.labels.clone()).unwrap_or_default();
            let samples = all.samples.get(samples).unwrap_or_default();
            out.nested(5, |out| {
                out.packed_varints(1, symbols.pairs(labels));
                for sample in samples {
                    match &sample.value {
                        SampleValue::Float(value) => out.nested(2, |out| {
                            out.double(1, *value);
                            out.varint(2, sample.time.cast_unsigned());
                            out.varint(3, sample.start.cast_unsigned());
                        }),
                        SampleValue::Native(native) => out.nested(3, |out| {
                            write_native(out, native, sample.time);
                            out.varint(17, sample.start.cast_unsigned());
                        }),
                    }
                }
                for (_, exemplar) in all.exemplars.get(exemplars).unwrap_or_default() {
                    out.nested(4, |out| {
                        out.packed_varints(1, symbols.pairs(&exemplar.labels));
                        out.double(2, exemplar.value);
                        out.varint(3, exemplar.time.cast_unsigned());
                    });
                }
                if let Some(metadata) = all.metadata.get(series.metadata) {
                    out.nested(5, |out| {
                        out.varint(1, metric_type(metadata.kind));
                        out.varint(3, symbols.number(metadata.help));
                        out.varint(4, symbols.number(metadata.unit));
                    });
                }
                // Read by releases that know no start time of a sample; the newest is the one that counts.
                let start = samples.last().map_or(0, |sample| sample.start);
                out.varint(6, start.cast_unsigned());
            });
        });
        let mut table = Encoder::new();
        for symbol in symbols.used {
            table.some_bytes(4, all.symbols.text(symbol));
        }
        let mut body = table.into_bytes();
        body.extend_from_slice(&out.into_bytes());
        body
    }
}

/// The texts of one request among those of the batch, numbered anew in the order of their use.
struct Renumbered {
    /// The new number by the old; 0 for none, as the empty text is 0 in both.
    numbers: Vec<u32>,
    used: Vec<Symbol>,
}

impl Renumbered {
    fn new(symbols: usize) -> Renumbered {
        Renumbered {
            numbers: vec![0; symbols],
            used: vec![0],
        }
    }

    fn number(&mut self, symbol: Symbol) -> u64 {
        let Some(number) = self.numbers.get_mut(symbol as usize) else {
            return 0;
        };
        if *number == 0 && symbol != 0 {
            *number = u32::try_from(self.used.len()).unwrap_or(u32::MAX);
            self.used.push(symbol);
        }
        u64::from(*number)
    }

    fn pairs(&mut self, labels: &[Label]) -> impl Iterator<Item = u64> {
        labels
            .iter()
            .flat_map(|label| [label.name, label.value])
            .map(|symbol| self.number(symbol))
    }
}

fn write_native(out: &mut Encoder, native: &Native, time: i64) {
    out.some_varint(1, native.count);
    out.double(3, native.sum);
    out.varint(4, zigzag(i64::from(native.schema)));
    out.double(5, native.zero_threshold);
    out.some_varint(6, native.zero_count);
    write_buckets(out, 8, &native.negative);
    write_buckets(out, 11, &native.positive);
    out.varint(15, time.cast_unsigned());
}

/// The spans, and the differences in the field after it.
fn write_buckets(out: &mut Encoder, number: u32, buckets: &NativeBuckets) {
    for (offset, length) in &buckets.spans {
        out.nested(number, |out| {
            out.varint(1, zigzag(i64::from(*offset)));
            out.varint(2, u64::from(*length));
        });
    }
    out.packed_varints(
        number + 1,
        buckets.deltas.iter().map(|delta| zigzag(*delta)),
    );
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

const fn metric_type(kind: Type) -> u64 {
    let kind = match kind {
        Type::Counter => MetricType::Counter,
        Type::Gauge | Type::UpDownCounter => MetricType::Gauge,
        Type::Histogram => MetricType::Histogram,
        Type::Summary => MetricType::Summary,
        Type::Unknown => MetricType::Unknown,
        Type::Info => MetricType::Info,
    };
    kind as u64
}
