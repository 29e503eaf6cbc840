//! A running graph: it owns every task, notices those that break, and stops them in order.

use std::sync::Arc;
use std::time::Duration;

use fanlight_config::ComponentId;
use tokio::task::JoinSet;

use super::probe::Probes;
use crate::export::{ExportQueue, Left, Runner};
use crate::{BuildError, Extension, Inlet, Listening, Receiver, Status, Stop, Stopper};

/// A graph at work.
pub struct Running {
    status: Status,
    listening: Vec<(ComponentId, Listening)>,
    queues: Vec<(ComponentId, Arc<ExportQueue>)>,
    receivers: Group,
    extensions: Group,
    exporters: JoinSet<(ComponentId, Left)>,
    abandoner: Stopper,
    probes: Probes,
}

/// Tasks that run until they are told to stop.
struct Group {
    tasks: JoinSet<(ComponentId, Result<(), BuildError>)>,
    stopper: Stopper,
    stop: Stop,
}

/// A component that stopped by itself.
#[derive(Debug, thiserror::Error)]
#[error("{component} stopped by itself")]
pub struct Broken {
    /// The component.
    pub component: String,
    /// Why; none where it just returned.
    #[source]
    pub error: Option<BuildError>,
}

/// What a stopped graph left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Exporters that lost items, with how many.
    pub lost: Vec<(ComponentId, u64)>,
    /// Exporters whose batches stay on disk for the next start, with how many.
    pub kept: Vec<(ComponentId, u64)>,
}

impl Running {
    pub(crate) fn new(
        status: Status,
        abandoner: Stopper,
        queues: Vec<(ComponentId, Arc<ExportQueue>)>,
        probes: Probes,
    ) -> Running {
        Running {
            status,
            listening: Vec::new(),
            queues,
            receivers: Group::new(),
            extensions: Group::new(),
            exporters: JoinSet::new(),
            abandoner,
            probes,
        }
    }

    pub(crate) fn run_extension(&mut self, id: &ComponentId, extension: Arc<dyn Extension>) {
        self.listening.extend(
            extension
                .listening()
                .into_iter()
                .map(|listening| (id.clone(), listening)),
        );
        let (id, stop) = (id.clone(), self.extensions.stop.clone());
        self.extensions
            .tasks
            .spawn(async move { (id, extension.run(stop).await) });
    }

    pub(crate) fn run_receiver(
        &mut self,
        id: &ComponentId,
        receiver: Box<dyn Receiver>,
        inlet: Inlet,
    ) {
        self.listening.extend(
            receiver
                .listening()
                .into_iter()
                .map(|listening| (id.clone(), listening)),
        );
        let (id, stop) = (id.clone(), self.receivers.stop.clone());
        self.receivers
            .tasks
            .spawn(async move { (id, receiver.run(inlet, stop).await) });
    }

    pub(crate) fn run_exporter(&mut self, id: &ComponentId, runner: Runner) {
        let id = id.clone();
        self.exporters
            .spawn(async move { (id, runner.run().await) });
    }

    /// The exporters, to be tried beside their work.
    pub fn probes(&self) -> Probes {
        self.probes.clone()
    }

    /// Where the graph listens.
    pub fn listening(&self) -> &[(ComponentId, Listening)] {
        &self.listening
    }

    /// Resolves when a component stops by itself, which fails the hub's health. Dropping the future loses nothing.
    pub async fn broken(&mut self) -> Broken {
        let ended = tokio::select! {
            Some(ended) = self.receivers.tasks.join_next() => ended,
            Some(ended) = self.extensions.tasks.join_next() => ended,
            else => std::future::pending().await,
        };
        let (component, error) = match ended {
            Ok((id, ended)) => (id.to_string(), ended.err()),
            Err(panic) => {
                let error = BuildError::new("its task panicked, which is a bug").because(panic);
                ("a component".to_owned(), Some(error))
            }
        };
        let broken = Broken { component, error };
        let why = broken
            .error
            .as_ref()
            .map_or_else(|| "it returned".to_owned(), ToString::to_string);
        self.status.component_broke(&broken.component, &why);
        broken
    }

    /// Stops: receivers first, then exporters deliver what their queues hold, then extensions. After the deadline what
    /// is left is given up (memory) or kept for the next start (disk).
    pub async fn stop(mut self, deadline: Duration) -> Stopped {
        let until = tokio::time::Instant::now() + deadline;
        self.receivers.stop(until).await;
        self.queues.iter().for_each(|(_, queue)| queue.close());
        let mut stopped = Stopped::default();
        while let Ok(Some(ended)) = tokio::time::timeout_at(until, self.exporters.join_next()).await
        {
            stopped.add(ended.ok());
        }
        self.abandoner.stop();
        // Exporters that were given the word end at once, unless one holds its thread; that one is left behind.
        let grace = tokio::time::Instant::now() + Duration::from_secs(1);
        while let Ok(Some(ended)) = tokio::time::timeout_at(grace, self.exporters.join_next()).await
        {
            stopped.add(ended.ok());
        }
        let kept = self
            .queues
            .iter()
            .map(|(id, queue)| (id.clone(), queue.finish()));
        stopped.kept = kept.filter(|(_, batches)| *batches > 0).collect();
        self.extensions.stop(grace).await;
        stopped
    }
}

impl Group {
    fn new() -> Group {
        let (stopper, stop) = Stop::new();
        Group {
            tasks: JoinSet::new(),
            stopper,
            stop,
        }
    }

    async fn stop(&mut self, until: tokio::time::Instant) {
        self.stopper.stop();
        while let Ok(Some(ended)) = tokio::time::timeout_at(until, self.tasks.join_next()).await {
            if let Ok((component, Err(error))) = ended {
                tracing::warn!(%component, error = &error as &dyn std::error::Error, "a component did not stop cleanly");
            }
        }
        self.tasks.abort_all();
    }
}

impl Stopped {
    fn add(&mut self, ended: Option<(ComponentId, Left)>) {
        let Some((id, left)) = ended else { return };
        if left.lost_items > 0 {
            self.lost.push((id, left.lost_items));
        }
    }
}
