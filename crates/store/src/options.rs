//! How a store is kept.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where a store is and how much it keeps.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The catalogue. Its directory is made if it is not there; the partitions are files beside it, and SQLite keeps two
    /// more beside each.
    pub path: PathBuf,
    /// How many bytes the partitions may take. Past that the oldest is deleted; each holds about a sixteenth of all.
    pub max_bytes: u64,
    /// How long telemetry is kept, from its arrival.
    pub max_age: Duration,
    /// How many bytes a text or byte string of an item may have; what is longer is cut, and a text says so.
    pub max_value_bytes: usize,
    /// What tells when something arrived.
    pub clock: Clock,
}

impl StoreOptions {
    /// The default bound: 2 GiB.
    pub const DEFAULT_MAX_BYTES: u64 = 2 << 30;
    /// The default age: 7 days.
    pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    /// The default length of a value: 8 MiB, which a picture in a prompt seldom reaches.
    pub const DEFAULT_MAX_VALUE_BYTES: usize = 8 << 20;

    /// A store in this file, with the default bounds and the system's clock.
    pub fn new(path: impl Into<PathBuf>) -> StoreOptions {
        StoreOptions {
            path: path.into(),
            max_bytes: StoreOptions::DEFAULT_MAX_BYTES,
            max_age: StoreOptions::DEFAULT_MAX_AGE,
            max_value_bytes: StoreOptions::DEFAULT_MAX_VALUE_BYTES,
            clock: Clock::default(),
        }
    }
}

/// What tells the time of day.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// A clock that asks the function.
    pub fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(now))
    }

    /// Time since 1970; zero before that.
    pub(crate) fn since_1970(&self) -> Duration {
        (self.0)().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

impl Default for Clock {
    /// The system's clock.
    fn default() -> Clock {
        Clock::new(SystemTime::now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
