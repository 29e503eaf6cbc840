//! Serving one connection, and how long it may live.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fanlight_config::blocks;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, positive};

/// Large windows keep a sender of large batches from waiting for permission; memory is bounded by the admission budget.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
/// A message that comes in one frame needs no copy.
const FRAME: u32 = 1 << 20;
/// How many requests may be open on one connection where nothing is configured.
const STREAMS: u32 = 1024;

/// How long a connection and its parts may take. `None` means as long as they like.
pub(super) struct Times {
    headers: Option<Duration>,
    idle: Option<Duration>,
    age: Option<Duration>,
    /// Between the end of the age and the end of the connection.
    grace: Option<Duration>,
    ping: Option<(Duration, Duration)>,
    streams: u32,
    keep_alive: bool,
}

impl Times {
    pub(super) fn of_http(block: &blocks::HttpServer) -> Times {
        Times {
            headers: positive(block.read_header_timeout),
            idle: positive(block.idle_timeout),
            age: None,
            grace: None,
            ping: None,
            streams: STREAMS,
            keep_alive: block.keep_alives_enabled,
        }
    }

    pub(super) fn of_grpc(block: &blocks::GrpcServer) -> Times {
        let parameters = block
            .keepalive
            .as_ref()
            .map(|keepalive| &keepalive.server_parameters);
        let ping = parameters
            .map(|given| (given.time, given.timeout))
            .unwrap_or((Duration::from_secs(2 * 3600), Duration::from_secs(20)));
        Times {
            headers: Some(Duration::from_secs(60)),
            idle: parameters.and_then(|given| positive(given.max_connection_idle)),
            age: parameters.and_then(|given| positive(given.max_connection_age)),
            grace: parameters.and_then(|given| positive(given.max_connection_age_grace)),
            ping: positive(ping.0).map(|every| (every, ping.1)),
            streams: if block.max_concurrent_streams == 0 {
                STREAMS
            } else {
                block.max_concurrent_streams
            },
            keep_alive: true,
        }
    }

    fn protocol(&self) -> auto::Builder<TokioExecutor> {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.headers)
            .keep_alive(self.keep_alive);
        let mut http2 = builder.http2();
        http2
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME)
            .max_concurrent_streams(self.streams);
        if let Some((every, answer_within)) = self.ping {
            http2
                .keep_alive_interval(every)
                .keep_alive_timeout(answer_within);
        }
        builder
    }
}

/// Requests of a connection: how many began and how many ended.
#[derive(Default)]
struct Activity {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// Counts the end of a request even where it is dropped half-way.
struct Ending(Arc<Activity>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

impl Connection {
    /// Serves until the client goes, the connection has been idle for too long or is too old, or the word to stop came.
    pub(super) async fn serve<S>(self, socket: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let this = Arc::new(self);
        let activity = Arc::new(Activity::default());
        let service = service_fn({
            let (this, activity) = (this.clone(), activity.clone());
            move |request| {
                activity.begun.fetch_add(1, Ordering::Relaxed);
                let (this, ending) = (this.clone(), Ending(activity.clone()));
                async move {
                    let response = this.answer(request).await;
                    drop(ending);
                    response
                }
            }
        });
        let times = &this.rules.times;
        let protocol = times.protocol();
        let mut connection =
            pin!(protocol.serve_connection_with_upgrades(TokioIo::new(socket), service));
        let aged = tokio::select! {
            ended = connection.as_mut() => return this.note(ended),
            () = this.stop.requested() => false,
            () = idle(times.idle, &activity) => false,
            () = sleep(times.age) => true,
        };
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection => this.note(ended),
            () = sleep(times.grace.filter(|_| aged)) => {}
        }
    }

    /// Clients break connections off all the time; that is worth a line only to somebody who looks for it.
    fn note(&self, ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
        if let Err(error) = ended {
            tracing::debug!(peer = %self.peer, %error, "a connection broke");
        }
    }
}

/// Resolves after a time, or never.
async fn sleep(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Resolves once no request was open for this long (and at most twice as long).
async fn idle(limit: Option<Duration>, activity: &Activity) {
    let mut seen = None;
    loop {
        sleep(limit).await;
        let begun = activity.begun.load(Ordering::Relaxed);
        if activity.ended.load(Ordering::Relaxed) == begun && seen == Some(begun) {
            return;
        }
        seen = Some(begun);
    }
}
