//! What the answer to a bulk request means, document by document.

use std::collections::BTreeSet;
use std::time::SystemTime;

use fanlight_net::http::Answer;
use fanlight_net::status;
use fanlight_pipeline::Outcome;
use http::Uri;
use serde::Deserialize;

use super::bulk::Request;
use super::endpoints::Endpoints;
use crate::pieces::{Piece, Sent};

/// What the configuration says about answers.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    /// Statuses of requests and documents that are sent again, besides 502, 503 and 504.
    pub(super) retry_on_status: BTreeSet<u16>,
    /// Whether Elasticsearch's reasons are told. They quote documents unless it was told not to.
    pub(super) shows_reasons: bool,
}

/// A bulk answer, without what nobody reads.
#[derive(Debug, Deserialize)]
struct BulkAnswer {
    #[serde(default)]
    errors: bool,
    #[serde(default)]
    items: Vec<ItemAnswer>,
}

/// One document's part of it, under the name of its action.
#[derive(Debug, Deserialize)]
struct ItemAnswer {
    create: DocumentAnswer,
}

#[derive(Debug, Deserialize)]
struct DocumentAnswer {
    status: u16,
    #[serde(default)]
    error: Option<DocumentError>,
}

#[derive(Debug, Default, Deserialize)]
struct DocumentError {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    reason: String,
}

/// What became of the items of a request.
#[derive(Debug, Default)]
struct Fates {
    again: BTreeSet<usize>,
    rejected: BTreeSet<usize>,
    why: String,
    /// Why documents were refused for good.
    refused: String,
}

impl Fates {
    fn sent(self) -> Sent {
        // A span whose event is sent again is sent again itself: it is not lost, whatever its other documents met.
        let rejected = self.rejected.difference(&self.again).count() as u64;
        let why = self.told();
        match self.again.is_empty() {
            true => Sent::Settled { rejected, why },
            false => Sent::Again {
                items: self.again.into_iter().collect(),
                rejected,
                after: None,
                why,
            },
        }
    }

    /// Both reasons, where some documents are lost and others to be sent again.
    fn told(&self) -> String {
        let reasons = [self.refused.as_str(), self.why.as_str()];
        let told: Vec<&str> = reasons.into_iter().filter(|why| !why.is_empty()).collect();
        told.join("; ")
    }
}

/// Sends a request, and says what became of its items.
pub(super) async fn send(endpoints: &Endpoints, answers: &Answers, piece: &Piece<Request>) -> Sent {
    let (url, answer) = match endpoints.post(&piece.request.body).await {
        Ok(answer) => answer,
        Err(outcome) => return piece.sent(outcome),
    };
    if !answer.status.is_success() {
        return piece.sent(answers.refused(endpoints.outcome(url, &answer), &answer));
    }
    match answers.documents(url, &answer, &piece.request) {
        Ok(fates) => fates.sent(),
        Err(why) => piece.sent(Outcome::Rejected { why }),
    }
}

impl Answers {
    /// What an answer means that refuses the whole request.
    fn refused(&self, outcome: Outcome, answer: &Answer) -> Outcome {
        match outcome {
            Outcome::Rejected { why } | Outcome::Retry { why, .. }
                if self.comes_back(answer.status.as_u16()) =>
            {
                let after = status::retry_after(&answer.headers, SystemTime::now());
                Outcome::Retry { after, why }
            }
            Outcome::Retry { why, .. } => Outcome::Rejected { why },
            outcome => outcome,
        }
    }

    /// Whether a request or document with this status is sent again.
    fn comes_back(&self, status: u16) -> bool {
        self.retry_on_status.contains(&status) || matches!(status, 502..=504)
    }

    /// Reads the statuses of the documents.
    ///
    /// # Errors
    /// Says that this is no answer of Elasticsearch.
    fn documents(&self, url: &Uri, answer: &Answer, request: &Request) -> Result<Fates, String> {
        let host = url.host().unwrap_or_default();
        let read: BulkAnswer = serde_json::from_slice(&answer.body).map_err(|error| {
            format!(
                "{host} did not answer as Elasticsearch's bulk API does ({error}); is this its address?"
            )
        })?;
        let mut fates = Fates::default();
        if !read.errors && read.items.iter().all(|item| item.create.status < 300) {
            return Ok(fates);
        }
        for document in request.documents.iter().skip(read.items.len()) {
            fates.again.extend(request.items(document).iter().copied());
            fates.why = format!("{host} did not answer for every document");
        }
        for (document, item) in request.documents.iter().zip(&read.items) {
            let DocumentAnswer { status, error } = &item.create;
            // 409: the document of this id is there, from an attempt whose answer was lost.
            if *status < 300 || *status == 409 {
                continue;
            }
            let items = request.items(document).iter().copied();
            let why = self.why(host, *status, error.as_ref());
            if self.comes_back(*status) {
                fates.again.extend(items);
                fates.why = why;
            } else {
                fates.rejected.extend(items);
                fates.refused = why;
            }
        }
        Ok(fates)
    }

    fn why(&self, host: &str, status: u16, error: Option<&DocumentError>) -> String {
        let nothing = DocumentError::default();
        let error = error.unwrap_or(&nothing);
        let mut why = format!("{host} refused a document with {status} {}", error.kind);
        if self.shows_reasons && !error.reason.is_empty() {
            let reason: String = error.reason.chars().take(300).collect();
            why.push_str(&format!(": {reason}"));
        }
        let advice = match error.kind.as_str() {
            "document_parsing_exception"
            | "mapper_parsing_exception"
            | "strict_dynamic_mapping_exception" => {
                "the index has another type for a field; include_source_on_error: false shows which"
            }
            "index_not_found_exception" | "illegal_argument_exception" => {
                "mode otel needs the data streams of Elasticsearch 8.16 or newer; mapping.mode: ecs does not"
            }
            "version_conflict_engine_exception" => "a document of this id or time is there already",
            "security_exception" => "the user or key may not create documents in this index",
            _ => return why,
        };
        why.push_str(&format!(" ({advice})"));
        why
    }
}
