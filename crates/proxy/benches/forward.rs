//! What the proxy adds to a call, recording on: `cargo bench -p fanlight-proxy --bench forward`.
//!
//! A mock upstream and the client run as processes of their own, so that the CPU time of this one is the proxy's. Every
//! figure stands beside the same call made directly.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::missing_docs_in_private_items,
    missing_docs,
    reason = "a measurement that can't be set up has failed"
)]

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fanlight_pipeline::Outcome;
use fanlight_testkit::{Hub, Recorder};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Bytes of the request's message.
const BODIES: [usize; 3] = [1 << 10, 16 << 10, 100 << 10];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    match arguments.first().map(String::as_str) {
        Some("mock") => runtime.block_on(mock(arguments[1].parse().unwrap())),
        Some("load") => runtime.block_on(load(&arguments[1..])),
        _ => runtime.block_on(measure()),
    }
}

async fn measure() {
    let quiet = Process::start(&["mock", "0"]);
    println!("added latency, one connection (microseconds)   direct p50/p99   through p50/p99");
    for size in BODIES {
        let direct = run(quiet.address, 1, size);
        let proxy = proxy(quiet.address);
        let through = run(proxy.address("LLM proxy"), 1, size);
        println!(
            "  {:>4} KiB {:>47} {:>17}   added {} / {}",
            size >> 10,
            format!("{} / {}", direct.p50, direct.p99),
            format!("{} / {}", through.p50, through.p99),
            through.p50.saturating_sub(direct.p50),
            through.p99.saturating_sub(direct.p99)
        );
    }
    let slow = Process::start(&["mock", "20"]);
    println!(
        "mock of 20 ms, 256 connections        requests/s   requests per CPU-second   resident MiB"
    );
    for size in BODIES {
        let proxy = proxy(slow.address);
        let before = cpu_seconds();
        let through = run(proxy.address("LLM proxy"), 256, size);
        let used = cpu_seconds() - before;
        println!(
            "  {:>4} KiB {:>36.0} {:>25.0} {:>14}",
            size >> 10,
            through.requests as f64 / through.seconds,
            through.requests as f64 / used,
            resident()
        );
    }
}

fn proxy(upstream: SocketAddr) -> Hub {
    let recorder = Recorder::new(|_| Outcome::Delivered);
    let yaml = format!(
        "receivers: {{llm_proxy: {{endpoint: '127.0.0.1:0', providers: {{openai: {{base_url: 'http://{upstream}/v1'}}}}}}}}"
    );
    Hub::start(&yaml, fanlight_proxy::RECEIVERS, &recorder)
}

struct Measured {
    requests: usize,
    seconds: f64,
    p50: u64,
    p99: u64,
}

/// Runs the client as a process of its own.
fn run(address: SocketAddr, connections: usize, size: usize) -> Measured {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "load",
            &address.to_string(),
            &connections.to_string(),
            &size.to_string(),
        ])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<f64> = text
        .split_whitespace()
        .map(|word| word.parse().unwrap())
        .collect();
    Measured {
        requests: numbers[0] as usize,
        seconds: numbers[1],
        p50: numbers[2] as u64,
        p99: numbers[3] as u64,
    }
}

struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(arguments: &[&str]) -> Process {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Process {
            child,
            address: line.trim().parse().unwrap(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Answers every request after so many milliseconds.
async fn mock(delay: u64) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    let body = r#"{"id":"c","object":"chat.completion","model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"Hello there, how can I help?"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":8,"total_tokens":17}}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let answer = answer.clone();
        tokio::spawn(async move {
            while read_message(&mut stream).await {
                if delay > 0 {
                    tokio::time::sleep(Duration::from_millis(delay)).await;
                }
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Reads a head and the body of the length that it says.
async fn read_message(stream: &mut TcpStream) -> bool {
    let mut bytes = Vec::with_capacity(4096);
    let mut whole = None;
    loop {
        if whole.is_none()
            && let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n")
        {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head
                .split("content-length:")
                .nth(1)
                .and_then(|rest| rest.split("\r\n").next());
            whole =
                Some(end + 4 + length.map_or(0, |length| length.trim().parse::<usize>().unwrap()));
        }
        if whole.is_some_and(|whole| bytes.len() >= whole) {
            return true;
        }
        if !stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
            return false;
        }
    }
}

/// Sends call after call on some connections for a while: prints calls, seconds, and two percentiles in microseconds.
async fn load(arguments: &[String]) {
    let address: SocketAddr = arguments[0].parse().unwrap();
    let connections: usize = arguments[1].parse().unwrap();
    let size: usize = arguments[2].parse().unwrap();
    let body = format!(
        r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"{}"}}]}}"#,
        "a".repeat(size)
    );
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer sk-test\r\ncontent-type: application/json\r\nuser-agent: OpenAI/Python 2.0\r\naccept: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let begun = Instant::now();
    let warm = Duration::from_millis(500);
    let end = warm + Duration::from_secs(4);
    let clients = (0..connections).map(|_| {
        let request = request.clone();
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut times = Vec::new();
            while begun.elapsed() < end {
                let sent = Instant::now();
                stream.write_all(request.as_bytes()).await.unwrap();
                assert!(read_message(&mut stream).await, "the answer came whole");
                if begun.elapsed() > warm {
                    times.push(u64::try_from(sent.elapsed().as_micros()).unwrap());
                }
            }
            times
        })
    });
    let mut times: Vec<u64> = Vec::new();
    for client in futures::future::join_all(clients).await {
        times.extend(client.unwrap());
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "{} {} {} {}",
        times.len(),
        (end - warm).as_secs_f64(),
        at(0.5),
        at(0.99)
    );
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split_whitespace().nth(1).unwrap().parse().unwrap();
    (pages * 4096) >> 20
}
