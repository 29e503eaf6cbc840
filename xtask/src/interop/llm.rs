//! Calls of a language model through the hub's proxy: Phoenix shows them as generations, with all that it has a place for.
//!
//! The model is a program here that answers as OpenAI does, whole and streamed. No key that goes through is found again.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::Setting;
use super::server::phoenix::Phoenix;
use crate::hub::Ports;
use crate::process::eventually;
use crate::steps::{Steps, Tests};
use crate::{http, workspace};

/// A key that nobody but the model may see.
const KEY: &str = "sk-proj-7f3A9b2C5d8E1f4A7b0C3d6E9f2A5b8C";

/// The proxy records, the hub forwards to Phoenix by its preset.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    steps.run("calls of a model to Phoenix", |_| calls_to_phoenix(setting));
}

/// Scenario: a whole and a streamed call with tools, session, user and tags go through the proxy to a model.
/// Guarantee: Phoenix has two generations with models, messages, tools, tokens, cost, session, user and tags, and no key.
fn calls_to_phoenix(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/llm")?;
    let phoenix = Phoenix::start(setting, &directory)?;
    let model = TcpListener::bind("127.0.0.1:0")?;
    let base = format!("http://{}/v1", model.local_addr()?);
    std::thread::spawn(move || model.incoming().flatten().try_for_each(answer));
    let ports = Ports::free()?;
    // The proxy feeds every pipeline.
    let configuration = format!(
        "llm:\n  providers:\n    openai:\n      base_url: {base}\n{}\
         exporters:\n  phoenix:\n    endpoint: http://127.0.0.1:{}\n    project: llm\n\
         service:\n  pipelines:\n    traces:\n      receivers: [otlp]\n      exporters: [phoenix]\n",
        ports.receivers(),
        phoenix.http
    );
    let hub = setting.start_hub(&directory, ports, &configuration)?;
    for is_streamed in [false, true] {
        call(ports.proxy, is_streamed)?;
    }
    let spans = eventually(Duration::from_secs(30), || {
        let answer = http::get(phoenix.http, "/v1/projects/llm/spans?limit=10")?.json()?;
        let spans = answer["data"].as_array().cloned().unwrap_or_default();
        ensure!(spans.len() == 2, "Phoenix has {} of 2 spans", spans.len());
        Ok(spans)
    })?;
    for span in &spans {
        check(span).with_context(|| format!("{span:#}"))?;
    }
    let cost = eventually(Duration::from_secs(30), || cost(&phoenix))?;
    // Twice what its own table says of 200 fresh, 1,000 cached and 80 written tokens.
    ensure!(
        (cost - 2.0 * 0.00255).abs() < 1e-9,
        "Phoenix says that it cost {cost}"
    );
    hub.stop()?;
    Ok(Tests::passed(3))
}

/// Asks the model through the proxy.
fn call(proxy: u16, is_streamed: bool) -> Result<()> {
    let body = json!({
        "model": "gpt-4o", "stream": is_streamed, "temperature": 0.5,
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}],
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": format!("Rain? My key is {KEY}.")}],
    });
    let authorization = format!("Bearer {KEY}");
    let headers = [
        ("content-type", "application/json"),
        ("authorization", authorization.as_str()),
        ("x-fanlight-session", "session-1"),
        ("x-fanlight-user", "alice"),
        ("x-fanlight-tags", "env:prod, shop"),
    ];
    let body = body.to_string();
    let answer = http::request(
        proxy,
        "POST",
        "/v1/chat/completions",
        &headers,
        body.as_bytes(),
    )?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    ensure!(answer.text().contains("weather"), "{}", answer.text());
    // What was used was asked for by the proxy, and is not for the client.
    ensure!(!is_streamed || !answer.text().contains("prompt_tokens"));
    Ok(())
}

