//! From what was asked and what the environment says to what holds.
//!
//! The code wins over variables, variables over Logfire's credentials file, and that over defaults.

use std::path::PathBuf;
use std::time::Duration;

use fanlight_otlp::Signal;

use super::ConfigureError;
use super::backend::{self, Backend};
use super::directives::{self, Directives};
use super::environment::{self, FromEnvironment, SpoolPlace};
use super::logfire::LogfireWishes;
use super::machine::Machine;
use super::resource::{self, Resource};
use super::variables as var;
use crate::callsite::Filter;
use crate::console::Console;
use crate::destination::settings::{Disk, Settings as Destination};
use crate::metrics::Measured;
use crate::sample::TailSampling;
use crate::scrub::Scrubbing;

/// What was asked for in the code.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) resource: Resource,
    pub(crate) skips_detection: bool,
    pub(crate) logfire: LogfireWishes,
    pub(crate) backends: Vec<Backend>,
    pub(crate) directives: Directives,
    pub(crate) sample_rate: Option<f64>,
    /// Options for the console, or none of it.
    pub(crate) console: Option<Option<Console>>,
    pub(crate) tail_sampling: Option<TailSampling>,
    pub(crate) scrubbing: Scrubs,
    pub(crate) memory_limit: Option<usize>,
    pub(crate) spool: Option<SpoolPlace>,
    pub(crate) spool_limit: Option<u64>,
    pub(crate) skips_panics: bool,
    pub(crate) skips_metrics: bool,
    pub(crate) metric_interval: Option<Duration>,
    pub(crate) measured: Measured,
    pub(crate) is_quiet: Option<bool>,
    pub(crate) skips_local_hub: bool,
    pub(crate) ignores_environment: bool,
    /// The first mistake.
    pub(crate) problem: Option<ConfigureError>,
}

/// What is taken out since it looks like a secret.
#[derive(Debug, Default)]
pub(crate) enum Scrubs {
    #[default]
    Usual,
    As(Scrubbing),
    Nothing,
}

/// What holds. It can be shown: secrets are left out.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) is_disabled: bool,
    /// Whether somebody said what the program is called.
    pub(crate) is_named: bool,
    pub(crate) destinations: Vec<Destination>,
    pub(crate) resource: Resource,
    pub(crate) filter: Filter,
    pub(crate) sample_rate: f64,
    pub(crate) console: Option<Console>,
    /// Whether the console has no colours unless the code asks for some.
    pub(crate) is_colorless: bool,
    pub(crate) tail_sampling: Option<TailSampling>,
    pub(crate) scrubbing: Scrubs,
    pub(crate) records_panics: bool,
    pub(crate) memory_limit: usize,
    /// Where destinations found later keep what they can't deliver.
    pub(crate) disk: Option<Disk>,
    /// How often metrics are collected, if at all.
    pub(crate) metric_interval: Option<Duration>,
    pub(crate) measured: Measured,
    /// Whether points lead to traces.
    pub(crate) exemplars: bool,
    pub(crate) is_quiet: bool,
    /// Whether to look for a hub on this machine.
    pub(crate) looks_for_hub: bool,
    /// The page of the project at Logfire, where it is known.
    pub(crate) project_url: Option<String>,
    pub(crate) warnings: Vec<String>,
}

/// How many bytes of records may wait for the collector. Room for a
/// burst of a million spans with some attributes, even if the collector gets no time meanwhile.
const MEMORY_LIMIT: usize = 192 << 20;
/// How often metrics are collected.
const METRIC_INTERVAL: Duration = Duration::from_secs(60);

