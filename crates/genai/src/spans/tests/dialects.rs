//! One conversation in every dialect gives one call.

use super::*;

/// What the model read and wrote.
fn said(call: &LlmCall) -> (Vec<Part>, Vec<Message>, Vec<Message>) {
    let without_reason = |message: &Message| Message {
        finish_reason: None,
        ..message.clone()
    };
    let output = call.output_messages.iter().map(without_reason).collect();
    (
        call.system_instructions.clone(),
        call.input_messages.clone(),
        output,
    )
}

fn expect_weather(call: &LlmCall, dialect: &str) {
    assert_eq!(call.kind, Kind::Llm, "{dialect}");
    assert_eq!(call.counts, Counts::Own, "{dialect}");
    assert_eq!(call.provider.as_deref(), Some("openai"), "{dialect}");
    assert_eq!(call.request_model.as_deref(), Some("gpt-4o"), "{dialect}");
    let usage = Usage::new(1_200, 80).cache_read(1_000).reasoning(30);
    assert_eq!(call.usage, Some(usage), "{dialect}");
    let tool_call = Part::ToolCall {
        id: Some("c1".to_owned()),
        name: "weather".to_owned(),
        arguments: json!({"city": "Paris"}),
    };
    let expected = (
        vec![Part::text("Be brief.")],
        vec![Message::text("user", "Weather in Paris?")],
        vec![Message {
            role: "assistant".to_owned(),
            parts: vec![tool_call],
            ..Message::default()
        }],
    );
    assert_eq!(said(call), expected, "{dialect}");
    assert_eq!(call.session_id.as_deref(), Some("s1"), "{dialect}");
    assert_eq!(call.user_id.as_deref(), Some("u1"), "{dialect}");
    assert_eq!(call.parameters.temperature, Some(0.2), "{dialect}");
}

fn otel() -> Json {
    json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024-08-06", "gen_ai.response.id": "r1",
        "gen_ai.request.temperature": 0.2, "gen_ai.response.finish_reasons": ["tool_calls"],
        "gen_ai.usage.input_tokens": 1200, "gen_ai.usage.output_tokens": 80,
        "gen_ai.usage.cache_read.input_tokens": 1000, "gen_ai.usage.reasoning.output_tokens": 30,
        "gen_ai.system_instructions": "[{\"type\":\"text\",\"content\":\"Be brief.\"}]",
        "gen_ai.input.messages": "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"Weather in Paris?\"}]}]",
        "gen_ai.output.messages": "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"tool_call\",\"id\":\"c1\",\"name\":\"weather\",\"arguments\":{\"city\":\"Paris\"}}],\"finish_reason\":\"tool_calls\"}]",
        "gen_ai.tool.definitions": "[{\"type\":\"function\",\"name\":\"weather\"}]",
        "gen_ai.response.time_to_first_chunk": 0.25, "gen_ai.request.stream": true,
        "session.id": "s1", "gen_ai.conversation.id": "c9", "user.id": "u1",
    })
}

#[test]
fn opentelemetry_of_today() {
    let call = span(otel());
    expect_weather(&call, "now");
    assert_eq!(call.model(), Some("gpt-4o-2024-08-06"));
    assert_eq!(call.response_id.as_deref(), Some("r1"));
    assert_eq!(call.finish_reasons, ["tool_calls"]);
    assert_eq!(
        (call.time_to_first_chunk, call.streaming),
        (Some(0.25), Some(true))
    );
    assert_eq!(call.conversation_id.as_deref(), Some("c9"));
    assert_eq!(call.tool_definitions[0].name, "weather");
}

#[test]
fn opentelemetry_with_structured_messages() {
    let mut attributes = otel();
    for key in [
        "gen_ai.system_instructions",
        "gen_ai.input.messages",
        "gen_ai.output.messages",
    ] {
        let value = &mut attributes[key];
        *value = serde_json::from_str(value.as_str().unwrap()).unwrap();
    }
    expect_weather(&span(attributes), "structured");
}

#[test]
fn opentelemetry_with_messages_encoded_twice() {
    let mut attributes = otel();
    for key in ["gen_ai.input.messages", "gen_ai.output.messages"] {
        let value = &mut attributes[key];
        *value = Json::from(value.to_string());
    }
    expect_weather(&span(attributes), "twice");
}

fn old() -> Json {
    json!({
        "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.temperature": "0.2",
        "gen_ai.usage.prompt_tokens": "1200", "gen_ai.usage.completion_tokens": 80.0,
        "gen_ai.usage.cache_read_input_tokens": 1000, "gen_ai.usage.reasoning_tokens": 30,
        "session.id": "s1", "enduser.id": "u1",
    })
}

