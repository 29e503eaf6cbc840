//! An agent that plays roulette, with everything that happens in its run: the calls of the model, and of its tool.
//!
//! ```text
//! cargo run --example roulette --features cost
//! ```
//!
//! Where the telemetry goes says the environment (`OTEL_EXPORTER_OTLP_ENDPOINT` and the like). The model is a scripted one; with
//! `OPENAI_API_KEY`, and `OPENAI_BASE_URL` if it is not OpenAI, a real one (`OPENAI_MODEL`, otherwise `gpt-4o`).

#![allow(clippy::print_stdout, reason = "it shows the result")]

use std::error::Error;

use fanlight::llm::{self, Json, Message, Part, Role, ToolDefinition, Usage};
use serde_json::json;

const INSTRUCTIONS: &str = "Use the `roulette_wheel` function to see if the customer has won based on the number they \
                            provide. Then answer with `true` or `false` and nothing else.";
/// How often the model is asked at most.
const STEPS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let _fanlight = fanlight::configure()
        .service_name("my_logfire_service")
        .send_to_logfire(false)
        .start()?;

    let success_number = 18;
    let agent = RouletteAgent {
        model: Model::of_environment(),
        success_number,
    };
    println!("{}", agent.run("Put my money on square eighteen")?);
    Ok(())
}

/// Plays roulette for a customer.
struct RouletteAgent {
    model: Model,
    success_number: i64,
}

impl RouletteAgent {
    /// Whether the customer has won.
    fn run(&self, question: &str) -> Result<bool, Box<dyn Error>> {
        let tools = [ToolDefinition::new("roulette_wheel")
            .description("check if the square is a winner")
            .parameters(json!({
                "type": "object", "properties": {"square": {"type": "integer"}}, "required": ["square"],
            }))];
        let mut messages = vec![Message::system(INSTRUCTIONS), Message::user(question)];
        let run = llm::agent("roulette_agent")
            .session("an evening at the casino")
            .messages(&messages.clone())
            .tools(&tools)
            .start();
        let result = run.in_scope(|| self.play(&mut messages, &tools));
        match &result {
            Ok(has_won) => run.response(Message::assistant(has_won.to_string())),
            Err(error) => run.error(&**error),
        };
        result
    }

    /// Asks the model, and does what it asks for, until it answers.
    fn play(
        &self,
        messages: &mut Vec<Message>,
        tools: &[ToolDefinition],
    ) -> Result<bool, Box<dyn Error>> {
        for _ in 0..STEPS {
            let answer = self.ask(messages, tools)?;
            let mut text = String::new();
            let mut responses = Vec::new();
            for part in &answer.parts {
                match part {
                    Part::Text(piece) => text.push_str(piece),
                    Part::ToolCall {
                        id,
                        name,
                        arguments,
                    } => {
                        let id = id.clone().unwrap_or_default();
                        responses.push(self.call_tool(id, name, arguments));
                    }
                    _ => {}
                }
            }
            if responses.is_empty() {
                return Ok(text.trim().parse()?);
            }
            messages.push(answer);
            messages.append(&mut responses);
        }
        Err("the model has come to no answer".into())
    }

    fn ask(
        &self,
        messages: &[Message],
        tools: &[ToolDefinition],
    ) -> Result<Message, Box<dyn Error>> {
        let chat = llm::chat("openai", self.model.name())
            .temperature(0.0)
            .messages(messages)
            .tools(tools)
            .start();
        let answer = self.model.answer(messages).inspect_err(|error| {
            chat.error(&**error);
        })?;
        chat.response(answer.message.clone())
            .response_id(answer.id)
            .finish_reason(answer.finish_reason)
            .response_model(answer.model)
            .usage(answer.usage);
        Ok(answer.message)
    }

    fn call_tool(&self, id: String, name: &str, arguments: &Json) -> Message {
        let run = llm::tool(name)
            .call_id(&id)
            .arguments(arguments.clone())
            .start();
        let outcome = match (name, arguments["square"].as_i64()) {
            ("roulette_wheel", Some(square)) => self.roulette_wheel(square),
            _ => "no such tool, or no square",
        };
        run.result(outcome);
        Message::tool(id, outcome)
    }

    fn roulette_wheel(&self, square: i64) -> &'static str {
        if square == self.success_number {
            "winner"
        } else {
            "loser"
        }
    }
}

