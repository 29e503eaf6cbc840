//! The handle that everybody shares.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use fanlight_otlp::Batch;
use fanlight_otlp::edit::cut_long_values;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, oneshot};

use crate::ingest::Changes;
use crate::open::{self, OpenError};
use crate::options::StoreOptions;
use crate::query::QueryError;
use crate::readers::{Readers, View};
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
    max_value_bytes: usize,
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
    /// Change something in the catalogue.
    Catalogue(CatalogueChange),
}

/// A change of the catalogue.
pub(crate) struct CatalogueChange(pub(crate) Box<dyn FnOnce(&mut Connection) + Send>);

impl fmt::Debug for CatalogueChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CatalogueChange")
    }
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
    #[error("{} was damaged and has been set aside; a new partition is begun", .0.display())]
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
    /// Damaged files are set aside as `<name>.damaged-<n>`; what the others hold is there.
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
            max_value_bytes: options.max_value_bytes,
            jobs,
            room,
            readers,
            changes,
        })))
    }

    /// Stores a batch and answers, once it is committed, how many of its items had to be left out: spans without ids.
    /// Values longer than [`StoreOptions::max_value_bytes`] are cut. Dropping the future may leave the batch stored or not.
    ///
    /// # Errors
    /// When nothing of it was stored.
    pub async fn write(&self, batch: &Batch) -> Result<u64, WriteError> {
        let batch = cut_long_values(batch.clone(), self.0.max_value_bytes)
            .map_err(|error| WriteError::Unfit(error.to_string()))?;
        let place = Arc::clone(&self.0.room)
            .acquire_owned()
            .await
            .map_err(|_| WriteError::Closed)?;
        let (done, answer) = oneshot::channel();
        let write = Write {
            batch,
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

    /// The configured path: the catalogue. The partitions are beside it.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// How many bytes the store takes on disk.
    pub fn size_bytes(&self) -> u64 {
        let ids = open::partitions(&self.0.path).unwrap_or_default();
        let partitions = ids
            .into_iter()
            .map(|id| open::partition_path(&self.0.path, id));
        std::iter::once(self.0.path.clone())
            .chain(partitions)
            .flat_map(|path| [open::beside(&path, "-wal"), path])
            .filter_map(|path| fs::metadata(path).ok())
            .map(|file| file.len())
            .sum()
    }

    /// Changes something in the catalogue.
    pub(crate) async fn catalogue<T, F>(&self, change: F) -> Result<T, QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let _place = Arc::clone(&self.0.room)
            .acquire_owned()
            .await
            .map_err(|_| QueryError::Closed)?;
        let (done, answer) = oneshot::channel();
        let change = CatalogueChange(Box::new(move |connection| {
            // Whoever asked may have gone.
            let _ = done.send(change(connection));
        }));
        self.0
            .jobs
            .try_send(Job::Catalogue(change))
            .map_err(|_| QueryError::Closed)?;
        Ok(answer.await.map_err(|_| QueryError::Closed)??)
    }

    /// What is committed from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<Arc<Changes>> {
        self.0.changes.subscribe()
    }

    /// As [`Store::read`], for a query that takes the view and gives it back with its answer.
    pub(crate) async fn read_with<T, Q>(&self, query: Q) -> Result<T, QueryError>
    where
        T: Send + 'static,
        Q: FnOnce(View) -> (Option<View>, Result<T, QueryError>) + Send + 'static,
    {
        self.0.readers.run_with(query).await
    }

    pub(crate) async fn read<T, Q>(&self, query: Q) -> Result<T, QueryError>
    where
        T: Send + 'static,
        Q: FnOnce(&View) -> Result<T, QueryError> + Send + 'static,
    {
        self.0.readers.run(query).await
    }
}
