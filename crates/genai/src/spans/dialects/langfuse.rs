//! What [Langfuse's SDKs](https://langfuse.com/integrations/native/opentelemetry) write themselves.
//!
//! Their `input` is what no cache had to do with, and their `output` is what is no reasoning, unless the total says that it is.

use serde_json::Value as Json;

use super::{Dialect, Table, metadata, parameters};
use crate::spans::draft::{Draft, Row, Says, fill};
use crate::spans::fields::to_json;
use crate::spans::item::Item;
use crate::tally::{Slot, Tally};
use crate::{Kind, json};

pub(super) const TABLE: Table = Table {
    dialect: Dialect::Langfuse,
    speaks: |item| item.fields.has_under("langfuse."),
    rows: ROWS,
    rest,
};

const ROWS: &[Row] = &[
    ("langfuse.observation.type", Says::Kind(kind)),
    (
        "langfuse.observation.model.name",
        Says::Text(|draft| &mut draft.call.request_model),
    ),
    (
        "langfuse.observation.model.parameters",
        Says::Object(parameters),
    ),
    ("langfuse.observation.usage_details", Says::Object(usage)),
    ("langfuse.observation.cost_details", Says::Object(cost)),
    (
        "langfuse.observation.input",
        Says::Messages("user", |draft| &mut draft.call.input_messages),
    ),
    (
        "langfuse.observation.output",
        Says::Messages("assistant", |draft| &mut draft.call.output_messages),
    ),
    (
        "langfuse.trace.input",
        Says::Messages("user", |draft| &mut draft.call.input_messages),
    ),
    (
        "langfuse.trace.output",
        Says::Messages("assistant", |draft| &mut draft.call.output_messages),
    ),
    (
        "langfuse.session.id",
        Says::Text(|draft| &mut draft.call.session_id),
    ),
    ("session.id", Says::Text(|draft| &mut draft.call.session_id)),
    (
        "langfuse.user.id",
        Says::Text(|draft| &mut draft.call.user_id),
    ),
    ("user.id", Says::Text(|draft| &mut draft.call.user_id)),
    (
        "langfuse.trace.tags",
        Says::Texts(|draft| &mut draft.call.tags),
    ),
    ("langfuse.observation.metadata", Says::Object(metadata)),
    ("langfuse.trace.metadata", Says::Object(metadata)),
];

fn kind(stated: &str) -> Option<Kind> {
    Some(match stated {
        "generation" => Kind::Llm,
        "embedding" => Kind::Embedding,
        "tool" => Kind::Tool,
        "agent" => Kind::Agent,
        "chain" | "span" => Kind::Chain,
        "retriever" => Kind::Retriever,
        "guardrail" => Kind::Guardrail,
        "evaluator" => Kind::Evaluator,
        _ => return None,
    })
}

/// Its own names.
const OWN: &[(&str, Slot)] = &[
    ("input", |tally| &mut tally.input),
    ("output", |tally| &mut tally.output),
    ("total", |tally| &mut tally.total),
    ("input_cached_tokens", |tally| &mut tally.cache_read),
    ("input_cache_read", |tally| &mut tally.cache_read),
    ("cache_read_input_tokens", |tally| &mut tally.cache_read),
    ("input_cache_creation", |tally| &mut tally.cache_creation),
    ("cache_creation_input_tokens", |tally| {
        &mut tally.cache_creation
    }),
    ("input_cache_creation_5m", |tally| {
        &mut tally.cache_creation_5m
    }),
    ("input_cache_creation_1h", |tally| {
        &mut tally.cache_creation_1h
    }),
    ("output_reasoning_tokens", |tally| &mut tally.reasoning),
    ("output_reasoning", |tally| &mut tally.reasoning),
    ("input_audio_tokens", |tally| &mut tally.audio_input),
    ("output_audio_tokens", |tally| &mut tally.audio_output),
];

/// The names of OpenAI's interfaces, which the SDKs take as well; what is counted so is counted whole.
const OF_OPENAI: &[(&str, Slot)] = &[
    ("prompt_tokens", |tally| &mut tally.input),
    ("input_tokens", |tally| &mut tally.input),
    ("completion_tokens", |tally| &mut tally.output),
    ("output_tokens", |tally| &mut tally.output),
    ("total_tokens", |tally| &mut tally.total),
    ("prompt_tokens_details/cached_tokens", |tally| {
        &mut tally.cache_read
    }),
    ("input_tokens_details/cached_tokens", |tally| {
        &mut tally.cache_read
    }),
    ("completion_tokens_details/reasoning_tokens", |tally| {
        &mut tally.reasoning
    }),
    ("output_tokens_details/reasoning_tokens", |tally| {
        &mut tally.reasoning
    }),
];

fn usage(draft: &mut Draft, details: &Json) {
    if draft.tally.input.or(draft.tally.output).is_some() {
        return;
    }
    let mut tally = Tally::default();
    tally.read(details, OWN);
    let is_own = tally.input.or(tally.output).is_some();
    tally.read(details, OF_OPENAI);
    let (input, output) = (tally.input.unwrap_or(0), tally.output.unwrap_or(0));
    let is_whole = tally.total == Some(input.saturating_add(output));
    tally.is_cache_beside = is_own && !is_whole;
    tally.is_reasoning_beside = is_own && !is_whole;
    draft.tally = tally;
}

fn cost(draft: &mut Draft, details: &Json) {
    let of = |name| details.get(name).and_then(json::dollars);
    fill(&mut draft.cost, of("total"));
    fill(&mut draft.input_cost, of("input"));
    fill(&mut draft.output_cost, of("output"));
}

fn rest(item: &Item<'_>, draft: &mut Draft) {
    for prefix in ["langfuse.observation.metadata.", "langfuse.trace.metadata."] {
        for (name, value) in item.fields.under(prefix) {
            draft
                .call
                .metadata
                .entry(name.to_owned())
                .or_insert_with(|| to_json(value));
        }
    }
    let first = item
        .fields
        .text("langfuse.observation.completion_start_time")
        .and_then(unix_seconds);
    let start = item.start_time_unix_nano as f64 / 1e9;
    let until_first = first
        .map(|first| first - start)
        .filter(|seconds| *seconds >= 0.0);
    // Times of day as floating-point numbers are exact to less than a microsecond.
    fill(
        &mut draft.call.time_to_first_chunk,
        until_first.map(|seconds| (seconds * 1e6).round() / 1e6),
    );
}

/// The seconds since 1970 of a time such as `2026-08-21T10:00:00.250Z`, which may stand in quotes. UTC only, as the SDKs write.
fn unix_seconds(text: &str) -> Option<f64> {
    let text = text.trim_matches('"');
    let (date, time) = text.split_once(['T', ' '])?;
    let time = time.trim_end_matches('Z').trim_end_matches("+00:00");
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let mut time = time.splitn(3, ':').map(str::parse::<f64>);
    let (hour, minute, second) = (time.next()?.ok()?, time.next()?.ok()?, time.next()?.ok()?);
    let is_date =
        (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !is_date {
        return None;
    }
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days =
        year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 719_469;
    Some(days as f64 * 86_400.0 + hour * 3_600.0 + minute * 60.0 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(unix_seconds("1970-01-01T00:00:00Z"), Some(0.0));
        assert_eq!(
            unix_seconds("\"2024-02-29T12:00:00.250Z\""),
            Some(1_709_208_000.25)
        );
        for text in [
            "",
            "soon",
            "2024-13-01T00:00:00Z",
            "2024-01-01",
            "0000-00-00T00:00:00",
        ] {
            assert_eq!(unix_seconds(text), None, "{text}");
        }
    }
}
