//! Opening the file: permissions, the lock, damage, versions.
//!
//! A file that SQLite can't read is set aside as `<name>.damaged-<n>` and a new one is begun, so that damage costs old
//! telemetry and not the hub. A file of a newer version, or of another program, is never touched.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// What makes each version of the schema out of the one before; the version is SQLite's `user_version`.
const MIGRATIONS: &[&str] = &[include_str!("schema/0001.sql")];

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

/// Opens the file for the writer. The lock must be held.
pub(crate) fn writer(path: &Path) -> Result<Connection, OpenError> {
    match try_writer(path) {
        Err(OpenError::Database { source, .. }) if is_damage(&source) => {
            set_aside(path, &source)?;
            try_writer(path)
        }
        answer => answer,
    }
}

/// Opens the file for a reader.
pub(crate) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch("PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;")?;
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
        "the database was damaged and has been set aside; a new one is begun"
    );
    Ok(())
}

fn try_writer(path: &Path) -> Result<Connection, OpenError> {
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
    migrate(&mut connection, version).map_err(failed)?;
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
    if found > MIGRATIONS.len() {
        return Err(OpenError::Newer {
            path: path.into(),
            found,
            known: MIGRATIONS.len(),
        });
    }
    Ok(found)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(64);
    connection.busy_timeout(Duration::from_secs(5))?;
    // The page size only counts for a new file. A checkpoint every 4,000 pages (32 MiB) keeps its syncs rare.
    connection.execute_batch(
        "PRAGMA page_size = 8192;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = NORMAL;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA cache_size = -32768;
         PRAGMA temp_store = MEMORY;",
    )
}

fn migrate(connection: &mut Connection, version: usize) -> rusqlite::Result<()> {
    for (script, reached) in MIGRATIONS.iter().zip(1_u32..).skip(version) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(script)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", reached)?;
        transaction.commit()?;
    }
    Ok(())
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
        let key = if matches!(table.as_str(), "spans" | "trace_services") {
            "trace"
        } else {
            "id"
        };
        for end in ["ASC", "DESC"] {
            connection
                .prepare(&format!(
                    "SELECT * FROM {table} ORDER BY {key} {end} LIMIT 1"
                ))?
                .query([])?
                .next()?
                .map(|row| row.get_ref(0).map(drop))
                .transpose()?;
        }
    }
    Ok(())
}

/// The path with something put behind its file name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
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
