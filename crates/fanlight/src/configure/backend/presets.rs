//! The products: what each knows is data, the same as in the hub's exporters of the same names.

use fanlight_otlp::Signal;

use super::super::logfire;
use super::Backend;
use crate::Temporality;
use crate::destination::settings::Encoding;

/// What is known of a product.
#[derive(Debug)]
pub(super) struct Preset {
    pub(super) name: &'static str,
    /// Regions and their hosts; the first is where to send when nobody says.
    pub(super) regions: &'static [(&'static str, &'static str)],
    /// What follows the host.
    pub(super) path: &'static str,
    /// What follows that, for each signal that it takes: traces, metrics, logs.
    pub(super) paths: [Option<&'static str>; 3],
    pub(super) temporality: Temporality,
    pub(super) encoding: Encoding,
    /// Where to find the credentials.
    pub(super) found: &'static str,
    /// What to look at when they are refused.
    pub(super) credentials: &'static str,
}

const TRACES: [Option<&str>; 3] = [Some("/v1/traces"), None, None];
const ALL: [Option<&str>; 3] = [Some("/v1/traces"), Some("/v1/metrics"), Some("/v1/logs")];

impl Preset {
    /// One that takes everything, needs no credentials, and is nowhere yet.
    const PLAIN: Preset = Preset {
        name: "OTLP",
        regions: &[],
        path: "",
        paths: ALL,
        temporality: Temporality::Cumulative,
        encoding: Encoding::Protobuf,
        found: "",
        credentials: "the headers of the destination: does a proxy before it want some?",
    };

    pub(super) fn path_of(&self, signal: Signal) -> Option<&'static str> {
        let [traces, metrics, logs] = self.paths;
        match signal {
            Signal::Traces => traces,
            Signal::Metrics => metrics,
            Signal::Logs => logs,
            Signal::Profiles => None,
        }
    }

    pub(super) fn takes(&self, signal: Signal) -> bool {
        self.path_of(signal).is_some()
    }
}

static OTLP: Preset = Preset::PLAIN;

static HUB: Preset = Preset {
    name: "Fanlight",
    regions: &[("", "http://127.0.0.1:4318")],
    ..Preset::PLAIN
};

static JAEGER: Preset = Preset {
    name: "Jaeger",
    regions: &[("", "http://localhost:4318")],
    paths: TRACES,
    ..Preset::PLAIN
};

static TEMPO: Preset = Preset {
    name: "Tempo",
    credentials: "the tenant: with multi-tenancy on, Tempo wants one",
    ..JAEGER
};

static ALLOY: Preset = Preset {
    name: "Alloy",
    regions: &[("", "http://localhost:4318")],
    ..Preset::PLAIN
};

static DATADOG_AGENT: Preset = Preset {
    name: "Datadog Agent",
    regions: &[("", "http://localhost:4318")],
    temporality: Temporality::Delta,
    ..Preset::PLAIN
};

static LANGFUSE: Preset = Preset {
    name: "Langfuse",
    regions: &[
        ("eu", "https://cloud.langfuse.com"),
        ("us", "https://us.cloud.langfuse.com"),
        ("jp", "https://jp.cloud.langfuse.com"),
        ("hipaa", "https://hipaa.cloud.langfuse.com"),
    ],
    path: "/api/public/otel",
    paths: TRACES,
    found: "the project's settings in Langfuse show both under API keys",
    credentials: "the public key, which belongs to one region, and the secret key that belongs to it",
    ..Preset::PLAIN
};

static PHOENIX: Preset = Preset {
    name: "Phoenix",
    regions: &[("", "http://localhost:6006")],
    paths: TRACES,
    found: "Phoenix shows it under Settings, API keys",
    credentials: "the API key (bearer_token); it belongs to one space, whose URL is the endpoint",
    ..Preset::PLAIN
};

static ARIZE: Preset = Preset {
    name: "Arize",
    regions: &[
        ("us", "https://otlp.arize.com"),
        ("eu", "https://otlp.eu-west-1a.arize.com"),
    ],
    paths: TRACES,
    found: "Arize shows both under Settings, Space settings and API keys",
    credentials: "the API key, which belongs to one space, and the region",
    ..Preset::PLAIN
};

static OPIK: Preset = Preset {
    name: "Opik",
    regions: &[("", "http://localhost:5173")],
    path: "/api/v1/private/otel",
    paths: TRACES,
    found: "Comet shows the API key under API key, and the workspace at the top left",
    credentials: "the API key itself, without Bearer before it, and the workspace",
    ..Preset::PLAIN
};

