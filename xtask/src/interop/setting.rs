//! What the parts share: each program is installed or built when the first part asks for it, once in a run.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use super::{collector, jaeger};
use crate::clients::Python;
use crate::hub::{self, Hub, Ports};
use crate::steps;

/// Installs a program, with its output in a log, and returns where it is.
pub(super) type Install = fn(&Path) -> Result<PathBuf>;

/// The programs of one run.
pub(super) struct Setting {
    profile: hub::Profile,
    /// By name: where it is, or why it can't be had. A failed build is not tried again by the next step.
    programs: RefCell<BTreeMap<&'static str, Result<PathBuf, String>>>,
}

impl Setting {
    /// Nothing is installed yet.
    pub(super) const fn new(profile: hub::Profile) -> Setting {
        Setting {
            profile,
            programs: RefCell::new(BTreeMap::new()),
        }
    }

    /// The hub under test.
    ///
    /// # Errors
    /// When it does not compile.
    pub(super) fn hub(&self) -> Result<PathBuf> {
        let build: Install = match self.profile {
            hub::Profile::Debug => |log| hub::build(hub::Profile::Debug, log),
            hub::Profile::Release => |log| hub::build(hub::Profile::Release, log),
        };
        self.program("the hub", build)
    }

    /// Starts the hub under test with a configuration; its files are in `hub` below the directory.
    ///
    /// # Errors
    /// When it does not compile or does not get healthy.
    pub(super) fn start_hub(
        &self,
        directory: &Path,
        ports: Ports,
        configuration: &str,
    ) -> Result<Hub> {
        Hub::start(&self.hub()?, &directory.join("hub"), ports, configuration)
    }

    /// The Collector with the core's components.
    ///
    /// # Errors
    /// When it can't be built.
    pub(super) fn collector(&self) -> Result<PathBuf> {
        self.program("the Collector", collector::build)
    }

    /// The Collector that also speaks other formats than OTLP: see [`collector::taking`].
    ///
    /// # Errors
    /// When it can't be built.
    pub(super) fn contrib(&self) -> Result<PathBuf> {
        self.program("the Collector of other formats", collector::build_contrib)
    }

    /// Jaeger.
    ///
    /// # Errors
    /// When it can't be built.
    pub(super) fn jaeger(&self) -> Result<PathBuf> {
        self.program("Jaeger", jaeger::build)
    }

    /// Python with the SDK's clients.
    ///
    /// # Errors
    /// When pip fails.
    pub(super) fn python(&self) -> Result<Python> {
        Python::install(&log("pip install"))
    }

    /// Any other program: a part brings the function that installs it, which is called once in a run.
    ///
    /// # Errors
    /// The function's own, each time that the program is asked for.
    pub(super) fn program(&self, name: &'static str, install: Install) -> Result<PathBuf> {
        let mut programs = self.programs.borrow_mut();
        let found = programs.entry(name).or_insert_with(|| {
            install(&log(&format!("install {name}"))).map_err(|error| format!("{error:#}"))
        });
        found
            .clone()
            .map_err(|error| anyhow!("{name} can't be had: {error}"))
    }
}

fn log(step: &str) -> PathBuf {
    steps::log(super::COMMAND, step)
}
