//! Partitions and blocks: what is spread over several is seen as one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use fanlight_otlp::TraceId;
use fanlight_store::{Clock, LogFilter, OverviewFilter, Store, StoreOptions, TraceFilter};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::requests::{attribute, log, logs, open, span, spans, status};

const DAY: u64 = 86_400;

/// A store with a clock that can be set, which keeps 14 days: a partition a day.
fn days(now: &Arc<AtomicU64>) -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::new({
        let now = Arc::clone(now);
        move || UNIX_EPOCH + Duration::from_secs(now.load(Ordering::Relaxed))
    });
    let options = StoreOptions {
        max_age: Duration::from_secs(14 * DAY),
        clock,
        ..StoreOptions::new(directory.path().join("fanlight.db"))
    };
    let store = Store::open(&options).unwrap();
    (directory, store)
}

fn files(directory: &tempfile::TempDir) -> usize {
    let names = std::fs::read_dir(directory.path()).unwrap();
    let is_partition = |name: &str| name.rsplit('.').next().unwrap().parse::<u64>().is_ok();
    names
        .filter(|entry| is_partition(entry.as_ref().unwrap().file_name().to_str().unwrap()))
        .count()
}

/// A trace, its root last, and log records arrive over three days, each a partition; a span comes again on the last.
/// Lists, counts and pages are as if there were one.
#[tokio::test]
async fn a_trace_of_several_partitions_is_one() {
    let now = Arc::new(AtomicU64::new(100 * DAY));
    let (directory, store) = days(&now);
    for day in 1..=3_u8 {
        let parent = (day < 3).then_some(3);
        let part = Span {
            status: Some(status(2, "no")),
            start_time_unix_nano: 1000 - u64::from(day),
            ..span(7, day, parent)
        };
        store
            .write(&spans(&format!("service {day}"), vec![part]))
            .await
            .unwrap();
        store
            .write(&spans("other", vec![span(100 + day, 1, None)]))
            .await
            .unwrap();
        store
            .write(&logs(
                "logger",
                vec![
                    log(u64::from(day), 9, "x"),
                    log(10 + u64::from(day), 9, "x"),
                ],
            ))
            .await
            .unwrap();
        // A partition is closed after the group in which it is seen to be full.
        now.fetch_add(DAY, Ordering::Relaxed);
        store
            .write(&logs("logger", vec![log(20 + u64::from(day), 9, "y")]))
            .await
            .unwrap();
    }
    let again = Span {
        status: Some(status(2, "no")),
        start_time_unix_nano: 999,
        ..span(7, 1, Some(3))
    };
    store.write(&spans("service 1", vec![again])).await.unwrap();
    assert!(files(&directory) >= 3, "{} partitions", files(&directory));
    let page = store.traces(TraceFilter::default()).await.unwrap().items;
    assert_eq!(page.len(), 4);
    let split = page.iter().find(|trace| trace.trace_id.0[0] == 7).unwrap();
    assert_eq!(
        (&*split.root_name, split.span_count, split.error_count),
        ("span 3", 3, 3)
    );
    assert_eq!(split.services, ["service 1", "service 2", "service 3"]);
    assert_eq!(split.start_time_unix_nano, 997);
    assert_eq!(
        store
            .trace(TraceId([7; 16]))
            .await
            .unwrap()
            .unwrap()
            .spans
            .len(),
        3
    );
    let service = TraceFilter {
        service: Some("service 2".to_owned()),
        ..TraceFilter::default()
    };
    assert_eq!(store.traces(service).await.unwrap().items[0].span_count, 3);
    let mut filter = LogFilter {
        limit: 2,
        ..LogFilter::default()
    };
    let mut times = Vec::new();
    loop {
        let page = store.logs(filter.clone()).await.unwrap();
        times.extend(page.items.iter().map(|record| record.time_unix_nano));
        filter.cursor = page.next_cursor;
        if filter.cursor.is_none() {
            break;
        }
    }
    assert_eq!(times, [23, 22, 21, 13, 12, 11, 3, 2, 1]);
    let overview = store.overview(OverviewFilter::default()).await.unwrap();
    assert_eq!(
        overview
            .services
            .iter()
            .map(|service| service.span_count)
            .sum::<u64>(),
        6
    );
}

