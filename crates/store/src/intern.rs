//! What repeats is stored once: names, resources, scopes and metric streams, found again by content.
//!
//! Every entry carries the last period of arrival in which it was used, so that retention can drop what nothing kept
//! refers to without looking. Caches are bounded and may be dropped at any time; they must be when a transaction fails.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, ToSql, Transaction, params};

/// How many entries a cache holds before it starts over.
const CACHE_ENTRIES: usize = 65_536;

/// The caches of everything that is interned.
#[derive(Debug, Default)]
pub(crate) struct Caches {
    names: Cache<Box<str>>,
    resources: Cache<Box<[u8]>>,
    scopes: Cache<Box<[u8]>>,
    streams: Cache<Box<[u8]>>,
}

type Cache<K> = HashMap<K, Known>;

/// An entry of the database.
#[derive(Clone, Copy, Debug)]
struct Known {
    id: i64,
    /// The last period in which it was used.
    seen: i64,
}

/// A resource and the name of its service.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ResourceId {
    pub(crate) id: i64,
    pub(crate) service: i64,
}

/// What a metric stream is, besides its name, resource and scope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamParts<'a> {
    pub(crate) kind: i64,
    pub(crate) temporality: i64,
    pub(crate) monotonic: bool,
    pub(crate) unit: &'a str,
    pub(crate) description: &'a str,
    pub(crate) metadata: &'a [u8],
    pub(crate) attributes: &'a [u8],
}

/// Interns within one transaction.
pub(crate) struct Interner<'t> {
    caches: &'t mut Caches,
    transaction: &'t Transaction<'t>,
    period: i64,
    key: Vec<u8>,
}

impl Caches {
    /// Starts full caches over.
    pub(crate) fn trim(&mut self) {
        if self.names.len() > CACHE_ENTRIES {
            self.names.clear();
        }
        for cache in [&mut self.resources, &mut self.scopes, &mut self.streams] {
            if cache.len() > CACHE_ENTRIES {
                cache.clear();
            }
        }
    }
}

