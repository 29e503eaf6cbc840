//! What becomes of calls: their spans, and answers in other words.

use serde_json::{Value, json};

use fanlight_otlp::Signal;

use crate::support::{Proxy, STREAM, Upstream, call, chunk, json as whole};

const JSON: &[&str] = &[
    "content-type: application/json",
    "authorization: Bearer sk-secret-1234567890",
];

/// Stops a proxy and returns its spans, each as its name and attributes.
pub(crate) async fn spans(proxy: Proxy) -> Vec<(String, Value)> {
    let Proxy { hub, recorder, .. } = proxy;
    hub.running.stop(std::time::Duration::from_secs(10)).await;
    let batches = recorder.taken();
    let traces = batches
        .iter()
        .filter(|batch| batch.signal() == Signal::Traces);
    let documents = traces.map(|batch| {
        let text = fanlight_otlp::json::to_vec(batch).unwrap();
        assert!(
            !String::from_utf8_lossy(&text).contains("sk-secret"),
            "no key is recorded"
        );
        serde_json::from_slice::<Value>(&text).unwrap()
    });
    let mut found = Vec::new();
    for document in documents {
        for span in document
            .pointer("/resourceSpans/0/scopeSpans/0/spans")
            .unwrap()
            .as_array()
            .unwrap()
        {
            let pairs = span["attributes"].as_array().unwrap().iter();
            let attributes = pairs.map(|pair| {
                let value = pair["value"]
                    .as_object()
                    .unwrap()
                    .values()
                    .next()
                    .unwrap()
                    .clone();
                (pair["key"].as_str().unwrap().to_owned(), value)
            });
            let mut attributes: serde_json::Map<String, Value> = attributes.collect();
            attributes.insert("traceId".to_owned(), span["traceId"].clone());
            found.push((
                span["name"].as_str().unwrap().to_owned(),
                Value::Object(attributes),
            ));
        }
    }
    found
}

