//! Blocks of spans.

use std::collections::HashMap;

use fanlight_otlp::write::Encoder;
use fanlight_otlp::{SpanId, TraceId};

use super::codec::{BlockError, Reader, Sections, decompress, put_signed, put_varint};
use super::dictionary::{Dictionary, Entries, Entry};
use super::filter::{FilterBuilder, Texts, number_hash};
use super::{Content, Encoded, Fetch, LEVEL, add_attributes};
use crate::wire::{Fields, Malformed};

/// The kinds of numbers in the filter.
const NAME: u8 = 1;
const RESOURCE: u8 = 2;

/// The fields of `Span` that have columns, and the attributes.
const COLUMNS: [u32; 8] = [1, 2, 4, 5, 6, 7, 8, 9];
const ATTRIBUTES: u32 = 9;

/// A span on its way into a block. Names, resources and scopes are ids of the partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanItem<'a> {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    /// Zero for a root span.
    pub(crate) parent: SpanId,
    pub(crate) start_ns: i64,
    pub(crate) end_ns: i64,
    pub(crate) kind: i32,
    pub(crate) status: i32,
    pub(crate) name: i64,
    pub(crate) name_text: &'a str,
    pub(crate) resource: i64,
    pub(crate) scope: i64,
    pub(crate) content: Content<'a, &'a SpanBlock>,
}

/// A block that was read.
#[derive(Debug, Default)]
pub(crate) struct SpanBlock {
    body: Vec<u8>,
    traces: Vec<TraceId>,
    /// For each span, the number of its trace.
    trace_of: Vec<u32>,
    span_ids: Vec<SpanId>,
    parents: Vec<SpanId>,
    pub(crate) starts: Vec<i64>,
    pub(crate) ends: Vec<i64>,
    pub(crate) kinds: Vec<i64>,
    pub(crate) statuses: Vec<i64>,
    pub(crate) names: Vec<i64>,
    pub(crate) resources: Vec<i64>,
    pub(crate) scopes: Vec<i64>,
    pub(crate) attributes: Entries,
    /// Where each span's references to attributes end.
    ends_of_attributes: Vec<usize>,
    pub(crate) rests: Entries,
}

pub(crate) fn name_hash(name: i64) -> u64 {
    number_hash(NAME, name)
}

pub(crate) fn resource_hash(resource: i64) -> u64 {
    number_hash(RESOURCE, resource)
}

/// The columns of numbers, being written.
#[derive(Default)]
struct Numbers {
    traces: Vec<u8>,
    span_ids: Vec<u8>,
    parents: Vec<u8>,
    foreign_parents: Vec<u8>,
    starts: Vec<u8>,
    durations: Vec<u8>,
    kinds: Vec<u8>,
    statuses: Vec<u8>,
    names: Vec<u8>,
    resources: Vec<u8>,
    scopes: Vec<u8>,
}

impl<'a> SpanItem<'a> {
    /// Writes spans as a block. Those of one trace should be beside each other. `texts` has the texts of what is kept apart
    /// already.
    pub(crate) fn encode(
        items: &[SpanItem<'a>],
        texts: Option<&Texts>,
    ) -> Result<Encoded<'a>, BlockError> {
        let mut numbers = Numbers::default();
        numbers.write_traces(items);
        let mut last_start = 0;
        for item in items {
            numbers.write(item, &mut last_start);
        }
        let (mut rests, mut ends) = (Vec::new(), Vec::with_capacity(items.len()));
        for item in items {
            if let Content::Message(message) = item.content {
                rest(message, &mut rests).map_err(|Malformed| BlockError::Malformed)?;
            }
            ends.push(rests.len());
        }
        let (mut attributes, mut counts) = (Dictionary::default(), Vec::new());
        let (mut others, mut start) = (Dictionary::default(), 0);
        for (item, end) in items.iter().zip(ends) {
            let rest = rests.get(start..end).unwrap_or_default();
            let count = item.refer(rest, &mut attributes, &mut others)?;
            put_varint(&mut counts, count);
            start = end;
        }
        let mut sections = Sections::default();
        put_count(items.len(), &mut sections);
        numbers.add_to(&mut sections);
        sections.add(&counts);
        let (mut payloads, mut large_rests) = (Vec::new(), Vec::new());
        attributes.write(&mut sections, &mut payloads);
        others.write(&mut sections, &mut large_rests);
        let (mut filter, has_calls) = filter(items, attributes.entries(), others.entries())?;
        texts.into_iter().for_each(|texts| filter.add_texts(texts));
        Ok(Encoded {
            data: sections.compress(LEVEL)?,
            filter: filter.filter(),
            texts: filter.texts()?,
            payloads: super::payloads(payloads, large_rests),
            has_calls,
        })
    }
}

