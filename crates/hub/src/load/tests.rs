use serde_json::{Value, json};

use super::*;

fn loaded(files: &[&str], variables: &[(&str, &str)]) -> Result<Loaded, String> {
    let files: Vec<(String, String)> = files
        .iter()
        .enumerate()
        .map(|(index, text)| (format!("{index}.yaml"), (*text).to_owned()))
        .collect();
    load(&files, &variables.iter().copied().collect()).map_err(|errors| errors.to_string())
}

fn values(files: &[&str], variables: &[(&str, &str)]) -> Value {
    loaded(files, variables)
        .unwrap()
        .document
        .root()
        .decode()
        .unwrap()
}

fn receivers() -> Value {
    json!({"otlp": {"protocols": {"grpc": {"endpoint": "127.0.0.1:4317"}, "http": {"endpoint": "127.0.0.1:4318"}}}})
}

const JAEGER: (&str, &str) = (
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "http://jaeger:4318/v1/traces",
);

#[test]
fn without_files_the_environment_decides() {
    assert_eq!(values(&[], &[]), json!({"receivers": receivers()}));
    let both = [
        JAEGER,
        ("OTLP_EXPORT_ENABLED", "1"),
        ("OTLP_EXPORT_ENDPOINT", "http://langfuse/v1/traces"),
        ("PROXY_PORT", "8080"),
    ];
    let read = loaded(&[], &both).unwrap();
    let id = |text: &str| text.parse().unwrap();
    assert_eq!(
        read.origin(&id("otlp_http/env")),
        "from OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    );
    assert_eq!(
        read.origin(&id("otlp_http/llmflow")),
        "from OTLP_EXPORT_ENDPOINT"
    );
    assert_eq!(read.notes, [""; 0]);
}

#[test]
fn a_file_without_destinations_leaves_them_to_the_environment() {
    let read = values(&["dashboard: {endpoint: 127.0.0.1:3001}"], &[JAEGER]);
    assert_eq!(
        read["exporters"]["otlp_http/env"]["traces_endpoint"],
        "http://jaeger:4318/v1/traces"
    );
    assert_eq!(read["receivers"], receivers());
}

#[test]
fn a_file_with_destinations_keeps_the_environment_out() {
    let read = loaded(&["exporters: {otlp/a: {endpoint: 'a:1'}}"], &[JAEGER]).unwrap();
    assert_eq!(
        read.document
            .root()
            .get("exporters")
            .unwrap()
            .entries()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        read.notes,
        [
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set, but the configuration file names its own destinations, so nothing is sent there"
        ]
    );
    assert_eq!(read.origin(&"otlp/a".parse().unwrap()), "from 0.yaml");
}

#[test]
fn a_collector_file_is_taken_as_it_is() {
    let text = "
receivers: {otlp: {protocols: {http: {endpoint: 0.0.0.0:4318}}}}
exporters: {debug: {verbosity: detailed}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}";
    let plain: Value = Document::parse("x", text, &Environment::default())
        .unwrap()
        .root()
        .decode()
        .unwrap();
    assert_eq!(values(&[text], &[]), plain);
}

#[test]
fn the_otlp_section_becomes_exporters_with_receivers_before_them() {
    let read = values(
        &[
            "otlp: {endpoint: 'h:4317', insecure: true}\nbackoff: {initial: 1s}",
            "exporters: {debug: }",
        ],
        &[],
    );
    assert_eq!(read["receivers"], receivers());
    assert_eq!(read["exporters"]["otlp_grpc/otlp"]["endpoint"], "h:4317");
    assert_eq!(read["exporters"]["debug"], Value::Null);
    assert_eq!(
        read.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["exporters", "receivers"]
    );
}

#[test]
fn a_section_that_no_pipeline_sends_to_is_refused() {
    let pipelines = |exporters: &str| {
        format!(
            "service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [{exporters}]}}}}}}\notlp: {{endpoint: 'h:1'}}"
        )
    };
    assert_eq!(
        loaded(&[&pipelines("debug")], &[]).unwrap_err(),
        "0.yaml:2:1: otlp: no pipeline sends to this section, and `service.pipelines` lists them all; name its exporter `otlp_grpc/otlp` in a pipeline, or leave `service.pipelines` out to send everything there"
    );
    assert!(loaded(&[&pipelines("otlp_grpc/otlp")], &[]).is_ok());
    assert_eq!(
        loaded(
            &["otlp: {endpoint: 'h:1'}\nexporters: {otlp_grpc/otlp: }"],
            &[]
        )
        .unwrap_err(),
        "0.yaml:2:13: exporters.otlp_grpc/otlp: `otlp_grpc/otlp` is also what the shorthand for the otlp section of 0.yaml is called; give it another name"
    );
}

#[test]
fn fragments_get_the_usual_parts() {
    let pipelines = "service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [debug]}}}\nexporters: {debug: }";
    let read = loaded(&[pipelines], &[]).unwrap();
    let both: Value = read.document.root().decode().unwrap();
    assert_eq!(
        (&both["receivers"], &both["processors"]),
        (&receivers(), &json!({"batch": {}}))
    );
    assert_eq!(read.notes.len(), 2, "{:?}", read.notes);
    let other = values(
        &[&pipelines
            .replace("otlp", "otlp/x")
            .replace("batch", "batch/x")],
        &[],
    );
    assert_eq!(
        (other.get("receivers"), other.get("processors")),
        (None, None)
    );
    let defined = loaded(
        &[pipelines, "receivers: {zipkin: }\nprocessors: {resource: }"],
        &[],
    )
    .unwrap();
    assert_eq!(defined.notes, Vec::<String>::new());
}

#[test]
fn unknown_sections_say_what_to_write() {
    let cases = [
        (
            "exporter: {}",
            "0.yaml:1:1: unknown section `exporter`; did you mean `exporters`?",
        ),
        (
            "agent: {}",
            "0.yaml:1:1: the section `agent` is known, but the host agent is not in this release; leave the section out",
        ),
        (
            "scrape_configs: []",
            "0.yaml:1:1: unknown section `scrape_configs`; this is a Prometheus configuration; Fanlight reads the OpenTelemetry Collector's",
        ),
        (
            "otlp_config: {}",
            "0.yaml:1:1: unknown section `otlp_config`; this is a Datadog Agent configuration; Fanlight reads the OpenTelemetry Collector's",
        ),
        (
            "telegen: {otlp: {endpoint: x}}",
            "0.yaml:1:1: unknown section `telegen`; write `telegen.otlp` as a section of its own: `otlp: { endpoint: \"collector:4317\", insecure: true }`",
        ),
        (
            "exports: {otlp: {grpc: }}",
            "0.yaml:1:1: unknown section `exports`; write `exports.otlp` as a section of its own: `otlp: { endpoint: \"collector:4317\", insecure: true }`",
        ),
        (
            "pipeline: {export: {otlp: }}",
            "0.yaml:1:1: unknown section `pipeline`; write `pipeline.export.otlp` as a section of its own: `otlp: { endpoint: \"collector:4317\", insecure: true }`",
        ),
        (
            "[a, b]",
            "0.yaml:1:1: expected a map, found a list; a configuration is a map of sections: receivers, processors, exporters, service",
        ),
        (
            "just text",
            "0.yaml:1:1: expected a map, found a single value; a configuration is a map of sections: receivers, processors, exporters, service",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(loaded(&[text], &[]).unwrap_err(), message, "{text}");
    }
    let alloy =
        "otelcol.receiver.otlp \"default\" {\n  grpc {\n    endpoint = \"0.0.0.0:4317\"\n  }\n}";
    let message = loaded(&[alloy], &[]).unwrap_err();
    assert!(message.contains("Grafana Alloy"), "{message}");
}

#[test]
fn the_errors_of_all_files_come_together() {
    let message = loaded(&["exporter: {}\nreceiver: {}", "a: ${MISSING}"], &[]).unwrap_err();
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines.len(), 3, "{message}");
    assert!(
        lines[2].starts_with("1.yaml:1:4: a: the environment variable `MISSING` is not set"),
        "{message}"
    );
}
