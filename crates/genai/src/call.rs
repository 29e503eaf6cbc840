//! The normal form: everything that pages, prices and exporters want to know of a call, whoever recorded it.
//!
//! Names and meanings are those of [OpenTelemetry's GenAI conventions](https://github.com/open-telemetry/semantic-conventions-genai)
//! where these have one. What is kept for reading is bounded; the recording itself, such as the span, has it all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{Dollars, Usage};

/// Counts up whenever the same recording would give another [`LlmCall`], so that what was derived before can be derived anew.
pub const MAPPING_VERSION: u32 = 1;

/// A call of a model, or what such calls are made within: a tool, an agent, a chain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct LlmCall {
    /// What was done.
    pub kind: Kind,
    /// Whether [`usage`](LlmCall::usage) is this call's own, or the sum of what other recordings say too.
    pub counts: Counts,
    /// What was done, in the recorder's words, such as `chat` or `ai.generateText`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Whose interface was called, as `gen_ai.provider.name` would say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The model that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_model: Option<String>,
    /// The model that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_model: Option<String>,
    /// The provider's name for the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_id: Option<String>,
    /// How the model was to answer.
    pub parameters: Parameters,
    /// What the model was told beforehand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub system_instructions: Vec<Part>,
    /// What it read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub input_messages: Vec<Message>,
    /// What it answered, one message for each choice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output_messages: Vec<Message>,
    /// The tools it might use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_definitions: Vec<ToolDefinition>,
    /// The tool that ran, if that is what was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<Tool>,
    /// The agent that ran or called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<Agent>,
    /// Why the model stopped, one for each choice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub finish_reasons: Vec<String>,
    /// What was used; none where nobody said so, which is not the same as zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// At which level of service the answer was made, such as `batch`, `flex` or `priority`. Prices depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Seconds until the first piece of a streamed answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_to_first_chunk: Option<f64>,
    /// Whether the answer was streamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streaming: Option<bool>,
    /// What the provider or the recorder says that it cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported_cost: Option<ReportedCost>,
    /// The user's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The conversation of which the call is a turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<String>,
    /// Who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Words to find it by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What else its author wrote down.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, Json>,
    /// What kind of error it ended with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// Whether something was too large to be taken over whole.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Kind {
    /// A model answered.
    #[default]
    Llm,
    /// A model turned something into vectors.
    Embedding,
    /// A model made pictures.
    Image,
    /// A model made sound, or text of sound.
    Audio,
    /// A tool ran.
    Tool,
    /// An agent ran.
    Agent,
    /// Several steps ran: a chain, a workflow, a task.
    Chain,
    /// Documents were looked up.
    Retriever,
    /// Documents were put in order.
    Reranker,
    /// Something was checked against rules.
    Guardrail,
    /// An answer was judged.
    Evaluator,
    /// A prompt was filled in.
    Prompt,
    /// Something else.
    Other,
}

/// Whose usage a call states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Counts {
    /// Its own. Sums over calls are sums of these.
    #[default]
    Own,
    /// The sum of calls within it, which are recorded themselves: to be shown, but not to be added to theirs.
    Aggregate,
}

/// How a model was to answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names are those of every interface")]
pub struct Parameters {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop_sequences: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_type: Option<String>,
    /// What else was asked for, by the name that the interface has for it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other: BTreeMap<String, Json>,
}

/// Something that was said at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Message {
    /// Who said it: `system`, `user`, `assistant`, `tool`, or what else the recorder wrote.
    pub role: String,
    /// The speaker's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What was said, in order.
    pub parts: Vec<Part>,
    /// Why the model stopped after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
}

/// A part of what was said. Pictures, sound and files are named, not held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
pub enum Part {
    /// Text.
    Text {
        /// The text.
        content: String,
    },
    /// What the model thought. Empty where the provider keeps it for itself.
    Reasoning {
        /// The thoughts.
        content: String,
    },
    /// The model wants a tool to run.
    ToolCall {
        /// By which the answer is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The tool.
        name: String,
        /// With what.
        #[serde(default, skip_serializing_if = "Json::is_null")]
        arguments: Json,
    },
    /// What a tool answered.
    ToolCallResponse {
        /// To which call.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The tool, where the recorder says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The answer.
        #[serde(default, skip_serializing_if = "Json::is_null")]
        response: Json,
    },
    /// Bytes that stood in the message itself.
    Blob {
        /// `image`, `audio`, `video` or `document`.
        modality: String,
        /// Their media type.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mime_type: Option<String>,
        /// How many there are.
        bytes: u64,
    },
    /// Something that is at an address.
    Uri {
        /// `image`, `audio`, `video` or `document`.
        modality: String,
        /// Its media type.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mime_type: Option<String>,
        /// The address.
        uri: String,
    },
    /// Something that the provider holds.
    File {
        /// `image`, `audio`, `video` or `document`.
        modality: String,
        /// Its media type.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mime_type: Option<String>,
        /// The provider's name for it.
        file_id: String,
    },
    /// Something else, as it was recorded.
    #[serde(untagged)]
    Generic(Json),
}

/// A tool that a model might use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ToolDefinition {
    /// Its name.
    pub name: String,
    /// `function`, or what the provider calls its own.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it takes, as JSON schema.
    #[serde(skip_serializing_if = "Json::is_null")]
    pub parameters: Json,
}

/// A tool that ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tool {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The model's name for the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// `function`, `extension` or `datastore`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// With what it ran.
    #[serde(skip_serializing_if = "Json::is_null")]
    pub arguments: Json,
    /// What came of it.
    #[serde(skip_serializing_if = "Json::is_null")]
    pub result: Json,
}

/// An agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Agent {
    /// Its identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What a call cost, as somebody else says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReportedCost {
    /// All in all.
    pub total: Dollars,
    /// Of it: reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Dollars>,
    /// Of it: writing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Dollars>,
}

impl LlmCall {
    /// The model that its price goes by: the one that answered, else the one that was asked for.
    pub fn model(&self) -> Option<&str> {
        self.response_model
            .as_deref()
            .or(self.request_model.as_deref())
    }

    /// Moves what the model was told first from the messages to the instructions, where every dialect's calls are alike, and
    /// collects the reasons for which it stopped.
    pub(crate) fn settle(&mut self) {
        let leading = self
            .input_messages
            .iter()
            .take_while(|message| matches!(message.role.as_str(), "system" | "developer"))
            .count();
        for message in self.input_messages.drain(..leading) {
            // Some say it in both places.
            if message
                .parts
                .iter()
                .any(|part| !self.system_instructions.contains(part))
            {
                self.system_instructions.extend(message.parts);
            }
        }
        if self.finish_reasons.is_empty() {
            let reasons = self.output_messages.iter();
            self.finish_reasons = reasons
                .filter_map(|message| message.finish_reason.clone())
                .collect();
        }
    }
}

impl Message {
    /// Text that somebody said.
    pub fn text(role: &str, content: impl Into<String>) -> Message {
        Message {
            role: role.to_owned(),
            parts: vec![Part::text(content)],
            ..Message::default()
        }
    }
}

impl Part {
    /// Text.
    pub fn text(content: impl Into<String>) -> Part {
        Part::Text {
            content: content.into(),
        }
    }
}
