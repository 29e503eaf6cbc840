//! [Gemini's `generateContent`](https://ai.google.dev/api/generate-content).

use serde_json::{Map, Value as Json, json};

use super::ask::{Ask, Choice, Effort, Format, Piece, Source, Turn};
use super::chunks::{Chunks, Completion, Counts};
use super::members::no_word;
use super::{Failed, Provider, Untranslatable, text_at};

/// Translates.
#[derive(Debug, Default)]
pub(super) struct Gemini {
    calls: usize,
    id: String,
    counts: Counts,
    reason: Option<&'static str>,
}

/// The path and body of a request.
pub(super) fn request(ask: &Ask) -> Result<(String, Json), Untranslatable> {
    if ask.parallel == Some(false) && !ask.tools.is_empty() {
        return Err(no_word("parallel_tool_calls"));
    }
    let mut body = Map::new();
    body.insert("contents".to_owned(), contents(ask)?);
    if let Some(system) = ask.system() {
        let system = json!({"parts": [{"text": system}]});
        body.insert("systemInstruction".to_owned(), system);
    }
    let config = config(ask);
    if !config.is_empty() {
        body.insert("generationConfig".to_owned(), Json::Object(config));
    }
    if !ask.tools.is_empty() {
        let tools = json!([{"functionDeclarations": tools(ask)}]);
        body.insert("tools".to_owned(), tools);
    }
    if let Some(choice) = choice(ask) {
        let choice = json!({"functionCallingConfig": choice});
        body.insert("toolConfig".to_owned(), choice);
    }
    let verb = match ask.stream {
        true => "streamGenerateContent?alt=sse",
        false => "generateContent",
    };
    let path = format!("/v1beta/models/{}:{verb}", segment(&ask.model));
    Ok((path, Json::Object(body)))
}

/// A model's name as a segment of a path.
fn segment(model: &str) -> String {
    let name = model.strip_prefix("models/").unwrap_or(model);
    let mut segment = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                segment.push(char::from(byte))
            }
            byte => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
}

fn contents(ask: &Ask) -> Result<Json, Untranslatable> {
    let mut contents: Vec<(&str, Vec<Json>)> = Vec::new();
    for turn in &ask.turns {
        let (role, parts) = match turn {
            Turn::System(_) => continue,
            Turn::User(pieces) => ("user", pieces.iter().map(part).collect::<Result<_, _>>()?),
            Turn::Assistant { text, calls } => {
                let mut parts: Vec<Json> = Vec::new();
                if !text.is_empty() {
                    parts.push(json!({"text": text}));
                }
                parts.extend(calls.iter().map(|call| {
                    let mut part =
                        json!({"functionCall": {"name": call.name, "args": call.arguments}});
                    if let (Some(part), Some(signature)) = (part.as_object_mut(), &call.signature) {
                        part.insert("thoughtSignature".to_owned(), json!(signature));
                    }
                    part
                }));
                ("model", parts)
            }
            Turn::Tool { call_id, content } => {
                let name = name_of_call(ask, call_id)?;
                let response =
                    json!({"functionResponse": {"name": name, "response": response(content)}});
                ("user", vec![response])
            }
        };
        match contents.last_mut() {
            Some((last, all)) if *last == role => all.extend(parts),
            _ if parts.is_empty() => {}
            _ => contents.push((role, parts)),
        }
    }
    let content = |(role, parts): (&str, Vec<Json>)| json!({"role": role, "parts": parts});
    Ok(contents.into_iter().map(content).collect())
}

/// The tool that was called by an id, which Gemini knows by its name only.
fn name_of_call<'a>(ask: &'a Ask, id: &str) -> Result<&'a str, Untranslatable> {
    let calls = ask.turns.iter().filter_map(|turn| match turn {
        Turn::Assistant { calls, .. } => Some(calls),
        _ => None,
    });
    let found = calls.flatten().find(|call| call.id == id);
    let missing = || {
        Untranslatable(format!(
            "no call has the `tool_call_id` {id:?} of a tool's message"
        ))
    };
    found.map(|call| call.name.as_str()).ok_or_else(missing)
}

