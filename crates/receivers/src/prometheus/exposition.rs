//! What a page says, whichever format it is in: samples, and what is known of their families.
//!
//! [Text 0.0.4](https://prometheus.io/docs/instrumenting/exposition_formats/) and
//! [OpenMetrics 1.0](https://prometheus.io/docs/specs/om/open_metrics_spec/) are read by one parser, as their lines differ in
//! little: OpenMetrics has seconds for milliseconds, exemplars, units, and `# EOF`. Names in quotes are UTF-8 names.

use std::collections::BTreeMap;

use super::relabel::Labels;

/// A page.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Page {
    pub(super) samples: Vec<Sample>,
    /// By family name.
    pub(super) families: BTreeMap<String, Family>,
    /// Native histograms, which only protobuf has.
    pub(super) native: Vec<super::native::NativeHistogram>,
}

impl Page {
    /// How many samples it has.
    pub(super) fn len(&self) -> usize {
        let own = self.samples.iter().filter(|sample| !sample.is_start);
        own.count() + self.native.len()
    }
}

/// What is known of a family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Family {
    pub(super) kind: Kind,
    pub(super) help: String,
    pub(super) unit: String,
}

/// The type of a family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
    Info,
    #[default]
    Unknown,
}

/// One sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: Labels,
    pub(super) value: f64,
    /// Milliseconds since 1970, where the page says so.
    pub(super) timestamp: Option<i64>,
    pub(super) exemplar: Option<Exemplar>,
    /// Whether it is the start of a series, which is no sample of its own in protobuf.
    pub(super) is_start: bool,
}

impl Sample {
    /// The same, as the start of a series.
    pub(super) fn into_start(self) -> Sample {
        Sample {
            is_start: true,
            ..self
        }
    }
}

/// An example of the values behind a sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Exemplar {
    pub(super) labels: Labels,
    pub(super) value: f64,
    /// Milliseconds since 1970.
    pub(super) timestamp: Option<i64>,
}

/// A line that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is no sample: {why}")]
pub(super) struct NotASample {
    line: usize,
    why: &'static str,
}

/// Reads a page of text.
pub(super) fn read(text: &str, is_open_metrics: bool) -> Result<Page, NotASample> {
    let mut page = Page::default();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_matches([' ', '\t', '\r']);
        if line.is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix('#') {
            if comment.trim() == "EOF" && is_open_metrics {
                break;
            }
            read_comment(comment, &mut page);
            continue;
        }
        let sample = Line {
            rest: line,
            is_open_metrics,
        };
        let sample = sample.read().map_err(|why| NotASample {
            line: number + 1,
            why,
        })?;
        page.samples.push(sample);
    }
    Ok(page)
}

/// `HELP`, `TYPE` and `UNIT`; all else is a remark.
fn read_comment(comment: &str, page: &mut Page) {
    let mut words = comment.trim_start().splitn(2, [' ', '\t']);
    let (Some(keyword), Some(rest)) = (words.next(), words.next()) else {
        return;
    };
    if !matches!(keyword, "HELP" | "TYPE" | "UNIT") {
        return;
    }
    let rest = rest.trim_start();
    let (name, about) = match rest.strip_prefix('"') {
        Some(quoted) => match string(quoted) {
            Ok((name, about)) => (name, about),
            Err(_) => return,
        },
        None => {
            let (name, about) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
            (name.to_owned(), about)
        }
    };
    let family = page.families.entry(name).or_default();
    match keyword {
        "HELP" => family.help = unescaped(about),
        "UNIT" => family.unit = about.trim().to_owned(),
        _ => {
            family.kind = match about.trim() {
                "counter" => Kind::Counter,
                "gauge" => Kind::Gauge,
                "histogram" | "gaugehistogram" => Kind::Histogram,
                "summary" => Kind::Summary,
                "info" | "stateset" => Kind::Info,
                _ => Kind::Unknown,
            }
        }
    }
}

fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\\\", "\\")
}

/// A line with a sample, from its beginning.
struct Line<'a> {
    rest: &'a str,
    is_open_metrics: bool,
}

