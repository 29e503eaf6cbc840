//! What one batch looks like in a file.

use fanlight_otlp::{Batch, DecodeError, json};
use serde::Deserialize;

/// What a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// OTLP/JSON.
    Json,
    /// OTLP protobuf.
    Proto,
}

impl Format {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Proto => "proto",
        }
    }
}

/// How each payload is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Compression {
    /// Not at all.
    #[serde(alias = "")]
    None,
    /// As a Zstandard frame of its own.
    Zstd,
}

/// Makes records of batches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoding {
    pub(super) format: Format,
    pub(super) compression: Compression,
    /// The level of zstd; 0 means its default, 3.
    pub(super) level: i32,
}

/// A batch cannot become a record; trying again does not help.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    #[error("the batch cannot be written as json: {0}")]
    Unreadable(#[from] DecodeError),
    #[error("the batch cannot be compressed: {0}")]
    Compression(#[source] std::io::Error),
    #[error("the batch takes {0} bytes, and a record has room for 4294967295; use smaller batches")]
    TooLarge(usize),
}

impl Encoding {
    /// Whether records are lines of text.
    pub(super) fn is_lines(self) -> bool {
        self.format == Format::Json && self.compression == Compression::None
    }

    /// The batch as it goes into the file, with its line break or its length.
    pub(super) fn record(self, batch: &Batch) -> Result<Vec<u8>, RecordError> {
        if self.is_lines() {
            let mut line = json::to_vec(batch)?;
            line.push(b'\n');
            return Ok(line);
        }
        let payload = match self.format {
            Format::Json => json::to_vec(batch)?.into(),
            Format::Proto => batch.bytes().clone(),
        };
        match self.compression {
            Compression::None => with_length(&payload),
            Compression::Zstd => {
                let frame =
                    zstd::bulk::compress(&payload, self.level).map_err(RecordError::Compression)?;
                with_length(&frame)
            }
        }
    }
}

fn with_length(payload: &[u8]) -> Result<Vec<u8>, RecordError> {
    let length = u32::try_from(payload.len()).map_err(|_| RecordError::TooLarge(payload.len()))?;
    let mut record = Vec::with_capacity(4 + payload.len());
    record.extend_from_slice(&length.to_be_bytes());
    record.extend_from_slice(payload);
    Ok(record)
}
