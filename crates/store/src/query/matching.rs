//! Which items of a block pass a filter.
//!
//! A filter is prepared for each partition: names, services and resources become ids, which blocks have in columns. Then a
//! block's filters say whether it is worth reading, and its dictionaries are searched once for all of its items.

use std::collections::HashSet;

use fanlight_otlp::view::Value;
use rusqlite::{Connection, params};

use super::json::with_resource;
use super::{AttributeFilter, QueryError, any_value_text};
use crate::block::{
    Entry, Filter, LogBlock, Needle, SpanBlock, Texts, attribute_hash, key_value, may_be_apart,
    name_hash, resource_hash,
};
use crate::ingest::payload;

/// Sets of more ids than this are not looked up in filters: some of them will be there.
const MANY: usize = 32;

/// What items must be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Condition {
    pub(crate) service: Option<String>,
    pub(crate) operation: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) attributes: Vec<AttributeFilter>,
}

impl Condition {
    /// Whether everything passes.
    pub(crate) fn is_empty(&self) -> bool {
        self.service.is_none()
            && self.operation.is_none()
            && self.name.is_none()
            && self.text.is_none()
            && self.attributes.is_empty()
    }
}

/// A condition, prepared for a partition.
#[derive(Debug)]
pub(crate) struct Matcher {
    resources: Option<HashSet<i64>>,
    names: Option<HashSet<i64>>,
    text: Option<TextMatcher>,
    attributes: Vec<AttributeMatcher>,
}

#[derive(Debug)]
struct TextMatcher {
    needle: Needle,
    names: HashSet<i64>,
}

#[derive(Debug)]
struct AttributeMatcher {
    filter: AttributeFilter,
    hash: u64,
    /// The resources that have it.
    resources: HashSet<i64>,
}

impl Matcher {
    /// Prepares a condition; nothing when no item of the partition can pass.
    pub(crate) fn prepare(
        connection: &Connection,
        condition: &Condition,
    ) -> Result<Option<Matcher>, QueryError> {
        let ids = |sql, text: &str| -> rusqlite::Result<HashSet<i64>> {
            connection
                .prepare_cached(sql)?
                .query_map(params![text], |row| row.get(0))?
                .collect()
        };
        let resources = condition.service.as_deref().map(|service| {
            ids("SELECT resources.id FROM resources JOIN names ON names.id = service WHERE text = ?", service)
        });
        let operation = condition
            .operation
            .as_deref()
            .map(|name| ids("SELECT id FROM names WHERE text = ?", name));
        let contains = "SELECT id FROM names WHERE instr(lower(text), lower(?)) > 0";
        let part = condition.name.as_deref().map(|name| ids(contains, name));
        let names = match (operation.transpose()?, part.transpose()?) {
            (Some(a), Some(b)) => Some(a.intersection(&b).copied().collect()),
            (a, b) => a.or(b),
        };
        let text = condition.text.as_deref().map(|text| {
            Ok::<_, rusqlite::Error>(TextMatcher {
                needle: Needle::new(text),
                names: ids(contains, text)?,
            })
        });
        let matcher = Matcher {
            resources: resources.transpose()?,
            names,
            text: text.transpose()?,
            attributes: attributes(connection, &condition.attributes)?,
        };
        let is_hopeless = [&matcher.resources, &matcher.names]
            .into_iter()
            .flatten()
            .any(HashSet::is_empty);
        Ok(Some(matcher).filter(|_| !is_hopeless))
    }

    /// Whether a block is worth reading, by its first filter.
    pub(crate) fn may_match(&self, filter: Filter<'_>) -> bool {
        let any = |ids: &HashSet<i64>, hash: fn(i64) -> u64| {
            ids.len() > MANY || ids.iter().any(|id| filter.may_have(hash(*id)))
        };
        self.resources
            .as_ref()
            .is_none_or(|ids| any(ids, resource_hash))
            && self.names.as_ref().is_none_or(|ids| any(ids, name_hash))
            && self.attributes.iter().all(|attribute| {
                attribute.may_be_apart()
                    || filter.may_have(attribute.hash)
                    || any(&attribute.resources, resource_hash)
            })
    }

