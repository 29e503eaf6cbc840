//! Calls of every interface, as providers' documents show them.

use serde_json::{Value as Json, json};

/// A call: where it goes, what is asked, what comes back.
pub(in crate::record) struct Fixture {
    pub(in crate::record) name: &'static str,
    pub(in crate::record) host: &'static str,
    pub(in crate::record) path: &'static str,
    pub(in crate::record) request: Json,
    pub(in crate::record) content_type: &'static str,
    pub(in crate::record) answer: Vec<u8>,
    /// Tokens read and written, if that is told.
    pub(in crate::record) tokens: Option<(u64, u64)>,
}

const JSON: &str = "application/json";
const SSE: &str = "text/event-stream; charset=utf-8";

fn whole(
    name: &'static str,
    host: &'static str,
    path: &'static str,
    request: Json,
    answer: &Json,
    tokens: Option<(u64, u64)>,
) -> Fixture {
    Fixture {
        name,
        host,
        path,
        request,
        content_type: JSON,
        answer: answer.to_string().into_bytes(),
        tokens,
    }
}

fn streamed(
    name: &'static str,
    host: &'static str,
    path: &'static str,
    request: Json,
    events: &[Json],
    tokens: (u64, u64),
) -> Fixture {
    let name_of = |event: &Json| match event["type"].as_str() {
        Some(kind) => format!("event: {kind}\n"),
        None => String::new(),
    };
    let body: String = events
        .iter()
        .map(|event| format!("{}data: {event}\n\n", name_of(event)))
        .collect();
    Fixture {
        name,
        host,
        path,
        request,
        content_type: SSE,
        answer: body.into_bytes(),
        tokens: Some(tokens),
    }
}

/// All of them.
pub(in crate::record) fn all() -> Vec<Fixture> {
    let mut all = openai_chat();
    all.extend(openai_responses());
    all.extend(openai_others());
    all.extend(anthropic());
    all.extend(gemini());
    all.extend(ollama());
    all.extend(cohere());
    all.extend(bedrock());
    all
}

fn openai_tools() -> Json {
    json!([{"type": "function", "function": {"name": "weather", "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}])
}

/// A chat completion of several turns, with a picture and a tool.
pub(in crate::record) fn chat_request(stream: bool) -> Json {
    json!({
        "model": "gpt-4o", "stream": stream, "temperature": 0.2, "top_p": 0.9, "max_completion_tokens": 256, "seed": 7, "n": 1,
        "stop": ["END"], "presence_penalty": 0.1, "frequency_penalty": -0.1, "reasoning_effort": "low", "user": "alice",
        "response_format": {"type": "json_object"}, "logit_bias": {"50256": -100}, "parallel_tool_calls": false,
        "tools": openai_tools(),
        "messages": [
            {"role": "system", "content": "You are a weather man."},
            {"role": "user", "content": [{"type": "text", "text": "Is it raining in Paris?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
                {"type": "image_url", "image_url": {"url": "https://example.com/paris.png"}}]},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Paris\"}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "{\"rain\": true}"},
        ],
    })
}

fn openai_chat() -> Vec<Fixture> {
    let host = "api.openai.com";
    let chunk = |choices: Json, usage: Json| json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "gpt-4o-2024-08-06", "choices": choices, "usage": usage});
    let delta = |delta: Json, reason: Json| {
        chunk(
            json!([{"index": 0, "delta": delta, "finish_reason": reason}]),
            Json::Null,
        )
    };
    let usage = json!({"prompt_tokens": 1200, "completion_tokens": 80, "total_tokens": 1280,
        "prompt_tokens_details": {"cached_tokens": 1000, "audio_tokens": 7}, "completion_tokens_details": {"reasoning_tokens": 30}});
    vec![
        whole(
            "chat",
            host,
            "/v1/chat/completions",
            chat_request(false),
            &json!({"id": "chatcmpl-1", "model": "gpt-4o-2024-08-06", "service_tier": "default", "usage": usage,
                "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": "Let me see.", "refusal": null,
                    "tool_calls": [{"id": "c2", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Rome\"}"}}]}}]}),
            Some((1200, 80)),
        ),
        streamed(
            "chat stream",
            host,
            "/v1/chat/completions",
            chat_request(true),
            &[
                delta(json!({"role": "assistant", "content": ""}), Json::Null),
                delta(json!({"content": "Yes, "}), Json::Null),
                delta(json!({"content": "it ïs."}), Json::Null),
                delta(json!({}), json!("stop")),
                chunk(json!([]), usage),
            ],
            (1200, 80),
        ),
        whole(
            "openrouter",
            "openrouter.ai",
            "/api/v1/chat/completions",
            chat_request(false),
            &json!({"id": "gen-1", "model": "openai/gpt-4o", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Yes."}}],
                "usage": {"prompt_tokens": 10, "completion_tokens": 2, "cost": 0.00254674}}),
            Some((10, 2)),
        ),
    ]
}

