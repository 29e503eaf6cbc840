//! SDKs of language models through the proxy. Every call is made twice, straight to stand-ins for the providers and through
//! the hub: replies must be equal to the byte, requests as the providers get them, and each call must be recorded with the
//! tokens and the cost that its answer stands for.

mod fixtures;
mod tap;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fanlight_testkit::fakes::llm::{self, Providers, Seen};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::clients::{Node, virtual_environment, without_telemetry_variables};
use crate::hub::{Hub, Ports};
use crate::process::{eventually, run_within};
use crate::steps::Tests;
use crate::{http, workspace};
use fixtures::Fixture;
use tap::{Exchange, Tap};

const LIMIT: Duration = Duration::from_secs(300);
/// How long recorded calls may take to show.
const ARRIVAL: Duration = Duration::from_secs(20);

/// Headers of requests that may differ: those of the hop, those that the proxy takes out, and numbers made up each time.
const OF_REQUESTS: [&str; 12] = [
    "host",
    "connection",
    "content-length",
    "traceparent",
    "tracestate",
    "idempotency-key",
    "x-client-request-id",
    "x-llmflow-tag",
    "x-fanlight-session",
    "x-fanlight-user",
    "x-stainless-raw-response",
    "transfer-encoding",
];
/// The same for replies.
const OF_REPLIES: [&str; 5] = [
    "date",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-length",
];

/// openai, anthropic, google-genai, ollama, litellm, langchain and pydantic-ai.
///
/// # Errors
/// The first difference.
pub(super) fn python(hub: &Path, log: &Path) -> Result<Tests> {
    let source = workspace::root().join("tests/clients/llm");
    let interpreter = virtual_environment(
        &workspace::target().join("clients/llm-python"),
        &source.join("requirements.txt"),
        log,
    )?;
    let mut client = Command::new(interpreter);
    client.arg(source.join("calls.py"));
    client.env("PYTHONDONTWRITEBYTECODE", "1");
    client.env("PYTHONWARNINGS", "ignore");
    client.env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
    without_telemetry_variables(&mut client);
    Run::start("llm-python", hub)?.check(client)
}

/// openai and the AI SDK.
///
/// # Errors
/// The first difference.
pub(super) fn node(hub: &Path, log: &Path) -> Result<Tests> {
    let node = Node::install_from("clients/llm", log)?;
    Run::start("llm-node", hub)?.check(node.script("clients/llm/calls.js"))
}

/// Stand-ins for the providers, once bare and once behind a hub, and a tap before each.
struct Run {
    directory: PathBuf,
    /// What the stand-ins run on.
    _runtime: Runtime,
    bare: Providers,
    behind: Providers,
    hub: Hub,
    direct: Tap,
    proxied: Tap,
}

impl Run {
    fn start(name: &str, binary: &Path) -> Result<Run> {
        let directory = workspace::emptied(&format!("xtask/end-to-end/{name}"))?;
        let runtime = Runtime::new()?;
        let (bare, behind) = {
            let _on = runtime.enter();
            (Providers::start(), Providers::start())
        };
        let ports = Ports::free()?;
        let configuration = format!(
            "{}llm:\n  providers:\n{}dashboard: {{}}\n",
            ports.receivers(),
            upstreams(&behind)
        );
        let hub = Hub::start(binary, &directory, ports, &configuration)?;
        Ok(Run {
            directory,
            _runtime: runtime,
            direct: Tap::start(bare.address.port())?,
            proxied: Tap::start(ports.proxy)?,
            bare,
            behind,
            hub,
        })
    }

