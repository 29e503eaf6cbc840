//! Tasks that take jobs from a queue. Each job is worked on in the trace of whoever put it there.
//!
//! ```text
//! cargo run --example worker -- 20
//! ```
//!
//! Where the telemetry goes says the environment (`OTEL_EXPORTER_OTLP_ENDPOINT` and the like).

#![allow(clippy::print_stdout, reason = "it shows the result")]

use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use fanlight::{Context, SpanKind, info, span, warn};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::sleep;

/// How many tasks work at the same time.
const WORKERS: usize = 3;
/// How many jobs wait at most.
const QUEUE: usize = 4;

/// A picture to be made smaller.
struct Job {
    picture: u64,
    /// The span in which it was queued.
    queued_in: Option<Context>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let fanlight = fanlight::configure().service_name("worker").start()?;
    let jobs = match env::args().nth(1) {
        Some(jobs) => jobs.parse()?,
        None => 10,
    };
    let (sender, receiver) = channel(QUEUE);
    let receiver = Arc::new(Mutex::new(receiver));
    let workers: Vec<_> = (0..WORKERS)
        .map(|number| tokio::spawn(work(number, Arc::clone(&receiver))))
        .collect();
    for picture in 0..jobs {
        upload(picture, &sender).await?;
    }
    // Without a sender the queue ends, and the workers with it.
    drop(sender);
    for worker in workers {
        worker.await?;
    }
    println!("{jobs} pictures are small now");
    // Dropping the guard delivers as well, but keeps the thread waiting.
    fanlight.shutdown_async(Duration::from_secs(5)).await;
    Ok(())
}

/// What a web server would do when it is sent a picture.
#[fanlight::instrument("upload {picture}", args(picture), kind = SpanKind::Producer, err)]
async fn upload(picture: u64, queue: &Sender<Job>) -> Result<(), Box<dyn Error>> {
    let queued_in = Context::current();
    queue.send(Job { picture, queued_in }).await?;
    Ok(())
}

/// Takes jobs until there are no more.
async fn work(worker: usize, queue: Arc<Mutex<Receiver<Job>>>) {
    let next = async || queue.lock().await.recv().await;
    while let Some(job) = next().await {
        shrink(&job, worker).await;
    }
}

#[fanlight::instrument(
    "shrink {picture}",
    fields(picture = job.picture, worker),
    kind = SpanKind::Consumer,
    parent = job.queued_in
)]
async fn shrink(job: &Job, worker: usize) {
    if job.picture % 4 == 3 {
        warn!("{picture} is large", picture = job.picture);
    }
    let megabytes = job.picture % 4 + 1;
    decode(megabytes).await;
    span!("encode").in_scope(|| info!("half of {megabytes} MB is left"));
}

#[fanlight::instrument(args(megabytes))]
async fn decode(megabytes: u64) {
    // In place of the work.
    sleep(Duration::from_millis(megabytes)).await;
}
