//! HTTP/1.1 as a load test needs it: one call after the other, and when its bytes came.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that is kept.
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came, and when.
pub(super) struct Reply {
    pub status: u16,
    /// From the request to the first byte of the body.
    pub first: Duration,
    /// From the request to the end.
    pub took: Duration,
    /// The longest silence between two pieces of the body.
    pub longest_gap: Duration,
}

/// Where a body ends.
#[derive(Clone, Copy)]
enum End {
    Length(usize),
    Chunked,
}

impl Connection {
    pub(super) async fn open(host: &str) -> Result<Connection> {
        let stream = TcpStream::connect(host).await;
        let stream = stream.with_context(|| format!("{host} does not answer"))?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            buffer: Vec::with_capacity(256 * 1024),
        })
    }

    pub(super) async fn call(&mut self, request: &[u8]) -> Result<Reply> {
        self.buffer.clear();
        let begun = Instant::now();
        self.stream.write_all(request).await?;
        let head = loop {
            self.read().await?;
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let (status, end) = parse(self.buffer.get(..head).unwrap_or_default())?;
        let mut first = (self.buffer.len() > head).then(|| begun.elapsed());
        let mut last = Instant::now();
        let mut longest_gap = Duration::ZERO;
        while !self.is_whole(head, end) {
            self.read().await?;
            if first.is_some() {
                longest_gap = longest_gap.max(last.elapsed());
            }
            last = Instant::now();
            first = first.or_else(|| Some(begun.elapsed()));
        }
        Ok(Reply {
            status,
            first: first.unwrap_or_else(|| begun.elapsed()),
            took: begun.elapsed(),
            longest_gap,
        })
    }

    async fn read(&mut self) -> Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the connection was closed in the middle of a reply");
        }
        Ok(())
    }

    fn is_whole(&self, head: usize, end: End) -> bool {
        match end {
            End::Length(length) => self.buffer.len() >= head + length,
            End::Chunked => self.buffer.ends_with(b"\r\n0\r\n\r\n"),
        }
    }
}

fn parse(head: &[u8]) -> Result<(u16, End)> {
    let head = std::str::from_utf8(head)?.to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.context("a reply has no status")?;
    let value = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(key, _)| *key == name);
        found.map(|(_, value)| value.trim())
    };
    let end = match value("content-length") {
        Some(length) => End::Length(length.parse()?),
        None if value("transfer-encoding") == Some("chunked") => End::Chunked,
        None => bail!("a reply says nothing of its length"),
    };
    Ok((status, end))
}