    fn check(self, mut client: Command) -> Result<Tests> {
        client
            .arg(self.direct.url())
            .arg(self.proxied.url())
            .env("OPENAI_API_KEY", llm::OPENAI_KEY)
            .env("ANTHROPIC_API_KEY", llm::ANTHROPIC_KEY)
            .env("GEMINI_API_KEY", llm::GEMINI_KEY);
        let output = run_within(&mut client, &self.directory.join("client.log"), LIMIT)?;
        let cases = cases(&output)?;
        let (direct, proxied) = (self.direct.exchanges()?, self.proxied.exchanges()?);
        let (bare, behind) = (self.bare.take_seen(), self.behind.take_seen());
        let calls: Vec<&str> = cases
            .iter()
            .flat_map(|case| case.calls.iter().map(String::as_str))
            .collect();
        ensure!(
            [direct.len(), proxied.len(), bare.len(), behind.len()] == [calls.len(); 4],
            "{} calls were to be made; to the stand-ins came {} directly and {} by the proxy, replies were {} and {}",
            calls.len(),
            bare.len(),
            behind.len(),
            direct.len(),
            proxied.len()
        );
        for (index, name) in calls.iter().enumerate() {
            let described = || format!("call {index}, {name}");
            let fixture = Fixture::named(name)?;
            let (direct, proxied) = (&direct[index], &proxied[index]);
            same_reply(direct, proxied, &fixture).with_context(described)?;
            same_request(&bare[index], &behind[index]).with_context(described)?;
        }
        let expected: Vec<Fixture> = calls
            .iter()
            .map(|name| Fixture::named(name))
            .collect::<Result<_>>()?;
        let dashboard = self.hub.ports.dashboard;
        eventually(ARRIVAL, || recorded(dashboard, &expected))?;
        self.hub.stop()?;
        Ok(Tests::passed(cases.len() + 1))
    }
}

/// The providers that the clients use, each at its own place among the stand-ins.
fn upstreams(providers: &Providers) -> String {
    let places = [
        ("openai", "/v1"),
        ("anthropic", ""),
        ("gemini", ""),
        ("ollama", ""),
        ("groq", "/openai/v1"),
        ("mistral", "/v1"),
        ("together", "/v1"),
        ("openrouter", "/api/v1"),
    ];
    let lines = places
        .iter()
        .map(|(name, path)| format!("    {name}:\n      base_url: {}\n", providers.url(path)));
    lines.collect()
}

/// A case as the client tells it.
struct Case {
    calls: Vec<String>,
}

/// Reads what the client prints, and checks that the SDKs made the same of the answers either way.
fn cases(output: &str) -> Result<Vec<Case>> {
    let lines = output.lines().filter(|line| line.starts_with("{\"case\""));
    let mut cases = Vec::new();
    for line in lines {
        let case: Value = serde_json::from_str(line)?;
        let name = case["case"].as_str().unwrap_or("");
        println!("   {name}");
        ensure!(
            case["direct"] == case["proxied"] && case["direct"][0] != "failed",
            "{name}: directly {}, by the proxy {}",
            case["direct"],
            case["proxied"]
        );
        let calls = case["calls"].as_array().context("no calls")?;
        let calls = calls.iter().filter_map(Value::as_str);
        cases.push(Case {
            calls: calls.map(str::to_owned).collect(),
        });
    }
    ensure!(!cases.is_empty(), "the client printed no case\n{output}");
    Ok(cases)
}

fn same_reply(direct: &Exchange, proxied: &Exchange, fixture: &Fixture) -> Result<()> {
    ensure!(
        direct.status == proxied.status,
        "status {} directly, {} by the proxy",
        direct.status,
        proxied.status
    );
    let (before, after) = (
        kept(&direct.headers, &OF_REPLIES),
        kept(&proxied.headers, &OF_REPLIES),
    );
    ensure!(
        before == after,
        "headers of the reply are {before:?} directly, {after:?} by the proxy"
    );
    // How much of a stream came before the client left is chance.
    if fixture.is_abandoned {
        return Ok(());
    }
    ensure!(
        direct.is_whole == proxied.is_whole,
        "the reply is whole: {} directly, {} by the proxy",
        direct.is_whole,
        proxied.is_whole
    );
    same_bytes("reply", &direct.body, &proxied.body)
}

