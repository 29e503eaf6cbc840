//! One conversation, in every dialect that spans speak.

use fanlight_genai::{Message, Part};

use super::*;

const SYSTEM: &str = "Be brief.";
const QUESTION: &str = "Weather in Paris?";

fn otel() -> Json {
    json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 1200, "gen_ai.usage.output_tokens": 80,
        "gen_ai.usage.cache_read.input_tokens": 1000, "gen_ai.usage.reasoning.output_tokens": 30,
        "gen_ai.system_instructions": "[{\"type\":\"text\",\"content\":\"Be brief.\"}]",
        "gen_ai.input.messages": "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"Weather in Paris?\"}]}]",
        "gen_ai.output.messages": "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"tool_call\",\"id\":\"c1\",\"name\":\"weather\",\"arguments\":{\"city\":\"Paris\"}}],\"finish_reason\":\"tool_calls\"}]",
        "session.id": "s1", "user.id": "u1",
    })
}

fn old() -> Json {
    json!({
        "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.prompt_tokens": "1200", "gen_ai.usage.completion_tokens": 80.0,
        "gen_ai.usage.cache_read_input_tokens": 1000, "gen_ai.usage.reasoning_tokens": 30,
        "session.id": "s1", "enduser.id": "u1",
    })
}

fn traceloop() -> Json {
    json!({
        "llm.request.type": "chat", "gen_ai.system": "OpenAI", "gen_ai.request.model": "gpt-4o",
        "gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": "Be brief.",
        "gen_ai.prompt.1.role": "user", "gen_ai.prompt.1.content": "Weather in Paris?",
        "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.finish_reason": "tool_calls",
        "gen_ai.completion.0.tool_calls.0.id": "c1", "gen_ai.completion.0.tool_calls.0.name": "weather",
        "gen_ai.completion.0.tool_calls.0.arguments": "{\"city\":\"Paris\"}",
        "gen_ai.usage.prompt_tokens": 1200, "gen_ai.usage.completion_tokens": 80,
        "gen_ai.usage.cache_read_input_tokens": 1000, "gen_ai.usage.reasoning_tokens": 30,
        "traceloop.association.properties.session_id": "s1", "traceloop.association.properties.user_id": "u1",
    })
}

fn openinference() -> Json {
    json!({
        "openinference.span.kind": "LLM", "llm.provider": "openai", "llm.model_name": "gpt-4o",
        "llm.input_messages.0.message.role": "system", "llm.input_messages.0.message.content": "Be brief.",
        "llm.input_messages.1.message.role": "user", "llm.input_messages.1.message.content": "Weather in Paris?",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.id": "c1",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "weather",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": "{\"city\":\"Paris\"}",
        "llm.token_count.prompt": 1200, "llm.token_count.completion": 80,
        "llm.token_count.prompt_details.cache_read": 1000, "llm.token_count.completion_details.reasoning": 30,
        "session.id": "s1", "user.id": "u1",
    })
}

fn vercel() -> Json {
    json!({
        "ai.operationId": "ai.streamText.doStream", "ai.model.provider": "openai.chat", "ai.model.id": "gpt-4o",
        "ai.prompt.messages": "[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Weather in Paris?\"}]}]",
        "ai.response.toolCalls": "[{\"toolCallType\":\"function\",\"toolCallId\":\"c1\",\"toolName\":\"weather\",\"args\":\"{\\\"city\\\":\\\"Paris\\\"}\"}]",
        "ai.response.finishReason": "tool-calls",
        "ai.usage.inputTokens": 1200, "ai.usage.outputTokens": 80, "ai.usage.cachedInputTokens": 1000, "ai.usage.reasoningTokens": 30,
        "ai.telemetry.metadata.sessionId": "s1", "ai.telemetry.metadata.userId": "u1",
    })
}

fn langfuse() -> Json {
    json!({
        "langfuse.observation.type": "generation", "gen_ai.system": "openai", "langfuse.observation.model.name": "gpt-4o",
        "langfuse.observation.input": "[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"Weather in Paris?\"}]",
        "langfuse.observation.output": "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\\\"Paris\\\"}\"}}]}",
        "langfuse.observation.usage_details": "{\"input\":200,\"input_cached_tokens\":1000,\"output\":50,\"output_reasoning_tokens\":30}",
        "langfuse.session.id": "s1", "langfuse.user.id": "u1",
    })
}

