//! What a queue does in everyday use and when there is no room.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "support/fault_disk.rs"]
mod fault_disk;

use std::io::{self, ErrorKind, IoSlice};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use fanlight_spool::disk::{Disk, DiskFile, RealDisk};
use fanlight_spool::{Options, Parked, Spool, SpoolError};
use fault_disk::{FaultDisk, Operation};

const SMALL: Options = Options {
    max_bytes: 4000,
    segment_bytes: 1000,
    sync: true,
    parked_bytes: 1000,
};

fn open(disk: &FaultDisk, options: Options) -> Spool {
    Spool::open_on(Arc::new(disk.clone()), "/queue", options)
        .unwrap()
        .0
}

fn texts(spool: &Spool) -> Vec<String> {
    std::iter::from_fn(|| spool.next().unwrap())
        .map(|record| String::from_utf8(record.bytes).unwrap())
        .collect()
}

/// Scenario: records in a real directory, some acknowledged, one released, then a new process.
/// Guarantee: order is kept, released and unacknowledged records come first, acknowledged ones never again.
#[test]
fn unacknowledged_records_come_back_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep/queue");
    let (spool, recovery) = Spool::open(&path, Options::default()).unwrap();
    assert_eq!(recovery.records, 0);
    assert_eq!(spool.append(&[b"a", b"b", b"c", b"d"]).unwrap(), 1..5);
    let ids: Vec<u64> = (0..3).map(|_| spool.next().unwrap().unwrap().id).collect();
    spool.ack(&[ids[1]]).unwrap();
    spool.release(&[ids[0]]).unwrap();
    assert_eq!(spool.next().unwrap().unwrap().bytes, b"a");
    assert_eq!((spool.len(), spool.bytes()), (3, 3));
    spool.close().unwrap();
    assert!(matches!(spool.append(&[b"e"]), Err(SpoolError::Closed)));
    drop(spool);
    let (spool, recovery) = Spool::open(&path, Options::default()).unwrap();
    assert_eq!(
        (
            recovery.records,
            recovery.bytes,
            recovery.damaged,
            recovery.torn_bytes
        ),
        (3, 3, 0, 0)
    );
    assert_eq!(texts(&spool), ["a", "c", "d"]);
}

/// Scenario: a second opening of the same directory.
/// Guarantee: it is refused with a clear error, until the first is dropped.
#[test]
fn directory_in_use_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (first, _) = Spool::open(directory.path(), Options::default()).unwrap();
    let error = Spool::open(directory.path(), Options::default()).unwrap_err();
    assert!(matches!(error, SpoolError::InUse { .. }), "{error}");
    drop(first);
    Spool::open(directory.path(), Options::default()).unwrap();
}