static LOGFIRE: Preset = Preset {
    name: "Logfire",
    regions: logfire::REGIONS,
    found: "a write token, from the project's settings in Logfire",
    credentials: "LOGFIRE_TOKEN: it must be a write token, not a read token or an API key, of a project that exists",
    ..Preset::PLAIN
};

static HELICONE: Preset = Preset {
    name: "Helicone",
    regions: &[
        ("us", "https://api.helicone.ai"),
        ("eu", "https://eu.api.helicone.ai"),
    ],
    paths: [Some("/v1/trace/log"), None, None],
    encoding: Encoding::Json,
    found: "Helicone shows it under Settings, API keys",
    credentials: "the key: it must be one with write permission, of this region",
    ..Preset::PLAIN
};

static GRAFANA_CLOUD: Preset = Preset {
    name: "Grafana Cloud",
    path: "/otlp",
    found: "the stack's page in Grafana Cloud shows zone, instance id and token under OpenTelemetry, Configure",
    credentials: "the token: it must belong to this instance and zone, with the scopes metrics, logs and traces:write",
    ..Preset::PLAIN
};

static HONEYCOMB: Preset = Preset {
    name: "Honeycomb",
    regions: &[
        ("us", "https://api.honeycomb.io"),
        ("eu", "https://api.eu1.honeycomb.io"),
    ],
    found: "Honeycomb shows ingest keys under Environment settings, API keys",
    credentials: "the key: it must be an ingest key of this region's environment, allowed to create datasets",
    ..Preset::PLAIN
};

static DATADOG: Preset = Preset {
    name: "Datadog",
    temporality: Temporality::Delta,
    found: "Datadog shows it under Organization settings, API keys",
    credentials: "the key: it must be an API key, not an application key, of this site; traces must be enabled for the account",
    ..Preset::PLAIN
};

static NEW_RELIC: Preset = Preset {
    name: "New Relic",
    regions: &[
        ("us", "https://otlp.nr-data.net"),
        ("eu", "https://otlp.eu01.nr-data.net"),
    ],
    temporality: Temporality::Delta,
    found: "New Relic shows it under API keys: one of the type INGEST - LICENSE",
    credentials: "the license key (INGEST - LICENSE, no user key); those of the region eu begin with eu01xx",
    ..Preset::PLAIN
};

static ELASTIC_APM: Preset = Preset {
    name: "Elastic APM",
    regions: &[("", "http://localhost:8200")],
    found: "Kibana shows it under Integrations, APM",
    credentials: "the APM server's secret token (bearer_token), or an API key with the privilege event:write",
    ..Preset::PLAIN
};

static SPLUNK: Preset = Preset {
    name: "Splunk Observability",
    paths: [Some("/v2/trace/otlp"), Some("/v2/datapoint/otlp"), None],
    found: "Splunk shows tokens under Settings, Access tokens",
    credentials: "the access token: it must be of this realm, with the scope INGEST",
    ..Preset::PLAIN
};

static LIGHTSTEP: Preset = Preset {
    name: "Lightstep",
    regions: &[
        ("us", "https://ingest.lightstep.com"),
        ("eu", "https://ingest.eu.lightstep.com"),
    ],
    paths: [Some("/traces/otlp/v0.9"), Some("/metrics/otlp/v0.9"), None],
    found: "Lightstep shows it under Project settings, Access tokens",
    credentials: "the access token of the project, no API key",
    ..Preset::PLAIN
};

/// Backends that run nearby.
impl Backend {
    /// A Fanlight hub, at `http://127.0.0.1:4318` where nothing else is said.
    pub fn hub() -> Backend {
        Backend::of(&HUB)
    }

    /// Any address that speaks OTLP over HTTP: a base that `/v1/traces` and the like are added to.
    pub fn otlp(endpoint: impl AsRef<str>) -> Backend {
        Backend::of(&OTLP).endpoint(endpoint)
    }

    /// [Jaeger](https://www.jaegertracing.io/docs/latest/apis/#opentelemetry-protocol-stable), at `http://localhost:4318`
    /// where nothing else is said. It takes traces only.
    pub fn jaeger() -> Backend {
        Backend::of(&JAEGER)
    }

    /// [Grafana Tempo](https://grafana.com/docs/tempo/latest/configuration/#distributor), at `http://localhost:4318`. It
    /// takes traces only.
    pub fn tempo() -> Backend {
        Backend::of(&TEMPO)
    }

