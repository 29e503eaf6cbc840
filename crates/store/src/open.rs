//! Opening files: permissions, the lock, damage, versions.
//!
//! A store is a catalogue at the configured path, and a file beside it for each partition: `fanlight.db.000001` and so
//! on. A file that SQLite can't read is set aside as `<name>.damaged-<n>`, so that damage costs the telemetry that it
//! held and nothing else. A file of a newer version, or of another program, is never touched.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::parts;

/// The version of the schemas; SQLite's `user_version`. Version 1 was one file without partitions; version 2 had no calls of
/// language models, and version 3 no columns of their facts: those tables are added where they are missing.
pub(crate) const VERSION: usize = 4;

/// SQLite's `application_id` of our files: `FANL`.
const APPLICATION_ID: i64 = 0x4641_4e4c;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or the file can't be made or opened.
    #[error("{what} {} failed", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Another process, or another store of this process, has the file.
    #[error("{} is in use by another fanlight; stop it, or give this one a data directory of its own", .0.display())]
    InUse(PathBuf),
    /// The file was written by a newer version.
    #[error(
        "{} was written by a newer fanlight (schema {found}, this one knows up to {known}); \
         update fanlight, or give this one a data directory of its own", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: usize,
        /// The newest version known here.
        known: usize,
    },
    /// The file is a database of something else.
    #[error("{} is a database of another program; choose another path", .0.display())]
    Foreign(PathBuf),
    /// What an older version stored can't be taken over.
    #[error(
        "taking over the store of an older version failed: {why}; move {}.version-1 away to go on without it",
        path.display()
    )]
    Older {
        /// The configured path.
        path: PathBuf,
        /// What went wrong.
        why: String,
    },
    /// SQLite can't open the file.
    #[error("opening the database {} failed", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

/// Takes the lock that keeps a second writer away. It is held as long as the file is open, and goes with the process.
pub(crate) fn lock(path: &Path) -> Result<File, OpenError> {
    if let Some(directory) = path
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty())
    {
        let made = private_directories().create(directory);
        made.map_err(|source| OpenError::File {
            what: "making the directory",
            path: directory.into(),
            source,
        })?;
    }
    let lock_path = beside(path, ".lock");
    let failed = |what| {
        let path = lock_path.clone();
        move |source| OpenError::File { what, path, source }
    };
    let file = private_file(&lock_path).map_err(failed("opening"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.into())),
        Err(TryLockError::Error(source)) => Err(failed("locking")(source)),
    }
}

/// Opens the catalogue. The lock must be held. A damaged one is set aside: the partitions are beside it still.
pub(crate) fn catalogue(path: &Path) -> Result<Connection, OpenError> {
    let open = || database(path, include_str!("schema/catalogue.sql"));
    match open() {
        Err(OpenError::Database { source, .. }) if is_damage(&source) => {
            set_aside(path, &source)?;
            open()
        }
        answer => answer,
    }
}

/// Opens a partition for the writer, and makes it if it is not there. The lock must be held.
pub(crate) fn partition(path: &Path, id: u64) -> Result<Connection, OpenError> {
    let connection = database(
        &partition_path(path, id),
        include_str!("schema/partition.sql"),
    )?;
    let added = || {
        connection.execute_batch(include_str!("schema/llm.sql"))?;
        let version: i64 = connection.query_one("PRAGMA user_version", [], |row| row.get(0))?;
        if version == VERSION as i64 {
            return Ok(());
        }
        parts::note_all(&connection)?;
        connection.pragma_update(None, "user_version", VERSION as i64)
    };
    added().map_err(|source| OpenError::Database {
        path: partition_path(path, id),
        source,
    })?;
    Ok(connection)
}

/// The file of a partition.
pub(crate) fn partition_path(path: &Path, id: u64) -> PathBuf {
    beside(path, &format!(".{id:06}"))
}

/// The numbers of the partitions that are there, oldest first.
pub(crate) fn partitions(path: &Path) -> Result<Vec<u64>, OpenError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let failed = |source| OpenError::File {
        what: "listing the directory",
        path: directory.into(),
        source,
    };
    let mut prefix = path.file_name().unwrap_or_default().to_owned();
    prefix.push(".");
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let number = name.as_encoded_bytes();
        let number = number.strip_prefix(prefix.as_encoded_bytes());
        let number = number.and_then(|number| std::str::from_utf8(number).ok());
        found.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// Deletes a partition's files. Readers that have it open read on.
