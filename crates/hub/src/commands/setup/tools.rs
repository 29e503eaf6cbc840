//! The tools, where each keeps its settings, and which of them matter. Every name was checked against the tool's own
//! documentation:
//!
//! | Tool | Source |
//! |---|---|
//! | Claude Code | <https://code.claude.com/docs/en/settings>, <https://code.claude.com/docs/en/monitoring-usage> |
//! | Codex | <https://developers.openai.com/codex/config-reference> |
//! | Gemini CLI | <https://geminicli.com/docs/cli/telemetry> |
//! | Aider | <https://aider.chat/docs/config/aider_conf.html> |
//! | opencode | <https://opencode.ai/docs/config> |
//! | Continue | <https://docs.continue.dev/reference> |
//! | Cline | <https://docs.cline.bot/provider-config/openai-compatible> |
//! | Cursor | <https://docs.cursor.com/settings/api-keys> |

use std::path::{Path, PathBuf};

use fanlight_config::Environment;
use serde_json::{Value, json};

use super::super::logins::{self, PROXIED};
use crate::endpoints::Endpoints;

/// A tool.
pub(super) struct Tool {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub title: &'static str,
    /// What is set, in a sentence.
    pub about: &'static str,
    pub format: Format,
    /// Its file below the user's home, and the variable that names another folder for it.
    place: Option<(&'static str, Option<&'static str>)>,
    settings: fn(&Known<'_>) -> Vec<Setting>,
    notes: fn(&Known<'_>) -> Vec<String>,
}

/// How a tool's settings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// JSON, with comments where the tool takes them.
    Json,
    Toml,
    /// Keys at the top of a YAML file.
    Yaml,
    /// Variables of the environment.
    Shell,
    /// Fields of a form on a screen.
    Form,
}

/// One value at a place of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Setting {
    pub path: Vec<String>,
    pub value: Value,
}

/// What settings depend on.
struct Known<'a> {
    otlp: &'a str,
    /// As `OTEL_EXPORTER_OTLP_PROTOCOL` has it.
    protocol: &'a str,
    proxy: Option<&'a str>,
    environment: &'a Environment,
}

impl Setting {
    fn new(path: &[&str], value: impl Into<Value>) -> Setting {
        Setting {
            path: path.iter().map(|&part| part.to_owned()).collect(),
            value: value.into(),
        }
    }

    /// Its place with dots.
    pub(super) fn name(&self) -> String {
        self.path.join(".")
    }

    /// Whether a value in its place came from here, perhaps for a hub on other ports.
    pub(super) fn wrote(&self, value: &Value) -> bool {
        let here = |value: &Value| {
            let text = value.as_str().unwrap_or("");
            text.starts_with("http://127.0.0.1:") || text.starts_with("https://127.0.0.1:")
        };
        *value == self.value || here(value) && here(&self.value)
    }
}

impl Tool {
    /// Its file, for this user.
    pub(super) fn file(&self, environment: &Environment) -> Option<PathBuf> {
        let (below_home, variable) = self.place?;
        let path = Path::new(below_home);
        if let Some(folder) = variable.and_then(|name| environment.non_empty(name)) {
            return Some(Path::new(folder).join(path.file_name()?));
        }
        Some(Path::new(environment.non_empty("HOME")?).join(path))
    }

    pub(super) fn settings(
        &self,
        endpoints: &Endpoints,
        environment: &Environment,
    ) -> Vec<Setting> {
        (self.settings)(&Known::new(endpoints, environment))
    }

    /// What else to know.
    pub(super) fn notes(&self, endpoints: &Endpoints, environment: &Environment) -> Vec<String> {
        (self.notes)(&Known::new(endpoints, environment))
    }
}

impl<'a> Known<'a> {
    fn new(endpoints: &'a Endpoints, environment: &'a Environment) -> Known<'a> {
        Known {
            otlp: &endpoints.otlp.url,
            protocol: endpoints.otlp.protocol,
            proxy: endpoints.proxy.as_deref(),
            environment,
        }
    }

    /// An address of the proxy.
    fn through(&self, path: &str) -> Option<String> {
        Some(format!("{}{path}", self.proxy?))
    }

    fn set(&self, at: &[&str], path: &str) -> Option<Setting> {
        Some(Setting::new(at, self.through(path)?))
    }
}

