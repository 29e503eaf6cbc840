//! Answers that came whole, of every interface.

use super::*;

#[test]
fn openai_chat() {
    let call = whole(
        OpenAiChat,
        &json!({
            "id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o-2024-08-06", "service_tier": "default",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": null, "refusal": null,
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Paris\"}"}}]}}],
            "usage": {"prompt_tokens": 1200, "completion_tokens": 80, "total_tokens": 1280,
                "prompt_tokens_details": {"cached_tokens": 1000, "audio_tokens": 7},
                "completion_tokens_details": {"reasoning_tokens": 30, "audio_tokens": 0, "accepted_prediction_tokens": 0}},
        }),
    );
    let mut usage = Usage::new(1_200, 80).cache_read(1_000).reasoning(30);
    usage.audio_input_tokens = 7;
    assert_eq!(call.usage, Some(usage));
    assert_eq!(call.output_messages, [answer(&[weather()], "tool_calls")]);
    assert_eq!(call.finish_reasons, ["tool_calls"]);
    assert_eq!(
        (call.response_id.as_deref(), call.response_model.as_deref()),
        (Some("chatcmpl-1"), Some("gpt-4o-2024-08-06"))
    );
    assert_eq!(call.service_tier.as_deref(), Some("default"));
}

#[test]
fn those_who_speak_openai_count_in_their_own_way() {
    let usage = |usage: Json| whole(OpenAiChat, &json!({"usage": usage})).usage.unwrap();
    let deepseek = usage(
        json!({"prompt_tokens": 100, "completion_tokens": 5, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36}),
    );
    assert_eq!(deepseek, Usage::new(100, 5).cache_read(64));
    let xai = usage(
        json!({"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135, "completion_tokens_details": {"reasoning_tokens": 94}}),
    );
    assert_eq!(xai, Usage::new(32, 103).reasoning(94));
    let openrouter = usage(
        json!({"prompt_tokens": 17_903, "completion_tokens": 97, "total_tokens": 18_000,
        "prompt_tokens_details": {"cached_tokens": 17_817, "cache_write_tokens": 50}}),
    );
    assert_eq!(
        openrouter,
        Usage::new(17_903, 97).cache_read(17_817).cache_creation(50)
    );
    let groq = whole(
        OpenAiChat,
        &json!({"x_groq": {"usage": {"prompt_tokens": 3, "completion_tokens": 4, "queue_time": 0.1}}}),
    );
    assert_eq!(groq.usage, Some(Usage::new(3, 4)));
    let nothing = whole(OpenAiChat, &json!({"usage": null}));
    assert_eq!(nothing.usage, None);
}

#[test]
fn providers_say_what_it_cost() {
    let cost = |usage: Json| {
        let cost = whole(OpenAiChat, &json!({"usage": usage})).reported_cost;
        cost.map(|cost| cost.total.to_string())
    };
    assert_eq!(
        cost(json!({"cost": 0.00254674})).as_deref(),
        Some("0.00254674")
    );
    assert_eq!(
        cost(
            json!({"cost": 0.01, "is_byok": true, "cost_details": {"upstream_inference_cost": 0.2}})
        )
        .as_deref(),
        Some("0.21")
    );
    assert_eq!(cost(json!({"cost": 0.01, "is_byok": false, "cost_details": {"upstream_inference_cost": 0.01}})).as_deref(), Some("0.01"));
    assert_eq!(
        cost(json!({"cost_in_usd_ticks": 158_500})).as_deref(),
        Some("0.00001585")
    );
    assert_eq!(
        cost(json!({"cost": {"input_tokens_cost": 0.001, "total_cost": 0.006}})).as_deref(),
        Some("0.006")
    );
    assert_eq!(cost(json!({"cost": null})), None);
}

fn response() -> Json {
    json!({
        "id": "resp_1", "object": "response", "status": "completed", "model": "gpt-5-2025-08-07", "service_tier": "flex",
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Let me see.", "annotations": []}]},
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "weather", "arguments": "{\"city\":\"Paris\"}", "status": "completed"},
        ],
        "usage": {"input_tokens": 1200, "input_tokens_details": {"cached_tokens": 1000}, "output_tokens": 80,
            "output_tokens_details": {"reasoning_tokens": 30}, "total_tokens": 1280},
    })
}

