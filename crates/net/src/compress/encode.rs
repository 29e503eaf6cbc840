//! Compressing request bodies.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use libdeflater::CompressionLvl;

use super::workers::WorkerGone;
use super::{Encoding, Workers};

/// Compresses bodies with one coding at one level. A clone shares its contexts.
#[derive(Clone)]
pub struct Compressor {
    encoding: Encoding,
    level: i32,
    workers: Workers,
    /// Contexts are large (zstd: a megabyte); as many are kept as there are workers.
    idle: Arc<Mutex<Vec<Context>>>,
}

enum Context {
    Deflate(libdeflater::Compressor),
    Zstd(zstd::bulk::Compressor<'static>),
}

/// The body could not be compressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not compress the body: {0}")]
pub struct CompressError(String);

impl Compressor {
    /// A compressor; `level` is the coding's own (gzip and deflate 1 to 9, zstd 1 to 22), `None` the fastest that is good.
    pub fn new(encoding: Encoding, level: Option<i32>) -> Compressor {
        let level = match (encoding, level) {
            // A negative level is the Collector's way to ask for the default.
            (_, None | Some(..0)) => 1,
            (Encoding::Gzip | Encoding::Deflate, Some(level)) => level.min(9),
            (Encoding::Zstd, Some(level)) => level.clamp(1, 22),
        };
        Compressor {
            encoding,
            level,
            workers: Workers::default(),
            idle: Arc::default(),
        }
    }

    /// The coding.
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Compresses a body; a large one on a worker.
    ///
    /// # Errors
    /// When there is no memory for it, or the runtime is shutting down.
    pub async fn compress(&self, body: Bytes) -> Result<Bytes, CompressError> {
        let this = self.clone();
        let done = self
            .workers
            .run(body.len(), move || this.compress_now(&body))
            .await;
        done.unwrap_or_else(|gone: WorkerGone| Err(CompressError(gone.to_string())))
    }

    /// Compresses a body on this thread.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn compress_now(&self, body: &[u8]) -> Result<Bytes, CompressError> {
        let mut context = match self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
        {
            Some(context) => context,
            None => self.context()?,
        };
        let compressed = self.compress_with(&mut context, body)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < 16 {
            idle.push(context);
        }
        Ok(compressed.into())
    }

    fn context(&self) -> Result<Context, CompressError> {
        Ok(match self.encoding {
            Encoding::Gzip | Encoding::Deflate => {
                let level = CompressionLvl::new(self.level).unwrap_or_default();
                Context::Deflate(libdeflater::Compressor::new(level))
            }
            Encoding::Zstd => {
                Context::Zstd(zstd::bulk::Compressor::new(self.level).map_err(failed)?)
            }
        })
    }

    fn compress_with(&self, context: &mut Context, body: &[u8]) -> Result<Vec<u8>, CompressError> {
        match context {
            Context::Zstd(zstd) => zstd.compress(body).map_err(failed),
            Context::Deflate(deflate) if self.encoding == Encoding::Gzip => {
                let mut out = vec![0; deflate.gzip_compress_bound(body.len())];
                let length = deflate.gzip_compress(body, &mut out).map_err(failed)?;
                out.truncate(length);
                Ok(out)
            }
            Context::Deflate(deflate) => {
                let mut out = vec![0; deflate.zlib_compress_bound(body.len())];
                let length = deflate.zlib_compress(body, &mut out).map_err(failed)?;
                out.truncate(length);
                Ok(out)
            }
        }
    }
}

fn failed(error: impl std::fmt::Display) -> CompressError {
    CompressError(error.to_string())
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Compressor({}, level {})",
            self.encoding.name(),
            self.level
        )
    }
}
