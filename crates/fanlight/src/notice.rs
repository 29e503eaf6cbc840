//! What the program's author is told: at most once a minute of each kind and destination, on standard error, so that a dead
//! backend is noticed and does not fill the terminal.

use std::collections::HashMap;
use std::fmt;
use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a kind of notice of one destination is silent after it was told.
const SILENCE: Duration = Duration::from_secs(60);

/// Something about telemetry itself that the program's author should know. It never holds a secret.
///
/// Shown as `destination: text`, or the text alone where it is about the program as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// The destination's name; empty when it is about none.
    pub destination: String,
    /// What it is about.
    pub kind: NoticeKind,
    /// What happened, why, and what to do.
    pub text: String,
}

/// What a [`Notice`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoticeKind {
    /// Where everything goes, when the SDK starts. Told each time.
    Started,
    /// A setting that can't be what was meant. Told each time.
    Configuration,
    /// A destination that does not answer or asks to come back later. Nothing is lost yet.
    Failing,
    /// A destination that failed and takes everything again.
    Recovered,
    /// A destination that does not accept the credentials.
    Unauthorized,
    /// A destination that does not take a signal, or has something else at its address.
    NotServed,
    /// A destination that refuses what was sent, or a part of it.
    Refused,
    /// A destination that took everything and warns.
    Warning,
    /// Telemetry that was given up.
    Dropped,
    /// Something in the collecting thread that panicked.
    Panicked,
    /// The directory in which undelivered telemetry is kept.
    Disk,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.destination.is_empty() {
            write!(f, "{}: ", self.destination)?;
        }
        f.write_str(&self.text)
    }
}

/// Where notices go. A clone goes to the same place.
#[derive(Clone)]
pub(crate) struct Notices(Arc<Inner>);

struct Inner {
    show: Box<dyn Fn(&Notice) + Send + Sync>,
    told: Mutex<HashMap<(String, NoticeKind), Instant>>,
}

impl Notices {
    /// To whoever wants them.
    pub(crate) fn to(show: impl Fn(&Notice) + Send + Sync + 'static) -> Notices {
        Notices(Arc::new(Inner {
            show: Box::new(show),
            told: Mutex::default(),
        }))
    }

    /// Tells, unless the same kind was told of this destination a moment ago.
    pub(crate) fn tell(
        &self,
        kind: NoticeKind,
        destination: &str,
        text: impl FnOnce() -> String,
    ) -> bool {
        let is_about_start = matches!(kind, NoticeKind::Started | NoticeKind::Configuration);
        let may_tell = is_about_start || self.may_tell(kind, destination);
        if may_tell {
            self.tell_always(kind, destination, text);
        }
        may_tell
    }

    /// Tells, for those who see to it themselves that nothing is told too often.
    pub(crate) fn tell_always(
        &self,
        kind: NoticeKind,
        destination: &str,
        text: impl FnOnce() -> String,
    ) {
        let notice = Notice {
            destination: destination.to_owned(),
            kind,
            text: text(),
        };
        // Whoever panics when told has been shown by the hook; nothing else is to suffer.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| (self.0.show)(&notice)));
    }

    fn may_tell(&self, kind: NoticeKind, destination: &str) -> bool {
        let now = Instant::now();
        let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        let last = told.entry((destination.to_owned(), kind));
        match last {
            std::collections::hash_map::Entry::Occupied(mut last) => {
                let may = now.duration_since(*last.get()) >= SILENCE;
                if may {
                    last.insert(now);
                }
                may
            }
            std::collections::hash_map::Entry::Vacant(first) => {
                first.insert(now);
                true
            }
        }
    }
}

impl Default for Notices {
    /// To standard error.
    fn default() -> Notices {
        Notices::to(|notice| {
            // Whoever closed standard error doesn't want to know.
            let _ = writeln!(std::io::stderr(), "fanlight: {notice}");
        })
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notices")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_told_once_a_minute_for_each_destination() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&seen);
        let notices = Notices::to(move |notice| into.lock().unwrap().push(notice.to_string()));
        for _ in 0..3 {
            notices.tell(NoticeKind::Failing, "a", || "down".to_owned());
            notices.tell(NoticeKind::Failing, "b", || "down".to_owned());
            notices.tell(NoticeKind::Dropped, "a", || "lost".to_owned());
        }
        assert_eq!(*seen.lock().unwrap(), ["a: down", "b: down", "a: lost"]);
    }

    #[test]
    fn every_wrong_setting_is_told() {
        let seen = Arc::new(Mutex::new(0));
        let into = Arc::clone(&seen);
        let notices = Notices::to(move |_| *into.lock().unwrap() += 1);
        notices.tell(NoticeKind::Configuration, "", || "first".to_owned());
        notices.tell(NoticeKind::Configuration, "", || "second".to_owned());
        assert_eq!(*seen.lock().unwrap(), 2);
    }

    #[test]
    fn panic_of_whoever_is_told_stays_there() {
        let notices = Notices::to(|notice| panic!("{notice}"));
        assert!(notices.tell(NoticeKind::Failing, "a", || "down".to_owned()));
        assert!(notices.tell(NoticeKind::Failing, "b", || "down".to_owned()));
    }
}
