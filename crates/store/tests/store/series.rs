//! Metrics over time.

use fanlight_store::{Aggregation, SeriesFilter, TimeRange};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum, metric, number_data_point,
};

use crate::requests::{attribute, metrics, open};

/// A counter of a host, which rose to these values at these seconds.
pub(crate) fn counter(host: &str, values: &[(u64, i64)]) -> Metric {
    let data_points = values
        .iter()
        .map(|(second, value)| NumberDataPoint {
            attributes: vec![attribute("host", Value::StringValue(host.to_owned()))],
            time_unix_nano: second * 1_000_000_000,
            value: Some(number_data_point::Value::AsInt(*value)),
            ..NumberDataPoint::default()
        })
        .collect();
    Metric {
        name: "requests".to_owned(),
        data: Some(metric::Data::Sum(Sum {
            data_points,
            aggregation_temporality: 2,
            is_monotonic: true,
        })),
        ..Metric::default()
    }
}

/// A counter of two hosts, one of which restarts, and a histogram.
/// Rates are increases per second, resets accounted for; quantiles come from buckets; groups are told apart.
#[tokio::test]
async fn series_of_counters_and_histograms_are_right() {
    let (_directory, store) = open();
    let first = counter("a", &[(0, 100), (10, 200), (20, 300), (30, 50)]);
    let second = counter("b", &[(0, 0), (10, 10), (20, 20), (30, 30)]);
    store
        .write(&metrics("shop", vec![first, second]))
        .await
        .unwrap();
    let seconds = |from: u64, to: u64| TimeRange {
        from: Some(from * 1_000_000_000),
        to: Some(to * 1_000_000_000),
    };
    let filter = SeriesFilter {
        name: "requests".to_owned(),
        time: seconds(10, 40),
        bins: 3,
        group_by: vec!["host".to_owned()],
        ..SeriesFilter::default()
    };
    let series = store.metric_series(filter.clone()).await.unwrap();
    assert_eq!((series.kind, series.series.len()), ("sum", 2));
    assert_eq!(series.series[0].labels["host"], "a");
    assert_eq!(series.series[0].values, [Some(10.0), Some(10.0), Some(5.0)]);
    assert_eq!(series.series[1].values, [Some(1.0), Some(1.0), Some(1.0)]);
    let all = SeriesFilter {
        group_by: Vec::new(),
        aggregation: Aggregation::Sum,
        ..filter
    };
    let series = store.metric_series(all).await.unwrap();
    assert_eq!(
        series.series[0].values,
        [Some(210.0), Some(320.0), Some(80.0)]
    );
    let point = HistogramDataPoint {
        time_unix_nano: 5_000_000_000,
        count: 100,
        sum: Some(150.0),
        bucket_counts: vec![50, 50, 0],
        explicit_bounds: vec![1.0, 2.0],
        ..HistogramDataPoint::default()
    };
    let histogram = Metric {
        name: "latency".to_owned(),
        unit: "s".to_owned(),
        data: Some(metric::Data::Histogram(Histogram {
            data_points: vec![point],
            aggregation_temporality: 1,
        })),
        ..Metric::default()
    };
    store
        .write(&metrics("shop", vec![histogram]))
        .await
        .unwrap();
    let filter = SeriesFilter {
        name: "latency".to_owned(),
        time: seconds(0, 10),
        bins: 1,
        ..SeriesFilter::default()
    };
    let series = store.metric_series(filter).await.unwrap();
    assert_eq!(
        (&*series.unit, &*series.series[0].values),
        ("s", &[Some(1.9)][..])
    );
    let heatmap = series.heatmap.unwrap();
    assert_eq!(
        (heatmap.bounds, heatmap.counts),
        (vec![1.0, 2.0], vec![vec![50.0, 50.0, 0.0]])
    );
}

/// A program of a moment sends its counter once, as cumulative, with the time at which it began to count.
/// What it counted is its increase where it began in the range; where it began before, or nobody knows when, nothing is said.
#[tokio::test]
async fn a_counter_that_was_sent_once_counts_from_its_start() {
    let (_directory, store) = open();
    for (host, start, value) in [("new", 15, 30), ("old", 1, 1000), ("unknown", 20, 500)] {
        let mut once = counter(host, &[(20, value)]);
        let Some(metric::Data::Sum(sum)) = &mut once.data else {
            unreachable!("a counter is a sum");
        };
        sum.data_points[0].start_time_unix_nano = start * 1_000_000_000;
        store.write(&metrics("shop", vec![once])).await.unwrap();
    }
    let filter = SeriesFilter {
        name: "requests".to_owned(),
        time: TimeRange {
            from: Some(10_000_000_000),
            to: Some(40_000_000_000),
        },
        bins: 1,
        group_by: vec!["host".to_owned()],
        ..SeriesFilter::default()
    };
    let series = store.metric_series(filter).await.unwrap().series;
    let rates: Vec<_> = series
        .iter()
        .map(|one| (&*one.labels["host"], one.values[0]))
        .collect();
    assert_eq!(
        rates,
        [("new", Some(1.0)), ("old", None), ("unknown", None)]
    );
}
