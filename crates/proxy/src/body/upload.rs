//! A request's body.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use fanlight_net::{Body, BodyError};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;

use crate::record::RequestSide;

/// What is sent to the upstream: pieces that are at hand, and then what still comes from the client.
pub(crate) struct Upload {
    ready: VecDeque<Bytes>,
    rest: Option<Body>,
    /// Sees what comes from the client.
    side: Option<RequestSide>,
}

impl Upload {
    /// A body that is at hand as a whole.
    pub(crate) fn ready(pieces: impl IntoIterator<Item = Bytes>) -> Upload {
        Upload {
            ready: pieces
                .into_iter()
                .filter(|piece| !piece.is_empty())
                .collect(),
            rest: None,
            side: None,
        }
    }

    /// A body of which some pieces were read already; `side` has seen those.
    pub(crate) fn streaming(ready: VecDeque<Bytes>, rest: Body, side: RequestSide) -> Upload {
        let mut upload = Upload {
            ready,
            rest: Some(rest),
            side: Some(side),
        };
        upload.finish_if_over();
        upload
    }

    /// Tells the recording of the end as soon as it is known: nobody asks for a piece after the last one.
    fn finish_if_over(&mut self) {
        if self.rest.as_ref().is_none_or(HttpBody::is_end_stream)
            && let Some(side) = self.side.take()
        {
            side.end();
        }
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Some(piece) = this.ready.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let Some(rest) = &mut this.rest else {
            return Poll::Ready(None);
        };
        let polled = std::task::ready!(Pin::new(rest).poll_frame(cx));
        match &polled {
            Some(Ok(frame)) => {
                if let (Some(data), Some(side)) = (frame.data_ref(), &mut this.side) {
                    side.chunk(data);
                }
                this.finish_if_over();
            }
            Some(Err(_)) => drop(this.side.take()),
            None => {
                this.rest = None;
                this.finish_if_over();
            }
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty() && self.rest.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let ready: u64 = self.ready.iter().map(|piece| piece.len() as u64).sum();
        let rest = self
            .rest
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint);
        let mut hint = SizeHint::new();
        hint.set_lower(ready + rest.lower());
        if let Some(upper) = rest.upper() {
            hint.set_upper(ready + upper);
        }
        hint
    }
}

/// Reads a body, up to about so many bytes. What is left of a longer one comes back, too.
///
/// # Errors
/// When the client breaks off.
pub(crate) async fn gather(
    mut body: Body,
    most: usize,
) -> Result<(VecDeque<Bytes>, Option<Body>), BodyError> {
    let mut pieces = VecDeque::new();
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        // Trailers of a request that is looked at are of no use to anybody.
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        read += data.len();
        pieces.push_back(data);
        if read > most {
            return Ok((pieces, Some(body)));
        }
    }
    Ok((pieces, None))
}
