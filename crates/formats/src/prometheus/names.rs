//! Names of metrics and labels, and units, by the rules of
//! [the specification](https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#otlp-metric-points-to-prometheus)
//! and of [otlptranslator](https://github.com/prometheus/otlptranslator).
//!
//! Limit: without UTF-8, a metric name needs one letter or digit of ASCII. A label name never fails: what would be empty or
//! nothing but underscores gets `key` in front (otlptranslator drops the data point), so no two series become one.

use std::borrow::Cow;

use serde::Deserialize;

/// `translation_strategy`: how names are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Strategy {
    /// Everything but letters, digits, `_` and `:` becomes `_`; units and `_total` are added.
    UnderscoreEscapingWithSuffixes,
    /// The same, with nothing added.
    UnderscoreEscapingWithoutSuffixes,
    /// Names stay as they are, but units and `_total` are added.
    NoUTF8EscapingWithSuffixes,
    /// Names stay as they are.
    NoTranslation,
}

/// What a metric is to Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// A monotonic sum.
    Counter,
    /// A gauge.
    Gauge,
    /// A sum that may fall: a gauge by another name.
    UpDownCounter,
    /// A histogram, classic or native.
    Histogram,
    /// A summary.
    Summary,
    /// What came from Prometheus without a type.
    Unknown,
    /// `target_info`.
    Info,
}

/// Makes names.
#[derive(Clone, Debug)]
pub struct Names {
    namespace: String,
    suffixes: bool,
    utf8: bool,
}

/// [UCUM](https://ucum.org/ucum) units that Prometheus spells out.
const UNITS: [(&str, &str); 27] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    // Misspelt, but the name that every other translator gives.
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("kBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
];

/// What stands after a slash.
const PER_UNITS: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

impl Names {
    /// `add_suffixes` is the deprecated `add_metric_suffixes`, which a strategy overrides.
    pub fn new(namespace: &str, strategy: Option<Strategy>, add_suffixes: bool) -> Names {
        let (suffixes, utf8) = match strategy {
            None => (add_suffixes, false),
            Some(Strategy::UnderscoreEscapingWithSuffixes) => (true, false),
            Some(Strategy::UnderscoreEscapingWithoutSuffixes) => (false, false),
            Some(Strategy::NoUTF8EscapingWithSuffixes) => (true, true),
            Some(Strategy::NoTranslation) => (false, true),
        };
        Names {
            namespace: namespace.to_owned(),
            suffixes,
            utf8,
        }
    }

    /// A metric's name; nothing where no character is left of it.
    pub fn metric(&self, name: &str, unit: &str, kind: Type) -> Option<String> {
        let built = match (self.utf8, self.suffixes) {
            (true, _) => self.kept(name, unit, kind),
            (false, true) => self.normalised(name, unit, kind),
            (false, false) => self.escaped(name),
        };
        (!name.is_empty() && built.chars().any(|c| c != '_')).then_some(built)
    }

