//! The text formats: Prometheus' 0.0.4 and OpenMetrics 1.0.
//!
//! ```text
//!                 0.0.4                        OpenMetrics
//! counters        # TYPE x_total counter       # TYPE x counter, samples x_total
//! target_info     # TYPE target_info gauge     # TYPE target info
//! no type         untyped                      unknown
//! times           milliseconds                 seconds
//! bounds          le="1"                       le="1.0"
//! exemplars       none                         of counters and buckets
//! end             nothing                      # EOF
//! ```

use std::borrow::Cow;
use std::fmt::Write as _;

use super::registry::{Example, Family, Labels, Point, Registry, word};
use crate::prometheus_model::{Measurement, Native, Type, number};

/// Writes everything.
pub(super) fn render(registry: &Registry, open_metrics: bool, utf8: bool) -> String {
    let mut out = Writer {
        registry,
        open_metrics,
        utf8,
        out: String::with_capacity(registry.len() * 128),
    };
    let mut targets = registry.targets().peekable();
    if targets.peek().is_some() {
        let name = if open_metrics {
            "target"
        } else {
            "target_info"
        };
        out.head(
            name,
            if open_metrics { "info" } else { "gauge" },
            "Target metadata",
            "",
        );
        targets.for_each(|labels| out.sample("target_info", labels, None, 1.0, None, None));
    }
    for (name, family) in registry.families() {
        out.family(name, family);
    }
    if open_metrics {
        out.out.push_str("# EOF\n");
    }
    out.out
}

struct Writer<'a> {
    registry: &'a Registry,
    open_metrics: bool,
    utf8: bool,
    out: String,
}

