//! Answers, whole and streamed, good and bad.

use super::*;

fn anthropic_stream() -> Vec<u8> {
    sse(&[
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "claude-sonnet-4-20250514", "stop_reason": null,
            "usage": {"input_tokens": 25, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 100, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm."}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "Eqo="}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "ping"}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Let me "}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "sée."}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": ""}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{\"city\": "}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "\"Paris\"}"}}),
        json!({"type": "content_block_stop", "index": 2}),
        json!({"type": "content_block_start", "index": 3, "content_block": {"type": "tool_use", "id": "toolu_2", "name": "time", "input": {}}}),
        json!({"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": "{}"}}),
        json!({"type": "content_block_stop", "index": 3}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 15}}),
        json!({"type": "message_stop"}),
    ])
}

fn gemini_stream() -> Vec<u8> {
    let piece = |parts: Json, reason: Json, output: u64| {
        json!({"candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": reason, "index": 0}],
            "usageMetadata": {"promptTokenCount": 130, "candidatesTokenCount": output, "thoughtsTokenCount": 5, "cachedContentTokenCount": 100, "totalTokenCount": 135 + output},
            "modelVersion": "gemini-2.5-pro", "responseId": "r1"})
    };
    sse(&[
        piece(json!([{"text": "Hm.", "thought": true}]), Json::Null, 0),
        piece(json!([{"text": "Let me "}]), Json::Null, 3),
        piece(json!([{"text": "sée."}]), Json::Null, 5),
        piece(
            json!([{"functionCall": {"name": "weather", "args": {"city": "Paris"}}, "thoughtSignature": "Eqo="}, {"functionCall": {"name": "time", "args": {}}}]),
            json!("STOP"),
            10,
        ),
    ])
}

fn cohere_stream() -> Vec<u8> {
    sse(&[
        json!({"type": "message-start", "id": "m1", "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}}),
        json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "Hm."}}}),
        json!({"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}),
        json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Let me "}}}}),
        json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "sée."}}}}),
        json!({"type": "content-end", "index": 0}),
        json!({"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": {"id": "weather_1", "type": "function", "function": {"name": "weather", "arguments": ""}}}}}),
        json!({"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {"function": {"arguments": "{\"city\":"}}}}}),
        json!({"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {"function": {"arguments": " \"Paris\"}"}}}}}),
        json!({"type": "tool-call-end", "index": 0}),
        json!({"type": "tool-call-start", "index": 1, "delta": {"message": {"tool_calls": {"id": "time_1", "type": "function", "function": {"name": "time", "arguments": "{}"}}}}}),
        json!({"type": "tool-call-end", "index": 1}),
        json!({"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": {"billed_units": {"input_tokens": 20.0, "output_tokens": 15.0}, "tokens": {"input_tokens": 130.0, "output_tokens": 15.0}}}}),
    ])
}

fn streams() -> [(Target, ProviderApi, Vec<u8>); 3] {
    [
        (
            Target::Anthropic,
            ProviderApi::AnthropicMessages,
            anthropic_stream(),
        ),
        (
            Target::Gemini,
            ProviderApi::GeminiGenerateContent,
            gemini_stream(),
        ),
        (Target::Cohere, ProviderApi::CohereChat, cohere_stream()),
    ]
}

/// What a client that puts deltas together has in the end.
#[derive(Debug, Default, PartialEq)]
struct Assembled {
    text: String,
    thoughts: String,
    calls: Vec<(String, String, String)>,
    reason: Option<String>,
    usage: Json,
    is_done: bool,
}

