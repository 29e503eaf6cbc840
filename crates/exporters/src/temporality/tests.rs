use fanlight_otlp::view::{NumberView, PointValue};
use fanlight_otlp::{Batch, Signal, json};

use super::*;

/// A request with one metric; `data` is what stands under its kind.
fn metric(data: &str) -> Batch {
    let text = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m",{data}}}]}}]}}]}}"#
    );
    json::read(Signal::Metrics, text.as_bytes()).unwrap()
}

fn sum(temporality: u8, start: u64, time: u64, value: i64) -> Batch {
    metric(&format!(
        r#""sum":{{"aggregationTemporality":{temporality},"isMonotonic":true,"dataPoints":[
            {{"startTimeUnixNano":"{start}","timeUnixNano":"{time}","asInt":"{value}","attributes":[
                {{"key":"a","value":{{"stringValue":"1"}}}}]}}]}}"#
    ))
}

fn exponential(temporality: u8, time: u64, scale: i32, offset: i32, counts: &[u64]) -> Batch {
    let count: u64 = counts.iter().sum();
    let counts = serde_json::to_string(counts).unwrap();
    metric(&format!(
        r#""exponentialHistogram":{{"aggregationTemporality":{temporality},"dataPoints":[
            {{"startTimeUnixNano":"1","timeUnixNano":"{time}","count":"{count}","sum":1.5,"scale":{scale},
              "positive":{{"offset":{offset},"bucketCounts":{counts}}}}}]}}"#
    ))
}

/// Temporality, start and value of the only point, if there is one.
fn only(batch: &Batch) -> Option<(i32, u64, NewValue)> {
    let resource = batch.resources().next()?.unwrap();
    let scope = resource.scopes().next()?.unwrap();
    let metric = scope.metrics().next()?.unwrap();
    let point = metric.points().next()?.unwrap();
    let value = series::read(&point.value).unwrap().unwrap();
    Some((
        metric.aggregation_temporality,
        point.start_time_unix_nano,
        value,
    ))
}

fn int(value: i64) -> NewValue {
    NewValue::Number(NumberView::Int(value))
}

fn to_cumulative() -> Converter {
    Converter::new(Temporality::Cumulative, STALE)
}

/// A converter that began at time 0, so that every series begins after it.
fn to_delta() -> Converter {
    Converter {
        begun_unix_nano: 0,
        ..Converter::new(Temporality::Delta, STALE)
    }
}

#[test]
fn deltas_add_up_since_the_first_start() {
    let converter = to_cumulative();
    let first = converter.convert(sum(1, 10, 20, 5)).batch;
    assert_eq!(only(&first), Some((2, 10, int(5))));
    let second = converter.convert(sum(1, 20, 30, 7)).batch;
    assert_eq!(only(&second), Some((2, 10, int(12))));
}

#[test]
fn a_delta_that_came_twice_is_counted_once_and_told() {
    let converter = to_cumulative();
    converter.convert(sum(1, 10, 20, 5));
    let again = converter.convert(sum(1, 10, 20, 5));
    assert_eq!((again.batch.items(), again.dropped), (0, 1));
    assert!(again.why.contains("in order"), "{}", again.why);
}

#[test]
fn cumulative_sums_become_what_came_since_the_last_point() {
    let converter = to_delta();
    assert_eq!(
        only(&converter.convert(sum(2, 10, 20, 5)).batch),
        Some((1, 10, int(5)))
    );
    assert_eq!(
        only(&converter.convert(sum(2, 10, 30, 12)).batch),
        Some((1, 20, int(7)))
    );
    // A reset: the process started again at 35.
    assert_eq!(
        only(&converter.convert(sum(2, 35, 40, 3)).batch),
        Some((1, 35, int(3)))
    );
    // A reset that only the value tells.
    assert_eq!(
        only(&converter.convert(sum(2, 35, 50, 1)).batch),
        Some((1, 40, int(1)))
    );
}

#[test]
fn a_series_older_than_the_hub_is_held_back_until_its_second_point() {
    let converter = Converter::new(Temporality::Delta, STALE);
    let held = converter.convert(sum(2, 10, 20, 5));
    assert_eq!((held.batch.items(), held.dropped), (0, 0));
    assert_eq!(
        only(&converter.convert(sum(2, 10, 30, 9)).batch),
        Some((1, 20, int(4)))
    );
}

