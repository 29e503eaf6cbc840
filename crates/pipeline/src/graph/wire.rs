//! Opening what a plan names, in order: extensions, exporters, pipelines, receivers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use fanlight_config::ComponentId;
use fanlight_config::blocks::Batching;
use fanlight_otlp::Signal;

use super::path::{Output, Path, Stage};
use super::plan::{Pipeline, Plan};
use super::probe::{Probe, Probes};
use super::run::Running;
use fanlight_spool::Recovery;

use crate::export::{DiskQueue, ExportQueue, Runner};
use crate::{
    BuildContext, BuildError, Exporter, Extension, Inlet, PipelineSnapshot, Receiver, Status, Stop,
};

/// What the hub lends to the graph.
#[derive(Clone, Debug)]
pub struct Host {
    /// Where components may keep data.
    pub data_dir: PathBuf,
    /// `fanlight/<version>`.
    pub user_agent: &'static str,
    /// Where everything is counted.
    pub status: Status,
}

/// A component could not be started; everything that was already open is closed again.
#[derive(Debug, thiserror::Error)]
#[error("{component} can't start")]
pub struct StartError {
    /// The component, with its class: `exporter otlp_http/langfuse`.
    pub component: String,
    /// Why.
    #[source]
    pub error: BuildError,
}

/// The exporters of a graph, opened.
#[derive(Default)]
struct Exporters {
    queues: BTreeMap<ComponentId, Arc<ExportQueue>>,
    runners: Vec<(ComponentId, Runner)>,
    probes: Vec<Probe>,
}

impl Plan {
    /// Opens everything and starts to take telemetry in. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Names the first component that can't start.
    pub fn start(self, host: &Host) -> Result<Running, StartError> {
        let extensions = self.build_extensions(host)?;
        let (abandoner, abandon) = Stop::new();
        let Exporters {
            queues,
            runners,
            probes,
        } = self.build_exporters(host, &extensions, &abandon)?;
        let paths = self.build_paths(host, &extensions, &queues)?;
        let receivers = self.build_receivers(host, &extensions)?;
        for pipeline in self.pipelines() {
            host.status.pipeline(snapshot(pipeline));
        }
        let mut running = Running::new(
            host.status.clone(),
            abandoner,
            queues.into_iter().collect(),
            Probes::new(probes),
        );
        extensions
            .into_iter()
            .for_each(|(id, extension)| running.run_extension(&id, extension));
        runners
            .into_iter()
            .for_each(|(id, runner)| running.run_exporter(&id, runner));
        for (id, receiver) in receivers {
            let fed = Signal::ALL.map(|signal| self.paths_of(&id, signal, &paths));
            running.run_receiver(
                &id,
                receiver,
                Inlet::new(&id.to_string(), fed, host.status.clone()),
            );
        }
        Ok(running)
    }

    pub(super) fn build_extensions(
        &self,
        host: &Host,
    ) -> Result<BTreeMap<ComponentId, Arc<dyn Extension>>, StartError> {
        let mut built = BTreeMap::new();
        for id in &self.running_extensions {
            let Some(part) = self.extensions.find(id) else {
                continue;
            };
            let extension = part
                .config
                .build(&host.context(id, &built))
                .map_err(failed("extension", id))?;
            built.insert(id.clone(), extension);
        }
        Ok(built)
    }

