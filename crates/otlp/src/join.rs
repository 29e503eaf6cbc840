//! Joining batches: protobuf requests of repeated messages concatenate, so nothing is decoded.

use crate::Batch;

impl Batch {
    /// One batch with everything that these hold, in their order. The origin is kept where all have the same, else
    /// dropped.
    ///
    /// `None` when there is nothing to join, when the signals differ, or when a signal's requests don't concatenate
    /// ([`SignalInfo::joinable`](crate::SignalInfo::joinable)) and more than one has content.
    pub fn join(batches: &[Batch]) -> Option<Batch> {
        let first = batches.first()?;
        let signal = first.signal();
        if batches.iter().any(|batch| batch.signal() != signal) {
            return None;
        }
        let origin = first
            .origin()
            .filter(|_| batches.iter().all(|batch| batch.origin() == first.origin()))
            .cloned();
        let mut contents = batches.iter().filter(|batch| !batch.bytes().is_empty());
        let joined = match (contents.next(), contents.next()) {
            (None, _) => Batch::empty(signal),
            (Some(only), None) => only.clone(),
            _ if !signal.info().joinable => return None,
            _ => {
                let mut bytes =
                    Vec::with_capacity(batches.iter().map(|batch| batch.bytes().len()).sum());
                batches
                    .iter()
                    .for_each(|batch| bytes.extend_from_slice(batch.bytes()));
                Batch::trusted(signal, bytes.into(), batches.iter().map(Batch::items).sum())
            }
        };
        Some(joined.with_origin(origin))
    }
}
