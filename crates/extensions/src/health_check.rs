//! `health_check`: a page for load balancers and orchestrators that says whether the hub does its job.
//!
//! 200 while every component runs, else 503: whoever restarts the hub on 503 does the right thing. A destination that does
//! not answer is no reason for a restart and is not shown here; with `check_collector_pipeline.enabled`, a pipeline none of
//! whose destinations answers makes it 503 too, for load balancers that have another hub to send to. The other keys of
//! that block are accepted without effect: the state is the present one, not a count over time.
//! [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/healthcheckextension).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use fanlight_config::blocks::HttpServer;
use fanlight_config::{ConfigError, ListenAddress, Node, present};
use fanlight_net::http::{Handler, Server, text};
use fanlight_net::status::{BodyFormat, Failure};
use fanlight_net::{Body, auth};
use fanlight_pipeline::{
    BuildContext, BuildError, Extension, ExtensionConfig, ExtensionKind, Listening, ServerAuth,
    Snapshot, Status, Stop,
};
use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The component type.
pub(crate) static KIND: ExtensionKind = ExtensionKind {
    name: "health_check",
    aliases: &[],
    about: "Answers 200 while every component runs, else 503.",
    sample: "endpoint: 127.0.0.1:13133",
    decode,
};

/// The keys of `health_check` beside those of an HTTP server.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Config {
    /// Where the page is. `/` stands for every path. Default: `/`.
    path: String,
    /// Other bodies. Default: JSON with state, start and uptime.
    #[serde(deserialize_with = "present")]
    response_body: Option<ResponseBody>,
    check_collector_pipeline: PipelineCheck,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ResponseBody {
    healthy: String,
    unhealthy: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct PipelineCheck {
    /// Whether pipelines count too. Default: false.
    enabled: bool,
    /// No effect.
    #[serde(with = "fanlight_config::duration")]
    interval: Duration,
    /// No effect.
    exporter_failure_threshold: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            path: "/".into(),
            response_body: None,
            check_collector_pipeline: PipelineCheck::default(),
        }
    }
}

impl Default for PipelineCheck {
    fn default() -> PipelineCheck {
        PipelineCheck {
            enabled: false,
            interval: Duration::from_secs(300),
            exporter_failure_threshold: 5,
        }
    }
}

fn decode(node: &Node) -> Result<Box<dyn ExtensionConfig>, ConfigError> {
    let (config, server): (Config, HttpServer) = node.decode_both()?;
    if !config.path.starts_with('/') {
        return Err(node
            .error_at("path", "a path begins with a slash")
            .hint(format!("write /{}", config.path)));
    }
    Ok(Box::new(Checked { config, server }))
}

#[derive(Debug)]
struct Checked {
    config: Config,
    server: HttpServer,
}

fn default_address() -> ListenAddress {
    ListenAddress::new("localhost", 13133)
}

impl ExtensionConfig for Checked {
    fn build(&self, context: &BuildContext<'_>) -> Result<Arc<dyn Extension>, BuildError> {
        let place = format!("extensions.{}.endpoint", context.id);
        let auth = self
            .server
            .auth
            .as_ref()
            .map(|auth| context.server_auth(&auth.authenticator))
            .transpose()?;
        let server = Server::http(&self.server, &default_address(), &place)?;
        let page = Page {
            path: self.config.path.clone(),
            bodies: self.config.response_body.clone(),
            with_pipelines: self.config.check_collector_pipeline.enabled,
            auth,
            status: context.status.clone(),
        };
        Ok(Arc::new(HealthCheck {
            listening: server.listening("health"),
            server: Mutex::new(Some(server)),
            page: Arc::new(page),
        }))
    }

    fn address(&self) -> Option<SocketAddr> {
        self.server
            .endpoint
            .clone()
            .unwrap_or_else(default_address)
            .socket_addr()
    }
}

struct HealthCheck {
    listening: Listening,
    /// Taken when it begins to serve.
    server: Mutex<Option<Server>>,
    page: Arc<Page>,
}

impl Extension for HealthCheck {
    fn listening(&self) -> Vec<Listening> {
        vec![self.listening.clone()]
    }

    fn run(self: Arc<Self>, stop: Stop) -> BoxFuture<'static, Result<(), BuildError>> {
        Box::pin(async move {
            let server = self
                .server
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            match server {
                Some(server) => server.serve(self.page.clone(), stop).await,
                None => Ok(()),
            }
        })
    }
}

struct Page {
    path: String,
    bodies: Option<ResponseBody>,
    with_pipelines: bool,
    auth: Option<Arc<dyn ServerAuth>>,
    status: Status,
}

