//! What a chat completion request asks for, member by member.
//!
//! [Source](https://platform.openai.com/docs/api-reference/chat/create). What does not change the answer has no place at other
//! providers and is taken without being passed on: `user` (where there is no such member), `safety_identifier`,
//! `prompt_cache_key`, `store: false`, `service_tier: auto`, thoughts of earlier answers.

use serde_json::Value as Json;

use super::Untranslatable;
use super::members::{Members, no_word};

/// A request.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) model: String,
    pub(super) turns: Vec<Turn>,
    pub(super) tools: Vec<Tool>,
    pub(super) choice: Option<Choice>,
    /// Whether several tools may be called at once.
    pub(super) parallel: Option<bool>,
    pub(super) max_tokens: Option<u64>,
    pub(super) temperature: Option<Json>,
    pub(super) top_p: Option<Json>,
    pub(super) frequency_penalty: Option<Json>,
    pub(super) presence_penalty: Option<Json>,
    pub(super) seed: Option<Json>,
    pub(super) stop: Vec<String>,
    pub(super) format: Option<Format>,
    pub(super) effort: Option<Effort>,
    pub(super) user: Option<String>,
    pub(super) stream: bool,
    /// Whether the client wants a last chunk with what was used.
    pub(super) include_usage: bool,
}

/// A message.
#[derive(Debug)]
pub(super) enum Turn {
    System(String),
    User(Vec<Piece>),
    Assistant { text: String, calls: Vec<Call> },
    Tool { call_id: String, content: String },
}

/// A part of what a user says, and where it stands.
#[derive(Debug)]
pub(super) enum Piece {
    Text(String),
    Image {
        source: Source,
        at: String,
    },
    Audio {
        format: String,
        data: String,
        at: String,
    },
    File {
        source: Source,
        name: Option<String>,
        at: String,
    },
}

/// Where bytes are.
#[derive(Debug)]
pub(super) enum Source {
    /// Here, in base64.
    Data { mime_type: String, base64: String },
    /// At an address.
    Url(String),
}

/// A tool that the model wanted to be called.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    /// An object.
    pub(super) arguments: Json,
    /// What Gemini wants to have back with the call, as Google's own translation passes it on.
    pub(super) signature: Option<String>,
}

/// A tool that the model may call.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) parameters: Option<Json>,
    pub(super) strict: bool,
}

/// Which tools are to be called.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Auto,
    None,
    Required,
    One(String),
}

/// How the answer is to be written.
#[derive(Debug)]
pub(super) enum Format {
    Json,
    Schema(Json),
}

/// How much is to be thought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    None,
    Low,
    Medium,
    High,
}

impl Ask {
    /// Reads a request.
    pub(super) fn read(body: &[u8]) -> Result<Ask, Untranslatable> {
        let body: Json = serde_json::from_slice(body)
            .map_err(|error| Untranslatable(format!("the body is no JSON: {error}")))?;
        let mut body = Members::of(body, "")?;
        let (max_tokens, older) = (
            body.count("max_completion_tokens")?,
            body.count("max_tokens")?,
        );
        let stream = body.flag("stream")?.unwrap_or(false);
        let ask = Ask {
            model: body.some_text("model")?,
            turns: turns(body.list("messages")?)?,
            tools: tools(body.list("tools")?)?,
            choice: choice(&mut body)?,
            parallel: body.flag("parallel_tool_calls")?,
            max_tokens: max_tokens.or(older),
            temperature: body.number("temperature")?,
            top_p: body.number("top_p")?,
            frequency_penalty: penalty(&mut body, "frequency_penalty")?,
            presence_penalty: penalty(&mut body, "presence_penalty")?,
            seed: body.number("seed")?,
            stop: stop(&mut body)?,
            format: format(&mut body)?,
            effort: effort(&mut body)?,
            user: body.text("user")?,
            include_usage: include_usage(&mut body)? && stream,
            stream,
        };
        without_effect(&mut body)?;
        body.done()?;
        Ok(ask)
    }

    /// What the system says, all of it.
    pub(super) fn system(&self) -> Option<String> {
        let said = self.turns.iter().filter_map(|turn| match turn {
            Turn::System(text) => Some(text.as_str()),
            _ => None,
        });
        let said: Vec<&str> = said.filter(|text| !text.is_empty()).collect();
        (!said.is_empty()).then(|| said.join("\n\n"))
    }
}

/// Takes what changes nothing about the answer.
fn without_effect(body: &mut Members) -> Result<(), Untranslatable> {
    for name in [
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_retention",
    ] {
        body.take(name);
    }
    if body.flag("store")? == Some(true) {
        return Err(no_word("store"));
    }
    if let Some(tier) = body.text("service_tier")?
        && !matches!(tier.as_str(), "auto" | "default")
    {
        return Err(no_word("service_tier"));
    }
    if body.flag("logprobs")? == Some(true) {
        return Err(no_word("logprobs"));
    }
    if body.count("n")?.is_some_and(|count| count != 1) {
        return Err(no_word("n"));
    }
    let modalities = body.list("modalities")?;
    match modalities.iter().all(|modality| modality == "text") {
        true => Ok(()),
        false => Err(no_word("modalities")),
    }
}

