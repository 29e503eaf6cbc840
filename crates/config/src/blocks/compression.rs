//! `compression` and `compression_params`.

use std::fmt;

use serde::Deserialize;

/// How a request body is compressed.
/// [Source](https://github.com/open-telemetry/opentelemetry-collector/tree/main/config/configcompression).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all (`none`, or an empty text).
    #[default]
    #[serde(alias = "")]
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
    /// The zlib format, which HTTP calls `deflate`; `zlib` is accepted too. HTTP only.
    #[serde(alias = "zlib")]
    Deflate,
}

impl Compression {
    /// The value of `content-encoding` (HTTP) or `grpc-encoding`; nothing where there is no compression.
    pub const fn encoding(self) -> Option<&'static str> {
        match self {
            Compression::None => None,
            Compression::Gzip => Some("gzip"),
            Compression::Zstd => Some("zstd"),
            Compression::Deflate => Some("deflate"),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encoding().unwrap_or("none"))
    }
}

/// `compression_params`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CompressionParams {
    /// The level, as the algorithm counts it: gzip and deflate 1 to 9 (-1 is the default), zstd 1 to 22. Default: none given,
    /// which means the algorithm's own default.
    pub level: Option<i32>,
}
