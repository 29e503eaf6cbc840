//! Requests, as providers' documents want them.

use super::*;

/// Everything that a request may say, and that all have words for.
fn conversation() -> Json {
    json!({
        "model": "m", "temperature": 0.5, "top_p": 0.9, "max_completion_tokens": 100, "stop": "END", "user": "alice", "store": false,
        "frequency_penalty": 0, "logprobs": false, "n": 1, "logit_bias": {}, "response_format": {"type": "text"}, "service_tier": "auto",
        "tools": [{"type": "function", "function": {"name": "weather", "description": "Tells the weather.", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}},
            {"type": "function", "function": {"name": "time"}}],
        "tool_choice": "auto", "parallel_tool_calls": true,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
            {"role": "user", "content": [{"type": "text", "text": "Rain?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}}]},
            {"role": "assistant", "content": "Let me see.", "refusal": null, "annotations": [], "reasoning_content": "hm", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Paris\"}"}},
                {"id": "c2", "type": "function", "function": {"name": "time", "arguments": ""}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "{\"rain\": true}"},
            {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "noon"}]},
            {"role": "user", "content": "And?"},
        ],
    })
}

#[test]
fn a_conversation_for_anthropic() {
    let (path, body) = translated(Target::Anthropic, &conversation());
    assert_eq!(path, "/v1/messages");
    assert_eq!(
        body,
        json!({
            "model": "m", "max_tokens": 100, "temperature": 0.5, "top_p": 0.9, "stop_sequences": ["END"], "metadata": {"user_id": "alice"},
            "system": "Be brief.\n\nBe kind.", "tool_choice": {"type": "auto"},
            "tools": [{"name": "weather", "description": "Tells the weather.", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}},
                {"name": "time", "input_schema": {"type": "object", "properties": {}}}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Rain?"}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}]},
                {"role": "assistant", "content": [{"type": "text", "text": "Let me see."},
                    {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Paris"}}, {"type": "tool_use", "id": "c2", "name": "time", "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "{\"rain\": true}"}, {"type": "tool_result", "tool_use_id": "c2", "content": "noon"},
                    {"type": "text", "text": "And?"}]},
            ],
        })
    );
}

