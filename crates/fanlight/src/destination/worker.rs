//! The thread of a destination: it decides what is sent next, and what the answer means.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fanlight_otlp::{Batch, Signal};

use crate::collect::{Flushed, Reply};
use crate::destination::Shared;
use crate::destination::answer::Verdict;
use crate::destination::counts::{Cause, Counts};
use crate::destination::queue::{Flushing, Queue, counted};
use crate::destination::settings::{Retry, Settings, Target};
use crate::destination::transport::Transport;
use crate::notice::{NoticeKind, Notices};

/// How long a signal that the destination doesn't take is not sent.
const NOT_SERVED: Duration = Duration::from_secs(10 * 60);
/// How long a destination is left alone that does not accept the credentials; ten times that after some failures.
const UNAUTHORIZED: Duration = Duration::from_secs(30);
/// The shortest attempt a flush makes.
const LEAST: Duration = Duration::from_millis(10);
/// What to do about an address where nothing takes traces.
const NOT_FOUND: &str = "check the endpoint's path";
/// What to do about a redirect.
const MOVED: &str = "redirects are not followed, so that no header goes to another host; set the endpoint to where it leads";

/// A flush that waits for its answer.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) deadline: Instant,
    pub(crate) reply: Reply,
}

/// What the destination's thread and others look at under a lock.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) queue: Queue,
    orders: Vec<Order>,
    pub(crate) is_closing: bool,
    /// The lane that was served last.
    last: usize,
    /// Since a failure was told: how many items were delivered again.
    outage: Option<u64>,
    name: String,
    signals: Vec<Signal>,
    notices: Notices,
    counts: Arc<Counts>,
}

/// What the thread does next.
enum Step {
    Send(usize, Batch, Duration),
    Wait(Option<Instant>),
    End,
}

