//! [Anthropic's messages](https://platform.claude.com/docs/en/api/messages).

use serde_json::{Map, Value as Json, json};

use super::ask::{Ask, Choice, Effort, Format, Piece, Source, Turn};
use super::chunks::{Chunks, Completion, Counts};
use super::members::no_word;
use super::{Failed, Provider, Untranslatable, text_at};

/// How much may be written where nobody says so; the member is required.
const MAX_TOKENS: u64 = 4_096;
/// Fewer tokens than that can't be thought.
const LEAST_THOUGHT: u64 = 1_024;

/// Translates.
#[derive(Debug, Default)]
pub(super) struct Anthropic {
    counts: Counts,
    /// Of the blocks of the stream, those that are calls of tools, by their number, in their order.
    calls: Vec<u64>,
    reason: Option<&'static str>,
}

/// The path and body of a request.
pub(super) fn request(ask: &Ask) -> Result<(String, Json), Untranslatable> {
    for (member, stated) in [
        ("seed", &ask.seed),
        ("frequency_penalty", &ask.frequency_penalty),
        ("presence_penalty", &ask.presence_penalty),
    ] {
        if stated.is_some() {
            return Err(no_word(member));
        }
    }
    let (max_tokens, thinking) = tokens(ask)?;
    let mut body = Map::new();
    let mut put = |name: &str, value: Option<Json>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    put("model", Some(json!(ask.model)));
    put("max_tokens", Some(json!(max_tokens)));
    put("thinking", thinking);
    put("messages", Some(messages(ask)?));
    put("system", ask.system().map(Json::from));
    put("stream", ask.stream.then_some(json!(true)));
    put("temperature", ask.temperature.clone());
    put("top_p", ask.top_p.clone());
    put(
        "stop_sequences",
        (!ask.stop.is_empty()).then(|| json!(ask.stop)),
    );
    put(
        "metadata",
        ask.user.as_ref().map(|user| json!({"user_id": user})),
    );
    put("tools", (!ask.tools.is_empty()).then(|| tools(ask)));
    put("tool_choice", choice(ask));
    put("output_config", format(ask)?);
    Ok(("/v1/messages".to_owned(), Json::Object(body)))
}

/// How much may be written, and how much of it thought.
fn tokens(ask: &Ask) -> Result<(u64, Option<Json>), Untranslatable> {
    let budget = match ask.effort {
        None => return Ok((ask.max_tokens.unwrap_or(MAX_TOKENS), None)),
        Some(Effort::None) => {
            let disabled = json!({"type": "disabled"});
            return Ok((ask.max_tokens.unwrap_or(MAX_TOKENS), Some(disabled)));
        }
        Some(Effort::Low) => LEAST_THOUGHT,
        Some(Effort::Medium) => 4_096,
        Some(Effort::High) => 16_384,
    };
    let max_tokens = ask.max_tokens.unwrap_or(budget + MAX_TOKENS);
    // What is thought counts as written, and something else must fit in as well.
    let budget = budget.min(max_tokens.saturating_sub(1));
    if budget < LEAST_THOUGHT {
        return Err(Untranslatable(format!(
            "`reasoning_effort` needs `max_completion_tokens` above {LEAST_THOUGHT} for this provider"
        )));
    }
    let thinking = json!({"type": "enabled", "budget_tokens": budget});
    Ok((max_tokens, Some(thinking)))
}

fn messages(ask: &Ask) -> Result<Json, Untranslatable> {
    // What one side says in a row is one message; answers of tools are the user's.
    let mut messages: Vec<(&str, Vec<Json>)> = Vec::new();
    for turn in &ask.turns {
        let (role, blocks) = match turn {
            Turn::System(_) => continue,
            Turn::User(pieces) => ("user", pieces.iter().map(block).collect::<Result<_, _>>()?),
            Turn::Assistant { text, calls } => {
                let mut blocks: Vec<Json> = Vec::new();
                if !text.is_empty() {
                    blocks.push(json!({"type": "text", "text": text}));
                }
                blocks.extend(calls.iter().map(|call| {
                    json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments})
                }));
                ("assistant", blocks)
            }
            Turn::Tool { call_id, content } => {
                let result =
                    json!({"type": "tool_result", "tool_use_id": call_id, "content": content});
                ("user", vec![result])
            }
        };
        match messages.last_mut() {
            Some((last, all)) if *last == role => all.extend(blocks),
            _ if blocks.is_empty() => {}
            _ => messages.push((role, blocks)),
        }
    }
    let message = |(role, content): (&str, Vec<Json>)| json!({"role": role, "content": content});
    Ok(messages.into_iter().map(message).collect())
}

fn block(piece: &Piece) -> Result<Json, Untranslatable> {
    let source = |source: &Source| match source {
        Source::Data { mime_type, base64 } => {
            json!({"type": "base64", "media_type": mime_type, "data": base64})
        }
        Source::Url(url) => json!({"type": "url", "url": url}),
    };
    Ok(match piece {
        Piece::Text(text) => json!({"type": "text", "text": text}),
        Piece::Image { source: image, .. } => json!({"type": "image", "source": source(image)}),
        Piece::File {
            source: file, name, ..
        } => {
            let mut block = json!({"type": "document", "source": source(file)});
            if let (Some(block), Some(name)) = (block.as_object_mut(), name) {
                block.insert("title".to_owned(), json!(name));
            }
            block
        }
        Piece::Audio { at, .. } => return Err(no_word(at)),
    })
}

