//! What the log records of a list have in common.

use std::collections::HashMap;
use std::rc::Rc;

use fanlight_otlp::view::Value;
use serde::Serialize;

use super::logs::visit;
use super::matching::bytes_of;
use super::shared::Shared;
use super::{LogFilter, QueryError, any_value_text};
use crate::block::{LogBlock, key_value};
use crate::readers::View;

/// How many records are counted.
const SAMPLE: usize = 10_000;
/// How many values of each attribute, and how many attributes, are answered.
const VALUES: usize = 20;
const ATTRIBUTES: usize = 50;
/// A longer value is none that anybody filters by.
const LONGEST: usize = 200;

/// The values that log records have, with how often.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogFacets {
    /// Services.
    pub services: Vec<FacetValue>,
    /// Severities, as OTLP names them: `ERROR`, `WARN2`; `UNSPECIFIED` for none.
    pub severities: Vec<FacetValue>,
    /// Instrumentation scopes.
    pub scopes: Vec<FacetValue>,
    /// Attributes, the most frequent first.
    #[cfg_attr(feature = "openapi", schema(inline))]
    pub attributes: Vec<AttributeFacet>,
    /// Whether only the newest records that match were counted, because there are more.
    pub sampled: bool,
}

/// A value and how often it occurs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FacetValue {
    /// The value as text.
    pub value: String,
    /// How many records have it.
    pub count: u64,
}

/// An attribute's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttributeFacet {
    /// The key.
    pub key: String,
    /// The most frequent values.
    pub values: Vec<FacetValue>,
}

/// What the newest records that pass have in common.
pub(crate) fn log_facets(view: &View, filter: &LogFilter) -> Result<LogFacets, QueryError> {
    let mut newest: Vec<(i64, Rc<LogBlock>, usize, usize)> = Vec::new();
    let count = std::cell::Cell::new(0);
    // Blocks come latest first; their ranges of time hardly overlap, so the first records are the newest but for a few.
    visit(
        view,
        filter,
        &mut |_| count.get() <= SAMPLE,
        &mut |_, block, partition, place| {
            let time = block.sorts.get(place).copied().unwrap_or_default();
            newest.push((time, Rc::clone(block), partition, place));
            count.set(newest.len());
            Ok(())
        },
    )?;
    newest.sort_by_key(|(time, ..)| std::cmp::Reverse(*time));
    let sampled = newest.len() > SAMPLE;
    newest.truncate(SAMPLE);
    let mut counting = Counting::default();
    for (_, block, partition, place) in &newest {
        counting.add(view, block, *partition, *place)?;
    }
    let mut facets = counting.facets();
    facets.sampled = sampled;
    Ok(facets)
}

#[derive(Default)]
struct Counting {
    shared: HashMap<usize, Shared>,
    services: HashMap<String, u64>,
    severities: HashMap<i64, u64>,
    scopes: HashMap<String, u64>,
    attributes: HashMap<String, HashMap<String, u64>>,
}

impl Counting {
    fn add(
        &mut self,
        view: &View,
        block: &LogBlock,
        number: usize,
        place: usize,
    ) -> Result<(), QueryError> {
        let partition = view.partitions.get(number).ok_or(QueryError::Closed)?;
        let connection = &partition.connection;
        let at = |column: &[i64]| column.get(place).copied().unwrap_or_default();
        let shared = self.shared.entry(number).or_default();
        let (_, service) = shared.resource(connection, at(&block.resources))?;
        *self.services.entry(service.clone()).or_default() += 1;
        let scope = shared.scope(connection, at(&block.scopes))?;
        *self.scopes.entry(scope.name.clone()).or_default() += 1;
        *self.severities.entry(at(&block.severities)).or_default() += 1;
        for number in block.attributes_of(place) {
            let bytes = bytes_of(connection, block.attribute(*number)?)?;
            let (key, value) = key_value(&bytes)?;
            let text = any_value_text(Value::read(value)?)?.unwrap_or_default();
            if text.len() <= LONGEST {
                let values = self.attributes.entry(key.to_owned()).or_default();
                *values.entry(text.into_owned()).or_default() += 1;
            }
        }
        Ok(())
    }

    fn facets(self) -> LogFacets {
        let mut attributes: Vec<(u64, AttributeFacet)> = self
            .attributes
            .into_iter()
            .map(|(key, values)| {
                let count = values.values().sum();
                let values = most_frequent(values, VALUES);
                (count, AttributeFacet { key, values })
            })
            .collect();
        attributes.sort_by(|(a, x), (b, y)| b.cmp(a).then_with(|| x.key.cmp(&y.key)));
        attributes.truncate(ATTRIBUTES);
        let named = |(number, count)| (severity_name(number), count);
        LogFacets {
            services: most_frequent(self.services, usize::MAX),
            severities: most_frequent(self.severities.into_iter().map(named).collect(), usize::MAX),
            scopes: most_frequent(self.scopes, usize::MAX),
            attributes: attributes.into_iter().map(|(_, facet)| facet).collect(),
            sampled: false,
        }
    }
}

fn most_frequent(values: HashMap<String, u64>, limit: usize) -> Vec<FacetValue> {
    let values = values.into_iter();
    let mut values: Vec<FacetValue> = values
        .map(|(value, count)| FacetValue { value, count })
        .collect();
    values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    values.truncate(limit);
    values
}

/// The short name of a [`SeverityNumber`](https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber).
pub(crate) fn severity_name(number: i64) -> String {
    const NAMES: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    let class = usize::try_from((number - 1).div_euclid(4)).ok();
    match (
        class.and_then(|class| NAMES.get(class)),
        (number - 1).rem_euclid(4),
    ) {
        (Some(name), 0) => (*name).to_owned(),
        (Some(name), step) => format!("{name}{}", step + 1),
        (None, _) => "UNSPECIFIED".to_owned(),
    }
}