#[test]
fn a_conversation_for_gemini() {
    let (path, body) = translated(Target::Gemini, &conversation());
    assert_eq!(path, "/v1beta/models/m:generateContent");
    assert_eq!(
        body,
        json!({
            "systemInstruction": {"parts": [{"text": "Be brief.\n\nBe kind."}]},
            "generationConfig": {"maxOutputTokens": 100, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
            "tools": [{"functionDeclarations": [{"name": "weather", "description": "Tells the weather.", "parametersJsonSchema": {"type": "object", "properties": {"city": {"type": "string"}}}}, {"name": "time"}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
            "contents": [
                {"role": "user", "parts": [{"text": "Rain?"}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]},
                {"role": "model", "parts": [{"text": "Let me see."}, {"functionCall": {"name": "weather", "args": {"city": "Paris"}}}, {"functionCall": {"name": "time", "args": {}}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"rain": true}}}, {"functionResponse": {"name": "time", "response": {"result": "noon"}}}, {"text": "And?"}]},
            ],
        })
    );
}

#[test]
fn a_conversation_for_cohere() {
    let (path, body) = translated(Target::Cohere, &conversation());
    assert_eq!(path, "/v2/chat");
    assert_eq!(
        body,
        json!({
            "model": "m", "stream": false, "max_tokens": 100, "temperature": 0.5, "p": 0.9, "stop_sequences": ["END"],
            "tools": [{"type": "function", "function": {"name": "weather", "description": "Tells the weather.", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}},
                {"type": "function", "function": {"name": "time", "parameters": {"type": "object", "properties": {}}}}],
            "messages": [
                {"role": "system", "content": "Be brief."}, {"role": "system", "content": "Be kind."},
                {"role": "user", "content": [{"type": "text", "text": "Rain?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]},
                {"role": "assistant", "tool_plan": "Let me see.", "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Paris\"}"}}, {"id": "c2", "type": "function", "function": {"name": "time", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "{\"rain\": true}"}, {"role": "tool", "tool_call_id": "c2", "content": "noon"},
                {"role": "user", "content": "And?"},
            ],
        })
    );
}

/// Adds members to something small to ask.
fn with(members: &Json) -> Json {
    let mut ask = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": [{"type": "function", "function": {"name": "weather"}}, {"type": "function", "function": {"name": "time"}}]});
    for (name, value) in members.as_object().unwrap() {
        ask[name] = value.clone();
    }
    ask
}

#[test]
fn every_choice_of_tools_is_said() {
    let choice = |target, choice: Json, pointer: &str| {
        translated(target, &with(&json!({"tool_choice": choice})))
            .1
            .pointer(pointer)
            .cloned()
    };
    let one = json!({"type": "function", "function": {"name": "time"}});
    let (anthropic, gemini, cohere) = (
        "/tool_choice",
        "/toolConfig/functionCallingConfig",
        "/tool_choice",
    );
    assert_eq!(
        choice(Target::Anthropic, json!("none"), anthropic),
        Some(json!({"type": "none"}))
    );
    assert_eq!(
        choice(Target::Anthropic, json!("required"), anthropic),
        Some(json!({"type": "any"}))
    );
    assert_eq!(
        choice(Target::Anthropic, one.clone(), anthropic),
        Some(json!({"type": "tool", "name": "time"}))
    );
    assert_eq!(
        choice(Target::Gemini, json!("none"), gemini),
        Some(json!({"mode": "NONE"}))
    );
    assert_eq!(
        choice(Target::Gemini, json!("required"), gemini),
        Some(json!({"mode": "ANY"}))
    );
    assert_eq!(
        choice(Target::Gemini, one.clone(), gemini),
        Some(json!({"mode": "ANY", "allowedFunctionNames": ["time"]}))
    );
    assert_eq!(
        choice(Target::Cohere, json!("none"), cohere),
        Some(json!("NONE"))
    );
    assert_eq!(
        choice(Target::Cohere, json!("required"), cohere),
        Some(json!("REQUIRED"))
    );
    let (_, body) = translated(Target::Cohere, &with(&json!({"tool_choice": one})));
    assert_eq!(
        (
            &body["tool_choice"],
            body["tools"].as_array().unwrap().len()
        ),
        (&json!("REQUIRED"), 1)
    );
    let (_, body) = translated(
        Target::Anthropic,
        &with(&json!({"parallel_tool_calls": false})),
    );
    assert_eq!(
        body["tool_choice"],
        json!({"type": "auto", "disable_parallel_tool_use": true})
    );
}

#[test]
fn formats_and_thoughts_have_equivalents() {
    let schema = json!({"type": "object"});
    let ask = with(
        &json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": schema}}, "reasoning_effort": "low"}),
    );
    let (_, body) = translated(Target::Anthropic, &ask);
    assert_eq!(
        body["output_config"],
        json!({"format": {"type": "json_schema", "schema": schema}})
    );
    assert_eq!(
        (&body["thinking"], &body["max_tokens"]),
        (
            &json!({"type": "enabled", "budget_tokens": 1024}),
            &json!(5120)
        )
    );
    let (_, body) = translated(Target::Gemini, &ask);
    assert_eq!(
        body["generationConfig"],
        json!({"responseMimeType": "application/json", "responseJsonSchema": schema, "thinkingConfig": {"thinkingBudget": 1024}})
    );
    let (_, body) = translated(Target::Cohere, &ask);
    assert_eq!(
        body["response_format"],
        json!({"type": "json_object", "json_schema": schema})
    );
    assert_eq!(
        body["thinking"],
        json!({"type": "enabled", "token_budget": 1024})
    );
    // The least is written where nobody says how much.
    assert_eq!(
        translated(Target::Anthropic, &with(&json!({}))).1["max_tokens"],
        json!(4096)
    );
}

#[test]
fn paths_name_models_and_streams() {
    let ask = json!({"model": "models/gemini 2/pro", "stream": true, "messages": [{"role": "user", "content": "Hi"}]});
    assert_eq!(
        translated(Target::Gemini, &ask).0,
        "/v1beta/models/gemini%202%2Fpro:streamGenerateContent?alt=sse"
    );
}

#[test]
fn what_can_not_be_said_is_refused_by_name() {
    for (targets, member, value) in [
        (&TARGETS[..], "n", json!(2)),
        (&TARGETS, "logprobs", json!(true)),
        (&TARGETS, "logit_bias", json!({"1": 1})),
        (&TARGETS, "modalities", json!(["text", "audio"])),
        (&TARGETS, "store", json!(true)),
        (&TARGETS, "prediction", json!({"type": "content"})),
        (&TARGETS, "web_search_options", json!({"a": 1})),
        (&TARGETS, "functions", json!([{"name": "f"}])),
        (&TARGETS, "something_new", json!(1)),
        (&[Target::Anthropic], "seed", json!(1)),
        (&[Target::Anthropic], "presence_penalty", json!(0.5)),
        (
            &[Target::Anthropic],
            "response_format",
            json!({"type": "json_object"}),
        ),
        (
            &[Target::Gemini, Target::Cohere],
            "parallel_tool_calls",
            json!(false),
        ),
    ] {
        for target in targets {
            let mut members = json!({});
            members[member] = value.clone();
            let why = refused(*target, &with(&members));
            assert!(why.starts_with(&format!("`{member}")), "{target:?}: {why}");
        }
    }
}

#[test]
fn what_is_deep_inside_is_refused_by_its_place() {
    let user = |content: Json| with(&json!({"messages": [{"role": "user", "content": content}]}));
    for (ask, expected) in [
        (
            user(json!([{"type": "text", "text": "a"}, {"type": "video_url", "video_url": {}}])),
            "`messages[0].content[1].type`",
        ),
        (
            user(json!([{"type": "image_url", "image_url": {"url": "https://a/b.png"}}])),
            "`messages[0].content[0].image_url`",
        ),
        (
            with(&json!({"messages": [{"role": "user", "name": "bob", "content": "Hi"}]})),
            "`messages[0].name`",
        ),
        (
            with(&json!({"messages": [{"role": "function", "name": "f", "content": "1"}]})),
            "`messages[0].role`",
        ),
        (
            with(
                &json!({"messages": [{"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{"}}]}]}),
            ),
            "`messages[0].tool_calls[0].function.arguments`",
        ),
        (
            with(&json!({"tools": [{"type": "custom", "custom": {}}]})),
            "`tools[0].type`",
        ),
        (with(&json!({"messages": []})), "`messages` must be"),
        (
            json!({"messages": [{"role": "user", "content": "Hi"}]}),
            "`model` must be a string",
        ),
        (json!([]), "the body must be an object"),
    ] {
        let why = refused(Target::Gemini, &ask);
        assert!(why.starts_with(expected), "{why}");
    }
    assert!(
        refused(
            Target::Gemini,
            &with(&json!({"messages": [{"role": "tool", "tool_call_id": "x", "content": "1"}]}))
        )
        .contains("\"x\"")
    );
}

/// What the reader of each provider's requests finds in the translation is what the reader of OpenAI's finds in the original.
#[test]
fn translations_say_the_same() {
    let ask = conversation();
    let read = |api, path: &str, body: &Json| {
        let mut call = LlmCall::default();
        read_request(api, path, body.to_string().as_bytes(), &mut call);
        call
    };
    let original = read(ProviderApi::OpenAiChat, "/v1/chat/completions", &ask);
    for (target, api) in [
        (Target::Anthropic, ProviderApi::AnthropicMessages),
        (Target::Gemini, ProviderApi::GeminiGenerateContent),
        (Target::Cohere, ProviderApi::CohereChat),
    ] {
        let (path, body) = translated(target, &ask);
        let call = read(api, &path, &body);
        assert_eq!(call.request_model, original.request_model, "{target:?}");
        let numbers = |call: &LlmCall| {
            (
                call.parameters.temperature,
                call.parameters.top_p,
                call.parameters.max_tokens,
                call.parameters.stop_sequences.clone(),
            )
        };
        assert_eq!(numbers(&call), numbers(&original), "{target:?}");
        let names = |call: &LlmCall| {
            call.tool_definitions
                .iter()
                .map(|tool| tool.name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&call), names(&original), "{target:?}");
    }
}
