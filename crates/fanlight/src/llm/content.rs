//! What is recorded of what people, models and tools wrote.

mod sha256;

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::message::{Message, Part, parts_to_json};
use super::{Json, ToolDefinition};
use crate::notice::{NoticeKind, Notices};

/// What is recorded of messages, instructions, and tools' arguments and results.
///
/// Without a policy of the call ([`ChatBuilder::content`](super::ChatBuilder::content)), that of [`set_content_policy`] counts;
/// without that, the variable `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`; without that, everything is recorded. The
/// variable may be `true`, `SPAN_ONLY`, `SPAN_AND_EVENT` or `full`; `false`, `NO_CONTENT`, `EVENT_ONLY` or `off`;
/// `truncated:500`; `hashed`. What it can't mean is told, and nothing is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContentPolicy {
    /// Everything.
    #[default]
    Full,
    /// So many characters of each text; nothing of images and the like that are longer.
    Truncated(usize),
    /// SHA-256 hashes: equal texts can be found, and texts that can be guessed can be guessed.
    Hashed,
    /// Nothing.
    Off,
}

const VARIABLE: &str = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";

/// What code says, for all calls.
static POLICY: RwLock<Option<ContentPolicy>> = RwLock::new(None);

/// What the environment says.
static OF_ENVIRONMENT: LazyLock<ContentPolicy> =
    LazyLock::new(|| of_variable(std::env::var(VARIABLE).ok(), &Notices::default()));

/// The longest attribute, in bytes. Backends refuse items of some megabytes.
static LIMIT: AtomicUsize = AtomicUsize::new(256 * 1024);

/// The shortest limit: less than that holds no message.
const SHORTEST: usize = 1024;

/// Says what is recorded of all calls that don't say otherwise, whatever the environment says.
///
/// ```
/// use fanlight::llm::{ContentPolicy, set_content_policy};
///
/// set_content_policy(ContentPolicy::Truncated(500));
/// ```
pub fn set_content_policy(policy: ContentPolicy) {
    *POLICY.write().unwrap_or_else(PoisonError::into_inner) = Some(policy);
}

/// Says how long the messages of a call may be at most, in bytes of JSON: 256 KiB unless told, and not less than 1 KiB. Of what
/// is longer, images and the like go first, then texts are shortened, then the oldest messages go; `omitted` stands for them.
pub fn set_content_limit(bytes: usize) {
    LIMIT.store(bytes.max(SHORTEST), Ordering::Relaxed);
}

fn of_variable(value: Option<String>, notices: &Notices) -> ContentPolicy {
    let value = value.unwrap_or_default();
    parse(&value).unwrap_or_else(|| {
        notices.tell(NoticeKind::Configuration, "", || {
            format!(
                "{VARIABLE} is {value:?}, so no messages are recorded; it can be true, false, truncated:<characters> or hashed"
            )
        });
        ContentPolicy::Off
    })
}

fn parse(value: &str) -> Option<ContentPolicy> {
    let value = value.trim().to_ascii_lowercase();
    if let Some(count) = value.strip_prefix("truncated:") {
        return count.trim().parse().ok().map(ContentPolicy::Truncated);
    }
    match &*value {
        "" | "true" | "1" | "full" | "span_only" | "span_and_event" => Some(ContentPolicy::Full),
        // There is content in spans only.
        "false" | "0" | "off" | "no_content" | "event_only" => Some(ContentPolicy::Off),
        "hashed" => Some(ContentPolicy::Hashed),
        _ => None,
    }
}

impl ContentPolicy {
    pub(super) fn text(self, text: &str) -> Cow<'_, str> {
        match self {
            ContentPolicy::Full => text.into(),
            ContentPolicy::Truncated(count) => truncated(text, count),
            ContentPolicy::Hashed => hashed(text.as_bytes()).into(),
            ContentPolicy::Off => "".into(),
        }
    }

    pub(super) fn json(self, json: &Json) -> Json {
        match (self, json) {
            (ContentPolicy::Full, json) => json.clone(),
            (policy, Json::String(text)) => json!(policy.text(text)),
            (policy, json) => {
                let text = json.to_string();
                match policy.text(&text) {
                    // Short enough to stay what it is.
                    shown if shown == text => json.clone(),
                    shown => json!(shown),
                }
            }
        }
    }

    /// Base64 of the bytes, unless they are too many.
    pub(super) fn bytes(self, bytes: &[u8]) -> Option<String> {
        match self {
            ContentPolicy::Full => Some(STANDARD.encode(bytes)),
            ContentPolicy::Truncated(count) => {
                (bytes.len().div_ceil(3) * 4 <= count).then(|| STANDARD.encode(bytes))
            }
            ContentPolicy::Hashed => Some(hashed(bytes)),
            ContentPolicy::Off => None,
        }
    }

    /// At most so many characters of each text.
    fn at_most(self, count: usize) -> ContentPolicy {
        match self {
            ContentPolicy::Full => ContentPolicy::Truncated(count),
            ContentPolicy::Truncated(fewer) => ContentPolicy::Truncated(fewer.min(count)),
            policy => policy,
        }
    }
}

