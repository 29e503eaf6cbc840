//! `fanlight tail`: what arrives, as it arrives. Log records and calls of language models come at once; a trace comes as a tree when it is complete:
//! its first span is there, and nothing was added for a moment. A trace is shown once.

use std::collections::{HashMap, HashSet, VecDeque};
use std::process::ExitCode;
use std::time::Duration;

use fanlight_config::Environment;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::api::{Api, Event, Problem};
use crate::cli::TailArgs;
use crate::report::{self, FAINT};
use crate::terminal::shapes::{Attribute, LlmCall, LlmCalls, Log, Logs, Summary, Trace, Traces};
use crate::terminal::tree::{self, Detail};
use crate::terminal::{call_line, log_line, value_text};

/// How long a trace with its first span must be left alone to count as complete.
const QUIET: Duration = Duration::from_millis(600);
/// The same for a trace whose first span is missing: it may belong to a service that sends elsewhere.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many traces and calls are remembered as shown, so that late spans don't show them again.
const REMEMBERED: usize = 10_000;
/// `SeverityNumber` of errors.
const ERROR: i32 = 17;

/// Prints until the hub stops or the user does.
pub(super) fn run(args: &TailArgs, environment: &Environment) -> ExitCode {
    super::ask(&args.hub, environment, async |api| {
        let mut events = api.live().await?;
        report::complain(&format!(
            "{FAINT}waiting for telemetry; stop with ctrl-C{FAINT:#}\n"
        ));
        let mut tail = Tail::new(args);
        loop {
            let next = tail.next();
            tokio::select! {
                event = events.next() => match event? {
                    Some(event) => tail.take(&event)?,
                    None => return Err(Problem::new("the hub has stopped")),
                },
                () = sleep_until(next) => tail.show_complete(&api).await,
            }
        }
    })
}

async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

struct Tail<'a> {
    args: &'a TailArgs,
    grep: Option<String>,
    /// When each trace will be complete, if nothing is added to it.
    open: HashMap<String, Instant>,
    shown: HashSet<String>,
    order: VecDeque<String>,
}

impl<'a> Tail<'a> {
    fn new(args: &'a TailArgs) -> Tail<'a> {
        Tail {
            args,
            grep: args.grep.as_deref().map(str::to_lowercase),
            open: HashMap::new(),
            shown: HashSet::new(),
            order: VecDeque::new(),
        }
    }

    /// When the next trace is complete.
    fn next(&self) -> Option<Instant> {
        self.open.values().min().copied()
    }

    fn take(&mut self, event: &Event) -> Result<(), Problem> {
        match event.name.as_str() {
            "traces" => {
                for trace in read::<Traces>(event)?.traces {
                    self.wait_for(trace);
                }
            }
            "logs" => {
                // They come newest first.
                for log in read::<Logs>(event)?.logs.iter().rev() {
                    if self.wants_log(log) {
                        report::print(&log_line(log));
                    }
                }
            }
            "llmCalls" => {
                for call in read::<LlmCalls>(event)?.llm_calls.iter().rev() {
                    if self.wants_call(call) {
                        report::print(&call_line(call));
                    }
                }
            }
            "reset" => report::complain(&format!(
                "{FAINT}more arrives than can be shown; some of it is left out{FAINT:#}\n"
            )),
            _ => {}
        }
        Ok(())
    }

    fn wait_for(&mut self, trace: Summary) {
        let args = self.args;
        let is_of_service = args
            .service
            .as_ref()
            .is_none_or(|service| trace.services.contains(service));
        // Errors may still come as long as the trace is open; whether there are some is seen at its end.
        if !is_of_service || self.shown.contains(&trace.trace_id) {
            return;
        }
        let wait = if trace.has_root { QUIET } else { PATIENCE };
        self.open.insert(trace.trace_id, Instant::now() + wait);
    }

    async fn show_complete(&mut self, api: &Api) {
        let now = Instant::now();
        let complete: Vec<String> = self
            .open
            .extract_if(|_, time| *time <= now)
            .map(|(id, _)| id)
            .collect();
        for id in complete {
            self.remember(&id);
            // It may have been deleted since, or the hub has stopped, which the stream of events tells.
            let trace: Result<Trace, Problem> = api.get(&format!("/api/traces/{id}"), &[]).await;
            if let Some(trace) = trace.ok().filter(|trace| self.wants_trace(trace)) {
                report::print(&tree::draw(&trace, Detail::Lines));
            }
        }
    }

    fn remember(&mut self, id: &str) {
        self.shown.insert(id.to_owned());
        self.order.push_back(id.to_owned());
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.shown.remove(&oldest);
        }
    }

    fn wants_trace(&self, trace: &Trace) -> bool {
        let failed = trace.spans.iter().any(|span| span.is_error());
        let mut spans = trace.spans.iter();
        (failed || !self.args.errors)
            && spans.any(|span| {
                self.matches([&span.name, &span.status.message], &span.attributes)
                    || span
                        .events
                        .iter()
                        .any(|event| self.matches([&event.name], &event.attributes))
            })
    }

    /// Whether a call is wanted, and was not shown before: one that changes is told again.
    fn wants_call(&mut self, call: &LlmCall) -> bool {
        let service = self.args.service.as_ref();
        let texts = [&call.name, &call.input_preview, &call.output_preview];
        let model = call.model().to_owned();
        let is_wanted = call.counts == "own"
            && service.is_none_or(|service| call.service == *service)
            && (!self.args.errors || call.is_error())
            && (self.matches(texts, &[]) || self.matches([&model], &[]));
        let id = format!("{}/{}", call.trace_id, call.span_id);
        if !is_wanted || self.shown.contains(&id) {
            return false;
        }
        self.remember(&id);
        true
    }

    fn wants_log(&self, log: &Log) -> bool {
        let service = self.args.service.as_ref();
        service.is_none_or(|service| log.service == *service)
            && (!self.args.errors || log.severity_number >= ERROR)
            && self.matches([&log.body_text], &log.attributes)
    }

    /// Whether one of the texts, or an attribute's value, has what is looked for.
    fn matches<const N: usize>(&self, texts: [&String; N], attributes: &[Attribute]) -> bool {
        let Some(wanted) = &self.grep else {
            return true;
        };
        texts
            .iter()
            .any(|text| text.to_lowercase().contains(wanted))
            || attributes
                .iter()
                .any(|attribute| value_text(&attribute.value).to_lowercase().contains(wanted))
    }
}

fn read<T: DeserializeOwned>(event: &Event) -> Result<T, Problem> {
    serde_json::from_str(&event.data).map_err(|error| {
        Problem::new(format!(
            "the hub sends what this version can't read: {error}"
        ))
    })
}
