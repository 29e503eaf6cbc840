//! The Collector's own cases, and where this exporter differs from it.

use fanlight_formats::loki::PushRequest;
use fanlight_otlp::view::{OwnedValue, Value};
use fanlight_otlp::write::{LogRecord, RequestWriter};
use fanlight_otlp::{Batch, Signal, TraceId};
use fanlight_testkit::{exporter_config, node};
use prost::Message as _;

use super::*;

/// The requests of a batch, decoded, each with its tenant.
fn requests(batch: &Batch, defaults: DefaultLabels) -> Vec<(String, PushRequest)> {
    let (pieces, left_out) = push::pieces(batch, defaults, 7).unwrap();
    assert_eq!(left_out, LeftOut::default());
    let decoded = |piece: Piece<Push>| {
        let tenant = piece.request.tenant;
        let tenant = tenant.map_or(String::new(), |name| name.to_str().unwrap().to_owned());
        let message = snap::raw::Decoder::new()
            .decompress_vec(&piece.request.body)
            .unwrap();
        (tenant, PushRequest::decode(&message[..]).unwrap())
    };
    pieces.into_iter().map(decoded).collect()
}

type Pairs<'a> = &'a [(&'a str, Value<'a>)];

fn logs(resource: Pairs<'_>, records: &[LogRecord<'_>]) -> Batch {
    let mut out = RequestWriter::new(Signal::Logs);
    out.resource(resource, |resource| {
        resource.scope("", "", |scope| {
            records.iter().for_each(|record| scope.log(record));
        });
    });
    out.finish()
}

/// The labels and the line of a batch's only record.
fn only(batch: &Batch, defaults: DefaultLabels) -> (String, String) {
    let [(_, request)] = &requests(batch, defaults)[..] else {
        panic!("one request")
    };
    let [stream] = &request.streams[..] else {
        panic!("one stream: {request:?}")
    };
    (stream.labels.clone(), stream.entries[0].line.clone())
}

/// One record of a resource: its attributes, its severity, the resource's attributes, then the labels and the line.
type Case<'a> = (Pairs<'a>, i32, Pairs<'a>, &'a str, &'a str);

#[expect(clippy::too_many_lines, reason = "one golden batch, record by record")]
#[test]
fn labels_and_lines_are_those_of_the_collector() {
    let list = OwnedValue::array([
        &OwnedValue::from(Value::Str("host.name")),
        &OwnedValue::from(Value::Str("host.ip")),
    ]);
    let map = OwnedValue::map([("route", &OwnedValue::from(Value::Str("/a")))]);
    let service: Pairs<'_> = &[
        ("service.name", "my-service".into()),
        ("service.namespace", "my-namespace".into()),
        ("service.instance.id", "i-1".into()),
    ];
    let cases: &[Case<'_>] = &[
        (
            &[
                ("host.name", "guarana".into()),
                ("http.status", 200.into()),
                ("loki.attribute.labels", "host.name".into()),
            ],
            0,
            &[],
            r#"{exporter="OTLP", host_name="guarana"}"#,
            r#"{"attributes":{"http.status":200}}"#,
        ),
        (
            &[],
            0,
            &[
                ("host.name", "guarana".into()),
                ("region.az", "eu-west-1a".into()),
                ("loki.resource.labels", "host.name".into()),
            ],
            r#"{exporter="OTLP", host_name="guarana"}"#,
            r#"{"resources":{"region.az":"eu-west-1a"}}"#,
        ),
        (
            &[
                ("host.name", "guarana".into()),
                ("http.status", 200.into()),
                ("loki.attribute.labels", "host.name".into()),
                ("loki.format", "logfmt".into()),
            ],
            0,
            &[],
            r#"{exporter="OTLP", host_name="guarana"}"#,
            "attribute_http.status=200",
        ),
        (&[], 8, &[], r#"{exporter="OTLP", level="DEBUG4"}"#, "{}"),
        (
            &[
                ("level", "dummy".into()),
                ("host.name", "guarana".into()),
                ("loki.attribute.labels", "host.name".into()),
            ],
            8,
            &[],
            r#"{exporter="OTLP", host_name="guarana", level="dummy"}"#,
            "{}",
        ),
        (
            &[
                ("host.name", "guarana".into()),
                ("host.ip", "127.0.0.1".into()),
                ("loki.attribute.labels", list.view()),
            ],
            8,
            service,
            r#"{exporter="OTLP", host_ip="127.0.0.1", host_name="guarana", instance="i-1", job="my-namespace/my-service", level="DEBUG4"}"#,
            r#"{"resources":{"service.name":"my-service","service.namespace":"my-namespace","service.instance.id":"i-1"}}"#,
        ),
        (
            &[
                ("http", map.view()),
                ("loki.attribute.labels", "http.route, missing".into()),
                ("loki.resource.labels", "service.name".into()),
            ],
            0,
            &[("service.name", "shop".into())],
            r#"{exporter="OTLP", http_route="/a", job="shop", service_name="shop"}"#,
            r#"{"attributes":{"http":{"route":"/a"}}}"#,
        ),
    ];
    for (attributes, severity_number, resource, labels, line) in cases {
        let record = LogRecord {
            attributes,
            severity_number: *severity_number,
            ..LogRecord::default()
        };
        let found = only(&logs(resource, &[record]), DefaultLabels::default());
        assert_eq!(found, ((*labels).to_owned(), (*line).to_owned()));
    }
}

