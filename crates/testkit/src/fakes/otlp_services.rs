//! Commercial services that take OTLP over HTTP: each with its paths, credentials, limits and words.
//!
//! Every one refuses what the real one refuses: another path, a missing or wrong credential, a signal without a route, a
//! body that is not a request of that signal, a metric of the wrong temporality, a request above its size.

use bytes::Bytes;
use fanlight_net::Body;
use fanlight_otlp::{Batch, Signal, json};
use http::{Response, StatusCode};
use std::io::Read as _;

use crate::{Backend, Recorded};

/// One service's published rules.
#[derive(Clone, Copy, Debug)]
pub struct OtlpService {
    /// The preset's name.
    pub preset: &'static str,
    /// What follows the host for each signal that it takes.
    pub paths: &'static [(Signal, &'static str)],
    /// Headers that must be there, with their values.
    pub headers: &'static [(&'static str, &'static str)],
    /// Whether it takes protobuf, else JSON.
    pub is_protobuf: bool,
    /// The only `AggregationTemporality` that it takes; 0 for any.
    pub temporality: i32,
    /// The longest body, in bytes as sent.
    pub longest: usize,
    /// How it refuses wrong credentials: status and body.
    pub unauthorized: (u16, &'static str),
    /// Keys for the preset that it accepts.
    pub keys: &'static str,
}

const T: Signal = Signal::Traces;
const M: Signal = Signal::Metrics;
const L: Signal = Signal::Logs;
const USUAL: &[(Signal, &str)] = &[(T, "/v1/traces"), (M, "/v1/metrics"), (L, "/v1/logs")];
const MB: usize = 1_000_000;

