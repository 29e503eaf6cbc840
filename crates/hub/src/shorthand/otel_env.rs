//! `OTEL_EXPORTER_OTLP_*`: the standard variables, as the
//! [specification](https://opentelemetry.io/docs/specs/otel/protocol/exporter/) has them.
//!
//! - Without an endpoint variable nothing is sent anywhere: there is no default `localhost`.
//! - The general endpoint is a base that `/v1/traces` and the like are added to; that of a signal is used as it is.
//!   A general endpoint that already is a signal's URL counts as that signal's, since that is what documents of several
//!   backends tell people to write.
//! - A variable of a signal replaces the general one, headers included.
//! - An endpoint that can't be used is an error. Any other value that can't be is a note that names the variable, and the
//!   default counts.
//!
//! The variables know traces, metrics and logs; profiles are not sent to what they name.

use fanlight_config::env_vars::{self, OtlpVariable};
use fanlight_config::{ConfigError, Endpoint, Environment, Headers, Location, Node, Scheme};
use fanlight_otlp::Signal;

use super::{Lowered, Lowering, grouped, name_of, signal_list};

const SIGNALS: [Signal; 3] = [Signal::Traces, Signal::Metrics, Signal::Logs];

/// The exporters that the variables stand for.
///
/// # Errors
/// An endpoint that can't be used; the place is its variable.
pub(crate) fn lower(environment: &Environment) -> Result<Lowering, ConfigError> {
    let mut reader = Reader {
        environment,
        notes: Vec::new(),
    };
    let mut routes = Vec::new();
    for signal in SIGNALS {
        if reader.is_wanted(signal)
            && let Some(target) = reader.target(signal)?
        {
            let settings = reader.settings(signal, &target);
            routes.push((signal, (settings, target)));
        }
    }
    reader.advise(
        routes
            .iter()
            .map(|(signal, (settings, target))| (*signal, settings.protocol, target)),
    );
    let targets: Vec<(Signal, Target)> = routes
        .iter()
        .map(|(signal, (_, target))| (*signal, target.clone()))
        .collect();
    // One HTTP exporter can send each signal to a URL of its own; a gRPC exporter has one endpoint.
    let groups = grouped(routes.into_iter().map(|(signal, (settings, target))| {
        let endpoint = (settings.protocol == Protocol::Grpc).then(|| target.endpoint.to_string());
        (signal, (settings, endpoint))
    }));
    let alone = groups.len() == 1;
    let exporters = groups.into_iter().map(|((settings, _), signals)| {
        let targets = targets
            .iter()
            .filter(|(signal, _)| signals.contains(signal))
            .cloned()
            .collect();
        settings.lower(targets, alone, reader.environment)
    });
    Ok(Lowering {
        exporters: exporters.collect(),
        notes: reader.notes,
    })
}

/// The place of a value that came from a variable.
pub(super) fn place(variable: &str) -> Location {
    Location::of_file(&format!("environment variable {variable}"))
}

/// Where a signal goes.
#[derive(Clone)]
struct Target {
    endpoint: Endpoint,
    /// As it was written.
    text: String,
    variable: &'static str,
    /// Whether the endpoint is the signal's URL, to be used as it is.
    verbatim: bool,
}

