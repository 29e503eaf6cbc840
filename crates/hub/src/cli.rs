//! The command line: names, documentation and defaults of every option.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// See your telemetry at once, and send it anywhere.
///
/// Fanlight takes traces, metrics, logs and profiles over OTLP, shows them in a local dashboard and sends them on to any
/// backend. Without a configuration file it listens on 127.0.0.1:4317 (gRPC), :4318 (HTTP) and :3000 (dashboard), and
/// forwards to what OTEL_EXPORTER_OTLP_ENDPOINT names.
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
