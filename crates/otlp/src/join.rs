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

    /// As [`Batch::join`]; each batch shares the joined bytes afterwards, so that nothing stands in memory twice.
    pub fn join_sharing(batches: &mut [Batch]) -> Option<Batch> {
        let joined = Batch::join(batches)?;
        let mut start = 0;
        for batch in batches {
            let end = start + batch.bytes().len();
            let shared = joined.bytes().slice(start..end);
            *batch = Batch::trusted(batch.signal(), shared, batch.items())
                .with_origin(batch.origin().cloned());
            start = end;
        }
        Some(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Signal;
    use crate::write::{LogRecord, RequestWriter};

    fn logs(records: usize) -> Batch {
        let mut request = RequestWriter::new(Signal::Logs);
        request.resource(&[], |resource| {
            resource.scope("test", "", |scope| {
                (0..records).for_each(|_| scope.log(&LogRecord::default()))
            });
        });
        request.finish()
    }

    #[test]
    fn parts_are_what_they_were_and_share_the_joined_bytes() {
        let before = [logs(2), Batch::empty(Signal::Logs), logs(5)];
        let mut parts = before.clone();
        let joined = Batch::join_sharing(&mut parts).unwrap();
        assert_eq!(joined.items(), 7);
        for (part, before) in parts.iter().zip(&before) {
            assert_eq!(
                (part.items(), part.bytes()),
                (before.items(), before.bytes())
            );
        }
        assert_eq!(parts[0].bytes().as_ptr(), joined.bytes().as_ptr());
    }
}
