//! Which variables a command gets. What the user set is kept, or where the hub can do it, chained: the command speaks to the
//! hub, and the hub to what the user named.
//!
//! | Variables | Who reads them |
//! |---|---|
//! | `OTEL_*` | [every OpenTelemetry SDK](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/) |
//! | `OPENAI_BASE_URL`, `OPENAI_API_BASE` | OpenAI's SDKs, LangChain, LiteLLM, Aider and most others |
//! | `ANTHROPIC_BASE_URL`, `ANTHROPIC_API_BASE` | Anthropic's SDKs and Claude Code; LiteLLM and Aider |
//! | `GOOGLE_GEMINI_BASE_URL` | Google's SDKs and Gemini CLI |
//! | `OLLAMA_HOST` | Ollama's Python SDK |
//! | `CO_API_URL` | Cohere's SDKs |
//! | `CLAUDE_CODE_*` | [Claude Code](https://code.claude.com/docs/en/monitoring-usage) |
//! | `GEMINI_TELEMETRY_*` | [Gemini CLI](https://geminicli.com/docs/cli/telemetry) |
//!
//! Codex reads none of them; it gets [overrides of its configuration](https://developers.openai.com/codex/config-reference).

use fanlight_config::{Environment, env_vars};

use super::super::logins::{self, PROXIED};
use crate::endpoints::Endpoints;

/// Base addresses: the variable, what follows the proxy's address, and the variable by which the hub reads an upstream.
const BASES: [Base; 7] = [
    Base("OPENAI_BASE_URL", "/v1", "OPENAI_BASE_URL"),
    Base("OPENAI_API_BASE", "/v1", "OPENAI_BASE_URL"),
    Base(
        "ANTHROPIC_BASE_URL",
        "/passthrough/anthropic",
        "ANTHROPIC_BASE_URL",
    ),
    Base(
        "ANTHROPIC_API_BASE",
        "/passthrough/anthropic",
        "ANTHROPIC_BASE_URL",
    ),
    Base(
        "GOOGLE_GEMINI_BASE_URL",
        "/passthrough/gemini",
        "GOOGLE_GEMINI_BASE_URL",
    ),
    Base("OLLAMA_HOST", "/ollama", "OLLAMA_HOST"),
    Base("CO_API_URL", "/cohere", "COHERE_BASE_URL"),
];

struct Base(&'static str, &'static str, &'static str);

/// Switches of tools that have telemetry of their own.
const SWITCHES: [(&str, &str); 8] = [
    ("OTEL_TRACES_EXPORTER", "otlp"),
    ("OTEL_METRICS_EXPORTER", "otlp"),
    ("OTEL_LOGS_EXPORTER", "otlp"),
    ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
    ("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1"),
    ("GEMINI_TELEMETRY_ENABLED", "true"),
    ("GEMINI_TELEMETRY_TRACES_ENABLED", "true"),
    ("GEMINI_TELEMETRY_TARGET", "local"),
];

/// Whose the hub is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Started with the command: it has the user's environment, and forwards to what that names.
    Run,
    /// It was there before, and forwards to what it was started with.
    User,
}

/// What the command gets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Variables {
    /// Variables and their values.
    pub set: Vec<(String, String)>,
    /// Variables that are taken away: the hub has what they name.
    pub unset: Vec<String>,
    /// Arguments before its own.
    pub arguments: Vec<String>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// The user's environment as a hub reads it that is started with the command: a base address counts under each of its names.
pub(super) fn for_own_hub(environment: &Environment) -> Environment {
    let named = BASES.iter().filter_map(|Base(name, _, upstream)| {
        let is_alias = name != upstream && environment.non_empty(upstream).is_none();
        let value = environment.non_empty(name).filter(|_| is_alias)?;
        Some((*upstream, value))
    });
    let own = environment
        .names()
        .filter_map(|name| Some((name, environment.get(name)?)));
    own.chain(named).collect()
}

impl Variables {
    /// Chooses them for a program.
    pub(super) fn choose(
        endpoints: &Endpoints,
        owner: Owner,
        program: &str,
        environment: &Environment,
    ) -> Variables {
        let mut variables = Variables::default();
        let has_otlp = variables.telemetry(endpoints, owner, program, environment);
        match &endpoints.proxy {
            Some(proxy) => variables.bases(proxy, owner, program, environment),
            None => variables
                .notes
                .push("the hub has no LLM proxy, so calls go directly".to_owned()),
        }
        if has_otlp {
            if program == "codex" {
                variables.codex(endpoints, environment);
            }
            variables.mark(endpoints, program, environment);
        }
        variables.no_detour(environment);
        variables
    }

    fn put(&mut self, name: &str, value: impl Into<String>) {
        self.set.push((name.to_owned(), value.into()));
    }

