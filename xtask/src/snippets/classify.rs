//! What a block is: a configuration of ours, or something that only stands beside one.

use super::markdown::Block;
use super::redirect::component_type;

/// The sections of a hub configuration.
const SECTIONS: [&str; 8] = [
    "receivers",
    "processors",
    "exporters",
    "connectors",
    "extensions",
    "service",
    "store",
    "dashboard",
];

/// Component types that come with a later release; until then, naming one is an error.
const LATER: [&str; 3] = ["filter", "spanmetrics", "transform"];

/// What a block is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Collector YAML, whole or a fragment.
    Collector {
        /// The sections that it has.
        sections: Vec<String>,
        /// The component types that this release does not have.
        later: Vec<String>,
    },
    /// YAML with a host agent's `otlp:` section.
    OtlpSection,
    /// Shell commands that export OTLP variables.
    Environment,
    /// None of these; a word that says what it is.
    NotOurs(&'static str),
}

impl Kind {
    /// One word for tables.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Kind::Collector { .. } => "collector",
            Kind::OtlpSection => "otlp",
            Kind::Environment => "environment",
            Kind::NotOurs(name) => name,
        }
    }
}

/// Says what a block is.
pub(super) fn kind(block: &Block) -> Kind {
    match &*block.language {
        "yaml" | "yml" => yaml(&block.text),
        "bash" | "sh" | "shell" | "console" | "env" | "dotenv" if has_exports(&block.text) => {
            Kind::Environment
        }
        _ => Kind::NotOurs("other"),
    }
}

fn yaml(text: &str) -> Kind {
    let keys: Vec<&str> = text.lines().filter_map(top_level_key).collect();
    if keys.contains(&"otlp") {
        return Kind::OtlpSection;
    }
    if keys.is_empty() || !keys.iter().all(|key| SECTIONS.contains(key)) {
        return Kind::NotOurs("other yaml");
    }
    let mut later: Vec<String> = components(text)
        .into_iter()
        .filter(|name| LATER.contains(&&**name))
        .collect();
    later.dedup();
    Kind::Collector {
        sections: keys.into_iter().map(str::to_owned).collect(),
        later,
    }
}

/// The key of a line that is not indented: `receivers:`.
pub(super) fn top_level_key(line: &str) -> Option<&str> {
    let key = line.split_once(':')?.0;
    let plain = !key.is_empty()
        && key
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    plain.then_some(key)
}

/// The types of the components that a configuration defines.
fn components(text: &str) -> Vec<String> {
    let mut section = "";
    let mut found = Vec::new();
    for line in text.lines() {
        section = top_level_key(line).unwrap_or(section);
        if let Some(kind) = component_type(line)
            && matches!(
                section,
                "receivers" | "processors" | "exporters" | "connectors"
            )
        {
            found.push(kind.to_owned());
        }
    }
    found
}

/// The name and value of `export NAME=VALUE`.
pub(super) fn exported(line: &str) -> Option<(&str, &str)> {
    line.trim().strip_prefix("export ")?.split_once('=')
}

fn has_exports(text: &str) -> bool {
    let names = text.lines().filter_map(exported).map(|(name, _)| name);
    names
        .into_iter()
        .any(|name| name.starts_with("OTEL_EXPORTER_OTLP_") || name.starts_with("OTLP_EXPORT_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(language: &str, text: &str) -> Kind {
        kind(&Block {
            line: 1,
            language: language.to_owned(),
            text: text.to_owned(),
        })
    }

    #[test]
    fn kinds_are_told_apart() {
        assert!(matches!(
            of("yaml", "exporters:\n  debug:\n"),
            Kind::Collector { .. }
        ));
        assert_eq!(
            of("yaml", "# agent\notlp:\n  endpoint: a:1\n"),
            Kind::OtlpSection
        );
        assert_eq!(
            of("yaml", "services:\n  web:\n"),
            Kind::NotOurs("other yaml")
        );
        assert_eq!(
            of("bash", "export OTEL_EXPORTER_OTLP_ENDPOINT=http://a\n"),
            Kind::Environment
        );
        assert_eq!(of("bash", "docker run x\n"), Kind::NotOurs("other"));
    }

    #[test]
    fn later_components_are_named() {
        let Kind::Collector { later, .. } = of("yaml", "processors:\n  filter/a:\n    traces: x\n")
        else {
            panic!("not a Collector configuration");
        };
        assert_eq!(later, ["filter"]);
    }
}