    fn build_exporters(
        &self,
        host: &Host,
        extensions: &BTreeMap<ComponentId, Arc<dyn Extension>>,
        abandon: &Stop,
    ) -> Result<Exporters, StartError> {
        let mut built = Exporters::default();
        for (id, destination, signals) in self.destinations() {
            let Some(part) = self.exporters.find(id) else {
                continue;
            };
            let context = host.context(id, extensions);
            let exporter = part.config.build(&context);
            let exporter: Arc<dyn Exporter> = Arc::from(exporter.map_err(failed("exporter", id))?);
            let settings = part.config.settings();
            let disk = open_disk(id, &settings.queue, &context).map_err(failed("exporter", id))?;
            let counters = host.status.exporter(
                &id.to_string(),
                &destination.text,
                signals,
                settings.queue.queue_size,
            );
            let queue = Arc::new(ExportQueue::new(settings.queue.clone(), disk, counters));
            let batching =
                Signal::ALL.map(|signal| self.batching(id, signal, settings.queue.batch.as_ref()));
            built.probes.push(Probe {
                id: id.clone(),
                exporter: Arc::clone(&exporter),
                destination: destination.text,
                signals,
                timeout: settings.timeout,
            });
            let runner = Runner::new(
                exporter,
                Arc::clone(&queue),
                settings,
                batching,
                abandon.clone(),
            );
            built.queues.insert(id.clone(), queue);
            built.runners.push((id.clone(), runner));
        }
        Ok(built)
    }

    /// How an exporter joins batches of a signal: as its queue says, else as the `batch` processor before it says.
    fn batching(
        &self,
        exporter: &ComponentId,
        signal: Signal,
        own: Option<&Batching>,
    ) -> Option<Batching> {
        let feeding = || {
            self.pipelines()
                .iter()
                .filter(move |pipeline| pipeline.signal == signal)
        };
        let processors = feeding()
            .filter(|pipeline| pipeline.exporters.contains(exporter))
            .flat_map(|p| &p.processors);
        own.cloned().or_else(|| {
            processors
                .filter_map(|id| self.processors.find(id))
                .find_map(|part| part.config.batching())
        })
    }

    /// Wires the pipelines, those that connectors lead to first.
    fn build_paths(
        &self,
        host: &Host,
        extensions: &BTreeMap<ComponentId, Arc<dyn Extension>>,
        queues: &BTreeMap<ComponentId, Arc<ExportQueue>>,
    ) -> Result<BTreeMap<String, Arc<Path>>, StartError> {
        let mut paths: BTreeMap<String, Arc<Path>> = BTreeMap::new();
        while paths.len() < self.pipelines().len() {
            let before = paths.len();
            for pipeline in self.pipelines() {
                let id = pipeline.id();
                let targets = self.targets(pipeline);
                if paths.contains_key(&id)
                    || targets
                        .iter()
                        .any(|(_, next)| !paths.contains_key(&next.id()))
                {
                    continue;
                }
                let stages = self.build_stages(pipeline, host, extensions)?;
                let exported = pipeline
                    .exporters
                    .iter()
                    .filter_map(|id| queues.get(id).cloned())
                    .map(Output::Queue);
                let mut outputs: Vec<Output> = exported.collect();
                for (connector, next) in targets {
                    let Some(part) = self.connectors.find(connector) else {
                        continue;
                    };
                    let processor = part.config.build(
                        pipeline.signal,
                        next.signal,
                        &host.context(connector, extensions),
                    );
                    let processor = processor.map_err(failed("connector", connector))?;
                    if let Some(path) = paths.get(&next.id()) {
                        outputs.push(Output::Path(processor, Arc::clone(path)));
                    }
                }
                paths.insert(id, Arc::new(Path { stages, outputs }));
            }
            if paths.len() == before {
                // The plan has no circle, and an id stands for one pipeline, so that every round wires at least one.
                break;
            }
        }
        Ok(paths)
    }

    fn build_stages(
        &self,
        pipeline: &Pipeline,
        host: &Host,
        extensions: &BTreeMap<ComponentId, Arc<dyn Extension>>,
    ) -> Result<Vec<Stage>, StartError> {
        let mut stages = Vec::new();
        for id in &pipeline.processors {
            let Some(part) = self.processors.find(id) else {
                continue;
            };
            if part.config.batching().is_some() {
                continue;
            }
            let context = host.context(id, extensions);
            let processor = part
                .config
                .build(pipeline.signal, &context)
                .map_err(failed("processor", id))?;
            let counters = host
                .status
                .processor(&id.to_string(), &pipeline.id(), pipeline.signal);
            stages.push(Stage {
                processor,
                counters,
            });
        }
        Ok(stages)
    }

