//! Blocks of log records.

use fanlight_otlp::json::write_plain_value;
use fanlight_otlp::view::Value;
use fanlight_otlp::write::Encoder;
use fanlight_otlp::{SpanId, TraceId};

use super::codec::{BlockError, Reader, Sections, decompress, put_signed, put_varint};
use super::dictionary::{Dictionary, Entries, Entry};
use super::filter::{FilterBuilder, Texts};
use super::spans::{ends, resource_hash};
use super::{Content, Encoded, Fetch, LEVEL, add_attributes};
use crate::wire::Fields;

/// The fields of `LogRecord` that have columns, and the attributes and the body.
const COLUMNS: [u32; 7] = [1, 2, 5, 6, 9, 10, 11];
const BODY: u32 = 5;
const ATTRIBUTES: u32 = 6;

/// A log record on its way into a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogItem<'a> {
    /// Its time, or when it was observed, or when it arrived, whichever is there first.
    pub(crate) sort_ns: i64,
    pub(crate) time_ns: i64,
    pub(crate) observed_ns: i64,
    pub(crate) severity: i32,
    /// Zero when it has none.
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) resource: i64,
    pub(crate) scope: i64,
    pub(crate) content: Content<'a, &'a LogBlock>,
}

/// A block that was read.
#[derive(Debug, Default)]
pub(crate) struct LogBlock {
    body: Vec<u8>,
    pub(crate) sorts: Vec<i64>,
    pub(crate) times: Vec<i64>,
    pub(crate) observed: Vec<i64>,
    pub(crate) severities: Vec<i64>,
    pub(crate) resources: Vec<i64>,
    pub(crate) scopes: Vec<i64>,
    pub(crate) traces: Vec<TraceId>,
    pub(crate) spans: Vec<SpanId>,
    pub(crate) attributes: Entries,
    ends_of_attributes: Vec<usize>,
    pub(crate) bodies: Entries,
    /// For each record, the number of its body among the entries.
    body_of: Vec<Option<u32>>,
    rests: Entries,
}

impl<'a> LogItem<'a> {
    /// Writes log records as a block, in this order. `texts` has the texts of what is kept apart already.
    pub(crate) fn encode(
        items: &[LogItem<'a>],
        texts: Option<&Texts>,
    ) -> Result<Encoded<'a>, BlockError> {
        let mut sections = Sections::default();
        add_numbers(items, &mut sections);
        let (mut rests, mut rest_ends) = (Vec::new(), Vec::with_capacity(items.len()));
        for item in items {
            if let Content::Message(message) = item.content {
                crate::wire::copy_fields(message, &mut rests, |number| !COLUMNS.contains(&number))
                    .map_err(|_| BlockError::Malformed)?;
            }
            rest_ends.push(rests.len());
        }
        let (mut attributes, mut counts) = (Dictionary::default(), Vec::new());
        let (mut bodies, mut has_body) = (Dictionary::default(), Vec::new());
        let (mut others, mut start) = (Dictionary::default(), 0);
        for (item, end) in items.iter().zip(rest_ends) {
            let rest = rests.get(start..end).unwrap_or_default();
            let (count, body) = item.refer(rest, &mut attributes, &mut others)?;
            put_varint(&mut counts, count);
            has_body.push(u8::from(body.is_some()));
            body.into_iter().for_each(|body| bodies.refer(body));
            start = end;
        }
        sections.add(&counts);
        sections.add(&has_body);
        let (mut payloads, mut large_rests) = (Vec::new(), Vec::new());
        attributes.write(&mut sections, &mut payloads);
        bodies.write(&mut sections, &mut payloads);
        others.write(&mut sections, &mut large_rests);
        let mut filter = FilterBuilder::default();
        let has_calls = add_attributes(attributes.entries(), &mut filter)?;
        for body in bodies.entries() {
            if let Entry::Here(body) = body {
                add_body(body, &mut filter)?;
            }
        }
        texts.into_iter().for_each(|texts| filter.add_texts(texts));
        let mut last = 0;
        for item in items {
            if item.resource != last {
                filter.add(resource_hash(item.resource));
                last = item.resource;
            }
        }
        Ok(Encoded {
            data: sections.compress(LEVEL)?,
            filter: filter.filter(),
            texts: filter.texts()?,
            payloads: super::payloads(payloads, large_rests),
            has_calls,
        })
    }
}

