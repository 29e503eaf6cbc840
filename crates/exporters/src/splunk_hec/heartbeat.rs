//! Signs of life: events in Splunk's index `_internal`, and the question at the start whether Splunk is well.
//!
//! Neither stops the exporter where it fails: what waits in the queue is sent when Splunk is back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanlight_net::http::HttpClient;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Uri};
use tokio::task::JoinHandle;

use crate::fields::{member, text};

/// What the configuration asks for.
#[derive(Clone, Debug)]
pub(super) struct Pulse {
    pub(super) interval: Duration,
    pub(super) startup: bool,
    /// Where Splunk's health is asked at the start.
    pub(super) health: Option<Uri>,
}

/// A task that ends with its owner.
pub(super) struct Heartbeat(JoinHandle<()>);

impl Heartbeat {
    /// Starts the task, if there is anything to do.
    pub(super) fn start(
        pulse: &Pulse,
        client: Arc<HttpClient>,
        url: &Uri,
        version: &str,
    ) -> Option<Heartbeat> {
        if pulse.interval.is_zero() && !pulse.startup && pulse.health.is_none() {
            return None;
        }
        let (pulse, url, body) = (pulse.clone(), url.clone(), event(version));
        Some(Heartbeat(tokio::spawn(async move {
            if let Some(health) = &pulse.health {
                ask(&client, health).await;
            }
            if pulse.startup {
                beat(&client, &url, &body).await;
            }
            while !pulse.interval.is_zero() {
                tokio::time::sleep(pulse.interval).await;
                beat(&client, &url, &body).await;
            }
        })))
    }

    /// Ends it.
    pub(super) fn stop(&self) {
        self.0.abort();
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn ask(client: &HttpClient, url: &Uri) {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = url.clone();
    let answer = client.send(request).await;
    match answer {
        Ok(answer) if answer.status.is_success() => {
            tracing::info!(host = url.host(), "Splunk is well");
        }
        Ok(answer) => {
            tracing::warn!(host = url.host(), status = %answer.status, "Splunk's HTTP Event Collector is not well; events wait");
        }
        Err(_) => {
            tracing::warn!(
                host = url.host(),
                "Splunk's HTTP Event Collector does not answer; events wait"
            );
        }
    }
}

async fn beat(client: &HttpClient, url: &Uri, body: &Bytes) {
    let mut request = Request::new(body.clone());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = url.clone();
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert(CONTENT_TYPE, json);
    let taken = client.send(request).await;
    if !taken.is_ok_and(|answer| answer.status.is_success()) {
        tracing::warn!(host = url.host(), "Splunk did not take a heartbeat");
    }
}

/// The event, in the Collector's words so that the same searches find it.
fn event(version: &str) -> Bytes {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = match host.trim() {
        "" => "unknownhost",
        host => host,
    };
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    let words =
        format!("HeartbeatInfo version={version} description=Fanlight os={system} arch={machine}");
    let mut out = vec![b'{'];
    for (key, value) in [
        ("host", host),
        ("source", "otelcol"),
        ("sourcetype", "heartbeat"),
        ("index", "_internal"),
        ("event", &words),
    ] {
        member(&mut out, key.as_bytes());
        text(&mut out, value);
    }
    out.push(b'}');
    out.into()
}
