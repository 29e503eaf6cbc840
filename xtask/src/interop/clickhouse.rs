//! ClickHouse behind the hub: the schema is the exporter's, and the golden set is read back with SQL.

mod expected;

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::Value;

use super::Setting;
use super::golden;
use super::server::clickhouse::{ClickHouse, USER};
use crate::hub::{Hub, Ports};
use crate::process::eventually;
use crate::steps::{Steps, Tests};
use crate::workspace;

/// The tables, each with the columns to compare as they are selected.
const TABLES: [(&str, &str); 7] = [
    (
        "otel_traces",
        "toUnixTimestamp64Nano(Timestamp) AS Time, TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName, \
         ResourceAttributes, ScopeName, ScopeVersion, SpanAttributes, Duration, StatusCode, StatusMessage, \
         arrayMap(t -> toUnixTimestamp64Nano(t), Events.Timestamp) AS EventTimes, Events.Name AS EventNames, \
         Events.Attributes AS EventAttributes, Links.TraceId AS LinkTraceIds, Links.SpanId AS LinkSpanIds, \
         Links.TraceState AS LinkTraceStates, Links.Attributes AS LinkAttributes",
    ),
    (
        "otel_logs",
        "toUnixTimestamp64Nano(Timestamp) AS Time, TraceId, SpanId, TraceFlags, SeverityText, SeverityNumber, ServiceName, Body, \
         ResourceSchemaUrl, ResourceAttributes, ScopeSchemaUrl, ScopeName, ScopeVersion, ScopeAttributes, LogAttributes, EventName",
    ),
    ("otel_metrics_gauge", "Value"),
    (
        "otel_metrics_sum",
        "Value, AggregationTemporality, IsMonotonic",
    ),
    (
        "otel_metrics_histogram",
        "Count, Sum, BucketCounts, ExplicitBounds, Min, Max, AggregationTemporality",
    ),
    (
        "otel_metrics_exponential_histogram",
        "Count, Sum, Scale, ZeroCount, PositiveOffset, PositiveBucketCounts, NegativeOffset, NegativeBucketCounts, Min, Max, \
         AggregationTemporality",
    ),
    (
        "otel_metrics_summary",
        "Count, Sum, ValueAtQuantiles.Quantile AS Quantiles, ValueAtQuantiles.Value AS QuantileValues",
    ),
];

const OF_ALL_METRICS: &str = "ServiceName, MetricName, MetricDescription, MetricUnit, Attributes, ResourceAttributes, \
    ResourceSchemaUrl, ScopeName, ScopeVersion, ScopeAttributes, ScopeDroppedAttrCount, ScopeSchemaUrl, \
    toUnixTimestamp64Nano(StartTimeUnix) AS Start, toUnixTimestamp64Nano(TimeUnix) AS Time, Flags";

const EXEMPLARS: &str = "Exemplars.FilteredAttributes AS ExemplarAttributes, \
    arrayMap(t -> toUnixTimestamp64Nano(t), Exemplars.TimeUnix) AS ExemplarTimes, Exemplars.Value AS ExemplarValues, \
    Exemplars.SpanId AS ExemplarSpanIds, Exemplars.TraceId AS ExemplarTraceIds";

/// The hub fills ClickHouse's tables.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    for compress in ["lz4", "zstd", "none"] {
        steps.run(&format!("hub to ClickHouse: {compress}"), |_| {
            golden_set(setting, compress)
        });
    }
    steps.run("hub to ClickHouse: attributes as JSON columns", |_| {
        json(setting)
    });
}

