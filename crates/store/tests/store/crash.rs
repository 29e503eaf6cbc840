//! `kill -9`.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use fanlight_otlp::TraceId;
use fanlight_store::{Store, StoreOptions};

use crate::opening::reopen;
use crate::requests::{span, spans};

/// Tells the child where to write.
const PATH: &str = "FANLIGHT_TEST_STORE";

/// A process writes traces and says so after each answer; it is killed in the middle of that.
/// Every trace that it reported as stored is there, whole, and the store goes on.
#[tokio::test]
async fn what_was_reported_as_stored_survives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fanlight.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::write_until_killed",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(PATH, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let reported = |line: String| {
        line.rsplit_once("stored ")
            .and_then(|(_, number)| number.parse::<u8>().ok())
    };
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let mut last = lines
        .by_ref()
        .filter_map(reported)
        .find(|number| *number >= 60)
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    last = lines.filter_map(reported).last().unwrap_or(last);
    let store = reopen(&path).await;
    for trace in 1..=last {
        let stored = store.trace(TraceId([trace; 16])).await.unwrap();
        assert_eq!(
            stored.map(|trace| trace.spans.len()),
            Some(20),
            "trace {trace} of {last}"
        );
    }
    assert!(!directory.path().join("fanlight.db.damaged-1").exists());
    store
        .write(&spans("shop", vec![span(255, 1, None)]))
        .await
        .unwrap();
}

/// The child of the test above.
#[tokio::test]
#[ignore = "writes until it is killed"]
async fn write_until_killed() {
    let store = Store::open(&StoreOptions::new(PathBuf::from(
        std::env::var(PATH).unwrap(),
    )))
    .unwrap();
    for trace in 1..=250 {
        store
            .write(&spans(
                "shop",
                (1..=20).map(|id| span(trace, id, None)).collect(),
            ))
            .await
            .unwrap();
        println!("stored {trace}");
    }
    std::future::pending().await
}
