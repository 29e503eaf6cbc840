//! Compression and decompression of whole bodies, with hard limits.
//!
//! Limits: decompression never produces more than the cap it is given, and never allocates on a size that the sender
//! merely claims beyond what the bytes at hand could expand to. One content coding at a time; stacked codings are refused.
//!
//! gzip and deflate use libdeflate: measured on spans, it inflates about 1.7 times as fast as zlib-rs, and its level 1
//! reaches the size of zlib's level 6 at three times the speed. What it can't do (gzip of several members) goes to flate2.

mod decode;
mod encode;
mod workers;

pub use decode::{DecompressError, Decompressor};
pub use encode::Compressor;
pub use workers::{WorkerGone, Workers};

/// A content coding, as `content-encoding` and `grpc-encoding` name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// RFC 1950, which HTTP calls `deflate`.
    Deflate,
}

/// A content coding that can't be undone here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsupportedEncoding {
    /// One coding over another.
    #[error(
        "several content codings at once are not supported; send one of gzip, zstd, deflate or identity"
    )]
    Stacked,
    /// Not one of ours.
    #[error("content coding {0:?} is not supported; send one of gzip, zstd, deflate or identity")]
    Unknown(String),
}

impl Encoding {
    /// Every coding, as `accept-encoding` lists them.
    pub const ACCEPTED: &'static str = "gzip, zstd, deflate";

    /// The coding's name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Encoding::Gzip => "gzip",
            Encoding::Zstd => "zstd",
            Encoding::Deflate => "deflate",
        }
    }

    /// Reads the value of a `content-encoding` or `grpc-encoding` header; `None` is identity.
    ///
    /// # Errors
    /// When the coding is none of ours, or there are several.
    pub fn from_header(value: &str) -> Result<Option<Encoding>, UnsupportedEncoding> {
        match value.trim().to_ascii_lowercase().as_str() {
            "" | "identity" | "none" => Ok(None),
            "gzip" | "x-gzip" => Ok(Some(Encoding::Gzip)),
            "zstd" => Ok(Some(Encoding::Zstd)),
            "deflate" | "zlib" => Ok(Some(Encoding::Deflate)),
            stacked if stacked.contains(',') => Err(UnsupportedEncoding::Stacked),
            unknown => Err(UnsupportedEncoding::Unknown(
                unknown.chars().take(40).collect(),
            )),
        }
    }
}

#[cfg(test)]
mod tests;
