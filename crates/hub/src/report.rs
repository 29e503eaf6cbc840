//! What the terminal shows: the start-up summary, errors, the end.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use fanlight_pipeline::Outcome;

const LABEL: Style = AnsiColor::Cyan.on_default();
/// How names stand out.
pub(crate) const NAME: Style = Style::new().bold();
/// How what matters less steps back.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// How good news looks.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// How bad news looks.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
const HELP: Style = AnsiColor::Green.on_default();

/// What the summary says.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// How long the start took.
    pub took: Duration,
    /// Protocol, address and what stands beside it, for each receiver's socket.
    pub receiving: Vec<(String, String, String)>,
    /// The dashboard's address, or why there is none.
    pub dashboard: String,
    /// The address of the metrics and health pages.
    pub metrics: Option<String>,
    /// Id, destination and origin of each exporter.
    pub sending: Vec<(String, String, String)>,
    /// The data directory.
    pub data: String,
    /// Sentences that the user should see.
    pub notes: Vec<String>,
    /// One line to try next.
    pub next: String,
}

impl Summary {
    /// The summary as text.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "\n  {NAME}fanlight {}{NAME:#} {FAINT}ready in {} ms{FAINT:#}\n\n",
            env!("CARGO_PKG_VERSION"),
            self.took.as_millis()
        );
        row(&mut text, "Receiving", &columns(&self.receiving));
        row(
            &mut text,
            "Dashboard",
            std::slice::from_ref(&self.dashboard),
        );
        row(&mut text, "Metrics", self.metrics.as_slice());
        row(&mut text, "Sending", &columns(&self.sending));
        row(&mut text, "Data", std::slice::from_ref(&self.data));
        row(&mut text, "Note", &self.notes);
        row(&mut text, "Try", std::slice::from_ref(&self.next));
        text.push('\n');
        text
    }
}

/// One labelled block of lines.
fn row(text: &mut String, label: &str, lines: &[String]) {
    for (index, line) in lines.iter().enumerate() {
        let label = if index == 0 { label } else { "" };
        // Writing to a String can't fail.
        let _ = writeln!(text, "  {LABEL}{label:<11}{LABEL:#}{line}");
    }
}

/// Lines of three aligned columns.
fn columns(rows: &[(String, String, String)]) -> Vec<String> {
    let width = |of: fn(&(String, String, String)) -> &String| {
        rows.iter()
            .map(|row| of(row).chars().count())
            .max()
            .unwrap_or(0)
    };
    let (first, second) = (width(|row| &row.0), width(|row| &row.1));
    let line = |(name, middle, last): &(String, String, String)| {
        let line = format!("{name:<first$}  {middle:<second$}  {FAINT}{last}{FAINT:#}");
        if last.is_empty() {
            format!("{name:<first$}  {middle}")
        } else {
            line
        }
    };
    rows.iter().map(line).collect()
}

/// Whether a destination took a test item, and what it said.
pub(crate) fn told(outcome: &Outcome) -> (bool, String) {
    match outcome {
        Outcome::Delivered => (true, "took it".to_owned()),
        Outcome::Partial { rejected, why } => (false, format!("rejected {rejected} of 1: {why}")),
        failed => (false, failed.why().to_owned()),
    }
}

/// Shows text on standard output; a reader that went away is no error.
pub(crate) fn print(text: &str) {
    use std::io::Write as _;
    let mut out = anstream::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Shows an error with its causes and what to do about it.
pub(crate) fn error(message: &str, causes: &[String], hint: Option<&str>) {
    use std::io::Write as _;
    let mut text = format!("{BAD}error:{BAD:#} {message}\n");
    for cause in causes {
        let _ = writeln!(text, "  because {cause}");
    }
    if let Some(hint) = hint {
        let _ = writeln!(text, "{HELP}help:{HELP:#} {hint}");
    }
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Shows text on standard error.
pub(crate) fn complain(text: &str) {
    use std::io::Write as _;
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Whether standard error shows colours.
pub(crate) fn has_colours() -> bool {
    anstream::stderr().current_choice() != anstream::ColorChoice::Never
}

/// The causes of an error, outermost first.
pub(crate) fn causes(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(error.source(), |cause| cause.source())
        .map(ToString::to_string)
        .collect()
}

/// A path as people write it, with `~` for their home.
pub(crate) fn short(path: &Path, home: Option<&str>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

/// A text that starts with a path under somebody's home, with `~` for it.
pub(crate) fn shorten_home(text: &str, home: Option<&str>) -> String {
    match home.and_then(|home| text.strip_prefix(home)) {
        Some(rest) if rest.starts_with('/') => format!("~{rest}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_a_tilde() {
        assert_eq!(
            short(
                Path::new("/home/ada/.local/share/fanlight"),
                Some("/home/ada")
            ),
            "~/.local/share/fanlight"
        );
        assert_eq!(
            short(Path::new("/var/lib/fanlight"), Some("/home/ada")),
            "/var/lib/fanlight"
        );
        assert_eq!(
            short(Path::new("/var/lib/fanlight"), None),
            "/var/lib/fanlight"
        );
    }

    #[test]
    fn columns_line_up_and_end_without_spaces() {
        let rows = vec![
            ("store".to_owned(), "a.db".to_owned(), String::new()),
            (
                "otlp_http/env".to_owned(),
                "http://x".to_owned(),
                "from X".to_owned(),
            ),
        ];
        let plain: Vec<String> = columns(&rows)
            .iter()
            .map(|line| anstream::adapter::strip_str(line).to_string())
            .collect();
        assert_eq!(
            plain,
            ["store          a.db", "otlp_http/env  http://x  from X"]
        );
    }
}
