//! Where the text goes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use fanlight_pipeline::BuildError;

/// One place to print to. A text is written whole before the next.
pub(super) struct Output {
    name: String,
    sink: Sink,
}

enum Sink {
    Stdout,
    Stderr,
    File(Mutex<File>),
}

impl Output {
    /// `stdout`, `stderr`, or a file, which is made where there is none and appended to where there is.
    pub(super) fn open(name: &str) -> Result<Output, BuildError> {
        let sink = match name {
            "stdout" => Sink::Stdout,
            "stderr" => Sink::Stderr,
            path => Sink::File(Mutex::new(
                OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(path)
                    .map_err(|error| {
                        BuildError::new(format!("cannot open the output {path}"))
                            .because(error)
                            .hint("change output_paths, or make the file writable")
                    })?,
            )),
        };
        Ok(Output {
            name: name.to_owned(),
            sink,
        })
    }

    /// Blocks until the text is written.
    pub(super) fn write(&self, text: &str) -> Result<(), String> {
        let written = match &self.sink {
            Sink::Stdout => write_all(io::stdout().lock(), text),
            Sink::Stderr => write_all(io::stderr().lock(), text),
            Sink::File(file) => write_all(
                &mut *file.lock().unwrap_or_else(PoisonError::into_inner),
                text,
            ),
        };
        written.map_err(|error| format!("cannot write to {}: {error}", self.name))
    }
}

fn write_all(mut sink: impl Write, text: &str) -> io::Result<()> {
    sink.write_all(text.as_bytes())?;
    sink.flush()
}