impl<'a> SpanItem<'a> {
    /// Refers to its attributes, and to what it has beside columns and attributes, which is `rest` unless it is stored. Answers
    /// how many attributes there are.
    fn refer<'r>(
        &self,
        rest: &'r [u8],
        attributes: &mut Dictionary<'a>,
        others: &mut Dictionary<'r>,
    ) -> Result<u64, BlockError>
    where
        'a: 'r,
    {
        let mut count = 0;
        match self.content {
            Content::Message(message) => {
                for field in Fields(message) {
                    let field = field.map_err(|_| BlockError::Malformed)?;
                    if field.number == ATTRIBUTES {
                        attributes.refer(Entry::Here(field.payload));
                        count += 1;
                    }
                }
                others.refer(Entry::Here(rest));
            }
            Content::Stored(block, place) => {
                for number in block.attributes_of(place) {
                    attributes.refer(block.attribute(*number)?);
                    count += 1;
                }
                others.refer(block.rest(block.rest_of(place))?);
            }
        }
        Ok(count)
    }
}

fn put_count(count: usize, sections: &mut Sections) {
    let mut bytes = Vec::new();
    put_varint(&mut bytes, count as u64);
    sections.add(&bytes);
}

/// What has no column.
fn rest(message: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    crate::wire::copy_fields(message, out, |number| !COLUMNS.contains(&number))
}