/// What one exporter shares over its signals. Variables stand by name where their values may be secret.
#[derive(PartialEq)]
struct Settings {
    protocol: Protocol,
    headers: Option<&'static str>,
    timeout_ms: u64,
    compression: &'static str,
    insecure: bool,
    certificate: Option<(&'static str, String)>,
    client_certificate: Option<(&'static str, String)>,
    client_key: Option<(&'static str, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Grpc,
    HttpProtobuf,
    HttpJson,
}

/// Reads variables and collects what the user should know about them.
struct Reader<'a> {
    environment: &'a Environment,
    notes: Vec<String>,
}

impl Reader<'_> {
    /// The value for a signal and the variable it stands in: the signal's own, or the general one.
    fn get(&self, variable: &OtlpVariable, signal: Signal) -> Option<(&'static str, String)> {
        let names = variable
            .of(signal.name())
            .into_iter()
            .chain([variable.general]);
        names
            .filter_map(|name| Some((name, self.environment.non_empty(name)?.trim().to_owned())))
            .find(|(_, value)| !value.is_empty())
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Whether `OTEL_<SIGNAL>_EXPORTER` leaves the signal to us.
    fn is_wanted(&mut self, signal: Signal) -> bool {
        let variable = match signal {
            Signal::Traces => env_vars::OTEL_TRACES_EXPORTER.name,
            Signal::Metrics => env_vars::OTEL_METRICS_EXPORTER.name,
            _ => env_vars::OTEL_LOGS_EXPORTER.name,
        };
        let value = self
            .environment
            .get(variable)
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let is_wanted = value.is_empty() || value == "otlp";
        if !is_wanted && value != "none" && self.get(&env_vars::OTLP_ENDPOINT, signal).is_some() {
            self.note(format!("{variable} is not `otlp`, so {signal} are not forwarded to OTEL_EXPORTER_OTLP_ENDPOINT"));
        }
        is_wanted
    }

    fn target(&mut self, signal: Signal) -> Result<Option<Target>, ConfigError> {
        let Some((variable, text)) = self.get(&env_vars::OTLP_ENDPOINT, signal) else {
            return Ok(None);
        };
        let protocol = self.protocol(signal);
        let endpoint = endpoint(variable, &text, protocol)?;
        if variable != env_vars::OTLP_ENDPOINT.general {
            return Ok(Some(Target {
                endpoint,
                text,
                variable,
                verbatim: true,
            }));
        }
        let Some(named) = SIGNALS
            .into_iter()
            .find(|signal| endpoint.path().ends_with(signal.info().http_path))
        else {
            return Ok(Some(Target {
                endpoint,
                text,
                variable,
                verbatim: false,
            }));
        };
        let path = named.info().http_path;
        self.note(format!(
            "{variable} ends with {path}, so only {named} are forwarded there; without {path} it would be a base for every signal"
        ));
        Ok((named == signal).then_some(Target {
            endpoint,
            text,
            variable,
            verbatim: true,
        }))
    }

    fn settings(&mut self, signal: Signal, target: &Target) -> Settings {
        let protocol = self.protocol(signal);
        Settings {
            protocol,
            headers: self.headers(signal),
            timeout_ms: self.timeout(signal),
            compression: self.compression(signal),
            insecure: protocol == Protocol::Grpc
                && target.endpoint.scheme() == Scheme::None
                && self.insecure(signal),
            certificate: self.get(&env_vars::OTLP_CERTIFICATE, signal),
            client_certificate: self.get(&env_vars::OTLP_CLIENT_CERTIFICATE, signal),
            client_key: self.get(&env_vars::OTLP_CLIENT_KEY, signal),
        }
    }

    fn protocol(&mut self, signal: Signal) -> Protocol {
        let Some((variable, value)) = self.get(&env_vars::OTLP_PROTOCOL, signal) else {
            return Protocol::HttpProtobuf;
        };
        match value.to_ascii_lowercase().as_str() {
            "grpc" => Protocol::Grpc,
            "http/protobuf" => Protocol::HttpProtobuf,
            "http/json" => Protocol::HttpJson,
            _ => {
                self.note(format!("{variable} is none of `grpc`, `http/protobuf` and `http/json`; http/protobuf is used"));
                Protocol::HttpProtobuf
            }
        }
    }

    /// The variable that holds the signal's headers, if it holds any that can be sent.
    fn headers(&mut self, signal: Signal) -> Option<&'static str> {
        let (variable, value) = self.get(&env_vars::OTLP_HEADERS, signal)?;
        let (headers, problems) = Headers::parse_list(&value);
        for problem in problems {
            self.note(format!("{variable}: {problem}"));
        }
        (!headers.is_empty()).then_some(variable)
    }

    fn timeout(&mut self, signal: Signal) -> u64 {
        const DEFAULT_MS: u64 = 10_000;
        let Some((variable, value)) = self.get(&env_vars::OTLP_TIMEOUT, signal) else {
            return DEFAULT_MS;
        };
        match value.parse::<u64>() {
            Ok(milliseconds) => {
                if milliseconds < 100 {
                    let seconds = if milliseconds == 0 {
                        String::new()
                    } else {
                        format!("; {milliseconds} seconds are {milliseconds}000")
                    };
                    self.note(format!(
                        "{variable} counts milliseconds, and {milliseconds} is very short{seconds}"
                    ));
                }
                milliseconds
            }
            Err(_) => {
                self.note(format!(
                    "{variable} is not a whole number of milliseconds; 10000 is used"
                ));
                DEFAULT_MS
            }
        }
    }

    fn compression(&mut self, signal: Signal) -> &'static str {
        let Some((variable, value)) = self.get(&env_vars::OTLP_COMPRESSION, signal) else {
            return "none";
        };
        match value.to_ascii_lowercase().as_str() {
            "gzip" => "gzip",
            "zstd" => "zstd",
            "none" => "none",
            _ => {
                self.note(format!(
                    "{variable} is none of `gzip`, `zstd` and `none`; requests are not compressed"
                ));
                "none"
            }
        }
    }

