//! What the program is told about instruments that are used wrongly: each thing once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// What has been told.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Mutex<BTreeSet<String>>);

impl Complaints {
    /// Tells it on the standard error output, unless it has been told.
    pub(crate) fn tell(&self, text: String) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.contains(&text) {
            return;
        }
        #[expect(clippy::print_stderr, reason = "this is how a program hears of it")]
        {
            eprintln!("fanlight: {text}");
        }
        told.insert(text);
    }

    /// What has been told.
    #[cfg(test)]
    pub(crate) fn told(&self) -> Vec<String> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().cloned().collect()
    }
}
