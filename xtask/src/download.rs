//! Installs that happen once: a cache directory is complete when it holds the stamp of what it was made from.

use std::path::Path;

use anyhow::Result;

/// Runs an install unless the directory already holds what `wanted` describes (a lock file's text, a version).
///
/// # Errors
/// The install's own; the next call tries again then.
pub fn once(directory: &Path, wanted: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let stamp = directory.join(".installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    if directory.exists() {
        std::fs::remove_dir_all(directory)?;
    }
    std::fs::create_dir_all(directory)?;
    install()?;
    std::fs::write(stamp, wanted)?;
    Ok(())
}