fn openai_responses() -> Vec<Fixture> {
    let host = "api.openai.com";
    vec![
        whole(
            "completions",
            host,
            "/v1/completions",
            json!({"model": "gpt-3.5-turbo-instruct", "prompt": "Once upon", "max_tokens": 5}),
            &json!({"id": "cmpl-1", "model": "gpt-3.5-turbo-instruct", "choices": [{"text": " a time", "index": 0, "finish_reason": "length"}],
                "usage": {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}}),
            Some((2, 2)),
        ),
        streamed(
            "responses",
            host,
            "/v1/responses",
            json!({"model": "gpt-5", "stream": true, "instructions": "Be brief.", "input": [{"role": "user", "content": [{"type": "input_text", "text": "Rain?"}]},
                {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{\"city\":\"Paris\"}"},
                {"type": "function_call_output", "call_id": "c1", "output": "wet"}],
                "reasoning": {"effort": "high"}, "conversation": {"id": "conv_1"}, "tools": [{"type": "function", "name": "weather", "parameters": {"type": "object"}}, {"type": "web_search"}]}),
            &[
                json!({"type": "response.created", "response": {"id": "resp_1", "model": "gpt-5-2025-08-07", "status": "in_progress", "output": [], "usage": null}}),
                json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "It rains."}),
                json!({"type": "response.completed", "response": {"id": "resp_1", "model": "gpt-5-2025-08-07", "status": "completed", "service_tier": "flex",
                    "output": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}, {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "It rains."}]},
                        {"type": "function_call", "call_id": "c2", "name": "weather", "arguments": "{\"city\":\"Rome\"}"}],
                    "usage": {"input_tokens": 1200, "input_tokens_details": {"cached_tokens": 1000}, "output_tokens": 80, "output_tokens_details": {"reasoning_tokens": 30}}}}),
            ],
            (1200, 80),
        ),
    ]
}

fn openai_others() -> Vec<Fixture> {
    let host = "api.openai.com";
    vec![
        whole(
            "embeddings",
            host,
            "/v1/embeddings",
            json!({"model": "text-embedding-3-small", "input": ["one", "two"], "encoding_format": "float"}),
            &json!({"object": "list", "data": [{"embedding": [0.1, 0.2], "index": 0}], "model": "text-embedding-3-small", "usage": {"prompt_tokens": 4, "total_tokens": 4}}),
            Some((4, 0)),
        ),
        whole(
            "images",
            host,
            "/v1/images/generations",
            json!({"model": "gpt-image-1", "prompt": "a cat", "size": "1024x1024"}),
            &json!({"created": 1, "data": [{"b64_json": "aGk="}], "usage": {"input_tokens": 50, "output_tokens": 1056, "total_tokens": 1106, "input_tokens_details": {"text_tokens": 50, "image_tokens": 0}}}),
            Some((50, 1056)),
        ),
        whole(
            "audio",
            host,
            "/v1/audio/transcriptions",
            json!("a form"),
            &json!({"text": "Hello.", "usage": {"type": "tokens", "input_tokens": 14, "output_tokens": 3, "total_tokens": 17}}),
            Some((14, 3)),
        ),
    ]
}

