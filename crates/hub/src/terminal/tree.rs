//! A trace as a tree of spans.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::shapes::{Span, Trace};
use super::{attributes, clean, clock, duration};
use crate::report::{BAD, FAINT, NAME};

/// How much is told about the spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Names, durations, and what went wrong.
    Lines,
    /// The attributes and events of spans that failed, too.
    Errors,
}

/// How deep a tree is drawn; what lies deeper is counted.
const DEEPEST: usize = 64;

/// Draws a trace, with a line about all of it on top.
pub(crate) fn draw(trace: &Trace, detail: Detail) -> String {
    let mut text = headline(trace);
    let tree = Tree::new(trace, detail);
    let roots: Vec<&Span> = tree.roots.clone();
    for root in roots {
        tree.span(&mut text, root, "", "", &mut HashSet::new());
    }
    text
}

fn headline(trace: &Trace) -> String {
    let start = trace
        .spans
        .iter()
        .map(|span| span.start_time_unix_nano)
        .min();
    let end = trace.spans.iter().map(|span| span.end_time_unix_nano).max();
    let (start, end) = (start.unwrap_or(0), end.unwrap_or(0));
    let errors = trace.spans.iter().filter(|span| span.is_error()).count();
    let spans = counted(trace.spans.len(), "span");
    let mut line = format!(
        "{FAINT}{}{FAINT:#} trace {NAME}{}{NAME:#}  {}  {spans}",
        clock(start),
        clean(&trace.trace_id),
        duration(end.saturating_sub(start)),
    );
    if errors > 0 {
        // Writing to a String can't fail.
        let _ = write!(line, "  {BAD}{}{BAD:#}", counted(errors, "error"));
    }
    line.push('\n');
    line
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

struct Tree<'a> {
    roots: Vec<&'a Span>,
    children: HashMap<&'a str, Vec<&'a Span>>,
    detail: Detail,
    /// How wide the names are, so that what follows lines up.
    width: usize,
}

impl<'a> Tree<'a> {
    /// Spans whose parent is not there are roots.
    fn new(trace: &'a Trace, detail: Detail) -> Tree<'a> {
        let known: HashSet<&str> = trace
            .spans
            .iter()
            .map(|span| span.span_id.as_str())
            .collect();
        let mut tree = Tree {
            roots: Vec::new(),
            children: HashMap::new(),
            detail,
            width: 0,
        };
        for span in &trace.spans {
            match span.parent_span_id.as_deref() {
                Some(parent) if known.contains(parent) && parent != span.span_id => {
                    tree.children.entry(parent).or_default().push(span);
                }
                _ => tree.roots.push(span),
            }
            tree.width = tree.width.max(span.name.chars().count());
        }
        tree.width = tree.width.min(48);
        tree
    }

    /// Draws a span and what it called; what was drawn already closes a circle, and is not drawn again.
    fn span(
        &self,
        text: &mut String,
        span: &'a Span,
        lead: &str,
        branch: &str,
        drawn: &mut HashSet<&'a str>,
    ) {
        if !drawn.insert(&span.span_id) {
            return;
        }
        self.line(text, span, lead, branch);
        let lead = match branch {
            "" => lead.to_owned(),
            "└─ " => format!("{lead}   "),
            _ => format!("{lead}│  "),
        };
        if self.detail == Detail::Errors && span.is_error() {
            errors(text, span, &lead);
        }
        let children = self.children.get(span.span_id.as_str());
        let children = children.map(Vec::as_slice).unwrap_or_default();
        if lead.chars().count() > DEEPEST * 3 {
            if !children.is_empty() {
                let _ = writeln!(text, "  {FAINT}{lead}… deeper spans are not shown{FAINT:#}");
            }
            return;
        }
        for (index, child) in children.iter().enumerate() {
            let branch = if index + 1 == children.len() {
                "└─ "
            } else {
                "├─ "
            };
            self.span(text, child, &lead, branch, drawn);
        }
    }

    fn line(&self, text: &mut String, span: &Span, lead: &str, branch: &str) {
        let style = if span.is_error() { BAD } else { NAME };
        let indent = lead.chars().count() + branch.chars().count();
        let room = (self.width + 12).saturating_sub(indent);
        let name = clean(&span.name);
        let _ = write!(
            text,
            "  {FAINT}{lead}{branch}{FAINT:#}{style}{name:<room$}{style:#}  {FAINT}{}{FAINT:#}  {}",
            clean(&span.service),
            duration(span.duration()),
        );
        if span.is_error() {
            let message = clean(&span.status.message);
            let space = if message.is_empty() { "" } else { ": " };
            let _ = write!(text, "  {BAD}error{space}{message}{BAD:#}");
        }
        text.push('\n');
    }
}

/// The attributes and events of a span that failed.
fn errors(text: &mut String, span: &Span, lead: &str) {
    if !span.attributes.is_empty() {
        let _ = writeln!(
            text,
            "  {FAINT}{lead}    {FAINT:#}{}",
            attributes(&span.attributes).trim_start()
        );
    }
    for event in &span.events {
        let since = event
            .time_unix_nano
            .saturating_sub(span.start_time_unix_nano);
        let _ = writeln!(
            text,
            "  {FAINT}{lead}    +{}{FAINT:#} {BAD}{}{BAD:#}{}",
            duration(since),
            clean(&event.name),
            attributes(&event.attributes)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn span(id: &str, parent: Option<&str>, name: &str, status: &str) -> serde_json::Value {
        json!({
            "spanId": id, "parentSpanId": parent, "name": name, "service": "shop",
            "startTimeUnixNano": "1000000", "endTimeUnixNano": "3500000",
            "status": { "code": status, "message": if status == "ERROR" { "declined" } else { "" } },
            "attributes": [{ "key": "amount", "value": { "intValue": "7" } }],
            "events": [{ "timeUnixNano": "2000000", "name": "exception", "attributes": [] }]
        })
    }

    fn plain(spans: &[serde_json::Value], detail: Detail) -> Vec<String> {
        let trace = json!({ "traceId": "ab", "spans": spans });
        let trace: Trace = serde_json::from_value(trace).unwrap();
        let text = draw(&trace, detail);
        let text = anstream::adapter::strip_str(&text).to_string();
        text.lines()
            .skip(1)
            .map(|line| line.trim_end().to_owned())
            .collect()
    }

    #[test]
    fn children_hang_on_their_parents_and_errors_stand_out() {
        let spans = [
            span("1", None, "GET /", "UNSET"),
            span("2", Some("1"), "pay", "ERROR"),
            span("3", Some("2"), "card", "UNSET"),
            span("4", Some("1"), "mail", "UNSET"),
            span("5", Some("9"), "orphan", "UNSET"),
        ];
        assert_eq!(
            plain(&spans, Detail::Lines),
            [
                "  GET /               shop  2.5 ms",
                "  ├─ pay              shop  2.5 ms  error: declined",
                "  │  └─ card          shop  2.5 ms",
                "  └─ mail             shop  2.5 ms",
                "  orphan              shop  2.5 ms",
            ]
        );
        let detailed = plain(&spans, Detail::Errors);
        assert_eq!(detailed[2], "  │      amount=7");
        assert_eq!(detailed[3], "  │      +1.0 ms exception");
    }

    #[test]
    fn a_circle_of_parents_ends() {
        let spans = [
            span("1", None, "root", "UNSET"),
            span("2", Some("3"), "a", "UNSET"),
            span("3", Some("2"), "b", "UNSET"),
        ];
        assert_eq!(plain(&spans, Detail::Lines).len(), 1);
    }
}
