//! The configuration of `file`, and what makes the exporter of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use fanlight_config::blocks::{CompressionParams, NotSupported, Queue, Retry};
use fanlight_config::{ConfigError, Node};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig,
};
use serde::Deserialize;

use super::files::{Files, WriteError};
use super::grouping::Grouping;
use super::output::{Directories, OutputOptions};
use super::record::{Compression, Encoding, Format};
use super::rotation::Rotation;
use super::{FileExporter, Route, Shared};

/// The configuration as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Config {
    /// The file to write, relative to the working directory. Mandatory.
    path: String,
    /// What a record is: `json` or `proto`. Default: json.
    format: Format,
    /// Not supported: encoding extensions.
    encoding: NotSupported,
    /// Keep what is in the file and write behind it. Default: false, the file is emptied at start.
    append: bool,
    /// `zstd` compresses each record by itself. Default: none.
    compression: Compression,
    /// The level of zstd, 1 to 22. Default: 3.
    compression_params: CompressionParams,
    /// Accepted, no effect: nothing is held back. Default: 1s.
    #[serde(with = "fanlight_config::duration")]
    flush_interval: Duration,
    /// Start a new file when one is full. Default: none; `rotation:` is enough to have it.
    #[serde(deserialize_with = "fanlight_config::present")]
    rotation: Option<RotationKeys>,
    /// One file for each value of a resource attribute.
    group_by: GroupBy,
    /// Make the directory of `path` where there is none. Default: false.
    create_directory: bool,
    /// Permissions of directories that are made, in octal, before the umask. Needs `create_directory`. Default: 0755.
    directory_permissions: Option<String>,
    /// Default: the usual queue, but one batch at a time, which keeps their order.
    sending_queue: Queue,
    /// Default: the usual retry.
    retry_on_failure: Retry,
    /// How long one write may take; zero means any time. Default: 0s, since giving a write up does not stop it.
    #[serde(with = "fanlight_config::duration")]
    timeout: Duration,
}

/// `rotation`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
struct RotationKeys {
    /// Size of a file in MiB before a new one is started; 0 means the default. Default: 100.
    max_megabytes: u32,
    /// Days to keep old files; 0 means for ever. Default: 0.
    max_days: u32,
    /// Old files to keep; 0 means all. Default: 100.
    max_backups: usize,
    /// Local time in the names of old files. Default: false, UTC.
    localtime: bool,
}

/// `group_by`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct GroupBy {
    /// Whether at all. `path` then has one `*`, which the attribute's value replaces. Default: false.
    enabled: bool,
    /// The resource attribute. Default: fileexporter.path_segment.
    resource_attribute: String,
    /// Files that are open at once. Default: 100.
    max_open_files: usize,
}

const DEFAULT_MEGABYTES: u32 = 100;

impl Default for Config {
    fn default() -> Config {
        Config {
            path: String::new(),
            format: Format::Json,
            encoding: NotSupported,
            append: false,
            compression: Compression::None,
            compression_params: CompressionParams::default(),
            flush_interval: Duration::from_secs(1),
            rotation: None,
            group_by: GroupBy::default(),
            create_directory: false,
            directory_permissions: None,
            sending_queue: Queue {
                num_consumers: 1,
                ..Queue::default()
            },
            retry_on_failure: Retry::default(),
            timeout: Duration::ZERO,
        }
    }
}

impl Default for RotationKeys {
    fn default() -> RotationKeys {
        RotationKeys {
            max_megabytes: DEFAULT_MEGABYTES,
            max_days: 0,
            max_backups: 100,
            localtime: false,
        }
    }
}

impl Default for GroupBy {
    fn default() -> GroupBy {
        GroupBy {
            enabled: false,
            resource_attribute: "fileexporter.path_segment".to_owned(),
            max_open_files: 100,
        }
    }
}

/// The configuration, checked.
#[derive(Debug)]
struct Checked {
    config: Config,
    grouping: Option<Grouping>,
    directories: Directories,
}

pub(super) fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    let config: Config = node.decode()?;
    if config.path.is_empty() {
        return Err(node
            .error_at("path", "`path` is missing: it names the file to write")
            .hint("add path: ./telemetry.jsonl"));
    }
    if config.append && config.rotation.is_some() {
        return Err(node
            .error_at("append", "`append` and `rotation` exclude each other")
            .hint("remove append: rotation keeps what is in the file anyway"));
    }
    if let Some(level) = config
        .compression_params
        .level
        .filter(|level| !(0..=22).contains(level))
    {
        return Err(node.error_at(
            "compression_params",
            format!("zstd has the levels 1 to 22, not {level}"),
        ));
    }
    let grouping = grouping(node, &config)?;
    let directories = Directories {
        create: config.create_directory || grouping.is_some(),
        permissions: permissions(node, &config)?,
    };
    Ok(Box::new(Checked {
        config,
        grouping,
        directories,
    }))
}

