//! Streams of every interface, cut and broken off anywhere.

use super::*;

/// A stream, what it says, and by whom.
pub(super) struct Stream {
    pub(super) api: ProviderApi,
    pub(super) framing: Framing,
    pub(super) bytes: Vec<u8>,
    usage: Usage,
    message: Message,
}

fn chat() -> Stream {
    let chunk = |delta: Json, reason: Json| json!({"id": "1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], "usage": null});
    let events = [
        chunk(
            json!({"role": "assistant", "content": "", "reasoning_content": "h"}),
            Json::Null,
        ),
        chunk(json!({"reasoning_content": "m"}), Json::Null),
        chunk(json!({"content": "Let me sée"}), Json::Null),
        chunk(json!({"content": "."}), Json::Null),
        chunk(
            json!({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "weather", "arguments": ""}}]}),
            Json::Null,
        ),
        chunk(
            json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"city\":"}}]}),
            Json::Null,
        ),
        chunk(
            json!({"tool_calls": [{"index": 0, "function": {"arguments": "\"Paris\"}"}}]}),
            Json::Null,
        ),
        chunk(json!({}), json!("tool_calls")),
        json!({"id": "1", "model": "m", "choices": [], "usage": {"prompt_tokens": 1200, "completion_tokens": 80, "prompt_tokens_details": {"cached_tokens": 1000}}}),
    ];
    Stream {
        api: OpenAiChat,
        framing: Framing::Sse,
        bytes: sse(&events),
        usage: Usage::new(1_200, 80).cache_read(1_000),
        message: answer(
            &[thought("hm"), Part::text("Let me sée."), weather()],
            "tool_calls",
        ),
    }
}

fn responses() -> Stream {
    let events = [
        json!({"type": "response.created", "response": {"id": "1", "model": "m", "status": "in_progress", "output": [], "usage": null}}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "summary": []}}),
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "h"}),
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "m"}),
        json!({"type": "response.output_item.added", "output_index": 1, "item": {"type": "message", "role": "assistant", "content": []}}),
        json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Rain"}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Rain."}]}}),
        json!({"type": "response.output_item.added", "output_index": 2, "item": {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": ""}}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{\"city\":"}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "\"Paris\"}"}),
        json!({"type": "response.incomplete", "response": {"id": "1", "model": "m", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"},
            "output": [], "usage": {"input_tokens": 9, "output_tokens": 4}}}),
    ];
    Stream {
        api: OpenAiResponses,
        framing: Framing::Sse,
        bytes: sse(&events),
        usage: Usage::new(9, 4),
        message: answer(
            &[thought("hm"), Part::text("Rain."), weather()],
            "max_output_tokens",
        ),
    }
}

fn anthropic_events() -> Vec<Json> {
    vec![
        json!({"type": "message_start", "message": {"id": "1", "model": "m", "role": "assistant", "content": [], "usage": {"input_tokens": 19,
            "cache_read_input_tokens": 30_000, "cache_creation_input_tokens": 9_000, "cache_creation": {"ephemeral_5m_input_tokens": 9_000, "ephemeral_1h_input_tokens": 0}, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "ping"}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Let me "}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "see."}}),
        json!({"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "c1", "name": "weather", "input": {}}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{\"city\": "}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "\"Paris\"}"}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 50}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 80, "input_tokens": 0}}),
        json!({"type": "message_stop"}),
    ]
}

fn anthropic_usage() -> Usage {
    Usage::new(39_019, 80)
        .cache_read(30_000)
        .cache_creation(9_000)
}

fn anthropic_message() -> Message {
    answer(
        &[thought("hm"), Part::text("Let me see."), weather()],
        "tool_use",
    )
}

fn anthropic() -> Stream {
    Stream {
        api: AnthropicMessages,
        framing: Framing::Sse,
        bytes: sse(&anthropic_events()),
        usage: anthropic_usage(),
        message: anthropic_message(),
    }
}

