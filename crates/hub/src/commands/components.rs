//! `fanlight components`: the component types with a sample configuration of each.

use std::fmt::Write as _;
use std::process::ExitCode;

use fanlight_pipeline::Kind;

use crate::{report, tables};

/// Prints every table.
pub(super) fn run() -> ExitCode {
    let tables = tables::all();
    let mut text = String::new();
    section(&mut text, "receivers", tables.receivers);
    section(&mut text, "processors", tables.processors);
    section(&mut text, "exporters", tables.exporters);
    section(&mut text, "connectors", tables.connectors);
    section(&mut text, "extensions", tables.extensions);
    report::print(&text);
    ExitCode::SUCCESS
}

fn section<C: ?Sized>(text: &mut String, class: &str, kinds: &[&Kind<C>]) {
    // Writing to a String can't fail.
    let _ = writeln!(text, "{class}:");
    for kind in kinds {
        let aliases = match kind.aliases {
            [] => String::new(),
            aliases => format!(" (also {})", aliases.join(", ")),
        };
        let _ = writeln!(text, "  # {}{aliases}", kind.about);
        let _ = writeln!(text, "  {}:", kind.name);
        for line in kind.sample.lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
}
