//! The SDK's examples, which are real programs, send to the hub, to Jaeger and to a strict fake of Langfuse. Each runs to its
//! normal end, after which everything that it did must be there: spans under the right parents, log records, metrics.

mod told;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanlight_otlp::{Batch, Signal, json as otlp_json};
use fanlight_testkit::fakes::otlp_services::OTLP_SERVICES;
use serde_json::Value;

use super::Setting;
use super::carried::{attributes, text};
use super::jaeger::Jaeger;
use crate::clients::{examples, without_telemetry_variables};
use crate::end_to_end::Case;
use crate::otlp_json::Items;
use crate::process::{eventually, run_within};
use crate::steps::{Steps, Tests};
use crate::{http, workspace};
use told::Told;

/// How long an example may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How long what was delivered may take to be shown.
const ARRIVAL: Duration = Duration::from_secs(10);
/// The key pair that the fake of Langfuse knows.
const LANGFUSE: &str = "Authorization=Basic cGstbGYtMTpzay1sZi0x";

/// What an example does: each span and log record by its name below those of its parents, and how many there are of it.
struct Example {
    name: &'static str,
    service: &'static str,
    arguments: &'static [&'static str],
    spans: &'static [(&'static str, usize)],
    logs: &'static [(&'static str, usize)],
    /// A metric that it counts.
    metric: Option<&'static str>,
}

const EXAMPLES: &[Example] = &[
    Example {
        name: "shop",
        service: "shop",
        arguments: &[],
        spans: &[
            ("a customer wants {item}", 2),
            ("a customer wants {item} > GET", 2),
            ("a customer wants {item} > GET > GET /orders/{item}", 2),
            (
                "a customer wants {item} > GET > GET /orders/{item} > GET",
                2,
            ),
            (
                "a customer wants {item} > GET > GET /orders/{item} > GET > GET /stock/{item}",
                2,
            ),
        ],
        logs: &[(
            "a customer wants {item} > GET > GET /orders/{item} > sold {item}",
            1,
        )],
        metric: Some("shop.orders"),
    },
    Example {
        name: "worker",
        service: "worker",
        arguments: &["8"],
        spans: &[
            ("upload {picture}", 8),
            ("upload {picture} > shrink {picture}", 8),
            ("upload {picture} > shrink {picture} > decode", 8),
            ("upload {picture} > shrink {picture} > encode", 8),
        ],
        logs: &[
            (
                "upload {picture} > shrink {picture} > encode > half of {megabytes} MB is left",
                8,
            ),
            (
                "upload {picture} > shrink {picture} > {picture} is large",
                2,
            ),
        ],
        metric: None,
    },
    Example {
        name: "threads",
        service: "threads",
        arguments: &["1000"],
        spans: &[
            ("count primes below {limit}", 1),
            (
                "count primes below {limit} > count from {start} to {end}",
                4,
            ),
        ],
        logs: &[(
            "count primes below {limit} > count from {start} to {end} > found {found}",
            4,
        )],
        metric: Some("primes.found"),
    },
    Example {
        name: "count_files",
        service: "count_files",
        // There is nothing else in the crate's folder of examples.
        arguments: &["crates/fanlight/examples"],
        spans: &[("count {directory}", 1)],
        logs: &[],
        metric: Some("directory.files"),
    },
    Example {
        name: "roulette",
        service: "my_logfire_service",
        arguments: &[],
        spans: &[
            ("invoke_agent roulette_agent", 1),
            ("invoke_agent roulette_agent > chat gpt-4o", 2),
            (
                "invoke_agent roulette_agent > execute_tool roulette_wheel",
                1,
            ),
        ],
        logs: &[],
        metric: Some("gen_ai.client.token.usage"),
    },
];

/// Every example to every backend.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    for example in EXAMPLES {
        let name = example.name;
        steps.run(&format!("SDK to hub: {name}"), |_| to_hub(setting, example));
        steps.run(&format!("SDK to Langfuse: {name}"), |_| {
            to_langfuse(setting, example)
        });
    }
    steps.run("SDK to Jaeger", |_| to_jaeger(setting));
}

