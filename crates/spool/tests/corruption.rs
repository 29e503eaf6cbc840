//! Every way in which a segment's bytes can go wrong, and what survives.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "support/fault_disk.rs"]
mod fault_disk;

use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fanlight_spool::{Options, Recovery, Spool, SpoolError};
use fault_disk::{FaultDisk, Operation};
use proptest::prelude::*;

const SEGMENT_HEADER: usize = 16;
const RECORD_HEADER: usize = 20;
const SIZES: [usize; 3] = [40, 0, 75];
const SEGMENTS: usize = 3;

/// The files of a queue.
type Files = Vec<(PathBuf, Vec<u8>)>;

fn options() -> Options {
    Options {
        max_bytes: 100_000,
        segment_bytes: 200,
        sync: true,
        parked_bytes: 1000,
    }
}

fn payload(serial: usize) -> Vec<u8> {
    (0..SIZES[serial % SIZES.len()])
        .map(|at| (serial * 41 + at * 3 + 1) as u8)
        .collect()
}

/// Three segments of three records: those that the sizes say, with the ids 1 to 9.
fn queue() -> Files {
    let disk = FaultDisk::new(1);
    let (spool, _) = open(&disk);
    for serial in 0..SEGMENTS * SIZES.len() {
        spool.append(&[&payload(serial)]).unwrap();
    }
    drop(spool);
    let mut files: Files = disk
        .files()
        .into_iter()
        .map(|path| (path.clone(), disk.read(&path)))
        .collect();
    files.retain(|(path, _)| path.extension().is_some());
    assert_eq!(files.len(), SEGMENTS);
    files
}

fn open(disk: &FaultDisk) -> (Spool, Recovery) {
    Spool::open_on(Arc::new(disk.clone()), "/queue", options()).unwrap()
}

fn disk(files: &Files) -> FaultDisk {
    let disk = FaultDisk::new(1);
    files
        .iter()
        .for_each(|(path, bytes)| disk.put(path, bytes.clone()));
    disk
}

/// Opens a queue with these files; the serials of what it hands out, each checked to be what was appended.
fn drain(files: &Files) -> (Vec<usize>, Recovery) {
    let (spool, recovery) = open(&disk(files));
    let mut serials = Vec::new();
    while let Some(record) = spool.next().unwrap() {
        let serial = record.id as usize - 1;
        assert_eq!(record.bytes, payload(serial), "wrong data");
        serials.push(serial);
    }
    assert!(serials.is_sorted());
    assert_eq!(recovery.records, serials.len() as u64);
    assert_eq!(spool.damaged(), 0);
    (serials, recovery)
}

/// Where the records of a segment stand in it.
fn places() -> Vec<Range<usize>> {
    let mut end = SEGMENT_HEADER;
    let place = |size: &usize| {
        let start = end;
        end += RECORD_HEADER + size;
        start..end
    };
    SIZES.iter().map(place).collect()
}

fn all_but(lost: &[usize]) -> Vec<usize> {
    (0..SEGMENTS * SIZES.len())
        .filter(|serial| !lost.contains(serial))
        .collect()
}

/// Scenario: one bit of one segment is wrong, for every bit.
/// Guarantee: at most the record with that bit is lost, and it is counted; nothing wrong is handed out.
#[test]
fn flipped_bit_costs_at_most_its_record() {
    let files = queue();
    for segment in 0..SEGMENTS {
        for bit in 0..files[segment].1.len() * 8 {
            let mut damaged = files.clone();
            damaged[segment].1[bit / 8] ^= 1 << (bit % 8);
            let record = places().iter().position(|place| place.contains(&(bit / 8)));
            let lost: Vec<usize> = record
                .iter()
                .map(|record| segment * SIZES.len() + record)
                .collect();
            let (serials, recovery) = drain(&damaged);
            assert_eq!(serials, all_but(&lost), "segment {segment}, bit {bit}");
            let told = recovery.damaged + u64::from(recovery.torn_bytes > 0);
            assert_eq!(
                told,
                lost.len() as u64,
                "segment {segment}, bit {bit}: {recovery:?}"
            );
        }
    }
}

/// Scenario: a segment is cut, at every byte.
/// Guarantee: the records before the cut and those of other segments survive; what is gone is told.
#[test]
fn cut_segment_keeps_what_stands_before_the_cut() {
    let files = queue();
    for segment in 0..SEGMENTS {
        for size in 0..files[segment].1.len() {
            let mut damaged = files.clone();
            damaged[segment].1.truncate(size);
            let cut = places()
                .iter()
                .take_while(|place| place.end <= size)
                .count();
            let lost: Vec<usize> = (cut..SIZES.len())
                .map(|record| segment * SIZES.len() + record)
                .collect();
            let (serials, recovery) = drain(&damaged);
            assert_eq!(serials, all_but(&lost), "segment {segment}, cut at {size}");
            let clean = size <= SEGMENT_HEADER || places().iter().any(|place| place.end == size);
            let told = recovery.damaged + recovery.torn_bytes > 0;
            assert!(
                told || clean,
                "segment {segment}, cut at {size}: {recovery:?}"
            );
        }
    }
}

