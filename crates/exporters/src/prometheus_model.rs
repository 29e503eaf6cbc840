//! OTLP metrics in Prometheus' data model, for the exporters that write it.
//!
//! ```text
//! names    metric names with their units, label names
//! labels   resource, scope and attributes as labels; texts stored once
//! points   data points as numbers, classic and native histograms, summaries
//! ```
//! The rules are those of [the specification](https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#otlp-metric-points-to-prometheus)
//! and of the Collector, which takes names from [otlptranslator](https://github.com/prometheus/otlptranslator). What
//! Prometheus can't hold is an [`Unfit`] point: left out, counted and told.

mod labels;
mod names;
mod points;

pub(crate) use labels::{Label, LabelSettings, Labeller, ResourceLabels, Symbol, Symbols};
pub(crate) use names::{Names, Strategy, Type};
pub(crate) use points::{
    Exemplar, Measurement, Native, NativeBuckets, Unfit, exemplars, is_stale, kind, measure, millis,
};

/// Go's way to write a number, which Prometheus' formats and the `le` and `quantile` labels use.
pub(crate) fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e21).contains(&magnitude) {
        let text = format!("{value:e}");
        // Go writes the exponent with a sign and two digits at least.
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_look_as_go_writes_them() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.25, "0.25"),
            (-2.5, "-2.5"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-07"),
            (1e100, "1e+100"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