impl Settings {
    /// Settles what holds.
    ///
    /// # Errors
    /// What is wrong in the code. What is wrong in the environment becomes a warning.
    pub(crate) fn resolve(asked: Asked, machine: &Machine) -> Result<Settings, ConfigureError> {
        if let Some(problem) = asked.problem {
            return Err(problem);
        }
        let mut said = match asked.ignores_environment {
            true => FromEnvironment::default(),
            false => FromEnvironment::read(&machine.environment),
        };
        let sample_rate = asked.sample_rate.or(said.sample_rate).unwrap_or(1.0);
        check_rate(sample_rate)?;
        check_rate(asked.tail_sampling.map_or(0.0, |tail| tail.background_rate))?;
        let logfire = asked.logfire.or(said.logfire).resolve(machine.is_test);
        let mut warnings = said.warnings;
        warnings.extend(logfire.warnings);

        let backends: Vec<_> = logfire.backends.into_iter().chain(asked.backends).collect();
        let mut resource = resource(machine, asked.skips_detection);
        backend::describe(&backends, &mut resource);
        resource.extend(said.resource);
        resource.extend(asked.resource);

        let lowered: Result<Vec<_>, _> = backends.into_iter().map(Backend::lower).collect();
        let mut destinations = lowered?;
        destinations.append(&mut said.destinations);
        let place = asked.spool.or(said.spool);
        let disk = disk(place, asked.spool_limit, machine);
        let interval = asked.metric_interval.or(said.metric_interval);
        let [own, logfire_level, rust] = &said.directives;
        let mut settings = Settings {
            is_disabled: said.is_disabled,
            is_named: resource.has("service.name"),
            looks_for_hub: destinations.is_empty()
                && !(logfire.is_never || asked.skips_local_hub || machine.is_test),
            destinations,
            resource,
            filter: directives::filter([&asked.directives, own, logfire_level, rust]),
            sample_rate,
            console: asked.console.unwrap_or_else(|| said.console.shown()),
            is_colorless: said.console.is_colorless,
            tail_sampling: asked.tail_sampling,
            scrubbing: asked.scrubbing,
            records_panics: !asked.skips_panics,
            memory_limit: asked.memory_limit.unwrap_or(MEMORY_LIMIT),
            disk,
            metric_interval: (!asked.skips_metrics).then(|| interval.unwrap_or(METRIC_INTERVAL)),
            measured: asked.measured,
            exemplars: said.exemplars.unwrap_or(true),
            is_quiet: asked.is_quiet.or(said.is_quiet).unwrap_or(machine.is_test),
            project_url: logfire.project_url,
            warnings,
        };
        settings.leave_out();
        settings.complete(machine);
        Ok(settings)
    }

    /// Leaves out what nobody wants.
    fn leave_out(&mut self) {
        if self.is_disabled {
            self.destinations.clear();
            self.console = None;
            self.looks_for_hub = false;
            self.metric_interval = None;
        }
        if self.metric_interval.is_none() {
            for destination in &mut self.destinations {
                destination
                    .targets
                    .retain(|target| target.signal != Signal::Metrics);
            }
        }
        self.destinations
            .retain(|destination| !destination.targets.is_empty());
    }

    /// Names a program without a name as the specification says, gives destinations a place on disk, and numbers those of one
    /// name, so that messages tell them apart.
    fn complete(&mut self, machine: &Machine) {
        if !self.is_named {
            let name = format!("unknown_service:{}", program(machine));
            self.resource.set("service.name", &name);
        }
        let mut names: Vec<String> = Vec::new();
        for destination in &mut self.destinations {
            destination.disk.clone_from(&self.disk);
            let name = destination.name.clone();
            let mut number = 1;
            while names.contains(&destination.name) {
                number += 1;
                destination.name = format!("{name} {number}");
            }
            names.push(destination.name.clone());
        }
    }
}

fn check_rate(rate: f64) -> Result<(), ConfigureError> {
    match environment::is_share(rate) {
        true => Ok(()),
        false => Err(ConfigureError::SampleRate(rate)),
    }
}

/// What nobody needs to say.
fn resource(machine: &Machine, skips_detection: bool) -> Resource {
    let mut resource = Resource::default();
    resource::of_sdk(&mut resource);
    if !skips_detection {
        resource::detected(machine, &mut resource);
    }
    resource
}

/// Where the undelivered is kept: as asked, or in the user's directory for state; nowhere in tests unless asked.
fn disk(place: Option<SpoolPlace>, limit: Option<u64>, machine: &Machine) -> Option<Disk> {
    let directory = match place {
        Some(SpoolPlace::Nowhere) => return None,
        Some(SpoolPlace::Directory(directory)) => directory,
        None if machine.is_test => return None,
        None => state_directory(machine)?.join("fanlight").join("spool"),
    };
    Some(Disk {
        directory,
        max_bytes: limit.unwrap_or(Disk::MAX_BYTES),
        program: program(machine).to_owned(),
    })
}

fn program(machine: &Machine) -> &str {
    machine.program().unwrap_or("program")
}

/// [Source](https://specifications.freedesktop.org/basedir-spec/latest/).
fn state_directory(machine: &Machine) -> Option<PathBuf> {
    let path = |variable: var::Variable| {
        let path = PathBuf::from(machine.environment.non_empty(variable.name)?);
        path.is_absolute().then_some(path)
    };
    let of_user = || Some(path(var::HOME)?.join(".local").join("state"));
    path(var::XDG_STATE_HOME)
        .or_else(|| path(var::LOCALAPPDATA))
        .or_else(of_user)
}

#[cfg(test)]
mod tests;