/// Whether Phoenix has everything of a call.
fn check(span: &Value) -> Result<()> {
    ensure!(span["span_kind"] == "LLM" && span["status_code"] == "UNSET");
    let attributes = &span["attributes"];
    for (key, expected) in [
        ("llm.model_name", json!("gpt-4o")),
        ("llm.provider", json!("openai")),
        ("llm.token_count.prompt", json!(1200)),
        ("llm.token_count.completion", json!(80)),
        ("llm.token_count.total", json!(1280)),
        ("llm.token_count.prompt_details.cache_read", json!(1000)),
        ("llm.input_messages.0.message.role", json!("system")),
        ("llm.input_messages.1.message.role", json!("user")),
        ("llm.output_messages.0.message.role", json!("assistant")),
        (
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.name",
            json!("weather"),
        ),
        ("session.id", json!("session-1")),
        ("user.id", json!("alice")),
        ("tag.tags", json!(["env:prod", "shop"])),
        ("gen_ai.usage.cost", json!(0.00255)),
    ] {
        let found = &attributes[key];
        ensure!(*found == expected, "{key} is {found}, expected {expected}");
    }
    let text = span.to_string();
    ensure!(
        text.contains("Rain? My key is [redacted]."),
        "the question is not there"
    );
    ensure!(text.contains("Let me see."), "the answer is not there");
    ensure!(!text.contains(KEY), "the key is there");
    Ok(())
}

/// What Phoenix computes that the project's calls cost.
fn cost(phoenix: &Phoenix) -> Result<f64> {
    let query = json!({"query": "{projects{edges{node{name costSummary{total{cost}}}}}}"});
    let headers = [("content-type", "application/json")];
    let body = query.to_string();
    let answer =
        http::request(phoenix.http, "POST", "/graphql", &headers, body.as_bytes())?.json()?;
    let projects = answer["data"]["projects"]["edges"]
        .as_array()
        .into_iter()
        .flatten();
    let mut nodes = projects.map(|edge| &edge["node"]);
    let project = nodes.find(|node| node["name"] == "llm");
    let cost = project.and_then(|project| project["costSummary"]["total"]["cost"].as_f64());
    cost.filter(|cost| *cost > 0.0)
        .with_context(|| format!("no cost in {answer}"))
}

/// Answers one request as OpenAI does.
fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line
            .trim()
            .to_ascii_lowercase()
            .strip_prefix("content-length:")
        {
            Some(stated) => length = stated.trim().parse().unwrap_or_default(),
            None if line.trim().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (content_type, said) = match asked["stream"].as_bool() {
        Some(true) => ("text/event-stream", streamed()),
        _ => ("application/json", whole().to_string()),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        said.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(said.as_bytes())
}

fn usage() -> Value {
    json!({"prompt_tokens": 1200, "completion_tokens": 80, "total_tokens": 1280, "prompt_tokens_details": {"cached_tokens": 1000}})
}

fn whole() -> Value {
    let function = json!({"name": "weather", "arguments": "{\"city\":\"Paris\"}"});
    let call = json!({"id": "c1", "type": "function", "function": function});
    let message = json!({"role": "assistant", "content": "Let me see.", "tool_calls": [call]});
    let choice = json!({"index": 0, "finish_reason": "tool_calls", "message": message});
    json!({"id": "chatcmpl-1", "model": "gpt-4o-2024-08-06", "choices": [choice], "usage": usage()})
}

fn streamed() -> String {
    let delta = |delta: Value, reason: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        json!({"id": "chatcmpl-1", "model": "gpt-4o-2024-08-06", "choices": [choice]})
    };
    let function = json!({"name": "weather", "arguments": ""});
    let arguments = json!({"arguments": "{\"city\":\"Paris\"}"});
    let events = [
        delta(
            json!({"role": "assistant", "content": "Let me "}),
            Value::Null,
        ),
        delta(json!({"content": "see."}), Value::Null),
        delta(
            json!({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]}),
            Value::Null,
        ),
        delta(
            json!({"tool_calls": [{"index": 0, "function": arguments}]}),
            Value::Null,
        ),
        delta(json!({}), json!("tool_calls")),
        json!({"id": "chatcmpl-1", "model": "gpt-4o-2024-08-06", "choices": [], "usage": usage()}),
    ];
    let events = events.iter().map(|event| format!("data: {event}\n\n"));
    events.chain(["data: [DONE]\n\n".to_owned()]).collect()
}
