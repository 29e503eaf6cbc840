//! The files that are open, and writing to several of them at once.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::output::{Output, OutputOptions};

/// Files by path; the least recently used is closed to make room.
#[derive(Debug)]
pub(super) struct Files {
    options: OutputOptions,
    max_open: usize,
    /// Whether paths come from telemetry, so that an impossible one is the sender's fault.
    named_by_telemetry: bool,
    open: HashMap<PathBuf, Entry>,
    /// Files that this run has opened: one opened again is not emptied again. As long as the list of files on the disk.
    opened: HashSet<PathBuf>,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    output: Output,
    last_use: u64,
}

/// A file cannot be written; it may work later.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to {}: {source}{}", path.display(), advice(source))]
pub(super) struct WriteError {
    path: PathBuf,
    pub(super) source: io::Error,
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; make room, or set rotation.max_backups lower"
        }
        io::ErrorKind::NotFound => "; make its directory, or set create_directory: true",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; let the hub write there"
        }
        _ => "",
    }
}

/// A record, the file that it belongs to, and how many items it holds.
pub(super) type Record = (PathBuf, Vec<u8>, usize);

impl Files {
    pub(super) fn new(options: OutputOptions, max_open: usize, named_by_telemetry: bool) -> Files {
        let (open, opened) = Default::default();
        Files {
            options,
            max_open,
            named_by_telemetry,
            open,
            opened,
            uses: 0,
        }
    }

    /// Opens a file, unless it is.
    pub(super) fn open(&mut self, path: &Path, now: SystemTime) -> Result<(), WriteError> {
        let opened = self.output(path).map(|_| ());
        if let Some(rotation) = self.options.rotation
            && opened.is_ok()
            && let Err(error) = rotation.prune(path, now)
        {
            tracing::warn!(path = %path.display(), error = %error, "cannot remove old files");
        }
        opened.map_err(|source| WriteError {
            path: path.to_owned(),
            source,
        })
    }

    /// Appends all records or none, but those whose path can never be a file: they come back as items with the reason.
    pub(super) fn append_all(
        &mut self,
        records: &[Record],
        now: SystemTime,
    ) -> Result<Vec<(usize, String)>, WriteError> {
        let mut impossible = Vec::new();
        let mut written: Vec<(&Path, u64)> = Vec::with_capacity(records.len());
        for (path, record, items) in records {
            let rotation = self.options.rotation;
            let appended = self
                .output(path)
                .and_then(|output| output.append(record, rotation.as_ref(), now));
            match appended {
                Ok(length_before) => written.push((path, length_before)),
                Err(source) => {
                    let is_impossible = self.named_by_telemetry && is_about_the_name(&source);
                    let error = WriteError {
                        path: path.clone(),
                        source,
                    };
                    if is_impossible {
                        impossible.push((*items, error.to_string()));
                        continue;
                    }
                    self.take_back(&written);
                    return Err(error);
                }
            }
        }
        Ok(impossible)
    }

    /// Puts everything on the disk.
    pub(super) fn sync(&self) -> Result<(), WriteError> {
        for (path, entry) in &self.open {
            entry.output.sync().map_err(|source| WriteError {
                path: path.clone(),
                source,
            })?;
        }
        Ok(())
    }

    fn take_back(&mut self, written: &[(&Path, u64)]) {
        for (path, length) in written {
            match self.output(path) {
                Ok(output) => output.cut(*length),
                Err(error) => {
                    tracing::warn!(path = %path.display(), error = %error, "a batch may be in this file twice");
                }
            }
        }
    }

    fn output(&mut self, path: &Path) -> io::Result<&mut Output> {
        self.uses += 1;
        if !self.open.contains_key(path) {
            self.make_room();
            let empty = self.options.empty && !self.opened.contains(path);
            let output = Output::open(path, &self.options, empty)?;
            self.opened.insert(path.to_owned());
            self.open.insert(
                path.to_owned(),
                Entry {
                    output,
                    last_use: 0,
                },
            );
        }
        let entry = self.open.get_mut(path).ok_or(io::ErrorKind::NotFound)?;
        entry.last_use = self.uses;
        Ok(&mut entry.output)
    }

    fn make_room(&mut self) {
        if self.open.len() < self.max_open {
            return;
        }
        let oldest = self
            .open
            .iter()
            .min_by_key(|(_, entry)| entry.last_use)
            .map(|(path, _)| path.clone());
        if let Some(path) = oldest {
            self.open.remove(&path);
        }
    }
}

/// Whether the name itself is the trouble: too long, a directory's, or one with a file where a directory should be.
fn is_about_the_name(error: &io::Error) -> bool {
    use io::ErrorKind::{
        AlreadyExists, InvalidFilename, InvalidInput, IsADirectory, NotADirectory,
    };
    matches!(
        error.kind(),
        AlreadyExists | InvalidFilename | InvalidInput | IsADirectory | NotADirectory
    )
}
