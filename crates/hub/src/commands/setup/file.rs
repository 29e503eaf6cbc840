//! A tool's file, changed so that nothing of the user's is lost: the file as it was before stays beside it, and what is put
//! in its place is written whole or not at all.

use std::ffi::OsString;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::tools::{Format, Setting};
use super::{block, json, toml};
use crate::api::Problem;

/// What to do to a file.
pub(super) enum Change {
    /// Put the settings in.
    Write,
    /// Take them out, or put back what was in their place.
    Undo,
}

/// What was done.
pub(super) struct Outcome {
    pub done: String,
    /// Settings that have a value of the user's, with that.
    pub kept: Vec<(String, String)>,
}

/// A file's text in which settings can be looked at and changed. Everything else stays as it is.
pub(super) trait Text {
    fn get(&self, path: &[String]) -> Option<Value>;
    fn set(&mut self, path: &[String], value: &Value);
    /// Takes a setting away, and what is empty then around it.
    fn remove(&mut self, path: &[String]);
    fn render(&self) -> String;
}

/// Changes a file.
///
/// # Errors
/// When it can't be read, is not in its format, or can't be written.
pub(super) fn change(
    path: &Path,
    format: Format,
    settings: &[Setting],
    change: &Change,
) -> Result<Outcome, Problem> {
    // A link is followed: the file that it names is the user's.
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let before = read(path)?;
    let mut text = parse(path, format, before.as_deref().unwrap_or(""))?;
    let mut kept = Vec::new();
    match change {
        Change::Write => {
            for setting in settings {
                match text.get(&setting.path) {
                    Some(value) if !setting.wrote(&value) => {
                        kept.push((setting.name(), value.to_string()));
                    }
                    Some(value) if value == setting.value => {}
                    _ => text.set(&setting.path, &setting.value),
                }
            }
        }
        Change::Undo => {
            let earlier = read(&backup(path))?;
            let earlier = parse(path, format, earlier.as_deref().unwrap_or(""))?;
            for setting in settings {
                let value = text.get(&setting.path);
                if !value.is_some_and(|value| setting.wrote(&value)) {
                    continue;
                }
                match earlier.get(&setting.path) {
                    Some(value) => text.set(&setting.path, &value),
                    None => text.remove(&setting.path),
                }
            }
        }
    }
    let done = put(path, before.as_deref(), &text.render(), change)?;
    Ok(Outcome { done, kept })
}

fn put(path: &Path, before: Option<&str>, after: &str, change: &Change) -> Result<String, Problem> {
    let backup = backup(path);
    match (change, before) {
        (Change::Write, Some(before)) if before == after => Ok("is set up already".to_owned()),
        (Change::Undo, None) => Ok("is not there; nothing to take back".to_owned()),
        (Change::Undo, Some(before)) if before == after => {
            Ok("has none of these settings".to_owned())
        }
        (Change::Write, Some(before)) if !backup.exists() => {
            write(&backup, before, mode(path))?;
            write(path, after, mode(path))?;
            Ok(format!("written; as it was before: {}", backup.display()))
        }
        (Change::Write, _) => {
            write(path, after, mode(path))?;
            Ok("written".to_owned())
        }
        (Change::Undo, Some(_)) => {
            // A file that was made here, and has nothing else, goes; so does the copy, which says nothing new any more.
            let is_empty = matches!(after.trim(), "" | "{}");
            if is_empty && !backup.exists() {
                std::fs::remove_file(path).map_err(|error| broken(path, "removed", &error))?;
                return Ok("removed; there was nothing else in it".to_owned());
            }
            write(path, after, mode(path))?;
            if read(&backup)?.is_some_and(|earlier| earlier == after) {
                std::fs::remove_file(&backup)
                    .map_err(|error| broken(&backup, "removed", &error))?;
            }
            Ok("taken back".to_owned())
        }
    }
}

fn parse(path: &Path, format: Format, text: &str) -> Result<Box<dyn Text>, Problem> {
    let parsed: Result<Box<dyn Text>, String> = match format {
        Format::Json => json::Json::parse(text).map(|text| Box::new(text) as _),
        Format::Toml => toml::Toml::parse(text).map(|text| Box::new(text) as _),
        Format::Yaml | Format::Shell | Format::Form => Ok(Box::new(block::Lines::parse(text))),
    };
    parsed.map_err(|error| {
        Problem::new(format!("{} can't be read: {error}", path.display()))
            .hint("mend it first; it was left as it is")
    })
}

fn read(path: &Path) -> Result<Option<String>, Problem> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(broken(path, "read", &error)),
    }
}

/// The file as it was before the first change.
fn backup(path: &Path) -> PathBuf {
    with_suffix(path, ".before-fanlight")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Who may read it; only the user, where it is new: settings may have keys in them.
fn mode(path: &Path) -> u32 {
    let metadata = std::fs::metadata(path);
    metadata.map_or(0o600, |metadata| metadata.permissions().mode() & 0o777)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), Problem> {
    let failed = |error: std::io::Error| broken(path, "written", &error);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let new = with_suffix(path, ".new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(mode);
    let mut file = options.open(&new).map_err(failed)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&new, path))
        .map_err(failed)
}

fn broken(path: &Path, what: &str, error: &std::io::Error) -> Problem {
    Problem::new(format!("{} can't be {what}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
