//! Readers: a few read-only connections, each used by one query at a time.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::open;
use crate::query::QueryError;

/// How many queries run at once; others wait.
const READERS: usize = 4;

#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    turns: Arc<Semaphore>,
    idle: Mutex<Vec<Reader>>,
    /// Which file is meant: it changes when a damaged one was set aside.
    generation: AtomicU64,
}

#[derive(Debug)]
struct Reader {
    connection: Connection,
    generation: u64,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Readers {
        Readers {
            path,
            turns: Arc::new(Semaphore::new(READERS)),
            idle: Mutex::default(),
            generation: AtomicU64::new(0),
        }
    }

    /// Runs a query on a thread that may block. Dropping the future leaves the query running to its end.
    pub(crate) async fn run<T, Q>(self: &Arc<Self>, query: Q) -> Result<T, QueryError>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> Result<T, QueryError> + Send + 'static,
    {
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|_| QueryError::Closed)?;
        let readers = Arc::clone(self);
        let answer = tokio::task::spawn_blocking(move || {
            let reader = readers.take()?;
            let answer = query(&reader.connection);
            readers.give_back(reader);
            drop(turn);
            answer
        });
        answer.await.map_err(|_| QueryError::Closed)?
    }

    /// Forgets every connection, because the file is another one now.
    pub(crate) fn renew(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn take(&self) -> Result<Reader, QueryError> {
        if let Some(reader) = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
        {
            return Ok(reader);
        }
        let generation = self.generation.load(Ordering::Acquire);
        Ok(Reader {
            connection: open::reader(&self.path)?,
            generation,
        })
    }

    fn give_back(&self, reader: Reader) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if reader.generation == self.generation.load(Ordering::Acquire) {
            idle.push(reader);
        }
    }
}
