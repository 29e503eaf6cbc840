//! Files that are another program's, and spellings of `otlp` that documents of several programs have.

use fanlight_config::{ConfigError, Node};

/// Keys at the top of a file that give away whose it is.
const PROGRAMS: [(&str, &str); 10] = [
    (
        "scrape_configs",
        "this is a Prometheus configuration; Fanlight reads the OpenTelemetry Collector's",
    ),
    (
        "rule_files",
        "this is a Prometheus configuration; Fanlight reads the OpenTelemetry Collector's",
    ),
    (
        "remote_write",
        "this is a Prometheus configuration; Fanlight reads the OpenTelemetry Collector's",
    ),
    (
        "otlp_config",
        "this is a Datadog Agent configuration; Fanlight reads the OpenTelemetry Collector's",
    ),
    (
        "sources",
        "this looks like a Vector configuration; Fanlight calls sources `receivers`",
    ),
    (
        "sinks",
        "this looks like a Vector configuration; Fanlight calls sinks `exporters`",
    ),
    (
        "services",
        "this looks like a Compose file; a configuration has `service`",
    ),
    (
        "apiVersion",
        "this is a Kubernetes manifest; take the configuration out of it",
    ),
    (
        "server",
        "this looks like a configuration of Tempo, Loki or Mimir; Fanlight reads the OpenTelemetry Collector's",
    ),
    (
        "otelcol",
        "this looks like a Grafana Alloy configuration; Fanlight reads the OpenTelemetry Collector's",
    ),
];

/// What to do about a section that is not ours, where it is somebody's.
pub(super) fn hint(key: &str, value: &Node) -> Option<String> {
    let has_otlp = |node: Option<&Node>| node.and_then(|node| node.get("otlp")).is_some();
    if key == "otlp_endpoint" || key == "endpoint" {
        return Some(
            "write it below `otlp:`, as in `otlp: { endpoint: \"collector:4317\" }`".to_owned(),
        );
    }
    let nested = match key {
        "telegen" | "exports" if has_otlp(Some(value)) => Some(format!("{key}.otlp")),
        "pipeline" if has_otlp(value.get("export")) => Some("pipeline.export.otlp".to_owned()),
        _ => None,
    };
    if let Some(nested) = nested {
        return Some(format!(
            "write `{nested}` as a section of its own: `otlp: {{ endpoint: \"collector:4317\", insecure: true }}`"
        ));
    }
    PROGRAMS
        .iter()
        .find(|(name, _)| *name == key)
        .map(|(_, sentence)| (*sentence).to_owned())
}

/// The error about a text that is not YAML or no map, with whose it may be.
pub(super) fn explained(error: ConfigError, text: &str) -> ConfigError {
    let is_alloy = text
        .lines()
        .any(|line| line.trim_start().starts_with("otelcol.") && line.trim_end().ends_with('{'));
    let is_toml = text
        .lines()
        .any(|line| line.starts_with('[') && line.trim_end().ends_with(']') && !line.contains(','));
    match (is_alloy, is_toml) {
        (true, _) => error.or_hint("this looks like a Grafana Alloy configuration; Fanlight reads the OpenTelemetry Collector's YAML"),
        (_, true) => error.or_hint("this looks like TOML; Fanlight reads the OpenTelemetry Collector's YAML"),
        _ => error,
    }
}
