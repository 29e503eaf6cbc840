//! Choices of an answer that grow while it streams in.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::{Message, Part, json};

/// As much text as is kept of one answer.
const MAX_TEXT: usize = 16 << 20;
/// More parts than that are not kept of one answer.
const MAX_BLOCKS: usize = 10_000;

/// A part that grows.
#[derive(Debug)]
pub(super) enum Block {
    Text(String),
    Reasoning(String),
    Tool {
        id: Option<String>,
        name: String,
        /// What came in pieces.
        arguments: String,
        /// What came whole.
        whole: Json,
    },
    /// A part that came whole.
    Whole(Part),
}

/// All choices, by their number; within each the parts, by theirs.
#[derive(Debug, Default)]
pub(super) struct Choices {
    choices: BTreeMap<u64, Choice>,
    kept_text: usize,
    kept_blocks: usize,
    /// Whether more came than is kept.
    pub(super) is_cut: bool,
}

#[derive(Debug, Default)]
struct Choice {
    blocks: BTreeMap<u64, Block>,
    finish_reason: Option<String>,
}

impl Choices {
    pub(super) fn is_empty(&self) -> bool {
        self.choices.values().all(|choice| choice.blocks.is_empty())
    }

    /// Says more of a text.
    pub(super) fn text(&mut self, choice: u64, number: u64, more: &str) {
        let Some(more) = self.fitting(more) else {
            return;
        };
        let block = self.block(choice, number, || Block::Text(String::new()));
        if let Some(Block::Text(text) | Block::Reasoning(text)) = block {
            text.push_str(more);
        }
    }

    /// Says more of a thought.
    pub(super) fn reasoning(&mut self, choice: u64, number: u64, more: &str) {
        let Some(more) = self.fitting(more) else {
            return;
        };
        if let Some(Block::Reasoning(text)) =
            self.block(choice, number, || Block::Reasoning(String::new()))
        {
            text.push_str(more);
        }
    }

    /// Says more of a call of a tool.
    pub(super) fn tool(&mut self, choice: u64, number: u64, call: &Json) {
        let function = call.get("function").unwrap_or(call);
        let more = json::value_of(
            function,
            &["arguments", "input", "args", "parameters", "partial_json"],
        );
        let text = more.and_then(Json::as_str).unwrap_or_default();
        let text = self.fitting(text).unwrap_or_default();
        let new = || Block::Tool {
            id: None,
            name: String::new(),
            arguments: String::new(),
            whole: Json::Null,
        };
        let block = self.block(choice, number, new);
        let Some(Block::Tool {
            id,
            name,
            arguments,
            whole,
        }) = block
        else {
            return;
        };
        arguments.push_str(text);
        if let Some(stated) = json::text_of(call, &["call_id", "id", "toolUseId"]) {
            id.get_or_insert(stated);
        }
        if let Some(stated) = json::text_of(function, &["name"]).filter(|_| name.is_empty()) {
            *name = stated;
        }
        if let Some(stated) = more.filter(|more| !more.is_string()) {
            *whole = stated.clone();
        }
    }

    /// Puts parts that came whole in the place of what is there.
    pub(super) fn put(&mut self, choice: u64, number: u64, part: Part) {
        if let Some(block) = self.block(choice, number, || Block::Text(String::new())) {
            *block = Block::Whole(part);
        }
    }

    /// Adds parts behind what is there; text and thoughts go on with those of their kind.
    pub(super) fn append(&mut self, choice: u64, part: Part) {
        let blocks = self.choices.get(&choice).map(|choice| &choice.blocks);
        let last = blocks.and_then(BTreeMap::last_key_value);
        let next = last.map_or(0, |(number, _)| number + 1);
        match (part, last) {
            (Part::Text { content }, Some((number, Block::Text(_)))) => {
                self.text(choice, *number, &content)
            }
            (Part::Text { content }, _) => self.text(choice, next, &content),
            (Part::Reasoning { content }, Some((number, Block::Reasoning(_)))) => {
                self.reasoning(choice, *number, &content);
            }
            (Part::Reasoning { content }, _) => self.reasoning(choice, next, &content),
            (part, _) => self.put(choice, next, part),
        }
    }

    /// Drops the parts of a range of numbers.
    pub(super) fn clear(&mut self, choice: u64, numbers: std::ops::Range<u64>) {
        if let Some(choice) = self.choices.get_mut(&choice) {
            choice.blocks.retain(|number, _| !numbers.contains(number));
        }
    }

    pub(super) fn finish(&mut self, choice: u64, reason: Option<String>) {
        if let (Some(reason), true) = (reason, self.choices.len() < MAX_BLOCKS) {
            self.choices.entry(choice).or_default().finish_reason = Some(reason);
        }
    }

    fn block(
        &mut self,
        choice: u64,
        number: u64,
        new: impl FnOnce() -> Block,
    ) -> Option<&mut Block> {
        let is_known = self
            .choices
            .get(&choice)
            .is_some_and(|choice| choice.blocks.contains_key(&number));
        if !is_known {
            if self.kept_blocks >= MAX_BLOCKS {
                self.is_cut = true;
                return None;
            }
            self.kept_blocks += 1;
        }
        let blocks = &mut self.choices.entry(choice).or_default().blocks;
        Some(blocks.entry(number).or_insert_with(new))
    }

    /// The text, if there is some and there is room for it.
    fn fitting<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        if self.kept_text + text.len() > MAX_TEXT {
            self.is_cut = true;
            return None;
        }
        self.kept_text += text.len();
        (!text.is_empty()).then_some(text)
    }

    /// A message for each choice.
    pub(super) fn into_messages(self) -> Vec<Message> {
        let choices = self.choices.into_values();
        let messages = choices.map(|choice| Message {
            role: "assistant".to_owned(),
            name: None,
            parts: choice.blocks.into_values().filter_map(part).collect(),
            finish_reason: choice.finish_reason,
        });
        messages
            .filter(|message| !message.parts.is_empty() || message.finish_reason.is_some())
            .collect()
    }
}

fn part(block: Block) -> Option<Part> {
    match block {
        Block::Text(content) => (!content.is_empty()).then_some(Part::Text { content }),
        Block::Reasoning(content) => Some(Part::Reasoning { content }),
        Block::Tool {
            id,
            name,
            arguments,
            whole,
        } => Some(Part::ToolCall {
            id,
            name,
            arguments: if arguments.is_empty() {
                whole
            } else {
                json::structured(&arguments)
            },
        }),
        Block::Whole(part) => Some(part),
    }
}