#[test]
fn openai_responses() {
    let call = whole(OpenAiResponses, &response());
    assert_eq!(
        call.usage,
        Some(Usage::new(1_200, 80).cache_read(1_000).reasoning(30))
    );
    assert_eq!(
        call.output_messages,
        [answer(
            &[thought("hm"), Part::text("Let me see."), weather()],
            "completed"
        )]
    );
    assert_eq!(call.service_tier.as_deref(), Some("flex"));
    let mut cut = response();
    cut["status"] = json!("incomplete");
    cut["incomplete_details"] = json!({"reason": "max_output_tokens"});
    assert_eq!(
        whole(OpenAiResponses, &cut).finish_reasons,
        ["max_output_tokens"]
    );
    // The last event of a stream has all of it.
    let events = [
        json!({"type": "response.created", "response": {"id": "resp_1", "model": "gpt-5", "output": [], "usage": null}}),
        json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Let"}),
        json!({"type": "response.completed", "response": response()}),
    ];
    let streamed = streamed(OpenAiResponses, Framing::Sse, &sse(&events));
    assert_eq!(
        (streamed.usage, streamed.output_messages),
        (call.usage, call.output_messages)
    );
}

#[test]
fn openai_embeddings_images_and_audio() {
    let embeddings = whole(
        OpenAiEmbeddings,
        &json!({"model": "text-embedding-3-small", "data": [], "usage": {"prompt_tokens": 8, "total_tokens": 8}}),
    );
    assert_eq!(embeddings.usage, Some(Usage::new(8, 0)));
    let images = whole(
        OpenAiImages,
        &json!({"created": 1, "data": [{"b64_json": "AAAA"}], "usage": {"input_tokens": 50,
        "output_tokens": 4160, "total_tokens": 4210, "input_tokens_details": {"text_tokens": 10, "image_tokens": 40}}}),
    );
    let usage = images.usage.unwrap();
    assert_eq!(
        (usage.image_input_tokens, usage.image_output_tokens),
        (40, 4_160)
    );
    let audio = whole(
        OpenAiAudio,
        &json!({"text": "Hello", "usage": {"type": "tokens", "input_tokens": 14, "output_tokens": 45,
        "total_tokens": 59, "input_token_details": {"text_tokens": 0, "audio_tokens": 14}}}),
    );
    assert_eq!(audio.usage.unwrap().audio_input_tokens, 14);
    assert_eq!(audio.output_messages, [Message::text("assistant", "Hello")]);
    let realtime = whole(
        OpenAiRealtime,
        &json!({"id": "r", "status": "completed", "usage": {"total_tokens": 253, "input_tokens": 132,
        "output_tokens": 121, "input_token_details": {"text_tokens": 119, "audio_tokens": 13, "cached_tokens": 64},
        "output_token_details": {"text_tokens": 30, "audio_tokens": 91}}}),
    );
    let usage = realtime.usage.unwrap();
    assert_eq!(
        (usage.cache_read_input_tokens, usage.audio_output_tokens),
        (64, 91)
    );
}

