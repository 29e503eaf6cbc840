//! Services and their operations: rates, errors and durations, read from what was rolled up by the minute.

use std::collections::BTreeMap;

use rusqlite::Row;
use serde::Serialize;

use super::json::{as_text, as_texts};
use super::rate::DEFAULT_BINS;
use super::shared::Shared;
use super::{Bins, QueryError, TimeRange};
use crate::readers::View;
use crate::rollup::{Cell, MINUTE};

/// Which operations are wanted. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct OperationFilter {
    /// When their spans started.
    pub time: TimeRange,
    /// Only those of this service.
    pub service: Option<String>,
}

/// Spans of one name of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Operation))]
#[serde(rename_all = "camelCase")]
pub struct OperationSummary {
    /// The service.
    pub service: String,
    /// The spans' name.
    pub operation: String,
    /// How many spans there are.
    pub span_count: u64,
    /// How many of them have status error.
    pub error_count: u64,
    /// Half of the spans take no longer than this, in nanoseconds. Durations are known to 3 %.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p50_nano: u64,
    /// 95 of 100 spans take no longer.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p95_nano: u64,
    /// 99 of 100 spans take no longer.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p99_nano: u64,
}

/// What an overview is wanted of.
#[derive(Clone, Copy, Debug, Default)]
pub struct OverviewFilter {
    /// When the spans started.
    pub time: TimeRange,
    /// How many parts the time is divided into, at most; a part is at least a minute. 0 means 60.
    pub bins: u32,
}

/// Every service at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Where the first bin begins, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub start_nano: u64,
    /// How long a bin is, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub step_nano: u64,
    /// The services, sorted by name.
    pub services: Vec<ServiceRed>,
}

/// Rate, errors and durations of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServiceRed {
    /// The service.
    pub service: String,
    /// How many spans there are.
    pub span_count: u64,
    /// How many of them have status error.
    pub error_count: u64,
    /// Half of the spans take no longer than this, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p50_nano: u64,
    /// 95 of 100 spans take no longer.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p95_nano: u64,
    /// 99 of 100 spans take no longer.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p99_nano: u64,
    /// Spans in each bin.
    pub counts: Vec<u64>,
    /// Spans with status error in each bin.
    pub errors: Vec<u64>,
    /// The 95th percentile of the durations in each bin.
    #[serde(serialize_with = "as_texts")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub p95: Vec<u64>,
}

/// Whose rates are wanted.
#[derive(Clone, Debug, Default)]
pub struct RedFilter {
    /// When the spans started.
    pub time: TimeRange,
    /// The service.
    pub service: String,
    /// Only spans of this name.
    pub operation: Option<String>,
    /// How many parts the time is divided into, at most; a part is at least a minute. 0 means 60.
    pub bins: u32,
}

/// Rate, errors and durations over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Red {
    /// Where the first bin begins, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub start_nano: u64,
    /// How long a bin is, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub step_nano: u64,
    /// Spans in each bin.
    pub counts: Vec<u64>,
    /// Spans with status error in each bin.
    pub errors: Vec<u64>,
    /// The median duration in each bin.
    #[serde(serialize_with = "as_texts")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub p50_nano: Vec<u64>,
    /// The 95th percentile of the durations in each bin.
    #[serde(serialize_with = "as_texts")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub p95_nano: Vec<u64>,
    /// The 99th percentile of the durations in each bin.
    #[serde(serialize_with = "as_texts")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub p99_nano: Vec<u64>,
}

/// Who calls whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceMap {
    /// The services, sorted by name.
    pub nodes: Vec<ServiceNode>,
    /// The calls between them, sorted by their ends.
    pub edges: Vec<ServiceEdge>,
}

/// A service of the map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ServiceMapNode))]
#[serde(rename_all = "camelCase")]
pub struct ServiceNode {
    /// Its name.
    pub service: String,
    /// How many spans it made.
    pub span_count: u64,
    /// How many of them have status error.
    pub error_count: u64,
}

/// Calls from one service to another: spans whose parent is a span of the other service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ServiceMapEdge))]
#[serde(rename_all = "camelCase")]
pub struct ServiceEdge {
    /// Who calls.
    pub from: String,
    /// Who is called.
    pub to: String,
    /// How often.
    pub call_count: u64,
    /// How many of the called spans have status error.
    pub error_count: u64,
    /// The 95th percentile of the called spans' durations, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p95_nano: u64,
}

/// The minutes of a range of time: from the one that it begins in to the one that its last nanosecond is in.
fn minutes(time: TimeRange) -> [i64; 2] {
    [
        time.first_ns().div_euclid(MINUTE),
        time.end_ns().saturating_sub(1).div_euclid(MINUTE),
    ]
}

