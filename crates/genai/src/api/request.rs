//! What is asked of a model.

use serde_json::Value as Json;

use super::{ProviderApi, model_in_path};
use crate::{LlmCall, json, messages};

/// Reads a request. A body that is no JSON, such as a form with a recording of speech, tells nothing but its path.
pub fn read_request(api: ProviderApi, path: &str, body: &[u8], call: &mut LlmCall) {
    call.kind = api.kind();
    call.operation
        .get_or_insert_with(|| api.operation().to_owned());
    call.provider
        .get_or_insert_with(|| api.provider().to_owned());
    call.request_model = model_in_path(path);
    if path.contains(":stream") || path.contains("-stream") {
        call.streaming = Some(true);
    }
    call.truncated |= body.len() > json::MAX_TEXT;
    if let Some(body) = json::parse_bytes(body) {
        read(api, &body, call);
    }
    call.settle();
}

fn read(api: ProviderApi, body: &Json, call: &mut LlmCall) {
    let stated = json::text_of(body, &["model"]);
    call.request_model = stated.or(call.request_model.take());
    let streams = body.get("stream").and_then(Json::as_bool);
    // Ollama streams unless it is told not to.
    let by_default =
        matches!(api, ProviderApi::OllamaChat | ProviderApi::OllamaGenerate).then_some(true);
    call.streaming = streams.or(call.streaming).or(by_default);
    messages::read_parameters(&mut call.parameters, body);
    for name in [
        "stream",
        "stream_options",
        "metadata",
        "toolConfig",
        "inferenceConfig",
    ] {
        call.parameters.other.remove(name);
    }
    let system = json::value_of(
        body,
        &[
            "system",
            "systemInstruction",
            "system_instruction",
            "instructions",
            "preamble",
        ],
    );
    call.system_instructions = system.map(messages::parts).unwrap_or_default();
    let said = json::value_of(
        body,
        &[
            "messages",
            "contents",
            "input",
            "prompt",
            "inputText",
            "content",
            "texts",
            "chat_history",
        ],
    );
    call.input_messages = said
        .map(|said| messages::messages(said, "user"))
        .unwrap_or_default();
    // Cohere's first version has the last message apart.
    if let Some(last) = body.get("message").filter(|last| last.is_string()) {
        call.input_messages.extend(messages::message(last, "user"));
    }
    let tools =
        json::value_of(body, &["tools", "functions"]).or_else(|| body.pointer("/toolConfig/tools"));
    call.tool_definitions = tools.map(messages::tool_definitions).unwrap_or_default();
    call.user_id = call
        .user_id
        .take()
        .or_else(|| json::text_of(body, &["user", "safety_identifier"]))
        .or_else(|| json::text(body.pointer("/metadata/user_id")?));
    let conversation = body
        .get("conversation")
        .map(|stated| stated.get("id").unwrap_or(stated));
    let conversation = conversation.and_then(json::text);
    call.conversation_id = call.conversation_id.take().or(conversation);
}
