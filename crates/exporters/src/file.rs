//! `file`: writes telemetry to files, one OTLP request after the other.
//!
//! ```text
//! json             {"resourceSpans":[...]}\n        read by the Collector's otlpjsonfile receiver
//! proto, or zstd   length (4 bytes, big-endian), payload
//! ```
//! Every record is handed to the operating system before it counts as delivered; at the end of the hub it is on the
//! disk too. Where a write fails (disk full, quota, a bad medium) the file is cut back to its last whole record and the
//! batch is tried again, so that no reader meets half a record. Dropping a `send` does not stop its write.
//!
//! Not as in the Collector: with `group_by`, resources without the attribute are counted as refused, and a file that is
//! opened again in the same run is not emptied; a batch larger than `max_megabytes` gets a file of its own.
//! [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/fileexporter).

mod config;
mod files;
mod grouping;
mod output;
mod record;
mod rotation;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use fanlight_otlp::Batch;
use fanlight_pipeline::{Exporter, ExporterKind, Kind, Outcome};
use futures::future::BoxFuture;

use self::files::{Files, WriteError};
use self::grouping::Grouping;
use self::record::Encoding;

/// The descriptor.
pub(crate) static KIND: ExporterKind = Kind {
    name: "file",
    aliases: &[],
    about: "Writes telemetry to files as OTLP JSON lines or protobuf, with rotation.",
    sample: "path: ./telemetry.jsonl",
    decode: config::decode,
};

struct FileExporter {
    shared: Arc<Shared>,
}

/// What the blocking part needs.
struct Shared {
    route: Route,
    encoding: Encoding,
    files: Mutex<Files>,
}

/// Where batches go.
enum Route {
    /// All into one file.
    One(PathBuf),
    /// Each resource into the file that an attribute names.
    Grouped(Grouping),
}

impl Exporter for FileExporter {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        let (shared, batch) = (Arc::clone(&self.shared), batch.clone());
        Box::pin(async move {
            let written =
                tokio::task::spawn_blocking(move || shared.write(batch, SystemTime::now())).await;
            written.unwrap_or_else(|_| rejected("the batch could not be written, which is a bug"))
        })
    }

    fn finish(&self) -> BoxFuture<'_, ()> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let synced = tokio::task::spawn_blocking(move || shared.sync()).await;
            if let Ok(Err(error)) = synced {
                tracing::warn!(error = %error, "the last records may not survive a power loss");
            }
        })
    }
}

impl Shared {
    fn write(&self, batch: Batch, now: SystemTime) -> Outcome {
        let items = batch.items();
        let (parts, mut refused) = match &self.route {
            Route::One(path) => (vec![(path.clone(), batch)], Refused::default()),
            Route::Grouped(grouping) => match grouping.split(batch) {
                Ok(split) => (
                    split.parts,
                    Refused::of(split.left_out, || grouping.why_left_out()),
                ),
                Err(error) => return rejected(format!("the batch cannot be read: {error}")),
            },
        };
        let mut records = Vec::with_capacity(parts.len());
        for (path, part) in parts {
            match self.encoding.record(&part) {
                Ok(record) => records.push((path, record, part.items())),
                Err(error) => refused.add(part.items(), error.to_string()),
            }
        }
        let written = self
            .files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .append_all(&records, now);
        match written {
            Ok(impossible) => impossible
                .into_iter()
                .for_each(|(items, why)| refused.add(items, why)),
            Err(error) => {
                return Outcome::Retry {
                    after: None,
                    why: error.to_string(),
                };
            }
        }
        match refused.why {
            None => Outcome::Delivered,
            Some(why) if refused.items == items => Outcome::Rejected { why },
            Some(why) => Outcome::Partial {
                rejected: refused.items as u64,
                why,
            },
        }
    }

    fn sync(&self) -> Result<(), WriteError> {
        self.files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .sync()
    }
}

fn rejected(why: impl Into<String>) -> Outcome {
    Outcome::Rejected { why: why.into() }
}

/// Items that no further attempt could write.
#[derive(Default)]
struct Refused {
    items: usize,
    /// The first reason.
    why: Option<String>,
}

impl Refused {
    fn of(items: usize, why: impl FnOnce() -> String) -> Refused {
        Refused {
            items,
            why: (items > 0).then(why),
        }
    }

    fn add(&mut self, items: usize, why: String) {
        self.items += items;
        self.why.get_or_insert(why);
    }
}