/// The thread.
#[derive(Debug)]
pub(crate) struct Worker {
    shared: Arc<Shared>,
    settings: Settings,
    notices: Notices,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, settings: Settings, notices: Notices) -> Worker {
        Worker {
            shared,
            settings,
            notices,
        }
    }

    pub(crate) fn run(self) {
        self.adopt();
        let transport = Transport::new(&self.settings);
        let targets: Vec<Target> = self.settings.targets.clone();
        let mut state = self.shared.lock();
        loop {
            match state.step(Instant::now()) {
                Step::Send(index, batch, timeout) => {
                    drop(state);
                    let verdict = match (&transport, targets.get(index)) {
                        (Ok(transport), Some(target)) => transport.attempt(target, &batch, timeout),
                        (Err(why), _) => Verdict::NoAnswer {
                            why: why.clone(),
                            is_broken: false,
                        },
                        (_, None) => Verdict::TooLarge,
                    };
                    state = self.shared.lock();
                    self.settle(&mut state, index, verdict);
                    // Whoever watches a deadline may have less to wait for.
                    self.shared.has_changed.notify_all();
                }
                Step::Wait(until) => state = self.shared.wait(state, until),
                Step::End => break,
            }
        }
        state.end();
    }

    /// Takes over what earlier processes could not deliver.
    fn adopt(&self) {
        let mut stores = self.shared.lock().queue.lend_stores();
        for store in stores.iter_mut().flatten() {
            if let Err(error) = store.adopt() {
                self.tell(NoticeKind::Disk, || {
                    format!("what an earlier run left on disk can't be read: {error}")
                });
            }
        }
        self.shared.lock().queue.return_stores(stores);
    }

    /// Does what the answer asks for.
    fn settle(&self, state: &mut State, index: usize, verdict: Verdict) {
        let Some(target) = self.settings.targets.get(index) else {
            return;
        };
        let now = Instant::now();
        let is_well = matches!(
            verdict,
            Verdict::Delivered { .. } | Verdict::TooLarge | Verdict::Refused { .. }
        );
        if let Some(lane) = state.queue.lanes.get_mut(index)
            && is_well
        {
            lane.pace.succeeded();
            lane.closed_until = None;
            lane.error = None;
        }
        match verdict {
            Verdict::Delivered { rejected, message } => {
                self.delivered(state, index, rejected, &message)
            }
            Verdict::TooLarge => {
                if let Some(items) = state.queue.halved(index) {
                    let what = counted(items, target.signal);
                    self.refused(
                        target,
                        &format!("answered 413: {what} dropped, as too large"),
                    );
                }
            }
            Verdict::Refused { why } => {
                let items = state.queue.given_up(index, Cause::Refused);
                let what = counted(items, target.signal);
                self.refused(target, &format!("{why}; {what} dropped"));
            }
            Verdict::Later { after, why } => {
                self.failed(state, index, after, target.redact(&why), now, false)
            }
            Verdict::NoAnswer { why, is_broken } => {
                self.failed(state, index, None, target.redact(&why), now, is_broken)
            }
            Verdict::NotServed { why } if target.signal != Signal::Traces => {
                self.not_served(state, index, &why, now)
            }
            Verdict::Unauthorized { why } => {
                let advice = format!("check {}", target.credentials);
                let kind = NoticeKind::Unauthorized;
                self.barred(state, index, kind, Cause::Unauthorized, &why, &advice);
            }
            Verdict::NotServed { why } => {
                let kind = NoticeKind::NotServed;
                self.barred(state, index, kind, Cause::NotServed, &why, NOT_FOUND);
            }
            Verdict::Moved { why } => {
                let kind = NoticeKind::NotServed;
                self.barred(state, index, kind, Cause::Refused, &why, MOVED);
            }
        }
    }

    fn delivered(&self, state: &mut State, index: usize, rejected: u64, message: &str) {
        let items = state.queue.delivered(index, rejected);
        let Some(target) = self.settings.targets.get(index) else {
            return;
        };
        let said = target.redact(message);
        if rejected > 0 {
            let what = counted(rejected, target.signal);
            self.refused(target, &format!("took a part only: {what} dropped: {said}"));
        } else if !message.is_empty() {
            self.tell(NoticeKind::Warning, || {
                format!("{} warns: {said}", target.shown_url())
            });
        }
        if let Some(lane) = state.queue.lanes.get_mut(index)
            && lane.flush == Flushing::Untried
        {
            lane.flush = Flushing::Tried;
        }
        state.recover(items);
    }

    fn failed(
        &self,
        state: &mut State,
        index: usize,
        after: Option<Duration>,
        why: String,
        now: Instant,
        is_broken: bool,
    ) {
        let is_flushing = state.is_flushing();
        let deadline = state.last_deadline();
        let Some(lane) = state.queue.lanes.get_mut(index) else {
            return;
        };
        let url = lane.target.shown_url();
        // A connection that was idle may be closed just when it is used again. Another one is as good, at once.
        let is_stale = is_broken && lane.pace.failures() == 0;
        let pause = match is_stale {
            true => Retry {
                first: Duration::ZERO,
                ..self.settings.retry
            },
            false => self.settings.retry,
        };
        lane.pace.failed(&pause, after, now);
        lane.error = Some(format!("{url}: {why}"));
        if is_flushing && !is_stale {
            // A backend that is busy may be waited for; one that is not there won't come.
            let may_come = after.is_some() && lane.pace.until() < deadline;
            lane.flush = match may_come {
                true => Flushing::Tried,
                false => Flushing::GivenUp,
            };
        }
        state.queue.returned(index);
        if is_stale {
            return;
        }
        state.outage.get_or_insert(0);
        let waiting = state.waiting();
        self.tell(NoticeKind::Failing, || {
            format!("{url}: {why} ({waiting}; trying again)")
        });
    }

    /// The destination takes nothing from us for now, and a person has to do something.
    fn barred(
        &self,
        state: &mut State,
        index: usize,
        kind: NoticeKind,
        cause: Cause,
        why: &str,
        advice: &str,
    ) {
        state.queue.given_up(index, cause);
        let Some(lane) = state.queue.lanes.get_mut(index) else {
            return;
        };
        let pause = match lane.pace.failures() {
            0..3 => UNAUTHORIZED,
            _ => UNAUTHORIZED * 10,
        };
        lane.pace.pause(pause, Instant::now());
        lane.flush = Flushing::GivenUp;
        let text = format!("{}: {}", lane.target.shown_url(), lane.target.redact(why));
        lane.error = Some(text.clone());
        self.tell(kind, || format!("{text}; {advice}"));
    }

    /// The destination doesn't take the signal, which is no reason to bother it or the user again.
    fn not_served(&self, state: &mut State, index: usize, why: &str, now: Instant) {
        state.queue.given_up(index, Cause::NotServed);
        state.queue.clear(index, Cause::NotServed);
        let Some(lane) = state.queue.lanes.get_mut(index) else {
            return;
        };
        lane.pace.pause(NOT_SERVED, now);
        lane.closed_until = Some(now + NOT_SERVED);
        lane.flush = Flushing::GivenUp;
        let (url, signal) = (lane.target.shown_url(), lane.target.signal);
        let why = lane.target.redact(why);
        lane.error = Some(format!("{url}: {why}"));
        if !std::mem::replace(&mut lane.has_told_closed, true) {
            self.notices.tell_always(NoticeKind::NotServed, &self.settings.name, || {
                let variable = signal.name().to_ascii_uppercase();
                format!(
                    "{url}: {why}, so {signal} are not sent there for a while; check the URL, or set OTEL_{variable}_EXPORTER=none if the backend takes none"
                )
            });
        }
    }

    fn refused(&self, target: &Target, what: &str) {
        let (url, what) = (target.shown_url(), target.redact(what));
        self.tell(NoticeKind::Refused, || format!("{url}: {what}"));
    }

    fn tell(&self, kind: NoticeKind, text: impl FnOnce() -> String) {
        self.notices.tell(kind, &self.settings.name, text);
    }
}

