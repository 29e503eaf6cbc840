//! The section `llm`: the LLM proxy's configuration, with what the command line and the environment say about it.
//!
//! What a file says wins over the environment. Keys of providers are read from the environment only where
//! `use_environment_keys` asks for it: a proxy that lends its keys to every program of the machine is a choice.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use fanlight_config::env_vars::{self, Variable};
use fanlight_config::{
    ComponentId, ConfigError, Environment, ListenAddress, Location, Node, Secret,
};
use fanlight_pipeline::ReceiverConfig;

use crate::cli::ServeArgs;

/// The component id of the proxy that the section configures.
pub(crate) const ID: &str = "llm_proxy";

/// Where the proxy listens unless something else is said.
const DEFAULT_ENDPOINT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// What the section comes to.
#[derive(Debug, Default)]
pub(crate) struct Llm {
    /// The receiver's configuration; none where the proxy is off.
    pub(crate) node: Option<Node>,
    /// Whether somebody asked for the proxy, in a file, on the command line or in the environment.
    pub(crate) is_asked_for: bool,
    /// Sentences that the user should see.
    pub(crate) notes: Vec<String>,
}

/// Where a provider is, and its keys, in the environment.
struct Variables {
    provider: &'static str,
    base_url: &'static [Variable],
    keys: &'static [Variable],
}

#[rustfmt::skip]
const PROVIDERS: &[Variables] = &[
    Variables { provider: "openai", base_url: &[env_vars::OPENAI_BASE_URL], keys: &[env_vars::OPENAI_API_KEY] },
    Variables { provider: "anthropic", base_url: &[env_vars::ANTHROPIC_BASE_URL], keys: &[env_vars::ANTHROPIC_API_KEY] },
    Variables { provider: "gemini", base_url: &[env_vars::GOOGLE_GEMINI_BASE_URL], keys: &[env_vars::GEMINI_API_KEY, env_vars::GOOGLE_API_KEY] },
    Variables { provider: "groq", base_url: &[env_vars::GROQ_BASE_URL], keys: &[env_vars::GROQ_API_KEY] },
    Variables { provider: "mistral", base_url: &[env_vars::MISTRAL_BASE_URL], keys: &[env_vars::MISTRAL_API_KEY] },
    Variables { provider: "cohere", base_url: &[env_vars::COHERE_BASE_URL], keys: &[env_vars::COHERE_API_KEY, env_vars::CO_API_KEY] },
    Variables { provider: "together", base_url: &[env_vars::TOGETHER_BASE_URL], keys: &[env_vars::TOGETHER_API_KEY] },
    Variables { provider: "openrouter", base_url: &[env_vars::OPENROUTER_BASE_URL], keys: &[env_vars::OPENROUTER_API_KEY] },
    Variables { provider: "perplexity", base_url: &[env_vars::PERPLEXITY_BASE_URL], keys: &[env_vars::PERPLEXITY_API_KEY] },
    Variables { provider: "xai", base_url: &[env_vars::XAI_BASE_URL], keys: &[env_vars::XAI_API_KEY] },
    Variables { provider: "deepseek", base_url: &[env_vars::DEEPSEEK_BASE_URL], keys: &[env_vars::DEEPSEEK_API_KEY] },
    Variables { provider: "fireworks", base_url: &[env_vars::FIREWORKS_BASE_URL], keys: &[env_vars::FIREWORKS_API_KEY] },
    Variables { provider: "azure", base_url: &[env_vars::AZURE_OPENAI_ENDPOINT], keys: &[env_vars::AZURE_OPENAI_API_KEY] },
    Variables { provider: "bedrock", base_url: &[env_vars::AWS_ENDPOINT_URL_BEDROCK_RUNTIME], keys: &[env_vars::AWS_BEARER_TOKEN_BEDROCK] },
    Variables { provider: "vllm", base_url: &[env_vars::VLLM_BASE_URL], keys: &[] },
];

impl Llm {
    /// Reads what there is. `is_default`: whether the proxy runs although nobody asked for it.
    ///
    /// # Errors
    /// When an address or a variable can't be used.
    pub(crate) fn read(
        root: &Node,
        environment: &Environment,
        args: Option<&ServeArgs>,
        is_default: bool,
    ) -> Result<Llm, ConfigError> {
        let section = root.get("llm");
        let option = args.and_then(|args| args.proxy.as_deref());
        let port = environment.non_empty(env_vars::PROXY_PORT.name);
        let is_asked_for = section.is_some() || option.is_some() || port.is_some();
        let enabled: Option<bool> = section
            .and_then(|section| section.get("enabled"))
            .map(Node::decode)
            .transpose()?;
        if !(is_default || is_asked_for) || enabled == Some(false) || option == Some("off") {
            return Ok(Llm::default());
        }
        let mut lowering = Lowering {
            node: section
                .cloned()
                .unwrap_or_else(|| Node::null("default", "llm"))
                .without("enabled"),
            environment,
            notes: Vec::new(),
        };
        lowering.endpoint(option, port)?;
        lowering.token(args);
        lowering.providers()?;
        Ok(Llm {
            node: Some(lowering.node),
            is_asked_for,
            notes: lowering.notes,
        })
    }
}

