//! What repeats is stored once in a partition: names, resources, scopes and metric streams, found again by content.
//!
//! Caches are bounded and may be dropped at any time; they must be when a transaction fails or another partition begins.

use foldhash::HashMap;
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

type Cache<K> = HashMap<K, i64>;

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
    pub(crate) fn new(transaction: &'t Transaction<'t>, caches: &'t mut Caches) -> Interner<'t> {
        Interner {
            caches,
            transaction,
            key: Vec::new(),
        }
    }

    /// The id of a name.
    pub(crate) fn name(&mut self, text: &str) -> rusqlite::Result<i64> {
        if let Some(id) = self.caches.names.get(text) {
            return Ok(*id);
        }
        let id = self.find_or_insert(
            "SELECT id FROM names WHERE text = ?",
            "INSERT INTO names (text) VALUES (?)",
            params![text],
            params![text],
        )?;
        self.caches.names.insert(text.into(), id);
        Ok(id)
    }

    /// The id of a resource.
    pub(crate) fn resource(
        &mut self,
        message: &[u8],
        service: &str,
    ) -> rusqlite::Result<ResourceId> {
        let service = self.name(service)?;
        if let Some(id) = self.caches.resources.get(message) {
            return Ok(ResourceId { id: *id, service });
        }
        let hash = content_hash(message);
        let id = self.find_or_insert(
            "SELECT id FROM resources WHERE hash = ? AND message = ?",
            "INSERT INTO resources (hash, message, service) VALUES (?, ?, ?)",
            params![hash, message],
            params![hash, message, service],
        )?;
        self.caches.resources.insert(message.into(), id);
        Ok(ResourceId { id, service })
    }

    /// The id of an instrumentation scope.
    pub(crate) fn scope(&mut self, message: &[u8]) -> rusqlite::Result<i64> {
        if let Some(id) = self.caches.scopes.get(message) {
            return Ok(*id);
        }
        let identity = params![content_hash(message), message];
        let id = self.find_or_insert(
            "SELECT id FROM scopes WHERE hash = ? AND message = ?",
            "INSERT INTO scopes (hash, message) VALUES (?, ?)",
            identity,
            identity,
        )?;
        self.caches.scopes.insert(message.into(), id);
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
        let StreamParts {
            kind,
            temporality,
            monotonic,
            unit,
            description,
            metadata,
            attributes,
        } = *parts;
        self.set_key(&[
            unit.as_bytes(),
            description.as_bytes(),
            metadata,
            attributes,
        ]);
        for number in [
            name,
            resource,
            scope,
            kind,
            temporality,
            i64::from(monotonic),
        ] {
            self.key.extend_from_slice(&number.to_le_bytes());
        }
        if let Some(id) = self.caches.streams.get(self.key.as_slice()) {
            return Ok(*id);
        }
        let identity = params![
            content_hash(&self.key),
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
        let id = self.find_or_insert(
            "SELECT id FROM streams WHERE hash = ? AND name = ? AND resource = ? AND scope = ? AND type = ?
             AND temporality = ? AND monotonic = ? AND unit = ? AND description = ? AND metadata = ? AND attributes = ?",
            "INSERT INTO streams (hash, name, resource, scope, type, temporality, monotonic, unit, description,
             metadata, attributes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            identity,
            identity,
        )?;
        self.caches.streams.insert(self.key.as_slice().into(), id);
        Ok(id)
    }

    fn find_or_insert(
        &self,
        find: &str,
        insert: &str,
        identity: &[&dyn ToSql],
        values: &[&dyn ToSql],
    ) -> rusqlite::Result<i64> {
        let mut find = self.transaction.prepare_cached(find)?;
        match find.query_row(identity, |row| row.get(0)).optional()? {
            Some(id) => Ok(id),
            None => self.transaction.prepare_cached(insert)?.insert(values),
        }
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

/// FNV-1a, 64 bits: kept in files, so it must never change. Equal hashes are told apart by content.
pub(crate) fn content_hash(bytes: &[u8]) -> i64 {
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
