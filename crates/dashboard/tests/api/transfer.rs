//! Import, and what is asked in JSON bodies.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use fanlight_otlp::json as otlp_json;
use futures::stream;
use serde_json::json;

use crate::items::{log, metric, trace};
use crate::support::{dashboard, get, send_body};

const JSON: &str = "application/json";

fn text(batch: &fanlight_otlp::Batch) -> String {
    String::from_utf8(otlp_json::to_vec(batch).unwrap()).unwrap()
}

/// A file of lines comes in small pieces: traces, logs and metrics mixed.
/// Everything is in the store, and the answer counts it.
#[tokio::test]
async fn lines_of_all_signals_are_imported() {
    let (_directory, _store, app) = dashboard();
    let lines = [trace(1), trace(2), log(1), metric()]
        .map(|batch| text(&batch) + "\n")
        .concat();
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> = lines
        .as_bytes()
        .chunks(7)
        .map(|piece| Ok(piece.to_vec()))
        .collect();
    let content = Body::from_stream(stream::iter(pieces));
    let (status, answer) = send_body(
        &app,
        Method::POST,
        "/api/import",
        "application/x-ndjson",
        content,
    )
    .await;
    assert_eq!(
        (status, answer),
        (
            StatusCode::OK,
            json!({ "traces": 2, "logs": 1, "metrics": 1, "profiles": 0 })
        )
    );
    let (_, traces) = get(&app, "/api/traces").await;
    assert_eq!(traces["traces"].as_array().unwrap().len(), 2);
    assert_eq!(
        get(&app, "/api/logs").await.1["logs"][0]["bodyText"],
        "hello"
    );
}

/// Files that are no OTLP, or stop in the middle.
/// Each is refused with what is wrong and where; what stood before stays.
#[tokio::test]
async fn files_that_are_no_otlp_are_refused_with_the_place() {
    let (_directory, _store, app) = dashboard();
    let good = text(&trace(1));
    let cases = [
        ("[]".to_owned(), "an object must begin"),
        ("{\"spans\": []}".to_owned(), "it has no resourceSpans"),
        ("{\"resourceSpans\": [".to_owned(), "not complete"),
        (
            format!(
                "{good}\n{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{{\"traceId\":\"xyz\"}}]}}]}}]}}"
            ),
            "document 2",
        ),
    ];
    for (content, expected) in cases {
        let (status, answer) = send_body(&app, Method::POST, "/api/import", JSON, content).await;
        let message = answer["error"]["message"].as_str().unwrap();
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(
        get(&app, "/api/traces").await.1["traces"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

/// A destination is tried from the page, and one that is not there.
/// The answer is what the hub says about it.
#[tokio::test]
async fn a_destination_can_be_tried() {
    let (_directory, _store, app) = dashboard();
    let (status, answer) = send_body(
        &app,
        Method::POST,
        "/api/destinations/otlphttp%2Fdead/test",
        JSON,
        "{}",
    )
    .await;
    assert_eq!(
        (status, answer),
        (
            StatusCode::OK,
            json!({ "outcome": "retry", "detail": "traces: refused" })
        )
    );
    let (status, answer) = send_body(
        &app,
        Method::POST,
        "/api/destinations/other/test",
        JSON,
        "{}",
    )
    .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(answer["error"]["message"], "there is no destination other");
}

/// Bodies that are no question.
/// They are refused with what is wrong with them.
#[tokio::test]
async fn bodies_are_read_strictly() {
    let (_directory, _store, app) = dashboard();
    for (path, method, content, expected) in [
        (
            "/api/sql",
            Method::POST,
            "{\"sq\": 1}",
            "unknown field `sq`",
        ),
        ("/api/sql", Method::POST, "{}", "missing field `sql`"),
        ("/api/sql", Method::POST, "", "can't be read"),
        (
            "/api/views",
            Method::PUT,
            "{\"name\": \" \", \"page\": \"traces\", \"query\": \"\"}",
            "needs a name",
        ),
    ] {
        let (status, answer) = send_body(&app, method, path, JSON, content).await;
        let message = answer["error"]["message"].as_str().unwrap();
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
        assert!(message.contains(expected), "{path}: {message}");
    }
}