fn filter(
    items: &[SpanItem<'_>],
    attributes: &[Entry<'_>],
    rests: &[Entry<'_>],
) -> Result<(FilterBuilder, bool), BlockError> {
    let mut filter = FilterBuilder::default();
    let has_calls = add_attributes(attributes, &mut filter)?;
    for rest in rests {
        if let Entry::Here(rest) = rest {
            filter.add_text(rest);
        }
    }
    let mut known: Vec<u64> = Vec::new();
    for item in items {
        let hashes = [name_hash(item.name), resource_hash(item.resource)];
        for (place, hash) in hashes.into_iter().enumerate() {
            if known.contains(&hash) {
                continue;
            }
            filter.add(hash);
            // A block of a thousand names is looked through in vain; more are not remembered.
            if known.len() < 64 {
                known.push(hash);
            }
            if place == 0 {
                filter.add_text(item.name_text.as_bytes());
            }
        }
    }
    Ok((filter, has_calls))
}

impl Numbers {
    /// The trace ids, each with how many spans in a row are of it.
    fn write_traces(&mut self, items: &[SpanItem<'_>]) {
        for run in items.chunk_by(|a, b| a.trace_id == b.trace_id) {
            if let Some(first) = run.first() {
                self.traces.extend_from_slice(&first.trace_id.0);
                put_varint(&mut self.traces, run.len() as u64);
            }
            self.write_parents(run);
        }
    }

    /// Parents of the same trace by their place in its run; others by their ids.
    fn write_parents(&mut self, run: &[SpanItem<'_>]) {
        let places: HashMap<SpanId, usize> = match run.len() > 16 {
            true => (run.iter().map(|item| item.span_id)).zip(0..).collect(),
            false => HashMap::new(),
        };
        for item in run {
            if item.parent.is_zero() {
                self.parents.push(0);
                continue;
            }
            let place = match places.is_empty() {
                true => run.iter().position(|other| other.span_id == item.parent),
                false => places.get(&item.parent).copied(),
            };
            put_varint(&mut self.parents, place.map_or(1, |place| place as u64 + 2));
            if place.is_none() {
                self.foreign_parents.extend_from_slice(&item.parent.0);
            }
        }
    }

    fn write(&mut self, item: &SpanItem<'_>, last_start: &mut i64) {
        self.span_ids.extend_from_slice(&item.span_id.0);
        put_signed(&mut self.starts, item.start_ns.wrapping_sub(*last_start));
        *last_start = item.start_ns;
        put_signed(&mut self.durations, item.end_ns.wrapping_sub(item.start_ns));
        put_signed(&mut self.kinds, i64::from(item.kind));
        put_signed(&mut self.statuses, i64::from(item.status));
        put_signed(&mut self.names, item.name);
        put_signed(&mut self.resources, item.resource);
        put_signed(&mut self.scopes, item.scope);
    }

    fn add_to(&self, sections: &mut Sections) {
        for column in [
            &self.traces,
            &self.span_ids,
            &self.parents,
            &self.foreign_parents,
            &self.starts,
            &self.durations,
            &self.kinds,
            &self.statuses,
            &self.names,
            &self.resources,
            &self.scopes,
        ] {
            sections.add(column);
        }
    }
}

impl SpanBlock {
    /// Reads a block.
    pub(crate) fn read(data: &[u8]) -> Result<SpanBlock, BlockError> {
        let body = decompress(data)?;
        let mut block = SpanBlock::default();
        let mut sections = Reader::new(&body);
        let count = sections.section()?.size()?;
        block.read_traces(sections.section()?, count)?;
        let mut span_ids = sections.section()?;
        for _ in 0..count {
            block.span_ids.push(SpanId(span_ids.id()?));
        }
        block.read_parents(sections.section()?, sections_after(&mut sections)?)?;
        let mut last = 0;
        let starts = sections.section()?.numbers(count)?;
        block.starts = starts
            .into_iter()
            .map(|difference| {
                last = difference.wrapping_add(last);
                last
            })
            .collect();
        let durations = sections.section()?.numbers(count)?;
        let pairs = block.starts.iter().zip(durations);
        block.ends = pairs
            .map(|(start, duration)| start.wrapping_add(duration))
            .collect();
        for column in [
            &mut block.kinds,
            &mut block.statuses,
            &mut block.names,
            &mut block.resources,
            &mut block.scopes,
        ] {
            *column = sections.section()?.numbers(count)?;
        }
        block.ends_of_attributes = ends(sections.section()?, count)?;
        block.attributes = Entries::read(&mut sections, &body)?;
        block.rests = Entries::read(&mut sections, &body)?;
        block.body = body;
        Ok(block)
    }

    fn read_traces(&mut self, mut section: Reader<'_>, count: usize) -> Result<(), BlockError> {
        while !section.rest().is_empty() {
            let number = u32::try_from(self.traces.len()).map_err(|_| BlockError::Malformed)?;
            self.traces.push(TraceId(section.id()?));
            let length = section.size()?;
            if length > count - self.trace_of.len() {
                return Err(BlockError::Malformed);
            }
            self.trace_of.extend(std::iter::repeat_n(number, length));
        }
        match self.trace_of.len() == count {
            true => Ok(()),
            false => Err(BlockError::Malformed),
        }
    }

    fn read_parents(
        &mut self,
        mut places: Reader<'_>,
        mut foreign: Reader<'_>,
    ) -> Result<(), BlockError> {
        let mut run_start = 0;
        for (index, trace) in self.trace_of.iter().enumerate() {
            if index > 0 && self.trace_of.get(index - 1) != Some(trace) {
                run_start = index;
            }
            self.parents.push(match places.size()? {
                0 => SpanId::default(),
                1 => SpanId(foreign.id()?),
                place => *self
                    .span_ids
                    .get(run_start + place - 2)
                    .ok_or(BlockError::Malformed)?,
            });
        }
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.span_ids.len()
    }

    /// Whether something of it is kept apart.
    pub(crate) fn has_apart(&self) -> bool {
        self.attributes.has_apart() || self.rests.has_apart()
    }

    /// The ids of a span's trace, of the span, and of its parent, which is zero for a root.
    pub(crate) fn ids(&self, index: usize) -> (TraceId, SpanId, SpanId) {
        let trace = self.trace_of.get(index).map(|number| *number as usize);
        let trace = trace.and_then(|number| self.traces.get(number));
        (
            trace.copied().unwrap_or_default(),
            self.span_ids.get(index).copied().unwrap_or_default(),
            self.parents.get(index).copied().unwrap_or_default(),
        )
    }

    /// The places of a trace's spans.
    pub(crate) fn places_of(&self, trace_id: TraceId) -> impl Iterator<Item = usize> + use<'_> {
        let number = self.traces.iter().position(|id| *id == trace_id);
        let number = number.and_then(|number| u32::try_from(number).ok());
        let places = self.trace_of.iter().enumerate();
        places.filter_map(move |(index, of)| (Some(*of) == number).then_some(index))
    }

    /// The numbers of a span's attributes among the entries.
    pub(crate) fn attributes_of(&self, index: usize) -> &[u32] {
        let end = |index: usize| self.ends_of_attributes.get(index).copied().unwrap_or(0);
        let start = index.checked_sub(1).map_or(0, end);
        self.attributes
            .references
            .get(start..end(index))
            .unwrap_or_default()
    }

    /// The number of what a span has beside columns and attributes.
    pub(crate) fn rest_of(&self, index: usize) -> u32 {
        self.rests.references.get(index).copied().unwrap_or(0)
    }

    /// An attribute.
    pub(crate) fn attribute(&self, number: u32) -> Result<Entry<'_>, BlockError> {
        self.attributes.get(&self.body, number)
    }

    /// What spans have beside columns and attributes.
    pub(crate) fn rest(&self, number: u32) -> Result<Entry<'_>, BlockError> {
        self.rests.get(&self.body, number)
    }

    /// The message of a span as it came, without the fields that have columns.
    pub(crate) fn message<E: From<BlockError>>(
        &self,
        index: usize,
        fetch: Fetch<'_, E>,
        out: &mut Encoder,
    ) -> Result<(), E> {
        for number in self.attributes_of(index) {
            match self.attribute(*number)? {
                Entry::Here(bytes) => out.some_bytes(ATTRIBUTES, bytes),
                Entry::Apart(hash) => out.some_bytes(ATTRIBUTES, fetch(hash)?),
            }
        }
        match self.rest(self.rest_of(index))? {
            Entry::Here(bytes) => out.raw(bytes),
            Entry::Apart(hash) => out.raw(&fetch(hash)?),
        }
        Ok(())
    }
}

/// The section behind the one that was just taken: arguments are read in order.
fn sections_after<'a>(sections: &mut Reader<'a>) -> Result<Reader<'a>, BlockError> {
    sections.section()
}

