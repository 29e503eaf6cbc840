//! One OTLP profile as pprof.
//!
//! What Pyroscope's own OTLP endpoint makes of a profile, with three differences: several values of one sample are summed (an
//! OTLP sample has one for each timestamp, pprof one in all), a profile without a period has a name all the same, and CPU time
//! is named as Pyroscope's agents name it. [Source](https://github.com/grafana/pyroscope/blob/main/pkg/ingester/otlp/convert.go).

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;

use fanlight_formats::pprof::{
    Function, Label, Line, Location, Mapping, Profile, Sample, ValueType,
};
use fanlight_otlp::DecodeError;
use fanlight_otlp::view::{ProfileView, SampleView, Tables, ValueTypeView};

/// A profile of Pyroscope has no more samples, by default (`max_profile_stacktrace_samples`).
const MOST_SAMPLES: usize = 16_000;
/// Nor more bytes than 4 MiB (`max_profile_size_bytes`); our count is an estimate.
const MOST_BYTES: usize = 3 << 20;

/// What a profile measures, in Pyroscope's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// The profile's name, such as `process_cpu`.
    pub(super) name: String,
    sample_type: (String, String),
    period_type: Option<(String, String)>,
    /// What each value is multiplied with.
    factor: i64,
}

/// A sample can't be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("it points past the tables of its dictionary")]
    Dangling,
    #[error("it has neither a value nor a timestamp")]
    Empty,
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl Kind {
    /// What a profile measures; none if it does not say.
    pub(super) fn of(profile: &ProfileView<'_>, tables: &Tables<'_>) -> Option<Kind> {
        let words = |kind: ValueTypeView| {
            let word = |index| tables.string(index).map(str::to_owned);
            Some((word(kind.type_strindex)?, word(kind.unit_strindex)?))
        };
        let (kind, unit) = words(profile.sample_type?)?;
        if kind.is_empty() {
            return None;
        }
        let period_type = profile.period_type.and_then(words);
        let period = period_type.as_ref().filter(|_| profile.period != 0);
        let period = period.map_or(("", ""), |(kind, unit)| (kind.as_str(), unit.as_str()));
        let counts_cpu = (kind.as_str(), unit.as_str()) == ("samples", "count")
            && period == ("cpu", "nanoseconds");
        if counts_cpu {
            return Some(Kind {
                name: "process_cpu".to_owned(),
                sample_type: ("cpu".to_owned(), "nanoseconds".to_owned()),
                period_type,
                factor: profile.period,
            });
        }
        let name = match kind.as_str() {
            "cpu" => "process_cpu",
            "alloc_objects" | "alloc_space" | "inuse_objects" | "inuse_space" => "memory",
            _ if period.0.is_empty() => &kind,
            _ => period.0,
        };
        Some(Kind {
            name: name.to_owned(),
            // Pyroscope refuses a type with this character.
            sample_type: (kind.replace('-', "_"), unit),
            period_type,
            factor: 1,
        })
    }
}

/// Writes one pprof profile, sample by sample.
pub(super) struct Builder<'t, 'a> {
    tables: &'t Tables<'a>,
    factor: i64,
    out: Profile,
    size: usize,
    strings: HashMap<Cow<'a, str>, i64>,
    mappings: HashMap<i32, u64>,
    locations: HashMap<i32, u64>,
    functions: HashMap<i32, u64>,
}

impl<'t, 'a> Builder<'t, 'a> {
    /// An empty profile. `now`, in nanoseconds since 1970, stands in for a time that is not given.
    pub(super) fn new(
        profile: &ProfileView<'a>,
        kind: &Kind,
        tables: &'t Tables<'a>,
        now: u64,
    ) -> Builder<'t, 'a> {
        let time = match profile.time_unix_nano {
            0 => now,
            time => time,
        };
        let mut builder = Builder {
            tables,
            factor: kind.factor,
            out: Profile {
                time_nanos: time.cast_signed(),
                duration_nanos: profile.duration_nano.cast_signed(),
                period: profile.period,
                ..Profile::default()
            },
            size: 0,
            strings: HashMap::new(),
            mappings: HashMap::new(),
            locations: HashMap::new(),
            functions: HashMap::new(),
        };
        builder.string("".into());
        let mut value_type = |(kind, unit): &(String, String)| ValueType {
            r#type: builder.string(kind.clone().into()),
            unit: builder.string(unit.clone().into()),
        };
        let sample_type = value_type(&kind.sample_type);
        let period_type = kind.period_type.as_ref().map(value_type);
        builder.out.period_type = period_type;
        builder.out.default_sample_type = sample_type.r#type;
        builder.out.sample_type = vec![sample_type];
        builder
    }

    /// How many samples it has.
    pub(super) fn samples(&self) -> usize {
        self.out.sample.len()
    }

    /// Whether Pyroscope would take no more.
    pub(super) fn is_full(&self) -> bool {
        self.samples() >= MOST_SAMPLES || self.size >= MOST_BYTES
    }

    /// The profile.
    pub(super) fn finish(self) -> Profile {
        self.out
    }

