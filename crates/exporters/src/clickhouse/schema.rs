//! The statements: databases and tables as the Collector's exporter creates them, and what is inserted.
//!
//! [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/clickhouseexporter/internal/sqltemplates).

use std::time::Duration;

use super::table::{Columns, Table};

/// What names and statements depend on.
#[derive(Clone, Debug)]
pub(super) struct Schema {
    pub(super) database: String,
    /// `ON CLUSTER`; empty for none.
    pub(super) cluster: String,
    /// `MergeTree()`.
    pub(super) engine: String,
    /// Zero for none.
    pub(super) ttl: Duration,
    /// Whether attributes are JSON columns, not maps.
    pub(super) json: bool,
    pub(super) traces: String,
    pub(super) logs: String,
    /// Gauge, sum, histogram, exponential histogram, summary.
    pub(super) metrics: [String; 5],
}

const TRACES: [&str; 21] = [
    "Timestamp",
    "TraceId",
    "SpanId",
    "ParentSpanId",
    "TraceState",
    "SpanName",
    "SpanKind",
    "ServiceName",
    "ResourceAttributes",
    "ScopeName",
    "ScopeVersion",
    "SpanAttributes",
    "Duration",
    "StatusCode",
    "StatusMessage",
    "Events.Timestamp",
    "Events.Name",
    "Events.Attributes",
    "Links.TraceId",
    "Links.SpanId",
    "Links.TraceState",
];
const LOGS: [&str; 15] = [
    "Timestamp",
    "TraceId",
    "SpanId",
    "TraceFlags",
    "SeverityText",
    "SeverityNumber",
    "ServiceName",
    "Body",
    "ResourceSchemaUrl",
    "ResourceAttributes",
    "ScopeSchemaUrl",
    "ScopeName",
    "ScopeVersion",
    "ScopeAttributes",
    "LogAttributes",
];
const METRICS: [&str; 15] = [
    "ResourceAttributes",
    "ResourceSchemaUrl",
    "ScopeName",
    "ScopeVersion",
    "ScopeAttributes",
    "ScopeDroppedAttrCount",
    "ScopeSchemaUrl",
    "ServiceName",
    "MetricName",
    "MetricDescription",
    "MetricUnit",
    "Attributes",
    "StartTimeUnix",
    "TimeUnix",
    "Flags",
];
const EXEMPLARS: [&str; 5] = [
    "Exemplars.FilteredAttributes",
    "Exemplars.TimeUnix",
    "Exemplars.Value",
    "Exemplars.SpanId",
    "Exemplars.TraceId",
];
const GAUGE: [&str; 1] = ["Value"];
const SUM: [&str; 3] = ["Value", "AggregationTemporality", "IsMonotonic"];
const HISTOGRAM: [&str; 7] = [
    "Count",
    "Sum",
    "BucketCounts",
    "ExplicitBounds",
    "Min",
    "Max",
    "AggregationTemporality",
];
const EXPONENTIAL_HISTOGRAM: [&str; 11] = [
    "Count",
    "Sum",
    "Scale",
    "ZeroCount",
    "PositiveOffset",
    "PositiveBucketCounts",
    "NegativeOffset",
    "NegativeBucketCounts",
    "Min",
    "Max",
    "AggregationTemporality",
];
const SUMMARY: [&str; 4] = [
    "Count",
    "Sum",
    "ValueAtQuantiles.Quantile",
    "ValueAtQuantiles.Value",
];

impl Schema {
    /// A table's name.
    pub(super) fn name(&self, table: Table) -> String {
        let [gauge, sum, histogram, exponential, summary] = &self.metrics;
        match table {
            Table::Traces => &self.traces,
            Table::Logs => &self.logs,
            Table::Gauge => gauge,
            Table::Sum => sum,
            Table::Histogram => histogram,
            Table::ExponentialHistogram => exponential,
            Table::Summary => summary,
        }
        .clone()
    }

    /// The statement before rows, which have these columns in this order.
    pub(super) fn insert(&self, table: Table, columns: Columns) -> String {
        let mut names: Vec<&str> = Vec::with_capacity(32);
        match table {
            Table::Traces => {
                names.extend(TRACES);
                names.push("Links.Attributes");
                if columns.keys {
                    names.extend(["ResourceAttributesKeys", "SpanAttributesKeys"]);
                }
            }
            Table::Logs => {
                names.extend(LOGS);
                if columns.keys {
                    let keys = [
                        "ResourceAttributesKeys",
                        "ScopeAttributesKeys",
                        "LogAttributesKeys",
                    ];
                    names.extend(keys);
                }
                names.extend(columns.event_name.then_some("EventName"));
            }
            _ => {
                names.extend(METRICS);
                if table != Table::Summary {
                    names.extend(EXEMPLARS);
                }
                names.extend(match table {
                    Table::Gauge => &GAUGE[..],
                    Table::Sum => &SUM,
                    Table::Histogram => &HISTOGRAM,
                    Table::ExponentialHistogram => &EXPONENTIAL_HISTOGRAM,
                    _ => &SUMMARY,
                });
            }
        }
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let place = self.place(&self.name(table));
        format!(
            "INSERT INTO {place} ({}) FORMAT RowBinary",
            names.join(", ")
        )
    }