impl<'a> Line<'a> {
    fn read(mut self) -> Result<Sample, &'static str> {
        let mut sample = Sample::default();
        let end = self.rest.find(['{', ' ', '\t']).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end).ok_or("it has no name")?;
        name.clone_into(&mut sample.name);
        self.rest = rest.trim_start();
        if let Some(rest) = self.rest.strip_prefix('{') {
            self.rest = rest;
            let quoted_name = self.labels(&mut sample.labels)?;
            if let Some(name) = quoted_name {
                sample.name = name;
            }
        }
        if sample.name.is_empty() {
            return Err("it has no name");
        }
        sample.value = number(self.word().ok_or("it has no value")?)?;
        let (numbers, exemplar) = match self.rest.split_once('#') {
            Some((numbers, exemplar)) if self.is_open_metrics => (numbers, Some(exemplar)),
            _ => (self.rest, None),
        };
        self.rest = numbers;
        if let Some(word) = self.word() {
            sample.timestamp = Some(self.time(word)?);
        }
        if let Some(exemplar) = exemplar {
            sample.exemplar = Some(self.exemplar(exemplar)?);
        }
        Ok(sample)
    }

    fn exemplar(&mut self, text: &'a str) -> Result<Exemplar, &'static str> {
        let mut exemplar = Exemplar::default();
        self.rest = text
            .trim_start()
            .strip_prefix('{')
            .ok_or("its exemplar has no labels")?;
        self.labels(&mut exemplar.labels)?;
        exemplar.value = number(self.word().ok_or("its exemplar has no value")?)?;
        if let Some(word) = self.word() {
            exemplar.timestamp = Some(self.time(word)?);
        }
        Ok(exemplar)
    }

    /// Labels up to the closing brace; a text without `=` is the metric's name.
    fn labels(&mut self, labels: &mut Labels) -> Result<Option<String>, &'static str> {
        let mut metric = None;
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', ',']);
            if let Some(rest) = self.rest.strip_prefix('}') {
                self.rest = rest;
                return Ok(metric);
            }
            let name = match self.rest.strip_prefix('"') {
                Some(quoted) => {
                    let (name, rest) = string(quoted)?;
                    self.rest = rest;
                    name
                }
                None => {
                    let end = self.rest.find(['=', ' ', '\t', '}', ',']);
                    let (name, rest) = end
                        .and_then(|end| self.rest.split_at_checked(end))
                        .ok_or("its labels do not end")?;
                    self.rest = rest;
                    name.to_owned()
                }
            };
            self.rest = self.rest.trim_start();
            let Some(rest) = self.rest.strip_prefix('=') else {
                if name.is_empty() || metric.is_some() {
                    return Err("a label has no value");
                }
                metric = Some(name);
                continue;
            };
            let quoted = rest.trim_start().strip_prefix('"');
            let (value, rest) = string(quoted.ok_or("a label's value is not in quotes")?)?;
            self.rest = rest;
            if !value.is_empty() {
                labels.insert(name, value);
            }
        }
    }

    fn word(&mut self) -> Option<&'a str> {
        let text = self.rest.trim_start();
        let end = text.find([' ', '\t']).unwrap_or(text.len());
        let (word, rest) = text.split_at_checked(end)?;
        self.rest = rest;
        Some(word).filter(|word| !word.is_empty())
    }

    /// Milliseconds; OpenMetrics writes seconds.
    fn time(&self, word: &str) -> Result<i64, &'static str> {
        let wrong = "its timestamp is not a number";
        match self.is_open_metrics {
            true => word
                .parse()
                .map(|seconds: f64| (seconds * 1000.0).round() as i64)
                .map_err(|_| wrong),
            false => word.parse().map_err(|_| wrong),
        }
    }
}

fn number(word: &str) -> Result<f64, &'static str> {
    match word {
        "+Inf" | "Inf" => Ok(f64::INFINITY),
        "-Inf" => Ok(f64::NEG_INFINITY),
        word => word.parse().map_err(|_| "its value is not a number"),
    }
}

/// What stands up to the closing quote, and what follows it.
fn string(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((value, text.get(at + 1..).unwrap_or_default())),
            '\\' => match letters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            letter => value.push(letter),
        }
    }
    Err("a text in quotes does not end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_format_is_read() {
        let text = "# HELP http_requests_total All\\nrequests \\\\ here.\n# TYPE http_requests_total counter\n\
            http_requests_total{method=\"post\",path=\"/a\\\"b\\\\c\\nd\",} 1027 1395066363000\n\
            nothing_known -Inf\n# a remark\n metric_without_timestamp_and_labels 12.47\n";
        let page = read(text, false).unwrap();
        let family = &page.families["http_requests_total"];
        assert_eq!(
            (family.kind, family.help.as_str()),
            (Kind::Counter, "All\nrequests \\ here.")
        );
        assert_eq!(page.samples.len(), 3);
        assert_eq!(page.samples[0].labels["path"], "/a\"b\\c\nd");
        assert_eq!(page.samples[0].timestamp, Some(1_395_066_363_000));
        assert_eq!(page.samples[1].value, f64::NEG_INFINITY);
    }

    #[test]
    fn open_metrics_has_exemplars_seconds_units_and_an_end() {
        let text = "# TYPE foo_seconds histogram\n# UNIT foo_seconds seconds\n\
            foo_seconds_bucket{le=\"1.0\"} 8 1.5 # {trace_id=\"KOO5S4vxi0o\"} 0.67 2.25\n# EOF\nafter 1\n";
        let page = read(text, true).unwrap();
        assert_eq!(page.families["foo_seconds"].unit, "seconds");
        let [sample] = &page.samples[..] else {
            panic!("{page:?}")
        };
        assert_eq!(sample.timestamp, Some(1500));
        let exemplar = sample.exemplar.as_ref().unwrap();
        assert_eq!((exemplar.value, exemplar.timestamp), (0.67, Some(2250)));
        assert_eq!(exemplar.labels["trace_id"], "KOO5S4vxi0o");
    }

    #[test]
    fn names_in_quotes_may_be_any_text() {
        let page = read(
            "# TYPE \"my.metric\" gauge\n{\"my.metric\",\"la bel\"=\"1\"} 3\n",
            false,
        )
        .unwrap();
        assert_eq!(page.samples[0].name, "my.metric");
        assert_eq!(page.samples[0].labels["la bel"], "1");
        assert_eq!(page.families["my.metric"].kind, Kind::Gauge);
    }

    #[test]
    fn what_is_no_sample_is_named_by_its_line() {
        for (text, why) in [
            ("a 1\nb", "it has no value"),
            ("a 1\nb{x=\"1\" 2", "do not end"),
            ("a 1\nb{x=\"1} 2", "does not end"),
            ("a 1\nb{x=1} 2", "not in quotes"),
            ("a 1\nb two", "not a number"),
            ("a 1\n{} 1", "no name"),
        ] {
            let error = read(text, false).unwrap_err().to_string();
            assert!(
                error.starts_with("line 2") && error.contains(why),
                "{text}: {error}"
            );
        }
    }
}
