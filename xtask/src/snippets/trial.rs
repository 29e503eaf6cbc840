//! One snippet's trial: `fanlight check`, then a short `fanlight serve` with one item of each signal.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::classify::Kind;
use super::markdown::Block;
use super::redirect;
use crate::check::cargo_command;
use crate::clients::without_telemetry_variables;
use crate::hub::{Hub, Ports};
use crate::process::{Background, eventually, finish, free_port, run};
use crate::steps::Steps;
use crate::{http, workspace};

/// Requests with one item, by path.
const ITEMS: [(&str, &str); 4] = [
    ("/v1/traces", include_str!("items/traces.json")),
    ("/v1/metrics", include_str!("items/metrics.json")),
    ("/v1/logs", include_str!("items/logs.json")),
    (
        "/v1development/profiles",
        include_str!("items/profiles.json"),
    ),
];

/// How long an item may be on its way.
const ARRIVAL: Duration = Duration::from_secs(15);

/// How a trial ended.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It was accepted, and did what it says.
    Ok {
        /// How many requests came to the sink.
        delivered: usize,
    },
    /// `fanlight check` refused it, with this message.
    Refused(String),
    /// It was accepted, and then did not work.
    Broken(String),
    /// It is no configuration of ours.
    NotOurs,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Ok { delivered } => write!(f, "ok, {delivered} requests at the sink"),
            Verdict::Refused(message) => {
                write!(f, "refused: {}", message.replace('\n', "\n          "))
            }
            Verdict::Broken(message) => write!(f, "accepted, then: {message}"),
            Verdict::NotOurs => f.write_str("not ours"),
        }
    }
}

/// A destination for everything: OTLP over gRPC and HTTP, any path, on one port.
#[derive(Debug)]
pub(super) struct Sink {
    port: u16,
    _process: Background,
}

impl Sink {
    /// Builds and starts it.
    pub(super) fn start(steps: &Steps) -> Result<Sink> {
        run(
            &mut cargo_command(&["build", "--package", "fanlight-load"]),
            &steps.log("cargo build fanlight-load"),
        )?;
        let port = free_port()?;
        let mut command = Command::new(workspace::target().join("debug/fanlight-load"));
        command.args(["sink", "--listen", &format!("127.0.0.1:{port}")]);
        let mut process = Background::spawn(&mut command, &steps.log("sink"))?;
        eventually(Duration::from_secs(10), || {
            process.still_running()?;
            http::get(port, "/stats")
        })?;
        Ok(Sink {
            port,
            _process: process,
        })
    }

    fn requests(&self) -> Result<usize> {
        let stats = http::get(self.port, "/stats")?.json()?;
        Ok(stats["requests"].as_u64().unwrap_or(0) as usize)
    }
}

/// Runs the trial of a block.
///
/// # Errors
/// When the harness itself fails; what the snippet does is in the verdict.
pub(super) fn of(
    block: &Block,
    kind: &Kind,
    binary: &Path,
    sink: &Sink,
    place: &str,
) -> Result<Verdict> {
    let directory = workspace::emptied(&format!("xtask/snippets/{}", place.replace(' ', "-")))?;
    let ports = Ports::free()?;
    let trial = Trial {
        binary,
        sink,
        directory,
        ports,
    };
    match kind {
        Kind::NotOurs(_) => Ok(Verdict::NotOurs),
        Kind::Collector { sections, .. } => trial.file(&redirect::collector(
            &block.text,
            sections,
            ports,
            sink.port,
        )?),
        Kind::OtlpSection => {
            let mut redirected = redirect::otlp_section(&block.text, sink.port);
            redirected.text.push_str(&ports.receivers());
            trial.file(&redirected)
        }
        Kind::Environment => trial.environment(&redirect::environment(&block.text, sink.port)),
    }
}

struct Trial<'a> {
    binary: &'a Path,
    sink: &'a Sink,
    directory: PathBuf,
    ports: Ports,
}

