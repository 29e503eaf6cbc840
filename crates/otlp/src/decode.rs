//! Checking protobuf bytes.

use crate::Signal;

/// Bytes that are not a valid OTLP message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {offset} of {message}")]
pub struct DecodeError {
    pub(crate) what: &'static str,
    pub(crate) message: &'static str,
    pub(crate) offset: usize,
}

pub(crate) fn validate(_signal: Signal, _bytes: &[u8]) -> Result<usize, DecodeError> {
    Ok(0)
}
