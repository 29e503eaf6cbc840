//! What every event has: time, host, source, source type, index.
//! [Format](https://docs.splunk.com/Documentation/Splunk/latest/Data/FormateventsforHTTPEventCollector).

use std::borrow::Cow;

use fanlight_otlp::DecodeError;
use fanlight_otlp::view::{Attributes, Value};

use super::config::Rules;
use super::requests::Group;
use crate::fields::{member, text};

/// The attribute that is the token of a resource's events.
pub(super) const TOKEN: &str = "com.splunk.hec.access_token";

/// Where events come from and go to.
#[derive(Clone, Debug)]
pub(super) struct Origin<'a> {
    host: Cow<'a, str>,
    source: Cow<'a, str>,
    sourcetype: Cow<'a, str>,
    index: Cow<'a, str>,
    token: Option<String>,
}

impl<'a> Origin<'a> {
    /// What a configuration says.
    pub(super) fn new(rules: &'a Rules) -> Origin<'a> {
        Origin {
            host: Cow::Borrowed("unknown"),
            source: Cow::Borrowed(&rules.source),
            sourcetype: Cow::Borrowed(&rules.sourcetype),
            index: Cow::Borrowed(&rules.index),
            token: None,
        }
    }

    /// Takes the attributes that say otherwise, and hands the others on.
    ///
    /// # Errors
    /// When an attribute can't be read, or the closure's own.
    pub(super) fn take(
        &mut self,
        attributes: Attributes<'a>,
        rules: &Rules,
        mut other: impl FnMut(&'a str, &Value<'a>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let names = &rules.attributes;
        for attribute in attributes {
            let (key, value) = attribute?;
            match key {
                key if key == names.host => self.host = value.to_text(),
                key if key == names.source => self.source = value.to_text(),
                key if key == names.sourcetype => self.sourcetype = value.to_text(),
                key if key == names.index => self.index = value.to_text(),
                TOKEN => self.token = Some(value.to_text().into_owned()),
                key => other(key, &value)?,
            }
        }
        Ok(())
    }

    /// Which request an event belongs to.
    pub(super) fn group(&self, is_profiling: bool) -> Group {
        Group {
            token: self.token.clone().filter(|token| !token.is_empty()),
            is_profiling,
        }
    }

    /// Starts an event, up to before `event`.
    pub(super) fn start(&self, out: &mut Vec<u8>, nanoseconds: u64) {
        out.push(b'{');
        // Without a time, Splunk takes the one when it reads the event: better than 1970.
        if nanoseconds > 0 {
            member(out, b"time");
            out.extend_from_slice(seconds(nanoseconds).as_bytes());
        }
        member(out, b"host");
        text(out, &self.host);
        for (key, value) in [
            ("source", &self.source),
            ("sourcetype", &self.sourcetype),
            ("index", &self.index),
        ] {
            if !value.is_empty() {
                member(out, key.as_bytes());
                text(out, value);
            }
        }
    }
}

/// Seconds with as many digits as are not zero.
fn seconds(nanoseconds: u64) -> String {
    let (seconds, rest) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    let text = format!("{seconds}.{rest:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact() {
        assert_eq!(seconds(1_700_000_000_250_123_457), "1700000000.250123457");
        assert_eq!(seconds(1_700_000_000_011_000_000), "1700000000.011");
        assert_eq!(seconds(1_700_000_000_000_000_000), "1700000000");
    }
}
