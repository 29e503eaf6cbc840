//! Decompressing request bodies.

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use libdeflater::DecompressionError;

use super::workers::WorkerGone;
use super::{Encoding, Workers};
use crate::admission::{Lease, OverBudget};

/// No deflate stream expands to more than this many times its length.
const MOST_EXPANSION: usize = 1032;
/// What telemetry usually expands to, at most; a wrong guess costs another try.
const USUAL_EXPANSION: usize = 8;
/// zstd frames whose window is larger than 32 MiB are refused where the window would have to be allocated.
const ZSTD_WINDOW_LOG: u32 = 25;
/// How much is read at once where the length isn't known.
const STEP: usize = 64 << 10;

/// Undoes content codings. A clone shares contexts and workers.
#[derive(Clone, Default)]
pub struct Decompressor {
    workers: Workers,
    idle: Arc<Mutex<Vec<libdeflater::Decompressor>>>,
}

/// A body could not be decompressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecompressError {
    /// It would become larger than allowed.
    #[error(
        "the body is larger than {cap} bytes after decompression; send smaller batches or raise the limit"
    )]
    TooLarge {
        /// The limit, in bytes.
        cap: usize,
    },
    /// There is no room for it now.
    #[error(transparent)]
    OverBudget(#[from] OverBudget),
    /// It is not what its coding says.
    #[error("the body is not valid {coding}")]
    Malformed {
        /// The coding that it was sent as.
        coding: &'static str,
    },
    /// A worker broke, or the hub is shutting down.
    #[error("the body could not be decompressed: a worker broke")]
    Broken,
}

impl Decompressor {
    /// Decompresses a body to at most `cap` bytes; a large one on a worker. The lease grows by what is produced.
    ///
    /// # Errors
    /// [`DecompressError`] says whether the sender, the limit or the budget is the cause.
    pub async fn decompress(
        &self,
        encoding: Encoding,
        body: Bytes,
        cap: usize,
        mut lease: Lease,
    ) -> Result<(Bytes, Lease), DecompressError> {
        let this = self.clone();
        let cost = body.len().saturating_mul(USUAL_EXPANSION / 2);
        let job = move || {
            this.decompress_now(encoding, &body, cap, &mut lease)
                .map(|bytes| (bytes, lease))
        };
        self.workers
            .run(cost, job)
            .await
            .unwrap_or_else(|_: WorkerGone| Err(DecompressError::Broken))
    }

    /// Where its large jobs run.
    pub fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Decompresses a body on this thread.
    ///
    /// # Errors
    /// As [`Decompressor::decompress`].
    pub fn decompress_now(
        &self,
        encoding: Encoding,
        body: &[u8],
        cap: usize,
        lease: &mut Lease,
    ) -> Result<Bytes, DecompressError> {
        match encoding {
            Encoding::Gzip => self.gunzip(body, cap, lease),
            Encoding::Deflate => self.inflate(
                encoding,
                body,
                body.len().saturating_mul(USUAL_EXPANSION),
                cap,
                lease,
            ),
            Encoding::Zstd => unzstd(body, cap, lease),
        }
    }

    fn gunzip(&self, body: &[u8], cap: usize, lease: &mut Lease) -> Result<Bytes, DecompressError> {
        let claimed = claimed_length(body).ok_or(malformed(Encoding::Gzip))?;
        let first = self.inflate(Encoding::Gzip, body, claimed, cap, lease)?;
        // libdeflate stops after the first member and does not say where. A further member starts with its magic number,
        // and whatever else follows makes the claimed length wrong: only then the slower decoder settles it.
        let rest = body.get(18..).unwrap_or_default();
        if first.len() == claimed && memchr::memmem::find(rest, &[0x1f, 0x8b, 0x08]).is_none() {
            return Ok(first);
        }
        drop(first);
        read_capped(
            flate2::read::MultiGzDecoder::new(body),
            Encoding::Gzip,
            cap,
            lease,
        )
    }

    /// Inflates into one buffer, which starts at the guess and grows until the output fits.
    fn inflate(
        &self,
        encoding: Encoding,
        body: &[u8],
        guess: usize,
        cap: usize,
        lease: &mut Lease,
    ) -> Result<Bytes, DecompressError> {
        let most = body.len().saturating_mul(MOST_EXPANSION).min(cap);
        let mut capacity = guess.clamp(64.min(most), most);
        let pop = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut inflater = pop.unwrap_or_default();
        let result = loop {
            lease.grow(capacity)?;
            let mut out = vec![0; capacity];
            let result = match encoding {
                Encoding::Gzip => inflater.gzip_decompress(body, &mut out),
                Encoding::Deflate | Encoding::Zstd => inflater.zlib_decompress(body, &mut out),
            };
            match result {
                Ok(length) => {
                    out.truncate(length);
                    break Ok(Bytes::from(out));
                }
                Err(DecompressionError::BadData) => break Err(malformed(encoding)),
                Err(DecompressionError::InsufficientSpace) if capacity >= cap => {
                    break Err(DecompressError::TooLarge { cap });
                }
                Err(DecompressionError::InsufficientSpace) if capacity >= most => {
                    break Err(malformed(encoding));
                }
                Err(DecompressionError::InsufficientSpace) => {
                    capacity = capacity.saturating_mul(4).min(most)
                }
            }
        };
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < 16 {
            idle.push(inflater);
        }
        result
    }
}

impl std::fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decompressor")
    }
}

/// The length that a gzip member's last four bytes claim.
fn claimed_length(body: &[u8]) -> Option<usize> {
    let claimed = u32::from_le_bytes(*body.last_chunk::<4>()?);
    usize::try_from(claimed).ok()
}

fn unzstd(body: &[u8], cap: usize, lease: &mut Lease) -> Result<Bytes, DecompressError> {
    if let Ok(Some(claimed)) = zstd::zstd_safe::get_frame_content_size(body) {
        let claimed = usize::try_from(claimed)
            .ok()
            .filter(|claimed| *claimed <= cap);
        let claimed = claimed.ok_or(DecompressError::TooLarge { cap })?;
        lease.grow(claimed)?;
        // Several frames do not fit into what the first one claims; those are streamed.
        if let Ok(out) = zstd::bulk::decompress(body, claimed) {
            return Ok(out.into());
        }
    }
    let mut reader =
        zstd::stream::read::Decoder::with_buffer(body).map_err(|_| malformed(Encoding::Zstd))?;
    reader
        .window_log_max(ZSTD_WINDOW_LOG)
        .map_err(|_| malformed(Encoding::Zstd))?;
    read_capped(reader, Encoding::Zstd, cap, lease)
}

/// Reads to the end, step by step, and stops as soon as the cap is passed.
fn read_capped(
    mut reader: impl Read,
    encoding: Encoding,
    cap: usize,
    lease: &mut Lease,
) -> Result<Bytes, DecompressError> {
    let mut out = Vec::new();
    loop {
        lease.grow(STEP)?;
        let step = STEP.min(cap - out.len() + 1) as u64;
        let read = reader
            .by_ref()
            .take(step)
            .read_to_end(&mut out)
            .map_err(|_| malformed(encoding))?;
        if out.len() > cap {
            return Err(DecompressError::TooLarge { cap });
        }
        if read == 0 {
            return Ok(out.into());
        }
    }
}

const fn malformed(encoding: Encoding) -> DecompressError {
    DecompressError::Malformed {
        coding: encoding.name(),
    }
}
