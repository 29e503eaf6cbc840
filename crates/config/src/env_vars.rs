//! Every environment variable that the hub reads, in one table ([`TABLE`] and [`OTLP_TABLE`]).
//!
//! A variable that is set to the empty string counts as unset, as the
//! [OpenTelemetry specification](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/) asks.
//! Variables that a configuration file names with `${...}` are the file's own affair and not listed.

/// A variable of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
}

/// A variable that exists for all signals and for each of them; that of a signal replaces the general one.
/// [Source](https://opentelemetry.io/docs/specs/otel/protocol/exporter/).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtlpVariable {
    /// Its name for all signals: `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub general: &'static str,
    /// Its name for each signal, with the signal's name: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`.
    pub signals: [(&'static str, &'static str); 3],
    /// What it does.
    pub about: &'static str,
}

impl OtlpVariable {
    /// Its name for one signal (`traces`, `metrics`, `logs`).
    pub fn of(&self, signal: &str) -> Option<&'static str> {
        self.signals
            .iter()
            .find(|(name, _)| *name == signal)
            .map(|(_, variable)| *variable)
    }
}

macro_rules! variables {
    ($($name:ident: $about:literal),* $(,)?) => {
        $(
            #[doc = $about]
            pub const $name: Variable = Variable { name: stringify!($name), about: $about };
        )*

        /// The variables of their own.
        pub const TABLE: &[Variable] = &[$($name),*];
    };
}

macro_rules! otlp_variables {
    ($($name:ident $suffix:literal: $about:literal),* $(,)?) => {
        $(
            #[doc = concat!("`OTEL_EXPORTER_OTLP_", $suffix, "`: ", $about)]
            pub const $name: OtlpVariable = OtlpVariable {
                general: concat!("OTEL_EXPORTER_OTLP_", $suffix),
                signals: [
                    ("traces", concat!("OTEL_EXPORTER_OTLP_TRACES_", $suffix)),
                    ("metrics", concat!("OTEL_EXPORTER_OTLP_METRICS_", $suffix)),
                    ("logs", concat!("OTEL_EXPORTER_OTLP_LOGS_", $suffix)),
                ],
                about: $about,
            };
        )*

        /// The variables of the OTLP exporters.
        pub const OTLP_TABLE: &[OtlpVariable] = &[$($name),*];
    };
}

otlp_variables! {
    OTLP_ENDPOINT "ENDPOINT": "Where to forward to. The general one is a base that `/v1/traces` and the like are added to; those of a signal are used as they are.",
    OTLP_HEADERS "HEADERS": "Headers of every request, `name=value,name=value`.",
    OTLP_PROTOCOL "PROTOCOL": "`http/protobuf` (the default), `http/json` or `grpc`.",
    OTLP_TIMEOUT "TIMEOUT": "How long one attempt may take, in milliseconds. Default: 10000.",
    OTLP_COMPRESSION "COMPRESSION": "`gzip`, `zstd` or `none`. Default: none.",
    OTLP_INSECURE "INSECURE": "`true` for gRPC without TLS, where the endpoint has no scheme.",
    OTLP_CERTIFICATE "CERTIFICATE": "Certificate authorities to trust, a PEM file.",
    OTLP_CLIENT_CERTIFICATE "CLIENT_CERTIFICATE": "The client's certificate, a PEM file.",
    OTLP_CLIENT_KEY "CLIENT_KEY": "The client's private key, a PEM file.",
}

