//! `exclude_metrics` and `include_metrics`: which points are sent.
//!
//! A name or value is matched as it is, as `/regular expression/`, or with `*`, `?` and `[...]`; `!` before it turns it
//! round. The metrics that are excluded unless `exclude_metrics: []` is written are the
//! [Collector's](https://github.com/open-telemetry/opentelemetry-collector-contrib/blob/main/exporter/signalfxexporter/internal/translation/default_metrics.yaml).

use std::collections::BTreeMap;

use fanlight_formats::signalfx::Dimension;
use regex::Regex;
use serde::Deserialize;

/// One filter, as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FilterKeys {
    /// One name.
    metric_name: String,
    /// Several names.
    metric_names: Vec<String>,
    /// Values by key of the dimensions that a point must have, besides the name.
    dimensions: BTreeMap<String, OneOrMore>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// Which points are not sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Filters {
    exclude: Vec<Filter>,
    include: Vec<Filter>,
}

impl Filters {
    /// # Errors
    /// When a pattern is not one.
    pub(super) fn new(
        exclude: Option<&[FilterKeys]>,
        include: &[FilterKeys],
    ) -> Result<Filters, regex::Error> {
        let mut filters = Filters {
            exclude: compiled(exclude.unwrap_or_default())?,
            include: compiled(include)?,
        };
        if exclude.is_none_or(|filters| !filters.is_empty()) {
            filters.exclude.extend(defaults()?);
        }
        Ok(filters)
    }

    /// Whether a point is to be left out.
    pub(super) fn exclude(&self, metric: &str, dimensions: &[Dimension]) -> bool {
        let matches = |filter: &Filter| filter.matches(metric, dimensions);
        self.exclude.iter().any(matches) && !self.include.iter().any(matches)
    }
}

fn compiled(keys: &[FilterKeys]) -> Result<Vec<Filter>, regex::Error> {
    keys.iter().map(Filter::new).collect()
}

#[derive(Clone, Debug, Default)]
struct Filter {
    names: Patterns,
    dimensions: Vec<(String, Patterns)>,
}

impl Filter {
    fn new(keys: &FilterKeys) -> Result<Filter, regex::Error> {
        let one = Some(keys.metric_name.as_str()).filter(|name| !name.is_empty());
        let names = keys.metric_names.iter().map(String::as_str).chain(one);
        let dimension = |(key, values): (&String, &OneOrMore)| {
            let values = match values {
                OneOrMore::One(value) => std::slice::from_ref(value),
                OneOrMore::More(values) => values,
            };
            let patterns = Patterns::new(values.iter().map(String::as_str))?;
            Ok((key.clone(), patterns))
        };
        Ok(Filter {
            names: Patterns::new(names)?,
            dimensions: keys
                .dimensions
                .iter()
                .map(dimension)
                .collect::<Result<_, _>>()?,
        })
    }

    /// What is not asked for need not match; a point must have one of the dimensions at least, and none that differs.
    fn matches(&self, metric: &str, dimensions: &[Dimension]) -> bool {
        let name = self.names.is_empty() || self.names.matches(metric);
        if self.dimensions.is_empty() {
            return name && !self.names.is_empty();
        }
        let mut found = false;
        for dimension in dimensions {
            let asked = self
                .dimensions
                .iter()
                .find(|(key, _)| *key == dimension.key);
            let Some((_, patterns)) = asked else {
                continue;
            };
            if !patterns.matches(&dimension.value) {
                return false;
            }
            found = true;
        }
        name && found
    }
}

/// Texts, one of which must match; one that is turned round and matches forbids.
#[derive(Clone, Debug, Default)]
struct Patterns {
    exact: Vec<String>,
    expressions: Vec<Regex>,
    not_exact: Vec<String>,
    not_expressions: Vec<Regex>,
}

impl Patterns {
    fn new<'a>(texts: impl Iterator<Item = &'a str>) -> Result<Patterns, regex::Error> {
        let mut patterns = Patterns::default();
        for text in texts {
            let (text, negated) = match text.strip_prefix('!') {
                Some(rest) => (rest, true),
                None => (text, false),
            };
            match (expression(text), negated) {
                (Some(source), false) => patterns.expressions.push(Regex::new(&source)?),
                (Some(source), true) => patterns.not_expressions.push(Regex::new(&source)?),
                (None, false) => patterns.exact.push(text.to_owned()),
                (None, true) => patterns.not_exact.push(text.to_owned()),
            }
        }
        Ok(patterns)
    }

    fn is_empty(&self) -> bool {
        self.exact.is_empty()
            && self.expressions.is_empty()
            && self.not_exact.is_empty()
            && self.not_expressions.is_empty()
    }

    fn matches(&self, text: &str) -> bool {
        let any = |exact: &[String], expressions: &[Regex]| {
            exact.iter().any(|known| known == text)
                || expressions
                    .iter()
                    .any(|expression| expression.is_match(text))
        };
        any(&self.exact, &self.expressions) && !any(&self.not_exact, &self.not_expressions)
    }
}

