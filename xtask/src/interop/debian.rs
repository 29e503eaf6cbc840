//! Programs out of Debian's packages, unpacked under `target/` instead of installed: no service starts, nothing changes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::run;
use crate::{download, workspace};

/// Unpacks a package without what it depends on, and returns the directory that stands for `/`.
///
/// The release is Debian's own, so the version is the one that this Debian carries.
///
/// # Errors
/// When this is no Debian, or has no such package.
pub(super) fn unpacked(package: &str, log: &Path) -> Result<PathBuf> {
    let directory = workspace::target().join("interop").join(package);
    let root = directory.join("root");
    download::once(&directory, &format!("Debian's {package}"), || {
        let fetch = || {
            let mut apt = Command::new("apt-get");
            apt.args(["download", package]).current_dir(&directory);
            run(&mut apt, log)
        };
        // The list of packages may be missing or older than the archive.
        if fetch().is_err() {
            run(Command::new("apt-get").args(["update", "-qq"]), log)?;
            fetch().with_context(|| format!("Debian 12's package {package} is needed"))?;
        }
        for entry in std::fs::read_dir(&directory)? {
            let file = entry?.path();
            if file.extension().is_some_and(|extension| extension == "deb") {
                run(
                    Command::new("dpkg-deb").arg("-x").arg(&file).arg(&root),
                    log,
                )?;
                std::fs::remove_file(file)?;
            }
        }
        Ok(())
    })?;
    Ok(root)
}
