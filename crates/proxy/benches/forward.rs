//! What the proxy costs, and how much of that is the recording: `cargo bench -p fanlight-proxy --bench forward`.
//!
//! A mock of a provider and the client run as processes of their own, so that the CPU time of this one is the proxy's. Every
//! figure is measured three ways in turn: directly, by a proxy that records nothing, and by one that records all. What is recorded is
//! read, written and handed to an exporter that forgets it, so the store has no part in this.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::missing_docs_in_private_items,
    missing_docs,
    reason = "a measurement that can't be set up has failed"
)]

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fanlight_otlp::Signal;
use fanlight_pipeline::Outcome;
use fanlight_testkit::{Hub, Recorder};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// As the hub has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of the texts of request and answer.
const SIZES: [usize; 3] = [1 << 10, 16 << 10, 100 << 10];
/// How often latency is measured; the median counts.
const ROUNDS: usize = 3;
/// Calls at the same time where the provider thinks for a while.
const THINKING: usize = 64;
/// Streams at the same time, their events, and milliseconds between two of them.
const STREAMS: usize = 512;
const EVENTS: usize = 64;
const PACE: u64 = 20;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["mock", rest @ ..] => runtime.block_on(mock(Answers::of(rest))),
        ["load", address, rest @ ..] => {
            runtime.block_on(load(address.parse().unwrap(), Load::of(rest)))
        }
        _ => runtime.block_on(measure()),
    }
}

async fn measure() {
    println!("one call after the other, microseconds: p50, p99");
    for size in SIZES {
        latency(size).await;
    }
    println!("a provider of 20 ms, {THINKING} calls at the same time: microseconds of CPU a call");
    for size in SIZES {
        cpu(size).await;
    }
    println!("{STREAMS} streams of {EVENTS} events, one each {PACE} ms");
    streams().await;
    println!("memory over time, {THINKING} calls of 100 KiB at the same time");
    memory().await;
}

