//! What a model or an agent is given: instructions, messages and tools.

use super::content::Content;
use super::message::{Message, Part};
use super::opening::Opening;
use super::tool::ToolDefinition;

/// All of it, as far as it is said.
#[derive(Debug, Default)]
pub(super) struct Prompt<'a> {
    pub(super) messages: &'a [Message],
    pub(super) instructions: Vec<Part>,
    pub(super) tools: &'a [ToolDefinition],
}

impl Prompt<'_> {
    /// Adds it to a span, as far as content is wanted.
    pub(super) fn record(&self, opening: &mut Opening) {
        opening.set_content(
            "gen_ai.system_instructions",
            some(&self.instructions),
            Content::parts,
        );
        opening.set_content(
            "gen_ai.input.messages",
            some(self.messages),
            |content, messages| content.messages(messages),
        );
        opening.set_content("gen_ai.tool.definitions", some(self.tools), Content::tools);
    }
}

/// Something, unless it is empty.
fn some<T>(items: &[T]) -> Option<&[T]> {
    (!items.is_empty()).then_some(items)
}

/// Methods of builders whose field `prompt` is a [`Prompt`].
macro_rules! prompt_methods {
    ($lifetime:lifetime) => {
        /// What is asked, with all that was said before.
        pub fn messages(mut self, messages: &$lifetime [$crate::llm::Message]) -> Self {
            self.prompt.messages = messages;
            self
        }

        /// Instructions that come besides the messages. Where they are the first message, they belong there.
        pub fn system(mut self, instruction: impl Into<$crate::llm::Part>) -> Self {
            self.prompt.instructions.push(instruction.into());
            self
        }

        /// The tools that may be asked for.
        pub fn tools(mut self, tools: &$lifetime [$crate::llm::ToolDefinition]) -> Self {
            self.prompt.tools = tools;
            self
        }
    };
}
pub(super) use prompt_methods;