/// Answers with nine tokens and two, streamed to who asks for its usage.
async fn openai() -> Upstream {
    Upstream::start(|seen, mut stream| {
        Box::pin(async move {
            use tokio::io::AsyncWriteExt as _;
            let answer = match String::from_utf8_lossy(&seen.body).contains("include_usage") {
                false => whole(r#"{"model":"gpt-4o-mini","choices":[{"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2}}"#).into_bytes(),
                true => [
                    STREAM.as_bytes(),
                    &chunk(b"data: {\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}],\"usage\":null}\n\n"),
                    &chunk(b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n"),
                    b"0\r\n\r\n",
                ]
                .concat(),
            };
            stream.write_all(&answer).await.ok()?;
            Some(stream)
        })
    })
    .await
}

/// Scenario: a call, a stream of which nobody asked the usage, one whose provider can't be reached, two with one trace id.
/// Guarantee: each is a span with its tokens or its error, child of the trace it names; no key is in it.
#[tokio::test]
async fn a4_a8_a14_every_call_is_recorded() {
    let upstream = openai().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let proxy = Proxy::with(&format!(
        "providers: {{openai: {{base_url: 'http://{}/v1'}}, gone: {{base_url: 'http://{nobody}/v1'}}}}",
        upstream.address
    ));
    let trace = "x-trace-id: 0af7651916cd43dd8448eb211c80319c";
    let headers = [
        JSON[0],
        JSON[1],
        trace,
        "x-llmflow-tag: user:alice, env:prod",
    ];
    let body = br#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}"#;
    let stream =
        br#"{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Hello"}]}"#;
    call(proxy.address, "POST /v1/chat/completions", &headers, body).await;
    call(proxy.address, "POST /v1/chat/completions", &headers, stream).await;
    call(
        proxy.address,
        "POST /gone/v1/chat/completions",
        &headers,
        body,
    )
    .await;
    let spans = spans(proxy).await;
    assert_eq!(spans.len(), 3, "{spans:?}");
    for (name, attributes) in &spans {
        assert_eq!(name, "chat gpt-4o-mini");
        assert_eq!(attributes["traceId"], "0af7651916cd43dd8448eb211c80319c");
    }
    for (_, attributes) in &spans[..2] {
        assert_eq!(attributes["gen_ai.usage.input_tokens"], "9");
        assert_eq!(attributes["gen_ai.usage.output_tokens"], "2");
        let tags = &attributes["tag.tags"]["values"];
        assert_eq!(
            *tags,
            json!([{"stringValue": "user:alice"}, {"stringValue": "env:prod"}])
        );
    }
    assert!(spans[2].1.get("error.type").is_some(), "{:?}", spans[2]);
}

/// Scenario: an OpenAI client asks Anthropic, with a tool, whole and streamed.
/// Guarantee: Anthropic gets its own words with the key where it looks, below its configured base; the client gets OpenAI's.
#[tokio::test]
async fn a6_a25_an_openai_client_talks_to_anthropic() {
    let answer = whole(
        r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":2}}"#,
    );
    let mut upstream = Upstream::answering(answer).await;
    let proxy = Proxy::with(&format!(
        "providers: {{anthropic: {{base_url: 'http://{}/gateway'}}}}",
        upstream.address
    ));
    let body = br#"{"model":"claude-sonnet-4","messages":[{"role":"system","content":"Be brief"},{"role":"user","content":"Hello"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]}"#;
    let reply = call(
        proxy.address,
        "POST /anthropic/v1/chat/completions",
        JSON,
        body,
    )
    .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["choices"][0]["message"]["content"], "Hi");
    assert_eq!(reply.json()["object"], "chat.completion");
    let seen = upstream.next().await;
    assert_eq!(seen.line(), "POST /gateway/v1/messages HTTP/1.1");
    assert_eq!(seen.header("x-api-key"), Some("sk-secret-1234567890"));
    assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
    let sent: Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(sent["messages"][0]["role"], "user");
    assert_eq!(sent["tools"][0]["name"], "f");

    let native = br#"{"model":"claude-sonnet-4","max_tokens":9,"messages":[]}"#;
    let reply = call(proxy.address, "POST /anthropic/v1/messages", JSON, native).await;
    assert_eq!(reply.json()["type"], "message", "native bodies pass");
    assert_eq!(upstream.next().await.body, native);
}

/// Scenario: the same as a stream, in pieces of seven bytes.
/// Guarantee: the client gets OpenAI's chunks and their end.
#[tokio::test]
async fn a6_streams_are_translated_as_they_come() {
    let events = [
        r#"{"type":"message_start","message":{"id":"msg_1","model":"claude-sonnet-4","usage":{"input_tokens":9,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let mut text = String::new();
    for event in events {
        let kind = event.split('"').nth(3).unwrap();
        text.push_str(&format!("event: {kind}\ndata: {event}\n\n"));
    }
    let mut answer = STREAM.as_bytes().to_vec();
    text.as_bytes()
        .chunks(7)
        .for_each(|piece| answer.extend(chunk(piece)));
    answer.extend(b"0\r\n\r\n");
    let upstream = Upstream::answering(answer).await;
    let proxy = Proxy::before(upstream.address, "");
    let body = br#"{"model":"claude-sonnet-4","stream":true,"messages":[{"role":"user","content":"Hello"}]}"#;
    let reply = call(
        proxy.address,
        "POST /anthropic/v1/chat/completions",
        JSON,
        body,
    )
    .await;
    let text = reply.text();
    assert!(
        reply.is_whole && text.ends_with("data: [DONE]\n\n"),
        "{text}"
    );
    let mut chunks = text
        .split("\n\n")
        .filter_map(|event| serde_json::from_str::<Value>(event.strip_prefix("data: ")?).ok());
    assert!(
        chunks.any(|chunk| chunk.pointer("/choices/0/delta/content") == Some(&json!("Hi"))),
        "{text}"
    );
    let spans = spans(proxy).await;
    assert_eq!(spans[0].1["gen_ai.usage.input_tokens"], "9");
    assert_eq!(spans[0].1["gen_ai.usage.output_tokens"], "2");
}

/// Scenario: an OpenAI client asks which models Anthropic has, and Anthropic's own client asks the same.
/// Guarantee: the one gets OpenAI's list of all of them, with its key where Anthropic looks; the other what Anthropic says.
#[tokio::test]
async fn lists_of_models_come_in_the_clients_own_words() {
    let answer = r#"{"data":[{"type":"model","id":"claude-sonnet-4","created_at":"2025-05-14T00:00:00Z"}],"has_more":false}"#;
    let mut upstream = Upstream::answering(whole(answer)).await;
    let proxy = Proxy::before(upstream.address, "");
    let line = "GET /anthropic/v1/models";
    let reply = call(proxy.address, line, &JSON[1..], b"").await;
    let model = json!({"id": "claude-sonnet-4", "object": "model", "created": 1_747_180_800, "owned_by": "anthropic"});
    assert_eq!(reply.json(), json!({"object": "list", "data": [model]}));
    let seen = upstream.next().await;
    assert_eq!(seen.line(), "GET /v1/models?limit=1000 HTTP/1.1");
    assert_eq!(seen.header("x-api-key"), Some("sk-secret-1234567890"));
    assert_eq!((seen.header("content-length"), seen.body.len()), (None, 0));
    let own = ["x-api-key: k", "anthropic-version: 2023-06-01"];
    let reply = call(proxy.address, line, &own, b"").await;
    assert_eq!(reply.text(), answer);
    assert_eq!(upstream.next().await.line(), "GET /v1/models HTTP/1.1");
}
