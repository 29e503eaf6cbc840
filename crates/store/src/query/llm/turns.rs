//! A session turn by turn: what each call added to what had been said.
//!
//! Agents send the whole conversation again with every call. What a turn added is what comes behind the longest beginning
//! that it shares with an earlier turn, its answer among it; where a history was cut or summed up, what was never said.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use fanlight_genai::{Kind, Message, Part};

use super::super::shared::Shared;
use super::super::{QueryError, TimeRange};
use super::calls::{LlmKinds, Texts, cost_of, status, texts};
use super::detail::recorded;
use super::facts::{LlmFilter, Way, visit};
use super::sessions::{LlmConversation, LlmTurn, summary};
use super::stored::Recordings;
use crate::llm::{Facts, Flags};
use crate::readers::{Partition, View};

/// The most turns that are answered: the newest.
const MAX_TURNS: usize = 500;

/// How many earlier turns are looked at for a common beginning.
const LOOKED_AT: usize = 32;

/// A session, turn by turn; `None` when there is none with this id.
pub(crate) fn session(view: &View, id: &str) -> Result<Option<LlmConversation>, QueryError> {
    let Some(session) = summary(view, TimeRange::default(), id)? else {
        return Ok(None);
    };
    let mut found: Vec<(usize, Facts)> = Vec::new();
    let filter = LlmFilter {
        session: Some(id.to_owned()),
        kinds: LlmKinds::All,
        ..LlmFilter::default()
    };
    for (number, partition) in view.partitions.iter().enumerate() {
        visit(partition, &filter, Way::First, &mut |facts| {
            if facts.counts() || facts.kind == Kind::Prompt {
                found.push((number, facts));
            }
            Ok(true)
        })?;
    }
    found.sort_by_key(|(_, facts)| (facts.start_ns, facts.call));
    let truncated = found.len() > MAX_TURNS;
    found.drain(..found.len().saturating_sub(MAX_TURNS));
    let mut recordings = Recordings::default();
    let mut said = Said::default();
    let (mut turns, mut prompts) = (Vec::new(), Vec::new());
    for (number, facts) in found {
        let partition = view.partitions.get(number).ok_or(QueryError::Closed)?;
        let texts = texts(&partition.connection, facts.call)?.ok_or(QueryError::Closed)?;
        let call = recorded(partition, &mut recordings, &texts)?.unwrap_or_default();
        if facts.kind == Kind::Prompt {
            prompts.extend(call.input_messages);
            continue;
        }
        let mut new_messages = said.new_ones(&call.input_messages, &call.output_messages);
        // Tools that write log records write what was asked into one of their own.
        if facts.flags.has(Flags::LOG) {
            prompts.append(&mut new_messages);
            new_messages = std::mem::take(&mut prompts);
        }
        turns.push(turn(
            partition,
            &facts,
            texts,
            new_messages,
            call.output_messages,
        )?);
    }
    Ok(Some(LlmConversation {
        session,
        turns,
        truncated,
    }))
}

fn turn(
    partition: &Partition,
    facts: &Facts,
    texts: Texts,
    new_messages: Vec<Message>,
    output_messages: Vec<Message>,
) -> Result<LlmTurn, QueryError> {
    let mut shared = Shared::default();
    let mut name = |id: i64| -> Result<Option<String>, QueryError> {
        match id {
            0 => Ok(None),
            id => Ok(Some(shared.name(&partition.connection, id)?.to_owned())),
        }
    };
    let has_usage = facts.flags.has(Flags::USAGE);
    Ok(LlmTurn {
        trace_id: texts.trace_id,
        span_id: texts.span_id,
        start_nano: facts.start_ns.cast_unsigned(),
        duration_nano: facts.duration_ns,
        model: name(facts.model())?,
        service: name(facts.service)?.unwrap_or_default(),
        agent: name(facts.agent)?,
        status: status(facts),
        error_type: texts.details.error_type,
        input_tokens: has_usage.then_some(facts.input),
        output_tokens: has_usage.then_some(facts.output),
        cost: cost_of(facts),
        new_messages,
        output_messages,
    })
}

/// What was said before, as hashes of messages.
#[derive(Default)]
struct Said {
    /// What each turn read and answered.
    turns: Vec<Vec<u64>>,
    all: HashSet<u64>,
}

impl Said {
    /// The messages of a turn that are new, and notes all of it.
    fn new_ones(&mut self, input: &[Message], output: &[Message]) -> Vec<Message> {
        let hashes: Vec<u64> = input.iter().map(hash).collect();
        let common = |turn: &Vec<u64>| turn.iter().zip(&hashes).take_while(|(a, b)| a == b).count();
        let earlier = self.turns.iter().rev().take(LOOKED_AT);
        let shared = earlier.map(common).max().unwrap_or(0);
        let last = input.len().saturating_sub(1);
        let new = (input.iter().zip(&hashes).enumerate())
            .skip(shared)
            .filter(|(place, (_, hash))| {
                // What is said again at the end, such as "yes", is new; in the middle it is history.
                *place == last || !self.all.contains(hash)
            })
            .map(|(_, (message, _))| message.clone())
            .collect();
        let whole: Vec<u64> = hashes.into_iter().chain(output.iter().map(hash)).collect();
        self.all.extend(&whole);
        self.turns.push(whole);
        new
    }
}

/// Tells what was said apart; ids, thoughts and reasons to stop are not part of it, since they may get lost on the way back.
fn hash(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    message.role.hash(&mut hasher);
    for part in &message.parts {
        match part {
            Part::Text { content } => (0, content.trim()).hash(&mut hasher),
            Part::Reasoning { .. } => {}
            Part::ToolCall {
                name, arguments, ..
            } => (1, name, arguments.to_string()).hash(&mut hasher),
            Part::ToolCallResponse { id, response, .. } => {
                (2, id, response.to_string()).hash(&mut hasher);
            }
            other => (3, serde_json::to_string(other).unwrap_or_default()).hash(&mut hasher),
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> Message {
        Message::text("user", text)
    }

    fn assistant(text: &str) -> Message {
        Message::text("assistant", text)
    }

    #[test]
    fn a_turn_adds_what_comes_behind_the_history() {
        let mut said = Said::default();
        let first = [user("hi")];
        assert_eq!(said.new_ones(&first, &[assistant("hello")]), first);
        let second = [user("hi"), assistant("hello"), user("yes")];
        assert_eq!(said.new_ones(&second, &[assistant("what?")]), [user("yes")]);
        let third = [&second[..], &[assistant("what?"), user("yes")]].concat();
        assert_eq!(said.new_ones(&third, &[]), [user("yes")]);
    }

    #[test]
    fn a_history_that_was_cut_adds_only_what_is_new() {
        let mut said = Said::default();
        said.new_ones(&[user("one")], &[assistant("1")]);
        said.new_ones(
            &[user("one"), assistant("1"), user("two")],
            &[assistant("2")],
        );
        let cut = [user("two"), assistant("2"), user("three")];
        assert_eq!(said.new_ones(&cut, &[]), [user("three")]);
    }

    #[test]
    fn another_conversation_of_the_session_begins_anew() {
        let mut said = Said::default();
        said.new_ones(&[user("plan")], &[assistant("ok")]);
        let other = [user("search"), user("for cats")];
        assert_eq!(said.new_ones(&other, &[]), other);
        let back = [user("plan"), assistant("ok"), user("go")];
        assert_eq!(said.new_ones(&back, &[]), [user("go")]);
    }
}