    /// A label's name.
    pub fn label<'a>(&self, key: &'a str) -> Cow<'a, str> {
        if self.utf8 {
            return match key.chars().all(|c| c == '_') {
                true => Cow::Owned(format!("key{key}")),
                false => Cow::Borrowed(key),
            };
        }
        if is_plain_label(key) {
            return Cow::Borrowed(key);
        }
        let reserved = key
            .strip_prefix("__")
            .and_then(|rest| rest.strip_suffix("__"))
            .filter(|inner| inner.chars().any(|c| c.is_ascii_alphanumeric()));
        if let Some(inner) = reserved {
            return Cow::Owned(format!("__{}__", underscored(inner, '_')));
        }
        let name = underscored(key, '_');
        Cow::Owned(match name.chars().next() {
            Some('0'..='9') => format!("key_{name}"),
            _ if name.chars().all(|c| c == '_') => format!("key{name}"),
            _ => name,
        })
    }

    /// A unit in Prometheus' words: `By/s` is `bytes_per_second`.
    pub fn unit(&self, unit: &str) -> String {
        let (main, per) = unit_suffixes(unit);
        let clean = |suffix: &str| match self.utf8 {
            true => suffix.to_owned(),
            false => clean_unit(suffix),
        };
        let parts = [clean(&main), clean(&per)];
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("_").trim_matches('_').to_owned()
    }

    /// Words of letters and digits joined by underscores, with unit and type at the end.
    fn normalised(&self, name: &str, unit: &str, kind: Type) -> String {
        let mut tokens: Vec<&str> = name
            .split(|c: char| !is_metric_char(c))
            .filter(|token| !token.is_empty())
            .collect();
        let (main, per) = unit_suffixes(unit);
        let (mut main, mut per) = (clean_unit(&main), clean_unit(&per));
        if tokens.contains(&main.as_str()) {
            main.clear();
        }
        if per == "per_" {
            per.clear();
        }
        let per = per.trim_end_matches('_');
        let per = if tokens.contains(&per) { "" } else { per };
        let main = match per {
            "" => main.as_str(),
            _ => main.trim_end_matches('_'),
        };
        tokens.extend([main, per].into_iter().filter(|suffix| !suffix.is_empty()));
        match kind {
            Type::Counter => {
                tokens.retain(|token| *token != "total");
                tokens.push("total");
            }
            Type::Gauge if unit == "1" => {
                tokens.retain(|token| *token != "ratio");
                tokens.push("ratio");
            }
            _ => {}
        }
        // A name without a word of its own is no name, whatever its unit adds.
        if !name.chars().any(is_metric_char) {
            return String::new();
        }
        self.with_namespace(tokens.join("_"))
    }

    /// The name with every foreign character replaced.
    fn escaped(&self, name: &str) -> String {
        let is_foreign = |c: char| !(is_metric_char(c) || c == '_');
        let words: Vec<&str> = name
            .split(is_foreign)
            .filter(|word| !word.is_empty())
            .collect();
        self.with_namespace(words.join("_"))
    }

    fn with_namespace(&self, name: String) -> String {
        let name = match self.namespace.as_str() {
            "" => name,
            namespace => format!("{}_{name}", underscored(namespace, ':')),
        };
        match name.starts_with(|c: char| c.is_ascii_digit()) {
            true => format!("_{name}"),
            false => name,
        }
    }

    /// The name as it is, with unit and type at the end.
    fn kept(&self, name: &str, unit: &str, kind: Type) -> String {
        let mut name = match self.namespace.as_str() {
            "" => name.to_owned(),
            namespace => format!("{namespace}_{name}"),
        };
        if !self.suffixes {
            return name;
        }
        let (main, per) = unit_suffixes(unit);
        let kind_suffix = match kind {
            Type::Counter => "total",
            Type::Gauge if unit == "1" => "ratio",
            _ => "",
        };
        for suffix in [kind_suffix, per.as_str()] {
            name = without_suffix(name, suffix);
        }
        if !main.is_empty() && !name.ends_with(&main) {
            name = format!("{name}_{main}");
        }
        for suffix in [per.as_str(), kind_suffix] {
            if !suffix.is_empty() {
                name = format!("{name}_{suffix}");
            }
        }
        name
    }
}

/// Whether a name of a metric can be written without quotes.
pub const fn is_metric_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == ':'
}

/// Whether nothing has to be done to a label name.
fn is_plain_label(key: &str) -> bool {
    let mut after_underscore = false;
    let fits = |c: char| {
        let doubled = after_underscore && c == '_';
        after_underscore = c == '_';
        (c.is_ascii_alphanumeric() || c == '_') && !doubled
    };
    key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.chars().all(fits)
}

/// Runs of anything but letters, digits and one more character become one underscore each.
fn underscored(text: &str, also: char) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_ascii_alphanumeric() || (c == also && c != '_') {
            true => out.push(c),
            false if out.ends_with('_') => {}
            false => out.push('_'),
        }
    }
    out
}

/// A unit's suffixes: what is measured, and per what. Annotations in braces are no units.
fn unit_suffixes(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let spelt = |unit: &str, known: &[(&str, &'static str)]| {
        let unit = unit.trim();
        if unit.is_empty() || unit.contains(['{', '}']) {
            return String::new();
        }
        let found = known.iter().find(|(short, _)| *short == unit);
        found.map_or_else(|| unit.to_owned(), |(_, long)| (*long).to_owned())
    };
    let (main, per) = (spelt(main, &UNITS), spelt(per, &PER_UNITS));
    match per.as_str() {
        "" => (main, per),
        _ => (main, format!("per_{per}")),
    }
}

fn clean_unit(unit: &str) -> String {
    underscored(unit, ':').trim_start_matches('_').to_owned()
}

/// Takes a suffix and the character before it off.
fn without_suffix(mut name: String, suffix: &str) -> String {
    if suffix.is_empty() || name.len() <= suffix.len() + 1 || !name.ends_with(suffix) {
        return name;
    }
    name.truncate(name.len() - suffix.len());
    name.pop();
    name
}

#[cfg(test)]
mod tests;
