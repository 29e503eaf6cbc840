//! HTTP/1.1 as the harness needs it: one request to a server on this machine, one whole answer.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

/// A server's answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, without transfer coding.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When the status is not 200, or the body is not JSON.
    pub fn json(&self) -> Result<Value> {
        if self.status != 200 {
            bail!("status {}: {}", self.status, self.text());
        }
        serde_json::from_slice(&self.body).with_context(|| format!("not JSON: {}", self.text()))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| &**value)
    }
}

/// GETs a path of a server on the loopback interface.
///
/// # Errors
/// When there is no answer, or not one of HTTP.
pub fn get(port: u16, path: &str) -> Result<Answer> {
    request(port, "GET", path, &[], b"")
}

/// Sends a request to a server on the loopback interface.
///
/// # Errors
/// When there is no answer, or not one of HTTP.
pub fn request(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))
        .with_context(|| format!("port {port} does not answer"))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parse(&answer).with_context(|| format!("{method} {path} on port {port}"))
}

fn parse(answer: &[u8]) -> Result<Answer> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let (head, rest) =
        answer.split_at(end.ok_or_else(|| anyhow!("the answer has no end of headers"))?);
    let head = String::from_utf8_lossy(head).into_owned();
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| anyhow!("the answer has no status line"))?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut parsed = Answer {
        status,
        headers,
        body: rest.get(4..).unwrap_or_default().to_vec(),
    };
    if parsed.header("transfer-encoding") == Some("chunked") {
        parsed.body = unchunked(&parsed.body)?;
    }
    Ok(parsed)
}

fn unchunked(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest
            .windows(2)
            .position(|window| window == b"\r\n")
            .ok_or_else(|| anyhow!("a chunk has no size"))?;
        let (size, after) = rest.split_at(line);
        let size = usize::from_str_radix(
            std::str::from_utf8(size)?
                .split(';')
                .next()
                .unwrap_or_default()
                .trim(),
            16,
        )?;
        let after = after.get(2..).unwrap_or_default();
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(
            after
                .get(..size)
                .ok_or_else(|| anyhow!("a chunk is cut short"))?,
        );
        rest = after.get(size + 2..).unwrap_or_default();
    }
}
