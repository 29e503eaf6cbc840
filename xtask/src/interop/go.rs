//! Programs built from Go modules, with Go's own tools.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process::{installed, run};

/// Runs `go` in a directory, quietly enough to leave a core to others.
///
/// # Errors
/// When Go is not installed, or the command fails.
pub(super) fn go(directory: &Path, arguments: &[&str], log: &Path) -> Result<()> {
    ensure!(
        installed("go").is_some(),
        "Go 1.25 or newer is needed to build the backends: https://go.dev/dl/"
    );
    let mut go = Command::new("nice");
    go.args(["-n", "19", "go"])
        .args(arguments)
        .current_dir(directory);
    go.env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-buildvcs=false")
        .env("GOBIN", directory.join("bin"));
    run(&mut go, log).with_context(|| format!("go {}", arguments.join(" ")))?;
    Ok(())
}
