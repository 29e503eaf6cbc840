//! The list of metrics.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rusqlite::types::Value as Cell;
use rusqlite::{Row, params};
use serde::Serialize;

use super::QueryError;
use super::json::as_text;
use crate::block::key_value;
use crate::readers::View;
use crate::wire::payloads;

/// Which metrics are wanted. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct MetricFilter {
    /// Only those with this in their name; ASCII letters match in either case.
    pub name: Option<String>,
    /// Only those of this service.
    pub service: Option<String>,
}

/// One metric of one service.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Metric))]
#[serde(rename_all = "camelCase")]
pub struct MetricSummary {
    /// Its name.
    pub name: String,
    /// `gauge`, `sum`, `histogram`, `exponential_histogram` or `summary`.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(value_type = crate::query::schema::MetricType))]
    pub kind: &'static str,
    /// Its unit.
    pub unit: String,
    /// What it measures.
    pub description: String,
    /// The service that sent it.
    pub service: String,
    /// How many series it has: combinations of resource, scope and attributes.
    pub series: u64,
    /// How many points are stored.
    pub points: u64,
    /// When the last point was measured, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub last_time_unix_nano: u64,
    /// The last point's number; none for histograms and summaries.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub last_value: Option<f64>,
    /// `unspecified`, `delta` or `cumulative`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::query::schema::Temporality))]
    pub temporality: &'static str,
    /// Whether it is a sum that never falls.
    pub monotonic: bool,
    /// The keys of its points' attributes, sorted.
    pub attribute_keys: Vec<String>,
}

/// What makes two streams series of the same metric: name, service, type, temporality, monotonic, unit.
type Identity = (String, String, i64, i64, bool, String);

/// The metrics, by name. Their series are joined here: a metric has few, the database many points.
pub(crate) fn metrics(
    view: &View,
    filter: &MetricFilter,
) -> Result<Vec<MetricSummary>, QueryError> {
    let mut metrics: BTreeMap<Identity, Listed> = BTreeMap::new();
    for partition in &view.partitions {
        // CROSS JOIN keeps SQLite from starting with the points, of which there are by far the most.
        let mut find = partition.connection.prepare_cached(
            "SELECT name.text, service.text, type, temporality, monotonic, unit, description, last.time_ns, last.value,
                 (SELECT count(*) FROM points WHERE stream = streams.id), attributes, resources.message
             FROM streams CROSS JOIN names AS name ON name.id = streams.name
                 CROSS JOIN resources ON resources.id = resource
                 CROSS JOIN names AS service ON service.id = resources.service
                 CROSS JOIN points AS last ON last.stream = streams.id
                     AND last.time_ns = (SELECT max(time_ns) FROM points WHERE stream = streams.id)
             WHERE (?1 IS NULL OR instr(lower(name.text), lower(?1)) > 0) AND (?2 IS NULL OR service.text = ?2)",
        )?;
        let mut rows = find.query(params![filter.name, filter.service])?;
        while let Some(row) = rows.next()? {
            let identity = (
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(5)?,
            );
            let series = summary(row, &identity)?;
            let attributes: Vec<u8> = row.get(10)?;
            let stream: Vec<u8> = row.get(11)?;
            let listed = metrics.entry(identity).or_default();
            listed.take_in(series, [stream, attributes.clone()]);
            for attribute in payloads(&attributes, 7) {
                let (key, _) = key_value(attribute.map_err(|_| QueryError::Closed)?)?;
                listed.keys.insert(key.to_owned());
            }
        }
    }
    Ok(metrics.into_values().filter_map(Listed::finish).collect())
}

/// A metric, being joined.
#[derive(Default)]
struct Listed {
    summary: Option<MetricSummary>,
    /// The series by what they are, since each partition has its own ids.
    series: HashSet<[Vec<u8>; 2]>,
    keys: BTreeSet<String>,
}

impl Listed {
    fn take_in(&mut self, series: MetricSummary, identity: [Vec<u8>; 2]) {
        self.series.insert(identity);
        match &mut self.summary {
            Some(summary) => summary.take_in(&series),
            None => self.summary = Some(series),
        }
    }

    fn finish(self) -> Option<MetricSummary> {
        let mut summary = self.summary?;
        summary.series = self.series.len() as u64;
        summary.attribute_keys = self.keys.into_iter().collect();
        Some(summary)
    }
}

impl MetricSummary {
    /// Takes another series of the same metric in.
    fn take_in(&mut self, series: &MetricSummary) {
        self.points += series.points;
        if series.last_time_unix_nano > self.last_time_unix_nano {
            self.last_time_unix_nano = series.last_time_unix_nano;
            self.last_value = series.last_value;
            self.description.clone_from(&series.description);
        }
    }
}

fn summary(row: &Row<'_>, identity: &Identity) -> rusqlite::Result<MetricSummary> {
    let (name, service, kind, temporality, monotonic, unit) = identity.clone();
    let last_value = match row.get(8)? {
        Cell::Integer(value) => Some(value as f64),
        // JSON has no infinities.
        Cell::Real(value) => Some(value).filter(|value| value.is_finite()),
        _ => None,
    };
    Ok(MetricSummary {
        name,
        kind: kind_name(kind),
        unit,
        description: row.get(6)?,
        service,
        series: 1,
        points: row.get::<_, i64>(9)?.cast_unsigned(),
        last_time_unix_nano: row.get::<_, i64>(7)?.cast_unsigned(),
        last_value,
        temporality: match temporality {
            1 => "delta",
            2 => "cumulative",
            _ => "unspecified",
        },
        monotonic,
        attribute_keys: Vec::new(),
    })
}

/// The name of the `Metric` field with this number.
pub(crate) fn kind_name(field: i64) -> &'static str {
    match field {
        5 => "gauge",
        7 => "sum",
        9 => "histogram",
        10 => "exponential_histogram",
        _ => "summary",
    }
}
