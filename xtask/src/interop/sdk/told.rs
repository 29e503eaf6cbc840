//! Spans as a backend has them, by their place in their traces.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::super::carried::{attributes, text};
use crate::otlp_json::Items;

/// The spans of some traces.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// By trace and span id.
    spans: BTreeMap<(String, String), Span>,
    services: BTreeSet<String>,
    /// Spans that were there already.
    repeated: usize,
}

#[derive(Debug)]
struct Span {
    name: String,
    parent: String,
}

impl Told {
    /// Reads spans in OTLP/JSON.
    pub(super) fn of(items: &Items) -> Told {
        let mut told = Told::default();
        for item in items.values() {
            told.add(&item["resource"], &item["item"]);
        }
        told
    }

    /// Adds a span in OTLP/JSON.
    pub(super) fn add(&mut self, resource: &Value, span: &Value) {
        let name = attributes(resource).get("service.name").map(text);
        self.services.insert(name.unwrap_or_default());
        let field = |name: &str| span[name].as_str().unwrap_or_default().to_owned();
        let (name, parent) = (field("name"), field("parentSpanId"));
        let former = self.spans.insert(id(span), Span { name, parent });
        self.repeated += usize::from(former.is_some());
    }

    /// Whether an item of OTLP/JSON names one of the spans.
    pub(super) fn has(&self, item: &Value) -> bool {
        self.spans.contains_key(&id(item))
    }

    /// Checks that these spans are there, by the names on the way to them, and no others, all of one service.
    ///
    /// # Errors
    /// Says what is there.
    pub(super) fn must_be<'a>(
        &self,
        service: &str,
        expected: impl Iterator<Item = &'a (&'a str, usize)>,
    ) -> Result<()> {
        let mut found = BTreeMap::<String, usize>::new();
        for key in self.spans.keys() {
            *found.entry(self.path(key)).or_default() += 1;
        }
        let expected = expected.map(|(path, count)| ((*path).to_owned(), *count));
        let expected: BTreeMap<String, usize> = expected.collect();
        ensure!(
            found == expected,
            "the spans are\n  {found:?}\nnot\n  {expected:?}"
        );
        ensure!(self.repeated == 0, "{} spans came twice", self.repeated);
        ensure!(
            self.services.iter().eq([service]),
            "the services are {:?}",
            self.services
        );
        Ok(())
    }

    /// The names from the root to a span. A parent that is not there is a name of its own.
    fn path(&self, key: &(String, String)) -> String {
        let Some(span) = self.spans.get(key) else {
            return "(missing)".to_owned();
        };
        if span.parent.is_empty() {
            return span.name.clone();
        }
        let parent = (key.0.clone(), span.parent.clone());
        format!("{} > {}", self.path(&parent), span.name)
    }
}

fn id(item: &Value) -> (String, String) {
    let field = |name: &str| item[name].as_str().unwrap_or_default().to_lowercase();
    (field("traceId"), field("spanId"))
}
