//! What the program does, in the terminal, as it happens.
//!
//! ```text
//! 12:04:31.207  checkout 17
//! 12:04:31.208    card accepted  order=17
//! 12:04:31.391    chat gpt-4o  182 ms · 1,204 → 96 tokens
//! 12:04:31.395  checkout 17  188 ms
//! 12:04:31.402  warn  retrying payment
//! 12:04:31.466  failed: charge  64 ms · CardError: declined
//! ```
//!
//! A span has a line when it starts and one when it ends, which says how long it took; what happens inside is indented.

mod line;

use std::collections::HashMap;
use std::fmt;
use std::io::{IsTerminal, Write};

use fanlight_otlp::SpanId;
use fanlight_otlp::view::{LogView, SpanView};

use crate::Level;
use crate::collect::Viewer;
use crate::record::{Kind, Record};
use line::{Colors, Line};

/// How the terminal shows what the program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Console {
    /// Where it is written to.
    pub output: ConsoleOutput,
    /// Whether it has colours.
    pub colors: ConsoleColors,
    /// How a line looks.
    pub style: ConsoleStyle,
    /// What is less important is not shown. Default: info.
    pub minimum: Level,
    /// Whether lines have the time in front.
    pub timestamps: bool,
    /// Whether tags are shown.
    pub tags: bool,
    /// Whether attributes and the place in the code are shown.
    pub verbose: bool,
}

/// Where the console is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsoleOutput {
    /// Standard error, so that the program's own output stays clean.
    #[default]
    Stderr,
    /// Standard output.
    Stdout,
}

/// Whether the console has colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsoleColors {
    /// In a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How the console's lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsoleStyle {
    /// What happens in a span is indented.
    #[default]
    Indented,
    /// All lines start at the left.
    Simple,
    /// A JSON object on each line, for programs that read it.
    Json,
}

impl Default for Console {
    fn default() -> Console {
        Console {
            output: ConsoleOutput::Stderr,
            colors: ConsoleColors::Auto,
            style: ConsoleStyle::Indented,
            minimum: Level::Info,
            timestamps: true,
            tags: true,
            verbose: false,
        }
    }
}

/// Shows records. Nothing it does can fail the program: what can't be written is left out.
pub(crate) struct Screen {
    console: Console,
    colors: Colors,
    out: Box<dyn Write + Send>,
    /// How deep the spans are that have started and not ended.
    depths: HashMap<SpanId, usize>,
}

/// Spans that never end are forgotten when there are so many.
const MOST_OPEN: usize = 10_000;

impl Screen {
    /// `no_color`: whether the environment asks for none.
    pub(crate) fn new(console: Console, no_color: bool) -> Screen {
        let (out, is_terminal): (Box<dyn Write + Send>, bool) = match console.output {
            ConsoleOutput::Stderr => (Box::new(std::io::stderr()), std::io::stderr().is_terminal()),
            ConsoleOutput::Stdout => (Box::new(std::io::stdout()), std::io::stdout().is_terminal()),
        };
        let colored = match console.colors {
            ConsoleColors::Always => true,
            ConsoleColors::Never => false,
            ConsoleColors::Auto => is_terminal && !no_color,
        };
        Screen::over(out, console, colored)
    }

    fn over(out: Box<dyn Write + Send>, console: Console, colored: bool) -> Screen {
        Screen {
            console,
            colors: Colors(colored),
            out,
            depths: HashMap::new(),
        }
    }

    fn show(&mut self, record: &Record<'_>, text: &mut String) {
        let line = match record.kind {
            Kind::Log => LogView::read(record.message)
                .ok()
                .map(|view| Line::of_log(record, &view)),
            Kind::Started => SpanView::read(record.message)
                .ok()
                .map(|view| Line::of_start(record, &view)),
            Kind::Span => SpanView::read(record.message)
                .ok()
                .map(|view| Line::of_end(record, &view)),
        };
        let Some(line) = line else { return };
        let inside = self.depths.get(&line.parent).map_or(0, |depth| depth + 1);
        let depth = match record.kind {
            Kind::Log => inside,
            Kind::Started => {
                if self.depths.len() >= MOST_OPEN {
                    self.depths.clear();
                }
                self.depths.insert(line.span, inside);
                inside
            }
            Kind::Span => self.depths.remove(&line.span).unwrap_or(inside),
        };
        if record.level < self.console.minimum {
            return;
        }
        match self.console.style {
            ConsoleStyle::Indented => line.write(&self.console, self.colors, depth, text),
            ConsoleStyle::Simple => line.write(&self.console, self.colors, 0, text),
            ConsoleStyle::Json => line.write_json(text),
        }
    }
}

impl Viewer for Screen {
    fn view(&mut self, records: &[Record<'_>]) {
        let mut text = String::new();
        for record in records {
            self.show(record, &mut text);
        }
        let _ = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush());
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen")
            .field("console", &self.console)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
