//! Native buckets against what they count.

use fanlight_otlp::{Batch, Signal, json};

use super::*;

/// A metric of one exponential histogram point with these fields.
fn measured(fields: &str) -> Result<Measurement, Unfit> {
    let text = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m","exponentialHistogram":{{"aggregationTemporality":2,"dataPoints":[{{"timeUnixNano":"1000000",{fields}}}]}}}}]}}]}}]}}"#
    );
    let batch: Batch = json::read(Signal::Metrics, text.as_bytes()).unwrap();
    let resource = batch.resources().next().unwrap().unwrap();
    let scope = resource.scopes().next().unwrap().unwrap();
    let metric = scope.metrics().next().unwrap().unwrap();
    let point = metric.points().next().unwrap().unwrap();
    measure(&metric, &point)
}

fn positive(fields: &str) -> (i32, NativeBuckets) {
    match measured(fields).unwrap() {
        Measurement::Native(native) => (native.schema, native.positive),
        other => panic!("{other:?}"),
    }
}

#[test]
fn buckets_become_spans_and_differences() {
    let (schema, buckets) = positive(
        r#""count":"9","scale":3,"positive":{"offset":-8,"bucketCounts":["1","0","3","0","0","0","5"]}"#,
    );
    assert_eq!(schema, 3);
    assert_eq!(buckets.spans, [(-7, 3), (3, 1)]);
    assert_eq!(buckets.deltas, [1, -1, 3, 2]);
}

#[test]
fn a_scale_that_is_too_fine_is_merged_to_the_finest() {
    let (schema, buckets) = positive(
        r#""count":"6","scale":10,"positive":{"offset":3,"bucketCounts":["1","2","0","0","0","3"]}"#,
    );
    // Four buckets become one: 3 is in 0..3, 4 and 8 are each in the next.
    assert_eq!(schema, 8);
    assert_eq!(buckets.spans, [(1, 3)]);
    assert_eq!(buckets.deltas, [1, 1, 1]);
    let (_, buckets) =
        positive(r#""count":"2","scale":9,"positive":{"offset":-3,"bucketCounts":["1","0","1"]}"#);
    assert_eq!(buckets.spans, [(-1, 2)], "negative indexes round down");
}

#[test]
fn what_prometheus_would_refuse_is_named() {
    let scale = measured(r#""count":"1","scale":-5,"positive":{"bucketCounts":["1"]}"#);
    assert_eq!(scale, Err(Unfit::Scale("m".to_owned(), -5)));
    let count = measured(r#""count":"3","scale":0,"positive":{"bucketCounts":["1"]}"#);
    assert_eq!(count, Err(Unfit::Count("m".to_owned())));
    assert!(
        measured(r#""count":"3","sum":"NaN","scale":0,"positive":{"bucketCounts":["1"]}"#).is_ok()
    );
    let mut metric = MetricView::default();
    metric.name = "m";
    metric.kind = MetricKind::Gauge;
    let mut point = PointView::default();
    let no_time = Err(Unfit::NoTime("m".to_owned()));
    assert_eq!(measure(&metric, &point), no_time);
    point.time_unix_nano = 1_000_000;
    let no_value = Err(Unfit::NoValue("m".to_owned()));
    assert_eq!(measure(&metric, &point), no_value);
}