    fn insecure(&mut self, signal: Signal) -> bool {
        let Some((variable, value)) = self.get(&env_vars::OTLP_INSECURE, signal) else {
            return false;
        };
        match value.to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => {
                self.note(format!(
                    "{variable} is neither `true` nor `false`; TLS is used"
                ));
                false
            }
        }
    }

    /// Points out what is likely not meant.
    fn advise<'t>(&mut self, routes: impl Iterator<Item = (Signal, Protocol, &'t Target)>) {
        for (
            signal,
            protocol,
            Target {
                endpoint,
                variable,
                verbatim,
                ..
            },
        ) in routes
        {
            if protocol == Protocol::Grpc {
                continue;
            }
            if endpoint.port() == Some(4317) {
                self.note(format!(
                    "{variable} has port 4317, which is gRPC's by custom, but the protocol is HTTP; use port 4318, or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc"
                ));
            }
            let path = signal.info().http_path;
            if *verbatim && endpoint.path().is_empty() {
                self.note(format!(
                    "{variable} has no path, and is used as it is; most backends want {}",
                    endpoint.url(endpoint.scheme() == Scheme::Https, path)
                ));
            }
            if !*verbatim && endpoint.path().ends_with("/v1") {
                self.note(format!("{variable} ends with /v1, and {path} is added to it; if /v1/v1 is not meant, leave /v1 out"));
            }
        }
    }
}

/// Reads an endpoint, which has a scheme for HTTP and no path for gRPC.
fn endpoint(
    variable: &'static str,
    text: &str,
    protocol: Protocol,
) -> Result<Endpoint, ConfigError> {
    let error = |message: String| ConfigError::new(message).at(&place(variable));
    let endpoint: Endpoint = text
        .parse()
        .map_err(|invalid| error(format!("{invalid}")))?;
    if protocol == Protocol::Grpc {
        if endpoint.path().is_empty() || endpoint.scheme() == Scheme::Unix {
            return Ok(endpoint);
        }
        let message = format!("`{endpoint}` has a path, and gRPC endpoints have none");
        return Err(error(message)
            .hint("leave the path out, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"));
    }
    match endpoint.scheme() {
        Scheme::Http | Scheme::Https => Ok(endpoint),
        _ => {
            let hint = format!(
                "write http://{0} or https://{0}, or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
                endpoint.authority()
            );
            Err(error(format!(
                "`{endpoint}` is not a URL, which OTLP over HTTP needs"
            ))
            .hint(hint))
        }
    }
}

impl Settings {
    fn lower(
        self,
        targets: Vec<(Signal, Target)>,
        alone: bool,
        environment: &Environment,
    ) -> Lowered {
        let signals: Vec<Signal> = targets.iter().map(|(signal, _)| *signal).collect();
        let mut variables: Vec<&str> = targets.iter().map(|(_, target)| target.variable).collect();
        variables.dedup();
        let at = place(variables.first().copied().unwrap_or_default());
        let mut entries: Vec<(String, Node)> = Vec::new();
        for (
            signal,
            Target {
                text,
                variable,
                verbatim,
                ..
            },
        ) in targets
        {
            let own = verbatim && self.protocol != Protocol::Grpc;
            let key = if own {
                format!("{signal}_endpoint")
            } else {
                "endpoint".to_owned()
            };
            if !entries.iter().any(|(known, _)| *known == key) {
                entries.push((key, Node::text(place(variable), text)));
            }
        }
        if self.protocol == Protocol::HttpJson {
            entries.push(("encoding".to_owned(), Node::text(at.clone(), "json")));
        }
        entries.push(("signals".to_owned(), signal_list(&at, &signals)));
        entries.push((
            "timeout".to_owned(),
            Node::text(at.clone(), format!("{}ms", self.timeout_ms)),
        ));
        entries.push((
            "compression".to_owned(),
            Node::text(at.clone(), self.compression),
        ));
        if let Some(variable) = self.headers {
            entries.push((
                "headers".to_owned(),
                header_map(variable, environment.get(variable).unwrap_or_default()),
            ));
        }
        entries.extend(self.tls(&at).map(|node| ("tls".to_owned(), node)));
        let kind = if self.protocol == Protocol::Grpc {
            "otlp_grpc"
        } else {
            "otlp_http"
        };
        Lowered {
            id: format!("{kind}/{}", name_of("env", &signals, alone)),
            node: Node::map(at, entries),
            origin: format!("from {}", variables.join(", ")),
        }
    }

    fn tls(&self, at: &Location) -> Option<Node> {
        let files = [
            ("ca_file", &self.certificate),
            ("cert_file", &self.client_certificate),
            ("key_file", &self.client_key),
        ];
        let files = files.into_iter().filter_map(|(key, file)| {
            let (variable, path) = file.as_ref()?;
            Some((key, Node::text(place(variable), path)))
        });
        let insecure = self
            .insecure
            .then(|| ("insecure", Node::plain(at.clone(), "true")));
        let entries: Vec<(&str, Node)> = files.chain(insecure).collect();
        (!entries.is_empty()).then(|| Node::map(at.clone(), entries))
    }
}

/// The headers of a variable, with values that no error repeats.
pub(super) fn header_map(variable: &str, value: &str) -> Node {
    let (headers, _) = Headers::parse_list(value);
    let written = format!("${{{variable}}}");
    let entries = headers.iter().map(|(name, value)| {
        (
            name.to_owned(),
            Node::hidden(place(variable), &written, value.expose()),
        )
    });
    Node::map(place(variable), entries.collect())
}

#[cfg(test)]
mod tests;