fn none(_: &Known<'_>) -> Vec<String> {
    Vec::new()
}

/// The tools.
pub(super) const TOOLS: &[Tool] = &[
    Tool {
        name: "claude-code",
        aliases: &["claude", "claudecode"],
        title: "Claude Code",
        about: "calls by the proxy; telemetry: metrics, events and traces",
        format: Format::Json,
        place: Some((".claude/settings.json", Some("CLAUDE_CONFIG_DIR"))),
        settings: |known| {
            let mut all = Vec::new();
            all.extend(known.set(&["env", "ANTHROPIC_BASE_URL"], "/passthrough/anthropic"));
            if known.proxy.is_some() {
                all.push(Setting::new(&["env", "OTEL_RESOURCE_ATTRIBUTES"], PROXIED));
            }
            let variables = [
                ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
                ("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1"),
                ("OTEL_METRICS_EXPORTER", "otlp"),
                ("OTEL_LOGS_EXPORTER", "otlp"),
                ("OTEL_TRACES_EXPORTER", "otlp"),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", known.protocol),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", known.otlp),
            ];
            all.extend(variables.map(|(name, value)| Setting::new(&["env", name], value)));
            all
        },
        notes: |_| {
            vec!["Prompts are part of its events only with OTEL_LOG_USER_PROMPTS=1.".to_owned()]
        },
    },
    Tool {
        name: "codex",
        aliases: &["codex-cli", "openai-codex"],
        title: "Codex",
        about: "calls by the proxy (with an API key); telemetry: logs, traces and metrics",
        format: Format::Toml,
        place: Some((".codex/config.toml", Some("CODEX_HOME"))),
        settings: |known| {
            let mut all = Vec::new();
            if logins::codex_has_key(known.environment) {
                all.extend(known.set(&["openai_base_url"], "/v1"));
            }
            for (exporter, signal) in [
                ("exporter", "logs"),
                ("trace_exporter", "traces"),
                ("metrics_exporter", "metrics"),
            ] {
                let value = match known.protocol {
                    "grpc" => json!({"otlp-grpc": {"endpoint": known.otlp}}),
                    _ => {
                        json!({"otlp-http": {"endpoint": format!("{}/v1/{signal}", known.otlp), "protocol": "binary"}})
                    }
                };
                all.push(Setting::new(&["otel", exporter], value));
            }
            all
        },
        notes: |known| {
            let mut notes = vec![
                "Prompts are part of its logs only with otel.log_user_prompt = true.".to_owned(),
            ];
            if !logins::codex_has_key(known.environment) {
                notes.push("Calls go directly: only those with an API key can go by the proxy, by openai_base_url.".to_owned());
            }
            notes
        },
    },
    Tool {
        name: "gemini-cli",
        aliases: &["gemini"],
        title: "Gemini CLI",
        about: "telemetry: logs, metrics and traces; calls by the proxy with an API key",
        format: Format::Json,
        place: Some((".gemini/settings.json", None)),
        settings: |known| {
            let protocol = if known.protocol == "grpc" {
                "grpc"
            } else {
                "http"
            };
            let values: [(&str, Value); 5] = [
                ("enabled", true.into()),
                ("target", "local".into()),
                ("otlpEndpoint", known.otlp.into()),
                ("otlpProtocol", protocol.into()),
                ("traces", true.into()),
            ];
            values
                .map(|(name, value)| Setting::new(&["telemetry", name], value))
                .into()
        },
        notes: |known| {
            let mut notes = vec![
                "Prompts are part of its logs unless telemetry.logPrompts is false.".to_owned(),
            ];
            notes.extend(known.through("/passthrough/gemini").map(|url| {
                format!("With GEMINI_API_KEY, calls go by the proxy with: export GOOGLE_GEMINI_BASE_URL={url}")
            }));
            notes
        },
    },
    Tool {
        name: "aider",
        aliases: &["aider-chat"],
        title: "Aider",
        about: "calls of OpenAI's models by the proxy",
        format: Format::Yaml,
        place: Some((".aider.conf.yml", None)),
        settings: |known| known.set(&["openai-api-base"], "/v1").into_iter().collect(),
        notes: |known| {
            let claude = known.through("/passthrough/anthropic");
            claude
                .map(|url| {
                    format!("For Anthropic's models: aider --set-env ANTHROPIC_API_BASE={url}")
                })
                .into_iter()
                .collect()
        },
    },
    Tool {
        name: "opencode",
        aliases: &["open-code"],
        title: "opencode",
        about: "calls of OpenAI's, Anthropic's and Google's models by the proxy",
        format: Format::Json,
        place: Some((".config/opencode/opencode.json", None)),
        settings: |known| {
            [
                ("openai", "/v1"),
                ("anthropic", "/passthrough/anthropic/v1"),
                ("google", "/passthrough/gemini/v1beta"),
            ]
            .into_iter()
            .filter_map(|(provider, path)| {
                known.set(&["provider", provider, "options", "baseURL"], path)
            })
            .collect()
        },
        notes: none,
    },
    Tool {
        name: "continue",
        aliases: &["continue-dev"],
        title: "Continue",
        about: "calls by the proxy, a key of each model in ~/.continue/config.yaml",
        format: Format::Form,
        place: None,
        settings: |known| {
            [
                ("apiBase of models with provider: openai", "/v1"),
                (
                    "apiBase of models with provider: anthropic",
                    "/passthrough/anthropic/v1",
                ),
                (
                    "apiBase of models with provider: gemini",
                    "/passthrough/gemini/v1beta",
                ),
                ("apiBase of models with provider: ollama", "/ollama"),
            ]
            .into_iter()
            .filter_map(|(field, path)| known.set(&[field], path))
            .collect()
        },
        notes: none,
    },
    Tool {
        name: "cline",
        aliases: &["roo-code", "kilo-code"],
        title: "Cline",
        about: "calls by the proxy, in the settings of its panel",
        format: Format::Form,
        place: None,
        settings: |known| {
            [
                ("API Provider \"OpenAI Compatible\": Base URL", "/v1"),
                (
                    "API Provider \"Anthropic\": Use custom base URL",
                    "/passthrough/anthropic",
                ),
                (
                    "API Provider \"Google Gemini\": Use custom base URL",
                    "/passthrough/gemini",
                ),
                ("API Provider \"Ollama\": Base URL", "/ollama"),
            ]
            .into_iter()
            .filter_map(|(field, path)| known.set(&[field], path))
            .collect()
        },
        notes: none,
    },
    Tool {
        name: "cursor",
        aliases: &[],
        title: "Cursor",
        about: "calls with your own OpenAI key by the proxy, in Settings, Models",
        format: Format::Form,
        place: None,
        settings: |known| {
            known
                .set(&["Override OpenAI Base URL"], "/v1")
                .into_iter()
                .collect()
        },
        notes: |_| {
            vec![
            "Cursor makes calls from its own servers, which can't reach this machine: give the proxy a public address with a tunnel, and put that in place of 127.0.0.1.".to_owned(),
        ]
        },
    },
    Tool {
        name: "shell",
        aliases: &["sdk", "env", "bash", "zsh"],
        title: "A shell",
        about: "variables that SDKs and most tools read; `fanlight run -- COMMAND` sets them for one command",
        format: Format::Shell,
        place: None,
        settings: |known| {
            let mut all = vec![
                Setting::new(&["OTEL_EXPORTER_OTLP_ENDPOINT"], known.otlp),
                Setting::new(&["OTEL_EXPORTER_OTLP_PROTOCOL"], known.protocol),
            ];
            let bases = [
                ("OPENAI_BASE_URL", "/v1"),
                ("ANTHROPIC_BASE_URL", "/passthrough/anthropic"),
                ("GOOGLE_GEMINI_BASE_URL", "/passthrough/gemini"),
            ];
            all.extend(
                bases
                    .iter()
                    .filter_map(|(name, path)| known.set(&[name], path)),
            );
            all
        },
        notes: none,
    },
];

#[cfg(test)]
mod tests;
