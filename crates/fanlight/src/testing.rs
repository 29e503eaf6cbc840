//! For tests: what this thread records, to look at.
//!
//! Capturing concerns one thread and leaves everything else alone: tests that run side by side don't see each other, and a
//! program whose telemetry runs goes on with it.
//!
//! ```
//! let captured = fanlight::testing::capture();
//!
//! fanlight::span!("pay {order}", order = 17).in_scope(|| fanlight::info!("card accepted"));
//!
//! let [span] = captured.spans().try_into().unwrap();
//! assert_eq!(span.name, "pay {order}");
//! assert_eq!(span.message, "pay 17");
//! assert_eq!(span.attributes["order"], 17);
//! let [log] = captured.logs().try_into().unwrap();
//! assert_eq!(log.parent_id, Some(span.span_id));
//! ```

mod read;
mod value;

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::handoff::Handoff;
use crate::record::{self, Kind, Record};
use crate::{callsite, context};

pub use read::{CapturedEvent, CapturedLog, CapturedSpan};
pub use value::Value;

/// Captures what this thread records, of every level and every trace, until the result is dropped.
pub fn capture() -> Capture {
    let captured = Captured {
        shared: Arc::new(Shared {
            handoff: Arc::new(Handoff::new(usize::MAX)),
            taken: Mutex::default(),
        }),
    };
    Capture {
        _capturing: captured.enter(),
        captured,
    }
}

/// What this thread records goes here. It offers what [`Captured`] does.
#[derive(Debug)]
#[must_use = "recording goes here until this is dropped"]
pub struct Capture {
    captured: Captured,
    _capturing: Capturing,
}

/// What was captured, for any thread.
///
/// ```
/// let capture = fanlight::testing::capture();
/// let captured = capture.share();
/// std::thread::spawn(move || {
///     let _capturing = captured.enter();
///     fanlight::info!("from elsewhere");
/// })
/// .join()
/// .unwrap();
/// assert_eq!(capture.logs().len(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Captured {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    handoff: Arc<Handoff>,
    /// What was read once, to be read again.
    taken: Mutex<Vec<Vec<u8>>>,
}

/// While it lives, a thread is captured.
#[derive(Debug)]
#[must_use = "the thread is captured until this is dropped"]
pub struct Capturing {
    handoff: Arc<Handoff>,
    stays_on_thread: PhantomData<*const ()>,
}

impl Capture {
    /// The same, to take to other threads.
    pub fn share(&self) -> Captured {
        self.captured.clone()
    }
}

impl Deref for Capture {
    type Target = Captured;

    fn deref(&self) -> &Captured {
        &self.captured
    }
}

impl Captured {
    /// Captures what the calling thread records as well.
    pub fn enter(&self) -> Capturing {
        let handoff = Arc::clone(&self.shared.handoff);
        context::redirect(Arc::clone(&handoff));
        callsite::begin_capture();
        Capturing {
            handoff,
            stays_on_thread: PhantomData,
        }
    }

    /// The spans that have ended, in the order in which they did.
    pub fn spans(&self) -> Vec<CapturedSpan> {
        let mut spans = self.read(Kind::Span, CapturedSpan::read);
        spans.sort_by_key(|span| span.end);
        spans
    }

    /// The log records, in the order in which they were made.
    pub fn logs(&self) -> Vec<CapturedLog> {
        let mut logs = self.read(Kind::Log, CapturedLog::read);
        logs.sort_by_key(|log| log.time);
        logs
    }

    /// Forgets what was captured until now.
    pub fn clear(&self) {
        self.taken().clear();
    }

    fn read<T>(&self, kind: Kind, read: impl Fn(&Record<'_>) -> Option<T>) -> Vec<T> {
        let taken = self.taken();
        let records = taken.iter().flat_map(|chunk| record::read(chunk));
        records
            .filter(|record| record.kind == kind)
            .filter_map(|record| read(&record))
            .collect()
    }

    fn taken(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        let mut taken = self
            .shared
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        taken.extend(self.shared.handoff.take());
        taken
    }
}

impl Drop for Capturing {
    fn drop(&mut self) {
        callsite::end_capture();
        context::redirect_no_more(&self.handoff);
    }
}