fn tools(ask: &Ask) -> Json {
    let tools = ask.tools.iter().map(|tool| {
        let nothing = json!({"type": "object", "properties": {}});
        let mut written = Map::new();
        written.insert("name".to_owned(), json!(tool.name));
        if let Some(description) = &tool.description {
            written.insert("description".to_owned(), json!(description));
        }
        let schema = tool.parameters.clone().unwrap_or(nothing);
        written.insert("input_schema".to_owned(), schema);
        if tool.strict {
            written.insert("strict".to_owned(), json!(true));
        }
        Json::Object(written)
    });
    tools.collect()
}

fn choice(ask: &Ask) -> Option<Json> {
    let one_by_one = ask.parallel == Some(false) && !ask.tools.is_empty();
    let mut choice = match &ask.choice {
        None if one_by_one => json!({"type": "auto"}),
        None => return None,
        Some(Choice::Auto) => json!({"type": "auto"}),
        Some(Choice::None) => return Some(json!({"type": "none"})),
        Some(Choice::Required) => json!({"type": "any"}),
        Some(Choice::One(name)) => json!({"type": "tool", "name": name}),
    };
    if let Some(choice) = choice.as_object_mut().filter(|_| one_by_one) {
        choice.insert("disable_parallel_tool_use".to_owned(), json!(true));
    }
    Some(choice)
}

fn format(ask: &Ask) -> Result<Option<Json>, Untranslatable> {
    match &ask.format {
        None => Ok(None),
        Some(Format::Schema(schema)) => {
            let format = json!({"type": "json_schema", "schema": schema});
            Ok(Some(json!({"format": format})))
        }
        Some(Format::Json) => Err(no_word("response_format.type")),
    }
}

/// Why it ended, in OpenAI's words.
fn reason(stated: &str) -> &'static str {
    match stated {
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        _ => "stop",
    }
}

impl Anthropic {
    fn count(&mut self, usage: &Json) {
        let mut set = |name: &str, count: fn(&mut Counts) -> &mut u64| {
            if let Some(stated) = usage
                .get(name)
                .and_then(Json::as_u64)
                .filter(|stated| *stated > 0)
            {
                *count(&mut self.counts) = stated;
            }
        };
        set("input_tokens", |counts| &mut counts.fresh);
        set("cache_read_input_tokens", |counts| &mut counts.cache_read);
        set("cache_creation_input_tokens", |counts| {
            &mut counts.cache_written
        });
        set("output_tokens", |counts| &mut counts.output);
        self.counts.is_stated = true;
    }

    /// The number of a call of a tool among such calls.
    fn call(&self, block: u64) -> usize {
        self.calls
            .iter()
            .position(|call| *call == block)
            .unwrap_or_default()
    }
}

impl Provider for Anthropic {
    fn whole(&mut self, answer: &Json) -> Completion {
        self.count(answer.get("usage").unwrap_or(&Json::Null));
        let mut completion = Completion {
            id: text_at(answer, "/id"),
            model: text_at(answer, "/model"),
            reason: reason(
                text_at(answer, "/stop_reason")
                    .as_deref()
                    .unwrap_or_default(),
            ),
            counts: self.counts,
            ..Completion::default()
        };
        for block in answer
            .get("content")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
        {
            let text = |name: &str| block.get(name).and_then(Json::as_str).unwrap_or_default();
            match text("type") {
                "text" => completion.text.push_str(text("text")),
                "thinking" => completion.thoughts.push_str(text("thinking")),
                "tool_use" => {
                    let arguments = block.get("input").unwrap_or(&Json::Null).to_string();
                    completion.call(text("id"), text("name"), &arguments, None);
                }
                _ => {}
            }
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
        match text("/type") {
            "message_start" => {
                out.begin(
                    text_at(event, "/message/id"),
                    text_at(event, "/message/model"),
                );
                self.count(event.pointer("/message/usage").unwrap_or(&Json::Null));
            }
            "content_block_start" if text("/content_block/type") == "tool_use" => {
                self.calls.push(index);
                let (id, name) = (text("/content_block/id"), text("/content_block/name"));
                out.call(self.call(index), id, name, None);
            }
            "content_block_start" => {
                out.text(text("/content_block/text"));
                out.thought(text("/content_block/thinking"));
            }
            "content_block_delta" => match text("/delta/type") {
                "text_delta" => out.text(text("/delta/text")),
                "thinking_delta" => out.thought(text("/delta/thinking")),
                "input_json_delta" if self.calls.contains(&index) => {
                    out.arguments(self.call(index), text("/delta/partial_json"));
                }
                _ => {}
            },
            "message_delta" => {
                self.count(event.get("usage").unwrap_or(&Json::Null));
                self.reason = text_at(event, "/delta/stop_reason").as_deref().map(reason);
            }
            "message_stop" => out.finish(self.reason.unwrap_or("stop"), self.counts),
            "error" => out.fail(&self.failed(event)),
            _ => {}
        }
    }

    fn failed(&self, answer: &Json) -> Failed {
        Failed {
            message: text_at(answer, "/error/message"),
            kind: text_at(answer, "/error/type"),
            code: None,
        }
    }
}
