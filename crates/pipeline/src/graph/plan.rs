//! The checked plan of a graph: nothing is opened yet.

use fanlight_config::{ComponentId, ConfigError, Document, Node};
use fanlight_otlp::{Signal, SignalSet};

use super::section::{Part, Section};
use crate::{
    ConnectorConfig, ConnectorKind, Destination, ExporterConfig, ExporterKind, ExtensionConfig,
    ExtensionKind, Peer, ProcessorConfig, ProcessorKind, ReceiverConfig, ReceiverKind,
};

/// The component types that a configuration may use.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tables {
    /// Receiver types.
    pub receivers: &'static [&'static ReceiverKind],
    /// Processor types.
    pub processors: &'static [&'static ProcessorKind],
    /// Exporter types.
    pub exporters: &'static [&'static ExporterKind],
    /// Connector types.
    pub connectors: &'static [&'static ConnectorKind],
    /// Extension types.
    pub extensions: &'static [&'static ExtensionKind],
    /// For each class of components, types that are known and come with a later release, with what to do until then.
    pub later: &'static [(&'static str, Later)],
}

/// Type names, each with what to do until they come.
pub type Later = &'static [(&'static str, &'static str)];

/// Components that the hub adds to what the configuration says.
#[derive(Debug, Default)]
pub struct Additions {
    /// Each joins every pipeline that an `otlp` receiver feeds; where a signal has none, it gets a pipeline of its own
    /// that leads to the added exporters.
    pub receivers: Vec<(ComponentId, Box<dyn ReceiverConfig>)>,
    /// Each joins every pipeline whose signal it takes, unless a pipeline names it: then it is fed by those alone.
    pub exporters: Vec<(ComponentId, Box<dyn ExporterConfig>)>,
}

/// A graph that can be run.
#[derive(Debug)]
pub struct Plan {
    pub(crate) receivers: Section<dyn ReceiverConfig>,
    pub(crate) processors: Section<dyn ProcessorConfig>,
    pub(crate) exporters: Section<dyn ExporterConfig>,
    pub(crate) connectors: Section<dyn ConnectorConfig>,
    pub(crate) extensions: Section<dyn ExtensionConfig>,
    /// The extensions to run, in order.
    pub(crate) running_extensions: Vec<ComponentId>,
    pipelines: Vec<Pipeline>,
    is_implied: bool,
}

/// One pipeline of a plan. Ids are spelt as the components define them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// Its signal.
    pub signal: Signal,
    /// What follows the signal in its id; empty for the bare signal.
    pub name: String,
    /// The receivers and connectors that feed it.
    pub receivers: Vec<ComponentId>,
    /// Its processors, in order.
    pub processors: Vec<ComponentId>,
    /// The exporters and connectors that it feeds.
    pub exporters: Vec<ComponentId>,
}

impl Plan {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn new(
        document: &Document,
        tables: &Tables,
        additions: Additions,
    ) -> Result<Plan, Vec<ConfigError>> {
        let root = document.root();
        let service = root.get("service");
        let mut errors = Vec::new();
        let mut plan = Plan {
            receivers: Section::read(
                "receiver",
                root.get("receivers"),
                tables.receivers,
                tables.later,
                &mut errors,
            ),
            processors: Section::read(
                "processor",
                root.get("processors"),
                tables.processors,
                tables.later,
                &mut errors,
            ),
            exporters: Section::read(
                "exporter",
                root.get("exporters"),
                tables.exporters,
                tables.later,
                &mut errors,
            ),
            connectors: Section::read(
                "connector",
                root.get("connectors"),
                tables.connectors,
                tables.later,
                &mut errors,
            ),
            extensions: Section::read(
                "extension",
                root.get("extensions"),
                tables.extensions,
                tables.later,
                &mut errors,
            ),
            running_extensions: Vec::new(),
            pipelines: Vec::new(),
            is_implied: service
                .and_then(|service| service.get("pipelines"))
                .is_none(),
        };
        // References to components that could not be read would only repeat their errors.
        if errors.is_empty() {
            plan.read_service(service, &mut errors);
        }
        if errors.is_empty() && plan.is_implied {
            plan.imply_pipelines(root, &mut errors);
        }
        if errors.is_empty() {
            plan.add(additions);
            super::check::check(&plan, root, &mut errors);
        }
        if errors.is_empty() {
            Ok(plan)
        } else {
            Err(errors)
        }
    }

    /// The pipelines, in the order in which the configuration lists them.
    pub fn pipelines(&self) -> &[Pipeline] {
        &self.pipelines
    }

