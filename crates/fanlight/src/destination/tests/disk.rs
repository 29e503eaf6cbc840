//! What is kept on disk while a backend is away, and who delivers it then.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use super::*;
use crate::destination::store::{Next, Store};

fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => open.push(path),
                path => found.push(path),
            }
        }
    }
    found
}

fn ended(running: Running, directory: &Path) {
    drop(running);
    // The lock goes with the thread.
    let limit = Instant::now() + SOON;
    let is_free = |file: &std::path::PathBuf| {
        file.file_name().is_none_or(|name| name != "lock")
            || fs::File::open(file).is_ok_and(|file| file.try_lock().is_ok())
    };
    while !files(directory).iter().all(is_free) {
        assert!(Instant::now() < limit, "the thread ends");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Scenario (H1): a program ends while its backend is away, and is started again when the backend is back.
/// Guarantee: the second run delivers what the first could not, with its own headers; nothing is left on disk, and no
/// header ever was there.
#[test]
fn the_next_run_delivers_what_the_last_could_not() {
    let directory = tempfile::tempdir().unwrap();
    let address = Sink::nowhere();
    let settings = || with_disk(settings(address, &SIGNALS), directory.path());
    let first = start(with_header(settings(), "authorization", "s3cret-of-then"));
    for (signal, items) in SIGNALS.into_iter().zip([10, 20, 30]) {
        first.offer(signal, items);
    }
    let started = Instant::now();
    let flushed = first.flush(SOON);
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(flushed.waiting, 60);
    assert!(flushed.dropped.is_empty());
    ended(first, directory.path());
    for file in files(directory.path()) {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        assert!(!text.contains("s3cret"), "{}", file.display());
    }

    let sink = Sink::start_at(address);
    let second = start(with_header(settings(), "authorization", "s3cret-of-now"));
    second.until("all is delivered", || {
        let items = SIGNALS.map(|signal| sink.items(signal));
        items == [10, 20, 30]
    });
    for request in sink.requests() {
        assert_eq!(request.header("authorization"), Some("s3cret-of-now"));
    }
    assert_eq!(second.flush(SOON).waiting, 0);
    ended(second, directory.path());
    assert_eq!(
        files(directory.path()),
        [""; 0].map(std::path::PathBuf::from)
    );
}

/// Scenario: a process is killed while its backend is away: nothing is closed, nothing flushed.
/// Guarantee: what it had put on disk is taken over; what a living process has is not.
#[test]
fn what_a_killed_process_left_is_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let settings = with_disk(
        settings(Sink::nowhere(), &[Signal::Traces]),
        directory.path(),
    );
    let disk = settings.disk.clone().unwrap();
    let store = || Store::new(&disk, "backend", &settings.targets[0]);
    let mut killed = store();
    killed
        .put(&batch(Signal::Traces, 7), SystemTime::now())
        .unwrap();
    let mut other = store();
    assert_eq!(other.adopt().unwrap(), 0, "it is alive");
    // As the system does for a killed process, without any of the endings.
    drop(killed);
    assert_eq!(other.adopt().unwrap(), 1);
    let Next::Request(found, _, kept) = other.next().unwrap() else {
        panic!("nothing found");
    };
    assert_eq!(found.items(), 7);
    other.done(&kept);
    assert!(other.is_empty());
}

/// Scenario: two programs of one user send to the same backend, one is down.
/// Guarantee: what one left is not sent by the other, with whatever credentials that has.
#[test]
fn what_another_program_left_is_not_taken() {
    let directory = tempfile::tempdir().unwrap();
    let address = Sink::nowhere();
    let settings = || with_disk(settings(address, &[Signal::Traces]), directory.path());
    let first = start(settings());
    first.offer(Signal::Traces, 10);
    first.flush(SOON);
    ended(first, directory.path());
    let sink = Sink::start_at(address);
    let mut others = settings();
    others.disk.as_mut().unwrap().program = "other".to_owned();
    let other = start(others);
    other.offer(Signal::Traces, 1);
    assert_eq!(other.flush(SOON).delivered[&Signal::Traces], 1);
    assert_eq!(sink.items(Signal::Traces), 1);
}

/// Scenario: all is well.
/// Guarantee: nothing is written.
#[test]
fn a_healthy_backend_costs_no_file() {
    let sink = Sink::start();
    let directory = tempfile::tempdir().unwrap();
    let running = start(with_disk(
        settings(sink.address(), &SIGNALS),
        directory.path(),
    ));
    running.offer_all(10);
    running.flush(SOON);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

/// Scenario: memory is full, the disk has a little room.
/// Guarantee: what fits is kept within the bound, the rest is counted; what was kept arrives later.
#[test]
fn what_does_not_fit_into_memory_goes_to_disk_within_its_bound() {
    let directory = tempfile::tempdir().unwrap();
    let address = Sink::nowhere();
    let mut settings = with_disk(settings(address, &[Signal::Traces]), directory.path());
    settings.queue_bytes = 100_000;
    settings.disk.as_mut().unwrap().max_bytes = 400_000;
    let running = start(settings);
    for _ in 0..10 {
        running.offer(Signal::Traces, 500);
    }
    let lost = running.dropped(Signal::Traces, Cause::QueueFull);
    assert!((500..=2500).contains(&lost), "{lost}");
    let size = |file: &std::path::PathBuf| fs::metadata(file).unwrap().len();
    let size: u64 = files(directory.path()).iter().map(size).sum();
    assert!(size <= 400_000, "{size}");
    let sink = Sink::start_at(address);
    running.until("the rest", || {
        let lost = running.dropped(Signal::Traces, Cause::QueueFull);
        sink.items(Signal::Traces) as u64 == 5000 - lost
    });
}

/// Scenario: the directory can't be written.
/// Guarantee: the user hears so, and delivery goes on from memory.
#[test]
fn a_directory_that_cannot_be_written_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let address = Sink::nowhere();
    let running = start(with_disk(settings(address, &[Signal::Traces]), &file));
    running.offer(Signal::Traces, 5);
    assert_eq!(running.flush(SOON).waiting, 5);
    let told = running.told_of(NoticeKind::Disk);
    assert_eq!(told.len(), 1, "{:?}", running.told());
    assert!(told[0].contains("only in memory"), "{told:?}");
    let sink = Sink::start_at(address);
    running.until("delivery", || sink.items(Signal::Traces) == 5);
}

/// Scenario: something on disk is older than a day.
/// Guarantee: it is dropped and counted, not sent.
#[test]
fn what_is_too_old_is_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let sink = Sink::start();
    let settings = with_disk(
        settings(sink.address(), &[Signal::Traces]),
        directory.path(),
    );
    let disk = settings.disk.clone().unwrap();
    let mut store = Store::new(&disk, "backend", &settings.targets[0]);
    let old = SystemTime::now() - Duration::from_secs(25 * 60 * 60);
    store.put(&batch(Signal::Traces, 3), old).unwrap();
    store
        .put(&batch(Signal::Traces, 4), SystemTime::now())
        .unwrap();
    drop(store);
    let running = start(settings);
    running.until("the rest", || sink.items(Signal::Traces) == 4);
    assert_eq!(running.dropped(Signal::Traces, Cause::Expired), 3);
    assert_eq!(
        running.told(),
        ["backend: 3 spans dropped as they waited too long"]
    );
}

/// Scenario: a flush gives up on an attempt that hangs, puts it on disk, and the answer comes after all.
/// Guarantee: it is delivered once.
#[test]
fn what_is_delivered_after_all_is_taken_from_disk() {
    let directory = tempfile::tempdir().unwrap();
    let sink = Sink::start();
    sink.answer(|_| Response::Slow(Duration::from_millis(500), 200));
    let settings = || {
        with_disk(
            settings(sink.address(), &[Signal::Traces]),
            directory.path(),
        )
    };
    let running = start(settings());
    running.offer(Signal::Traces, 5);
    sink.wait_for(1);
    assert_eq!(running.flush(Duration::from_millis(100)).waiting, 5);
    assert_eq!(running.flush(SOON).waiting, 0);
    ended(running, directory.path());
    let again = start(settings());
    again.flush(SOON);
    assert_eq!(sink.items(Signal::Traces), 5);
}
