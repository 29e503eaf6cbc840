//! What command-line agents write, in the shapes that their releases send.

use super::*;

#[test]
fn claude_code_counts_as_anthropic_does() {
    let sent = Sent::named(
        "com.anthropic.claude_code.tracing",
        "claude_code.llm_request",
        json!({
            "session.id": "s1", "span.type": "llm_request", "model": "claude-opus-5", "gen_ai.system": "anthropic",
            "gen_ai.request.model": "claude-opus-5", "input_tokens": 2, "output_tokens": 1200, "cache_read_tokens": 84562,
            "cache_creation_tokens": 7096, "success": true, "stop_reason": "tool_use", "ttft_ms": 1250,
        }),
    );
    let call = sent.as_span().unwrap();
    let usage = Usage::new(2 + 84_562 + 7_096, 1_200)
        .cache_read(84_562)
        .cache_creation(7_096);
    assert_eq!(
        (call.kind, call.counts, call.usage),
        (Kind::Llm, Counts::Own, Some(usage))
    );
    assert_eq!(call.finish_reasons, ["tool_use"]);
    assert_eq!(call.time_to_first_chunk, Some(1.25));
    assert_eq!(
        (call.provider.as_deref(), call.session_id.as_deref()),
        (Some("anthropic"), Some("s1"))
    );
    assert_eq!(call.error_type, None);
}

#[test]
fn claude_code_writes_log_records_of_requests() {
    let mut sent = Sent::named(
        "com.anthropic.claude_code.events",
        "claude_code.api_request",
        json!({
            "event.name": "api_request", "model": "claude-sonnet-4-5", "input_tokens": "10", "output_tokens": "5",
            "cache_read_tokens": "100", "cache_creation_tokens": "0", "cost_usd": "0.000906", "duration_ms": "1521",
            "session.id": "s1", "user.email": "ann@example.com", "request_id": "req_1",
        }),
    );
    let call = sent.as_log().unwrap();
    assert_eq!(call.usage, Some(Usage::new(110, 5).cache_read(100)));
    assert_eq!(call.reported_cost.unwrap().total.picodollars(), 906_000_000);
    assert_eq!(
        (call.counts, call.user_id.as_deref()),
        (Counts::Own, Some("ann@example.com"))
    );
    sent.span_id = "0202020202020202";
    assert_eq!(sent.as_log().unwrap().counts, Counts::Aggregate);
    sent.name = "claude_code.api_error";
    assert_eq!(sent.as_log().unwrap().error_type.as_deref(), Some("_OTHER"));
}

#[test]
fn claude_code_runs_tools_and_reads_prompts() {
    let tool = Sent::named("com.anthropic.claude_code.tracing", "claude_code.tool", json!({
        "tool_name": "Bash", "tool_use_id": "toolu_1", "gen_ai.tool.call.id": "toolu_1", "duration_ms": 1831,
    })).as_span().unwrap();
    assert_eq!(
        (tool.kind, tool.tool.unwrap().name.as_deref()),
        (Kind::Tool, Some("Bash"))
    );
    let turn = Sent::named(
        "com.anthropic.claude_code.tracing",
        "claude_code.interaction",
        json!({"user_prompt": "fix it"}),
    )
    .as_span()
    .unwrap();
    assert_eq!((turn.kind, turn.counts), (Kind::Agent, Counts::Aggregate));
    assert_eq!(turn.input_messages, [Message::text("user", "fix it")]);
}

