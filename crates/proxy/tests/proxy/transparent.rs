//! What goes through comes out as it went in.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::support::{Proxy, STREAM, Upstream, call, chunk, json, read_head, reply, unchunked};

/// Scenario: answers of every shape, asked for directly and through the proxy.
/// Guarantee: status, end-to-end headers and body bytes are the same.
#[tokio::test]
async fn a14_an_answer_is_what_a_direct_call_gets() {
    let gzip = b"\x1f\x8b\x08\x00binary\x00\xff\xfe, not really gzip".to_vec();
    let with_length = |head: &str, body: &[u8]| {
        let mut answer = format!("{head}content-length: {}\r\n\r\n", body.len()).into_bytes();
        answer.extend_from_slice(body);
        answer
    };
    let answers: Vec<Vec<u8>> = vec![
        json(r#"{"id": "x",   "spaces":  "kept"}"#).into_bytes(),
        with_length(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n",
            &gzip,
        ),
        with_length(
            "HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\n",
            &(0..=255).collect::<Vec<u8>>(),
        ),
        with_length(
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\nx-ratelimit-remaining-requests: 0\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n",
            b"{\"error\":{}}",
        ),
        b"HTTP/1.1 204 No Content\r\nx-request-id: r\r\n\r\n".to_vec(),
        [
            STREAM.as_bytes(),
            &chunk(b"data: a\n\n"),
            &chunk(b"da"),
            &chunk(b"ta: b\n\n"),
            b"0\r\n\r\n",
        ]
        .concat(),
        b"HTTP/1.1 302 Found\r\nlocation: https://elsewhere.example/\r\ncontent-length: 0\r\n\r\n"
            .to_vec(),
    ];
    for answer in answers {
        let upstream = Upstream::answering(answer).await;
        let proxy = Proxy::before(upstream.address, "");
        for (line, body) in [("POST /v1/responses", &b"{}"[..]), ("GET /v1/models", b"")] {
            let headers = ["content-type: application/json"];
            let direct = TcpStream::connect(upstream.address).await.unwrap();
            let direct = ask_directly(direct, line, body).await;
            let through = call(proxy.address, line, &headers, body).await;
            assert_eq!(through.status, direct.status);
            assert_eq!(through.headers(), direct.headers());
            assert_eq!(through.body, direct.body);
            assert!(through.is_whole);
        }
    }
}

/// Asks the upstream, which keeps the connection, and reads the answer by its frames.
async fn ask_directly(mut stream: TcpStream, line: &str, body: &[u8]) -> crate::support::Reply {
    let length = body.len();
    let head = format!("{line} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
    stream
        .write_all(&[head.as_bytes(), body].concat())
        .await
        .unwrap();
    let (head, mut body) = read_head(&mut stream, Vec::new()).await.unwrap();
    loop {
        let reply = reply(head.clone(), body.clone(), false);
        if reply.is_whole {
            return reply;
        }
        stream.read_buf(&mut body).await.unwrap();
    }
}

/// Scenario: a request with a strange path, a query, many headers and a body of multipart and binary.
/// Guarantee: the upstream gets path, query, end-to-end headers and body as the client sent them.
#[tokio::test]
async fn a_request_arrives_as_it_was_sent() {
    let mut upstream = Upstream::answering(json("{}")).await;
    let proxy = Proxy::before(upstream.address, "");
    let body = b"--b\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n\x00\xff\r\n--b--\r\n";
    let headers = [
        "authorization: Bearer sk-1",
        "openai-organization: org",
        "openai-beta: assistants=v2",
        "idempotency-key: k",
        "user-agent: OpenAI/Python 1.0",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "content-type: multipart/form-data; boundary=b",
        "accept-encoding: gzip, br",
        "x-llmflow-tag: secret-to-the-proxy",
    ];
    let line = "POST /v1/files/a%2Fb//c;d?beta=true&x=%20y&x=2";
    assert_eq!(call(proxy.address, line, &headers, body).await.status, 200);
    let seen = upstream.next().await;
    assert_eq!(
        seen.line(),
        "POST /v1/files/a%2Fb//c;d?beta=true&x=%20y&x=2 HTTP/1.1"
    );
    assert_eq!(seen.body, body);
    for header in &headers[..8] {
        let (name, value) = header.split_once(": ").unwrap();
        assert_eq!(seen.header(name), Some(value));
    }
    assert_eq!(seen.header("x-llmflow-tag"), None);
    assert_eq!(
        seen.header("host"),
        Some(upstream.address.to_string().as_str())
    );
    assert_eq!(
        seen.header("content-length"),
        Some(body.len().to_string().as_str())
    );
}

/// Scenario: `curl -d '{...}'` without a content type.
/// Guarantee: the upstream is told that it is JSON; forms stay forms.
#[tokio::test]
async fn a7_json_without_its_type_gets_it() {
    let mut upstream = Upstream::answering(json("{}")).await;
    let proxy = Proxy::before(upstream.address, "");
    let curl = ["content-type: application/x-www-form-urlencoded"];
    call(
        proxy.address,
        "POST /v1/chat/completions",
        &curl,
        b"{\"model\":\"m\"}",
    )
    .await;
    let seen = upstream.next().await;
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.body, b"{\"model\":\"m\"}");
    call(proxy.address, "POST /v1/oauth/token", &curl, b"a=b").await;
    assert_eq!(
        upstream.next().await.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
}

/// Scenario: a stream that pauses after its first event until the client has read it.
/// Guarantee: the event arrives while the stream is silent, and the rest afterwards.
#[tokio::test]
async fn a14_events_arrive_as_they_come() {
    let go_on = Arc::new(Notify::new());
    let waiting = Arc::clone(&go_on);
    let upstream = Upstream::start(move |_, mut stream| {
        let go_on = Arc::clone(&waiting);
        Box::pin(async move {
            stream.write_all(STREAM.as_bytes()).await.ok()?;
            stream.write_all(&chunk(b"data: one\n\n")).await.ok()?;
            go_on.notified().await;
            stream.write_all(&chunk(b"data: two\n\n")).await.ok()?;
            stream.write_all(b"0\r\n\r\n").await.ok()?;
            Some(stream)
        })
    })
    .await;
    let proxy = Proxy::before(upstream.address, "");
    let body = br#"{"stream":true}"#;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    client
        .write_all(&[head.as_bytes(), body].concat())
        .await
        .unwrap();
    let (_, mut read) = read_head(&mut client, Vec::new()).await.unwrap();
    while !read.windows(4).any(|window| window == b"one\n") {
        client.read_buf(&mut read).await.unwrap();
    }
    go_on.notify_one();
    while unchunked(&read).is_none() {
        client.read_buf(&mut read).await.unwrap();
    }
    assert_eq!(unchunked(&read).unwrap(), b"data: one\n\ndata: two\n\n");
}

/// Scenario: 100 MB are uploaded to an upstream that does not read at first.
/// Guarantee: the client has to wait (nothing piles up in the proxy), and then every byte arrives.
#[tokio::test]
async fn a14_a_large_upload_streams_and_does_not_pile_up() {
    const SIZE: usize = 100 << 20;
    let read_on = Arc::new(Notify::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::before(listener.local_addr().unwrap(), "");
    let waiting = Arc::clone(&read_on);
    let upstream = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        waiting.notified().await;
        let (_, body) = read_head(&mut stream, Vec::new()).await.unwrap();
        let mut count = body.len();
        let mut buffer = vec![0; 1 << 20];
        while count < SIZE {
            let read = stream.read(&mut buffer).await.unwrap();
            assert!(buffer[..read].iter().all(|byte| *byte == 7) && read > 0);
            count += read;
        }
        stream.write_all(json("{}").as_bytes()).await.unwrap();
        count
    });
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    let head = format!(
        "POST /v1/files HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/octet-stream\r\ncontent-length: {SIZE}\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![7; 1 << 16];
    let mut sent = 0;
    let mut stalled = false;
    while sent < SIZE {
        let patience = std::time::Duration::from_millis(300);
        let left = piece.len().min(SIZE - sent);
        match tokio::time::timeout(patience, client.write(&piece[..left])).await {
            Ok(written) => sent += written.unwrap(),
            // Later ones are the machine's.
            Err(_) if stalled => {}
            Err(_) => {
                assert!(sent < 40 << 20, "{sent} bytes piled up");
                stalled = true;
                read_on.notify_one();
            }
        }
    }
    assert!(stalled, "the client never had to wait");
    assert_eq!(upstream.await.unwrap(), SIZE);
    let (head, _) = read_head(&mut client, Vec::new()).await.unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}

/// Scenario: a client asks to be told before it sends its body, and sends it in chunks.
/// Guarantee: it is told, and the body arrives.
#[tokio::test]
async fn a_client_that_expects_to_be_told_is_told() {
    let mut upstream = Upstream::answering(json("{}")).await;
    let proxy = Proxy::before(upstream.address, "");
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    let head = "POST /v1/files HTTP/1.1\r\nhost: localhost\r\ncontent-type: a/b\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let (told, rest) = read_head(&mut client, Vec::new()).await.unwrap();
    assert!(told.starts_with("HTTP/1.1 100"), "{told}");
    let body = [chunk(b"hello "), chunk(b"world"), b"0\r\n\r\n".to_vec()].concat();
    client.write_all(&body).await.unwrap();
    let (head, _) = read_head(&mut client, rest).await.unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(upstream.next().await.body, b"hello world");
}

/// Scenario: call after call on one client connection, to an upstream that keeps its connection.
/// Guarantee: one connection to the upstream serves them all.
#[tokio::test]
async fn connections_are_used_again() {
    let upstream = Upstream::answering(json(r#"{"a":1}"#)).await;
    let proxy = Proxy::before(upstream.address, "");
    for _ in 0..20 {
        let reply = call(
            proxy.address,
            "POST /v1/embeddings",
            &["content-type: application/json"],
            b"{}",
        )
        .await;
        assert_eq!(reply.text(), r#"{"a":1}"#);
    }
    assert_eq!(upstream.connections(), 1);
}

/// Scenario: 512 streams at once, each of which sends its second event once all have sent their first.
/// Guarantee: none waits for another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_streams_do_not_stall_each_other() {
    const STREAMS: usize = 512;
    let barrier = Arc::new(tokio::sync::Barrier::new(STREAMS));
    let upstream = Upstream::start(move |_, mut stream| {
        let barrier = Arc::clone(&barrier);
        Box::pin(async move {
            stream.write_all(STREAM.as_bytes()).await.ok()?;
            stream.write_all(&chunk(b"data: one\n\n")).await.ok()?;
            barrier.wait().await;
            stream.write_all(&chunk(b"data: two\n\n")).await.ok()?;
            stream.write_all(b"0\r\n\r\n").await.ok()?;
            Some(stream)
        })
    })
    .await;
    let proxy = Proxy::before(upstream.address, "");
    let address = proxy.address;
    let calls = (0..STREAMS).map(|_| {
        tokio::spawn(async move {
            let headers = ["content-type: application/json"];
            call(
                address,
                "POST /v1/chat/completions",
                &headers,
                br#"{"stream":true}"#,
            )
            .await
        })
    });
    for reply in futures::future::join_all(calls).await {
        assert_eq!(reply.unwrap().text(), "data: one\n\ndata: two\n\n");
    }
}
