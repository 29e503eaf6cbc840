//! The file exporter through its public face: the table of exporters.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fanlight_config::{Document, Environment};
use fanlight_exporters::EXPORTERS;
use fanlight_otlp::write::{RequestWriter, Span};
use fanlight_otlp::{Batch, Signal, json};
use fanlight_pipeline::{BuildContext, BuildError, Exporter, ExporterConfig, Outcome, Status};
use tempfile::TempDir;

fn config(text: &str) -> Result<Box<dyn ExporterConfig>, String> {
    let kind = EXPORTERS
        .iter()
        .find(|kind| kind.is_called("file"))
        .unwrap();
    let document = Document::parse("c.yaml", text, &Environment::default()).unwrap();
    (kind.decode)(document.root()).map_err(|error| error.to_string())
}

fn try_build(text: &str) -> Result<Box<dyn Exporter>, BuildError> {
    config(text).unwrap().build(&BuildContext {
        id: &"file".parse().unwrap(),
        extensions: &BTreeMap::new(),
        data_dir: Path::new("."),
        user_agent: "fanlight/test",
        status: Status::default(),
    })
}

fn build(text: &str) -> Box<dyn Exporter> {
    try_build(text).unwrap_or_else(|error| panic!("{error}"))
}

/// A directory, and the configuration with `DIR` replaced by it.
fn in_directory(text: &str) -> (TempDir, String) {
    let directory = TempDir::new().unwrap();
    let text = text.replace("DIR", directory.path().to_str().unwrap());
    (directory, text)
}

/// A span of each service, in a resource of its own; no service is a resource without attributes.
fn spans(services: &[&str]) -> Batch {
    let mut out = RequestWriter::new(Signal::Traces);
    for service in services {
        let attributes = [("service.name", (*service).into())];
        let attributes: &[_] = if service.is_empty() { &[] } else { &attributes };
        out.resource(attributes, |resource| {
            resource.scope("test", "", |scope| {
                scope.span(&Span {
                    name: service,
                    ..Span::default()
                })
            });
        });
    }
    out.finish()
}

async fn send(exporter: &dyn Exporter, batch: &Batch) {
    assert_eq!(exporter.send(batch).await, Outcome::Delivered);
}

fn lines(path: impl AsRef<Path>) -> Vec<Batch> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines()
        .map(|line| json::read(Signal::Traces, line.as_bytes()).unwrap())
        .collect()
}

/// The payloads of length-prefixed records.
fn payloads(path: impl AsRef<Path>) -> Vec<Vec<u8>> {
    let bytes = fs::read(path).unwrap();
    let mut rest = bytes.as_slice();
    let mut payloads = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let (payload, tail) = tail.split_at(u32::from_be_bytes(*length) as usize);
        payloads.push(payload.to_vec());
        rest = tail;
    }
    assert!(rest.is_empty());
    payloads
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Scenario: an empty and a full configuration.
/// Guarantee: the documented defaults; the destination in one line.
#[test]
fn configurations_are_read() {
    let defaults = config("path: ./out.jsonl").unwrap();
    assert_eq!(defaults.destination().text, "file ./out.jsonl (json)");
    assert_eq!(defaults.settings().queue.num_consumers, 1);
    assert!(defaults.settings().retry.enabled);
    let full = config(
        "{path: './a/*.bin', format: proto, append: false, compression: zstd, compression_params: {level: 6}, flush_interval: 5s,
          rotation: {max_megabytes: 10, max_days: 3, max_backups: 3, localtime: true}, create_directory: true,
          directory_permissions: '0700', group_by: {enabled: true, resource_attribute: service.name, max_open_files: 5},
          sending_queue: {enabled: false}, retry_on_failure: {enabled: false}, timeout: 3s}",
    )
    .unwrap();
    assert_eq!(full.destination().text, "file ./a/*.bin (proto, zstd)");
    assert!(!full.settings().queue.enabled);
}

/// Scenario: configurations with one mistake each.
/// Guarantee: each is refused with the key and what to write.
#[test]
fn mistakes_say_what_to_write() {
    for (text, message) in [
        (
            "format: json",
            "c.yaml:1:1: `path` is missing: it names the file to write; add path: ./telemetry.jsonl",
        ),
        (
            "{path: a, rotatoin: {}}",
            "c.yaml:1:11: unknown key `rotatoin`; did you mean `rotation`?",
        ),
        (
            "{path: a, rotation: {max_megabyte: 1}}",
            "c.yaml:1:22: rotation: unknown key `max_megabyte`; did you mean `max_megabytes`?",
        ),
        (
            "{path: a, format: protobuf}",
            "c.yaml:1:19: format: unknown value `protobuf`; known here: `json`, `proto`",
        ),
        (
            "{path: a, append: true, rotation: }",
            "c.yaml:1:19: append: `append` and `rotation` exclude each other; remove append: rotation keeps what is in the file anyway",
        ),
        (
            "{path: a.json, group_by: {enabled: true}}",
            "c.yaml:1:8: path: with `group_by`, `path` has exactly one `*`, and not at its start; write it like ./telemetry/*.jsonl",
        ),
        (
            "{path: a, directory_permissions: '0755'}",
            "c.yaml:1:34: directory_permissions: `directory_permissions` needs `create_directory`; add create_directory: true",
        ),
        (
            "{path: a, create_directory: true, directory_permissions: rwx}",
            "c.yaml:1:58: directory_permissions: `rwx` is not a set of permissions in octal; write it like \"0755\"",
        ),
    ] {
        assert_eq!(config(text).unwrap_err(), message);
    }
}

