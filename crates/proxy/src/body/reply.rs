//! An answer's body.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use fanlight_net::BodyError;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;

use crate::record::{End, ResponseSide};
use crate::translate;
use crate::upstream::Lease;
use crate::usage::UsageFilter;

/// What the client gets: what the upstream sends, as it comes. Dropped before its end, the upstream's connection closes.
pub(crate) struct ReplyBody {
    incoming: Incoming,
    lease: Lease,
    /// Sees what comes from the upstream; none once the end is known.
    side: Option<ResponseSide>,
    edit: Edit,
    /// What follows an edited piece that was held back.
    after: Option<Option<Result<Frame<Bytes>, BodyError>>>,
    is_over: bool,
    /// Whether the client has been given what came before a fault.
    is_flushed: bool,
}

/// What is changed on the way.
pub(crate) enum Edit {
    /// Nothing.
    None,
    /// What the client did not ask for is taken out again.
    Usage(UsageFilter),
    /// The client speaks otherwise than the upstream.
    Translate(Box<translate::Reply>),
}

impl ReplyBody {
    /// The body of an answer whose head the recording has seen.
    pub(crate) fn new(
        incoming: Incoming,
        lease: Lease,
        side: ResponseSide,
        edit: Edit,
    ) -> ReplyBody {
        ReplyBody {
            incoming,
            lease,
            side: Some(side),
            edit,
            after: None,
            is_over: false,
            is_flushed: false,
        }
    }

    /// Ends a body that has no bytes: nobody asks for a piece of it.
    pub(crate) async fn ended_if_empty(mut self) -> ReplyBody {
        if self.incoming.is_end_stream() {
            std::future::poll_fn(|cx| {
                self.complete(cx);
                Poll::Ready(())
            })
            .await;
            self.is_over = matches!(self.edit, Edit::None);
        }
        self
    }

    /// The upstream's last byte came.
    fn complete(&mut self, cx: &mut Context<'_>) {
        if let Some(side) = self.side.take() {
            self.lease.finish(cx);
            side.end(End::Complete);
        }
    }

    /// The next piece as the upstream sends it.
    fn poll_upstream(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let incoming = &mut self.incoming;
        let polled = self
            .lease
            .poll(cx, |cx| Pin::new(&mut *incoming).poll_frame(cx));
        let frame = match std::task::ready!(polled) {
            None => {
                self.complete(cx);
                return Poll::Ready(None);
            }
            Some(Err(error)) => {
                if let Some(side) = self.side.take() {
                    side.end(End::Upstream(format!("the answer broke off: {error}")));
                }
                return Poll::Ready(Some(Err(error.into())));
            }
            Some(Ok(frame)) => frame,
        };
        if let (Some(data), Some(side)) = (frame.data_ref(), &mut self.side) {
            side.chunk(data);
        }
        if self.incoming.is_end_stream() {
            self.complete(cx);
        }
        Poll::Ready(Some(Ok(frame)))
    }

    /// Gives a piece to the server. A fault waits for a moment: the server writes what it was given before, and after a
    /// fault it writes nothing more.
    fn handed_out(
        &mut self,
        cx: &mut Context<'_>,
        piece: Option<Result<Frame<Bytes>, BodyError>>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if matches!(piece, Some(Err(_))) && !std::mem::replace(&mut self.is_flushed, true) {
            self.after = Some(piece);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.is_over |= piece.is_none();
        Poll::Ready(piece)
    }

    /// What the client gets in place of a piece; none where it is held back.
    fn edited(
        &mut self,
        piece: Option<Result<Frame<Bytes>, BodyError>>,
    ) -> Option<Option<Result<Frame<Bytes>, BodyError>>> {
        let bytes = match piece {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    let bytes = self.edit.push(data);
                    return (!bytes.is_empty()).then_some(Some(Ok(Frame::data(bytes))));
                }
                Err(trailers) => {
                    self.after = Some(Some(Ok(trailers)));
                    self.edit.held()
                }
            },
            Some(Err(error)) => {
                self.after = Some(Some(Err(error)));
                self.edit.held()
            }
            None => {
                self.after = Some(None);
                self.edit.finish()
            }
        };
        match bytes.is_empty() {
            true => self.after.take(),
            false => Some(Some(Ok(Frame::data(bytes)))),
        }
    }
}

impl HttpBody for ReplyBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        if let Some(after) = this.after.take() {
            return this.handed_out(cx, after);
        }
        loop {
            let piece = match this.side {
                Some(_) => std::task::ready!(this.poll_upstream(cx)),
                None => None,
            };
            if let Edit::None = this.edit {
                // The last piece says that it is the last.
                this.is_over = this.side.is_none() && !matches!(piece, Some(Err(_)));
                return this.handed_out(cx, piece);
            }
            if let Some(piece) = this.edited(piece) {
                return this.handed_out(cx, piece);
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }

    fn size_hint(&self) -> SizeHint {
        match self.edit {
            Edit::None => self.incoming.size_hint(),
            _ => SizeHint::default(),
        }
    }
}

impl Edit {
    fn push(&mut self, data: Bytes) -> Bytes {
        match self {
            Edit::None => data,
            Edit::Usage(filter) => filter.push(data),
            Edit::Translate(reply) => reply.push(&data),
        }
    }

    /// What is held back when the answer breaks off.
    fn held(&mut self) -> Bytes {
        match self {
            Edit::None | Edit::Translate(_) => Bytes::new(),
            Edit::Usage(filter) => filter.finish(),
        }
    }

    fn finish(&mut self) -> Bytes {
        match self {
            Edit::None => Bytes::new(),
            Edit::Usage(filter) => filter.finish(),
            Edit::Translate(reply) => reply.finish(),
        }
    }
}
