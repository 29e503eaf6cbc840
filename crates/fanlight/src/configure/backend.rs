//! Where telemetry is sent: products by name, or any address that speaks OTLP over HTTP.

mod known;
mod presets;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fanlight_config::{Endpoint, Headers, Scheme, Secret};
use fanlight_otlp::{Signal, SignalSet};

pub(crate) use known::Traits;
use presets::Preset;

use super::ConfigureError;
use super::otlp::{self, SIGNALS};
use super::resource::Resource;
use crate::Temporality;
use crate::destination::settings::{Compression, Settings as Destination, Target, Tls};
use crate::form::{Details, Form, LogForm};

/// Somewhere to send to, for [`Configuration::destination`](crate::Configuration::destination).
///
/// A backend knows its address, its headers, and what it takes: those that take traces only get log records as spans. What
/// is wrong with it, such as an empty key, is told by [`Configuration::start`](crate::Configuration::start).
///
/// ```no_run
/// use fanlight::Backend;
///
/// let _fanlight = fanlight::configure()
///     .destination(Backend::jaeger())
///     .destination(Backend::langfuse("pk-lf-1234", "sk-lf-1234").region("us"))
///     .destination(Backend::otlp("https://collector.example.com:4318").header("x-team", "web"))
///     .start()?;
/// # Ok::<(), fanlight::ConfigureError>(())
/// ```
#[derive(Clone)]
pub struct Backend {
    preset: &'static Preset,
    name: String,
    /// A base that each signal's path is added to.
    base: Result<Endpoint, String>,
    headers: Headers,
    resource: Vec<(&'static str, String)>,
    unwanted: SignalSet,
    form: Form,
    temporality: Temporality,
    timeout: Duration,
    compression: Option<Compression>,
    tls: Tls,
    /// What is wrong with what was given, first things first.
    problem: Option<String>,
}

/// What can be set for every backend.
impl Backend {
    /// What it is called in messages.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Backend {
        self.name = name.into();
        self
    }

    /// Another host, such as that of a backend of your own: `http://localhost:3000`. The path that belongs to the backend is
    /// added.
    #[must_use]
    pub fn host(self, host: impl AsRef<str>) -> Backend {
        let host = host.as_ref().trim().trim_end_matches('/');
        let base = format!("{host}{}", self.preset.path);
        self.with_base(&base)
    }

    /// Another address, that `/v1/traces` and the like are added to.
    #[must_use]
    pub fn endpoint(self, endpoint: impl AsRef<str>) -> Backend {
        self.with_base(endpoint.as_ref())
    }

    /// One of the backend's regions, such as `us` or `eu`.
    #[must_use]
    pub fn region(self, region: impl AsRef<str>) -> Backend {
        let region = region.as_ref();
        let regions = self
            .preset
            .regions
            .iter()
            .filter(|(name, _)| !name.is_empty());
        if let Some((_, host)) = regions.clone().find(|(name, _)| *name == region) {
            return self.host(host);
        }
        let names: Vec<_> = regions.map(|(name, _)| *name).collect();
        match names.is_empty() {
            true => self.with_problem("it has no regions".to_owned()),
            false => {
                let known = names.join(", ");
                self.with_problem(format!("there is no region `{region}`, but {known}"))
            }
        }
    }

