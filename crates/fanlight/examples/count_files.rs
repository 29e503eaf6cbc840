//! Counts the files below a directory by the ends of their names. Each directory is a span, and what can't be read is an
//! error in it.
//!
//! ```text
//! cargo run --example count_files -- src
//! ```
//!
//! Where the telemetry goes says the environment (`OTEL_EXPORTER_OTLP_ENDPOINT` and the like); `LOGFIRE_CONSOLE=true` shows it
//! on the terminal.

#![allow(clippy::print_stdout, reason = "it shows the result")]

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How many files have which end of their names.
type Counts = BTreeMap<String, u64>;

fn main() -> Result<(), Box<dyn Error>> {
    let _fanlight = fanlight::configure()
        .service_name("count_files")
        .service_version(env!("CARGO_PKG_VERSION"))
        .start()?;
    let directory = env::args_os().nth(1).unwrap_or_else(|| ".".into());
    let mut counts = Counts::new();
    count(&PathBuf::from(directory), &mut counts)?;
    for (extension, count) in counts {
        println!("{count:8} {extension}");
    }
    Ok(())
}

/// Counts the files in a directory, and goes on in those below.
#[fanlight::instrument("count {directory}", fields(directory = %directory.display()), err)]
fn count(directory: &Path, counts: &mut Counts) -> io::Result<()> {
    let mut files = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            // Its span says why; the others are counted all the same.
            let _ = count(&path, counts);
        } else {
            *counts.entry(extension(&path)).or_default() += 1;
            files += 1;
        }
    }
    fanlight::current().set("files", files);
    fanlight::histogram("directory.files")
        .unit("{file}")
        .build()
        .record(files, ());
    Ok(())
}

fn extension(path: &Path) -> String {
    match path.extension() {
        Some(extension) => extension.to_string_lossy().into_owned(),
        None => "(none)".to_owned(),
    }
}
