//! Turns a snippet into one that runs here: hosts become the sink, listening addresses free ports, a fragment whole.

use anyhow::Result;

use super::classify::{exported, top_level_key};
use crate::hub::Ports;
use crate::process::free_port;

/// Keys whose value is a host to connect to.
const ENDPOINT_KEYS: [&str; 6] = [
    "endpoint",
    "traces_endpoint",
    "metrics_endpoint",
    "logs_endpoint",
    "profiles_endpoint",
    "url",
];

/// Exporters whose destination is not in the configuration: nowhere, a file, or in a variable (see [`trial`](super::trial)).
const WITHOUT_HOST: [&str; 4] = ["azuremonitor", "debug", "file", "nop"];

/// A configuration that runs here.
#[derive(Debug, Default)]
pub(super) struct Redirected {
    /// The YAML.
    pub text: String,
    /// How many exporters now send to the sink.
    pub hosts: usize,
    /// The ports on which metrics wait for a scrape.
    pub scraped: Vec<u16>,
    /// An exporter's protocol is one that the sink does not speak.
    pub is_foreign: bool,
}

/// Redirects Collector YAML, and completes it when it is a fragment.
///
/// # Errors
/// When there is no free port.
pub(super) fn collector(
    text: &str,
    sections: &[String],
    ports: Ports,
    sink: u16,
) -> Result<Redirected> {
    let mut redirected = Redirected::default();
    let (mut section, mut component, mut protocol) = ("", "", "");
    let lines: Vec<&str> = text.lines().filter(|line| line.trim() != "...").collect();
    for (number, line) in lines.iter().enumerate() {
        section = top_level_key(line).unwrap_or(section);
        protocol = ["grpc:", "http:"]
            .into_iter()
            .find(|name| line.trim() == *name)
            .unwrap_or(protocol);
        let begun = component_type(line);
        component = begun.unwrap_or(component);
        let changed = match section {
            "exporters" => {
                let inside = inside(&lines, number);
                redirected.exporter(line, component, begun.map(|_| inside), sink)?
            }
            "receivers" => receiver(line, component, protocol, is_empty(&lines, number), ports)?,
            "extensions" => match endpoint(line) {
                Some((key, _)) => format!("{key}127.0.0.1:{}", free_port()?),
                None => (*line).to_owned(),
            },
            _ => (*line).to_owned(),
        };
        redirected.text.push_str(&changed);
        redirected.text.push('\n');
        // The harness sends over HTTP.
        if component == "otlp" && line.trim() == "protocols:" && !text.contains("http:\n") {
            redirected.text.push_str(&format!(
                "{0:1$}http:\n{0:1$}  endpoint: 127.0.0.1:{2}\n",
                "",
                indentation(line) + 2,
                ports.http
            ));
        }
    }
    let has = |name: &str| sections.iter().any(|section| section == name);
    if !has("receivers") {
        redirected.text.push_str(&ports.receivers());
    }
    if !has("processors") && text.contains("[batch]") {
        redirected.text.push_str("processors:\n  batch:\n");
    }
    Ok(redirected)
}

impl Redirected {
    /// A line of the exporters' section; `whole` are the lines of the exporter that it begins.
    fn exporter(
        &mut self,
        line: &str,
        component: &str,
        whole: Option<&[&str]>,
        sink: u16,
    ) -> Result<String> {
        if component == "prometheus"
            && let Some((key, _)) = endpoint(line)
        {
            let port = free_port()?;
            self.scraped.push(port);
            return Ok(format!("{key}127.0.0.1:{port}"));
        }
        if let Some(whole) = whole {
            self.is_foreign |= matches!(component, "kafka" | "clickhouse");
            self.hosts += usize::from(!matches!(
                component,
                "debug" | "file" | "nop" | "prometheus"
            ));
            let names_a_host = whole
                .iter()
                .any(|line| at_sink_in_line(line, sink).is_some());
            let added = match names_a_host || WITHOUT_HOST.contains(&component) {
                true => String::new(),
                false => destination(component, whole, sink),
            };
            return Ok(format!("{line}{added}"));
        }
        if services(component).contains(&line.trim().trim_end_matches(':')) {
            return Ok(format!("{line}\n      endpoint: http://127.0.0.1:{sink}"));
        }
        Ok(at_sink_in_line(line, sink).unwrap_or_else(|| line.to_owned()))
    }
}

/// The keys under which an exporter has an endpoint for each signal.
fn services(component: &str) -> &'static [&'static str] {
    match component {
        "datadog" => &["traces", "metrics", "logs"],
        "googlecloud" => &["trace", "metric", "log"],
        _ => &[],
    }
}

