//! A call as a span: OpenTelemetry's GenAI conventions, and what backends look for besides.
//!
//! Reading the span back with [`fanlight_genai::spans`] gives the same call. Beside `gen_ai.*` stand:
//! - `openinference.span.kind`, `llm.invocation_parameters`, `tag.tags`: [Phoenix](https://github.com/Arize-ai/phoenix);
//! - `langfuse.trace.tags`, `langfuse.observation.{usage_details,completion_start_time}`: [Langfuse](https://langfuse.com/integrations/native/opentelemetry),
//!   which takes all else, `gen_ai.usage.cost` among it, from `gen_ai.*`, `session.id` and `user.id`;
//! - `thread_id`, `opik.tags`: [Opik](https://www.comet.com/docs/opik/tracing/opentelemetry/overview), whose threads are sessions;
//! - `fanlight.llm.*`, where nobody has a name for it. A cost whose source is `list` was computed from the table of prices.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fanlight_genai::api::ProviderApi;
use fanlight_genai::price::{CallCost, CostSource};
use fanlight_genai::{Kind, LlmCall, Usage};
use fanlight_otlp::write::Encoder;
use serde_json::{Map, Value as Json};

use super::attributes::Attributes;
use super::read::Record;
use super::{CallHead, messages};
use crate::redact::Redaction;

/// `SPAN_KIND_CLIENT`.
const CLIENT: u64 = 3;
/// `STATUS_CODE_ERROR`.
const ERROR: u64 = 2;
/// The caller's sampling, whose parent is known to be elsewhere.
const FLAGS: u32 = 0x301;

/// What was said, in the words of the conventions, without secrets.
#[derive(Debug, Default)]
pub(super) struct Content {
    system: Option<String>,
    input: Option<String>,
    output: Option<String>,
    tools: Option<String>,
    /// Whether there was a secret in what the model answered.
    pub(super) told_secret: bool,
}

impl Content {
    /// How many bytes all of it has.
    pub(super) fn len(&self) -> usize {
        let all = [&self.system, &self.input, &self.output, &self.tools];
        all.into_iter().flatten().map(String::len).sum()
    }

    pub(super) fn of(call: &LlmCall, redaction: &Redaction) -> Content {
        let clean = |text: String| match redaction.text(&text) {
            Cow::Borrowed(_) => (text, false),
            Cow::Owned(clean) => (clean, true),
        };
        let written = |is_there: bool, write: &dyn Fn() -> String| is_there.then(|| clean(write()));
        let output = written(!call.output_messages.is_empty(), &|| {
            messages::output(&call.output_messages)
        });
        Content {
            system: written(!call.system_instructions.is_empty(), &|| {
                messages::parts(&call.system_instructions)
            })
            .map(|(text, _)| text),
            input: written(!call.input_messages.is_empty(), &|| {
                messages::input(&call.input_messages)
            })
            .map(|(text, _)| text),
            tools: written(!call.tool_definitions.is_empty(), &|| {
                messages::tools(&call.tool_definitions)
            })
            .map(|(text, _)| text),
            told_secret: output.as_ref().is_some_and(|(_, told)| *told),
            output: output.map(|(text, _)| text),
        }
    }
}

/// Writes the fields of the span. Without content where none is to be told.
pub(super) fn span(
    head: &CallHead,
    record: &Record<'_>,
    content: Option<&Content>,
    redaction: &Redaction,
    out: &mut Encoder,
) {
    let start = nanos(head.started.0);
    out.bytes(1, record.trace_id.0);
    out.bytes(2, record.span_id.0);
    let parent = &record.caller.parent;
    out.bytes(3, redaction.text(&parent.trace_state).as_bytes());
    if !parent.span_id.is_zero() {
        out.bytes(4, parent.span_id.0);
    }
    out.bytes(5, redaction.text(&name(head, record)).as_bytes());
    out.varint(6, CLIENT);
    out.fixed64(7, start);
    out.fixed64(8, start.saturating_add(whole_nanos(record.duration)));
    let mut attributes = Attributes {
        out: &mut *out,
        field: 9,
        redaction,
    };
    http(head, record, &mut attributes);
    if let Some(api) = record.api {
        model(api, &record.call, &mut attributes);
        // The exchange shows what the client did not ask for.
        let injected = head.injected_usage.then_some(true);
        attributes.flag("fanlight.llm.injected_usage", injected);
        usage(&record.call, record.cost.as_ref(), &mut attributes);
        timing(head, record, &mut attributes);
        parameters(&record.call, content.is_some(), &mut attributes);
        said(content, &mut attributes);
    }
    who(record, &mut attributes);
    if let Some((_, why)) = &record.error {
        // What a provider says of an error may quote what was said.
        let why = if content.is_some() {
            redaction.text(why)
        } else {
            "".into()
        };
        out.nested(15, |out| {
            out.bytes(2, why.as_bytes());
            out.varint(3, ERROR);
        });
    }
    out.fixed32(16, FLAGS);
}