    /// Every exporter that a pipeline feeds, with where it sends to.
    pub fn destinations(&self) -> impl Iterator<Item = (&ComponentId, Destination, SignalSet)> {
        self.exporters
            .parts
            .iter()
            .map(|part| {
                (
                    &part.id,
                    part.config.destination(),
                    self.signals_of(&part.id),
                )
            })
            .filter(|(_, _, signals)| !signals.is_empty())
    }

    /// The addresses that receivers of pipelines will listen on, as configured.
    pub fn endpoints(&self) -> impl Iterator<Item = (&ComponentId, Peer)> {
        let used = |part: &&Part<dyn ReceiverConfig>| {
            self.pipelines
                .iter()
                .any(|pipeline| pipeline.receivers.contains(&part.id))
        };
        let parts = self.receivers.parts.iter().filter(used);
        parts.flat_map(|part| {
            part.config
                .endpoints()
                .into_iter()
                .map(move |peer| (&part.id, peer))
        })
    }

    /// An error about an exporter, at its place in the configuration.
    pub fn exporter_error(
        &self,
        id: &ComponentId,
        key: &str,
        message: impl Into<String>,
    ) -> ConfigError {
        match self.exporters.find(id).and_then(|part| part.node.as_ref()) {
            Some(node) => node.error_at(key, message),
            None => ConfigError::new(message),
        }
    }

    /// The signals that pipelines bring to an exporter.
    pub fn signals_of(&self, exporter: &ComponentId) -> SignalSet {
        let feeding = self
            .pipelines
            .iter()
            .filter(|pipeline| pipeline.exporters.contains(exporter));
        feeding.map(|pipeline| pipeline.signal).collect()
    }

    fn read_service(&mut self, service: Option<&Node>, errors: &mut Vec<ConfigError>) {
        let Some(service) = service else { return };
        let known = ["extensions", "pipelines", "telemetry"];
        match service.entries() {
            Ok(entries) => {
                let unknown = entries.iter().filter(|(key, _, _)| !known.contains(key));
                errors.extend(unknown.map(|(key, _, _)| {
                    service
                        .error_at(key, format!("unknown key `{key}` in service"))
                        .suggest(key, &known)
                }));
            }
            Err(error) => errors.push(error),
        }
        self.running_extensions = references(
            service,
            "extensions",
            &self.extensions,
            None::<&Section<dyn ConnectorConfig>>,
            errors,
        );
        let Some(pipelines) = service.get("pipelines") else {
            return;
        };
        match pipelines.entries() {
            Ok(entries) => {
                for (key, _, body) in entries {
                    match pipeline_id(key) {
                        Ok((signal, name)) => {
                            let pipeline = self.read_pipeline(signal, name, body, errors);
                            self.pipelines.push(pipeline);
                        }
                        Err(message) => {
                            let names = Signal::ALL.map(Signal::name);
                            errors.push(pipelines.error_at(key, message).suggest(key, &names));
                        }
                    }
                }
            }
            Err(error) => errors.push(error),
        }
    }

    fn read_pipeline(
        &self,
        signal: Signal,
        name: String,
        body: &Node,
        errors: &mut Vec<ConfigError>,
    ) -> Pipeline {
        let known = ["receivers", "processors", "exporters"];
        for (key, _, _) in body.entries().unwrap_or_default() {
            if !known.contains(&key) {
                errors.push(
                    body.error_at(key, format!("unknown key `{key}` in a pipeline"))
                        .suggest(key, &known),
                );
            }
        }
        Pipeline {
            signal,
            name,
            receivers: references(
                body,
                "receivers",
                &self.receivers,
                Some(&self.connectors),
                errors,
            ),
            processors: references(
                body,
                "processors",
                &self.processors,
                None::<&Section<dyn ConnectorConfig>>,
                errors,
            ),
            exporters: references(
                body,
                "exporters",
                &self.exporters,
                Some(&self.connectors),
                errors,
            ),
        }
    }

    /// Without `service.pipelines`, every receiver feeds every exporter that takes the signal.
    fn imply_pipelines(&mut self, root: &Node, errors: &mut Vec<ConfigError>) {
        if let Some(part) = self.processors.parts.first() {
            let message = format!(
                "processor {} stands in no pipeline, so nothing would pass it",
                part.id
            );
            errors.push(root.error_at("processors", message).hint(
                "add service.pipelines with receivers, processors and exporters, or take the processors out",
            ));
        }
        for signal in Signal::ALL {
            let receivers = self
                .receivers
                .parts
                .iter()
                .filter(|part| part.config.signals().contains(signal));
            let exporters = self
                .exporters
                .parts
                .iter()
                .filter(|part| part.config.signals().contains(signal));
            let pipeline = Pipeline {
                signal,
                name: String::new(),
                receivers: receivers.map(|part| part.id.clone()).collect(),
                processors: Vec::new(),
                exporters: exporters.map(|part| part.id.clone()).collect(),
            };
            // One without exporters may still get an added one.
            if !pipeline.receivers.is_empty() {
                self.pipelines.push(pipeline);
            }
        }
    }

