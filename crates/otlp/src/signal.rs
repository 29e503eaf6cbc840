//! The four signals, and the only place where they are listed.
//!
//! Everything that differs between signals on the wire is a field of [`SignalInfo`]; code elsewhere asks for it
//! instead of naming a signal. Sources: [OTLP specification](https://opentelemetry.io/docs/specs/otlp/) and the service
//! definitions of [opentelemetry-proto](https://github.com/open-telemetry/opentelemetry-proto).

use std::fmt;
use std::str::FromStr;

/// A kind of telemetry that OTLP carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// Spans, grouped by trace id.
    Traces,
    /// Data points of named metric streams.
    Metrics,
    /// Log records.
    Logs,
    /// Profiles (`v1development`).
    Profiles,
}

/// What is specific to one signal, as data.
#[derive(Debug, PartialEq, Eq)]
pub struct SignalInfo {
    /// The signal's name in configuration: `traces`, `metrics`, `logs`, `profiles`.
    pub name: &'static str,
    /// The path of the HTTP binding, such as `/v1/traces`.
    pub http_path: &'static str,
    /// The full gRPC method path.
    pub grpc_method: &'static str,
    /// What one item is called in text and in metric names, plural: `spans`, `metric_points`, ...
    pub items: &'static str,
    /// The JSON name of the request's repeated field, such as `resourceSpans`.
    pub json_root: &'static str,
    /// The JSON name of the partial success counter, such as `rejectedSpans`.
    pub json_rejected: &'static str,
    /// Whether two requests concatenate into one. Profiles do not: their samples index into one dictionary per request.
    pub joinable: bool,
}

impl Signal {
    /// Every signal, in the order in which documents list them.
    pub const ALL: [Signal; 4] = [
        Signal::Traces,
        Signal::Metrics,
        Signal::Logs,
        Signal::Profiles,
    ];

    /// What is specific to this signal.
    pub const fn info(self) -> &'static SignalInfo {
        match self {
            Signal::Traces => &TRACES,
            Signal::Metrics => &METRICS,
            Signal::Logs => &LOGS,
            Signal::Profiles => &PROFILES,
        }
    }

    /// The signal's name in configuration.
    pub const fn name(self) -> &'static str {
        self.info().name
    }

    /// The signal whose HTTP path this is.
    pub fn from_http_path(path: &str) -> Option<Signal> {
        Signal::ALL
            .into_iter()
            .find(|signal| signal.info().http_path == path)
    }

    /// The signal whose gRPC method this is.
    pub fn from_grpc_method(path: &str) -> Option<Signal> {
        Signal::ALL
            .into_iter()
            .find(|signal| signal.info().grpc_method == path)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is no signal's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a signal; the signals are traces, metrics, logs and profiles")]
pub struct UnknownSignal(String);

impl FromStr for Signal {
    type Err = UnknownSignal;

    fn from_str(text: &str) -> Result<Signal, UnknownSignal> {
        Signal::ALL
            .into_iter()
            .find(|signal| signal.name() == text)
            .ok_or_else(|| UnknownSignal(text.to_owned()))
    }
}

/// A set of signals.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct SignalSet(u8);

impl SignalSet {
    /// No signal.
    pub const NONE: SignalSet = SignalSet(0);
    /// Every signal.
    pub const ALL: SignalSet = SignalSet(0b1111);

    /// The set of exactly these signals.
    pub const fn of(signals: &[Signal]) -> SignalSet {
        let mut bits = 0;
        let mut rest = signals;
        while let [first, tail @ ..] = rest {
            bits |= 1 << *first as u8;
            rest = tail;
        }
        SignalSet(bits)
    }

    /// Whether the signal is in the set.
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 & (1 << signal as u8) != 0
    }

    /// The set with this signal added.
    #[must_use]
    pub const fn with(self, signal: Signal) -> SignalSet {
        SignalSet(self.0 | 1 << signal as u8)
    }

    /// The set with this signal taken out.
    #[must_use]
    pub const fn without(self, signal: Signal) -> SignalSet {
        SignalSet(self.0 & !(1 << signal as u8))
    }

    /// The signals that are in both sets.
    #[must_use]
    pub const fn and(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 & other.0)
    }

    /// Whether no signal is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The signals of the set, in the order of [`Signal::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Signal> {
        Signal::ALL
            .into_iter()
            .filter(move |signal| self.contains(*signal))
    }
}

impl FromIterator<Signal> for SignalSet {
    fn from_iter<I: IntoIterator<Item = Signal>>(signals: I) -> SignalSet {
        signals.into_iter().fold(SignalSet::NONE, SignalSet::with)
    }
}

impl fmt::Debug for SignalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(Signal::name))
            .finish()
    }
}

impl fmt::Display for SignalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, signal) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{signal}")?;
        }
        Ok(())
    }
}

static TRACES: SignalInfo = SignalInfo {
    name: "traces",
    http_path: "/v1/traces",
    grpc_method: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    items: "spans",
    json_root: "resourceSpans",
    json_rejected: "rejectedSpans",
    joinable: true,
};

static METRICS: SignalInfo = SignalInfo {
    name: "metrics",
    http_path: "/v1/metrics",
    grpc_method: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    items: "metric_points",
    json_root: "resourceMetrics",
    json_rejected: "rejectedDataPoints",
    joinable: true,
};

static LOGS: SignalInfo = SignalInfo {
    name: "logs",
    http_path: "/v1/logs",
    grpc_method: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    items: "log_records",
    json_root: "resourceLogs",
    json_rejected: "rejectedLogRecords",
    joinable: true,
};

static PROFILES: SignalInfo = SignalInfo {
    name: "profiles",
    http_path: "/v1development/profiles",
    grpc_method: "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
    items: "profile_samples",
    json_root: "resourceProfiles",
    json_rejected: "rejectedProfiles",
    joinable: false,
};
