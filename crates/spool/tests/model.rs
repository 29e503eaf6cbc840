//! Random histories of a queue, with crashes and a failing disk, checked against a simple model.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "support/fault_disk.rs"]
mod fault_disk;

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::sync::Arc;

use fanlight_spool::{Options, Recovery, Spool, SpoolError};
use fault_disk::{FaultDisk, Operation};
use proptest::prelude::*;

const MAX_BYTES: u64 = 4096;

#[derive(Clone, Debug)]
enum Action {
    /// Appends a group of records of these sizes.
    Append(Vec<usize>),
    Next,
    /// Acknowledges, releases or parks one of the records that are out.
    Ack(usize),
    AckAll,
    Release(usize),
    Park(usize),
    /// The process is killed.
    Kill,
    PowerCut,
    /// The power goes once more while the queue is being opened, this often.
    PowerCutsWhileOpening(u8),
    Close,
    Fail(Operation, ErrorKind, u32),
    Heal,
}

fn action() -> impl Strategy<Value = Action> {
    let kind = prop_oneof![Just(ErrorKind::StorageFull), Just(ErrorKind::Other)];
    // A disk that can't read has its own tests: there, records may be left alone.
    let operation = prop::sample::select(vec![
        Operation::Create,
        Operation::Write,
        Operation::Truncate,
        Operation::Sync,
        Operation::SyncDirectory,
        Operation::Remove,
        Operation::Rename,
    ]);
    prop_oneof![
        8 => prop::collection::vec(0usize..300, 1..4).prop_map(Action::Append),
        8 => Just(Action::Next),
        6 => (0usize..8).prop_map(Action::Ack),
        2 => Just(Action::AckAll),
        2 => (0usize..8).prop_map(Action::Release),
        1 => (0usize..8).prop_map(Action::Park),
        1 => Just(Action::Kill),
        1 => Just(Action::PowerCut),
        1 => (1u8..3).prop_map(Action::PowerCutsWhileOpening),
        1 => Just(Action::Close),
        2 => (operation, kind, 1u32..3).prop_map(|(operation, kind, times)| Action::Fail(operation, kind, times)),
        2 => Just(Action::Heal),
    ]
}

/// The bytes of a record, all different, so that a record tells who it is.
fn payload(serial: u64, size: usize) -> Vec<u8> {
    let mut bytes = serial.to_le_bytes().to_vec();
    bytes.extend((0..size).map(|at| (serial as usize * 31 + at * 7) as u8));
    bytes
}

struct Model {
    disk: FaultDisk,
    options: Options,
    spool: Option<Spool>,
    serial: u64,
    payloads: BTreeMap<u64, Vec<u8>>,
    /// Accepted and to be handed out.
    waiting: BTreeSet<u64>,
    /// Were ever in `perhaps`: the disk may lose them.
    unsure: BTreeSet<u64>,
    /// Handed out, with the id of each.
    out: BTreeMap<u64, u64>,
    /// May be handed out, may not: appends that failed, acknowledgements that got lost.
    perhaps: BTreeSet<u64>,
    /// Becomes `perhaps` at the next crash.
    perhaps_after_crash: BTreeSet<u64>,
    /// Becomes `perhaps` at the next power cut.
    perhaps_after_power_cut: BTreeSet<u64>,
    parked: BTreeSet<u64>,
    power_was_cut: bool,
    most_bytes: u64,
}

impl Model {
    fn new(seed: u64, sync: bool) -> Model {
        let options = Options {
            max_bytes: MAX_BYTES,
            segment_bytes: 700,
            sync,
            parked_bytes: 1000,
        };
        let mut model = Model {
            disk: FaultDisk::new(seed),
            options,
            spool: None,
            serial: 0,
            payloads: BTreeMap::new(),
            waiting: BTreeSet::new(),
            unsure: BTreeSet::new(),
            out: BTreeMap::new(),
            perhaps: BTreeSet::new(),
            perhaps_after_crash: BTreeSet::new(),
            perhaps_after_power_cut: BTreeSet::new(),
            parked: BTreeSet::new(),
            power_was_cut: false,
            most_bytes: 0,
        };
        model.open();
        model
    }

