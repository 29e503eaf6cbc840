//! What OTEL_EXPORTER_OTLP_* sets up, as the [specification](https://opentelemetry.io/docs/specs/otel/protocol/exporter/) says.

use std::path::PathBuf;
use std::time::Duration;

use fanlight_config::env_vars::OtlpVariable;
use fanlight_config::{Endpoint, Headers, Scheme};
use fanlight_otlp::Signal;

use super::backend::Traits;
use super::environment::Reader;
use super::variables as var;
use crate::Temporality;
use crate::destination::settings::{Compression, Encoding, Settings as Destination, Target, Tls};
use crate::form::{Form, LogForm};

/// The signals that programs make.
pub(crate) const SIGNALS: [Signal; 3] = [Signal::Traces, Signal::Metrics, Signal::Logs];

/// How long an attempt may take where nobody says.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// One destination for each host, so that one that is away delays no other.
pub(crate) fn destinations(reader: &mut Reader<'_>) -> Vec<Destination> {
    let mut destinations: Vec<(String, Destination)> = Vec::new();
    let mut logs_are_unwanted = false;
    for signal in SIGNALS {
        if !is_exported(reader, signal) {
            logs_are_unwanted |= signal == Signal::Logs;
            continue;
        }
        let Some((endpoint, url)) = url(reader, signal) else {
            continue;
        };
        if !Traits::of(&endpoint).takes(signal) {
            continue;
        }
        let target = target(reader, signal, &endpoint, url);
        let tls = tls(reader, signal);
        let host = endpoint.authority();
        let same = |(known, other): &&mut (String, Destination)| *known == host && other.tls == tls;
        match destinations.iter_mut().find(same) {
            Some((_, destination)) => destination.targets.push(target),
            None => {
                let mut destination = Destination::new("OTLP", vec![target]);
                destination.tls = tls;
                destination.temporality = temporality(reader);
                Traits::of(&endpoint).apply(&mut destination);
                destinations.push((host, destination));
            }
        }
    }
    let mut destinations: Vec<_> = destinations.into_iter().map(|(_, one)| one).collect();
    share_out(&mut destinations, logs_are_unwanted);
    destinations
}

/// Logs are log records where a destination takes them; else they are spans, unless they are not wanted; never both.
fn share_out(destinations: &mut [Destination], logs_are_unwanted: bool) {
    let takes = |destination: &Destination, signal| {
        destination
            .targets
            .iter()
            .any(|target| target.signal == signal)
    };
    let has_log_records = destinations.iter().any(|one| takes(one, Signal::Logs));
    let are_several = destinations.len() > 1;
    for destination in destinations {
        let logs = match takes(destination, Signal::Logs) {
            true => LogForm::Records,
            false if has_log_records || logs_are_unwanted => LogForm::Nothing,
            false => LogForm::Spans,
        };
        destination.form = Form {
            spans: takes(destination, Signal::Traces),
            logs,
            ..destination.form
        };
        if are_several {
            let signals: Vec<_> = destination
                .targets
                .iter()
                .map(|target| target.signal.name())
                .collect();
            destination.name = format!("OTLP {}", signals.join(", "));
        }
    }
}

/// Whether OTEL_TRACES_EXPORTER and the like let a signal through.
fn is_exported(reader: &mut Reader<'_>, signal: Signal) -> bool {
    let variable = match signal {
        Signal::Metrics => var::OTEL_METRICS_EXPORTER,
        Signal::Logs => var::OTEL_LOGS_EXPORTER,
        _ => var::OTEL_TRACES_EXPORTER,
    };
    let Some(text) = reader.text(variable) else {
        return true;
    };
    let mut names = text.split(',').map(|name| name.trim().to_ascii_lowercase());
    let is_otlp = names.any(|name| name == "otlp");
    if !is_otlp && !text.eq_ignore_ascii_case("none") {
        reader.warn(format!(
            "{}: this SDK exports otlp or none, so {signal} are not exported",
            variable.name
        ));
    }
    is_otlp
}

/// The value of a signal's own variable, or of the general one, with the name of that which counts.
fn value<'e>(
    reader: &Reader<'e>,
    variable: OtlpVariable,
    signal: Signal,
) -> Option<(&'static str, &'e str)> {
    let own = variable.of(signal.name());
    let names = own.into_iter().chain([variable.general]);
    names
        .filter_map(|name| Some((name, reader.named(name)?)))
        .next()
}

/// Where a signal goes: the endpoint, and the whole URL.
fn url(reader: &mut Reader<'_>, signal: Signal) -> Option<(Endpoint, String)> {
    let (name, text) = value(reader, var::OTLP_ENDPOINT, signal)?;
    let endpoint = endpoint(reader, name, text)?;
    let is_tls = endpoint.scheme() == Scheme::Https;
    let path = signal.info().http_path;
    if name == var::OTLP_ENDPOINT.general {
        if SIGNALS
            .iter()
            .any(|signal| endpoint.path().ends_with(signal.info().http_path))
        {
            reader.warn(format!(
                "{name} is a base that {path} is added to; leave the signal's path out, or set {} instead",
                var::OTLP_ENDPOINT.of(signal.name()).unwrap_or_default()
            ));
        }
        let url = endpoint.url(is_tls, path);
        return Some((endpoint, url));
    }
    if endpoint.path().is_empty() {
        reader.warn(format!(
            "{name} is used as it is, and has no path; most receivers want {}{path}",
            endpoint.url(is_tls, "")
        ));
        let url = endpoint.url(is_tls, "/");
        return Some((endpoint, url));
    }
    let whole = text.split('#').next().unwrap_or_default().to_owned();
    Some((endpoint, whole))
}