/// The keys that lead an exporter to the sink which names a region, a site or nothing instead of a host; `whole` are the
/// lines that it has.
fn destination(component: &str, whole: &[&str], sink: u16) -> String {
    let sink = format!("http://127.0.0.1:{sink}");
    match component {
        "datadog" | "googlecloud" => services(component)
            .iter()
            .filter(|service| !whole.contains(&&*format!("    {service}:")))
            .map(|service| format!("\n    {service}: {{endpoint: {sink}}}"))
            .collect(),
        "kafka" => String::new(),
        "signalfx" => format!("\n    ingest_url: {sink}"),
        _ => format!("\n    endpoint: {sink}"),
    }
}

/// A line of the receivers' section: OTLP listens on the ports that the harness sends to, all else on free ones.
fn receiver(
    line: &str,
    component: &str,
    protocol: &str,
    is_empty: bool,
    ports: Ports,
) -> Result<String> {
    let port = match (component, protocol) {
        ("otlp", "grpc:") => ports.grpc,
        ("otlp", _) => ports.http,
        _ => free_port()?,
    };
    Ok(match endpoint(line) {
        Some((key, _)) => format!("{key}127.0.0.1:{port}"),
        None if line.trim() == protocol && is_empty => format!(
            "{line}\n{:indentation$}endpoint: 127.0.0.1:{port}",
            "",
            indentation = indentation(line) + 2
        ),
        None => line.to_owned(),
    })
}

/// The type of the component that a line begins: `  otlp/backup:`.
pub(super) fn component_type(line: &str) -> Option<&str> {
    let inner = line.strip_prefix("  ")?;
    let id = inner.split_once(':')?.0;
    (!id.starts_with([' ', '#', '-'])).then(|| id.split('/').next().unwrap_or(id))
}

/// Redirects a host agent's `otlp:` section. Where it asks for TLS, TLS is taken off.
pub(super) fn otlp_section(text: &str, sink: u16) -> Redirected {
    let mut redirected = Redirected::default();
    let insecure = text
        .lines()
        .any(|line| line.trim().starts_with("insecure:"));
    for line in text.lines() {
        let changed = match endpoint(line) {
            Some((key, _)) => {
                redirected.hosts += 1;
                let added = if insecure {
                    String::new()
                } else {
                    format!("\n{:1$}insecure: true", "", indentation(line))
                };
                format!("{key}\"127.0.0.1:{sink}\"{added}")
            }
            None => line.replace("insecure: false", "insecure: true"),
        };
        redirected.text.push_str(&changed);
        redirected.text.push('\n');
    }
    redirected
}

/// The `export` lines, with the sink as host, in groups in which no variable is set twice: a document that shows the
/// same variable for two regions means one or the other.
pub(super) fn environment(text: &str, sink: u16) -> Vec<Vec<(String, String)>> {
    let mut groups: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for (name, value) in text.lines().filter_map(exported) {
        let value = match name.ends_with("ENDPOINT") {
            true => at_sink(unquoted(value), sink),
            false => value.to_owned(),
        };
        let repeated = groups
            .last()
            .is_some_and(|group| group.iter().any(|(set, _)| set == name));
        if repeated {
            groups.push(Vec::new());
        }
        if let Some(group) = groups.last_mut() {
            group.push((name.to_owned(), value));
        }
    }
    groups.retain(|group| group.iter().any(|(name, _)| name.ends_with("ENDPOINT")));
    groups
}

/// The names of the variables that a text refers to as `${NAME}`, `${env:NAME}`, `${NAME:-default}`.
pub(super) fn variables(text: &str) -> Vec<String> {
    let parts = text.split("${").skip(1);
    let names = parts.map(|part| part.strip_prefix("env:").unwrap_or(part));
    names
        .map(|part| {
            part.chars()
                .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
                .collect()
        })
        .collect()
}

/// A line `  endpoint: VALUE  # comment` as what stands before the value, and the value.
fn endpoint(line: &str) -> Option<(&str, &str)> {
    let (key, rest) = line.split_once(':')?;
    let value = rest.split(" #").next().unwrap_or(rest).trim();
    let is_endpoint = ENDPOINT_KEYS.contains(&key.trim().trim_start_matches("- "));
    let before = line.len() - rest.trim_start().len();
    (is_endpoint && !value.is_empty())
        .then(|| (line.get(..before).unwrap_or(line), unquoted(value)))
}

