//! Reading request bodies within limits: size, memory, time.
//!
//! Limits: a body is never larger than `max_bytes`, before or after decompression; all bodies together never larger than
//! the [`Admission`]; a sender that stays silent loses its request. Received chunks are kept as they came and joined once,
//! so nothing is allocated on a length that a sender merely claims, and a body that came in one piece is not copied at all.

use std::collections::VecDeque;
use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use http_body::Body as _;

use crate::admission::{Admission, Lease};
use crate::body::Body;
use crate::compress::{Decompressor, Encoding};
use crate::status::Failure;

/// How much of a refused body is read before its connection is given up, in bytes.
const DISCARDED: usize = 64 << 20;

/// What servers need to read bodies; shared between them by cloning.
#[derive(Clone, Debug, Default)]
pub struct Intake {
    admission: Admission,
    decompressor: Decompressor,
}

/// How much, and how slowly, a sender may send.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest body in bytes, before and after decompression.
    pub max_bytes: usize,
    /// How long a sender may be silent in the middle of a body.
    pub silence: Duration,
    /// How long the whole body may take; `None` means as long as it goes on.
    pub total: Option<Duration>,
}

/// A body in memory, with its part of the memory budget. Hold it until the request is answered.
#[derive(Debug)]
pub struct Held {
    /// The body, decompressed.
    pub bytes: Bytes,
    lease: Lease,
}

impl Limits {
    /// Limits of size with the usual patience.
    pub const fn of_size(max_bytes: usize) -> Limits {
        Limits {
            max_bytes,
            silence: Duration::from_secs(30),
            total: None,
        }
    }
}

impl Held {
    /// The same part of the budget, with the body in another form.
    #[must_use]
    pub fn with_bytes(self, bytes: Bytes) -> Held {
        Held {
            bytes,
            lease: self.lease,
        }
    }
}

impl Intake {
    /// With this memory budget.
    pub fn new(admission: Admission) -> Intake {
        Intake {
            admission,
            decompressor: Decompressor::default(),
        }
    }

    /// Reads the body of an HTTP request and undoes its content coding.
    ///
    /// # Errors
    /// [`Failure`] with 400, 408, 413 or 503.
    pub async fn read(
        &self,
        body: Body,
        encoding: Option<Encoding>,
        limits: &Limits,
    ) -> Result<Held, Failure> {
        let mut body = body;
        let (chunks, lease) = match self.gather(&mut body, limits.max_bytes, limits).await {
            Ok(gathered) => gathered,
            Err(failure) => {
                discard(&mut body).await;
                return Err(failure);
            }
        };
        self.decompress(chunks.join(), encoding, limits, lease)
            .await
    }

    /// Runs a job that takes about as long as inflating so many bytes; on a worker, if that is long.
    ///
    /// # Errors
    /// [`Failure`] with 503 when the hub is shutting down.
    pub async fn run<T, F>(&self, bytes: usize, job: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        self.decompressor
            .workers()
            .run(bytes, job)
            .await
            .map_err(|gone| Failure::unavailable(gone.to_string()))
    }

    /// Undoes a content coding, within the limits.
    pub(crate) async fn decompress(
        &self,
        bytes: Bytes,
        encoding: Option<Encoding>,
        limits: &Limits,
        lease: Lease,
    ) -> Result<Held, Failure> {
        let Some(encoding) = encoding.filter(|_| !bytes.is_empty()) else {
            return Ok(Held { bytes, lease });
        };
        let (bytes, mut lease) = self
            .decompressor
            .decompress(encoding, bytes, limits.max_bytes, lease)
            .await?;
        lease.shrink_to(bytes.len());
        Ok(Held { bytes, lease })
    }

    /// Receives a body of at most `most` bytes.
    pub(crate) async fn gather(
        &self,
        body: &mut Body,
        most: usize,
        limits: &Limits,
    ) -> Result<(Chunks, Lease), Failure> {
        if body.size_hint().lower() > most as u64 {
            return Err(too_large(most));
        }
        let mut lease = self.admission.lease();
        let mut chunks = Chunks::default();
        let receive = async {
            let mut silence = pin!(tokio::time::sleep(limits.silence));
            loop {
                let mut waited = false;
                let frame = poll_fn(|cx| match Pin::new(&mut *body).poll_frame(cx) {
                    Poll::Ready(frame) => Poll::Ready(Ok(frame)),
                    Poll::Pending => {
                        waited = true;
                        silence
                            .as_mut()
                            .poll(cx)
                            .map(|()| Err(silent(limits.silence)))
                    }
                });
                let Some(frame) = frame.await? else {
                    return Ok(());
                };
                let frame = frame.map_err(|error| {
                    Failure::bad_request(format!("the body broke off: {error}"))
                })?;
                if waited {
                    silence
                        .as_mut()
                        .reset(tokio::time::Instant::now() + limits.silence);
                }
                let Ok(data) = frame.into_data() else {
                    continue;
                };
                lease.grow(data.len())?;
                chunks.push(data);
                if chunks.length > most {
                    return Err(too_large(most));
                }
            }
        };
        match limits.total {
            None => receive.await?,
            Some(total) => tokio::time::timeout(total, receive)
                .await
                .unwrap_or_else(|_| Err(silent(total)))?,
        }
        Ok((chunks, lease))
    }
}

/// Reads on and forgets what it reads, so that a sender which is refused in the middle of its body can finish sending and
/// then reads the answer, instead of seeing its connection break. Gives up after [`DISCARDED`] bytes or five seconds.
async fn discard(body: &mut Body) {
    let mut left = DISCARDED;
    let forget = async {
        while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
            match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    // Whether it finished makes no difference to what is answered.
    drop(tokio::time::timeout(Duration::from_secs(5), forget).await);
}

fn too_large(most: usize) -> Failure {
    Failure::too_large(format!(
        "the body is larger than {most} bytes; send smaller batches or raise the limit"
    ))
}

fn silent(after: Duration) -> Failure {
    Failure::too_slow(format!(
        "the body did not arrive within {} s",
        after.as_secs()
    ))
}

/// The pieces of a body, in order.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    list: VecDeque<Bytes>,
    length: usize,
}

impl Chunks {
    pub(crate) fn push(&mut self, chunk: Bytes) {
        self.length += chunk.len();
        if !chunk.is_empty() {
            self.list.push_back(chunk);
        }
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Takes the first bytes off; `None` if there are fewer.
    pub(crate) fn take_front<const N: usize>(&mut self) -> Option<[u8; N]> {
        if self.length < N {
            return None;
        }
        let mut front = [0; N];
        for byte in &mut front {
            let chunk = self.list.front_mut()?;
            *byte = chunk.get_u8();
            if chunk.is_empty() {
                self.list.pop_front();
            }
        }
        self.length -= N;
        Some(front)
    }

    /// All of it in one piece.
    pub(crate) fn join(mut self) -> Bytes {
        if self.list.len() < 2 {
            return self.list.pop_front().unwrap_or_default();
        }
        let mut joined = BytesMut::with_capacity(self.length);
        self.list
            .iter()
            .for_each(|chunk| joined.extend_from_slice(chunk));
        joined.freeze()
    }
}
