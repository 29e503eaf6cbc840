//! fastrace with a reporter that does nothing.

use anyhow::Result;
use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};
use fastrace::local::LocalSpan;
use fastrace::{Span, set_reporter};
use serde_json::Value;

use super::unknown;
use crate::measure;

struct Nothing;

impl Reporter for Nothing {
    fn report(&mut self, _: Vec<SpanRecord>) {}
}

pub fn run(case: &str) -> Result<Value> {
    set_reporter(Nothing, Config::default());
    match case {
        // A trace of its own for each, as with the others.
        "span" => Ok(measure::calls(|index| {
            let root = Span::root("work", SpanContext::random())
                .with_properties(|| [("index", index.to_string()), ("name", "value".to_owned())]);
            let _entered = root.set_local_parent();
        })),
        // What it is made for: a trace of 100 spans.
        "child span" => {
            let mut root = None;
            let figures = measure::calls(|index| {
                if index % 100 == 0 {
                    root = None;
                    let span = Span::root("root", SpanContext::random());
                    let entered = span.set_local_parent();
                    root = Some((entered, span));
                }
                let _span = LocalSpan::enter_with_local_parent("work")
                    .with_properties(|| [("index", index.to_string()), ("name", "value".to_owned())]);
            });
            drop(root);
            Ok(figures)
        }
        _ => unknown(case),
    }
}