/// The line with its host, or its list of hosts, replaced by the sink; none where it has none.
fn at_sink_in_line(line: &str, sink: u16) -> Option<String> {
    if let Some((key, value)) = endpoint(line) {
        return Some(format!("{key}{}", quoted(&at_sink(value, sink))));
    }
    let (before, value) = match line.split_once("endpoints: [") {
        Some((before, list)) => (format!("{before}endpoints: ["), list.trim_end_matches(']')),
        None => {
            let item = line.trim_start().strip_prefix("- ")?;
            let start = line.len() - item.len();
            (line.get(..start)?.to_owned(), item)
        }
    };
    let value = unquoted(value);
    if !value.starts_with("http") {
        return None;
    }
    let after = if before.ends_with('[') { "]" } else { "" };
    Some(format!("{before}{}{after}", quoted(&at_sink(value, sink))))
}

/// The lines below a key.
fn inside<'l, 't>(lines: &'l [&'t str], number: usize) -> &'l [&'t str] {
    let own = lines.get(number).map_or(0, |line| indentation(line));
    let below = lines.get(number + 1..).unwrap_or_default();
    let is_outside = |line: &&str| !line.trim().is_empty() && indentation(line) <= own;
    let end = below.iter().position(is_outside).unwrap_or(below.len());
    below.get(..end).unwrap_or_default()
}

/// Whether nothing stands below a key: `http:` alone.
fn is_empty(lines: &[&str], number: usize) -> bool {
    inside(lines, number)
        .iter()
        .all(|line| line.trim().is_empty())
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn unquoted(value: &str) -> &str {
    value.trim().trim_matches(['"', '\''])
}

fn quoted(value: &str) -> String {
    format!("\"{value}\"")
}

/// The same endpoint on the sink: its path stays; the scheme becomes `http`, which takes TLS off.
fn at_sink(value: &str, sink: u16) -> String {
    let after_scheme = value.split_once("://").map_or(value, |(_, rest)| rest);
    let path = after_scheme
        .find('/')
        .and_then(|slash| after_scheme.get(slash..))
        .unwrap_or_default();
    format!("http://127.0.0.1:{sink}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_become_the_sink_and_paths_stay() {
        assert_eq!(
            at_sink("https://cloud.example.com/api/otel", 7),
            "http://127.0.0.1:7/api/otel"
        );
        assert_eq!(at_sink("jaeger:4317", 7), "http://127.0.0.1:7");
        assert_eq!(
            endpoint("    endpoint: \"a:1\" # here"),
            Some(("    endpoint: ", "a:1"))
        );
    }

    #[test]
    fn a_protocol_without_address_gets_a_free_one() {
        let ports = Ports {
            grpc: 1,
            http: 2,
            dashboard: 3,
            metrics: 4,
            proxy: 5,
        };
        let text = "receivers:\n  otlp:\n    protocols:\n      grpc:\n      http:\n\nexporters:\n  debug:\n";
        let redirected = collector(text, &["receivers".to_owned()], ports, 9).unwrap();
        assert!(redirected.text.contains(
            "grpc:\n        endpoint: 127.0.0.1:1\n      http:\n        endpoint: 127.0.0.1:2\n"
        ));
    }

    #[test]
    fn exporters_without_a_host_get_one() {
        let ports = Ports {
            grpc: 1,
            http: 2,
            dashboard: 3,
            metrics: 4,
            proxy: 5,
        };
        let text = "exporters:\n  awsxray:\n    region: us-east-1\n  elasticsearch:\n    endpoints:\n      - \"https://a:9200\"\n  debug:\n";
        let redirected = collector(text, &["exporters".to_owned()], ports, 9).unwrap();
        let wanted = "exporters:\n  awsxray:\n    endpoint: http://127.0.0.1:9\n    region: us-east-1\n  elasticsearch:\n    endpoints:\n      - \"http://127.0.0.1:9\"\n  debug:\n";
        assert!(redirected.text.starts_with(wanted), "{}", redirected.text);
        assert_eq!(redirected.hosts, 2);
    }

    #[test]
    fn a_variable_set_twice_makes_two_groups() {
        let groups = environment(
            "export OTEL_EXPORTER_OTLP_ENDPOINT=https://a/x\nexport OTEL_EXPORTER_OTLP_ENDPOINT=https://b/y\n",
            7,
        );
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[1][0].1, "http://127.0.0.1:7/y");
    }

    #[test]
    fn variables_are_found_in_every_spelling() {
        assert_eq!(variables("a: ${X} ${env:Y} ${Z:-1}"), ["X", "Y", "Z"]);
    }
}