/// Goes through cells of all partitions. The query's parameters 1 and 2 are the first and the last minute, and
/// 3 and 4 what else there is; a row is two ids of names, a minute, and a cell.
fn cells(
    view: &View,
    sql: &str,
    time: TimeRange,
    others: [Option<&str>; 2],
    take: &mut dyn FnMut([&str; 2], i64, Cell),
) -> Result<(), QueryError> {
    let [first, last] = minutes(time);
    for partition in &view.partitions {
        let mut shared = Shared::default();
        let mut find = partition.connection.prepare_cached(sql)?;
        let mut rows = find.query((first, last, others[0], others[1]))?;
        let mut name = |row: &Row<'_>, column| -> Result<String, QueryError> {
            let id: i64 = row.get(column)?;
            match id {
                0 => Ok(String::new()),
                id => Ok(shared.name(&partition.connection, id)?.to_owned()),
            }
        };
        while let Some(row) = rows.next()? {
            let names = [name(row, 0)?, name(row, 1)?];
            take([&names[0], &names[1]], row.get(2)?, Cell::read(row, 3)?);
        }
    }
    Ok(())
}

const OF_SERVICES: &str = "SELECT service, 0, minute, count, errors, durations FROM service_minutes
    WHERE minute BETWEEN ?1 AND ?2 AND (?3 IS NULL OR service = (SELECT id FROM names WHERE text = ?3)) AND ?4 IS NULL";

const OF_OPERATIONS: &str =
    "SELECT service, name, minute, count, errors, durations FROM operation_minutes
    WHERE minute BETWEEN ?1 AND ?2 AND service = (SELECT id FROM names WHERE text = ?3)
    AND (?4 IS NULL OR name = (SELECT id FROM names WHERE text = ?4))";

const OF_ALL_OPERATIONS: &str =
    "SELECT service, name, minute, count, errors, durations FROM operation_minutes
    WHERE minute BETWEEN ?1 AND ?2 AND ?3 IS NULL AND ?4 IS NULL";

const OF_EDGES: &str = "SELECT caller, service, minute, count, errors, durations FROM edge_minutes
    WHERE minute BETWEEN ?1 AND ?2 AND ?3 IS NULL AND ?4 IS NULL";

/// The operations of services.
pub(crate) fn operations(
    view: &View,
    filter: &OperationFilter,
) -> Result<Vec<OperationSummary>, QueryError> {
    let mut all: BTreeMap<[String; 2], Cell> = BTreeMap::new();
    let sql = match filter.service {
        Some(_) => OF_OPERATIONS,
        None => OF_ALL_OPERATIONS,
    };
    let others = [filter.service.as_deref(), None];
    cells(view, sql, filter.time, others, &mut |names, _, cell| {
        all.entry(names.map(str::to_owned))
            .or_default()
            .merge(&cell);
    })?;
    let summary = |([service, operation], cell): ([String; 2], Cell)| OperationSummary {
        service,
        operation,
        span_count: unsigned(cell.count),
        error_count: unsigned(cell.errors),
        p50_nano: cell.durations.quantile(0.5),
        p95_nano: cell.durations.quantile(0.95),
        p99_nano: cell.durations.quantile(0.99),
    };
    Ok(all.into_iter().map(summary).collect())
}

fn unsigned(count: i64) -> u64 {
    count.max(0).cast_unsigned()
}

