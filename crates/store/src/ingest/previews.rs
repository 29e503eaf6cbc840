//! What lists show of a call: the beginning of what was asked last and of the answer.

use fanlight_genai::{LlmCall, Message, Part};

use crate::llm::Details;

/// The most characters of a preview.
const LENGTH: usize = 200;

/// The texts of a call.
pub(super) fn details(call: &LlmCall, name: &str) -> Details {
    let output = call
        .output_messages
        .iter()
        .flat_map(|message| &message.parts);
    let is_call = |part: &&Part| matches!(part, Part::ToolCall { .. });
    let seconds = call.time_to_first_chunk.filter(|seconds| *seconds >= 0.0);
    Details {
        name: name.to_owned(),
        operation: call.operation.clone(),
        tool: call.tool.as_ref().and_then(|tool| tool.name.clone()),
        error_type: call.error_type.clone(),
        finish_reasons: call.finish_reasons.clone(),
        conversation: call.conversation_id.clone(),
        input: asked(call),
        output: answered(call),
        tool_calls: output.filter(is_call).count() as u64,
        streaming: call.streaming,
        first_chunk_ns: seconds.map(|seconds| (seconds * 1e9) as u64),
        parts: None,
    }
}

/// The last thing that a user said, else the last thing that was said at all; what a tool ran with.
fn asked(call: &LlmCall) -> String {
    if let Some(tool) = &call.tool
        && !tool.arguments.is_null()
    {
        return short([json_text(&tool.arguments).as_str()]);
    }
    let messages = &call.input_messages;
    let by_user = messages
        .iter()
        .rev()
        .filter(|message| message.role == "user");
    by_user
        .chain(messages.last())
        .map(said)
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

/// The answer's text, else the tools that it calls; what a tool answered.
fn answered(call: &LlmCall) -> String {
    if let Some(tool) = &call.tool
        && !tool.result.is_null()
    {
        return short([json_text(&tool.result).as_str()]);
    }
    let mut answers = call.output_messages.iter().map(said);
    answers.find(|text| !text.is_empty()).unwrap_or_default()
}

/// The text of a message; without one, its calls of tools, what tools answered, or what else is in it.
fn said(message: &Message) -> String {
    let texts = message.parts.iter().filter_map(|part| match part {
        Part::Text { content } => Some(content.as_str()),
        _ => None,
    });
    let text = short(texts);
    if !text.is_empty() {
        return text;
    }
    let others: Vec<String> = message
        .parts
        .iter()
        .map(|part| match part {
            Part::ToolCall {
                name, arguments, ..
            } => match arguments.is_null() {
                true => format!("{name}()"),
                false => format!("{name}({})", json_text(arguments)),
            },
            Part::ToolCallResponse { response, .. } => json_text(response),
            Part::Blob { modality, .. }
            | Part::Uri { modality, .. }
            | Part::File { modality, .. } => format!("[{modality}]"),
            Part::Text { .. } | Part::Reasoning { .. } => String::new(),
            Part::Generic(value) => json_text(value),
        })
        .collect();
    short(others.iter().map(String::as_str))
}

fn json_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// The beginning of texts, on one line.
fn short<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    let mut length = 0;
    for word in texts.into_iter().flat_map(str::split_whitespace) {
        if length > 0 {
            out.push(' ');
            length += 1;
        }
        for letter in word.chars() {
            if length == LENGTH {
                return out;
            }
            out.push(letter);
            length += 1;
        }
        if length == LENGTH {
            return out;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_are_one_line_of_bounded_length() {
        assert_eq!(short([" a\n b\t", "c "]), "a b c");
        let long = "ü".repeat(500);
        assert_eq!(short([long.as_str()]).chars().count(), LENGTH);
        let words = "word ".repeat(100);
        assert!(short([words.as_str()]).chars().count() <= LENGTH);
        assert_eq!(short([]), "");
    }
}
