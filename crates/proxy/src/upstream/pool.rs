//! Connections to one host, and answers over them.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use fanlight_net::http::{DialError, Dialer, Stream};
use futures::future::poll_fn;
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};

use crate::address;
use crate::body::Upload;

/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(60);
/// How many such connections are kept to one host.
const MOST_IDLE: usize = 1024;

/// A host, with the connections to it that wait for the next call.
pub(crate) struct Origin {
    url: Uri,
    /// `host` or `host:port`, as the `Host` header has it.
    pub(crate) authority: HeaderValue,
    pub(crate) host: String,
    pub(crate) port: u16,
    idle: Mutex<Vec<(Box<Open>, Instant)>>,
}

impl Origin {
    /// The host of a URL; none where nothing is ever sent to it.
    pub(crate) fn new(url: &Uri) -> Option<Origin> {
        let host = url.host()?.trim_start_matches('[').trim_end_matches(']');
        let address: Option<std::net::IpAddr> = host.parse().ok();
        if address.is_some_and(|address| !address::may_be_reached(address)) {
            return None;
        }
        let default = match url.scheme_str() {
            Some("https") => 443,
            _ => 80,
        };
        Some(Origin {
            url: url.clone(),
            authority: HeaderValue::from_str(url.authority()?.as_str()).ok()?,
            host: host.to_owned(),
            port: url.port_u16().unwrap_or(default),
            idle: Mutex::default(),
        })
    }

    /// Whether it is spoken to over TLS.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.url.scheme_str() == Some("https")
    }

    /// The whole URL of a path.
    pub(crate) fn url_of(&self, path: &Uri) -> Option<Uri> {
        let mut parts = self.url.clone().into_parts();
        parts.path_and_query = path.path_and_query().cloned();
        Uri::from_parts(parts).ok()
    }

    fn take(&self) -> Option<Box<Open>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop().map(|(open, _)| open)
    }

    fn keep(&self, open: Box<Open>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push((open, Instant::now()));
        }
    }

    /// Closes what nobody used for a while.
    pub(crate) fn forget_idle(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < IDLE);
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.url)
    }
}

/// A connection between calls, or during one.
struct Open {
    sender: SendRequest<Upload>,
    connection: http1::Connection<Stream, Upload>,
    has_ended: bool,
}

impl Open {
    /// Lets the connection read and write what it can.
    fn drive(&mut self, cx: &mut Context<'_>) {
        if !self.has_ended && Pin::new(&mut self.connection).poll(cx).is_ready() {
            // Whoever waits for the answer hears of it there.
            self.has_ended = true;
        }
    }
}

/// A connection that a call has to itself. Dropped before the answer's end, it is closed, and the upstream stops.
pub(crate) struct Lease {
    open: Option<Box<Open>>,
    origin: Arc<Origin>,
}

impl Lease {
    /// Polls the answer's body, letting the connection bring what it needs.
    pub(crate) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut body: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if let Poll::Ready(ready) = body(cx) {
            return Poll::Ready(ready);
        }
        if let Some(open) = &mut self.open {
            open.drive(cx);
        }
        body(cx)
    }

    /// The answer came to its end: keeps the connection for the next call, if it can have one.
    pub(crate) fn finish(&mut self, cx: &mut Context<'_>) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        open.drive(cx);
        if !open.has_ended && open.sender.is_ready() {
            self.origin.keep(open);
        }
    }
}

/// An answer's head, with its body to come.
pub(crate) struct Answer {
    pub(crate) response: Response<Incoming>,
    pub(crate) lease: Lease,
}

/// There is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// The connection could not be opened.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// It broke before the answer came.
    #[error("the connection to {place} broke before the answer came: {why}")]
    Broken { place: String, why: String },
}

/// Sends requests to any origin.
#[derive(Debug)]
pub(crate) struct Pool {
    dialer: Dialer,
}

impl Pool {
    pub(crate) fn new(dialer: Dialer) -> Pool {
        Pool { dialer }
    }

    /// Sends one request, whose URL is a path. Dropping the future before it resolves closes the connection.
    ///
    /// # Errors
    /// When there is no answer. A request of which nothing was sent, since the other side closed the connection meanwhile,
    /// goes over another one first.
    pub(crate) async fn send(
        &self,
        origin: &Arc<Origin>,
        mut request: Request<Upload>,
    ) -> Result<Answer, SendError> {
        loop {
            let kept = origin.take();
            let was_kept = kept.is_some();
            let mut open = match kept {
                Some(open) => open,
                None => Box::new(self.open(origin).await?),
            };
            match exchange(&mut open, request).await {
                Ok(response) => {
                    let lease = Lease {
                        open: Some(open),
                        origin: Arc::clone(origin),
                    };
                    return Ok(Answer { response, lease });
                }
                Err(mut error) => match error.take_message().filter(|_| was_kept) {
                    Some(unsent) => request = unsent,
                    None => return Err(broken(origin, error.error())),
                },
            }
        }
    }

    /// Sends one request over a connection of its own that may become something else by it, such as a WebSocket.
    pub(crate) async fn send_upgrade(
        &self,
        origin: &Arc<Origin>,
        request: Request<Upload>,
    ) -> Result<Answer, SendError> {
        let Open {
            mut sender,
            connection,
            ..
        } = self.open(origin).await?;
        let driven = tokio::spawn(connection.with_upgrades());
        let response = sender.send_request(request).await.map_err(|error| {
            driven.abort();
            broken(origin, &error)
        })?;
        Ok(Answer {
            response,
            lease: Lease {
                open: None,
                origin: Arc::clone(origin),
            },
        })
    }

    async fn open(&self, origin: &Arc<Origin>) -> Result<Open, SendError> {
        let stream = self.dialer.dial(&origin.url).await?;
        let shaken = http1::Builder::new().handshake(stream).await;
        let (sender, connection) = shaken.map_err(|error| broken(origin, &error))?;
        Ok(Open {
            sender,
            connection,
            has_ended: false,
        })
    }
}

/// Sends a request and drives the connection until the answer's head is there.
async fn exchange(
    open: &mut Open,
    request: Request<Upload>,
) -> Result<Response<Incoming>, TrySendError<Request<Upload>>> {
    let mut answer = pin!(open.sender.try_send_request(request));
    poll_fn(|cx| {
        if let Poll::Ready(ready) = answer.as_mut().poll(cx) {
            return Poll::Ready(ready);
        }
        if !open.has_ended && Pin::new(&mut open.connection).poll(cx).is_ready() {
            open.has_ended = true;
        }
        answer.as_mut().poll(cx)
    })
    .await
}

fn broken(origin: &Origin, error: &hyper::Error) -> SendError {
    let causes =
        std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| {
            error.source()
        });
    let deepest = causes.last().map(ToString::to_string).unwrap_or_default();
    SendError::Broken {
        place: format!("{}:{}", origin.host, origin.port),
        why: deepest,
    }
}
