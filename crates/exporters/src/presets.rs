//! Presets: exporter types that need only what the user knows of a backend, such as its region and a token.
//!
//! A preset is data lowered to the OTLP exporters: it takes their keys (`timeout`, `sending_queue`, `headers`, ...) beside its
//! own, and what the user writes wins over what the preset knows. Each module holds the backends of one kind.

pub(crate) mod cloud;
pub(crate) mod llm;
pub(crate) mod local;

use fanlight_config::blocks::{GrpcClient, HttpClient};
use fanlight_config::{ConfigError, Endpoint, Node, Scheme, Secret};
use fanlight_net::status::Advice;
use fanlight_otlp::{Signal, SignalSet};
use fanlight_pipeline::ExporterConfig;
use serde::de::DeserializeOwned;

use crate::fit::Wishes;
use crate::otlp::Shared;
use crate::{otlp_grpc, otlp_http};

const TRACES: SignalSet = SignalSet::of(&[Signal::Traces]);
const TRACES_METRICS: SignalSet = SignalSet::of(&[Signal::Traces, Signal::Metrics]);
const TRACES_METRICS_LOGS: SignalSet =
    SignalSet::of(&[Signal::Traces, Signal::Metrics, Signal::Logs]);

/// How a preset reaches its backend over HTTP, made from the preset's own keys.
#[derive(Debug, Default)]
struct Route {
    /// The base URL, where the user gives no `endpoint`.
    base: String,
    /// Headers, where the user gives none of that name.
    headers: Vec<(&'static str, Secret)>,
    /// All else.
    known: otlp_http::Known,
}

/// Reads a preset's own keys and those of OTLP over HTTP, and lowers them.
fn over_http<K: DeserializeOwned>(
    node: &Node,
    route: impl FnOnce(K, &Node) -> Result<Route, ConfigError>,
) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    let (keys, shared, mut client) = node.decode_three::<K, Shared, HttpClient>()?;
    let route = route(keys, node)?;
    if client.endpoint.is_none() {
        client.endpoint = Some(endpoint(node, &route.base)?);
    }
    for (name, value) in route.headers {
        if client.headers.get(name).is_none() {
            client.headers.insert(name, value);
        }
    }
    otlp_http::lowered(node, client, shared, route.known)
}

/// Reads the keys of OTLP over gRPC for a backend in the neighbourhood: plain text unless the endpoint says `https`.
fn over_grpc(
    node: &Node,
    default_endpoint: &str,
    known: otlp_grpc::Known,
) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    let (keys, shared, client) = node.decode_three::<otlp_grpc::Keys, Shared, GrpcClient>()?;
    let client = in_neighbourhood(node, client, default_endpoint)?;
    otlp_grpc::lowered(node, client, shared, keys.timeout, known)
}

fn in_neighbourhood(
    node: &Node,
    mut client: GrpcClient,
    default_endpoint: &str,
) -> Result<GrpcClient, ConfigError> {
    let address = match client.endpoint.take() {
        Some(endpoint) => endpoint,
        None => endpoint(node, default_endpoint)?,
    };
    client.tls.insecure |= address.scheme() != Scheme::Https;
    client.endpoint = Some(address);
    Ok(client)
}

/// An address that a preset made of the user's words.
fn endpoint(node: &Node, text: &str) -> Result<Endpoint, ConfigError> {
    text.parse()
        .map_err(|error| node.error(format!("{text} is no address: {error}")))
}

/// A key without which the backend can't be reached.
fn required<'k, T>(
    node: &Node,
    key: &str,
    value: Option<&'k T>,
    found: &str,
) -> Result<&'k T, ConfigError> {
    value.ok_or_else(|| node.error(format!("{key} is missing")).hint(found))
}

/// A secret that is there and not empty: an unset variable reads as one.
fn secret<'k>(
    node: &Node,
    key: &str,
    value: Option<&'k Secret>,
    found: &str,
) -> Result<&'k Secret, ConfigError> {
    let value = required(node, key, value, found)?;
    match value.expose().trim().is_empty() {
        true => Err(node.error_at(key, format!("{key} is empty")).hint(found)),
        false => Ok(value),
    }
}

/// A name that becomes a part of a host: letters, digits, dots and hyphens.
fn host_part<'k>(node: &Node, key: &str, value: &'k str) -> Result<&'k str, ConfigError> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.');
    match !value.is_empty() && value.chars().all(is_part) {
        true => Ok(value),
        false => Err(node.error_at(key, format!("{key} must be letters, digits and hyphens"))),
    }
}

/// One of a few regions.
fn region<'r>(
    node: &Node,
    given: Option<&str>,
    regions: &'r [(&'static str, &'static str)],
) -> Result<&'r str, ConfigError> {
    let Some(given) = given else {
        return Ok(regions.first().map_or("", |(_, place)| place));
    };
    let names: Vec<&str> = regions.iter().map(|(name, _)| *name).collect();
    regions
        .iter()
        .find(|(name, _)| *name == given)
        .map(|(_, place)| *place)
        .ok_or_else(|| {
            let error = node.error_at("region", format!("there is no region {given}"));
            error.suggest(given, &names)
        })
}

/// `Basic` credentials.
fn basic(user: &str, password: &str) -> Secret {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    Secret::new(format!(
        "Basic {}",
        STANDARD.encode(format!("{user}:{password}"))
    ))
}

#[cfg(test)]
mod tests;
