use fanlight_otlp::view::Value;
use fanlight_otlp::write::{LogRecord, RequestWriter};
use fanlight_otlp::{Batch, Signal};

use super::*;

fn writer(directory: &tempfile::TempDir) -> Writer {
    let options = StoreOptions::new(directory.path().join("fanlight.db"));
    let lock = open::lock(&options.path).unwrap();
    let readers = Arc::new(Readers::new(options.path.clone()));
    Writer::open(options, lock, readers, broadcast::channel(1).0).unwrap()
}

fn log(body: &str) -> Batch {
    let mut request = RequestWriter::new(Signal::Logs);
    request.resource(&[], |resource| {
        resource.scope("tests", "", |scope| {
            scope.log(&LogRecord {
                body: Value::Str(body),
                ..LogRecord::default()
            })
        });
    });
    request.finish()
}

fn count(writer: &Writer) -> i64 {
    let partition = writer.partition.as_ref().unwrap();
    partition
        .connection
        .query_one("SELECT logs FROM totals", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn a_full_disk_is_told_and_got_over() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(&directory);
    let limit = |writer: &Writer, pages: i64| {
        let partition = writer.partition.as_ref().unwrap();
        partition
            .connection
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
            .unwrap();
    };
    writer.write(&[&log("first")]).unwrap();
    limit(&writer, 60);
    let big = log(&noise(1_000_000));
    let error = writer.write(&[&log("small"), &big]).unwrap_err();
    assert!(matches!(error, WriteError::Full(_)), "{error:?}");
    assert!(error.to_string().contains("free some space"), "{error}");
    assert_eq!(count(&writer), 1, "nothing of the group may stay");
    limit(&writer, 100_000);
    writer.write(&[&log("small"), &big]).unwrap();
    assert_eq!(count(&writer), 3);
}

#[test]
fn damage_found_while_writing_sets_the_file_aside_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(&directory);
    writer.write(&[&log("before")]).unwrap();
    let corrupt = rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
        None,
    );
    let error = writer.explain(corrupt.into());
    assert!(matches!(error, WriteError::Damaged(_)), "{error:?}");
    assert!(
        directory
            .path()
            .join("fanlight.db.000001.damaged-1")
            .exists()
    );
    writer.write(&[&log("after")]).unwrap();
    assert_eq!(count(&writer), 1);
}

#[test]
fn numbers_of_partitions_are_not_given_out_again_after_everything_was_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = writer(&directory);
    first.write(&[&log("a"), &log("b")]).unwrap();
    drop(first);
    std::fs::remove_file(directory.path().join("fanlight.db.000001")).unwrap();
    let mut second = writer(&directory);
    second.write(&[&log("c")]).unwrap();
    assert_eq!(second.partition.as_ref().unwrap().id, 2);
}

/// Text that can't be made smaller.
fn noise(length: usize) -> String {
    let mut state = 1_u64;
    let letter = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'!' + (state >> 33) as u8 % 90)
    };
    (0..length).map(letter).collect()
}
