//! What the answer to a bulk request means, document by document.

use std::collections::BTreeSet;
use std::time::SystemTime;

use fanlight_net::http::Answer;
use fanlight_net::status;
use fanlight_pipeline::Outcome;
use futures::future::BoxFuture;
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
    after: Option<std::time::Duration>,
    why: String,
    /// Why documents were refused for good.
    refused: String,
}

impl Fates {
    /// Both reasons, where some documents are lost and others to be sent again.
    fn told(&self) -> String {
        let reasons = [self.refused.as_str(), self.why.as_str()];
        let told: Vec<&str> = reasons.into_iter().filter(|why| !why.is_empty()).collect();
        told.join("; ")
    }
}

/// Sends a request, in halves if it is too large, and says what became of its items.
pub(super) async fn send(endpoints: &Endpoints, answers: &Answers, piece: &Piece<Request>) -> Sent {
    let mut fates = Fates::default();
    answers.send(endpoints, &piece.request, &mut fates).await;
    // A span whose event is sent again is sent again itself: it is not lost, whatever its other documents met.
    let rejected = fates.rejected.difference(&fates.again).count() as u64;
    let why = fates.told();
    match fates.again.is_empty() {
        true => Sent::Settled { rejected, why },
        false => Sent::Again {
            items: fates.again.into_iter().collect(),
            rejected,
            after: fates.after,
            why,
        },
    }
}

impl Answers {
    fn send<'a>(
        &'a self,
        endpoints: &'a Endpoints,
        request: &'a Request,
        fates: &'a mut Fates,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let (url, answer) = match endpoints.post(&request.body).await {
                Ok(answer) => answer,
                Err(outcome) => return fates.all(request, outcome),
            };
            if answer.status.is_success() {
                return self.documents(url, &answer, request, fates);
            }
            let halves = request.halves().filter(|_| answer.status.as_u16() == 413);
            if let Some(halves) = halves {
                for half in &halves {
                    self.send(endpoints, half, fates).await;
                }
                return;
            }
            let outcome = match (endpoints.outcome(url, &answer), answer.status.as_u16()) {
                (Outcome::Rejected { why } | Outcome::Retry { why, .. }, status)
                    if self.comes_back(status) =>
                {
                    let after = status::retry_after(&answer.headers, SystemTime::now());
                    Outcome::Retry { after, why }
                }
                (Outcome::Retry { why, .. }, _) => Outcome::Rejected { why },
                (outcome, _) => outcome,
            };
            fates.all(request, outcome);
        })
    }

    /// Whether a request or document with this status is sent again.
    fn comes_back(&self, status: u16) -> bool {
        self.retry_on_status.contains(&status) || matches!(status, 502..=504)
    }

    /// Reads the statuses of the documents.
    fn documents(&self, url: &Uri, answer: &Answer, request: &Request, fates: &mut Fates) {
        let host = url.host().unwrap_or_default();
        let read: BulkAnswer = match serde_json::from_slice(&answer.body) {
            Ok(read) => read,
            Err(error) => {
                let why = format!(
                    "{host} did not answer as Elasticsearch's bulk API does ({error}); is this its address?"
                );
                return fates.all(request, Outcome::Rejected { why });
            }
        };
        if !read.errors && read.items.iter().all(|item| item.create.status < 300) {
            return;
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

impl Fates {
    /// The whole request met this.
    fn all(&mut self, request: &Request, outcome: Outcome) {
        let items = request
            .documents
            .iter()
            .flat_map(|document| request.items(document).iter().copied());
        match outcome {
            Outcome::Retry { after, why } => {
                self.again.extend(items);
                self.after = after;
                self.why = why;
            }
            Outcome::Rejected { why } => {
                self.rejected.extend(items);
                self.why = why;
            }
            // No client answers anything else for a request.
            Outcome::Delivered | Outcome::Partial { .. } | Outcome::Resend { .. } => {}
        }
    }
}
