//! What the environment says.
//!
//! A bad value never keeps a program from starting: it is told by the variable's name and what it may be (never the value
//! where that may be a secret), and counts as unset.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use fanlight_config::{Environment, Secret};

use super::console::{self, ConsoleWishes};
use super::directives::{self, Directives};
use super::logfire::{LogfireWishes, SendToLogfire};
use super::otlp;
use super::resource::{self, Resource};
use super::variables::{self as var, Variable};
use crate::Level;
use crate::destination::settings::Settings as Destination;

/// What the environment says, with what was wrong about it.
#[derive(Debug, Default)]
pub(crate) struct FromEnvironment {
    pub(crate) is_disabled: bool,
    pub(crate) is_quiet: Option<bool>,
    /// The service, the environment's name, and other attributes.
    pub(crate) resource: Resource,
    pub(crate) logfire: LogfireWishes,
    /// What OTEL_EXPORTER_OTLP_* sets up.
    pub(crate) destinations: Vec<Destination>,
    /// FANLIGHT_LOG; then the level of LOGFIRE_MIN_LEVEL; then RUST_LOG.
    pub(crate) directives: [Directives; 3],
    pub(crate) sample_rate: Option<f64>,
    pub(crate) console: ConsoleWishes,
    pub(crate) metric_interval: Option<Duration>,
    /// Whether metrics lead to traces.
    pub(crate) exemplars: Option<bool>,
    pub(crate) spool: Option<SpoolPlace>,
    pub(crate) warnings: Vec<String>,
}

/// Where the undelivered is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SpoolPlace {
    /// In memory alone.
    Nowhere,
    Directory(PathBuf),
}

impl FromEnvironment {
    /// Reads the variables of [`super::variables`].
    pub(crate) fn read(environment: &Environment) -> FromEnvironment {
        let mut reader = Reader {
            environment,
            warnings: Vec::new(),
        };
        let is_disabled = reader.bool(var::OTEL_SDK_DISABLED).unwrap_or_default();
        let read = FromEnvironment {
            is_disabled,
            is_quiet: reader.bool(var::FANLIGHT_QUIET),
            resource: attributes(&mut reader),
            logfire: logfire(&mut reader),
            destinations: otlp::destinations(&mut reader),
            directives: levels(&mut reader),
            sample_rate: sample_rate(&mut reader),
            console: console::read(&mut reader),
            metric_interval: reader.milliseconds(var::OTEL_METRIC_EXPORT_INTERVAL),
            exemplars: reader.parse(
                var::OTEL_METRICS_EXEMPLAR_FILTER.name,
                "trace_based or always_off",
                |text| match text.to_ascii_lowercase().as_str() {
                    "trace_based" => Some(true),
                    "always_off" => Some(false),
                    _ => None,
                },
            ),
            spool: reader.text(var::FANLIGHT_SPOOL_DIR).map(|text| {
                match text.to_ascii_lowercase().as_str() {
                    "off" | "false" | "none" | "0" => SpoolPlace::Nowhere,
                    _ => SpoolPlace::Directory(text.into()),
                }
            }),
            warnings: Vec::new(),
        };
        FromEnvironment {
            // Whoever turned everything off doesn't care.
            warnings: if is_disabled {
                Vec::new()
            } else {
                reader.warnings
            },
            ..read
        }
    }
}

/// Reads variables and collects what is wrong with them.
#[derive(Debug)]
pub(crate) struct Reader<'e> {
    environment: &'e Environment,
    pub(crate) warnings: Vec<String>,
}

impl<'e> Reader<'e> {
    /// A value, without the blanks around it, nor the quotes that a file of variables may leave; nothing where it is empty.
    pub(crate) fn named(&self, name: &str) -> Option<&'e str> {
        let value = self.environment.get(name)?.trim();
        let quoted = |quote: char| {
            let inner = value.strip_prefix(quote)?.strip_suffix(quote)?;
            (!inner.contains(quote)).then_some(inner.trim())
        };
        let value = quoted('"').or_else(|| quoted('\'')).unwrap_or(value);
        (!value.is_empty()).then_some(value)
    }

    pub(crate) fn text(&self, variable: Variable) -> Option<&'e str> {
        self.named(variable.name)
    }

    /// Tells that a value isn't used, once.
    pub(crate) fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    /// Reads a value, or tells what it may be.
    pub(crate) fn parse<T>(
        &mut self,
        name: &str,
        expected: impl Display,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.named(name)?;
        let value = read(text);
        if value.is_none() {
            self.warn(format!("{name} is not used: it must be {expected}"));
        }
        value
    }

    pub(crate) fn bool(&mut self, variable: Variable) -> Option<bool> {
        self.parse(variable.name, "true or false", parse_bool)
    }

    /// A time in milliseconds, as the OpenTelemetry specification counts. Less than 100 is most likely meant as seconds.
    pub(crate) fn milliseconds_of(&mut self, name: &str) -> Option<Duration> {
        let positive = |text: &str| text.parse::<u64>().ok().filter(|number| *number > 0);
        let number = self.parse(name, "a number of milliseconds, such as 10000", positive)?;
        if number < 100 {
            self.warn(format!(
                "{name} counts milliseconds, so {number} is hardly any time; write {number}000 for {number} seconds"
            ));
        }
        Some(Duration::from_millis(number))
    }

    fn milliseconds(&mut self, variable: Variable) -> Option<Duration> {
        self.milliseconds_of(variable.name)
    }

    /// Reads a value of a type that knows how, and says what it may be.
    pub(crate) fn parsed<T: FromStr>(&mut self, variable: Variable) -> Option<T>
    where
        T::Err: Display,
    {
        let text = self.text(variable)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.warn(format!("{} is not used: {error}", variable.name));
                None
            }
        }
    }
}

