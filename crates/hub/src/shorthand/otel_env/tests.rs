use fanlight_config::Document;
use serde_json::{Value, json};

use super::*;

fn lowered(variables: &[(&str, &str)]) -> Lowering {
    lower(&variables.iter().copied().collect()).unwrap()
}

/// The exporters by id, and the notes.
fn exporters(variables: &[(&str, &str)]) -> (Value, Vec<String>) {
    let Lowering { exporters, notes } = lowered(variables);
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

/// The one exporter that is expected, and the notes.
fn exporter(variables: &[(&str, &str)], id: &str) -> (Value, Vec<String>) {
    let (exporters, notes) = exporters(variables);
    assert_eq!(
        exporters.as_object().unwrap().keys().collect::<Vec<_>>(),
        [id]
    );
    (exporters[id].clone(), notes)
}

fn refused(variables: &[(&str, &str)]) -> String {
    lower(&variables.iter().copied().collect())
        .unwrap_err()
        .to_string()
}

const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318");

#[test]
fn a1_a_base_endpoint_serves_every_signal() {
    let (exporter, notes) = exporter(&[BASE], "otlp_http/env");
    let expected = json!({
        "endpoint": "http://h:4318", "signals": ["traces", "metrics", "logs"], "timeout": "10000ms", "compression": "none",
    });
    assert_eq!((exporter, notes), (expected, vec![]));
    assert_eq!(
        lowered(&[BASE]).exporters[0].origin,
        "from OTEL_EXPORTER_OTLP_ENDPOINT"
    );
}

#[test]
fn a2_a_base_may_have_a_path() {
    for base in [
        "https://cloud.langfuse.com/api/public/otel",
        "https://otlp-gateway-eu.grafana.net/otlp/",
    ] {
        let (exporter, notes) = exporter(&[("OTEL_EXPORTER_OTLP_ENDPOINT", base)], "otlp_http/env");
        assert_eq!((exporter["endpoint"].as_str(), notes), (Some(base), vec![]));
    }
}

#[test]
fn a3_a_signal_endpoint_is_used_as_it_is_and_enables_only_its_signal() {
    let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1/custom/");
    let (alone, _) = exporter(&[traces], "otlp_http/env");
    assert_eq!(
        (
            &alone["traces_endpoint"],
            &alone["signals"],
            alone.get("endpoint")
        ),
        (&json!("http://t:1/custom/"), &json!(["traces"]), None)
    );
    let (both, _) = exporter(&[traces, BASE], "otlp_http/env");
    let endpoints = (
        &both["traces_endpoint"],
        &both["endpoint"],
        &both["signals"],
    );
    assert_eq!(
        endpoints,
        (
            &json!("http://t:1/custom/"),
            &json!("http://h:4318"),
            &json!(["traces", "metrics", "logs"])
        )
    );
    assert_eq!(
        lowered(&[traces, BASE]).exporters[0].origin,
        "from OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT"
    );
}

#[test]
fn a4_without_an_endpoint_nothing_is_sent() {
    assert_eq!(
        exporters(&[
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=b"),
            ("OTEL_TRACES_EXPORTER", "otlp")
        ]),
        (json!({}), vec![])
    );
}

#[test]
fn a5_an_empty_variable_is_unset() {
    let empty = env_vars::OTLP_TABLE.iter().flat_map(|variable| {
        variable
            .signals
            .iter()
            .map(|(_, name)| *name)
            .chain([variable.general])
    });
    let empty: Vec<(&str, &str)> = empty
        .filter(|name| *name != BASE.0)
        .map(|name| (name, ""))
        .collect();
    assert_eq!(exporters(&empty), (json!({}), vec![]));
    let with_base = [empty.as_slice(), &[BASE, ("OTEL_TRACES_EXPORTER", "")]].concat();
    assert_eq!(exporters(&with_base), exporters(&[BASE]));
}

#[test]
fn a6_an_exporter_variable_turns_its_signal_off() {
    for off in ["none", "None", "console", "zipkin", "otlp,console", "grpc"] {
        let (exporter, notes) = exporter(&[BASE, ("OTEL_TRACES_EXPORTER", off)], "otlp_http/env");
        assert_eq!(exporter["signals"], json!(["metrics", "logs"]), "{off}");
        let note = "OTEL_TRACES_EXPORTER is not `otlp`, so traces are not forwarded to OTEL_EXPORTER_OTLP_ENDPOINT";
        let expected = if off.eq_ignore_ascii_case("none") {
            vec![]
        } else {
            vec![note.to_owned()]
        };
        assert_eq!(notes, expected, "{off}");
    }
    for on in ["otlp", "OTLP", " ", ""] {
        assert_eq!(
            exporters(&[
                BASE,
                ("OTEL_METRICS_EXPORTER", on),
                ("OTEL_LOGS_EXPORTER", on)
            ]),
            exporters(&[BASE]),
            "{on}"
        );
    }
    let all_off = [
        BASE,
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ];
    assert_eq!(exporters(&all_off), (json!({}), vec![]));
}

#[test]
fn a7_an_invalid_url_is_an_error_that_names_its_variable() {
    let cases = [
        (
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
            "environment variable OTEL_EXPORTER_OTLP_ENDPOINT: `` is not an endpoint: the host is missing",
        ),
        (
            ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "ftp://h"),
            "environment variable OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `ftp://` is no scheme of an endpoint; write host:port, http://, https:// or dns:///",
        ),
        (
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"),
            "environment variable OTEL_EXPORTER_OTLP_ENDPOINT: `localhost:4318` is not a URL, which OTLP over HTTP needs; write http://localhost:4318 or https://localhost:4318, or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
        ),
    ];
    for (variable, message) in cases {
        assert_eq!(refused(&[variable]), message);
    }
    let secret = refused(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://me:hunter2@host")]);
    assert!(!secret.contains("hunter2"), "{secret}");
}

#[test]
fn a8_the_protocol_is_http_protobuf_unless_said_otherwise() {
    let grpc = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4317"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ];
    let (read, notes) = exporter(&grpc, "otlp_grpc/env");
    assert_eq!(
        (&read["endpoint"], notes, read.get("tls")),
        (&json!("http://h:4317"), vec![], None)
    );
    let insecure = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "h:4317"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_INSECURE", "True"),
    ];
    assert_eq!(
        exporter(&insecure, "otlp_grpc/env").0["tls"],
        json!({"insecure": true})
    );
    assert_eq!(exporter(&insecure[..2], "otlp_grpc/env").0.get("tls"), None);
    let json = exporter(
        &[BASE, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")],
        "otlp_http/env",
    )
    .0;
    assert_eq!(json["encoding"], "json");
    let (_, notes) = exporter(
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4317")],
        "otlp_http/env",
    );
    assert_eq!(
        notes,
        [
            "OTEL_EXPORTER_OTLP_ENDPOINT has port 4317, which is gRPC's by custom, but the protocol is HTTP; use port 4318, or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc"
        ]
    );
    let (_, notes) = exporter(
        &[BASE, ("OTEL_EXPORTER_OTLP_PROTOCOL", "thrift")],
        "otlp_http/env",
    );
    assert_eq!(
        notes,
        [
            "OTEL_EXPORTER_OTLP_PROTOCOL is none of `grpc`, `http/protobuf` and `http/json`; http/protobuf is used"
        ]
    );
    assert_eq!(
        refused(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4317/otlp"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        ]),
        "environment variable OTEL_EXPORTER_OTLP_ENDPOINT: `http://h:4317/otlp` has a path, and gRPC endpoints have none; leave the path out, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
    );
}

#[test]
fn signals_with_their_own_protocol_get_their_own_exporter() {
    let variables = [
        BASE,
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m:4317"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc"),
    ];
    let (read, _) = exporters(&variables);
    assert_eq!(read["otlp_grpc/env_metrics"]["endpoint"], "http://m:4317");
    assert_eq!(
        read["otlp_http/env_traces_logs"]["signals"],
        json!(["traces", "logs"])
    );
}

#[test]
fn h2_a_signal_url_without_a_path_gets_a_hint() {
    let (exporter, notes) = exporter(
        &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://h:4318")],
        "otlp_http/env",
    );
    assert_eq!(exporter["traces_endpoint"], "http://h:4318");
    assert_eq!(
        notes,
        [
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT has no path, and is used as it is; most backends want http://h:4318/v1/traces"
        ]
    );
}

#[test]
fn h2_a_base_that_is_a_signal_url_serves_that_signal_alone() {
    let url = "https://cloud.langfuse.com/api/public/otel/v1/traces";
    let (exporter, notes) = exporter(&[("OTEL_EXPORTER_OTLP_ENDPOINT", url)], "otlp_http/env");
    assert_eq!(
        (&exporter["traces_endpoint"], &exporter["signals"]),
        (&json!(url), &json!(["traces"]))
    );
    assert_eq!(
        notes,
        [
            "OTEL_EXPORTER_OTLP_ENDPOINT ends with /v1/traces, so only traces are forwarded there; without /v1/traces it would be a base for every signal"
        ]
    );
}

#[test]
fn h2_a_base_that_ends_with_v1_gets_a_hint() {
    let (_, notes) = exporter(
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otlp.arize.com/v1")],
        "otlp_http/env",
    );
    assert_eq!(
        notes[0],
        "OTEL_EXPORTER_OTLP_ENDPOINT ends with /v1, and /v1/traces is added to it; if /v1/v1 is not meant, leave /v1 out"
    );
}

#[test]
fn h4_headers_are_read_in_every_documented_spelling() {
    let cases = [
        (
            "Authorization = Bearer x",
            json!({"Authorization": "Bearer x"}),
        ),
        (
            "Authorization=Bearer x",
            json!({"Authorization": "Bearer x"}),
        ),
        ("a=1,b=2,", json!({"a": "1", "b": "2"})),
        (
            "Authorization=Basic%20abc%3D%3D",
            json!({"Authorization": "Basic abc=="}),
        ),
        (
            "Authorization=Basic abc==",
            json!({"Authorization": "Basic abc=="}),
        ),
        ("x=a%2Cb", json!({"x": "a,b"})),
        ("x=1,X=2", json!({"X": "2"})),
    ];
    for (text, expected) in cases {
        let (exporter, notes) = exporter(
            &[BASE, ("OTEL_EXPORTER_OTLP_HEADERS", text)],
            "otlp_http/env",
        );
        assert_eq!((&exporter["headers"], notes), (&expected, vec![]), "{text}");
    }
}

#[test]
fn h4_a_malformed_pair_is_named_and_the_others_are_kept() {
    let (exporter, notes) = exporter(
        &[
            BASE,
            ("OTEL_EXPORTER_OTLP_HEADERS", "good=1,Bearer hunter2"),
        ],
        "otlp_http/env",
    );
    assert_eq!(exporter["headers"], json!({"good": "1"}));
    assert_eq!(
        notes,
        ["OTEL_EXPORTER_OTLP_HEADERS: pair 2 is left out: it has no `=`"]
    );
}

#[test]
fn h4_headers_of_a_signal_replace_the_general_ones() {
    let variables = [
        BASE,
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1,b=2"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "c=3"),
    ];
    let (read, _) = exporters(&variables);
    assert_eq!(
        read["otlp_http/env_traces_metrics"]["headers"],
        json!({"a": "1", "b": "2"})
    );
    assert_eq!(read["otlp_http/env_logs"]["headers"], json!({"c": "3"}));
}

#[test]
fn header_values_are_hidden_from_errors() {
    let exporter = &lowered(&[BASE, ("OTEL_EXPORTER_OTLP_HEADERS", "a=hunter2")]).exporters[0];
    let message = exporter.node.error("can't send `hunter2`").to_string();
    assert_eq!(
        message,
        "environment variable OTEL_EXPORTER_OTLP_ENDPOINT: can't send `${OTEL_EXPORTER_OTLP_HEADERS}`"
    );
}

#[test]
fn h6_timeouts_count_milliseconds() {
    let timeout = |value| {
        let (exporter, notes) = exporter(
            &[BASE, ("OTEL_EXPORTER_OTLP_TIMEOUT", value)],
            "otlp_http/env",
        );
        (exporter["timeout"].as_str().unwrap().to_owned(), notes)
    };
    assert_eq!(timeout("10000"), ("10000ms".to_owned(), vec![]));
    let short = "OTEL_EXPORTER_OTLP_TIMEOUT counts milliseconds, and 10 is very short; 10 seconds are 10000";
    assert_eq!(timeout("10"), ("10ms".to_owned(), vec![short.to_owned()]));
    let bad = "OTEL_EXPORTER_OTLP_TIMEOUT is not a whole number of milliseconds; 10000 is used";
    assert_eq!(timeout("10s"), ("10000ms".to_owned(), vec![bad.to_owned()]));
}

#[test]
fn h7_compression_is_gzip_or_none() {
    let compression = |value| {
        let (exporter, notes) = exporter(
            &[BASE, ("OTEL_EXPORTER_OTLP_COMPRESSION", value)],
            "otlp_http/env",
        );
        (exporter["compression"].as_str().unwrap().to_owned(), notes)
    };
    assert_eq!(compression("gzip"), ("gzip".to_owned(), vec![]));
    assert_eq!(compression("none"), ("none".to_owned(), vec![]));
    for unknown in ["deflate", "brotli"] {
        let note = "OTEL_EXPORTER_OTLP_COMPRESSION is none of `gzip`, `zstd` and `none`; requests are not compressed";
        assert_eq!(
            compression(unknown),
            ("none".to_owned(), vec![note.to_owned()])
        );
    }
}

#[test]
fn certificates_are_passed_on() {
    let variables = [
        BASE,
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/cert.pem"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key.pem"),
    ];
    let expected = json!({"ca_file": "/ca.pem", "cert_file": "/cert.pem", "key_file": "/key.pem"});
    assert_eq!(exporter(&variables, "otlp_http/env").0["tls"], expected);
}
