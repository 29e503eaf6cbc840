//! `cargo xtask interop`: real backends at the other end.
//!
//! Jaeger and an OpenTelemetry Collector are built as Go modules with Go's own tools, at pinned versions, once. Real SDK
//! clients send to the hub; what they were acknowledged is read back from the backend and compared field by field.

mod collector;
mod go;
mod jaeger;
mod ledger;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::clients::Python;
use crate::hub;
use crate::steps::{Steps, Tests};

pub use collector::build as build_collector;

/// Options of `cargo xtask interop`.
#[derive(Args)]
pub struct Options {
    /// Only these parts: collector, jaeger, outage, crash; all when left out.
    parts: Vec<String>,
}

/// The parts, by name.
const PARTS: [(&str, Part); 4] = [
    ("collector", collector::run),
    ("jaeger", jaeger::run),
    ("outage", ledger::outage),
    ("crash", ledger::crash),
];

type Part = fn(&mut Steps, &Setting);

/// What every part needs.
struct Setting {
    hub: PathBuf,
    python: Python,
    collector: PathBuf,
    jaeger: PathBuf,
}

/// Runs the parts.
///
/// # Errors
/// When one fails, or a name is none of a part.
pub fn run(options: &Options) -> Result<()> {
    let known: Vec<&str> = PARTS.into_iter().map(|(name, _)| name).collect();
    if let Some(unknown) = options
        .parts
        .iter()
        .find(|part| !known.contains(&part.as_str()))
    {
        bail!("{unknown} is no part; the parts are {}", known.join(", "));
    }
    let mut steps = Steps::new("interop");
    let mut setting = None;
    steps.run(
        "install: Python clients, Collector, Jaeger, the hub",
        |steps| {
            setting = Some(install(steps)?);
            Ok(Tests::default())
        },
    );
    if let Some(setting) = &setting {
        for (name, part) in PARTS {
            if options.parts.is_empty() || options.parts.iter().any(|wanted| wanted == name) {
                part(&mut steps, setting);
            }
        }
    }
    steps.finish()
}

fn install(steps: &Steps) -> Result<Setting> {
    let collector = collector::build(&steps.log("build the Collector"))?;
    let jaeger = jaeger::build(&steps.log("build Jaeger"))?;
    let python = Python::install(&steps.log("pip install"))?;
    let hub = hub::build(hub::Profile::Release, &steps.log("cargo build"))?;
    Ok(Setting {
        hub,
        python,
        collector,
        jaeger,
    })
}