    fn add(&mut self, additions: Additions) {
        for (id, config) in additions.exporters {
            let named = self
                .pipelines
                .iter()
                .any(|pipeline| pipeline.exporters.contains(&id));
            let signals = config.signals();
            let takes = |pipeline: &&mut Pipeline| !named && signals.contains(pipeline.signal);
            self.pipelines
                .iter_mut()
                .filter(takes)
                .for_each(|pipeline| pipeline.exporters.push(id.clone()));
            self.exporters.parts.push(Part::added(id, config));
        }
        let exporters: Vec<(ComponentId, SignalSet)> = self
            .exporters
            .parts
            .iter()
            .filter(|part| part.node.is_none())
            .map(|part| (part.id.clone(), part.config.signals()))
            .collect();
        for (id, config) in additions.receivers {
            for signal in config.signals().iter() {
                self.add_receiver(&id, signal, &exporters);
            }
            self.receivers.parts.push(Part::added(id, config));
        }
        if self.is_implied {
            // A signal that nothing takes needs no pipeline; one that the user wrote down is an error instead.
            self.pipelines
                .retain(|pipeline| !pipeline.exporters.is_empty());
        }
    }

    fn add_receiver(
        &mut self,
        id: &ComponentId,
        signal: Signal,
        added: &[(ComponentId, SignalSet)],
    ) {
        let receivers = &self.receivers;
        let is_otlp = |id: &ComponentId| {
            receivers
                .find(id)
                .is_some_and(|part| part.is_called("otlp"))
        };
        let mut joined = false;
        for pipeline in self
            .pipelines
            .iter_mut()
            .filter(|pipeline| pipeline.signal == signal)
        {
            if pipeline.receivers.iter().any(is_otlp) {
                pipeline.receivers.push(id.clone());
                joined = true;
            }
        }
        let exporters: Vec<ComponentId> = added
            .iter()
            .filter(|(_, signals)| signals.contains(signal))
            .map(|(id, _)| id.clone())
            .collect();
        if !joined && !exporters.is_empty() {
            let name = id.to_string().replace('/', "_");
            self.pipelines.push(Pipeline {
                signal,
                name,
                receivers: vec![id.clone()],
                processors: Vec::new(),
                exporters,
            });
        }
    }
}

impl Pipeline {
    /// The pipeline's id in configuration: `traces` or `traces/name`.
    pub fn id(&self) -> String {
        if self.name.is_empty() {
            self.signal.name().to_owned()
        } else {
            format!("{}/{}", self.signal, self.name)
        }
    }
}

fn pipeline_id(key: &str) -> Result<(Signal, String), String> {
    let (signal, name) = key.split_once('/').unwrap_or((key, ""));
    let signal = signal
        .trim()
        .parse()
        .map_err(|_| format!("unknown signal in pipeline id `{key}`"))?;
    Ok((signal, name.trim().to_owned()))
}

/// The components that a list names, spelt as they are defined.
fn references<C: ?Sized, D: ?Sized>(
    node: &Node,
    key: &str,
    section: &Section<C>,
    connectors: Option<&Section<D>>,
    errors: &mut Vec<ConfigError>,
) -> Vec<ComponentId> {
    let Some(list) = node.get(key) else {
        return Vec::new();
    };
    let elements = list.elements().unwrap_or_else(|error| {
        errors.push(error);
        &[]
    });
    let mut found: Vec<ComponentId> = Vec::new();
    for element in elements {
        let text = match element.decode::<String>() {
            Ok(text) => text,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        let id: Result<ComponentId, _> = text.parse();
        let known = id.as_ref().ok().and_then(|id| {
            let connector = || {
                connectors
                    .and_then(|connectors| connectors.find(id))
                    .map(|part| &part.id)
            };
            section.find(id).map(|part| &part.id).or_else(connector)
        });
        match known {
            Some(id) if found.contains(id) => {
                errors.push(element.error(format!("{} `{text}` is listed twice", section.class)))
            }
            Some(id) => found.push(id.clone()),
            // The hub's own exporter may be named where it is wanted.
            None if text == "store" && section.class == "exporter" => {
                found.push(ComponentId::of("store"))
            }
            None => {
                let mut ids = section.ids();
                ids.extend(connectors.map(Section::ids).unwrap_or_default());
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                let message = format!("{} `{text}` is not defined", section.class);
                errors.push(
                    element
                        .error(message)
                        .suggest(&text, &ids)
                        .or_hint(format!("define it under {}s:", section.class)),
                );
            }
        }
    }
    found
}