#[test]
fn opentelemetry_with_an_event_for_each_message() {
    let events = vec![
        ("gen_ai.system.message", json!({"content": "Be brief."})),
        (
            "gen_ai.user.message",
            json!({"content": "Weather in Paris?"}),
        ),
        (
            "gen_ai.choice",
            json!({"index": 0, "finish_reason": "tool_calls",
            "message": "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\\\"Paris\\\"}\"}}]}"}),
        ),
    ];
    let sent = Sent {
        events,
        ..Sent::attributes(old())
    };
    let call = sent.as_span().unwrap();
    expect_weather(&call, "events");
    assert_eq!(call.finish_reasons, ["tool_calls"]);
}

#[test]
fn opentelemetry_with_events_of_content() {
    let events = vec![
        (
            "gen_ai.content.prompt",
            json!({"gen_ai.prompt": "[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"Weather in Paris?\"}]"}),
        ),
        (
            "gen_ai.content.completion",
            json!({"gen_ai.completion": "[{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\\\"Paris\\\"}\"}}]}]"}),
        ),
    ];
    expect_weather(
        &Sent {
            events,
            ..Sent::attributes(old())
        }
        .as_span()
        .unwrap(),
        "content",
    );
}

#[test]
fn opentelemetry_with_the_details_in_an_event() {
    let all = otel();
    let of = |key: &str| serde_json::from_str::<Json>(all[key].as_str().unwrap()).unwrap();
    let details = json!({
        "gen_ai.system_instructions": of("gen_ai.system_instructions"),
        "gen_ai.input.messages": of("gen_ai.input.messages"), "gen_ai.output.messages": of("gen_ai.output.messages"),
    });
    let events = vec![("gen_ai.client.inference.operation.details", details)];
    expect_weather(
        &Sent {
            events,
            ..Sent::attributes(old())
        }
        .as_span()
        .unwrap(),
        "details",
    );
}

#[test]
fn a_log_record_of_the_details_repeats_its_span() {
    let mut sent = Sent::named("any", "gen_ai.client.inference.operation.details", otel());
    expect_weather(&sent.as_log().unwrap(), "log");
    sent.span_id = "0202020202020202";
    assert_eq!(sent.as_log().unwrap().counts, Counts::Aggregate);
}

#[test]
fn a_log_record_may_hold_one_message() {
    let sent = Sent {
        body: json!({"content": "Hi"}),
        ..Sent::named(
            "any",
            "gen_ai.user.message",
            json!({"gen_ai.system": "openai"}),
        )
    };
    let call = sent.as_log().unwrap();
    assert_eq!(call.input_messages, [Message::text("user", "Hi")]);
    assert_eq!(call.usage, None);
}

#[test]
fn traceloop_with_numbered_attributes() {
    let call = span(json!({
        "llm.request.type": "chat", "gen_ai.system": "OpenAI", "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": "Be brief.",
        "gen_ai.prompt.1.role": "user", "gen_ai.prompt.1.content": "[{\"type\":\"text\",\"text\":\"Weather in Paris?\"}]",
        "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.finish_reason": "tool_calls",
        "gen_ai.completion.0.tool_calls.0.id": "c1", "gen_ai.completion.0.tool_calls.0.name": "weather",
        "gen_ai.completion.0.tool_calls.0.arguments": "{\"city\":\"Paris\"}",
        "llm.request.functions.0.name": "weather", "llm.request.functions.0.parameters": "{}",
        "gen_ai.usage.prompt_tokens": 1200, "gen_ai.usage.completion_tokens": 80, "llm.usage.total_tokens": 1280,
        "gen_ai.usage.cache_read_input_tokens": 1000, "gen_ai.usage.reasoning_tokens": 30,
        "traceloop.association.properties.session_id": "s1", "traceloop.association.properties.user_id": "u1",
        "traceloop.association.properties.plan": "free",
    }));
    expect_weather(&call, "traceloop");
    assert_eq!(call.finish_reasons, ["tool_calls"]);
    assert_eq!(call.metadata["plan"], "free");
    assert_eq!(call.tool_definitions[0].name, "weather");
}

