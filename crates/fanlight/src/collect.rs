//! The collecting thread: it takes what the program's threads handed over, and gives every destination its form of it.
//!
//! ```text
//! threads --Handoff--> collector --Form--> batches --Outlet--> destinations
//! ```
//!
//! The thread sleeps while the program is silent. The first record wakes it; it waits a moment for more, then takes all.

use std::collections::HashMap;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use fanlight_otlp::view::{OwnedValue, Value};
use fanlight_otlp::{Batch, Signal};

use crate::clock;
use crate::completion::Completion;
use crate::form::{Form, Resource};
use crate::handoff::Handoff;
use crate::notice::{NoticeKind, Notices};
use crate::record::{self, Record};

/// How long the collector waits for more once there is something.
const LINGER: Duration = Duration::from_millis(100);
/// How much goes into one request, in bytes of records; destinations split what is too much for them.
const REQUEST_BYTES: usize = 512 * 1024;

/// Somewhere that telemetry goes. Nothing in here may block: each destination has a thread of its own.
pub(crate) trait Outlet: Send + fmt::Debug {
    /// What it wants.
    fn form(&self) -> Form;

    /// Whether it wants metrics.
    fn wants_metrics(&self) -> bool;

    /// How it wants metrics that add up.
    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }

    /// Takes a request over.
    fn offer(&self, batch: Batch);

    /// Answers when everything offered until now is delivered, or kept, or the deadline has come.
    fn flush(&self, deadline: Instant, reply: Reply);
}

