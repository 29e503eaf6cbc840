//! Under `--cfg loom`, every interleaving; otherwise real threads.

#[cfg(model)]
use loom::thread;
#[cfg(not(model))]
use std::thread;

use super::*;

#[cfg(model)]
fn model(run: impl Fn() + Send + Sync + 'static) {
    loom::model(run);
}

#[cfg(not(model))]
fn model(run: impl Fn() + Send + Sync + 'static) {
    (0..200).for_each(|_| run());
}

/// Collects until so many bytes have come, asleep in between.
fn collect(handoff: &Handoff, expected: usize) -> Vec<u8> {
    let mut collected = Vec::new();
    loop {
        let chunks = handoff.take();
        collected.extend(chunks.iter().flatten());
        handoff.release(chunks);
        if collected.len() >= expected {
            return collected;
        }
        if handoff.is_idle() {
            handoff.sleep(None);
        }
    }
}

/// Scenario: two threads append while the collector sleeps whenever it finds nothing.
/// Guarantee: the collector gets every record, each thread's in its order, and never sleeps on one.
#[test]
fn nothing_is_lost_and_nobody_sleeps_on_a_record() {
    model(|| {
        let handoff = Arc::new(Handoff::new(1024));
        let collecting = Arc::clone(&handoff);
        let collector = thread::spawn(move || collect(&collecting, 4));
        let other = Arc::clone(&handoff);
        let thread = thread::spawn(move || record(&other, [1, 2]));
        record(&handoff, [3, 4]);
        thread.join().unwrap();
        let collected = collector.join().unwrap();
        for pair in [[1, 2], [3, 4]] {
            let own: Vec<u8> = collected
                .iter()
                .copied()
                .filter(|byte| pair.contains(byte))
                .collect();
            assert_eq!(own, pair);
        }
    });
}

fn record(handoff: &Handoff, records: [u8; 2]) {
    let buffer = handoff.join();
    for record in records {
        handoff.append(&buffer, |bytes| bytes.push(record));
    }
}

#[cfg(not(model))]
mod limits {
    use super::*;

    /// Scenario: a thread records more than memory allows while nobody collects, then the collector comes.
    /// Guarantee: memory stays within the limit and one chunk, what is older arrives, what was dropped is counted, and
    /// after the collector is done there is room again.
    #[test]
    fn newest_records_are_dropped_and_counted() {
        let handoff = Handoff::new(4 * CHUNK);
        let buffer = handoff.join();
        let record = [7; 1024];
        let sent = 10 * CHUNK / record.len();
        for _ in 0..sent {
            handoff.append(&buffer, |bytes| bytes.extend_from_slice(&record));
        }
        let chunks = handoff.take();
        let arrived: usize = chunks.iter().map(Vec::len).sum();
        let dropped = usize::try_from(handoff.dropped()).unwrap();
        assert_eq!(arrived, 5 * CHUNK);
        assert_eq!(dropped, sent - arrived / record.len());
        handoff.release(chunks);
        handoff.append(&buffer, |bytes| bytes.extend_from_slice(&record));
        assert_eq!(handoff.take().len(), 1);
        assert_eq!(handoff.dropped(), dropped as u64);
    }

    /// Scenario: a thread ends after its last record.
    /// Guarantee: the record arrives, and its buffer is not kept.
    #[test]
    fn buffers_of_ended_threads_are_emptied_and_forgotten() {
        let handoff = Arc::new(Handoff::new(CHUNK));
        let ended = Arc::clone(&handoff);
        thread::spawn(move || ended.append(&ended.join(), |bytes| bytes.push(1)))
            .join()
            .unwrap();
        assert_eq!(handoff.take(), [vec![1]]);
        assert!(lock(&handoff.threads).is_empty());
    }
}
