//! Something that another thread will finish: waited for by a thread, with a deadline, or by a task.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// A result that comes once.
#[derive(Debug)]
pub(crate) struct Completion<T> {
    state: Mutex<State<T>>,
    is_done: Condvar,
}

#[derive(Debug)]
struct State<T> {
    result: Option<T>,
    waker: Option<Waker>,
}

impl<T> Completion<T> {
    pub(crate) fn new() -> Arc<Completion<T>> {
        Arc::new(Completion {
            state: Mutex::new(State {
                result: None,
                waker: None,
            }),
            is_done: Condvar::new(),
        })
    }

    /// Gives the result to whoever waits. Only the first counts.
    pub(crate) fn complete(&self, result: T) {
        let mut state = self.state();
        state.result.get_or_insert(result);
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
        self.is_done.notify_all();
    }

    /// Waits for the result; nothing when the deadline comes first.
    pub(crate) fn wait(&self, deadline: Instant) -> Option<T> {
        let mut state = self.state();
        loop {
            if let Some(result) = state.result.take() {
                return Some(result);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            let waited = self.is_done.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the result in a task. Whoever completes it keeps the deadline.
#[derive(Debug)]
pub(crate) struct Completed<T>(pub(crate) Arc<Completion<T>>);

impl<T> Future for Completed<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<T> {
        let mut state = self.0.state();
        match state.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                state.waker = Some(task.waker().clone());
                Poll::Pending
            }
        }
    }
}