impl Trial<'_> {
    fn file(&self, redirected: &redirect::Redirected) -> Result<Verdict> {
        let file = self.directory.join("snippet.yaml");
        std::fs::write(&file, &redirected.text)?;
        let mut variables: Vec<(String, String)> = redirect::variables(&redirected.text)
            .into_iter()
            .map(|name| (name, "placeholder".to_owned()))
            .collect();
        variables.extend(self.credentials());
        let check = |command: &mut Command| {
            command.arg("--config").arg(&file);
        };
        if let Some(refusal) = self.check(check, &variables)? {
            return Ok(Verdict::Refused(refusal));
        }
        if redirected.is_foreign {
            return Ok(Verdict::Ok { delivered: 0 });
        }
        let hub = Hub::from_file(self.binary, &self.directory, self.ports, &file, &variables);
        self.deliver(hub, redirected.hosts, &redirected.scraped)
    }

    /// What vendors' SDKs read, so that no exporter asks this machine's environment or a metadata server.
    fn credentials(&self) -> Vec<(String, String)> {
        let connection = format!(
            "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=http://127.0.0.1:{}",
            self.sink.port
        );
        [
            ("APPLICATIONINSIGHTS_CONNECTION_STRING", &*connection),
            ("AWS_ACCESS_KEY_ID", "placeholder"),
            ("AWS_SECRET_ACCESS_KEY", "placeholder"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// All groups must work; the verdict is of the first that does not.
    fn environment(&self, groups: &[Vec<(String, String)>]) -> Result<Verdict> {
        let mut delivered = 0;
        for group in groups {
            let variables = evaluated(group)?;
            if let Some(refusal) = self.check(|_| {}, &variables)? {
                return Ok(Verdict::Refused(refusal));
            }
            let hub = Hub::from_environment(self.binary, &self.directory, self.ports, &variables);
            match self.deliver(hub, 1, &[])? {
                Verdict::Ok { delivered: more } => delivered += more,
                worse => return Ok(worse),
            }
        }
        Ok(Verdict::Ok { delivered })
    }

    fn check(
        &self,
        set_up: impl FnOnce(&mut Command),
        variables: &[(String, String)],
    ) -> Result<Option<String>> {
        let mut command = Command::new(self.binary);
        without_telemetry_variables(&mut command);
        command
            .arg("check")
            .arg("--data-dir")
            .arg(self.directory.join("data"))
            .current_dir(&self.directory);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        set_up(&mut command);
        let (status, output) = finish(
            &mut command,
            &self.directory.join("check.log"),
            Duration::from_secs(20),
        )?;
        Ok((!status.success()).then(|| output.trim().to_owned()))
    }

    /// Sends one item of each signal; each destination must take a request, each page show the metric.
    fn deliver(&self, hub: Result<Hub>, hosts: usize, scraped: &[u16]) -> Result<Verdict> {
        let hub = match hub {
            Ok(hub) => hub,
            Err(error) => return Ok(Verdict::Broken(format!("{error:#}"))),
        };
        let before = self.sink.requests()?;
        let answers = ITEMS.map(|(path, body)| {
            let headers = [("content-type", "application/json")];
            http::request(hub.ports.http, "POST", path, &headers, body.as_bytes())
        });
        let is_accepted = |answer: &Result<http::Answer>| {
            answer.as_ref().is_ok_and(|answer| answer.status == 200)
        };
        if !answers.iter().any(is_accepted) {
            return Ok(Verdict::Broken(format!(
                "no signal is accepted: {answers:?}"
            )));
        }
        let arrived = eventually(ARRIVAL, || {
            scraped.iter().try_for_each(|port| shows_metric(*port))?;
            all_healthy(hub.ports.metrics)
        });
        // Stopping drains, so everything has come when it has ended.
        if let Err(error) = arrived.and_then(|()| hub.stop()) {
            return Ok(Verdict::Broken(format!("{error:#}")));
        }
        let delivered = self.sink.requests()? - before;
        match delivered >= hosts {
            true => Ok(Verdict::Ok { delivered }),
            false => Ok(Verdict::Broken(format!(
                "{delivered} requests came to the sink, of {hosts} destinations"
            ))),
        }
    }
}

/// Every exporter has sent something, and its destination took it. The hub's own store is none, and keeps no profiles.
fn all_healthy(metrics: u16) -> Result<()> {
    let answer = http::get(metrics, "/readyz")?.text();
    let status: serde_json::Value = serde_json::from_str(&answer)?;
    let exporters = status["exporters"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let waits =
        |exporter: &&serde_json::Value| exporter["id"] != "store" && exporter["state"] != "healthy";
    match exporters.iter().find(waits) {
        Some(exporter) => bail!("{exporter}"),
        None => Ok(()),
    }
}

fn shows_metric(port: u16) -> Result<()> {
    let page = http::get(port, "/metrics")?.text();
    ensure!(
        page.contains("tries_total"),
        "the page has no metric: {page}"
    );
    Ok(())
}

/// The values as a shell gives them to the hub: without quotes, and with `$(...)` replaced.
fn evaluated(group: &[(String, String)]) -> Result<Vec<(String, String)>> {
    let mut values = Vec::new();
    for (name, value) in group {
        let output = Command::new("bash")
            .args(["-c", &format!("printf %s {value}")])
            .output()?;
        values.push((
            name.clone(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        ));
    }
    Ok(values)
}