impl<'a> LogItem<'a> {
    /// Refers to its attributes, and to what it has beside columns, attributes and body, which is `rest` unless it is stored.
    /// Answers how many attributes there are, and the body.
    fn refer<'r>(
        &self,
        rest: &'r [u8],
        attributes: &mut Dictionary<'a>,
        others: &mut Dictionary<'r>,
    ) -> Result<(u64, Option<Entry<'a>>), BlockError>
    where
        'a: 'r,
    {
        let (mut count, mut body) = (0, None);
        match self.content {
            Content::Message(message) => {
                for field in Fields(message) {
                    let field = field.map_err(|_| BlockError::Malformed)?;
                    match field.number {
                        BODY => body = Some(Entry::Here(field.payload)),
                        ATTRIBUTES => {
                            attributes.refer(Entry::Here(field.payload));
                            count += 1;
                        }
                        _ => {}
                    }
                }
                others.refer(Entry::Here(rest));
            }
            Content::Stored(block, place) => {
                for number in block.attributes_of(place) {
                    attributes.refer(block.attribute(*number)?);
                    count += 1;
                }
                let number = block.body_number(place);
                body = number.map(|number| block.body(number)).transpose()?;
                others.refer(block.rest(place)?);
            }
        }
        Ok((count, body))
    }
}

/// Tells a filter about a body: what is looked for is its text, which is JSON where it is not a string.
fn add_body(body: &[u8], filter: &mut FilterBuilder) -> Result<(), BlockError> {
    let value = Value::read(body).map_err(|_| BlockError::Malformed)?;
    if let Value::Str(text) = value {
        filter.add_text(text.as_bytes());
    } else {
        let mut text = Vec::new();
        write_plain_value(&value, &mut text).map_err(|_| BlockError::Malformed)?;
        filter.add_text(&text);
    }
    Ok(())
}

