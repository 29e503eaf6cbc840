//! The disk side of a queue: batches as records of a spool.
//!
//! A record holds everything that the next start needs: `version, signal, flags, item count, metadata, request bytes`
//! (numbers little-endian; texts as length and UTF-8). The spool guards it against damage; what comes back is checked
//! like anything that comes in.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use fanlight_config::blocks::{Queue, Sizer};
use fanlight_otlp::{Batch, Origin, Signal};
use fanlight_spool::{Options, Recovery, Spool, SpoolError};

use super::queue::Settlement;
use crate::{BuildError, Outcome};

const VERSION: u8 = 1;
const SELF_TELEMETRY: u8 = 1;

/// A queue's records on disk.
#[derive(Debug)]
pub(crate) struct DiskQueue {
    spool: Arc<Spool>,
}

impl DiskQueue {
    /// Opens the queue of one exporter, with what an earlier run left there.
    pub(crate) fn open(
        directory: &Path,
        queue: &Queue,
        sync: bool,
    ) -> Result<(DiskQueue, Recovery), BuildError> {
        // The queue bounds itself by what the user counts; the spool's own bound is for those who count bytes.
        let max_bytes = if queue.sizer == Sizer::Bytes {
            queue.queue_size
        } else {
            u64::MAX
        };
        let options = Options {
            max_bytes,
            sync,
            ..Options::default()
        };
        let (spool, recovery) = Spool::open(directory, options).map_err(|error| {
            BuildError::new(format!(
                "the queue in {} can't be opened",
                directory.display()
            ))
            .because(error)
        })?;
        Ok((
            DiskQueue {
                spool: Arc::new(spool),
            },
            recovery,
        ))
    }

    /// Puts back into the queue what an earlier run set aside after its retries: a start is a new chance.
    pub(crate) fn take_back(&self) {
        match self.spool.unpark() {
            Ok(0) => {}
            Ok(batches) => tracing::info!(batches, "batches that were set aside are tried again"),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "batches that were set aside stay there until the next start"
                );
            }
        }
    }

    /// How many batches it holds.
    pub(crate) fn records(&self) -> u64 {
        self.spool.len()
    }

    /// How many bytes it holds.
    pub(crate) fn bytes(&self) -> u64 {
        self.spool.bytes()
    }

    /// Writes a batch; resolves once it is there to stay. When the future is dropped, the batch may be there or not.
    pub(crate) async fn append(&self, batch: &Batch) -> Result<(), BuildError> {
        let spool = Arc::clone(&self.spool);
        let batch = batch.clone();
        let written = tokio::task::spawn_blocking(move || spool.append(&[&encode(&batch)])).await;
        match written {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(BuildError::new(
                "the batch could not be written to the disk queue",
            )
            .because(error)),
            Err(error) => Err(BuildError::new("the disk queue broke while writing").because(error)),
        }
    }

    /// The oldest batch that is not out already. A record that is no batch (written by another version) is set aside.
    /// Reads a file that was just written, or once after a start; what can't be read now is tried again later.
    pub(crate) fn next(&self) -> Result<Option<(u64, Batch)>, SpoolError> {
        while let Some(record) = self.spool.next()? {
            match decode(Bytes::from(record.bytes)) {
                Some(batch) => return Ok(Some((record.id, batch))),
                None => {
                    tracing::error!(
                        record = record.id,
                        "a record of the disk queue is not a batch; it is set aside"
                    );
                    self.set_aside(record.id);
                }
            }
        }
        Ok(None)
    }

    /// Makes everything survive a power cut; the last handle that is dropped lets another process open the queue.
    pub(crate) fn close(&self) {
        if let Err(error) = self.spool.close() {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a disk queue did not close cleanly"
            );
        }
    }

    /// Notes on disk how a record ended; says whether the disk still keeps its batch.
    pub(crate) fn settle(&self, record: u64, settlement: &Settlement) -> bool {
        match settlement {
            Settlement::Done(Outcome::Retry { .. }) | Settlement::Exhausted(_) => {
                self.set_aside(record)
            }
            Settlement::Done(_) => {
                self.forget(record);
                false
            }
            Settlement::Stopped => {
                noted(record, self.spool.release(&[record]));
                true
            }
        }
    }

    /// Sets a record aside; where there is no room for that it is forgotten, or it would hold its place for ever.
    fn set_aside(&self, record: u64) -> bool {
        match self.spool.park(record) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(
                    record,
                    error = &error as &dyn std::error::Error,
                    "a batch can't be set aside"
                );
                self.forget(record);
                false
            }
        }
    }

    fn forget(&self, record: u64) {
        noted(record, self.spool.ack(&[record]));
    }
}