fn assembled(stream: &[u8]) -> Assembled {
    let mut all = Assembled::default();
    for event in events(stream) {
        if event == "[DONE]" {
            all.is_done = true;
            continue;
        }
        assert!(
            !all.is_done && event["object"] == "chat.completion.chunk" && event["created"] == 1
        );
        if let Some(usage) = event.get("usage").filter(|usage| !usage.is_null()) {
            assert_eq!(event["choices"], json!([]));
            all.usage = usage.clone();
        }
        for choice in event["choices"].as_array().unwrap() {
            let delta = &choice["delta"];
            all.text += delta["content"].as_str().unwrap_or_default();
            all.thoughts += delta["reasoning_content"].as_str().unwrap_or_default();
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                let index = call["index"].as_u64().unwrap() as usize;
                let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
                if let Some(id) = call["id"].as_str() {
                    assert_eq!(
                        (index, &call["type"]),
                        (all.calls.len(), &json!("function"))
                    );
                    all.calls.push((
                        id.to_owned(),
                        text(&call["function"]["name"]),
                        String::new(),
                    ));
                }
                all.calls[index].2 += &text(&call["function"]["arguments"]);
            }
            if let Some(reason) = choice["finish_reason"].as_str() {
                assert!(all.reason.replace(reason.to_owned()).is_none());
            }
        }
    }
    all
}

#[test]
fn streams_become_chunks() {
    for (target, _, stream) in streams() {
        let all = assembled(&streamed(target, true, &stream, usize::MAX));
        assert_eq!(
            (all.text.as_str(), all.thoughts.as_str()),
            ("Let me sée.", "Hm."),
            "{target:?}"
        );
        assert_eq!(all.reason.as_deref(), Some("tool_calls"), "{target:?}");
        let calls: Vec<_> = all
            .calls
            .iter()
            .map(|(_, name, arguments)| (name.as_str(), serde_json::from_str(arguments).unwrap()))
            .collect();
        assert_eq!(
            calls,
            [("weather", json!({"city": "Paris"})), ("time", json!({}))],
            "{target:?}"
        );
        assert_ne!(all.calls[0].0, all.calls[1].0, "{target:?}");
        assert_eq!(
            (&all.usage["prompt_tokens"], &all.usage["completion_tokens"]),
            (&json!(130), &json!(15)),
            "{target:?}"
        );
        assert!(all.is_done);
        let without = assembled(&streamed(target, false, &stream, usize::MAX));
        assert_eq!(
            without,
            Assembled {
                usage: Json::Null,
                ..all
            }
        );
    }
}

#[test]
fn chunks_are_as_openai_writes_them() {
    let stream = streamed(Target::Anthropic, false, &anthropic_stream(), usize::MAX);
    let events = events(&stream);
    let chunk = |delta: Json, reason: Json| {
        json!({"id": "msg_1", "object": "chat.completion.chunk", "created": 1, "model": "claude-sonnet-4-20250514",
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}]})
    };
    assert_eq!(
        events[0],
        chunk(
            json!({"role": "assistant", "content": "", "refusal": null}),
            Json::Null
        )
    );
    assert_eq!(events[2], chunk(json!({"content": "Let me "}), Json::Null));
    assert_eq!(
        events[4],
        chunk(
            json!({"tool_calls": [{"index": 0, "id": "toolu_1", "type": "function", "function": {"name": "weather", "arguments": ""}}]}),
            Json::Null
        )
    );
    assert_eq!(
        events[5],
        chunk(
            json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"city\": "}}]}),
            Json::Null
        )
    );
    assert_eq!(
        events[events.len() - 2],
        chunk(json!({}), json!("tool_calls"))
    );
    assert_eq!(events[events.len() - 1], json!("[DONE]"));
}

/// What the reader of OpenAI's streams finds in the translation is what the reader of each provider's finds in the original.
#[test]
fn translated_streams_say_the_same() {
    for (target, api, stream) in streams() {
        let read = |api, bytes: &[u8]| {
            let mut answer = AnswerStream::new(api, Framing::Sse);
            answer.push(bytes);
            let mut call = LlmCall::default();
            answer.finish(&mut call);
            call
        };
        let native = read(api, &stream);
        let translated = read(
            ProviderApi::OpenAiChat,
            &streamed(target, true, &stream, usize::MAX),
        );
        // Gemini's calls have no ids of their own, and Cohere is billed for less than it reads.
        if target == Target::Anthropic {
            let parts = |call: &LlmCall| call.output_messages[0].parts.clone();
            assert_eq!(parts(&translated), parts(&native));
        }
        let read = |call: &LlmCall| {
            call.usage.map(|usage| {
                (
                    usage.input_tokens,
                    usage.output_tokens,
                    usage.cache_read_input_tokens,
                )
            })
        };
        if target != Target::Cohere {
            assert_eq!(read(&translated), read(&native), "{target:?}");
        }
    }
}