/// Thousands of spans and records come one by one, some twice in another version, with a value that is large and repeats.
/// Blocks are joined, and every span and record is as it was sent last.
#[tokio::test]
async fn single_spans_are_joined_to_blocks_and_nothing_changes() {
    let (directory, store) = open();
    let large = "payload ".repeat(2000);
    let version = |trace: u8, id: u8, end: u64| Span {
        end_time_unix_nano: 2_000_000_000 + end,
        attributes: vec![attribute("body", Value::StringValue(large.clone()))],
        ..span(trace, id, (id > 1).then_some(1))
    };
    for trace in 1..=60_u8 {
        for id in 1..=5 {
            store
                .write(&spans("shop", vec![version(trace, id, 1)]))
                .await
                .unwrap();
            let time = u64::from(trace) * 10 + u64::from(id);
            store
                .write(&logs("shop", vec![log(time, 9, &format!("record {time}"))]))
                .await
                .unwrap();
        }
        store
            .write(&spans("shop", vec![version(trace, 2, 5)]))
            .await
            .unwrap();
    }
    let database = rusqlite::Connection::open(directory.path().join("fanlight.db.000001")).unwrap();
    let number = |sql: &str| {
        database
            .query_one(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert!(number("SELECT count(*) FROM span_blocks") < 130);
    assert!(number("SELECT count(*) FROM log_blocks") < 130);
    assert_eq!(number("SELECT count(*) FROM payloads"), 1);
    assert_eq!(store.counts().await.unwrap().spans, 300);
    for trace in 1..=60 {
        let stored = store.trace(TraceId([trace; 16])).await.unwrap().unwrap();
        assert_eq!(stored.spans.len(), 5);
        let second = stored
            .spans
            .iter()
            .find(|span| span.name == "span 2")
            .unwrap();
        assert_eq!(second.end_time_unix_nano, 2_000_000_005);
        assert!(second.attributes.as_str().contains(&large));
    }
    let records = store.logs(LogFilter::default()).await.unwrap().items;
    let bodies: Vec<String> = records
        .iter()
        .rev()
        .map(|record| record.body_text.clone())
        .collect();
    let expected =
        (1..=60).flat_map(|trace| (1..=5).map(move |id| format!("record {}", trace * 10 + id)));
    assert_eq!(bodies, expected.collect::<Vec<_>>());
}

/// One of three partitions loses its pages while the store is closed.
/// It is set aside alone; what the others hold is there.
#[tokio::test]
async fn a_damaged_partition_is_set_aside_alone() {
    let now = Arc::new(AtomicU64::new(100 * DAY));
    let (directory, store) = days(&now);
    for day in 1..=3 {
        store
            .write(&spans("shop", vec![span(day, 1, None)]))
            .await
            .unwrap();
        now.fetch_add(DAY, Ordering::Relaxed);
        // The group after which the partition is seen to be full.
        store
            .write(&logs("shop", vec![log(1, 9, "x")]))
            .await
            .unwrap();
    }
    let path = store.path().to_owned();
    drop(store);
    crate::opening::closed(&path).await;
    std::fs::write(
        directory.path().join("fanlight.db.000002"),
        "rubbish".repeat(1000),
    )
    .unwrap();
    let store = crate::opening::reopen(&path).await;
    assert!(
        directory
            .path()
            .join("fanlight.db.000002.damaged-1")
            .exists()
    );
    let found = store.traces(TraceFilter::default()).await.unwrap().items;
    assert!(found.iter().any(|trace| trace.trace_id.0[0] == 1));
    assert!(!found.is_empty() && found.len() < 3, "{}", found.len());
    store
        .write(&spans("shop", vec![span(9, 1, None)]))
        .await
        .unwrap();
    assert!(store.trace(TraceId([9; 16])).await.unwrap().is_some());
}
