use super::*;
use crate::Level;
use crate::callsite::{Callsite, Source};
use crate::record::Kind;

static LOG: Callsite = Callsite::new("paid", Level::Info, Source::TEST);

/// Sees how many records there are.
#[derive(Clone, Debug, Default)]
struct Counter(Arc<Mutex<usize>>);

impl Viewer for Counter {
    fn view(&mut self, records: &[Record<'_>]) {
        *self.0.lock().unwrap() += records.len();
    }
}

/// Panics when it is given something for the first time.
#[derive(Debug, Default)]
struct Faulty {
    has_panicked: bool,
}

impl Faulty {
    fn panic_once(&mut self, records: &[Record<'_>]) {
        if !records.is_empty() && !std::mem::replace(&mut self.has_panicked, true) {
            panic!("faulty");
        }
    }
}

impl Viewer for Faulty {
    fn view(&mut self, records: &[Record<'_>]) {
        self.panic_once(records);
    }
}

impl Stage for Faulty {
    fn pass(&mut self, records: &[Record<'_>], on: &mut Vec<u8>, _is_last: bool) {
        self.panic_once(records);
        for record in records {
            record::copy(on, record);
        }
    }
}

/// What was told.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<(NoticeKind, String)>>>);

impl Told {
    fn notices(&self) -> Notices {
        let told = Arc::clone(&self.0);
        Notices::to(move |notice| {
            told.lock()
                .unwrap()
                .push((notice.kind, notice.text.clone()))
        })
    }

    fn kinds(&self) -> Vec<NoticeKind> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .map(|(kind, _)| *kind)
            .collect()
    }
}

/// Records twice, with a flush after each, and stops.
fn record_twice(work: Work) {
    let handoff = Arc::new(Handoff::new(1 << 20));
    let collector = Collector::start(Arc::clone(&handoff), work).unwrap();
    let buffer = handoff.join();
    let deadline = Instant::now() + Duration::from_secs(30);
    for is_last in [false, true] {
        handoff.append(&buffer, |out| {
            record::append(out, Kind::Log, &LOG, Level::Info, |_| {});
        });
        let done = match is_last {
            true => collector.stop(deadline),
            false => collector.flush(deadline),
        };
        assert!(done.wait(deadline).is_some());
    }
}

/// Scenario: somebody who is shown records panics.
/// Guarantee: everybody else is shown them, collecting goes on, and it is told.
#[test]
fn viewer_that_panics_costs_nobody_else_anything() {
    let (told, seen) = (Told::default(), Counter::default());
    record_twice(Work {
        notices: told.notices(),
        viewers: vec![Box::new(Faulty::default()), Box::new(seen.clone())],
        ..Work::default()
    });
    assert_eq!(*seen.0.lock().unwrap(), 2);
    assert_eq!(told.kinds(), [NoticeKind::Panicked]);
}

/// Scenario: a stage panics, as scrubbing might.
/// Guarantee: nothing goes past it, later records go through it, and the loss is told.
#[test]
fn stage_that_panics_loses_what_it_was_given() {
    let (told, seen) = (Told::default(), Counter::default());
    record_twice(Work {
        notices: told.notices(),
        stages: vec![Box::new(Faulty::default())],
        viewers: vec![Box::new(seen.clone())],
        ..Work::default()
    });
    assert_eq!(*seen.0.lock().unwrap(), 1);
    assert_eq!(told.kinds(), [NoticeKind::Panicked]);
}

/// Scenario: records don't fit into memory, a few, and later a few more, with metrics off.
/// Guarantee: the first loss is told when it is found, the others at the end at the latest, and all of them add up.
#[test]
fn every_lost_record_is_told() {
    let told = Told::default();
    let handoff = Arc::new(Handoff::new(0));
    let buffer = handoff.join();
    let lose_until = |dropped| {
        while handoff.dropped() < dropped {
            handoff.append(&buffer, |out| out.resize(100_000, 0));
        }
    };
    lose_until(2);
    let work = Work {
        notices: told.notices(),
        ..Work::default()
    };
    let collector = Collector::start(Arc::clone(&handoff), work).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    assert!(collector.flush(deadline).wait(deadline).is_some());
    lose_until(5);
    assert!(collector.stop(deadline).wait(deadline).is_some());
    let told = told.0.lock().unwrap();
    let [(_, first), (_, last)] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert!(first.starts_with("2 spans"), "{first}");
    assert!(last.starts_with("3 spans"), "{last}");
}