/// An HTTP endpoint; what is none is told, and the signal stays where it is.
pub(crate) fn endpoint(reader: &mut Reader<'_>, name: &str, text: &str) -> Option<Endpoint> {
    let endpoint = match check_endpoint(text) {
        Ok(endpoint) => endpoint,
        Err(problem) => {
            reader.warn(format!(
                "{name} is not used, so nothing is sent there: {problem}"
            ));
            return None;
        }
    };
    if endpoint.port() == Some(4317) {
        reader.warn(format!(
            "{name} names port 4317, where receivers expect gRPC; this SDK speaks OTLP over HTTP, for which the port is 4318"
        ));
    }
    Some(endpoint)
}

/// Reads a URL that begins with `http://` or `https://`.
pub(crate) fn check_endpoint(text: &str) -> Result<Endpoint, String> {
    let endpoint: Endpoint = text.parse().map_err(|error| format!("{error}"))?;
    match endpoint.scheme() {
        Scheme::Http | Scheme::Https => Ok(endpoint),
        Scheme::None => Err(format!(
            "`{endpoint}` has no scheme; write http://{endpoint} or https://{endpoint}"
        )),
        Scheme::Dns | Scheme::Unix => Err("write http:// or https:// before a host".to_owned()),
    }
}

fn target(reader: &mut Reader<'_>, signal: Signal, endpoint: &Endpoint, url: String) -> Target {
    let mut target = Target::new(signal, url);
    if let Some((name, text)) = value(reader, var::OTLP_HEADERS, signal) {
        let (headers, problems) = Headers::parse_list(text);
        for problem in problems {
            reader.warn(format!("{name}: {problem}"));
        }
        target.headers = headers;
        target.credentials = name.to_owned();
    }
    let timeout = value(reader, var::OTLP_TIMEOUT, signal);
    let timeout = timeout.and_then(|(name, _)| reader.milliseconds_of(name));
    target.timeout = timeout.unwrap_or(TIMEOUT);
    target.compression = compression(reader, signal, endpoint);
    target.encoding = encoding(reader, signal);
    target
}

/// Receivers of OTLP must read gzip ([source](https://opentelemetry.io/docs/specs/otlp/)), so it is what they get where
/// nobody says; on one machine it would be work for nothing.
pub(crate) fn usual_compression(endpoint: &Endpoint) -> Compression {
    let host = endpoint.host();
    let is_here = host.eq_ignore_ascii_case("localhost")
        || host
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    match is_here {
        true => Compression::None,
        false => Compression::default(),
    }
}

fn compression(reader: &mut Reader<'_>, signal: Signal, endpoint: &Endpoint) -> Compression {
    let Some((name, text)) = value(reader, var::OTLP_COMPRESSION, signal) else {
        return usual_compression(endpoint);
    };
    match text.to_ascii_lowercase().as_str() {
        "gzip" => Compression::Gzip,
        "none" => Compression::None,
        _ => {
            reader.warn(format!(
                "{name} is not used: it must be gzip or none; nothing is compressed"
            ));
            Compression::None
        }
    }
}

fn encoding(reader: &mut Reader<'_>, signal: Signal) -> Encoding {
    match value(reader, var::OTLP_PROTOCOL, signal) {
        None | Some((_, "http/protobuf")) => {}
        Some((_, "http/json")) => return Encoding::Json,
        Some((name, "grpc")) => reader.warn(format!(
            "{name}=grpc: this SDK speaks OTLP over HTTP (http/protobuf); send to the receiver's port for HTTP, usually 4318, or through a collector"
        )),
        Some((name, _)) => reader.warn(format!(
            "{name} is not used: it must be http/protobuf, which is what is sent, or http/json"
        )),
    }
    Encoding::Protobuf
}

/// [Source](https://opentelemetry.io/docs/specs/otel/metrics/sdk_exporters/otlp/).
fn temporality(reader: &mut Reader<'_>) -> Temporality {
    let name = var::OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE.name;
    let read = |text: &str| match text.to_ascii_lowercase().as_str() {
        "cumulative" => Some(Temporality::Cumulative),
        "delta" | "lowmemory" => Some(Temporality::Delta),
        _ => None,
    };
    reader
        .parse(name, "cumulative, delta or lowmemory", read)
        .unwrap_or(Temporality::Cumulative)
}

fn tls(reader: &Reader<'_>, signal: Signal) -> Tls {
    let file = |variable| value(reader, variable, signal).map(|(_, path)| PathBuf::from(path));
    Tls {
        authority: file(var::OTLP_CERTIFICATE),
        certificate: file(var::OTLP_CLIENT_CERTIFICATE),
        key: file(var::OTLP_CLIENT_KEY),
    }
}
