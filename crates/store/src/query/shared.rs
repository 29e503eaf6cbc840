//! Resources, scopes and names that were read already, by partition and id.

use std::collections::HashMap;

use rusqlite::Connection;

use super::{QueryError, Resource, Scope};

/// What was read of one partition.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    resources: HashMap<i64, (Resource, String)>,
    scopes: HashMap<i64, Scope>,
    names: HashMap<i64, String>,
}

impl Shared {
    /// A resource and the name of its service.
    pub(crate) fn resource(
        &mut self,
        connection: &Connection,
        id: i64,
    ) -> Result<&(Resource, String), QueryError> {
        match self.resources.entry(id) {
            std::collections::hash_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let mut find = connection.prepare_cached(
                    "SELECT message, text FROM resources JOIN names ON names.id = service WHERE resources.id = ?",
                )?;
                let (message, service): (Vec<u8>, String) =
                    find.query_one([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(entry.insert((Resource::read(&message)?, service)))
            }
        }
    }

    pub(crate) fn scope(&mut self, connection: &Connection, id: i64) -> Result<&Scope, QueryError> {
        match self.scopes.entry(id) {
            std::collections::hash_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let mut find =
                    connection.prepare_cached("SELECT message FROM scopes WHERE id = ?")?;
                let message: Vec<u8> = find.query_one([id], |row| row.get(0))?;
                Ok(entry.insert(Scope::read(&message)?))
            }
        }
    }

    pub(crate) fn name(&mut self, connection: &Connection, id: i64) -> Result<&str, QueryError> {
        match self.names.entry(id) {
            std::collections::hash_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let mut find = connection.prepare_cached("SELECT text FROM names WHERE id = ?")?;
                Ok(entry.insert(find.query_one([id], |row| row.get(0))?))
            }
        }
    }
}
