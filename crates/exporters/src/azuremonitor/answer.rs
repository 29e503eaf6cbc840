//! Answers of the ingestion service: which items are to be sent again, and where a redirect may lead.
//!
//! [Source](https://github.com/Azure/azure-rest-api-specs/blob/main/specification/applicationinsights/data-plane/Monitor.Exporters/preview/v2.1/swagger.json).

use http::Uri;
use serde::Deserialize;

/// What the service says of single items.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TrackAnswer {
    pub(super) items_received: u64,
    pub(super) items_accepted: u64,
    pub(super) errors: Vec<ItemError>,
}

/// An item that was not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ItemError {
    /// Its place in the request.
    pub(super) index: Option<usize>,
    /// As of HTTP.
    pub(super) status_code: u16,
    /// Why.
    pub(super) message: String,
}

/// Whether what was answered with this may be sent again: 439 is a quota that is used up.
pub(super) const fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 429 | 439 | 500 | 502 | 503 | 504)
}

/// Domains of the ingestion service in one cloud: a global endpoint redirects to a stamp under another of them.
const CLOUDS: [&[&str]; 3] = [
    &["applicationinsights.azure.com", "services.visualstudio.com"],
    &["applicationinsights.azure.us", "applicationinsights.us"],
    &["applicationinsights.azure.cn"],
];

/// The place that a redirect leads to, if telemetry may go there: the same host, one under the same domain, or another of
/// the same cloud, and never from TLS to none.
pub(super) fn redirect(from: &Uri, location: &str) -> Option<Uri> {
    let to: Uri = location.parse().ok()?;
    let (old, new) = (from.host()?, to.host()?);
    let keeps_tls = from.scheme() == to.scheme() || to.scheme_str() == Some("https");
    let is_near = old.eq_ignore_ascii_case(new)
        || domain(old).is_some_and(|domain| is_under(new, domain))
        || CLOUDS.iter().any(|cloud| {
            let within = |host: &str| cloud.iter().any(|domain| is_under(host, domain));
            within(old) && within(new)
        });
    (keeps_tls && is_near).then_some(to)
}

/// What a host is under: `in.applicationinsights.azure.com` of `westeurope-5.in.applicationinsights.azure.com`. Two names
/// at least must stay, and an address is under nothing.
fn domain(host: &str) -> Option<&str> {
    let (_, domain) = host.split_once('.')?;
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    (domain.contains('.') && !is_address).then_some(domain)
}

fn is_under(host: &str, domain: &str) -> bool {
    let (host, domain) = (host.to_ascii_lowercase(), domain.to_ascii_lowercase());
    host.strip_suffix(&domain)
        .is_some_and(|front| front.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_with_azure() {
        let allowed = |from: &str, to: &str| redirect(&from.parse().unwrap(), to).is_some();
        let stamp = "https://westeurope-5.in.applicationinsights.azure.com/v2.1/track";
        assert!(allowed(
            stamp,
            "https://westeurope-2.in.applicationinsights.azure.com/v2.1/track"
        ));
        let global = "https://dc.services.visualstudio.com/v2.1/track";
        assert!(allowed(global, stamp));
        assert!(allowed("http://127.0.0.1:1/a", "http://127.0.0.1:2/b"));
        for (from, to) in [
            (stamp, "https://evil.example.com/v2.1/track"),
            (stamp, "https://evil-applicationinsights.azure.com/"),
            (
                stamp,
                "http://westeurope-2.in.applicationinsights.azure.com/",
            ),
            (global, "https://stamp.in.applicationinsights.azure.cn/"),
            ("https://proxy.corp/", "https://other.corp/"),
            ("http://10.0.0.1/", "http://11.0.0.1/"),
            (stamp, "/v2.1/track"),
        ] {
            assert!(!allowed(from, to), "{from} {to}");
        }
    }
}
