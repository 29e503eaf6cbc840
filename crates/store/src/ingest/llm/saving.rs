//! Writing calls, of which each counts once.

use std::collections::BTreeSet;

use fanlight_genai::{Counts, Kind, LlmCall};
use fanlight_otlp::{SpanId, TraceId};
use rusqlite::{Row, ToSql, Transaction, params};

use super::super::{IngestError, previews};
use super::Recorded;
use super::pricing::price_call;
use crate::intern::{Interner, content_hash};
use crate::llm::{Details, Facts, Flags, INDEXED, is_model, part_of};

/// The most recordings with the same response id that are looked at.
const ALIKE: i64 = 16;

/// A call that is there already.
struct Known {
    facts: Facts,
    response: Option<i64>,
}

/// Writes calls within a transaction.
pub(crate) struct Calls<'c, 't> {
    transaction: &'t Transaction<'t>,
    interner: &'c mut Interner<'t>,
    /// The calls of models that were written.
    changed: Vec<(TraceId, SpanId)>,
    /// The parts that are known to have no columns.
    parts: BTreeSet<i64>,
}

impl<'c, 't> Calls<'c, 't> {
    pub(crate) fn new(
        transaction: &'t Transaction<'t>,
        interner: &'c mut Interner<'t>,
    ) -> Calls<'c, 't> {
        Calls {
            transaction,
            interner,
            changed: Vec::new(),
            parts: BTreeSet::new(),
        }
    }

    /// The calls of models that were written.
    pub(crate) fn changed(self) -> Vec<(TraceId, SpanId)> {
        self.changed
    }

    /// Writes a call, in place of the one that its span told of before.
    pub(crate) fn save(
        &mut self,
        call: &LlmCall,
        recorded: &Recorded<'_>,
    ) -> Result<(), IngestError> {
        let (mut facts, details) = self.derive(call, recorded)?;
        let response = call.response_id.as_deref().filter(|id| !id.is_empty());
        let response = response.map(|id| content_hash(id.as_bytes()));
        let details = serde_json::to_string(&details).unwrap_or_default();
        let parent = Some(&recorded.parent.0[..]).filter(|_| !recorded.parent.is_zero());
        let row = params![
            &recorded.trace_id.0[..],
            &recorded.span_id.0[..],
            parent,
            response,
            recorded.log,
            recorded.start_ns,
            details
        ];
        facts.call = match self.insert(row)? {
            Some(id) => id,
            None => self.replace(row)?,
        };
        if is_model(facts.kind) {
            if facts.flags.has(Flags::OWN) {
                self.meet_others(&mut facts, recorded, response)?;
            }
            self.changed.push((recorded.trace_id, recorded.span_id));
        }
        self.add_facts(&facts)?;
        Ok(())
    }