    /// Adds a sample. What of it is not a stack becomes labels, but for the attributes that `skip` names.
    pub(super) fn add(&mut self, sample: &SampleView<'a>, skip: &str) -> Result<(), Unusable> {
        let value = value(sample)?.saturating_mul(self.factor);
        let stack = self.tables.stack(sample.stack_index);
        let mut location_id = Vec::new();
        for index in stack.ok_or(Unusable::Dangling)? {
            location_id.push(self.location(index?)?);
        }
        let mut label = Vec::new();
        for index in sample.attribute_indices() {
            let attribute = self.tables.attribute(index?);
            let (key, value) = attribute.ok_or(Unusable::Dangling)?;
            let text = value.to_text();
            if key != skip && !text.is_empty() {
                label.push(self.label(key.into(), text));
            }
        }
        if sample.link_index != 0 {
            let link = self.tables.link(sample.link_index);
            let link = link.ok_or(Unusable::Dangling)?;
            label.push(self.label("span_id".into(), link.span_id.to_string().into()));
            label.push(self.label("trace_id".into(), link.trace_id.to_string().into()));
        }
        self.size += 16 + 4 * location_id.len() + 8 * label.len();
        self.out.sample.push(Sample {
            location_id,
            value: vec![value],
            label,
        });
        Ok(())
    }

    fn label(&mut self, key: Cow<'a, str>, text: Cow<'a, str>) -> Label {
        Label {
            key: self.string(key),
            str: self.string(text),
            ..Label::default()
        }
    }

    fn location(&mut self, index: i32) -> Result<u64, Unusable> {
        if let Some(id) = self.locations.get(&index) {
            return Ok(*id);
        }
        let view = *self.tables.location(index).ok_or(Unusable::Dangling)?;
        let mapping_id = match view.mapping_index {
            // The table's first stands for none.
            0 => 0,
            index => self.mapping(index)?,
        };
        let mut line = Vec::new();
        for view in view.lines() {
            let view = view?;
            line.push(Line {
                function_id: self.function(view.function_index)?,
                line: view.line,
                column: view.column,
            });
        }
        self.know(mapping_id, &line);
        let id = next_id(&mut self.locations, index);
        self.size += 24 + 8 * line.len();
        self.out.location.push(Location {
            id,
            mapping_id,
            address: view.address,
            line,
        });
        Ok(id)
    }

    /// A mapping's symbols are known if those of all its locations are: else Pyroscope looks them up.
    fn know(&mut self, mapping_id: u64, lines: &[Line]) {
        let index = usize::try_from(mapping_id.wrapping_sub(1)).unwrap_or(usize::MAX);
        let Some(mapping) = self.out.mapping.get_mut(index) else {
            return;
        };
        let has_file = |line: &Line| {
            let index = usize::try_from(line.function_id.wrapping_sub(1)).unwrap_or(usize::MAX);
            let function = self.out.function.get(index);
            function.is_some_and(|function| function.filename != 0)
        };
        mapping.has_functions &= !lines.is_empty();
        mapping.has_filenames &= !lines.is_empty() && lines.iter().all(has_file);
        mapping.has_line_numbers &= !lines.is_empty() && lines.iter().all(|line| line.line > 0);
        mapping.has_inline_frames |= lines.len() > 1;
    }

    fn mapping(&mut self, index: i32) -> Result<u64, Unusable> {
        if let Some(id) = self.mappings.get(&index) {
            return Ok(*id);
        }
        let view = *self.tables.mapping(index).ok_or(Unusable::Dangling)?;
        let mut build_id = 0;
        for index in view.attribute_indices() {
            // https://opentelemetry.io/docs/specs/semconv/registry/attributes/process/
            if let Some((key, value)) = self.tables.attribute(index?)
                && key == "process.executable.build_id.gnu"
            {
                build_id = self.string(value.to_text());
            }
        }
        let filename = self.text(view.filename_strindex)?;
        let id = next_id(&mut self.mappings, index);
        self.out.mapping.push(Mapping {
            id,
            memory_start: view.memory_start,
            memory_limit: view.memory_limit,
            file_offset: view.file_offset,
            filename,
            build_id,
            has_functions: true,
            has_filenames: true,
            has_line_numbers: true,
            has_inline_frames: false,
        });
        Ok(id)
    }

    fn function(&mut self, index: i32) -> Result<u64, Unusable> {
        if let Some(id) = self.functions.get(&index) {
            return Ok(*id);
        }
        let view = *self.tables.function(index).ok_or(Unusable::Dangling)?;
        let (name, system_name, filename) = (
            self.text(view.name_strindex)?,
            self.text(view.system_name_strindex)?,
            self.text(view.filename_strindex)?,
        );
        let id = next_id(&mut self.functions, index);
        self.size += 16;
        self.out.function.push(Function {
            id,
            name,
            system_name,
            filename,
            start_line: view.start_line,
        });
        Ok(id)
    }

    /// A text of the dictionary.
    fn text(&mut self, index: i32) -> Result<i64, Unusable> {
        let text = self.tables.string(index).ok_or(Unusable::Dangling)?;
        Ok(self.string(text.into()))
    }

    fn string(&mut self, text: Cow<'a, str>) -> i64 {
        if let Some(index) = self.strings.get(&text) {
            return *index;
        }
        let index = self.out.string_table.len() as i64;
        self.size += text.len() + 4;
        self.out.string_table.push(text.clone().into_owned());
        self.strings.insert(text, index);
        index
    }
}

/// The value of a sample: the sum of what it has, or how often it was seen.
fn value(sample: &SampleView<'_>) -> Result<i64, Unusable> {
    let mut sum = None;
    for value in sample.values() {
        sum = Some(sum.unwrap_or(0_i64).saturating_add(value?));
    }
    if let Some(sum) = sum {
        return Ok(sum);
    }
    let mut seen = 0;
    for timestamp in sample.timestamps_unix_nano() {
        timestamp?;
        seen += 1;
    }
    match seen {
        0 => Err(Unusable::Empty),
        seen => Ok(seen),
    }
}

/// Ids count from 1.
fn next_id<K: Hash + Eq>(known: &mut HashMap<K, u64>, key: K) -> u64 {
    let id = known.len() as u64 + 1;
    known.insert(key, id);
    id
}
