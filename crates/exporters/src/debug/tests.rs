use fanlight_config::{Document, Environment};
use fanlight_otlp::view::Value;
use fanlight_otlp::write::{Event, Link, LogRecord, RequestWriter, Span};
use fanlight_otlp::{Signal, SpanId, TraceId, json};

use super::*;

const TRACE: TraceId = TraceId([0x0a; 16]);

fn traces() -> Batch {
    let mut out = RequestWriter::new(Signal::Traces);
    let resource = &[("service.name", "shop".into()), ("process.pid", 42.into())];
    out.resource(resource, |resource| {
        resource.scope("checkout", "1.2.0", |scope| {
            scope.span(&Span {
                trace_id: TRACE,
                span_id: SpanId([1; 8]),
                parent_span_id: SpanId([2; 8]),
                trace_state: "vendor=1",
                name: "POST /pay",
                kind: 2,
                start_time_unix_nano: 1_767_225_600_000_000_000,
                end_time_unix_nano: 1_767_225_600_250_000_001,
                attributes: &[
                    ("http.response.status_code", 502.into()),
                    ("amount", 34.5.into()),
                    ("retried", true.into()),
                    ("raw", Value::Bytes(b"\x00\xff")),
                    ("nothing", Value::Empty),
                ],
                events: &[Event {
                    time_unix_nano: 1_767_225_600_100_000_000,
                    name: "exception",
                    attributes: &[("exception.type", "Timeout".into())],
                    ..Event::default()
                }],
                links: &[Link {
                    trace_id: TraceId([3; 16]),
                    span_id: SpanId([4; 8]),
                    attributes: &[("reason", "retry".into())],
                    ..Link::default()
                }],
                status_code: 2,
                status_message: "card\x1b[31m refused",
                ..Span::default()
            });
            scope.span(&Span {
                name: "a root without anything",
                ..Span::default()
            });
        });
        resource.scope("", "", |_| {});
    });
    out.finish()
}

fn logs() -> Batch {
    let mut out = RequestWriter::new(Signal::Logs);
    out.resource(&[], |resource| {
        resource.scope("app", "", |scope| {
            scope.log(&LogRecord {
                time_unix_nano: 1_767_225_600_000_000_000,
                observed_time_unix_nano: 1_767_225_600_000_001_000,
                severity_number: 17,
                severity_text: "ERROR",
                body: "first line\nsecond line".into(),
                attributes: &[("thread", "main".into())],
                flags: 1,
                trace_id: TRACE,
                span_id: SpanId([1; 8]),
                event_name: "payment.failed",
            });
            scope.log(&LogRecord {
                severity_number: 99,
                ..LogRecord::default()
            });
        });
    });
    out.finish()
}

fn metrics() -> Batch {
    read(
        Signal::Metrics,
        r#"{"resourceMetrics": [{"schemaUrl": "https://example.com/resource", "scopeMetrics": [{
            "schemaUrl": "https://example.com/scope",
            "scope": {"name": "meter", "version": "2", "attributes": [{"key": "tier", "value": {"stringValue": "gold"}}]},
            "metrics": [
                {"name": "temperature", "unit": "Cel", "description": "outside",
                 "metadata": [{"key": "source", "value": {"stringValue": "roof"}}],
                 "gauge": {"dataPoints": [{"timeUnixNano": "1767225600000000000", "asDouble": 21.5,
                    "attributes": [{"key": "room", "value": {"stringValue": "a"}}, {"key": "floor", "value": {"intValue": "2"}}]},
                    {"asInt": "-3"}]}},
                {"name": "requests", "sum": {"isMonotonic": true, "aggregationTemporality": 2, "dataPoints": [
                    {"startTimeUnixNano": "1767225600000000000", "timeUnixNano": "1767225601000000000", "asInt": "9",
                     "exemplars": [{"timeUnixNano": "1767225600500000000", "asDouble": 1.25,
                        "traceId": "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a", "spanId": "0101010101010101",
                        "filteredAttributes": [{"key": "path", "value": {"stringValue": "/pay"}}]}]}]}},
                {"name": "latency", "histogram": {"aggregationTemporality": 1, "dataPoints": [
                    {"count": "3", "sum": 0.75, "min": 0.1, "max": 0.4, "bucketCounts": ["1", "2", "0"], "explicitBounds": [0.2, 1000000]}]}},
                {"name": "sizes", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [
                    {"count": "7", "sum": 12, "scale": 1, "zeroCount": "2",
                     "positive": {"offset": 1, "bucketCounts": ["1", "2"]},
                     "negative": {"offset": -1, "bucketCounts": ["1", "1"]}}]}},
                {"name": "quantiles", "summary": {"dataPoints": [
                    {"count": "10", "sum": 99.573, "quantileValues": [{"quantile": 0.5, "value": 9}, {"quantile": 1, "value": 0.00001}]}]}},
                {"name": "nothing"}
            ]}]}]}"#,
    )
}

