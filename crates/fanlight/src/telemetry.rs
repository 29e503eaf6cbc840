//! The running whole: what a program holds while its telemetry is collected.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::callsite::{self, Filter};
use crate::collect::{Collector, Flushed, Work};
use crate::completion::{Completed, Completion};
use crate::context;
use crate::handoff::Handoff;

/// How long [`Guard`] waits at the end of the program.
const LAST_FLUSH: Duration = Duration::from_secs(5);
/// How long a program is kept that aborts.
const ABORT_FLUSH: Duration = Duration::from_secs(2);

/// What the running whole is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) filter: Filter,
    /// Which share of new traces is recorded, from 0 to 1.
    pub(crate) sample_rate: f64,
    /// Whether anybody shows spans that have not ended.
    pub(crate) wants_starts: bool,
    /// How many bytes of records may wait for the collector.
    pub(crate) memory_limit: usize,
    pub(crate) work: Work,
}

/// The program's telemetry. It goes on being collected until this is dropped, which delivers the rest.
///
/// Keep it in `main`:
///
/// ```no_run
/// let _fanlight = fanlight::configure().service_name("shop").start()?;
/// # Ok::<(), fanlight::ConfigureError>(())
/// ```
#[derive(Debug)]
#[must_use = "telemetry is collected until this is dropped; `let _fanlight = ...` keeps it until the end of the block"]
pub struct Guard {
    collector: Arc<Collector>,
}

/// Whose the program's telemetry is. Another takes its place when the SDK is started again.
static CURRENT: Mutex<Option<Arc<Collector>>> = Mutex::new(None);

fn current() -> MutexGuard<'static, Option<Arc<Collector>>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Guard {
    /// Takes the program's telemetry over. Whoever had it delivers what it has, and stops.
    pub(crate) fn start(mut parts: Parts) -> std::io::Result<Guard> {
        let handoff = Arc::new(Handoff::new(parts.memory_limit));
        for source in &mut parts.work.metrics {
            source.watch(&handoff);
        }
        let collector = Arc::new(Collector::start(Arc::clone(&handoff), parts.work)?);
        let mut current = current();
        let former = current.replace(Arc::clone(&collector));
        context::set_sample_rate(parts.sample_rate);
        context::direct(Some(handoff));
        callsite::want_starts(parts.wants_starts);
        callsite::set_filter(Some(parts.filter));
        drop(current);
        if let Some(former) = former {
            let deadline = Instant::now() + LAST_FLUSH;
            wait(&former.stop(deadline), deadline);
        }
        Ok(Guard { collector })
    }

    /// Delivers everything recorded until now, and says how each destination fared. Waits no longer than `timeout`.
    pub fn flush(&self, timeout: Duration) -> Vec<Flushed> {
        let deadline = Instant::now() + timeout;
        wait(&self.collector.flush(deadline), deadline)
    }

    /// As [`Guard::flush`], for tasks of any runtime.
    pub fn flush_async(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = Vec<Flushed>> + Send + use<> {
        Completed(self.collector.flush(Instant::now() + timeout))
    }

    /// As [`Guard::flush`], after which nothing is recorded any more.
    pub fn shutdown(self, timeout: Duration) -> Vec<Flushed> {
        self.stop(timeout)
    }

    /// As [`Guard::shutdown`], for tasks of any runtime.
    pub fn shutdown_async(self, timeout: Duration) -> impl Future<Output = Vec<Flushed>> + Send {
        self.release(false);
        let stopped = self.collector.stop(Instant::now() + timeout);
        async move {
            let told = Completed(stopped).await;
            drop(self);
            told
        }
    }

    fn stop(&self, timeout: Duration) -> Vec<Flushed> {
        self.release(false);
        let deadline = Instant::now() + timeout;
        wait(&self.collector.stop(deadline), deadline)
    }

    /// From here on nothing is recorded, unless somebody else has taken over.
    fn release(&self, is_last: bool) {
        let mut current = current();
        let is_ours = |collector: &Arc<Collector>| Arc::ptr_eq(collector, &self.collector);
        if !current.as_ref().is_some_and(is_ours) {
            return;
        }
        callsite::set_filter(None);
        if is_last {
            *current = None;
            context::direct(None);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.stop(LAST_FLUSH);
        self.release(true);
    }
}

/// Delivers what was recorded until now, in the thread that is about to end the program. What has not ended is lost.
pub(crate) fn flush_before_abort() {
    // The lock may be held by the very thread that ends.
    let collector = CURRENT.try_lock().ok().and_then(|current| current.clone());
    if let Some(collector) = collector {
        let deadline = Instant::now() + ABORT_FLUSH;
        wait(&collector.flush(deadline), deadline);
    }
}

/// Destinations answer at the deadline; a moment more for the answer to come through.
fn wait(told: &Completion<Vec<Flushed>>, deadline: Instant) -> Vec<Flushed> {
    told.wait(deadline + Duration::from_millis(50))
        .unwrap_or_default()
}
