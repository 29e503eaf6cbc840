//! Sockets over which a model answers many times, such as OpenAI's realtime interface.

use super::{AnswerStream, Framing, ProviderApi};
use crate::{LlmCall, Usage, json};

/// More answers than that of one socket are counted, but what they say is not kept.
const MAX_MESSAGES: usize = 1_000;

/// Reads the [events](https://platform.openai.com/docs/api-reference/realtime-server-events) that a server sent over a socket, one on
/// each line. Every response is charged by itself, with the whole conversation so far as its input, so what they used adds up.
pub fn read_socket(events: &[u8], call: &mut LlmCall) {
    let mut usage: Option<Usage> = None;
    for event in events.split(|byte| *byte == b'\n') {
        let Some(read) = json::parse_bytes(event) else {
            continue;
        };
        // The session says which model it has, and says so anew when that changes.
        let session = read.pointer("/session/model").and_then(json::text);
        call.response_model = session.or(call.response_model.take());
        let mut answer = AnswerStream::new(ProviderApi::OpenAiRealtime, Framing::Lines);
        answer.push_event("", event);
        let mut one = LlmCall::default();
        answer.finish(&mut one);
        if let Some(more) = one.usage {
            usage = Some(usage.unwrap_or_default().and(&more));
        }
        call.response_id = one.response_id.or(call.response_id.take());
        call.error_type = one.error_type.or(call.error_type.take());
        call.truncated |= one.truncated;
        let room = MAX_MESSAGES.saturating_sub(call.output_messages.len());
        call.output_messages
            .extend(one.output_messages.into_iter().take(room));
    }
    call.usage = usage.or(call.usage);
    call.streaming = Some(true);
    call.settle();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Message, Part};

    fn done(words: &str, input: u64, output: u64) -> String {
        json!({"type": "response.done", "response": {"id": words, "status": "completed",
            "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": words}]}],
            "usage": {"input_tokens": input, "output_tokens": output, "input_token_details": {"cached_tokens": input / 2}}}})
        .to_string()
    }

    #[test]
    fn responses_of_a_session_add_up() {
        let events = [
            json!({"type": "session.created", "session": {"model": "gpt-realtime"}}).to_string(),
            done("Hello.", 100, 10),
            "no JSON".to_owned(),
            done("Bye.", 300, 20),
        ];
        let mut call = LlmCall::default();
        read_socket(events.join("\n").as_bytes(), &mut call);
        assert_eq!(call.usage, Some(Usage::new(400, 30).cache_read(200)));
        assert_eq!(call.response_model.as_deref(), Some("gpt-realtime"));
        assert_eq!((call.streaming, call.error_type), (Some(true), None));
        let said: Vec<&[Part]> = call
            .output_messages
            .iter()
            .map(|message| message.parts.as_slice())
            .collect();
        assert_eq!(said, [[Part::text("Hello.")], [Part::text("Bye.")]]);
        assert_eq!(
            call.output_messages[0].role,
            Message::text("assistant", "").role
        );
    }

    #[test]
    fn errors_of_a_session_are_its_own() {
        let mut call = LlmCall::default();
        let event =
            json!({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}});
        read_socket(event.to_string().as_bytes(), &mut call);
        assert_eq!(call.error_type.as_deref(), Some("invalid_request_error"));
        assert_eq!(call.usage, None);
    }
}
