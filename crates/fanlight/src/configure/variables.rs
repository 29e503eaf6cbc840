//! Every environment variable that the SDK reads, in one table, which `docs/sdk-environment.md` shows.
//!
//! A variable that is set to the empty string, or to blanks, counts as unset, as the
//! [OpenTelemetry specification](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/) asks.

use fanlight_config::env_vars::{self, OtlpVariable};

/// A variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    /// What it does, for the page.
    pub(crate) about: &'static str,
}

macro_rules! variables {
    ($($name:ident: $about:literal),* $(,)?) => {
        $(pub(crate) const $name: Variable = Variable { name: stringify!($name), about: $about };)*
        /// The variables of their own.
        #[cfg(test)]
        pub(crate) const TABLE: &[Variable] = &[$($name),*];
    };
}

macro_rules! for_each_signal {
    ($($name:ident: $about:literal),* $(,)?) => {
        $(pub(crate) const $name: OtlpVariable = OtlpVariable { about: $about, ..env_vars::$name };)*
        /// The variables that exist for all signals, and for each.
        #[cfg(test)]
        pub(crate) const OTLP_TABLE: &[OtlpVariable] = &[$($name),*];
    };
}

for_each_signal! {
    OTLP_ENDPOINT: "Where to send to. The general one is a base that `/v1/traces` and the like are added to; that of a signal is used as it is, and sends that signal even where there is no base.",
    OTLP_HEADERS: "Headers of every request, `name=value,name=value`. They go to the endpoints that variables name, and nowhere else.",
    OTLP_PROTOCOL: "`http/protobuf` (the default) or `http/json`; `grpc` is not spoken, and draws a warning.",
    OTLP_TIMEOUT: "How long one attempt may take, in milliseconds. Default: 10000.",
    OTLP_COMPRESSION: "`gzip` or `none`. Default: gzip; none to this machine, and in a program that is built without optimization.",
    OTLP_CERTIFICATE: "Certificate authorities to trust, a PEM file.",
    OTLP_CLIENT_CERTIFICATE: "The client's certificate, a PEM file.",
    OTLP_CLIENT_KEY: "The client's private key, a PEM file.",
}

variables! {
    OTEL_SDK_DISABLED: "`true` turns everything off.",
    OTEL_TRACES_EXPORTER: "`none` (or anything but `otlp`) keeps traces from what OTEL_EXPORTER_OTLP_* sets up.",
    OTEL_METRICS_EXPORTER: "The same for metrics.",
    OTEL_LOGS_EXPORTER: "The same for logs.",
    OTEL_SERVICE_NAME: "The program's name in every backend.",
    OTEL_SERVICE_VERSION: "Its version.",
    OTEL_RESOURCE_ATTRIBUTES: "What else is known of it, `key=value,key=value`.",
    OTEL_TRACES_SAMPLER: "`always_on`, `always_off`, `traceidratio`, or one of these with `parentbased_` before it.",
    OTEL_TRACES_SAMPLER_ARG: "Which share of traces is kept, from 0 to 1.",
    OTEL_METRIC_EXPORT_INTERVAL: "How often metrics are collected, in milliseconds. Default: 60000.",
    OTEL_METRICS_EXEMPLAR_FILTER: "`trace_based` (the default): metrics lead to traces in which they were measured; or `always_off`.",
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "`cumulative` (the default), or `delta` (or `lowmemory`) for backends that count what is new.",
    LOGFIRE_TOKEN: "A write token of Logfire, or several with commas between: each project receives everything. Tokens go to Logfire alone.",
    LOGFIRE_SEND_TO_LOGFIRE: "`true`, `false` or `if-token-present` (the default).",
    LOGFIRE_BASE_URL: "Where Logfire is. Default: as the token says.",
    LOGFIRE_CREDENTIALS_DIR: "Where `logfire_credentials.json` is, which holds a token. Default: `.logfire`.",
    LOGFIRE_SERVICE_NAME: "As OTEL_SERVICE_NAME, before it.",
    LOGFIRE_SERVICE_VERSION: "As OTEL_SERVICE_VERSION, before it.",
    LOGFIRE_ENVIRONMENT: "Where the program runs, such as `production`: `deployment.environment.name`.",
    LOGFIRE_RESOURCE_ATTRIBUTES: "As OTEL_RESOURCE_ATTRIBUTES, before it.",
    LOGFIRE_MIN_LEVEL: "What matters less isn't recorded: `trace`, `debug`, `info` (the default), `notice`, `warn`, `error` or `fatal`.",
    LOGFIRE_TRACE_SAMPLE_RATE: "Which share of traces is kept, from 0 to 1. Before OTEL_TRACES_SAMPLER.",
    LOGFIRE_CONSOLE: "`true` shows everything on the standard error, `false` nothing.",
    LOGFIRE_CONSOLE_COLORS: "`auto`, `always` or `never`.",
    LOGFIRE_CONSOLE_SPAN_STYLE: "`indented` (the default), `simple` or `json`.",
    LOGFIRE_CONSOLE_INCLUDE_TIMESTAMP: "`true` (the default) or `false`.",
    LOGFIRE_CONSOLE_INCLUDE_TAGS: "`true` (the default) or `false`.",
    LOGFIRE_CONSOLE_VERBOSE: "`true` shows attributes and places in the code too.",
    LOGFIRE_CONSOLE_MIN_LOG_LEVEL: "The least level that the console shows. Default: info.",
    LOGFIRE_CONSOLE_SHOW_PROJECT_LINK: "`false` leaves Logfire's project page out of the start-up line.",
    FANLIGHT_LOG: "What is recorded, `info,my_crate=debug,hyper=off`. Before LOGFIRE_MIN_LEVEL and RUST_LOG.",
    FANLIGHT_QUIET: "`true` leaves the start-up line out; warnings stay.",
    FANLIGHT_SPOOL_DIR: "Where telemetry waits on disk while a destination is away; `off` keeps it in memory alone.",
    RUST_LOG: "As FANLIGHT_LOG, after LOGFIRE_MIN_LEVEL.",
    NO_COLOR: "Any value turns colours off.",
    XDG_STATE_HOME: "The user's directory for state, which the spool is in. Default: `~/.local/state`.",
    LOCALAPPDATA: "The same, on Windows.",
    HOME: "The user's home directory.",
    HOSTNAME: "The machine's name, where the system doesn't say.",
    COMPUTERNAME: "The same, on Windows.",
}

