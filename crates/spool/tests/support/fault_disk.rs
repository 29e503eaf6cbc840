//! A file system in memory that loses what was not synced, and fails when told to.
//!
//! Stricter than real ones: of unsynced bytes, any block may be lost on its own; after a failed sync the bytes are gone
//! although a later sync succeeds; directory changes are lost from some point on unless the directory was synced.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use fanlight_spool::disk::{Disk, DiskFile};

const BLOCK: usize = 64;

/// What can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Create,
    Open,
    Read,
    Write,
    Truncate,
    Sync,
    SyncDirectory,
    Remove,
    Rename,
}

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    /// Changes to directories that are not synced.
    changes: Vec<Change>,
    contents: Vec<Content>,
    locked: BTreeSet<PathBuf>,
    faults: BTreeMap<Operation, (io::ErrorKind, u32)>,
    capacity: Option<usize>,
    random: u64,
    syncs: u64,
}

#[derive(Debug, Default, Clone)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
    lost: Vec<Range<usize>>,
}

#[derive(Clone, Debug)]
enum Change {
    Add(PathBuf, usize),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
}

impl Change {
    fn directory(&self) -> Option<&Path> {
        match self {
            Change::Add(path, _) | Change::Remove(path) | Change::Rename(path, _) => path.parent(),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Change::Add(path, file) => drop(names.insert(path.clone(), *file)),
            Change::Remove(path) => drop(names.remove(path)),
            Change::Rename(from, to) => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
        }
    }
}

impl State {
    fn random(&mut self, below: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random % below.max(1) as u64) as usize
    }

    fn fails(&mut self, operation: Operation) -> io::Result<()> {
        let Some((kind, times)) = self.faults.get_mut(&operation) else {
            return Ok(());
        };
        let kind = *kind;
        *times -= 1;
        if *times == 0 {
            self.faults.remove(&operation);
        }
        Err(kind.into())
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.changes.push(change);
    }

    fn used(&self) -> usize {
        self.names
            .values()
            .map(|file| self.contents[*file].now.len())
            .sum()
    }
}

/// The file system. A clone is another handle to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct FaultFile {
    disk: FaultDisk,
    file: usize,
}

struct Guard(FaultDisk, PathBuf);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.state().locked.remove(&self.1);
    }
}

#[allow(dead_code, reason = "each test file uses its part")]
impl FaultDisk {
    pub(crate) fn new(seed: u64) -> FaultDisk {
        let disk = FaultDisk::default();
        disk.state().random = seed | 1;
        disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Makes an operation fail the next times.
    pub(crate) fn fail(&self, operation: Operation, kind: io::ErrorKind, times: u32) {
        self.state().faults.insert(operation, (kind, times));
    }

    pub(crate) fn heal(&self) {
        self.state().faults.clear();
    }

    /// Bounds the bytes of all files together.
    pub(crate) fn set_capacity(&self, bytes: Option<usize>) {
        self.state().capacity = bytes;
    }

    pub(crate) fn used(&self) -> usize {
        self.state().used()
    }

    /// How often a file was synced.
    pub(crate) fn syncs(&self) -> u64 {
        self.state().syncs
    }

    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.state().names.keys().cloned().collect()
    }

    pub(crate) fn read(&self, path: &Path) -> Vec<u8> {
        let state = self.state();
        state.contents[state.names[path]].now.clone()
    }

    pub(crate) fn put(&self, path: &Path, bytes: Vec<u8>) {
        let mut state = self.state();
        let file = state.contents.len();
        state.contents.push(Content {
            now: bytes.clone(),
            durable: bytes,
            lost: Vec::new(),
        });
        state.names.insert(path.to_owned(), file);
        state.durable_names.insert(path.to_owned(), file);
    }