fn same_request(direct: &Seen, proxied: &Seen) -> Result<()> {
    let line = |seen: &Seen| format!("{} {}", seen.method, seen.path);
    ensure!(
        line(direct) == line(proxied),
        "the provider got {} directly, {} by the proxy",
        line(direct),
        line(proxied)
    );
    // A stream whose usage the proxy asks for, to take it out again, must come in plain text.
    let is_asked = has(&proxied.body, b"stream_options") && !has(&direct.body, b"stream_options");
    let headers = |seen: &Seen| {
        let all = seen.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let value = without_boundary(&value, seen);
            // A key of Anthropic's as a bearer token comes where Anthropic has it.
            match value.strip_prefix("Bearer sk-ant-api") {
                Some(key) => ("x-api-key".to_owned(), format!("sk-ant-api{key}")),
                None => (name.to_string(), value),
            }
        });
        let all = all.filter(|(name, _)| !(is_asked && name == "accept-encoding"));
        kept(&all.collect::<Vec<_>>(), &OF_REQUESTS)
    };
    ensure!(
        headers(direct) == headers(proxied),
        "the provider got the headers {:?} directly, {:?} by the proxy",
        headers(direct),
        headers(proxied)
    );
    same_bytes("request", &asked(direct)?, &asked(proxied)?)
}

/// A request's body. What the proxy asks of streams on its own account is left out; so is what separates the parts of a form,
/// which clients make up.
fn asked(seen: &Seen) -> Result<Vec<u8>> {
    let is_stream = has(&seen.body, b"stream_options");
    if is_stream || has(&seen.body, b"\"stream\"") {
        let mut body: Value = serde_json::from_slice(&seen.body)?;
        if let Some(fields) = body.as_object_mut() {
            fields.remove("stream_options");
        }
        return Ok(body.to_string().into_bytes());
    }
    let text = String::from_utf8_lossy(&seen.body);
    Ok(without_boundary(&text, seen).into_bytes())
}

fn without_boundary(text: &str, seen: &Seen) -> String {
    let kind = seen.headers.get("content-type");
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("");
    match kind.split_once("boundary=") {
        Some((_, boundary)) => text.replace(boundary.trim_matches('"'), "BOUNDARY"),
        None => text.to_owned(),
    }
}

fn has(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted)
}

fn kept(headers: &[(String, String)], but: &[&str]) -> Vec<(String, String)> {
    let mut kept: Vec<(String, String)> = headers
        .iter()
        .filter(|(name, _)| !but.contains(&name.as_str()))
        .cloned()
        .collect();
    kept.sort();
    kept
}

fn same_bytes(what: &str, direct: &[u8], proxied: &[u8]) -> Result<()> {
    if direct == proxied {
        return Ok(());
    }
    let pairs = direct.iter().zip(proxied);
    let same = pairs.take_while(|(one, other)| one == other).count();
    let near = |bytes: &[u8]| {
        let from = same.saturating_sub(60);
        let piece = bytes.get(from..(same + 100).min(bytes.len()));
        String::from_utf8_lossy(piece.unwrap_or_default()).into_owned()
    };
    bail!(
        "the {what} differs at byte {same} of {} and {}\n directly: {:?}\n by proxy: {:?}",
        direct.len(),
        proxied.len(),
        near(direct),
        near(proxied)
    )
}

/// The hub shows every call that has a model, in order, as its fixture says.
fn recorded(dashboard: u16, expected: &[Fixture]) -> Result<()> {
    let answer = http::get(dashboard, "/api/llm/calls?kind=all&limit=500")?.json()?;
    let mut rows: Vec<&Value> = answer["calls"]
        .as_array()
        .context("no calls")?
        .iter()
        .collect();
    rows.sort_by_key(|row| {
        let start = row["startNano"].as_str().unwrap_or("");
        start.parse::<u64>().unwrap_or_default()
    });
    let mut wanted = expected.iter().filter(|fixture| fixture.is_call());
    let rows = rows.into_iter().filter(|row| fixtures::is_compared(row));
    let mut count = 0;
    for row in rows {
        let fixture = wanted
            .next()
            .with_context(|| format!("one call too many: {row}"))?;
        fixture
            .must_be(row)
            .with_context(|| format!("recorded call {count}"))?;
        count += 1;
    }
    let missing = wanted.count();
    ensure!(
        missing == 0,
        "{missing} calls are not recorded, {count} are"
    );
    Ok(())
}