fn grouping(node: &Node, config: &Config) -> Result<Option<Grouping>, ConfigError> {
    let keys = &config.group_by;
    if !keys.enabled {
        return Ok(None);
    }
    let group_by = node.get("group_by").unwrap_or(node);
    if keys.resource_attribute.is_empty() {
        return Err(group_by.error_at("resource_attribute", "the name of an attribute is missing"));
    }
    if keys.max_open_files == 0 {
        return Err(group_by.error_at("max_open_files", "expected a number above 0, found 0"));
    }
    match config.path.split_once('*') {
        Some((prefix, suffix)) if !prefix.is_empty() && !suffix.contains('*') => Ok(Some(
            Grouping::new(prefix, suffix, &keys.resource_attribute),
        )),
        _ => Err(node
            .error_at(
                "path",
                "with `group_by`, `path` has exactly one `*`, and not at its start",
            )
            .hint("write it like ./telemetry/*.jsonl")),
    }
}

fn permissions(node: &Node, config: &Config) -> Result<u32, ConfigError> {
    let Some(text) = config
        .directory_permissions
        .as_deref()
        .filter(|text| !text.is_empty())
    else {
        return Ok(0o755);
    };
    if !config.create_directory {
        return Err(node
            .error_at(
                "directory_permissions",
                "`directory_permissions` needs `create_directory`",
            )
            .hint("add create_directory: true"));
    }
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o777)
        .ok_or_else(|| {
            node.error_at(
                "directory_permissions",
                format!("`{text}` is not a set of permissions in octal"),
            )
            .hint("write it like \"0755\"")
        })
}

impl ExporterConfig for Checked {
    fn settings(&self) -> ExportSettings {
        ExportSettings {
            queue: self.config.sending_queue.clone(),
            retry: self.config.retry_on_failure.clone(),
            timeout: self.config.timeout,
        }
    }

    fn destination(&self) -> Destination {
        let Config {
            path,
            format,
            compression,
            ..
        } = &self.config;
        let compression = match compression {
            Compression::None => "",
            Compression::Zstd => ", zstd",
        };
        Destination {
            text: format!("file {path} ({}{compression})", format.name()),
            peers: Vec::new(),
        }
    }

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let config = &self.config;
        let encoding = Encoding {
            format: config.format,
            compression: config.compression,
            level: config.compression_params.level.unwrap_or_default(),
        };
        let options = OutputOptions {
            empty: !config.append && config.rotation.is_none(),
            lines: encoding.is_lines(),
            rotation: config.rotation.map(RotationKeys::checked),
            directories: self.directories,
        };
        let mut files = Files::new(
            options,
            config.group_by.max_open_files.max(1),
            self.grouping.is_some(),
        );
        let route = match &self.grouping {
            Some(grouping) => Route::Grouped(grouping.clone()),
            None => {
                let path = PathBuf::from(&config.path);
                files
                    .open(&path, SystemTime::now())
                    .map_err(|error| self.cannot_open(&path, error))?;
                Route::One(path)
            }
        };
        Ok(Box::new(FileExporter {
            shared: Arc::new(Shared {
                route,
                encoding,
                files: Mutex::new(files),
            }),
        }))
    }
}

impl Checked {
    fn cannot_open(&self, path: &Path, error: WriteError) -> BuildError {
        let has_directory = path
            .parent()
            .is_none_or(|directory| directory.as_os_str().is_empty() || directory.exists());
        let hint = if has_directory {
            "change `path`, or let the hub write there"
        } else {
            "make its directory, or set create_directory: true"
        };
        BuildError::new(format!("cannot open {}", path.display()))
            .because(error.source)
            .hint(hint)
    }
}

impl RotationKeys {
    fn checked(self) -> Rotation {
        let megabytes = if self.max_megabytes == 0 {
            DEFAULT_MEGABYTES
        } else {
            self.max_megabytes
        };
        Rotation {
            max_bytes: u64::from(megabytes) << 20,
            max_days: self.max_days,
            max_backups: self.max_backups,
            local_time: self.localtime,
        }
    }
}
