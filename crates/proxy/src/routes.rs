//! Where a request goes.
//!
//! | The request | Goes to |
//! |---|---|
//! | `X-Fanlight-Provider: groq` (or `X-LLMFlow-Provider`) | that provider, path unchanged |
//! | `/passthrough/groq/...` | that provider, never translated |
//! | `/groq/...` | that provider |
//! | `/v1/messages` with `anthropic-version`, `/v1beta/...`, `/api/...`, `/model/...` | whose paths these are |
//! | `/v1/...`, or a path of OpenAI's that lacks it | OpenAI |
//! | anything else | nobody: a key must not go to a host that it was not meant for |

mod azure;
mod forward;
mod pattern;

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method};

pub(crate) use azure::Azure;
pub(crate) use forward::ForwardHosts;
pub(crate) use pattern::Pattern;

use crate::headers::Wishes;
use crate::problem::Problem;
use crate::provider::{Dialect, Provider};
use crate::record::Capture;
use crate::signing::{self, Signer};
use crate::translate::{self, Question};
use crate::upstream::{Base, Origin};

/// Resources of OpenAI's that clients ask for without `/v1` when their base URL lacks it.
const RESOURCES: &[&str] = &[
    "assistants",
    "audio",
    "batches",
    "chat",
    "completions",
    "containers",
    "conversations",
    "embeddings",
    "evals",
    "files",
    "fine_tuning",
    "images",
    "models",
    "moderations",
    "realtime",
    "responses",
    "threads",
    "uploads",
    "vector_stores",
    "videos",
];

/// Every route of a receiver.
#[derive(Debug)]
pub(crate) struct Routes {
    pub(crate) providers: Vec<Arc<Provider>>,
    pub(crate) captures: Vec<(Pattern, Capture)>,
    pub(crate) capture: Capture,
    pub(crate) forward_hosts: ForwardHosts,
    pub(crate) azure: Azure,
    /// Signs what goes to Bedrock without a key.
    pub(crate) signer: Option<Signer>,
}

/// Where one request goes.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) provider: Arc<Provider>,
    pub(crate) base: Base,
    /// The path there, without the query. (Azure's may depend on the body, see [`Azure::path`].)
    pub(crate) path: String,
    /// Whether the request goes to where the provider's configured key and headers may go.
    pub(crate) is_configured: bool,
    /// Whether it goes to where what is for Helicone may go.
    pub(crate) with_helicone: bool,
    pub(crate) translate: Option<Question>,
    /// Azure's path must still be found, and the API's version be added.
    pub(crate) needs_deployment: bool,
    pub(crate) capture: Capture,
}

/// A provider, and the path after its prefix.
struct Choice<'p> {
    provider: Arc<Provider>,
    path: &'p str,
    is_native: bool,
}

impl Routes {
    /// Where a request goes.
    ///
    /// # Errors
    /// When nobody is meant, or the request wants to go where nothing is sent.
    pub(crate) fn target(&self, head: &Parts) -> Result<Target, Problem> {
        let wishes = Wishes::read(&head.headers);
        let whole = head.uri.path();
        let choice = self.choose(&wishes, head)?;
        let Choice {
            provider,
            path,
            is_native,
        } = choice;
        let translate = match is_native || wishes.is_native {
            true => None,
            false => translated(provider.dialect, path, head),
        };
        let capture = self
            .captures
            .iter()
            .find(|(pattern, _)| pattern.fits(whole));
        let capture = capture.map_or(self.capture, |(_, capture)| *capture);
        let (base, is_configured) = self.base(&wishes, &provider)?;
        let with_helicone = !is_configured || !is_built_in(&provider, &base);
        Ok(Target {
            path: base.path_of(provider.dialect, path),
            base,
            needs_deployment: provider.dialect == Dialect::Azure && !path.starts_with("/openai/"),
            provider,
            is_configured,
            with_helicone,
            translate,
            capture,
        })
    }

    /// The provider of this name.
    pub(crate) fn provider(&self, name: &str) -> Option<&Arc<Provider>> {
        self.providers
            .iter()
            .find(|provider| provider.name.eq_ignore_ascii_case(name))
    }

    fn choose<'h>(&self, wishes: &Wishes<'h>, head: &'h Parts) -> Result<Choice<'h>, Problem> {
        let path = head.uri.path();
        let choice = |provider: &Arc<Provider>, path, is_native| Choice {
            provider: Arc::clone(provider),
            path,
            is_native,
        };
        let unknown = |name: &str| {
            Problem::unknown(format!("no provider is called `{name}`"))
                .hint("GET /providers lists them; llm.providers in the configuration adds one")
        };
        if let Some(name) = wishes.provider {
            let provider = self.provider(name).ok_or_else(|| unknown(name))?;
            return Ok(choice(provider, path, false));
        }
        let (first, rest) = split_first(path);
        if first == "passthrough" {
            let (name, rest) = split_first(rest);
            let provider = self.provider(name).ok_or_else(|| unknown(name))?;
            return Ok(choice(provider, rest, true));
        }
        if let Some(provider) = self.provider(first) {
            return Ok(choice(provider, rest, false));
        }
        let is_of_anthropic = head.headers.contains_key("anthropic-version");
        let name = match first {
            "v1" if is_of_anthropic => "anthropic",
            "v1" => "openai",
            "v1beta" | "v1alpha" => "gemini",
            "v2" => "cohere",
            "api" => "ollama",
            "model" => "bedrock",
            known if RESOURCES.contains(&known) => "openai",
            _ => return Err(unknown(first)),
        };
        let provider = self.provider(name).ok_or_else(|| unknown(name))?;
        Ok(choice(provider, path, false))
    }

