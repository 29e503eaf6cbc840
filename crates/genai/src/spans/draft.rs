//! A call that is being put together from several dialects.

use fanlight_otlp::view::Value;
use serde_json::Value as Json;

use super::fields::{self, Fields};
use super::item::Item;
use crate::json;
use crate::messages;
use crate::tally::Tally;
use crate::{
    Agent, Counts, Dollars, Kind, LlmCall, Message, Part, ReportedCost, Tool, ToolDefinition,
};

/// What is known of a call so far.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) call: LlmCall,
    pub(super) kind: Option<Kind>,
    /// Whether the recorder says itself that others count the same.
    pub(super) is_repeated: bool,
    pub(super) tally: Tally,
    pub(super) tool: Tool,
    pub(super) agent: Agent,
    pub(super) cost: Option<Dollars>,
    pub(super) input_cost: Option<Dollars>,
    pub(super) output_cost: Option<Dollars>,
}

/// An attribute, and what it says.
pub(super) type Row = (&'static str, Says);

/// What an attribute says, and how it is to be read. What is known already stays.
#[derive(Clone, Copy)]
pub(super) enum Says {
    Text(fn(&mut Draft) -> &mut Option<String>),
    /// Several texts, or one.
    Texts(fn(&mut Draft) -> &mut Vec<String>),
    Number(fn(&mut Draft) -> &mut Option<f64>),
    /// A number of milliseconds, where the field has seconds.
    Milliseconds(fn(&mut Draft) -> &mut Option<f64>),
    Integer(fn(&mut Draft) -> &mut Option<i64>),
    Count(fn(&mut Draft) -> &mut Option<u64>),
    Flag(fn(&mut Draft) -> &mut Option<bool>),
    Money(fn(&mut Draft) -> &mut Option<Dollars>),
    /// Anything; text that holds JSON is unpacked.
    Any(fn(&mut Draft) -> &mut Json),
    Parts(fn(&mut Draft) -> &mut Vec<Part>),
    /// Messages; those without a role are said by this one.
    Messages(&'static str, fn(&mut Draft) -> &mut Vec<Message>),
    Tools(fn(&mut Draft) -> &mut Vec<ToolDefinition>),
    /// What the dialect calls what was done.
    Kind(fn(&str) -> Option<Kind>),
    /// An object of many fields.
    Object(fn(&mut Draft, &Json)),
}

/// Whether the program says that all its calls go by the proxy, which records them itself.
fn is_proxied(item: &Item<'_>) -> bool {
    let said = item.resource.get("fanlight.llm.proxied");
    said.ok().flatten() == Some(Value::Str("true"))
}

impl Draft {
    /// Reads attributes by a table.
    pub(super) fn take(&mut self, fields: &Fields<'_>, rows: &[Row]) {
        for (key, says) in rows {
            if let Some(value) = fields.get(key) {
                self.fill(value, *says);
            }
        }
    }

    fn fill(&mut self, value: &Value<'_>, says: Says) {
        match says {
            Says::Text(field) => {
                let field = field(self);
                if field.is_none() {
                    *field = json::text(&fields::to_json(value));
                }
            }
            Says::Texts(field) => fill_list(field(self), || match value {
                Value::Str(text) => json::texts(&json::structured(text)),
                value => json::texts(&fields::to_json(value)),
            }),
            Says::Number(field) => fill(field(self), fields::number(value)),
            Says::Milliseconds(field) => {
                fill(
                    field(self),
                    fields::number(value).map(|number| number / 1_000.0),
                );
            }
            Says::Integer(field) => fill(
                field(self),
                fields::number(value).map(|number| number as i64),
            ),
            Says::Count(field) => fill(field(self), fields::count(value)),
            Says::Flag(field) => fill(field(self), fields::flag(value)),
            Says::Money(field) => fill(field(self), json::dollars(&fields::to_json(value))),
            Says::Any(field) => {
                if field(self).is_null() {
                    *field(self) = self.unpacked(value);
                }
            }
            Says::Parts(field) => {
                if field(self).is_empty() {
                    *field(self) = messages::parts(&self.unpacked(value));
                }
            }
            Says::Messages(role, field) => {
                if field(self).is_empty() {
                    *field(self) = messages::messages(&self.unpacked(value), role);
                }
            }
            Says::Tools(field) => {
                if field(self).is_empty() {
                    *field(self) = messages::tool_definitions(&self.unpacked(value));
                }
            }
            Says::Kind(read) => {
                if let (None, Some(stated)) = (self.kind, value.as_str()) {
                    self.kind = read(stated);
                }
            }
            Says::Object(read) => {
                let object = self.unpacked(value);
                read(self, &object);
            }
        }
    }

    /// The value; what a text holds, if it is JSON.
    pub(super) fn unpacked(&mut self, value: &Value<'_>) -> Json {
        match value {
            Value::Str(text) => {
                self.call.truncated |= text.len() > json::MAX_TEXT;
                json::structured(text)
            }
            value => fields::to_json(value),
        }
    }

    /// The call; none if nothing says that there was one.
    pub(super) fn finish(self, item: &Item<'_>) -> Option<LlmCall> {
        let kind = self.kind.or_else(|| self.likely_kind())?;
        let mut call = self.call;
        call.kind = kind;
        call.usage = self.tally.usage();
        let has_messages = !call.input_messages.is_empty() || !call.output_messages.is_empty();
        if kind == Kind::Other && call.usage.is_none() && !has_messages {
            return None;
        }
        let contains_others = matches!(kind, Kind::Agent | Kind::Chain | Kind::Other);
        if contains_others || self.is_repeated || is_proxied(item) {
            call.counts = Counts::Aggregate;
        }
        call.tool = (self.tool != Tool::default()).then_some(self.tool);
        call.agent = (self.agent != Agent::default()).then_some(self.agent);
        let parts = (self.input_cost, self.output_cost);
        let sum = parts.0.zip(parts.1).map(|(input, output)| input + output);
        // What the proxy computed from the table of prices, the reader computes as well, and knows of what it is made.
        let is_computed = item.fields.text("fanlight.llm.cost.source") == Some("list");
        let stated = self.cost.or(sum).filter(|_| !is_computed);
        call.truncated |= item.fields.get("fanlight.llm.truncated") == Some(&Value::Bool(true));
        call.reported_cost = stated.map(|total| ReportedCost {
            total,
            input: parts.0,
            output: parts.1,
        });
        let of_resource = |key| {
            item.resource
                .get(key)
                .ok()
                .flatten()?
                .as_str()
                .map(str::to_owned)
        };
        call.session_id = call
            .session_id
            .or_else(|| of_resource("session.id"))
            .or_else(|| call.conversation_id.clone());
        call.user_id = call.user_id.or_else(|| of_resource("user.id"));
        call.provider = call.provider.and_then(provider);
        if item.is_error && call.error_type.is_none() {
            let exception = item.events.iter().find(|event| event.name == "exception");
            let stated = exception.and_then(|event| event.fields.text("exception.type"));
            call.error_type = Some(stated.unwrap_or("_OTHER").to_owned());
        }
        call.settle();
        Some(call)
    }

    /// What was done, where nobody says so.
    fn likely_kind(&self) -> Option<Kind> {
        let call = &self.call;
        if self.tool.name.is_some() || self.tool.call_id.is_some() {
            return Some(Kind::Tool);
        }
        if call.model().is_some() || self.tally.usage().is_some() {
            return Some(Kind::Llm);
        }
        if self.agent != Agent::default() {
            return Some(Kind::Agent);
        }
        let has_messages = !call.input_messages.is_empty() || !call.output_messages.is_empty();
        has_messages.then_some(if call.provider.is_some() {
            Kind::Llm
        } else {
            Kind::Other
        })
    }
}

/// The provider as the conventions call it, where a dialect has another name. Libraries that call any provider are none.
fn provider(stated: String) -> Option<String> {
    let known = match stated.to_ascii_lowercase().as_str() {
        "az.ai.openai" | "azure" | "azure_openai" | "azure-openai" => "azure.ai.openai",
        "az.ai.inference" => "azure.ai.inference",
        "google" | "gemini" | "google-gla" | "google.generative-ai" => "gcp.gemini",
        "vertex_ai" | "vertexai" | "google-vertex" | "google.vertex" => "gcp.vertex_ai",
        "bedrock" | "aws" | "amazon-bedrock" | "aws_bedrock" => "aws.bedrock",
        "mistral" | "mistralai" => "mistral_ai",
        "xai" | "x-ai" => "x_ai",
        "openai" => "openai",
        "anthropic" => "anthropic",
        "cohere" => "cohere",
        "groq" => "groq",
        "deepseek" => "deepseek",
        "ollama" => "ollama",
        "langchain" | "llamaindex" | "llama_index" | "crewai" | "haystack" => return None,
        _ => return Some(stated),
    };
    Some(known.to_owned())
}

pub(super) fn fill<T>(field: &mut Option<T>, value: Option<T>) {
    if field.is_none() {
        *field = value;
    }
}

fn fill_list<T>(field: &mut Vec<T>, values: impl FnOnce() -> Vec<T>) {
    if field.is_empty() {
        *field = values();
    }
}