impl State {
    pub(crate) fn new(settings: &Settings, notices: Notices, counts: Arc<Counts>) -> State {
        State {
            queue: Queue::new(settings, notices.clone(), Arc::clone(&counts)),
            orders: Vec::new(),
            is_closing: false,
            last: 0,
            outage: None,
            name: settings.name.clone(),
            signals: settings.targets.iter().map(|it| it.signal).collect(),
            notices,
            counts,
        }
    }

    /// Takes a flush on: everything is tried at once, whatever pauses there are, but for those that the destination wants.
    pub(crate) fn flush(&mut self, order: Order) {
        let (now, deadline) = (Instant::now(), order.deadline);
        self.orders.push(order);
        for lane in &mut self.queue.lanes {
            lane.flush = match lane.pace.barred_until(now) {
                None => Flushing::Untried,
                Some(until) if until < deadline => Flushing::Tried,
                Some(_) => Flushing::GivenUp,
            };
        }
    }

    fn step(&mut self, now: Instant) -> Step {
        let due = self.orders.iter().map(|order| order.deadline);
        let due: Vec<Instant> = due.filter(|at| self.answer_time(*at) <= now).collect();
        due.into_iter().for_each(|at| self.answer(Some(at)));
        if let Some(index) = self.next_lane(now) {
            let timeout = self.timeout(index, now);
            self.last = index;
            // Nothing comes when what is on disk can't be read.
            if let Some(batch) = self.queue.take(index) {
                return Step::Send(index, batch, timeout);
            }
        }
        if self.next_lane(now).is_some() {
            return Step::Wait(Some(now));
        }
        if self.is_flushing() && self.is_flushed(now) {
            self.answer(None);
        }
        if self.is_closing && !self.is_flushing() {
            return Step::End;
        }
        let answers = self.orders.iter().map(|it| self.answer_time(it.deadline));
        let retries = self.queue.lanes.iter().filter(|lane| lane.has_more());
        let retries = retries.filter_map(|lane| lane.pace.until());
        Step::Wait(answers.chain(retries.filter(|until| *until > now)).min())
    }

    /// The lane to serve, in turn.
    fn next_lane(&self, now: Instant) -> Option<usize> {
        let lanes = self.queue.lanes.len();
        let in_turn = (1..=lanes).map(|step| (self.last + step) % lanes);
        let may_send = |index: &usize| {
            let lane = self.queue.lanes.get(*index);
            lane.is_some_and(|lane| {
                let may_now = match (self.is_flushing(), lane.flush) {
                    (true, Flushing::Untried) => !lane.is_closed(now),
                    (true, Flushing::GivenUp) => false,
                    // The end of the program waits for a flush, not for a backend.
                    (false, _) => !self.is_closing && lane.pace.is_due(now),
                    (true, Flushing::Tried) => lane.pace.is_due(now),
                };
                lane.has_more() && may_now
            })
        };
        in_turn.into_iter().find(may_send)
    }