/// Where each item's part ends, from how long each is.
pub(super) fn ends(mut lengths: Reader<'_>, count: usize) -> Result<Vec<usize>, BlockError> {
    let mut end: usize = 0;
    (0..count)
        .map(|_| {
            end = end
                .checked_add(lengths.size()?)
                .ok_or(BlockError::Malformed)?;
            Ok(end)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(trace: u8, id: u8, parent: u8, message: &[u8]) -> SpanItem<'_> {
        SpanItem {
            trace_id: TraceId([trace; 16]),
            span_id: SpanId([id; 8]),
            parent: SpanId([parent; 8]),
            start_ns: 1000 - i64::from(id),
            end_ns: 2000,
            kind: 2,
            status: 0,
            name: i64::from(id),
            name_text: "name",
            resource: 1,
            scope: 1,
            content: Content::Message(message),
        }
    }

    #[test]
    fn spans_come_back_with_their_messages() {
        // Two attributes (field 9), a name that has a column (5), flags (16) and an unknown field (99).
        let message = b"\x4a\x05\n\x01k\x12\x00\x2a\x02hi\x85\x01\x01\x00\x00\x00\x9a\x06\x01x\x4a\x03\n\x01l";
        let big = [b"\x4a\x80\x80\x01\n\xfc\xff\x00".as_slice(), &[b'x'; 16380]].concat();
        let items = [
            item(1, 1, 0, message),
            item(1, 2, 1, message),
            item(2, 3, 9, &big),
        ];
        let encoded = SpanItem::encode(&items, None).unwrap();
        assert_eq!(encoded.payloads.len(), 1);
        let block = SpanBlock::read(&encoded.data).unwrap();
        assert_eq!(block.len(), 3);
        for (index, item) in items.iter().enumerate() {
            assert_eq!(block.ids(index), (item.trace_id, item.span_id, item.parent));
            assert_eq!(
                (block.starts[index], block.ends[index]),
                (item.start_ns, 2000)
            );
        }
        let mut fetch = |_| Ok::<_, BlockError>(encoded.payloads[0].1.to_vec());
        let mut out = Encoder::new();
        block.message(1, &mut fetch, &mut out).unwrap();
        let without_name =
            b"\x4a\x05\n\x01k\x12\x00\x4a\x03\n\x01l\x85\x01\x01\x00\x00\x00\x9a\x06\x01x";
        assert_eq!(out.as_bytes(), without_name);
        let mut out = Encoder::new();
        block.message(2, &mut fetch, &mut out).unwrap();
        assert_eq!(out.as_bytes(), big);
        assert_eq!(
            block.places_of(TraceId([1; 16])).collect::<Vec<_>>(),
            [0, 1]
        );
    }

    #[test]
    fn stored_spans_are_joined_without_what_is_kept_apart() {
        let big = [b"\x4a\x80\x80\x01\n\xfc\xff\x00".as_slice(), &[b'x'; 16380]].concat();
        let items = [
            item(1, 1, 0, b"\x4a\x05\n\x01k\x12\x00"),
            item(2, 3, 9, &big),
        ];
        let first = SpanItem::encode(&items, None).unwrap();
        let block = SpanBlock::read(&first.data).unwrap();
        assert!(block.has_apart());
        let texts = Texts::read(&first.texts).unwrap();
        let stored = [1, 0].map(|place| SpanItem {
            content: Content::Stored(&block, place),
            ..items[place]
        });
        let joined = SpanItem::encode(&stored, Some(&texts)).unwrap();
        assert_eq!(joined.payloads, [], "nothing is kept apart anew");
        assert!(joined.texts == first.texts);
        let joined = SpanBlock::read(&joined.data).unwrap();
        for (place, item) in [(1, items[0]), (0, items[1])] {
            let Content::Message(expected) = item.content else {
                unreachable!()
            };
            let mut fetch = |_| Ok::<_, BlockError>(first.payloads[0].1.to_vec());
            let mut out = Encoder::new();
            joined.message(place, &mut fetch, &mut out).unwrap();
            assert_eq!(out.as_bytes(), expected);
        }
    }

    #[test]
    fn cut_blocks_are_errors() {
        let data = SpanItem::encode(&[item(1, 1, 0, b"")], None).unwrap().data;
        assert!((0..data.len()).all(|end| SpanBlock::read(&data[..end]).is_err()));
    }
}
