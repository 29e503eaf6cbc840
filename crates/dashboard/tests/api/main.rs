//! The dashboard through its router: answers, errors, the guard, the page.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod access;
mod document;
mod explore;
mod items;
mod jaeger;
mod llm;
mod llmflow;
mod support;
mod transfer;

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use fanlight_dashboard::{Options, router};
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};

use items::{log, metric, trace};
use support::{Hub, body, dashboard, get, send};

/// A store with a trace, a log record and a metric is asked through every path.
/// The answers have the agreed names and types.
#[tokio::test]
async fn every_path_answers_what_is_agreed() {
    let (_directory, store, app) = dashboard();
    for batch in [trace(0xab), log(0xab), metric()] {
        store.write(&batch).await.unwrap();
    }
    let id = "abababababababababababababababab";
    let (status, traces) = get(
        &app,
        "/api/traces?service=shop&errors=true&minDurationMs=4.5&name=get",
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    let expected = json!({ "traces": [{
        "traceId": id, "rootName": "GET /", "rootService": "shop", "startTimeUnixNano": "1700000000000000171",
        "durationNano": "5000000", "spanCount": 1, "errorCount": 1, "services": ["shop"], "hasRoot": true,
        "rootMessage": null
    }], "nextCursor": null });
    assert_eq!(traces, expected);
    let (_, one) = get(&app, &format!("/api/traces/{}", id.to_uppercase())).await;
    assert_eq!(
        (&one["traceId"], &one["spans"][0]["kind"]),
        (&json!(id), &json!("SERVER"))
    );
    assert_eq!(
        one["spans"][0]["attributes"],
        json!([{ "key": "user.id", "value": { "intValue": "7" } }])
    );
    let (_, logs) = get(&app, &format!("/api/traces/{id}/logs")).await;
    assert_eq!(
        (&logs["logs"][0]["bodyText"], &logs["nextCursor"]),
        (&json!("hello"), &Json::Null)
    );
    assert_eq!(get(&app, "/api/logs?q=HELLO&severityMin=9").await.1, logs);
    assert_eq!(
        get(&app, "/api/logs?severityMin=10").await.1["logs"],
        json!([])
    );
    let (_, metrics) = get(&app, "/api/metrics?q=que").await;
    assert_eq!(
        (
            &metrics["metrics"][0]["lastValue"],
            &metrics["metrics"][0]["type"]
        ),
        (&json!(5.0), &json!("gauge"))
    );
    assert_eq!(
        get(&app, "/api/services").await.1,
        json!({ "services": ["shop"] })
    );
    assert_eq!(get(&app, "/api/health").await.1["status"], "ok");
}

/// The hub says how it does.
/// `/api/status` shows that, with what the store holds.
#[tokio::test]
async fn status_joins_the_hub_and_the_store() {
    let (_directory, store, app) = dashboard();
    store.write(&trace(1)).await.unwrap();
    let (_, mut status) = get(&app, "/api/status").await;
    assert!(status["storeBytes"].take().as_u64().unwrap() > 0);
    let expected = json!({
        "version": "1.2.3", "uptimeSeconds": 5, "dataDir": "/data", "storeBytes": null,
        "listening": [{ "component": "otlp", "protocol": "OTLP/gRPC", "address": "127.0.0.1:4317", "tls": false }],
        "exporters": [{
            "id": "otlp_http", "destination": "https://example.com", "from": "hub.yaml", "state": "failing",
            "lastError": "refused", "queueSize": 1, "queueCapacity": 2, "sentItems": 3, "failedItems": 4,
            "droppedItems": 5, "retries": 6, "dropped": [{ "cause": "the queue was full", "items": 5 }]
        }],
        "pipelines": [{ "id": "traces", "receivers": [], "processors": [], "exporters": [] }],
        "counts": { "spans": 1, "logs": 0, "points": 0, "profiles": 0 }
    });
    assert_eq!(status, expected);
}

/// Three traces are asked for one by one.
/// The cursor of each answer leads to the next.
#[tokio::test]
async fn cursors_lead_through_the_list() {
    let (_directory, store, app) = dashboard();
    for id in 1..=3 {
        store.write(&trace(id)).await.unwrap();
    }
    let mut path = "/api/traces?limit=1".to_owned();
    let mut seen = Vec::new();
    loop {
        let (_, page) = get(&app, &path).await;
        seen.push(page["traces"][0]["traceId"].clone());
        let Some(cursor) = page["nextCursor"].as_str() else {
            break;
        };
        path = format!("/api/traces?limit=1&cursor={cursor}");
    }
    assert_eq!(seen, ["03", "02", "01"].map(|byte| json!(byte.repeat(16))));
}

/// Paths, parameters and methods that are wrong in every way.
/// Each is answered with its status and an error object that says what is wrong.
#[tokio::test]
async fn errors_are_json_that_says_what_is_wrong() {
    let (_directory, _store, app) = dashboard();
    let unknown = format!("/api/traces/{}", "ab".repeat(16));
    let cases = [
        (&*unknown, StatusCode::NOT_FOUND, "there is no trace abab"),
        (
            "/api/traces/xyz",
            StatusCode::BAD_REQUEST,
            "32 hexadecimal digits",
        ),
        (
            "/api/traces?cursor=xyz",
            StatusCode::BAD_REQUEST,
            "is not a cursor",
        ),
        ("/api/traces?limit=many", StatusCode::BAD_REQUEST, "limit"),
        (
            "/api/traces?sevice=shop",
            StatusCode::BAD_REQUEST,
            "unknown parameter `sevice`",
        ),
        (
            "/api/nothing",
            StatusCode::NOT_FOUND,
            "nothing at /api/nothing",
        ),
        ("/api", StatusCode::NOT_FOUND, "nothing at /api"),
        (
            "/assets/old.js",
            StatusCode::NOT_FOUND,
            "nothing at /assets/old.js",
        ),
    ];
    for (path, expected, text) in cases {
        let (status, error) = get(&app, path).await;
        assert_eq!(status, expected, "{path}: {error}");
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains(text), "{path}: {message}");
    }
    for path in ["/api/traces", "/"] {
        let response = send(
            &app,
            Method::POST,
            path,
            &[("content-type", "application/json")],
        )
        .await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert!(
            serde_json::from_slice::<Json>(&body(response).await).unwrap()["error"]["message"]
                .is_string()
        );
    }
}

