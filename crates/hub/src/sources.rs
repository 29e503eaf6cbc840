//! Everything that says what to run: files, command line, environment.

use std::path::Path;

use fanlight_config::{ConfigError, ConfigErrors, Document, Environment};

use crate::cli::{ConfigArgs, ServeArgs};
use crate::load::{self, Loaded};
use crate::report;
use crate::settings::Settings;

/// What to run.
#[derive(Debug)]
pub(crate) struct Sources {
    /// The effective configuration.
    pub loaded: Loaded,
    /// What it says about the hub itself.
    pub settings: Settings,
    /// The files' names and texts, to show lines of them in errors.
    pub texts: Texts,
}

/// Names and texts of configuration files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts(Vec<(String, String)>);

/// A configuration that can't be used, with what is needed to show why.
#[derive(Debug)]
pub(crate) struct Unusable {
    /// Everything that is wrong.
    pub errors: ConfigErrors,
    /// The files.
    pub texts: Texts,
}

impl Sources {
    /// Reads everything.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn read(
        args: &ConfigArgs,
        serve: Option<&ServeArgs>,
        environment: &Environment,
    ) -> Result<Sources, Unusable> {
        let mut texts = Texts::default();
        match Sources::gather(args, serve, environment, &mut texts) {
            Ok((loaded, settings)) => Ok(Sources {
                loaded,
                settings,
                texts,
            }),
            Err(errors) => Err(Unusable { errors, texts }),
        }
    }

    fn gather(
        args: &ConfigArgs,
        serve: Option<&ServeArgs>,
        environment: &Environment,
        texts: &mut Texts,
    ) -> Result<(Loaded, Settings), ConfigErrors> {
        for file in &args.files {
            texts.0.push((file.display().to_string(), read_file(file)?));
        }
        // A receiver that the command line changes is there already, written or by default; whatever else it sets counts
        // like a file, so that shorthands see it.
        let (receivers, others): (Vec<&String>, Vec<&String>) = args
            .set
            .iter()
            .partition(|assignment| assignment.starts_with("receivers."));
        for assignment in others {
            texts
                .0
                .push((format!("--set {assignment}"), assigned(assignment)?));
        }
        let mut loaded = load::load(&texts.0, environment)?;
        let mut overlays: Vec<(String, String)> = Vec::new();
        for assignment in receivers {
            overlays.push((format!("--set {assignment}"), assigned(assignment)?));
        }
        overlays.extend(serve.into_iter().flat_map(listening));
        for (name, text) in overlays {
            loaded.document = loaded
                .document
                .merge(Document::parse(&name, &text, environment)?);
        }
        let settings = Settings::read(&loaded.document, environment, serve)?;
        loaded.notes.extend(settings.notes.iter().cloned());
        Ok((loaded, settings))
    }
}

impl Unusable {
    /// One thing that is wrong.
    pub(crate) fn of(error: ConfigError, sources: &Sources) -> Unusable {
        Unusable {
            errors: ConfigErrors::from(error),
            texts: sources.texts.clone(),
        }
    }

    /// Shows every error with the line it is about.
    pub(crate) fn show(&self) {
        let source = |file: &str| {
            let named = self.texts.0.iter().find(|(name, _)| name == file);
            named.map(|(_, text)| text.as_str())
        };
        report::complain(&self.errors.render(source));
    }
}

fn read_file(path: &Path) -> Result<String, ConfigError> {
    // A configuration larger than this is something else that was named by mistake.
    const LARGEST: u64 = 16 << 20;
    let name = path.display();
    let size = std::fs::metadata(path).map_err(|error| {
        ConfigError::new(format!("{name} can't be read: {error}"))
            .hint("give the path of a configuration file to --config")
    })?;
    if size.len() > LARGEST {
        return Err(ConfigError::new(format!(
            "{name} has {} bytes, too many for a configuration",
            size.len()
        )));
    }
    std::fs::read_to_string(path)
        .map_err(|error| ConfigError::new(format!("{name} can't be read: {error}")))
}

/// `a.b.c=value` as YAML.
fn assigned(assignment: &str) -> Result<String, ConfigError> {
    let (keys, value) = assignment.split_once('=').ok_or_else(|| {
        ConfigError::new("--set needs a key and a value")
            .hint("write --set receivers.otlp.protocols.grpc.endpoint=127.0.0.1:5317")
    })?;
    let mut text = String::new();
    for (depth, key) in keys.split('.').enumerate() {
        if depth > 0 {
            text.push('\n');
        }
        text.push_str(&"  ".repeat(depth));
        text.push_str(&format!("{key}:"));
    }
    text.push_str(&format!(" {value}\n"));
    Ok(text)
}

/// The addresses of the command line, as YAML.
fn listening(args: &ServeArgs) -> Vec<(String, String)> {
    let protocols = [
        ("--otlp-grpc", "grpc", &args.otlp_grpc),
        ("--otlp-http", "http", &args.otlp_http),
    ];
    let given = protocols
        .into_iter()
        .filter_map(|(option, protocol, address)| Some((option, protocol, address.as_ref()?)));
    given
        .map(|(option, protocol, address)| {
            (option.to_owned(), format!("receivers: {{otlp: {{protocols: {{{protocol}: {{endpoint: \"{address}\"}}}}}}}}\n"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_a_small_document() {
        assert_eq!(
            assigned("a.b.c=[x, y]").unwrap(),
            "a:\n  b:\n    c: [x, y]\n"
        );
        assert!(assigned("a.b").is_err());
    }
}