fn gemini(framing: Framing) -> Stream {
    let chunk = |parts: Json, reason: Json, output: u64| {
        json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": reason}],
        "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": output, "thoughtsTokenCount": 5, "cachedContentTokenCount": 60}, "modelVersion": "m"})
    };
    let events = [
        chunk(json!([{"text": "h", "thought": true}]), Json::Null, 0),
        chunk(
            json!([{"text": "m", "thought": true}, {"text": "Let [me] \"s"}]),
            Json::Null,
            10,
        ),
        chunk(json!([{"text": "ee\".}"}]), Json::Null, 20),
        chunk(
            json!([{"functionCall": {"id": "c1", "name": "weather", "args": {"city": "Paris"}}}]),
            json!("STOP"),
            30,
        ),
    ];
    Stream {
        api: GeminiGenerateContent,
        framing,
        bytes: match framing {
            Framing::JsonArray => serde_json::to_vec_pretty(&events).unwrap(),
            _ => sse(&events),
        },
        usage: Usage::new(100, 35).cache_read(60).reasoning(5),
        message: answer(
            &[thought("hm"), Part::text("Let [me] \"see\".}"), weather()],
            "STOP",
        ),
    }
}

fn ollama() -> Stream {
    let events = [
        json!({"model": "m", "message": {"role": "assistant", "content": "", "thinking": "hm"}, "done": false}),
        json!({"model": "m", "message": {"role": "assistant", "content": "Rai"}, "done": false}),
        json!({"model": "m", "message": {"role": "assistant", "content": "n."}, "done": false}),
        json!({"model": "m", "message": {"role": "assistant", "content": ""}, "done": true, "done_reason": "stop", "prompt_eval_count": 26, "eval_count": 298, "eval_duration": 5}),
    ];
    Stream {
        api: OllamaChat,
        framing: Framing::Lines,
        bytes: lines(&events),
        usage: Usage::new(26, 298),
        message: answer(&[thought("hm"), Part::text("Rain.")], "stop"),
    }
}

fn cohere() -> Stream {
    let events = [
        json!({"type": "message-start", "id": "1", "delta": {"message": {"role": "assistant"}}}),
        json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "hm"}}}),
        json!({"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}),
        json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Rain."}}}}),
        json!({"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": ""}}}}}),
        json!({"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {"function": {"arguments": "{\"city\":\"Paris\"}"}}}}}),
        json!({"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": {"billed_units": {"input_tokens": 17, "output_tokens": 12}, "tokens": {"input_tokens": 215, "output_tokens": 12}}}}),
    ];
    Stream {
        api: CohereChat,
        framing: Framing::Sse,
        bytes: sse(&events),
        usage: Usage::new(17, 12),
        message: answer(
            &[thought("hm"), Part::text("Rain."), weather()],
            "TOOL_CALL",
        ),
    }
}

fn converse() -> Stream {
    let events = [
        ("messageStart", json!({"role": "assistant"})),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}}),
        ),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 1, "delta": {"text": "Rain."}}),
        ),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "c1", "name": "weather"}}}),
        ),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 2, "delta": {"toolUse": {"input": "{\"city\":"}}}),
        ),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 2, "delta": {"toolUse": {"input": "\"Paris\"}"}}}),
        ),
        ("contentBlockStop", json!({"contentBlockIndex": 2})),
        ("messageStop", json!({"stopReason": "tool_use"})),
        (
            "metadata",
            json!({"usage": {"inputTokens": 30, "outputTokens": 12, "totalTokens": 132, "cacheReadInputTokens": 90}, "metrics": {"latencyMs": 9}}),
        ),
    ];
    Stream {
        api: BedrockConverse,
        framing: Framing::AwsEventStream,
        bytes: aws(&events),
        usage: Usage::new(120, 12).cache_read(90),
        message: answer(&[thought("hm"), Part::text("Rain."), weather()], "tool_use"),
    }
}

fn invoke() -> Stream {
    use base64::Engine;
    let mut events = anthropic_events();
    events.last_mut().unwrap()["amazon-bedrock-invocationMetrics"] = json!({"inputTokenCount": 19, "outputTokenCount": 80, "cacheReadInputTokenCount": 30_000, "cacheWriteInputTokenCount": 9_000});
    let events: Vec<_> = events
        .iter()
        .map(|event| base64::prelude::BASE64_STANDARD.encode(event.to_string()))
        .map(|bytes| ("chunk", json!({"bytes": bytes, "p": "abc"})))
        .collect();
    Stream {
        api: BedrockInvoke,
        framing: Framing::AwsEventStream,
        bytes: aws(&events),
        usage: anthropic_usage(),
        message: anthropic_message(),
    }
}

pub(super) fn all() -> Vec<Stream> {
    vec![
        chat(),
        responses(),
        anthropic(),
        gemini(Framing::Sse),
        gemini(Framing::JsonArray),
        ollama(),
        cohere(),
        converse(),
        invoke(),
    ]
}

