//! The program, and what it told.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use fanlight::{Backend, LogForm};
use fanlight_otlp::view::Value;
use fanlight_otlp::{Signal, SpanId, TraceId};
use tempfile::TempDir;

use crate::sink::Sink;

/// What the program does, by the variable SHOP.
pub(crate) fn main() {
    let Ok(kind) = env::var("SHOP") else { return };
    let sink = env::var("SINK").unwrap_or_default();
    let shop = fanlight::configure().service_name("shop");
    let guard = match kind.as_str() {
        "environment" => fanlight::start(),
        "jaeger" => shop.destination(Backend::jaeger().host(&sink)).start(),
        "langfuse" => shop
            .destination(Backend::langfuse("pk-lf-1", "sk-lf-2").host(&sink))
            .start(),
        "through a collector" => shop
            .destination(Backend::otlp(&sink).logfire_details(true))
            .start(),
        "logs as spans" => shop
            .destination(Backend::otlp(&sink).logs(LogForm::Spans))
            .start(),
        "twice" => return twice(&sink),
        "panic" => return panic_in_span(&sink),
        "ends" => return crate::ends::main(),
        "flush" => return crate::ends::flush(),
        "stay" => return crate::outages::stay(),
        "often" => return crate::outages::often(),
        other => return crate::snippets::main(other),
    };
    let guard = guard.expect("a configuration without mistakes");
    check_out();
    drop(guard);
}

/// A span with two children and a log record, and a metric.
pub(crate) fn check_out() {
    let order = 17;
    fanlight::span!("check out {order}").in_scope(|| {
        fanlight::span!("load", user.password = "hunter2").in_scope(|| {});
        fanlight::span!("pay").in_scope(|| fanlight::info!("paid {amount}", amount = 5));
    });
    fanlight::counter("shop.orders").build().add(1, ());
}

/// Starts a second time, without waiting for the first to end.
fn twice(sink: &str) {
    let start = |path| {
        let backend = Backend::jaeger().endpoint(format!("{sink}/{path}"));
        let shop = fanlight::configure().service_name("shop");
        shop.destination(backend).start().expect("no mistake")
    };
    let first = start("first");
    fanlight::span!("one").in_scope(|| {});
    let second = start("second");
    fanlight::span!("two").in_scope(|| {});
    drop(first);
    fanlight::span!("three").in_scope(|| {});
    drop(second);
    fanlight::span!("four").in_scope(|| {});
}

/// Panics in a span, and ends by unwinding.
fn panic_in_span(sink: &str) {
    let program = || {
        let backend = Backend::otlp(sink).logs(LogForm::Spans);
        let shop = fanlight::configure().service_name("shop");
        let _fanlight = shop.destination(backend).start().expect("no mistake");
        fanlight::span!("pay").in_scope(|| panic!("no card"));
    };
    std::panic::catch_unwind(program).expect_err("it panics");
}

/// Runs the program with these variables and no others. Returns what it wrote to standard error.
pub(crate) fn run(kind: &str, variables: &[(&str, &str)]) -> String {
    run_as("shop", kind, variables)
}

/// As [`run`], by another file name.
pub(crate) fn run_as(name: &str, kind: &str, variables: &[(&str, &str)]) -> String {
    let directory = home();
    let program = program(directory.path(), name);
    execute(program, kind, variables, directory.path())
}

/// As [`run`], with a home directory that outlives it.
pub(crate) fn run_in(home_directory: &Path, kind: &str, variables: &[(&str, &str)]) -> String {
    let directory = home();
    let program = program(directory.path(), "shop");
    execute(program, kind, variables, home_directory)
}

/// Where the program is, on the file system of the test's own.
fn home() -> TempDir {
    let tests = env::current_exe().unwrap();
    tempfile::tempdir_in(tests.parent().unwrap()).unwrap()
}

fn program(directory: &Path, name: &str) -> Command {
    let program = directory.join(name);
    fs::hard_link(env::current_exe().unwrap(), &program).unwrap();
    Command::new(program)
}

/// As [`run`], as a test that cargo built.
pub(crate) fn run_as_test(kind: &str, variables: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let tests = Command::new(env::current_exe().unwrap());
    execute(tests, kind, variables, directory.path())
}

