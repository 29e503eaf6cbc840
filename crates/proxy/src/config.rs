//! The keys of the receiver `llm_proxy`, which are those of the hub's section `llm`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use fanlight_config::blocks::{Cors, HttpServer, TlsClient, TlsServer};
use fanlight_config::{ByteSize, ConfigError, Headers, ListenAddress, Node, Secret};
use fanlight_pipeline::{BuildContext, BuildError, Peer, Receiver, ReceiverConfig, ReceiverKind};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use crate::provider::{BUILT_IN, Dialect, Provider};
use crate::receiver::LlmProxy;
use crate::record::Capture;
use crate::routes::{Azure, ForwardHosts, Pattern, Routes};
use crate::signing::{self, Signer};
use crate::upstream::Base;
use fanlight_otlp::{Signal, SignalSet};

/// The component type.
pub(crate) static KIND: ReceiverKind = ReceiverKind {
    name: "llm_proxy",
    aliases: &[],
    about: "Calls of language models: forwards them untouched, and records them.",
    sample: "endpoint: 127.0.0.1:8080\ncapture: truncated\nproviders:\n  vllm: {base_url: \"http://127.0.0.1:8000/v1\"}",
    decode,
};

/// A checked configuration.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) keys: Keys,
    pub(crate) providers: Vec<Arc<Provider>>,
}

/// What may be written.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Keys {
    /// Where to listen. Default: 127.0.0.1:8080.
    pub(crate) endpoint: ListenAddress,
    /// TLS. Default: none, plain text.
    #[serde(deserialize_with = "fanlight_config::present")]
    pub(crate) tls: Option<TlsServer>,
    /// TLS to providers: authorities to trust, a client's certificate. Default: the system's authorities.
    #[serde(deserialize_with = "fanlight_config::present")]
    pub(crate) upstream_tls: Option<TlsClient>,
    /// What everybody must send as `X-Fanlight-Token`; needed to listen beyond this machine. Default: none.
    pub(crate) token: Option<Secret>,
    /// Listens beyond this machine without a token: whoever reaches it can use configured keys. Default: false.
    pub(crate) insecure: bool,
    /// Host names under which it may be reached, besides localhost and the bound address. Default: none.
    pub(crate) allowed_hosts: Vec<String>,
    /// Web pages that may ask, such as `https://app.example.com`. Default: none.
    pub(crate) allowed_origins: Vec<String>,
    /// `service.name` of callers that do not send `X-Fanlight-Service`. Default: llm-proxy.
    pub(crate) service_name: String,
    /// How much of calls is recorded: full, truncated, metadata or off. Default: full.
    pub(crate) capture: Capture,
    /// The same for some paths; the first that fits counts. Default: none.
    pub(crate) routes: Vec<CaptureRoute>,
    /// Asks OpenAI-shaped streams what they used, and takes the answer out again. Default: true.
    pub(crate) inject_usage: bool,
    /// Reads keys of providers from the hub's environment, for clients that send none. Default: false.
    #[serde(rename = "use_environment_keys")]
    _use_environment_keys: bool,
    /// Hosts that `X-Fanlight-Forward-URL` may name, besides Helicone's. Default: none.
    pub(crate) forward_hosts: Vec<String>,
    /// More about the providers, and more of them.
    pub(crate) providers: BTreeMap<String, ProviderKeys>,
    /// How many bytes of calls may wait for being recorded. Default: 64 MiB.
    pub(crate) recording_buffer: ByteSize,
    /// How many bytes of one request or answer are recorded. Default: 8 MiB.
    pub(crate) recorded_body: ByteSize,
    /// How many bytes of a text are kept where capture is truncated. Default: 1 KiB.
    pub(crate) truncated_text: ByteSize,
}

/// One entry of `routes`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CaptureRoute {
    /// The path as the client writes it; `*` stands for any text.
    pub(crate) r#match: Pattern,
    /// How much is recorded.
    pub(crate) capture: Capture,
}

/// One entry of `providers`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProviderKeys {
    /// Where it is, as its clients write it. Default: the provider's own.
    base_url: Option<String>,
    /// How it is spoken to. Default: as the provider of that name, otherwise openai.
    dialect: Option<Dialect>,
    /// Headers of every request. Default: none.
    headers: Headers,
    /// The key for clients that send none. Default: none.
    key: Option<Secret>,
    /// Bedrock: signs requests without a key with the hub's AWS credentials. Default: false.
    sign: bool,
    /// Bedrock: the region to sign for. Default: that in the base URL.
    region: String,
    /// Bedrock: the profile whose credentials are taken. Default: AWS's default chain.
    profile: String,
    /// Bedrock: where credentials are kept. Default: AWS's own place.
    credentials_file: Option<PathBuf>,
    /// Azure: `api-version` of requests that have none. Default: 2024-10-21.
    api_version: Option<String>,
    /// Azure: the deployments of models, where they are not called as the model without dots.
    deployments: BTreeMap<String, String>,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            endpoint: ListenAddress::new("127.0.0.1", 8080),
            tls: None,
            upstream_tls: None,
            token: None,
            insecure: false,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            service_name: "llm-proxy".to_owned(),
            capture: Capture::Full,
            routes: Vec::new(),
            inject_usage: true,
            _use_environment_keys: false,
            forward_hosts: Vec::new(),
            providers: BTreeMap::new(),
            recording_buffer: ByteSize::mebibytes(64),
            recorded_body: ByteSize::mebibytes(8),
            truncated_text: ByteSize::of(1 << 10),
        }
    }
}