/// What a tool answered, which must be an object.
fn response(content: &str) -> Json {
    let object = serde_json::from_str(content).ok().filter(Json::is_object);
    object.unwrap_or_else(|| json!({"result": content}))
}

fn part(piece: &Piece) -> Result<Json, Untranslatable> {
    let inline =
        |mime_type: &str, data: &str| json!({"inlineData": {"mimeType": mime_type, "data": data}});
    Ok(match piece {
        Piece::Text(text) => json!({"text": text}),
        Piece::Image {
            source: Source::Data { mime_type, base64 },
            ..
        }
        | Piece::File {
            source: Source::Data { mime_type, base64 },
            ..
        } => inline(mime_type, base64),
        Piece::Audio { format, data, .. } => inline(&format!("audio/{format}"), data),
        Piece::Image { at, .. } | Piece::File { at, .. } => {
            return Err(Untranslatable(format!(
                "`{at}` names an address, which this provider does not fetch; write a data URL"
            )));
        }
    })
}

fn config(ask: &Ask) -> Map<String, Json> {
    let mut config = Map::new();
    let mut put = |name: &str, value: Option<Json>| {
        if let Some(value) = value {
            config.insert(name.to_owned(), value);
        }
    };
    put("maxOutputTokens", ask.max_tokens.map(Json::from));
    put("temperature", ask.temperature.clone());
    put("topP", ask.top_p.clone());
    put("frequencyPenalty", ask.frequency_penalty.clone());
    put("presencePenalty", ask.presence_penalty.clone());
    put("seed", ask.seed.clone());
    put(
        "stopSequences",
        (!ask.stop.is_empty()).then(|| json!(ask.stop)),
    );
    put(
        "responseMimeType",
        ask.format.as_ref().map(|_| json!("application/json")),
    );
    if let Some(Format::Schema(schema)) = &ask.format {
        put("responseJsonSchema", Some(schema.clone()));
    }
    // As Google's own translation of OpenAI's words has it.
    let budget = ask.effort.map(|effort| match effort {
        Effort::None => 0,
        Effort::Low => 1_024,
        Effort::Medium => 8_192,
        Effort::High => 24_576,
    });
    put(
        "thinkingConfig",
        budget.map(|budget| json!({"thinkingBudget": budget})),
    );
    config
}

fn tools(ask: &Ask) -> Json {
    let tools = ask.tools.iter().map(|tool| {
        let mut written = Map::new();
        written.insert("name".to_owned(), json!(tool.name));
        if let Some(description) = &tool.description {
            written.insert("description".to_owned(), json!(description));
        }
        if let Some(parameters) = &tool.parameters {
            written.insert("parametersJsonSchema".to_owned(), parameters.clone());
        }
        Json::Object(written)
    });
    tools.collect()
}

fn choice(ask: &Ask) -> Option<Json> {
    let is_strict = ask.tools.iter().any(|tool| tool.strict);
    match &ask.choice {
        None | Some(Choice::Auto) if is_strict => Some(json!({"mode": "VALIDATED"})),
        None => None,
        Some(Choice::Auto) => Some(json!({"mode": "AUTO"})),
        Some(Choice::None) => Some(json!({"mode": "NONE"})),
        Some(Choice::Required) => Some(json!({"mode": "ANY"})),
        Some(Choice::One(name)) => Some(json!({"mode": "ANY", "allowedFunctionNames": [name]})),
    }
}

/// Why it ended, in OpenAI's words; calls of tools are an ordinary end for Gemini.
fn reason(stated: &str, has_calls: bool) -> &'static str {
    match stated {
        "MAX_TOKENS" => "length",
        "STOP" | "FINISH_REASON_UNSPECIFIED" | "OTHER" if has_calls => "tool_calls",
        "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII"
        | "IMAGE_SAFETY" => "content_filter",
        _ => "stop",
    }
}

