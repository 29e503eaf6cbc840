//! Readers: read-only connections to every partition, each used by one query at a time.

use std::collections::HashMap;
use std::path::PathBuf;
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
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The partitions that there are, oldest first.
    partitions: Vec<u64>,
    idle: HashMap<u64, Vec<Connection>>,
    /// Those in which a query came upon damage.
    damaged: Vec<u64>,
}

/// What a query sees: every partition, each as it was when the query first looked into it.
#[derive(Debug)]
pub(crate) struct View {
    /// Newest first.
    pub(crate) partitions: Vec<Partition>,
}

/// A partition that is open for a query.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) id: u64,
    pub(crate) connection: Connection,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Readers {
        Readers {
            path,
            turns: Arc::new(Semaphore::new(READERS)),
            state: Mutex::default(),
        }
    }

    /// Says which partitions there are now.
    pub(crate) fn set_partitions(&self, partitions: Vec<u64>) {
        let mut state = self.lock();
        state.idle.retain(|id, _| partitions.contains(id));
        state.partitions = partitions;
    }

    /// Runs a query on a thread that may block. Dropping the future leaves the query running to its end.
    pub(crate) async fn run<T, Q>(self: &Arc<Self>, query: Q) -> Result<T, QueryError>
    where
        T: Send + 'static,
        Q: FnOnce(&View) -> Result<T, QueryError> + Send + 'static,
    {
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|_| QueryError::Closed)?;
        let readers = Arc::clone(self);
        let answer = tokio::task::spawn_blocking(move || {
            let view = readers.open()?;
            let answer = query(&view);
            if let Err(QueryError::Database(error)) = &answer
                && open::is_damage(error)
            {
                readers.look_for_damage(&view);
            }
            readers.close(view);
            drop(turn);
            answer
        });
        answer.await.map_err(|_| QueryError::Closed)?
    }

    /// As [`Readers::run`], for a query that takes the view and gives it back with its answer.
    pub(crate) async fn run_with<T, Q>(self: &Arc<Self>, query: Q) -> Result<T, QueryError>
    where
        T: Send + 'static,
        Q: FnOnce(View) -> (Option<View>, Result<T, QueryError>) + Send + 'static,
    {
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|_| QueryError::Closed)?;
        let readers = Arc::clone(self);
        let answer = tokio::task::spawn_blocking(move || {
            let (view, answer) = query(readers.open()?);
            view.into_iter().for_each(|view| readers.close(view));
            drop(turn);
            answer
        });
        answer.await.map_err(|_| QueryError::Closed)?
    }

    /// Opens all partitions. One that can't be opened is left out: it was deleted, or is damaged and will be set aside.
    pub(crate) fn open(&self) -> Result<View, QueryError> {
        let mut partitions = Vec::new();
        let ids = self.lock().partitions.clone();
        for id in ids.into_iter().rev() {
            let idle = self.lock().idle.get_mut(&id).and_then(Vec::pop);
            let connection = match idle {
                Some(connection) => Ok(connection),
                None => open::reader(&open::partition_path(&self.path, id)),
            };
            let begun = connection.and_then(|connection| {
                connection.execute_batch("BEGIN")?;
                Ok(connection)
            });
            match begun {
                Ok(connection) => partitions.push(Partition { id, connection }),
                Err(_) if !self.lock().partitions.contains(&id) => {}
                Err(error) if open::is_damage(&error) => self.report(id),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(View { partitions })
    }

    /// Takes the connections back.
    pub(crate) fn close(&self, view: View) {
        for Partition { id, connection } in view.partitions {
            let is_usable = connection.execute_batch("ROLLBACK").is_ok();
            let mut state = self.lock();
            if is_usable && state.partitions.contains(&id) {
                state.idle.entry(id).or_default().push(connection);
            }
        }
    }

    /// Finds out where the damage is that a query came upon.
    fn look_for_damage(&self, view: &View) {
        for Partition { id, connection } in &view.partitions {
            let whole =
                connection.query_one("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
            if whole.map_or(true, |answer| answer != "ok") {
                self.report(*id);
            }
        }
    }

    /// Keeps a damaged partition for the writer.
    fn report(&self, partition: u64) {
        self.lock().damaged.push(partition);
    }

    /// The partitions in which queries came upon damage.
    pub(crate) fn take_damaged(&self) -> Vec<u64> {
        std::mem::take(&mut self.lock().damaged)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
