//! Telemetry in, and out again.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use fanlight_testkit::Backend;
use http::Response;
use serde_json::{Value, json as value};

use super::*;
use crate::hub::{Hub, post};

/// An attribute in OTLP/JSON.
fn attribute(key: &str, text: &Value) -> Value {
    let typed = match text {
        Value::String(text) => value!({ "stringValue": text }),
        number => value!({ "intValue": number.to_string() }),
    };
    value!({ "key": key, "value": typed })
}

fn attributes(object: &Value) -> Vec<Value> {
    let members = object.as_object().unwrap().iter();
    members.map(|(key, text)| attribute(key, text)).collect()
}

/// A request with a span of its own trace.
fn span(number: u64, attributes_of: &Value, resource: &Value) -> String {
    let start = 1_703_073_600_000_000_000 + number * 1_000_000_000;
    value!({"resourceSpans": [{
        "resource": {"attributes": attributes(resource)},
        "scopeSpans": [{"scope": {"name": "tests"}, "spans": [{
            "traceId": format!("{number:032x}"), "spanId": format!("{number:016x}"), "name": "chat",
            "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 5_000_000).to_string(),
            "attributes": attributes(attributes_of),
        }]}],
    }]})
    .to_string()
}

/// What Claude Code's requests say of it.
fn claude() -> Value {
    value!({"attributes": attributes(&value!({"service.name": "claude-code"}))})
}

/// A log record of Claude Code's.
fn claude_logs() -> String {
    let record = value!({
        "timeUnixNano": "1703073600000000000", "observedTimeUnixNano": "1703073600000000000",
        "severityNumber": 9, "severityText": "INFO", "body": {"stringValue": "User prompt submitted"},
        "attributes": attributes(&value!({"event.name": "claude_code.user_prompt", "session_id": "abc123"})),
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174",
    });
    value!({"resourceLogs": [{"resource": claude(),
        "scopeLogs": [{"scope": {"name": "claude_code", "version": "1.0.0"}, "logRecords": [record]}]}]})
    .to_string()
}

/// A point of its counter of tokens, of which 1 are deltas and 2 count from a start.
fn metric(seconds: u64, number: &Value, model: &str, temporality: u8) -> String {
    let mut point = value!({
        "startTimeUnixNano": "1703073600000000000", "timeUnixNano": format!("{}000000000", 1_703_073_600 + seconds),
        "attributes": attributes(&value!({"type": "input", "model": model})),
    });
    for (key, number) in number.as_object().unwrap() {
        point[key] = number.clone();
    }
    let name = match temporality {
        2 => "claude_code.token.usage",
        _ => "delta.token.usage",
    };
    let sum =
        value!({"dataPoints": [point], "aggregationTemporality": temporality, "isMonotonic": true});
    let metric = value!({"name": name, "description": "Token usage", "unit": "tokens", "sum": sum});
    value!({"resourceMetrics": [{"resource": claude(),
        "scopeMetrics": [{"scope": {"name": "claude_code.metrics"}, "metrics": [metric]}]}]})
    .to_string()
}