/// The first and the last minute that has spans, as times.
fn extent(view: &View) -> Result<Option<(i64, i64)>, QueryError> {
    let mut extent: Option<(i64, i64)> = None;
    for partition in &view.partitions {
        let mut find = partition
            .connection
            .prepare_cached("SELECT min(minute), max(minute) FROM service_minutes")?;
        let (first, last): (Option<i64>, Option<i64>) =
            find.query_one([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if let (Some(first), Some(last)) = (first, last) {
            let [first, last] = [first, last].map(|minute| minute.saturating_mul(MINUTE));
            let (a, b) = extent.unwrap_or((first, last));
            extent = Some((a.min(first), b.max(last)));
        }
    }
    Ok(extent)
}

fn bins(view: &View, time: TimeRange, bins: u32) -> Result<Bins, QueryError> {
    let wanted = if bins == 0 { DEFAULT_BINS } else { bins };
    let found = match (time.from, time.to) {
        (Some(_), Some(_)) => None,
        _ => extent(view)?,
    };
    Ok(Bins::of(time, found, wanted, MINUTE))
}

/// The cells of a service in the bins that have any.
type Series = BTreeMap<usize, Cell>;

/// Every service at a glance.
pub(crate) fn overview(view: &View, filter: &OverviewFilter) -> Result<Overview, QueryError> {
    let bins = bins(view, filter.time, filter.bins)?;
    let mut all: BTreeMap<String, Series> = BTreeMap::new();
    let mut take = |[service, _]: [&str; 2], minute: i64, cell: Cell| {
        let index = bins.index(minute.saturating_mul(MINUTE));
        let Some(index) = index else { return };
        if !all.contains_key(service) {
            all.insert(service.to_owned(), Series::new());
        }
        if let Some(series) = all.get_mut(service) {
            series.entry(index).or_default().merge(&cell);
        }
    };
    cells(view, OF_SERVICES, filter.time, [None, None], &mut take)?;
    Ok(Overview {
        start_nano: bins.start.cast_unsigned(),
        step_nano: bins.step.cast_unsigned(),
        services: all
            .into_iter()
            .map(|(service, series)| service_red(service, &series, bins.count))
            .collect(),
    })
}

fn service_red(service: String, series: &Series, bins: usize) -> ServiceRed {
    let mut whole = Cell::default();
    series.values().for_each(|cell| whole.merge(cell));
    let column = |of: fn(&Cell) -> u64| column(series, bins, of);
    ServiceRed {
        service,
        span_count: unsigned(whole.count),
        error_count: unsigned(whole.errors),
        p50_nano: whole.durations.quantile(0.5),
        p95_nano: whole.durations.quantile(0.95),
        p99_nano: whole.durations.quantile(0.99),
        counts: column(|cell| unsigned(cell.count)),
        errors: column(|cell| unsigned(cell.errors)),
        p95: column(|cell| cell.durations.quantile(0.95)),
    }
}

/// A number of each bin; 0 where there is nothing.
fn column(series: &Series, bins: usize, of: fn(&Cell) -> u64) -> Vec<u64> {
    (0..bins)
        .map(|index| series.get(&index).map_or(0, of))
        .collect()
}

/// Rate, errors and durations of a service over time.
pub(crate) fn red(view: &View, filter: &RedFilter) -> Result<Red, QueryError> {
    let bins = bins(view, filter.time, filter.bins)?;
    let mut series = Series::new();
    let sql = match filter.operation {
        Some(_) => OF_OPERATIONS,
        None => OF_SERVICES,
    };
    let others = [Some(&*filter.service), filter.operation.as_deref()];
    cells(view, sql, filter.time, others, &mut |_, minute, cell| {
        if let Some(index) = bins.index(minute.saturating_mul(MINUTE)) {
            series.entry(index).or_default().merge(&cell);
        }
    })?;
    let column = |of: fn(&Cell) -> u64| column(&series, bins.count, of);
    Ok(Red {
        start_nano: bins.start.cast_unsigned(),
        step_nano: bins.step.cast_unsigned(),
        counts: column(|cell| unsigned(cell.count)),
        errors: column(|cell| unsigned(cell.errors)),
        p50_nano: column(|cell| cell.durations.quantile(0.5)),
        p95_nano: column(|cell| cell.durations.quantile(0.95)),
        p99_nano: column(|cell| cell.durations.quantile(0.99)),
    })
}

/// Who calls whom.
pub(crate) fn service_map(view: &View, time: TimeRange) -> Result<ServiceMap, QueryError> {
    let mut services: BTreeMap<String, Cell> = BTreeMap::new();
    cells(
        view,
        OF_SERVICES,
        time,
        [None, None],
        &mut |names, _, cell| {
            services
                .entry(names[0].to_owned())
                .or_default()
                .merge(&cell);
        },
    )?;
    let mut calls: BTreeMap<[String; 2], Cell> = BTreeMap::new();
    cells(view, OF_EDGES, time, [None, None], &mut |names, _, cell| {
        calls
            .entry(names.map(str::to_owned))
            .or_default()
            .merge(&cell);
    })?;
    let node = |(service, cell): (String, Cell)| ServiceNode {
        service,
        span_count: unsigned(cell.count),
        error_count: unsigned(cell.errors),
    };
    let edge = |([from, to], cell): ([String; 2], Cell)| ServiceEdge {
        from,
        to,
        call_count: unsigned(cell.count),
        error_count: unsigned(cell.errors),
        p95_nano: cell.durations.quantile(0.95),
    };
    Ok(ServiceMap {
        nodes: services.into_iter().map(node).collect(),
        edges: calls.into_iter().map(edge).collect(),
    })
}