impl Gemini {
    fn count(&mut self, usage: Option<&Json>) {
        let Some(usage) = usage else {
            return;
        };
        let of = |name: &str| usage.get(name).and_then(Json::as_u64).unwrap_or_default();
        let read = of("cachedContentTokenCount");
        let input = of("promptTokenCount").saturating_add(of("toolUsePromptTokenCount"));
        self.counts = Counts {
            fresh: input.saturating_sub(read),
            cache_read: read,
            cache_written: 0,
            output: of("candidatesTokenCount").saturating_add(of("thoughtsTokenCount")),
            reasoning: of("thoughtsTokenCount"),
            is_stated: true,
        };
    }

    /// What comes of an answer or a piece of one.
    fn read(&mut self, answer: &Json, mut take: impl FnMut(Taken<'_>)) {
        if let Some(id) = text_at(answer, "/responseId") {
            self.id = id;
        }
        self.count(answer.get("usageMetadata"));
        let parts = answer
            .pointer("/candidates/0/content/parts")
            .and_then(Json::as_array);
        for part in parts.into_iter().flatten() {
            let text = part.get("text").and_then(Json::as_str);
            let is_thought = part.get("thought").and_then(Json::as_bool) == Some(true);
            match (text, part.get("functionCall")) {
                (_, Some(call)) => {
                    // Calls have names only; OpenAI's have ids that are theirs alone.
                    let id = text_at(call, "/id")
                        .unwrap_or_else(|| format!("call_{}_{}", self.id, self.calls));
                    let arguments = call
                        .get("args")
                        .map_or_else(|| "{}".to_owned(), Json::to_string);
                    let name = text_at(call, "/name").unwrap_or_default();
                    let signature = text_at(part, "/thoughtSignature");
                    take(Taken::Call(self.calls, &id, &name, &arguments, signature));
                    self.calls += 1;
                }
                (Some(text), None) if is_thought => take(Taken::Thought(text)),
                (Some(text), None) => take(Taken::Text(text)),
                (None, None) => {}
            }
        }
        if let Some(stated) = text_at(answer, "/candidates/0/finishReason") {
            self.reason = Some(reason(&stated, self.calls > 0));
        } else if answer.pointer("/promptFeedback/blockReason").is_some() {
            self.reason = Some("content_filter");
        }
    }
}

/// A part of an answer.
enum Taken<'a> {
    Text(&'a str),
    Thought(&'a str),
    /// Its number, id, name, arguments and signature.
    Call(usize, &'a str, &'a str, &'a str, Option<String>),
}

impl Provider for Gemini {
    fn whole(&mut self, answer: &Json) -> Completion {
        let mut completion = Completion::default();
        self.read(answer, |taken| match taken {
            Taken::Text(text) => completion.text.push_str(text),
            Taken::Thought(text) => completion.thoughts.push_str(text),
            Taken::Call(_, id, name, arguments, signature) => {
                completion.call(id, name, arguments, signature);
            }
        });
        completion.id = text_at(answer, "/responseId");
        completion.model = text_at(answer, "/modelVersion");
        completion.reason = self.reason.unwrap_or("stop");
        completion.counts = self.counts;
        completion
    }

    fn event(&mut self, event: &Json, out: &mut Chunks) {
        if event.get("error").is_some() {
            return out.fail(&self.failed(event));
        }
        out.begin(
            text_at(event, "/responseId"),
            text_at(event, "/modelVersion"),
        );
        self.read(event, |taken| match taken {
            Taken::Text(text) => out.text(text),
            Taken::Thought(text) => out.thought(text),
            Taken::Call(index, id, name, arguments, signature) => {
                out.call(index, id, name, signature);
                out.arguments(index, arguments);
            }
        });
    }

    /// Nothing says that a stream is over but its end.
    fn end(&mut self, out: &mut Chunks) {
        if let Some(reason) = self.reason {
            out.finish(reason, self.counts);
        }
    }

    fn failed(&self, answer: &Json) -> Failed {
        let answer = answer.get(0).unwrap_or(answer);
        Failed {
            message: text_at(answer, "/error/message"),
            kind: None,
            code: text_at(answer, "/error/status"),
        }
    }
}