/// Scenario: an empty request to the dashboard's port; Claude Code's log record and metric in JSON, the metric as an integer that
/// counts from a start, told again and grown as a double, and as deltas.
/// Guarantee: each is taken at both paths that clients write; lists show them, and tokens are counted once.
#[tokio::test(flavor = "multi_thread")]
async fn a18_a19_logs_and_metrics_of_claude_code() {
    let hub = Hub::start(&[]);
    let content = ["-X", "POST", "-H", "Content-Type: application/json", "-d"];
    let send = |path: &str, body: &str| {
        let url = dashboard(&hub, path);
        let answer = curl(&[&[&*url], &content[..], &[body]].concat());
        assert_eq!(answer, (200, "{}".to_owned()), "{path}");
    };
    send("/v1/traces", r#"{"resourceSpans":[]}"#);
    send("/v1/logs", &claude_logs());
    let model = "claude-sonnet-4-20250514";
    send(
        "/v1/metrics",
        &metric(1, &value!({"asInt": "1500"}), model, 2),
    );
    send(
        "/v1/metrics/v1/metrics",
        &metric(2, &value!({"asInt": "1500"}), model, 2),
    );
    send(
        "/v1/metrics",
        &metric(3, &value!({"asDouble": 1700.0}), model, 2),
    );
    send(
        "/v1/metrics",
        &metric(1, &value!({"asDouble": 30.0}), "delta", 1),
    );
    send(
        "/v1/metrics",
        &metric(2, &value!({"asInt": "12"}), "delta", 1),
    );

    hub.api_until("/api/metrics?limit=50", |answer| answer["total"] == 5);
    let ours = hub.api("/api/logs");
    assert_eq!(ours["logs"][0]["bodyText"], "User prompt submitted");
    let logs = hub.api("/llmflow/api/logs");
    let log = &logs["logs"][0];
    assert_eq!(
        (&logs["total"], &log["event_name"]),
        (&value!(1), &value!("claude_code.user_prompt"))
    );
    assert_eq!(
        (&log["service_name"], &log["timestamp"]),
        (&value!("claude-code"), &value!(1_703_073_600_000_u64))
    );
    let usage = hub.api("/api/metrics/tokens");
    let row = |model: &str, tokens: u64| value!({"service_name": "claude-code", "model": model, "token_type": "input", "total_tokens": tokens});
    assert_eq!(usage["usage"], value!([row(model, 1700), row("delta", 42)]));
    assert_eq!(hub.api("/api/token-usage"), usage["usage"]);
    let points = hub.api("/api/metrics?name=claude_code.token.usage&limit=1");
    assert_eq!(
        (&points["metrics"][0]["value_int"], &points["total"]),
        (&value!(1700), &value!(3))
    );
}

/// Scenario: the same call in the conventions of today and before, OpenLLMetry's, OpenInference's and Vercel's.
/// Guarantee: model, provider, tokens, cost and the question are the same.
#[tokio::test(flavor = "multi_thread")]
async fn a20_one_call_is_the_same_in_every_dialect() {
    let hub = Hub::start(&[]);
    let dialects = [
        value!({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 1200, "gen_ai.usage.output_tokens": 80,
            "gen_ai.input.messages": r#"[{"role":"user","parts":[{"type":"text","content":"Hi"}]}]"#}),
        value!({"gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.prompt_tokens": 1200,
            "gen_ai.usage.completion_tokens": 80, "gen_ai.prompt": r#"[{"role":"user","content":"Hi"}]"#}),
        value!({"llm.request.type": "chat", "gen_ai.system": "OpenAI", "gen_ai.request.model": "gpt-4o",
            "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "Hi",
            "gen_ai.usage.input_tokens": 1200, "gen_ai.usage.output_tokens": 80}),
        value!({"openinference.span.kind": "LLM", "llm.provider": "openai", "llm.model_name": "gpt-4o",
            "llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "Hi",
            "llm.token_count.prompt": 1200, "llm.token_count.completion": 80}),
        value!({"ai.operationId": "ai.generateText.doGenerate", "ai.model.provider": "openai.chat", "ai.model.id": "gpt-4o",
            "ai.prompt.messages": r#"[{"role":"user","content":[{"type":"text","text":"Hi"}]}]"#,
            "ai.usage.promptTokens": 1200, "ai.usage.completionTokens": 80}),
    ];
    for (number, dialect) in (1..).zip(&dialects) {
        let to = hub.address("Dashboard");
        post(
            to,
            "/v1/traces",
            &span(number, dialect, &value!({"service.name": "shop"})),
        );
    }
    let answer = hub.api_until("/api/llm/calls", |answer| {
        answer["calls"].as_array().unwrap().len() == dialects.len()
    });
    for call in answer["calls"].as_array().unwrap() {
        let found = [
            &call["requestModel"],
            &call["provider"],
            &call["inputTokens"],
            &call["outputTokens"],
            &call["cost"],
            &call["inputPreview"],
        ];
        let expected = [
            value!("gpt-4o"),
            value!("openai"),
            value!(1200),
            value!(80),
            value!(0.0038),
            value!("Hi"),
        ];
        assert_eq!(found, expected.each_ref(), "{call}");
    }
}

/// Scenario: three traces of a session, by each attribute that says so, on spans and on the resource.
/// Guarantee: LLMFlow's routes show one session of three traces each, with its traces.
#[tokio::test(flavor = "multi_thread")]
async fn a21_every_attribute_of_a_session_makes_one() {
    let hub = Hub::start(&[]);
    let to = hub.address("Dashboard");
    let keys = [
        "session.id",
        "langsmith.trace.session_id",
        "traceloop.association.properties.session_id",
        "ai.telemetry.metadata.sessionId",
    ];
    let call = value!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 1});
    let mut number = 0;
    for id in 0..=keys.len() {
        for _ in 0..3 {
            number += 1;
            let (mut of_span, mut resource) = (call.clone(), value!({"service.name": "shop"}));
            match keys.get(id) {
                Some(key) => of_span[*key] = value!(format!("s{id}")),
                // As OTEL_RESOURCE_ATTRIBUTES=session.id=... has it.
                None => resource["session.id"] = value!(format!("s{id}")),
            }
            post(to, "/v1/traces", &span(number, &of_span, &resource));
        }
    }
    let sessions = hub.api_until("/api/sessions", |answer| {
        let sessions = answer["sessions"].as_array().unwrap();
        sessions.len() == 5 && sessions.iter().all(|session| session["trace_count"] == 3)
    });
    assert_eq!(sessions["total"], 5);
    for id in 0..=keys.len() {
        let session = hub.api(&format!("/api/sessions/s{id}"));
        assert_eq!(session["traces"].as_array().unwrap().len(), 3, "{session}");
        assert_eq!(session["summary"]["tokens"], 33, "{session}");
    }
}

/// Scenario: LLMFlow's variables name where traces go; a program listens to the WebSocket, and a call goes through the proxy.
/// Guarantee: provider, tokens, session and messages arrive there, and the listener hears of the call all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a26_exports_are_whole_and_live_updates_go_on() {
    let backend = Hub::start(&[]);
    let endpoint = format!("http://{}/v1/traces", backend.otlp());
    let exporting = ("OTLP_EXPORT_ENABLED", "true");
    let setup = Setup::start(&[exporting, ("OTLP_EXPORT_ENDPOINT", &endpoint)]);
    let mut socket = listen(&setup.hub);
    let key = bearer(OPENAI);
    let session = "X-LLMFlow-Session: s-1";
    json(&[
        &setup.proxy("/v1/chat/completions"),
        "-H",
        &key,
        "-H",
        session,
        "-d",
        HELLO,
    ]);
    let answer = backend.api_until("/api/llm/calls", |answer| {
        answer["calls"].as_array().unwrap().len() == 1
    });
    let call = &answer["calls"][0];
    let found = [
        &call["provider"],
        &call["requestModel"],
        &call["sessionId"],
        &call["inputPreview"],
        &call["outputPreview"],
    ];
    let expected = [
        value!("openai"),
        value!("gpt-4o-mini"),
        value!("s-1"),
        value!("Hi"),
        value!(llm::ANSWER),
    ];
    assert_eq!(found, expected.each_ref(), "{call}");
    assert_eq!(
        call["inputTokens"],
        setup.calls("/api/llm/calls", 1)[0]["inputTokens"]
    );
    hears(&mut socket, "new_span");
}

/// Scenario: LLMFlow's variables name Langfuse's address with its header.
/// Guarantee: calls go to that very path, with the header.
#[tokio::test(flavor = "multi_thread")]
async fn a26_a_path_and_a_header_are_used_as_they_are() {
    let key = bearer(OPENAI);
    let langfuse = Backend::http(None, |_| Response::new(fanlight_net::Body::empty()));
    let endpoint = format!("http://{}/api/public/otel/v1/traces", langfuse.address);
    let setup = Setup::start(&[
        ("OTLP_EXPORT_ENABLED", "true"),
        ("OTLP_EXPORT_ENDPOINT", &endpoint),
        (
            "OTLP_EXPORT_HEADERS",
            "Authorization=Basic cGstbGYteDpzay1sZi15",
        ),
    ]);
    json(&[
        &setup.proxy("/v1/chat/completions"),
        "-H",
        &key,
        "-d",
        HELLO,
    ]);
    let begun = std::time::Instant::now();
    while langfuse.requests().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20), "nothing came");
        std::thread::sleep(Duration::from_millis(20));
    }
    let request = &langfuse.requests()[0];
    assert_eq!(request.path, "/api/public/otel/v1/traces");
    assert_eq!(
        request.header("authorization"),
        "Basic cGstbGYteDpzay1sZi15"
    );
}

/// Opens LLMFlow's WebSocket and waits for its greeting.
fn listen(hub: &Hub) -> TcpStream {
    let address = hub.address("Dashboard");
    let mut socket = TcpStream::connect(address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).unwrap();
    hears(&mut socket, "hello");
    socket
}

/// Reads until a text comes.
fn hears(socket: &mut TcpStream, text: &str) {
    let mut heard = Vec::new();
    let mut byte = [0];
    while !heard.ends_with(text.as_bytes()) {
        socket.read_exact(&mut byte).unwrap();
        heard.extend(byte);
    }
}
