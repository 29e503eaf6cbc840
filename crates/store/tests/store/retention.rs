//! Old telemetry goes, new telemetry stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use fanlight_otlp::TraceId;
use fanlight_store::{Clock, Counts, Store, StoreOptions};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, metric, number_data_point,
};
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::requests::{attribute, log, logs, metrics, span, spans};

fn gauge(time: u64) -> Metric {
    let point = NumberDataPoint {
        time_unix_nano: time,
        value: Some(number_data_point::Value::AsInt(1)),
        ..NumberDataPoint::default()
    };
    let data = metric::Data::Gauge(Gauge {
        data_points: vec![point],
    });
    Metric {
        name: format!("gauge {time}"),
        data: Some(data),
        ..Metric::default()
    }
}

async fn counts_become(store: &Store, is_right: impl Fn(Counts) -> bool) -> Counts {
    let patience = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let counts = store.counts().await.unwrap();
        if is_right(counts) || tokio::time::Instant::now() > patience {
            return counts;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Telemetry arrives on two days with a clock that can be set; two days are kept.
/// On the third day the first day's is gone, with its names; the second day's is all there; ids are not used again.
#[tokio::test]
async fn what_is_older_than_the_age_goes() {
    const DAY: u64 = 86_400;
    let now = Arc::new(AtomicU64::new(100 * DAY));
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::new({
        let now = Arc::clone(&now);
        move || UNIX_EPOCH + Duration::from_secs(now.load(Ordering::Relaxed))
    });
    let options = StoreOptions {
        max_age: Duration::from_secs(2 * DAY),
        clock,
        ..StoreOptions::new(directory.path().join("fanlight.db"))
    };
    let store = Store::open(&options).unwrap();
    for day in 1..=3_u8 {
        store
            .write(&spans(
                &format!("service {day}"),
                vec![span(day, 1, None), span(day, 2, Some(1))],
            ))
            .await
            .unwrap();
        store
            .write(&logs("logger", vec![log(u64::from(day), 9, "x")]))
            .await
            .unwrap();
        store
            .write(&metrics("meter", vec![gauge(u64::from(day))]))
            .await
            .unwrap();
        now.fetch_add(DAY, Ordering::Relaxed);
    }
    let counts = counts_become(&store, |counts| {
        counts.spans == 4 && counts.logs == 2 && counts.points == 2
    })
    .await;
    assert_eq!(
        counts,
        Counts {
            spans: 4,
            logs: 2,
            points: 2,
            profiles: 0
        }
    );
    assert!(store.trace(TraceId([1; 16])).await.unwrap().is_none());
    assert!(store.trace(TraceId([2; 16])).await.unwrap().is_some());
    assert_eq!(
        store.services().await.unwrap(),
        ["logger", "meter", "service 2", "service 3"]
    );
    let names: Vec<String> = store
        .metrics(fanlight_store::MetricFilter::default())
        .await
        .unwrap()
        .into_iter()
        .map(|m| m.name)
        .collect();
    assert_eq!(names, ["gauge 2", "gauge 3"]);
}

/// Much more arrives than may be kept.
/// The oldest goes until the rest fits, and what is left is whole.
#[tokio::test]
async fn what_is_too_much_goes_oldest_first() {
    let directory = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        max_bytes: 4 << 20,
        ..StoreOptions::new(directory.path().join("fanlight.db"))
    };
    let store = Store::open(&options).unwrap();
    let big = |trace: u8| Span {
        attributes: vec![attribute(
            "payload",
            Value::StringValue(noise(trace, 100_000)),
        )],
        ..span(trace, 1, None)
    };
    for trace in 1..=200 {
        store.write(&spans("shop", vec![big(trace)])).await.unwrap();
        if trace % 10 == 0 {
            // A period ends when there is too much, so the writer gets the time to see that.
            tokio::time::sleep(Duration::from_millis(110)).await;
        }
    }
    let counts = counts_become(&store, |counts| counts.spans < 100).await;
    assert!(counts.spans < 100, "{counts:?}");
    assert!(store.trace(TraceId([1; 16])).await.unwrap().is_none());
    let newest = store.trace(TraceId([200; 16])).await.unwrap().unwrap();
    assert!(newest.spans[0].attributes.as_str().len() > 100_000);
}

/// Text that can't be made smaller, another one for each seed.
fn noise(seed: u8, length: usize) -> String {
    let mut state = u64::from(seed);
    let letter = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'a' + (state >> 33) as u8 % 26)
    };
    (0..length).map(letter).collect()
}
