#![allow(clippy::too_many_lines, reason = "tables of cases")]

use super::*;
use crate::destination::settings::Encoding;

fn lower(backend: Backend) -> Destination {
    backend.lower().unwrap()
}

fn urls(backend: Backend) -> Vec<String> {
    let destination = lower(backend);
    destination
        .targets
        .into_iter()
        .map(|target| target.url)
        .collect()
}

fn headers(backend: Backend) -> Vec<(String, String)> {
    let destination = lower(backend);
    let target = destination.targets.first().unwrap();
    let headers = target.headers.iter();
    headers
        .map(|(name, value)| (name.to_owned(), value.expose().to_owned()))
        .collect()
}

fn all(base: &str) -> Vec<String> {
    ["/v1/traces", "/v1/metrics", "/v1/logs"]
        .map(|path| format!("{base}{path}"))
        .to_vec()
}

fn traces(base: &str) -> Vec<String> {
    vec![format!("{base}/v1/traces")]
}

#[test]
fn each_backend_is_where_its_vendor_documents() {
    for (backend, expected) in [
        (Backend::hub(), all("http://127.0.0.1:4318")),
        (
            Backend::otlp("https://host/base/"),
            all("https://host/base"),
        ),
        (Backend::jaeger(), traces("http://localhost:4318")),
        (Backend::tempo(), traces("http://localhost:4318")),
        (Backend::alloy(), all("http://localhost:4318")),
        (Backend::datadog_agent(), all("http://localhost:4318")),
        (Backend::elastic_apm(), all("http://localhost:8200")),
        (
            Backend::langfuse("pk", "sk"),
            traces("https://cloud.langfuse.com/api/public/otel"),
        ),
        (Backend::phoenix(), traces("http://localhost:6006")),
        (
            Backend::arize("s", "k", "p"),
            traces("https://otlp.arize.com"),
        ),
        (
            Backend::opik(),
            traces("http://localhost:5173/api/v1/private/otel"),
        ),
        (
            Backend::opik_cloud("k", "w"),
            traces("https://www.comet.com/opik/api/v1/private/otel"),
        ),
        (
            Backend::logfire("pylf_v1_eu_1"),
            all("https://logfire-eu.pydantic.dev"),
        ),
        (
            Backend::grafana_cloud("prod-eu-west-0", "1", "t"),
            all("https://otlp-gateway-prod-eu-west-0.grafana.net/otlp"),
        ),
        (Backend::honeycomb("k"), all("https://api.honeycomb.io")),
        (
            Backend::datadog("datadoghq.eu", "k"),
            all("https://otlp.datadoghq.eu"),
        ),
        (Backend::newrelic("k"), all("https://otlp.nr-data.net")),
    ] {
        assert_eq!(urls(backend.clone()), expected, "{backend:?}");
    }
    assert_eq!(
        urls(Backend::helicone("k").region("eu")),
        ["https://eu.api.helicone.ai/v1/trace/log"]
    );
    let helicone = lower(Backend::helicone("k"));
    assert_eq!(helicone.targets[0].encoding, Encoding::Json);
    assert_eq!(
        urls(Backend::splunk_o11y("us0", "t")),
        [
            "https://ingest.us0.signalfx.com/v2/trace/otlp",
            "https://ingest.us0.signalfx.com/v2/datapoint/otlp"
        ]
    );
    assert_eq!(
        urls(Backend::lightstep("t")),
        [
            "https://ingest.lightstep.com/traces/otlp/v0.9",
            "https://ingest.lightstep.com/metrics/otlp/v0.9"
        ]
    );
}

#[test]
fn regions_and_hosts_choose_the_address() {
    let langfuse = || Backend::langfuse("pk", "sk");
    assert_eq!(
        urls(langfuse().region("us")),
        traces("https://us.cloud.langfuse.com/api/public/otel")
    );
    assert_eq!(
        urls(langfuse().host("http://localhost:3000/")),
        traces("http://localhost:3000/api/public/otel")
    );
    assert_eq!(
        urls(Backend::newrelic("k").region("eu")),
        all("https://otlp.eu01.nr-data.net")
    );
    assert_eq!(
        urls(Backend::honeycomb("k").region("eu")),
        all("https://api.eu1.honeycomb.io")
    );
    assert_eq!(
        urls(Backend::jaeger().host("http://jaeger:4318")),
        traces("http://jaeger:4318")
    );
}

