//! `cargo xtask check`: everything about the source that needs no running program.

mod sdk;
mod structure;

use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::steps::{Steps, Tests};
use crate::workspace;

pub use sdk::features as sdk_features;

/// Formats all Rust code, and the page's.
///
/// # Errors
/// When rustfmt or prettier fails.
pub fn format() -> Result<()> {
    let mut steps = Steps::new("fmt");
    steps.run("cargo fmt", |steps| {
        cargo(steps, "cargo fmt", &["fmt", "--all"])
    });
    steps.run("npm run format", |steps| {
        let page = workspace::root().join("crates/dashboard/ui");
        let log = steps.log("npm run format");
        if !page.join("node_modules").exists() {
            process::run(
                Command::new("npm")
                    .args(["ci", "--no-audit", "--no-fund"])
                    .current_dir(&page),
                &log,
            )?;
        }
        process::run(
            Command::new("npm")
                .args(["run", "format"])
                .current_dir(&page),
            &log,
        )
        .map(|_| Tests::default())
    });
    steps.finish()
}

/// Checks format, lints, structure and documentation.
///
/// # Errors
/// When one of them is not as it should be.
pub fn run_all(steps: &mut Steps) {
    steps.run("format", |steps| {
        cargo(steps, "format", &["fmt", "--all", "--check"])
    });
    steps.run("clippy, warnings denied", |steps| clippy(steps, &[]));
    steps.run("clippy with everything that the SDK can have", |steps| {
        clippy(steps, &["--features", &sdk::features()?])
    });
    steps.run("structure: arrows and sizes", |_| structure::check());
    steps.run("what a program takes in with the SDK", |_| {
        sdk::check_dependencies()
    });
    steps.run("documentation, broken links denied", |steps| {
        let mut cargo = cargo_command(&["doc", "--quiet", "--workspace", "--no-deps"]);
        let denied = "-D rustdoc::broken_intra_doc_links -D rustdoc::invalid_html_tags -A rustdoc::private_intra_doc_links";
        process::run(cargo.env("RUSTDOCFLAGS", denied), &steps.log("documentation")).map(|_| Tests::ONE)
    });
}

/// Checks format, lints, structure and documentation.
///
/// # Errors
/// When one of them is not as it should be.
pub fn run() -> Result<()> {
    let mut steps = Steps::new("check");
    run_all(&mut steps);
    steps.finish()
}

fn clippy(steps: &Steps, options: &[&str]) -> Result<Tests> {
    let arguments = [
        "clippy",
        "--quiet",
        "--keep-going",
        "--workspace",
        "--all-targets",
    ];
    let denied = ["--", "-D", "warnings"];
    let arguments: Vec<&str> = arguments
        .iter()
        .chain(options)
        .chain(&denied)
        .copied()
        .collect();
    cargo(steps, "clippy", &arguments)
}

fn cargo(steps: &Steps, name: &str, arguments: &[&str]) -> Result<Tests> {
    process::run(&mut cargo_command(arguments), &steps.log(name)).map(|_| Tests::ONE)
}

/// Cargo, at the repository's root.
pub fn cargo_command(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).current_dir(workspace::root());
    cargo
}
