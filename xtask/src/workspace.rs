//! Where things are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The repository's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Cargo's target directory.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(directory) => root().join(directory),
        None => root().join("target"),
    }
}

/// A directory under `target/`, made when it is missing.
///
/// # Errors
/// When it can't be made.
pub fn cache(path: &str) -> Result<PathBuf> {
    let directory = target().join(path);
    std::fs::create_dir_all(&directory)
        .with_context(|| format!("{} can't be made", directory.display()))?;
    Ok(directory)
}

/// As [`cache`], and empty.
///
/// # Errors
/// When it can't be emptied or made.
pub fn emptied(path: &str) -> Result<PathBuf> {
    let directory = target().join(path);
    if directory.exists() {
        std::fs::remove_dir_all(&directory)
            .with_context(|| format!("{} can't be emptied", directory.display()))?;
    }
    cache(path)
}

/// The path as seen from the repository's root, for messages.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}
