//! LLMFlow's API, as scripts use it. Names of tests begin with the case's number in the list of docs/llm-proxy.md.

mod lists;

use std::net::SocketAddr;

use axum::http::{Method, StatusCode};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::llm::{import, span, with_calls};
use crate::support::{body, dashboard, get, send, send_body};

/// Calls are exported as an array and as lines, all and by model and time.
/// Each has LLMFlow's names.
#[tokio::test]
async fn a27_calls_are_exported_as_llmflow_names_them() {
    let (_directory, app) = with_calls().await;
    let (_, all) = get(&app, "/api/traces/export?limit=1000").await;
    assert_eq!(all.as_array().unwrap().len(), 3);
    assert_eq!(
        (&all[0]["model"], &all[0]["estimated_cost"]),
        (&json!("nobody-knows-it"), &Json::Null)
    );
    let first = &all[2];
    let shown = [
        &first["timestamp"],
        &first["duration_ms"],
        &first["prompt_tokens"],
        &first["completion_tokens"],
        &first["total_tokens"],
        &first["estimated_cost"],
        &first["status"],
        &first["session_id"],
    ];
    let expected = [
        json!(1_700_000_001_000_u64),
        json!(250),
        json!(1200),
        json!(80),
        json!(1280),
        json!(0.00255),
        json!(200),
        json!("a"),
    ];
    assert_eq!(shown, expected.each_ref());
    for (query, models) in [
        ("model=gpt-4o", vec!["gpt-4o"]),
        ("limit=1", vec!["nobody-knows-it"]),
        (
            "date_from=1700000002000&date_to=1700000003000",
            vec!["gpt-4o-mini"],
        ),
        (
            "date_from=2023-11-14&date_to=2023-11-14T22:13:22Z&unknown=x",
            vec!["gpt-4o"],
        ),
        ("date_from=2030-01-01", vec![]),
    ] {
        let (_, found) = get(&app, &format!("/api/traces/export?{query}")).await;
        let found: Vec<&str> = (found.as_array().unwrap().iter())
            .map(|row| row["model"].as_str().unwrap())
            .collect();
        assert_eq!(found, models, "{query}");
    }
    let lines = send(&app, Method::GET, "/api/traces/export?format=jsonl", &[]).await;
    assert_eq!(lines.headers()["content-type"], "application/x-ndjson");
    let lines = body(lines).await;
    let lines = std::str::from_utf8(&lines).unwrap().lines();
    let lines: Vec<Json> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(Json::Array(lines), all);
    for query in ["format=csv", "date_from=yesterday"] {
        let (status, _) = get(&app, &format!("/api/traces/export?{query}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
    }
}

/// Sums, models, tokens, sessions and providers are asked for.
/// They are of the calls, and nothing in them is made up.
#[tokio::test]
async fn a21_a28_sums_sessions_and_providers_are_those_of_the_calls() {
    let (_directory, app) = with_calls().await;
    let (_, stats) = get(&app, "/api/stats").await;
    assert_eq!(
        [
            &stats["total_requests"],
            &stats["total_tokens"],
            &stats["avg_duration"],
            &stats["unpriced_requests"]
        ],
        [&json!(3), &json!(3840), &json!(250), &json!(1)]
    );
    let (_, models) = get(&app, "/api/models").await;
    assert_eq!(
        [
            &models[0]["model"],
            &models[0]["prompt_tokens"],
            &models[0]["total_cost"],
            &models[0]["avg_latency"]
        ],
        [&json!("gpt-4o"), &json!(1200), &json!(0.00255), &json!(250)]
    );
    let (_, sessions) = get(&app, "/api/sessions?limit=1&offset=1").await;
    assert_eq!(sessions["total"], 2);
    let session = &sessions["sessions"][0];
    assert_eq!(
        (&session["session_id"], &session["trace_count"]),
        (&json!("a"), &json!(2))
    );
    let (_, session) = get(&app, "/api/sessions/a").await;
    assert_eq!(session["traces"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&session["summary"]["tokens"], &session["summary"]["errors"]),
        (&json!(2560), &json!(0))
    );
    assert_eq!(get(&app, "/api/sessions/c").await.0, StatusCode::NOT_FOUND);
    let (_, health) = get(&app, "/api/health/providers").await;
    assert_eq!(health["summary"], "1/1 providers healthy");
    assert_eq!(health["providers"]["openai"]["latency_ms"], 250);
    assert_eq!(health["providers"]["ollama"]["status"], "unconfigured");
}

/// The SDK posts a tree of spans, whose ids are no hexadecimal digits.
/// They are one trace with the ids that the proxy makes of the same names, and the call in it counts.
#[tokio::test]
async fn a29_spans_of_the_sdk_are_stored_as_a_trace() {
    let (_directory, _store, app) = dashboard();
    let tree = json!({
        "id": "root-1", "trace_id": "my-trace", "span_type": "agent", "span_name": "planner", "service_name": "bot",
        "start_time": 1_700_000_000_000_u64, "duration_ms": 500, "session_id": "s",
        "children": [
            {"id": "call-1", "span_type": "llm", "span_name": "chat", "provider": "openai", "model": "gpt-4o",
             "prompt_tokens": 1000, "completion_tokens": 100, "start_time": 1_700_000_000_100_u64, "end_time": 1_700_000_000_300_u64,
             "input": [{"role": "user", "content": "Hi"}], "output": "Hello", "tags": ["a"]},
            {"id": "tool-1", "span_type": "tool", "span_name": "search", "start_time": 1_700_000_000_350_u64, "duration_ms": 10,
             "status": 500, "error": {"message": "no connection"}},
        ],
    });
    let (status, answer) = send_body(
        &app,
        Method::POST,
        "/api/spans",
        "application/json",
        tree.to_string(),
    )
    .await;
    assert_eq!(
        (status, answer),
        (
            StatusCode::CREATED,
            json!({"id": "root-1", "trace_id": "my-trace"})
        )
    );
    let trace = fanlight_otlp::TraceId::of_text("my-trace").to_string();
    let (_, found) = get(&app, &format!("/api/traces/{trace}")).await;
    assert_eq!(found["spans"].as_array().unwrap().len(), 3);
    let root = fanlight_otlp::SpanId::of_text("root-1").to_string();
    assert_eq!(
        (
            &found["spans"][1]["parentSpanId"],
            &found["spans"][2]["status"]["message"]
        ),
        (&json!(root), &json!("no connection"))
    );
    let (_, calls) = get(&app, "/api/llm/calls").await;
    let call = &calls["calls"][0];
    assert_eq!(
        [&call["requestModel"], &call["cost"], &call["service"]],
        [&json!("gpt-4o"), &json!(0.0035), &json!("bot")]
    );
    let (_, agents) = get(&app, "/api/llm/agents").await;
    let agent = &agents["agents"][0];
    assert_eq!(
        [&agent["name"], &agent["calls"], &agent["toolCalls"]],
        [&json!("planner"), &json!(1), &json!(1)]
    );
    let (status, _) = send_body(&app, Method::POST, "/api/spans", "text/plain", "{}").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

/// What a WebSocket's server sends in one frame.
async fn frame(socket: &mut TcpStream) -> Json {
    let mut head = [0; 2];
    socket.read_exact(&mut head).await.unwrap();
    assert_eq!(head[0], 0x81, "no text");
    let length = match head[1] {
        126 => usize::from(socket.read_u16().await.unwrap()),
        length => usize::from(length),
    };
    let mut text = vec![0; length];
    socket.read_exact(&mut text).await.unwrap();
    serde_json::from_slice(&text).unwrap()
}

async fn shake_hands(address: SocketAddr, origin: &str) -> (TcpStream, String) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: localhost:{}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{origin}\r\n",
        address.port()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    (socket, String::from_utf8(head).unwrap())
}

/// A program listens on the WebSocket while a call arrives; a page of another site tries to.
/// The program hears `hello`, then `new_span`; the page is refused.
#[tokio::test]
async fn a28_listeners_hear_hello_and_then_each_call() {
    let (_directory, _store, app) = dashboard();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = app.clone();
    tokio::spawn(async move { axum::serve(listener, served).await });
    let (_, head) = shake_hands(address, "Origin: https://evil.example\r\n").await;
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
    let (mut socket, head) = shake_hands(address, "").await;
    assert!(
        head.starts_with("HTTP/1.1 101") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        "{head}"
    );
    assert_eq!(frame(&mut socket).await["type"], "hello");
    import(&app, &json!([span(1, "gpt-4o", json!({}))]).to_string()).await;
    let told = frame(&mut socket).await;
    assert_eq!(
        (&told["type"], &told["payload"]["model"]),
        (&json!("new_span"), &json!("gpt-4o"))
    );
}
