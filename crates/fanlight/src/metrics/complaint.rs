//! What the program is told about instruments that are used wrongly: each thing once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::notice::{NoticeKind, Notices};

/// What has been told.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    texts: BTreeSet<String>,
    notices: Notices,
}

impl Complaints {
    /// Tells what comes to somebody else; until then it goes to standard error.
    pub(crate) fn tell_to(&self, notices: Notices) {
        self.lock().notices = notices;
    }

    /// Tells it, unless it has been told.
    pub(crate) fn tell(&self, text: String) {
        let notices = {
            let mut told = self.lock();
            if !told.texts.insert(text.clone()) {
                return;
            }
            told.notices.clone()
        };
        // Whoever is told may well make an instrument.
        notices.tell_always(NoticeKind::Configuration, "", || text);
    }

    /// What has been told.
    #[cfg(test)]
    pub(crate) fn told(&self) -> Vec<String> {
        self.lock().texts.iter().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
