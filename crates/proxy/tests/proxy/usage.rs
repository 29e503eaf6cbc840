//! Streams are asked what they used, and the client sees what it would have seen.

use proptest::prelude::*;
use tokio::io::AsyncWriteExt as _;

use crate::support::{Proxy, STREAM, Upstream, call, chunk};

const JSON: &[&str] = &["content-type: application/json"];

/// A strict upstream: who asks for the usage gets it as OpenAI sends it, in pieces of this size.
async fn openai(size: usize) -> Upstream {
    Upstream::start(move |seen, mut stream| {
        Box::pin(async move {
            let request: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
            let asked = request["stream_options"]["include_usage"] == true;
            let null = if asked { r#","usage":null"# } else { "" };
            let mut text = String::new();
            for word in ["Hel", "lo", " \\\"usage\\\":null"] {
                text.push_str(&format!("data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{word}\"}}}}]{null}}}\n\n"));
            }
            if asked {
                text.push_str("data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}\n\n");
            }
            text.push_str("data: [DONE]\n\n");
            stream.write_all(STREAM.as_bytes()).await.ok()?;
            for piece in text.as_bytes().chunks(size) {
                stream.write_all(&chunk(piece)).await.ok()?;
            }
            stream.write_all(b"0\r\n\r\n").await.ok()?;
            Some(stream)
        })
    })
    .await
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Scenario: a client streams without asking for the usage, from an upstream that sends pieces of any size.
    /// Guarantee: the upstream was asked; the client's bytes are those of a client that did not ask.
    #[test]
    fn a4_streams_are_asked_and_the_client_sees_nothing_of_it(size in 1_usize..400) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut upstream = openai(size).await;
            let body = br#"{"model":"gpt-4o","stream":true}"#;
            let direct = call_once(&upstream, body).await;
            drop(upstream.next().await);
            let proxy = Proxy::before(upstream.address, "");
            let through = call(proxy.address, "POST /v1/chat/completions", JSON, body).await;
            assert_eq!(through.text(), direct);
            let seen = upstream.next().await;
            let sent = String::from_utf8(seen.body).unwrap();
            assert_eq!(sent, r#"{"stream_options":{"include_usage":true},"model":"gpt-4o","stream":true}"#);
        });
    }
}

/// What a direct call gets.
async fn call_once(upstream: &Upstream, body: &[u8]) -> String {
    use tokio::io::AsyncReadExt as _;
    let mut stream = tokio::net::TcpStream::connect(upstream.address)
        .await
        .unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(&[head.as_bytes(), body].concat())
        .await
        .unwrap();
    let (_, mut read) = crate::support::read_head(&mut stream, Vec::new())
        .await
        .unwrap();
    loop {
        if let Some(whole) = crate::support::unchunked(&read) {
            return String::from_utf8(whole).unwrap();
        }
        stream.read_buf(&mut read).await.unwrap();
    }
}

/// Scenario: a client asks for the usage itself; a client that is not to be helped; a request that streams nothing.
/// Guarantee: neither request nor answer is touched.
#[tokio::test]
async fn who_asks_by_himself_gets_what_he_asked_for() {
    let mut upstream = openai(50).await;
    let proxy = Proxy::before(upstream.address, "");
    let body = br#"{"stream":true,"stream_options":{"include_usage":true}}"#;
    let reply = call(proxy.address, "POST /v1/chat/completions", JSON, body).await;
    assert_eq!(upstream.next().await.body, body);
    assert!(
        reply.text().contains("\"completion_tokens\":3")
            && reply.text().contains(r#","usage":null"#)
    );

    let proxy = Proxy::before(upstream.address, "inject_usage: false");
    for body in [&br#"{"stream":true}"#[..], br#"{"stream":false}"#] {
        call(proxy.address, "POST /v1/chat/completions", JSON, body).await;
        assert_eq!(upstream.next().await.body, body);
    }
}