/// Requests come under names and from origins that are not ours.
/// They are refused before anything is read, and no answer opens a door with CORS.
#[tokio::test]
async fn other_sites_are_kept_out() {
    let (_directory, _store, app) = dashboard();
    let cases: [(&[(&str, &str)], StatusCode); 7] = [
        (&[("host", "evil.example")], StatusCode::FORBIDDEN),
        (&[("host", "192.168.1.5:3000")], StatusCode::FORBIDDEN),
        (&[("host", "")], StatusCode::BAD_REQUEST),
        (&[("origin", "https://evil.example")], StatusCode::FORBIDDEN),
        (&[("origin", "null")], StatusCode::FORBIDDEN),
        (
            &[("origin", "http://localhost:4000")],
            StatusCode::FORBIDDEN,
        ),
        (&[("origin", "http://localhost:3000")], StatusCode::OK),
    ];
    for (headers, expected) in cases {
        for path in ["/api/services", "/"] {
            let response = send(&app, Method::GET, path, headers).await;
            assert_eq!(response.status(), expected, "{headers:?} {path}");
            assert!(
                response
                    .headers()
                    .get("access-control-allow-origin")
                    .is_none()
            );
            assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        }
    }
}

/// The page is asked for by a browser, under its own path and under those of its views.
/// It comes as HTML that may load nothing from elsewhere, and is not cached.
#[tokio::test]
async fn the_page_is_served_for_every_view() {
    let (_directory, _store, app) = dashboard();
    for path in ["/", "/traces", "/traces/abababababababababababababababab"] {
        let response = send(&app, Method::GET, path, &[("accept", "text/html")]).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(
            response.headers()["content-type"],
            "text/html; charset=utf-8"
        );
        assert_eq!(response.headers()["cache-control"], "no-cache");
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert!(body(response).await.starts_with(b"<!doctype html>"));
    }
    let head = send(&app, Method::HEAD, "/", &[]).await;
    assert_eq!(head.status(), StatusCode::OK);
}

/// A page listens while a trace and a log record arrive, and then the hub stops.
/// It gets an event for each, and the stream ends.
#[tokio::test]
async fn news_arrive_as_events_until_the_hub_stops() {
    use futures::FutureExt as _;
    let (_directory, store, _) = dashboard();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let closing = async { stopped.await.unwrap_or_default() }.boxed().shared();
    let app = router(
        store.clone(),
        Arc::new(Hub),
        Options {
            closing,
            ..Options::default()
        },
    );
    let response = send(
        &app,
        Method::GET,
        "/api/live",
        &[("accept", "text/event-stream")],
    )
    .await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = response.into_body();
    store.write(&trace(1)).await.unwrap();
    let mut text = String::new();
    while !text.contains("event: traces") || !text.ends_with("\n\n") {
        text.push_str(
            std::str::from_utf8(&events.frame().await.unwrap().unwrap().into_data().unwrap())
                .unwrap(),
        );
    }
    let data = text
        .lines()
        .find_map(|line| line.strip_prefix("data: "))
        .unwrap();
    let data: Json = serde_json::from_str(data).unwrap();
    assert_eq!(data["traces"][0]["traceId"], "01".repeat(16));
    store.write(&log(1)).await.unwrap();
    while !text.contains("event: logs") {
        text.push_str(
            std::str::from_utf8(&events.frame().await.unwrap().unwrap().into_data().unwrap())
                .unwrap(),
        );
    }
    let calls = Json::Array(vec![llm::span(7, "gpt-4o", json!({}))]).to_string();
    llm::import(&app, &calls).await;
    while !text.contains("event: llmCalls") || !text.ends_with("\n\n") {
        text.push_str(
            std::str::from_utf8(&events.frame().await.unwrap().unwrap().into_data().unwrap())
                .unwrap(),
        );
    }
    assert!(
        text.contains("{\"llmCalls\":[{\"traceId\":\"0707"),
        "{text}"
    );
    stop.send(()).unwrap();
    while let Some(frame) = events.frame().await {
        frame.unwrap();
    }
}
