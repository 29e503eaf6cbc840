//! Where work runs that would hold an async worker up.
//!
//! Limit: no more jobs at once than there are permits; the rest wait in order. Small jobs run where they are.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// A bounded number of blocking jobs. A clone shares the bound.
#[derive(Clone, Debug)]
pub struct Workers(Arc<Semaphore>);

/// The job did not finish: it panicked, or the runtime is shutting down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a worker broke")]
pub struct WorkerGone;

impl Workers {
    /// Bodies up to so many bytes are handled in place: at libdeflate's speed they take well under a millisecond.
    pub const IN_PLACE: usize = 128 << 10;

    /// So many jobs at once.
    pub fn new(at_once: usize) -> Workers {
        Workers(Arc::new(Semaphore::new(at_once.max(1))))
    }

    /// Runs a job on a body of so many bytes. Dropping the future abandons the result; a started job runs to its end.
    ///
    /// # Errors
    /// [`WorkerGone`] when the job did not finish.
    pub async fn run<T, F>(&self, bytes: usize, job: F) -> Result<T, WorkerGone>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        if bytes <= Workers::IN_PLACE {
            return Ok(job());
        }
        let permit = self
            .0
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| WorkerGone)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = job();
            drop(permit);
            result
        });
        done.await.map_err(|_| WorkerGone)
    }
}

impl Default for Workers {
    fn default() -> Workers {
        Workers::new(std::thread::available_parallelism().map_or(2, usize::from))
    }
}
