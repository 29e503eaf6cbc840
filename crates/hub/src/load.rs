//! From files and the environment to one configuration.
//!
//! The result is Collector-shaped whatever it was written in: shorthands are lowered to exporters, and receivers are put in
//! where the files name none.
//!
//! | The files name | Receivers | Destinations |
//! |---|---|---|
//! | nothing (or there are none) | `otlp` on 127.0.0.1:4317 and :4318 | from the environment |
//! | `exporters` or `otlp`, no `receivers` | `otlp`, as above | theirs |
//! | `service.pipelines` | theirs | theirs |
//!
//! Fragments of documents often write the pipelines out but leave the usual parts undefined. Where there is no `receivers`
//! section at all, a pipeline's `otlp` is the receiver above, and where there is no `processors` section, its `batch` has all
//! defaults; a note says so.
//!
//! Once the files name a destination, the variables that would name another are left alone, and a note says so: a platform
//! that sets `OTEL_EXPORTER_OTLP_ENDPOINT` for its applications must not redirect a hub.

mod foreign;

use std::collections::BTreeMap;

use fanlight_config::{
    ComponentId, ConfigError, ConfigErrors, Document, Environment, Location, Node, env_vars,
};

use crate::shorthand::{Lowered, Lowering, llmflow_env, otel_env, otlp_section};

/// The configuration to run, and what to tell the user about it.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// The effective configuration, without shorthands.
    pub document: Document,
    /// Sentences that the user should see: what was left out, what is likely not meant.
    pub notes: Vec<String>,
    origins: BTreeMap<String, String>,
}

impl Loaded {
    /// How an exporter was configured, for the start-up summary: `from OTEL_EXPORTER_OTLP_ENDPOINT`, `from collector.yaml`.
    pub(crate) fn origin(&self, exporter: &ComponentId) -> String {
        let id = exporter.to_string();
        if let Some(origin) = self.origins.get(&id) {
            return origin.clone();
        }
        let node = self
            .document
            .root()
            .get("exporters")
            .and_then(|exporters| exporters.get(&id));
        node.map_or_else(String::new, |node| format!("from {}", node.location().file))
    }
}

/// The sections that a configuration may have.
const SECTIONS: [&str; 12] = [
    "receivers",
    "processors",
    "exporters",
    "connectors",
    "extensions",
    "service",
    "store",
    "dashboard",
    "llm",
    "otlp",
    "queues",
    "backoff",
];

/// Sections that are known and come with a later release.
const LATER: [(&str, &str); 1] = [(
    "agent",
    "the host agent is not in this release; leave the section out",
)];

/// Loads the files of the command line, each with its name, in order; later ones are laid over earlier ones.
///
/// # Errors
/// Everything that keeps the files or the environment from being read.
pub(crate) fn load(
    files: &[(String, String)],
    environment: &Environment,
) -> Result<Loaded, ConfigErrors> {
    let mut errors = ConfigErrors::default();
    let mut document = Document::empty();
    for (name, text) in files {
        match Document::parse(name, text, environment) {
            Ok(file) => {
                errors.0.extend(check_sections(file.root(), text));
                document = document.merge(file);
            }
            Err(error) => errors.0.push(foreign::explained(error, text)),
        }
    }
    errors.into_result()?;
    complete(document, environment).map_err(ConfigErrors::from)
}

/// What is wrong with the top level of one file.
fn check_sections(root: &Node, text: &str) -> Vec<ConfigError> {
    let entries = match root.entries() {
        Ok(entries) => entries,
        Err(error) => {
            let sections =
                "a configuration is a map of sections: receivers, processors, exporters, service";
            return vec![foreign::explained(error, text).or_hint(sections)];
        }
    };
    let unknown = entries
        .into_iter()
        .filter(|(key, _, _)| !SECTIONS.contains(key));
    unknown
        .map(|(key, place, value)| {
            if let Some((_, sentence)) = LATER.iter().find(|(name, _)| *name == key) {
                return ConfigError::new(format!("the section `{key}` is known, but {sentence}"))
                    .at(place);
            }
            let error = ConfigError::new(format!("unknown section `{key}`")).at(place);
            match foreign::hint(key, value) {
                Some(hint) => error.hint(hint),
                None => error.suggest(key, &SECTIONS),
            }
        })
        .collect()
}