    /// Writes the row of a call that is new, and answers its number; nothing when it is there already.
    fn insert(&self, row: &[&dyn ToSql]) -> rusqlite::Result<Option<i64>> {
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO llm_calls (trace_id, span_id, parent, response, log, start_ns, details)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (trace_id, span_id) DO NOTHING",
        )?;
        let is_new = insert.execute(row)? > 0;
        Ok(is_new.then(|| self.transaction.last_insert_rowid()))
    }

    /// Writes the row of a call in place of the one that is there, and answers its number. The facts that are there go.
    fn replace(&mut self, row: &[&dyn ToSql]) -> Result<i64, IngestError> {
        let transaction = self.transaction;
        let mut find = transaction.prepare_cached(
            "SELECT id, start_ns FROM llm_calls WHERE trace_id = ?1 AND span_id = ?2",
        )?;
        let ids = row.get(..2).unwrap_or_default();
        let (id, start_ns) = find.query_one(ids, |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.remove_facts(start_ns, id)?;
        let mut update = transaction.prepare_cached(
            "UPDATE llm_calls SET parent = ?3, response = ?4, log = ?5, start_ns = ?6, details = ?7
             WHERE trace_id = ?1 AND span_id = ?2",
        )?;
        update.execute(row)?;
        Ok(id)
    }

    fn derive(
        &mut self,
        call: &LlmCall,
        recorded: &Recorded<'_>,
    ) -> Result<(Facts, Details), IngestError> {
        let mut facts = Facts {
            start_ns: recorded.start_ns,
            kind: call.kind,
            duration_ns: recorded.duration_ns,
            service: recorded.service,
            trace: content_hash(&recorded.trace_id.0).cast_unsigned() & 0xffff_ffff,
            ..Facts::default()
        };
        let mut details = previews::details(call, recorded.name);
        facts.prompt = match details.input.as_str() {
            "" => 0,
            input => content_hash(input.as_bytes()).cast_unsigned() & 0xffff_ffff | 1,
        };
        let is_conversation = call.session_id.is_some() && call.session_id == call.conversation_id;
        for (flag, truth) in [
            (Flags::ERROR, recorded.is_error),
            (Flags::OWN, call.counts == Counts::Own),
            (Flags::USAGE, call.usage.is_some()),
            (Flags::LOG, recorded.log.is_some()),
            (Flags::PROXY, recorded.is_proxy),
            (Flags::CONVERSATION, is_conversation),
        ] {
            facts.flags.set(flag, truth);
        }
        if let Some(usage) = call.usage {
            facts.input = usage.input_tokens;
            facts.output = usage.output_tokens;
            facts.cache_read = usage.cache_read_input_tokens;
            facts.cache_write = usage.cache_creation_input_tokens;
            facts.reasoning = usage.reasoning_output_tokens;
        }
        if is_model(call.kind) {
            price_call(call, &mut facts, &mut details);
        }
        let agent = call.agent.as_ref();
        let agent = agent.and_then(|agent| agent.name.as_deref().or(agent.id.as_deref()));
        let agent = match call.kind {
            Kind::Agent => agent.or(Some(recorded.name)),
            _ => agent,
        };
        for (id, text) in [
            (&mut facts.provider, call.provider.as_deref()),
            (&mut facts.request_model, call.request_model.as_deref()),
            (&mut facts.response_model, call.response_model.as_deref()),
            (&mut facts.session, call.session_id.as_deref()),
            (&mut facts.user, call.user_id.as_deref()),
            (&mut facts.agent, agent),
        ] {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                *id = self.interner.name(text)?;
            }
        }
        for tag in &call.tags {
            let tag = self.interner.name(tag)?;
            if !facts.tags.contains(&tag) {
                facts.tags.push(tag);
            }
        }
        Ok((facts, details))
    }

    /// Looks for other recordings of the same call, and decides which counts.
    fn meet_others(
        &mut self,
        facts: &mut Facts,
        recorded: &Recorded<'_>,
        response: Option<i64>,
    ) -> Result<(), IngestError> {
        let trace = &recorded.trace_id.0[..];
        if !recorded.parent.is_zero() {
            let parents = self.known(
                "trace_id = ?1 AND span_id = ?2",
                params![trace, &recorded.parent.0[..]],
            )?;
            for mut parent in parents {
                if is_same(facts, response, &parent) {
                    self.settle(&mut parent.facts, facts, false)?;
                }
            }
        }
        let children = self.known(
            "parent = ?2 AND trace_id = ?1",
            params![trace, &recorded.span_id.0[..]],
        )?;
        for mut child in children {
            if is_same(facts, response, &child) {
                self.settle(facts, &mut child.facts, true)?;
            }
        }
        let Some(response) = response else {
            return Ok(());
        };
        for mut other in self.known("response = ?1 LIMIT ?2", params![response, ALIKE])? {
            let one_is_proxy = other.facts.flags.has(Flags::PROXY) != recorded.is_proxy;
            let at_once =
                other.facts.start_ns <= facts.end_ns() && facts.start_ns <= other.facts.end_ns();
            if !one_is_proxy || !at_once || other.facts.call == facts.call {
                continue;
            }
            match recorded.is_proxy {
                true => self.settle(&mut other.facts, facts, false)?,
                false => self.settle(facts, &mut other.facts, true)?,
            }
        }
        Ok(())
    }

    /// Of two recordings of one call, lets the inner one count, or the one that knows what was used. One of both is new and
    /// has no facts in the tables yet.
    fn settle(
        &mut self,
        outer: &mut Facts,
        inner: &mut Facts,
        outer_is_new: bool,
    ) -> Result<(), IngestError> {
        let written = if outer_is_new { &*inner } else { &*outer };
        self.remove_facts(written.start_ns, written.call)?;
        let outer_counts = outer.flags.has(Flags::USAGE) && !inner.flags.has(Flags::USAGE);
        let (counts, repeats) = match outer_counts {
            true => (&mut *outer, &mut *inner),
            false => (&mut *inner, &mut *outer),
        };
        repeats.flags.set(Flags::REPEATED, true);
        for (mine, others) in [
            (&mut counts.user, repeats.user),
            (&mut counts.agent, repeats.agent),
        ] {
            if *mine == 0 {
                *mine = others;
            }
        }
        if counts.session == 0 {
            counts.session = repeats.session;
            let is_conversation = repeats.flags.has(Flags::CONVERSATION);
            counts.flags.set(Flags::CONVERSATION, is_conversation);
        }
        if counts.tags.is_empty() {
            counts.tags.clone_from(&repeats.tags);
        }
        let written = if outer_is_new { &*inner } else { &*outer };
        self.add_facts(written)
    }

    /// The calls of models with usage of their own for which this holds.
    fn known(
        &self,
        condition: &str,
        parameters: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<Known>, IngestError> {
        let mut find = self.transaction.prepare_cached(&format!(
            "SELECT llm_calls.start_ns, id, facts, response FROM llm_calls
             CROSS JOIN llm_facts ON llm_facts.start_ns = llm_calls.start_ns AND call = id WHERE {condition}"
        ))?;
        let mut rows = find.query(parameters)?;
        let mut known = Vec::new();
        while let Some(row) = rows.next()? {
            let facts = facts_of(row)?;
            if is_model(facts.kind) && facts.flags.has(Flags::OWN) {
                let response = row.get(3)?;
                known.push(Known { facts, response });
            }
        }
        Ok(known)
    }

    fn add_facts(&mut self, facts: &Facts) -> Result<(), IngestError> {
        let transaction = self.transaction;
        transaction
            .prepare_cached("INSERT OR REPLACE INTO llm_facts VALUES (?, ?, ?)")?
            .execute(params![facts.start_ns, facts.call, facts.write()])?;
        let mut add =
            transaction.prepare_cached("INSERT OR IGNORE INTO llm_index VALUES (?, ?, ?, ?)")?;
        for dimension in INDEXED {
            for name in facts.names(dimension) {
                add.execute(params![dimension as i64, name, facts.start_ns, facts.call])?;
            }
        }
        Ok(self.drop_columns(facts.start_ns)?)
    }

    fn remove_facts(&mut self, start_ns: i64, call: i64) -> Result<(), IngestError> {
        let transaction = self.transaction;
        let mut find = transaction.prepare_cached(
            "SELECT start_ns, call, facts FROM llm_facts WHERE start_ns = ? AND call = ?",
        )?;
        let mut rows = find.query([start_ns, call])?;
        let Some(row) = rows.next()? else {
            return Ok(());
        };
        let facts = facts_of(row)?;
        let mut remove = transaction.prepare_cached(
            "DELETE FROM llm_index WHERE dimension = ? AND name = ? AND start_ns = ? AND call = ?",
        )?;
        for dimension in INDEXED {
            for name in facts.names(dimension) {
                remove.execute(params![dimension as i64, name, start_ns, call])?;
            }
        }
        transaction
            .prepare_cached("DELETE FROM llm_facts WHERE start_ns = ? AND call = ?")?
            .execute([start_ns, call])?;
        Ok(self.drop_columns(start_ns)?)
    }

    /// Lets nobody read the facts of a part from its columns any more: they are other ones now.
    fn drop_columns(&mut self, start_ns: i64) -> rusqlite::Result<()> {
        let part = part_of(start_ns);
        if self.parts.insert(part) {
            let mut drop = self.transaction.prepare_cached(
                "INSERT INTO llm_parts (part) VALUES (?)
                 ON CONFLICT (part) DO UPDATE SET columns = NULL WHERE columns IS NOT NULL",
            )?;
            drop.execute([part])?;
        }
        Ok(())
    }
}

/// The facts of a row of start, number and bytes.
fn facts_of(row: &Row<'_>) -> Result<Facts, IngestError> {
    let bytes = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
    Ok(Facts::read(row.get(0)?, row.get(1)?, bytes)?)
}

/// Whether a call and one right above or below it are the same.
fn is_same(facts: &Facts, response: Option<i64>, other: &Known) -> bool {
    if facts.kind != other.facts.kind {
        return false;
    }
    if let (Some(a), Some(b)) = (response, other.response) {
        return a == b;
    }
    let models = |facts: &Facts| [facts.request_model, facts.response_model];
    models(facts)
        .iter()
        .any(|model| *model != 0 && models(&other.facts).contains(model))
}