fn name(head: &CallHead, record: &Record<'_>) -> String {
    let Some(operation) = record.operation() else {
        return format!("{} {}", head.method, head.path);
    };
    match &record.call.request_model {
        Some(model) => format!("{operation} {model}"),
        None => operation.to_owned(),
    }
}

fn http(head: &CallHead, record: &Record<'_>, attributes: &mut Attributes<'_>) {
    let (host, port) = &head.server;
    attributes.text("server.address", Some(host));
    attributes.int("server.port", Some(i64::from(*port)));
    attributes.text("http.request.method", Some(head.method.as_str()));
    attributes.text("url.path", Some(&head.path));
    attributes.int("http.response.status_code", record.status.map(i64::from));
    attributes.text(
        "error.type",
        record.error.as_ref().map(|(kind, _)| kind.as_str()),
    );
    attributes.text("user_agent.original", record.caller.user_agent.as_deref());
    attributes.count("http.request.body.size", record.request.length);
    attributes.count("http.response.body.size", record.response.length);
    attributes.text("fanlight.llm.route", Some(&head.provider.name));
    attributes.number("fanlight.llm.retry_after", record.retry_after);
}

fn model(api: ProviderApi, call: &LlmCall, attributes: &mut Attributes<'_>) {
    attributes.text("gen_ai.operation.name", call.operation.as_deref());
    attributes.text("gen_ai.provider.name", call.provider.as_deref());
    attributes.text("gen_ai.request.model", call.request_model.as_deref());
    attributes.text("gen_ai.response.model", call.response_model.as_deref());
    attributes.text("gen_ai.response.id", call.response_id.as_deref());
    attributes.texts("gen_ai.response.finish_reasons", &call.finish_reasons);
    attributes.flag("gen_ai.request.stream", call.streaming);
    attributes.text("fanlight.llm.service_tier", call.service_tier.as_deref());
    attributes.text("fanlight.llm.api", Some(api.name()));
    attributes.flag("fanlight.llm.truncated", call.truncated.then_some(true));
    let kind = match call.kind {
        Kind::Embedding => "EMBEDDING",
        Kind::Reranker => "RERANKER",
        _ => "LLM",
    };
    attributes.text("openinference.span.kind", Some(kind));
}

fn usage(call: &LlmCall, cost: Option<&CallCost>, attributes: &mut Attributes<'_>) {
    if let Some(usage) = &call.usage {
        tokens(usage, attributes);
    }
    let Some(cost) = cost else {
        return;
    };
    attributes.number("gen_ai.usage.cost", Some(cost.total.to_f64()));
    let source = match cost.source {
        CostSource::Reported => "reported",
        CostSource::Computed => "list",
    };
    attributes.text("fanlight.llm.cost.source", Some(source));
    if let Some(parts) = &cost.components {
        for (key, part) in [
            ("gen_ai.cost.input", parts.input),
            ("gen_ai.cost.output", parts.output),
            ("gen_ai.cost.cache_read", parts.cache_read),
            ("gen_ai.cost.cache_write", parts.cache_creation),
        ] {
            attributes.number(key, Some(part.to_f64()));
        }
    }
}

fn tokens(usage: &Usage, attributes: &mut Attributes<'_>) {
    attributes.count("gen_ai.usage.input_tokens", usage.input_tokens);
    attributes.count("gen_ai.usage.output_tokens", usage.output_tokens);
    for (key, count) in [
        (
            "gen_ai.usage.cache_read.input_tokens",
            usage.cache_read_input_tokens,
        ),
        (
            "gen_ai.usage.cache_creation.input_tokens",
            usage.cache_creation_input_tokens,
        ),
        (
            "fanlight.llm.usage.cache_creation_1h.input_tokens",
            usage.cache_creation_1h_input_tokens,
        ),
        (
            "gen_ai.usage.reasoning.output_tokens",
            usage.reasoning_output_tokens,
        ),
        ("gen_ai.usage.audio.input_tokens", usage.audio_input_tokens),
        ("gen_ai.usage.image.input_tokens", usage.image_input_tokens),
        (
            "gen_ai.usage.audio.output_tokens",
            usage.audio_output_tokens,
        ),
        (
            "gen_ai.usage.image.output_tokens",
            usage.image_output_tokens,
        ),
        ("fanlight.llm.usage.web_searches", usage.web_searches),
    ] {
        attributes.some(key, count);
    }
    let details = langfuse_usage(usage).to_string();
    attributes.text("langfuse.observation.usage_details", Some(&details));
}

