//! The generator: so many requests in flight over so many connections, for so long.
//!
//! Closed loop: a worker sends its next request when the last is answered. Open loop (`--rate`): requests are due at fixed
//! times, and latency is counted from when a request was due, so a slow receiver can't hide behind a waiting sender.

mod grpc;
mod http1;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::latency::Latencies;
use crate::payload::{Payload, Signal};

/// Options of `generate`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Where to send to.
    #[arg(long, value_name = "HOST:PORT")]
    target: String,
    /// How to send.
    #[arg(long, value_enum)]
    transport: Transport,
    /// What to send.
    #[arg(long, value_enum, default_value = "traces")]
    signal: Signal,
    /// Compress with gzip.
    #[arg(long)]
    gzip: bool,
    /// Connections.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Requests in flight; over HTTP/1.1 at most one on each connection.
    #[arg(long, default_value_t = 32)]
    in_flight: usize,
    /// Spans, data points or log records in a request.
    #[arg(long, default_value_t = 100)]
    items: usize,
    /// How long to send.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Requests a second; as many as are answered when left out.
    #[arg(long)]
    rate: Option<f64>,
}

/// How to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    /// OTLP/gRPC.
    Grpc,
    /// OTLP/HTTP with protobuf, over HTTP/1.1.
    Http,
}

/// One connection: sends a request and says whether it was acknowledged.
enum Connection {
    Grpc(grpc::Connection),
    Http(Box<http1::Connection>),
}

/// What the workers share.
struct Run {
    payload: Payload,
    next: u64,
    started: Instant,
    interval: Option<Duration>,
    until: Instant,
    acknowledged: Vec<u64>,
    refused: u64,
    failed: u64,
    latencies: Latencies,
}

/// Sends, and prints a line of JSON with what was acknowledged.
///
/// # Errors
/// When there is no connection.
pub async fn run(options: Options) -> Result<()> {
    let started = Instant::now();
    let run = Rc::new(RefCell::new(Run {
        payload: Payload::new(options.signal, options.items, options.gzip)?,
        next: 0,
        started,
        interval: options.rate.map(|rate| Duration::from_secs_f64(1.0 / rate)),
        until: started + Duration::from_secs_f64(options.seconds),
        acknowledged: Vec::new(),
        refused: 0,
        failed: 0,
        latencies: Latencies::default(),
    }));
    let local = LocalSet::new();
    let connections = match options.transport {
        Transport::Grpc => options.connections,
        Transport::Http => options.in_flight,
    };
    local
        .run_until(workers(&options, connections, &run))
        .await?;
    local.await;
    let seconds = started.elapsed().as_secs_f64();
    let mut run = run.borrow_mut();
    let size = run.payload.len();
    println!(
        "{}",
        json!({
            "acknowledged": run.acknowledged.len(),
            "items": run.acknowledged.len() * options.items,
            "refused": run.refused,
            "failed": run.failed,
            "seconds": seconds,
            "request_bytes": size,
            "p50_ms": run.latencies.quantile(0.5),
            "p99_ms": run.latencies.quantile(0.99),
        })
    );
    Ok(())
}

async fn workers(options: &Options, connections: usize, run: &Rc<RefCell<Run>>) -> Result<()> {
    let per_connection = options.in_flight.div_ceil(connections);
    for _ in 0..connections {
        let stream = TcpStream::connect(&options.target).await;
        let stream = stream.with_context(|| format!("{} does not answer", options.target))?;
        stream.set_nodelay(true)?;
        match options.transport {
            Transport::Grpc => {
                let connection = grpc::Connection::open(stream, options).await?;
                for _ in 0..per_connection {
                    tokio::task::spawn_local(worker(
                        Connection::Grpc(connection.clone()),
                        Rc::clone(run),
                    ));
                }
            }
            Transport::Http => {
                let connection = http1::Connection::open(stream, options).await?;
                tokio::task::spawn_local(worker(
                    Connection::Http(Box::new(connection)),
                    Rc::clone(run),
                ));
            }
        }
    }
    Ok(())
}

async fn worker(mut connection: Connection, run: Rc<RefCell<Run>>) {
    while let Some((sequence, due)) = next(&run).await {
        let answer = match &mut connection {
            Connection::Grpc(connection) => {
                let message = run.borrow_mut().payload.grpc_message(sequence);
                connection.send(message).await
            }
            Connection::Http(connection) => {
                let body = run.borrow_mut().payload.numbered(sequence, 0).freeze();
                connection.send(body).await
            }
        };
        let mut run = run.borrow_mut();
        match answer {
            Ok(Answer::Acknowledged) => {
                run.acknowledged.push(sequence);
                run.latencies.add(due.elapsed());
            }
            Ok(Answer::Refused) => run.refused += 1,
            Err(error) => {
                run.failed += 1;
                eprintln!("a request failed: {error:#}");
                return;
            }
        }
    }
}

/// The next sequence number, and when it is due; `None` when the time is up.
async fn next(run: &Rc<RefCell<Run>>) -> Option<(u64, Instant)> {
    let (sequence, due) = {
        let mut run = run.borrow_mut();
        let now = Instant::now();
        let due = run.interval.map_or(now, |interval| {
            run.started + interval.mul_f64(run.next as f64)
        });
        if now.max(due) >= run.until {
            return None;
        }
        run.next += 1;
        (run.next - 1, due)
    };
    if due > Instant::now() {
        tokio::time::sleep_until(due.into()).await;
    }
    Some((sequence, due))
}

/// What a receiver answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Acknowledged,
    /// Come back later.
    Refused,
}

fn answer_of_http(status: http::StatusCode) -> Result<Answer> {
    match status.as_u16() {
        200 => Ok(Answer::Acknowledged),
        429 | 502..=504 => Ok(Answer::Refused),
        other => bail!("status {other}"),
    }
}