    /// Whether its second filter is to be asked, too.
    pub(crate) fn has_text(&self) -> bool {
        self.text.is_some()
    }

    /// Whether a block is worth reading, by its second filter.
    pub(crate) fn may_have_text(&self, texts: &Texts) -> bool {
        self.text
            .as_ref()
            .is_none_or(|text| texts.may_have(&text.needle))
    }

    /// The places of the spans of a block that pass.
    pub(crate) fn spans(
        &self,
        connection: &Connection,
        block: &SpanBlock,
    ) -> Result<Vec<usize>, QueryError> {
        let attributes = self.numbers(connection, block.attributes.len(), &|number| {
            Ok(block.attribute(number)?)
        })?;
        let texts = match &self.text {
            None => None,
            Some(text) => Some((
                text,
                text.values(connection, block)?,
                text.entries(connection, block.rests.len(), &|number| {
                    Ok(block.rest(number)?)
                })?,
            )),
        };
        let is_in = |ids: &Option<HashSet<i64>>, column: &[i64], place: usize| {
            ids.as_ref()
                .is_none_or(|ids| column.get(place).is_some_and(|id| ids.contains(id)))
        };
        let passes = |place: &usize| {
            is_in(&self.resources, &block.resources, *place)
                && is_in(&self.names, &block.names, *place)
                && self
                    .attributes
                    .iter()
                    .zip(&attributes)
                    .all(|(wanted, numbers)| {
                        wanted.is_met(
                            numbers,
                            block.attributes_of(*place),
                            block.resources.get(*place),
                        )
                    })
                && texts.as_ref().is_none_or(|(text, values, rests)| {
                    let name = block.names.get(*place);
                    name.is_some_and(|name| text.names.contains(name))
                        || (block.attributes_of(*place).iter())
                            .any(|number| values.get(*number as usize) == Some(&true))
                        || rests.get(block.rest_of(*place) as usize) == Some(&true)
                })
        };
        Ok((0..block.len()).filter(passes).collect())
    }

    /// The places of the log records of a block that pass.
    pub(crate) fn logs(
        &self,
        connection: &Connection,
        block: &LogBlock,
    ) -> Result<Vec<usize>, QueryError> {
        let attributes = self.numbers(connection, block.attributes.len(), &|number| {
            Ok(block.attribute(number)?)
        })?;
        let bodies = match &self.text {
            None => None,
            Some(text) => Some(text.bodies(connection, block)?),
        };
        let passes = |place: &usize| {
            let resource = block.resources.get(*place);
            self.resources
                .as_ref()
                .is_none_or(|ids| resource.is_some_and(|id| ids.contains(id)))
                && self
                    .attributes
                    .iter()
                    .zip(&attributes)
                    .all(|(wanted, numbers)| {
                        wanted.is_met(numbers, block.attributes_of(*place), resource)
                    })
                && bodies.as_ref().is_none_or(|bodies| {
                    let number = block.body_number(*place);
                    number.is_some_and(|number| bodies.get(number as usize) == Some(&true))
                })
        };
        Ok((0..block.len()).filter(passes).collect())
    }

    /// For each attribute that is wanted, the numbers of the entries that are it.
    fn numbers(
        &self,
        connection: &Connection,
        count: usize,
        entry: Lookup<'_, '_>,
    ) -> Result<Vec<Vec<u32>>, QueryError> {
        let wanted = self.attributes.iter();
        wanted
            .map(|wanted| wanted.numbers(connection, count, entry))
            .collect()
    }
}

type Lookup<'l, 'b> = &'l dyn Fn(u32) -> Result<Entry<'b>, QueryError>;

/// The bytes of an entry, wherever they are.
pub(crate) fn bytes_of<'b>(
    connection: &Connection,
    entry: Entry<'b>,
) -> Result<std::borrow::Cow<'b, [u8]>, QueryError> {
    Ok(match entry {
        Entry::Here(bytes) => bytes.into(),
        Entry::Apart(hash) => payload(connection, hash)?.into(),
    })
}