    /// What makes a table, and its database, where they are not there yet.
    pub(super) fn create(&self, table: Table) -> Vec<String> {
        let mut statements = vec![format!(
            "CREATE DATABASE IF NOT EXISTS \"{}\"{}",
            self.database,
            self.on_cluster()
        )];
        match table {
            Table::Traces => statements.extend(self.create_traces()),
            Table::Logs => statements.push(self.create_logs()),
            _ => statements.push(self.create_metrics(table)),
        }
        statements
    }

    fn create_traces(&self) -> [String; 3] {
        let map = self.map();
        let columns = format!(
            "Timestamp DateTime64(9) CODEC(Delta, ZSTD(1)), TraceId String CODEC(ZSTD(1)), SpanId String CODEC(ZSTD(1)), \
             ParentSpanId String CODEC(ZSTD(1)), TraceState String CODEC(ZSTD(1)), SpanName LowCardinality(String) CODEC(ZSTD(1)), \
             SpanKind LowCardinality(String) CODEC(ZSTD(1)), ServiceName LowCardinality(String) CODEC(ZSTD(1)), \
             ResourceAttributes {map} CODEC(ZSTD(1)), {}ScopeName String CODEC(ZSTD(1)), ScopeVersion String CODEC(ZSTD(1)), \
             SpanAttributes {map} CODEC(ZSTD(1)), {}Duration UInt64 CODEC(ZSTD(1)), \
             StatusCode LowCardinality(String) CODEC(ZSTD(1)), StatusMessage String CODEC(ZSTD(1)), \
             Events Nested (Timestamp DateTime64(9), Name LowCardinality(String), Attributes {map}) CODEC(ZSTD(1)), \
             Links Nested (TraceId String, SpanId String, TraceState String, Attributes {map}) CODEC(ZSTD(1)), \
             INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1, {}{}\
             INDEX idx_duration Duration TYPE minmax GRANULARITY 1",
            self.keys("ResourceAttributes"),
            self.keys("SpanAttributes"),
            self.index("res_attr", "ResourceAttributes"),
            self.index("span_attr", "SpanAttributes"),
        );
        let (traces, lookup) = (self.traces.as_str(), format!("{}_trace_id_ts", self.traces));
        let cluster = self.on_cluster();
        let (from, to) = (self.place(traces), self.place(&lookup));
        [
            self.table(
                traces,
                &columns,
                "PARTITION BY toDate(Timestamp) ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))",
                "toDateTime(Timestamp)",
            ),
            self.table(
                &lookup,
                "TraceId String CODEC(ZSTD(1)), Start DateTime CODEC(Delta, ZSTD(1)), End DateTime CODEC(Delta, ZSTD(1)), \
                 INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1",
                "PARTITION BY toDate(Start) ORDER BY (TraceId, Start)",
                "toDateTime(Start)",
            ),
            format!(
                "CREATE MATERIALIZED VIEW IF NOT EXISTS {}{cluster} TO {to} AS SELECT TraceId, min(Timestamp) AS Start, \
                 max(Timestamp) AS End FROM {from} WHERE TraceId != '' GROUP BY TraceId",
                self.place(&format!("{lookup}_mv")),
            ),
        ]
    }

    fn create_logs(&self) -> String {
        let map = self.map();
        let columns = format!(
            "Timestamp DateTime64(9) CODEC(Delta, ZSTD(1)), TimestampTime DateTime DEFAULT toDateTime(Timestamp), \
             TraceId String CODEC(ZSTD(1)), SpanId String CODEC(ZSTD(1)), TraceFlags UInt8, \
             SeverityText LowCardinality(String) CODEC(ZSTD(1)), SeverityNumber UInt8, \
             ServiceName LowCardinality(String) CODEC(ZSTD(1)), Body String CODEC(ZSTD(1)), \
             ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)), ResourceAttributes {map} CODEC(ZSTD(1)), {}\
             ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)), ScopeName String CODEC(ZSTD(1)), \
             ScopeVersion LowCardinality(String) CODEC(ZSTD(1)), ScopeAttributes {map} CODEC(ZSTD(1)), {}\
             LogAttributes {map} CODEC(ZSTD(1)), {}EventName String CODEC(ZSTD(1)), \
             INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1, {}{}{}\
             INDEX idx_body Body TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 8",
            self.keys("ResourceAttributes"),
            self.keys("ScopeAttributes"),
            self.keys("LogAttributes"),
            self.index("res_attr", "ResourceAttributes"),
            self.index("scope_attr", "ScopeAttributes"),
            self.index("log_attr", "LogAttributes"),
        );
        self.table(
            &self.logs,
            &columns,
            "PARTITION BY toDate(TimestampTime) PRIMARY KEY (ServiceName, TimestampTime) \
             ORDER BY (ServiceName, TimestampTime, Timestamp)",
            "TimestampTime",
        )
    }

