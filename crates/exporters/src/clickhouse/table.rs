//! The tables, and what their columns may differ in.

use fanlight_otlp::view::MetricKind;

/// One of the Collector's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Table {
    Traces,
    Logs,
    Gauge,
    Sum,
    Histogram,
    ExponentialHistogram,
    Summary,
}

impl Table {
    /// The table of a kind of metric.
    pub(super) const fn of(kind: MetricKind) -> Option<Table> {
        match kind {
            MetricKind::Empty => None,
            MetricKind::Gauge => Some(Table::Gauge),
            MetricKind::Sum => Some(Table::Sum),
            MetricKind::Histogram => Some(Table::Histogram),
            MetricKind::ExponentialHistogram => Some(Table::ExponentialHistogram),
            MetricKind::Summary => Some(Table::Summary),
        }
    }
}

/// What differs between the tables of different releases of the Collector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    /// Logs have `EventName`.
    pub(super) event_name: bool,
    /// With `json`, there are arrays of the attributes' keys.
    pub(super) keys: bool,
    /// Times of metrics are `DateTime`, in seconds, not `DateTime64(9)`.
    pub(super) seconds: bool,
}

impl Columns {
    /// From the names and types of a table's columns.
    pub(super) fn of(found: &[(String, String)]) -> Columns {
        let has = |name: &str| found.iter().any(|(found, _)| found == name);
        Columns {
            event_name: has("EventName"),
            keys: has("ResourceAttributesKeys"),
            seconds: found
                .iter()
                .any(|(name, kind)| name == "TimeUnix" && !kind.starts_with("DateTime64")),
        }
    }
}
