//! Backends that run nearby: no account, plain text.

use fanlight_pipeline::ExporterKind;
use serde::Deserialize;

use super::*;

/// [Jaeger](https://www.jaegertracing.io/docs/latest/apis/#opentelemetry-protocol-stable) takes OTLP, traces only.
pub(crate) static JAEGER: ExporterKind = ExporterKind {
    name: "jaeger",
    aliases: &[],
    about: "Jaeger, by its OTLP/gRPC port.",
    sample: "endpoint: localhost:4317",
    decode: |node| over_grpc(node, "localhost:4317", known(TRACES, "Jaeger")),
};

/// [Alloy](https://grafana.com/docs/alloy/latest/reference/components/otelcol/otelcol.receiver.otlp/) takes what its
/// receiver's output names.
pub(crate) static ALLOY: ExporterKind = ExporterKind {
    name: "alloy",
    aliases: &[],
    about: "Grafana Alloy, by its otelcol.receiver.otlp.",
    sample: "endpoint: localhost:4317",
    decode: |node| over_grpc(node, "localhost:4317", known(TRACES_METRICS_LOGS, "Alloy")),
};

/// [The Agent](https://docs.datadoghq.com/opentelemetry/setup/otlp_ingest_in_the_agent/) takes OTLP where
/// `otlp_config.receiver` is set.
pub(crate) static DATADOG_AGENT: ExporterKind = ExporterKind {
    name: "datadog_agent",
    aliases: &[],
    about: "A Datadog Agent that has otlp_config.receiver.protocols.grpc set.",
    sample: "endpoint: localhost:4317",
    decode: |node| {
        let mut known = known(TRACES_METRICS_LOGS, "the Datadog Agent");
        known.advice.not_found = "the Agent takes logs only with otlp_config.logs.enabled: true; does its otlp_config name this port?";
        over_grpc(node, "localhost:4317", known)
    },
};

/// [Tempo](https://grafana.com/docs/tempo/latest/configuration/#distributor) takes traces, for one tenant at a time where
/// multi-tenancy is on.
pub(crate) static TEMPO: ExporterKind = ExporterKind {
    name: "tempo",
    aliases: &[],
    about: "Grafana Tempo, by its OTLP/gRPC port.",
    sample: "endpoint: localhost:4317\ntenant: team-a",
    decode: |node| {
        let (keys, shared, client) = node.decode_three::<TempoKeys, Shared, GrpcClient>()?;
        let mut client = in_neighbourhood(node, client, "localhost:4317")?;
        if let Some(tenant) = keys.tenant
            && client.headers.get(TENANT).is_none()
        {
            client.headers.insert(TENANT, Secret::new(tenant));
        }
        let mut known = known(TRACES, "Tempo");
        known.advice.credentials = MULTI_TENANT;
        otlp_grpc::lowered(node, client, shared, keys.timeout, known)
    },
};

/// [Mimir](https://grafana.com/docs/mimir/latest/references/http-api/#ingest-otlp-metrics) takes OTLP under `/otlp`.
pub(crate) static MIMIR: ExporterKind = ExporterKind {
    name: "mimir",
    aliases: &[],
    about: "Grafana Mimir, by its OTLP path.",
    sample: "endpoint: http://localhost:9009/otlp\ntenant: team-a",
    decode: |node| {
        over_http(node, |keys: MimirKeys, _| {
            let headers = keys.tenant.into_iter();
            Ok(Route {
                base: "http://localhost:9009/otlp".to_owned(),
                headers: headers
                    .map(|tenant| (TENANT, Secret::new(tenant)))
                    .collect(),
                known: otlp_http::Known {
                    signals: SignalSet::of(&[Signal::Metrics]),
                    advice: Advice {
                        backend: "Mimir",
                        credentials: MULTI_TENANT,
                        not_found: "does the endpoint end in /otlp?",
                        tls: PLAIN,
                    },
                    wishes: Wishes {
                        temporality: Some(crate::temporality::Temporality::Cumulative),
                        ..Wishes::default()
                    },
                    ..otlp_http::Known::default()
                },
            })
        })
    },
};

const TENANT: &str = "X-Scope-OrgID";
const MULTI_TENANT: &str =
    "with multi-tenancy on, it wants a tenant: set tenant, or headers for a proxy before it";
const PLAIN: &str = "does it speak TLS at all? write http:// before the endpoint if not, tls.ca_file if its certificate is private";

#[derive(Debug, Deserialize)]
#[serde(default)]
struct TempoKeys {
    /// The tenant, where multi-tenancy is on.
    tenant: Option<String>,
    /// How long one attempt may take.
    #[serde(with = "fanlight_config::duration")]
    timeout: std::time::Duration,
}

impl Default for TempoKeys {
    fn default() -> TempoKeys {
        TempoKeys {
            tenant: None,
            timeout: std::time::Duration::from_secs(5),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct MimirKeys {
    /// The tenant, where multi-tenancy is on.
    tenant: Option<String>,
}

const fn known(signals: SignalSet, backend: &'static str) -> otlp_grpc::Known {
    otlp_grpc::Known {
        signals,
        advice: Advice {
            backend,
            credentials: "is there a proxy before it that wants headers?",
            not_found: "is this its OTLP/gRPC port, and is its OTLP receiver switched on?",
            tls: PLAIN,
        },
        wishes: Wishes {
            temporality: None,
            logs_as_spans: false,
            bytes_as_text: false,
            limits: crate::limits::Limits {
                attributes: 0,
                value_bytes: 0,
                request_bytes: 0,
            },
            resource: Vec::new(),
        },
    }
}
