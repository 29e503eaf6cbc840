//! The one body type of every request and response, so that handlers, axum and hyper fit together.
//!
//! What is at hand as bytes is sent without a copy and without boxing; everything else streams.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;

/// Why a body broke off.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request or a response.
#[derive(Default)]
pub struct Body(Inner);

enum Inner {
    Ready {
        chunks: [Bytes; 2],
        trailers: Option<Box<HeaderMap>>,
    },
    Incoming(Incoming),
    Streaming(UnsyncBoxBody<Bytes, BodyError>),
}

impl Default for Inner {
    fn default() -> Inner {
        Inner::Ready {
            chunks: [Bytes::new(), Bytes::new()],
            trailers: None,
        }
    }
}

impl Body {
    /// A body without any byte.
    pub fn empty() -> Body {
        Body::default()
    }

    /// A gRPC message: its five-byte head and the message follow each other, and trailers where it is a response.
    pub(crate) fn framed(head: Bytes, message: Bytes, trailers: Option<HeaderMap>) -> Body {
        Body(Inner::Ready {
            chunks: [head, message],
            trailers: trailers.map(Box::new),
        })
    }

    /// A body that another crate streams, such as axum's.
    pub fn streaming<B>(body: B) -> Body
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BodyError>,
    {
        Body(Inner::Streaming(body.map_err(Into::into).boxed_unsync()))
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Body {
        Body(Inner::Ready {
            chunks: [bytes.into(), Bytes::new()],
            trailers: None,
        })
    }
}

impl Body {
    /// The body of a request that a server received.
    pub fn incoming(incoming: Incoming) -> Body {
        Body(Inner::Incoming(incoming))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.get_mut().0 {
            Inner::Ready { chunks, trailers } => {
                if let Some(chunk) = chunks.iter_mut().find(|chunk| !chunk.is_empty()) {
                    return Poll::Ready(Some(Ok(Frame::data(std::mem::take(chunk)))));
                }
                Poll::Ready(
                    trailers
                        .take()
                        .map(|trailers| Ok(Frame::trailers(*trailers))),
                )
            }
            Inner::Incoming(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Inner::Streaming(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Ready { chunks, trailers } => {
                trailers.is_none() && chunks.iter().all(Bytes::is_empty)
            }
            Inner::Incoming(body) => body.is_end_stream(),
            Inner::Streaming(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Ready { chunks, .. } => {
                SizeHint::with_exact(chunks.iter().map(|chunk| chunk.len() as u64).sum())
            }
            Inner::Incoming(body) => body.size_hint(),
            Inner::Streaming(body) => body.size_hint(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({:?})", self.size_hint())
    }
}
