//! [Cohere's chat](https://docs.cohere.com/reference/chat), version 2.

use serde_json::{Map, Value as Json, json};

use super::ask::{Ask, Choice, Effort, Format, Piece, Source, Turn};
use super::chunks::{Chunks, Completion, Counts};
use super::members::no_word;
use super::{Failed, Provider, Untranslatable, text_at};

/// Translates.
#[derive(Debug, Default)]
pub(super) struct Cohere;

/// The path and body of a request.
pub(super) fn request(ask: &Ask) -> Result<(String, Json), Untranslatable> {
    if ask.parallel == Some(false) && !ask.tools.is_empty() {
        return Err(no_word("parallel_tool_calls"));
    }
    let mut body = Map::new();
    let mut put = |name: &str, value: Option<Json>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    let (tools, choice) = tools(ask);
    let is_strict = ask.tools.iter().any(|tool| tool.strict);
    put("model", Some(json!(ask.model)));
    put("messages", Some(messages(ask)?));
    put("stream", Some(json!(ask.stream)));
    put("max_tokens", ask.max_tokens.map(Json::from));
    put("temperature", ask.temperature.clone());
    put("p", ask.top_p.clone());
    put("frequency_penalty", ask.frequency_penalty.clone());
    put("presence_penalty", ask.presence_penalty.clone());
    put("seed", ask.seed.clone());
    put(
        "stop_sequences",
        (!ask.stop.is_empty()).then(|| json!(ask.stop)),
    );
    put("tools", tools);
    put("tool_choice", choice.map(Json::from));
    put("strict_tools", is_strict.then_some(json!(true)));
    put("response_format", ask.format.as_ref().map(format));
    put("thinking", ask.effort.map(thinking));
    Ok(("/v2/chat".to_owned(), Json::Object(body)))
}

fn messages(ask: &Ask) -> Result<Json, Untranslatable> {
    let message = |turn: &Turn| {
        Ok(match turn {
            Turn::System(text) => json!({"role": "system", "content": text}),
            Turn::User(pieces) => match pieces.as_slice() {
                [Piece::Text(text)] => json!({"role": "user", "content": text}),
                pieces => {
                    let pieces: Result<Vec<Json>, _> = pieces.iter().map(piece).collect();
                    json!({"role": "user", "content": pieces?})
                }
            },
            Turn::Assistant { text, calls } => {
                let calls = calls.iter().map(|call| {
                    let arguments = call.arguments.to_string();
                    json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}})
                });
                let calls: Vec<Json> = calls.collect();
                match (text.is_empty(), calls.is_empty()) {
                    (_, true) => json!({"role": "assistant", "content": text}),
                    (true, false) => json!({"role": "assistant", "tool_calls": calls}),
                    // What is said beside calls is the plan for them.
                    (false, false) => {
                        json!({"role": "assistant", "tool_plan": text, "tool_calls": calls})
                    }
                }
            }
            Turn::Tool { call_id, content } => {
                json!({"role": "tool", "tool_call_id": call_id, "content": content})
            }
        })
    };
    ask.turns.iter().map(message).collect()
}

fn piece(piece: &Piece) -> Result<Json, Untranslatable> {
    Ok(match piece {
        Piece::Text(text) => json!({"type": "text", "text": text}),
        Piece::Image { source, .. } => {
            let url = match source {
                Source::Data { mime_type, base64 } => format!("data:{mime_type};base64,{base64}"),
                Source::Url(url) => url.clone(),
            };
            json!({"type": "image_url", "image_url": {"url": url}})
        }
        Piece::Audio { at, .. } | Piece::File { at, .. } => return Err(no_word(at)),
    })
}

/// The tools, and whether one must be called. A certain one is asked for by leaving no other.
fn tools(ask: &Ask) -> (Option<Json>, Option<&'static str>) {
    let is_wanted = |name: &str| !matches!(&ask.choice, Some(Choice::One(one)) if one != name);
    let tools = ask
        .tools
        .iter()
        .filter(|tool| is_wanted(&tool.name))
        .map(|tool| {
            let mut function = Map::new();
            function.insert("name".to_owned(), json!(tool.name));
            if let Some(description) = &tool.description {
                function.insert("description".to_owned(), json!(description));
            }
            let nothing = json!({"type": "object", "properties": {}});
            let parameters = tool.parameters.clone().unwrap_or(nothing);
            function.insert("parameters".to_owned(), parameters);
            json!({"type": "function", "function": function})
        });
    let tools: Vec<Json> = tools.collect();
    let choice = match &ask.choice {
        None | Some(Choice::Auto) => None,
        Some(Choice::None) => Some("NONE"),
        Some(Choice::Required | Choice::One(_)) => Some("REQUIRED"),
    };
    ((!tools.is_empty()).then(|| Json::from(tools)), choice)
}

