//! Metrics as text, in the [Prometheus exposition format](https://prometheus.io/docs/instrumenting/exposition_formats/) 0.0.4.

use std::fmt::Write as _;

use super::Metric;

/// The metrics page.
pub fn prometheus_text(metrics: &[Metric]) -> String {
    let mut page = String::new();
    for metric in metrics {
        let kind = if metric.is_counter {
            "counter"
        } else {
            "gauge"
        };
        let Metric {
            name, description, ..
        } = metric;
        // Writing to a String can't fail.
        let _ = write!(page, "# HELP {name} {description}\n# TYPE {name} {kind}\n");
        for series in &metric.series {
            page.push_str(name);
            for (index, (label, value)) in series.labels.iter().enumerate() {
                let before = if index == 0 { '{' } else { ',' };
                let _ = write!(page, "{before}{label}=\"{}\"", escaped(value));
            }
            if !series.labels.is_empty() {
                page.push('}');
            }
            let _ = writeln!(page, " {}", series.value);
        }
    }
    page
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::Series;
    use super::*;

    #[test]
    fn a_page_escapes_what_labels_hold() {
        let metric = Metric {
            name: "m".to_owned(),
            description: "Things.",
            unit: "1",
            is_counter: true,
            series: vec![
                Series {
                    labels: vec![("exporter", "a\"b\\c\n".to_owned()), ("x", "y".to_owned())],
                    value: 3.0,
                },
                Series {
                    labels: vec![],
                    value: 0.5,
                },
            ],
        };
        let page =
            "# HELP m Things.\n# TYPE m counter\nm{exporter=\"a\\\"b\\\\c\\n\",x=\"y\"} 3\nm 0.5\n";
        assert_eq!(prometheus_text(&[metric]), page);
    }
}
