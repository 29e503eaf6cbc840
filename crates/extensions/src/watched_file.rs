//! A small file whose content is read again when it changes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use fanlight_pipeline::{BuildError, Unauthenticated};

/// A larger file is none with credentials.
const MAX_BYTES: u64 = 1 << 20;

/// Two changes closer together than this may leave the same time of modification, so a file that was read this soon
/// after a change is read again.
const CLOCK_STEP: Duration = Duration::from_secs(2);

/// A file and what was made of its text.
pub(crate) struct WatchedFile<T> {
    /// Where it is configured, such as `htpasswd.file`.
    key: &'static str,
    path: PathBuf,
    make: fn(&str) -> T,
    last: Mutex<Option<Last<T>>>,
    /// Whether the log says already that it can't be read.
    reported: AtomicBool,
}

struct Last<T> {
    modified: SystemTime,
    size: u64,
    /// Whether the file was old enough when it was read that a later change must show.
    settled: bool,
    content: Arc<T>,
}

impl<T> WatchedFile<T> {
    pub(crate) fn new(key: &'static str, path: &Path, make: fn(&str) -> T) -> WatchedFile<T> {
        WatchedFile {
            key,
            path: path.to_owned(),
            make,
            last: Mutex::new(None),
            reported: AtomicBool::new(false),
        }
    }

    /// The content as it is now, for building a component.
    pub(crate) fn check(&self) -> Result<Arc<T>, BuildError> {
        self.read().map_err(|error| {
            BuildError::new(format!("{}: can't read {}", self.key, self.path.display()))
                .because(error)
        })
    }

    /// The content as it is now, for a request.
    pub(crate) fn current(&self) -> Result<Arc<T>, Unauthenticated> {
        let read = self.read();
        let before = self.reported.swap(read.is_err(), Ordering::Relaxed);
        read.map_err(|error| {
            if !before {
                tracing::error!(key = self.key, file = %self.path.display(), %error, "credentials can't be read");
            }
            // Callers of the hub need not know its paths.
            Unauthenticated {
                message: format!("the file of {} can't be read", self.key),
                challenge: None,
            }
        })
    }

    fn read(&self) -> io::Result<Arc<T>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let facts = fs::metadata(&self.path)?;
        let (modified, size) = (facts.modified()?, facts.len());
        if let Some(last) = &*last
            && (last.modified, last.size, last.settled) == (modified, size, true)
        {
            return Ok(Arc::clone(&last.content));
        }
        if size > MAX_BYTES {
            return Err(io::Error::other(format!(
                "it has {size} bytes, at most {MAX_BYTES} are read"
            )));
        }
        let settled = SystemTime::now()
            .duration_since(modified)
            .is_ok_and(|age| age > CLOCK_STEP);
        let content = Arc::new((self.make)(&fs::read_to_string(&self.path)?));
        *last = Some(Last {
            modified,
            size,
            settled,
            content: Arc::clone(&content),
        });
        Ok(content)
    }
}

impl<T> std::fmt::Debug for WatchedFile<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.key, self.path.display())
    }
}