/// Scenario: appends until the bound, then an acknowledgement.
/// Guarantee: the bound holds on disk, the error carries the figures, and freed segments make room.
#[test]
fn full_queue_refuses_until_it_drains() {
    let disk = FaultDisk::new(1);
    let spool = open(&disk, SMALL);
    let record = [7; 300];
    let mut accepted = 0;
    let error = loop {
        match spool.append(&[&record]) {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(error.is_temporary());
    let SpoolError::Full { needed, free } = error else {
        panic!("{error}")
    };
    assert!(needed > free && needed >= 320 && free < 1000);
    assert!((9..=12).contains(&accepted), "{accepted}");
    assert!(disk.used() as u64 <= SMALL.max_bytes);
    for _ in 0..3 {
        let record = spool.next().unwrap().unwrap();
        spool.ack(&[record.id]).unwrap();
    }
    spool.append(&[&record]).unwrap();
    assert!(matches!(
        spool.append(&[&[0; 5000]]),
        Err(SpoolError::TooLarge {
            needed: 5020,
            most: 3984
        })
    ));
}

/// Scenario: a queue whose only segment is large and all acknowledged.
/// Guarantee: it is freed at once when its room is needed, though it could still be appended to.
#[test]
fn acknowledged_segment_is_freed_when_room_is_needed() {
    let disk = FaultDisk::new(1);
    let spool = open(&disk, SMALL);
    for _ in 0..20 {
        spool.append(&[&[1; 3900]]).unwrap();
        let record = spool.next().unwrap().unwrap();
        spool.ack(&[record.id]).unwrap();
    }
    assert!(disk.used() < 4100);
}

/// Scenario: the disk has no space left, then some.
/// Guarantee: the error says so, nothing of the failed group is delivered, and the queue goes on, also after a restart.
#[test]
fn full_disk_is_survived() {
    let disk = FaultDisk::new(1);
    let spool = open(&disk, SMALL);
    spool.append(&[b"before"]).unwrap();
    disk.set_capacity(Some(disk.used() + 30));
    let error = spool.append(&[b"half", b"written"]).unwrap_err();
    assert!(error.is_disk_full() && error.is_temporary(), "{error}");
    disk.set_capacity(None);
    spool.append(&[b"after"]).unwrap();
    assert_eq!(texts(&spool), ["before", "after"]);
    drop(spool);
    assert_eq!(texts(&open(&disk, SMALL)), ["before", "after"]);
}

/// Scenario: a sync fails, for the first group of a segment or a later one, and the leftovers can't even be cut off.
/// Guarantee: nothing of that group is delivered by this process or, once something was appended, by the next.
#[test]
fn failed_sync_withdraws_its_group() {
    for before in [&["before"][..], &[]] {
        // Several times, as leftovers and their successors differ in a random number.
        for _ in 0..8 {
            let disk = FaultDisk::new(1);
            let spool = open(&disk, SMALL);
            for text in before {
                spool.append(&[text.as_bytes()]).unwrap();
            }
            disk.fail(Operation::Sync, ErrorKind::Other, 1);
            disk.fail(Operation::Truncate, ErrorKind::Other, 1);
            let error = spool.append(&[b"lost"]).unwrap_err();
            assert!(
                matches!(error, SpoolError::Io { action: "sync", .. }),
                "{error}"
            );
            assert_eq!(texts(&spool), before);
            spool.append(&[b"after"]).unwrap();
            assert_eq!(texts(&spool), ["after"]);
            drop(spool);
            let spool = open(&disk, SMALL);
            assert_eq!(spool.len(), before.len() as u64 + 1);
            assert_eq!(texts(&spool), [before, &["after"]].concat());
        }
    }
}

/// Scenario: records that can't be delivered are parked until there is no room, and later sent again.
/// Guarantee: they leave the queue, are counted, survive a restart, and come back in order.
#[test]
fn parked_records_are_kept_and_come_back() {
    let disk = FaultDisk::new(1);
    let spool = open(&disk, SMALL);
    for size in [500, 300, 400] {
        spool.append(&[&vec![b'x'; size]]).unwrap();
    }
    let ids: Vec<u64> = (0..3).map(|_| spool.next().unwrap().unwrap().id).collect();
    spool.park(ids[0]).unwrap();
    spool.park(ids[1]).unwrap();
    assert!(matches!(
        spool.park(ids[2]),
        Err(SpoolError::ParkedFull {
            needed: 436,
            free: 128
        })
    ));
    assert!(matches!(
        spool.park(ids[0]),
        Err(SpoolError::NotOut { id: 1 })
    ));
    assert_eq!(
        (spool.parked(), spool.len()),
        (
            Parked {
                records: 2,
                bytes: 872
            },
            1
        )
    );
    spool.ack(&[ids[2]]).unwrap();
    drop(spool);
    disk.cut_power();
    let spool = open(&disk, SMALL);
    assert_eq!(spool.parked().records, 2);
    // The acknowledgements were not synced: these are the parked ones again.
    let again: Vec<u64> = std::iter::from_fn(|| spool.next().unwrap())
        .map(|record| record.id)
        .collect();
    spool.ack(&again).unwrap();
    assert_eq!(spool.unpark().unwrap(), 2);
    assert_eq!(spool.parked(), Parked::default());
    assert_eq!(
        texts(&spool).iter().map(String::len).collect::<Vec<_>>(),
        [500, 300]
    );
}

/// Scenario: acknowledging and releasing what is not out.
/// Guarantee: an error, and none of the others named is touched.
#[test]
fn only_what_is_out_can_be_acknowledged() {
    let spool = open(&FaultDisk::new(1), SMALL);
    spool.append(&[b"a", b"b"]).unwrap();
    let first = spool.next().unwrap().unwrap().id;
    assert!(matches!(
        spool.ack(&[first, 2]),
        Err(SpoolError::NotOut { id: 2 })
    ));
    assert!(matches!(
        spool.release(&[99]),
        Err(SpoolError::NotOut { id: 99 })
    ));
    spool.ack(&[first]).unwrap();
    assert!(matches!(
        spool.ack(&[first]),
        Err(SpoolError::NotOut { id: 1 })
    ));
}

/// Scenario: acknowledgements that the full disk does not take.
/// Guarantee: the error is told, the records are done for this process, and space is still freed.
#[test]
fn full_disk_does_not_stop_draining() {
    let disk = FaultDisk::new(1);
    let spool = open(&disk, SMALL);
    for _ in 0..6 {
        spool.append(&[&[1; 450]]).unwrap();
    }
    disk.set_capacity(Some(disk.used()));
    while let Some(record) = spool.next().unwrap() {
        let _ = spool.ack(&[record.id]);
    }
    assert!(spool.is_empty());
    assert!(disk.used() < 1000, "{}", disk.used());
}

/// Scenario: sixteen threads append to a disk whose sync takes a while.
/// Guarantee: one sync serves all who wait: far fewer syncs than appends, and no append returns before its own.
#[test]
fn one_sync_serves_many_appenders() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(SlowSync::default());
    let spool = Spool::open_on(disk.clone(), directory.path(), Options::default())
        .unwrap()
        .0;
    let start = Barrier::new(16);
    std::thread::scope(|threads| {
        for _ in 0..16 {
            threads.spawn(|| {
                start.wait();
                for _ in 0..10 {
                    let began = disk.0.load(Ordering::SeqCst);
                    spool.append(&[b"record"]).unwrap();
                    assert!(disk.0.load(Ordering::SeqCst) > began);
                }
            });
        }
    });
    assert_eq!(spool.len(), 160);
    // At best 10 or 11; one by one it would be 160.
    assert!(disk.0.load(Ordering::SeqCst) <= 40, "{disk:?}");
}

/// The real disk with a sync of at least 5 ms; counts how many are done.
#[derive(Debug, Default)]
struct SlowSync(Arc<AtomicU64>);

#[derive(Debug)]
struct SlowFile(Arc<dyn DiskFile>, Arc<AtomicU64>);

impl Disk for SlowSync {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        RealDisk.create_directory(path)
    }
    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(directory)
    }
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(SlowFile(
            RealDisk.create(path)?,
            Arc::clone(&self.0),
        )))
    }
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        RealDisk.open(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        RealDisk.sync_directory(directory)
    }
    fn lock(&self, path: &Path) -> io::Result<Box<dyn std::any::Any + Send + Sync>> {
        RealDisk.lock(path)
    }
}

impl DiskFile for SlowFile {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buffer)
    }
    fn write_at(&self, offset: u64, parts: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.0.write_at(offset, parts)
    }
    fn truncate(&self, size: u64) -> io::Result<()> {
        self.0.truncate(size)
    }
    fn sync(&self) -> io::Result<()> {
        std::thread::sleep(Duration::from_millis(5));
        self.0.sync()?;
        self.1.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}