    /// Telemetry goes to the hub, unless the user sends it elsewhere and the hub does not forward it there.
    fn telemetry(
        &mut self,
        endpoints: &Endpoints,
        owner: Owner,
        program: &str,
        environment: &Environment,
    ) -> bool {
        let otlp = &endpoints.otlp;
        let endpoint = env_vars::OTLP_ENDPOINT;
        let signals = endpoint.signals.iter().map(|(_, name)| *name);
        let named: Vec<&str> = std::iter::once(endpoint.general)
            .chain(signals)
            .filter(|name| {
                let value = environment.non_empty(name);
                value.is_some_and(|value| !value.starts_with(&otlp.url))
            })
            .collect();
        if !named.is_empty() && owner == Owner::User {
            let names = named.join(", ");
            self.notes.push(format!(
                "{names}: kept, so telemetry goes there and not to the hub"
            ));
            return false;
        }
        if !named.is_empty() {
            let names = named.join(", ");
            self.notes
                .push(format!("{names}: telemetry goes there by the hub"));
        }
        // Settings of the user's own backend, keys among them, are the hub's now.
        let settings = env_vars::OTLP_TABLE.iter().flat_map(|variable| {
            std::iter::once(variable.general).chain(variable.signals.iter().map(|(_, name)| *name))
        });
        self.unset.extend(settings.map(str::to_owned));
        self.put(endpoint.general, &otlp.url);
        self.put(env_vars::OTLP_PROTOCOL.general, otlp.protocol);
        let attributes = environment.get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or("");
        let is_named = environment.non_empty("OTEL_SERVICE_NAME").is_some()
            || attributes.contains("service.name=");
        if !is_named {
            self.put("OTEL_SERVICE_NAME", program);
        }
        for (name, value) in SWITCHES {
            match environment.non_empty(name) {
                None => self.put(name, value),
                Some(own) if own == value => {}
                Some(own) => self.notes.push(format!("{name}={own}: kept")),
            }
        }
        let gemini_protocol = match otlp.protocol {
            "grpc" => "grpc",
            _ => "http",
        };
        self.put("GEMINI_TELEMETRY_OTLP_ENDPOINT", &otlp.url);
        self.put("GEMINI_TELEMETRY_OTLP_PROTOCOL", gemini_protocol);
        true
    }

    fn bases(&mut self, proxy: &str, owner: Owner, program: &str, environment: &Environment) {
        for Base(name, path, _) in BASES {
            if !wants(program, name, environment) {
                continue;
            }
            match environment.non_empty(name) {
                Some(own) if own.starts_with(proxy) => {}
                Some(own) if owner == Owner::User => self.notes.push(format!(
                    "{name}={}: kept, so those calls are not seen; start the hub with it, or take it away",
                    without_secrets(own)
                )),
                Some(own) => {
                    self.notes.push(format!(
                        "{name}={}: calls go there by the hub",
                        without_secrets(own)
                    ));
                    self.put(name, format!("{proxy}{path}"));
                }
                None => self.put(name, format!("{proxy}{path}")),
            }
        }
        if program == "gemini" && !logins::gemini_has_key(environment) {
            self.notes.push(
                "calls of Gemini CLI go directly unless it is set to use an API key; its telemetry is seen"
                    .to_owned(),
            );
        }
    }

    /// Codex takes its settings from its file and its command line only. An account's calls go to another place than those
    /// with a key, so they are left alone.
    fn codex(&mut self, endpoints: &Endpoints, environment: &Environment) {
        let url = &endpoints.otlp.url;
        let exporter = |signal: &str| match endpoints.otlp.protocol {
            "grpc" => format!("{{otlp-grpc={{endpoint=\"{url}\"}}}}"),
            _ => format!("{{otlp-http={{endpoint=\"{url}/v1/{signal}\",protocol=\"binary\"}}}}"),
        };
        let mut settings = vec![
            format!("otel.exporter={}", exporter("logs")),
            format!("otel.trace_exporter={}", exporter("traces")),
            format!("otel.metrics_exporter={}", exporter("metrics")),
        ];
        match &endpoints.proxy {
            Some(proxy) if logins::codex_has_key(environment) => {
                settings.push(format!("openai_base_url=\"{proxy}/v1\""));
            }
            Some(_) => self.notes.push(
                "calls of Codex go directly unless it is signed in with an API key; its telemetry is seen"
                    .to_owned(),
            ),
            None => {}
        }
        for setting in settings {
            self.arguments.extend(["-c".to_owned(), setting]);
        }
    }

    /// Tools that report their calls themselves say that the proxy does as well, so that no call counts twice.
    fn mark(&mut self, endpoints: &Endpoints, program: &str, environment: &Environment) {
        let goes_by_proxy = match program {
            "claude" => self
                .set
                .iter()
                .any(|(name, _)| name == "ANTHROPIC_BASE_URL"),
            "codex" => logins::codex_has_key(environment),
            "gemini" => logins::gemini_has_key(environment),
            _ => false,
        };
        if endpoints.proxy.is_some() && goes_by_proxy {
            let name = "OTEL_RESOURCE_ATTRIBUTES";
            let own = environment.get(name).unwrap_or("");
            let between = if own.is_empty() { "" } else { "," };
            self.put(name, format!("{own}{between}{PROXIED}"));
        }
    }

    /// The hub is on this machine: whoever has a web proxy must not be asked for it.
    fn no_detour(&mut self, environment: &Environment) {
        let proxies = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
        if proxies
            .iter()
            .all(|name| environment.non_empty(name).is_none())
        {
            return;
        }
        for name in ["NO_PROXY", "no_proxy"] {
            let own = environment.get(name).unwrap_or("");
            if own != "*" && !own.split(',').any(|host| host.trim() == "127.0.0.1") {
                let between = if own.is_empty() { "" } else { "," };
                self.put(name, format!("{own}{between}127.0.0.1,localhost"));
            }
        }
    }
}

/// Whether a variable helps a program: it is a server's address to some, and changes how to log in for others.
fn wants(program: &str, name: &str, environment: &Environment) -> bool {
    match (program, name) {
        ("ollama", "OLLAMA_HOST") => false,
        ("gemini", "GOOGLE_GEMINI_BASE_URL") => logins::gemini_has_key(environment),
        _ => true,
    }
}

/// An address without a user's name, password or query.
fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or("");
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or("");
            format!("{scheme}://{host}{path}")
        }
        None => url.rsplit('@').next().unwrap_or("").to_owned(),
    }
}

#[cfg(test)]
mod tests;
