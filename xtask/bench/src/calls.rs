//! Calls of a language model by a proxy, as a client sees them: how long they take beside direct ones, how many are answered,
//! and how evenly streams flow.
//!
//! Requests are written as bytes that were made before; of replies only the frame is read. Direct calls and calls by the
//! proxy take turns, so that whatever the machine does meets both.

mod connection;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use fanlight_testkit::fakes::llm::OPENAI_KEY;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use connection::{Connection, Reply};

/// What is measured, and of whom.
#[derive(Args, Clone)]
pub(crate) struct Options {
    /// What is measured.
    #[arg(value_enum)]
    mode: Mode,
    /// The proxy.
    #[arg(long, value_name = "HOST:PORT")]
    proxy: String,
    /// The proxy's path of chat completions.
    #[arg(long, default_value = "/v1/chat/completions")]
    path: String,
    /// The providers, to ask them directly.
    #[arg(long, value_name = "HOST:PORT")]
    direct: String,
    /// The model; those of Ollama need no key.
    #[arg(long, default_value = "gpt-4o-mini")]
    model: String,
    /// Bytes of the request's text.
    #[arg(long, default_value_t = 1024)]
    size: usize,
    /// How long to go on.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Calls at the same time.
    #[arg(long, default_value_t = 1)]
    parallel: usize,
    /// Milliseconds between the frames of the providers' streams.
    #[arg(long, default_value_t = 20)]
    pace: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// One call at a time, directly and by the proxy in turns.
    Latency,
    /// The same until the first event of a stream.
    FirstToken,
    /// As many calls as are answered.
    Throughput,
    /// So many streams at the same time, first directly, then by the proxy.
    Streams,
}

/// Measures, and prints a line of JSON.
pub(crate) async fn run(options: Options) -> Result<()> {
    let figures = match options.mode {
        Mode::Latency => latency(&options, false).await?,
        Mode::FirstToken => latency(&options, true).await?,
        Mode::Throughput => throughput(&options).await?,
        Mode::Streams => {
            let limit = Duration::from_millis(2 * options.pace + 50);
            let direct = streams(&options, &options.direct, "/v1/chat/completions").await?;
            let held_up = direct
                .longest
                .saturating_sub(Duration::from_millis(options.pace));
            let by_proxy = streams(&options, &options.proxy, &options.path).await?;
            json!({
                "direct_longest_ms": direct.longest.as_secs_f64() * 1e3,
                "longest_ms": by_proxy.longest.as_secs_f64() * 1e3,
                "direct_stalled": direct.stalled(limit),
                // What the machine itself holds up counts against nobody.
                "stalled": by_proxy.stalled(limit + held_up),
                "streams": options.parallel,
                "first_ms": by_proxy.first.as_secs_f64() * 1e3,
            })
        }
    };
    println!("{figures}");
    Ok(())
}

impl Options {
    fn request(&self, host: &str, path: &str, is_stream: bool) -> Vec<u8> {
        let text: String = "tell me more ".chars().cycle().take(self.size).collect();
        let body = json!({"model": self.model, "messages": [{"role": "user", "content": text}], "stream": is_stream});
        let body = body.to_string();
        let key = match self.model.starts_with("llama") {
            true => String::new(),
            false => format!("authorization: Bearer {OPENAI_KEY}\r\n"),
        };
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\n{key}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

async fn latency(options: &Options, is_stream: bool) -> Result<Value> {
    let mut sides = Vec::new();
    for (host, path) in [
        (&options.direct, "/v1/chat/completions"),
        (&options.proxy, options.path.as_str()),
    ] {
        let request = options.request(host, path, is_stream);
        sides.push((Connection::open(host).await?, request, Vec::new()));
    }
    let until = Instant::now() + Duration::from_secs_f64(options.seconds);
    // The first calls open connections and warm caches.
    let mut warm = 20;
    while Instant::now() < until {
        for (connection, request, times) in &mut sides {
            let reply = connection.call(request).await?;
            ensure!(reply.status == 200, "a call was answered {}", reply.status);
            if warm == 0 {
                times.push(if is_stream { reply.first } else { reply.took });
            }
        }
        warm = (warm - 1).max(0);
    }
    let [(_, _, direct), (_, _, proxied)] = &mut sides[..] else {
        return Ok(Value::Null);
    };
    let micros = |times: &mut Vec<Duration>, share| quantile(times, share) * 1e6;
    Ok(json!({
        "calls": proxied.len(),
        "direct_p50_us": micros(direct, 0.5),
        "direct_p99_us": micros(direct, 0.99),
        "added_p50_us": micros(proxied, 0.5) - micros(direct, 0.5),
        "added_p99_us": micros(proxied, 0.99) - micros(direct, 0.99),
    }))
}

fn quantile(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let index = (times.len() as f64 * share) as usize;
    let found = times.get(index.min(times.len().saturating_sub(1)));
    found.copied().unwrap_or_default().as_secs_f64()
}

async fn throughput(options: &Options) -> Result<Value> {
    let until = Instant::now() + Duration::from_secs_f64(options.seconds);
    let request = options.request(&options.proxy, &options.path, false);
    let mut workers = JoinSet::new();
    for _ in 0..options.parallel {
        let (host, request) = (options.proxy.clone(), request.clone());
        workers.spawn(async move {
            let mut connection = Connection::open(&host).await?;
            let (mut answered, mut failed) = (0_u64, 0_u64);
            while Instant::now() < until {
                match connection.call(&request).await {
                    Ok(reply) if reply.status == 200 => answered += 1,
                    Ok(_) => failed += 1,
                    Err(_) => {
                        failed += 1;
                        connection = Connection::open(&host).await?;
                    }
                }
            }
            anyhow::Ok((answered, failed))
        });
    }
    let started = Instant::now();
    let (mut answered, mut failed) = (0, 0);
    while let Some(done) = workers.join_next().await {
        let (some, bad) = done??;
        answered += some;
        failed += bad;
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(json!({"answered": answered, "failed": failed, "seconds": seconds}))
}

/// How streams flowed.
struct Flow {
    /// The longest silence of each stream.
    gaps: Vec<Duration>,
    longest: Duration,
    /// The median time to the first event.
    first: Duration,
}

impl Flow {
    fn stalled(&self, limit: Duration) -> usize {
        self.gaps.iter().filter(|gap| **gap > limit).count()
    }
}

async fn streams(options: &Options, host: &str, path: &str) -> Result<Flow> {
    let request = options.request(host, path, true);
    let mut all = JoinSet::new();
    for _ in 0..options.parallel {
        let (host, request) = (host.to_owned(), request.clone());
        all.spawn(async move {
            let mut connection = Connection::open(&host).await?;
            let reply: Reply = connection.call(&request).await?;
            ensure!(
                reply.status == 200,
                "a stream was answered {}",
                reply.status
            );
            anyhow::Ok((reply.longest_gap, reply.first))
        });
    }
    let (mut gaps, mut firsts) = (Vec::new(), Vec::new());
    while let Some(done) = all.join_next().await {
        let (gap, first) = done?.context("a stream broke off")?;
        gaps.push(gap);
        firsts.push(first);
    }
    firsts.sort_unstable();
    Ok(Flow {
        longest: gaps.iter().max().copied().unwrap_or_default(),
        first: firsts.get(firsts.len() / 2).copied().unwrap_or_default(),
        gaps,
    })
}
