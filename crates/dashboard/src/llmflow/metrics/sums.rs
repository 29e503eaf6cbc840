//! What a metric's streams come to: points of deltas are added up, and cumulative ones count what they grew by, so that neither
//! a counter that is told again nor a program that starts again counts twice.

use std::collections::BTreeMap;

use fanlight_store::{Measured, MetricFilter, MetricPoint, MetricStreams, TimeRange};
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::router::App;

/// Whose tokens, and which.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Labels {
    pub(super) service: String,
    model: Option<String>,
    token_type: Option<String>,
}

/// A whole number as an integer.
pub(super) fn whole(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.fract() == 0.0 && number.abs() < EXACT {
        // A float turns into an integer by saturating, which nothing here does.
        true => (number as i64).into(),
        false => number.into(),
    }
}

/// What each stream of a metric comes to.
pub(super) async fn sums(
    app: &App,
    name: &str,
    time: TimeRange,
) -> Result<Vec<(Labels, f64)>, ApiError> {
    let metric = app.store.metric_streams(name.to_owned(), time).await?;
    let labels = |keys: &[&str], of: &BTreeMap<String, String>| {
        keys.iter().find_map(|key| of.get(*key).cloned())
    };
    let streams = metric.streams.iter().map(|stream| {
        let model = ["model", "gen_ai.request.model", "gen_ai.response.model"];
        let labels = Labels {
            service: labels(&["service.name"], &stream.resource).unwrap_or_default(),
            model: labels(&model, &stream.attributes),
            token_type: labels(
                &["type", "gen_ai.token.type", "token.type"],
                &stream.attributes,
            ),
        };
        (labels, sum(&metric, &stream.points))
    });
    Ok(streams.collect())
}

fn sum(metric: &MetricStreams, points: &[MetricPoint]) -> f64 {
    let value = |point: &MetricPoint| match &point.value {
        Measured::Number(number) => *number,
        Measured::Spread(spread) => spread.sum,
    };
    let grows = metric.is_monotonic || metric.kind == "histogram";
    match (metric.kind, metric.is_cumulative) {
        ("gauge", _) => points.last().map_or(0.0, value),
        (_, false) => points.iter().map(value).sum(),
        (_, true) if !grows => points.last().map_or(0.0, value),
        (_, true) => {
            let mut before: Option<(i64, f64)> = None;
            let mut sum = 0.0;
            for point in points {
                let now = value(point);
                sum += match before {
                    Some((start, counted)) if start == point.start_ns && now >= counted => {
                        now - counted
                    }
                    _ => now,
                };
                before = Some((point.start_ns, now));
            }
            sum
        }
    }
}

/// What metrics of tokens say, by service, model and type.
pub(super) async fn tokens(app: &App) -> Result<Vec<Value>, ApiError> {
    let filter = MetricFilter {
        name: Some("token".to_owned()),
        ..MetricFilter::default()
    };
    let metrics = app.store.metrics(filter).await?;
    let mut names: Vec<String> = metrics.into_iter().map(|metric| metric.name).collect();
    names.dedup();
    let mut totals: BTreeMap<Labels, f64> = BTreeMap::new();
    for name in names {
        for (labels, sum) in sums(app, &name, TimeRange::default()).await? {
            *totals.entry(labels).or_default() += sum;
        }
    }
    let rows = totals.into_iter().map(|(labels, total)| {
        json!({
            "service_name": labels.service,
            "model": labels.model,
            "token_type": labels.token_type,
            "total_tokens": whole(total),
        })
    });
    Ok(rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(i64, f64)]) -> Vec<MetricPoint> {
        let point = |(start_ns, value): &(i64, f64)| MetricPoint {
            time_ns: 0,
            start_ns: *start_ns,
            value: Measured::Number(*value),
        };
        values.iter().map(point).collect()
    }

    #[test]
    fn counters_count_what_they_grew_by() {
        let of = |kind, is_cumulative, is_monotonic| MetricStreams {
            kind,
            is_cumulative,
            is_monotonic,
            ..MetricStreams::default()
        };
        // Told twice, grown, and begun anew: 10 + 5 + 3.
        let told = points(&[(1, 10.0), (1, 10.0), (1, 15.0), (2, 3.0)]);
        for (metric, expected) in [
            (of("sum", true, true), 18.0),
            (of("sum", false, true), 38.0),
            (of("sum", true, false), 3.0),
            (of("gauge", false, false), 3.0),
        ] {
            assert_eq!(sum(&metric, &told), expected, "{metric:?}");
        }
        assert_eq!((whole(2.0), whole(2.5)), (json!(2), json!(2.5)));
    }
}
