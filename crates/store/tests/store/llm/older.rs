//! Partitions of older versions, and of older readings of calls.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fanlight_store::{CostBy, StoreOptions};
use rusqlite::Connection;

use super::*;

fn partition(path: &Path) -> PathBuf {
    path.with_file_name("fanlight.db.000001")
}

/// Changes a partition of a store whose last handle was dropped, once its writer has gone.
fn change(path: &Path, sql: &str) {
    let lock = std::fs::File::open(path.with_file_name("fanlight.db.lock")).unwrap();
    while lock.try_lock().is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let connection = Connection::open(partition(path)).unwrap();
    connection.execute_batch(sql).unwrap();
}

/// What a partition that is open has.
fn number(path: &Path, sql: &str) -> i64 {
    let connection = Connection::open(partition(path)).unwrap();
    connection.query_one(sql, [], |row| row.get(0)).unwrap()
}

/// Waits until a partition has what it should.
async fn becomes(path: &Path, sql: &str, wanted: i64) {
    let patience = tokio::time::Instant::now() + Duration::from_secs(20);
    while number(path, sql) != wanted {
        assert!(
            tokio::time::Instant::now() < patience,
            "{sql} is not {wanted}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Makes a partition what version 2 wrote: without calls of language models.
const VERSION_2: &str =
    "DROP TABLE IF EXISTS llm_calls; DROP TABLE IF EXISTS llm_facts; DROP TABLE IF EXISTS llm_index; DROP TABLE IF EXISTS llm_parts;
     DELETE FROM meta WHERE key IN ('mapping', 'deriving', 'derived'); PRAGMA user_version = 2;";

/// A store of version 2, whose file holds spans and log records of calls, is opened; more arrive while it is gone through.
/// Soon all calls are there, once.
#[tokio::test]
async fn calls_of_an_older_version_are_derived() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fanlight.db");
    let record = record(
        "com.anthropic.claude_code.events",
        "claude_code.api_request",
        5000,
        &json!({"model": "claude-sonnet-4-5", "input_tokens": 10, "output_tokens": 5, "session.id": "c1"}),
        &json!({"service.name": "claude-code"}),
    );
    {
        let store = Store::open(&StoreOptions::new(&path)).unwrap();
        for trace in 1..=20 {
            write(
                &store,
                &[
                    Call::chat(trace, 1, "gpt-4o", (10, 1)),
                    Call::new(trace, 2, json!({"a": 1})),
                ],
            )
            .await;
        }
        store.write(&record).await.unwrap();
        assert_eq!(totals(&store).await.calls, 21);
        store.checkpoint().await;
    }
    change(&path, VERSION_2);
    let opened = crate::opening::reopen(&path).await;
    write(&opened, &[Call::chat(50, 1, "gpt-4o", (10, 1))]).await;
    // The same record again is the same call.
    opened.write(&record).await.unwrap();
    let mapping = i64::from(fanlight_genai::MAPPING_VERSION);
    becomes(
        &path,
        "SELECT coalesce((SELECT value FROM meta WHERE key = 'mapping'), -1)",
        mapping,
    )
    .await;
    let totals = totals(&opened).await;
    assert_eq!((totals.calls, totals.input_tokens), (22, 220));
}

/// Makes a partition what version 3 wrote: calls without columns, more of them in the index.
const VERSION_3: &str =
    "DROP TABLE llm_parts; PRAGMA user_version = 3;
     INSERT INTO llm_index SELECT 3, (SELECT id FROM names WHERE text = 'gpt-4o'), start_ns, call FROM llm_facts;";

/// A store of version 3 is opened, whose calls lie in many parts; one of them comes again, with more in it.
/// The sums are right at once, all parts get columns, and the sums stay the same.
#[tokio::test]
async fn calls_of_version_3_get_columns() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fanlight.db");
    let call = |id: u8| Call::chat(1, id, "gpt-4o", (u64::from(id), 1)).at(u64::from(id) * 900_000);
    {
        let store = Store::open(&StoreOptions::new(&path)).unwrap();
        let calls: Vec<Call> = (1..=40).map(call).collect();
        write(&store, &calls).await;
        store.checkpoint().await;
    }
    change(&path, VERSION_3);
    let opened = crate::opening::reopen(&path).await;
    let wanted = CostFilter {
        by: CostBy::Model,
        ..CostFilter::default()
    };
    let before = opened.llm_cost(wanted.clone()).await.unwrap();
    assert_eq!((before.totals.calls, before.totals.input_tokens), (40, 820));
    becomes(
        &path,
        "SELECT count(*) FROM llm_parts WHERE columns IS NULL",
        0,
    )
    .await;
    assert_eq!(number(&path, "SELECT count(*) FROM llm_parts"), 40);
    assert_eq!(number(&path, "PRAGMA user_version"), 4);
    assert_eq!(opened.llm_cost(wanted.clone()).await.unwrap(), before);
    let mut again = Call::chat(1, 40, "gpt-4o", (100, 1)).at(40 * 900_000);
    again.takes = 500;
    write(&opened, &[again]).await;
    let totals = opened.llm_cost(wanted).await.unwrap().totals;
    assert_eq!((totals.calls, totals.input_tokens), (40, 880));
}

/// A partition whose calls another mapping read, and one whose calls this mapping read; what was read wrongly is marked in both.
/// Only the first is read anew; until then its calls are shown as they were read. It stays so after another start.
#[tokio::test]
async fn calls_that_another_mapping_read_are_read_anew() {
    const WRONG: &str = "UPDATE llm_calls SET details = '{\"n\":\"wrong\"}';";
    for (mapping, is_due) in [("'mapping' AND value <> 0", true), ("'nothing'", false)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fanlight.db");
        {
            let store = Store::open(&StoreOptions::new(&path)).unwrap();
            for trace in 1..=3 {
                write(&store, &[Call::chat(trace, 1, "gpt-4o", (10, 1))]).await;
            }
            store.checkpoint().await;
        }
        change(
            &path,
            &format!("{WRONG} UPDATE meta SET value = 0 WHERE key = {mapping};"),
        );
        let opened = crate::opening::reopen(&path).await;
        let shown = rows(&opened, all()).await;
        assert_eq!(shown.len(), 3);
        if is_due {
            becomes(
                &path,
                "SELECT count(*) FROM llm_calls WHERE details LIKE '%wrong%'",
                0,
            )
            .await;
            let mapping = i64::from(fanlight_genai::MAPPING_VERSION);
            becomes(
                &path,
                "SELECT value FROM meta WHERE key = 'mapping'",
                mapping,
            )
            .await;
        } else {
            // Longer than the writer waits for something to do.
            tokio::time::sleep(Duration::from_millis(1500)).await;
        }
        let shown = rows(&opened, all()).await;
        let name = if is_due { "chat" } else { "wrong" };
        assert!(
            shown.len() == 3 && shown.iter().all(|row| row.name == name),
            "{shown:?}"
        );
        assert_eq!(totals(&opened).await.calls, 3);
    }
}

/// Reading anew was interrupted: by this mapping behind the first block, and by another one there.
/// It goes on behind that block in the first case, and begins with the first block in the other.
#[tokio::test]
async fn reading_anew_goes_on_where_it_was_interrupted() {
    let mapping = fanlight_genai::MAPPING_VERSION;
    for (deriving, left_wrong) in [(mapping, 600), (mapping + 1, 0)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fanlight.db");
        {
            let store = Store::open(&StoreOptions::new(&path)).unwrap();
            // Each is a block that stays as it is.
            for block in 0..2_u8 {
                let calls: Vec<Call> = (0..3)
                    .flat_map(|trace| (1..=200).map(move |span| (3 * block + trace + 1, span)))
                    .map(|(trace, span)| Call::chat(trace, span, "gpt-4o", (1, 1)))
                    .collect();
                write(&store, &calls).await;
            }
            assert_eq!(totals(&store).await.calls, 1200);
            store.checkpoint().await;
        }
        change(
            &path,
            &format!(
                "UPDATE llm_calls SET details = '{{\"n\":\"wrong\"}}';
                 UPDATE meta SET value = 0 WHERE key = 'mapping';
                 INSERT OR REPLACE INTO meta VALUES ('deriving', {deriving});
                 INSERT OR REPLACE INTO meta SELECT 'derived', min(id) FROM span_blocks;"
            ),
        );
        let opened = crate::opening::reopen(&path).await;
        becomes(
            &path,
            "SELECT value FROM meta WHERE key = 'mapping'",
            i64::from(mapping),
        )
        .await;
        let wrong = number(
            &path,
            "SELECT count(*) FROM llm_calls WHERE details LIKE '%wrong%'",
        );
        assert_eq!(wrong, left_wrong, "{deriving}");
        assert_eq!(totals(&opened).await.calls, 1200);
    }
}