#[test]
fn credentials_are_sent_as_each_backend_wants_them() {
    for (backend, name, value) in [
        (
            Backend::langfuse("pk", "sk"),
            "Authorization",
            "Basic cGs6c2s=",
        ),
        (
            Backend::langfuse("pk", "sk"),
            "x-langfuse-ingestion-version",
            "4",
        ),
        (
            Backend::grafana_cloud("z", "1", "t"),
            "Authorization",
            "Basic MTp0",
        ),
        (
            Backend::logfire(" pylf_v1_us_1 "),
            "Authorization",
            "pylf_v1_us_1",
        ),
        (
            Backend::phoenix().bearer_token("k"),
            "Authorization",
            "Bearer k",
        ),
        (Backend::arize("s", "k", "p"), "arize-space-id", "s"),
        (Backend::arize("s", "k", "p"), "api_key", "k"),
        (Backend::opik_cloud("k", "w"), "Comet-Workspace", "w"),
        (Backend::opik().project("p"), "projectName", "p"),
        (Backend::tempo().tenant("t"), "X-Scope-OrgID", "t"),
        (
            Backend::honeycomb("k").dataset("d"),
            "x-honeycomb-team",
            "k",
        ),
        (
            Backend::honeycomb("k").dataset("d"),
            "x-honeycomb-dataset",
            "d",
        ),
        (Backend::datadog("s", "k"), "dd-api-key", "k"),
        (Backend::newrelic("k"), "api-key", "k"),
        (Backend::splunk_o11y("us0", "t"), "X-SF-Token", "t"),
        (Backend::lightstep("t"), "lightstep-access-token", "t"),
    ] {
        let sent = headers(backend.clone());
        assert!(
            sent.contains(&(name.to_owned(), value.to_owned())),
            "{backend:?}: {sent:?}"
        );
    }
}

#[test]
fn logs_are_spans_where_only_traces_are_taken() {
    for (backend, logs) in [
        (Backend::jaeger(), LogForm::Spans),
        (Backend::langfuse("pk", "sk"), LogForm::Spans),
        (Backend::splunk_o11y("us0", "t"), LogForm::Spans),
        (Backend::otlp("http://h"), LogForm::Records),
        (Backend::logfire("t"), LogForm::Records),
    ] {
        assert_eq!(lower(backend.clone()).form.logs, logs, "{backend:?}");
    }
    let as_spans = lower(Backend::otlp("http://h").logs(LogForm::Spans));
    assert!(
        as_spans
            .targets
            .iter()
            .all(|target| target.signal != Signal::Logs)
    );
}

#[test]
fn only_logfire_gets_pending_spans_unless_asked() {
    assert!(lower(Backend::logfire("t")).form.starts);
    assert!(!lower(Backend::jaeger()).form.starts && !lower(Backend::otlp("http://h")).form.starts);
    let collector = lower(Backend::otlp("http://h").logfire_details(true));
    assert!(collector.form.starts && collector.form.details == Details::Logfire);
}

#[test]
fn metrics_that_add_up_are_sent_as_the_backend_counts() {
    assert_eq!(
        lower(Backend::newrelic("k")).temporality,
        Temporality::Delta
    );
    assert_eq!(
        lower(Backend::datadog("s", "k")).temporality,
        Temporality::Delta
    );
    assert_eq!(
        lower(Backend::grafana_cloud("z", "1", "t")).temporality,
        Temporality::Cumulative
    );
    let asked = Backend::otlp("http://h").temporality(Temporality::Delta);
    assert_eq!(lower(asked).temporality, Temporality::Delta);
}

#[test]
fn what_is_wrong_is_named_with_where_to_find_it_and_without_secrets() {
    for (backend, words) in [
        (
            Backend::langfuse("", "s3cret"),
            "the public key is empty: the project's settings",
        ),
        (
            Backend::langfuse("sk-lf-s3cret", "pk-lf-1"),
            "the wrong way round",
        ),
        (
            Backend::langfuse("pk", "s3cret").region("mars"),
            "no region `mars`, but eu, us, jp, hipaa",
        ),
        (Backend::jaeger().region("eu"), "it has no regions"),
        (Backend::honeycomb(" "), "the API key is empty"),
        (
            Backend::grafana_cloud("<zone>", "1", "s3cret"),
            "the zone must be letters",
        ),
        (
            Backend::otlp("host:4318"),
            "no scheme; write http://host:4318",
        ),
        (
            Backend::otlp("https://me:s3cret@host"),
            "holds no credentials",
        ),
        (
            Backend::otlp("http://h").header("a b", "s3cret"),
            "header `a b`",
        ),
        (
            Backend::otlp("http://h").header("a", "s3cret\n"),
            "control characters",
        ),
        (Backend::jaeger().project("p"), "it knows no projects"),
    ] {
        let error = backend.clone().lower().unwrap_err().to_string();
        assert!(error.contains(words), "{backend:?}: {error}");
        let shown = format!("{error} {backend:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}

#[test]
fn requests_to_this_machine_are_not_compressed_unless_asked() {
    let compression = |backend: Backend| lower(backend).targets[0].compression;
    assert_eq!(compression(Backend::jaeger()), Compression::None);
    assert_eq!(
        compression(Backend::otlp("http://[::1]:4318")),
        Compression::None
    );
    assert_eq!(compression(Backend::honeycomb("k")), Compression::default());
    assert_eq!(
        compression(Backend::jaeger().compress(true)),
        Compression::Gzip
    );
}
