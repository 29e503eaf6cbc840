//! The SDK is a dependency of other people's programs: what they take in with it stays small.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::cargo_command;
use crate::steps::Tests;

/// With the features that are on by default, and itself, the SDK is less than this many crates.
const CRATES: usize = 60;
/// The SDK's package.
const SDK: &str = "fanlight";

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    features: BTreeMap<String, IgnoredAny>,
}

/// All features of the SDK, as cargo takes them for the whole workspace: its packages are built once, with all of them.
///
/// # Errors
/// When cargo does not know the SDK.
pub fn features() -> Result<String> {
    let output = cargo_command(&["metadata", "--format-version", "1", "--no-deps"]).output()?;
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let sdk = metadata.packages.iter().find(|package| package.name == SDK);
    let features = sdk.context("the SDK is no package")?.features.keys();
    let named: Vec<String> = features.map(|feature| format!("{SDK}/{feature}")).collect();
    Ok(named.join(","))
}

/// Counts the crates that a program gets with the SDK.
pub(super) fn check_dependencies() -> Result<Tests> {
    let arguments = [
        "tree",
        "--package",
        SDK,
        "--edges",
        "normal",
        "--prefix",
        "none",
    ];
    let output = cargo_command(&arguments).output()?;
    if !output.status.success() {
        bail!("cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    }
    let tree = String::from_utf8_lossy(&output.stdout);
    let crates = crates(&tree);
    if crates.len() >= CRATES {
        let names: Vec<&str> = crates.into_iter().collect();
        bail!(
            "the SDK is {} crates, and must be less than {CRATES}:\n{}",
            names.len(),
            names.join("\n")
        );
    }
    println!("   {} crates", crates.len());
    Ok(Tests::ONE)
}

/// Each crate and version once, from lines such as `ring v0.17.14 (*)`.
fn crates(tree: &str) -> BTreeSet<&str> {
    let lines = tree
        .lines()
        .map(|line| line.split(" (").next().unwrap_or(line));
    lines.filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crate_counts_once() {
        let tree = "fanlight v0.1.0 (/fanlight)\nbytes v1.12.1\nbase64 v0.22.1\nbase64 v0.23.1\nbytes v1.12.1 (*)\n\n";
        assert_eq!(crates(tree).len(), 4);
    }

    #[test]
    fn features_are_named_with_their_package() {
        let features = features().unwrap();
        assert!(
            features
                .split(',')
                .any(|feature| feature == "fanlight/tracing")
        );
    }
}