async fn latency(size: usize) {
    let mock = Process::mock(&Answers {
        size,
        ..Answers::default()
    });
    let load = Load {
        size,
        seconds: 2.0,
        ..Load::default()
    };
    let mut rounds: [Vec<(f64, f64)>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (way, rounds) in [None, Some("off"), Some("full")]
            .into_iter()
            .zip(&mut rounds)
        {
            let proxy = way.map(|capture| Proxy::before(mock.address, capture));
            let address = proxy.as_ref().map_or(mock.address, Proxy::address);
            let measured = load.run(address);
            rounds.push((measured.p50, measured.p99));
            if let Some(proxy) = proxy {
                proxy.stop().await;
            }
        }
    }
    let [direct, off, full] = rounds.map(|rounds| {
        let median = |mut all: Vec<f64>| {
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        let (p50, p99): (Vec<f64>, Vec<f64>) = rounds.into_iter().unzip();
        (median(p50), median(p99))
    });
    println!(
        "  {:>4} KiB   direct {:>5.0} {:>5.0}   forwarding adds {:>5.0} {:>5.0}   with recording {:>5.0} {:>5.0}",
        size >> 10,
        direct.0,
        direct.1,
        off.0 - direct.0,
        off.1 - direct.1,
        full.0 - direct.0,
        full.1 - direct.1
    );
}

async fn cpu(size: usize) {
    let mock = Process::mock(&Answers {
        size,
        delay: 20,
        ..Answers::default()
    });
    let load = Load {
        size,
        connections: THINKING,
        ..Load::default()
    };
    let mut costs = Vec::new();
    let mut recorded = 0.0;
    for capture in ["off", "full"] {
        let proxy = Proxy::before(mock.address, capture);
        let before = cpu_seconds();
        let measured = load.run(proxy.address());
        recorded = proxy.stop().await as f64 / measured.calls;
        costs.push((cpu_seconds() - before) * 1e6 / measured.calls);
    }
    println!(
        "  {:>4} KiB   forwarding {:>6.0}   with recording {:>6.0}   recorded {:>4.0} %   resident {:>4} MiB",
        size >> 10,
        costs[0],
        costs[1],
        recorded * 100.0,
        resident()
    );
}

async fn streams() {
    let mock = Process::mock(&Answers {
        events: EVENTS,
        pace: PACE,
        ..Answers::default()
    });
    let load = Load {
        connections: STREAMS,
        seconds: 5.0,
        ..Load::default()
    };
    for capture in ["off", "full"] {
        let proxy = Proxy::before(mock.address, capture);
        let before = cpu_seconds();
        let measured = load.run(proxy.address());
        let resident = resident();
        let recorded = proxy.stop().await as f64 / measured.calls;
        println!(
            "  capture {capture:<5} {:>6.0} microseconds of CPU a stream, longest silence {:>4.0} ms, recorded {:>4.0} %, resident {resident:>4} MiB",
            (cpu_seconds() - before) * 1e6 / measured.calls,
            measured.longest_ms,
            recorded * 100.0,
        );
    }
}

async fn memory() {
    let size = 100 << 10;
    let mock = Process::mock(&Answers {
        size,
        delay: 20,
        ..Answers::default()
    });
    let load = Load {
        size,
        connections: THINKING,
        ..Load::default()
    };
    let proxy = Proxy::before(mock.address, "full");
    let resident: Vec<String> = (0..5)
        .map(|_| {
            load.run(proxy.address());
            resident().to_string()
        })
        .collect();
    println!("  resident MiB after each 4 s: {}", resident.join(", "));
    proxy.stop().await;
}

/// A proxy whose recordings are counted and forgotten.
struct Proxy {
    hub: Hub,
    spans: Arc<AtomicUsize>,
}

impl Proxy {
    fn before(upstream: SocketAddr, capture: &str) -> Proxy {
        let spans = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&spans);
        let recorder = Recorder::new(move |batch| {
            if batch.signal() == Signal::Traces {
                counted.fetch_add(batch.items(), Ordering::Relaxed);
            }
            Outcome::Delivered
        });
        let yaml = format!(
            "receivers: {{llm_proxy: {{endpoint: '127.0.0.1:0', capture: '{capture}', providers: {{openai: {{base_url: 'http://{upstream}/v1'}}}}}}}}"
        );
        let hub = Hub::start(&yaml, fanlight_proxy::RECEIVERS, &recorder.that_forgets());
        Proxy { hub, spans }
    }

    fn address(&self) -> SocketAddr {
        self.hub.address("LLM proxy")
    }

    /// Stops it; how many calls it recorded.
    async fn stop(self) -> usize {
        self.hub.running.stop(Duration::from_secs(10)).await;
        self.spans.load(Ordering::Relaxed)
    }
}

/// A process of this program.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn mock(answers: &Answers) -> Process {
        let Answers {
            delay,
            size,
            events,
            pace,
        } = answers;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["mock", &format!("{delay},{size},{events},{pace}")])
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

/// What a provider answers: after how many milliseconds, how many bytes of text, in how many events of a stream (none: whole).
#[derive(Clone, Debug)]
struct Answers {
    delay: u64,
    size: usize,
    events: usize,
    pace: u64,
}

impl Default for Answers {
    fn default() -> Answers {
        Answers {
            delay: 0,
            size: 1 << 10,
            events: 0,
            pace: 0,
        }
    }
}

impl Answers {
    fn of(words: &[&str]) -> Answers {
        let numbers: Vec<usize> = words[0]
            .split(',')
            .map(|word| word.parse().unwrap())
            .collect();
        Answers {
            delay: numbers[0] as u64,
            size: numbers[1],
            events: numbers[2],
            pace: numbers[3] as u64,
        }
    }

