//! Connections that become something else, such as the WebSockets of realtime interfaces: bytes go both ways as they come.

mod events;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

use fanlight_net::Body;
use http::header::{CONNECTION, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::body::{Edit, ReplyBody, Upload};
use crate::forward::{Forwarder, call_head, head_to_upstream, url};
use crate::headers;
use crate::problem::Problem;
use crate::record::{End, Recording, ResponseSide};
use crate::routes::Target;
use crate::upstream::Answer;
use events::Events;

/// Forwards a request to upgrade. If the provider agrees, both connections are joined until one of them ends.
pub(crate) async fn forward(
    forwarder: &Forwarder,
    mut head: Parts,
    target: &Target,
    started: (SystemTime, Instant),
) -> Result<Response<Body>, Problem> {
    let path = match head.uri.query() {
        Some(query) => format!("{}?{query}", target.path),
        None => target.path.clone(),
    };
    let url = url(path)?;
    let recorded = call_head(&head, target, &url, started, false);
    let Recording {
        request,
        response: mut side,
    } = forwarder.recorder.begin(recorded);
    request.end();
    let ours = head.extensions.remove::<OnUpgrade>();
    let request = asking(head, target, url);
    let sent = forwarder
        .pool
        .send_upgrade(&target.base.origin, request)
        .await;
    let Answer {
        mut response,
        lease,
    } = match sent {
        Ok(answer) => answer,
        Err(error) => {
            side.end(End::Upstream(error.to_string()));
            return Err(Problem::of_upstream(&error));
        }
    };
    side.head(response.status(), response.headers());
    let agreed = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let theirs = agreed.then(|| hyper::upgrade::on(&mut response));
    let (mut head, incoming) = response.into_parts();
    let protocol = head.headers.get(UPGRADE).cloned();
    headers::to_client(&mut head.headers);
    let body = match (ours, theirs) {
        (Some(ours), Some(theirs)) => {
            upgraded(&mut head.headers, protocol);
            tokio::spawn(join(ours, theirs, side));
            Body::empty()
        }
        _ => {
            let body = ReplyBody::new(incoming, lease, side, Edit::None);
            Body::streaming(body.ended_if_empty().await)
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    Ok(response)
}

/// The request as the provider gets it, still asking for the upgrade.
fn asking(mut head: Parts, target: &Target, url: Uri) -> Request<Upload> {
    let wanted = head.headers.get(UPGRADE).cloned();
    head_to_upstream(&mut head, target);
    upgraded(&mut head.headers, wanted);
    let mut request = Request::new(Upload::ready([]));
    *request.method_mut() = head.method;
    *request.uri_mut() = url;
    *request.headers_mut() = head.headers;
    request
}

fn upgraded(headers: &mut HeaderMap, protocol: Option<HeaderValue>) {
    if let Some(protocol) = protocol {
        headers.insert(UPGRADE, protocol);
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

/// Passes bytes both ways until both sides have ended, or one breaks.
async fn join(ours: OnUpgrade, theirs: OnUpgrade, side: ResponseSide) {
    let (ours, theirs) = match futures::future::try_join(ours, theirs).await {
        Ok(both) => both,
        Err(error) => return side.end(broken(&error)),
    };
    let mut ours = TokioIo::new(ours);
    let mut theirs = Watched {
        socket: TokioIo::new(theirs),
        events: Events::default(),
        side,
    };
    let passed = tokio::io::copy_bidirectional(&mut ours, &mut theirs).await;
    theirs.side.end(match passed {
        Ok(_) => End::Complete,
        Err(error) => broken(&error),
    });
}

fn broken(error: &dyn std::error::Error) -> End {
    End::Upstream(format!("the connection broke: {error}"))
}

/// The provider's side of a socket, whose messages the recording sees.
struct Watched<S> {
    socket: S,
    events: Events,
    side: ResponseSide,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let had = buffer.filled().len();
        let polled = Pin::new(&mut this.socket).poll_read(cx, buffer);
        let read = buffer.filled().get(had..).unwrap_or_default();
        let side = &mut this.side;
        side.passed(read.len());
        this.events.push(read, |event| side.event(event));
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}