/// Scenario: the hub sends the golden set to a server without any table.
/// Guarantee: the tables are there, and every row of every table is equal field by field.
fn golden_set(setting: &Setting, compress: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!("interop/runs/clickhouse-{compress}"))?;
    let server = ClickHouse::start(setting, &directory)?;
    let (hub, ports) = hub(
        setting,
        &directory,
        &server,
        &format!("compress: {compress}"),
    )?;
    let sent = golden::send_each(ports)?;
    let all = expected::rows(&sent)?;
    ensure!(
        all.len() == TABLES.len(),
        "the golden set has {} kinds of items",
        all.len()
    );
    for (table, columns) in TABLES {
        let columns = match table.strip_prefix("otel_metrics_") {
            None => columns.to_owned(),
            Some("summary") => format!("{OF_ALL_METRICS}, {columns}"),
            Some(_) => format!("{OF_ALL_METRICS}, {EXEMPLARS}, {columns}"),
        };
        let wanted = all.get(table).map_or(&[][..], Vec::as_slice);
        let query = format!("SELECT {columns} FROM otel.{table} {SETTINGS}");
        let found = eventually(Duration::from_secs(60), || {
            let found = server.rows(&query)?;
            ensure!(
                found.len() >= wanted.len(),
                "{} of {} rows in {table}",
                found.len(),
                wanted.len()
            );
            Ok(found)
        })?;
        equal(table, wanted, found)?;
    }
    let lookup = server.rows("SELECT count() AS n FROM otel.otel_traces_trace_id_ts SETTINGS output_format_json_quote_64bit_integers=0")?;
    ensure!(
        lookup.iter().any(|row| row["n"].as_u64() > Some(0)),
        "no trace can be looked up by its id"
    );
    hub.stop()?;
    Ok(Tests::passed(TABLES.len() + 1))
}

/// Numbers as they are, and all of them.
const SETTINGS: &str =
    "SETTINGS output_format_json_quote_64bit_integers=1, output_format_json_quote_denormals=1";

/// Scenario: the same with `json: true`.
/// Guarantee: all rows are there, and attributes can be asked for by their path.
fn json(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/clickhouse-json")?;
    let server = ClickHouse::start(setting, &directory)?;
    let (hub, ports) = hub(
        setting,
        &directory,
        &server,
        "json: true\n    connection_params:\n      enable_json_type: \"1\"",
    )?;
    let sent = golden::send_each(ports)?;
    let all = expected::rows(&sent)?;
    for (table, _) in TABLES {
        let wanted = all.get(table).map_or(0, Vec::len);
        eventually(Duration::from_secs(60), || {
            let found = server
                .rows(&format!("SELECT 1 AS one FROM otel.{table}"))?
                .len();
            ensure!(found == wanted, "{found} of {wanted} rows in {table}");
            Ok(())
        })?;
    }
    let found = server.rows("SELECT DISTINCT toString(ResourceAttributes.service.name) AS name, ServiceName AS column FROM otel.otel_logs WHERE has(ResourceAttributesKeys, 'service.name')")?;
    ensure!(
        !found.is_empty() && found.iter().all(|row| row["name"] == row["column"]),
        "{found:?}"
    );
    hub.stop()?;
    Ok(Tests::passed(TABLES.len() + 1))
}

fn hub(
    setting: &Setting,
    directory: &std::path::Path,
    server: &ClickHouse,
    option: &str,
) -> Result<(Hub, Ports)> {
    let ports = Ports::free()?;
    let configuration = format!(
        "{}exporters:\n  clickhouse:\n    endpoint: http://127.0.0.1:{}\n    username: {}\n    password: {}\n    database: otel\n    timeout: 60s\n    {option}\n",
        ports.receivers(),
        server.port,
        USER.0,
        USER.1
    );
    let hub = setting.start_hub(directory, ports, &configuration)?;
    Ok((hub, ports))
}

/// Compares rows in any order, and shows where the most similar differs.
fn equal(table: &str, wanted: &[Value], found: Vec<Value>) -> Result<()> {
    let mut found: Vec<Value> = found.into_iter().map(expected::canonical).collect();
    ensure!(
        found.len() == wanted.len(),
        "{table} has {} rows, expected {}",
        found.len(),
        wanted.len()
    );
    for row in wanted {
        let row = expected::canonical(row.clone());
        if let Some(place) = found.iter().position(|other| *other == row) {
            found.swap_remove(place);
            continue;
        }
        let differing = |other: &Value| -> Vec<String> {
            let fields = row.as_object().into_iter().flatten();
            let differing = fields.filter(|(name, value)| other.get(name.as_str()) != Some(*value));
            let shown = differing.map(|(name, value)| {
                let other = other.get(name.as_str()).unwrap_or(&Value::Null);
                format!("{name}: expected {value:.300}, found {other:.300}")
            });
            shown.collect()
        };
        let nearest = found
            .iter()
            .map(differing)
            .min_by_key(Vec::len)
            .unwrap_or_default();
        bail!(
            "{table}: no row like one of the golden set; the nearest differs in\n  {}",
            nearest.join("\n  ")
        );
    }
    Ok(())
}
