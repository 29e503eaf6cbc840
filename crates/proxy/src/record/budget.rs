//! How much memory calls may take that wait to be recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of bytes that all calls share. A clone is the same budget.
#[derive(Clone, Debug)]
pub(super) struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    used: AtomicUsize,
    most: usize,
}

/// Bytes that were taken from the budget; dropping it gives them back.
#[derive(Debug)]
pub(super) struct Charge {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(most: usize) -> Budget {
        Budget(Arc::new(Inner {
            used: AtomicUsize::new(0),
            most,
        }))
    }

    /// Takes bytes; none if they are not there.
    pub(super) fn take(&self, bytes: usize) -> Option<Charge> {
        let mut charge = Charge {
            budget: self.clone(),
            bytes: 0,
        };
        charge.grow(bytes).then_some(charge)
    }

    /// Whether so much is taken that it should soon be given back.
    pub(super) fn is_strained(&self) -> bool {
        self.0.used.load(Ordering::Relaxed) > self.0.most / 4
    }

    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }
}

impl Charge {
    /// Takes more bytes; false if they are not there.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let inner = &self.budget.0;
        let before = inner.used.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > inner.most {
            inner.used.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }
}

impl Charge {
    /// All that was taken, elsewhere.
    pub(super) fn take(&mut self) -> Charge {
        Charge {
            budget: self.budget.clone(),
            bytes: std::mem::take(&mut self.bytes),
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.0.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back() {
        let budget = Budget::new(100);
        let mut one = budget.take(60).unwrap();
        assert!(budget.take(50).is_none());
        assert!(one.grow(40));
        assert!(!one.grow(1));
        assert_eq!(budget.used(), 100);
        drop(one);
        assert_eq!(budget.used(), 0);
    }
}
