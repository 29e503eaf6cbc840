use fanlight_otlp::json;
use serde_json::Value;

use super::super::exposition;
use super::*;

fn scrape(memory: &mut Memory, text: &str, at: u64) -> Value {
    let page = exposition::read(text, true).unwrap();
    let resource = [("service.name", "job".to_owned())];
    let batch = memory.convert(Scraped {
        page,
        resource: &resource,
        about: &[("up", 1.0)],
        labels: &Labels::new(),
        at_unix_nano: at,
        honor_timestamps: true,
    });
    let batch = batch.unwrap();
    serde_json::from_slice(&json::to_vec(&batch).unwrap()).unwrap()
}

/// The metric of this name, wherever it stands.
fn metric<'v>(batch: &'v Value, name: &str) -> &'v Value {
    let scopes = batch["resourceMetrics"][0]["scopeMetrics"]
        .as_array()
        .unwrap();
    let metrics = scopes
        .iter()
        .flat_map(|scope| scope["metrics"].as_array().into_iter().flatten());
    let mut found = metrics.filter(|metric| metric["name"] == name);
    found
        .next()
        .unwrap_or_else(|| panic!("no {name} in {batch}"))
}

const PAGE: &str = "# TYPE requests counter\n# HELP requests All.\nrequests_total{code=\"200\"} 5\n\
# TYPE temperature gauge\n# UNIT temperature celsius\ntemperature NaN\n\
# TYPE lat histogram\nlat_bucket{le=\"0.1\"} 2 # {trace_id=\"5b8efff798038103d269b633813fc60c\"} 0.05\nlat_bucket{le=\"+Inf\"} 5\nlat_sum 7.5\nlat_count 5\n\
# TYPE gc summary\ngc{quantile=\"0.5\"} 1.5\ngc_sum 3\ngc_count 2\n\
# TYPE target info\ntarget_info{version=\"1.2\",job=\"x\"} 1\nstrange{otel_scope_name=\"lib\"} 1\n# EOF\n";

#[test]
fn families_become_metrics_of_their_kind() {
    let batch = scrape(&mut Memory::default(), PAGE, 1_000_000_000);
    let requests = &metric(&batch, "requests_total")["sum"];
    assert_eq!(requests["isMonotonic"], true);
    assert_eq!(requests["dataPoints"][0]["asDouble"], 5.0);
    assert_eq!(requests["dataPoints"][0]["startTimeUnixNano"], "1000000000");
    assert_eq!(metric(&batch, "temperature")["unit"], "Cel");
    assert_eq!(
        metric(&batch, "temperature")["gauge"]["dataPoints"][0]["asDouble"],
        "NaN"
    );
    let histogram = &metric(&batch, "lat")["histogram"]["dataPoints"][0];
    assert_eq!(histogram["bucketCounts"], serde_json::json!(["2", "3"]));
    assert_eq!(histogram["explicitBounds"], serde_json::json!([0.1]));
    let exemplar = &histogram["exemplars"][0];
    assert_eq!(exemplar["traceId"], "5b8efff798038103d269b633813fc60c");
    let summary = &metric(&batch, "gc")["summary"]["dataPoints"][0];
    assert_eq!(
        (&summary["count"], &summary["sum"]),
        (&Value::from("2"), &Value::from(3.0))
    );
    let resource = batch["resourceMetrics"][0]["resource"].to_string();
    assert!(
        resource.contains("\"version\"") && !resource.contains("\"x\""),
        "{resource}"
    );
    assert!(batch.to_string().contains("\"name\":\"lib\""));
    assert_eq!(
        metric(&batch, "up")["gauge"]["dataPoints"][0]["asDouble"],
        1.0
    );
}

#[test]
fn a_counter_that_falls_has_begun_anew() {
    let mut memory = Memory::default();
    scrape(&mut memory, "# TYPE a counter\na_total 5\n", 1_000);
    scrape(&mut memory, "# TYPE a counter\na_total 7\n", 2_000);
    let third = scrape(&mut memory, "# TYPE a counter\na_total 1\n", 3_000);
    let point = &metric(&third, "a_total")["sum"]["dataPoints"][0];
    assert_eq!(point["startTimeUnixNano"], "2000");
    let created = scrape(
        &mut memory,
        "# TYPE a counter\na_total 2\na_created 0.5\n",
        4_000,
    );
    let point = &metric(&created, "a_total")["sum"]["dataPoints"][0];
    assert_eq!(point["startTimeUnixNano"], "500000000");
}

#[test]
fn a_series_that_is_gone_is_marked_stale_once() {
    let mut memory = Memory::default();
    scrape(
        &mut memory,
        "# TYPE a gauge\na{x=\"1\"} 5\na{x=\"2\"} 6\n",
        1_000,
    );
    let second = scrape(&mut memory, "# TYPE a gauge\na{x=\"1\"} 5\n", 2_000);
    let text = second.to_string();
    assert!(text.contains("\"flags\":1"), "{text}");
    let third = scrape(&mut memory, "# TYPE a gauge\na{x=\"1\"} 5\n", 3_000).to_string();
    assert!(!third.contains("\"flags\":1"), "{third}");
}