/// Scenario: a queue whose newest segment was cut is used further, and opened once more.
/// Guarantee: new records do not collide with what is left of the old ones.
#[test]
fn queue_goes_on_behind_a_torn_tail() {
    let files = queue();
    for size in 0..files[2].1.len() {
        let mut damaged = files.clone();
        damaged[2].1.truncate(size);
        let disk = disk(&damaged);
        let (spool, before) = open(&disk);
        spool.append(&[b"new"]).unwrap();
        drop(spool);
        let (spool, after) = open(&disk);
        assert_eq!(
            (after.records, after.damaged),
            (before.records + 1, 0),
            "cut at {size}"
        );
        let last = std::iter::from_fn(|| spool.next().unwrap()).last().unwrap();
        assert_eq!(last.bytes, b"new");
    }
}

/// Scenario: behind a torn tail the queue is used further, and what came then is delivered and gone before the older records.
/// Guarantee: the gap that it leaves is not taken for damage.
#[test]
fn a_torn_tail_is_told_once() {
    let files = queue();
    for size in 0..files[2].1.len() {
        let mut damaged = files.clone();
        damaged[2].1.truncate(size);
        let disk = disk(&damaged);
        let (spool, _) = open(&disk);
        let new = spool.append(&[b"new"]).unwrap();
        while let Some(record) = spool.next().unwrap() {
            if record.bytes == b"new" {
                spool.ack(&[record.id]).unwrap();
            }
        }
        drop((spool, new));
        let (spool, _) = open(&disk);
        spool.append(&[b"newer"]).unwrap();
        drop(spool);
        let (_, after) = open(&disk);
        assert_eq!((after.damaged, after.torn_bytes), (0, 0), "cut at {size}");
    }
}

/// Scenario: any one segment is gone.
/// Guarantee: the others survive.
#[test]
fn missing_segment_costs_its_records() {
    for segment in 0..SEGMENTS {
        let mut files = queue();
        files.remove(segment);
        let lost: Vec<usize> = (segment * 3..segment * 3 + 3).collect();
        assert_eq!(drain(&files).0, all_but(&lost));
    }
}