#[test]
fn streams_say_what_whole_answers_say() {
    for stream in all() {
        let call = streamed(stream.api, stream.framing, &stream.bytes);
        assert_eq!(call.usage, Some(stream.usage), "{:?}", stream.api);
        assert_eq!(call.output_messages, [stream.message], "{:?}", stream.api);
        assert_eq!(
            (call.streaming, call.truncated),
            (Some(true), false),
            "{:?}",
            stream.api
        );
    }
}

#[test]
fn a_stream_that_comes_byte_by_byte_gives_the_same_call() {
    for Stream {
        api,
        framing,
        bytes,
        ..
    } in all()
    {
        let mut stream = AnswerStream::new(api, framing);
        bytes.iter().for_each(|byte| stream.push(&[*byte]));
        let mut call = LlmCall::default();
        stream.finish(&mut call);
        assert_eq!(call, streamed(api, framing, &bytes), "{api:?}");
    }
}

#[test]
fn a_stream_that_breaks_off_gives_what_came() {
    let Stream {
        api,
        framing,
        bytes,
        ..
    } = anthropic();
    let text = String::from_utf8(bytes).unwrap();
    let at = text.find("see.").unwrap();
    let call = streamed(api, framing, &text.as_bytes()[..at]);
    assert_eq!(
        call.usage,
        Some(
            Usage::new(39_019, 1)
                .cache_read(30_000)
                .cache_creation(9_000)
        )
    );
    assert_eq!(
        call.output_messages[0].parts,
        [thought("hm"), Part::text("Let me ")]
    );
    assert_eq!(call.finish_reasons, [] as [&str; 0]);
}

#[test]
fn an_error_within_a_stream_is_the_calls() {
    let events = [
        json!({"type": "message_start", "message": {"id": "1", "usage": {"input_tokens": 5, "output_tokens": 1}}}),
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    ];
    let call = streamed(AnthropicMessages, Framing::Sse, &sse(&events));
    assert_eq!(call.error_type.as_deref(), Some("overloaded_error"));
    assert_eq!(call.usage, Some(Usage::new(5, 1)));
}

/// LiteLLM #36168: the last chunk may have a choice beside the usage.
#[test]
fn usage_beside_a_choice_is_read() {
    let last = json!({"id": "1", "model": "m", "choices": [{"index": 0, "delta": {}}], "usage": {"completion_tokens": 2,
        "prompt_tokens": 16_111, "total_tokens": 16_113, "prompt_tokens_details": {"cached_tokens": 15_872}}});
    let call = streamed(OpenAiChat, Framing::Sse, &sse(&[last]));
    assert_eq!(call.usage, Some(Usage::new(16_111, 2).cache_read(15_872)));
}

#[test]
fn a_stream_in_the_place_of_a_whole_answer_is_read() {
    let Stream {
        api, bytes, usage, ..
    } = chat();
    let mut call = LlmCall::default();
    read_response(api, &bytes, &mut call);
    assert_eq!(call.usage, Some(usage));
    let Stream {
        api, bytes, usage, ..
    } = ollama();
    let mut call = LlmCall::default();
    read_response(api, &bytes, &mut call);
    assert_eq!(call.usage, Some(usage));
}

#[test]
fn an_endless_event_is_left_out_and_the_next_is_read() {
    let mut stream = AnswerStream::new(OpenAiChat, Framing::Sse);
    stream.push(b"data: {\"x\": \"");
    let piece = vec![b'x'; 1 << 20];
    (0..40).for_each(|_| stream.push(&piece));
    stream.push(b"\"}\n\ndata: {\"usage\": {\"prompt_tokens\": 3}}\n\n");
    let mut call = LlmCall::default();
    stream.finish(&mut call);
    assert!(call.truncated);
    assert_eq!(call.usage, Some(Usage::new(3, 0)));
}

#[test]
fn endless_text_is_cut() {
    let chunk = json!({"choices": [{"index": 0, "delta": {"content": "x".repeat(1 << 20)}}]});
    let mut stream = AnswerStream::new(OpenAiChat, Framing::Sse);
    let bytes = sse(&[chunk]);
    (0..20).for_each(|_| stream.push(&bytes));
    let mut call = LlmCall::default();
    stream.finish(&mut call);
    assert!(call.truncated);
    let [Part::Text { content }] = call.output_messages[0].parts.as_slice() else {
        panic!()
    };
    assert_eq!(content.len(), 16 << 20);
}