/// A penalty of zero is none.
fn penalty(body: &mut Members, name: &str) -> Result<Option<Json>, Untranslatable> {
    Ok(body
        .number(name)?
        .filter(|penalty| penalty.as_f64() != Some(0.0)))
}

fn include_usage(body: &mut Members) -> Result<bool, Untranslatable> {
    let Some(mut options) = body.object("stream_options")? else {
        return Ok(false);
    };
    let include = options.flag("include_usage")?;
    // Padding against eavesdroppers, which others do not have.
    options.flag("include_obfuscation")?;
    options.done()?;
    Ok(include.unwrap_or(false))
}

fn stop(body: &mut Members) -> Result<Vec<String>, Untranslatable> {
    match body.take("stop") {
        None => Ok(Vec::new()),
        Some(Json::String(text)) => Ok(vec![text]),
        Some(value) => serde_json::from_value(value)
            .map_err(|_| body.must_be("stop", "a string or an array of strings")),
    }
}

fn format(body: &mut Members) -> Result<Option<Format>, Untranslatable> {
    let Some(mut format) = body.object("response_format")? else {
        return Ok(None);
    };
    let kind = format.some_text("type")?;
    let read = match kind.as_str() {
        "text" => None,
        "json_object" => Some(Format::Json),
        "json_schema" => {
            let mut inner = format.object("json_schema")?.ok_or_else(|| {
                Untranslatable("`response_format.json_schema` is missing".to_owned())
            })?;
            // The names are for people; others are strict in any case.
            inner.text("name")?;
            inner.text("description")?;
            inner.flag("strict")?;
            let schema = inner.take("schema");
            inner.done()?;
            Some(schema.map_or(Format::Json, Format::Schema))
        }
        _ => return Err(no_word("response_format.type")),
    };
    format.done()?;
    Ok(read)
}

fn effort(body: &mut Members) -> Result<Option<Effort>, Untranslatable> {
    let effort = body.text("reasoning_effort")?;
    effort
        .map(|effort| match effort.as_str() {
            "none" => Ok(Effort::None),
            "minimal" | "low" => Ok(Effort::Low),
            "medium" => Ok(Effort::Medium),
            "high" | "xhigh" => Ok(Effort::High),
            _ => Err(no_word("reasoning_effort")),
        })
        .transpose()
}

fn tools(items: Vec<Json>) -> Result<Vec<Tool>, Untranslatable> {
    let tool = |(index, item)| {
        let mut item = Members::of(item, &format!("tools[{index}]"))?;
        if item.some_text("type")? != "function" {
            return Err(no_word(&item.at("type")));
        }
        let missing = item.must_be("function", "an object");
        let mut function = item.object("function")?.ok_or(missing)?;
        let tool = Tool {
            name: function.some_text("name")?,
            description: function.text("description")?,
            parameters: function.take("parameters"),
            strict: function.flag("strict")?.unwrap_or(false),
        };
        function.done()?;
        item.done()?;
        Ok(tool)
    };
    items.into_iter().enumerate().map(tool).collect()
}

fn choice(body: &mut Members) -> Result<Option<Choice>, Untranslatable> {
    let choice = match body.take("tool_choice") {
        None => return Ok(None),
        Some(Json::String(choice)) => choice,
        Some(choice) => {
            let mut choice = Members::of(choice, "tool_choice")?;
            if choice.some_text("type")? != "function" {
                return Err(no_word("tool_choice.type"));
            }
            let missing = choice.must_be("function", "an object");
            let mut function = choice.object("function")?.ok_or(missing)?;
            let name = function.some_text("name")?;
            function.done()?;
            choice.done()?;
            return Ok(Some(Choice::One(name)));
        }
    };
    match choice.as_str() {
        "auto" => Ok(Some(Choice::Auto)),
        "none" => Ok(Some(Choice::None)),
        "required" => Ok(Some(Choice::Required)),
        _ => Err(no_word("tool_choice")),
    }
}

fn turns(items: Vec<Json>) -> Result<Vec<Turn>, Untranslatable> {
    if items.is_empty() {
        return Err(Untranslatable(
            "`messages` must be an array with a message".to_owned(),
        ));
    }
    let turn = |(index, item)| turn(Members::of(item, &format!("messages[{index}]"))?);
    items.into_iter().enumerate().map(turn).collect()
}

