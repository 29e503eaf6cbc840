//! The command line: names, documentation and defaults of every option.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use fanlight_config::Secret;

/// See your telemetry at once, and send it anywhere.
///
/// Fanlight takes traces, metrics, logs and profiles over OTLP, shows them in a local dashboard and sends them on to any
/// backend. Without a configuration file it listens on 127.0.0.1:4317 (gRPC), :4318 (HTTP), :3000 (dashboard) and
/// :8080 (calls of language models), and forwards to what OTEL_EXPORTER_OTLP_ENDPOINT names.
#[derive(Debug, Parser)]
#[command(
    name = "fanlight",
    version,
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What to do; `serve` when left out.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of `serve`.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the hub.
    Serve(ServeArgs),
    /// Check a configuration without starting, and on request try every destination.
    Check(CheckArgs),
    /// List the component types with a sample configuration of each.
    Components,
    /// List the backends: what each takes and needs, with a snippet to copy.
    Backends(BackendsArgs),
    /// Show what arrives, as it arrives.
    Tail(TailArgs),
    /// Show a trace as a tree, with its errors and logs.
    Trace(TraceArgs),
    /// Ask the store in SQL.
    Query(QueryArgs),
    /// Run a command with its telemetry and its calls of language models going through a hub.
    Run(RunArgs),
    /// Show what to set in a coding assistant so that a hub sees it, or set it.
    Setup(SetupArgs),
    /// Answer a coding assistant's questions about telemetry (Model Context Protocol over standard input and output).
    Mcp(HubArgs),
    /// Print a completion script for your shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Where the configuration comes from.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigArgs {
    /// Configuration in OpenTelemetry Collector YAML; later files are laid over earlier ones.
    #[arg(long = "config", short = 'c', value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Set one key, as in `--set receivers.otlp.protocols.grpc.endpoint=127.0.0.1:5317`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Where data is kept [default: $XDG_DATA_HOME/fanlight].
    #[arg(long, env = "DATA_DIR", value_name = "DIR", hide_env_values = true)]
    pub data_dir: Option<PathBuf>,
}

/// Options of `fanlight serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Listen there for OTLP/gRPC [default: 127.0.0.1:4317].
    #[arg(long, value_name = "ADDRESS", help_heading = "Listening")]
    pub otlp_grpc: Option<String>,
    /// Listen there for OTLP/HTTP [default: 127.0.0.1:4318].
    #[arg(long, value_name = "ADDRESS", help_heading = "Listening")]
    pub otlp_http: Option<String>,
    /// Serve the dashboard there [default: 127.0.0.1:3000]; `off` for none.
    #[arg(long, value_name = "ADDRESS", help_heading = "Listening")]
    pub dashboard: Option<String>,
    /// Take calls of language models there [default: 127.0.0.1:8080, if it is free]; `off` for none.
    #[arg(long, value_name = "ADDRESS", help_heading = "Listening")]
    pub proxy: Option<String>,
    /// Ask everybody who comes to the dashboard's port for this token; needed to serve it beyond this machine. Better given
    /// as FANLIGHT_TOKEN, which other users of this machine can't see.
    #[arg(long, value_name = "TOKEN", value_parser = secret, help_heading = "Listening")]
    pub token: Option<Secret>,
    /// Serve /metrics, /healthz and /readyz there [default: 127.0.0.1:8888]; `off` for none.
    #[arg(long, value_name = "ADDRESS", help_heading = "Listening")]
    pub metrics: Option<String>,
    /// What to log.
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub log_level: Option<LogLevel>,
    /// How to log.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// How long to go on delivering after SIGINT or SIGTERM, as in `30s`.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = fanlight_config::duration::parse)]
    pub drain_timeout: Duration,
}

/// Options of `fanlight check`.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// Configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Send one item of each signal to every destination and report what it answers.
    #[arg(long)]
    pub send: bool,
}

/// Options of `fanlight backends`.
#[derive(Args, Clone, Debug)]
pub struct BackendsArgs {
    /// Show only backends whose name contains this, with their snippets.
    pub name: Option<String>,
    /// Print all of it as the document that is `docs/backends.md`.
    #[arg(long, hide = true)]
    pub markdown: bool,
}

/// Which hub to ask: the one at an address, else the one that runs with the data directory, else the data itself.
#[derive(Args, Clone, Debug, Default)]
pub struct HubArgs {
    /// The dashboard of the hub to ask, as in `http://127.0.0.1:3000`.
    #[arg(long, value_name = "URL", help_heading = "Hub")]
    pub url: Option<String>,
    /// The token of that dashboard [default: FANLIGHT_TOKEN].
    #[arg(long, value_name = "TOKEN", value_parser = secret, help_heading = "Hub")]
    pub token: Option<Secret>,
    /// Where the hub keeps its data [default: $XDG_DATA_HOME/fanlight].
    #[arg(
        long,
        env = "DATA_DIR",
        value_name = "DIR",
        hide_env_values = true,
        help_heading = "Hub"
    )]
    pub data_dir: Option<PathBuf>,
}

/// Options of `fanlight tail`.
#[derive(Args, Clone, Debug)]
pub struct TailArgs {
    /// Show only what this service sends.
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// Show only failures: traces with an error, logs of severity error and above.
    #[arg(long)]
    pub errors: bool,
    /// Show only what has this text in a name, a message or an attribute; letters match in either case.
    #[arg(long, value_name = "TEXT")]
    pub grep: Option<String>,
    /// The hub.
    #[command(flatten)]
    pub hub: HubArgs,
}

/// Options of `fanlight trace`.
#[derive(Args, Clone, Debug)]
pub struct TraceArgs {
    /// The trace's id, 32 hexadecimal digits.
    pub id: String,
    /// The hub.
    #[command(flatten)]
    pub hub: HubArgs,
}

/// Options of `fanlight query`.
#[derive(Args, Clone, Debug)]
pub struct QueryArgs {
    /// One statement that only reads; `-` takes it from standard input.
    pub sql: String,
    /// Print comma-separated values.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print a JSON object for each row, one on each line.
    #[arg(long)]
    pub json: bool,
    /// Print at most so many rows.
    #[arg(long, value_name = "ROWS", default_value_t = 1000)]
    pub limit: u32,
    /// The hub.
    #[command(flatten)]
    pub hub: HubArgs,
}

/// Options of `fanlight run`.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// The hub; one is started for as long as the command runs where none does.
    #[command(flatten)]
    pub hub: HubArgs,
    /// The command and its arguments.
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    pub command: Vec<OsString>,
}

/// Options of `fanlight setup`.
#[derive(Args, Clone, Debug)]
pub struct SetupArgs {
    /// The assistant; without it, all that are known are listed.
    pub tool: Option<String>,
    /// Write the settings into the assistant's own file; what was there is kept beside it.
    #[arg(long)]
    pub write: bool,
    /// Take out again what `--write` wrote.
    #[arg(long, conflicts_with = "write")]
    pub undo: bool,
    /// The hub; the usual addresses are taken where none runs.
    #[command(flatten)]
    pub hub: HubArgs,
}

/// What to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What loses data.
    Error,
    /// What needs attention.
    Warn,
    /// What happened.
    Info,
    /// Why it happened.
    Debug,
    /// Everything, libraries included.
    Trace,
}

/// How to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line for people.
    Text,
    /// One JSON object on each line.
    Json,
}

#[expect(clippy::unnecessary_wraps, reason = "clap's parsers may fail")]
fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text))
}
