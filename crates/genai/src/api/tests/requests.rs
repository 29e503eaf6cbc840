//! Requests of every interface.

use super::*;

fn request(api: ProviderApi, path: &str, body: &Json) -> LlmCall {
    let mut call = LlmCall::default();
    read_request(api, path, body.to_string().as_bytes(), &mut call);
    call
}

fn expect_question(call: &LlmCall, api: ProviderApi) {
    let schema = json!({"type": "object"});
    assert_eq!(call.request_model.as_deref(), Some("m"), "{api:?}");
    assert_eq!(
        call.system_instructions,
        [Part::text("Be brief.")],
        "{api:?}"
    );
    assert_eq!(
        call.input_messages,
        [Message::text("user", "Hi")],
        "{api:?}"
    );
    assert_eq!(
        (call.parameters.temperature, call.parameters.max_tokens),
        (Some(0.5), Some(100)),
        "{api:?}"
    );
    assert_eq!(call.tool_definitions.len(), 1, "{api:?}");
    assert_eq!(
        (
            call.tool_definitions[0].name.as_str(),
            &call.tool_definitions[0].parameters
        ),
        ("weather", &schema),
        "{api:?}"
    );
    assert_eq!(
        (call.streaming, call.user_id.as_deref()),
        (Some(true), Some("u1")),
        "{api:?}"
    );
    assert!(
        call.parameters.other.is_empty(),
        "{api:?} {:?}",
        call.parameters.other
    );
}

#[test]
fn a_question_is_the_same_in_every_interface() {
    let schema = json!({"type": "object"});
    for (api, path, body) in [
        (
            OpenAiChat,
            "/v1/chat/completions",
            json!({"model": "m", "temperature": 0.5, "max_completion_tokens": 100, "stream": true,
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
            "tools": [{"type": "function", "function": {"name": "weather", "parameters": schema}}], "user": "u1"}),
        ),
        (
            OpenAiResponses,
            "/v1/responses",
            json!({"model": "m", "temperature": 0.5, "max_output_tokens": 100, "stream": true,
            "instructions": "Be brief.", "input": "Hi", "tools": [{"type": "function", "name": "weather", "parameters": schema}], "user": "u1"}),
        ),
        (
            AnthropicMessages,
            "/v1/messages",
            json!({"model": "m", "temperature": 0.5, "max_tokens": 100, "stream": true, "system": "Be brief.",
            "messages": [{"role": "user", "content": "Hi"}], "tools": [{"name": "weather", "input_schema": schema}], "metadata": {"user_id": "u1"}}),
        ),
        (
            GeminiGenerateContent,
            "/v1beta/models/m:streamGenerateContent?alt=sse&key=k",
            json!({"systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [{"role": "user", "parts": [{"text": "Hi"}]}], "generationConfig": {"temperature": 0.5, "maxOutputTokens": 100},
            "tools": [{"functionDeclarations": [{"name": "weather", "parameters": schema}]}], "user": "u1"}),
        ),
        (
            OllamaChat,
            "/api/chat",
            json!({"model": "m", "options": {"temperature": 0.5, "num_predict": 100}, "user": "u1",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
            "tools": [{"type": "function", "function": {"name": "weather", "parameters": schema}}]}),
        ),
        (
            BedrockConverse,
            "/model/m/converse-stream",
            json!({"system": [{"text": "Be brief."}], "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
            "inferenceConfig": {"temperature": 0.5, "maxTokens": 100}, "toolConfig": {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": schema}}}]}, "user": "u1"}),
        ),
    ] {
        expect_question(&request(api, path, &body), api);
    }
}

#[test]
fn interfaces_are_known_by_their_paths() {
    for (host, path, api) in [
        ("api.openai.com", "/v1/chat/completions", Some(OpenAiChat)),
        ("api.openai.com", "/v1/completions", Some(OpenAiCompletions)),
        ("api.openai.com", "/v1/responses?x=1", Some(OpenAiResponses)),
        ("api.openai.com", "/v1/models", None),
        ("api.openai.com", "/v1/responses/resp_1/cancel", None),
        (
            "r.openai.azure.com",
            "/openai/deployments/d/chat/completions?api-version=1",
            Some(OpenAiChat),
        ),
        (
            "r.services.ai.azure.com",
            "/anthropic/v1/messages",
            Some(AnthropicMessages),
        ),
        (
            "api.anthropic.com",
            "/v1/messages?beta=true",
            Some(AnthropicMessages),
        ),
        ("api.anthropic.com", "/v1/messages/count_tokens", None),
        (
            "generativelanguage.googleapis.com",
            "/v1beta/models/g:streamGenerateContent",
            Some(GeminiGenerateContent),
        ),
        ("localhost:11434", "/api/chat", Some(OllamaChat)),
        ("localhost:11434", "/v1/messages", Some(AnthropicMessages)),
        ("api.cohere.com", "/v2/chat", Some(CohereChat)),
        ("api.cohere.com", "/v1/embed", Some(CohereEmbed)),
        (
            "bedrock-runtime.us-east-1.amazonaws.com",
            "/model/x/converse-stream",
            Some(BedrockConverse),
        ),
        (
            "bedrock-runtime.us-east-1.amazonaws.com",
            "/model/x/invoke",
            Some(BedrockInvoke),
        ),
    ] {
        assert_eq!(ProviderApi::detect(host, path), api, "{host}{path}");
    }
    assert_eq!(provider_at("api.groq.com"), Some("groq"));
    assert_eq!(provider_at("r.openai.azure.com"), Some("azure.ai.openai"));
    assert_eq!(provider_at("example.com"), None);
}

#[test]
fn paths_name_models() {
    for (path, model) in [
        (
            "/v1beta/models/gemini-2.5-pro:generateContent?key=k",
            Some("gemini-2.5-pro"),
        ),
        (
            "/model/us.anthropic.claude-sonnet-4-20250514-v1%3A0/invoke",
            Some("us.anthropic.claude-sonnet-4-20250514-v1:0"),
        ),
        (
            "/model/us.amazon.nova-pro-v1:0/converse",
            Some("us.amazon.nova-pro-v1:0"),
        ),
        (
            "/openai/deployments/my-gpt/chat/completions",
            Some("my-gpt"),
        ),
        ("/v1/chat/completions", None),
        ("/model/%zz%", Some("%zz%")),
    ] {
        assert_eq!(model_in_path(path).as_deref(), model, "{path}");
    }
}

#[test]
fn tool_results_and_pictures_of_a_conversation_are_read() {
    let call = request(
        AnthropicMessages,
        "/v1/messages",
        &json!({"model": "m", "max_tokens": 1, "messages": [
            {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}, {"type": "text", "text": "What?"}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Paris"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "rain"}]},
        ]}),
    );
    assert_eq!(call.input_messages.len(), 3);
    assert!(matches!(
        call.input_messages[0].parts[0],
        Part::Blob { bytes: 3, .. }
    ));
    assert_eq!(call.input_messages[1].parts, [weather()]);
    assert!(
        matches!(&call.input_messages[2].parts[0], Part::ToolCallResponse { response, .. } if response == "rain")
    );
}
