//! What the hub tells its dashboard about itself.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use fanlight_config::ComponentId;
use fanlight_dashboard::{self as page, StatusSource, TestOutcome};
use fanlight_pipeline::{
    Answer, ExporterSnapshot, ExporterState, Listening, Outcome, PipelineSnapshot, Probes, Status,
};
use futures::future::BoxFuture;

use crate::report;
use crate::sample::sample;

/// What the dashboard may know about the hub.
#[derive(Debug)]
pub(crate) struct HubStatus {
    status: Status,
    data_dir: PathBuf,
    started: OnceLock<Started>,
}

/// What is known once everything is open.
#[derive(Debug)]
struct Started {
    /// Id, destination and origin of each exporter.
    destinations: Vec<(ComponentId, String, String)>,
    listening: Vec<(ComponentId, Listening)>,
    probes: Probes,
}

impl HubStatus {
    /// The status of a hub that is being started.
    pub(crate) fn new(status: Status, data_dir: &Path) -> HubStatus {
        HubStatus {
            status,
            data_dir: data_dir.to_owned(),
            started: OnceLock::new(),
        }
    }

    /// Everything is open now.
    pub(crate) fn started(
        &self,
        destinations: Vec<(ComponentId, String, String)>,
        listening: Vec<(ComponentId, Listening)>,
        probes: Probes,
    ) {
        // A hub starts once.
        let _ = self.started.set(Started {
            destinations,
            listening,
            probes,
        });
    }

    /// Where data is kept.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Id, destination and origin of each exporter.
    pub(crate) fn destinations(&self) -> Vec<(String, String, String)> {
        let started = self
            .started
            .get()
            .map(|started| started.destinations.as_slice())
            .unwrap_or_default();
        started
            .iter()
            .map(|(id, text, origin)| (id.to_string(), text.clone(), origin.clone()))
            .collect()
    }

    fn listeners(&self) -> Vec<page::Listener> {
        let listening = self
            .started
            .get()
            .map(|started| started.listening.as_slice())
            .unwrap_or_default();
        let listener = |(id, listening): &(ComponentId, Listening)| page::Listener {
            component: id.to_string(),
            protocol: listening.protocol.to_owned(),
            address: listening.address.to_string(),
            tls: listening.tls,
        };
        listening.iter().map(listener).collect()
    }

    fn exporter(&self, exporter: ExporterSnapshot) -> page::ExporterStatus {
        let from = self
            .destinations()
            .into_iter()
            .find(|(id, _, _)| *id == exporter.id)
            .map(|(_, _, from)| from);
        let total = |counts: &std::collections::BTreeMap<_, u64>| counts.values().sum();
        page::ExporterStatus {
            from: from.unwrap_or_default(),
            state: match exporter.state {
                ExporterState::Idle => page::ExporterState::Idle,
                ExporterState::Healthy => page::ExporterState::Healthy,
                ExporterState::Failing => page::ExporterState::Failing,
            },
            queue_size: exporter.queue_size,
            queue_capacity: exporter.queue_capacity,
            sent_items: total(&exporter.sent),
            failed_items: total(&exporter.send_failed),
            dropped_items: total(&exporter.enqueue_failed),
            retries: exporter.retries,
            dropped: dropped(&exporter),
            id: exporter.id,
            destination: exporter.destination,
            last_error: exporter.last_error,
        }
    }
}

impl StatusSource for HubStatus {
    fn status(&self) -> page::Status {
        let snapshot = self.status.snapshot();
        let pipeline = |pipeline: PipelineSnapshot| page::PipelineStatus {
            id: pipeline.id,
            receivers: pipeline.receivers,
            processors: pipeline.processors,
            exporters: pipeline.exporters,
        };
        page::Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: snapshot.uptime.as_secs(),
            data_dir: self.data_dir.display().to_string(),
            listening: self.listeners(),
            exporters: snapshot
                .exporters
                .into_iter()
                .map(|exporter| self.exporter(exporter))
                .collect(),
            pipelines: snapshot.pipelines.into_iter().map(pipeline).collect(),
        }
    }

    fn send_test<'a>(&'a self, exporter: &'a str) -> BoxFuture<'a, Option<TestOutcome>> {
        Box::pin(async move {
            let answers = self.started.get()?.probes.send(exporter, sample).await?;
            Some(outcome(&answers))
        })
    }
}

/// What was lost, by cause; causes that lost nothing are left out.
fn dropped(exporter: &ExporterSnapshot) -> Vec<page::Dropped> {
    let causes = [
        ("the queue was full", &exporter.enqueue_failed),
        ("refused, or given up after retries", &exporter.send_failed),
        ("set aside on disk after retries", &exporter.parked),
    ];
    let dropped = causes.map(|(cause, items)| page::Dropped {
        cause: cause.to_owned(),
        items: items.values().sum(),
    });
    dropped
        .into_iter()
        .filter(|dropped| dropped.items > 0)
        .collect()
}

/// The worst of the answers, and all of them in words.
fn outcome(answers: &[Answer]) -> TestOutcome {
    let name = |answer: &Answer| match answer.outcome {
        Outcome::Delivered => "delivered",
        Outcome::Partial { .. } => "partial",
        Outcome::Retry { .. } | Outcome::Resend { .. } => "retry",
        Outcome::Rejected { .. } | Outcome::TooLarge { .. } | Outcome::ResendSmaller { .. } => {
            "rejected"
        }
    };
    let worst = ["rejected", "retry", "partial", "delivered"]
        .into_iter()
        .find(|known| answers.iter().any(|answer| name(answer) == *known));
    let lines = answers.iter().map(|answer| {
        let (_, what) = report::told(&answer.outcome);
        format!("{}: {what} ({} ms)", answer.signal, answer.took.as_millis())
    });
    TestOutcome {
        outcome: worst.unwrap_or("rejected").to_owned(),
        detail: match answers {
            [] => "it takes no test items".to_owned(),
            _ => lines.collect::<Vec<_>>().join("\n"),
        },
    }
}
