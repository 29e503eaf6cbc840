//! Clients that nobody here wrote: the Python and Node SDKs and a browser, installed by their own package managers.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::check::cargo_command;
use crate::process::{installed, run};
use crate::{download, workspace};

/// A Python virtual environment with the OpenTelemetry SDK, its OTLP exporters and Logfire.
#[derive(Debug)]
pub struct Python {
    interpreter: PathBuf,
}

impl Python {
    /// Installs what `tests/clients/python/requirements.txt` pins.
    ///
    /// # Errors
    /// When `python3` with `venv` is not there, or pip fails.
    pub fn install(log: &Path) -> Result<Python> {
        let requirements = workspace::root().join("tests/clients/python/requirements.txt");
        let directory = workspace::target().join("clients/python");
        let interpreter = virtual_environment(&directory, &requirements, log)?;
        Ok(Python { interpreter })
    }

    /// A script of `tests/clients/python`, without any OpenTelemetry variable of the caller's.
    pub fn script(&self, name: &str) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.arg(workspace::root().join("tests/clients/python").join(name));
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("OTEL_PYTHON_LOG_LEVEL", "warning");
        without_telemetry_variables(&mut command);
        command
    }
}

/// Makes a virtual environment with what a requirements file pins, and returns its interpreter.
///
/// # Errors
/// When `python3` with `venv` is not there, or pip fails.
pub fn virtual_environment(directory: &Path, requirements: &Path, log: &Path) -> Result<PathBuf> {
    let wanted = std::fs::read_to_string(requirements)?;
    let interpreter = directory.join("bin/python");
    download::once(directory, &wanted, || {
        let made = run(
            Command::new("python3").args(["-m", "venv"]).arg(directory),
            log,
        );
        made.context("a Python virtual environment is needed: apt-get install python3-venv")?;
        let mut pip = Command::new(&interpreter);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
        ])
        .arg(requirements);
        run(&mut pip, log).map(drop)
    })?;
    Ok(interpreter)
}

/// Node packages: the OpenTelemetry JS SDK and playwright-core.
#[derive(Debug)]
pub struct Node {
    modules: PathBuf,
}

impl Node {
    /// Installs what `tests/clients/node/package-lock.json` pins.
    ///
    /// # Errors
    /// When npm is not there or fails.
    pub fn install(log: &Path) -> Result<Node> {
        Node::install_from("clients/node", log)
    }

    /// Installs what the lock file of a folder below `tests/` pins.
    ///
    /// # Errors
    /// When npm is not there or fails.
    pub fn install_from(folder: &str, log: &Path) -> Result<Node> {
        let source = workspace::root().join("tests").join(folder);
        let directory = workspace::target().join(folder);
        let wanted = std::fs::read_to_string(source.join("package-lock.json"))?;
        download::once(&directory, &wanted, || {
            for file in ["package.json", "package-lock.json"] {
                std::fs::copy(source.join(file), directory.join(file))?;
            }
            let mut npm = Command::new("npm");
            npm.args(["ci", "--no-audit", "--no-fund"])
                .current_dir(&directory);
            run(&mut npm, log).context("Node.js 20 with npm is needed")?;
            Ok(())
        })?;
        Ok(Node {
            modules: directory.join("node_modules"),
        })
    }

    /// Where its packages' programs are.
    pub fn programs(&self) -> PathBuf {
        self.modules.join(".bin")
    }

    /// A script below `tests/`, which finds the installed packages.
    pub fn script(&self, path: &str) -> Command {
        let mut command = Command::new("node");
        command
            .arg(workspace::root().join("tests").join(path))
            .env("NODE_PATH", &self.modules);
        without_telemetry_variables(&mut command);
        command
    }
}

/// Finds Chromium, and installs it from Debian's packages where that is possible.
///
/// # Errors
/// When there is none and it can't be installed; says how to get it.
pub fn chromium(log: &Path) -> Result<PathBuf> {
    const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
    let find = || NAMES.into_iter().find_map(installed);
    if let Some(found) = find() {
        return Ok(found);
    }
    let root = std::fs::metadata("/proc/self")
        .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !root || installed("apt-get").is_none() {
        bail!(
            "a browser is needed for the page's test: install chromium, on Debian with apt-get install chromium"
        );
    }
    println!("   apt-get install chromium");
    let apt = |arguments: &[&str]| {
        run(
            Command::new("apt-get")
                .args(arguments)
                .env("DEBIAN_FRONTEND", "noninteractive"),
            log,
        )
    };
    apt(&["update", "-qq"])?;
    apt(&[
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
        "chromium",
    ])?;
    find().context("apt-get installed chromium, but there is none on the PATH")
}

/// Builds the SDK's examples with these features, and returns the folder that they are in.
///
/// # Errors
/// When they don't build.
pub fn examples(features: &str, log: &Path) -> Result<PathBuf> {
    let mut cargo = cargo_command(&["build", "--package", "fanlight", "--examples"]);
    run(cargo.args(["--features", features]), log)?;
    Ok(workspace::target().join("debug/examples"))
}

/// Takes the caller's own telemetry settings out of a command's environment.
pub fn without_telemetry_variables(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("OTEL_") || text.starts_with("OTLP_") || text.starts_with("LOGFIRE_") {
            command.env_remove(&name);
        }
    }
}
