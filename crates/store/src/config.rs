//! `store`: the embedded store as a component.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fanlight_config::blocks::{Queue, Retry};
use fanlight_config::{ByteSize, ConfigError, Node};
use fanlight_otlp::SignalSet;
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, ExporterKind,
};
use serde::Deserialize;

use crate::options::{Clock, StoreOptions};
use crate::{Store, StoreExporter};

/// The descriptor of the exporter type `store`.
pub static KIND: ExporterKind = ExporterKind {
    name: "store",
    aliases: &[],
    about: "Keeps traces, metrics, logs and profiles in an embedded database, which the dashboard shows.",
    sample: "max_bytes: 2GiB\nmax_age: 168h\n",
    decode: |node| {
        StoreConfig::decode(node).map(|config| Box::new(config) as Box<dyn ExporterConfig>)
    },
};

/// The name in the data directory.
const FILE_NAME: &str = "fanlight.db";

/// How long an attempt may take. Commits take milliseconds; a disk that hangs is not waited for longer than this.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The configuration of the store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    keys: Keys,
    queue: Queue,
    retry: Retry,
    /// A store that is open already; otherwise the exporter opens its own.
    store: Option<Store>,
}

/// The keys of `store` that are its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Keys {
    /// Where the store is: a file, with others beside it that have its name and a number. Default: `fanlight.db` in the
    /// data directory.
    path: Option<PathBuf>,
    /// How many bytes the files may take. Default: 2 GiB.
    max_bytes: ByteSize,
    /// How long telemetry is kept. Default: 7 days.
    #[serde(with = "fanlight_config::duration")]
    max_age: Duration,
    /// How many bytes a text or byte string of an item may have. Default: 8 MiB.
    max_value_bytes: ByteSize,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            path: None,
            max_bytes: ByteSize::of(StoreOptions::DEFAULT_MAX_BYTES),
            max_age: StoreOptions::DEFAULT_MAX_AGE,
            max_value_bytes: ByteSize::of(StoreOptions::DEFAULT_MAX_VALUE_BYTES as u64),
        }
    }
}

impl StoreConfig {
    /// Reads a `store` section; a null node means the defaults.
    ///
    /// # Errors
    /// Says which key is wrong.
    pub fn decode(node: &Node) -> Result<StoreConfig, ConfigError> {
        let (
            keys,
            QueueKeys {
                sending_queue,
                retry_on_failure,
            },
        ) = node.decode_both::<Keys, QueueKeys>()?;
        if keys.max_bytes < MIN_BYTES {
            return Err(node.error_at("max_bytes", "the store needs at least 1MiB"));
        }
        if keys.max_age.is_zero() {
            return Err(node.error_at("max_age", "a store that keeps nothing is of no use"));
        }
        if keys.max_value_bytes < MIN_VALUE_BYTES {
            return Err(node.error_at("max_value_bytes", "values of 1KiB must have room"));
        }
        Ok(StoreConfig {
            keys,
            queue: sending_queue,
            retry: retry_on_failure,
            store: None,
        })
    }

    /// Where the store is and how much it keeps, when this is the hub's data directory.
    pub fn options(&self, data_dir: &Path) -> StoreOptions {
        let Keys {
            path,
            max_bytes,
            max_age,
            max_value_bytes,
        } = &self.keys;
        StoreOptions {
            // A relative path is one from the data directory; joining an absolute one replaces it.
            path: data_dir.join(path.as_deref().unwrap_or(Path::new(FILE_NAME))),
            max_bytes: max_bytes.bytes(),
            max_age: *max_age,
            max_value_bytes: usize::try_from(max_value_bytes.bytes()).unwrap_or(usize::MAX),
            clock: Clock::default(),
        }
    }

    /// The same configuration for a store that is open already, so that others can read what the exporter writes.
    #[must_use]
    pub fn with(mut self, store: Store) -> StoreConfig {
        self.store = Some(store);
        self
    }
}

/// Less makes no sense: an empty partition takes 150 KiB.
const MIN_BYTES: ByteSize = ByteSize::mebibytes(1);

/// Less would cut names, not only what is long.
const MIN_VALUE_BYTES: ByteSize = ByteSize::of(1024);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct QueueKeys {
    sending_queue: Queue,
    retry_on_failure: Retry,
}

impl ExporterConfig for StoreConfig {
    fn signals(&self) -> SignalSet {
        SignalSet::ALL
    }

    fn settings(&self) -> ExportSettings {
        ExportSettings {
            queue: self.queue.clone(),
            retry: self.retry.clone(),
            timeout: TIMEOUT,
        }
    }

    fn destination(&self) -> Destination {
        let path = match (&self.store, &self.keys.path) {
            (Some(store), _) => store.path(),
            (None, Some(path)) => path,
            (None, None) => Path::new(FILE_NAME),
        };
        Destination {
            text: path.display().to_string(),
            peers: Vec::new(),
        }
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let store = match &self.store {
            Some(store) => store.clone(),
            None => Store::open(&self.options(context.data_dir))
                .map_err(|error| BuildError::new("the store can't be opened").because(error))?,
        };
        Ok(Box::new(StoreExporter::new(store)))
    }
}
