//! Calls through the proxy.

use serde_json::{Value, json as value};

use super::*;
use crate::hub::Hub;

const MESSAGE: &str = r#"{"model":"claude-sonnet-4-20250514","max_tokens":100,"messages":[{"role":"user","content":"Say hello"}]}"#;

/// Scenario: curl names the provider in a header and says no content type; tags stand in a header, of a call and of a stream.
/// Guarantee: the provider gets the call as JSON; both have their tags, and are found by a whole tag and by nothing less.
#[tokio::test(flavor = "multi_thread")]
async fn a7_a8_headers_name_the_provider_and_tags() {
    let setup = Setup::start(&[]);
    let url = setup.proxy("/v1/chat/completions");
    let key = bearer(OPENAI);
    let asked = r#"{"model":"llama-3.1-8b-instant","messages":[{"role":"user","content":"Hi"}]}"#;
    json(&[
        &url,
        "-H",
        "X-LLMFlow-Provider: groq",
        "-H",
        &key,
        "-d",
        asked,
    ]);
    let seen = setup.providers.take_seen();
    assert_eq!(seen[0].path, "/openai/v1/chat/completions");
    assert_eq!(seen[0].headers["content-type"], "application/json");

    let tags = "X-LLMFlow-Tag: user:alice, env:prod";
    json(&[&url, "-H", tags, "-H", &key, "-d", HELLO]);
    let stream = HELLO.replacen('{', r#"{"stream":true,"#, 1);
    let (status, events) = curl(&[&url, "-H", tags, "-H", &key, "-d", &stream]);
    assert_eq!(status, 200, "{events}");
    assert!(events.ends_with("data: [DONE]\n\n"), "{events}");
    let calls = setup.calls("/api/llm/calls?tag=env:prod", 2);
    for (call, streaming) in calls.iter().zip([false, true]) {
        assert_eq!(call["tags"], value!(["user:alice", "env:prod"]));
        assert_eq!(call["streaming"].as_bool().unwrap_or(false), streaming);
        assert!(call["inputTokens"].as_u64().unwrap() > 0, "{call}");
    }
    assert_eq!(
        setup.hub.api("/api/llm/calls?tag=env:pro")["calls"],
        value!([])
    );
}

/// Scenario: Helicone stands between, by the hub's environment, by the route for it, and by a header.
/// Guarantee: each time it gets its own key beside the provider's; a header can't name a host that nobody allowed.
#[tokio::test(flavor = "multi_thread")]
async fn a9_helicone_stands_between() {
    let headers = r#"{"Helicone-Auth": "Bearer sk-helicone-xxx"}"#;
    let setup = Setup::start(&[("OPENAI_DEFAULT_HEADERS", headers)]);
    let key = bearer(OPENAI);
    json(&[
        &setup.proxy("/v1/chat/completions"),
        "-H",
        &key,
        "-d",
        HELLO,
    ]);
    let seen = setup.providers.take_seen();
    assert_eq!(seen[0].headers["helicone-auth"], "Bearer sk-helicone-xxx");
    assert_eq!(seen[0].headers["authorization"], format!("Bearer {OPENAI}"));

    let helicone = &setup.providers;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hub.yaml");
    let yaml = format!(
        "llm: {{forward_hosts: ['127.0.0.1'], providers: {{helicone: {{base_url: '{}'}}, openai: {{base_url: 'http://127.0.0.1:1/v1'}}}}}}\n",
        helicone.url("/v1")
    );
    std::fs::write(&file, yaml).unwrap();
    let arguments = [&["--config", file.to_str().unwrap()], &FREE[..]].concat();
    let hub = Hub::start_in(directory, &arguments, &[]);
    let proxy = format!("http://localhost:{}", hub.address("LLM proxy").port());
    let auth = ["-H", &*key, "-H", "Helicone-Auth: Bearer sk-helicone-xxx"];
    let route = format!("{proxy}/passthrough/helicone/v1/chat/completions");
    let plain = format!("{proxy}/v1/chat/completions");
    let forward = format!("X-LLMFlow-Forward-URL: {}", helicone.url("/v1"));
    json(&[&[&*route, "-d", HELLO], &auth[..]].concat());
    json(&[&[&*plain, "-d", HELLO, "-H", &forward], &auth[..]].concat());
    for seen in helicone.take_seen() {
        assert_eq!(seen.path, "/v1/chat/completions");
        assert_eq!(seen.headers["helicone-auth"], "Bearer sk-helicone-xxx");
    }
    for host in ["https://attacker.example/v1", "http://169.254.169.254/v1"] {
        let forward = format!("X-LLMFlow-Forward-URL: {host}");
        let (status, _) = curl(&[&[&*plain, "-d", HELLO, "-H", &forward], &auth[..]].concat());
        assert_eq!(status, 403, "{host}");
    }
}

/// Scenario: Anthropic is asked in its own words, with its key in either header, with a query, and on the route that translates,
/// by the header that says not to.
/// Guarantee: Anthropic gets path, query, version and key; the answer is its own; cached tokens are recorded.
#[tokio::test(flavor = "multi_thread")]
async fn a11_a13_anthropic_is_asked_in_its_own_words() {
    let setup = Setup::start(&[]);
    let native = setup.proxy("/passthrough/anthropic/v1/messages");
    let with_query = format!("{native}?beta=true");
    let translating = setup.proxy("/anthropic/v1/messages");
    let key = format!("x-api-key: {ANTHROPIC}");
    let token = bearer(ANTHROPIC);
    let common = [
        "-X",
        "POST",
        "-H",
        "Content-Type: application/json",
        "-H",
        "anthropic-version: 2023-06-01",
        "-d",
        MESSAGE,
    ];
    for (url, header, more) in [
        (&native, &key, "Accept: application/json"),
        (&native, &token, "Accept: application/json"),
        (&with_query, &key, "Accept: application/json"),
        (&translating, &key, "X-LLMFlow-Passthrough: true"),
    ] {
        let answer = json(&[&[&**url, "-H", header, "-H", more], &common[..]].concat());
        assert_eq!(answer["type"], "message", "{answer}");
    }
    let seen = setup.providers.take_seen();
    let paths: Vec<&str> = seen.iter().map(|seen| &*seen.path).collect();
    let plain = "/v1/messages";
    assert_eq!(paths, [plain, plain, "/v1/messages?beta=true", plain]);
    for seen in &seen {
        assert_eq!(seen.headers["x-api-key"], ANTHROPIC);
        assert_eq!(seen.headers["anthropic-version"], "2023-06-01");
    }
    for call in setup.calls("/api/llm/calls", 4) {
        assert_eq!(
            (&call["inputTokens"], &call["cacheReadTokens"]),
            (&value!(25 + 2048 + 512), &value!(2048)),
            "{call}"
        );
    }
}

/// Scenario: Codex is given the base URL of LLMFlow's guide, which lacks `/v1`, and one that has it.
/// Guarantee: OpenAI is asked at its own paths, and the calls count.
#[tokio::test(flavor = "multi_thread")]
async fn a23_a_base_url_may_lack_its_version() {
    let setup = Setup::start(&[]);
    let key = bearer(OPENAI);
    let asked = r#"{"model":"gpt-4o-mini","input":"Hi"}"#;
    for base in ["/passthrough/openai", "/passthrough/openai/v1"] {
        let url = setup.proxy(&format!("{base}/responses"));
        json(&[&url, "-H", &key, "-d", asked]);
    }
    let seen = setup.providers.take_seen();
    assert!(seen.iter().all(|seen| seen.path == "/v1/responses"));
    for call in setup.calls("/api/llm/calls", 2) {
        assert_eq!(call["inputTokens"], 50, "{call}");
    }
}

/// Scenario: a program posts a span of LLMFlow's SDK with its children, then calls through the proxy within it, twice by name
/// and once as a stream; another hub is the destination.
/// Guarantee: all are one trace, nested, here and at the destination.
#[tokio::test(flavor = "multi_thread")]
async fn a29_calls_nest_under_spans_of_the_sdk() {
    let backend = Hub::start(&[]);
    let endpoint = format!("http://{}/v1/traces", backend.otlp());
    let setup = Setup::start(&[
        ("OTLP_EXPORT_ENABLED", "true"),
        ("OTLP_EXPORT_ENDPOINT", &endpoint),
    ]);
    let tree = r#"{"id":"root-1","trace_id":"my-trace","span_type":"agent","span_name":"planner","service_name":"bot",
        "children":[{"id":"tool-1","span_type":"tool","span_name":"search","duration_ms":10}]}"#;
    let content = ["-H", "Content-Type: application/json"];
    let (status, answer) =
        curl(&[&[&*setup.dashboard("/api/spans"), "-d", tree], &content[..]].concat());
    assert_eq!(status, 201, "{answer}");
    let key = bearer(OPENAI);
    let stream = HELLO.replacen('{', r#"{"stream":true,"#, 1);
    let url = setup.proxy("/v1/chat/completions");
    for body in [HELLO, HELLO, &stream] {
        let ids = ["-H", "x-trace-id: my-trace", "-H", "x-parent-id: root-1"];
        let (status, answer) = curl(&[&[&*url, "-H", &key, "-d", body], &ids[..]].concat());
        assert_eq!(status, 200, "{answer}");
    }
    let trace = fanlight_otlp::TraceId::of_text("my-trace").to_string();
    let path = format!("/api/traces/{trace}/tree");
    for hub in [&setup.hub, &backend] {
        hub.api_until("/api/status", |status| status["counts"]["spans"] == 5);
        let tree = hub.api(&path);
        assert_eq!(tree["trace"]["span_count"], 5, "{tree}");
        let root = &tree["spans"][0];
        assert_eq!(root["span_name"], "planner", "{tree}");
        let children: Vec<&str> = (root["children"].as_array().unwrap().iter())
            .map(|child| child["span_name"].as_str().unwrap())
            .collect();
        let chats = children.iter().filter(|name| **name == "chat gpt-4o-mini");
        assert_eq!((children.len(), chats.count()), (4, 3), "{children:?}");
    }
    let root = fanlight_otlp::SpanId::of_text("root-1").to_string();
    let one: Value = setup.hub.api(&format!("/api/traces/{root}"));
    assert_eq!(one["trace"]["span_name"], "planner", "{one}");
}