/// Someone who sees the records themselves: the console, tests.
pub(crate) trait Viewer: Send + fmt::Debug {
    /// Shows records, in the order in which they happened.
    fn view(&mut self, records: &[Record<'_>]);
}

/// Something that looks at the records before anybody else and may change or drop them: sampling, scrubbing.
pub(crate) trait Stage: Send + fmt::Debug {
    /// Takes a buffer of records, and puts what goes on into the other. `is_last` when nothing comes after it.
    fn pass(&mut self, records: &[Record<'_>], on: &mut Vec<u8>, is_last: bool);
}

/// Something that makes metrics when asked.
pub(crate) trait MetricSource: Send + fmt::Debug {
    /// Learns through what the program's threads hand over, before anything is collected.
    fn watch(&mut self, _handoff: &Arc<Handoff>) {}

    /// When it wants to be asked next.
    fn due(&self) -> Option<Instant>;

    /// Takes what has been measured since the last time.
    fn collect(&mut self);

    /// What was collected last, as some destinations want it; `resource` is what it belongs to.
    fn batch(&self, temporality: Temporality, resource: Resource<'_>) -> Option<Batch>;
}

/// What a point of a metric that adds up tells: everything since the start, or what is new since the last one.
///
/// [Source](https://opentelemetry.io/docs/specs/otel/metrics/sdk_exporters/otlp/#additional-environment-variable-configuration)
/// of what each preference means for which instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Temporality {
    /// Everything since the start.
    #[default]
    Cumulative,
    /// What is new, but for up-down counters.
    Delta,
    /// What is new, where that needs no memory: counters and histograms that are not observed.
    LowMemory,
}

/// What one destination has to say about a flush.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flushed {
    /// The destination's name.
    pub destination: String,
    /// Items delivered since the start, by signal: traces, metrics, logs.
    pub delivered: HashMap<Signal, u64>,
    /// Items dropped since the start, by signal.
    pub dropped: HashMap<Signal, u64>,
    /// Items that still wait to be delivered.
    pub waiting: u64,
    /// What the last failure was, if the destination fails.
    pub error: Option<String>,
}

/// What the collector works on.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) notices: Notices,
    pub(crate) resource: Vec<(String, OwnedValue)>,
    pub(crate) stages: Vec<Box<dyn Stage>>,
    pub(crate) viewers: Vec<Box<dyn Viewer>>,
    pub(crate) outlets: Vec<Box<dyn Outlet>>,
    pub(crate) metrics: Vec<Box<dyn MetricSource>>,
}

/// The running collector.
#[derive(Debug)]
pub(crate) struct Collector {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    handoff: Arc<Handoff>,
    orders: Mutex<Vec<Order>>,
    has_stopped: AtomicBool,
}

/// Something the collector is asked to do now.
#[derive(Debug)]
struct Order {
    deadline: Instant,
    is_last: bool,
    done: Arc<Completion<Vec<Flushed>>>,
}

impl Collector {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(handoff: Arc<Handoff>, work: Work) -> std::io::Result<Collector> {
        let shared = Arc::new(Shared {
            handoff,
            orders: Mutex::default(),
            has_stopped: AtomicBool::new(false),
        });
        let running = Arc::clone(&shared);
        thread::Builder::new()
            .name("fanlight".to_owned())
            .spawn(move || running.run(work))?;
        Ok(Collector { shared })
    }

    /// Asks for everything recorded until now to be delivered.
    pub(crate) fn flush(&self, deadline: Instant) -> Arc<Completion<Vec<Flushed>>> {
        self.order(deadline, false)
    }

    /// As a flush, after which nothing is collected any more.
    pub(crate) fn stop(&self, deadline: Instant) -> Arc<Completion<Vec<Flushed>>> {
        self.order(deadline, true)
    }

    fn order(&self, deadline: Instant, is_last: bool) -> Arc<Completion<Vec<Flushed>>> {
        let done = Completion::new();
        let order = Order {
            deadline,
            is_last,
            done: Arc::clone(&done),
        };
        let mut orders = self
            .shared
            .orders
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if self.shared.has_stopped.load(Ordering::Acquire) {
            done.complete(Vec::new());
        } else {
            orders.push(order);
            self.shared.handoff.wake();
        }
        done
    }
}

impl Shared {
    fn run(&self, mut work: Work) {
        crate::panic::leave_out_this_thread();
        let mut losses_told = 0;
        loop {
            let orders = self.wait(&work);
            let is_last = orders.iter().any(|order| order.is_last);
            self.collect(&mut work, is_last);
            self.tell_losses(&work.notices, &mut losses_told, is_last);
            clock::adjust();
            work.measure(!orders.is_empty());
            self.answer(&work, orders);
            if is_last {
                break;
            }
        }
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        self.has_stopped.store(true, Ordering::Release);
        for order in orders.drain(..) {
            order.done.complete(Vec::new());
        }
    }

    /// Waits until there is something to do. Returns what is asked for.
    fn wait(&self, work: &Work) -> Vec<Order> {
        let take =
            || std::mem::take(&mut *self.orders.lock().unwrap_or_else(PoisonError::into_inner));
        let mut orders = take();
        if orders.is_empty() && self.handoff.is_idle() {
            let due = work.next_due();
            self.handoff
                .sleep(due.map(|due| due.saturating_duration_since(Instant::now())));
            orders = take();
        }
        // A viewer is somebody who looks on; for all others a moment more makes larger requests.
        if orders.is_empty() && work.viewers.is_empty() && !self.handoff.is_pressing() {
            self.handoff.sleep(Some(LINGER));
            orders = take();
        }
        orders
    }

    fn collect(&self, work: &mut Work, is_last: bool) {
        let chunks = self.handoff.take();
        let mut ready: Vec<Record<'_>> = Vec::new();
        let mut size = 0;
        for chunk in &chunks {
            for record in record::read(chunk) {
                size += record.message.len();
                ready.push(record);
            }
            if size >= REQUEST_BYTES {
                work.pass_on(&ready, false);
                ready.clear();
                size = 0;
            }
        }
        if !ready.is_empty() || is_last {
            work.pass_on(&ready, is_last);
        }
        drop(ready);
        self.handoff.release(chunks);
    }

    /// Tells how many records came to nothing since it was told last. What is not told now is told with the next.
    fn tell_losses(&self, notices: &Notices, told: &mut u64, is_last: bool) {
        let dropped = self.handoff.dropped();
        let new = dropped - *told;
        if new == 0 {
            return;
        }
        let text = || {
            format!(
                "{new} spans and log records were lost: they came faster than they could be collected, and memory for them is \
                 limited"
            )
        };
        if is_last {
            notices.tell_always(NoticeKind::Dropped, "", text);
        } else if notices.tell(NoticeKind::Dropped, "", text) {
            *told = dropped;
        }
    }

    /// Flushes the destinations all at once; the last to answer answers the orders. Meanwhile collecting goes on.
    fn answer(&self, work: &Work, orders: Vec<Order>) {
        let Some(deadline) = orders.iter().map(|order| order.deadline).max() else {
            return;
        };
        let gathered = Arc::new(Gathered {
            told: Mutex::default(),
            orders,
        });
        for outlet in &work.outlets {
            outlet.flush(deadline, Reply(Arc::clone(&gathered)));
        }
    }
}

/// Takes a destination's answer to a flush.
#[derive(Debug)]
pub(crate) struct Reply(Arc<Gathered>);

impl Reply {
    /// A reply that is waited for alone.
    #[cfg(test)]
    pub(crate) fn to(deadline: Instant) -> (Reply, Arc<Completion<Vec<Flushed>>>) {
        let done = Completion::new();
        let order = Order {
            deadline,
            is_last: false,
            done: Arc::clone(&done),
        };
        let gathered = Gathered {
            told: Mutex::default(),
            orders: vec![order],
        };
        (Reply(Arc::new(gathered)), done)
    }

    /// Answers. Without it, the destination is missing from what the flush tells.
    pub(crate) fn send(self, flushed: Flushed) {
        self.0
            .told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(flushed);
    }
}

/// What the destinations answer to some orders; complete when nobody is left who could add to it.
#[derive(Debug)]
struct Gathered {
    told: Mutex<Vec<Flushed>>,
    orders: Vec<Order>,
}

impl Drop for Gathered {
    fn drop(&mut self) {
        let mut told = std::mem::take(self.told.get_mut().unwrap_or_else(PoisonError::into_inner));
        told.sort_by(|a, b| a.destination.cmp(&b.destination));
        for order in &self.orders {
            order.done.complete(told.clone());
        }
    }
}

impl Work {
    fn next_due(&self) -> Option<Instant> {
        self.metrics.iter().filter_map(|source| source.due()).min()
    }

    /// Sends records through the stages, and what is left to everybody.
    fn pass_on(&mut self, records: &[Record<'_>], is_last: bool) {
        let notices = self.notices.clone();
        let what = "what processes spans and log records panicked, so that some are lost";
        guard(&notices, what, || self.process(records, is_last));
    }

    fn process(&mut self, records: &[Record<'_>], is_last: bool) {
        let Some((first, others)) = self.stages.split_first_mut() else {
            return self.deliver(records);
        };
        let mut passed = Vec::new();
        first.pass(records, &mut passed, is_last);
        for stage in others {
            let mut on = Vec::new();
            stage.pass(&record::read(&passed).collect::<Vec<_>>(), &mut on, is_last);
            passed = on;
        }
        self.deliver(&record::read(&passed).collect::<Vec<_>>());
    }

    fn deliver(&mut self, records: &[Record<'_>]) {
        for viewer in &mut self.viewers {
            let what = "what shows spans and log records panicked, so that some were not shown";
            guard(&self.notices, what, || viewer.view(records));
        }
        let resource = views(&self.resource);
        let mut made: HashMap<Form, Vec<Batch>> = HashMap::new();
        for outlet in &self.outlets {
            let form = outlet.form();
            let batches = made
                .entry(form)
                .or_insert_with(|| form.batches(records, &resource));
            for batch in batches {
                outlet.offer(batch.clone());
            }
        }
    }

    /// Collects the metrics that are due; all of them when asked to.
    fn measure(&mut self, all: bool) {
        let notices = self.notices.clone();
        let what = "what collects metrics panicked, so that some are missing";
        guard(&notices, what, || self.measure_now(all));
    }

    fn measure_now(&mut self, all: bool) {
        let now = Instant::now();
        let resource = views(&self.resource);
        for source in &mut self.metrics {
            if !all && source.due().is_none_or(|due| due > now) {
                continue;
            }
            source.collect();
            let mut made: HashMap<Temporality, Option<Batch>> = HashMap::new();
            for outlet in self.outlets.iter().filter(|outlet| outlet.wants_metrics()) {
                let temporality = outlet.temporality();
                let batch = made
                    .entry(temporality)
                    .or_insert_with(|| source.batch(temporality, &resource));
                if let Some(batch) = batch {
                    outlet.offer(batch.clone());
                }
            }
        }
    }
}

/// Does a part of the work. Its panic costs no more than that part, and is told; the hook has shown it.
fn guard(notices: &Notices, what: &str, run: impl FnOnce()) {
    if panic::catch_unwind(AssertUnwindSafe(run)).is_err() {
        notices.tell(NoticeKind::Panicked, "", || what.to_owned());
    }
}

fn views(resource: &[(String, OwnedValue)]) -> Vec<(&str, Value<'_>)> {
    resource
        .iter()
        .map(|(key, value)| (key.as_str(), value.view()))
        .collect()
}

#[cfg(test)]
mod tests;
