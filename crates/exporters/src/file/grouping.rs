//! `group_by`: one file for each value of a resource attribute.
//!
//! The value comes from strangers. A file's path always starts with what stands before the `*`: `..` leads nowhere.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;

use fanlight_otlp::edit::{Verdict, rewrite};
use fanlight_otlp::{Batch, DecodeError};

/// Where each resource's telemetry goes.
#[derive(Clone, Debug)]
pub(super) struct Grouping {
    /// What stands before the `*`, cleaned.
    prefix: String,
    suffix: String,
    attribute: String,
}

/// A batch by files.
pub(super) struct Split {
    /// Each file's part; no file twice.
    pub(super) parts: Vec<(PathBuf, Batch)>,
    /// Items of resources that name no file.
    pub(super) left_out: usize,
}

/// The index of a resource's part, if it names a file.
type Part = Option<usize>;

impl Grouping {
    pub(super) fn new(prefix: &str, suffix: &str, attribute: &str) -> Grouping {
        let mut cleaned = clean(prefix);
        if prefix.ends_with('/') && !cleaned.ends_with('/') {
            cleaned.push('/');
        }
        Grouping {
            prefix: cleaned,
            suffix: suffix.to_owned(),
            attribute: attribute.to_owned(),
        }
    }

    /// Why items were left out.
    pub(super) fn why_left_out(&self) -> String {
        format!(
            "some resources have no text attribute `{}` to name their file",
            self.attribute
        )
    }

    /// Gives each file its resources.
    pub(super) fn split(&self, batch: Batch) -> Result<Split, DecodeError> {
        let items = batch.items();
        let (paths, resources) = self.assign(&batch)?;
        let mut batches = Vec::with_capacity(paths.len());
        if paths.len() == 1 && resources.iter().all(Option::is_some) {
            batches.push(batch);
        } else if !paths.is_empty() {
            separate(&batch, &resources, 0..paths.len(), &mut batches)?;
        }
        let parts: Vec<_> = paths.into_iter().zip(batches).collect();
        let kept: usize = parts.iter().map(|(_, part)| part.items()).sum();
        Ok(Split {
            parts,
            left_out: items.saturating_sub(kept),
        })
    }

    /// The files, and which of them each resource belongs to.
    fn assign(&self, batch: &Batch) -> Result<(Vec<PathBuf>, Vec<Part>), DecodeError> {
        let mut paths = Vec::new();
        let mut known = HashMap::new();
        let mut resources = Vec::new();
        for resource in batch.resources() {
            let value = resource?.attributes.get(&self.attribute)?;
            let part = value.and_then(|value| value.as_str()).map(|segment| {
                let path = self.path(segment);
                *known.entry(path).or_insert_with_key(|path| {
                    paths.push(path.clone());
                    paths.len() - 1
                })
            });
            resources.push(part);
        }
        Ok((paths, resources))
    }

    /// The file for a value, by the Collector's rules.
    fn path(&self, segment: &str) -> PathBuf {
        let segment = if cfg!(windows) {
            segment.replace('\\', "/")
        } else {
            segment.to_owned()
        };
        let segment = match segment.strip_prefix('.') {
            Some(rest) if rest.starts_with('/') => rest,
            Some(rest) if rest.starts_with("./") => rest.trim_start_matches('.'),
            _ => &segment,
        };
        let path = clean(&format!("{}{segment}{}", self.prefix, self.suffix));
        if path.starts_with(&self.prefix) {
            return path.into();
        }
        let below = clean(&format!("/{segment}{}", self.suffix));
        clean(&format!("{}/{below}", self.prefix)).into()
    }
}

/// Takes a batch apart. Halving the parts keeps the work for many of them near the size of the batch.
fn separate(
    batch: &Batch,
    resources: &[Part],
    parts: Range<usize>,
    out: &mut Vec<Batch>,
) -> Result<(), DecodeError> {
    let belongs = |part: &Part| part.is_some_and(|part| parts.contains(&part));
    let mut each = resources.iter();
    let batch = rewrite(batch.clone(), |_| {
        Ok(if each.next().is_some_and(belongs) {
            Verdict::KeepWhole
        } else {
            Verdict::Drop
        })
    })?;
    if parts.len() == 1 {
        out.push(batch);
        return Ok(());
    }
    let resources: Vec<Part> = resources.iter().copied().filter(belongs).collect();
    let middle = parts.start + parts.len() / 2;
    separate(&batch, &resources, parts.start..middle, out)?;
    separate(&batch, &resources, middle..parts.end, out)
}

/// The shortest path that means the same, without looking at the disk.
/// [Source](https://pkg.go.dev/path#Clean).
fn clean(path: &str) -> String {
    let is_rooted = path.starts_with('/');
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." if names.last().is_some_and(|last| *last != "..") => {
                names.pop();
            }
            ".." if is_rooted => {}
            name => names.push(name),
        }
    }
    let path = names.join("/");
    match (is_rooted, path.is_empty()) {
        (true, _) => format!("/{path}"),
        (false, true) => ".".to_owned(),
        (false, false) => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_never_lead_out_of_the_prefix() {
        let cases = [
            ("/data/*.json", "shop", "/data/shop.json"),
            (
                "/data/*.json",
                "../etc/my_config",
                "/data/etc/my_config.json",
            ),
            (
                "/data/*.json",
                "a/../../../etc/passwd",
                "/data/etc/passwd.json",
            ),
            ("/data/*.json", "/etc/passwd", "/data/etc/passwd.json"),
            ("/data/*.json", "./a/./b", "/data/a/b.json"),
            ("/data/*.json", "..", "/data/...json"),
            ("/data/*", "..", "/data"),
            ("/data/*", "a/../..", "/data"),
            ("/data/*.json", "", "/data/.json"),
            ("./data/*.json", "../../x", "data/x.json"),
            ("./data/x-*.json", "../../y", "data/x-/y.json"),
            ("../data/*.json", "../x", "../data/x.json"),
        ];
        for (path, value, expected) in cases {
            let (prefix, suffix) = path.split_once('*').unwrap();
            let grouping = Grouping::new(prefix, suffix, "a");
            assert_eq!(
                grouping.path(value),
                PathBuf::from(expected),
                "{path} {value}"
            );
        }
    }

    #[test]
    fn paths_are_cleaned_as_go_cleans_them() {
        for (path, cleaned) in [
            ("", "."),
            ("/", "/"),
            ("a//b/./c/", "a/b/c"),
            ("a/../..", ".."),
            ("/../a", "/a"),
            ("./a", "a"),
        ] {
            assert_eq!(clean(path), cleaned);
        }
    }
}
