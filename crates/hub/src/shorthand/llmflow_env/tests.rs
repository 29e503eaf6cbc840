use fanlight_config::{Document, Location};
use serde_json::{Value, json};

use super::*;

fn exporters(variables: &[(&str, &str)]) -> (Value, Vec<String>) {
    let Lowering { exporters, notes } = lower(&variables.iter().copied().collect()).unwrap();
    let map = exporters
        .into_iter()
        .map(|exporter| (exporter.id, exporter.node))
        .collect();
    (
        Document::from_root(Node::map(Location::of_file("x"), map))
            .root()
            .decode()
            .unwrap(),
        notes,
    )
}

const ON: (&str, &str) = ("OTLP_EXPORT_ENABLED", "true");
const JAEGER: (&str, &str) = ("OTLP_EXPORT_ENDPOINT", "http://localhost:4318/v1/traces");

#[test]
fn the_documented_variables_forward_traces() {
    let expected = json!({"otlp_http/llmflow": {
        "traces_endpoint": "http://localhost:4318/v1/traces", "signals": ["traces"], "timeout": "10s", "compression": "none",
    }});
    assert_eq!(exporters(&[JAEGER, ON]), (expected, vec![]));
    let origin = lower(&[JAEGER, ON].into_iter().collect())
        .unwrap()
        .exporters
        .remove(0)
        .origin;
    assert_eq!(origin, "from OTLP_EXPORT_ENDPOINT");
}

#[test]
fn every_variable_counts() {
    let variables = [
        ON,
        JAEGER,
        ("OTLP_EXPORT_TRACES_ENDPOINT", "http://t/x"),
        ("OTLP_EXPORT_METRICS_ENDPOINT", "http://m/v1/metrics"),
        ("OTLP_EXPORT_LOGS_ENDPOINT", "http://l/v1/logs"),
        ("OTLP_EXPORT_HEADERS", "Authorization=Basic a==, x=1"),
        ("OTLP_EXPORT_BATCH_SIZE", "50"),
        ("OTLP_EXPORT_FLUSH_INTERVAL", "1000"),
    ];
    let expected = json!({"otlp_http/llmflow": {
        "traces_endpoint": "http://t/x",
        "metrics_endpoint": "http://m/v1/metrics",
        "logs_endpoint": "http://l/v1/logs",
        "signals": ["traces", "metrics", "logs"],
        "timeout": "10s",
        "compression": "none",
        "headers": {"Authorization": "Basic a==", "x": "1"},
        "sending_queue": {"batch": {"min_size": 50, "max_size": 50, "flush_timeout": "1000ms"}},
    }});
    assert_eq!(exporters(&variables), (expected, vec![]));
}

#[test]
fn nothing_is_forwarded_unless_it_is_turned_on() {
    let note = "OTLP_EXPORT_ENDPOINT is set, but OTLP_EXPORT_ENABLED is not `true`, so nothing is forwarded there";
    for off in ["", "false", "0"] {
        assert_eq!(
            exporters(&[JAEGER, ("OTLP_EXPORT_ENABLED", off)]),
            (json!({}), vec![note.to_owned()])
        );
    }
    assert_eq!(exporters(&[]), (json!({}), vec![]));
}

#[test]
fn what_cannot_be_used_names_its_variable() {
    let refused = |variables: &[(&str, &str)]| {
        lower(&variables.iter().copied().collect())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused(&[ON]),
        "environment variable OTLP_EXPORT_ENABLED: exporting is turned on, but there is no endpoint; set OTLP_EXPORT_ENDPOINT to the URL for traces, such as http://localhost:4318/v1/traces"
    );
    assert_eq!(
        refused(&[ON, ("OTLP_EXPORT_ENDPOINT", "localhost:4318")]),
        "environment variable OTLP_EXPORT_ENDPOINT: `localhost:4318` is not a URL; write it with http:// or https:// and its path"
    );
    let (_, notes) = exporters(&[
        ON,
        ("OTLP_EXPORT_ENDPOINT", "http://h"),
        ("OTLP_EXPORT_BATCH_SIZE", "many"),
        ("OTLP_EXPORT_HEADERS", "hunter2"),
    ]);
    let expected = [
        "OTLP_EXPORT_ENDPOINT has no path, and is used as it is; most backends want http://h/v1/traces",
        "OTLP_EXPORT_HEADERS: pair 1 is left out: it has no `=`",
        "OTLP_EXPORT_BATCH_SIZE is not a whole number above 0; 100 is used",
    ];
    assert_eq!(notes, expected);
}
