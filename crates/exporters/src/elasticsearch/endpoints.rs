//! Several endpoints of one cluster: taken in turn, silent ones left alone for a while.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fanlight_net::http::{Answer, HttpClient};
use fanlight_pipeline::Outcome;
use http::{Method, Request, Uri};

/// How long an endpoint that did not answer is left alone.
const PAUSE: Duration = Duration::from_secs(10);

/// The endpoints, and when each may be asked again.
pub(super) struct Endpoints {
    client: HttpClient,
    urls: Vec<Uri>,
    next: AtomicUsize,
    paused_until: Mutex<Vec<Option<Instant>>>,
}

impl Endpoints {
    pub(super) fn new(client: HttpClient, urls: Vec<Uri>) -> Endpoints {
        let paused_until = Mutex::new(vec![None; urls.len()]);
        Endpoints {
            client,
            urls,
            next: AtomicUsize::new(0),
            paused_until,
        }
    }

    /// Sends a body to the next endpoint that answers.
    ///
    /// # Errors
    /// What the last one did, when none answers.
    pub(super) async fn post(&self, body: &Bytes) -> Result<(&Uri, Answer), Outcome> {
        let mut failed = Outcome::Retry {
            after: None,
            why: "there is no endpoint".to_owned(),
        };
        for number in self.order() {
            let Some(url) = self.urls.get(number) else {
                continue;
            };
            let mut request = Request::new(body.clone());
            *request.method_mut() = Method::POST;
            *request.uri_mut() = url.clone();
            let (name, value) = super::content_type();
            request.headers_mut().insert(name, value);
            match self.client.send(request).await {
                Ok(answer) => {
                    self.pause(number, None);
                    return Ok((url, answer));
                }
                Err(outcome) => {
                    self.pause(number, Some(Instant::now() + PAUSE));
                    failed = outcome;
                }
            }
        }
        Err(failed)
    }

    /// What an answer other than success means.
    pub(super) fn outcome(&self, url: &Uri, answer: &Answer) -> Outcome {
        self.client.outcome(url, answer)
    }

    /// The endpoints from the next one on, those that are left alone last.
    fn order(&self) -> Vec<usize> {
        let count = self.urls.len().max(1);
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let paused = self
            .paused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let mut order: Vec<usize> = (0..count)
            .map(|step| (first % count + step) % count)
            .collect();
        order.sort_by_key(|number| {
            paused
                .get(*number)
                .copied()
                .flatten()
                .is_some_and(|until| until > now)
        });
        order
    }

    fn pause(&self, number: usize, until: Option<Instant>) {
        let mut paused = self
            .paused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = paused.get_mut(number) {
            *place = until;
        }
    }
}