/// Scenario: an acknowledgement file with each of its bits wrong.
/// Guarantee: at worst a record is delivered again.
#[test]
fn damaged_acknowledgement_delivers_again() {
    let whole = disk(&queue());
    let (spool, _) = open(&whole);
    let first = spool.next().unwrap().unwrap();
    spool.ack(&[first.id]).unwrap();
    drop(spool);
    let ack = whole
        .files()
        .into_iter()
        .find(|path| path.extension().is_some_and(|it| it == "ack"))
        .unwrap();
    let bytes = whole.read(&ack);
    let mut files = queue_files(&whole);
    assert_eq!(drain(&files).0, all_but(&[0]));
    for bit in 0..bytes.len() * 8 {
        let damaged = files.iter_mut().find(|(path, _)| *path == ack).unwrap();
        damaged.1.clone_from(&bytes);
        damaged.1[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(drain(&files).0, all_but(&[]), "bit {bit}");
    }
}

fn queue_files(disk: &FaultDisk) -> Files {
    disk.files()
        .into_iter()
        .map(|path| (path.clone(), disk.read(&path)))
        .collect()
}

/// Scenario: a payload that holds the bytes of a whole segment, and damage to its record's header.
/// Guarantee: what a sender put into a payload is never taken for a record.
#[test]
fn payload_is_never_taken_for_a_record() {
    let inner = queue()[0].1.clone();
    let disk = FaultDisk::new(1);
    let (spool, _) = open(&disk);
    spool.append(&[&inner, b"behind"]).unwrap();
    drop(spool);
    let path = disk
        .files()
        .into_iter()
        .find(|path| path.extension().is_some())
        .unwrap();
    for byte in SEGMENT_HEADER..SEGMENT_HEADER + RECORD_HEADER {
        let mut bytes = disk.read(&path);
        bytes[byte] ^= 0x10;
        let damaged = FaultDisk::new(1);
        damaged.put(&path, bytes);
        let (spool, recovery) = open(&damaged);
        assert_eq!(spool.next().unwrap().unwrap().bytes, b"behind");
        assert_eq!((recovery.records, recovery.damaged), (1, 1));
    }
}

/// Scenario: a record goes bad on disk while the queue is open.
/// Guarantee: it is skipped and counted, and does not keep its segment from being removed.
#[test]
fn record_that_goes_bad_later_is_skipped() {
    let disk = disk(&queue());
    let (spool, _) = open(&disk);
    let path = disk
        .files()
        .into_iter()
        .find(|path| path.extension().is_some())
        .unwrap();
    let mut bytes = disk.read(&path);
    bytes[SEGMENT_HEADER + RECORD_HEADER] ^= 1;
    disk.put(&path, bytes);
    while let Some(record) = spool.next().unwrap() {
        assert_ne!(record.id, 1);
        spool.ack(&[record.id]).unwrap();
    }
    assert_eq!(
        (spool.damaged(), spool.len(), spool.disk_bytes()),
        (1, 0, 0)
    );
    assert!(
        disk.files().iter().all(|path| path.extension().is_none()),
        "{:?}",
        disk.files()
    );
}

/// Scenario: the disk can't read a segment while the queue is opened, and later it can.
/// Guarantee: the other segments are delivered, the bytes are counted, and nothing unreadable is removed.
#[test]
fn unreadable_segment_is_kept_for_later() {
    let disk = disk(&queue());
    disk.fail(Operation::Read, ErrorKind::Other, 1);
    let (spool, recovery) = open(&disk);
    assert_eq!(recovery.records, 6);
    assert!(recovery.unreadable_bytes > 0);
    while let Some(record) = spool.next().unwrap() {
        spool.ack(&[record.id]).unwrap();
    }
    drop(spool);
    assert_eq!(open(&disk).1.records, 3);
}

/// Scenario: the disk can't read one record while it is handed out.
/// Guarantee: that is told, the next call goes on, and the record is there when the queue is opened again.
#[test]
fn unreadable_record_does_not_block_those_behind() {
    let disk = disk(&queue());
    let (spool, _) = open(&disk);
    disk.fail(Operation::Read, ErrorKind::Other, 1);
    assert!(matches!(
        spool.next(),
        Err(SpoolError::Io { action: "read", .. })
    ));
    while let Some(record) = spool.next().unwrap() {
        spool.ack(&[record.id]).unwrap();
    }
    assert_eq!((spool.damaged(), spool.len()), (1, 1));
    drop(spool);
    assert_eq!(open(&disk).1.records, 1);
}

/// Scenario: a segment of a format that only a later program knows.
/// Guarantee: the queue is not opened, and the error says what to do; nothing is removed.
#[test]
fn segment_of_a_later_version_is_refused() {
    let files = queue();
    let (path, mut bytes) = files[0].clone();
    let salt = path
        .to_str()
        .unwrap()
        .strip_suffix(".seg")
        .unwrap()
        .rsplit('-')
        .next()
        .unwrap();
    bytes[8] = 2;
    let mut hasher = crc32fast::Hasher::new_with_initial(u32::from_str_radix(salt, 16).unwrap());
    hasher.update(&bytes[..12]);
    bytes[12..16].copy_from_slice(&hasher.finalize().to_le_bytes());
    let disk = disk(&files);
    disk.put(&path, bytes);
    let error = Spool::open_on(Arc::new(disk.clone()), Path::new("/queue"), options()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.ends_with(
            "has format version 2, this program knows 1; let the newer program drain it"
        ),
        "{text}"
    );
    assert_eq!(disk.files().len(), SEGMENTS);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Scenario: any stretch of a segment is overwritten with anything.
    /// Guarantee: every record that the stretch does not touch survives.
    #[test]
    fn records_beside_damage_survive(
        segment in 0..SEGMENTS,
        at in 0usize..190,
        garbage in prop_oneof![
            prop::collection::vec(any::<u8>(), 1..120),
            prop::collection::vec(Just(0u8), 1..120),
        ],
    ) {
        let mut files = queue();
        let bytes = &mut files[segment].1;
        let end = (at + garbage.len()).min(bytes.len());
        let at = at.min(end);
        bytes[at..end].copy_from_slice(&garbage[..end - at]);
        let touched = |place: &Range<usize>| place.start < end && at < place.end;
        let lost: Vec<usize> = (0..).zip(places()).filter(|(_, place)| touched(place)).map(|it| segment * 3 + it.0).collect();
        let (serials, _) = drain(&files);
        // Garbage that equals what it overwrites does no harm.
        prop_assert!(all_but(&lost).iter().all(|serial| serials.contains(serial)), "{:?} {:?}", lost, serials);
    }
}