/// What the agent thinks with.
enum Model {
    /// It knows this one game.
    Scripted,
    /// Whoever speaks as OpenAI does.
    Real {
        url: String,
        key: String,
        name: String,
    },
}

/// What a model answers.
struct Answer {
    message: Message,
    id: String,
    model: String,
    finish_reason: String,
    usage: Usage,
}

impl Model {
    fn of_environment() -> Model {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let or = |name, otherwise: &str| variable(name).unwrap_or_else(|| otherwise.to_owned());
        match variable("OPENAI_API_KEY") {
            None => Model::Scripted,
            Some(key) => Model::Real {
                url: or("OPENAI_BASE_URL", "https://api.openai.com/v1"),
                key,
                name: or("OPENAI_MODEL", "gpt-4o"),
            },
        }
    }

    fn name(&self) -> &str {
        match self {
            Model::Scripted => "gpt-4o",
            Model::Real { name, .. } => name,
        }
    }

    fn answer(&self, messages: &[Message]) -> Result<Answer, Box<dyn Error>> {
        match self {
            Model::Scripted => Ok(scripted(messages)),
            Model::Real { url, key, name } => {
                let request = json!({
                    "model": name,
                    "temperature": 0,
                    "messages": messages.iter().map(to_openai).collect::<Json>(),
                    "tools": [{"type": "function", "function": {
                        "name": "roulette_wheel",
                        "description": "check if the square is a winner",
                        "parameters": {
                            "type": "object",
                            "properties": {"square": {"type": "integer"}},
                            "required": ["square"],
                        },
                    }}],
                });
                let mut response =
                    ureq::post(format!("{}/chat/completions", url.trim_end_matches('/')))
                        .header("Authorization", format!("Bearer {key}"))
                        .header("Content-Type", "application/json")
                        .send(request.to_string())?;
                let text = response.body_mut().read_to_string()?;
                from_openai(&serde_json::from_str(&text)?).ok_or_else(|| "no answer in it".into())
            }
        }
    }
}

/// Asks for the tool first, and then says what it said.
fn scripted(messages: &[Message]) -> Answer {
    let said = messages.last().and_then(|message| message.parts.first());
    let (part, finish_reason, usage) = match said {
        Some(Part::ToolResponse { response, .. }) => (
            Part::Text((response == "winner").to_string()),
            "stop",
            Usage::new(106, 3),
        ),
        _ => (
            Part::tool_call("call_1", "roulette_wheel", json!({"square": 18})),
            "tool_calls",
            Usage::new(81, 16),
        ),
    };
    Answer {
        message: Message::new(Role::Assistant, [part]),
        id: format!("chatcmpl-{}", messages.len()),
        model: "gpt-4o-2024-08-06".to_owned(),
        finish_reason: finish_reason.to_owned(),
        usage,
    }
}

/// A message as OpenAI takes it.
fn to_openai(message: &Message) -> Json {
    let mut json = json!({"role": message.role.as_str(), "content": ""});
    for part in &message.parts {
        match part {
            Part::Text(text) => json["content"] = json!(text),
            Part::ToolCall {
                id,
                name,
                arguments,
            } => {
                json["tool_calls"] = json!([{
                    "id": id, "type": "function",
                    "function": {"name": name, "arguments": arguments.to_string()},
                }]);
            }
            Part::ToolResponse { id, response } => {
                json["tool_call_id"] = json!(id);
                json["content"] = response.clone();
            }
            _ => {}
        }
    }
    json
}

/// An answer as OpenAI gives it.
fn from_openai(json: &Json) -> Option<Answer> {
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let choice = json["choices"].get(0)?;
    let message = &choice["message"];
    let mut parts = Vec::new();
    if let Some(text) = message["content"].as_str().filter(|text| !text.is_empty()) {
        parts.push(Part::Text(text.to_owned()));
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let function = &call["function"];
        let arguments = function["arguments"].clone();
        parts.push(Part::tool_call(
            text(&call["id"]),
            text(&function["name"]),
            arguments,
        ));
    }
    let tokens = |key| json["usage"][key].as_u64().unwrap_or_default();
    let cached = &json["usage"]["prompt_tokens_details"]["cached_tokens"];
    Some(Answer {
        message: Message::new(Role::Assistant, parts),
        id: text(&json["id"]),
        model: text(&json["model"]),
        finish_reason: text(&choice["finish_reason"]),
        usage: Usage::new(tokens("prompt_tokens"), tokens("completion_tokens"))
            .cache_read(cached.as_u64().unwrap_or_default()),
    })
}