    /// The power goes: what was not synced is lost, in part or whole.
    pub(crate) fn cut_power(&self) {
        let mut state = self.state();
        let changes = std::mem::take(&mut state.changes);
        let kept = state.random(changes.len() + 1);
        let mut names = std::mem::take(&mut state.durable_names);
        changes
            .iter()
            .take(kept)
            .for_each(|change| change.apply(&mut names));
        let mut contents = std::mem::take(&mut state.contents);
        for content in &mut contents {
            let (short, long) = (
                content.now.len().min(content.durable.len()),
                content.now.len().max(content.durable.len()),
            );
            let size = short + state.random(long - short + 1);
            let mut after = vec![0; size];
            for start in (0..size).step_by(BLOCK) {
                let from = if state.random(2) == 0 {
                    &content.now
                } else {
                    &content.durable
                };
                let end = size.min(start + BLOCK).min(from.len());
                if start < end {
                    after[start..end].copy_from_slice(&from[start..end]);
                }
            }
            for lost in content.lost.drain(..) {
                let end = lost.end.min(after.len());
                after[lost.start.min(end)..end].fill(0);
            }
            content.now.clone_from(&after);
            content.durable = after;
        }
        state.contents = contents;
        state.names.clone_from(&names);
        state.durable_names = names;
    }
}

impl Disk for FaultDisk {
    fn create_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        let here = state
            .names
            .keys()
            .filter(|path| path.parent() == Some(directory));
        Ok(here
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.fails(Operation::Create)?;
        if let Some(file) = state.names.get(path).copied() {
            state.contents[file].now.clear();
            return Ok(Arc::new(FaultFile {
                disk: self.clone(),
                file,
            }));
        }
        let file = state.contents.len();
        state.contents.push(Content::default());
        state.change(Change::Add(path.to_owned(), file));
        Ok(Arc::new(FaultFile {
            disk: self.clone(),
            file,
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.fails(Operation::Open)?;
        let file = *state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(FaultFile {
            disk: self.clone(),
            file,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.fails(Operation::Rename)?;
        state.change(Change::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.fails(Operation::Remove)?;
        if !state.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change(Change::Remove(path.to_owned()));
        Ok(())
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.fails(Operation::SyncDirectory)?;
        let mut names = std::mem::take(&mut state.durable_names);
        state.changes.retain(|change| {
            let here = change.directory() == Some(directory);
            if here {
                change.apply(&mut names);
            }
            !here
        });
        state.durable_names = names;
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        if !self.state().locked.insert(path.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Guard(self.clone(), path.to_owned())))
    }
}

impl DiskFile for FaultFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.disk.state().contents[self.file].now.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.disk.state();
        state.fails(Operation::Read)?;
        let rest = state.contents[self.file]
            .now
            .get(offset as usize..)
            .unwrap_or(&[]);
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, offset: u64, parts: &mut [IoSlice<'_>]) -> io::Result<()> {
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        let mut state = self.disk.state();
        let mut result = state.fails(Operation::Write);
        let mut count = if result.is_ok() {
            bytes.len()
        } else {
            state.random(bytes.len() + 1)
        };
        let grows = (offset as usize + count).saturating_sub(state.contents[self.file].now.len());
        let room = state
            .capacity
            .map_or(usize::MAX, |capacity| capacity.saturating_sub(state.used()));
        if grows > room {
            count = count.saturating_sub(grows - room);
            result = Err(io::ErrorKind::StorageFull.into());
        }
        let content = &mut state.contents[self.file].now;
        let end = offset as usize + count;
        if content.len() < end {
            content.resize(end, 0);
        }
        content[offset as usize..end].copy_from_slice(&bytes[..count]);
        result
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.fails(Operation::Truncate)?;
        state.contents[self.file].now.truncate(size as usize);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.syncs += 1;
        let failed = state.fails(Operation::Sync);
        let content = &mut state.contents[self.file];
        if failed.is_err() {
            let start = content.durable.len().min(content.now.len());
            content.lost.push(start..content.now.len());
            return failed;
        }
        content.durable.clone_from(&content.now);
        let Content { durable, lost, .. } = content;
        for lost in lost.iter() {
            let end = lost.end.min(durable.len());
            durable[lost.start.min(end)..end].fill(0);
        }
        Ok(())
    }
}