fn format(format: &Format) -> Json {
    match format {
        Format::Json => json!({"type": "json_object"}),
        Format::Schema(schema) => json!({"type": "json_object", "json_schema": schema}),
    }
}

fn thinking(effort: Effort) -> Json {
    match effort {
        Effort::None => json!({"type": "disabled"}),
        Effort::Low => json!({"type": "enabled", "token_budget": 1_024}),
        Effort::Medium => json!({"type": "enabled", "token_budget": 4_096}),
        Effort::High => json!({"type": "enabled", "token_budget": 16_384}),
    }
}

/// Why it ended, in OpenAI's words.
fn reason(stated: &str) -> &'static str {
    match stated {
        "MAX_TOKENS" => "length",
        "TOOL_CALL" => "tool_calls",
        "ERROR_TOXIC" => "content_filter",
        _ => "stop",
    }
}

fn counts(usage: Option<&Json>) -> Counts {
    let of = |name: &str| {
        let tokens = usage?
            .get("tokens")
            .or_else(|| usage?.get("billed_units"))?;
        // Some of its numbers have a point.
        tokens.get(name)?.as_f64().map(|count| count as u64)
    };
    let read = usage
        .and_then(|usage| usage.get("cached_tokens")?.as_f64())
        .unwrap_or_default() as u64;
    Counts {
        fresh: of("input_tokens").unwrap_or_default().saturating_sub(read),
        cache_read: read,
        output: of("output_tokens").unwrap_or_default(),
        is_stated: usage.is_some(),
        ..Counts::default()
    }
}

impl Provider for Cohere {
    fn whole(&mut self, answer: &Json) -> Completion {
        let mut completion = Completion {
            id: text_at(answer, "/id"),
            reason: reason(
                text_at(answer, "/finish_reason")
                    .as_deref()
                    .unwrap_or_default(),
            ),
            counts: counts(answer.get("usage")),
            thoughts: text_at(answer, "/message/tool_plan").unwrap_or_default(),
            ..Completion::default()
        };
        let list = |place: &str| {
            answer
                .pointer(place)
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
        };
        for part in list("/message/content") {
            let text = |name: &str| part.get(name).and_then(Json::as_str).unwrap_or_default();
            completion.text.push_str(text("text"));
            completion.thoughts.push_str(text("thinking"));
        }
        for call in list("/message/tool_calls") {
            let text = |place: &str| {
                call.pointer(place)
                    .and_then(Json::as_str)
                    .unwrap_or_default()
            };
            completion.call(
                text("/id"),
                text("/function/name"),
                text("/function/arguments"),
                None,
            );
        }
        completion
    }

    fn event(&mut self, event: &Json, out: &mut Chunks) {
        let text = |place: &str| {
            event
                .pointer(place)
                .and_then(Json::as_str)
                .unwrap_or_default()
        };
        let index = event
            .get("index")
            .and_then(Json::as_u64)
            .unwrap_or_default();
        let index = usize::try_from(index).unwrap_or_default();
        match text("/type") {
            "message-start" => out.begin(text_at(event, "/id"), None),
            "content-start" | "content-delta" => {
                out.text(text("/delta/message/content/text"));
                out.thought(text("/delta/message/content/thinking"));
            }
            "tool-plan-delta" => out.thought(text("/delta/message/tool_plan")),
            "tool-call-start" => {
                let of = |name: &str| text(&format!("/delta/message/tool_calls/{name}"));
                out.call(index, of("id"), of("function/name"), None);
                out.arguments(index, of("function/arguments"));
            }
            "tool-call-delta" => {
                out.arguments(index, text("/delta/message/tool_calls/function/arguments"))
            }
            "message-end" if event.pointer("/delta/error").is_some() => out.fail(&Failed {
                message: text_at(event, "/delta/error"),
                kind: None,
                code: text_at(event, "/delta/finish_reason"),
            }),
            "message-end" => out.finish(
                reason(text("/delta/finish_reason")),
                counts(event.pointer("/delta/usage")),
            ),
            _ => {}
        }
    }

    fn failed(&self, answer: &Json) -> Failed {
        Failed {
            message: text_at(answer, "/message"),
            kind: None,
            code: None,
        }
    }
}
