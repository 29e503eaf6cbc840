//! Filters and pages.

use fanlight_store::{LogFilter, QueryError, TraceFilter};
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::requests::{log, logs, open, span, spans, status};

/// 25 traces are read in pages of 10 while newer ones arrive.
/// Each is seen once, newest first.
#[tokio::test]
async fn pages_of_traces_neither_repeat_nor_skip() {
    let (_directory, store) = open();
    let first: Vec<Span> = (1..=25)
        .map(|trace| Span {
            start_time_unix_nano: 100 + u64::from(trace),
            ..span(trace, 1, None)
        })
        .collect();
    store.write(&spans("shop", first)).await.unwrap();
    let mut filter = TraceFilter {
        limit: 10,
        ..TraceFilter::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = store.traces(filter.clone()).await.unwrap();
        seen.extend(page.items.iter().map(|trace| trace.trace_id.0[0]));
        let late = Span {
            start_time_unix_nano: 1000,
            ..span(100 + seen.len() as u8, 1, None)
        };
        store.write(&spans("shop", vec![late])).await.unwrap();
        filter.cursor = page.next_cursor;
        if filter.cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=25).rev().collect::<Vec<u8>>());
}

/// Traces of two services, slow, failing and fine ones.
/// Each filter finds exactly those that it describes, and all of them together what all describe.
#[tokio::test]
async fn filters_find_exactly_what_they_describe() {
    let (_directory, store) = open();
    let slow = Span {
        end_time_unix_nano: 9_000_000_000,
        name: "Checkout".to_owned(),
        ..span(1, 1, None)
    };
    let failing = Span {
        status: Some(status(2, "no")),
        ..span(2, 1, None)
    };
    store
        .write(&spans("shop", vec![slow, failing, span(3, 1, None)]))
        .await
        .unwrap();
    store
        .write(&spans("bank", vec![span(3, 2, Some(1)), span(4, 1, None)]))
        .await
        .unwrap();
    let all = TraceFilter::default();
    let cases = [
        (
            TraceFilter {
                service: Some("bank".to_owned()),
                ..all.clone()
            },
            vec![3, 4],
        ),
        (
            TraceFilter {
                service: Some("nobody".to_owned()),
                ..all.clone()
            },
            vec![],
        ),
        (
            TraceFilter {
                name: Some("check".to_owned()),
                ..all.clone()
            },
            vec![1],
        ),
        (
            TraceFilter {
                name: Some("100%_".to_owned()),
                ..all.clone()
            },
            vec![],
        ),
        (
            TraceFilter {
                errors_only: true,
                ..all.clone()
            },
            vec![2],
        ),
        (
            TraceFilter {
                min_duration_nano: 1_000_000_000,
                ..all.clone()
            },
            vec![1],
        ),
        (
            TraceFilter {
                errors_only: true,
                service: Some("bank".to_owned()),
                ..all.clone()
            },
            vec![],
        ),
        (all, vec![1, 2, 3, 4]),
    ];
    for (filter, expected) in cases {
        let page = store.traces(filter.clone()).await.unwrap();
        let mut found: Vec<u8> = page.items.iter().map(|trace| trace.trace_id.0[0]).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{filter:?}");
    }
    assert_eq!(store.services().await.unwrap(), ["bank", "shop"]);
}

/// Log records of two services and several severities.
/// Filters by service, severity and text work, and pages go from new to old.
#[tokio::test]
async fn logs_are_filtered_and_paged() {
    let (_directory, store) = open();
    store
        .write(&logs(
            "shop",
            vec![
                log(1, 9, "Paid 5 EUR"),
                log(3, 17, "no money"),
                log(2, 5, "noise"),
            ],
        ))
        .await
        .unwrap();
    store
        .write(&logs("bank", vec![log(4, 13, "slow")]))
        .await
        .unwrap();
    let find = async |filter: LogFilter| -> Vec<u64> {
        store
            .logs(filter)
            .await
            .unwrap()
            .items
            .iter()
            .map(|record| record.time_unix_nano)
            .collect()
    };
    let all = LogFilter::default();
    assert_eq!(find(all.clone()).await, [4, 3, 2, 1]);
    assert_eq!(
        find(LogFilter {
            severity_min: 13,
            ..all.clone()
        })
        .await,
        [4, 3]
    );
    assert_eq!(
        find(LogFilter {
            service: Some("shop".to_owned()),
            ..all.clone()
        })
        .await,
        [3, 2, 1]
    );
    assert_eq!(
        find(LogFilter {
            text: Some("paid".to_owned()),
            ..all.clone()
        })
        .await,
        [1]
    );
    let page = store
        .logs(LogFilter {
            limit: 3,
            ..all.clone()
        })
        .await
        .unwrap();
    assert_eq!(
        find(LogFilter {
            cursor: page.next_cursor,
            ..all
        })
        .await,
        [1]
    );
}

/// A cursor that no answer gave comes in.
/// It is refused with where to take one from.
#[tokio::test]
async fn a_made_up_cursor_is_refused() {
    let (_directory, store) = open();
    let filter = TraceFilter {
        cursor: Some("'; DROP TABLE spans".to_owned()),
        ..TraceFilter::default()
    };
    let error = store.traces(filter).await.unwrap_err();
    assert!(matches!(error, QueryError::Cursor(_)));
    assert!(error.to_string().contains("nextCursor"), "{error}");
}