/// The body, with the Collector's names; `problems` is an addition.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    status: &'static str,
    up_since: String,
    uptime: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

impl Handler for Page {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move { self.answer(&request) })
    }
}

impl Page {
    fn answer(&self, request: &Request<Body>) -> Response<Body> {
        if self.path != "/" && request.uri().path() != self.path {
            return text(
                StatusCode::NOT_FOUND,
                format!("the state of the hub is at {}\n", self.path),
            );
        }
        if let Err(error) = auth::check(self.auth.as_ref(), request.headers()) {
            return Failure::from(error).to_http(BodyFormat::Json);
        }
        self.report(&self.status.snapshot())
    }

    /// The answer to a snapshot.
    fn report(&self, snapshot: &Snapshot) -> Response<Body> {
        let health = snapshot.health();
        let mut problems = health.broken;
        if self.with_pipelines {
            problems.extend(health.stuck);
        }
        let healthy = problems.is_empty();
        let code = if healthy {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        if let Some(bodies) = &self.bodies {
            return text(
                code,
                if healthy {
                    bodies.healthy.clone()
                } else {
                    bodies.unhealthy.clone()
                },
            );
        }
        json(
            code,
            &Report {
                status: if healthy {
                    "Server available"
                } else {
                    "Server not available"
                },
                up_since: since(SystemTime::now(), snapshot.uptime),
                uptime: written(snapshot.uptime),
                problems,
            },
        )
    }
}

fn json(code: StatusCode, report: &Report) -> Response<Body> {
    // Nothing in a report can fail to be written.
    let mut response = Response::new(Body::from(serde_json::to_vec(report).unwrap_or_default()));
    *response.status_mut() = code;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// When something began that has lasted for a while, as RFC 3339.
fn since(now: SystemTime, lasted: Duration) -> String {
    let began = now
        .checked_sub(lasted)
        .and_then(|began| Timestamp::try_from(began).ok());
    began.unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// A duration as Go writes it, to the millisecond: `1h2m3.004s`.
fn written(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.subsec_millis());
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}.{millis:03}s"),
        (0, _) => format!("{minutes}m{seconds}.{millis:03}s"),
        _ => format!("{hours}h{minutes}m{seconds}.{millis:03}s"),
    }
}

#[cfg(test)]
mod tests {
    use fanlight_otlp::{Signal, SignalSet};
    use fanlight_pipeline::{ExporterSnapshot, ExporterState, PipelineSnapshot};

    use super::*;

    fn snapshot(broken: &[&str], exporter: ExporterState) -> Snapshot {
        let mut snapshot = Status::default().snapshot();
        snapshot.broken = broken
            .iter()
            .map(|id| ((*id).to_owned(), "out of luck".to_owned()))
            .collect();
        snapshot.pipelines = vec![PipelineSnapshot {
            id: "traces".into(),
            signal: Signal::Traces,
            receivers: vec!["otlp".into()],
            processors: Vec::new(),
            exporters: vec!["debug".into()],
        }];
        snapshot.exporters = vec![ExporterSnapshot {
            id: "debug".into(),
            destination: String::new(),
            signals: SignalSet::ALL,
            state: exporter,
            last_error: None,
            sent: Default::default(),
            send_failed: Default::default(),
            enqueue_failed: Default::default(),
            parked: Default::default(),
            retries: 0,
            trimmed_attributes: 0,
            batches: 0,
            in_flight: 0,
            queue_size: 0,
            queue_capacity: 0,
        }];
        snapshot
    }

    #[test]
    fn only_what_a_restart_may_cure_makes_it_unavailable() {
        let page = |with_pipelines| Page {
            path: "/".into(),
            bodies: None,
            with_pipelines,
            auth: None,
            status: Status::default(),
        };
        for (snapshot, plain, with_pipelines) in [
            (snapshot(&[], ExporterState::Healthy), 200, 200),
            (snapshot(&[], ExporterState::Failing), 200, 503),
            (snapshot(&["otlp"], ExporterState::Idle), 503, 503),
        ] {
            assert_eq!(page(false).report(&snapshot).status(), plain);
            assert_eq!(page(true).report(&snapshot).status(), with_pipelines);
        }
    }

    #[test]
    fn times_are_written_as_the_collector_does() {
        assert_eq!(written(Duration::from_millis(4)), "0.004s");
        assert_eq!(written(Duration::from_millis(61_500)), "1m1.500s");
        assert_eq!(written(Duration::from_secs(3600)), "1h0m0.000s");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert_eq!(since(now, Duration::from_secs(100)), "2023-11-14T22:11:40Z");
    }
}
