//! What can go wrong, and whose move it is then.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A queue that can't do what it was asked. It stays usable.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SpoolError {
    /// The queue has no room for these records now. The sender should come back when some are delivered.
    #[error(
        "the queue is full: {needed} bytes are needed, {free} are free; raise its size or wait until it drains"
    )]
    Full {
        /// Bytes that these records take on disk.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The records would not fit even into an empty queue. They must be split or given up.
    #[error(
        "{needed} bytes at once are too large for this queue, which takes {most}; raise its size"
    )]
    TooLarge {
        /// Bytes that these records take on disk.
        needed: u64,
        /// The most that fits.
        most: u64,
    },
    /// There is no room to set a record aside. It is still out: acknowledge it (and so drop it) or release it.
    #[error("no room to set the record aside: {needed} bytes are needed, {free} are free")]
    ParkedFull {
        /// Bytes that the record takes on disk.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// Another process, or another part of this one, has the queue open.
    #[error("queue {} is in use by another process; stop it or choose another directory", directory.display())]
    InUse {
        /// The queue's directory.
        directory: PathBuf,
    },
    /// A segment was written by a version of this program that this one doesn't know.
    #[error("queue segment {} has format version {found}, this program knows {}; let the newer program drain it", file.display(), crate::segment::VERSION)]
    Version {
        /// The segment.
        file: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The record isn't out: it was never handed out, or was acknowledged or released before. A mistake of the caller.
    #[error("record {id} is not out")]
    NotOut {
        /// The record.
        id: u64,
    },
    /// The queue was closed.
    #[error("the queue is closed")]
    Closed,
    /// The disk refused.
    #[error("can't {action} {}", path.display())]
    Io {
        /// What was tried, such as `write to`.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: Arc<io::Error>,
    },
}

impl SpoolError {
    /// Whether the same records may be accepted later: the queue or the disk is full, or the disk has a bad moment.
    pub fn is_temporary(&self) -> bool {
        matches!(self, SpoolError::Full { .. } | SpoolError::Io { .. })
    }

    /// Whether the disk (not the queue's own bound) has no space left.
    pub fn is_disk_full(&self) -> bool {
        let SpoolError::Io { source, .. } = self else {
            return false;
        };
        matches!(
            source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    }
}

/// Turns what the disk said into a [`SpoolError`], to be used with `map_err`.
pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SpoolError {
    let path = path.to_owned();
    move |source| SpoolError::Io {
        action,
        path,
        source: Arc::new(source),
    }
}