/// The page on all of them.
#[cfg(test)]
pub(crate) fn page() -> String {
    use std::fmt::Write as _;
    let mut page = String::from(INTRODUCTION);
    page.push_str("| Variable | What it does |\n|---|---|\n");
    for variable in OTLP_TABLE {
        let _ = writeln!(page, "| `{}` | {} |", variable.general, variable.about);
    }
    page.push_str("\nAnd, for one signal each, in place of the general one:\n\n");
    for (signal, _) in env_vars::OTLP_ENDPOINT.signals {
        let named: Vec<_> = OTLP_TABLE
            .iter()
            .filter_map(|variable| variable.of(signal))
            .map(|name| format!("`{name}`"))
            .collect();
        let _ = writeln!(page, "- {signal}: {}", named.join(", "));
    }
    page.push_str("\n## All others\n\n| Variable | What it does |\n|---|---|\n");
    for variable in TABLE {
        let _ = writeln!(page, "| `{}` | {} |", variable.name, variable.about);
    }
    page
}

#[cfg(test)]
const INTRODUCTION: &str = "\
# Environment variables of the SDK

What the code says wins over variables, variables win over Logfire's credentials file, and that wins over defaults. A variable
that is set to the empty string counts as unset. A value that can't be used draws a warning that names the variable and what it
may be, and then counts as unset: no variable keeps a program from starting.

Not read are the variables that tune batches, `OTEL_BSP_*` and `OTEL_BLRP_*`: what is recorded is collected at once, waits within
a memory limit and then on disk, and is sent in requests as large as the backend takes. Nor are limits of attributes, events and
links (`OTEL_SPAN_*_LIMIT`, `OTEL_ATTRIBUTE_*_LIMIT` and the like) read: nothing is cut.

## OTLP

";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_variable_is_listed_twice() {
        let mut names = BTreeSet::new();
        for name in TABLE.iter().map(|variable| variable.name) {
            assert!(names.insert(name), "{name}");
        }
        for name in OTLP_TABLE.iter().map(|variable| variable.general) {
            assert!(names.insert(name), "{name}");
        }
    }

    /// `FANLIGHT_WRITE_DOCS=1 cargo test -p fanlight the_page` writes it anew.
    #[test]
    fn the_page_lists_every_variable() {
        let place = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sdk-environment.md");
        if std::env::var_os("FANLIGHT_WRITE_DOCS").is_some() {
            std::fs::write(place, page()).unwrap();
        }
        let written = std::fs::read_to_string(place).unwrap_or_default();
        assert!(written == page(), "{place} is out of date");
    }
}