#[test]
fn numbered_messages_keep_their_order() {
    let mut attributes = serde_json::Map::new();
    for number in 0..12 {
        attributes.insert(format!("gen_ai.prompt.{number}.role"), json!("user"));
        attributes.insert(
            format!("gen_ai.prompt.{number}.content"),
            json!(number.to_string()),
        );
    }
    let expected: Vec<_> = (0..12)
        .map(|number| Message::text("user", number.to_string()))
        .collect();
    let mut attributes = Json::Object(attributes);
    attributes["gen_ai.request.model"] = json!("m");
    assert_eq!(span(attributes).input_messages, expected);
}

#[test]
fn openinference() {
    let call = span(json!({
        "openinference.span.kind": "LLM", "llm.provider": "openai", "llm.model_name": "gpt-4o",
        "llm.invocation_parameters": "{\"model\":\"gpt-4o\",\"temperature\":0.2,\"logit_bias\":{}}",
        "llm.input_messages.0.message.role": "system", "llm.input_messages.0.message.content": "Be brief.",
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.contents.0.message_content.type": "text",
        "llm.input_messages.1.message.contents.0.message_content.text": "Weather in Paris?",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.id": "c1",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "weather",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": "{\"city\":\"Paris\"}",
        "llm.tools.0.tool.json_schema": "{\"type\":\"function\",\"function\":{\"name\":\"weather\"}}",
        "llm.token_count.prompt": 1200, "llm.token_count.completion": 80, "llm.token_count.total": 1280,
        "llm.token_count.prompt_details.cache_read": 1000, "llm.token_count.completion_details.reasoning": 30,
        "llm.cost.total": 0.0042, "session.id": "s1", "user.id": "u1", "tag.tags": ["a", "b"],
        "metadata": "{\"plan\":\"free\"}", "input.value": "{}", "output.value": "{}",
    }));
    expect_weather(&call, "openinference");
    assert_eq!(call.tags, ["a", "b"]);
    assert_eq!(call.metadata["plan"], "free");
    assert_eq!(
        call.reported_cost.unwrap().total,
        "0.0042".parse::<Dollars>().unwrap()
    );
    assert_eq!(call.tool_definitions[0].name, "weather");
    assert!(call.parameters.other.contains_key("logit_bias"));
}

#[test]
fn openinference_with_images_and_values() {
    let call = span(json!({
        "openinference.span.kind": "LLM",
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.contents.0.message_content.type": "image",
        "llm.input_messages.0.message.contents.0.message_content.image.image.url": "https://example.com/cat.png",
        "output.value": "A cat.",
    }));
    let [Part::Uri { uri, .. }] = call.input_messages[0].parts.as_slice() else {
        panic!("{:?}", call.input_messages);
    };
    assert_eq!(uri, "https://example.com/cat.png");
    assert_eq!(call.output_messages, [Message::text("assistant", "A cat.")]);
    let tool = span(
        json!({"openinference.span.kind": "TOOL", "tool.name": "weather", "input.value": "{\"city\":\"Paris\"}", "output.value": "rain"}),
    );
    assert_eq!(tool.kind, Kind::Tool);
    let tool = tool.tool.unwrap();
    assert_eq!(
        (tool.arguments, tool.result),
        (json!({"city": "Paris"}), json!("rain"))
    );
}

#[test]
fn vercel() {
    let call = span(json!({
        "ai.operationId": "ai.streamText.doStream", "operation.name": "ai.streamText.doStream",
        "ai.model.provider": "openai.chat", "ai.model.id": "gpt-4o", "ai.response.model": "gpt-4o-2024-08-06",
        "ai.settings.temperature": 0.2, "ai.settings.maxRetries": 2,
        "ai.prompt.messages": "[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Weather in Paris?\"}]}]",
        "ai.prompt.tools": ["{\"type\":\"function\",\"name\":\"weather\",\"inputSchema\":{}}"],
        "ai.response.toolCalls": "[{\"toolCallType\":\"function\",\"toolCallId\":\"c1\",\"toolName\":\"weather\",\"args\":\"{\\\"city\\\":\\\"Paris\\\"}\"}]",
        "ai.response.finishReason": "tool-calls", "ai.response.msToFirstChunk": 250.0,
        "ai.usage.inputTokens": 1200, "ai.usage.outputTokens": 80, "ai.usage.cachedInputTokens": 1000, "ai.usage.reasoningTokens": 30,
        "ai.telemetry.metadata.sessionId": "s1", "ai.telemetry.metadata.userId": "u1",
        "ai.telemetry.metadata.plan": "free", "ai.telemetry.metadata.tags": ["a"],
    }));
    expect_weather(&call, "vercel");
    assert_eq!(
        (call.time_to_first_chunk, call.streaming),
        (Some(0.25), Some(true))
    );
    assert_eq!(call.tags, ["a"]);
    assert_eq!(call.tool_definitions[0].name, "weather");
    let outer = span(json!({
        "ai.operationId": "ai.streamText", "ai.model.provider": "openai.chat", "ai.model.id": "gpt-4o",
        "ai.prompt": "{\"system\":\"Be brief.\",\"prompt\":\"Hi\"}", "ai.response.text": "Hello.", "ai.usage.inputTokens": 1200,
    }));
    assert_eq!((outer.kind, outer.counts), (Kind::Chain, Counts::Aggregate));
    assert_eq!(
        said(&outer),
        (
            vec![Part::text("Be brief.")],
            vec![Message::text("user", "Hi")],
            vec![Message::text("assistant", "Hello.")]
        )
    );
}

