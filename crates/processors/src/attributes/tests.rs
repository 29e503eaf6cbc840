use super::*;
use fanlight_config::{Document, Environment};
use fanlight_otlp::view::{NumberView, Value};
use fanlight_otlp::write::{Data, LogRecord, Metric, NumberPoint, RequestWriter, Span};

fn configured(yaml: &str) -> Result<Config, ConfigError> {
    let text = format!("{{actions: [{{key: hit, value: true, action: insert}}], {yaml}}}");
    config(
        &Document::parse("test.yaml", &text, &Environment::default())
            .unwrap()
            .into_root(),
    )
}

const SPANS: [(&str, i32, &str); 3] = [
    ("GET /cart", 2, "web"),
    ("GET /cart", 3, "shop"),
    ("SELECT", 3, "shop"),
];

/// Which of the three spans were edited.
fn hits(yaml: &str) -> Vec<usize> {
    let mut out = RequestWriter::new(Signal::Traces);
    for (index, (name, kind, service)) in SPANS.into_iter().enumerate() {
        out.resource(&[("service.name", service.into())], |resource| {
            resource.scope("library", "1.2", |scope| {
                let index = i64::try_from(index).unwrap();
                scope.span(&Span {
                    name,
                    kind,
                    attributes: &[("index", index.into()), ("env", "prod".into())],
                    ..Span::default()
                });
            });
        });
    }
    let batch = configured(yaml).unwrap().process(out.finish()).unwrap();
    let mut hits = Vec::new();
    for (index, resource) in batch.resources().enumerate() {
        for scope in resource.unwrap().scopes() {
            for span in scope.unwrap().spans() {
                if span.unwrap().attributes.get("hit").unwrap().is_some() {
                    hits.push(index);
                }
            }
        }
    }
    hits
}

#[test]
fn without_conditions_every_span_is_edited() {
    assert_eq!(hits(""), [0, 1, 2]);
}

#[test]
fn each_property_of_spans_matches() {
    assert_eq!(
        hits("include: {match_type: strict, services: [shop]}"),
        [1, 2]
    );
    assert_eq!(
        hits("include: {match_type: regexp, services: ['^w', none]}"),
        [0]
    );
    assert_eq!(
        hits("include: {match_type: strict, span_names: ['GET /cart', x]}"),
        [0, 1]
    );
    assert_eq!(
        hits("include: {match_type: regexp, span_names: ['cart$']}"),
        [0, 1]
    );
    assert_eq!(
        hits("include: {match_type: strict, span_kinds: [SPAN_KIND_SERVER]}"),
        [0]
    );
    assert_eq!(
        hits("include: {match_type: strict, attributes: [{key: index, value: 1}, {key: env}]}"),
        [1]
    );
    assert_eq!(
        hits("include: {match_type: strict, attributes: [{key: index, value: '1'}]}"),
        [] as [usize; 0]
    );
    assert_eq!(
        hits("include: {match_type: regexp, attributes: [{key: index, value: '[12]'}]}"),
        [1, 2]
    );
    assert_eq!(
        hits("include: {match_type: strict, resources: [{key: service.name, value: web}]}"),
        [0]
    );
    assert_eq!(
        hits(
            "include: {match_type: strict, libraries: [{name: x}, {name: library, version: '1.2'}]}"
        ),
        [0, 1, 2]
    );
    assert_eq!(
        hits("include: {match_type: strict, libraries: [{name: library, version: ''}]}"),
        [] as [usize; 0]
    );
}

#[test]
fn every_property_must_match_and_exclude_wins() {
    assert_eq!(
        hits("include: {match_type: strict, services: [shop], span_names: [SELECT]}"),
        [2]
    );
    assert_eq!(hits("exclude: {match_type: strict, services: [shop]}"), [0]);
    let both = "include: {match_type: strict, services: [shop]}, exclude: {match_type: strict, span_names: [SELECT]}";
    assert_eq!(hits(both), [1]);
}