#[test]
fn up_down_counters_and_the_right_temporality_stay_as_they_are() {
    let up_down = metric(
        r#""sum":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"2","asInt":"-3"}]}"#,
    );
    assert_eq!(to_delta().convert(up_down.clone()).batch, up_down);
    let delta = sum(1, 1, 2, 3);
    assert_eq!(to_delta().convert(delta.clone()).batch, delta);
}

#[test]
fn exponential_histograms_meet_at_the_coarser_scale() {
    let converter = to_cumulative();
    converter.convert(exponential(1, 10, 1, 0, &[1, 2, 3, 4]));
    let second = converter.convert(exponential(1, 20, 0, 1, &[5])).batch;
    let Some((2, 1, NewValue::ExponentialHistogram(histogram))) = only(&second) else {
        panic!("{:?}", only(&second))
    };
    assert_eq!((histogram.scale, histogram.count), (0, 15));
    // Buckets 0..4 of scale 1 are buckets 0 and 1 of scale 0.
    assert_eq!(histogram.positive.bucket_counts, [3, 12]);
    assert_eq!(histogram.sum, Some(3.0));
}

#[test]
fn far_apart_buckets_cost_resolution_and_no_memory() {
    let converter = to_cumulative();
    converter.convert(exponential(1, 10, 10, -2_000_000_000, &[1]));
    let second = converter
        .convert(exponential(1, 20, 10, 2_000_000_000, &[1]))
        .batch;
    let (_, _, NewValue::ExponentialHistogram(histogram)) = only(&second).unwrap() else {
        panic!("not a histogram")
    };
    assert!(histogram.positive.bucket_counts.len() <= 160);
}

#[test]
fn a_cumulative_exponential_histogram_becomes_its_growth() {
    let converter = to_delta();
    converter.convert(exponential(2, 10, 1, 0, &[1, 2]));
    let second = converter
        .convert(exponential(2, 20, 1, -1, &[1, 1, 4]))
        .batch;
    let (1, 10, NewValue::ExponentialHistogram(histogram)) = only(&second).unwrap() else {
        panic!("{:?}", only(&second))
    };
    assert_eq!(histogram.positive.bucket_counts, [1, 0, 2]);
    assert_eq!(histogram.count, 3);
}

#[test]
fn histograms_keep_bounds_attributes_and_exemplars() {
    let histogram = |time: u64, counts: &str, count: u64| {
        metric(&format!(
            r#""histogram":{{"aggregationTemporality":1,"dataPoints":[{{"startTimeUnixNano":"1","timeUnixNano":"{time}",
                "count":"{count}","sum":2.5,"min":1,"max":2,"bucketCounts":{counts},"explicitBounds":[1.5],
                "exemplars":[{{"timeUnixNano":"3","asDouble":1}}],"attributes":[{{"key":"a","value":{{"boolValue":true}}}}]}}]}}"#
        ))
    };
    let converter = to_cumulative();
    converter.convert(histogram(10, "[1,1]", 2));
    let batch = converter.convert(histogram(20, "[0,3]", 3)).batch;
    let resource = batch.resources().next().unwrap().unwrap();
    let scope = resource.scopes().next().unwrap().unwrap();
    let metric = scope.metrics().next().unwrap().unwrap();
    let point = metric.points().next().unwrap().unwrap();
    let PointValue::Histogram(view) = point.value else {
        panic!("{point:?}")
    };
    let counts: Vec<u64> = view.bucket_counts().map(Result::unwrap).collect();
    let bounds: Vec<f64> = view.explicit_bounds().map(Result::unwrap).collect();
    assert_eq!((view.count, counts, bounds), (5, vec![1, 4], vec![1.5]));
    assert_eq!(
        (view.sum, view.min, view.max),
        (Some(5.0), Some(1.0), Some(2.0))
    );
    assert_eq!((point.exemplars().count(), point.attributes.len()), (1, 1));
}

#[test]
fn the_golden_set_survives_both_ways() {
    for to in [Temporality::Delta, Temporality::Cumulative] {
        let golden = fanlight_testkit::golden(Signal::Metrics);
        let prepared = Converter::new(to, STALE).convert(golden.clone());
        assert_eq!(prepared.dropped, 0);
        let decoded = Batch::decode(Signal::Metrics, prepared.batch.bytes().clone()).unwrap();
        assert_eq!(decoded.items(), prepared.batch.items());
    }
}
