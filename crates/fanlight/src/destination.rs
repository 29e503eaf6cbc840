//! One destination: a bounded queue, and a thread that sends what is in it.
//!
//! Nobody waits for a destination but whoever flushes, and that no longer than they say. What happens when the backend
//! fails:
//!
//! | The destination | What is sent | What comes after it |
//! |---|---|---|
//! | does not answer, or answers 408, 429, 5xx | is sent again, after growing pauses or the one asked for | waits |
//! | answers 400 or another 4xx | is dropped | is sent |
//! | answers 401, 403, or a redirect | is dropped | waits, and is tried at growing intervals |
//! | answers 404, 405, 501 | is dropped | of metrics and logs: is dropped for some minutes; of traces: waits |
//! | answers 413 | is sent in two parts | is sent in smaller requests |
//!
//! What waits is in memory, then on disk ([`store`]); what is dropped is counted by cause ([`counts`]) and told
//! ([`crate::notice`]). In a process that was forked there is no such thread: nothing is sent there, memory fills up to its
//! bound, and a flush comes back at its deadline.

mod answer;
pub(crate) mod counts;
mod queue;
mod retry;
pub(crate) mod settings;
mod store;
#[cfg(test)]
mod tests;
mod tls;
mod transport;
mod worker;

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use fanlight_otlp::{Batch, Signal};

use crate::collect::{Outlet, Reply, Temporality};
use crate::destination::counts::Counts;
use crate::destination::settings::Settings;
use crate::destination::worker::{Order, State, Worker};
use crate::form::{Form, LogForm};
use crate::notice::Notices;

/// A running destination. Its thread ends when this is dropped, after what was flushed before.
#[derive(Debug)]
pub(crate) struct Destination {
    shared: Arc<Shared>,
    form: Form,
    temporality: Temporality,
    signals: Vec<Signal>,
    counts: Arc<Counts>,
}

/// What the destination's thread shares with the collector's.
#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    has_changed: Condvar,
}

impl Destination {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(settings: Settings, notices: Notices) -> io::Result<Destination> {
        let counts = Arc::new(Counts::default());
        let signals: Vec<Signal> = settings.targets.iter().map(|it| it.signal).collect();
        let mut form = settings.form;
        form.spans &= signals.contains(&Signal::Traces);
        if form.logs == LogForm::Records && !signals.contains(&Signal::Logs) {
            form.logs = LogForm::Nothing;
        }
        let state = State::new(&settings, notices.clone(), Arc::clone(&counts));
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            has_changed: Condvar::new(),
        });
        let temporality = settings.temporality;
        let worker = Worker::new(Arc::clone(&shared), settings, notices);
        thread::Builder::new()
            .name("fanlight-send".to_owned())
            .spawn(move || worker.run())?;
        Ok(Destination {
            shared,
            form,
            temporality,
            signals,
            counts,
        })
    }

    /// What became of everything so far. They go on counting.
    pub(crate) fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }
}

impl Outlet for Destination {
    fn form(&self) -> Form {
        self.form
    }

    fn wants_metrics(&self) -> bool {
        self.signals.contains(&Signal::Metrics)
    }

    fn temporality(&self) -> Temporality {
        self.temporality
    }

    fn offer(&self, batch: Batch) {
        self.shared.lock().queue.offer(batch, Instant::now());
        self.shared.has_changed.notify_all();
    }

    fn flush(&self, deadline: Instant, reply: Reply) {
        let mut state = self.shared.lock();
        let is_empty = state.queue.is_empty();
        state.flush(Order { deadline, reply });
        drop(state);
        self.shared.has_changed.notify_all();
        if is_empty {
            return;
        }
        // The destination's thread may be in the middle of an attempt when the deadline comes.
        let shared = Arc::clone(&self.shared);
        let watch = thread::Builder::new().name("fanlight-flush".to_owned());
        if watch.spawn(move || shared.answer_at(deadline)).is_err() {
            self.shared.lock().answer(Some(deadline));
        }
    }
}

impl Drop for Destination {
    fn drop(&mut self) {
        self.shared.lock().is_closing = true;
        self.shared.has_changed.notify_all();
    }
}

impl Shared {
    /// Nobody panics while holding the lock; if somebody did, going on is better than losing everything.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something changes, or until then.
    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        until: Option<Instant>,
    ) -> MutexGuard<'a, State> {
        match until {
            None => {
                let waited = self.has_changed.wait(state);
                waited.unwrap_or_else(PoisonError::into_inner)
            }
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                let waited = self.has_changed.wait_timeout(state, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    /// Answers the flushes of a deadline when it comes, unless they are answered before.
    fn answer_at(&self, deadline: Instant) {
        let mut state = self.lock();
        while state.is_asked_by(deadline) {
            let at = state.answer_time(deadline);
            if at <= Instant::now() {
                return state.answer(Some(deadline));
            }
            state = self.wait(state, Some(at));
        }
    }
}
