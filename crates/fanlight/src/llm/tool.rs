//! Tools: what models are told of them, and their runs.

use std::error::Error;

use serde_json::json;

use super::Json;
use super::call::type_of;
use super::content::Content;
use super::message::structured;
use super::opening::{Opening, opening_methods, span_methods};
use crate::{Span, SpanKind};

/// A run that has not started. See [`tool`](super::tool).
#[derive(Debug)]
#[must_use = "the run starts with `start`"]
pub struct ToolBuilder<'a> {
    opening: Opening,
    name: &'a str,
    kind: &'a str,
    arguments: Option<Json>,
}

/// The run of a tool. It ends when this is dropped, and is a [`Span`](crate::Span) until then.
#[derive(Debug)]
#[must_use = "a run ends when it is dropped; `let run = ...` keeps it until the end of the block"]
pub struct ToolSpan {
    span: Span,
    content: Content,
}

/// What a model is told of a tool.
///
/// ```
/// use fanlight::llm::{self, ToolDefinition};
/// use serde_json::json;
///
/// let tools = [ToolDefinition::new("roulette_wheel")
///     .description("check if the square is a winner")
///     .parameters(json!({"type": "object", "properties": {"square": {"type": "integer"}}}))];
/// let _chat = llm::chat("openai", "gpt-4o").tools(&tools).start();
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ToolDefinition {
    name: String,
    description: Option<String>,
    parameters: Option<Json>,
}

impl<'a> ToolBuilder<'a> {
    pub(super) fn new(name: &'a str) -> ToolBuilder<'a> {
        let mut opening = Opening::new("execute_tool", name, SpanKind::Internal);
        opening.set("gen_ai.tool.name", name);
        ToolBuilder {
            opening,
            name,
            kind: "function",
            arguments: None,
        }
    }

    opening_methods!();

    /// The id that the model gave its call.
    pub fn call_id(self, id: impl AsRef<str>) -> Self {
        self.attribute("gen_ai.tool.call.id", id.as_ref())
    }

    /// What the tool does.
    pub fn description(self, description: impl AsRef<str>) -> Self {
        self.attribute("gen_ai.tool.description", description.as_ref())
    }

    /// What kind of tool it is, unless it is a `function`: `extension`, `datastore`.
    pub fn kind(mut self, kind: &'a str) -> Self {
        self.kind = kind;
        self
    }

    /// What it is called with, as JSON or as JSON text.
    pub fn arguments(mut self, arguments: impl Into<Json>) -> Self {
        self.arguments = Some(structured(arguments.into()));
        self
    }

    /// Starts the run.
    pub fn start(mut self) -> ToolSpan {
        let opening = &mut self.opening;
        opening.set("gen_ai.tool.type", self.kind);
        let arguments = self.arguments.as_ref();
        opening.set_content("gen_ai.tool.call.arguments", arguments, Content::value);
        opening.set("logfire.msg", format_args!("running tool: {}", self.name));
        ToolSpan {
            content: opening.content(),
            span: self.opening.span.start(),
        }
    }
}

span_methods!(ToolSpan);

impl ToolSpan {
    /// What the tool answered: text or JSON.
    pub fn result(&self, result: impl Into<Json>) -> &ToolSpan {
        if self.span.is_recording() && !self.content.is_off() {
            let result = self.content.value(&result.into());
            self.span.set("gen_ai.tool.call.result", result);
        }
        self
    }

    /// Records an error, and that the run failed.
    pub fn error<E: Error + ?Sized>(&self, error: &E) -> &ToolSpan {
        self.span.record_error(error);
        self.span.set("error.type", type_of(error));
        self
    }

    fn span(&self) -> &Span {
        &self.span
    }
}

impl ToolDefinition {
    /// A function of a name.
    pub fn new(name: impl Into<String>) -> ToolDefinition {
        ToolDefinition {
            name: name.into(),
            description: None,
            parameters: None,
        }
    }

    /// What it does.
    pub fn description(mut self, description: impl Into<String>) -> ToolDefinition {
        self.description = Some(description.into());
        self
    }

    /// What it is called with, as a JSON schema.
    pub fn parameters(mut self, schema: impl Into<Json>) -> ToolDefinition {
        self.parameters = Some(structured(schema.into()));
        self
    }

    pub(super) fn to_json(&self) -> Json {
        let mut json = json!({"type": "function", "name": self.name});
        if let Some(description) = &self.description {
            json["description"] = json!(description);
        }
        if let Some(parameters) = &self.parameters {
            json["parameters"] = parameters.clone();
        }
        json
    }
}