    /// [Grafana Alloy](https://grafana.com/docs/alloy/latest/reference/components/otelcol/otelcol.receiver.otlp/), at
    /// `http://localhost:4318`.
    pub fn alloy() -> Backend {
        Backend::of(&ALLOY)
    }

    /// A [Datadog Agent](https://docs.datadoghq.com/opentelemetry/setup/otlp_ingest_in_the_agent/) with
    /// `otlp_config.receiver.protocols.http` set, at `http://localhost:4318`.
    pub fn datadog_agent() -> Backend {
        Backend::of(&DATADOG_AGENT)
    }

    /// [Elastic APM](https://www.elastic.co/docs/solutions/observability/apm/opentelemetry/), at `http://localhost:8200`;
    /// with [`Backend::bearer_token`] for a secret token, and [`Backend::host`] for Elastic Cloud.
    pub fn elastic_apm() -> Backend {
        Backend::of(&ELASTIC_APM)
    }

    /// The tenant of [Tempo](Backend::tempo), where multi-tenancy is on.
    #[must_use]
    pub fn tenant(self, tenant: impl Into<String>) -> Backend {
        self.header("X-Scope-OrgID", tenant)
    }
}

/// Backends that show LLM calls.
impl Backend {
    /// [Langfuse](https://langfuse.com/integrations/native/opentelemetry), in its cloud ([`Backend::region`]: `eu`, `us`,
    /// `jp` or `hipaa`) or your own ([`Backend::host`]). It takes traces only.
    pub fn langfuse(public_key: impl AsRef<str>, secret_key: impl AsRef<str>) -> Backend {
        let (public, secret) = (public_key.as_ref(), secret_key.as_ref());
        let backend = Backend::of(&LANGFUSE);
        if public.starts_with("sk-lf-") || secret.starts_with("pk-lf-") {
            let problem = "the public key and the secret key are the wrong way round";
            return backend.with_problem(problem.to_owned());
        }
        backend
            .basic(("the public key", public), ("the secret key", secret))
            // Version 4 of ingestion shows traces at once.
            .header("x-langfuse-ingestion-version", "4")
    }

    /// [Phoenix](https://arize.com/docs/phoenix/tracing/how-to-tracing/setup-tracing), at `http://localhost:6006`; or in
    /// its cloud with [`Backend::endpoint`] (`https://app.phoenix.arize.com/s/<space>`) and [`Backend::bearer_token`]. It
    /// takes traces only.
    pub fn phoenix() -> Backend {
        Backend::of(&PHOENIX)
    }

    /// [Arize AX](https://arize.com/docs/ax/integrations/opentelemetry/opentelemetry-arize-otel), which refuses spans
    /// without a project. [`Backend::region`]: `us` or `eu`. It takes traces only.
    pub fn arize(
        space_id: impl AsRef<str>,
        api_key: impl AsRef<str>,
        project: impl AsRef<str>,
    ) -> Backend {
        let (space, key) = (space_id.as_ref(), api_key.as_ref());
        Backend::of(&ARIZE)
            .secret("arize-space-id", "the space id", "", space)
            .secret("arize-api-key", "the API key", "", key)
            .secret("space_id", "the space id", "", space)
            .secret("api_key", "the API key", "", key)
            .project(project)
    }

    /// [Opik](https://www.comet.com/docs/opik/tracing/opentelemetry/overview) of your own, at `http://localhost:5173`. It
    /// takes traces only.
    pub fn opik() -> Backend {
        Backend::of(&OPIK)
    }

    /// [Opik](Backend::opik) in Comet's cloud.
    pub fn opik_cloud(api_key: impl AsRef<str>, workspace: impl AsRef<str>) -> Backend {
        let (key, workspace) = (api_key.as_ref(), workspace.as_ref());
        Backend::of(&OPIK)
            .host("https://www.comet.com/opik")
            .secret("Authorization", "the API key", "", key)
            .secret("Comet-Workspace", "the workspace", "", workspace)
    }

    /// [Logfire](https://logfire.pydantic.dev/docs/how-to-guides/alternative-clients/). The token says the region.
    pub fn logfire(token: impl AsRef<str>) -> Backend {
        let token = token.as_ref().trim();
        Backend::of(&LOGFIRE)
            .host(logfire::base_url(token))
            .secret("Authorization", "the token", "", token)
            .logfire_details(true)
    }