fn truncated(text: &str, count: usize) -> Cow<'_, str> {
    match text.char_indices().nth(count) {
        None => text.into(),
        Some((end, _)) => {
            let (kept, rest) = text.split_at(end);
            format!("{kept}… ({} more characters)", rest.chars().count()).into()
        }
    }
}

fn hashed(bytes: &[u8]) -> String {
    let digest = sha256::digest(bytes);
    let hex = digest.iter().map(|byte| format!("{byte:02x}"));
    hex.fold("sha256:".to_owned(), |text, byte| text + &byte)
}

/// What a call records of content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content {
    pub(super) policy: ContentPolicy,
    limit: usize,
}

impl Content {
    /// What counts for a call that says this of itself.
    pub(super) fn new(policy: Option<ContentPolicy>) -> Content {
        let set = || *POLICY.read().unwrap_or_else(PoisonError::into_inner);
        Content {
            policy: policy.or_else(set).unwrap_or_else(|| *OF_ENVIRONMENT),
            limit: LIMIT.load(Ordering::Relaxed),
        }
    }

    pub(super) fn is_off(self) -> bool {
        self.policy == ContentPolicy::Off
    }

    /// The JSON of messages.
    pub(super) fn messages(self, messages: &[Message]) -> String {
        self.shortened(|policy| {
            let json = messages.iter().map(|message| message.to_json(policy));
            json.collect()
        })
    }

    /// The JSON of instructions.
    pub(super) fn parts(self, parts: &[Part]) -> String {
        self.shortened(|policy| match parts_to_json(parts, policy) {
            Json::Array(parts) => parts,
            part => vec![part],
        })
    }

    /// The JSON of tools. They are the program's, so that they are recorded as they are.
    pub(super) fn tools(self, tools: &[ToolDefinition]) -> String {
        Json::from_iter(tools.iter().map(ToolDefinition::to_json)).to_string()
    }

    /// A tool's arguments or result: text as it is, anything else as JSON.
    pub(super) fn value(self, value: &Json) -> String {
        let policy = match self.policy {
            // The marker needs a little room.
            policy if value.to_string().len() > self.limit => policy.at_most(self.limit / 8),
            policy => policy,
        };
        match policy.json(value) {
            Json::String(text) => text,
            json => json.to_string(),
        }
    }

    /// JSON no longer than the limit.
    fn shortened(self, render: impl Fn(ContentPolicy) -> Vec<Json>) -> String {
        let mut items = render(self.policy);
        let mut text = Json::from(items.clone()).to_string();
        let mut count = self.limit / 2;
        while text.len() > self.limit && count >= 64 {
            items = render(self.policy.at_most(count));
            text = Json::from(items.clone()).to_string();
            count /= 2;
        }
        if text.len() > self.limit {
            text = newest(items, self.limit);
        }
        text
    }
}

/// As many of the last items as there is room for, behind a note of those that are missing.
fn newest(mut items: Vec<Json>, limit: usize) -> String {
    const NOTE: usize = 128;
    let mut room = limit.saturating_sub(NOTE);
    let kept = items.iter().rev().take_while(|item| {
        let length = item.to_string().len() + 1;
        let fits = length <= room;
        room = room.saturating_sub(length);
        fits
    });
    let missing = items.len() - kept.count();
    let note = json!({"type": "omitted", "content": format!("{missing} older")});
    let is_message = items.first().is_some_and(|item| item.get("role").is_some());
    let note = match is_message {
        true => json!({"role": "system", "parts": [note], "finish_reason": "omitted"}),
        false => note,
    };
    items.splice(..missing, [note]);
    Json::from(items).to_string()
}

#[cfg(test)]
mod tests;