/// Each token once, as Langfuse counts them; from `gen_ai.usage.*` alone, some of its versions count those of a cache twice.
fn langfuse_usage(usage: &Usage) -> Json {
    let (read, written) = (
        usage.cache_read_input_tokens,
        usage.cache_creation_input_tokens,
    );
    let reasoning = usage.reasoning_output_tokens;
    let total = usage.input_tokens.saturating_add(usage.output_tokens);
    let mut details = Map::new();
    for (name, count) in [
        (
            "input",
            usage
                .input_tokens
                .saturating_sub(read.saturating_add(written)),
        ),
        ("input_cached_tokens", read),
        ("input_cache_creation", written),
        ("output", usage.output_tokens.saturating_sub(reasoning)),
        ("output_reasoning_tokens", reasoning),
        ("total", total),
    ] {
        if count > 0 || matches!(name, "input" | "output" | "total") {
            details.insert(name.to_owned(), Json::from(count));
        }
    }
    Json::Object(details)
}

fn timing(head: &CallHead, record: &Record<'_>, attributes: &mut Attributes<'_>) {
    attributes.number("fanlight.llm.tokens_per_second", record.tokens_per_second);
    let Some(first) = record.call.time_to_first_chunk else {
        return;
    };
    attributes.number("gen_ai.response.time_to_first_chunk", Some(first));
    let at = head.started.0 + Duration::try_from_secs_f64(first).unwrap_or_default();
    if let Ok(at) = jiff::Timestamp::try_from(at) {
        let at = format!("{at:.6}");
        attributes.text("langfuse.observation.completion_start_time", Some(&at));
    }
}

fn parameters(call: &LlmCall, with_content: bool, attributes: &mut Attributes<'_>) {
    let stated = &call.parameters;
    let count = |count: Option<u64>| count.and_then(|count| i64::try_from(count).ok());
    attributes.number("gen_ai.request.temperature", stated.temperature);
    attributes.number("gen_ai.request.top_p", stated.top_p);
    attributes.number("gen_ai.request.top_k", stated.top_k);
    attributes.int("gen_ai.request.max_tokens", count(stated.max_tokens));
    attributes.number("gen_ai.request.frequency_penalty", stated.frequency_penalty);
    attributes.number("gen_ai.request.presence_penalty", stated.presence_penalty);
    attributes.int("gen_ai.request.seed", stated.seed);
    attributes.int("gen_ai.request.choice.count", count(stated.choice_count));
    attributes.text(
        "gen_ai.request.reasoning_effort",
        stated.reasoning_effort.as_deref(),
    );
    attributes.text("gen_ai.output.type", stated.output_type.as_deref());
    if !with_content {
        return;
    }
    attributes.texts("gen_ai.request.stop_sequences", &stated.stop_sequences);
    let all = invocation_parameters(call);
    if !all.is_empty() {
        let all = Json::Object(all).to_string();
        attributes.text("llm.invocation_parameters", Some(&all));
    }
}

/// All parameters in one object: Phoenix shows it, and it holds what has no attribute of its own.
fn invocation_parameters(call: &LlmCall) -> Map<String, Json> {
    let stated = &call.parameters;
    let mut all: Map<String, Json> = stated.other.clone().into_iter().collect();
    let mut put = |name: &str, value: Option<Json>| {
        if let Some(value) = value {
            all.insert(name.to_owned(), value);
        }
    };
    put("temperature", stated.temperature.map(Json::from));
    put("top_p", stated.top_p.map(Json::from));
    put("top_k", stated.top_k.map(Json::from));
    put("max_tokens", stated.max_tokens.map(Json::from));
    put(
        "frequency_penalty",
        stated.frequency_penalty.map(Json::from),
    );
    put("presence_penalty", stated.presence_penalty.map(Json::from));
    put("seed", stated.seed.map(Json::from));
    put("n", stated.choice_count.map(Json::from));
    put(
        "reasoning_effort",
        stated.reasoning_effort.clone().map(Json::from),
    );
    let stop = &stated.stop_sequences;
    put(
        "stop",
        (!stop.is_empty()).then(|| Json::from(stop.as_slice())),
    );
    all
}

fn said(content: Option<&Content>, attributes: &mut Attributes<'_>) {
    let Some(content) = content else {
        return;
    };
    for (key, text) in [
        ("gen_ai.system_instructions", &content.system),
        ("gen_ai.input.messages", &content.input),
        ("gen_ai.output.messages", &content.output),
        ("gen_ai.tool.definitions", &content.tools),
    ] {
        attributes.clean(key, text.as_deref());
    }
}

fn who(record: &Record<'_>, attributes: &mut Attributes<'_>) {
    let call = &record.call;
    attributes.text("session.id", call.session_id.as_deref());
    attributes.text("gen_ai.conversation.id", call.conversation_id.as_deref());
    if call.conversation_id.is_none() {
        attributes.text("thread_id", call.session_id.as_deref());
    }
    attributes.text("user.id", call.user_id.as_deref());
    let agent = call.agent.as_ref().and_then(|agent| agent.name.as_deref());
    attributes.text("gen_ai.agent.name", agent);
    for key in ["tag.tags", "langfuse.trace.tags", "opik.tags"] {
        attributes.texts(key, &call.tags);
    }
}

pub(super) fn nanos(time: SystemTime) -> u64 {
    whole_nanos(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

pub(super) fn whole_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
