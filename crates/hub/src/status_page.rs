//! `/metrics`, `/healthz` and `/readyz`: what the hub says about itself to machines.

use fanlight_net::Body;
use fanlight_net::http::Handler;
use fanlight_pipeline::telemetry::{ProcessUsage, metrics, prometheus_text};
use fanlight_pipeline::{ExporterState, Health, Snapshot, Status};
use futures::future::BoxFuture;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Value, json};

/// Answers from the status registry; nothing is cached.
#[derive(Debug)]
pub(crate) struct StatusPage(pub Status);

impl Handler for StatusPage {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move { self.answer(request.method(), request.uri().path()) })
    }
}

impl StatusPage {
    fn answer(&self, method: &Method, path: &str) -> Response<Body> {
        if method != Method::GET && method != Method::HEAD {
            let mut response = page(
                StatusCode::METHOD_NOT_ALLOWED,
                "text/plain",
                "only GET is served here\n".to_owned(),
            );
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let snapshot = self.0.snapshot();
        let health = snapshot.health();
        match path {
            "/metrics" => {
                let text = prometheus_text(&metrics(&snapshot, ProcessUsage::now()));
                page(
                    StatusCode::OK,
                    "text/plain; version=0.0.4; charset=utf-8",
                    text,
                )
            }
            "/healthz" => health_page(health.is_alive(), &health, &snapshot),
            "/readyz" => health_page(health.is_ready(), &health, &snapshot),
            _ => page(
                StatusCode::NOT_FOUND,
                "text/plain",
                "here are /metrics, /healthz and /readyz\n".to_owned(),
            ),
        }
    }
}

/// 200 or 503, with the state of every pipeline and destination.
fn health_page(good: bool, health: &Health, snapshot: &Snapshot) -> Response<Body> {
    let exporters = snapshot.exporters.iter().map(|exporter| {
        json!({
            "id": exporter.id,
            "state": state(exporter.state),
            "lastError": exporter.last_error,
            "queueSize": exporter.queue_size,
            "queueCapacity": exporter.queue_capacity,
        })
    });
    let pipelines = snapshot.pipelines.iter().map(|pipeline| {
        let stuck = health
            .stuck
            .iter()
            .any(|sentence| sentence.starts_with(&format!("pipeline {}:", pipeline.id)));
        json!({ "id": pipeline.id, "ready": !stuck, "exporters": pipeline.exporters })
    });
    let problems: Vec<&String> = health.broken.iter().chain(&health.stuck).collect();
    let body = json!({
        "status": if good { "ok" } else { "unavailable" },
        "uptimeSeconds": snapshot.uptime.as_secs(),
        "problems": problems,
        "pipelines": pipelines.collect::<Vec<Value>>(),
        "exporters": exporters.collect::<Vec<Value>>(),
    });
    let status = if good {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    page(status, "application/json", format!("{body}\n"))
}

/// An exporter's state in one word.
pub(crate) const fn state(state: ExporterState) -> &'static str {
    match state {
        ExporterState::Idle => "idle",
        ExporterState::Healthy => "healthy",
        ExporterState::Failing => "failing",
    }
}

fn page(status: StatusCode, content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
