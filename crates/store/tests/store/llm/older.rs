//! Partitions of older versions.

use std::path::Path;
use std::time::Duration;

use fanlight_store::StoreOptions;

use super::*;

/// Makes a partition what version 2 wrote: without calls of language models.
fn age(path: &Path) {
    let partition = path.with_file_name("fanlight.db.000001");
    let connection = rusqlite::Connection::open(partition).unwrap();
    connection
        .execute_batch(
            "DROP TABLE IF EXISTS llm_calls; DROP TABLE IF EXISTS llm_facts; DROP TABLE IF EXISTS llm_index;
             DELETE FROM meta WHERE key IN ('mapping', 'deriving', 'derived'); PRAGMA user_version = 2;",
        )
        .unwrap();
}

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
    // The writer's thread goes when the store does, and the last handle is gone by then or soon.
    let opened = loop {
        age_when_free(&path);
        if let Ok(store) = Store::open(&StoreOptions::new(&path)) {
            break store;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    write(&opened, &[Call::chat(50, 1, "gpt-4o", (10, 1))]).await;
    // The same record again is the same call.
    opened.write(&record).await.unwrap();
    while totals(&opened).await.calls < 22 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let totals = totals(&opened).await;
    assert_eq!((totals.calls, totals.input_tokens), (22, 220));
}

fn age_when_free(path: &Path) {
    let lock = std::fs::File::open(path.with_file_name("fanlight.db.lock")).unwrap();
    while lock.try_lock().is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
    age(path);
}