proptest! {
    /// However a stream is cut on its way, the same bytes come out.
    #[test]
    fn cuts_change_nothing(step in 1usize..300, target in 0usize..3) {
        let (target, _, stream) = streams().into_iter().nth(target).unwrap();
        let expected = streamed(target, true, &stream, usize::MAX);
        prop_assert_eq!(streamed(target, true, &stream, step), expected);
    }

    /// Nothing that a provider answers brings it down.
    #[test]
    fn anything_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "(data: \\{\"type\": ?\"[a-z_-]{1,20}\", ?\"index\": ?[0-9]{1,20}\\}\n\n){0,4}", target in 0usize..3) {
        let target = TARGETS[target];
        streamed(target, true, &bytes, 7);
        streamed(target, true, text.as_bytes(), 7);
        let mut reply = reply(target, &asked(false, false), 200, "application/json");
        reply.push(&bytes.into());
        reply.finish();
    }
}

#[test]
fn whole_answers_become_completions() {
    let anthropic = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-20250514", "stop_reason": "tool_use",
        "content": [{"type": "thinking", "thinking": "Hm.", "signature": "Eqo="}, {"type": "text", "text": "Let me see."}, {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Paris"}}],
        "usage": {"input_tokens": 25, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 100, "output_tokens": 15}});
    let gemini = json!({"candidates": [{"content": {"parts": [{"text": "Hm.", "thought": true}, {"text": "Let me see."}, {"functionCall": {"id": "c1", "name": "weather", "args": {"city": "Paris"}}}], "role": "model"}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 130, "candidatesTokenCount": 10, "thoughtsTokenCount": 5, "cachedContentTokenCount": 100}, "modelVersion": "gemini-2.5-pro", "responseId": "r1"});
    let cohere = json!({"id": "m1", "finish_reason": "TOOL_CALL", "message": {"role": "assistant", "tool_plan": "Hm.", "content": [{"type": "text", "text": "Let me see."}],
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Paris\"}"}}]}, "usage": {"tokens": {"input_tokens": 130.0, "output_tokens": 15.0}, "cached_tokens": 100}});
    for (target, answer, id, model, reasoning) in [
        (
            Target::Anthropic,
            anthropic,
            "msg_1",
            "claude-sonnet-4-20250514",
            0,
        ),
        (Target::Gemini, gemini, "r1", "gemini-2.5-pro", 5),
        (Target::Cohere, cohere, "m1", "m", 0),
    ] {
        assert_eq!(
            whole(target, 200, &answer),
            json!({"id": id, "object": "chat.completion", "created": 1, "model": model,
                "choices": [{"index": 0, "logprobs": null, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": "Let me see.", "refusal": null, "reasoning_content": "Hm.",
                    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Paris\"}"}}]}}],
                "usage": {"prompt_tokens": 130, "completion_tokens": 15, "total_tokens": 145, "prompt_tokens_details": {"cached_tokens": 100}, "completion_tokens_details": {"reasoning_tokens": reasoning}}}),
            "{target:?}"
        );
        // It is what the reader of OpenAI's answers knows, too.
        let mut call = LlmCall::default();
        read_response(
            ProviderApi::OpenAiChat,
            whole(target, 200, &answer).to_string().as_bytes(),
            &mut call,
        );
        assert_eq!(call.finish_reasons, ["tool_calls"]);
    }
}