/// Scenario: the directory of the file does not exist, with and without `create_directory`.
/// Guarantee: an error that names the remedy, or a directory.
#[tokio::test]
async fn a_missing_directory_is_named_or_made() {
    let (directory, text) = in_directory("path: DIR/sub/deep/out.jsonl");
    let error = try_build(&text).err().unwrap();
    assert_eq!(
        error.advice(),
        Some("make its directory, or set create_directory: true")
    );
    build(&format!("{text}\ncreate_directory: true"));
    assert!(directory.path().join("sub/deep/out.jsonl").exists());
}

/// Scenario: batches as JSON lines, one with a line break in its text, then an empty one of every signal.
/// Guarantee: each line read back is the batch; no signal is refused.
#[tokio::test]
async fn json_lines_are_read_back() {
    let (directory, text) = in_directory("path: DIR/out.jsonl");
    let exporter = build(&text);
    let batches = [spans(&["a", "b"]), spans(&["line\nbreak"])];
    for batch in &batches {
        send(&*exporter, batch).await;
    }
    let read = lines(directory.path().join("out.jsonl"));
    assert!(
        read.iter()
            .map(Batch::bytes)
            .eq(batches.iter().map(Batch::bytes))
    );
    for signal in Signal::ALL {
        send(&*exporter, &Batch::empty(signal)).await;
    }
    exporter.finish().await;
}

/// Scenario: protobuf plain, protobuf with zstd, JSON with zstd.
/// Guarantee: length and payload; each payload decodes to the batch.
#[tokio::test]
async fn length_prefixed_records_are_read_back() {
    let batches = [spans(&["a"]), spans(&["b", "c"])];
    for (format, compression) in [("proto", "none"), ("proto", "zstd"), ("json", "zstd")] {
        let (directory, text) = in_directory(&format!(
            "{{path: DIR/out, format: {format}, compression: {compression}}}"
        ));
        let exporter = build(&text);
        for batch in &batches {
            send(&*exporter, batch).await;
        }
        let payloads = payloads(directory.path().join("out"));
        assert_eq!(payloads.len(), 2);
        for (payload, batch) in payloads.into_iter().zip(&batches) {
            let payload = if compression == "zstd" {
                zstd::decode_all(payload.as_slice()).unwrap()
            } else {
                payload
            };
            let read = match format {
                "json" => json::read(Signal::Traces, &payload).unwrap(),
                _ => Batch::decode(Signal::Traces, payload.into()).unwrap(),
            };
            assert_eq!(read.bytes(), batch.bytes());
        }
    }
}

/// Scenario: two runs on one file, without and with `append`; then a torn last line, as a crash leaves it.
/// Guarantee: emptied, kept; the torn line takes no record with it.
#[tokio::test]
async fn a_new_run_empties_the_file_or_appends() {
    let (directory, text) = in_directory("path: DIR/out.jsonl");
    let path = directory.path().join("out.jsonl");
    for (append, expected) in [(false, 1), (false, 1), (true, 2)] {
        send(
            &*build(&format!("{text}\nappend: {append}")),
            &spans(&["a"]),
        )
        .await;
        assert_eq!(lines(&path).len(), expected);
    }
    fs::write(&path, "{\"resourceSp").unwrap();
    send(&*build(&format!("{text}\nappend: true")), &spans(&["a"])).await;
    assert!(
        fs::read_to_string(&path)
            .unwrap()
            .starts_with("{\"resourceSp\n{\"resourceSpans\"")
    );
}

/// Scenario: more than fits into files of 1 MiB, two old files to be kept, and a stranger's file beside them.
/// Guarantee: full files have the time in their name and whole records; the oldest are gone, the stranger's is not.
#[tokio::test]
async fn full_files_are_set_aside_and_the_oldest_removed() {
    let (directory, text) =
        in_directory("{path: DIR/out.jsonl, rotation: {max_megabytes: 1, max_backups: 2}}");
    fs::write(directory.path().join("out-notes.jsonl"), "").unwrap();
    fs::write(
        directory.path().join("out-2001-02-03T04-05-06.789.jsonl"),
        "",
    )
    .unwrap();
    let exporter = build(&text);
    let name = "x".repeat(300 << 10);
    for _ in 0..10 {
        send(&*exporter, &spans(&[&name])).await;
    }
    let names = names(directory.path());
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(
        names.contains(&"out-notes.jsonl".to_owned()) && names.contains(&"out.jsonl".to_owned())
    );
    for backup in names.iter().filter(|name| name.starts_with("out-2")) {
        assert_eq!(backup.len(), "out-2006-01-02T15-04-05.000.jsonl".len());
        assert!(fs::metadata(directory.path().join(backup)).unwrap().len() <= 1 << 20);
        assert!(!lines(directory.path().join(backup)).is_empty());
    }
}