impl AttributeMatcher {
    fn may_be_apart(&self) -> bool {
        may_be_apart(&self.filter.key, &self.filter.value)
    }

    /// The numbers of the entries that are this attribute.
    fn numbers(
        &self,
        connection: &Connection,
        count: usize,
        entry: Lookup<'_, '_>,
    ) -> Result<Vec<u32>, QueryError> {
        let may_be_apart = self.may_be_apart();
        let mut numbers = Vec::new();
        for number in 0..u32::try_from(count).unwrap_or(u32::MAX) {
            let entry = entry(number)?;
            if matches!(entry, Entry::Apart(_)) && !may_be_apart {
                continue;
            }
            let bytes = bytes_of(connection, entry)?;
            let (key, value) = key_value(&bytes)?;
            if key == self.filter.key
                && any_value_text(Value::read(value)?)?.unwrap_or_default() == self.filter.value
            {
                numbers.push(number);
            }
        }
        Ok(numbers)
    }

    fn is_met(&self, numbers: &[u32], attributes: &[u32], resource: Option<&i64>) -> bool {
        attributes.iter().any(|number| numbers.contains(number))
            || resource.is_some_and(|id| self.resources.contains(id))
    }
}

impl TextMatcher {
    /// Which attributes of a block have the text in their value.
    fn values(&self, connection: &Connection, block: &SpanBlock) -> Result<Vec<bool>, QueryError> {
        (0..u32::try_from(block.attributes.len()).unwrap_or(u32::MAX))
            .map(|number| {
                let bytes = bytes_of(connection, block.attribute(number)?)?;
                let (_, value) = key_value(&bytes)?;
                Ok(match Value::read(value)? {
                    Value::Str(text) => self.needle.is_in(text.as_bytes()),
                    Value::Array(_) | Value::Map(_) => self.needle.is_in(value),
                    _ => false,
                })
            })
            .collect()
    }

    /// Which entries have the text in their bytes.
    fn entries(
        &self,
        connection: &Connection,
        count: usize,
        entry: Lookup<'_, '_>,
    ) -> Result<Vec<bool>, QueryError> {
        (0..u32::try_from(count).unwrap_or(u32::MAX))
            .map(|number| Ok(self.needle.is_in(&bytes_of(connection, entry(number)?)?)))
            .collect()
    }

    /// Which bodies have the text.
    fn bodies(&self, connection: &Connection, block: &LogBlock) -> Result<Vec<bool>, QueryError> {
        (0..u32::try_from(block.bodies.len()).unwrap_or(u32::MAX))
            .map(|number| {
                let bytes = bytes_of(connection, block.body(number)?)?;
                let text = any_value_text(Value::read(&bytes)?)?.unwrap_or_default();
                Ok(self.needle.is_in(text.as_bytes()))
            })
            .collect()
    }
}

fn attributes(
    connection: &Connection,
    filters: &[AttributeFilter],
) -> Result<Vec<AttributeMatcher>, QueryError> {
    let mut matchers = Vec::new();
    for filter in filters {
        matchers.push(AttributeMatcher {
            filter: filter.clone(),
            hash: attribute_hash(&filter.key, &Value::Str(&filter.value))?,
            resources: HashSet::new(),
        });
    }
    if matchers.is_empty() {
        return Ok(matchers);
    }
    let mut find = connection.prepare_cached("SELECT id, message FROM resources")?;
    let mut rows = find.query([])?;
    while let Some(row) = rows.next()? {
        let message: Vec<u8> = row.get(1)?;
        let id = row.get(0)?;
        with_resource(&message, |view| {
            for matcher in &mut matchers {
                let value = view.attributes.get(&matcher.filter.key)?;
                if let Some(value) = value
                    && any_value_text(value)?.unwrap_or_default() == matcher.filter.value
                {
                    matcher.resources.insert(id);
                }
            }
            Ok(())
        })?;
    }
    Ok(matchers)
}