fn execute(mut program: Command, kind: &str, variables: &[(&str, &str)], home: &Path) -> String {
    let begin = Instant::now();
    let output = prepare(&mut program, kind, variables, home)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    assert!(begin.elapsed() < Duration::from_secs(20), "{told}");
    told
}

fn prepare<'a>(
    program: &'a mut Command,
    kind: &str,
    variables: &[(&str, &str)],
    home: &Path,
) -> &'a mut Command {
    program
        .args(["program", "--exact", "--nocapture"])
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .env("SHOP", kind)
        .envs(variables.iter().copied())
}

/// The program while it runs.
pub(crate) struct Running {
    process: Child,
    lines: Lines<BufReader<ChildStderr>>,
    told: String,
    _home: TempDir,
}

impl Running {
    /// As [`run`], without waiting for its end.
    pub(crate) fn start(kind: &str, variables: &[(&str, &str)]) -> Running {
        let home = home();
        let mut program = program(home.path(), "shop");
        let mut process = prepare(&mut program, kind, variables, home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = process.stderr.take().unwrap();
        Running {
            process,
            lines: BufReader::new(errors).lines(),
            told: String::new(),
            _home: home,
        }
    }

    /// Waits until it tells something.
    pub(crate) fn wait_for(&mut self, text: &str) {
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            self.told = format!("{}{line}\n", self.told);
            if line.contains(text) {
                return;
            }
        }
        panic!("{text} is not told:\n{}", self.told);
    }

    /// Ends its standard input, and so the program. Returns what it told.
    pub(crate) fn end(mut self) -> String {
        drop(self.process.stdin.take());
        for line in self.lines {
            self.told = format!("{}{}\n", self.told, line.unwrap());
        }
        assert!(self.process.wait().unwrap().success(), "{}", self.told);
        self.told
    }
}

/// A span that a backend got.
#[derive(Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) service: String,
    pub(crate) trace: TraceId,
    pub(crate) id: SpanId,
    pub(crate) parent: SpanId,
    pub(crate) name: String,
    pub(crate) duration: u64,
    pub(crate) attributes: Vec<(String, String)>,
}

impl Told {
    pub(crate) fn attribute(&self, key: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == key)?;
        Some(&found.1)
    }
}

/// The spans that a backend got.
pub(crate) fn spans(sink: &Sink) -> Vec<Told> {
    let text = |value: Value<'_>| value.to_text().into_owned();
    let mut spans = Vec::new();
    for request in sink.requests() {
        let batch = request.batch();
        if batch.signal() != Signal::Traces {
            continue;
        }
        for resource in batch.resources() {
            let resource = resource.unwrap();
            let service = resource.attributes.get("service.name").unwrap();
            let service = service.map(text).unwrap_or_default();
            for span in resource.scopes().flat_map(|scope| scope.unwrap().spans()) {
                let span = span.unwrap();
                let attributes = span.attributes.iter().map(|pair| pair.unwrap());
                spans.push(Told {
                    service: service.clone(),
                    trace: span.trace_id,
                    id: span.span_id,
                    parent: span.parent_span_id,
                    name: span.name.to_owned(),
                    duration: span.end_time_unix_nano - span.start_time_unix_nano,
                    attributes: attributes
                        .map(|(key, value)| (key.to_owned(), text(value)))
                        .collect(),
                });
            }
        }
    }
    spans
}

/// The names of the spans, sorted.
pub(crate) fn names(sink: &Sink) -> Vec<String> {
    let mut names: Vec<_> = spans(sink).into_iter().map(|span| span.name).collect();
    names.sort();
    names
}

/// The paths that a backend was asked for.
pub(crate) fn paths(sink: &Sink) -> BTreeSet<String> {
    sink.requests()
        .into_iter()
        .map(|request| request.path)
        .collect()
}

/// What a header was in the requests of a backend, each value once.
pub(crate) fn header(sink: &Sink, name: &str) -> BTreeSet<String> {
    let requests = sink.requests();
    let values = requests.iter().filter_map(|request| request.header(name));
    values.map(str::to_owned).collect()
}

pub(crate) const BASE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
pub(crate) const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
pub(crate) const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
pub(crate) const TOKEN: &str = "LOGFIRE_TOKEN";
pub(crate) const LOGFIRE: &str = "LOGFIRE_BASE_URL";
pub(crate) const NAME: (&str, &str) = ("OTEL_SERVICE_NAME", "shop");