fn add_numbers(items: &[LogItem<'_>], sections: &mut Sections) {
    let mut columns: [Vec<u8>; 9] = Default::default();
    let [
        count,
        times,
        observed,
        sorts,
        severities,
        resources,
        scopes,
        traces,
        spans,
    ] = &mut columns;
    put_varint(count, items.len() as u64);
    let mut last = 0;
    for item in items {
        put_signed(times, item.time_ns.wrapping_sub(last));
        last = item.time_ns;
        put_signed(observed, item.observed_ns.wrapping_sub(item.time_ns));
        put_signed(sorts, item.sort_ns.wrapping_sub(item.time_ns));
        put_signed(severities, i64::from(item.severity));
        put_signed(resources, item.resource);
        put_signed(scopes, item.scope);
        spans.extend_from_slice(&item.span_id.0);
    }
    for run in items.chunk_by(|a, b| a.trace_id == b.trace_id) {
        if let Some(first) = run.first() {
            traces.extend_from_slice(&first.trace_id.0);
            put_varint(traces, run.len() as u64);
        }
    }
    columns.iter().for_each(|column| sections.add(column));
}

impl LogBlock {
    /// Reads a block.
    pub(crate) fn read(data: &[u8]) -> Result<LogBlock, BlockError> {
        let body = decompress(data)?;
        let mut sections = Reader::new(&body);
        let count = sections.section()?.size()?;
        let mut block = LogBlock::default();
        let mut last = 0;
        for difference in sections.section()?.numbers(count)? {
            last = difference.wrapping_add(last);
            block.times.push(last);
        }
        for column in [&mut block.observed, &mut block.sorts] {
            let differences = sections.section()?.numbers(count)?;
            let pairs = block.times.iter().zip(differences);
            *column = pairs
                .map(|(time, difference)| time.wrapping_add(difference))
                .collect();
        }
        for column in [
            &mut block.severities,
            &mut block.resources,
            &mut block.scopes,
        ] {
            *column = sections.section()?.numbers(count)?;
        }
        block.read_ids(sections.section()?, sections.section()?, count)?;
        block.ends_of_attributes = ends(sections.section()?, count)?;
        let has_body = sections.section()?.rest();
        block.attributes = Entries::read(&mut sections, &body)?;
        block.bodies = Entries::read(&mut sections, &body)?;
        block.rests = Entries::read(&mut sections, &body)?;
        let mut references = block.bodies.references.iter();
        block.body_of = has_body
            .iter()
            .map(|has| references.next_if(*has == 1))
            .collect();
        block.body = body;
        Ok(block)
    }

    fn read_ids(
        &mut self,
        mut traces: Reader<'_>,
        mut spans: Reader<'_>,
        count: usize,
    ) -> Result<(), BlockError> {
        while !traces.rest().is_empty() {
            let id = TraceId(traces.id()?);
            let length = traces.size()?;
            if length > count - self.traces.len() {
                return Err(BlockError::Malformed);
            }
            self.traces.extend(std::iter::repeat_n(id, length));
        }
        for _ in 0..count {
            self.spans.push(SpanId(spans.id()?));
        }
        match self.traces.len() == count {
            true => Ok(()),
            false => Err(BlockError::Malformed),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// The numbers of a record's attributes among the entries.
    pub(crate) fn attributes_of(&self, index: usize) -> &[u32] {
        let end = |index: usize| self.ends_of_attributes.get(index).copied().unwrap_or(0);
        let start = index.checked_sub(1).map_or(0, end);
        self.attributes
            .references
            .get(start..end(index))
            .unwrap_or_default()
    }

    /// An attribute.
    pub(crate) fn attribute(&self, number: u32) -> Result<Entry<'_>, BlockError> {
        self.attributes.get(&self.body, number)
    }

    /// The number of a record's body, if it has one.
    pub(crate) fn body_number(&self, index: usize) -> Option<u32> {
        self.body_of.get(index).copied().flatten()
    }

    /// A body, as an `AnyValue` message.
    pub(crate) fn body(&self, number: u32) -> Result<Entry<'_>, BlockError> {
        self.bodies.get(&self.body, number)
    }

    /// The message of a record as it came, without the fields that have columns.
    pub(crate) fn message<E: From<BlockError>>(
        &self,
        index: usize,
        fetch: Fetch<'_, E>,
        out: &mut Encoder,
    ) -> Result<(), E> {
        let mut add = |field, entry: Entry<'_>| -> Result<(), E> {
            match entry {
                Entry::Here(bytes) => out.some_bytes(field, bytes),
                Entry::Apart(hash) => out.some_bytes(field, fetch(hash)?),
            }
            Ok(())
        };
        if let Some(number) = self.body_number(index) {
            add(BODY, self.body(number)?)?;
        }
        for number in self.attributes_of(index) {
            add(ATTRIBUTES, self.attribute(*number)?)?;
        }
        match self.rest(index)? {
            Entry::Here(bytes) => out.raw(bytes),
            Entry::Apart(hash) => out.raw(&fetch(hash)?),
        }
        Ok(())
    }

    /// What a record has beside columns, attributes and body.
    fn rest(&self, index: usize) -> Result<Entry<'_>, BlockError> {
        let rest = self.rests.references.get(index).copied().unwrap_or(0);
        self.rests.get(&self.body, rest)
    }

    /// Whether something of it is kept apart.
    pub(crate) fn has_apart(&self) -> bool {
        [&self.attributes, &self.bodies, &self.rests]
            .iter()
            .any(|entries| entries.has_apart())
    }
}

/// Takes the next element only if it is wanted.
trait NextIf {
    fn next_if(&mut self, wanted: bool) -> Option<u32>;
}

impl NextIf for std::slice::Iter<'_, u32> {
    fn next_if(&mut self, wanted: bool) -> Option<u32> {
        if wanted { self.next().copied() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_with_their_messages() {
        // A body (field 5), an attribute (6), a severity text (3) and an unknown field (99).
        let message = b"\x2a\x04\n\x02hi\x32\x03\n\x01k\x1a\x01E\x9a\x06\x01x";
        let item = |time: i64, message: &'static [u8]| LogItem {
            sort_ns: 7,
            time_ns: time,
            observed_ns: 5,
            severity: 17,
            trace_id: TraceId([1; 16]),
            span_id: SpanId([2; 8]),
            resource: 1,
            scope: 1,
            content: Content::Message(message),
        };
        let encoded =
            LogItem::encode(&[item(0, message), item(9, b""), item(3, message)], None).unwrap();
        let block = LogBlock::read(&encoded.data).unwrap();
        assert_eq!((block.len(), &*block.times), (3, &[0, 9, 3][..]));
        assert_eq!(
            (&*block.sorts, &*block.observed),
            (&[7; 3][..], &[5; 3][..])
        );
        let mut fetch = |_| Err(BlockError::Malformed);
        for (index, expected) in [message.as_slice(), b"", message].into_iter().enumerate() {
            let mut out = Encoder::new();
            block.message(index, &mut fetch, &mut out).unwrap();
            assert_eq!(out.as_bytes(), expected);
        }
        assert_eq!(block.body_number(1), None);
    }
}
