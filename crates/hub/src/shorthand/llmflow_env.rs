//! `OTLP_EXPORT_*`: LLMFlow's variables.
//!
//! Endpoints are full URLs, one for each signal, used as they are; nothing is sent unless `OTLP_EXPORT_ENABLED` is true.
//! Requests are protobuf, where LLMFlow sent JSON: every backend that its documents name takes it.

use fanlight_config::env_vars;
use fanlight_config::{ConfigError, Endpoint, Environment, Headers, Node, Scheme};
use fanlight_otlp::Signal;

use super::otel_env::{header_map, place};
use super::{Lowered, Lowering, signal_list};

/// The variables that may hold a signal's URL, the first that is set.
const ENDPOINTS: [(Signal, &[&str]); 3] = [
    (
        Signal::Traces,
        &[
            env_vars::OTLP_EXPORT_TRACES_ENDPOINT.name,
            env_vars::OTLP_EXPORT_ENDPOINT.name,
        ],
    ),
    (
        Signal::Metrics,
        &[env_vars::OTLP_EXPORT_METRICS_ENDPOINT.name],
    ),
    (Signal::Logs, &[env_vars::OTLP_EXPORT_LOGS_ENDPOINT.name]),
];

/// The exporter that the variables stand for.
///
/// # Errors
/// An endpoint that can't be used, or exporting without one.
pub(crate) fn lower(environment: &Environment) -> Result<Lowering, ConfigError> {
    let mut lowering = Lowering::default();
    let targets: Vec<(Signal, &str, &str)> = ENDPOINTS
        .into_iter()
        .filter_map(|(signal, variables)| {
            let (variable, text) = variables
                .iter()
                .find_map(|name| Some((*name, environment.non_empty(name)?)))?;
            Some((signal, variable, text.trim()))
        })
        .collect();
    let switch = env_vars::OTLP_EXPORT_ENABLED.name;
    if !is_enabled(environment, &mut lowering.notes) {
        if let Some((_, variable, _)) = targets.first() {
            lowering.notes.push(format!(
                "{variable} is set, but {switch} is not `true`, so nothing is forwarded there"
            ));
        }
        return Ok(lowering);
    }
    if targets.is_empty() {
        let error =
            ConfigError::new("exporting is turned on, but there is no endpoint").at(&place(switch));
        return Err(error.hint("set OTLP_EXPORT_ENDPOINT to the URL for traces, such as http://localhost:4318/v1/traces"));
    }
    for (signal, variable, text) in &targets {
        check(*signal, variable, text, &mut lowering.notes)?;
    }
    lowering
        .exporters
        .push(exporter(&targets, environment, &mut lowering.notes));
    Ok(lowering)
}

fn is_enabled(environment: &Environment, notes: &mut Vec<String>) -> bool {
    let variable = env_vars::OTLP_EXPORT_ENABLED.name;
    match environment
        .get(variable)
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
        .as_str()
    {
        "true" | "1" | "yes" | "on" => true,
        "" | "false" | "0" | "no" | "off" => false,
        _ => {
            notes.push(format!(
                "{variable} is neither `true` nor `false`; it counts as false"
            ));
            false
        }
    }
}

fn check(
    signal: Signal,
    variable: &str,
    text: &str,
    notes: &mut Vec<String>,
) -> Result<(), ConfigError> {
    let error = |message: String| ConfigError::new(message).at(&place(variable));
    let endpoint: Endpoint = text
        .parse()
        .map_err(|invalid| error(format!("{invalid}")))?;
    let tls = match endpoint.scheme() {
        Scheme::Https => true,
        Scheme::Http => false,
        _ => {
            return Err(error(format!("`{endpoint}` is not a URL"))
                .hint("write it with http:// or https:// and its path"));
        }
    };
    if endpoint.path().is_empty() {
        let likely = endpoint.url(tls, signal.info().http_path);
        notes.push(format!(
            "{variable} has no path, and is used as it is; most backends want {likely}"
        ));
    }
    Ok(())
}

fn exporter(
    targets: &[(Signal, &str, &str)],
    environment: &Environment,
    notes: &mut Vec<String>,
) -> Lowered {
    let mut variables: Vec<&str> = targets.iter().map(|(_, variable, _)| *variable).collect();
    variables.dedup();
    let at = place(variables.first().copied().unwrap_or_default());
    let text = |text: &str| Node::text(at.clone(), text);
    let mut entries: Vec<(String, Node)> = targets
        .iter()
        .map(|(signal, variable, url)| {
            (
                format!("{signal}_endpoint"),
                Node::text(place(variable), *url),
            )
        })
        .collect();
    let signals: Vec<Signal> = targets.iter().map(|(signal, _, _)| *signal).collect();
    entries.push(("signals".to_owned(), signal_list(&at, &signals)));
    entries.push(("timeout".to_owned(), text("10s")));
    entries.push(("compression".to_owned(), text("none")));
    let headers = env_vars::OTLP_EXPORT_HEADERS.name;
    if let Some(value) = environment.non_empty(headers) {
        notes.extend(
            Headers::parse_list(value)
                .1
                .into_iter()
                .map(|problem| format!("{headers}: {problem}")),
        );
        entries.push(("headers".to_owned(), header_map(headers, value)));
    }
    entries.extend(batching(environment, notes).map(|queue| ("sending_queue".to_owned(), queue)));
    Lowered {
        id: "otlp_http/llmflow".to_owned(),
        node: Node::map(at, entries),
        origin: format!("from {}", variables.join(", ")),
    }
}

/// `sending_queue` with batching, where a variable asks for it.
fn batching(environment: &Environment, notes: &mut Vec<String>) -> Option<Node> {
    let (size, interval) = (
        env_vars::OTLP_EXPORT_BATCH_SIZE.name,
        env_vars::OTLP_EXPORT_FLUSH_INTERVAL.name,
    );
    if environment.non_empty(size).is_none() && environment.non_empty(interval).is_none() {
        return None;
    }
    let items = number(environment, size, 100, notes);
    let milliseconds = number(environment, interval, 5000, notes);
    let batch = Node::map(
        place(size),
        vec![
            ("min_size", Node::plain(place(size), items.to_string())),
            ("max_size", Node::plain(place(size), items.to_string())),
            (
                "flush_timeout",
                Node::text(place(interval), format!("{milliseconds}ms")),
            ),
        ],
    );
    Some(Node::map(place(size), vec![("batch", batch)]))
}

fn number(environment: &Environment, variable: &str, default: u64, notes: &mut Vec<String>) -> u64 {
    let Some(text) = environment.non_empty(variable) else {
        return default;
    };
    match text.trim().parse() {
        Ok(number) if number > 0 => number,
        _ => {
            notes.push(format!(
                "{variable} is not a whole number above 0; {default} is used"
            ));
            default
        }
    }
}

#[cfg(test)]
mod tests;