/// Lowers the shorthands and puts in what the files leave to defaults.
fn complete(document: Document, environment: &Environment) -> Result<Loaded, ConfigError> {
    let mut root = document.into_root();
    let has = |root: &Node, key: &str| root.get(key).is_some_and(|node| !node.is_null());
    let has_pipelines = root
        .get("service")
        .is_some_and(|service| has(service, "pipelines"));
    let names_destination = has_pipelines || has(&root, "exporters") || root.get("otlp").is_some();
    let mut lowering = match otlp_section::lower(&root)? {
        Some(section) => {
            check_use(&root, &section.exporters)?;
            section
        }
        None if names_destination => Lowering {
            exporters: Vec::new(),
            notes: unused_variables(environment),
        },
        None => from_environment(environment)?,
    };
    for key in otlp_section::KEYS {
        root = root.without(key);
    }
    root = with_defaults(root, has_pipelines, &mut lowering.notes);
    let mut origins = BTreeMap::new();
    let mut exporters = root
        .get("exporters")
        .cloned()
        .unwrap_or_else(|| Node::null("default", ""));
    for Lowered { id, node, origin } in lowering.exporters {
        if exporters.get(&id).is_some() {
            let error = exporters.error_at(
                &id,
                format!(
                    "`{id}` is also what the shorthand for {} is called",
                    origin.trim_start_matches("from ")
                ),
            );
            return Err(error.hint("give it another name"));
        }
        exporters = exporters.with(&id, node);
        origins.insert(id, origin);
    }
    if !origins.is_empty() {
        root = root.with("exporters", exporters);
    }
    Ok(Loaded {
        document: Document::from_root(root),
        notes: lowering.notes,
        origins,
    })
}

/// Puts in what fragments of documents leave out: the receiver, and a `batch` that pipelines name.
fn with_defaults(mut root: Node, has_pipelines: bool, notes: &mut Vec<String>) -> Node {
    let has = |root: &Node, key: &str| root.get(key).is_some_and(|node| !node.is_null());
    if !has(&root, "receivers") && (!has_pipelines || is_named(&root, "receivers", "otlp")) {
        root = root.with("receivers", default_receivers());
        if has_pipelines {
            let note =
                "no receivers are defined, so `otlp` listens on 127.0.0.1:4317 and 127.0.0.1:4318";
            notes.push(note.to_owned());
        }
    }
    if !has(&root, "processors") && is_named(&root, "processors", "batch") {
        let at = Location::of_file("default");
        let batch = Node::map(at.clone(), Vec::<(String, Node)>::new());
        root = root.with("processors", Node::map(at, vec![("batch", batch)]));
        notes.push("no processors are defined, so `batch` has all its defaults".to_owned());
    }
    root
}

/// The exporters that the environment names.
fn from_environment(environment: &Environment) -> Result<Lowering, ConfigError> {
    let mut lowering = otel_env::lower(environment)?;
    let llmflow = llmflow_env::lower(environment)?;
    lowering.exporters.extend(llmflow.exporters);
    lowering.notes.extend(llmflow.notes);
    Ok(lowering)
}

/// Where pipelines are written out, each exporter of the shorthand must stand in one: nothing flows to it otherwise.
fn check_use(root: &Node, exporters: &[Lowered]) -> Result<(), ConfigError> {
    let pipelines = root
        .get("service")
        .and_then(|service| service.get("pipelines"));
    if pipelines.is_none_or(Node::is_null) {
        return Ok(());
    }
    match exporters
        .iter()
        .find(|exporter| !is_named(root, "exporters", &exporter.id))
    {
        None => Ok(()),
        Some(Lowered { id, .. }) => {
            let error = root.error_at(
                "otlp",
                "no pipeline sends to this section, and `service.pipelines` lists them all",
            );
            Err(error.hint(format!(
                "name its exporter `{id}` in a pipeline, or leave `service.pipelines` out to send everything there"
            )))
        }
    }
}

/// Whether a pipeline has the component in its list of `receivers`, `processors` or `exporters`. What can't be read is left
/// to the graph to complain about.
fn is_named(root: &Node, list: &str, id: &str) -> bool {
    let pipelines = root
        .get("service")
        .and_then(|service| service.get("pipelines"));
    let pipelines = pipelines
        .and_then(|pipelines| pipelines.entries().ok())
        .unwrap_or_default();
    let lists = pipelines
        .into_iter()
        .filter_map(|(_, _, pipeline)| pipeline.get(list)?.decode::<Vec<String>>().ok());
    lists.flatten().any(|named| named.trim() == id)
}

/// Variables that name a destination and are left alone because the files name their own.
fn unused_variables(environment: &Environment) -> Vec<String> {
    let endpoints = env_vars::OTLP_ENDPOINT
        .signals
        .map(|(_, variable)| variable);
    let mut names = [env_vars::OTLP_ENDPOINT.general]
        .into_iter()
        .chain(endpoints)
        .chain([env_vars::OTLP_EXPORT_ENDPOINT.name]);
    let set = names.find(|name| environment.non_empty(name).is_some());
    set.map(|name| format!("{name} is set, but the configuration file names its own destinations, so nothing is sent there")).into_iter().collect()
}

/// `otlp` on the loopback addresses that the Collector uses.
fn default_receivers() -> Node {
    let at = Location::of_file("default");
    let listen = |address: &str| {
        Node::map(
            at.clone(),
            vec![("endpoint", Node::text(at.clone(), address))],
        )
    };
    let protocols = vec![
        ("grpc", listen("127.0.0.1:4317")),
        ("http", listen("127.0.0.1:4318")),
    ];
    let otlp = Node::map(
        at.clone(),
        vec![("protocols", Node::map(at.clone(), protocols))],
    );
    Node::map(at.clone(), vec![("otlp", otlp)])
}

#[cfg(test)]
mod tests;
