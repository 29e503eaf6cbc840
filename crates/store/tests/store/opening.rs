//! Opening: what is refused, what is repaired, who may read it.

use std::fs;
use std::path::Path;

use fanlight_store::{LogFilter, OpenError, Store, StoreOptions, TraceFilter};

use crate::requests::{log, logs, open, span, spans};

/// Opens a store whose last handle was just dropped: its writer may still be closing.
pub(crate) async fn reopen(path: &Path) -> Store {
    loop {
        match Store::open(&StoreOptions::new(path)) {
            Ok(store) => return store,
            Err(OpenError::InUse(_)) => tokio::task::yield_now().await,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Waits until the writer of a store whose last handle was just dropped has closed the file.
pub(crate) async fn closed(path: &Path) {
    let lock = fs::File::open(path.with_extension("db.lock")).unwrap();
    while lock.try_lock().is_err() {
        tokio::task::yield_now().await;
    }
}

/// A store is opened that is open already.
/// The second one is refused with what to do about it.
#[tokio::test]
async fn a_second_writer_is_refused() {
    let (_directory, store) = open();
    let error = Store::open(&StoreOptions::new(store.path())).unwrap_err();
    assert!(matches!(error, OpenError::InUse(_)));
    assert!(
        error
            .to_string()
            .ends_with("stop it, or give this one a data directory of its own"),
        "{error}"
    );
}

/// A store is made in a directory that is not there.
/// Nobody else can read it.
#[cfg(unix)]
#[tokio::test]
async fn files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let inside = directory.path().join("a/b");
    let store = Store::open(&StoreOptions::new(inside.join("fanlight.db"))).unwrap();
    store
        .write(&spans("shop", vec![span(1, 1, None)]))
        .await
        .unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inside), 0o700);
    for file in fs::read_dir(&inside).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

/// The file holds something that is no database.
/// It is set aside, the store works, and a second such file gets a name of its own.
#[tokio::test]
async fn a_damaged_file_is_set_aside() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fanlight.db");
    for round in ["1", "2"] {
        fs::write(&path, format!("rubbish {round}").repeat(5000)).unwrap();
        let store = reopen(&path).await;
        store
            .write(&spans("shop", vec![span(1, 1, None)]))
            .await
            .unwrap();
        assert_eq!(store.counts().await.unwrap().spans, 1);
        drop(store);
        let aside = directory
            .path()
            .join(format!("fanlight.db.damaged-{round}"));
        assert!(
            fs::read_to_string(aside)
                .unwrap()
                .starts_with(&format!("rubbish {round}"))
        );
        closed(&path).await;
    }
}

/// A database loses the second half of its file.
/// The store opens all the same, with the damaged one set aside or with what is left, and takes new telemetry.
#[tokio::test]
async fn a_cut_file_does_not_stop_the_store() {
    let (directory, store) = open();
    for trace in 0..100 {
        let all = (1..50).map(|id| span(trace, id, None)).collect();
        store.write(&spans("shop", all)).await.unwrap();
    }
    store.checkpoint().await;
    let path = store.path().to_owned();
    drop(store);
    closed(&path).await;
    let partition = directory.path().join("fanlight.db.000001");
    let size = fs::metadata(&partition).unwrap().len();
    let file = fs::OpenOptions::new().write(true).open(&partition).unwrap();
    file.set_len(size / 2).unwrap();
    let store = reopen(&path).await;
    let new = spans("shop", vec![span(200, 1, None)]);
    // The damage may show only now; then the file is set aside, and the next attempt is stored.
    let stored = [store.write(&new).await, store.write(&new).await];
    assert!(stored[1].is_ok(), "{stored:?}");
    assert!(
        store
            .trace(fanlight_otlp::TraceId([200; 16]))
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        directory
            .path()
            .join("fanlight.db.000001.damaged-1")
            .exists()
    );
}

/// The file is a database of another program, or of a newer version.
/// Both are refused and stay as they are.
#[tokio::test]
async fn files_of_others_are_refused_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fanlight.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    database
        .execute_batch("CREATE TABLE diary (day TEXT)")
        .unwrap();
    drop(database);
    let before = fs::read(&path).unwrap();
    assert!(matches!(
        Store::open(&StoreOptions::new(&path)),
        Err(OpenError::Foreign(_))
    ));
    assert_eq!(fs::read(&path).unwrap(), before);
    fs::remove_file(&path).unwrap();
    drop(reopen(&path).await);
    closed(&path).await;
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("PRAGMA user_version = 99")
        .unwrap();
    let error = Store::open(&StoreOptions::new(&path)).unwrap_err();
    assert!(error.to_string().contains("schema 99"), "{error}");
}

/// A file as the first released version wrote it is opened.
/// What it holds is read, and new telemetry is added to it.
#[tokio::test]
async fn a_file_of_version_1_opens() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fanlight.db");
    fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/version-1.db"),
        &path,
    )
    .unwrap();
    let store = Store::open(&StoreOptions::new(&path)).unwrap();
    let traces = store.traces(TraceFilter::default()).await.unwrap().items;
    assert_eq!(
        (traces.len(), &*traces[0].root_name, traces[0].span_count),
        (1, "span 1", 2)
    );
    let records = store.logs(LogFilter::default()).await.unwrap().items;
    assert_eq!(records[0].body_text, "version 1");
    store
        .write(&spans("shop", vec![span(1, 3, Some(1))]))
        .await
        .unwrap();
    assert_eq!(store.counts().await.unwrap().spans, 3);
}

/// Writes the fixture of the test above, into the file that `FANLIGHT_FIXTURE` names. Run it by hand, once for each
/// version: `FANLIGHT_FIXTURE=version-2.db cargo test -p fanlight-store write_the_fixture -- --ignored`.
#[tokio::test]
#[ignore = "writes a file for other tests"]
async fn write_the_fixture() {
    let path = std::env::var("FANLIGHT_FIXTURE").unwrap();
    let store = Store::open(&StoreOptions::new(&path)).unwrap();
    store
        .write(&spans("shop", vec![span(1, 1, None), span(1, 2, Some(1))]))
        .await
        .unwrap();
    store
        .write(&logs("shop", vec![log(5, 9, "version 1")]))
        .await
        .unwrap();
    store.checkpoint().await;
}
