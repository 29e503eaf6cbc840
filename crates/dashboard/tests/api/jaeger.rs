//! Jaeger's query API, as Grafana's data source asks it.

use axum::http::StatusCode;
use serde_json::json;

use crate::items::{START, TRACE, checkout};
use crate::support::{dashboard, get};

/// A trace of two services is asked for by its id, with leading zeros or without.
/// Ids, microseconds, references, typed tags, logs and processes stand where Jaeger has them.
#[tokio::test]
async fn a_trace_has_the_structure_that_jaeger_gives_it() {
    let (_directory, store, app) = dashboard();
    store.write(&checkout()).await.unwrap();
    let (status, answer) = get(&app, &format!("/jaeger/api/traces/{TRACE}")).await;
    assert_eq!(status, StatusCode::OK);
    let trace = &answer["data"][0];
    assert_eq!(
        trace["processes"],
        json!({
            "p1": { "serviceName": "shop", "tags": [{ "key": "host.name", "type": "string", "value": "a" }] },
            "p2": { "serviceName": "payments", "tags": [] }
        })
    );
    let id = TRACE.to_string();
    assert_eq!(
        trace["spans"][0],
        json!({
            "traceID": id, "spanID": "0101010101010101", "operationName": "GET /", "references": [],
            "startTime": 1_700_000_000_000_000_u64, "duration": 5000, "processID": "p1", "warnings": null, "logs": [],
            "tags": [
                { "key": "http.response.status_code", "type": "int64", "value": 500 },
                { "key": "cached", "type": "bool", "value": true },
                { "key": "ratio", "type": "float64", "value": 0.5 },
                { "key": "span.kind", "type": "string", "value": "server" },
                { "key": "otel.scope.name", "type": "string", "value": "http" },
                { "key": "otel.scope.version", "type": "string", "value": "1.2" },
            ]
        })
    );
    let charge = &trace["spans"][1];
    assert_eq!(
        charge["references"],
        json!([
            { "refType": "CHILD_OF", "traceID": id, "spanID": "0101010101010101" },
            { "refType": "FOLLOWS_FROM", "traceID": "cd".repeat(16), "spanID": "0303030303030303" },
        ])
    );
    assert_eq!(
        charge["tags"],
        json!([
            { "key": "span.kind", "type": "string", "value": "client" },
            { "key": "otel.status_code", "type": "string", "value": "ERROR" },
            { "key": "otel.status_description", "type": "string", "value": "declined" },
            { "key": "error", "type": "bool", "value": true },
        ])
    );
    assert_eq!(
        charge["logs"],
        json!([{ "timestamp": 1_700_000_000_002_000_u64, "fields": [
            { "key": "event", "type": "string", "value": "exception" },
            { "key": "exception.type", "type": "string", "value": "Declined" },
        ] }])
    );
}