impl Writer<'_> {
    fn family(&mut self, name: &str, family: &Family) {
        let is_counter = family.kind == Type::Counter;
        let base = match self.open_metrics && is_counter {
            true => name.strip_suffix("_total").unwrap_or(name),
            false => name,
        };
        let kind = match (family.kind, self.open_metrics) {
            (Type::Unknown, true) => "unknown",
            (kind, _) => word(kind),
        };
        self.head(base, kind, &family.help, &family.unit);
        let counted = match self.open_metrics && is_counter {
            true => Cow::Owned(format!("{base}_total")),
            false => Cow::Borrowed(name),
        };
        for (labels, point) in &family.points {
            self.point(&counted, is_counter, labels, point);
        }
    }

    fn head(&mut self, name: &str, kind: &str, help: &str, unit: &str) {
        let shown = self.quoted(name);
        if !help.is_empty() {
            let help = escaped(help, self.open_metrics);
            self.line(format_args!("# HELP {shown} {help}"));
        }
        self.line(format_args!("# TYPE {shown} {kind}"));
        let has_unit = name
            .strip_suffix(unit)
            .is_some_and(|front| front.ends_with('_'));
        if self.open_metrics && !unit.is_empty() && has_unit {
            self.line(format_args!("# UNIT {shown} {unit}"));
        }
    }

    fn point(&mut self, name: &str, is_counter: bool, labels: &Labels, point: &Point) {
        let time = self.registry.timestamp(point);
        match &point.measurement {
            Measurement::Number(value) => {
                let example = point.exemplars.last().filter(|_| is_counter);
                self.sample(name, labels, None, *value, time, example);
            }
            Measurement::Histogram {
                count,
                sum,
                buckets,
            } => {
                let bucket = format!("{name}_bucket");
                let mut below = f64::NEG_INFINITY;
                for (bound, counted) in buckets.iter().copied().chain([(f64::INFINITY, *count)]) {
                    let is_within = |found: &&Example| found.value > below && found.value <= bound;
                    let example = point.exemplars.iter().rfind(is_within);
                    self.sample(
                        &bucket,
                        labels,
                        Some(("le", bound)),
                        counted as f64,
                        time,
                        example,
                    );
                    below = bound;
                }
                self.count_and_sum(name, labels, *count, *sum, time);
            }
            Measurement::Native(Native { count, sum, .. }) => {
                let le = Some(("le", f64::INFINITY));
                self.sample(
                    &format!("{name}_bucket"),
                    labels,
                    le,
                    *count as f64,
                    time,
                    None,
                );
                self.count_and_sum(name, labels, *count, Some(*sum), time);
            }
            Measurement::Summary {
                count,
                sum,
                quantiles,
            } => {
                for (quantile, value) in quantiles {
                    self.sample(
                        name,
                        labels,
                        Some(("quantile", *quantile)),
                        *value,
                        time,
                        None,
                    );
                }
                self.count_and_sum(name, labels, *count, Some(*sum), time);
            }
        }
    }

    fn count_and_sum(
        &mut self,
        name: &str,
        labels: &Labels,
        count: u64,
        sum: Option<f64>,
        time: Option<i64>,
    ) {
        if let Some(sum) = sum {
            self.sample(&format!("{name}_sum"), labels, None, sum, time, None);
        }
        self.sample(
            &format!("{name}_count"),
            labels,
            None,
            count as f64,
            time,
            None,
        );
    }

    fn sample(
        &mut self,
        name: &str,
        labels: &Labels,
        extra: Option<(&str, f64)>,
        value: f64,
        time: Option<i64>,
        example: Option<&Example>,
    ) {
        let is_plain = is_plain_name(name) || !self.utf8;
        let mut separator = '{';
        if is_plain {
            let name = self.quoted(name);
            self.out.push_str(&name);
        } else {
            self.out.push('{');
            let name = self.quoted(name);
            self.out.push_str(&name);
            separator = ',';
        }
        let extra_name = extra.map(|(name, _)| name);
        for (name, value) in labels.iter().filter(|(name, _)| Some(*name) != extra_name) {
            self.label(&mut separator, name, value);
        }
        if let Some((name, value)) = extra {
            let value = self.bound(value);
            self.label(&mut separator, name, &value);
        }
        if separator == ',' {
            self.out.push('}');
        }
        self.out.push(' ');
        self.out.push_str(&number(value));
        if let Some(time) = time {
            let time = self.time(time);
            self.out.push(' ');
            self.out.push_str(&time);
        }
        if let Some(example) = example.filter(|_| self.open_metrics) {
            self.example(example);
        }
        self.out.push('\n');
    }

    fn example(&mut self, example: &Example) {
        self.out.push_str(" # ");
        let mut separator = '{';
        for (name, value) in example.labels.iter() {
            self.label(&mut separator, name, value);
        }
        self.out.push_str(if separator == '{' { "{}" } else { "}" });
        let time = self.time(example.time);
        // Writing to a text does not fail.
        let _ = write!(self.out, " {} {time}", number(example.value));
    }

    fn label(&mut self, separator: &mut char, name: &str, value: &str) {
        self.out.push(*separator);
        *separator = ',';
        let name = match (is_plain_label(name), self.utf8) {
            (true, _) => Cow::Borrowed(name),
            (false, true) => Cow::Owned(format!("\"{}\"", escaped(name, true))),
            (false, false) => underscored(name),
        };
        self.out.push_str(&name);
        self.out.push_str("=\"");
        self.out.push_str(&escaped(value, true));
        self.out.push('"');
    }

    fn quoted<'n>(&self, name: &'n str) -> Cow<'n, str> {
        match (is_plain_name(name), self.utf8) {
            (true, _) => Cow::Borrowed(name),
            (false, true) => Cow::Owned(format!("\"{}\"", escaped(name, true))),
            (false, false) => underscored(name),
        }
    }

    /// OpenMetrics wants bounds and quantiles to look like floating-point numbers.
    fn bound(&self, value: f64) -> String {
        let mut text = number(value);
        if self.open_metrics
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-')
        {
            text.push_str(".0");
        }
        text
    }

    fn time(&self, millis: i64) -> String {
        match self.open_metrics {
            false => millis.to_string(),
            true => format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000)),
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a text does not fail.
        let _ = writeln!(self.out, "{line}");
    }
}

/// Whether a metric's name needs no quotes.
fn is_plain_name(name: &str) -> bool {
    is_plain(name, |c| c == '_' || c == ':')
}

/// Whether a label's name needs no quotes.
fn is_plain_label(name: &str) -> bool {
    is_plain(name, |c| c == '_')
}

fn is_plain(name: &str, also: impl Fn(char) -> bool) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || also(c))
        && name.chars().all(|c| c.is_ascii_alphanumeric() || also(c))
}

/// A name for scrapers that know no other alphabet.
pub(super) fn underscored(name: &str) -> Cow<'_, str> {
    if is_plain_name(name) {
        return Cow::Borrowed(name);
    }
    let fits = |(place, c): (usize, char)| match c {
        '0'..='9' if place > 0 => c,
        'a'..='z' | 'A'..='Z' | '_' | ':' => c,
        _ => '_',
    };
    Cow::Owned(name.char_indices().map(fits).collect())
}

/// Backslashes and ends of lines escaped, and quotes where they end something.
fn escaped(text: &str, quotes: bool) -> Cow<'_, str> {
    if !text.contains(['\\', '\n', '"']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}