impl Example {
    /// Runs it to its end with these variables and no others of telemetry. Returns what it printed.
    fn run(
        &self,
        setting: &Setting,
        directory: &Path,
        variables: &[(&str, &str)],
    ) -> Result<String> {
        let programs = setting.program("the SDK's examples", |log| {
            examples("axum,reqwest,cost", log)
        })?;
        let mut command = Command::new(programs.join(self.name));
        without_telemetry_variables(&mut command);
        command
            .args(self.arguments)
            .current_dir(workspace::root())
            .env("HOME", directory)
            .env("LOGFIRE_CREDENTIALS_DIR", directory)
            .env_remove("XDG_STATE_HOME")
            .env_remove("OPENAI_API_KEY")
            .envs(variables.iter().copied());
        run_within(
            &mut command,
            &directory.join(format!("{}.log", self.name)),
            LIMIT,
        )
    }

    /// Checks that the spans are those that it makes; with its log records among them where they are spans.
    fn made(&self, told: &Told, logs_are_spans: bool) -> Result<()> {
        let logs = if logs_are_spans { self.logs } else { &[] };
        told.must_be(self.service, self.spans.iter().chain(logs))
    }
}

/// Scenario: an example runs with the hub as its only endpoint, which fans out to a file and the dashboard, and ends.
/// Guarantee: both have each span once, under its parent and its service's name, each log record in its span,
/// and the metric.
fn to_hub(setting: &Setting, example: &Example) -> Result<Tests> {
    let case = Case::start(&format!("sdk-{}", example.name), &setting.hub()?)?;
    let endpoint = case.hub.ports.endpoint("http/protobuf");
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint)];
    example.run(setting, &case.directory, &variables)?;
    eventually(ARRIVAL, || in_file(example, &case.received(1)?))?;
    eventually(ARRIVAL, || in_dashboard(example, case.hub.ports.dashboard))?;
    case.hub.stop()?;
    Ok(Tests::passed(2))
}

fn in_file(example: &Example, received: &Items) -> Result<()> {
    let told = Told::of(&received.only("spans"));
    example.made(&told, false)?;
    let logs = received.only("logRecords");
    let expected: usize = example.logs.iter().map(|(_, count)| count).sum();
    ensure!(
        logs.len() == expected,
        "{} of {expected} log records",
        logs.len()
    );
    for log in logs.values() {
        ensure!(told.has(&log["item"]), "{log} belongs to none of the spans");
    }
    if let Some(metric) = example.metric {
        let metrics = received.only("metrics");
        let is_there = metrics.values().any(|it| it["item"]["name"] == metric);
        ensure!(is_there, "no metric {metric}");
    }
    Ok(())
}

fn in_dashboard(example: &Example, port: u16) -> Result<()> {
    let page = http::get(port, "/api/traces")?.json()?;
    let mut told = Told::default();
    for trace in page["traces"].as_array().into_iter().flatten() {
        let id = trace["traceId"].as_str().context("a trace without an id")?;
        let trace = http::get(port, &format!("/api/traces/{id}"))?.json()?;
        for span in trace["spans"].as_array().into_iter().flatten() {
            told.add(&span["resource"], span);
        }
    }
    example.made(&told, false)
}

/// Scenario: every example runs with Jaeger as its only endpoint: once for all signals, of which Jaeger knows one, and once
/// for traces alone, as the documents advise.
/// Guarantee: Jaeger lists the service and has each span once, under its parent, after a normal end. Log records are spans
/// where only traces are sent; else the program is told at most once for each signal that Jaeger doesn't know.
fn to_jaeger(setting: &Setting) -> Result<Tests> {
    let binary = setting.jaeger()?;
    let mut passed = 0;
    for variable in [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ] {
        let is_for_traces = variable.contains("TRACES");
        let directory = workspace::emptied("interop/runs/sdk-jaeger")?;
        let jaeger = Jaeger::start(&binary, &directory)?;
        let base = jaeger.otlp.endpoint("http/protobuf");
        let path = if is_for_traces { "/v1/traces" } else { "" };
        for example in EXAMPLES {
            let endpoint = format!("{base}{path}");
            let printed = example.run(setting, &directory, &[(variable, &endpoint)])?;
            for signal in ["metrics", "logs"] {
                let told = printed.matches(&format!("/v1/{signal}")).count();
                ensure!(told <= 1, "{} is told too often:\n{printed}", example.name);
            }
            eventually(ARRIVAL, || {
                let ids: BTreeSet<String> = jaeger.traces_of(example.service)?;
                let told = Told::of(&jaeger.traces(&ids)?);
                example.made(&told, is_for_traces)
            })
            .with_context(|| format!("{} with {variable}", example.name))?;
            passed += 1;
        }
    }
    Ok(Tests::passed(passed))
}

