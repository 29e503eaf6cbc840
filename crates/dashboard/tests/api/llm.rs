//! `/api/llm/...`.

use axum::Router;
use axum::http::{Method, StatusCode};
use serde_json::{Value as Json, json};

use crate::support::{dashboard, get, send_body};

/// A span of a call in OTLP/JSON; `more` has further attributes, as text.
pub(crate) fn span(trace: u8, model: &str, more: Json) -> Json {
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let number =
        |key: &str, value: u64| json!({ "key": key, "value": { "intValue": value.to_string() } });
    let mut attributes = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", "openai"),
        text("gen_ai.request.model", model),
        text(
            "gen_ai.input.messages",
            "[{\"role\":\"user\",\"content\":\"Hi\"}]",
        ),
        text(
            "gen_ai.output.messages",
            "[{\"role\":\"assistant\",\"content\":\"Hello\"}]",
        ),
        number("gen_ai.usage.input_tokens", 1200),
        number("gen_ai.usage.output_tokens", 80),
        number("gen_ai.usage.cache_read.input_tokens", 1000),
    ];
    let more = more.as_object().cloned().unwrap_or_default();
    attributes.extend(
        more.iter()
            .map(|(key, value)| text(key, value.as_str().unwrap())),
    );
    let start = 1_700_000_000_000_000_000 + u64::from(trace) * 1_000_000_000;
    json!({
        "traceId": format!("{trace:02x}").repeat(16), "spanId": format!("{trace:02x}").repeat(8), "name": "chat",
        "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 250_000_000).to_string(),
        "attributes": attributes,
    })
}