    fn spool(&self) -> &Spool {
        self.spool.as_ref().unwrap()
    }

    fn try_open(&self) -> Result<(Spool, Recovery), SpoolError> {
        Spool::open_on(Arc::new(self.disk.clone()), "/queue", self.options)
    }

    fn open(&mut self) -> Recovery {
        let (spool, recovery) = self.try_open().unwrap();
        assert!(
            recovery.records >= self.waiting.len() as u64,
            "{recovery:?} {:?}",
            self.waiting
        );
        assert_eq!(
            (spool.len(), spool.bytes()),
            (recovery.records, recovery.bytes)
        );
        let parked: u64 = self
            .parked
            .iter()
            .map(|serial| self.payloads[serial].len() as u64 + 36)
            .sum();
        assert!(
            spool.parked().bytes >= parked,
            "{:?} {:?}",
            spool.parked(),
            self.parked
        );
        // A power cut may bring removed segments back.
        self.most_bytes = spool.disk_bytes().max(MAX_BYTES);
        self.spool = Some(spool);
        recovery
    }

    fn append(&mut self, sizes: &[usize]) {
        let serials = self.serial..self.serial + sizes.len() as u64;
        self.serial = serials.end;
        self.payloads.extend(
            serials.clone().zip(
                sizes
                    .iter()
                    .zip(serials.clone())
                    .map(|(size, serial)| payload(serial, *size)),
            ),
        );
        let records: Vec<&[u8]> = serials
            .clone()
            .map(|serial| self.payloads[&serial].as_slice())
            .collect();
        match self.spool().append(&records) {
            Ok(ids) => {
                assert_eq!(ids.end - ids.start, sizes.len() as u64);
                self.waiting.extend(serials);
            }
            Err(SpoolError::Full { needed, free }) => assert!(needed > free),
            Err(error) => {
                assert!(
                    matches!(error, SpoolError::Io { .. } | SpoolError::Closed),
                    "{error}"
                );
                self.perhaps_after_crash.extend(serials);
            }
        }
        assert!(self.spool().disk_bytes() <= self.most_bytes);
    }

    fn next(&mut self) -> bool {
        // An error is about a segment that could not be removed; the queue goes on.
        let record = self.spool().next().unwrap();
        let first = self.waiting.first().copied();
        let Some(record) = record else {
            assert_eq!(first, None, "an accepted record was not handed out");
            return false;
        };
        let serial = u64::from_le_bytes(*record.bytes.first_chunk().unwrap());
        assert_eq!(record.bytes, self.payloads[&serial]);
        assert!(
            first.is_none_or(|first| serial <= first),
            "{serial} before {first:?}"
        );
        assert!(
            self.waiting.remove(&serial) || self.perhaps.remove(&serial),
            "{serial} was not to be handed out"
        );
        self.out.insert(serial, record.id);
        true
    }

    fn choose(&self, choice: usize) -> Option<(u64, u64)> {
        self.out
            .iter()
            .nth(choice % self.out.len().max(1))
            .map(|(serial, id)| (*serial, *id))
    }

    fn ack(&mut self, serials: &[(u64, u64)]) {
        let ids: Vec<u64> = serials.iter().map(|(_, id)| *id).collect();
        let result = self.spool().ack(&ids);
        for (serial, _) in serials {
            self.out.remove(serial);
            self.perhaps_after_power_cut.insert(*serial);
            if result.is_err() {
                self.perhaps_after_crash.insert(*serial);
            }
        }
    }

    fn park(&mut self, choice: usize) {
        let Some((serial, id)) = self.choose(choice) else {
            return;
        };
        match self.spool().park(id) {
            Ok(()) => {
                self.out.remove(&serial);
                self.parked.insert(serial);
                self.perhaps_after_power_cut.insert(serial);
            }
            Err(_) if self.spool().release(&[id]).is_ok() => self.give_back(serial),
            // Parked, but the acknowledgement got lost.
            Err(_) => {
                self.out.remove(&serial);
                self.perhaps_after_crash.insert(serial);
                self.perhaps_after_power_cut.insert(serial);
            }
        }
    }

