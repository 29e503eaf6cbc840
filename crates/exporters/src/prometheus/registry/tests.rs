//! What is kept, for how long, and how much.

use fanlight_otlp::{Signal, json};

use super::*;
use crate::prometheus_model::{Names, ResourceLabels};

fn registry(max_series: usize) -> Registry {
    Registry::new(Settings {
        labels: LabelSettings {
            names: Names::new("", None, true),
            external: BTreeMap::new(),
            resource: ResourceLabels::default(),
            scope: true,
        },
        expiration: Duration::from_secs(300),
        max_series,
        send_timestamps: false,
    })
}

/// A metric with one data list of these points.
fn batch(name: &str, data: &str, points: &str) -> Batch {
    let text = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"{name}","{data}":{{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{points}]}}}}]}}]}}]}}"#
    );
    json::read(Signal::Metrics, text.as_bytes()).unwrap()
}

fn point(value: u32, millis: u32, key: &str) -> String {
    format!(
        r#"{{"asInt":"{value}","timeUnixNano":"{millis}000000","attributes":[{{"key":"k","value":{{"stringValue":"{key}"}}}}]}}"#
    )
}

fn values(registry: &Registry) -> Vec<(String, f64)> {
    let mut values = Vec::new();
    for (name, family) in registry.families() {
        for (labels, point) in &family.points {
            let Measurement::Number(value) = point.measurement else {
                continue;
            };
            let labels: Vec<_> = labels.iter().map(|(_, value)| value.to_owned()).collect();
            values.push((format!("{name} {}", labels.join(",")), value));
        }
    }
    values
}

#[test]
fn the_newest_point_stays_whatever_the_order() {
    let (mut registry, now) = (registry(10), Instant::now());
    for (value, millis) in [(2, 2000), (1, 1000), (3, 3000)] {
        let left_out = registry.store(&batch("m", "sum", &point(value, millis, "a")), now);
        assert_eq!(left_out, LeftOut::default());
    }
    assert_eq!(values(&registry), [("m_total a".to_owned(), 3.0)]);
}

#[test]
fn a_series_without_new_points_expires() {
    let (mut registry, now) = (registry(10), Instant::now());
    registry.store(&batch("m", "sum", &point(1, 1, "a")), now);
    let later = now + Duration::from_secs(200);
    registry.store(&batch("m", "sum", &point(1, 1, "b")), later);
    registry.forget(now + Duration::from_secs(300));
    assert_eq!(values(&registry), [("m_total b".to_owned(), 1.0)]);
    assert_eq!(registry.len(), 1);
}

#[test]
fn a_point_without_recorded_value_ends_its_series() {
    let (mut registry, now) = (registry(10), Instant::now());
    registry.store(&batch("m", "gauge", &point(1, 1, "a")), now);
    let gone = point(1, 2, "a").replace("\"asInt\":\"1\"", "\"flags\":1");
    registry.store(&batch("m", "gauge", &gone), now);
    assert_eq!((values(&registry).len(), registry.len()), (0, 0));
}

#[test]
fn series_past_the_limit_and_other_types_are_refused_and_counted() {
    let (mut registry, now) = (registry(2), Instant::now());
    let points = [point(1, 1, "a"), point(2, 1, "b"), point(3, 1, "c")].join(",");
    let left_out = registry.store(&batch("m", "gauge", &points), now);
    assert_eq!((left_out.items, registry.len()), (1, 2));
    assert!(left_out.why.contains("max_series"), "{}", left_out.why);
    let left_out = registry.store(
        &batch("m", "histogram", r#"{"count":"1","timeUnixNano":"1"}"#),
        now,
    );
    assert_eq!(left_out.items, 1);
    assert!(left_out.why.contains("(gauge)"), "{}", left_out.why);
}
