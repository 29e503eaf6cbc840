//! Calls of language models, derived from spans and log records.
//!
//! Sums are made of calls of models that state their own usage. One call may be recorded more than once: by a library and by
//! another one below it, or by an SDK and by the proxy that its request went through. Only one recording counts then:
//!
//! - of two calls of models, one the direct child of the other, that have the same response id, or the same model where one
//!   of them has none: the inner one;
//! - of two that have the same response id while one ran, in whatever traces, one of them recorded by the proxy: the proxy's;
//!
//! unless only the other one knows what was used. The recording that counts takes over session, user, agent and tags where
//! it has none itself.

use fanlight_genai::{Counts, Kind, LlmCall, price};
use fanlight_otlp::json::{write_plain_attributes, write_plain_value};
use fanlight_otlp::view::{LogView, ResourceView, ScopeView, SpanView};
use fanlight_otlp::{SpanId, TraceId};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use sha2::{Digest, Sha256};

use super::IngestError;
use super::previews;
use crate::intern::{Interner, content_hash};
use crate::llm::{CostParts, DIMENSIONS, Details, Facts, Flags, is_model};

/// The scope of the proxy's spans.
const PROXY: &str = "fanlight.proxy";

/// Calls that are in log records only, by how the names of events and scopes begin.
const LOGGED: [&str; 5] = [
    "gen_ai.client.inference.operation.details",
    "claude_code.",
    "com.anthropic.claude_code",
    "codex.",
    "gemini_cli.",
];

/// The most recordings with the same response id that are looked at.
const ALIKE: i64 = 16;

/// Where a call was recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recorded<'a> {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    /// Zero for none.
    pub(crate) parent: SpanId,
    pub(crate) start_ns: i64,
    pub(crate) duration_ns: u64,
    pub(crate) name: &'a str,
    pub(crate) service: i64,
    pub(crate) is_error: bool,
    pub(crate) is_proxy: bool,
    /// The number of the log record.
    pub(crate) log: Option<i64>,
}

/// The call that a span tells of, if it has ended.
pub(crate) fn of_span<'a>(
    resource: &ResourceView<'_>,
    scope: &ScopeView<'_>,
    span: &SpanView<'a>,
    service: i64,
) -> Option<(LlmCall, Recorded<'a>)> {
    let start_ns = span.start_time_unix_nano.cast_signed();
    let end_ns = span.end_time_unix_nano.cast_signed();
    if end_ns == 0 || end_ns < start_ns {
        return None;
    }
    let call = fanlight_genai::spans::read_span(resource, scope, span)?;
    let recorded = Recorded {
        trace_id: span.trace_id,
        span_id: span.span_id,
        parent: span.parent_span_id,
        start_ns,
        duration_ns: end_ns.abs_diff(start_ns),
        name: span.name,
        service,
        is_error: span.status.code == super::spans::ERROR || call.error_type.is_some(),
        is_proxy: scope.name == PROXY,
        log: None,
    };
    Some((call, recorded))
}

/// Whether a log record may tell of a call that no span tells of.
pub(crate) fn may_be_logged(scope: &str, log: &LogView<'_>) -> bool {
    let is_one = |name: &str| LOGGED.iter().any(|prefix| name.starts_with(prefix));
    is_one(scope) || is_one(fanlight_genai::spans::event_name(log))
}