    fn create_metrics(&self, table: Table) -> String {
        let map = self.map();
        let zstd = "CODEC(ZSTD(1))";
        let own = match table {
            Table::Gauge => format!("Value Float64 {zstd}, "),
            Table::Sum => format!(
                "Value Float64 {zstd}, AggregationTemporality Int32 {zstd}, IsMonotonic Boolean CODEC(Delta, ZSTD(1)), "
            ),
            Table::Histogram => format!(
                "Count UInt64 CODEC(Delta, ZSTD(1)), Sum Float64 {zstd}, BucketCounts Array(UInt64) {zstd}, \
                 ExplicitBounds Array(Float64) {zstd}, Min Float64 {zstd}, Max Float64 {zstd}, AggregationTemporality Int32 {zstd}, "
            ),
            Table::ExponentialHistogram => format!(
                "Count UInt64 CODEC(Delta, ZSTD(1)), Sum Float64 {zstd}, Scale Int32 {zstd}, ZeroCount UInt64 {zstd}, \
                 PositiveOffset Int32 {zstd}, PositiveBucketCounts Array(UInt64) {zstd}, NegativeOffset Int32 {zstd}, \
                 NegativeBucketCounts Array(UInt64) {zstd}, Min Float64 {zstd}, Max Float64 {zstd}, AggregationTemporality Int32 {zstd}, "
            ),
            _ => format!(
                "Count UInt64 CODEC(Delta, ZSTD(1)), Sum Float64 {zstd}, \
                 ValueAtQuantiles Nested (Quantile Float64, Value Float64) {zstd}, "
            ),
        };
        let exemplars = match table {
            Table::Summary => String::new(),
            _ => format!(
                "Exemplars Nested (FilteredAttributes {map}, TimeUnix DateTime64(9), Value Float64, SpanId String, TraceId String) {zstd}, "
            ),
        };
        let columns = format!(
            "ResourceAttributes {map} {zstd}, ResourceSchemaUrl String {zstd}, ScopeName String {zstd}, ScopeVersion String {zstd}, \
             ScopeAttributes {map} {zstd}, ScopeDroppedAttrCount UInt32 {zstd}, ScopeSchemaUrl String {zstd}, \
             ServiceName LowCardinality(String) {zstd}, MetricName String {zstd}, MetricDescription String {zstd}, \
             MetricUnit String {zstd}, Attributes {map} {zstd}, StartTimeUnix DateTime64(9) CODEC(Delta, ZSTD(1)), \
             TimeUnix DateTime64(9) CODEC(Delta, ZSTD(1)), {own}Flags UInt32 {zstd}, {exemplars}{}{}{}\
             INDEX idx_time_minmax TimeUnix TYPE minmax GRANULARITY 1",
            self.index("res_attr", "ResourceAttributes"),
            self.index("scope_attr", "ScopeAttributes"),
            self.index("attr", "Attributes"),
        );
        let order = match self.json {
            // JSON columns can't be sorted by.
            true => "ServiceName, MetricName, toUnixTimestamp64Nano(TimeUnix)",
            false => "ServiceName, MetricName, Attributes, toUnixTimestamp64Nano(TimeUnix)",
        };
        self.table(
            &self.name(table),
            &columns,
            &format!("PARTITION BY toDate(TimeUnix) ORDER BY ({order})"),
            "toDateTime(TimeUnix)",
        )
    }

    fn table(&self, name: &str, columns: &str, layout: &str, time: &str) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {}{} ({columns}) ENGINE = {} {layout}{} SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1",
            self.place(name),
            self.on_cluster(),
            self.engine,
            self.expiry(time),
        )
    }

    fn place(&self, name: &str) -> String {
        format!("\"{}\".\"{name}\"", self.database)
    }

    fn on_cluster(&self) -> String {
        match self.cluster.is_empty() {
            true => String::new(),
            false => format!(" ON CLUSTER \"{}\"", self.cluster),
        }
    }

    /// The type of attributes.
    const fn map(&self) -> &'static str {
        match self.json {
            true => "JSON",
            false => "Map(LowCardinality(String), String)",
        }
    }

    /// The column of an attribute column's keys, which JSON needs to be searched by them.
    fn keys(&self, column: &str) -> String {
        match self.json {
            true => format!("{column}Keys Array(LowCardinality(String)) CODEC(ZSTD(1)), "),
            false => String::new(),
        }
    }

    /// The indexes of a map; JSON has none.
    fn index(&self, name: &str, column: &str) -> String {
        match self.json {
            true => String::new(),
            false => format!(
                "INDEX idx_{name}_key mapKeys({column}) TYPE bloom_filter(0.01) GRANULARITY 1, \
                 INDEX idx_{name}_value mapValues({column}) TYPE bloom_filter(0.01) GRANULARITY 1, "
            ),
        }
    }

    /// When rows go, in the largest unit that fits.
    fn expiry(&self, time: &str) -> String {
        let seconds = self.ttl.as_secs();
        let unit = [
            (86_400, "Day"),
            (3600, "Hour"),
            (60, "Minute"),
            (1, "Second"),
        ]
        .into_iter()
        .find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
        unit.map_or_else(String::new, |(unit, name)| {
            format!(" TTL {time} + toInterval{name}({})", seconds / unit)
        })
    }
}
