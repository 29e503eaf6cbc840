//! A real process, killed at random moments, over and over, on one directory.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fanlight_spool::{Options, Spool, SpoolError};

const ROUNDS: u64 = 24;
const DIRECTORY: &str = "FANLIGHT_SPOOL_CRASH_TEST";

fn options(round: u64) -> Options {
    Options {
        max_bytes: 8 << 20,
        segment_bytes: 32 << 10,
        sync: round.is_multiple_of(2),
        parked_bytes: 0,
    }
}

/// A record says who it is, and is long enough to be torn.
fn payload(serial: u64) -> Vec<u8> {
    let mut bytes = serial.to_le_bytes().to_vec();
    bytes.extend((0..serial % 3000).map(|at| (at * 7 + serial) as u8));
    bytes
}

fn serial(bytes: &[u8]) -> u64 {
    let serial = u64::from_le_bytes(*bytes.first_chunk().unwrap());
    assert_eq!(bytes, payload(serial), "wrong data");
    serial
}

fn say(what: &str, serial: u64) {
    std::io::stdout()
        .write_all(format!("{what} {serial}\n").as_bytes())
        .unwrap();
}

/// The process that is killed: it appends from three threads and delivers on a fourth, and says what it did.
#[test]
#[ignore = "run by `killed_processes_lose_nothing`"]
fn child() {
    let directory = std::env::var(DIRECTORY).unwrap();
    // The test harness has begun a line.
    std::io::stdout().write_all(b"\n").unwrap();
    let (round, path) = directory.split_once(':').unwrap();
    let round: u64 = round.parse().unwrap();
    let (spool, _) = Spool::open(path, options(round)).unwrap();
    let next = AtomicU64::new(round * 1_000_000);
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                loop {
                    let first = next.fetch_add(2, Ordering::Relaxed);
                    match spool.append(&[&payload(first), &payload(first + 1)]) {
                        Ok(_) => (first..first + 2).for_each(|serial| say("accepted", serial)),
                        Err(SpoolError::Full { .. }) => std::thread::yield_now(),
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        threads.spawn(|| {
            loop {
                let Some(record) = spool.next().unwrap() else {
                    continue;
                };
                // Now and then one is kept out for good, so that segments stay.
                if record.id % 50 != 0 {
                    say("delivered", serial(&record.bytes));
                    spool.ack(&[record.id]).unwrap();
                }
            }
        });
    });
}

/// Runs the child for a while and kills it; the serials that it says it accepted and delivered.
fn run_and_kill(path: &Path, round: u64) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "child",
            "--nocapture",
            "--test-threads",
            "1",
        ])
        .env(DIRECTORY, format!("{round}:{}", path.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        text
    });
    // The moment is the point of the test, so it is as random as the scheduler; the first ones fall into opening.
    std::thread::sleep(Duration::from_millis(3 + round * 37 % 90));
    child.kill().unwrap();
    child.wait().unwrap();
    let text = reader.join().unwrap();
    let said = |what: &str| {
        let lines = text
            .lines()
            .filter_map(|line| line.strip_prefix(what)?.trim().parse().ok());
        lines.collect()
    };
    (said("accepted"), said("delivered"))
}

/// Scenario: a process that appends and delivers is killed with SIGKILL at random moments, round after round.
/// Guarantee: what it accepted and did not deliver is there, whole and in order; what it acknowledged is not.
#[test]
fn killed_processes_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut waiting = BTreeSet::new();
    let mut total = 0;
    for round in 0..ROUNDS {
        let (accepted, delivered) = run_and_kill(directory.path(), round);
        total += accepted.len();
        waiting.extend(accepted);
        let (spool, recovery) = Spool::open(directory.path(), options(round)).unwrap();
        assert_eq!((recovery.damaged, recovery.unreadable_bytes), (0, 0));
        let mut found = BTreeSet::new();
        let mut last_id = 0;
        while let Some(record) = spool.next().unwrap() {
            assert!(record.id > last_id);
            last_id = record.id;
            assert!(found.insert(serial(&record.bytes)), "delivered twice");
        }
        let lost: Vec<_> = waiting
            .iter()
            .filter(|it| !found.contains(it) && !delivered.contains(it))
            .collect();
        assert!(lost.is_empty(), "round {round} lost {lost:?}");
        // The last one that was said to be delivered may not be acknowledged yet.
        let again = delivered.intersection(&found).count();
        assert!(again <= 1, "round {round} repeats {again}");
        waiting = found;
        if round % 5 == 4 {
            // A person drains it, and closes in order.
            drop(spool);
            let (spool, _) = Spool::open(directory.path(), options(round)).unwrap();
            while let Some(record) = spool.next().unwrap() {
                spool.ack(&[record.id]).unwrap();
            }
            spool.close().unwrap();
            waiting.clear();
        }
    }
    assert!(
        total > 500,
        "only {total} records were accepted: the machine is too slow to test anything"
    );
}