fn anthropic() -> Vec<Fixture> {
    let host = "api.anthropic.com";
    let request = |stream: bool| {
        json!({
            "model": "claude-sonnet-4-20250514", "max_tokens": 1024, "stream": stream, "temperature": 1.0, "top_k": 40, "stop_sequences": ["END"],
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            "metadata": {"user_id": "user_abc_account_def_session_01234567-89ab-cdef-0123-456789abcdef"},
            "thinking": {"type": "enabled", "budget_tokens": 512}, "tool_choice": {"type": "auto"},
            "tools": [{"name": "weather", "description": "Tells the weather.", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}],
            "messages": [{"role": "user", "content": "Rain?"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Paris"}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "wet"}]},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "/9j/4AAQ"}}]}],
        })
    };
    vec![
        whole(
            "messages",
            host,
            "/v1/messages",
            request(false),
            &json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-20250514", "stop_reason": "tool_use",
                "content": [{"type": "thinking", "thinking": "hm", "signature": "x"}, {"type": "text", "text": "Let me see."}, {"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {"city": "Rome"}}],
                "usage": {"input_tokens": 19, "cache_creation_input_tokens": 9000, "cache_read_input_tokens": 30000, "output_tokens": 10,
                    "cache_creation": {"ephemeral_5m_input_tokens": 8000, "ephemeral_1h_input_tokens": 1000}, "service_tier": "standard", "server_tool_use": {"web_search_requests": 2}}}),
            Some((39_019, 10)),
        ),
        streamed(
            "messages stream",
            host,
            "/v1/messages",
            request(true),
            &[
                json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "claude-sonnet-4-20250514", "stop_reason": null,
                "usage": {"input_tokens": 19, "cache_creation_input_tokens": 9000, "cache_read_input_tokens": 30000, "output_tokens": 1}}}),
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
                json!({"type": "ping"}),
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Let me see."}}),
                json!({"type": "content_block_stop", "index": 0}),
                json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {}}}),
                json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"city\": "}}),
                json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "\"Rome\"}"}}),
                json!({"type": "content_block_stop", "index": 1}),
                json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 10}}),
                json!({"type": "message_stop"}),
            ],
            (39_019, 10),
        ),
    ]
}

fn gemini() -> Vec<Fixture> {
    let host = "generativelanguage.googleapis.com";
    let request = json!({
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"text": "Rain?"}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]},
            {"role": "model", "parts": [{"functionCall": {"name": "weather", "args": {"city": "Paris"}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"rain": true}}}]}],
        "tools": [{"functionDeclarations": [{"name": "weather", "description": "Tells.", "parameters": {"type": "OBJECT"}}]}],
        "generationConfig": {"temperature": 0.5, "maxOutputTokens": 100, "topK": 3, "stopSequences": ["END"], "candidateCount": 1},
    });
    let piece = |text: &str, reason: Json| {
        json!({"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": reason, "index": 0}],
        "usageMetadata": {"promptTokenCount": 1200, "candidatesTokenCount": 50, "thoughtsTokenCount": 30, "cachedContentTokenCount": 1000, "totalTokenCount": 1280},
        "modelVersion": "gemini-2.5-pro", "responseId": "r1"})
    };
    let pieces = [piece("It ", Json::Null), piece("rains.", json!("STOP"))];
    vec![
        whole(
            "gemini",
            host,
            "/v1beta/models/gemini-2.5-pro:generateContent",
            request.clone(),
            &pieces[1],
            Some((1200, 80)),
        ),
        streamed(
            "gemini stream",
            host,
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent",
            request.clone(),
            &pieces,
            (1200, 80),
        ),
        whole(
            "gemini array",
            host,
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent",
            request,
            &json!(pieces),
            Some((1200, 80)),
        ),
        whole(
            "gemini embed",
            host,
            "/v1beta/models/gemini-embedding-001:embedContent",
            json!({"content": {"parts": [{"text": "one"}]}}),
            &json!({"embedding": {"values": [0.1]}}),
            None,
        ),
    ]
}