/// Reads a truth value as people write them.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "y" | "on" => Some(true),
        "false" | "f" | "0" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

/// Lists first, so that what has a variable of its own wins, and Logfire's before OpenTelemetry's.
fn attributes(reader: &mut Reader<'_>) -> Resource {
    let mut attributes = Resource::default();
    for variable in [
        var::OTEL_RESOURCE_ATTRIBUTES,
        var::LOGFIRE_RESOURCE_ATTRIBUTES,
    ] {
        let (pairs, problems) = resource::parse_list(reader.text(variable).unwrap_or_default());
        for (key, value) in pairs {
            attributes.set(key, &value);
        }
        for problem in problems {
            reader.warn(format!("{}: {problem}", variable.name));
        }
    }
    for (key, variable) in [
        ("service.name", var::OTEL_SERVICE_NAME),
        ("service.name", var::LOGFIRE_SERVICE_NAME),
        ("service.version", var::OTEL_SERVICE_VERSION),
        ("service.version", var::LOGFIRE_SERVICE_VERSION),
        ("deployment.environment.name", var::LOGFIRE_ENVIRONMENT),
    ] {
        attributes.set_some(key, reader.text(variable));
    }
    attributes
}

fn logfire(reader: &mut Reader<'_>) -> LogfireWishes {
    let tokens = reader
        .text(var::LOGFIRE_TOKEN)
        .unwrap_or_default()
        .split(',');
    LogfireWishes {
        tokens: tokens
            .map(str::trim)
            .filter(|token| !token.is_empty())
            .map(Secret::new)
            .collect(),
        send: reader.parsed::<SendToLogfire>(var::LOGFIRE_SEND_TO_LOGFIRE),
        base_url: reader
            .text(var::LOGFIRE_BASE_URL)
            .and_then(|text| otlp::endpoint(reader, var::LOGFIRE_BASE_URL.name, text)),
        credentials_directory: reader.text(var::LOGFIRE_CREDENTIALS_DIR).map(PathBuf::from),
        shows_project: reader.bool(var::LOGFIRE_CONSOLE_SHOW_PROJECT_LINK),
    }
}

fn levels(reader: &mut Reader<'_>) -> [Directives; 3] {
    let mut list = |variable: Variable| {
        let (directives, problems) = directives::parse(reader.text(variable).unwrap_or_default());
        for problem in problems {
            reader.warn(format!("{}: {problem}", variable.name));
        }
        directives
    };
    let own = list(var::FANLIGHT_LOG);
    let rust = list(var::RUST_LOG);
    let logfire = Directives {
        minimum: reader.parsed::<Level>(var::LOGFIRE_MIN_LEVEL).map(Some),
        modules: Vec::new(),
    };
    [own, logfire, rust]
}

/// Logfire's rate, or that of OpenTelemetry's sampler. Parents always decide for their children.
fn sample_rate(reader: &mut Reader<'_>) -> Option<f64> {
    const SHARE: &str = "a share from 0 to 1, such as 0.25";
    let share = |text: &str| text.parse().ok().filter(|rate| is_share(*rate));
    let own = reader.parse(var::LOGFIRE_TRACE_SAMPLE_RATE.name, SHARE, share);
    if own.is_some() {
        return own;
    }
    let sampler = reader
        .text(var::OTEL_TRACES_SAMPLER)
        .unwrap_or("traceidratio");
    let kind = sampler.to_ascii_lowercase();
    match kind.strip_prefix("parentbased_").unwrap_or(&kind) {
        "always_on" => Some(1.0),
        "always_off" => Some(0.0),
        "traceidratio" => reader.parse(var::OTEL_TRACES_SAMPLER_ARG.name, SHARE, share),
        _ => {
            reader.warn(format!(
                "{} is not used: it must be always_on, always_off or traceidratio, with or without parentbased_ before it",
                var::OTEL_TRACES_SAMPLER.name
            ));
            None
        }
    }
}

pub(crate) fn is_share(rate: f64) -> bool {
    (0.0..=1.0).contains(&rate)
}
