//! `file_storage`: directories in which exporters keep their queues.
//!
//! Each exporter has a directory of its own below `directory`, in the format of this hub; what the Collector left there is
//! not touched. `fsync` is **true** unless configured (the Collector's default is false): an answer to a sender means that
//! the batch survives a power cut, which is what people expect of a queue on disk. One sync serves all senders that wait.
//!
//! Accepted without effect: `timeout` (there is no file lock to wait for), `compaction` (segments are removed whole, so
//! there is nothing to compact) and `recreate` (damage never keeps a queue from opening).
//! [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/storage/filestorage).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fanlight_config::{ConfigError, Node};
use fanlight_pipeline::{
    BuildContext, BuildError, Extension, ExtensionConfig, ExtensionKind, QueueStorage,
};
use serde::Deserialize;

/// The component type.
pub(crate) static KIND: ExtensionKind = ExtensionKind {
    name: "file_storage",
    aliases: &[],
    about: "Keeps sending queues on disk, so that they survive a restart.",
    sample: "directory: ./queues",
    decode,
};

/// `file_storage` as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Config {
    /// Default: `queues` in the hub's data directory.
    directory: Option<PathBuf>,
    /// Whether a batch is synced before its sender is answered. Default: true.
    fsync: bool,
    /// Whether a directory that is not there is made. Default: true.
    create_directory: bool,
    /// The mode of directories that are made, in octal. Default: 0750.
    directory_permissions: String,
    /// No effect.
    #[serde(with = "fanlight_config::duration")]
    timeout: Duration,
    /// No effect.
    recreate: bool,
    /// No effect.
    compaction: Compaction,
}

/// `compaction`: known so that wrong keys are still found.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Compaction {
    on_start: bool,
    on_rebound: bool,
    directory: Option<PathBuf>,
    rebound_needed_threshold_mib: u64,
    rebound_trigger_threshold_mib: u64,
    max_transaction_size: u64,
    #[serde(with = "fanlight_config::duration")]
    check_interval: Duration,
    cleanup_on_start: bool,
}

impl Default for Compaction {
    fn default() -> Compaction {
        Compaction {
            on_start: false,
            on_rebound: false,
            directory: None,
            rebound_needed_threshold_mib: 100,
            rebound_trigger_threshold_mib: 10,
            max_transaction_size: 65_536,
            check_interval: Duration::from_secs(5),
            cleanup_on_start: false,
        }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            directory: None,
            fsync: true,
            create_directory: true,
            directory_permissions: "0750".into(),
            timeout: Duration::from_secs(1),
            recreate: false,
            compaction: Compaction::default(),
        }
    }
}

fn decode(node: &Node) -> Result<Box<dyn ExtensionConfig>, ConfigError> {
    let config: Config = node.decode()?;
    if mode(&config.directory_permissions).is_none() {
        return Err(node
            .error_at("directory_permissions", "this is not a mode in octal")
            .hint("write one like 0750, with 7 as the first digit for the hub's own user"));
    }
    Ok(Box::new(config))
}

/// Reads a mode that lets the hub itself in.
fn mode(text: &str) -> Option<u32> {
    let mode = u32::from_str_radix(text, 8).ok()?;
    (mode <= 0o777 && mode & 0o700 == 0o700).then_some(mode)
}

impl ExtensionConfig for Config {
    fn build(&self, context: &BuildContext<'_>) -> Result<Arc<dyn Extension>, BuildError> {
        let storage = FileStorage {
            directory: self
                .directory
                .clone()
                .unwrap_or_else(|| context.data_dir.join("queues")),
            create: self.create_directory,
            mode: mode(&self.directory_permissions).unwrap_or(0o750),
            sync: self.fsync,
        };
        storage.make(&storage.directory, self.create_directory)?;
        Ok(Arc::new(storage))
    }
}

#[derive(Clone, Debug)]
struct FileStorage {
    directory: PathBuf,
    create: bool,
    mode: u32,
    sync: bool,
}

impl Extension for FileStorage {
    fn queue_storage(&self) -> Option<Arc<dyn QueueStorage>> {
        Some(Arc::new(self.clone()))
    }
}

impl QueueStorage for FileStorage {
    fn queue_directory(&self, component: &str) -> Result<PathBuf, BuildError> {
        self.make(&self.directory, self.create)?;
        let directory = self.directory.join(file_name(component));
        self.make(&directory, true)?;
        Ok(directory)
    }

    fn sync(&self) -> bool {
        self.sync
    }
}

impl FileStorage {
    /// Sees to it that a directory is there.
    fn make(&self, directory: &Path, create: bool) -> Result<(), BuildError> {
        let failed = |error: io::Error| {
            BuildError::new(format!(
                "directory: {} can't be made or used",
                directory.display()
            ))
            .because(error)
        };
        match fs::metadata(directory) {
            Ok(facts) if facts.is_dir() => Ok(()),
            Ok(_) => Err(failed(io::ErrorKind::NotADirectory.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound && create => {
                let mut builder = fs::DirBuilder::new();
                #[cfg(unix)]
                std::os::unix::fs::DirBuilderExt::mode(&mut builder, self.mode);
                builder.recursive(true).create(directory).map_err(failed)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(failed(error).hint("make it, or set create_directory: true"))
            }
            Err(error) => Err(failed(error)),
        }
    }
}

/// A file name for a component id, different for different ids: `otlp_http/langfuse` is `otlp_http+langfuse`. Types have
/// no `+`; of names, what is not a letter, digit, `_`, `-` or `.` is written as `%` and hexadecimal digits.
fn file_name(component: &str) -> String {
    let (kind, name) = component
        .split_once('/')
        .map_or((component, None), |(kind, name)| (kind, Some(name)));
    let mut text = String::new();
    let parts = [Some(kind), name];
    for (index, part) in parts.into_iter().flatten().enumerate() {
        if index > 0 {
            text.push('+');
        }
        for byte in part.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => {
                    text.push(char::from(byte))
                }
                _ => text.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_components_have_different_file_names() {
        assert_eq!(file_name("otlp"), "otlp");
        assert_eq!(file_name("otlp_http/langfuse"), "otlp_http+langfuse");
        let ids = [
            "otlp/a",
            "otlp+a",
            "otlp/a/b",
            "otlp/a+b",
            "otlp/a%2Fb",
            "otlp/../x",
            "otlp/ä",
            "otlp/",
            "otlp",
        ];
        let names: std::collections::BTreeSet<String> = ids.map(file_name).into();
        assert_eq!(names.len(), ids.len());
        assert!(
            names
                .iter()
                .all(|name| !name.contains('/') && name.is_ascii()),
            "{names:?}"
        );
    }

    #[test]
    fn modes_are_octal_and_let_the_owner_in() {
        assert_eq!(mode("0750"), Some(0o750));
        assert_eq!(mode("700"), Some(0o700));
        for wrong in ["", "0850", "07777", "0250", "rwx"] {
            assert_eq!(mode(wrong), None, "{wrong}");
        }
    }
}