#[test]
fn each_property_of_logs_matches() {
    let hit = |yaml: &str, log: &LogRecord<'_>| {
        let mut out = RequestWriter::new(Signal::Logs);
        out.resource(&[], |resource| {
            resource.scope("", "", |scope| scope.log(log))
        });
        let batch = configured(yaml).unwrap().process(out.finish()).unwrap();
        let resource = batch.resources().next().unwrap().unwrap();
        let log = resource
            .scopes()
            .next()
            .unwrap()
            .unwrap()
            .logs()
            .next()
            .unwrap()
            .unwrap();
        log.attributes.get("hit").unwrap().is_some()
    };
    let warning = LogRecord {
        severity_number: 13,
        severity_text: "Warning",
        body: "disk full".into(),
        ..LogRecord::default()
    };
    assert!(hit(
        "include: {match_type: regexp, log_bodies: ['full$']}",
        &warning
    ));
    assert!(!hit(
        "include: {match_type: strict, log_bodies: [full]}",
        &warning
    ));
    assert!(hit(
        "include: {match_type: strict, log_severity_texts: [Warning]}",
        &warning
    ));
    assert!(hit(
        "include: {match_type: strict, log_severity_number: {min: WARN}}",
        &warning
    ));
    assert!(!hit(
        "include: {match_type: strict, log_severity_number: {min: 17}}",
        &warning
    ));
    let undefined = LogRecord::default();
    assert!(!hit(
        "include: {match_type: strict, log_severity_number: {min: 9}}",
        &undefined
    ));
    assert!(hit(
        "include: {match_type: strict, log_severity_number: {min: 9, match_undefined: true}}",
        &undefined
    ));
}

#[test]
fn data_points_are_edited_by_the_name_of_their_metric() {
    let mut out = RequestWriter::new(Signal::Metrics);
    out.resource(&[], |resource| {
        resource.scope("", "", |scope| {
            for name in ["cpu", "memory"] {
                let point = NumberPoint {
                    attributes: &[],
                    start_time_unix_nano: 0,
                    time_unix_nano: 0,
                    value: NumberView::Int(1),
                };
                scope.metric(&Metric {
                    name,
                    description: "",
                    unit: "",
                    data: Data::Gauge(&[point]),
                });
            }
        });
    });
    let config = configured("include: {match_type: strict, metric_names: [cpu]}").unwrap();
    let batch = config.process(out.finish()).unwrap();
    let resource = batch.resources().next().unwrap().unwrap();
    let hits: Vec<Option<Value<'_>>> = resource
        .scopes()
        .flat_map(|scope| scope.unwrap().metrics())
        .map(|metric| {
            metric
                .unwrap()
                .points()
                .next()
                .unwrap()
                .unwrap()
                .attributes
                .get("hit")
                .unwrap()
        })
        .collect();
    assert_eq!(hits, [Some(Value::Bool(true)), None]);
}

#[test]
fn wrong_conditions_are_refused_at_their_key() {
    let problem = |yaml: &str| configured(yaml).unwrap_err().to_string();
    assert!(problem("include: {services: [a]}").contains("include: match_type is not set"));
    assert!(
        problem("include: {match_type: strict}")
            .contains("nothing to match is set; set one of services")
    );
    assert!(
        problem("include: {match_type: regexp, services: ['(']}")
            .contains("include.services: not a regular expression")
    );
    let kind = problem("exclude: {match_type: strict, span_kinds: [SPAN_KIND_SERVE]}");
    assert!(
        kind.contains("`SPAN_KIND_SERVE` is not a span kind; did you mean `SPAN_KIND_SERVER`?"),
        "{kind}"
    );
}

#[test]
fn conditions_of_another_signal_are_refused() {
    let config = configured("include: {match_type: strict, span_names: [a]}").unwrap();
    let error = config
        .include
        .as_ref()
        .unwrap()
        .check_signal("include", Signal::Logs)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "include.span_names matches traces only, but this pipeline is for logs"
    );
}
