//! Pyroscope behind the hub: the golden profiles are read back from its query API.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanlight_otlp::Signal;
use serde_json::Value;

use super::Setting;
use super::golden::Golden;
use super::server::pyroscope::Pyroscope;
use crate::hub::Ports;
use crate::process::eventually;
use crate::steps::{Steps, Tests};
use crate::{http, workspace};

/// A query, and the stacks that it finds: the outermost function first, and what they have in all.
type Expected = (&'static str, &'static [(&'static str, i64)]);

/// What Pyroscope makes of the golden profiles. A stack without functions is one of addresses; a zero adds nothing.
const EXPECTED: [Expected; 3] = [
    (
        r#"process_cpu:cpu:nanoseconds:cpu:nanoseconds{service_name="checkout",host_name="node-1",deployment_environment_name="prüfung"}"#,
        &[
            ("main;main;pay::charge", 30_000_000),
            ("main;Grüße 世界", 10_000_000),
        ],
    ),
    (
        r#"space:space:bytes::{service_name="checkout",service_namespace="shop"}"#,
        &[("main;main;pay::charge", 1024)],
    ),
    (
        r#"process_cpu:cpu:nanoseconds::{service_name="stock"}"#,
        &[("main;Grüße 世界", 2)],
    ),
];

/// The hub pushes profiles to Pyroscope.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    steps.run("hub to Pyroscope: push", |_| hub_to_pyroscope(setting));
}

/// Scenario: the hub pushes the golden profiles to Pyroscope.
/// Guarantee: each profile is found under its name, type and labels, with every stack and value.
fn hub_to_pyroscope(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/pyroscope-push")?;
    let pyroscope = Pyroscope::start(setting, &directory)?;
    let ports = Ports::free()?;
    let configuration = format!(
        "{}exporters:\n  pyroscope:\n    endpoint: http://127.0.0.1:{}\nservice:\n  pipelines:\n    profiles:\n      receivers: [otlp]\n      exporters: [pyroscope]\n",
        ports.receivers(),
        pyroscope.http
    );
    let hub = setting.start_hub(&directory, ports, &configuration)?;
    Golden::send(Signal::Profiles, ports)?;
    for (query, expected) in EXPECTED {
        let expected: BTreeMap<String, i64> = expected
            .iter()
            .map(|(stack, value)| ((*stack).to_owned(), *value))
            .collect();
        eventually(Duration::from_secs(30), || {
            let found = stacks(&pyroscope, query)?;
            ensure!(found == expected, "{query} finds {found:?}");
            Ok(())
        })?;
    }
    hub.stop()?;
    Ok(Tests::passed(EXPECTED.len()))
}

/// The stacks that a query finds, with their own values.
fn stacks(pyroscope: &Pyroscope, query: &str) -> Result<BTreeMap<String, i64>> {
    let query: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path = format!("/pyroscope/render?query={query}&from=now-15m&until=now&format=json");
    let answer = http::get(pyroscope.http, &path)?.json()?;
    let bearer = &answer["flamebearer"];
    let names: Vec<&str> = bearer["names"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let levels: Vec<Vec<Block>> = bearer["levels"]
        .as_array()
        .context("no levels")?
        .iter()
        .map(blocks)
        .collect();
    let mut stacks = BTreeMap::new();
    for (depth, level) in levels.iter().enumerate() {
        for block in level.iter().filter(|block| block.own > 0) {
            // Whoever covers its beginning in the levels above called it; the first level is the total.
            let callers = levels.iter().take(depth).skip(1).filter_map(|level| {
                let mut level = level.iter();
                level.find(|above| above.start <= block.start && block.start < above.end)
            });
            let stack: Vec<&str> = callers
                .chain([block])
                .filter_map(|block| names.get(block.name).copied())
                .collect();
            *stacks.entry(stack.join(";")).or_default() += block.own;
        }
    }
    Ok(stacks)
}

/// A function within a level of a flame graph.
struct Block {
    start: i64,
    end: i64,
    own: i64,
    name: usize,
}

/// A level is a list of four numbers for each block: its distance from the one before, its width, its own, its name.
fn blocks(level: &Value) -> Vec<Block> {
    let numbers: Vec<i64> = level
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_i64)
        .collect();
    let mut end = 0;
    let (parts, _) = numbers.as_chunks::<4>();
    parts
        .iter()
        .map(|[distance, width, own, name]| {
            let start = end + distance;
            end = start + width;
            Block {
                start,
                end,
                own: *own,
                name: usize::try_from(*name).unwrap_or(usize::MAX),
            }
        })
        .collect()
}