    /// [Helicone](https://docs.helicone.ai/rest/trace/post-v1tracelog), which takes traces as JSON at a path of its own.
    /// [`Backend::region`]: `us` or `eu`.
    pub fn helicone(api_key: impl AsRef<str>) -> Backend {
        Backend::of(&HELICONE).secret("Authorization", "the API key", "Bearer ", api_key.as_ref())
    }

    /// The project that spans belong to, for [Phoenix](Backend::phoenix), [Arize](Backend::arize) and
    /// [Opik](Backend::opik).
    #[must_use]
    pub fn project(mut self, project: impl AsRef<str>) -> Backend {
        let project = project.as_ref().trim().to_owned();
        if project.is_empty() {
            return self.with_problem("the project is empty".to_owned());
        }
        match self.preset.name {
            "Opik" => self.header("projectName", project),
            "Phoenix" | "Arize" => {
                self.resource.push(("openinference.project.name", project));
                self
            }
            _ => self.with_problem("it knows no projects".to_owned()),
        }
    }
}

/// Commercial services.
impl Backend {
    /// [Grafana Cloud](https://grafana.com/docs/grafana-cloud/send-data/otlp/send-data-otlp/), by the gateway of a zone such
    /// as `prod-eu-west-0`.
    pub fn grafana_cloud(
        zone: impl AsRef<str>,
        instance_id: impl AsRef<str>,
        token: impl AsRef<str>,
    ) -> Backend {
        let (instance, token) = (instance_id.as_ref(), token.as_ref());
        let gateway = |zone: &str| format!("https://otlp-gateway-{zone}.grafana.net");
        Backend::of(&GRAFANA_CLOUD)
            .host_with("the zone", zone.as_ref(), gateway)
            .basic(("the instance id", instance), ("the token", token))
    }

    /// [Honeycomb](https://docs.honeycomb.io/send-data/opentelemetry/). [`Backend::region`]: `us` or `eu`. Metrics go to the
    /// dataset that [`Backend::dataset`] names.
    pub fn honeycomb(api_key: impl AsRef<str>) -> Backend {
        let key = api_key.as_ref();
        Backend::of(&HONEYCOMB).secret("x-honeycomb-team", "the API key", "", key)
    }

    /// The dataset of metrics, for [Honeycomb](Backend::honeycomb).
    #[must_use]
    pub fn dataset(self, dataset: impl Into<String>) -> Backend {
        self.header("x-honeycomb-dataset", dataset)
    }

    /// [Datadog](https://docs.datadoghq.com/opentelemetry/setup/otlp_ingest/) without an Agent, of a site such as
    /// `datadoghq.com`. Traces are a preview that Datadog must enable.
    pub fn datadog(site: impl AsRef<str>, api_key: impl AsRef<str>) -> Backend {
        let intake = |site: &str| format!("https://otlp.{site}");
        Backend::of(&DATADOG)
            .host_with("the site", site.as_ref(), intake)
            .secret("dd-api-key", "the API key", "", api_key.as_ref())
            .header("dd-protocol", "otlp")
            .header("dd-otlp-source", "datadog")
    }

    /// [New Relic](https://docs.newrelic.com/docs/opentelemetry/best-practices/opentelemetry-otlp/). [`Backend::region`]:
    /// `us` or `eu`.
    pub fn newrelic(license_key: impl AsRef<str>) -> Backend {
        let key = license_key.as_ref();
        Backend::of(&NEW_RELIC).secret("api-key", "the license key", "", key)
    }

    /// [Splunk Observability](https://dev.splunk.com/observability/reference/api/ingest_data/latest), of a realm such as
    /// `us0`. It takes traces and metrics.
    pub fn splunk_o11y(realm: impl AsRef<str>, access_token: impl AsRef<str>) -> Backend {
        let ingest = |realm: &str| format!("https://ingest.{realm}.signalfx.com");
        let token = access_token.as_ref();
        Backend::of(&SPLUNK)
            .host_with("the realm", realm.as_ref(), ingest)
            .secret("X-SF-Token", "the access token", "", token)
    }

    /// [Lightstep](https://docs.lightstep.com/docs/send-otlp-over-http-to-lightstep), now ServiceNow Cloud Observability.
    /// [`Backend::region`]: `us` or `eu`. It takes traces and metrics.
    pub fn lightstep(access_token: impl AsRef<str>) -> Backend {
        let token = access_token.as_ref();
        Backend::of(&LIGHTSTEP).secret("lightstep-access-token", "the access token", "", token)
    }
}
