//! A healthy backend: takes OTLP over HTTP, and counts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use fanlight_otlp::{Batch, Signal};

/// What has arrived.
#[derive(Debug, Default)]
pub struct Sink {
    spans: AtomicU64,
    /// Bytes of bodies as they were sent, and as they are without compression.
    sent: AtomicU64,
    plain: AtomicU64,
}

impl Sink {
    /// Starts one; it lives as long as the process. Returns its address.
    pub fn start() -> Result<(Arc<Sink>, String)> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = format!("http://{}", listener.local_addr()?);
        let sink = Arc::new(Sink::default());
        let taking = Arc::clone(&sink);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sink = Arc::clone(&taking);
                std::thread::spawn(move || sink.serve(stream));
            }
        });
        Ok((sink, address))
    }

    /// Spans that arrived.
    pub fn spans(&self) -> u64 {
        self.spans.load(Ordering::Relaxed)
    }

    /// Bytes of the bodies: sent, and without compression.
    pub fn bytes(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Relaxed), self.plain.load(Ordering::Relaxed))
    }

    fn serve(&self, stream: TcpStream) -> Result<()> {
        let _ = stream.set_nodelay(true);
        let mut answers = stream.try_clone()?;
        let mut requests = BufReader::with_capacity(1 << 16, stream);
        loop {
            let mut line = String::new();
            if requests.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let is_traces = line.contains("/v1/traces");
            let (mut length, mut is_gzip, mut is_chunked) = (0_usize, false, false);
            loop {
                let mut header = String::new();
                requests.read_line(&mut header)?;
                let header = header.trim().to_ascii_lowercase();
                let Some((name, value)) = header.split_once(':') else {
                    break;
                };
                match (name, value.trim()) {
                    ("content-length", value) => length = value.parse()?,
                    ("content-encoding", "gzip") => is_gzip = true,
                    ("transfer-encoding", _) => is_chunked = true,
                    _ => {}
                }
            }
            anyhow::ensure!(!is_chunked, "a chunked body");
            let mut body = vec![0; length];
            requests.read_exact(&mut body)?;
            self.count(is_traces, body, is_gzip).context("a body that is no request")?;
            answers.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")?;
        }
    }

    fn count(&self, is_traces: bool, body: Vec<u8>, is_gzip: bool) -> Result<()> {
        if !is_traces {
            return Ok(());
        }
        self.sent.fetch_add(body.len() as u64, Ordering::Relaxed);
        let plain = if is_gzip {
            let mut plain = Vec::new();
            flate2::read::MultiGzDecoder::new(body.as_slice()).read_to_end(&mut plain)?;
            plain
        } else {
            body
        };
        self.plain.fetch_add(plain.len() as u64, Ordering::Relaxed);
        let batch = Batch::decode(Signal::Traces, plain.into())?;
        self.spans.fetch_add(batch.items() as u64, Ordering::Relaxed);
        Ok(())
    }
}