/// The call that a log record tells of, if no span does. It is known by the hash of the record, so that one that comes
/// again is the same.
pub(crate) fn of_log<'a>(
    resource: &ResourceView<'_>,
    scope: &ScopeView<'_>,
    (log, number): (&LogView<'a>, i64),
    (service, time_ns): (i64, i64),
) -> Option<(LlmCall, Recorded<'a>)> {
    if !may_be_logged(scope.name, log) {
        return None;
    }
    let call = fanlight_genai::spans::read_log(resource, scope, log)?;
    let tells = match call.kind {
        Kind::Llm => call.usage.is_some() || call.error_type.is_some(),
        Kind::Tool => true,
        Kind::Prompt => !call.input_messages.is_empty(),
        _ => false,
    };
    if call.counts == Counts::Aggregate || !tells {
        return None;
    }
    let milliseconds = log.attributes.get("duration_ms").ok().flatten();
    let milliseconds = milliseconds.and_then(|value| match value {
        fanlight_otlp::view::Value::Int(number) => Some(number as f64),
        fanlight_otlp::view::Value::Double(number) => Some(number),
        fanlight_otlp::view::Value::Str(text) => text.parse().ok(),
        _ => None,
    });
    // A float turns into an integer by saturating, so a negative number means none.
    let duration_ns = (milliseconds.unwrap_or_default() * 1e6) as u64;
    let hash = identity(resource, log, time_ns);
    let (made_up, rest) = hash.split_first_chunk::<16>()?;
    let span_id = SpanId(*rest.first_chunk()?);
    let trace_id = match log.trace_id.is_zero() {
        true => TraceId(*made_up),
        false => log.trace_id,
    };
    let recorded = Recorded {
        trace_id,
        span_id,
        parent: log.span_id,
        start_ns: time_ns.saturating_sub_unsigned(duration_ns),
        duration_ns,
        name: fanlight_genai::spans::event_name(log),
        service,
        is_error: call.error_type.is_some(),
        is_proxy: false,
        log: Some(number),
    };
    Some((call, recorded))
}

/// A hash that tells log records apart, however they are encoded.
fn identity(resource: &ResourceView<'_>, log: &LogView<'_>, time_ns: i64) -> [u8; 32] {
    let mut text = Vec::new();
    for attributes in [&resource.attributes, &log.attributes] {
        // Writing into a vector fails only for values that can't be read, which are left out then.
        let _ = write_plain_attributes(attributes, &mut text);
    }
    let _ = write_plain_value(&log.body, &mut text);
    let mut hash = Sha256::new();
    hash.update(time_ns.to_le_bytes());
    hash.update(log.trace_id.0);
    hash.update(log.span_id.0);
    hash.update(log.event_name);
    hash.update(text);
    hash.finalize().into()
}

/// A call that is there already.
struct Known {
    facts: Facts,
    response: Option<i64>,
}

/// Writes calls within a transaction.
pub(crate) struct Calls<'c, 't> {
    pub(crate) transaction: &'t Transaction<'t>,
    pub(crate) interner: &'c mut Interner<'t>,
    /// The calls of models that were written.
    pub(crate) changed: Vec<(TraceId, SpanId)>,
}