    #[expect(
        clippy::type_complexity,
        reason = "a list of built receivers with their ids"
    )]
    fn build_receivers(
        &self,
        host: &Host,
        extensions: &BTreeMap<ComponentId, Arc<dyn Extension>>,
    ) -> Result<Vec<(ComponentId, Box<dyn Receiver>)>, StartError> {
        let used = self.receivers.parts.iter().filter(|part| {
            self.pipelines()
                .iter()
                .any(|pipeline| pipeline.receivers.contains(&part.id))
        });
        used.map(|part| {
            let built = part.config.build(&host.context(&part.id, extensions));
            Ok((
                part.id.clone(),
                built.map_err(failed("receiver", &part.id))?,
            ))
        })
        .collect()
    }

    /// The pipelines that a pipeline's connectors lead to.
    fn targets(&self, pipeline: &Pipeline) -> Vec<(&ComponentId, &Pipeline)> {
        let mut targets = Vec::new();
        for id in &pipeline.exporters {
            let Some(part) = self
                .connectors
                .find(id)
                .filter(|_| self.exporters.find(id).is_none())
            else {
                continue;
            };
            let reached = self.pipelines().iter().filter(|next| {
                next.receivers.contains(&part.id)
                    && part.config.connects(pipeline.signal, next.signal)
            });
            targets.extend(reached.map(|next| (&part.id, next)));
        }
        targets
    }

    fn paths_of(
        &self,
        receiver: &ComponentId,
        signal: Signal,
        paths: &BTreeMap<String, Arc<Path>>,
    ) -> Vec<Arc<Path>> {
        let fed = self.pipelines().iter();
        let fed = fed
            .filter(|pipeline| pipeline.signal == signal && pipeline.receivers.contains(receiver));
        fed.filter_map(|pipeline| paths.get(&pipeline.id()).cloned())
            .collect()
    }
}

impl Host {
    pub(super) fn context<'a>(
        &'a self,
        id: &'a ComponentId,
        extensions: &'a BTreeMap<ComponentId, Arc<dyn Extension>>,
    ) -> BuildContext<'a> {
        BuildContext {
            id,
            extensions,
            data_dir: &self.data_dir,
            user_agent: self.user_agent,
            status: self.status.clone(),
        }
    }
}

fn open_disk(
    id: &ComponentId,
    queue: &fanlight_config::blocks::Queue,
    context: &BuildContext<'_>,
) -> Result<Option<DiskQueue>, BuildError> {
    let Some(storage) = &queue.storage else {
        return Ok(None);
    };
    let storage = context.queue_storage(storage)?;
    let directory = storage.queue_directory(&id.to_string())?;
    let (disk, recovery) = DiskQueue::open(&directory, queue, storage.sync())?;
    if recovery != Recovery::default() {
        let Recovery {
            records,
            damaged,
            torn_bytes,
            unreadable_bytes,
            ..
        } = recovery;
        tracing::info!(exporter = %id, batches = records, damaged, torn_bytes, unreadable_bytes, "an earlier run left batches");
    }
    disk.take_back();
    Ok(Some(disk))
}

pub(super) fn failed<'a>(
    class: &'static str,
    id: &'a ComponentId,
) -> impl FnOnce(BuildError) -> StartError + use<'a> {
    move |error| StartError {
        component: format!("{class} {id}"),
        error,
    }
}

fn snapshot(pipeline: &Pipeline) -> PipelineSnapshot {
    let texts = |ids: &[ComponentId]| ids.iter().map(ToString::to_string).collect();
    PipelineSnapshot {
        id: pipeline.id(),
        signal: pipeline.signal,
        receivers: texts(&pipeline.receivers),
        processors: texts(&pipeline.processors),
        exporters: texts(&pipeline.exporters),
    }
}
