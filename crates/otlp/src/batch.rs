//! A batch: one signal's validated request bytes, shared by reference count.

use std::sync::Arc;

use bytes::Bytes;

use crate::{DecodeError, Signal};

/// Telemetry of one signal on its way: a valid OTLP export request as protobuf bytes, and how many items it holds.
///
/// A clone shares the bytes. The only public way in is [`Batch::decode`], so whoever holds a batch may rely on its bytes
/// being a well-formed request of its signal, down to the last attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    signal: Signal,
    bytes: Bytes,
    items: usize,
    origin: Option<Arc<Origin>>,
}

/// Where a batch came from, as far as later components need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The caller's headers that a receiver was told to keep (`include_metadata`), names in lower case, in arrival order.
    pub metadata: Vec<(String, String)>,
    /// Whether the hub itself made this telemetry. Nothing is counted or logged about it, so that it can't feed itself.
    pub self_telemetry: bool,
}

impl Batch {
    /// Checks a request and takes it over.
    ///
    /// # Errors
    /// Says where the bytes stop being a valid request of that signal.
    pub fn decode(signal: Signal, bytes: Bytes) -> Result<Batch, DecodeError> {
        let items = crate::decode::validate(signal, &bytes)?;
        Ok(Batch {
            signal,
            bytes,
            items,
            origin: None,
        })
    }

    /// A request that this crate made, whose bytes and count are right by construction.
    pub(crate) fn trusted(signal: Signal, bytes: Bytes, items: usize) -> Batch {
        debug_assert_eq!(crate::decode::validate(signal, &bytes), Ok(items));
        Batch {
            signal,
            bytes,
            items,
            origin: None,
        }
    }

    /// The request without any item, which every receiver must accept.
    pub const fn empty(signal: Signal) -> Batch {
        Batch {
            signal,
            bytes: Bytes::new(),
            items: 0,
            origin: None,
        }
    }

    /// The signal.
    pub const fn signal(&self) -> Signal {
        self.signal
    }

    /// The request: `Export*ServiceRequest` in protobuf.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many spans, data points, log records or profile samples it holds.
    pub const fn items(&self) -> usize {
        self.items
    }

    /// Where it came from, if a receiver said so.
    pub fn origin(&self) -> Option<&Arc<Origin>> {
        self.origin.as_ref()
    }

    /// The same batch, from there.
    #[must_use]
    pub fn with_origin(mut self, origin: Option<Arc<Origin>>) -> Batch {
        self.origin = origin;
        self
    }
}