/// The fewest characters of a token, as for the dashboard's.
const SHORTEST_TOKEN: usize = 16;

fn decode(node: &Node) -> Result<Box<dyn ReceiverConfig>, ConfigError> {
    let keys: Keys = node.decode()?;
    check_access(&keys, node)?;
    if let Err(error) = ForwardHosts::new(&keys.forward_hosts) {
        return Err(node.error_at("forward_hosts", error.to_string()));
    }
    let mut providers: Vec<Provider> = BUILT_IN.iter().map(Provider::built_in).collect();
    for (name, given) in &keys.providers {
        let place = node
            .get("providers")
            .and_then(|providers| providers.get(name))
            .unwrap_or(node);
        let known = providers.iter().position(|known| known.name == *name);
        let provider = match known.map(|index| providers.remove(index)) {
            Some(known) => known,
            None => new_provider(name, given, place)?,
        };
        providers.push(configured(provider, given, place)?);
    }
    let providers = providers.into_iter().map(Arc::new).collect();
    Ok(Box::new(Config { keys, providers }))
}

/// Whoever can reach the proxy from elsewhere must have its token.
fn check_access(keys: &Keys, node: &Node) -> Result<(), ConfigError> {
    if let Some(token) = &keys.token
        && token.expose().chars().count() < SHORTEST_TOKEN
    {
        let error = node.error_at("token", "the token is too short");
        return Err(error.hint("take at least 16 characters, as `openssl rand -hex 16` makes them"));
    }
    let address = keys.endpoint.socket_addr();
    let is_local = address.is_some_and(|address| address.ip().is_loopback());
    if is_local || keys.token.is_some() || keys.insecure {
        return Ok(());
    }
    let message = format!(
        "the LLM proxy at {} can be reached from other machines, and it has no token",
        keys.endpoint
    );
    let error = match node.get("endpoint").is_some() {
        true => node.error_at("endpoint", message),
        false => ConfigError::new(message),
    };
    Err(error.hint("give it one with llm.token, listen on 127.0.0.1, or set llm.insecure: true"))
}

/// A provider that is not built in.
fn new_provider(name: &str, given: &ProviderKeys, place: &Node) -> Result<Provider, ConfigError> {
    let is_prefix = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let is_taken = [
        "v1",
        "v1beta",
        "v2",
        "api",
        "model",
        "passthrough",
        "health",
        "providers",
    ];
    if name.is_empty() || !name.chars().all(is_prefix) || is_taken.contains(&name) {
        let message = format!("`{name}` can't be the name of a provider");
        return Err(ConfigError::new(message)
            .at(place.location())
            .hint("its name is the prefix of its paths: letters, digits, hyphens"));
    }
    if given.base_url.is_none() {
        return Err(
            ConfigError::new(format!("`{name}` is no provider that is known"))
                .at(place.location())
                .hint("say where it is: base_url: https://..."),
        );
    }
    Ok(Provider {
        name: name.to_owned(),
        semantic_name: None,
        dialect: Dialect::OpenAi,
        base: None,
        headers: HeaderMap::new(),
        key: None,
        counts_when_asked: true,
    })
}

/// The provider with what is configured for it.
fn configured(
    mut provider: Provider,
    given: &ProviderKeys,
    place: &Node,
) -> Result<Provider, ConfigError> {
    if let Some(dialect) = given.dialect {
        provider.dialect = dialect;
        provider.counts_when_asked =
            matches!(dialect, Dialect::OpenAi | Dialect::Azure | Dialect::Ollama);
    }
    if let Some(url) = &given.base_url {
        let base: Base = url.parse().map_err(|error: crate::upstream::InvalidBase| {
            place.error_at("base_url", error.to_string())
        })?;
        provider.base = Some(base);
    }
    for (name, value) in given.headers.iter() {
        let invalid = || place.error_at("headers", format!("header `{name}` can't be sent"));
        let parsed: HeaderName = name.parse().map_err(|_| invalid())?;
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| invalid())?;
        value.set_sensitive(true);
        provider.headers.insert(parsed, value);
    }
    provider.key.clone_from(&given.key);
    Ok(provider)
}