#[test]
fn default_labels_can_be_switched_off_but_not_the_last() {
    let record = LogRecord {
        severity_number: 9,
        attributes: &[("level", "dummy".into())],
        ..LogRecord::default()
    };
    let batch = logs(&[("service.name", "shop".into())], &[record]);
    let none = DefaultLabels {
        exporter: false,
        job: false,
        instance: false,
        level: false,
    };
    let line = r#"{"attributes":{"level":"dummy"},"resources":{"service.name":"shop"}}"#.to_owned();
    let labels = |text: &str| text.to_owned();
    assert_eq!(
        only(&batch, DefaultLabels { job: true, ..none }),
        (labels(r#"{job="shop"}"#), line.clone())
    );
    assert_eq!(only(&batch, none), (labels(r#"{exporter="OTLP"}"#), line));
}

#[test]
fn an_attribute_that_only_shares_a_labels_name_stays_in_the_line() {
    let record = LogRecord {
        attributes: &[("job", "nightly".into())],
        ..LogRecord::default()
    };
    let batch = logs(&[("service.name", "shop".into())], &[record]);
    let (labels, line) = only(&batch, DefaultLabels::default());
    assert_eq!(labels, r#"{exporter="OTLP", job="shop"}"#);
    assert!(line.contains(r#""attributes":{"job":"nightly"}"#), "{line}");
}

#[test]
fn every_tenant_has_a_request_of_its_own_and_one_that_no_header_carries_is_left_out() {
    let hint = ("loki.tenant", Value::Str("tenant.id"));
    let tenants = ["1", "2", "bad\n"];
    let attributes = tenants.map(|tenant| [hint, ("tenant.id", Value::Str(tenant))]);
    let records = attributes.each_ref().map(|attributes| LogRecord {
        attributes,
        ..LogRecord::default()
    });
    let (pieces, left_out) =
        push::pieces(&logs(&[], &records), DefaultLabels::default(), 7).unwrap();
    assert_eq!((pieces.len(), left_out.items), (2, 1));
    assert!(left_out.why.contains("X-Scope-OrgID"), "{}", left_out.why);

    let found = requests(&logs(&[], &records[..2]), DefaultLabels::default());
    let [(first, one), (second, _)] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((first.as_str(), second.as_str()), ("1", "2"));
    assert_eq!(one.streams[0].labels, r#"{exporter="OTLP", tenant_id="1"}"#);
}

#[test]
fn lines_in_logfmt_and_raw_hold_what_the_collector_writes() {
    let list = OwnedValue::array([&Value::Int(1).into(), &Value::Str("b c").into()]);
    let record = LogRecord {
        body: Value::Str(r#"a=1 severity=low b="c d""#),
        severity_text: "error",
        trace_id: TraceId([1; 16]),
        flags: 1,
        event_name: "paid",
        attributes: &[("list", list.view())],
        ..LogRecord::default()
    };
    let line = |format: &str, body: Value<'_>| {
        let record = LogRecord { body, ..record };
        only(
            &logs(&[("loki.format", format.into())], &[record]),
            DefaultLabels::default(),
        )
        .1
    };
    let rest = format!(
        "traceID={} severity=error flags=1 event_name=paid attribute_list_0=1 attribute_list_1=\"b c\"",
        "01".repeat(16)
    );
    assert_eq!(
        line("logfmt", record.body),
        format!(r#"a=1 b="c d" {rest}"#)
    );
    let plain = line("logfmt", Value::Str("plain words"));
    assert_eq!(plain, format!("msg=\"plain words\" {rest}"));
    assert_eq!(
        line("logfmt", list.view()),
        format!("body_0=1 body_1=\"b c\" {rest}")
    );
    assert_eq!(line("raw", list.view()), r#"[1,"b c"]"#);
    assert_eq!(line("raw", Value::Empty), "");
    assert!(line("xml", record.body).starts_with(r#"{"body":"a=1"#));
}

#[test]
fn entries_are_in_order_of_time_and_large_streams_are_cut() {
    let long = "x".repeat(400_000);
    let times = [5, 3, 4, 0, 1];
    let records = times.map(|time_unix_nano| LogRecord {
        time_unix_nano,
        observed_time_unix_nano: 2,
        body: Value::Str(&long),
        ..LogRecord::default()
    });
    let batch = logs(&[], &records);
    let (pieces, _) = push::pieces(&batch, DefaultLabels::default(), 7).unwrap();
    let items: Vec<_> = pieces.into_iter().map(|piece| piece.items).collect();
    assert_eq!(items, [vec![4, 3], vec![1, 2], vec![0]]);
    let times: Vec<u64> = requests(&batch, DefaultLabels::default())
        .iter()
        .flat_map(|(_, request)| &request.streams)
        .flat_map(|stream| &stream.entries)
        .map(|entry| entry.timestamp.unwrap().to_nanos())
        .collect();
    assert_eq!(times, [1, 2, 3, 4, 5]);

    let large = LogRecord {
        body: Value::Str(&"y".repeat(MOST_OTLP_BYTES + 1)),
        ..LogRecord::default()
    };
    let (pieces, _) =
        push::pieces(&logs(&[], &[large, large]), DefaultLabels::default(), 7).unwrap();
    assert_eq!(pieces.len(), 2, "a line that is too large goes alone");
    assert_eq!(otlp_pieces(&logs(&[], &[large, large])).len(), 2);
}

fn refusal(yaml: &str) -> String {
    let Err(error) = decode(&node(yaml)) else {
        panic!("{yaml} is refused")
    };
    error.to_string()
}

#[test]
fn the_path_chooses_the_protocol() {
    let shown = |endpoint: &str| {
        let config = exporter_config(&KIND, &format!("endpoint: {endpoint}"));
        config.destination().text
    };
    for (endpoint, text) in [
        (
            "http://loki:3100/loki/api/v1/push",
            "http://loki:3100/loki/api/v1/push (Loki push)",
        ),
        (
            "https://loki/otlp/",
            "https://loki/otlp/v1/logs (Loki OTLP)",
        ),
        (
            "http://loki:3100/otlp/v1/logs",
            "http://loki:3100/otlp/v1/logs (Loki OTLP)",
        ),
    ] {
        assert_eq!(shown(endpoint), text);
    }
}

#[test]
fn wrong_configurations_say_what_to_write() {
    assert!(refusal("{}").contains("no endpoint to send to"));
    assert!(refusal("endpoint: http://loki:3100").contains("has no path"));
    let unknown = refusal("{endpoint: http://l/p, default_labels_enabled: {jobs: true}}");
    assert!(unknown.contains("jobs"), "{unknown}");
}

#[test]
fn defaults_are_those_of_the_collector() {
    let config = exporter_config(&KIND, "endpoint: http://loki:3100/loki/api/v1/push");
    let settings = config.settings();
    assert_eq!(settings.timeout, Duration::from_secs(30));
    assert_eq!(settings.queue.queue_size, 1000);
    assert!(settings.retry.enabled);
    assert_eq!(
        config.signals(),
        [Signal::Logs].into_iter().collect::<SignalSet>()
    );
    let DefaultLabels {
        exporter,
        job,
        instance,
        level,
    } = DefaultLabels::default();
    assert!(exporter && job && instance && level);
}

#[test]
fn loki_is_spared_keys_that_it_would_refuse() {
    let attributes: Pairs<'_> = &[("", "a".into()), ("b", "c".into()), ("世界", "d".into())];
    let record = LogRecord {
        attributes,
        ..LogRecord::default()
    };
    let renamed = with_every_key_named(logs(attributes, &[record]));
    let resource = renamed.resources().next().unwrap().unwrap();
    let scope = resource.scopes().next().unwrap().unwrap();
    let log = scope.logs().next().unwrap().unwrap();
    for attributes in [resource.attributes, log.attributes] {
        let pairs: Vec<_> = attributes.iter().map(Result::unwrap).collect();
        let expected = [("b", "c"), ("key_", "a"), ("key_世界", "d")];
        assert_eq!(pairs, expected.map(|(key, text)| (key, text.into())));
    }
    let untouched = logs(&[("b", "c".into())], &[]);
    assert_eq!(with_every_key_named(untouched.clone()), untouched);
}
