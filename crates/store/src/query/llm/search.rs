//! Finding calls by text, in all that their spans say.
//!
//! A block's second filter tells whether it may have a text, so that few blocks are read for a text that few calls have. What
//! lists show of a call is looked at, too: it is put on one line, so a text may be there that its span has in other words.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;

use fanlight_otlp::{SpanId, TraceId};
use rusqlite::Connection;
use serde::Deserialize;

use super::super::QueryError;
use super::super::json::id;
use super::super::matching::{Condition, Matcher};
use super::super::scan::{span_block, superseded};
use super::stored::blocks_of;
use crate::block::{Needle, Texts};
use crate::llm::{Facts, Flags, part_of};

/// A text that is looked for in a partition.
pub(super) struct Search {
    /// As it was typed, and as JSON has it within a text, if that is another one.
    needles: Vec<Needle>,
    matchers: Vec<Matcher>,
    /// The parts that blocks reach into which may have its words.
    parts: HashSet<i64>,
    /// The blocks that may have it.
    blocks: HashSet<i64>,
    found: RefCell<Found>,
}

/// What was found in blocks so far.
#[derive(Default)]
struct Found {
    read: HashSet<i64>,
    spans: HashSet<(TraceId, SpanId)>,
}

/// What lists show of a call.
#[derive(Deserialize)]
struct Shown<'a> {
    #[serde(rename = "n", borrow, default)]
    name: Cow<'a, str>,
    #[serde(rename = "i", borrow, default)]
    input: Cow<'a, str>,
    #[serde(rename = "a", borrow, default)]
    output: Cow<'a, str>,
}

impl Search {
    /// Prepares the search for a text in calls of a range of time.
    pub(super) fn prepare(
        connection: &Connection,
        text: &str,
        [from, to]: [i64; 2],
    ) -> Result<Search, QueryError> {
        let mut variants = vec![text.to_owned()];
        let quoted = serde_json::to_string(text)?;
        let within = (quoted.strip_prefix('"')).and_then(|quoted| quoted.strip_suffix('"'));
        variants.extend(within.filter(|within| *within != text).map(str::to_owned));
        let mut search = Search {
            needles: variants.iter().map(|text| Needle::new(text)).collect(),
            matchers: Vec::new(),
            parts: HashSet::new(),
            blocks: HashSet::new(),
            found: RefCell::default(),
        };
        for text in variants {
            let condition = Condition {
                text: Some(text),
                ..Condition::default()
            };
            search
                .matchers
                .extend(Matcher::prepare(connection, &condition)?);
        }
        search.find_blocks(connection, text, [from, to])?;
        Ok(search)
    }

    /// Asks the filters of all blocks.
    fn find_blocks(
        &mut self,
        connection: &Connection,
        text: &str,
        range: [i64; 2],
    ) -> Result<(), QueryError> {
        // Letters and digits are the same wherever they come from; anything else may be written otherwise.
        let words: Vec<Needle> = (text.split(|letter: char| !letter.is_ascii_alphanumeric()))
            .map(Needle::new)
            .collect();
        let mut parts = connection.prepare_cached("SELECT part FROM llm_parts ORDER BY part")?;
        let parts: Vec<i64> = parts
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut find = connection.prepare_cached(
            "SELECT id, min_ns, max_ns, texts FROM span_blocks JOIN span_texts USING (id)
             WHERE max_ns >= ?1 AND min_ns < ?2",
        )?;
        let mut rows = find.query(range)?;
        while let Some(row) = rows.next()? {
            let texts = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
            let texts = Texts::read(texts)?;
            if self.needles.iter().any(|needle| texts.may_have(needle)) {
                self.blocks.insert(row.get(0)?);
            } else if !words.iter().all(|word| texts.may_have(word)) {
                continue;
            }
            let (first, last) = (part_of(row.get(1)?), part_of(row.get(2)?));
            let begin = parts.partition_point(|part| *part < first);
            let reached = parts.iter().skip(begin).take_while(|part| **part <= last);
            self.parts.extend(reached);
        }
        Ok(())
    }

    /// Whether a call has the text.
    pub(super) fn finds(&self, connection: &Connection, facts: &Facts) -> Result<bool, QueryError> {
        let is_logged = facts.flags.has(Flags::LOG);
        if !is_logged && !self.parts.contains(&part_of(facts.start_ns)) {
            return Ok(false);
        }
        let mut find = connection
            .prepare_cached("SELECT trace_id, span_id, details FROM llm_calls WHERE id = ?")?;
        let mut rows = find.query([facts.call])?;
        let Some(row) = rows.next()? else {
            return Ok(false);
        };
        let bytes = |column| -> rusqlite::Result<&[u8]> { Ok(row.get_ref(column)?.as_bytes()?) };
        let shown: Shown<'_> = serde_json::from_slice(bytes(2)?)?;
        let is_in = |text: &str| {
            let mut needles = self.needles.iter();
            needles.any(|needle| needle.is_in(text.as_bytes()))
        };
        if is_in(&shown.name) || is_in(&shown.input) || is_in(&shown.output) {
            return Ok(true);
        }
        let ids = (TraceId(id(bytes(0)?)), SpanId(id(bytes(1)?)));
        Ok(!is_logged && self.is_in_span(connection, ids)?)
    }

    fn is_in_span(
        &self,
        connection: &Connection,
        ids: (TraceId, SpanId),
    ) -> Result<bool, QueryError> {
        let mut found = self.found.borrow_mut();
        for block in blocks_of(connection, ids.0)? {
            if self.blocks.contains(&block) && found.read.insert(block) {
                self.read(connection, block, &mut found.spans)?;
            }
        }
        Ok(found.spans.contains(&ids))
    }

    /// Notes the spans of a block that have the text.
    fn read(
        &self,
        connection: &Connection,
        id: i64,
        spans: &mut HashSet<(TraceId, SpanId)>,
    ) -> Result<(), QueryError> {
        let block = span_block(connection, id)?;
        let dead = superseded(connection, id)?;
        for matcher in &self.matchers {
            let places = matcher.spans(connection, &block)?;
            for place in places.into_iter().filter(|place| !dead.contains(place)) {
                let (trace_id, span_id, _) = block.ids(place);
                spans.insert((trace_id, span_id));
            }
        }
        Ok(())
    }
}