impl<'t> Interner<'t> {
    pub(crate) fn new(
        transaction: &'t Transaction<'t>,
        caches: &'t mut Caches,
        period: i64,
    ) -> Interner<'t> {
        Interner {
            caches,
            transaction,
            period,
            key: Vec::new(),
        }
    }

    /// The id of a name.
    pub(crate) fn name(&mut self, text: &str) -> rusqlite::Result<i64> {
        if let Some(known) = self.caches.names.get_mut(text) {
            return refresh(self.transaction, "names", known, self.period);
        }
        let mut known =
            match self.find("SELECT id, seen FROM names WHERE text = ?", params![text])? {
                Some(known) => known,
                None => self.insert(
                    "INSERT INTO names (text, seen) VALUES (?, 0)",
                    params![text],
                )?,
            };
        let id = refresh(self.transaction, "names", &mut known, self.period)?;
        self.caches.names.insert(text.into(), known);
        Ok(id)
    }

    /// The id of a resource.
    pub(crate) fn resource(
        &mut self,
        message: &[u8],
        service: &str,
    ) -> rusqlite::Result<ResourceId> {
        // The name is interned each time: it must be seen as late as the resource is.
        let service = self.name(service)?;
        if let Some(known) = self.caches.resources.get_mut(message) {
            let id = refresh(self.transaction, "resources", known, self.period)?;
            return Ok(ResourceId { id, service });
        }
        let hash = content_hash(message);
        let found = self.find(
            "SELECT id, seen FROM resources WHERE hash = ? AND message = ?",
            params![hash, message],
        )?;
        let mut known = match found {
            Some(known) => known,
            None => self.insert(
                "INSERT INTO resources (hash, service, message, seen) VALUES (?, ?, ?, 0)",
                params![hash, service, message],
            )?,
        };
        let id = refresh(self.transaction, "resources", &mut known, self.period)?;
        self.caches.resources.insert(message.into(), known);
        Ok(ResourceId { id, service })
    }

    /// The id of an instrumentation scope.
    pub(crate) fn scope(&mut self, message: &[u8]) -> rusqlite::Result<i64> {
        if let Some(known) = self.caches.scopes.get_mut(message) {
            return refresh(self.transaction, "scopes", known, self.period);
        }
        let identity = params![content_hash(message), message];
        let mut known = match self.find(
            "SELECT id, seen FROM scopes WHERE hash = ? AND message = ?",
            identity,
        )? {
            Some(known) => known,
            None => self.insert(
                "INSERT INTO scopes (hash, message, seen) VALUES (?, ?, 0)",
                identity,
            )?,
        };
        let id = refresh(self.transaction, "scopes", &mut known, self.period)?;
        self.caches.scopes.insert(message.into(), known);
        Ok(id)
    }

    /// The id of a metric stream.
    pub(crate) fn stream(
        &mut self,
        name: i64,
        resource: i64,
        scope: i64,
        parts: &StreamParts<'_>,
    ) -> rusqlite::Result<i64> {
        let numbers = [
            name,
            resource,
            scope,
            parts.kind,
            parts.temporality,
            i64::from(parts.monotonic),
        ];
        self.set_key(&[
            parts.unit.as_bytes(),
            parts.description.as_bytes(),
            parts.metadata,
            parts.attributes,
        ]);
        numbers
            .iter()
            .for_each(|number| self.key.extend_from_slice(&number.to_le_bytes()));
        if let Some(known) = self.caches.streams.get_mut(self.key.as_slice()) {
            return refresh(self.transaction, "streams", known, self.period);
        }
        let hash = content_hash(&self.key);
        let StreamParts {
            kind,
            temporality,
            monotonic,
            unit,
            description,
            metadata,
            attributes,
        } = *parts;
        let sql = "SELECT id, seen FROM streams WHERE hash = ? AND name = ? AND resource = ? AND scope = ? AND type = ?
             AND temporality = ? AND monotonic = ? AND unit = ? AND description = ? AND metadata = ? AND attributes = ?";
        let identity = params![
            hash,
            name,
            resource,
            scope,
            kind,
            temporality,
            monotonic,
            unit,
            description,
            metadata,
            attributes
        ];
        let mut known = match self.find(sql, identity)? {
            Some(known) => known,
            None => self.insert(
                "INSERT INTO streams (hash, name, resource, scope, type, temporality, monotonic, unit, description,
                 metadata, attributes, seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                identity,
            )?,
        };
        let id = refresh(self.transaction, "streams", &mut known, self.period)?;
        self.caches
            .streams
            .insert(self.key.as_slice().into(), known);
        Ok(id)
    }

    fn find(&self, sql: &str, identity: &[&dyn ToSql]) -> rusqlite::Result<Option<Known>> {
        let mut find = self.transaction.prepare_cached(sql)?;
        find.query_row(identity, |row| {
            Ok(Known {
                id: row.get(0)?,
                seen: row.get(1)?,
            })
        })
        .optional()
    }

    /// Adds an entry that nothing has used yet.
    fn insert(&self, sql: &str, values: &[&dyn ToSql]) -> rusqlite::Result<Known> {
        Ok(Known {
            id: self.transaction.prepare_cached(sql)?.insert(values)?,
            seen: 0,
        })
    }

    /// Joins parts so that different parts can't look alike.
    fn set_key(&mut self, parts: &[&[u8]]) {
        self.key.clear();
        for part in parts {
            self.key
                .extend_from_slice(&(part.len() as u64).to_le_bytes());
            self.key.extend_from_slice(part);
        }
    }
}

/// Notes that an entry is used in this period.
fn refresh(
    transaction: &Transaction<'_>,
    table: &str,
    known: &mut Known,
    period: i64,
) -> rusqlite::Result<i64> {
    if known.seen != period {
        let sql = format!("UPDATE {table} SET seen = ? WHERE id = ?");
        transaction
            .prepare_cached(&sql)?
            .execute(params![period, known.id])?;
        known.seen = period;
    }
    Ok(known.id)
}

/// FNV-1a, 64 bits: kept in files, so it must never change. Equal hashes are told apart by content.
fn content_hash(bytes: &[u8]) -> i64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_hash_is_fnv_1a_for_ever() {
        assert_eq!(content_hash(b""), 0xcbf2_9ce4_8422_2325_u64.cast_signed());
        assert_eq!(
            content_hash(b"foobar"),
            0x8594_4171_f739_67e8_u64.cast_signed()
        );
    }
}