/// Grafana asks for services, their operations, and traces with every filter of its form.
/// Each filter finds the trace where it fits, and does not where it does not.
#[tokio::test]
async fn grafanas_searches_find_what_fits() {
    let (_directory, store, app) = dashboard();
    store.write(&checkout()).await.unwrap();
    let services = get(&app, "/jaeger/api/services").await.1;
    assert_eq!(
        services,
        json!({ "data": ["payments", "shop"], "total": 2, "limit": 0, "offset": 0, "errors": null })
    );
    let operations = get(&app, "/jaeger/api/services/shop/operations").await.1;
    assert_eq!(operations["data"], json!(["GET /"]));
    let operations = get(&app, "/jaeger/api/operations?service=payments").await.1;
    assert_eq!(
        operations["data"],
        json!([{ "name": "charge", "spanKind": "" }])
    );
    let (start, end) = (START / 1000 - 1, START / 1000 + 1);
    let range = format!("start={start}&end={end}&limit=20&lookback=custom");
    let cases = [
        (String::new(), 1),
        ("&operation=charge".to_owned(), 0),
        ("&operation=GET%20%2F".to_owned(), 1),
        ("&operation=all".to_owned(), 1),
        ("&minDuration=4ms&maxDuration=1s".to_owned(), 1),
        ("&minDuration=6ms".to_owned(), 0),
        ("&maxDuration=4.9ms".to_owned(), 0),
        (
            "&tags=%7B%22http.response.status_code%22%3A%22500%22%7D".to_owned(),
            1,
        ),
        (
            "&tags=%7B%22http.response.status_code%22%3A%22404%22%7D".to_owned(),
            0,
        ),
        ("&tag=cached%3Atrue".to_owned(), 1),
        // The error is one of payments.
        ("&tags=%7B%22error%22%3A%22true%22%7D".to_owned(), 0),
    ];
    for (filter, expected) in cases {
        let (status, answer) = get(
            &app,
            &format!("/jaeger/api/traces?service=shop&{range}{filter}"),
        )
        .await;
        assert_eq!(status, StatusCode::OK, "{filter}: {answer}");
        let found = answer["data"].as_array().unwrap().len();
        assert_eq!(found, expected, "{filter}");
    }
}

/// Traces are asked for by their ids and for another time, and the graph of services.
/// The ids find them, the time does not, and the graph has the call.
#[tokio::test]
async fn ids_times_and_dependencies_are_answered() {
    let (_directory, store, app) = dashboard();
    store.write(&checkout()).await.unwrap();
    let start = START / 1000 - 1;
    let (_, outside) = get(
        &app,
        &format!("/jaeger/api/traces?service=shop&start=1&end={start}"),
    )
    .await;
    assert_eq!(outside["data"], json!([]));
    let failed = "/jaeger/api/traces?service=payments&tags=%7B%22error%22%3A%22true%22%7D";
    let (_, failed) = get(&app, failed).await;
    assert_eq!(failed["data"].as_array().unwrap().len(), 1);
    let (_, by_id) = get(&app, &format!("/jaeger/api/traces?traceID={TRACE}")).await;
    assert_eq!(by_id["data"][0]["spans"].as_array().unwrap().len(), 2);
    let end = (START + 3_600_000_000_000) / 1_000_000;
    let (_, edges) = get(
        &app,
        &format!("/jaeger/api/dependencies?endTs={end}&lookback=7200000"),
    )
    .await;
    assert_eq!(
        edges["data"],
        json!([{ "parent": "shop", "child": "payments", "callCount": 1 }])
    );
}

/// Requests that Jaeger refuses.
/// They are refused with its statuses, and errors where it has them.
#[tokio::test]
async fn errors_have_jaegers_form() {
    let (_directory, _store, app) = dashboard();
    let unknown = format!("/jaeger/api/traces/{TRACE}");
    for (path, expected, text) in [
        (&*unknown, StatusCode::NOT_FOUND, "trace not found"),
        (
            "/jaeger/api/traces/xyz",
            StatusCode::BAD_REQUEST,
            "cannot parse trace ID",
        ),
        (
            "/jaeger/api/traces",
            StatusCode::BAD_REQUEST,
            "parameter 'service' is required",
        ),
        (
            "/jaeger/api/traces?service=a&tags=x",
            StatusCode::BAD_REQUEST,
            "malformed 'tags'",
        ),
        (
            "/jaeger/api/traces?service=a&minDuration=x",
            StatusCode::BAD_REQUEST,
            "could not parse minDuration",
        ),
        (
            "/jaeger/api/nothing",
            StatusCode::NOT_FOUND,
            "has nothing at",
        ),
    ] {
        let (status, answer) = get(&app, path).await;
        let message = answer["errors"][0]["msg"].as_str().unwrap();
        assert_eq!(
            (status, &answer["errors"][0]["code"]),
            (expected, &json!(expected.as_u16())),
            "{path}"
        );
        assert!(message.contains(text), "{path}: {message}");
    }
}
