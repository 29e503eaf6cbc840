//! Backends that show LLM calls.

use fanlight_net::status::BodyFormat;
use fanlight_pipeline::ExporterKind;
use serde::Deserialize;

use super::*;

/// [Langfuse](https://langfuse.com/integrations/native/opentelemetry) takes traces; its metrics route discards, and logs
/// make it refuse the request. Version 4 of ingestion shows traces at once.
pub(crate) static LANGFUSE: ExporterKind = ExporterKind {
    name: "langfuse",
    aliases: &[],
    about: "Langfuse, in its cloud or self-hosted (host: http://localhost:3000).",
    sample: "public_key: pk-lf-1234\nsecret_key: sk-lf-1234\nregion: eu",
    decode: |node| over_http(node, langfuse),
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Langfuse {
    public_key: Option<Secret>,
    secret_key: Option<Secret>,
    /// The cloud region.
    region: Option<String>,
    /// A self-hosted Langfuse, such as `http://localhost:3000`.
    host: Option<Endpoint>,
}

const LANGFUSE_REGIONS: &[(&str, &str)] = &[
    ("eu", "https://cloud.langfuse.com"),
    ("us", "https://us.cloud.langfuse.com"),
    ("jp", "https://jp.cloud.langfuse.com"),
    ("hipaa", "https://hipaa.cloud.langfuse.com"),
];

fn langfuse(keys: Langfuse, node: &Node) -> Result<Route, ConfigError> {
    let found = "the project's settings in Langfuse show both under API keys";
    let public = secret(node, "public_key", keys.public_key.as_ref(), found)?;
    let private = secret(node, "secret_key", keys.secret_key.as_ref(), found)?;
    if public.expose().starts_with("sk-lf-") || private.expose().starts_with("pk-lf-") {
        return Err(node.error_at(
            "public_key",
            "public_key and secret_key are the wrong way round",
        ));
    }
    let base = match (&keys.host, &keys.region) {
        (Some(_), Some(_)) => {
            let error = node.error_at("host", "host and region exclude each other");
            return Err(error.hint("region is for Langfuse's cloud, host for your own"));
        }
        (Some(host), None) => host.url(host.uses_tls(false).unwrap_or(true), ""),
        (None, given) => region(node, given.as_deref(), LANGFUSE_REGIONS)?.to_owned(),
    };
    let authorization = basic(public.expose(), private.expose());
    Ok(Route {
        base: format!("{base}/api/public/otel"),
        headers: vec![
            ("Authorization", authorization),
            ("x-langfuse-ingestion-version", Secret::new("4")),
        ],
        known: otlp_http::Known {
            signals: TRACES,
            advice: Advice {
                backend: "Langfuse",
                credentials: "is this the public key of this region, and the secret key that belongs to it?",
                not_found: "is this Langfuse 3.22 or newer, and the endpoint the host without a path?",
                tls: "a self-hosted Langfuse usually speaks plain HTTP: write host: http://...",
            },
            wishes: Wishes {
                logs_as_spans: true,
                // Its API refuses bodies above 4.5 MB.
                limits: limits(4_000_000),
                ..Wishes::default()
            },
            ..otlp_http::Known::default()
        },
    })
}

/// [Phoenix](https://arize.com/docs/phoenix/tracing/how-to-tracing/setup-tracing) takes traces, local or in its cloud.
pub(crate) static PHOENIX: ExporterKind = ExporterKind {
    name: "phoenix",
    aliases: &[],
    about: "Arize Phoenix, local, or in its cloud with api_key and endpoint: https://app.phoenix.arize.com/s/<space>.",
    sample: "endpoint: http://localhost:6006\nproject: my-project",
    decode: |node| over_http(node, phoenix),
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Phoenix {
    /// The key of Phoenix' cloud, or of one with authentication.
    api_key: Option<Secret>,
    /// The project of spans that name none.
    project: Option<String>,
}

fn phoenix(keys: Phoenix, node: &Node) -> Result<Route, ConfigError> {
    let mut headers = Vec::new();
    if keys.api_key.is_some() {
        let found = "Phoenix shows it under Settings, API keys";
        let key = secret(node, "api_key", keys.api_key.as_ref(), found)?;
        headers.push((
            "Authorization",
            Secret::new(format!("Bearer {}", key.expose())),
        ));
    }
    Ok(Route {
        base: "http://localhost:6006".to_owned(),
        headers,
        known: otlp_http::Known {
            signals: TRACES,
            advice: Advice {
                backend: "Phoenix",
                credentials: "set api_key; a key belongs to one space, whose URL is the endpoint",
                not_found: "the endpoint is where the page is, without /v1/traces; in the cloud with /s/ and the space",
                tls: "a local Phoenix speaks plain HTTP: write endpoint: http://localhost:6006",
            },
            wishes: Wishes {
                // A span with bytes among its attributes is answered with 200 and then dropped.
                bytes_as_text: true,
                resource: project(keys.project),
                ..Wishes::default()
            },
            ..otlp_http::Known::default()
        },
    })
}

/// [Arize AX](https://arize.com/docs/ax/integrations/opentelemetry/opentelemetry-arize-otel) takes traces that name a
/// project.
pub(crate) static ARIZE: ExporterKind = ExporterKind {
    name: "arize",
    aliases: &[],
    about: "Arize AX.",
    sample: "space_id: U3BhY2U6MTIzNA==\napi_key: ak-1234\nproject: my-project",
    decode: |node| over_http(node, arize),
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Arize {
    space_id: Option<Secret>,
    api_key: Option<Secret>,
    project: Option<String>,
    region: Option<String>,
}

const ARIZE_REGIONS: &[(&str, &str)] = &[
    ("us", "https://otlp.arize.com"),
    ("eu", "https://otlp.eu-west-1a.arize.com"),
];

fn arize(keys: Arize, node: &Node) -> Result<Route, ConfigError> {
    let found = "Arize shows both under Settings, Space settings and API keys";
    let space = secret(node, "space_id", keys.space_id.as_ref(), found)?;
    let key = secret(node, "api_key", keys.api_key.as_ref(), found)?;
    let named = "spans without a project are refused; name the one that they belong to";
    required(node, "project", keys.project.as_ref(), named)?;
    Ok(Route {
        base: region(node, keys.region.as_deref(), ARIZE_REGIONS)?.to_owned(),
        headers: vec![
            ("arize-space-id", space.clone()),
            ("arize-api-key", key.clone()),
            ("space_id", space.clone()),
            ("api_key", key.clone()),
        ],
        known: otlp_http::Known {
            signals: TRACES,
            advice: Advice {
                backend: "Arize",
                credentials: "does the api_key belong to the space of space_id, and is the region right?",
                not_found: "leave endpoint out; region chooses it",
                tls: "",
            },
            wishes: Wishes {
                resource: project(keys.project),
                ..Wishes::default()
            },
            ..otlp_http::Known::default()
        },
    })
}

/// [Opik](https://www.comet.com/docs/opik/tracing/opentelemetry/overview) takes traces, local or in Comet's cloud.
pub(crate) static OPIK: ExporterKind = ExporterKind {
    name: "opik",
    aliases: &[],
    about: "Opik, in Comet's cloud with api_key and workspace, or local without.",
    sample: "api_key: 1234\nworkspace: my-team\nproject: my-project",
    decode: |node| over_http(node, opik),
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Opik {
    api_key: Option<Secret>,
    workspace: Option<String>,
    project: Option<String>,
}

fn opik(keys: Opik, node: &Node) -> Result<Route, ConfigError> {
    let path = "/api/v1/private/otel";
    let mut headers = Vec::new();
    let base = match &keys.api_key {
        None => format!("http://localhost:5173{path}"),
        Some(_) => {
            let key = secret(
                node,
                "api_key",
                keys.api_key.as_ref(),
                "Comet shows it under API key",
            )?;
            let named = "Comet shows it at the top left; default is the workspace of a local Opik";
            let workspace = required(node, "workspace", keys.workspace.as_ref(), named)?;
            headers.push(("Authorization", key.clone()));
            headers.push(("Comet-Workspace", Secret::new(workspace.clone())));
            format!("https://www.comet.com/opik{path}")
        }
    };
    if let Some(project) = keys.project {
        headers.push(("projectName", Secret::new(project)));
    }
    Ok(Route {
        base,
        headers,
        known: otlp_http::Known {
            signals: TRACES,
            advice: Advice {
                backend: "Opik",
                credentials: "is this the API key itself (no Bearer before it), and does it belong to the workspace?",
                not_found: "the endpoint of your own Opik is http://host:5173/api/v1/private/otel",
                tls: "a local Opik speaks plain HTTP: write endpoint: http://...",
            },
            ..otlp_http::Known::default()
        },
    })
}

/// [Logfire](https://logfire.pydantic.dev/docs/how-to-guides/alternative-clients/) takes all three; the token says the region.
pub(crate) static LOGFIRE: ExporterKind = ExporterKind {
    name: "logfire",
    aliases: &[],
    about: "Pydantic Logfire; the region is in the token.",
    sample: "token: pylf_v1_us_1234",
    decode: |node| over_http(node, logfire),
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Logfire {
    token: Option<Secret>,
}

fn logfire(keys: Logfire, node: &Node) -> Result<Route, ConfigError> {
    let found = "a write token, from the project's settings in Logfire";
    let token = secret(node, "token", keys.token.as_ref(), found)?;
    // Tokens without a region are older than the regions, and are of the first.
    let region = match token.expose().split('_').nth(2) {
        Some("eu") => "eu",
        _ => "us",
    };
    Ok(Route {
        base: format!("https://logfire-{region}.pydantic.dev"),
        headers: vec![("Authorization", token.clone())],
        known: otlp_http::Known {
            signals: TRACES_METRICS_LOGS,
            advice: Advice {
                backend: "Logfire",
                credentials: "is this a write token (not a read token or API key) of a project that still exists?",
                not_found: "leave endpoint out; the token says the region",
                tls: "",
            },
            ..otlp_http::Known::default()
        },
    })
}

/// [Helicone](https://docs.helicone.ai/rest/trace/post-v1tracelog) takes traces as JSON at one path.
pub(crate) static HELICONE: ExporterKind = ExporterKind {
    name: "helicone",
    aliases: &[],
    about: "Helicone, by its trace log.",
    sample: "api_key: sk-helicone-1234\nregion: us",
    decode: |node| over_http(node, helicone),
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Helicone {
    api_key: Option<Secret>,
    region: Option<String>,
    /// A self-hosted Helicone, such as `http://localhost:8585`.
    host: Option<Endpoint>,
}

const HELICONE_REGIONS: &[(&str, &str)] = &[
    ("us", "https://api.helicone.ai"),
    ("eu", "https://eu.api.helicone.ai"),
];

fn helicone(keys: Helicone, node: &Node) -> Result<Route, ConfigError> {
    let found = "Helicone shows it under Settings, API keys";
    let key = secret(node, "api_key", keys.api_key.as_ref(), found)?;
    let base = match &keys.host {
        Some(host) => host.url(host.uses_tls(false).unwrap_or(true), ""),
        None => region(node, keys.region.as_deref(), HELICONE_REGIONS)?.to_owned(),
    };
    Ok(Route {
        base,
        headers: vec![(
            "Authorization",
            Secret::new(format!("Bearer {}", key.expose())),
        )],
        known: otlp_http::Known {
            signals: TRACES,
            advice: Advice {
                backend: "Helicone",
                credentials: "is this a key with write permission, of this region?",
                not_found: "leave endpoint out; region or host chooses it",
                tls: "",
            },
            paths: [Some("/v1/trace/log"), None, None, None],
            format: BodyFormat::Json,
            ..otlp_http::Known::default()
        },
    })
}

/// The resource attribute by which Phoenix and Arize tell projects apart.
fn project(name: Option<String>) -> Vec<(&'static str, String)> {
    name.map(|name| ("openinference.project.name", name))
        .into_iter()
        .collect()
}

fn limits(request_bytes: usize) -> crate::limits::Limits {
    crate::limits::Limits {
        request_bytes,
        ..crate::limits::Limits::default()
    }
}