    /// The base that a request goes below, and whether it is the configured one.
    fn base(&self, wishes: &Wishes<'_>, provider: &Provider) -> Result<(Base, bool), Problem> {
        if let Some(url) = wishes.forward_url {
            return Ok((self.forward_hosts.base(url)?, false));
        }
        if provider.dialect == Dialect::Azure
            && let Some(resource) = wishes.resource
        {
            return Ok((self.azure.base(resource)?, false));
        }
        let base = provider.base.clone().ok_or_else(|| {
            let hint = match provider.dialect {
                Dialect::Azure => {
                    "send X-Azure-Resource, or set AZURE_OPENAI_RESOURCE or llm.providers.azure.base_url"
                        .to_owned()
                }
                _ => format!("set llm.providers.{}.base_url", provider.name),
            };
            Problem::bad(format!("nobody said where `{}` is", provider.name))
                .hint(hint)
                .of(&provider.name)
        })?;
        Ok((base, true))
    }

    /// Who signs a request, if it must be signed.
    ///
    /// # Errors
    /// When the client signed it for the proxy's address, and nobody may sign it anew.
    pub(crate) fn signer(
        &self,
        target: &Target,
        headers: &HeaderMap,
    ) -> Result<Option<&Signer>, Problem> {
        let is_signed = signing::is_signed(headers);
        let needs = is_signed || !headers.contains_key(AUTHORIZATION);
        if target.provider.dialect != Dialect::Bedrock || !needs {
            return Ok(None);
        }
        match &self.signer {
            Some(signer) if target.is_configured => Ok(Some(signer)),
            _ if is_signed => Err(Problem::bad(
                "the request is signed for the proxy's address, and AWS would refuse it",
            )
            .hint("use a Bedrock API key, or set llm.providers.bedrock.sign: true")),
            _ => Ok(None),
        }
    }

    /// Every origin that is known, to look after its connections.
    pub(crate) fn origins(&self) -> impl Iterator<Item = Arc<Origin>> + '_ {
        let configured = self.providers.iter().filter_map(|provider| {
            let base = provider.base.as_ref()?;
            Some(Arc::clone(&base.origin))
        });
        configured
            .chain(self.forward_hosts.origins())
            .chain(self.azure.origins())
    }
}

/// Whether a base is the one that everybody's requests to the provider go to, and not Helicone's.
fn is_built_in(provider: &Provider, base: &Base) -> bool {
    let known = crate::provider::BUILT_IN
        .iter()
        .find(|known| known.name == provider.name);
    let host = known
        .filter(|known| known.name != "helicone")
        .and_then(|known| known.base.split("://").nth(1)?.split('/').next());
    host.is_some_and(|host| base.origin.authority.as_bytes() == host.as_bytes())
}

/// What of a request is translated, if it is OpenAI's and for somebody who speaks otherwise: chat completions, by their path, and
/// lists of models, whose path others have as well.
fn translated(dialect: Dialect, path: &str, head: &Parts) -> Option<Question> {
    let target = match dialect {
        Dialect::Anthropic => translate::Target::Anthropic,
        Dialect::Gemini => translate::Target::Gemini,
        Dialect::Cohere => translate::Target::Cohere,
        _ => return None,
    };
    if path.contains("/openai/") || path.contains("/compatibility/") {
        return None;
    }
    if path.ends_with("/chat/completions") {
        return Some(Question::Chat(target));
    }
    lists_models(target, path, head).then_some(Question::Models(target))
}

/// Whether a client of OpenAI's asks for models. It sends its key as a bearer token, which of the others only Cohere's clients
/// do; those of OpenAI's own making say what they were made with.
fn lists_models(target: translate::Target, path: &str, head: &Parts) -> bool {
    const OF_OTHERS: [&str; 4] = [
        "anthropic-version",
        "x-api-key",
        "x-goog-api-key",
        "x-client-name",
    ];
    let path = path.strip_prefix("/v1").unwrap_or(path);
    let below = path.strip_prefix("/models");
    let is_list = below.is_some_and(|id| id.is_empty() || id.starts_with('/') && !id.contains(':'));
    let key = head.headers.get(AUTHORIZATION);
    let token = key
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    // Access tokens of Google Cloud are those of its own clients.
    let is_openai = token.is_some_and(|token| !token.starts_with("ya29."))
        && !OF_OTHERS
            .iter()
            .any(|name| head.headers.contains_key(*name))
        && (target != translate::Target::Cohere || head.headers.contains_key("x-stainless-lang"));
    head.method == Method::GET && is_list && is_openai
}

/// The first segment of a path, and the path that follows it.
fn split_first(path: &str) -> (&str, &str) {
    let inner = path.strip_prefix('/').unwrap_or(path);
    match inner.find('/') {
        Some(end) => inner.split_at(end),
        None => (inner, "/"),
    }
}

#[cfg(test)]
mod tests;
