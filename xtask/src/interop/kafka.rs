//! A Kafka broker between two hubs, and between a hub and a Collector.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use fanlight_otlp::Signal;
use serde_json::Value;

use super::collector::{Collector, taking};
use super::golden::{self, Golden};
use super::server::kafka::Kafka;
use super::{Setting, ledger};
use crate::end_to_end::{arrived, file_exporter};
use crate::hub::{Hub, Ports};
use crate::otlp_json::Items;
use crate::process::eventually;
use crate::steps::{Steps, Tests};
use crate::workspace;

const ENCODINGS: [&str; 2] = ["otlp_proto", "otlp_json"];
/// How often the receiving hub is killed, and how many requests are sent each time.
const KILLS: u64 = 3;
const REQUESTS: u64 = 40;
/// How long what is written may take until it is read.
const PATIENCE: Duration = Duration::from_secs(60);

/// The hub writes to Kafka and reads from it.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    for encoding in ENCODINGS {
        steps.run(&format!("hub to Kafka to hub: {encoding}"), |_| {
            hub_to_hub(setting, encoding)
        });
        steps.run(&format!("hub to Kafka to Collector: {encoding}"), |_| {
            hub_to_collector(setting, encoding)
        });
        steps.run(&format!("Collector to Kafka to hub: {encoding}"), |_| {
            collector_to_hub(setting, encoding)
        });
    }
    steps.run(
        &format!("kill -9 of the hub that reads from Kafka, {KILLS} times: nothing is lost"),
        |_| killed(setting),
    );
}

/// Scenario: a hub writes all signals to Kafka in messages of at most 45,000 bytes, another reads them.
/// Guarantee: the second has every item, equal field by field.
fn hub_to_hub(setting: &Setting, encoding: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!("interop/runs/kafka-{encoding}"))?;
    let kafka = Kafka::start(setting, &directory)?;
    let options = format!("encoding: {encoding}\n    producer:\n      max_message_bytes: 45000");
    let writer = writer(setting, &directory, &kafka, &options)?;
    let to_file = file_exporter(&directory);
    let reader = reader(setting, &directory, &kafka, encoding, &to_file)?;
    let sent = golden::send_all(writer.ports)?;
    all_read(&directory, sent.len())?.must_equal(&sent)?;
    writer.stop()?;
    reader.stop()?;
    Ok(Tests::ONE)
}

/// Scenario: a hub writes all signals to Kafka, the Collector's own receiver reads them.
/// Guarantee: the Collector has every item, equal field by field.
fn hub_to_collector(setting: &Setting, encoding: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!("interop/runs/kafka-to-collector-{encoding}"))?;
    let kafka = Kafka::start(setting, &directory)?;
    let hub = writer(
        setting,
        &directory,
        &kafka,
        &format!("encoding: {encoding}"),
    )?;
    let sent = golden::send_all(hub.ports)?;
    let reading = client(
        &kafka,
        &format!("initial_offset: earliest\n    encoding: {encoding}"),
    );
    let _collector = taking(
        setting,
        &directory,
        &reading,
        &["traces", "metrics", "logs"],
        kafka.port,
    )?;
    let found = all_read(&directory, sent.len())?;
    found.must_equal(&sent.mapped(match encoding {
        "otlp_json" => as_read_from_json,
        _ => as_known,
    }))?;
    hub.stop()?;
    Ok(Tests::ONE)
}

/// Scenario: the Collector's own exporter writes all signals to Kafka, a hub reads them.
/// Guarantee: the hub has every item, equal field by field.
fn collector_to_hub(setting: &Setting, encoding: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!("interop/runs/kafka-from-collector-{encoding}"))?;
    let kafka = Kafka::start(setting, &directory)?;
    let source = Ports::free()?;
    let _collector = Collector::start(
        &setting.contrib()?,
        &directory,
        source,
        "kafka",
        &client(&kafka, &format!("encoding: {encoding}")),
    )?;
    let hub = reader(
        setting,
        &directory,
        &kafka,
        encoding,
        &file_exporter(&directory),
    )?;
    // It is sent to the Collector as JSON.
    let sent = golden::send_all(source)?.mapped(as_read_from_json);
    all_read(&directory, sent.len())?.must_equal(&sent)?;
    hub.stop()?;
    Ok(Tests::ONE)
}