#[test]
fn anthropic_messages() {
    let call = whole(
        AnthropicMessages,
        &json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929", "stop_reason": "tool_use",
            "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Paris"}}],
            "usage": {"input_tokens": 19, "output_tokens": 80, "cache_read_input_tokens": 30_000, "cache_creation_input_tokens": 9_000,
                "cache_creation": {"ephemeral_5m_input_tokens": 8_000, "ephemeral_1h_input_tokens": 1_000},
                "server_tool_use": {"web_search_requests": 2}, "service_tier": "standard"},
        }),
    );
    let mut usage = Usage::new(39_019, 80)
        .cache_read(30_000)
        .cache_creation(9_000)
        .cache_creation_1h(1_000);
    usage.web_searches = 2;
    assert_eq!(call.usage, Some(usage));
    assert_eq!(
        call.output_messages,
        [answer(
            &[thought("hm"), Part::text("Let me see."), weather()],
            "tool_use"
        )]
    );
    assert_eq!(call.service_tier.as_deref(), Some("standard"));
}

#[test]
fn gemini() {
    let body = json!({
        "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [{"text": "hm", "thought": true},
            {"text": "Let me see."}, {"functionCall": {"id": "c1", "name": "weather", "args": {"city": "Paris"}}}]}}],
        "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 20, "thoughtsTokenCount": 30, "toolUsePromptTokenCount": 4,
            "cachedContentTokenCount": 60, "totalTokenCount": 154, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 90}, {"modality": "IMAGE", "tokenCount": 10}]},
        "modelVersion": "gemini-2.5-pro", "responseId": "r1",
    });
    let mut usage = Usage::new(104, 50).cache_read(60).reasoning(30);
    usage.image_input_tokens = 10;
    let call = whole(GeminiGenerateContent, &body);
    assert_eq!(call.usage, Some(usage));
    assert_eq!(
        call.output_messages,
        [answer(
            &[thought("hm"), Part::text("Let me see."), weather()],
            "STOP"
        )]
    );
    assert_eq!(
        (call.response_model.as_deref(), call.response_id.as_deref()),
        (Some("gemini-2.5-pro"), Some("r1"))
    );
    // What streams an array may be read whole as well.
    assert_eq!(whole(GeminiGenerateContent, &json!([body])), call);
    let blocked = whole(
        GeminiGenerateContent,
        &json!({"promptFeedback": {"blockReason": "SAFETY"}}),
    );
    assert_eq!(blocked.finish_reasons, ["SAFETY"]);
}

#[test]
fn ollama() {
    let call = whole(
        OllamaChat,
        &json!({"model": "qwen3", "done": true, "done_reason": "stop", "prompt_eval_count": 26, "eval_count": 298,
        "message": {"role": "assistant", "content": "Rain.", "thinking": "hm", "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Paris"}}}]}}),
    );
    assert_eq!(call.usage, Some(Usage::new(26, 298)));
    let tool = Part::ToolCall {
        id: None,
        name: "weather".to_owned(),
        arguments: json!({"city": "Paris"}),
    };
    assert_eq!(
        call.output_messages,
        [answer(&[thought("hm"), Part::text("Rain."), tool], "stop")]
    );
    let text = whole(
        OllamaGenerate,
        &json!({"model": "qwen3", "response": "Rain.", "done": true, "done_reason": "stop", "eval_count": 2}),
    );
    assert_eq!(
        text.output_messages,
        [answer(&[Part::text("Rain.")], "stop")]
    );
    assert_eq!(text.usage, Some(Usage::new(0, 2)));
}

#[test]
fn cohere() {
    let call = whole(
        CohereChat,
        &json!({"id": "c", "finish_reason": "TOOL_CALL", "message": {"role": "assistant", "tool_plan": "hm",
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Paris\"}"}}]},
        "usage": {"billed_units": {"input_tokens": 17, "output_tokens": 12}, "tokens": {"input_tokens": 215, "output_tokens": 12}}}),
    );
    assert_eq!(call.usage, Some(Usage::new(17, 12)));
    assert_eq!(
        call.output_messages,
        [Message {
            finish_reason: Some("TOOL_CALL".to_owned()),
            ..answer(&[thought("hm"), weather()], "")
        }]
    );
    let embed = whole(
        CohereEmbed,
        &json!({"id": "e", "embeddings": {}, "meta": {"billed_units": {"input_tokens": 3}}}),
    );
    assert_eq!(embed.usage, Some(Usage::new(3, 0)));
    let first = whole(
        CohereChat,
        &json!({"generation_id": "g", "text": "Rain.", "finish_reason": "COMPLETE", "meta": {"tokens": {"input_tokens": 5, "output_tokens": 2}}}),
    );
    assert_eq!(
        first.output_messages,
        [answer(&[Part::text("Rain.")], "COMPLETE")]
    );
}