fn profiles() -> Batch {
    read(
        Signal::Profiles,
        r#"{"resourceProfiles": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
            "scopeProfiles": [{"scope": {"name": "profiler"}, "profiles": [
                {"profileId": "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "timeUnixNano": "1767225600000000000", "durationNano": "1000000",
                 "droppedAttributesCount": 1, "samples": [{"values": ["5"]}, {"values": ["7"]}], "attributeIndices": [1, 9]}]}]}],
            "dictionary": {"stringTable": ["", "thread.name"],
                "attributeTable": [{}, {"keyStrindex": 1, "value": {"stringValue": "worker"}}]}}"#,
    )
}

fn read(signal: Signal, text: &str) -> Batch {
    json::read(signal, text.as_bytes()).unwrap()
}

fn all() -> [Batch; 4] {
    [traces(), metrics(), logs(), profiles()]
}

/// Scenario: a batch of each signal.
/// Guarantee: one line each, with the Collector's words and counts.
#[test]
fn basic_is_one_line_for_each_batch() {
    let text: String = all()
        .iter()
        .map(|batch| render(batch, Verbosity::Basic).unwrap())
        .collect();
    insta::assert_snapshot!(text);
}

/// Scenario: a batch of each signal.
/// Guarantee: one line for each item, in the Collector's layout.
#[test]
fn normal_is_one_line_for_each_item() {
    let text: String = all()
        .iter()
        .map(|batch| render(batch, Verbosity::Normal).unwrap())
        .collect();
    insta::assert_snapshot!(text);
}

/// Scenario: a batch of each signal, with every kind of metric.
/// Guarantee: every field, in the Collector's layout.
#[test]
fn detailed_is_every_field() {
    for batch in all() {
        let name = format!("detailed_{}", batch.signal());
        insta::assert_snapshot!(name, render(&batch, Verbosity::Detailed).unwrap());
    }
}

#[test]
fn an_empty_batch_is_an_empty_count() {
    let text = render(&Batch::empty(Signal::Traces), Verbosity::Normal).unwrap();
    assert_eq!(text, "Traces\t{\"resource spans\": 0, \"spans\": 0}\n\n");
}

fn config(text: &str) -> Result<Box<dyn ExporterConfig>, String> {
    let document = Document::parse("c.yaml", text, &Environment::default()).unwrap();
    decode(document.root()).map_err(|error| error.to_string())
}

#[test]
fn an_empty_configuration_has_the_documented_defaults() {
    let config = config("").unwrap();
    let settings = config.settings();
    assert_eq!(config.destination().text, "stdout (basic)");
    assert_eq!(
        (
            settings.queue.enabled,
            settings.queue.num_consumers,
            settings.queue.queue_size
        ),
        (true, 1, 100)
    );
    assert_eq!(
        (settings.retry.enabled, settings.timeout),
        (false, Duration::ZERO)
    );
}

#[test]
fn a_full_configuration_is_read() {
    let config = config(
        "{verbosity: detailed, sampling_initial: 5, sampling_thereafter: 200, use_internal_logger: false,
          output_paths: [stderr, /tmp/x.txt], sending_queue: {enabled: false}, retry_on_failure: {enabled: true}, timeout: 1s}",
    )
    .unwrap();
    assert_eq!(config.destination().text, "stderr, /tmp/x.txt (detailed)");
    assert!(!config.settings().queue.enabled);
}

#[test]
fn mistakes_say_what_to_write() {
    for (text, message) in [
        (
            "verbositty: basic",
            "c.yaml:1:1: unknown key `verbositty`; did you mean `verbosity`?",
        ),
        (
            "verbosity: detail",
            "c.yaml:1:12: verbosity: unknown value `detail`; did you mean `detailed`?",
        ),
        (
            "output_paths: []",
            "c.yaml:1:1: output_paths: no output is left; leave the key out for stdout, or list stdout, stderr or files",
        ),
        (
            "{use_internal_logger: true, output_paths: [stderr]}",
            "c.yaml:1:29: output_paths: cannot be combined with use_internal_logger: true; set use_internal_logger: false, or leave one of the two out",
        ),
    ] {
        assert_eq!(config(text).unwrap_err(), message);
    }
}

fn printer(output: &str) -> Debug {
    let outputs = vec![Output::open(output).unwrap()];
    Debug {
        sampler: Sampler::new(2, 1, Instant::now()),
        printer: Arc::new(Printer {
            verbosity: Verbosity::Basic,
            outputs,
        }),
    }
}

/// Scenario: two batches to a file that has a line.
/// Guarantee: they stand behind it.
#[tokio::test]
async fn files_are_appended_to() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "before\n").unwrap();
    let debug = printer(file.path().to_str().unwrap());
    assert_eq!(debug.send(&logs()).await, Outcome::Delivered);
    assert_eq!(debug.send(&logs()).await, Outcome::Delivered);
    let line = "Logs\t{\"resource logs\": 1, \"log records\": 2}\n";
    assert_eq!(
        std::fs::read_to_string(file.path()).unwrap(),
        format!("before\n{line}{line}")
    );
}

/// Scenario: the output takes nothing more.
/// Guarantee: no panic; the batch is refused with the reason, and not tried again.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_output_that_fails_refuses_the_batch() {
    let Outcome::Rejected { why } = printer("/dev/full").send(&logs()).await else {
        panic!("not refused")
    };
    assert_eq!(
        why,
        "cannot write to /dev/full: No space left on device (os error 28)"
    );
}
