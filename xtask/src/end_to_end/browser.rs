//! A browser opens the page, sees telemetry arrive, and visits every view.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::Case;
use crate::clients::{Node, Python, without_telemetry_variables};
use crate::hub::{Hub, Ports};
use crate::process::{free_port, run_within};
use crate::steps::Tests;
use crate::workspace;

const LIMIT: Duration = Duration::from_secs(600);

/// Scenario: the page is open, empty, when the SDK sends traces, logs and metrics to the hub.
/// Guarantee: the trace appears without a reload; its waterfall shows spans, attributes, events and logs; the metrics
/// are listed; nothing is written to the browser's console as an error.
pub(super) fn run(node: &Node, python: &Python, chromium: &Path, binary: &Path) -> Result<Tests> {
    let case = Case::start("browser", binary)?;
    let pictures = workspace::emptied("screenshots/page")?;
    let client = python.script("all_signals.py");
    let mut sender = vec![client.get_program().to_string_lossy().into_owned()];
    sender.extend(
        client
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned()),
    );
    sender.extend(["--protocol", "http/protobuf", "--endpoint"].map(str::to_owned));
    sender.extend([
        case.hub.ports.endpoint("http/protobuf"),
        "--record".to_owned(),
    ]);
    sender.push(case.record().display().to_string());
    let mut browser = node.script("browser/page.js");
    browser
        .arg(chromium)
        .arg(format!("http://127.0.0.1:{}", case.hub.ports.dashboard))
        .arg(&pictures);
    browser.arg(serde_json::to_string(&sender)?);
    visit(browser, case, &pictures)
}

/// Scenario: examples of the SDK sent to the hub; a person looks at their traces and log records on the page.
/// Guarantee: messages are where templates would be, with the template in the detail, and a model's calls show their usage.
pub(super) fn run_sdk(
    node: &Node,
    chromium: &Path,
    examples: &Path,
    binary: &Path,
) -> Result<Tests> {
    let case = Case::start("browser-sdk", binary)?;
    let pictures = workspace::emptied("screenshots/sdk")?;
    let endpoint = case.hub.ports.endpoint("http/protobuf");
    for (example, argument) in [("worker", Some("8")), ("roulette", None)] {
        let mut command = Command::new(examples.join(example));
        without_telemetry_variables(&mut command);
        command
            .args(argument)
            .env("HOME", &case.directory)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)
            .env_remove("OPENAI_API_KEY")
            .env_remove("XDG_STATE_HOME");
        let log = case.directory.join(format!("{example}.log"));
        run_within(&mut command, &log, LIMIT)?;
    }
    let mut browser = node.script("browser/sdk.js");
    browser
        .arg(chromium)
        .arg(format!("http://127.0.0.1:{}", case.hub.ports.dashboard))
        .arg(&pictures);
    visit(browser, case, &pictures)
}

/// Scenario: calls of language models in the words of several instrumentations reach a hub whose page is open, hostile and
/// huge ones among them; one goes through the hub's proxy, and is made again by the command that the page gives.
/// Guarantee: each page shows what was said, used and paid; nothing of it runs or is fetched; axe-core finds nothing.
pub(super) fn run_llm(node: &Node, chromium: &Path, binary: &Path) -> Result<Tests> {
    let directory = workspace::emptied("xtask/end-to-end/browser-llm")?;
    let (ports, proxy, upstream) = (Ports::free()?, free_port()?, free_port()?);
    let configuration = format!(
        "{}dashboard: {{}}\nllm:\n  endpoint: 127.0.0.1:{proxy}\n  providers:\n    openai:\n      base_url: http://127.0.0.1:{upstream}/v1\n",
        ports.receivers()
    );
    let hub = Hub::start(binary, &directory, ports, &configuration)?;
    let case = Case { directory, hub };
    let pictures = workspace::emptied("screenshots/llm")?;
    let mut browser = node.script("browser/llm.js");
    browser
        .arg(chromium)
        .arg(format!("http://127.0.0.1:{}", case.hub.ports.dashboard))
        .arg(&pictures)
        .arg(upstream.to_string());
    visit(browser, case, &pictures)
}

/// Runs a browser's script, which takes pictures, and shows what it says.
fn visit(mut browser: Command, case: Case, pictures: &Path) -> Result<Tests> {
    let output = run_within(&mut browser, &case.directory.join("browser.log"), LIMIT)?;
    for line in output.lines() {
        println!("   {line}");
    }
    println!("   pictures in {}", workspace::shown(pictures));
    case.hub.stop()?;
    Ok(Tests::ONE)
}