    /// A record is out no more, and not done either.
    fn give_back(&mut self, serial: u64) {
        self.out.remove(&serial);
        let back = if self.unsure.contains(&serial) {
            &mut self.perhaps
        } else {
            &mut self.waiting
        };
        back.insert(serial);
    }

    fn crash(&mut self, power: bool) {
        self.spool = None;
        while let Some(serial) = self.out.keys().next().copied() {
            self.give_back(serial);
        }
        let mut perhaps = std::mem::take(&mut self.perhaps_after_crash);
        if power {
            self.power_was_cut = true;
            self.disk.cut_power();
            perhaps.extend(&self.perhaps_after_power_cut);
            if !self.options.sync {
                perhaps.append(&mut self.waiting);
            }
        }
        perhaps.retain(|serial| !self.waiting.contains(serial));
        self.unsure.extend(&perhaps);
        self.perhaps.append(&mut perhaps);
    }

    fn run(&mut self, action: Action) {
        match action {
            Action::Append(sizes) => self.append(&sizes),
            Action::Next => drop(self.next()),
            Action::Ack(choice) => {
                if let Some(chosen) = self.choose(choice) {
                    self.ack(&[chosen]);
                }
            }
            Action::AckAll => {
                let all: Vec<(u64, u64)> =
                    self.out.iter().map(|(serial, id)| (*serial, *id)).collect();
                self.ack(&all);
            }
            Action::Release(choice) => {
                if let Some((serial, id)) = self.choose(choice) {
                    self.spool().release(&[id]).unwrap();
                    self.give_back(serial);
                }
            }
            Action::Park(choice) => self.park(choice),
            Action::Kill => {
                self.disk.heal();
                self.crash(false);
                let recovery = self.open();
                assert!(recovery.damaged == 0 || self.power_was_cut, "{recovery:?}");
            }
            Action::PowerCut => {
                self.disk.heal();
                self.crash(true);
                self.open();
            }
            Action::PowerCutsWhileOpening(times) => {
                for _ in 0..times {
                    self.disk.heal();
                    self.crash(true);
                    // Opening removes files, so this may stop it halfway.
                    self.disk.fail(Operation::Remove, ErrorKind::Other, 1);
                    self.spool = self.try_open().ok().map(|opened| opened.0);
                }
                self.disk.heal();
                self.crash(true);
                self.open();
            }
            Action::Close => {
                let _ = self.spool().close();
                self.disk.heal();
                self.crash(false);
                self.open();
            }
            Action::Fail(operation, kind, times) => self.disk.fail(operation, kind, times),
            Action::Heal => self.disk.heal(),
        }
    }

    /// Whatever happened, a queue that is drained takes new records.
    fn end(mut self) {
        self.disk.heal();
        while self.next() {}
        assert_eq!(self.spool().len(), self.out.len() as u64);
        self.run(Action::AckAll);
        assert!(self.spool().is_empty());
        assert_eq!(self.spool().bytes(), 0);
        self.append(&[1000, 1000, 1000]);
        assert_eq!(self.waiting.len(), 3);
        self.run(Action::Kill);
        while self.next() {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Scenario: random use of a synced queue, with kills, power cuts (also while opening) and a failing disk.
    /// Guarantee: what was accepted is handed out, whole and in order, until it is acknowledged; the queue never wedges.
    #[test]
    fn synced_queue_loses_nothing(seed: u64, actions in prop::collection::vec(action(), 1..80)) {
        let mut model = Model::new(seed, true);
        actions.into_iter().for_each(|action| model.run(action));
        model.end();
    }

    /// Scenario: the same without syncing.
    /// Guarantee: a killed process loses nothing, a power cut only loses; nothing wrong is handed out.
    #[test]
    fn unsynced_queue_survives_kills(seed: u64, actions in prop::collection::vec(action(), 1..80)) {
        let mut model = Model::new(seed, false);
        actions.into_iter().for_each(|action| model.run(action));
        model.end();
    }
}