    fn whole(&self) -> String {
        let body = format!(
            r#"{{"id":"c","object":"chat.completion","model":"gpt-4o-mini","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":9,"completion_tokens":8,"total_tokens":17}}}}"#,
            words(self.size)
        );
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    async fn answer(&self, stream: &mut TcpStream, whole: &str) -> std::io::Result<()> {
        if self.delay > 0 {
            tokio::time::sleep(Duration::from_millis(self.delay)).await;
        }
        if self.events == 0 {
            return stream.write_all(whole.as_bytes()).await;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n").await?;
        for number in 0..self.events {
            let event = format!(
                "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o-mini\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"word {number} \"}},\"finish_reason\":null}}]}}\n\n"
            );
            stream
                .write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes())
                .await?;
            tokio::time::sleep(Duration::from_millis(self.pace)).await;
        }
        stream
            .write_all(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
            .await
    }
}

/// Prose of so many bytes.
fn words(size: usize) -> String {
    "Tell me more, said the cat; it is half past three. "
        .chars()
        .cycle()
        .take(size)
        .collect()
}

async fn mock(answers: Answers) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    let whole = Arc::new(answers.whole());
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (answers, whole) = (answers.clone(), Arc::clone(&whole));
        tokio::spawn(async move {
            while read_message(&mut stream).await.is_some() {
                if answers.answer(&mut stream, &whole).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Reads a head and its body; the longest silence within.
async fn read_message(stream: &mut TcpStream) -> Option<Duration> {
    let mut bytes = Vec::with_capacity(16 << 10);
    let mut end: Option<Option<usize>> = None;
    let (mut last, mut longest) = (None, Duration::ZERO);
    loop {
        if end.is_none()
            && let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n")
        {
            let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
            let length = text.split("content-length:").nth(1);
            let length = length.and_then(|rest| rest.split("\r\n").next());
            end = Some(length.map(|length| head + 4 + length.trim().parse::<usize>().unwrap()));
        }
        let is_whole = match end {
            None => false,
            Some(Some(end)) => bytes.len() >= end,
            Some(None) => bytes.ends_with(b"\r\n0\r\n\r\n"),
        };
        if is_whole {
            return Some(longest);
        }
        stream
            .read_buf(&mut bytes)
            .await
            .ok()
            .filter(|read| *read > 0)?;
        let now = Instant::now();
        longest = longest.max(last.map_or(Duration::ZERO, |last| now - last));
        last = Some(now);
    }
}

/// What a client does.
struct Load {
    connections: usize,
    size: usize,
    seconds: f64,
}

struct Measured {
    calls: f64,
    p50: f64,
    p99: f64,
    longest_ms: f64,
}

impl Default for Load {
    fn default() -> Load {
        Load {
            connections: 1,
            size: 1 << 10,
            seconds: 4.0,
        }
    }
}

impl Load {
    fn of(words: &[&str]) -> Load {
        Load {
            connections: words[0].parse().unwrap(),
            size: words[1].parse().unwrap(),
            seconds: words[2].parse().unwrap(),
        }
    }

    /// Runs it as a process of its own.
    fn run(&self, address: SocketAddr) -> Measured {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["load", &address.to_string()])
            .args([
                self.connections.to_string(),
                self.size.to_string(),
                self.seconds.to_string(),
            ])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let numbers: Vec<f64> = text
            .split_whitespace()
            .map(|word| word.parse().unwrap())
            .collect();
        Measured {
            calls: numbers[0],
            p50: numbers[1],
            p99: numbers[2],
            longest_ms: numbers[3],
        }
    }
}

/// Sends call after call on some connections for a while: prints calls, two percentiles in microseconds, and the longest
/// silence within an answer in milliseconds. The first tenth warms up and counts as calls alone.
async fn load(address: SocketAddr, load: Load) {
    let body = format!(
        r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"{}"}}]}}"#,
        words(load.size)
    );
    let request = Arc::new(format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer sk-test-1234567890abcdefghij\r\ncontent-type: application/json\r\nuser-agent: OpenAI/Python 2.0\r\naccept: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ));
    let begun = Instant::now();
    let end = Duration::from_secs_f64(load.seconds);
    let clients = (0..load.connections).map(|_| {
        let request = Arc::clone(&request);
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (mut calls, mut times, mut longest) = (0, Vec::new(), Duration::ZERO);
            while begun.elapsed() < end {
                let sent = Instant::now();
                stream.write_all(request.as_bytes()).await.unwrap();
                let silence = read_message(&mut stream).await;
                longest = longest.max(silence.expect("the answer came whole"));
                calls += 1;
                if begun.elapsed() > end / 10 {
                    times.push(sent.elapsed().as_micros() as u64);
                }
            }
            (calls, times, longest)
        })
    });
    let (mut calls, mut times, mut longest) = (0, Vec::new(), Duration::ZERO);
    for client in futures::future::join_all(clients).await {
        let (more, of_client, silence) = client.unwrap();
        calls += more;
        times.extend(of_client);
        longest = longest.max(silence);
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("{calls} {} {} {}", at(0.5), at(0.99), longest.as_millis());
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
