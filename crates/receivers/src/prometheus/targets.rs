//! Which targets a job has: those that are written down and those in files, after relabelling.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::config::{FileDiscovery, ScrapeConfig, StaticConfig};
use super::relabel::{Labels, relabel};

/// A target, ready to be scraped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) url: String,
    /// What its samples get; `job` and `instance` among them.
    pub(super) labels: Labels,
}

/// A group in a discovery file.
#[derive(Debug, Deserialize)]
struct Group {
    targets: Vec<String>,
    #[serde(default)]
    labels: Labels,
}

/// The targets of a job now. Files that can't be read are told and leave their targets out.
pub(super) fn of(job: &ScrapeConfig) -> Vec<Target> {
    let written = job.static_configs.iter();
    let mut groups: Vec<StaticConfig> = written.cloned().collect();
    for discovery in &job.file_sd_configs {
        for file in files(discovery) {
            match read(&file) {
                Ok(found) => groups.extend(found),
                Err(why) => {
                    let file = file.display();
                    tracing::warn!(job = job.job_name, %file, why, "a file of targets can't be used");
                }
            }
        }
    }
    let mut targets: Vec<Target> = Vec::new();
    for group in groups {
        for address in &group.targets {
            match target(job, address, &group.labels) {
                Some(target) if !targets.contains(&target) => targets.push(target),
                _ => {}
            }
        }
    }
    targets
}

/// One target; none where relabelling drops it.
fn target(job: &ScrapeConfig, address: &str, group: &Labels) -> Option<Target> {
    let mut labels = group.clone();
    let mut set = |name: &str, value: &str| {
        labels
            .entry(name.to_owned())
            .or_insert_with(|| value.to_owned());
    };
    set("__address__", address);
    set("__scheme__", &job.scheme);
    set("__metrics_path__", &job.metrics_path);
    set("job", &job.job_name);
    for (name, values) in &job.params {
        if let Some(first) = values.first() {
            set(&format!("__param_{name}"), first);
        }
    }
    if !relabel(&job.relabel, &mut labels) {
        return None;
    }
    let of = |name: &str| labels.get(name).cloned().unwrap_or_default();
    let (address, scheme, path) = (of("__address__"), of("__scheme__"), of("__metrics_path__"));
    if address.is_empty() {
        return None;
    }
    let mut url = format!("{scheme}://{address}{path}");
    for (number, (name, value)) in parameters(job, &labels).iter().enumerate() {
        url.push(if number == 0 && !path.contains('?') {
            '?'
        } else {
            '&'
        });
        url.push_str(&format!("{}={}", escaped(name), escaped(value)));
    }
    labels.entry("instance".to_owned()).or_insert(address);
    labels.retain(|name, _| !name.starts_with("__"));
    Some(Target { url, labels })
}

/// The query: what relabelling left of the first value of each parameter, and the others.
fn parameters(job: &ScrapeConfig, labels: &Labels) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = (labels.iter())
        .filter_map(|(name, value)| {
            let name = name.strip_prefix("__param_")?;
            Some((name.to_owned(), value.clone()))
        })
        .collect();
    for (name, values) in &job.params {
        all.extend(
            values
                .iter()
                .skip(1)
                .map(|value| (name.clone(), value.clone())),
        );
    }
    all
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// The files that a discovery names; a `*` stands for any part of a file's name.
fn files(discovery: &FileDiscovery) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for pattern in &discovery.files {
        let name = pattern
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let Some((front, back)) = name.split_once('*') else {
            found.push(pattern.clone());
            continue;
        };
        let folder = pattern.parent().filter(|folder| *folder != Path::new(""));
        let entries = std::fs::read_dir(folder.unwrap_or(Path::new(".")));
        for entry in entries.into_iter().flatten().flatten() {
            let file = entry.file_name();
            let is_named = file.to_str().is_some_and(|file| {
                file.len() >= front.len() + back.len()
                    && file.starts_with(front)
                    && file.ends_with(back)
            });
            if is_named {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

fn read(file: &Path) -> Result<Vec<StaticConfig>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let environment = fanlight_config::Environment::default();
    let name = file.display().to_string();
    // YAML reads JSON too.
    let document = fanlight_config::Document::parse(&name, &text, &environment)
        .map_err(|error| error.to_string())?;
    let groups: Vec<Group> = document
        .root()
        .decode()
        .map_err(|error| error.to_string())?;
    let group = |group: Group| StaticConfig {
        targets: group.targets,
        labels: group.labels,
    };
    Ok(groups.into_iter().map(group).collect())
}
