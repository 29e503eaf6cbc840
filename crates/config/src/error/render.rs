//! An error as a compiler shows it: the fact, the place, the line up to the key, the advice.

use std::fmt::Write;

use super::{ConfigError, ConfigErrors};

impl ConfigError {
    /// Several lines for people, with an excerpt where the source is given.
    ///
    /// ```text
    /// error: unknown key `endpont`
    ///   --> collector.yaml:7:5
    ///    |
    ///  7 |     endpont: …
    ///    |     ^^^^^^^ in exporters.otlp_http/jaeger
    ///   help: did you mean `endpoint`?
    /// ```
    pub fn render(&self, source: Option<&str>) -> String {
        let mut text = format!("error: {}\n", self.message);
        let line = self
            .location
            .as_ref()
            .filter(|place| place.line > 0)
            .and_then(|place| {
                let line = source?.lines().nth(place.line - 1)?;
                Some((place, line))
            });
        // Writing to a String can't fail.
        let _ = match (line, &self.location) {
            (Some((place, line)), _) => {
                let number = place.line.to_string();
                let gutter = " ".repeat(number.len());
                let excerpt = Excerpt::of(line, place.column);
                let at = if self.path.is_empty() {
                    String::new()
                } else {
                    format!(" in {}", self.path)
                };
                writeln!(
                    text,
                    "{gutter} --> {place}\n{gutter}  |\n {number} | {}\n{gutter}  | {}{}{at}",
                    excerpt.shown,
                    " ".repeat(excerpt.start),
                    "^".repeat(excerpt.length),
                )
            }
            (None, Some(place)) if self.path.is_empty() => writeln!(text, "  --> {place}"),
            (None, Some(place)) => writeln!(text, "  --> {place} in {}", self.path),
            (None, None) if self.path.is_empty() => Ok(()),
            (None, None) => writeln!(text, "  --> {}", self.path),
        };
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, " help: {hint}");
        }
        text
    }
}

impl ConfigErrors {
    /// All errors, each as [`ConfigError::render`] shows it, with the source of each file looked up by name.
    pub fn render<'s>(&self, source: impl Fn(&str) -> Option<&'s str>) -> String {
        let shown = self.0.iter().map(|error| {
            error.render(
                error
                    .location
                    .as_ref()
                    .and_then(|place| source(&place.file)),
            )
        });
        shown.collect::<Vec<_>>().join("\n")
    }
}

/// The part of a line that may be shown, and what of it to underline.
struct Excerpt {
    shown: String,
    start: usize,
    length: usize,
}

impl Excerpt {
    /// Shows a line up to the colon of its first key; what follows may be a secret and becomes `…`.
    fn of(line: &str, column: usize) -> Excerpt {
        let line: String = line
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let start = column.saturating_sub(1);
        let visible = visible_length(&line);
        let mut shown: String = line.chars().take(visible).collect();
        if line.chars().count() > visible {
            shown.push_str(if shown.ends_with(' ') { "…" } else { " …" });
        }
        if start >= visible {
            let last = shown.chars().count().saturating_sub(1);
            return Excerpt {
                shown,
                start: last,
                length: 1,
            };
        }
        let length = shown
            .chars()
            .skip(start)
            .take_while(|c| !c.is_whitespace() && *c != ':')
            .count()
            .max(1);
        Excerpt {
            shown,
            start,
            length,
        }
    }
}

/// How many characters belong to indentation, list dashes and the first key with its colon.
fn visible_length(line: &str) -> usize {
    let characters: Vec<char> = line.chars().collect();
    let before_key = characters
        .iter()
        .take_while(|c| matches!(c, ' ' | '-' | '{' | '['))
        .count();
    let colon = characters
        .iter()
        .enumerate()
        .skip(before_key)
        .find(|(index, c)| {
            **c == ':'
                && characters
                    .get(index + 1)
                    .is_none_or(|next| next.is_whitespace())
        });
    match colon {
        Some((index, _)) => index + 1,
        None => before_key,
    }
}