/// The same call arrives in each dialect (A20 of the acceptance cases).
/// Each time model, tokens, cost, session, user and messages are the same.
#[tokio::test]
async fn one_call_is_the_same_in_every_dialect() {
    let (_directory, store) = crate::requests::open();
    let events = vec![
        ("gen_ai.system.message", json!({"content": SYSTEM})),
        ("gen_ai.user.message", json!({"content": QUESTION})),
        (
            "gen_ai.choice",
            json!({"index": 0, "finish_reason": "tool_calls",
            "message": "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\\\"Paris\\\"}\"}}]}"}),
        ),
    ];
    let dialects = [
        otel(),
        old(),
        traceloop(),
        openinference(),
        vercel(),
        langfuse(),
    ];
    let mut calls: Vec<Call> = (1..)
        .zip(dialects)
        .map(|(trace, attributes)| Call::new(trace, 1, attributes))
        .collect();
    calls[1].events = events;
    let count = calls.len();
    write(&store, &calls).await;
    let rows = rows(&store, all()).await;
    assert_eq!(rows.len(), count);
    let answer = Part::ToolCall {
        id: Some("c1".to_owned()),
        name: "weather".to_owned(),
        arguments: json!({"city": "Paris"}),
    };
    for row in rows {
        let trace = row.trace_id;
        assert_eq!(row.request_model.as_deref(), Some("gpt-4o"), "{trace}");
        assert_eq!(row.provider.as_deref(), Some("openai"), "{trace}");
        let used = [
            row.input_tokens,
            row.output_tokens,
            row.cache_read_tokens,
            row.reasoning_tokens,
        ];
        assert_eq!(
            used,
            [Some(1200), Some(80), Some(1000), Some(30)],
            "{trace}"
        );
        // 200 at 2.5, 1,000 at 1.25, 80 at 10 dollars for a million.
        assert!(
            is_near(row.cost.unwrap(), 0.00255),
            "{trace}: {:?}",
            row.cost
        );
        assert_eq!(row.cost_source, Some("list"), "{trace}");
        assert_eq!(row.session_id.as_deref(), Some("s1"), "{trace}");
        assert_eq!(row.user_id.as_deref(), Some("u1"), "{trace}");
        assert_eq!(row.input_preview, QUESTION, "{trace}");
        assert_eq!(
            row.output_preview, "weather({\"city\":\"Paris\"})",
            "{trace}"
        );
        assert_eq!(row.tool_calls, 1, "{trace}");
        let detail = store.llm_call(trace, row.span_id).await.unwrap().unwrap();
        let call = detail.detail;
        assert_eq!(call.system_instructions, [Part::text(SYSTEM)], "{trace}");
        assert_eq!(
            call.input_messages,
            [Message::text("user", QUESTION)],
            "{trace}"
        );
        assert_eq!(
            call.output_messages[0].parts.as_slice(),
            std::slice::from_ref(&answer),
            "{trace}"
        );
        let cost = detail.cost.unwrap();
        assert!(is_near(cost.cache_read.unwrap(), 0.00125), "{trace}");
        assert!(is_near(cost.cache_savings.unwrap(), 0.00125), "{trace}");
        assert!(cost.price_version.is_some(), "{trace}");
    }
}

/// A call's messages are in log records of its span, and so is what the proxy saw.
/// The call shows both.
#[tokio::test]
async fn log_records_of_the_span_complete_a_call() {
    let (_directory, store) = crate::requests::open();
    write(&store, &[Call::chat(1, 1, "gpt-4o", (10, 5))]).await;
    let logs = json!({"resourceLogs": [{"scopeLogs": [{"scope": {"name": "x"}, "logRecords": [
        {"timeUnixNano": "5", "traceId": hex(1, 16), "spanId": hex(1, 8), "eventName": "gen_ai.client.inference.operation.details",
         "attributes": attributes(&json!({"gen_ai.input.messages": "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"Hi\"}]}]"}))},
        {"timeUnixNano": "6", "traceId": hex(1, 16), "spanId": hex(1, 8), "eventName": "fanlight.llm.exchange", "body": typed(&json!({
            "request": {"method": "POST", "url": "https://api.openai.com/v1/chat/completions", "headers": {"accept": "*/*"}, "body": "{}"},
            "response": {"status": 200, "headers": {"x": ["1", "2"]}, "body": "{\"id\":1}", "truncated": true}}))},
    ]}]}]});
    let logs = fanlight_otlp::json::read(Signal::Logs, logs.to_string().as_bytes()).unwrap();
    store.write(&logs).await.unwrap();
    let (trace, span) = ids(1, 1);
    let call = store.llm_call(trace, span).await.unwrap().unwrap();
    assert_eq!(call.detail.input_messages, [Message::text("user", "Hi")]);
    let exchange = call.exchange.unwrap();
    assert_eq!(exchange.request.method, "POST");
    assert_eq!(exchange.request.headers[0].name, "accept");
    assert_eq!(
        (exchange.response.status, exchange.response.truncated),
        (200, true)
    );
    assert_eq!(exchange.response.headers.len(), 2);
    // The log record repeats the span, and is no call of its own.
    assert_eq!(rows(&store, all()).await.len(), 1);
}