#[test]
fn bedrock() {
    let converse = whole(
        BedrockConverse,
        &json!({"output": {"message": {"role": "assistant", "content": [{"text": "Let me see."},
        {"toolUse": {"toolUseId": "c1", "name": "weather", "input": {"city": "Paris"}}}]}}, "stopReason": "tool_use",
        "usage": {"inputTokens": 30, "outputTokens": 12, "totalTokens": 142, "cacheReadInputTokens": 90, "cacheWriteInputTokens": 10}, "metrics": {"latencyMs": 5}}),
    );
    assert_eq!(
        converse.usage,
        Some(Usage::new(130, 12).cache_read(90).cache_creation(10))
    );
    assert_eq!(
        converse.output_messages,
        [answer(&[Part::text("Let me see."), weather()], "tool_use")]
    );
    for (body, usage) in [
        (
            json!({"content": [{"type": "text", "text": "Rain."}], "stop_reason": "end_turn", "usage": {"input_tokens": 7, "output_tokens": 2, "cache_read_input_tokens": 3}}),
            Usage::new(10, 2).cache_read(3),
        ),
        (
            json!({"generation": "Rain.", "prompt_token_count": 7, "generation_token_count": 2, "stop_reason": "stop"}),
            Usage::new(7, 2),
        ),
        (
            json!({"inputTextTokenCount": 7, "results": [{"tokenCount": 2, "outputText": "Rain.", "completionReason": "FINISH"}]}),
            Usage::new(7, 2),
        ),
        (
            json!({"output": {"message": {"role": "assistant", "content": [{"text": "Rain."}]}}, "usage": {"inputTokens": 7, "outputTokens": 2}}),
            Usage::new(7, 2),
        ),
    ] {
        let call = whole(BedrockInvoke, &body);
        assert_eq!(call.usage, Some(usage), "{body}");
        assert_eq!(
            call.output_messages[0].parts,
            [Part::text("Rain.")],
            "{body}"
        );
    }
}

#[test]
fn errors_say_their_kind() {
    for (api, body, kind) in [
        (
            OpenAiChat,
            json!({"error": {"message": "slow down", "type": "rate_limit_error", "code": null}}),
            "rate_limit_error",
        ),
        (
            AnthropicMessages,
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}),
            "overloaded_error",
        ),
        (
            GeminiGenerateContent,
            json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}),
            "RESOURCE_EXHAUSTED",
        ),
        (
            OllamaChat,
            json!({"error": "model not found"}),
            "model not found",
        ),
    ] {
        let call = whole(api, &body);
        assert_eq!(
            (call.error_type.as_deref(), call.usage),
            (Some(kind), None),
            "{body}"
        );
    }
}

#[test]
fn headers_say_what_the_body_does_not() {
    let headers = [
        ("X-Amzn-Bedrock-Input-Token-Count", "7"),
        ("x-amzn-bedrock-output-token-count", "2"),
        ("x-amzn-bedrock-cache-read-input-token-count", "3"),
        ("content-type", "application/json"),
    ];
    let mut call = LlmCall::default();
    read_response_headers(headers, &mut call);
    assert_eq!(call.usage, Some(Usage::new(10, 2).cache_read(3)));
    call.usage = Some(Usage::new(1, 1));
    read_response_headers(headers, &mut call);
    assert_eq!(call.usage, Some(Usage::new(1, 1)));
}