/// A mark that can't be written costs nothing but a second delivery after the next start.
fn noted(record: u64, marked: Result<(), SpoolError>) {
    if let Err(error) = marked {
        let error = &error as &dyn std::error::Error;
        tracing::error!(
            record,
            error,
            "a batch on disk can't be marked as settled; it may be sent again"
        );
    }
}

fn encode(batch: &Batch) -> Vec<u8> {
    let origin = batch.origin();
    let metadata = origin.map_or(&[][..], |origin| origin.metadata.as_slice());
    let flags = if origin.is_some_and(|origin| origin.self_telemetry) {
        SELF_TELEMETRY
    } else {
        0
    };
    let mut record = Vec::with_capacity(batch.bytes().len() + 64);
    record.extend([VERSION, batch.signal() as u8, flags]);
    record.extend((metadata.len() as u32).to_le_bytes());
    for text in metadata.iter().flat_map(|(name, value)| [name, value]) {
        record.extend((text.len() as u32).to_le_bytes());
        record.extend(text.as_bytes());
    }
    record.extend_from_slice(batch.bytes());
    record
}

fn decode(mut record: Bytes) -> Option<Batch> {
    let [version, signal, flags] = *record.split_to_checked(3)?.first_chunk()?;
    let signal = *Signal::ALL
        .get(usize::from(signal))
        .filter(|_| version == VERSION)?;
    let mut metadata = Vec::new();
    for _ in 0..record.number()? {
        metadata.push((record.text()?, record.text()?));
    }
    let self_telemetry = flags & SELF_TELEMETRY != 0;
    let origin = (self_telemetry || !metadata.is_empty()).then(|| {
        Arc::new(Origin {
            metadata,
            self_telemetry,
        })
    });
    Some(Batch::decode(signal, record).ok()?.with_origin(origin))
}

/// Reading a record from its front; `None` where it is too short.
trait Front {
    fn split_to_checked(&mut self, length: usize) -> Option<Bytes>;
    fn number(&mut self) -> Option<u32>;
    fn text(&mut self) -> Option<String>;
}

impl Front for Bytes {
    fn split_to_checked(&mut self, length: usize) -> Option<Bytes> {
        (length <= self.len()).then(|| self.split_to(length))
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(
            *self.split_to_checked(4)?.first_chunk()?,
        ))
    }

    fn text(&mut self) -> Option<String> {
        let length = self.number()? as usize;
        String::from_utf8(self.split_to_checked(length)?.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_brings_back_the_batch_and_its_origin() {
        let origin = Origin {
            metadata: vec![("x-tenant".into(), "a".into())],
            self_telemetry: true,
        };
        for signal in Signal::ALL {
            let batch = Batch::empty(signal).with_origin(Some(Arc::new(origin.clone())));
            let back = decode(encode(&batch).into()).unwrap();
            assert_eq!(back.signal(), signal);
            assert_eq!(back.bytes(), batch.bytes());
            assert_eq!(back.origin().map(AsRef::as_ref), Some(&origin));
        }
    }

    #[test]
    fn a_cut_record_is_no_batch() {
        let origin = Origin {
            metadata: vec![("x-tenant".into(), "a".into())],
            self_telemetry: false,
        };
        let whole = encode(&Batch::empty(Signal::Logs).with_origin(Some(Arc::new(origin))));
        for length in 0..whole.len() {
            assert!(
                decode(Bytes::copy_from_slice(&whole[..length])).is_none(),
                "{length} bytes"
            );
        }
    }
}
