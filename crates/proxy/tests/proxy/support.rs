//! A proxy, an upstream and a client, byte by byte.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fanlight_pipeline::Outcome;
use fanlight_testkit::{Hub, Recorder};
use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A running proxy.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) recorder: Recorder,
    pub(crate) hub: Hub,
}

impl Proxy {
    /// A proxy whose OpenAI is at this address, with more keys of its configuration.
    pub(crate) fn before(upstream: SocketAddr, more: &str) -> Proxy {
        Proxy::with(&format!(
            "providers: {{openai: {{base_url: 'http://{upstream}/v1'}}, anthropic: {{base_url: 'http://{upstream}'}}}}\n    {more}"
        ))
    }

    pub(crate) fn with(keys: &str) -> Proxy {
        let recorder = Recorder::new(|_| Outcome::Delivered);
        let yaml = format!("receivers:\n  llm_proxy:\n    endpoint: 127.0.0.1:0\n    {keys}\n");
        let hub = Hub::start(&yaml, fanlight_proxy::RECEIVERS, &recorder);
        Proxy {
            address: hub.address("LLM proxy"),
            recorder,
            hub,
        }
    }
}

/// What an upstream got.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Request line and headers as they came.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

type Answer = Arc<dyn Fn(Seen, TcpStream) -> BoxFuture<'static, Option<TcpStream>> + Send + Sync>;

/// A server that hands each request to the test, which writes the answer's bytes itself.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) seen: mpsc::UnboundedReceiver<Seen>,
    connections: Arc<AtomicUsize>,
}

impl Upstream {
    /// Answers every request with these bytes and keeps the connection.
    pub(crate) async fn answering(bytes: impl Into<Vec<u8>>) -> Upstream {
        let bytes: Arc<Vec<u8>> = Arc::new(bytes.into());
        Upstream::start(move |_, mut stream| {
            let bytes = Arc::clone(&bytes);
            Box::pin(async move {
                stream.write_all(&bytes).await.ok()?;
                Some(stream)
            })
        })
        .await
    }

    /// Lets the test answer; it returns the connection if that goes on.
    pub(crate) async fn start(
        answer: impl Fn(Seen, TcpStream) -> BoxFuture<'static, Option<TcpStream>>
        + Send
        + Sync
        + 'static,
    ) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, seen) = mpsc::unbounded_channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let answer: Answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, Arc::clone(&answer), sender.clone()));
            }
        });
        Upstream {
            address,
            seen,
            connections,
        }
    }

    /// The next request that came.
    pub(crate) async fn next(&mut self) -> Seen {
        self.seen.recv().await.unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, answer: Answer, sender: mpsc::UnboundedSender<Seen>) {
    let mut rest = Vec::new();
    while let Some(seen) = read_request(&mut stream, &mut rest).await {
        drop(sender.send(seen.clone()));
        match answer(seen, stream).await {
            Some(kept) => stream = kept,
            None => return,
        }
    }
}

async fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let read = stream.read_buf(bytes).await.ok()?;
    (read > 0).then_some(())
}

/// Reads one request; `rest` is what came behind the one before.
pub(crate) async fn read_request(stream: &mut TcpStream, rest: &mut Vec<u8>) -> Option<Seen> {
    let (head, mut body) = read_head(stream, std::mem::take(rest)).await?;
    let seen = Seen {
        head,
        body: Vec::new(),
    };
    let body = if let Some(length) = seen.header("content-length") {
        let length: usize = length.parse().unwrap();
        while body.len() < length {
            read_more(stream, &mut body).await?;
        }
        *rest = body.split_off(length);
        body
    } else if seen.header("transfer-encoding").is_some() {
        loop {
            if let Some(whole) = unchunked(&body) {
                break whole;
            }
            read_more(stream, &mut body).await?;
        }
    } else {
        *rest = body;
        Vec::new()
    };
    Some(Seen { body, ..seen })
}

/// Reads up to the blank line: the head, and what came behind it.
pub(crate) async fn read_head(
    stream: &mut TcpStream,
    mut bytes: Vec<u8>,
) -> Option<(String, Vec<u8>)> {
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let body = bytes.split_off(end + 4);
            bytes.truncate(end);
            return Some((String::from_utf8(bytes).unwrap(), body));
        }
        read_more(stream, &mut bytes).await?;
    }
}

/// A body without its chunks' frames; none as long as it has not ended.
pub(crate) fn unchunked(mut text: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = text.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&text[..end]).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?, 16).ok()?;
        let chunk = text.get(end + 2..end + 2 + size)?;
        whole.extend_from_slice(chunk);
        text = text.get(end + 2 + size + 2..)?;
        if size == 0 {
            return Some(whole);
        }
    }
}

/// An answer as a client reads it.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    /// Without chunks' frames.
    pub(crate) body: Vec<u8>,
    /// Whether the body came to its end.
    pub(crate) is_whole: bool,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The end-to-end headers, sorted.
    pub(crate) fn headers(&self) -> Vec<String> {
        let between = ["connection", "keep-alive", "transfer-encoding", "date"];
        let mut lines: Vec<String> = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim()))
            .filter(|(name, _)| !between.contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        lines.sort();
        lines
    }
}

/// Sends a request, closing the connection after it. `headers` are lines.
pub(crate) async fn call(address: SocketAddr, line: &str, headers: &[&str], body: &[u8]) -> Reply {
    let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let length = match body.is_empty() {
        true => String::new(),
        false => format!("content-length: {}\r\n", body.len()),
    };
    let host = match lines.to_lowercase().contains("host:") {
        true => "",
        false => "host: localhost\r\n",
    };
    let head = format!("{line} HTTP/1.1\r\n{host}connection: close\r\n{length}{lines}\r\n");
    let mut stream = TcpStream::connect(address).await.unwrap();
    // Who refuses early may close before everything is written.
    drop(stream.write_all(&[head.as_bytes(), body].concat()).await);
    let (head, mut body) = read_head(&mut stream, Vec::new())
        .await
        .expect("there is an answer");
    drop(stream.read_to_end(&mut body).await);
    reply(head, body, line.starts_with("HEAD"))
}

pub(crate) fn reply(head: String, body: Vec<u8>, is_head: bool) -> Reply {
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut reply = Reply {
        status,
        head,
        body,
        is_whole: true,
    };
    if reply.header("transfer-encoding").is_some() {
        match unchunked(&reply.body) {
            Some(whole) => reply.body = whole,
            None => reply.is_whole = false,
        }
    } else if let Some(length) = reply.header("content-length").filter(|_| !is_head) {
        reply.is_whole = length.parse::<usize>().unwrap() == reply.body.len();
    }
    reply
}

/// An answer of JSON.
pub(crate) fn json(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The head of a stream of events.
pub(crate) const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// One chunk.
pub(crate) fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut framed = format!("{:x}\r\n", bytes.len()).into_bytes();
    framed.extend_from_slice(bytes);
    framed.extend_from_slice(b"\r\n");
    framed
}