/// Scenario: an example runs with the variables that Langfuse's documents give, against a fake that refuses what Langfuse does.
/// Guarantee: it is sent nothing but traces, refuses none of them, and has each span and log record once. Calls of models have
/// what makes them generations.
fn to_langfuse(setting: &Setting, example: &Example) -> Result<Tests> {
    let runtime = tokio::runtime::Runtime::new()?;
    let _entered = runtime.enter();
    let service = OTLP_SERVICES
        .iter()
        .find(|service| service.preset == "langfuse");
    let langfuse = service.context("the fake of Langfuse is gone")?.start();
    let endpoint = format!("http://{}/api/public/otel", langfuse.address);
    let directory = workspace::emptied(&format!("interop/runs/sdk-langfuse-{}", example.name))?;
    let printed = example.run(
        setting,
        &directory,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
            ("OTEL_EXPORTER_OTLP_HEADERS", LANGFUSE),
        ],
    )?;
    // Whatever a destination refuses, its answer is told.
    ensure!(!printed.contains("answered"), "{printed}");
    let mut items = Items::default();
    for request in langfuse.requests() {
        ensure!(request.path.ends_with("/v1/traces"), "{}", request.path);
        let body = request.plain().map_err(anyhow::Error::msg)?;
        let batch = Batch::decode(Signal::Traces, body.into())?;
        let line = String::from_utf8(otlp_json::to_vec(&batch)?)?;
        items = items.and(Items::from_lines(&line)?);
    }
    example.made(&Told::of(&items), true)?;
    let spans = items.values().map(|span| span["item"].clone());
    let mut generations: Vec<Value> = spans.filter(is_generation).collect();
    generations.sort_by_key(|span| span["startTimeUnixNano"].to_string());
    if example.name == "roulette" {
        rouletted(&generations)?;
    } else {
        ensure!(generations.is_empty(), "{generations:?}");
    }
    Ok(Tests::ONE)
}

/// What Langfuse shows as a call of a model: <https://langfuse.com/integrations/native/opentelemetry#property-mapping>.
fn is_generation(span: &Value) -> bool {
    attributes(span).contains_key("gen_ai.request.model")
}

/// The model is asked twice: first it calls the tool, then it answers.
fn rouletted(generations: &[Value]) -> Result<()> {
    ensure!(generations.len() == 2, "{generations:?}");
    for (generation, (input, output, answer)) in generations
        .iter()
        .zip([("81", "16", "roulette_wheel"), ("106", "3", "true")])
    {
        let attributes = attributes(generation);
        let of = |key: &str| attributes.get(key).map(text).unwrap_or_default();
        for (key, expected) in [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "openai"),
            ("gen_ai.request.model", "gpt-4o"),
            ("gen_ai.response.model", "gpt-4o-2024-08-06"),
            ("gen_ai.usage.input_tokens", input),
            ("gen_ai.usage.output_tokens", output),
        ] {
            ensure!(of(key) == expected, "{key} is {:?}", of(key));
        }
        let messages = |key: &str| -> Result<Value> {
            let messages = serde_json::from_str(&of(key));
            messages.with_context(|| format!("{key} is {:?}", of(key)))
        };
        let asked = messages("gen_ai.input.messages")?;
        for (message, role, said) in [
            (&asked[0], "system", "roulette_wheel"),
            (&asked[1], "user", "square eighteen"),
        ] {
            ensure!(
                message["role"] == role && message.to_string().contains(said),
                "{asked}"
            );
        }
        let answered = messages("gen_ai.output.messages")?;
        ensure!(answered.to_string().contains(answer), "{answered}");
    }
    Ok(())
}