    /// A header of every request.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Backend {
        match self.headers.try_insert(name, Secret::new(value)) {
            Ok(()) => self,
            Err(problem) => self.with_problem(problem.to_string()),
        }
    }

    /// A token in the usual header: `Authorization: Bearer ...`.
    #[must_use]
    pub fn bearer_token(self, token: impl AsRef<str>) -> Backend {
        self.secret("Authorization", "the token", "Bearer ", token.as_ref())
    }

    /// How long one attempt may take. Default: 10 seconds.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Backend {
        self.timeout = timeout;
        self
    }

    /// Whether requests are compressed with gzip. Default: unless it is on this machine, or
    /// the program is built without optimization.
    #[must_use]
    pub fn compress(mut self, compresses: bool) -> Backend {
        self.compression = Some(match compresses {
            true => Compression::Gzip,
            false => Compression::None,
        });
        self
    }

    /// What becomes of log records. Default: spans where the backend takes traces only, else records.
    #[must_use]
    pub fn logs(mut self, logs: LogForm) -> Backend {
        self.form.logs = logs;
        self
    }

    /// Sends it no metrics.
    #[must_use]
    pub fn without_metrics(mut self) -> Backend {
        self.unwanted = self.unwanted.with(Signal::Metrics);
        self
    }

    /// How it gets metrics that add up. Default: as the backend wants them.
    #[must_use]
    pub fn temporality(mut self, temporality: Temporality) -> Backend {
        self.temporality = temporality;
        self
    }

    /// Sends what only Logfire's pages understand: spans that have started and not ended (as spans of their own), templates
    /// and levels. For a collector that passes them on to Logfire.
    #[must_use]
    pub fn logfire_details(mut self, sends: bool) -> Backend {
        self.form.starts = sends;
        self.form.details = match sends {
            true => Details::Logfire,
            false => Details::Usual,
        };
        self
    }

    /// A file (PEM) of certificate authorities that are trusted in place of the system's.
    #[must_use]
    pub fn certificate_authority(mut self, file: impl Into<PathBuf>) -> Backend {
        self.tls.authority = Some(file.into());
        self
    }

    /// Files (PEM) of the certificate and the key that this client shows.
    #[must_use]
    pub fn client_certificate(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Backend {
        self.tls.certificate = Some(certificate.into());
        self.tls.key = Some(key.into());
        self
    }

    pub(crate) fn at(mut self, base: Endpoint) -> Backend {
        self.base = Ok(base);
        self
    }

    fn of(preset: &'static Preset) -> Backend {
        let host = preset.regions.first().map_or("", |(_, host)| host);
        let all = SignalSet::of(&SIGNALS);
        Backend {
            preset,
            name: preset.name.to_owned(),
            base: check(&format!("{host}{}", preset.path)),
            headers: Headers::default(),
            resource: Vec::new(),
            unwanted: SIGNALS
                .into_iter()
                .filter(|signal| preset.takes(*signal))
                .fold(all, SignalSet::without),
            form: Form {
                spans: true,
                logs: match preset.takes(Signal::Logs) {
                    true => LogForm::Records,
                    false => LogForm::Spans,
                },
                ..Form::default()
            },
            temporality: preset.temporality,
            timeout: otlp::TIMEOUT,
            compression: None,
            tls: Tls::default(),
            problem: None,
        }
    }

    fn with_base(mut self, base: &str) -> Backend {
        self.base = check(base);
        self
    }

    fn with_problem(mut self, problem: String) -> Backend {
        self.problem.get_or_insert(problem);
        self
    }

    /// A header that holds a secret, which must be there.
    fn secret(self, header: &str, what: &str, before: &str, secret: &str) -> Backend {
        let secret = secret.trim();
        match secret.is_empty() {
            true => {
                let found = self.preset.found;
                self.with_problem(format!("{what} is empty: {found}"))
            }
            false => self.header(header, format!("{before}{secret}")),
        }
    }

    /// `Basic` credentials.
    fn basic(self, user: (&str, &str), password: (&str, &str)) -> Backend {
        let found = self.preset.found;
        for (what, value) in [user, password] {
            if value.trim().is_empty() {
                return self.with_problem(format!("{what} is empty: {found}"));
            }
        }
        let pair = STANDARD.encode(format!("{}:{}", user.1.trim(), password.1.trim()));
        self.header("Authorization", format!("Basic {pair}"))
    }

    /// A name that becomes part of the host.
    fn host_with(self, what: &str, part: &str, host: impl FnOnce(&str) -> String) -> Backend {
        let part = part.trim();
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.');
        match !part.is_empty() && part.chars().all(is_part) {
            true => self.host(host(part)),
            false => self.with_problem(format!("{what} must be letters, digits and hyphens")),
        }
    }

    /// What everything that is sent, wherever to, must say about itself for this backend to take it.
    pub(crate) fn resource(&self) -> &[(&'static str, String)] {
        &self.resource
    }

    /// The settings of the destination.
    ///
    /// # Errors
    /// What is wrong with what was given.
    pub(crate) fn lower(self) -> Result<Destination, ConfigureError> {
        let name = self.name;
        let wrong = |problem| ConfigureError::Backend {
            backend: name.clone(),
            problem,
        };
        if let Some(problem) = self.problem {
            return Err(wrong(problem));
        }
        let base = self.base.map_err(wrong)?;
        let is_tls = base.scheme() == Scheme::Https;
        let compression = self.compression.unwrap_or(otlp::usual_compression(&base));
        let takes_logs = self.form.logs == LogForm::Records;
        let mut targets = Vec::new();
        for signal in SIGNALS {
            let is_wanted = !self.unwanted.contains(signal);
            let path = match self.preset.path_of(signal) {
                Some(path) if is_wanted && (signal != Signal::Logs || takes_logs) => path,
                _ => continue,
            };
            targets.push(Target {
                headers: self.headers.clone(),
                timeout: self.timeout,
                compression,
                encoding: self.preset.encoding,
                credentials: self.preset.credentials.to_owned(),
                ..Target::new(signal, base.url(is_tls, path))
            });
        }
        Ok(Destination {
            form: self.form,
            temporality: self.temporality,
            tls: self.tls,
            ..Destination::new(name, targets)
        })
    }
}

fn check(base: &str) -> Result<Endpoint, String> {
    otlp::check_endpoint(base)
}

/// Secrets are not shown.
impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend")
            .field("name", &self.name)
            .field("base", &self.base)
            .field("headers", &self.headers)
            .field("form", &self.form)
            .field("problem", &self.problem)
            .finish_non_exhaustive()
    }
}

/// Adds attributes that backends need to the resource, where it says nothing else.
pub(crate) fn describe(backends: &[Backend], resource: &mut Resource) {
    for (key, value) in backends.iter().flat_map(Backend::resource) {
        if !resource.has(key) {
            resource.set(*key, value);
        }
    }
}

#[cfg(test)]
mod tests;
