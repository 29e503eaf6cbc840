//! `debug`: prints telemetry, for people.
//!
//! What it prints is the Collector's own layout, not a format to parse: one line for each batch (`basic`), one for each
//! item (`normal`), or everything (`detailed`). Control characters in telemetry are escaped, so that no sender reaches
//! the terminal. Where the output is closed or full the batch is refused, not tried again.
//!
//! It differs from the Collector in three points: the default output is stdout, not the hub's log; a small queue in
//! memory stands in front of it, so that a slow terminal makes no sender wait; and a batch that sampling leaves out is
//! left out as a whole. [Source](https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/debugexporter).

mod detailed;
mod normal;
mod output;
mod sampler;
mod text;

use std::sync::Arc;
use std::time::{Duration, Instant};

use fanlight_config::blocks::{Queue, Retry};
use fanlight_config::{ByteSize, ConfigError, Node};
use fanlight_otlp::{Batch, DecodeError};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, ExporterKind,
    Kind, Outcome,
};
use futures::future::BoxFuture;
use serde::Deserialize;

use self::output::Output;
use self::sampler::Sampler;

/// The descriptor.
pub(crate) static KIND: ExporterKind = Kind {
    name: "debug",
    aliases: &[],
    about: "Prints telemetry to stdout, stderr or a file, for people.",
    sample: "verbosity: detailed",
    decode,
};

/// How much is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verbosity {
    /// One line for each batch.
    Basic,
    /// One line for each item.
    Normal,
    /// Everything.
    Detailed,
}

impl Verbosity {
    const fn name(self) -> &'static str {
        match self {
            Verbosity::Basic => "basic",
            Verbosity::Normal => "normal",
            Verbosity::Detailed => "detailed",
        }
    }
}

/// The configuration.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
struct Config {
    /// How much is printed. Default: basic.
    verbosity: Verbosity,
    /// How many batches of each signal are printed in each second before sampling starts. Default: 2.
    sampling_initial: u64,
    /// Then every n-th is printed; 1 means all, 0 none. Default: 1.
    sampling_thereafter: u64,
    /// Accepted, no effect: the hub's log is for the hub's own words. The Collector's default is true.
    use_internal_logger: Option<bool>,
    /// Where to print: `stdout`, `stderr`, files to append to. Default: stdout.
    output_paths: Option<Vec<String>>,
    /// Default: a queue of 100 batches and at most 16 MiB, printed one after the other.
    sending_queue: Queue,
    /// Accepted, no effect: nothing is printed twice.
    retry_on_failure: Retry,
    /// How long one batch may take; zero means any time. Default: 0s.
    #[serde(with = "fanlight_config::duration")]
    timeout: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            verbosity: Verbosity::Basic,
            sampling_initial: 2,
            sampling_thereafter: 1,
            use_internal_logger: None,
            output_paths: None,
            sending_queue: Queue {
                num_consumers: 1,
                queue_size: 100,
                max_bytes: ByteSize::mebibytes(16),
                ..Queue::default()
            },
            retry_on_failure: Retry {
                enabled: false,
                ..Retry::default()
            },
            timeout: Duration::ZERO,
        }
    }
}

fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    let config: Config = node.decode()?;
    match (&config.output_paths, config.use_internal_logger) {
        (Some(paths), _) if paths.is_empty() => Err(node
            .error_at("output_paths", "no output is left")
            .hint("leave the key out for stdout, or list stdout, stderr or files")),
        (Some(_), Some(true)) => Err(node
            .error_at(
                "output_paths",
                "cannot be combined with use_internal_logger: true",
            )
            .hint("set use_internal_logger: false, or leave one of the two out")),
        _ => Ok(Box::new(config)),
    }
}

impl Config {
    fn paths(&self) -> Vec<&str> {
        match &self.output_paths {
            Some(paths) => paths.iter().map(String::as_str).collect(),
            None => vec!["stdout"],
        }
    }
}

impl ExporterConfig for Config {
    fn settings(&self) -> ExportSettings {
        ExportSettings {
            queue: self.sending_queue.clone(),
            retry: self.retry_on_failure.clone(),
            timeout: self.timeout,
        }
    }

    fn destination(&self) -> Destination {
        Destination {
            text: format!("{} ({})", self.paths().join(", "), self.verbosity.name()),
            peers: Vec::new(),
        }
    }

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let outputs = self
            .paths()
            .into_iter()
            .map(Output::open)
            .collect::<Result<_, _>>()?;
        Ok(Box::new(Debug {
            sampler: Sampler::new(
                self.sampling_initial,
                self.sampling_thereafter,
                Instant::now(),
            ),
            printer: Arc::new(Printer {
                verbosity: self.verbosity,
                outputs,
            }),
        }))
    }
}

struct Debug {
    sampler: Sampler,
    printer: Arc<Printer>,
}

/// What the blocking part needs: rendering a large batch takes time, and a terminal may be slow.
struct Printer {
    verbosity: Verbosity,
    outputs: Vec<Output>,
}

impl Exporter for Debug {
    /// Dropping the future does not stop the printing.
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if !self.sampler.admits(batch.signal(), Instant::now()) {
                return Outcome::Delivered;
            }
            let printer = Arc::clone(&self.printer);
            let batch = batch.clone();
            let printed = tokio::task::spawn_blocking(move || printer.print(&batch)).await;
            match printed {
                Ok(Ok(())) => Outcome::Delivered,
                Ok(Err(why)) => Outcome::Rejected { why },
                Err(_) => Outcome::Rejected {
                    why: "the batch could not be printed, which is a bug".to_owned(),
                },
            }
        })
    }
}

impl Printer {
    fn print(&self, batch: &Batch) -> Result<(), String> {
        let text = render(batch, self.verbosity)
            .map_err(|error| format!("the batch cannot be read: {error}"))?;
        // Each output gets its chance, whatever becomes of the others.
        let failures: Vec<String> = self
            .outputs
            .iter()
            .filter_map(|output| output.write(&text).err())
            .collect();
        if failures.is_empty() {
            Ok(())
        } else {
            Err(failures.join("; "))
        }
    }
}

/// A batch as text.
fn render(batch: &Batch, verbosity: Verbosity) -> Result<String, DecodeError> {
    let mut text = text::Text::default();
    normal::summary(batch, &mut text)?;
    match verbosity {
        Verbosity::Basic => return Ok(text.printable()),
        Verbosity::Normal => normal::write(batch, &mut text)?,
        Verbosity::Detailed => detailed::write(batch, &mut text)?,
    }
    text.line(format_args!(""));
    Ok(text.printable())
}

#[cfg(test)]
mod tests;