#[test]
fn reasons_are_openais() {
    let anthropic = |reason: &str| {
        whole(
            Target::Anthropic,
            200,
            &json!({"content": [], "stop_reason": reason}),
        )["choices"][0]["finish_reason"]
            .clone()
    };
    assert_eq!(
        ["end_turn", "stop_sequence", "max_tokens", "refusal"].map(anthropic),
        [
            json!("stop"),
            json!("stop"),
            json!("length"),
            json!("content_filter")
        ]
    );
    let gemini = |reason: &str| {
        whole(
            Target::Gemini,
            200,
            &json!({"candidates": [{"finishReason": reason}]}),
        )["choices"][0]["finish_reason"]
            .clone()
    };
    assert_eq!(
        ["STOP", "MAX_TOKENS", "SAFETY"].map(gemini),
        [json!("stop"), json!("length"), json!("content_filter")]
    );
    let blocked = whole(
        Target::Gemini,
        200,
        &json!({"promptFeedback": {"blockReason": "SAFETY"}}),
    );
    assert_eq!(
        blocked["choices"][0]["finish_reason"],
        json!("content_filter")
    );
    let cohere = |reason: &str| {
        whole(Target::Cohere, 200, &json!({"finish_reason": reason}))["choices"][0]["finish_reason"]
            .clone()
    };
    assert_eq!(
        ["COMPLETE", "MAX_TOKENS", "ERROR_TOXIC"].map(cohere),
        [json!("stop"), json!("length"), json!("content_filter")]
    );
}

#[test]
fn errors_have_openais_shape() {
    for (target, status, answer, message, kind, code) in [
        (
            Target::Anthropic,
            529,
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
            "Overloaded",
            "overloaded_error",
            Json::Null,
        ),
        (
            Target::Gemini,
            400,
            json!({"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}),
            "API key not valid.",
            "invalid_request_error",
            json!("INVALID_ARGUMENT"),
        ),
        (
            Target::Gemini,
            429,
            json!([{"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}}]),
            "Quota",
            "rate_limit_error",
            json!("RESOURCE_EXHAUSTED"),
        ),
        (
            Target::Cohere,
            401,
            json!({"message": "invalid api token"}),
            "invalid api token",
            "authentication_error",
            Json::Null,
        ),
        (
            Target::Cohere,
            500,
            json!({"odd": 1}),
            "{\"odd\":1}",
            "server_error",
            Json::Null,
        ),
    ] {
        let expected =
            json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
        assert_eq!(whole(target, status, &answer), expected);
    }
    let mut reply = reply(Target::Anthropic, &asked(true, false), 502, "text/html");
    reply.push(&Bytes::from_static(b"<html>bad gateway</html>"));
    let answer: Json = serde_json::from_slice(&reply.finish()).unwrap();
    assert_eq!(
        answer["error"]["message"],
        json!("<html>bad gateway</html>")
    );
}

#[test]
fn streams_that_fail_or_break_off_do_not_look_whole() {
    let mut stream = anthropic_stream();
    let broken = streamed(
        Target::Anthropic,
        true,
        &stream[..stream.len() / 2],
        usize::MAX,
    );
    assert!(!assembled(&broken).is_done);
    assert!(
        !assembled(&streamed(
            Target::Gemini,
            true,
            &gemini_stream()[..400],
            usize::MAX
        ))
        .is_done
    );
    stream.truncate(300);
    let mut stream = sse(&[json!({"type": "message_start", "message": {"id": "msg_1"}})]);
    stream.extend(sse(&[
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        json!({"type": "message_stop"}),
    ]));
    let events = events(&streamed(Target::Anthropic, true, &stream, usize::MAX));
    assert_eq!(
        events.last().unwrap()["error"]["type"],
        json!("overloaded_error")
    );
}

/// Gemini wants the signature of a call back with it; clients give back what stood in the call.
#[test]
fn signatures_go_there_and_back() {
    let stream = streamed(Target::Gemini, false, &gemini_stream(), usize::MAX);
    let events = events(&stream);
    let call = events
        .iter()
        .find_map(|event| {
            event
                .pointer("/choices/0/delta/tool_calls/0/extra_content")
                .map(|_| event["choices"][0]["delta"]["tool_calls"][0].clone())
        })
        .unwrap();
    assert_eq!(
        call["extra_content"],
        json!({"google": {"thought_signature": "Eqo="}})
    );
    let ask = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": [call]}]});
    let (_, body) = translated(Target::Gemini, &ask);
    assert_eq!(
        body["contents"][1]["parts"][0],
        json!({"functionCall": {"name": "weather", "args": {}}, "thoughtSignature": "Eqo="})
    );
}
