//! Names of full files: `name-2006-01-02T15-04-05.000.ext`, as lumberjack writes them, and which of them are too many.
//! [Source](https://github.com/natefinch/lumberjack#backups).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// `rotation`, checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rotation {
    /// The size that a file is not to exceed.
    pub(super) max_bytes: u64,
    /// Days to keep full files; 0 means for ever.
    pub(super) max_days: u32,
    /// Full files to keep; 0 means all.
    pub(super) max_backups: usize,
    /// Whether names have local time.
    pub(super) local_time: bool,
}

const STAMP: &str = "%Y-%m-%dT%H-%M-%S.%3f";

impl Rotation {
    /// Whether a file must make room for a record.
    pub(super) const fn is_due(&self, length: u64, record: u64) -> bool {
        length > 0 && length.saturating_add(record) > self.max_bytes
    }

    /// Gives the file a name with the time, one that no other file has.
    pub(super) fn set_aside(&self, path: &Path, now: SystemTime) -> io::Result<PathBuf> {
        let mut time = Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH);
        loop {
            let stamp = time.to_zoned(self.time_zone()).strftime(STAMP).to_string();
            let backup = named(path, &stamp);
            if !backup.try_exists()? {
                fs::rename(path, &backup)?;
                return Ok(backup);
            }
            time = time
                .checked_add(SignedDuration::from_millis(1))
                .map_err(io::Error::other)?;
        }
    }

    /// Removes full files that are too many or too old.
    pub(super) fn prune(&self, path: &Path, now: SystemTime) -> io::Result<()> {
        if self.max_backups == 0 && self.max_days == 0 {
            return Ok(());
        }
        let mut backups = backups(path)?;
        backups.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
        let oldest = (self.max_days > 0).then(|| self.oldest(now)).flatten();
        for (index, (time, backup)) in backups.into_iter().enumerate() {
            let is_too_many = self.max_backups > 0 && index >= self.max_backups;
            if is_too_many || oldest.is_some_and(|oldest| time < oldest) {
                fs::remove_file(backup)?;
            }
        }
        Ok(())
    }

    /// The time before which full files are removed.
    fn oldest(&self, now: SystemTime) -> Option<DateTime> {
        let age = SignedDuration::from_hours(24 * i64::from(self.max_days));
        let oldest = Timestamp::try_from(now).ok()?.checked_sub(age).ok()?;
        Some(oldest.to_zoned(self.time_zone()).datetime())
    }

    fn time_zone(&self) -> TimeZone {
        if self.local_time {
            TimeZone::system()
        } else {
            TimeZone::UTC
        }
    }
}

/// The file's name up to the extension, and the extension with its dot.
fn name_parts(path: &Path) -> (String, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match name.rsplit_once('.') {
        Some((stem, extension)) => (stem.to_owned(), format!(".{extension}")),
        None => (name.into_owned(), String::new()),
    }
}

fn named(path: &Path, stamp: &str) -> PathBuf {
    let (stem, extension) = name_parts(path);
    path.with_file_name(format!("{stem}-{stamp}{extension}"))
}

/// The full files that once had this path, with the times in their names.
fn backups(path: &Path) -> io::Result<Vec<(DateTime, PathBuf)>> {
    let (stem, extension) = name_parts(path);
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut backups = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let stamp = name.to_str().and_then(|name| {
            name.strip_prefix(stem.as_str())?
                .strip_prefix('-')?
                .strip_suffix(extension.as_str())
        });
        if let Some(time) =
            stamp.and_then(|stamp| DateTime::strptime("%Y-%m-%dT%H-%M-%S.%f", stamp).ok())
        {
            backups.push((time, entry.path()));
        }
    }
    Ok(backups)
}
