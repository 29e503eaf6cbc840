//! A byte budget for what servers hold in memory while they read and decompress requests.
//!
//! Limit: all requests that share an [`Admission`] hold no more than its budget, whatever their senders claim; bytes are
//! counted as they arrive, so a sender that announces much and sends little takes little. A request that does not fit
//! is refused at once (HTTP 503, gRPC `UNAVAILABLE`) instead of waiting, because waiting holds memory too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The budget of a server, or of several that share it. A clone is another handle to the same budget.
#[derive(Clone, Debug)]
pub struct Admission(Arc<Budget>);

#[derive(Debug)]
struct Budget {
    limit: usize,
    held: AtomicUsize,
}

/// The part of the budget that one request holds; given back when dropped.
#[derive(Debug)]
pub struct Lease {
    budget: Arc<Budget>,
    bytes: usize,
}

/// The budget has no room for this now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hub is already reading as many requests as its memory budget allows")]
pub struct OverBudget;

impl Admission {
    /// What a server allows by itself, in bytes.
    pub const DEFAULT: usize = 64 << 20;

    /// A budget of so many bytes.
    pub fn new(limit: usize) -> Admission {
        Admission(Arc::new(Budget {
            limit,
            held: AtomicUsize::new(0),
        }))
    }

    /// An empty lease, which grows as bytes arrive.
    pub fn lease(&self) -> Lease {
        Lease {
            budget: self.0.clone(),
            bytes: 0,
        }
    }

    /// The bytes that all leases hold now.
    pub fn held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }
}

impl Default for Admission {
    fn default() -> Admission {
        Admission::new(Admission::DEFAULT)
    }
}

impl Lease {
    /// Takes so many bytes more.
    ///
    /// # Errors
    /// [`OverBudget`] when they do not fit; the lease stays as it was.
    pub fn grow(&mut self, bytes: usize) -> Result<(), OverBudget> {
        let fits = |held: usize| {
            held.checked_add(bytes)
                .filter(|total| *total <= self.budget.limit)
        };
        self.budget
            .held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits)
            .map_err(|_| OverBudget)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Gives back what is held beyond so many bytes.
    pub fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.bytes.saturating_sub(bytes);
        self.budget.held.fetch_sub(surplus, Ordering::Relaxed);
        self.bytes -= surplus;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_and_what_is_dropped_is_given_back() {
        let admission = Admission::new(10);
        let mut first = admission.lease();
        assert_eq!(first.grow(8), Ok(()));
        let mut second = admission.lease();
        assert_eq!(second.grow(3), Err(OverBudget));
        assert_eq!(second.grow(2), Ok(()));
        drop(first);
        assert_eq!(admission.held(), 2);
        assert_eq!(second.grow(usize::MAX), Err(OverBudget));
        second.shrink_to(1);
        assert_eq!(admission.held(), 1);
    }
}
