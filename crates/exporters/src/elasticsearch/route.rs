//! Which index a document goes to.
//!
//! A configured index wins; else the attribute `elasticsearch.index`; else the data stream `type-dataset-namespace` that
//! the attributes `data_stream.*` name (an item's before its scope's before its resource's), `generic` and `default` where
//! they don't. [Naming](https://www.elastic.co/guide/en/ecs/current/ecs-data_stream.html).

use std::borrow::Cow;

use fanlight_otlp::DecodeError;
use fanlight_otlp::view::{Attributes, ScopeView};
use serde::Deserialize;

use super::config::Mode;

/// The attributes that name a data stream.
pub(super) const DATA_STREAM: [&str; 3] = [
    "data_stream.type",
    "data_stream.dataset",
    "data_stream.namespace",
];
/// The attribute that names an index.
pub(super) const INDEX: &str = "elasticsearch.index";

/// The longest part of a data stream's name, in bytes.
const LONGEST_PART: usize = 100;

/// `logstash_format`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Logstash {
    /// Whether the index is followed by the date on which the document is sent. Default: false.
    pub(super) enabled: bool,
    /// What stands between. Default: `-`.
    pub(super) prefix_separator: String,
    /// The date as `strftime` has it, in UTC. Default: `%Y.%m.%d`.
    pub(super) date_format: String,
}

impl Default for Logstash {
    fn default() -> Logstash {
        Logstash {
            enabled: false,
            prefix_separator: "-".to_owned(),
            date_format: "%Y.%m.%d".to_owned(),
        }
    }
}

impl Logstash {
    /// Whether the format can be written.
    pub(super) fn check(&self) -> Result<(), String> {
        self.date(jiff::Timestamp::UNIX_EPOCH).map(drop)
    }

    fn date(&self, now: jiff::Timestamp) -> Result<String, String> {
        let now = now.to_zoned(jiff::tz::TimeZone::UTC);
        jiff::fmt::strtime::format(&self.date_format, &now)
            .map_err(|error| format!("date_format can't be written: {error}"))
    }
}

/// Where a document goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Index {
    /// The index's name.
    pub(super) name: String,
    /// Type, dataset and namespace, where it is a data stream.
    pub(super) data_stream: Option<[String; 3]>,
}

/// What an index is found from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origins<'a> {
    /// The item's attributes, or those of the event of a span.
    pub(super) item: Attributes<'a>,
    /// The scope.
    pub(super) scope: &'a ScopeView<'a>,
    /// The resource's attributes.
    pub(super) resource: Attributes<'a>,
}

impl Origins<'_> {
    /// The first of an attribute: the item's, the scope's, the resource's.
    fn find(&self, key: &str) -> Result<Option<Cow<'_, str>>, DecodeError> {
        for attributes in [self.item, self.scope.attributes, self.resource] {
            if let Some(value) = attributes.get(key)? {
                return Ok(Some(value.to_text()));
            }
        }
        Ok(None)
    }

    /// The index of a document of this type (`logs`, `metrics`, `traces`).
    pub(super) fn index(
        &self,
        kind: &str,
        configured: Option<&str>,
        mode: Mode,
        logstash: &Logstash,
    ) -> Result<Index, DecodeError> {
        let named = match configured {
            Some(name) => Some(Cow::Borrowed(name)),
            None => self.find(INDEX)?,
        };
        let index = match named {
            Some(name) => Index {
                name: name.into_owned(),
                data_stream: None,
            },
            None => self.data_stream(kind, mode)?,
        };
        // The format was checked with the configuration.
        let date = logstash
            .enabled
            .then(|| logstash.date(jiff::Timestamp::now()).ok());
        Ok(match date.flatten() {
            None => index,
            Some(date) => Index {
                name: format!("{}{}{date}", index.name, logstash.prefix_separator),
                data_stream: None,
            },
        })
    }

    fn data_stream(&self, kind: &str, mode: Mode) -> Result<Index, DecodeError> {
        let [kind_key, dataset_key, namespace_key] = DATA_STREAM;
        // Only bodies that are documents already may be of another type than their signal.
        let other_kind = match mode {
            Mode::Bodymap => self.find(kind_key)?,
            _ => None,
        };
        let dataset = match self.find(dataset_key)? {
            Some(dataset) => dataset,
            None => Cow::Borrowed(receiver(self.scope.name).unwrap_or("generic")),
        };
        let suffix = match mode {
            Mode::Otel if !dataset.ends_with(".otel") => ".otel",
            _ => "",
        };
        let namespace = self
            .find(namespace_key)?
            .unwrap_or(Cow::Borrowed("default"));
        let parts = [
            other_kind.map_or_else(|| kind.to_owned(), Cow::into_owned),
            part(&dataset, "-\\/*?\"<>| ,#:", suffix),
            part(&namespace, "\\/*?\"<>| ,#:", ""),
        ];
        Ok(Index {
            name: parts.join("-"),
            data_stream: Some(parts),
        })
    }
}

/// A part of a data stream's name: lower case, no characters that an index may not have, of limited length.
fn part(text: &str, disallowed: &str, suffix: &str) -> String {
    let mut part = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        let c = if disallowed.contains(c) { '_' } else { c };
        if part.len() + c.len_utf8() + suffix.len() > LONGEST_PART {
            break;
        }
        part.push(c);
    }
    part + suffix
}

/// The Collector's receiver that a scope belongs to: `.../receiver/hostmetricsreceiver/internal/...`.
fn receiver(scope: &str) -> Option<&str> {
    let (_, after) = scope.split_once("/receiver/")?;
    let name = after.split('/').next()?;
    name.ends_with("receiver").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_names_fit_an_index() {
        assert_eq!(part("My-App/1", "-/", ".otel"), "my_app_1.otel");
        let long = part(&"ä".repeat(80), "", ".otel");
        assert_eq!((long.len(), long.ends_with("ä.otel")), (99, true));
    }

    #[test]
    fn receivers_of_the_collector_are_datasets() {
        let scope = "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/hostmetricsreceiver/internal/scraper/cpuscraper";
        assert_eq!(receiver(scope), Some("hostmetricsreceiver"));
        assert_eq!(receiver("io.opentelemetry/receiver/x"), None);
    }

    #[test]
    fn dates_are_added_in_utc() {
        let logstash = Logstash::default();
        assert_eq!(
            logstash.date(jiff::Timestamp::UNIX_EPOCH),
            Ok("1970.01.01".to_owned())
        );
        let wrong = Logstash {
            date_format: "%Q%Q%!".to_owned(),
            ..logstash
        };
        assert!(wrong.check().is_err());
    }
}
