//! What is new, for pages that are open.
//!
//! The writer only says which rows changed; reading them is done here, a few times a second at most, however fast they
//! come. A listener that falls behind is told to start over, and never slows the writer.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};
use tokio::time::Instant;

use crate::ingest::Changes;
use crate::query::{self, LlmCallRow, LogRecord, QueryError, TraceSummary};
use crate::readers::View;
use crate::store::Store;

/// Updates of one kind come at most this often.
const INTERVAL: Duration = Duration::from_millis(200);

/// The most traces and log records of one update: the newest.
const MAX_NEWEST: u32 = 200;

/// A listener to what a store takes in.
#[derive(Debug)]
pub struct Live {
    store: Store,
    changes: broadcast::Receiver<Arc<Changes>>,
    ready: VecDeque<LiveUpdate>,
    not_before: Instant,
}

/// Something new.
#[derive(Clone, Debug)]
pub enum LiveUpdate {
    /// Traces that are new or have new spans, as they are now, newest first; of very many only the newest.
    Traces(Vec<TraceSummary>),
    /// New log records, newest first; of very many only the newest.
    Logs(Vec<LogRecord>),
    /// Calls of language models that are new or have changed, newest first; of very many only the newest.
    LlmCalls(Vec<LlmCallRow>),
    /// Something was missed: ask for the lists again.
    Reset,
}

impl Store {
    /// Listens to what is stored from now on.
    pub fn live(&self) -> Live {
        Live {
            store: self.clone(),
            changes: self.changes(),
            ready: VecDeque::new(),
            not_before: Instant::now(),
        }
    }
}

impl Live {
    /// The next update; `None` once the store is closed. Dropping the future may lose an update.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn next(&mut self) -> Result<Option<LiveUpdate>, QueryError> {
        loop {
            if let Some(update) = self.ready.pop_front() {
                return Ok(Some(update));
            }
            let first = match self.changes.recv().await {
                Ok(changes) => changes,
                Err(RecvError::Lagged(_)) => return Ok(Some(LiveUpdate::Reset)),
                Err(RecvError::Closed) => return Ok(None),
            };
            tokio::time::sleep_until(self.not_before).await;
            self.not_before = Instant::now() + INTERVAL;
            let Some(changes) = self.gather(&first) else {
                return Ok(Some(LiveUpdate::Reset));
            };
            let (traces, logs, calls) = self.store.read(move |view| read(view, &changes)).await?;
            self.ready.extend(
                Some(traces)
                    .filter(|traces| !traces.is_empty())
                    .map(LiveUpdate::Traces),
            );
            self.ready.extend(
                Some(logs)
                    .filter(|logs| !logs.is_empty())
                    .map(LiveUpdate::Logs),
            );
            self.ready.extend(
                Some(calls)
                    .filter(|calls| !calls.is_empty())
                    .map(LiveUpdate::LlmCalls),
            );
        }
    }

    /// Joins the changes with all that came since; `None` when some were missed.
    fn gather(&mut self, first: &Changes) -> Option<Changes> {
        let mut all = first.clone();
        loop {
            match self.changes.try_recv() {
                Ok(changes) => {
                    all.traces.extend_from_slice(&changes.traces);
                    all.logs.end = changes.logs.end;
                    all.calls.extend_from_slice(&changes.calls);
                }
                Err(TryRecvError::Lagged(_)) => return None,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return Some(all),
            }
        }
    }
}

type News = (Vec<TraceSummary>, Vec<LogRecord>, Vec<LlmCallRow>);

fn read(view: &View, changes: &Changes) -> Result<News, QueryError> {
    Ok((
        query::traces_by_id(view, &last_of(&changes.traces))?,
        query::logs_since(view, &changes.logs, MAX_NEWEST)?,
        query::llm_calls_by_id(view, &last_of(&changes.calls))?,
    ))
}

/// The last to change come first; each is wanted once.
fn last_of<T: Copy + Eq + Hash>(changed: &[T]) -> Vec<T> {
    let mut seen = HashSet::new();
    let newest = changed.iter().rev().copied();
    newest
        .filter(|id| seen.insert(*id))
        .take(MAX_NEWEST as usize)
        .collect()
}
