//! The series that a selector means.

use std::collections::BTreeSet;

use fanlight_store::{MetricFilter, MetricSummary, Store, TimeRange};
use promql_parser::label::Matcher;
use promql_parser::parser::VectorSelector;
use serde_json::{Map, Value as Answer, json};

use super::Problem;
use super::evaluate::Need;
use super::series::{self, Labels, NAME, Series, names_of};
use crate::router::App;

/// Knows which metrics there are, and loads their series.
pub(super) struct Finder {
    store: Store,
    metrics: Vec<MetricSummary>,
}

impl Finder {
    pub(super) async fn new(app: &App) -> Result<Finder, Problem> {
        let metrics = app.store.metrics(MetricFilter::default()).await?;
        Ok(Finder {
            store: app.store.clone(),
            metrics,
        })
    }

    /// All names of series.
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.metrics.iter().flat_map(names_of).collect()
    }

    /// What is known of each metric, as `/api/v1/metadata` has it.
    pub(super) fn metadata(&self) -> Answer {
        let mut all = Map::new();
        for metric in &self.metrics {
            let kind = match metric.kind {
                "sum" if metric.monotonic => "counter",
                "histogram" | "exponential_histogram" => "histogram",
                "summary" => "summary",
                _ => "gauge",
            };
            let about = json!([{ "type": kind, "help": metric.description, "unit": metric.unit }]);
            for name in names_of(metric) {
                all.insert(name, about.clone());
            }
        }
        Answer::Object(all)
    }

    /// Loads the series of a selector, with the samples of the times that are needed.
    pub(super) async fn find(&mut self, need: &Need<'_>) -> Result<Vec<Series>, Problem> {
        let selector = need.selector;
        let names = |name: &str| {
            let labels = Labels::from([(NAME.to_owned(), name.to_owned())]);
            passes(selector, &labels, &|label| label == NAME)
        };
        let metrics: BTreeSet<&str> = self
            .metrics
            .iter()
            .filter(|metric| names_of(metric).iter().any(|name| names(name)))
            .map(|metric| metric.name.as_str())
            .collect();
        let nanos = |millis: i64| u64::try_from(millis.saturating_mul(1_000_000)).unwrap_or(0);
        let time = TimeRange {
            from: Some(nanos(need.from)),
            to: Some(nanos(need.to.saturating_add(1))),
        };
        let mut found = Vec::new();
        for metric in metrics {
            let streams = self.store.metric_streams(metric.to_owned(), time).await?;
            let series = series::series(metric, streams, &names);
            let wanted = series
                .into_iter()
                .filter(|series| passes(selector, &series.labels, &|label| label != NAME));
            found.extend(wanted.filter(|series| !series.samples.is_empty()));
        }
        Ok(found)
    }
}

/// Whether labels pass what a selector says of those that are looked at. A label that is not there is empty.
fn passes(selector: &VectorSelector, labels: &Labels, looks_at: &dyn Fn(&str) -> bool) -> bool {
    let matches = |matcher: &Matcher| {
        let value = labels.get(&matcher.name).map_or("", String::as_str);
        !looks_at(&matcher.name) || matcher.is_match(value)
    };
    let named = selector
        .name
        .as_ref()
        .is_none_or(|name| !looks_at(NAME) || labels.get(NAME) == Some(name));
    let all = &selector.matchers;
    let one =
        all.or_matchers.is_empty() || all.or_matchers.iter().any(|part| part.iter().all(matches));
    named && all.matchers.iter().all(matches) && one
}