#[test]
fn langfuse() {
    let call = span(json!({
        "langfuse.observation.type": "generation", "gen_ai.system": "openai",
        "langfuse.observation.model.name": "gpt-4o", "langfuse.observation.model.parameters": "{\"temperature\":0.2}",
        "langfuse.observation.input": "[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"Weather in Paris?\"}]",
        "langfuse.observation.output": "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\\\"Paris\\\"}\"}}]}",
        "langfuse.observation.usage_details": "{\"input\":200,\"input_cached_tokens\":1000,\"output\":50,\"output_reasoning_tokens\":30}",
        "langfuse.observation.cost_details": "{\"input\":0.001,\"output\":0.002}",
        "langfuse.observation.completion_start_time": "\"2024-02-29T12:00:00.250Z\"",
        "langfuse.session.id": "s1", "langfuse.user.id": "u1", "langfuse.trace.tags": ["a"],
        "langfuse.trace.metadata.plan": "free",
    }));
    expect_weather(&call, "langfuse");
    assert_eq!(
        call.reported_cost.unwrap().total,
        "0.003".parse::<Dollars>().unwrap()
    );
    assert_eq!(call.time_to_first_chunk, Some(0.25));
    assert_eq!(call.metadata["plan"], "free");
}

#[test]
fn pydantic_ai_with_events_in_an_attribute() {
    let mut attributes = old();
    attributes["events"] = json!(json!([
        {"event.name": "gen_ai.system.message", "gen_ai.message.index": 0, "role": "system", "content": "Be brief."},
        {"event.name": "gen_ai.user.message", "gen_ai.message.index": 0, "role": "user", "content": "Weather in Paris?"},
        {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": {"city": "Paris"}}}]}},
    ]).to_string());
    let sent = Sent {
        scope: "pydantic-ai",
        ..Sent::attributes(attributes)
    };
    expect_weather(&sent.as_span().unwrap(), "pydantic-ai");
}

#[test]
fn a_run_of_pydantic_ai_sums_up() {
    let run = Sent::named(
        "pydantic-ai",
        "agent run",
        json!({
            "agent_name": "roulette", "model_name": "gpt-4o", "gen_ai.usage.input_tokens": 300, "gen_ai.usage.output_tokens": 20,
            "final_result": "You won.",
            "all_messages_events": "[{\"event.name\":\"gen_ai.user.message\",\"content\":\"Bet on 18\",\"role\":\"user\"},{\"event.name\":\"gen_ai.tool.message\",\"content\":\"winner\",\"role\":\"tool\",\"id\":\"c1\",\"name\":\"spin\"}]",
        }),
    );
    let call = run.as_span().unwrap();
    assert_eq!((call.kind, call.counts), (Kind::Agent, Counts::Aggregate));
    assert_eq!(call.usage, Some(Usage::new(300, 20)));
    assert_eq!(call.agent.unwrap().name.as_deref(), Some("roulette"));
    assert_eq!(call.input_messages.len(), 2);
    assert_eq!(
        call.output_messages,
        [Message::text("assistant", "You won.")]
    );
    let newer = Sent::named("pydantic-ai", "invoke_agent roulette", json!({
        "gen_ai.agent.name": "roulette", "gen_ai.operation.name": "invoke_agent", "gen_ai.aggregated_usage.input_tokens": 300,
        "pydantic_ai.all_messages": "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"Bet\"}]},{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"You won.\"}]}]",
    })).as_span().unwrap();
    assert_eq!((newer.kind, newer.counts), (Kind::Agent, Counts::Aggregate));
    assert_eq!(
        (newer.input_messages.len(), newer.output_messages.len()),
        (1, 1)
    );
}

#[test]
fn the_first_dialect_counts() {
    let call = span(json!({
        "gen_ai.request.model": "first", "llm.model_name": "second", "langfuse.observation.model.name": "third",
        "gen_ai.usage.input_tokens": 10, "llm.token_count.prompt": 20, "llm.token_count.completion": 5,
    }));
    assert_eq!(call.request_model.as_deref(), Some("first"));
    assert_eq!(call.usage, Some(Usage::new(10, 5)));
}

#[test]
fn tools_and_agents_of_opentelemetry() {
    let tool = span(
        json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather", "gen_ai.tool.call.id": "c1",
        "gen_ai.tool.type": "function", "gen_ai.tool.call.arguments": "{\"city\":\"Paris\"}", "gen_ai.tool.call.result": {"rain": true}}),
    );
    assert_eq!(tool.kind, Kind::Tool);
    let ran = tool.tool.unwrap();
    assert_eq!(
        (ran.arguments, ran.result),
        (json!({"city": "Paris"}), json!({"rain": true}))
    );
    let agent = span(
        json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner", "gen_ai.usage.input_tokens": 900}),
    );
    assert_eq!((agent.kind, agent.counts), (Kind::Agent, Counts::Aggregate));
    let embedding =
        span(json!({"gen_ai.operation.name": "embeddings", "gen_ai.usage.input_tokens": 12}));
    assert_eq!(
        (embedding.kind, embedding.usage),
        (Kind::Embedding, Some(Usage::new(12, 0)))
    );
}