/// The regular expression of a pattern; `None` for a plain text.
fn expression(text: &str) -> Option<String> {
    let between = text
        .strip_prefix('/')
        .and_then(|rest| rest.strip_suffix('/'));
    if let Some(source) = between {
        return Some(source.to_owned());
    }
    if !text.contains(['*', '?', '[']) {
        return None;
    }
    let mut source = "^".to_owned();
    for character in text.chars() {
        match character {
            '*' => source.push_str(".*"),
            '?' => source.push('.'),
            '[' | ']' => source.push(character),
            other => source.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    source.push('$');
    Some(source)
}

/// Names, and the dimension with its values that a point must have besides.
type Excluded = (
    &'static [&'static str],
    Option<(&'static str, &'static [&'static str])>,
);

/// What is excluded by default.
const EXCLUDED: &[Excluded] = &[
    (
        &[
            "cpu.interrupt",
            "cpu.nice",
            "cpu.softirq",
            "cpu.steal",
            "cpu.system",
            "cpu.user",
            "cpu.wait",
            "disk_ops.pending",
            "vmpage_io.memory.in",
            "vmpage_io.memory.out",
        ],
        None,
    ),
    (
        &["system.cpu.time"],
        Some((
            "state",
            &[
                "idle",
                "interrupt",
                "nice",
                "softirq",
                "steal",
                "system",
                "user",
                "wait",
            ],
        )),
    ),
    (&["system.memory.usage"], Some(("state", &["inactive"]))),
    (&["system.filesystem.usage"], Some(("state", &["reserved"]))),
    (
        &[
            "system.filesystem.inodes.usage",
            "system.disk.merged",
            "system.disk.io",
            "system.disk.time",
            "system.disk.io_time",
            "system.disk.operation_time",
            "system.disk.pending_operations",
            "system.disk.weighted_io_time",
            "system.network.packets",
            "system.network.dropped",
            "system.network.tcp_connections",
            "system.network.connections",
            "system.processes.count",
            "system.processes.created",
            "system.paging.faults",
            "system.paging.usage",
        ],
        None,
    ),
    (&["system.paging.operations"], Some(("type", &["minor"]))),
    (
        &[
            r"/^k8s\.container\..+_(limit|request)$/",
            "!k8s.container.memory_limit",
            "!k8s.container.cpu_limit",
            "!k8s.container.memory_request",
            "!k8s.container.cpu_request",
            r"/^k8s\.node\.condition_.+$/",
            "!k8s.node.condition_ready",
            r"/^(container|k8s\.node|k8s\.pod)\.memory\.(available|major_page_faults|page_faults|rss)$/",
            r"/^k8s\.(node|pod)\.memory\.(usage|working_set)$/",
            r"/^k8s\.(node|pod)\.filesystem\.(available|capacity|usage)$/",
            r"/^(container|k8s\.node|k8s\.pod)\.cpu\.(time|utilization)$/",
            r"/^k8s\.node\.network\.(io|errors)$/",
            r"/^k8s\.volume\.inodes(\.free|\.used)*$/",
        ],
        None,
    ),
];

fn defaults() -> Result<Vec<Filter>, regex::Error> {
    let filter = |(names, dimension): &Excluded| {
        let dimension = dimension.map(|(key, values)| {
            let patterns = Patterns::new(values.iter().copied())?;
            Ok((key.to_owned(), patterns))
        });
        Ok(Filter {
            names: Patterns::new(names.iter().copied())?,
            dimensions: dimension.into_iter().collect::<Result<_, _>>()?,
        })
    };
    EXCLUDED.iter().map(filter).collect()
}

#[cfg(test)]
mod tests {
    use fanlight_testkit::node;

    use super::*;

    fn keys(yaml: &str) -> Vec<FilterKeys> {
        node(yaml).decode().unwrap()
    }

    fn excluded(filters: &Filters, metric: &str, dimensions: &[(&str, &str)]) -> bool {
        let dimension = |(key, value): &(&str, &str)| Dimension {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        };
        let dimensions: Vec<Dimension> = dimensions.iter().map(dimension).collect();
        filters.exclude(metric, &dimensions)
    }

    #[test]
    fn the_collectors_metrics_are_excluded_unless_the_list_is_empty() {
        let filters = Filters::new(None, &[]).unwrap();
        for (metric, dimensions, expected) in [
            ("cpu.user", [].as_slice(), true),
            ("cpu.idle", &[], false),
            ("system.cpu.time", &[("state", "idle")], true),
            ("system.cpu.time", &[], false),
            (
                "system.memory.usage",
                &[("state", "used"), ("host", "a")],
                false,
            ),
            ("k8s.container.ephemeral_limit", &[], true),
            ("k8s.container.memory_limit", &[], false),
            ("k8s.volume.inodes.free", &[], true),
        ] {
            assert_eq!(excluded(&filters, metric, dimensions), expected, "{metric}");
        }
        let none = Filters::new(Some(&[]), &[]).unwrap();
        assert!(!excluded(&none, "cpu.user", &[]));
    }

    #[test]
    fn filters_match_names_globs_expressions_and_dimensions() {
        let exclude = keys(
            "[{metric_names: ['app.*', '!app.kept', '/^raw_[0-9]+$/']}, {metric_name: m, dimensions: {env: [dev, 'test?']}}, {dimensions: {noisy: 'yes'}}]",
        );
        let include = keys("[{metric_name: app.back}]");
        let filters = Filters::new(Some(&exclude), &include).unwrap();
        for (metric, dimensions, expected) in [
            ("app.requests", [].as_slice(), true),
            ("app.kept", &[], false),
            ("app.back", &[], false),
            ("raw_7", &[], true),
            ("raw_x", &[], false),
            ("m", &[("env", "dev")], true),
            ("m", &[("env", "test1")], true),
            ("m", &[("env", "prod")], false),
            ("anything", &[("noisy", "yes")], true),
            ("cpu.user", &[], true),
        ] {
            assert_eq!(
                excluded(&filters, metric, dimensions),
                expected,
                "{metric} {dimensions:?}"
            );
        }
        assert!(Filters::new(Some(&keys("[{metric_name: '/(/'}]")), &[]).is_err());
    }
}