fn turn(mut message: Members) -> Result<Turn, Untranslatable> {
    let role = message.some_text("role")?;
    let turn = match role.as_str() {
        "system" | "developer" => Turn::System(plain(&mut message)?),
        "user" => Turn::User(pieces(&mut message)?),
        "assistant" => {
            // What it thought can't be given back: its signature is not here.
            for name in ["reasoning_content", "reasoning"] {
                message.take(name);
            }
            let refusal = message.text("refusal")?.unwrap_or_default();
            Turn::Assistant {
                text: plain(&mut message)? + &refusal,
                calls: calls(&mut message)?,
            }
        }
        "tool" => Turn::Tool {
            call_id: message.some_text("tool_call_id")?,
            content: plain(&mut message)?,
        },
        _ => return Err(no_word(&message.at("role"))),
    };
    message.done()?;
    Ok(turn)
}

/// Content that is text.
fn plain(message: &mut Members) -> Result<String, Untranslatable> {
    let pieces = pieces(message)?.into_iter();
    let texts: Result<Vec<String>, Untranslatable> = pieces
        .map(|piece| match piece {
            Piece::Text(text) => Ok(text),
            Piece::Image { at, .. } | Piece::Audio { at, .. } | Piece::File { at, .. } => {
                Err(no_word(&at))
            }
        })
        .collect();
    Ok(texts?.concat())
}

fn pieces(message: &mut Members) -> Result<Vec<Piece>, Untranslatable> {
    let path = message.at("content");
    match message.take("content") {
        None => Ok(Vec::new()),
        Some(Json::String(text)) => Ok(vec![Piece::Text(text)]),
        Some(Json::Array(items)) => {
            let piece = |(index, item)| piece(Members::of(item, &format!("{path}[{index}]"))?);
            items.into_iter().enumerate().map(piece).collect()
        }
        Some(_) => Err(message.must_be("content", "a string or an array")),
    }
}

fn piece(mut item: Members) -> Result<Piece, Untranslatable> {
    let kind = item.some_text("type")?;
    let at = item.at(&kind);
    let inner = |item: &mut Members| {
        let missing = item.must_be(&kind, "an object");
        item.object(&kind)?.ok_or(missing)
    };
    let piece = match kind.as_str() {
        "text" => Piece::Text(item.some_text("text")?),
        "refusal" => Piece::Text(item.some_text("refusal")?),
        "image_url" => {
            let mut image = inner(&mut item)?;
            let url = image.some_text("url")?;
            // How finely it is looked at is for the provider to say.
            image.text("detail")?;
            image.done()?;
            Piece::Image {
                source: Source::of(url),
                at,
            }
        }
        "input_audio" => {
            let mut audio = inner(&mut item)?;
            let (format, data) = (audio.some_text("format")?, audio.some_text("data")?);
            audio.done()?;
            Piece::Audio { format, data, at }
        }
        "file" => {
            let mut file = inner(&mut item)?;
            let name = file.text("filename")?;
            let data = file.text("file_data")?;
            file.done()?;
            let source = data.map(Source::of).ok_or_else(|| no_word(&at))?;
            Piece::File { source, name, at }
        }
        _ => return Err(no_word(&item.at("type"))),
    };
    item.done()?;
    Ok(piece)
}

fn calls(message: &mut Members) -> Result<Vec<Call>, Untranslatable> {
    let path = message.at("tool_calls");
    let call = |(index, item)| {
        let mut item = Members::of(item, &format!("{path}[{index}]"))?;
        if item.text("type")?.is_some_and(|kind| kind != "function") {
            return Err(no_word(&item.at("type")));
        }
        item.take("index");
        let missing = item.must_be("function", "an object");
        let mut function = item.object("function")?.ok_or(missing)?;
        let name = function.some_text("name")?;
        let written = function.text("arguments")?.unwrap_or_default();
        let arguments = match written.trim() {
            "" => Ok(Json::Object(serde_json::Map::new())),
            written => serde_json::from_str(written),
        };
        let arguments = arguments.ok().filter(Json::is_object);
        let call = Call {
            id: item.some_text("id")?,
            name,
            arguments: arguments
                .ok_or_else(|| function.must_be("arguments", "an object in JSON"))?,
            signature: signature(item.take("extra_content")),
        };
        function.done()?;
        item.done()?;
        Ok(call)
    };
    let items = message.list("tool_calls")?;
    items.into_iter().enumerate().map(call).collect()
}

fn signature(extra: Option<Json>) -> Option<String> {
    let signature = extra?
        .pointer("/google/thought_signature")?
        .as_str()
        .map(str::to_owned);
    signature.filter(|signature| !signature.is_empty())
}

impl Source {
    /// What a URL stands for, which may hold the data itself: `data:image/png;base64,...`.
    fn of(url: String) -> Source {
        let data = url
            .strip_prefix("data:")
            .and_then(|rest| rest.split_once(";base64,"));
        match data {
            Some((mime_type, base64)) => Source::Data {
                mime_type: mime_type.to_owned(),
                base64: base64.to_owned(),
            },
            None => Source::Url(url),
        }
    }
}
