//! What open pages are told.

use fanlight_store::LiveUpdate;

use crate::requests::{log, logs, open, span, spans};

/// A page listens while a trace and a log record arrive.
/// It is told about both, as the lists would show them.
#[tokio::test]
async fn listeners_are_told_what_is_new() {
    let (_directory, store) = open();
    store
        .write(&spans("shop", vec![span(1, 1, None)]))
        .await
        .unwrap();
    let mut live = store.live();
    store
        .write(&spans("shop", vec![span(2, 1, None), span(2, 2, Some(1))]))
        .await
        .unwrap();
    let Some(LiveUpdate::Traces(traces)) = live.next().await.unwrap() else {
        panic!("no traces")
    };
    assert_eq!(
        (traces.len(), traces[0].trace_id.0[0], traces[0].span_count),
        (1, 2, 2)
    );
    store
        .write(&logs("shop", vec![log(1, 9, "hello")]))
        .await
        .unwrap();
    let Some(LiveUpdate::Logs(records)) = live.next().await.unwrap() else {
        panic!("no logs")
    };
    assert_eq!(
        records
            .iter()
            .map(|record| &*record.body_text)
            .collect::<Vec<_>>(),
        ["hello"]
    );
}

/// A page sleeps through hundreds of commits.
/// It is told to start over instead of being fed what it missed, and hears news again after that.
#[tokio::test]
async fn a_listener_that_fell_behind_is_told_to_start_over() {
    let (_directory, store) = open();
    let mut live = store.live();
    for round in 0..600_u64 {
        store
            .write(&logs("shop", vec![log(round + 1, 9, "x")]))
            .await
            .unwrap();
    }
    assert!(matches!(
        live.next().await.unwrap(),
        Some(LiveUpdate::Reset)
    ));
    let Some(LiveUpdate::Logs(records)) = live.next().await.unwrap() else {
        panic!("no logs")
    };
    assert!(records.len() <= 200);
    assert_eq!(records[0].time_unix_nano, 600);
}
