//! `fanlight backends`: every backend, what it takes, and a snippet to copy. `--markdown` writes `docs/backends.md`.

use std::fmt::Write as _;
use std::process::ExitCode;

use fanlight_config::{Document, Environment};
use fanlight_exporters::{BACKENDS, Backend};

use crate::cli::BackendsArgs;
use crate::report::{self, FAINT, NAME};

/// Prints the table, or the backends whose name or type contains what was asked for, with their snippets.
pub(super) fn run(args: &BackendsArgs) -> ExitCode {
    if args.markdown {
        report::print(&markdown());
        return ExitCode::SUCCESS;
    }
    let wanted = args.name.as_deref().unwrap_or_default().to_lowercase();
    let is_wanted = |backend: &&Backend| {
        [backend.name, backend.kind.name]
            .iter()
            .any(|name| name.to_lowercase().contains(&wanted))
    };
    let found: Vec<&Backend> = BACKENDS.iter().filter(is_wanted).collect();
    if found.is_empty() {
        let advice = "fanlight backends lists all; any other that speaks OTLP is reached by otlp_http or otlp_grpc";
        report::error(
            &format!("there is no backend called {wanted}"),
            &[],
            Some(advice),
        );
        return ExitCode::FAILURE;
    }
    report::print(&match args.name {
        Some(_) => details(&found),
        None => table(&found),
    });
    ExitCode::SUCCESS
}

/// One line each.
fn table(backends: &[&Backend]) -> String {
    let width = |of: fn(&Backend) -> usize| backends.iter().map(|b| of(b)).max().unwrap_or(0);
    let (name, kind) = (width(|b| b.name.len()), width(|b| b.kind.name.len()));
    let mut text = String::new();
    for backend in backends {
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "{NAME}{:<kind$}{NAME:#}  {:<name$}  {FAINT}{}; {}{FAINT:#}",
            backend.kind.name,
            backend.name,
            signals(backend),
            backend.protocol
        );
    }
    text.push_str("\nfanlight backends NAME shows what one needs, and a snippet\n");
    text
}

/// All that is known, with the snippet.
fn details(backends: &[&Backend]) -> String {
    let mut text = String::new();
    for backend in backends {
        let _ = writeln!(text, "{NAME}{}{NAME:#}", backend.name);
        let _ = writeln!(text, "  takes     {}", signals(backend));
        let _ = writeln!(text, "  protocol  {}", backend.protocol);
        let _ = writeln!(text, "  needs     {}", needs(backend));
        let _ = writeln!(text, "  source    {}\n", backend.source);
        text.push_str(&snippet(backend));
        text.push('\n');
    }
    text
}

fn markdown() -> String {
    let mut text = String::from(
        "# Backends\n\nOne table, one snippet each; `fanlight backends` prints the same. Each is an exporter type: put its snippet into the\n\
         configuration, and every signal that it takes goes there. Keys beside those shown (`timeout`, `headers`, `sending_queue`,\n\
         `retry_on_failure`, `tls`, ...) are those of [the configuration](configuration.md).\n\n\
         `fanlight check --send` sends one item of each signal to every destination and says what it answered.\n\n\
         | Backend | Exporter | Signals | Protocol | Needs |\n|---|---|---|---|---|\n",
    );
    for backend in BACKENDS {
        let anchor: String = (backend.name.to_lowercase().chars())
            .filter(|letter| letter.is_alphanumeric() || *letter == ' ' || *letter == '-')
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect();
        let _ = writeln!(
            text,
            "| [{}](#{anchor}) | `{}` | {} | {} | {} |",
            backend.name,
            backend.kind.name,
            signals(backend),
            backend.protocol,
            needs(backend)
        );
    }
    for backend in BACKENDS {
        let aliases = match backend.kind.aliases {
            [] => String::new(),
            aliases => format!(" Also spelled `{}`.", aliases.join("`, `")),
        };
        let _ = write!(
            text,
            "\n## {}\n\n{}{aliases} [Source]({}).\n\n```yaml\n{}```\n",
            backend.name,
            backend.kind.about,
            backend.source,
            snippet(backend)
        );
    }
    text
}

fn needs(backend: &Backend) -> String {
    match backend.required {
        [] => "nothing".to_owned(),
        keys => keys.join(", "),
    }
}

/// What the snippet's exporter takes.
fn signals(backend: &Backend) -> String {
    let sample = Document::parse("sample", backend.kind.sample, &Environment::default());
    let config = sample
        .ok()
        .and_then(|sample| (backend.kind.decode)(sample.root()).ok());
    config.map_or(String::new(), |config| config.signals().to_string())
}

fn snippet(backend: &Backend) -> String {
    let mut text = format!("exporters:\n  {}:\n", backend.kind.name);
    for line in backend.kind.sample.lines() {
        let _ = writeln!(text, "    {line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exporter_is_listed_as_a_backend() {
        for kind in fanlight_exporters::EXPORTERS {
            let is_listed = BACKENDS
                .iter()
                .any(|backend| backend.kind.name == kind.name);
            assert!(is_listed, "{} is in no entry of BACKENDS", kind.name);
        }
    }

    #[test]
    fn every_snippet_takes_something() {
        for backend in BACKENDS {
            assert!(!signals(backend).is_empty(), "{}", backend.name);
        }
    }

    #[test]
    fn the_document_is_what_the_binary_prints() {
        let written = include_str!("../../../../docs/backends.md");
        assert!(
            written == markdown(),
            "docs/backends.md is old: cargo run -- backends --markdown > docs/backends.md"
        );
    }
}
