//! What Loki's answers mean.
//!
//! Loki answers 400 with the reasons though it has taken everything that it could take: the distributor leaves out the
//! entries that it refuses (too old, too new, too long, too many labels), the ingester those too far behind their stream, and
//! both keep the rest ([`distributor.go`](https://github.com/grafana/loki/blob/main/pkg/distributor/distributor.go),
//! [`stream.go`](https://github.com/grafana/loki/blob/main/pkg/ingester/stream.go)). Such a request is never sent again; how
//! many entries are lost is what Loki says, which is a lower bound where it names only one of several reasons.
//!
//! 429, 408 and every 5xx are sent again. Where a part was taken (the rate limit of one stream), Loki drops entries with the
//! stream, time and line of one that it has, so nothing is there twice.

use fanlight_net::http::{Answer, HttpClient};
use fanlight_otlp::status::Status;
use fanlight_pipeline::Outcome;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode, Uri};

use crate::answers;

/// What an answer means.
pub(super) fn outcome(client: &HttpClient, url: &Uri, mut answer: Answer) -> Outcome {
    if answer.status.is_success() {
        return Outcome::Delivered;
    }
    // Loki's OTLP endpoint answers a `google.rpc.Status` without saying so.
    let words = match Status::decode(&answer.body) {
        Ok(status) if !status.message.is_empty() => {
            let protobuf = HeaderValue::from_static("application/x-protobuf");
            answer.headers.insert(CONTENT_TYPE, protobuf);
            status.message
        }
        _ => String::from_utf8_lossy(&answer.body).into_owned(),
    };
    let outcome = answers::outcome(client, url, &answer);
    match (answer.status, refused_entries(&words), outcome) {
        (StatusCode::BAD_REQUEST, Some(rejected), Outcome::Rejected { why }) => {
            Outcome::Partial { rejected, why }
        }
        (StatusCode::UNAUTHORIZED, _, outcome) if words.contains("org id") => answers::advised(
            outcome,
            "this Loki has tenants: set headers: {X-Scope-OrgID: <tenant>}, or the hint loki.tenant",
        ),
        (_, _, outcome) => outcome,
    }
}

/// How many entries a 400 says were refused; none if it is not about entries, but about the request as a whole.
fn refused_entries(words: &str) -> Option<u64> {
    let number_before = |marker: &str| {
        let counts = words.match_indices(marker).filter_map(|(at, _)| {
            let before = words.get(..at)?.trim_end();
            let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse::<u64>().ok()
        });
        Some(counts.sum()).filter(|sum: &u64| *sum > 0)
    };
    if words.contains("total ignored: ") {
        return number_before(" out of ");
    }
    let about_one = [
        "entry for stream",
        "entry with timestamp",
        "entry too far behind",
        "entry out of order",
        "max entry size",
        "stream '",
        "error parsing labels",
        "missing required labels",
    ];
    number_before(" errors like: ").or_else(|| {
        let words = words.trim_start().to_ascii_lowercase();
        about_one
            .iter()
            .any(|start| words.starts_with(start))
            .then_some(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_refused_entries_is_what_loki_says() {
        for (words, number) in [
            (
                "entry with timestamp 2023-11-14 22:13:20 +0000 UTC ignored, reason: 'entry too far behind, entry timestamp is: 2023-11-14T22:13:20Z, oldest acceptable timestamp is: 2024-01-01T00:00:00Z',\nuser 'fake', total ignored: 3 out of 10 for stream: {job=\"shop\"}",
                Some(3),
            ),
            (
                "entry for stream '{job=\"shop\"}' has timestamp too old: 2023-11-14T22:13:20Z, oldest acceptable timestamp is: 2024-01-01T00:00:00Z",
                Some(1),
            ),
            (
                "2 errors like: entry for stream '{}' has timestamp too new: 2100-01-01T00:00:00Z; 1 errors like: max entry size '262144' bytes exceeded for stream '{}' while adding an entry with length '300000' bytes",
                Some(3),
            ),
            (
                "Max entry size '262144' bytes exceeded for stream '{}' while adding an entry with length '300000' bytes",
                Some(1),
            ),
            ("couldn't parse push request: unexpected EOF", None),
            ("too many tenant IDs present", None),
        ] {
            assert_eq!(refused_entries(words), number, "{words}");
        }
    }
}
