//! The systems: how each is installed, configured and started. All record what they forward: the hub in its store, LiteLLM
//! by its OpenTelemetry callback, Traceloop's hub in spans that it sends, LLMFlow in its database, agentgateway in its access log.
//! The hub takes part a second time, with spans that it sends where Traceloop's go, and no store.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fanlight_testkit::fakes::llm::OPENAI_KEY;

use super::super::Options;
use crate::clients::{virtual_environment, without_telemetry_variables};
use crate::hub::{self, Profile};
use crate::process::free_port;
use crate::steps::Steps;
use crate::workspace;

/// A system that is measured.
pub(super) enum System {
    /// The hub's binary, with its store.
    Fanlight(PathBuf),
    /// The same, sending spans and storing nothing.
    FanlightSends(PathBuf),
    /// LiteLLM's proxy.
    LiteLlm(PathBuf),
    /// The binary of Traceloop's hub.
    Traceloop(PathBuf),
    /// agentgateway's binary.
    AgentGateway(PathBuf),
    /// A checkout of LLMFlow with its packages; `bun` is on the PATH.
    LlmFlow(PathBuf),
}

/// Where a system runs.
pub(super) struct Place<'a> {
    pub directory: &'a Path,
    /// Where it listens.
    pub port: u16,
    /// Where it finds the providers.
    pub providers: u16,
}

/// The systems that the options name: the hub and LiteLLM when they name none, and peers that are at a path.
///
/// # Errors
/// When one can't be installed.
pub(super) fn wanted(options: &Options, steps: &Steps) -> Result<Vec<System>> {
    let is_wanted = |name: &str| {
        options.systems.is_empty() || options.systems.iter().any(|system| system == name)
    };
    let mut all = Vec::new();
    if is_wanted("fanlight") {
        let binary = hub::build(Profile::Release, &steps.log("cargo build"))?;
        all.push(System::Fanlight(binary));
    }
    if is_wanted("fanlight_sends") {
        let binary = hub::build(Profile::Release, &steps.log("cargo build"))?;
        all.push(System::FanlightSends(binary));
    }
    if is_wanted("litellm") {
        println!("── install litellm");
        let requirements = workspace::root().join("xtask/bench/litellm/requirements.txt");
        let directory = workspace::target().join("bench/litellm");
        let interpreter =
            virtual_environment(&directory, &requirements, &steps.log("pip install litellm"))?;
        all.push(System::LiteLlm(interpreter.with_file_name("litellm")));
    }
    for peer in &options.peer {
        let (name, path) = peer
            .split_once('=')
            .with_context(|| format!("--peer {peer} is not NAME=PATH"))?;
        let path = std::path::absolute(path)?;
        ensure!(path.exists(), "{} is not there", path.display());
        all.push(match name {
            "fanlight" => System::Fanlight(path),
            "fanlight_sends" => System::FanlightSends(path),
            "litellm" => System::LiteLlm(path),
            "traceloop" => System::Traceloop(path),
            "agentgateway" => System::AgentGateway(path),
            "llmflow" => System::LlmFlow(path),
            _ => bail!("{name} is none of fanlight, fanlight_sends, litellm, traceloop, agentgateway, llmflow"),
        });
    }
    Ok(all)
}

impl System {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            System::Fanlight(_) => "fanlight",
            System::FanlightSends(_) => "fanlight_sends",
            System::LiteLlm(_) => "litellm",
            System::Traceloop(_) => "traceloop",
            System::AgentGateway(_) => "agentgateway",
            System::LlmFlow(_) => "llmflow",
        }
    }

    /// LLMFlow can be pointed at other hosts for Ollama only.
    pub(super) const fn path(&self) -> &'static str {
        match self {
            System::Traceloop(_) => "/api/v1/chat/completions",
            System::LlmFlow(_) => "/ollama/v1/chat/completions",
            _ => "/v1/chat/completions",
        }
    }

    /// A model that needs no key, where no key is sent on.
    pub(super) const fn model(&self) -> &'static str {
        match self {
            System::LlmFlow(_) => "llama3.2",
            _ => "gpt-4o-mini",
        }
    }

    /// How long it may take until it answers.
    pub(super) const fn patience(&self) -> Duration {
        match self {
            System::LiteLlm(_) => Duration::from_secs(120),
            _ => Duration::from_secs(20),
        }
    }

    /// The command that listens and forwards.
    ///
    /// # Errors
    /// When its configuration can't be written.
    pub(super) fn command(&self, place: &Place<'_>) -> Result<Command> {
        let mut command = match self {
            System::Fanlight(binary) => fanlight(binary, place)?,
            System::FanlightSends(binary) => fanlight_sends(binary, place)?,
            System::LiteLlm(program) => litellm(program, place)?,
            System::Traceloop(binary) => traceloop(binary, place)?,
            System::AgentGateway(binary) => agentgateway(binary, place)?,
            System::LlmFlow(checkout) => llmflow(checkout, place)?,
        };
        without_telemetry_variables(&mut command);
        command.current_dir(place.directory);
        Ok(command)
    }
}

fn write(place: &Place<'_>, name: &str, text: &str) -> Result<PathBuf> {
    let file = place.directory.join(name);
    std::fs::write(&file, text)?;
    Ok(file)
}

