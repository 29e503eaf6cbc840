//! Nothing acknowledged is lost: not when a destination is down, not when the hub is killed.
//!
//! The ledger is the client's record of what was acknowledged; every item in it must come out at the destination. Items
//! that were not acknowledged may come out too, and any may come twice: delivery is at least once.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::Setting;
use super::collector::{Collector, send_all};
use crate::end_to_end::arrived;
use crate::hub::Ports;
use crate::otlp_json::Items;
use crate::process::{Background, eventually};
use crate::steps::{Steps, Tests};
use crate::workspace;

/// How often the hub is killed.
const KILLS: usize = 5;
/// Spans that one client sends: three a trace, so that it is still sending when the hub is killed.
const TRACES: &str = "1500";

/// A destination is down, and comes back.
pub(super) fn outage(steps: &mut Steps, setting: &Setting) {
    steps.run(
        "two destinations, one dead: the other gets everything",
        |_| one_dead(setting),
    );
}

/// The hub is killed while it takes telemetry.
pub(super) fn crash(steps: &mut Steps, setting: &Setting) {
    steps.run(
        &format!("kill -9 of the hub, {KILLS} times: nothing acknowledged is lost"),
        |_| killed(setting),
    );
}

/// Scenario: one of two destinations is down while telemetry is sent; later it starts; then the other is restarted.
/// Guarantee: each gets everything, the living one at once.
fn one_dead(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/outage")?;
    let (living, dead, ports) = (Ports::free()?, Ports::free()?, Ports::free()?);
    let retry = "retry_on_failure:\n      initial_interval: 200ms\n      max_interval: 500ms";
    let configuration = format!(
        "{}exporters:\n  {}\n  {}\n",
        ports.receivers(),
        super::collector::sending("otlp", living, retry).replace("otlp/next", "otlp/living"),
        super::collector::sending("otlphttp", dead, retry)
            .replace("otlphttp/next", "otlphttp/dead"),
    );
    let (one, other) = (directory.join("living"), directory.join("dead"));
    let collector = Collector::to_file(&setting.collector()?, &one, living)?;
    let hub = setting.start_hub(&directory, ports, &configuration)?;
    let first = send_all(&setting.python()?, ports, &directory)?;
    arrived(&one.join("received.jsonl"), first.len())?.must_equal(&first)?;

    let _late = Collector::to_file(&setting.collector()?, &other, dead)?;
    arrived(&other.join("received.jsonl"), first.len())?.must_contain(&first)?;

    let living = collector.kill();
    // The client adds to its record, so this is everything so far.
    let all = send_all(&setting.python()?, ports, &directory)?;
    ensure!(all.len() > first.len(), "the second client sent nothing");
    let _restarted = Collector::to_file(&setting.collector()?, &one, living)?;
    all_arrive(&one, &all)?;
    all_arrive(&other, &all)?;
    hub.stop()?;
    Ok(Tests::passed(3))
}

/// Scenario: the queue is on disk, the destination is down, and the hub is killed while a client sends; again and again.
/// Then the destination starts.
/// Guarantee: everything that was ever acknowledged arrives.
fn killed(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/crash")?;
    let (destination, ports) = (Ports::free()?, Ports::free()?);
    let configuration = format!(
        "{}extensions:\n  file_storage:\n    directory: {}\n    create_directory: true\n    fsync: true\nexporters:\n  {}\nservice:\n  extensions: [file_storage]\n",
        ports.receivers(),
        directory.join("queue").display(),
        super::collector::sending(
            "otlp",
            destination,
            "sending_queue:\n      storage: file_storage\n      queue_size: 100000\n    retry_on_failure:\n      initial_interval: 200ms\n      max_interval: 1s"
        ),
    );
    let mut ledger = String::new();
    for round in 0..KILLS {
        let record = directory.join(format!("sent-{round}.jsonl"));
        let mut hub = setting.start_hub(&directory, ports, &configuration)?;
        let mut client = sender(setting, ports, &record)?;
        eventually(Duration::from_secs(20), || {
            let sent = std::fs::read_to_string(&record)
                .unwrap_or_default()
                .lines()
                .count();
            ensure!(sent > 5 + 7 * round, "{sent} requests acknowledged");
            Ok(())
        })?;
        hub.process().kill();
        client.kill();
        // The client may have been killed while it wrote the last line.
        let text = std::fs::read_to_string(&record)?;
        ledger.push_str(text.rsplit_once('\n').map_or("", |(whole, _)| whole));
        ledger.push('\n');
    }
    let ledger = Items::from_lines(&ledger)?;
    let hub = setting.start_hub(&directory, ports, &configuration)?;
    let _collector = Collector::to_file(&setting.collector()?, &directory, destination)?;
    all_arrive(&directory, &ledger)?;
    println!(
        "   {} items acknowledged over {KILLS} kills, all arrived",
        ledger.len()
    );
    hub.stop()?;
    Ok(Tests::ONE)
}

fn sender(setting: &Setting, to: Ports, record: &Path) -> Result<Background> {
    let mut client = setting.python()?.script("all_signals.py");
    client.args([
        "--protocol",
        "http/protobuf",
        "--endpoint",
        &to.endpoint("http/protobuf"),
        "--traces",
        TRACES,
    ]);
    client.args(["--signals", "traces", "--record"]).arg(record);
    client
        .env("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")
        .env("OTEL_BSP_MAX_QUEUE_SIZE", "10000");
    client.env("OTEL_EXPORTER_OTLP_TIMEOUT", "2");
    Background::spawn(&mut client, &record.with_extension("log"))
}

pub(super) fn all_arrive(directory: &Path, expected: &Items) -> Result<()> {
    eventually(Duration::from_secs(60), || {
        arrived(&directory.join("received.jsonl"), 0)?.must_contain(expected)
    })
}
