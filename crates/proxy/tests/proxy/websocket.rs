//! Realtime interfaces.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::recorded::spans;
use crate::support::{Proxy, Upstream, call, read_head};

const UPGRADE: &str = "GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: realtime\r\nauthorization: Bearer k\r\n\r\n";

/// Scenario: a client upgrades to a WebSocket; bytes go to and fro; the client hangs up.
/// Guarantee: the upstream gets the upgrade with path and key, bytes pass both ways at once, and the end is passed on.
#[tokio::test]
async fn a_websocket_goes_through() {
    let mut upstream = Upstream::start(|_, mut stream| {
        Box::pin(async move {
            let head = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
                sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nsec-websocket-protocol: realtime\r\n\r\nhello";
            stream.write_all(head.as_bytes()).await.ok()?;
            let (mut read, mut write) = stream.split();
            tokio::io::copy(&mut read, &mut write).await.ok()?;
            None
        })
    })
    .await;
    let proxy = Proxy::before(upstream.address, "");
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    client.write_all(UPGRADE.as_bytes()).await.unwrap();
    let (head, mut read) = read_head(&mut client, Vec::new()).await.unwrap();
    let head = head.to_lowercase();
    assert!(head.starts_with("http/1.1 101"), "{head}");
    assert!(
        head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
        "{head}"
    );
    let seen = upstream.next().await;
    assert_eq!(seen.line(), "GET /v1/realtime?model=gpt-realtime HTTP/1.1");
    assert_eq!(seen.header("authorization"), Some("Bearer k"));
    assert_eq!(seen.header("sec-websocket-protocol"), Some("realtime"));
    client.write_all(b"\x81\x02\xff\x00").await.unwrap();
    while read.len() < 9 {
        client.read_buf(&mut read).await.unwrap();
    }
    assert_eq!(read, b"hello\x81\x02\xff\x00");
    client.shutdown().await.unwrap();
    assert_eq!(client.read_to_end(&mut read).await.unwrap(), 0);
}

/// A message of text as servers send it.
fn message(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81, 126];
    let text = format!("{text:<126}");
    frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    frame.extend(text.as_bytes());
    frame
}

/// Scenario: a realtime session answers twice, in sound, and says what each answer used.
/// Guarantee: the client gets every byte, and the session is one call with the tokens and the words of both answers.
#[tokio::test]
async fn a_realtime_session_is_recorded_with_its_tokens() {
    let done = |words: &str, read: u64, written: u64| {
        let response = json!({"object": "realtime.response", "id": "resp_1", "status": "completed",
            "output": [{"id": "i", "type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": words}]}],
            "usage": {"total_tokens": read + written, "input_tokens": read, "output_tokens": written,
                "input_token_details": {"text_tokens": read, "audio_tokens": 0, "cached_tokens": 0}, "output_token_details": {"text_tokens": written}}});
        message(&format!(
            r#"{{"type":"response.done","event_id":"e","response":{response}}}"#
        ))
    };
    let said = [
        message(&json!({"type": "session.created", "event_id": "e", "session": {"type": "realtime", "model": "gpt-realtime-2025-08-28"}}).to_string()),
        message(&json!({"type": "response.output_audio.delta", "delta": "A".repeat(60_000)}).to_string()),
        done("Hello.", 100, 10),
        vec![0x89, 0],
        done("Goodbye.", 300, 20),
        vec![0x88, 2, 0x03, 0xe8],
    ]
    .concat();
    let sent = said.clone();
    let upstream = Upstream::start(move |_, mut stream| {
        let sent = sent.clone();
        Box::pin(async move {
            let head = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n";
            stream.write_all(head.as_bytes()).await.ok()?;
            stream.write_all(&sent).await.ok()?;
            None
        })
    })
    .await;
    let proxy = Proxy::before(upstream.address, "");
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    client.write_all(UPGRADE.as_bytes()).await.unwrap();
    let (_, mut read) = read_head(&mut client, Vec::new()).await.unwrap();
    while read.len() < said.len() {
        assert!(client.read_buf(&mut read).await.unwrap() > 0);
    }
    assert!(read == said, "every byte arrives");
    drop(client);
    let spans = ended(proxy).await;
    let (name, attributes) = &spans[0];
    assert_eq!(name, "chat gpt-realtime");
    assert_eq!(
        attributes["gen_ai.response.model"],
        "gpt-realtime-2025-08-28"
    );
    assert_eq!(attributes["gen_ai.usage.input_tokens"], "400");
    assert_eq!(attributes["gen_ai.usage.output_tokens"], "30");
    assert_eq!(
        attributes["http.response.body.size"],
        said.len().to_string()
    );
    let output = attributes["gen_ai.output.messages"].as_str().unwrap();
    assert!(
        output.contains("Hello.") && output.contains("Goodbye."),
        "{output}"
    );
}

/// The proxy's spans once a socket has ended: its end is nobody's request, so stopping does not wait for it.
async fn ended(proxy: Proxy) -> Vec<(String, serde_json::Value)> {
    for _ in 0..200 {
        let taken = proxy.recorder.taken();
        if taken
            .iter()
            .any(|batch| batch.signal() == fanlight_otlp::Signal::Traces)
        {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    spans(proxy).await
}

/// Scenario: the upstream refuses to upgrade.
/// Guarantee: the client gets its refusal.
#[tokio::test]
async fn a_refusal_to_upgrade_arrives() {
    let answer = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 4\r\n\r\nnope";
    let upstream = Upstream::answering(answer).await;
    let proxy = Proxy::before(upstream.address, "");
    let headers = ["upgrade: websocket", "sec-websocket-version: 13"];
    let reply = call(proxy.address, "GET /v1/realtime", &headers, b"").await;
    assert_eq!((reply.status, reply.text().as_str()), (401, "nope"));
}
