//! Clients that nobody here wrote send to a running hub; what they sent is looked for in its `file` exporter, in the
//! dashboard's API and in the page.

mod browser;
mod dashboard_api;
mod environment;
mod llm;
mod node;
pub mod python;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::hub::{Hub, Ports};
use crate::otlp_json::Items;
use crate::process::eventually;
use crate::steps::{Steps, Tests};
use crate::{clients, workspace};

/// How long what was acknowledged may take to come out at the other end.
const ARRIVAL: Duration = Duration::from_secs(10);

/// Runs every case, or those whose name has a text in it.
pub fn run_all(steps: &mut Steps, hub: &Path, only: Option<&str>) {
    let mut step = |name: &str, work: &dyn Fn(&Steps) -> Result<Tests>| {
        if only.is_none_or(|text| name.contains(text)) {
            steps.run(name, work);
        }
    };
    step("Python clients: OpenTelemetry SDK, Logfire", &|steps| {
        let python = clients::Python::install(&steps.log("pip install"))?;
        python::run(&python, hub)
    });
    step("Node client, curl", &|steps| {
        let node = clients::Node::install(&steps.log("npm ci"))?;
        node::run(&node, hub)
    });
    step("environment only: forwarding without a file", &|steps| {
        let python = clients::Python::install(&steps.log("pip install"))?;
        environment::run(&python, hub)
    });
    step("SDKs of language models: Python", &|steps| {
        llm::python(hub, &steps.log("pip install"))
    });
    step("SDKs of language models: Node", &|steps| {
        llm::node(hub, &steps.log("npm ci"))
    });
    step("the page in a browser", &|steps| {
        let node = clients::Node::install(&steps.log("npm ci"))?;
        let python = clients::Python::install(&steps.log("pip install"))?;
        let chromium = clients::chromium(&steps.log("apt-get install chromium"))?;
        browser::run(&node, &python, &chromium, hub)
    });
    step("calls of language models in a browser", &|steps| {
        let node = clients::Node::install(&steps.log("npm ci"))?;
        let chromium = clients::chromium(&steps.log("apt-get install chromium"))?;
        browser::run_llm(&node, &chromium, hub)
    });
    step("the SDK's examples in a browser", &|steps| {
        let node = clients::Node::install(&steps.log("npm ci"))?;
        let chromium = clients::chromium(&steps.log("apt-get install chromium"))?;
        let examples = clients::examples("cost", &steps.log("cargo build"))?;
        browser::run_sdk(&node, &chromium, &examples, hub)
    });
}

/// One case's hub: the dashboard's store and a `file` exporter take everything it receives.
#[derive(Debug)]
pub struct Case {
    /// Where the case keeps its files.
    pub directory: PathBuf,
    /// The hub.
    pub hub: Hub,
}

impl Case {
    /// Starts a hub for a case.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(name: &str, binary: &Path) -> Result<Case> {
        let directory = workspace::emptied(&format!("xtask/end-to-end/{name}"))?;
        let ports = Ports::free()?;
        let configuration = format!(
            "{}{}dashboard: {{}}\n",
            ports.receivers(),
            file_exporter(&directory)
        );
        let hub = Hub::start(binary, &directory, ports, &configuration)?;
        Ok(Case { directory, hub })
    }

    /// Where a client records what was acknowledged.
    pub fn record(&self) -> PathBuf {
        self.directory.join("sent.jsonl")
    }

    /// What the client recorded.
    ///
    /// # Errors
    /// When the record can't be read.
    pub fn sent(&self) -> Result<Items> {
        let items = Items::from_lines(&std::fs::read_to_string(self.record())?)?;
        ensure!(items.len() > 0, "the client recorded nothing");
        Ok(items)
    }

    /// Waits until the hub has written at least so many items, and returns all.
    ///
    /// # Errors
    /// When they do not arrive.
    pub fn received(&self, at_least: usize) -> Result<Items> {
        arrived(&self.directory.join("received.jsonl"), at_least)
    }

    /// Checks that exactly what the client recorded came out, of the file and of the dashboard.
    ///
    /// # Errors
    /// Names the fields that differ.
    pub fn everything_came_out(&self) -> Result<Tests> {
        let sent = self.sent()?;
        self.received(sent.len())?.must_equal(&sent)?;
        eventually(ARRIVAL, || {
            dashboard_api::shows(self.hub.ports.dashboard, &sent)
        })?;
        Ok(Tests::passed(2))
    }
}

/// The `exporters:` section with a `file` exporter that writes to the case's directory.
pub fn file_exporter(directory: &Path) -> String {
    let path = directory.join("received.jsonl");
    format!(
        "exporters:\n  file:\n    path: {}\n    flush_interval: 50ms\n",
        path.display()
    )
}

/// Waits until a file of OTLP/JSON lines holds at least so many items, and returns all.
///
/// # Errors
/// When they do not arrive.
pub fn arrived(file: &Path, at_least: usize) -> Result<Items> {
    eventually(ARRIVAL, || {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        // The last line may be half written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let items = Items::from_lines(whole)?;
        ensure!(
            items.len() >= at_least,
            "{} of {at_least} items in {}",
            items.len(),
            workspace::shown(file)
        );
        Ok(items)
    })
}