/// Scenario: the hub that reads from Kafka sends on without a queue of its own, and is killed again and again in the middle.
/// Guarantee: everything that was ever written to Kafka arrives behind it.
fn killed(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/kafka-killed")?;
    let kafka = Kafka::start(setting, &directory)?;
    let last = Ports::free()?;
    let sink = Hub::start(
        &setting.hub()?,
        &directory.join("sink"),
        last,
        &format!("{}{}", last.receivers(), file_exporter(&directory)),
    )?;
    let writer = writer(setting, &directory, &kafka, "client_id: writer")?;
    let forward = format!(
        "exporters:\n  {}\n",
        super::collector::sending("otlphttp", last, "sending_queue:\n      enabled: false")
    );
    let reader = || reader(setting, &directory, &kafka, "otlp_proto", &forward);
    let received = directory.join("received.jsonl");
    let lines = || {
        std::fs::read_to_string(&received)
            .unwrap_or_default()
            .lines()
            .count()
    };
    let mut written = Items::default();
    for round in 0..KILLS {
        let mut reader = reader()?;
        let before = lines();
        written = written.and(write(writer.ports, round)?);
        eventually(PATIENCE, || {
            ensure!(lines() > before + 2, "nothing has come through yet");
            Ok(())
        })?;
        reader.process().kill();
    }
    let reader = reader()?;
    ledger::all_arrive(&directory, &written)?;
    println!(
        "   {} spans written over {KILLS} kills, all arrived",
        written.len()
    );
    reader.stop()?;
    writer.stop()?;
    sink.stop()?;
    Ok(Tests::ONE)
}

/// Sends one round of requests, no two of which have an equal span.
fn write(ports: Ports, round: u64) -> Result<Items> {
    let mut written = Items::default();
    for request in 0..REQUESTS {
        let seconds = 1_700_000_000 + 10 * (round * REQUESTS + request);
        let golden = Golden::at(Signal::Traces, seconds * 1_000_000_000);
        golden::send(Signal::Traces, ports, &golden.text)?;
        written = written.and(golden.items()?);
    }
    Ok(written)
}

/// Waits until the reader has written so many items, and returns all. Joining a group of consumers takes its time.
fn all_read(directory: &Path, count: usize) -> Result<Items> {
    let received = directory.join("received.jsonl");
    eventually(PATIENCE, || arrived(&received, count))
}

/// Starts a hub that writes to the broker.
fn writer(setting: &Setting, directory: &Path, kafka: &Kafka, options: &str) -> Result<Hub> {
    let ports = Ports::free()?;
    let exporter = client(kafka, options);
    let configuration = format!("{}exporters:\n  {exporter}\n", ports.receivers());
    Hub::start(
        &setting.hub()?,
        &directory.join("writer"),
        ports,
        &configuration,
    )
}

/// Starts a hub that reads the broker's messages from the first on, and no other.
fn reader(
    setting: &Setting,
    directory: &Path,
    kafka: &Kafka,
    encoding: &str,
    exporters: &str,
) -> Result<Hub> {
    let options = format!(
        "initial_offset: earliest\n    encoding: {encoding}\n    metadata:\n      refresh_interval: 1s"
    );
    let receiver = client(kafka, &options);
    let configuration = format!("receivers:\n  {receiver}\n{exporters}");
    Hub::start(
        &setting.hub()?,
        &directory.join("reader"),
        Ports::free()?,
        &configuration,
    )
}

/// An exporter or a receiver `kafka` for the broker.
fn client(kafka: &Kafka, options: &str) -> String {
    format!(
        "kafka:\n    brokers: [127.0.0.1:{}]\n    {options}",
        kafka.port
    )
}

/// What the Collector's release knows.
fn as_known(item: &mut Value) {
    if let Some(fields) = item["item"].as_object_mut() {
        fields.remove("eventName");
    }
}

/// What the Collector's release reads from JSON.
fn as_read_from_json(item: &mut Value) {
    as_known(item);
    let histogram = item.pointer_mut("/item/exponentialHistogram/dataPoints/0");
    if let Some(point) = histogram.and_then(Value::as_object_mut) {
        point.remove("zeroThreshold");
    }
}