impl Config {
    /// The routes of a receiver.
    pub(crate) fn routes(&self) -> Result<Routes, BuildError> {
        let forward_hosts = ForwardHosts::new(&self.keys.forward_hosts)
            .map_err(|error| BuildError::new(error.to_string()))?;
        let azure = self
            .keys
            .providers
            .get("azure")
            .cloned()
            .unwrap_or_default();
        let version = azure.api_version.unwrap_or_else(|| "2024-10-21".to_owned());
        let captures = self.keys.routes.iter();
        Ok(Routes {
            providers: self.providers.clone(),
            captures: captures
                .map(|route| (route.r#match.clone(), route.capture))
                .collect(),
            capture: self.keys.capture,
            forward_hosts,
            azure: Azure::new(version, &azure.deployments),
            signer: self.signer(),
        })
    }

    /// Who signs for Bedrock, if that is asked for.
    fn signer(&self) -> Option<Signer> {
        let given = self
            .keys
            .providers
            .get("bedrock")
            .filter(|given| given.sign)?;
        let bedrock = self
            .providers
            .iter()
            .find(|provider| provider.name == "bedrock")?;
        let host = bedrock.base.as_ref().map_or("", |base| &base.origin.host);
        let region = match given.region.as_str() {
            "" => signing::region_of(host).unwrap_or_default(),
            region => region,
        };
        Some(Signer::new(
            region.to_owned(),
            given.profile.clone(),
            given.credentials_file.clone(),
        ))
    }

    /// The server's block.
    pub(crate) fn server(&self) -> HttpServer {
        let origins = &self.keys.allowed_origins;
        HttpServer {
            endpoint: Some(self.keys.endpoint.clone()),
            tls: self.keys.tls.clone(),
            cors: (!origins.is_empty()).then(|| Cors {
                allowed_origins: origins.clone(),
                allowed_headers: vec!["*".to_owned()],
                exposed_headers: Vec::new(),
                max_age: 600,
            }),
            // A stream may be silent, and an answer may take its time.
            write_timeout: std::time::Duration::ZERO,
            idle_timeout: std::time::Duration::ZERO,
            read_header_timeout: std::time::Duration::from_secs(300),
            ..HttpServer::default()
        }
    }

    /// Finds a provider whose base is the proxy itself.
    pub(crate) fn find_loop(&self, bound: SocketAddr) -> Option<&Arc<Provider>> {
        let listening = [fanlight_pipeline::Listening {
            protocol: "",
            address: bound,
            tls: false,
        }];
        self.providers.iter().find(|provider| {
            let peer = provider.base.as_ref().map(|base| Peer {
                host: base.origin.host.clone(),
                port: base.origin.port,
            });
            peer.is_some_and(|peer| {
                fanlight_net::self_loop::find(&[peer], &listening, &[]).is_some()
            })
        })
    }
}

impl ReceiverConfig for Config {
    fn signals(&self) -> SignalSet {
        [Signal::Traces, Signal::Metrics, Signal::Logs]
            .into_iter()
            .collect()
    }

    fn endpoints(&self) -> Vec<Peer> {
        vec![Peer {
            host: self.keys.endpoint.host().to_owned(),
            port: self.keys.endpoint.port(),
        }]
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Receiver>, BuildError> {
        LlmProxy::open(self, context).map(|receiver| Box::new(receiver) as Box<dyn Receiver>)
    }
}

#[cfg(test)]
mod tests {
    use fanlight_testkit::node;

    use super::*;

    fn refused(yaml: &str) -> String {
        let error = decode(&node(yaml)).err().unwrap();
        error.to_string()
    }

    #[test]
    fn whoever_listens_beyond_this_machine_needs_a_token() {
        assert!(refused("endpoint: 0.0.0.0:8080").contains("no token"));
        assert!(refused("token: short").contains("too short"));
        decode(&node("{endpoint: 0.0.0.0:8080, token: 0123456789abcdef}")).unwrap();
        decode(&node("{endpoint: 0.0.0.0:8080, insecure: true}")).unwrap();
    }

    #[test]
    fn providers_are_known_or_say_where_they_are() {
        assert!(refused("providers: {corp: {key: k}}").contains("no provider that is known"));
        assert!(refused("providers: {v1: {base_url: 'http://a'}}").contains("can't be the name"));
        assert!(refused("providers: {openai: {base_url: 'api.openai.com'}}").contains("base URL"));
        assert!(
            refused("providers: {openai: {base_url: 'http://169.254.169.254'}}")
                .contains("metadata")
        );
        assert!(refused("forward_hosts: ['https://a']").contains("not a host"));
        assert!(refused("capture: everything").contains("everything"));
        decode(&node(
            "providers: {corp: {base_url: 'http://10.0.0.1:8000/v1', headers: {a: b}}}",
        ))
        .unwrap();
    }
}