#[test]
fn a_session_may_be_that_of_the_resource() {
    let sent = Sent {
        resource: json!({"session.id": "of-all"}),
        ..Sent::attributes(json!({"gen_ai.request.model": "m"}))
    };
    assert_eq!(
        sent.as_span().unwrap().session_id.as_deref(),
        Some("of-all")
    );
}

#[test]
fn a_library_is_no_provider() {
    let call = span(json!({"gen_ai.system": "Langchain", "gen_ai.request.model": "gpt-4o"}));
    assert_eq!(call.provider, None);
}

#[test]
fn other_spans_are_no_calls() {
    assert!(
        Sent::attributes(json!({"http.request.method": "GET", "model": "T"}))
            .as_span()
            .is_none()
    );
    assert!(
        Sent::named("airlines", "claude_code_review", json!({"ai_score": 1}))
            .as_span()
            .is_none()
    );
    assert!(
        Sent::named("shop", "order.paid", json!({"llm": 1}))
            .as_log()
            .is_none()
    );
}

#[test]
fn keys_and_names_tell_beforehand_what_might_be_a_call() {
    assert!(is_known_key("gen_ai.request.model") && is_known_key("ai.model.id"));
    assert!(!is_known_key("http.route") && !is_known_key("model"));
    assert!(is_known_name("codex.sse_event") && !is_known_name("chat gpt-4o"));
}

#[test]
fn the_name_of_an_event_is_found_wherever_it_stands() {
    let record = |name: &str, attribute: &str, body: &str| {
        let json = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{
            "eventName": name, "attributes": attributes(&json!({"event.name": attribute})),
            "body": {"stringValue": body},
        }]}]}]});
        let batch = batch(Signal::Logs, &json);
        let scope = batch.resources().next().unwrap().unwrap().scopes().next();
        let log = scope.unwrap().unwrap().logs().next().unwrap().unwrap();
        event_name(&log).to_owned()
    };
    assert_eq!(record("codex.a", "b", "c"), "codex.a");
    assert_eq!(record("src/main.rs:7", "codex.a", "c"), "codex.a");
    assert_eq!(record("", "a", "claude_code.b"), "claude_code.b");
    assert_eq!(record("", "a", "b"), "a");
}

#[test]
fn a_failed_call_says_why() {
    let sent = Sent {
        is_error: true,
        events: vec![("exception", json!({"exception.type": "RateLimitError"}))],
        ..Sent::attributes(json!({"gen_ai.request.model": "m"}))
    };
    assert_eq!(
        sent.as_span().unwrap().error_type.as_deref(),
        Some("RateLimitError")
    );
}

#[test]
fn the_normal_form_reads_itself() {
    let call = span(otel());
    let text = serde_json::to_string(&call).unwrap();
    assert!(
        text.contains("\"inputMessages\"") && text.contains("\"cacheReadInputTokens\":1000"),
        "{text}"
    );
    assert_eq!(serde_json::from_str::<LlmCall>(&text).unwrap(), call);
}
