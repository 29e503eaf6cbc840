//! Programs built from Go modules, with Go's own tools.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::process::{installed, run};
use crate::{download, workspace};

/// Runs `go` in a directory, quietly enough to leave a core to others.
///
/// # Errors
/// When Go is not installed, or the command fails.
pub(super) fn go(directory: &Path, arguments: &[&str], log: &Path) -> Result<()> {
    ensure!(
        installed("go").is_some(),
        "Go 1.26 or newer is needed to build the backends: https://go.dev/dl/"
    );
    let mut go = Command::new("nice");
    go.args(["-n", "19", "go"])
        .args(arguments)
        .current_dir(directory);
    go.env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-buildvcs=false")
        .env("GOWORK", "off")
        .env("GOBIN", directory.join("bin"));
    run(&mut go, log).with_context(|| format!("go {}", arguments.join(" ")))?;
    Ok(())
}

/// Downloads a module, and returns the directory of its sources, which nobody may write to.
///
/// # Errors
/// When it can't be had.
pub(super) fn sources(module: &str, version: &str) -> Result<PathBuf> {
    let mut fetch = Command::new("go");
    let output = fetch
        .args(["mod", "download", "-json", &format!("{module}@{version}")])
        .current_dir(workspace::cache("interop")?)
        .output()?;
    let found: Value = serde_json::from_slice(&output.stdout).context("go mod download")?;
    let directory = found["Dir"]
        .as_str()
        .with_context(|| format!("{module} {version} can't be had: {}", found["Error"]))?;
    Ok(PathBuf::from(directory))
}

/// A server whose command is part of its module.
///
/// It is built from a copy of the module, so that the module's own replacements and checksums hold, as in the release that
/// its authors made; `go install` of a version refuses modules with replacements.
pub(super) struct Server {
    /// Its directory, and its binary's name.
    pub(super) name: &'static str,
    pub(super) module: &'static str,
    pub(super) version: &'static str,
    /// The command's path in the module.
    pub(super) command: &'static str,
    /// What `go mod edit` changes: a replacement by a folder of the repository is not part of the module.
    pub(super) edits: &'static [&'static str],
    /// Files that are added to the sources: path and text.
    pub(super) added: &'static [(&'static str, &'static str)],
}

impl Server {
    /// Builds it, and returns its path.
    ///
    /// # Errors
    /// When Go is not there, or a module can't be had.
    pub(super) fn build(&self, log: &Path) -> Result<PathBuf> {
        let directory = workspace::target().join("interop").join(self.name);
        let binary = directory.join("bin").join(self.name);
        let mut wanted = format!("{} {} {:?}", self.module, self.version, self.edits);
        for (path, text) in self.added {
            wanted.push_str(&format!("\n{path}\n{text}"));
        }
        download::once(&directory, &wanted, || {
            println!(
                "   building {} {}, which takes some minutes",
                self.name, self.version
            );
            let copy = directory.join("sources");
            let mut copying = Command::new("cp");
            copying.args(["-r", "--no-preserve=mode"]);
            run(
                copying.arg(sources(self.module, self.version)?).arg(&copy),
                log,
            )?;
            // A vendor directory holds no checksums of what a build needs, and not all of it.
            let vendor = copy.join("vendor");
            if vendor.exists() {
                std::fs::remove_dir_all(vendor)?;
            }
            for edit in self.edits {
                go(&copy, &["mod", "edit", edit], log)?;
            }
            for (path, text) in self.added {
                std::fs::write(copy.join(path), text)?;
            }
            let output = binary.display().to_string();
            let command = format!("./{}", self.command);
            // Older modules reach into the standard library, which Go's linker allowed before 1.23.
            let linker = "-s -w -checklinkname=0";
            let build = ["build", "-mod=mod", "-trimpath", "-ldflags", linker, "-o"];
            go(&copy, &[&build[..], &[&output, &command]].concat(), log)?;
            std::fs::remove_dir_all(copy)?;
            Ok(())
        })?;
        Ok(binary)
    }
}