impl Calls<'_, '_> {
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
        let mut find = self.transaction.prepare_cached(
            "SELECT id, start_ns FROM llm_calls WHERE trace_id = ? AND span_id = ?",
        )?;
        let ids = params![&recorded.trace_id.0[..], &recorded.span_id.0[..]];
        let found = find
            .query_row(ids, |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
            .optional()?;
        if let Some((id, start_ns)) = found {
            self.remove_facts(start_ns, id)?;
        }
        let mut write = self.transaction.prepare_cached(
            "INSERT INTO llm_calls (id, trace_id, span_id, parent, response, log, start_ns, details)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (trace_id, span_id) DO UPDATE SET parent = ?4, response = ?5, log = ?6, start_ns = ?7, details = ?8",
        )?;
        write.execute(params![
            found.map(|(id, _)| id),
            &recorded.trace_id.0[..],
            &recorded.span_id.0[..],
            parent,
            response,
            recorded.log,
            recorded.start_ns,
            details
        ])?;
        facts.call = found.map_or_else(|| self.transaction.last_insert_rowid(), |(id, _)| id);
        if is_model(facts.kind) {
            if facts.flags.has(Flags::OWN) {
                self.meet_others(&mut facts, recorded, response)?;
            }
            self.changed.push((recorded.trace_id, recorded.span_id));
        }
        self.add_facts(&facts)?;
        Ok(())
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

    fn add_facts(&self, facts: &Facts) -> Result<(), IngestError> {
        let mut add = self
            .transaction
            .prepare_cached("INSERT OR REPLACE INTO llm_facts VALUES (?, ?, ?)")?;
        add.execute(params![facts.start_ns, facts.call, facts.write()])?;
        let mut add = self
            .transaction
            .prepare_cached("INSERT OR IGNORE INTO llm_index VALUES (?, ?, ?, ?)")?;
        for dimension in DIMENSIONS {
            for name in facts.names(dimension) {
                add.execute(params![dimension as i64, name, facts.start_ns, facts.call])?;
            }
        }
        Ok(())
    }

    fn remove_facts(&self, start_ns: i64, call: i64) -> Result<(), IngestError> {
        let mut find = self.transaction.prepare_cached(
            "SELECT start_ns, call, facts FROM llm_facts WHERE start_ns = ? AND call = ?",
        )?;
        let mut rows = find.query([start_ns, call])?;
        let Some(row) = rows.next()? else {
            return Ok(());
        };
        let facts = facts_of(row)?;
        let mut remove = self.transaction.prepare_cached(
            "DELETE FROM llm_index WHERE dimension = ? AND name = ? AND start_ns = ? AND call = ?",
        )?;
        for dimension in DIMENSIONS {
            for name in facts.names(dimension) {
                remove.execute(params![dimension as i64, name, start_ns, call])?;
            }
        }
        self.transaction
            .prepare_cached("DELETE FROM llm_facts WHERE start_ns = ? AND call = ?")?
            .execute([start_ns, call])?;
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

/// What a call costs: what was reported, else by the list of prices.
fn price_call(call: &LlmCall, facts: &mut Facts, details: &mut Details) {
    let prices = price::Prices::default();
    let by_list = match call.reported_cost {
        None => prices.of_call(call),
        Some(_) => prices.of_call(&of_price(call)),
    };
    let listed = by_list.as_ref().and_then(|cost| cost.components);
    facts.savings = listed.map_or(0, |cost| cost.cache_savings.picodollars());
    let total = match (call.reported_cost, &by_list) {
        (Some(reported), _) => reported.total.picodollars(),
        (None, Some(cost)) => cost.total.picodollars(),
        (None, None) => return,
    };
    facts.cost = total;
    facts.flags.set(Flags::PRICED, true);
    // The proxy computes by the same list; saying so is not reporting.
    let agrees = by_list
        .as_ref()
        .is_some_and(|cost| cost.total.picodollars().abs_diff(total) <= 1_000);
    let is_list = call.reported_cost.is_none() || agrees && facts.flags.has(Flags::PROXY);
    facts.flags.set(Flags::REPORTED, !is_list);
    details.parts = Some(match (is_list, listed, call.reported_cost) {
        (true, Some(cost), _) => CostParts {
            input: Some(cost.input.picodollars()),
            output: Some(cost.output.picodollars()),
            cache_read: Some(cost.cache_read.picodollars()),
            cache_write: Some(cost.cache_creation.picodollars()),
            fees: Some(cost.fees.picodollars()),
            table: by_list.and_then(|cost| cost.table),
            is_approximate: cost.is_approximate,
        },
        (_, _, reported) => CostParts {
            input: reported
                .and_then(|cost| cost.input)
                .map(|cost| cost.picodollars()),
            output: reported
                .and_then(|cost| cost.output)
                .map(|cost| cost.picodollars()),
            ..CostParts::default()
        },
    });
}

/// What its price depends on, without what was reported.
fn of_price(call: &LlmCall) -> LlmCall {
    let mut copy = LlmCall::default();
    copy.kind = call.kind;
    copy.counts = call.counts;
    copy.provider.clone_from(&call.provider);
    copy.request_model.clone_from(&call.request_model);
    copy.response_model.clone_from(&call.response_model);
    copy.service_tier.clone_from(&call.service_tier);
    copy.usage = call.usage;
    copy
}