/// Stores spans, given as the text of a JSON array.
pub(crate) async fn import(app: &Router, spans: &str) {
    let service = json!({ "key": "service.name", "value": { "stringValue": "shop" } });
    let body = format!(
        "{{\"resourceSpans\":[{{\"resource\":{{\"attributes\":[{service}]}},\"scopeSpans\":[{{\"scope\":{{\"name\":\"t\"}},\"spans\":{spans}}}]}}]}}"
    );
    let (status, answer) =
        send_body(app, Method::POST, "/api/import", "application/json", body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

/// A dashboard with three calls in two sessions.
pub(crate) async fn with_calls() -> (tempfile::TempDir, Router) {
    let (directory, _store, app) = dashboard();
    let spans = json!([
        span(1, "gpt-4o", json!({"session.id": "a", "user.id": "ann"})),
        span(2, "gpt-4o-mini", json!({"session.id": "a"})),
        span(
            3,
            "nobody-knows-it",
            json!({"session.id": "b", "gen_ai.agent.name": "planner"})
        ),
    ]);
    import(&app, &spans.to_string()).await;
    (directory, app)
}

/// Three calls are asked for, by filters and one by one.
/// The answers have the agreed names and types.
#[tokio::test]
async fn calls_are_answered_as_agreed() {
    let (_directory, app) = with_calls().await;
    let (_, calls) = get(
        &app,
        "/api/llm/calls?model=gpt-4o&minCost=0.001&minDurationMs=100",
    )
    .await;
    let trace = "01".repeat(16);
    let call = json!({
        "traceId": trace, "spanId": "01".repeat(8), "parentSpanId": null, "name": "chat", "service": "shop",
        "kind": "llm", "counts": "own", "operation": "chat", "provider": "openai", "requestModel": "gpt-4o",
        "responseModel": null, "startNano": "1700000001000000000", "durationNano": "250000000",
        "timeToFirstChunkNano": null, "streaming": null, "inputTokens": 1200, "outputTokens": 80,
        "cacheReadTokens": 1000, "cacheWriteTokens": 0, "reasoningTokens": 0, "cost": 0.00255, "costSource": "list",
        "status": "ok", "errorType": null, "finishReasons": [], "sessionId": "a", "conversationId": null,
        "userId": "ann", "tags": [], "agent": null, "inputPreview": "Hi", "outputPreview": "Hello", "toolCalls": 0,
        "fromLog": false
    });
    assert_eq!(calls, json!({ "calls": [call], "nextCursor": null }));
    let (_, one) = get(&app, &format!("/api/llm/calls/{trace}/{}", "01".repeat(8))).await;
    assert_eq!(one["call"], call);
    assert_eq!(
        one["detail"]["inputMessages"][0]["parts"][0],
        json!({ "type": "text", "content": "Hi" })
    );
    assert_eq!(
        (&one["cost"]["cacheRead"], &one["cost"]["other"]),
        (&json!(0.00125), &json!(0.0))
    );
    assert_eq!(one["exchange"], Json::Null);
}

/// Three calls are summed up by what they have in common.
/// Facets, costs, sessions, agents and graphs have the agreed names and types.
#[tokio::test]
async fn what_calls_have_in_common_is_answered_as_agreed() {
    let (_directory, app) = with_calls().await;
    let trace = "01".repeat(16);
    let (_, facets) = get(&app, "/api/llm/facets?provider=openai").await;
    assert_eq!(
        facets["sessions"],
        json!([{ "value": "a", "count": 2 }, { "value": "b", "count": 1 }])
    );
    let (_, cost) = get(&app, "/api/llm/cost?by=session&bins=2").await;
    assert_eq!(
        (&cost["totals"]["calls"], &cost["totals"]["unpricedCalls"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(
        (
            &cost["groups"][0]["value"],
            &cost["groups"][0]["p50Nano"].is_string()
        ),
        (&json!("a"), &true)
    );
    assert_eq!(cost["topPrompts"][0]["count"], 3);
    let (_, sessions) = get(&app, "/api/llm/sessions?user=ann").await;
    let session = &sessions["sessions"][0];
    assert_eq!(
        (&session["id"], &session["kind"], &session["calls"]),
        (&json!("a"), &json!("session"), &json!(2))
    );
    let (_, session) = get(&app, "/api/llm/sessions/a").await;
    assert_eq!(session["turns"].as_array().unwrap().len(), 2);
    assert_eq!(
        session["turns"][0]["outputMessages"][0]["role"],
        "assistant"
    );
    let (_, agents) = get(&app, "/api/llm/agents").await;
    assert_eq!(
        (&agents["agents"][0]["name"], &agents["agents"][0]["cost"]),
        (&json!("planner"), &Json::Null)
    );
    let (_, graph) = get(&app, &format!("/api/llm/graph?trace={trace}")).await;
    assert_eq!(graph["nodes"][0]["id"], "llm:gpt-4o");
    let (_, graph) = get(&app, "/api/llm/graph?agent=planner").await;
    assert_eq!(graph["nodes"][0]["count"], 1);
}

/// What does not exist is asked for, and questions that can't be understood.
/// Each is answered with what is wrong.
#[tokio::test]
async fn wrong_questions_are_told_what_is_wrong() {
    let (_directory, app) = with_calls().await;
    let missing = format!("/api/llm/calls/{}/{}", "09".repeat(16), "09".repeat(8));
    for (path, expected, text) in [
        (&*missing, StatusCode::NOT_FOUND, "there is no call"),
        (
            "/api/llm/calls/xyz/1",
            StatusCode::BAD_REQUEST,
            "is not a trace id",
        ),
        ("/api/llm/calls?kind=lm", StatusCode::BAD_REQUEST, "kind"),
        ("/api/llm/calls?sort=price", StatusCode::BAD_REQUEST, "sort"),
        (
            "/api/llm/calls?modle=x",
            StatusCode::BAD_REQUEST,
            "unknown parameter",
        ),
        (
            "/api/llm/sessions/c",
            StatusCode::NOT_FOUND,
            "there is no session",
        ),
        (
            "/api/llm/graph",
            StatusCode::BAD_REQUEST,
            "of a trace or of an agent",
        ),
    ] {
        let (status, error) = get(&app, path).await;
        assert_eq!(status, expected, "{path}: {error}");
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains(text), "{path}: {message}");
    }
    let (status, calls) = get(&app, "/api/llm/calls?kind=tool").await;
    assert_eq!((status, &calls["calls"]), (StatusCode::OK, &json!([])));
}