fn ollama() -> Vec<Fixture> {
    let lines = |events: &[Json]| {
        events
            .iter()
            .map(|event| format!("{event}\n"))
            .collect::<String>()
            .into_bytes()
    };
    let last = json!({"model": "llama3.2:1b", "message": {"role": "assistant", "content": ""}, "done": true, "done_reason": "stop", "prompt_eval_count": 26, "eval_count": 8});
    vec![
        Fixture {
            name: "ollama chat",
            host: "localhost",
            path: "/api/chat",
            request: json!({"model": "llama3.2:1b", "messages": [{"role": "user", "content": "Hi", "images": ["aGk="]}], "options": {"num_predict": 10, "temperature": 0.0}}),
            content_type: "application/x-ndjson",
            answer: lines(&[
                json!({"model": "llama3.2:1b", "message": {"role": "assistant", "content": "Hello"}, "done": false}),
                last,
            ]),
            tokens: Some((26, 8)),
        },
        whole(
            "ollama generate",
            "localhost",
            "/api/generate",
            json!({"model": "llama3.2:1b", "prompt": "Hi", "stream": false}),
            &json!({"model": "llama3.2:1b", "response": "Hello", "done": true, "done_reason": "stop", "prompt_eval_count": 26, "eval_count": 8}),
            Some((26, 8)),
        ),
        whole(
            "ollama embed",
            "localhost",
            "/api/embed",
            json!({"model": "all-minilm", "input": "Hi"}),
            &json!({"model": "all-minilm", "embeddings": [[0.1]], "prompt_eval_count": 2}),
            Some((2, 0)),
        ),
    ]
}

fn cohere() -> Vec<Fixture> {
    let host = "api.cohere.com";
    let request = json!({"model": "command-a-03-2025", "stream": true, "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Rain?"}], "p": 0.7, "k": 5});
    vec![
        streamed(
            "cohere stream",
            host,
            "/v2/chat",
            request.clone(),
            &[
                json!({"type": "message-start", "id": "m1", "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}}}),
                json!({"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}),
                json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "It rains."}}}}),
                json!({"type": "content-end", "index": 0}),
                json!({"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": {"billed_units": {"input_tokens": 5, "output_tokens": 4}, "tokens": {"input_tokens": 71, "output_tokens": 4}}}}),
            ],
            (5, 4),
        ),
        whole(
            "cohere embed",
            host,
            "/v2/embed",
            json!({"model": "embed-v4.0", "texts": ["one"], "input_type": "search_query"}),
            &json!({"id": "e1", "embeddings": {"float": [[0.1]]}, "meta": {"billed_units": {"input_tokens": 3}}}),
            Some((3, 0)),
        ),
        whole(
            "cohere rerank",
            host,
            "/v2/rerank",
            json!({"model": "rerank-v3.5", "query": "rain", "documents": ["wet", "dry"], "top_n": 1}),
            &json!({"id": "r1", "results": [{"index": 0, "relevance_score": 0.9}], "meta": {"billed_units": {"search_units": 1}}}),
            None,
        ),
    ]
}

fn bedrock() -> Vec<Fixture> {
    let host = "bedrock-runtime.us-east-1.amazonaws.com";
    let request = json!({"system": [{"text": "Be brief."}], "messages": [{"role": "user", "content": [{"text": "Rain?"}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Paris"}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"json": {"rain": true}}], "status": "success"}}]}],
        "inferenceConfig": {"maxTokens": 100, "temperature": 0.5}, "toolConfig": {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}]}});
    vec![
        whole(
            "converse",
            host,
            "/model/us.amazon.nova-pro-v1%3A0/converse",
            request,
            &json!({"output": {"message": {"role": "assistant", "content": [{"text": "It rains."}]}}, "stopReason": "end_turn",
                "usage": {"inputTokens": 100, "outputTokens": 5, "totalTokens": 1105, "cacheReadInputTokens": 1000, "cacheWriteInputTokens": 0}, "metrics": {"latencyMs": 1}}),
            Some((1100, 5)),
        ),
        whole(
            "invoke",
            host,
            "/model/anthropic.claude-3-5-sonnet-20241022-v2:0/invoke",
            json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100, "messages": [{"role": "user", "content": "Rain?"}]}),
            &json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-3-5-sonnet-20241022", "content": [{"type": "text", "text": "Yes."}], "stop_reason": "end_turn",
                "usage": {"input_tokens": 10, "output_tokens": 4}}),
            Some((10, 4)),
        ),
    ]
}