variables! {
    OTEL_TRACES_EXPORTER: "`none` (or anything but `otlp`) keeps traces from what OTEL_EXPORTER_OTLP_* sets up.",
    OTEL_METRICS_EXPORTER: "The same for metrics.",
    OTEL_LOGS_EXPORTER: "The same for logs.",
    OTLP_EXPORT_ENABLED: "`true` forwards to the OTLP_EXPORT_* endpoints.",
    OTLP_EXPORT_ENDPOINT: "Where to forward traces to: a full URL, with its path.",
    OTLP_EXPORT_TRACES_ENDPOINT: "The same, in place of OTLP_EXPORT_ENDPOINT.",
    OTLP_EXPORT_METRICS_ENDPOINT: "Where to forward metrics to: a full URL.",
    OTLP_EXPORT_LOGS_ENDPOINT: "Where to forward logs to: a full URL.",
    OTLP_EXPORT_HEADERS: "Headers of every request, `name=value,name=value`.",
    OTLP_EXPORT_BATCH_SIZE: "How many items are sent at once. Default: 100.",
    OTLP_EXPORT_FLUSH_INTERVAL: "How long items wait for others, in milliseconds. Default: 5000.",
    PROXY_PORT: "The port of the LLM proxy. Default: 8080.",
    OPENAI_BASE_URL: "Where the LLM proxy forwards OpenAI's requests to.",
    OPENAI_DEFAULT_HEADERS: "Headers that the LLM proxy adds to them, a JSON object.",
    OPENAI_API_KEY: "A key for clients that send none, where `llm.use_environment_keys` is true; so are those below.",
    ANTHROPIC_BASE_URL: "The same for Anthropic's requests.",
    ANTHROPIC_API_KEY: "The same for Anthropic.",
    GOOGLE_GEMINI_BASE_URL: "The same for Gemini's requests.",
    GEMINI_API_KEY: "The same for Gemini.",
    GOOGLE_API_KEY: "The same for Gemini.",
    GROQ_BASE_URL: "The same for Groq's requests.",
    GROQ_API_KEY: "The same for Groq.",
    MISTRAL_BASE_URL: "The same for Mistral's requests.",
    MISTRAL_API_KEY: "The same for Mistral.",
    COHERE_BASE_URL: "The same for Cohere's requests.",
    COHERE_API_KEY: "The same for Cohere.",
    CO_API_KEY: "The same for Cohere.",
    TOGETHER_BASE_URL: "The same for Together's requests.",
    TOGETHER_API_KEY: "The same for Together.",
    OPENROUTER_BASE_URL: "The same for OpenRouter's requests.",
    OPENROUTER_API_KEY: "The same for OpenRouter.",
    PERPLEXITY_BASE_URL: "The same for Perplexity's requests.",
    PERPLEXITY_API_KEY: "The same for Perplexity.",
    XAI_BASE_URL: "The same for xAI's requests.",
    XAI_API_KEY: "The same for xAI.",
    DEEPSEEK_BASE_URL: "The same for DeepSeek's requests.",
    DEEPSEEK_API_KEY: "The same for DeepSeek.",
    FIREWORKS_BASE_URL: "The same for Fireworks' requests.",
    FIREWORKS_API_KEY: "The same for Fireworks.",
    VLLM_BASE_URL: "Where a vLLM server is, as in `http://127.0.0.1:8000/v1`.",
    OLLAMA_HOST: "Where Ollama is. Default: 127.0.0.1:11434.",
    OLLAMA_PORT: "Its port, where OLLAMA_HOST has none.",
    AZURE_OPENAI_ENDPOINT: "Where the Azure OpenAI resource is.",
    AZURE_OPENAI_RESOURCE: "The name of the Azure OpenAI resource.",
    AZURE_OPENAI_API_KEY: "A key of it, as above.",
    AZURE_OPENAI_API_VERSION: "`api-version` of requests that have none. Default: 2024-10-21.",
    AZURE_DEPLOYMENT_: "With a model's name behind it, as in AZURE_DEPLOYMENT_GPT_4O: the deployment of that model.",
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: "Where Bedrock is.",
    AWS_BEARER_TOKEN_BEDROCK: "A key of Bedrock, as above.",
    AWS_REGION: "The region of Bedrock. Default: us-east-1.",
    AWS_DEFAULT_REGION: "The same.",
    HELICONE_HOST: "Where `/passthrough/helicone` leads to. Default: oai.helicone.ai.",
    HELICONE_PORT: "Its port. Default: 443.",
    HELICONE_API_KEY: "A key of it, as above.",
    DASHBOARD_PORT: "The port of the dashboard. Default: 3000.",
    FANLIGHT_TOKEN: "The token of the dashboard, its API and OTLP on its port; commands send it, too.",
    VERBOSE: "`1` or `true` logs at level debug.",
    DATA_DIR: "Where data is kept. Default: `fanlight` under XDG_DATA_HOME.",
    XDG_DATA_HOME: "The user's data directory. Default: `~/.local/share`.",
    HOME: "The user's home directory, which XDG_DATA_HOME's default is under.",
    NO_COLOR: "Any value turns colours off.",
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_variable_is_listed_twice() {
        let mut names = BTreeSet::new();
        let otlp = OTLP_TABLE.iter().flat_map(|variable| {
            variable
                .signals
                .iter()
                .map(|(_, name)| *name)
                .chain([variable.general])
        });
        for name in TABLE.iter().map(|variable| variable.name).chain(otlp) {
            assert!(names.insert(name), "{name}");
        }
        assert_eq!(names.len(), TABLE.len() + 4 * OTLP_TABLE.len());
    }

    #[test]
    fn signals_have_their_own_variables() {
        assert_eq!(OTLP_HEADERS.general, "OTEL_EXPORTER_OTLP_HEADERS");
        assert_eq!(
            OTLP_HEADERS.of("metrics"),
            Some("OTEL_EXPORTER_OTLP_METRICS_HEADERS")
        );
        assert_eq!(OTLP_HEADERS.of("profiles"), None);
    }
}
