//! A browser opens the page, sees a trace arrive, and opens it.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::Case;
use crate::clients::{Node, Python};
use crate::process::run_within;
use crate::steps::Tests;
use crate::workspace;

const LIMIT: Duration = Duration::from_secs(120);

/// Scenario: the page is open, empty, when the SDK sends traces, logs and metrics to the hub.
/// Guarantee: the trace appears without a reload; its waterfall shows spans, attributes, events and logs; the metrics
/// are listed; nothing is written to the browser's console as an error.
pub(super) fn run(node: &Node, python: &Python, chromium: &Path, binary: &Path) -> Result<Tests> {
    let case = Case::start("browser", binary)?;
    let pictures = workspace::emptied("screenshots")?;
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
    let output = run_within(&mut browser, &case.directory.join("browser.log"), LIMIT)?;
    for line in output.lines() {
        println!("   {line}");
    }
    println!("   pictures in {}", workspace::shown(&pictures));
    case.hub.stop()?;
    Ok(Tests::ONE)
}
