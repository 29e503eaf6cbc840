//! The handle that everybody shares.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use fanlight_otlp::Batch;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, oneshot};

use crate::ingest::Changes;
use crate::open::{self, OpenError};
use crate::options::StoreOptions;
use crate::query::QueryError;
use crate::readers::Readers;
use crate::writer::Writer;

/// How many batches may wait for the writer; whoever comes later waits for room.
const WAITING_BATCHES: usize = 64;

/// How many commits an open page may fall behind before it has to start over.
const COMMITS_REMEMBERED: usize = 256;

/// An open store. A clone is another handle to the same one; it closes when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Store(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    jobs: mpsc::SyncSender<Job>,
    room: Arc<Semaphore>,
    readers: Arc<Readers>,
    changes: broadcast::Sender<Arc<Changes>>,
}

/// Work for the writer.
#[derive(Debug)]
pub(crate) enum Job {
    /// Write a batch.
    Write(Write),
    /// Move everything from the write-ahead log into the database.
    Checkpoint(oneshot::Sender<()>),
}

/// A batch that waits to be written.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) batch: Batch,
    pub(crate) done: oneshot::Sender<Result<u64, WriteError>>,
    /// Its place among [`WAITING_BATCHES`].
    pub(crate) _place: OwnedSemaphorePermit,
}

/// Why a batch was not stored. Nothing of it was.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// There is no room. The same batch may be stored later.
    #[error("the disk is full: {} can't grow; free some space, or lower max_bytes of the store", .0.display())]
    Full(PathBuf),
    /// The file turned out to be damaged. The same batch may be stored now.
    #[error("{} was damaged and has been set aside; a new database is begun", .0.display())]
    Damaged(PathBuf),
    /// SQLite could not write. The same batch may be stored later.
    #[error("writing to the database failed: {0}")]
    Database(Arc<rusqlite::Error>),
    /// The database can't be opened any more. The same batch may be stored later.
    #[error("opening the database again failed: {0}")]
    Open(Arc<OpenError>),
    /// The batch itself can't be stored.
    #[error("the batch can't be stored: {0}")]
    Unfit(String),
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

impl Store {
    /// Opens the store, and makes it if it is not there. Blocks while it does.
    ///
    /// A damaged file is set aside as `<name>.damaged-<n>`, and a new one is begun.
    ///
    /// # Errors
    /// When the file can't be used, is used by someone else, or is not a store of this version or an older one.
    pub fn open(options: &StoreOptions) -> Result<Store, OpenError> {
        let lock = open::lock(&options.path)?;
        let (jobs, waiting) = mpsc::sync_channel(WAITING_BATCHES + 1);
        let (changes, _) = broadcast::channel(COMMITS_REMEMBERED);
        let readers = Arc::new(Readers::new(options.path.clone()));
        let writer = Writer::open(options.clone(), lock, Arc::clone(&readers), changes.clone())?;
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run(&waiting))
            .map_err(|source| OpenError::File {
                what: "starting the writer of",
                path: options.path.clone(),
                source,
            })?;
        let room = Arc::new(Semaphore::new(WAITING_BATCHES));
        Ok(Store(Arc::new(Shared {
            path: options.path.clone(),
            jobs,
            room,
            readers,
            changes,
        })))
    }

    /// Stores a batch and answers, once it is committed, how many of its items had to be left out: spans without ids.
    /// Dropping the future may leave the batch stored or not.
    ///
    /// # Errors
    /// When nothing of it was stored.
    pub async fn write(&self, batch: &Batch) -> Result<u64, WriteError> {
        let place = Arc::clone(&self.0.room)
            .acquire_owned()
            .await
            .map_err(|_| WriteError::Closed)?;
        let (done, answer) = oneshot::channel();
        let write = Write {
            batch: batch.clone(),
            done,
            _place: place,
        };
        // Whoever has a place finds room in the channel, so this doesn't block.
        self.0
            .jobs
            .try_send(Job::Write(write))
            .map_err(|_| WriteError::Closed)?;
        answer.await.map_err(|_| WriteError::Closed)?
    }

    /// Waits until what was written so far is in the database file itself.
    pub async fn checkpoint(&self) {
        let Ok(_place) = Arc::clone(&self.0.room).acquire_owned().await else {
            return;
        };
        let (done, answer) = oneshot::channel();
        if self.0.jobs.try_send(Job::Checkpoint(done)).is_ok() {
            // No answer means that the writer is gone, and it does the same when it goes.
            answer.await.unwrap_or_default();
        }
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// How many bytes the store takes on disk.
    pub fn size_bytes(&self) -> u64 {
        let wal = self.0.path.with_file_name({
            let mut name = self.0.path.file_name().unwrap_or_default().to_owned();
            name.push("-wal");
            name
        });
        [&self.0.path, &wal]
            .into_iter()
            .filter_map(|path| fs::metadata(path).ok())
            .map(|file| file.len())
            .sum()
    }

    /// What is committed from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<Arc<Changes>> {
        self.0.changes.subscribe()
    }

    pub(crate) async fn read<T, Q>(&self, query: Q) -> Result<T, QueryError>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> Result<T, QueryError> + Send + 'static,
    {
        self.0.readers.run(query).await
    }
}
