//! Which format a scraper gets
//! ([content negotiation](https://prometheus.io/docs/instrumenting/content_negotiation/)).

/// A format, and whether names may be any UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Text 0.0.4, or 1.0.0 with quoted names.
    Text {
        /// Whether names may be any UTF-8.
        utf8: bool,
    },
    /// OpenMetrics 1.0.0, or 0.0.1 where that was asked for; they are written alike.
    OpenMetrics {
        /// Whether names may be any UTF-8.
        utf8: bool,
        /// Whether 0.0.1 was asked for.
        old: bool,
    },
    /// `io.prometheus.client.MetricFamily`, each with its length.
    Protobuf {
        /// Whether names may be any UTF-8.
        utf8: bool,
    },
}

impl Format {
    /// The answer's `content-type`.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Format::Text { utf8: false } => "text/plain; version=0.0.4; charset=utf-8",
            Format::Text { utf8: true } => {
                "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
            }
            Format::OpenMetrics { old: true, .. } => {
                "application/openmetrics-text; version=0.0.1; charset=utf-8"
            }
            Format::OpenMetrics { utf8: false, .. } => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
            Format::OpenMetrics { utf8: true, .. } => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
            }
            Format::Protobuf { utf8: false } => fanlight_formats::prometheus::DELIMITED,
            Format::Protobuf { utf8: true } => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=allow-utf-8"
            }
        }
    }
}

/// The format that a scraper likes most of those that are there; text, when it likes none.
pub(super) fn negotiate(accept: &str, open_metrics: bool) -> Format {
    let mut best = (0.0, Format::Text { utf8: false });
    for range in accept.split(',') {
        let mut parameters = range.split(';').map(str::trim);
        let media = parameters.next().unwrap_or_default().to_ascii_lowercase();
        let given: Vec<(&str, &str)> = parameters
            .filter_map(|parameter| parameter.split_once('='))
            .map(|(name, value)| (name.trim(), value.trim().trim_matches('"')))
            .collect();
        let value = |name: &str| {
            let found = given
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| *value)
        };
        let quality: f64 = value("q").map_or(1.0, |q| q.parse().unwrap_or(0.0));
        let utf8 = value("escaping") == Some("allow-utf-8");
        let format = match media.as_str() {
            "application/vnd.google.protobuf" => {
                let is_ours = value("proto") == Some("io.prometheus.client.MetricFamily")
                    && value("encoding") == Some("delimited");
                is_ours.then_some(Format::Protobuf { utf8 })
            }
            "application/openmetrics-text" if open_metrics => match value("version") {
                None | Some("1.0.0") => Some(Format::OpenMetrics { utf8, old: false }),
                Some("0.0.1") => Some(Format::OpenMetrics {
                    utf8: false,
                    old: true,
                }),
                Some(_) => None,
            },
            "text/plain" => match value("version") {
                None | Some("0.0.4") => Some(Format::Text { utf8: false }),
                Some("1.0.0") => Some(Format::Text { utf8 }),
                Some(_) => None,
            },
            "*/*" | "text/*" => Some(Format::Text { utf8: false }),
            _ => None,
        };
        if let Some(format) = format.filter(|_| quality > best.0) {
            best = (quality, format);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Prometheus 2.42 sends, without and with native histograms, and what Prometheus 3 and a browser send.
    #[test]
    fn scrapers_get_what_they_like_most() {
        let old = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let native = format!(
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,{old}"
        );
        let new = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        let text = Format::Text { utf8: false };
        for (accept, open_metrics, expected) in [
            (old, false, text),
            (
                old,
                true,
                Format::OpenMetrics {
                    utf8: false,
                    old: false,
                },
            ),
            (native.as_str(), true, Format::Protobuf { utf8: false }),
            (new, false, Format::Text { utf8: true }),
            (
                new,
                true,
                Format::OpenMetrics {
                    utf8: true,
                    old: false,
                },
            ),
            ("text/html,application/xhtml+xml,*/*;q=0.8", true, text),
            ("", true, text),
            ("application/json", true, text),
        ] {
            assert_eq!(negotiate(accept, open_metrics), expected, "{accept}");
        }
    }
}
