//! Commercial services.

use fanlight_pipeline::ExporterKind;
use serde::Deserialize;

use super::*;
use crate::limits::Limits;
use crate::temporality::Temporality;

/// [Grafana Cloud](https://grafana.com/docs/grafana-cloud/send-data/otlp/send-data-otlp/) takes OTLP at a gateway for each
/// zone.
pub(crate) static GRAFANA_CLOUD: ExporterKind = ExporterKind {
    name: "grafana_cloud",
    aliases: &[],
    about: "Grafana Cloud, by its OTLP gateway.",
    sample: "zone: prod-eu-west-0\ninstance_id: \"123456\"\ntoken: glc_1234",
    decode: |node| over_http(node, grafana_cloud),
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GrafanaCloud {
    /// Such as `prod-eu-west-0`.
    zone: Option<String>,
    instance_id: Option<String>,
    token: Option<Secret>,
}

fn grafana_cloud(keys: GrafanaCloud, node: &Node) -> Result<Route, ConfigError> {
    let found = "the stack's page in Grafana Cloud shows zone, instance ID and token under OpenTelemetry, Configure";
    let zone = required(node, "zone", keys.zone.as_ref(), found)?;
    let zone = host_part(node, "zone", zone)?;
    let instance = required(node, "instance_id", keys.instance_id.as_ref(), found)?;
    let token = secret(node, "token", keys.token.as_ref(), found)?;
    Ok(Route {
        base: format!("https://otlp-gateway-{zone}.grafana.net/otlp"),
        headers: vec![("Authorization", basic(instance, token.expose()))],
        known: otlp_http::Known {
            signals: TRACES_METRICS_LOGS,
            advice: Advice {
                backend: "Grafana Cloud",
                credentials: "does the token belong to this instance_id and zone, and has it the scopes metrics, logs and traces:write?",
                not_found: "is the zone right? leave endpoint out, or let it end in /otlp",
                tls: "",
            },
            wishes: Wishes {
                temporality: Some(Temporality::Cumulative),
                ..Wishes::default()
            },
            ..otlp_http::Known::default()
        },
    })
}

/// [Honeycomb](https://docs.honeycomb.io/send-data/opentelemetry/) takes all three; metrics need a dataset. A field's text
/// may have 64 KB, a request 15 MB.
pub(crate) static HONEYCOMB: ExporterKind = ExporterKind {
    name: "honeycomb",
    aliases: &[],
    about: "Honeycomb.",
    sample: "api_key: hcaik_1234\ndataset: my-dataset",
    decode: |node| over_http(node, honeycomb),
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Honeycomb {
    api_key: Option<Secret>,
    /// For metrics, logs without a service name, and classic keys.
    dataset: Option<String>,
    region: Option<String>,
}

const HONEYCOMB_REGIONS: &[(&str, &str)] = &[
    ("us", "https://api.honeycomb.io"),
    ("eu", "https://api.eu1.honeycomb.io"),
];

fn honeycomb(keys: Honeycomb, node: &Node) -> Result<Route, ConfigError> {
    let found = "Honeycomb shows ingest keys under Environment settings, API keys";
    let key = secret(node, "api_key", keys.api_key.as_ref(), found)?;
    let mut headers = vec![("x-honeycomb-team", key.clone())];
    if let Some(dataset) = keys.dataset {
        headers.push(("x-honeycomb-dataset", Secret::new(dataset)));
    }
    Ok(Route {
        base: region(node, keys.region.as_deref(), HONEYCOMB_REGIONS)?.to_owned(),
        headers,
        known: otlp_http::Known {
            signals: TRACES_METRICS_LOGS,
            advice: Advice {
                backend: "Honeycomb",
                credentials: "is this an ingest key of this region's environment, allowed to create datasets?",
                not_found: "leave endpoint out; region chooses it",
                tls: "",
            },
            wishes: Wishes {
                limits: Limits {
                    attributes: 2000,
                    value_bytes: 64 << 10,
                    request_bytes: 15_000_000,
                },
                ..Wishes::default()
            },
            ..otlp_http::Known::default()
        },
    })
}

/// [Datadog's OTLP intake](https://docs.datadoghq.com/opentelemetry/setup/otlp_ingest/) takes delta metrics only.
pub(crate) static DATADOG_OTLP: ExporterKind = ExporterKind {
    name: "datadog_otlp",
    aliases: &[],
    about: "Datadog without an Agent, by its OTLP intake (traces are a preview that Datadog must enable).",
    sample: "api_key: 1234\nsite: datadoghq.com",
    decode: |node| over_http(node, datadog_otlp),
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DatadogOtlp {
    api_key: Option<Secret>,
    /// Such as `datadoghq.eu`. Default: `datadoghq.com`.
    site: Option<String>,
}

fn datadog_otlp(keys: DatadogOtlp, node: &Node) -> Result<Route, ConfigError> {
    let found = "Datadog shows it under Organization settings, API keys";
    let key = secret(node, "api_key", keys.api_key.as_ref(), found)?;
    let site = host_part(
        node,
        "site",
        keys.site.as_deref().unwrap_or("datadoghq.com"),
    )?;
    Ok(Route {
        base: format!("https://otlp.{site}"),
        headers: vec![
            ("dd-api-key", key.clone()),
            ("dd-protocol", Secret::new("otlp")),
            ("dd-otlp-source", Secret::new("datadog")),
        ],
        known: otlp_http::Known {
            signals: TRACES_METRICS_LOGS,
            advice: Advice {
                backend: "Datadog",
                credentials: "is this an API key (not an application key) of this site? traces must also be enabled for your account: use the datadog exporter until then",
                not_found: "is the site right? the OTLP intake does not exist in every site: use the datadog exporter there",
                tls: "",
            },
            wishes: Wishes {
                temporality: Some(Temporality::Delta),
                limits: Limits {
                    // https://docs.datadoghq.com/api/latest/logs/ for logs, the smallest of the three.
                    request_bytes: 5_000_000,
                    ..Limits::default()
                },
                ..Wishes::default()
            },
            ..otlp_http::Known::default()
        },
    })
}

/// [New Relic](https://docs.newrelic.com/docs/opentelemetry/best-practices/opentelemetry-otlp/) wants delta metrics; text of
/// an attribute may have 4,095 characters, an item 255 attributes, a request 1 MB as it is sent.
pub(crate) static NEW_RELIC: ExporterKind = ExporterKind {
    name: "newrelic",
    aliases: &["new_relic"],
    about: "New Relic.",
    sample: "license_key: 1234NRAL\nregion: us",
    decode: |node| over_http(node, new_relic),
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NewRelic {
    license_key: Option<Secret>,
    region: Option<String>,
}

const NEW_RELIC_REGIONS: &[(&str, &str)] = &[
    ("us", "https://otlp.nr-data.net"),
    ("eu", "https://otlp.eu01.nr-data.net"),
];

fn new_relic(keys: NewRelic, node: &Node) -> Result<Route, ConfigError> {
    let found = "New Relic shows it under API keys: one of the type INGEST - LICENSE";
    let key = secret(node, "license_key", keys.license_key.as_ref(), found)?;
    Ok(Route {
        base: region(node, keys.region.as_deref(), NEW_RELIC_REGIONS)?.to_owned(),
        headers: vec![("api-key", key.clone())],
        known: otlp_http::Known {
            signals: TRACES_METRICS_LOGS,
            advice: Advice {
                backend: "New Relic",
                credentials: "is this a license key (INGEST - LICENSE, not a user key) of this region? European ones begin with eu01xx",
                not_found: "leave endpoint out; region chooses it",
                tls: "",
            },
            wishes: Wishes {
                temporality: Some(Temporality::Delta),
                limits: Limits {
                    attributes: 255,
                    value_bytes: 4095,
                    // 1 MB after compression, which telemetry shrinks to a fifth or less.
                    request_bytes: 4_000_000,
                },
                ..Wishes::default()
            },
            ..otlp_http::Known::default()
        },
    })
}

/// [Elastic APM](https://www.elastic.co/docs/solutions/observability/apm/opentelemetry/) takes OTLP at the APM server's port.
pub(crate) static ELASTIC_APM: ExporterKind = ExporterKind {
    name: "elastic_apm",
    aliases: &[],
    about: "Elastic APM, in Elastic Cloud or by your own APM server.",
    sample: "endpoint: https://my-deployment.apm.us-east-1.aws.cloud.es.io\nsecret_token: \"1234\"",
    decode: |node| over_http(node, elastic_apm),
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ElasticApm {
    secret_token: Option<Secret>,
    api_key: Option<Secret>,
}

fn elastic_apm(keys: ElasticApm, node: &Node) -> Result<Route, ConfigError> {
    let authorization = match (&keys.secret_token, &keys.api_key) {
        (Some(_), Some(_)) => {
            return Err(node.error_at("api_key", "secret_token and api_key exclude each other"));
        }
        (Some(token), None) => Some(format!("Bearer {}", token.expose())),
        (None, Some(key)) => Some(format!("ApiKey {}", key.expose())),
        (None, None) => None,
    };
    Ok(Route {
        base: "http://localhost:8200".to_owned(),
        headers: authorization
            .map(|value| ("Authorization", Secret::new(value)))
            .into_iter()
            .collect(),
        known: otlp_http::Known {
            signals: TRACES_METRICS_LOGS,
            advice: Advice {
                backend: "Elastic APM",
                credentials: "is this the APM server's secret_token (Kibana: Integrations, APM), or an api_key with the privilege event:write?",
                not_found: "is the endpoint the APM server's, not Elasticsearch's or Kibana's?",
                tls: "an APM server of your own speaks plain HTTP unless told otherwise; tls.ca_file for a private certificate",
            },
            ..otlp_http::Known::default()
        },
    })
}

/// [Splunk Observability](https://dev.splunk.com/observability/reference/api/ingest_data/latest) has a path for each
/// signal; it takes no OTLP logs.
pub(crate) static SPLUNK_O11Y: ExporterKind = ExporterKind {
    name: "splunk_o11y",
    aliases: &[],
    about: "Splunk Observability Cloud.",
    sample: "realm: us0\naccess_token: \"1234\"",
    decode: |node| over_http(node, splunk_o11y),
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SplunkO11y {
    /// Such as `us0` or `eu0`.
    realm: Option<String>,
    access_token: Option<Secret>,
}

fn splunk_o11y(keys: SplunkO11y, node: &Node) -> Result<Route, ConfigError> {
    let found = "Splunk shows the realm in your profile, and tokens under Settings, Access tokens";
    let realm = required(node, "realm", keys.realm.as_ref(), found)?;
    let realm = host_part(node, "realm", realm)?;
    let token = secret(node, "access_token", keys.access_token.as_ref(), found)?;
    Ok(Route {
        base: format!("https://ingest.{realm}.signalfx.com"),
        headers: vec![("X-SF-Token", token.clone())],
        known: otlp_http::Known {
            signals: TRACES_METRICS,
            advice: Advice {
                backend: "Splunk Observability",
                credentials: "is this an access token of this realm with the scope INGEST?",
                not_found: "is the realm right? leave endpoint out, the paths are known",
                tls: "",
            },
            paths: [
                Some("/v2/trace/otlp"),
                Some("/v2/datapoint/otlp"),
                None,
                None,
            ],
            ..otlp_http::Known::default()
        },
    })
}

/// [Lightstep](https://docs.lightstep.com/docs/send-otlp-to-lightstep-using-the-collector), now ServiceNow Cloud
/// Observability, takes OTLP over gRPC.
pub(crate) static LIGHTSTEP: ExporterKind = ExporterKind {
    name: "lightstep",
    aliases: &[],
    about: "Lightstep (ServiceNow Cloud Observability).",
    sample: "access_token: \"1234\"",
    decode: |node| {
        let (keys, shared, mut client) = node.decode_three::<Lightstep, Shared, GrpcClient>()?;
        let found = "Lightstep shows it under Project settings, Access tokens";
        let token = secret(node, "access_token", keys.access_token.as_ref(), found)?;
        if client.headers.get("lightstep-access-token").is_none() {
            client
                .headers
                .insert("lightstep-access-token", token.clone());
        }
        if client.endpoint.is_none() {
            client.endpoint = Some(endpoint(node, "https://ingest.lightstep.com:443")?);
        }
        let known = otlp_grpc::Known {
            signals: TRACES_METRICS,
            advice: Advice {
                backend: "Lightstep",
                credentials: "is this an access token of the project, not an API key?",
                not_found: "leave endpoint out, or write https://ingest.eu.lightstep.com:443 for Europe",
                tls: "",
            },
            wishes: Wishes::default(),
        };
        otlp_grpc::lowered(node, client, shared, keys.timeout, known)
    },
};

#[derive(Debug, Deserialize)]
#[serde(default)]
struct Lightstep {
    access_token: Option<Secret>,
    /// How long one attempt may take.
    #[serde(with = "fanlight_config::duration")]
    timeout: std::time::Duration,
}

impl Default for Lightstep {
    fn default() -> Lightstep {
        Lightstep {
            access_token: None,
            timeout: std::time::Duration::from_secs(10),
        }
    }
}