pub(crate) fn remove_partition(path: &Path, id: u64) -> io::Result<()> {
    let file = partition_path(path, id);
    for suffix in ["", "-wal", "-shm"] {
        match fs::remove_file(beside(&file, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Whether the file is a store of version 1, which has no partitions.
pub(crate) fn is_version_1(path: &Path) -> bool {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let number = |connection: &Connection, sql: &str| {
        connection.query_one(sql, [], |row| row.get::<_, i64>(0))
    };
    path.exists()
        && Connection::open_with_flags(path, flags).is_ok_and(|connection| {
            number(&connection, "PRAGMA application_id").is_ok_and(|id| id == APPLICATION_ID)
                && number(&connection, "PRAGMA user_version").is_ok_and(|version| version == 1)
        })
}

/// Opens the file for a reader.
pub(crate) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    keep_plans(&connection)?;
    connection.execute_batch("PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;")?;
    Ok(connection)
}

/// Whether the error says that the file's contents are broken.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Moves a damaged file and what belongs to it out of the way, and says so. No connection may be open.
pub(crate) fn set_aside(path: &Path, why: &rusqlite::Error) -> Result<(), OpenError> {
    let free = (1_u32..)
        .find(|n| !beside(path, &format!(".damaged-{n}")).exists())
        .unwrap_or(u32::MAX);
    let aside = beside(path, &format!(".damaged-{free}"));
    for suffix in ["-wal", "-shm", ""] {
        let from = beside(path, suffix);
        match fs::rename(&from, beside(&aside, suffix)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(OpenError::File {
                    what: "setting aside the damaged database",
                    path: from,
                    source,
                });
            }
            _ => {}
        }
    }
    tracing::error!(
        file = %path.display(), set_aside = %aside.display(), error = %why,
        "a file of the store was damaged and has been set aside; what it held is not shown any more"
    );
    Ok(())
}

fn database(path: &Path, script: &str) -> Result<Connection, OpenError> {
    // SQLite gives its own files the mode of the database, so making the file first keeps all of them private.
    private_file(path).map_err(|source| OpenError::File {
        what: "opening",
        path: path.into(),
        source,
    })?;
    let failed = |source| OpenError::Database {
        path: path.into(),
        source,
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    let version = version(&connection, path)?;
    configure(&connection).map_err(failed)?;
    if version == 0 {
        make(&mut connection, script).map_err(failed)?;
    }
    probe(&connection).map_err(failed)?;
    Ok(connection)
}

/// The file's version; 0 for one that is new.
fn version(connection: &Connection, path: &Path) -> Result<usize, OpenError> {
    let failed = |source| OpenError::Database {
        path: path.into(),
        source,
    };
    let number = |sql| {
        connection
            .query_one(sql, [], |row| row.get::<_, i64>(0))
            .map_err(failed)
    };
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    if tables > 0 && number("PRAGMA application_id")? != APPLICATION_ID {
        return Err(OpenError::Foreign(path.into()));
    }
    let found = usize::try_from(number("PRAGMA user_version")?).unwrap_or(usize::MAX);
    if found > VERSION {
        return Err(OpenError::Newer {
            path: path.into(),
            found,
            known: VERSION,
        });
    }
    Ok(found)
}

/// Lets no plan depend on the values that are bound. Otherwise statements that could use a partial index are compiled anew
/// whenever others are bound, which costs more than running them.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(drop)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(128);
    connection.busy_timeout(Duration::from_secs(5))?;
    keep_plans(connection)?;
    // The page size only counts for a new file. A checkpoint every 8,000 pages (32 MiB) keeps its syncs rare.
    connection.execute_batch(
        "PRAGMA page_size = 4096;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = NORMAL;
         PRAGMA wal_autocheckpoint = 8000;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA cache_size = -32768;
         PRAGMA temp_store = MEMORY;",
    )
}

fn make(connection: &mut Connection, script: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(script)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION as i64)?;
    transaction.commit()
}

/// Reads both ends of every table, which finds a file that was cut or overwritten without reading all of it.
fn probe(connection: &Connection) -> rusqlite::Result<()> {
    let tables: Vec<String> = connection
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for table in tables {
        // The first column of every table is a key, or the first of one.
        for end in ["ASC", "DESC"] {
            connection
                .prepare(&format!("SELECT * FROM {table} ORDER BY 1 {end} LIMIT 1"))?
                .query([])?
                .next()?
                .map(|row| row.get_ref(0).map(drop))
                .transpose()?;
        }
    }
    Ok(())
}

/// The path with something put behind its file name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes directories that only their owner can enter.
fn private_directories() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Opens a file that only its owner can read, and makes it if it is not there.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
