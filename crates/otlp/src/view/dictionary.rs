//! The tables of a profile dictionary, read once: whoever goes through samples looks something up at every step.

use super::profile::{DictionaryView, indices};
use super::value::Value;
use crate::wire::{List, Record, Records};
use crate::{DecodeError, SpanId, TraceId};

/// Every table of a dictionary. A lookup answers `None` when the index points past its table.
#[derive(Clone, Debug, Default)]
pub struct Tables<'a> {
    mappings: Vec<MappingView<'a>>,
    locations: Vec<LocationView<'a>>,
    functions: Vec<FunctionView>,
    links: Vec<LinkIds>,
    strings: Vec<&'a str>,
    attributes: Vec<(&'a str, Value<'a>)>,
    stacks: Vec<List<'a>>,
}

/// A file that was loaded into memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct MappingView<'a> {
    /// Where it begins in memory.
    pub memory_start: u64,
    /// Where it ends in memory.
    pub memory_limit: u64,
    /// Where it begins in the file.
    pub file_offset: u64,
    /// The file's name, in the string table.
    pub filename_strindex: i32,
    attribute_indices: List<'a>,
}

/// A place in the code.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocationView<'a> {
    /// Index into the mapping table; 0 when it is in none.
    pub mapping_index: i32,
    /// The address.
    pub address: u64,
    lines: List<'a>,
}

/// A line of a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineView {
    /// Index into the function table.
    pub function_index: i32,
    /// The number of the line; 0 when unknown.
    pub line: i64,
    /// The column; 0 when unknown.
    pub column: i64,
}

/// A function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FunctionView {
    /// The readable name, in the string table.
    pub name_strindex: i32,
    /// The name as the system has it, in the string table.
    pub system_name_strindex: i32,
    /// The file, in the string table.
    pub filename_strindex: i32,
    /// The line that it begins in.
    pub start_line: i64,
}

/// The span that a sample was taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkIds {
    /// Its trace.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
}

impl<'a> Tables<'a> {
    pub(super) fn read(view: &DictionaryView<'a>) -> Result<Tables<'a>, DecodeError> {
        let strings: Vec<&str> = table(view.strings, |record| record.text())?;
        let attributes = table(view.attributes, |record| {
            let (mut key, mut value): (usize, &[u8]) = (0, &[]);
            for record in Records::new(record.bytes()?, "KeyValueAndUnit") {
                let record = record?;
                match record.number {
                    1 => key = record.varint()? as usize,
                    2 => value = record.bytes()?,
                    _ => {}
                }
            }
            let key = strings.get(key).copied().unwrap_or_default();
            Ok((key, view.value(value)?))
        })?;
        Ok(Tables {
            mappings: table(view.mappings, |record| MappingView::read(record.bytes()?))?,
            locations: table(view.locations, |record| LocationView::read(record.bytes()?))?,
            functions: table(view.functions, |record| FunctionView::read(record.bytes()?))?,
            links: table(view.links, |record| LinkIds::read(record.bytes()?))?,
            stacks: table(view.stacks, |record| stack(record.bytes()?))?,
            strings,
            attributes,
        })
    }

    /// A mapping.
    pub fn mapping(&self, index: i32) -> Option<&MappingView<'a>> {
        at(&self.mappings, index)
    }

    /// A location.
    pub fn location(&self, index: i32) -> Option<&LocationView<'a>> {
        at(&self.locations, index)
    }

    /// A function.
    pub fn function(&self, index: i32) -> Option<&FunctionView> {
        at(&self.functions, index)
    }

    /// A link.
    pub fn link(&self, index: i32) -> Option<LinkIds> {
        at(&self.links, index).copied()
    }

    /// A text.
    pub fn string(&self, index: i32) -> Option<&'a str> {
        at(&self.strings, index).copied()
    }

    /// An attribute's key and value.
    pub fn attribute(&self, index: i32) -> Option<(&'a str, Value<'a>)> {
        at(&self.attributes, index).copied()
    }

    /// The locations of a stack, the innermost first, as indices into the location table.
    pub fn stack(
        &self,
        index: i32,
    ) -> Option<impl Iterator<Item = Result<i32, DecodeError>> + use<'a>> {
        at(&self.stacks, index).map(|stack| indices(*stack))
    }
}

impl<'a> MappingView<'a> {
    fn read(bytes: &'a [u8]) -> Result<MappingView<'a>, DecodeError> {
        let mut view = MappingView::default();
        for record in Records::new(bytes, "Mapping") {
            let record = record?;
            match record.number {
                1 => view.memory_start = record.varint()?,
                2 => view.memory_limit = record.varint()?,
                3 => view.file_offset = record.varint()?,
                4 => view.filename_strindex = record.varint()? as i32,
                5 => view.attribute_indices.add(&record),
                _ => {}
            }
        }
        Ok(view)
    }

    /// Its attributes, as indices into the attribute table.
    pub fn attribute_indices(&self) -> impl Iterator<Item = Result<i32, DecodeError>> + use<'a> {
        indices(self.attribute_indices)
    }
}

impl<'a> LocationView<'a> {
    fn read(bytes: &'a [u8]) -> Result<LocationView<'a>, DecodeError> {
        let mut view = LocationView::default();
        for record in Records::new(bytes, "Location") {
            let record = record?;
            match record.number {
                1 => view.mapping_index = record.varint()? as i32,
                2 => view.address = record.varint()?,
                3 => view.lines.add(&record),
                _ => {}
            }
        }
        Ok(view)
    }

    /// Its lines; several where functions were inlined, the innermost first.
    pub fn lines(&self) -> impl Iterator<Item = Result<LineView, DecodeError>> + use<'a> {
        self.lines.map(|record| {
            let mut view = LineView::default();
            for record in Records::new(record?.bytes()?, "Line") {
                let record = record?;
                match record.number {
                    1 => view.function_index = record.varint()? as i32,
                    2 => view.line = record.varint()?.cast_signed(),
                    3 => view.column = record.varint()?.cast_signed(),
                    _ => {}
                }
            }
            Ok(view)
        })
    }
}

impl FunctionView {
    fn read(bytes: &[u8]) -> Result<FunctionView, DecodeError> {
        let mut view = FunctionView::default();
        for record in Records::new(bytes, "Function") {
            let record = record?;
            match record.number {
                1 => view.name_strindex = record.varint()? as i32,
                2 => view.system_name_strindex = record.varint()? as i32,
                3 => view.filename_strindex = record.varint()? as i32,
                4 => view.start_line = record.varint()?.cast_signed(),
                _ => {}
            }
        }
        Ok(view)
    }
}

impl LinkIds {
    fn read(bytes: &[u8]) -> Result<LinkIds, DecodeError> {
        let mut view = LinkIds::default();
        for record in Records::new(bytes, "Link") {
            let record = record?;
            match record.number {
                1 => view.trace_id = TraceId(record.id()?),
                2 => view.span_id = SpanId(record.id()?),
                _ => {}
            }
        }
        Ok(view)
    }
}

fn stack(bytes: &[u8]) -> Result<List<'_>, DecodeError> {
    let mut locations = List::default();
    for record in Records::new(bytes, "Stack") {
        let record = record?;
        if record.number == 1 {
            locations.add(&record);
        }
    }
    Ok(locations)
}

fn table<'a, T>(
    list: List<'a>,
    read: impl Fn(&Record<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    list.map(|record| read(&record?)).collect()
}

fn at<T>(table: &[T], index: i32) -> Option<&T> {
    usize::try_from(index)
        .ok()
        .and_then(|index| table.get(index))
}