/// With its store and its dashboard, as users run it.
fn fanlight(binary: &Path, place: &Place<'_>) -> Result<Command> {
    let Place {
        port, providers, ..
    } = place;
    let (grpc, http, dashboard) = (free_port()?, free_port()?, free_port()?);
    let file = write(
        place,
        "fanlight.yaml",
        &format!(
            "receivers:\n  otlp:\n    protocols:\n      grpc:\n        endpoint: 127.0.0.1:{grpc}\n      http:\n        endpoint: 127.0.0.1:{http}\n\
             llm:\n  endpoint: 127.0.0.1:{port}\n  providers:\n    openai:\n      base_url: http://127.0.0.1:{providers}/v1\n\
             dashboard:\n  endpoint: 127.0.0.1:{dashboard}\n"
        ),
    )?;
    serve(binary, place, file)
}

/// What Traceloop's hub does: spans with all that was said, sent as they are to a port where they are refused.
fn fanlight_sends(binary: &Path, place: &Place<'_>) -> Result<Command> {
    let Place {
        port, providers, ..
    } = place;
    let file = write(
        place,
        "fanlight.yaml",
        &format!(
            "receivers:\n  llm_proxy:\n    endpoint: 127.0.0.1:{port}\n    providers:\n      openai:\n        base_url: http://127.0.0.1:{providers}/v1\n\
             exporters:\n  otlp_http:\n    endpoint: http://127.0.0.1:{providers}\n    compression: none\n\
             service:\n  pipelines:\n    traces:\n      receivers: [llm_proxy]\n      exporters: [otlp_http]\n"
        ),
    )?;
    serve(binary, place, file)
}

fn serve(binary: &Path, place: &Place<'_>, configuration: PathBuf) -> Result<Command> {
    let data = place.directory.join("data");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    let mut command = Command::new(binary);
    command.args([
        "serve",
        "--metrics",
        "off",
        "--log-level",
        "error",
        "--config",
    ]);
    command.arg(configuration).arg("--data-dir").arg(data);
    Ok(command)
}

/// One worker, which is what one process is; what it records goes to a port where nobody answers slowly: nowhere.
fn litellm(program: &Path, place: &Place<'_>) -> Result<Command> {
    let file = write(
        place,
        "litellm.yaml",
        &format!(
            "model_list:\n  - model_name: gpt-4o-mini\n    litellm_params:\n      model: openai/gpt-4o-mini\n      \
             api_base: http://127.0.0.1:{}/v1\n      api_key: {OPENAI_KEY}\nlitellm_settings:\n  callbacks: [\"otel\"]\n  \
             num_retries: 0\n  telemetry: false\n",
            place.providers
        ),
    )?;
    let mut command = Command::new(program);
    command.arg("--config").arg(file);
    command.args(["--host", "127.0.0.1", "--port", &place.port.to_string()]);
    command.args(["--num_workers", "1", "--telemetry", "False"]);
    command
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .env("LITELLM_LOG", "ERROR")
        .env("OTEL_EXPORTER", "in_memory");
    Ok(command)
}

/// Its spans, with all that was said, go to a port where they are refused at once.
fn traceloop(binary: &Path, place: &Place<'_>) -> Result<Command> {
    let providers = place.providers;
    let file = write(
        place,
        "traceloop.yaml",
        &format!(
            "general:\n  trace_content_enabled: true\nproviders:\n  - key: openai\n    type: openai\n    api_key: {OPENAI_KEY}\n    \
             base_url: http://127.0.0.1:{providers}/v1\nmodels:\n  - key: gpt-4o-mini\n    type: gpt-4o-mini\n    provider: openai\n\
             pipelines:\n  - name: default\n    type: chat\n    plugins:\n      - tracing:\n          \
             endpoint: http://127.0.0.1:{providers}/v1/traces\n          api_key: none\n      - model-router:\n          models:\n            - gpt-4o-mini\n"
        ),
    )?;
    let mut command = Command::new(binary);
    command
        .env("CONFIG_FILE_PATH", file)
        .env("PORT", place.port.to_string());
    Ok(command)
}

fn agentgateway(binary: &Path, place: &Place<'_>) -> Result<Command> {
    let file = write(
        place,
        "agentgateway.yaml",
        &format!(
            "binds:\n- port: {}\n  listeners:\n  - routes:\n    - policies:\n        backendAuth:\n          key: {OPENAI_KEY}\n      \
             backends:\n      - ai:\n          name: openai\n          hostOverride: 127.0.0.1:{}\n          provider:\n            openAI: {{}}\n",
            place.port, place.providers
        ),
    )?;
    let mut command = Command::new(binary);
    command.arg("-f").arg(file);
    Ok(command)
}

fn llmflow(checkout: &Path, place: &Place<'_>) -> Result<Command> {
    let mut command = Command::new("bun");
    let server = checkout.join("apps/server/src/server.ts");
    command.arg("run").arg(server);
    command
        .env("PROXY_PORT", place.port.to_string())
        .env("DASHBOARD_PORT", free_port()?.to_string())
        .env("DATA_DIR", place.directory.join("llmflow"))
        .env("OLLAMA_HOST", "127.0.0.1")
        .env("OLLAMA_PORT", place.providers.to_string());
    Ok(command)
}