    /// How long the next attempt of a lane may take. A flush gives each lane that was not tried its share.
    fn timeout(&self, index: usize, now: Instant) -> Duration {
        let lane = self.queue.lanes.get(index);
        let timeout = lane.map_or(LEAST, |lane| lane.target.timeout);
        let Some(deadline) = self.last_deadline() else {
            return timeout;
        };
        let left = self.answer_time(deadline).saturating_duration_since(now);
        let untried = self.queue.lanes.iter();
        let untried = untried.filter(|it| it.has_more() && it.flush == Flushing::Untried);
        let share = left / u32::try_from(untried.count().max(1)).unwrap_or(1);
        share.min(timeout).max(LEAST)
    }

    fn is_flushing(&self) -> bool {
        !self.orders.is_empty()
    }

    fn last_deadline(&self) -> Option<Instant> {
        self.orders.iter().map(|order| order.deadline).max()
    }

    /// Whether a flush with this deadline waits for its answer.
    pub(crate) fn is_asked_by(&self, deadline: Instant) -> bool {
        self.orders.iter().any(|order| order.deadline == deadline)
    }

    /// When a flush is answered at the latest: a moment before the deadline, to put on disk what is left.
    pub(crate) fn answer_time(&self, deadline: Instant) -> Instant {
        let bytes = u64::try_from(self.queue.bytes()).unwrap_or(u64::MAX);
        let reserve = Duration::from_nanos(bytes.saturating_mul(2)) + Duration::from_millis(2);
        deadline.checked_sub(reserve).unwrap_or(deadline)
    }

    fn is_flushed(&self, now: Instant) -> bool {
        let mut lanes = self.queue.lanes.iter();
        let is_done = |flush| flush == Flushing::GivenUp;
        lanes.all(|lane| lane.is_empty() || lane.is_closed(now) || is_done(lane.flush))
    }

    /// Answers the flushes of a deadline, or all. What is not delivered is on disk then, if there is one.
    pub(crate) fn answer(&mut self, deadline: Option<Instant>) {
        self.queue.keep_all();
        let is_last = self.is_closing && deadline.is_none_or(|at| self.last_deadline() == Some(at));
        if is_last {
            self.queue.drop_all();
        }
        let told = self.flushed();
        let orders = std::mem::take(&mut self.orders);
        for order in orders {
            if deadline.is_none_or(|at| at == order.deadline) {
                order.reply.send(told.clone());
            } else {
                self.orders.push(order);
            }
        }
    }

    fn flushed(&self) -> Flushed {
        let of_all = |count: &dyn Fn(Signal) -> u64| -> HashMap<Signal, u64> {
            let counts = self.signals.iter().map(|signal| (*signal, count(*signal)));
            counts.filter(|(_, count)| *count > 0).collect()
        };
        let (in_memory, on_disk) = self.queue.items();
        let errors = self.queue.lanes.iter().filter_map(|it| it.error.clone());
        let errors: Vec<String> = errors.collect();
        Flushed {
            destination: self.name.clone(),
            delivered: of_all(&|signal| self.counts.exported(signal)),
            dropped: of_all(&|signal| self.counts.all_dropped(signal)),
            waiting: in_memory + on_disk,
            error: (!errors.is_empty()).then(|| errors.join("; ")),
        }
    }

    /// Says that all is well again, once nothing waits.
    fn recover(&mut self, delivered: u64) {
        let Some(items) = &mut self.outage else {
            return;
        };
        *items += delivered;
        let is_over = self.queue.lanes.iter().all(|lane| {
            lane.closed_until.is_some() || lane.pace.failures() == 0 && lane.is_empty()
        });
        if is_over {
            let items = *items;
            self.outage = None;
            self.notices.tell(NoticeKind::Recovered, &self.name, || {
                let s = if items == 1 { "" } else { "s" };
                format!("recovered, {items} item{s} delivered")
            });
        }
    }

    fn waiting(&self) -> String {
        let items = |count: u64| match count {
            1 => "1 item waits".to_owned(),
            _ => format!("{count} items wait"),
        };
        match self.queue.items() {
            (in_memory, 0) => format!("{} in memory", items(in_memory)),
            (0, on_disk) => format!("{} on disk", items(on_disk)),
            (in_memory, on_disk) => {
                format!("{} in memory, {on_disk} on disk", items(in_memory))
            }
        }
    }

    /// The end: what is left goes to disk, or is counted as lost.
    fn end(&mut self) {
        self.queue.keep_all();
        self.queue.drop_all();
        self.queue.close();
    }
}
