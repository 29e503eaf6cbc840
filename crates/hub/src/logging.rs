//! The hub's own log: to standard error for people and machines, and to whoever subscribes within the hub.

use std::fmt;

use fanlight_pipeline::Status;
use fanlight_pipeline::telemetry::LogLine;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::{LogFormat, LogLevel};

/// Starts logging. Libraries log from one level above the hub's, so that `debug` stays readable.
pub(crate) fn start(level: LogLevel, format: LogFormat, colours: bool, status: Status) {
    let own = filter(level);
    let others = if level == LogLevel::Trace {
        own
    } else {
        own.min(LevelFilter::WARN)
    };
    let targets = Targets::new()
        .with_default(others)
        .with_target("fanlight", own);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .with_target(level > LogLevel::Info);
    let published =
        Published(status).with_filter(Targets::new().with_target("fanlight", LevelFilter::INFO));
    let registry = tracing_subscriber::registry().with(published);
    // A second start (in tests) keeps the first.
    let _ = match format {
        LogFormat::Text => registry.with(lines.with_filter(targets)).try_init(),
        LogFormat::Json => registry
            .with(lines.json().flatten_event(true).with_filter(targets))
            .try_init(),
    };
}

const fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

/// Hands the hub's own lines to the receiver of its own telemetry.
struct Published(Status);

impl<S: Subscriber> Layer<S> for Published {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.0.publish_log(|| {
            let mut line = Line::default();
            event.record(&mut line);
            LogLine {
                severity: severity(*event.metadata().level()),
                target: event.metadata().target(),
                message: line.message,
                fields: line.fields,
            }
        });
    }
}

/// [Severity numbers](https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber).
const fn severity(level: Level) -> (u8, &'static str) {
    match level {
        Level::ERROR => (17, "ERROR"),
        Level::WARN => (13, "WARN"),
        Level::INFO => (9, "INFO"),
        Level::DEBUG => (5, "DEBUG"),
        Level::TRACE => (1, "TRACE"),
    }
}

#[derive(Default)]
struct Line {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            name => self.fields.push((name, text)),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = value.to_owned(),
            name => self.fields.push((name, value.to_owned())),
        }
    }
}
