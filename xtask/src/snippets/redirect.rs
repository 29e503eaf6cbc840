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

/// A configuration that runs here.
#[derive(Debug)]
pub(super) struct Redirected {
    /// The YAML.
    pub text: String,
    /// How many hosts now are the sink.
    pub hosts: usize,
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
    let mut redirected = Redirected {
        text: String::new(),
        hosts: 0,
    };
    let mut section = "";
    let mut protocol = "";
    let lines: Vec<&str> = text.lines().filter(|line| line.trim() != "...").collect();
    for (number, line) in lines.iter().enumerate() {
        section = top_level_key(line).unwrap_or(section);
        protocol = ["grpc:", "http:"]
            .into_iter()
            .find(|name| line.trim() == *name)
            .unwrap_or(protocol);
        let port = if protocol == "grpc:" {
            ports.grpc
        } else {
            ports.http
        };
        let changed = match (section, endpoint(line)) {
            ("exporters", Some((key, value))) => {
                redirected.hosts += 1;
                format!("{key}{}", quoted(&at_sink(value, sink)))
            }
            ("receivers", Some((key, _))) => format!("{key}127.0.0.1:{port}"),
            ("receivers", None) if line.trim() == protocol && is_empty(&lines, number) => {
                format!(
                    "{line}\n{:indentation$}endpoint: 127.0.0.1:{port}",
                    "",
                    indentation = indentation(line) + 2
                )
            }
            ("extensions", Some((key, _))) => format!("{key}127.0.0.1:{}", free_port()?),
            _ => (*line).to_owned(),
        };
        redirected.text.push_str(&changed);
        redirected.text.push('\n');
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

/// Redirects a host agent's `otlp:` section. Where it asks for TLS, TLS is taken off.
pub(super) fn otlp_section(text: &str, sink: u16) -> Redirected {
    let mut redirected = Redirected {
        text: String::new(),
        hosts: 0,
    };
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

/// Whether nothing stands below a key: `http:` alone.
fn is_empty(lines: &[&str], number: usize) -> bool {
    let own = lines.get(number).map_or(0, |line| indentation(line));
    let next = lines
        .iter()
        .skip(number + 1)
        .find(|line| !line.trim().is_empty());
    next.is_none_or(|next| indentation(next) <= own)
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
        };
        let text = "receivers:\n  otlp:\n    protocols:\n      grpc:\n      http:\n\nexporters:\n  debug:\n";
        let redirected = collector(text, &["receivers".to_owned()], ports, 9).unwrap();
        assert!(redirected.text.contains(
            "grpc:\n        endpoint: 127.0.0.1:1\n      http:\n        endpoint: 127.0.0.1:2\n"
        ));
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