/// The services.
pub const OTLP_SERVICES: &[OtlpService] = &[
    // https://langfuse.com/integrations/native/opentelemetry
    OtlpService {
        preset: "langfuse",
        paths: &[(T, "/api/public/otel/v1/traces")],
        headers: &[
            ("authorization", "Basic cGstbGYtMTpzay1sZi0x"),
            ("x-langfuse-ingestion-version", "4"),
        ],
        is_protobuf: true,
        temporality: 0,
        longest: 4_500_000,
        unauthorized: (
            401,
            r#"{"message":"Invalid credentials. Confirm that you've configured the correct host."}"#,
        ),
        keys: "public_key: pk-lf-1\nsecret_key: sk-lf-1",
    },
    // https://www.comet.com/docs/opik/tracing/opentelemetry/overview
    OtlpService {
        preset: "opik",
        paths: &[(T, "/opik/api/v1/private/otel/v1/traces")],
        headers: &[
            ("authorization", "key-1"),
            ("comet-workspace", "team"),
            ("projectname", "mine"),
        ],
        is_protobuf: true,
        temporality: 0,
        longest: 100 * MB,
        unauthorized: (
            401,
            r#"{"code":401,"message":"API key should be provided"}"#,
        ),
        keys: "api_key: key-1\nworkspace: team\nproject: mine",
    },
    // https://arize.com/docs/ax/integrations/opentelemetry/opentelemetry-arize-otel
    OtlpService {
        preset: "arize",
        paths: &[(T, "/v1/traces")],
        headers: &[("space_id", "space-1"), ("api_key", "key-1")],
        is_protobuf: true,
        temporality: 0,
        longest: 100 * MB,
        unauthorized: (401, "unauthorized"),
        keys: "space_id: space-1\napi_key: key-1\nproject: mine",
    },
    // https://logfire.pydantic.dev/docs/how-to-guides/alternative-clients/
    OtlpService {
        preset: "logfire",
        paths: USUAL,
        headers: &[("authorization", "pylf_v1_us_1")],
        is_protobuf: true,
        temporality: 0,
        longest: 5 * MB,
        unauthorized: (401, r#"{"detail":"Invalid token"}"#),
        keys: "token: pylf_v1_us_1",
    },
    // https://docs.helicone.ai/rest/trace/post-v1tracelog
    OtlpService {
        preset: "helicone",
        paths: &[(T, "/v1/trace/log")],
        headers: &[("authorization", "Bearer sk-helicone-1")],
        is_protobuf: false,
        temporality: 0,
        longest: 100 * MB,
        unauthorized: (401, r#"{"error":"Invalid API key"}"#),
        keys: "api_key: sk-helicone-1",
    },
    // https://grafana.com/docs/grafana-cloud/send-data/otlp/send-data-otlp/
    OtlpService {
        preset: "grafana_cloud",
        paths: &[
            (T, "/otlp/v1/traces"),
            (M, "/otlp/v1/metrics"),
            (L, "/otlp/v1/logs"),
        ],
        headers: &[("authorization", "Basic MTIzOmdsY18x")],
        is_protobuf: true,
        temporality: 2,
        longest: 100 * MB,
        unauthorized: (
            401,
            r#"{"status":"error","error":"authentication error: invalid token"}"#,
        ),
        keys: "zone: prod-eu-west-0\ninstance_id: '123'\ntoken: glc_1",
    },
    // https://docs.honeycomb.io/api/tag/OpenTelemetry
    OtlpService {
        preset: "honeycomb",
        paths: USUAL,
        headers: &[
            ("x-honeycomb-team", "hcaik_1"),
            ("x-honeycomb-dataset", "d"),
        ],
        is_protobuf: true,
        temporality: 0,
        longest: 15 * MB,
        unauthorized: (
            401,
            r#"{"error":"unknown API key - check your credentials"}"#,
        ),
        keys: "api_key: hcaik_1\ndataset: d",
    },
    // https://docs.datadoghq.com/opentelemetry/setup/otlp_ingest/
    OtlpService {
        preset: "datadog_otlp",
        paths: USUAL,
        headers: &[("dd-api-key", "1"), ("dd-protocol", "otlp")],
        is_protobuf: true,
        temporality: 1,
        longest: 5 * MB,
        unauthorized: (403, r#"{"errors":["Forbidden"]}"#),
        keys: "api_key: '1'",
    },
    // https://docs.newrelic.com/docs/opentelemetry/best-practices/opentelemetry-otlp/
    OtlpService {
        preset: "newrelic",
        paths: USUAL,
        headers: &[("api-key", "1NRAL")],
        is_protobuf: true,
        temporality: 1,
        longest: MB,
        unauthorized: (403, ""),
        keys: "license_key: 1NRAL",
    },
    // https://www.elastic.co/docs/solutions/observability/apm/opentelemetry/
    OtlpService {
        preset: "elastic_apm",
        paths: USUAL,
        headers: &[("authorization", "Bearer 1")],
        is_protobuf: true,
        temporality: 0,
        longest: 100 * MB,
        unauthorized: (401, r#"{"error":"authentication failed"}"#),
        keys: "secret_token: '1'",
    },
    // https://dev.splunk.com/observability/reference/api/ingest_data/latest
    OtlpService {
        preset: "splunk_o11y",
        paths: &[(T, "/v2/trace/otlp"), (M, "/v2/datapoint/otlp")],
        headers: &[("x-sf-token", "1")],
        is_protobuf: true,
        temporality: 0,
        longest: 100 * MB,
        unauthorized: (401, "Unauthorized"),
        keys: "realm: us0\naccess_token: '1'",
    },
];

impl OtlpService {
    /// Starts it.
    pub fn start(self) -> Backend {
        Backend::http(None, move |request| self.answer(request))
    }

    /// The answer to a request.
    pub fn answer(self, request: &Recorded) -> Response<Body> {
        match self.check(request) {
            Ok(()) => answer(200, ""),
            Err((status, body)) => answer(status, &body),
        }
    }

    /// The part of the preset's base URL after the host.
    pub fn base(self) -> &'static str {
        let (signal, path) = self.paths[0];
        path.strip_suffix(signal.info().http_path).unwrap_or("")
    }

    fn check(self, request: &Recorded) -> Result<(), (u16, String)> {
        let wrong = |status: u16, why: &str| Err((status, why.to_owned()));
        let route = self.paths.iter().find(|(_, path)| *path == request.path);
        let Some((signal, _)) = route else {
            return wrong(404, "page not found");
        };
        if (self.headers.iter()).any(|(name, value)| request.header(name) != *value) {
            return wrong(self.unauthorized.0, self.unauthorized.1);
        }
        let content_type = match self.is_protobuf {
            true => "application/x-protobuf",
            false => "application/json",
        };
        if request.header("content-type") != content_type {
            return wrong(415, "unsupported media type");
        }
        if request.body.len() > self.longest {
            return wrong(413, "request entity too large");
        }
        let Some(body) = plain(request) else {
            return wrong(400, "the body is not gzip");
        };
        let batch = match self.is_protobuf {
            true => Batch::decode(*signal, body).ok(),
            false => json::read(*signal, &body).ok(),
        };
        match batch {
            None => wrong(400, "the body is no request of this signal"),
            Some(batch) if !self.takes_temporality(&batch) => {
                wrong(400, "metrics of this temporality are not supported")
            }
            Some(_) => Ok(()),
        }
    }

    /// Counters and histograms must be of the service's temporality; up-down counters may be cumulative.
    fn takes_temporality(self, batch: &Batch) -> bool {
        if self.temporality == 0 || batch.signal() != Signal::Metrics {
            return true;
        }
        let resources = batch.resources().flatten();
        let metrics =
            resources.flat_map(|resource| resource.scopes().flatten().collect::<Vec<_>>());
        metrics
            .flat_map(|scope| scope.metrics().flatten().collect::<Vec<_>>())
            .all(|metric| match metric.aggregation_temporality {
                0 => true,
                2 if metric.kind == fanlight_otlp::view::MetricKind::Sum
                    && !metric.is_monotonic =>
                {
                    true
                }
                temporality => temporality == self.temporality,
            })
    }
}

fn plain(request: &Recorded) -> Option<Bytes> {
    match request.header("content-encoding") {
        "" => Some(request.body.clone()),
        "gzip" => {
            let mut body = Vec::new();
            let mut gzip = flate2::read::GzDecoder::new(&request.body[..]);
            gzip.read_to_end(&mut body).ok()?;
            Some(body.into())
        }
        _ => None,
    }
}

fn answer(status: u16, body: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::copy_from_slice(body.as_bytes())));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status of the table");
    let content_type = match body.starts_with('{') {
        true => "application/json",
        false => "text/plain",
    };
    let headers = response.headers_mut();
    headers.insert("content-type", http::HeaderValue::from_static(content_type));
    response
}
