//! Whose interfaces the proxy knows: names, addresses, and how each wants its key.

use crate::upstream::Base;
use fanlight_config::Secret;
use http::HeaderMap;
use serde::Deserialize;

/// A provider, built in or configured.
#[derive(Debug)]
pub(crate) struct Provider {
    /// The name of its prefix, `groq` of `/groq/v1/...`.
    pub(crate) name: String,
    /// What `gen_ai.provider.name` says of it; none where its host or interface decides.
    pub(crate) semantic_name: Option<&'static str>,
    /// How it is spoken to.
    pub(crate) dialect: Dialect,
    /// Where it is; none where only the request can say (Azure's resource), or where nobody configured it.
    pub(crate) base: Option<Base>,
    /// Headers of every request, in place of the client's. They go to `base` only.
    pub(crate) headers: HeaderMap,
    /// The key for clients that send none. It goes to `base` only.
    pub(crate) key: Option<Secret>,
    /// Whether its streams say what was used only when asked to.
    pub(crate) counts_when_asked: bool,
}

/// How a provider is spoken to, where it matters for forwarding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Dialect {
    /// As OpenAI; its base ends where the path of the method begins (`https://api.openai.com/v1`).
    #[serde(alias = "openai")]
    OpenAi,
    /// As Anthropic, keys in `x-api-key`.
    Anthropic,
    /// As Gemini, keys in `x-goog-api-key`.
    Gemini,
    /// As Cohere.
    Cohere,
    /// As Ollama, which needs no key.
    Ollama,
    /// As Azure OpenAI, keys in `api-key`.
    Azure,
    /// As Bedrock.
    Bedrock,
    /// With keys as bearer tokens and paths as the client writes them.
    Plain,
}

/// What is known of a provider without any configuration.
pub(crate) struct BuiltIn {
    pub(crate) name: &'static str,
    pub(crate) semantic_name: Option<&'static str>,
    pub(crate) dialect: Dialect,
    /// Empty where there is none.
    pub(crate) base: &'static str,
    pub(crate) counts_when_asked: bool,
    /// How a client writes its base URL, after the proxy's address.
    pub(crate) example: &'static str,
}

const fn known(
    name: &'static str,
    semantic_name: &'static str,
    dialect: Dialect,
    base: &'static str,
    example: &'static str,
) -> BuiltIn {
    BuiltIn {
        name,
        semantic_name: Some(semantic_name),
        dialect,
        base,
        counts_when_asked: matches!(dialect, Dialect::Azure | Dialect::Ollama),
        example,
    }
}

use Dialect::*;

/// The providers that need no configuration, in the order in which `/providers` lists them.
#[rustfmt::skip]
pub(crate) const BUILT_IN: &[BuiltIn] = &[
    BuiltIn { counts_when_asked: true, ..known("openai", "openai", OpenAi, "https://api.openai.com/v1", "/v1") },
    known("anthropic", "anthropic", Anthropic, "https://api.anthropic.com", "/anthropic"),
    known("gemini", "gcp.gemini", Gemini, "https://generativelanguage.googleapis.com", "/gemini"),
    known("ollama", "ollama", Ollama, "http://127.0.0.1:11434", "/ollama/v1"),
    known("groq", "groq", OpenAi, "https://api.groq.com/openai/v1", "/groq/v1"),
    known("mistral", "mistral_ai", OpenAi, "https://api.mistral.ai/v1", "/mistral/v1"),
    known("azure", "azure.ai.openai", Azure, "", "/azure/v1"),
    known("cohere", "cohere", Cohere, "https://api.cohere.com", "/cohere"),
    known("together", "together_ai", OpenAi, "https://api.together.xyz/v1", "/together/v1"),
    known("openrouter", "openrouter", OpenAi, "https://openrouter.ai/api/v1", "/openrouter/v1"),
    known("perplexity", "perplexity", Plain, "https://api.perplexity.ai", "/perplexity"),
    known("xai", "x_ai", OpenAi, "https://api.x.ai/v1", "/xai/v1"),
    known("deepseek", "deepseek", Plain, "https://api.deepseek.com", "/deepseek/v1"),
    known("fireworks", "fireworks_ai", OpenAi, "https://api.fireworks.ai/inference/v1", "/fireworks/v1"),
    known("bedrock", "aws.bedrock", Bedrock, "https://bedrock-runtime.us-east-1.amazonaws.com", "/bedrock"),
    BuiltIn { semantic_name: None, counts_when_asked: true, ..known("vllm", "", OpenAi, "", "/vllm/v1") },
    BuiltIn { counts_when_asked: true, ..known("helicone", "openai", OpenAi, "https://oai.helicone.ai/v1", "/passthrough/helicone/v1") },
];

impl Provider {
    /// A provider as it is without configuration.
    pub(crate) fn built_in(known: &BuiltIn) -> Provider {
        Provider {
            name: known.name.to_owned(),
            semantic_name: known.semantic_name,
            dialect: known.dialect,
            base: known.base.parse().ok(),
            headers: HeaderMap::new(),
            key: None,
            counts_when_asked: known.counts_when_asked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_base_that_is_written_down_is_one() {
        for known in BUILT_IN {
            let provider = Provider::built_in(known);
            assert_eq!(
                provider.base.is_some(),
                !known.base.is_empty(),
                "{}",
                known.name
            );
        }
    }
}