/// Scenario: a record larger than a file may be, twice; then a small one.
/// Guarantee: each large one has a file of its own, nothing is refused.
#[tokio::test]
async fn a_record_larger_than_a_file_has_one_of_its_own() {
    let (directory, text) = in_directory("{path: DIR/out.jsonl, rotation: {max_megabytes: 1}}");
    let exporter = build(&text);
    let name = "x".repeat(800 << 10);
    for services in [[name.as_str()], [name.as_str()], ["small"]] {
        send(&*exporter, &spans(&services)).await;
    }
    assert_eq!(names(directory.path()).len(), 3);
}

const GROUPED: &str = "{path: DIR/by/*.jsonl, group_by: {enabled: true, resource_attribute: service.name, max_open_files: 2}}";

/// Scenario: resources of five services in two batches, while two files may be open.
/// Guarantee: each service's file has its resources from both batches, and only those.
#[tokio::test]
async fn each_service_has_its_file() {
    let (directory, text) = in_directory(GROUPED);
    let exporter = build(&text);
    let services = ["a", "b", "c", "d", "e"];
    send(&*exporter, &spans(&["a", "b", "a", "c", "d", "e"])).await;
    send(&*exporter, &spans(&services)).await;
    for service in services {
        let read = lines(directory.path().join(format!("by/{service}.jsonl")));
        let first = if service == "a" {
            spans(&["a", "a"])
        } else {
            spans(&[service])
        };
        assert!(
            read.iter()
                .map(Batch::bytes)
                .eq([first.bytes(), spans(&[service]).bytes()]),
            "{service}"
        );
    }
}

/// Scenario: services whose names try to leave the directory, one that can be no file, and a resource without a name.
/// Guarantee: all files are below the directory; what can be in no file is counted as refused, the rest is delivered.
#[tokio::test]
async fn services_cannot_name_files_elsewhere() {
    let (directory, text) = in_directory(GROUPED);
    let exporter = build(&text);
    let too_long = "x".repeat(300);
    let outcome = exporter
        .send(&spans(&[
            "../../escape",
            "/etc/passwd",
            "",
            "nul\0byte",
            &too_long,
            "fine",
        ]))
        .await;
    let Outcome::Partial { rejected: 3, why } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        why,
        "some resources have no text attribute `service.name` to name their file"
    );
    assert_eq!(names(directory.path()), ["by"]);
    for file in ["escape.jsonl", "etc/passwd.jsonl", "fine.jsonl"] {
        assert_eq!(
            lines(directory.path().join("by").join(file)).len(),
            1,
            "{file}"
        );
    }
    let outcome = exporter.send(&spans(&[""])).await;
    assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
}

/// Scenario: the disk is full.
/// Guarantee: the batch is to be tried again, and the reason names file, cause and remedy.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_a_reason_to_retry() {
    let outcome = build("path: /dev/full").send(&spans(&["a"])).await;
    let why = "cannot write to /dev/full: No space left on device (os error 28); make room, or set rotation.max_backups lower";
    assert_eq!(
        outcome,
        Outcome::Retry {
            after: None,
            why: why.to_owned()
        }
    );
}

/// Scenario: of the two files that a batch goes to, one is a full device; later it is a file.
/// Guarantee: the other file has nothing of the failed attempt, so that the retry is no duplicate.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_failed_attempt_leaves_no_part_of_the_batch() {
    let (directory, text) = in_directory(GROUPED);
    let by = directory.path().join("by");
    fs::create_dir(&by).unwrap();
    let full: PathBuf = by.join("full.jsonl");
    std::os::unix::fs::symlink("/dev/full", &full).unwrap();
    let exporter = build(&text);
    send(&*exporter, &spans(&["a"])).await;
    let outcome = exporter.send(&spans(&["a", "full"])).await;
    assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    assert_eq!(lines(by.join("a.jsonl")).len(), 1);
    // Two other files push the device out of those that are open.
    send(&*exporter, &spans(&["b"])).await;
    send(&*exporter, &spans(&["c"])).await;
    fs::remove_file(&full).unwrap();
    send(&*exporter, &spans(&["a", "full"])).await;
    assert_eq!(
        (lines(by.join("a.jsonl")).len(), lines(&full).len()),
        (2, 1)
    );
}