#[test]
fn codex_says_what_an_answer_used_when_it_is_complete() {
    let sent = Sent::named(
        "codex_otel",
        "codex.sse_event",
        json!({
            "event.name": "codex.sse_event", "event.kind": "response.completed", "input_token_count": "23", "output_token_count": "7",
            "cached_token_count": "5", "reasoning_token_count": "3", "tool_token_count": "30", "model": "gpt-5-codex",
            "conversation.id": "c1", "user.account_id": "a1",
        }),
    );
    let call = sent.as_log().unwrap();
    assert_eq!(call.kind, Kind::Llm);
    assert_eq!(
        call.usage,
        Some(Usage::new(23, 7).cache_read(5).reasoning(3))
    );
    assert_eq!(
        (call.provider.as_deref(), call.session_id.as_deref()),
        (Some("openai"), Some("c1"))
    );
    let delta = Sent::named(
        "codex_otel",
        "codex.sse_event",
        json!({"event.kind": "response.output_text.delta", "model": "gpt-5-codex"}),
    );
    assert_eq!(delta.as_log(), None);
    let tool = Sent::named(
        "codex_otel",
        "codex.tool_result",
        json!({"tool_name": "shell", "call_id": "c", "arguments": "{\"command\":[\"ls\"]}", "output": "a\nb", "success": "false"}),
    );
    let tool = tool.as_log().unwrap();
    assert_eq!(
        (tool.kind, tool.error_type.as_deref()),
        (Kind::Tool, Some("_OTHER"))
    );
    assert_eq!(tool.tool.unwrap().arguments, json!({"command": ["ls"]}));
}

#[test]
fn gemini_cli_counts_as_gemini_does() {
    let sent = Sent {
        resource: json!({"session.id": "s1"}),
        ..Sent::named(
            "gemini-cli",
            "gemini_cli.api_response",
            json!({
                "event.name": "gemini_cli.api_response", "model": "gemini-2.5-pro", "duration_ms": 900, "input_token_count": 100,
                "output_token_count": 20, "cached_content_token_count": 60, "thoughts_token_count": 30, "tool_token_count": 4,
                "total_token_count": 154, "finish_reasons": ["STOP"], "prompt_id": "p1",
            }),
        )
    };
    let call = sent.as_log().unwrap();
    assert_eq!(
        call.usage,
        Some(Usage::new(104, 50).cache_read(60).reasoning(30))
    );
    assert_eq!(
        (call.provider.as_deref(), call.session_id.as_deref()),
        (Some("gcp.gemini"), Some("s1"))
    );
    assert_eq!(
        (call.counts, call.finish_reasons.as_slice()),
        (Counts::Own, &["STOP".to_owned()][..])
    );
    let again = Sent::named(
        "gemini-cli",
        "gen_ai.client.inference.operation.details",
        json!({
            "gen_ai.provider.name": "gcp.gemini", "gen_ai.request.model": "gemini-2.5-pro", "gen_ai.usage.input_tokens": 100,
        }),
    );
    assert_eq!(again.as_log().unwrap().counts, Counts::Aggregate);
}

/// Names stand where the tool's library puts them: in the attributes, the body, or beside a place in the source.
#[test]
fn log_records_are_known_wherever_their_name_is() {
    let attributes = json!({"event.name": "codex.sse_event", "event.kind": "response.completed", "model": "gpt-5-codex", "input_token_count": 3});
    let bridged = Sent::named("codex_otel", "event otel/src/events.rs:310", attributes);
    assert_eq!(bridged.as_log().unwrap().usage, Some(Usage::new(3, 0)));
    let attributes =
        json!({"event.name": "api_request", "model": "claude-sonnet-4-5", "input_tokens": 3});
    let body = json!("claude_code.api_request");
    let sent = Sent {
        body,
        ..Sent::named("com.anthropic.claude_code.events", "", attributes)
    };
    assert_eq!(sent.as_log().unwrap().kind, Kind::Llm);
}

#[test]
fn calls_of_a_program_behind_the_proxy_are_shown_and_not_added() {
    let call = |resource: Json| {
        let sent = Sent {
            resource,
            ..Sent::attributes(
                json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}),
            )
        };
        sent.as_span().unwrap().counts
    };
    assert_eq!(
        call(json!({"fanlight.llm.proxied": "true"})),
        Counts::Aggregate
    );
    assert_eq!(call(json!({"service.name": "shop"})), Counts::Own);
}
