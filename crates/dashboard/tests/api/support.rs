//! A dashboard over a store of its own, and requests to it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode};
use bytes::Bytes;
use fanlight_dashboard::{
    Dropped, ExporterState, ExporterStatus, Listener, Options, PipelineStatus, Status,
    StatusSource, TestOutcome, router,
};
use fanlight_store::{Store, StoreOptions};
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use http_body_util::BodyExt as _;
use serde_json::Value as Json;
use tower::ServiceExt as _;

pub(crate) struct Hub;

impl StatusSource for Hub {
    fn status(&self) -> Status {
        Status {
            version: "1.2.3".to_owned(),
            uptime_seconds: 5,
            data_dir: "/data".to_owned(),
            listening: vec![Listener {
                component: "otlp".to_owned(),
                protocol: "OTLP/gRPC".to_owned(),
                address: "127.0.0.1:4317".to_owned(),
                tls: false,
            }],
            exporters: vec![ExporterStatus {
                id: "otlp_http".to_owned(),
                destination: "https://example.com".to_owned(),
                from: "hub.yaml".to_owned(),
                state: ExporterState::Failing,
                last_error: Some("refused".to_owned()),
                queue_size: 1,
                queue_capacity: 2,
                sent_items: 3,
                failed_items: 4,
                dropped_items: 5,
                retries: 6,
                dropped: vec![Dropped {
                    cause: "the queue was full".to_owned(),
                    items: 5,
                }],
            }],
            pipelines: vec![PipelineStatus {
                id: "traces".to_owned(),
                ..PipelineStatus::default()
            }],
        }
    }

    fn send_test<'a>(&'a self, exporter: &'a str) -> BoxFuture<'a, Option<TestOutcome>> {
        let outcome = (exporter == "otlphttp/dead").then(|| TestOutcome {
            outcome: "retry".to_owned(),
            detail: "traces: refused".to_owned(),
        });
        ready(outcome).boxed()
    }
}

/// A dashboard over a store of its own, which goes with the guard.
pub(crate) fn dashboard() -> (tempfile::TempDir, Store, Router) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreOptions::new(directory.path().join("fanlight.db"))).unwrap();
    let app = router(store.clone(), Arc::new(Hub), Options::default());
    (directory, store, app)
}

/// The same with other options.
pub(crate) fn dashboard_with(options: Options) -> (tempfile::TempDir, Router) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreOptions::new(directory.path().join("fanlight.db"))).unwrap();
    (directory, router(store, Arc::new(Hub), options))
}

/// Sends a body and answers the status with the JSON that came.
pub(crate) async fn send_body(
    app: &Router,
    method: Method,
    path: &str,
    content_type: &str,
    content: impl Into<Body>,
) -> (StatusCode, Json) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost:3000")
        .header("content-type", content_type)
        .body(content.into())
        .unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = body(response).await;
    (status, serde_json::from_slice(&bytes).unwrap_or(Json::Null))
}

pub(crate) fn request(method: Method, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "localhost:3000");
    }
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.body(Body::empty()).unwrap()
}

pub(crate) async fn send(
    app: &Router,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> Response<Body> {
    app.clone()
        .oneshot(request(method, path, headers))
        .await
        .unwrap()
}

pub(crate) async fn body(response: Response<Body>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

pub(crate) async fn get(app: &Router, path: &str) -> (StatusCode, Json) {
    let response = send(app, Method::GET, path, &[]).await;
    let status = response.status();
    let bytes = body(response).await;
    (
        status,
        serde_json::from_slice(&bytes).unwrap_or_else(|_| panic!("{path}: {bytes:?}")),
    )
}