/// What to tell the user where another program has the address of a proxy that nobody asked for: the hub does without it then,
/// because whoever starts it for the first time is to see its dashboard. None where the address is free.
pub(crate) fn other_program() -> Option<String> {
    let taken = TcpListener::bind(DEFAULT_ENDPOINT).err()?;
    (taken.kind() == ErrorKind::AddrInUse).then(|| {
        let port = DEFAULT_ENDPOINT.port();
        format!(
            "the LLM proxy is off, because another program listens on {DEFAULT_ENDPOINT}; `fanlight --proxy 127.0.0.1:{}` starts it elsewhere",
            port + 1
        )
    })
}

/// The receiver of a configuration.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn receiver(node: &Node) -> Result<(ComponentId, Box<dyn ReceiverConfig>), ConfigError> {
    let kind = fanlight_proxy::RECEIVERS
        .iter()
        .find(|kind| kind.name == ID);
    let kind = kind.ok_or_else(|| ConfigError::new("this build has no LLM proxy"))?;
    Ok((ComponentId::of(ID), (kind.decode)(node)?))
}

/// The section as it grows.
struct Lowering<'e> {
    node: Node,
    environment: &'e Environment,
    notes: Vec<String>,
}

impl Lowering<'_> {
    fn endpoint(&mut self, option: Option<&str>, port: Option<&str>) -> Result<(), ConfigError> {
        if let Some(address) = option {
            address
                .parse::<ListenAddress>()
                .map_err(|error| ConfigError::new(format!("--proxy: {error}")))?;
            self.node = std::mem::replace(&mut self.node, Node::null("", "")).with(
                "endpoint",
                Node::text(Location::of_file("--proxy"), address),
            );
        } else if let Some(port) = port {
            let name = env_vars::PROXY_PORT.name;
            let port: u16 = port.parse().map_err(|_| {
                ConfigError::new(format!("{name} is not a port, a number from 0 to 65535"))
            })?;
            let address = format!("127.0.0.1:{port}");
            self.fill(&["endpoint"], Node::text(place(name), address));
        }
        Ok(())
    }

    /// Beyond this machine, the proxy asks for the token of the dashboard if it has none of its own.
    fn token(&mut self, args: Option<&ServeArgs>) {
        let is_local = self
            .address()
            .is_none_or(|address| address.ip().is_loopback());
        let given = args.and_then(|args| args.token.as_ref().map(Secret::expose));
        let name = env_vars::FANLIGHT_TOKEN.name;
        let given = given.or_else(|| self.environment.non_empty(name));
        if let Some(token) = given.filter(|_| !is_local) {
            self.fill(&["token"], Node::hidden(place(name), "[REDACTED]", token));
        }
    }

    fn address(&self) -> Option<SocketAddr> {
        let endpoint = self.node.get("endpoint")?;
        endpoint.decode::<ListenAddress>().ok()?.socket_addr()
    }

    fn providers(&mut self) -> Result<(), ConfigError> {
        let environment = self.environment;
        let wants_keys = self.node.get("use_environment_keys").map(Node::decode);
        let wants_keys: bool = wants_keys.transpose()?.unwrap_or_default();
        let own_port = self.address().unwrap_or(DEFAULT_ENDPOINT).port();
        for variables in PROVIDERS {
            for Variable { name, .. } in variables.base_url {
                let Some(url) = environment.non_empty(name) else {
                    continue;
                };
                if is_this_machine(url, own_port) {
                    self.notes.push(format!(
                        "{name} is the proxy itself, as it should be for clients; the proxy goes on to the provider's own address"
                    ));
                    continue;
                }
                self.fill(
                    &["providers", variables.provider, "base_url"],
                    Node::text(place(name), url.trim()),
                );
            }
            let key = variables
                .keys
                .iter()
                .find_map(|key| Some((key.name, environment.non_empty(key.name)?)));
            if let Some((name, key)) = key.filter(|_| wants_keys) {
                let node = Node::hidden(place(name), &format!("${{{name}}}"), key.trim());
                self.fill(&["providers", variables.provider, "key"], node);
            }
        }
        self.default_headers()?;
        self.ollama();
        self.azure();
        self.bedrock();
        self.helicone(wants_keys);
        Ok(())
    }

    /// `OPENAI_DEFAULT_HEADERS`: a JSON object of names and values.
    fn default_headers(&mut self) -> Result<(), ConfigError> {
        let name = env_vars::OPENAI_DEFAULT_HEADERS.name;
        let Some(text) = self.environment.non_empty(name) else {
            return Ok(());
        };
        let headers: std::collections::BTreeMap<String, String> = serde_json::from_str(text)
            .map_err(|_| {
                ConfigError::new(format!("{name} is not a JSON object of texts"))
                    .hint(r#"write it like {"Helicone-Auth": "Bearer sk-..."}"#)
            })?;
        for (header, value) in headers {
            let node = Node::hidden(place(name), &format!("${{{name}}}"), value);
            self.fill(&["providers", "openai", "headers", &header], node);
        }
        Ok(())
    }

    /// `OLLAMA_HOST` in the forms that Ollama takes, and LLMFlow's `OLLAMA_PORT`.
    fn ollama(&mut self) {
        let name = env_vars::OLLAMA_HOST.name;
        let host = self.environment.non_empty(name).map(str::trim);
        let port = self.environment.non_empty(env_vars::OLLAMA_PORT.name);
        if host.is_none() && port.is_none() {
            return;
        }
        let text = host.unwrap_or("127.0.0.1").trim_end_matches('/');
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        // The address of every interface is one to listen on.
        let rest = rest.replace("0.0.0.0", "127.0.0.1");
        let has_port = rest
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let url = match (has_port, scheme) {
            (true, _) => format!("{scheme}://{rest}"),
            (false, "https") if port.is_none() => format!("{scheme}://{rest}"),
            (false, _) => format!("{scheme}://{rest}:{}", port.unwrap_or("11434")),
        };
        self.fill(
            &["providers", "ollama", "base_url"],
            Node::text(place(name), url),
        );
    }

    /// LLMFlow's variables: `AZURE_OPENAI_RESOURCE`, `AZURE_OPENAI_API_VERSION`, `AZURE_DEPLOYMENT_<MODEL>`.
    fn azure(&mut self) {
        let environment = self.environment;
        let name = env_vars::AZURE_OPENAI_RESOURCE.name;
        if let Some(resource) = environment.non_empty(name) {
            let url = format!("https://{}.openai.azure.com", resource.trim());
            self.fill(
                &["providers", "azure", "base_url"],
                Node::text(place(name), url),
            );
        }
        let name = env_vars::AZURE_OPENAI_API_VERSION.name;
        if let Some(version) = environment.non_empty(name) {
            self.fill(
                &["providers", "azure", "api_version"],
                Node::text(place(name), version),
            );
        }
        let prefix = env_vars::AZURE_DEPLOYMENT_;
        let names = environment
            .names()
            .filter(|name| name.starts_with(prefix.name));
        for name in names {
            if let (Some(model), Some(deployment)) =
                (name.strip_prefix(prefix.name), environment.non_empty(name))
            {
                let node = Node::text(place(name), deployment);
                self.fill(&["providers", "azure", "deployments", model], node);
            }
        }
    }

    fn bedrock(&mut self) {
        let variables = [env_vars::AWS_REGION, env_vars::AWS_DEFAULT_REGION];
        let region = variables
            .iter()
            .find_map(|variable| Some((variable.name, self.environment.non_empty(variable.name)?)));
        if let Some((name, region)) = region {
            let url = format!("https://bedrock-runtime.{}.amazonaws.com", region.trim());
            self.fill(
                &["providers", "bedrock", "base_url"],
                Node::text(place(name), url),
            );
        }
    }

    /// LLMFlow's variables for its Helicone route: `HELICONE_HOST`, `HELICONE_PORT`, `HELICONE_API_KEY`.
    fn helicone(&mut self, wants_keys: bool) {
        let name = env_vars::HELICONE_HOST.name;
        if let Some(host) = self.environment.non_empty(name) {
            let port = self.environment.non_empty(env_vars::HELICONE_PORT.name);
            let url = format!("https://{}:{}/v1", host.trim(), port.unwrap_or("443"));
            self.fill(
                &["providers", "helicone", "base_url"],
                Node::text(place(name), url),
            );
        }
        let name = env_vars::HELICONE_API_KEY.name;
        if let Some(key) = self.environment.non_empty(name).filter(|_| wants_keys) {
            let value = format!("Bearer {}", key.trim());
            let node = Node::hidden(place(name), &format!("${{{name}}}"), value);
            self.fill(&["providers", "helicone", "headers", "Helicone-Auth"], node);
        }
    }

    /// Puts a value in where the file has none.
    fn fill(&mut self, path: &[&str], value: Node) {
        let node = std::mem::replace(&mut self.node, Node::null("", ""));
        self.node = filled(node, path, value);
    }
}

fn filled(node: Node, path: &[&str], value: Node) -> Node {
    match path {
        [] => node,
        [key] if node.get(key).is_some() => node,
        [key] => node.with(key, value),
        [key, rest @ ..] => {
            let location = value.location().clone();
            let inner = node.get(key).cloned();
            let inner = inner.unwrap_or_else(|| Node::map(location, Vec::<(String, Node)>::new()));
            node.with(key, filled(inner, rest, value))
        }
    }
}

fn place(variable: &str) -> Location {
    Location::of_file(&format!("environment variable {variable}"))
}

/// Whether a URL leads to a port of this machine.
fn is_this_machine(url: &str, port: u16) -> bool {
    let rest = url.trim().split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let Some((host, given)) = authority.rsplit_once(':') else {
        return false;
    };
    let is_local = matches!(host, "localhost" | "127.0.0.1" | "[::1]" | "0.0.0.0");
    is_local && given.parse() == Ok(port)
}

#[cfg(test)]
mod tests;
