//! One open file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::rotation::Rotation;

/// How files are opened and when they are full.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutputOptions {
    /// Whether a file is emptied when it is opened for the first time.
    pub(super) empty: bool,
    /// Whether records are lines.
    pub(super) lines: bool,
    pub(super) rotation: Option<Rotation>,
    pub(super) directories: Directories,
}

/// What to do about missing directories.
#[derive(Clone, Copy, Debug)]
pub(super) struct Directories {
    pub(super) create: bool,
    /// Before the umask; Unix only.
    pub(super) permissions: u32,
}

/// A file that records are appended to.
#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    file: File,
    /// Devices and pipes have no length to cut back to.
    is_regular: bool,
    /// The length to cut back to, where cutting failed.
    owed_cut: Option<u64>,
}

impl Output {
    /// Opens a file; `empty` removes what is in it.
    pub(super) fn open(path: &Path, options: &OutputOptions, empty: bool) -> io::Result<Output> {
        if let Some(directory) = path.parent().filter(|_| options.directories.create) {
            create_directories(directory, options.directories.permissions)?;
        }
        let file = open_file(path)?;
        let metadata = file.metadata()?;
        let mut output = Output {
            path: path.to_owned(),
            file,
            is_regular: metadata.is_file(),
            owed_cut: None,
        };
        if !output.is_regular || metadata.len() == 0 {
            return Ok(output);
        }
        if empty {
            output.file.set_len(0)?;
        } else if options.lines && !ends_with_line_break(path)? {
            // A crash may have torn the last line: it must not swallow the next record.
            output.file.write_all(b"\n")?;
        }
        Ok(output)
    }

    /// Appends a record, whole or not at all; how long the file was before it.
    pub(super) fn append(
        &mut self,
        record: &[u8],
        rotation: Option<&Rotation>,
        now: SystemTime,
    ) -> io::Result<u64> {
        if let Some(length) = self.owed_cut {
            self.file.set_len(length)?;
            self.owed_cut = None;
        }
        let mut length = self.length()?;
        if let Some(rotation) =
            rotation.filter(|rotation| rotation.is_due(length, record.len() as u64))
        {
            self.rotate(rotation, now)?;
            length = 0;
        }
        if let Err(error) = self.file.write_all(record) {
            self.cut(length);
            return Err(error);
        }
        Ok(length)
    }

    /// Cuts the file back, now or before the next record.
    pub(super) fn cut(&mut self, length: u64) {
        if self.is_regular && self.file.set_len(length).is_err() {
            self.owed_cut = Some(length);
        }
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        if self.is_regular {
            self.file.sync_data()
        } else {
            Ok(())
        }
    }

    fn length(&self) -> io::Result<u64> {
        // Asked each time: others may cut the file, as logrotate does.
        if self.is_regular {
            Ok(self.file.metadata()?.len())
        } else {
            Ok(0)
        }
    }

    fn rotate(&mut self, rotation: &Rotation, now: SystemTime) -> io::Result<()> {
        let backup = rotation.set_aside(&self.path, now)?;
        match open_file(&self.path) {
            Ok(file) => self.file = file,
            Err(error) => {
                // Records keep going where they went; the error says why.
                let _ = fs::rename(&backup, &self.path);
                return Err(error);
            }
        }
        if let Err(error) = rotation.prune(&self.path, now) {
            tracing::warn!(path = %self.path.display(), error = %error, "cannot remove old files");
        }
        Ok(())
    }
}

fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o644);
    options.open(path)
}

fn create_directories(directory: &Path, permissions: u32) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, permissions);
    #[cfg(not(unix))]
    let _ = permissions;
    if directory.as_os_str().is_empty() {
        Ok(())
    } else {
        builder.create(directory)
    }
}

fn ends_with_line_break(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
