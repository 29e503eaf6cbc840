//! Datadog's intakes: where requests go, the API key, and what answers mean.

use bytes::Bytes;
use fanlight_net::http::HttpClient;
use fanlight_pipeline::Outcome;
use http::{HeaderName, HeaderValue, StatusCode, Uri};

use super::metrics;
use crate::answers;

/// The header that carries the API key.
pub(super) const API_KEY: HeaderName = HeaderName::from_static("dd-api-key");

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
const MESSAGE_PACK: HeaderValue = HeaderValue::from_static("application/msgpack");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Where each kind of request goes.
#[derive(Clone, Debug)]
pub(super) struct Urls {
    pub(super) traces: Uri,
    pub(super) stats: Uri,
    pub(super) series: Uri,
    pub(super) sketches: Uri,
    pub(super) logs: Uri,
}

/// The intakes, with what is needed to send to them.
pub(super) struct Intakes {
    pub(super) client: HttpClient,
    /// Logs are compressed as their own keys say.
    pub(super) logs_client: HttpClient,
    pub(super) urls: Urls,
}

impl Intakes {
    pub(super) async fn traces(&self, body: Bytes) -> Outcome {
        post(&self.client, &self.urls.traces, PROTOBUF, body).await
    }

    pub(super) async fn stats(&self, body: Bytes) -> Outcome {
        post(&self.client, &self.urls.stats, MESSAGE_PACK, body).await
    }

    pub(super) async fn metrics(&self, request: &metrics::Request) -> Outcome {
        let (url, body) = match request {
            metrics::Request::Series(body) => (&self.urls.series, body),
            metrics::Request::Sketches(body) => (&self.urls.sketches, body),
        };
        post(&self.client, url, PROTOBUF, body.clone()).await
    }

    pub(super) async fn logs(&self, body: Bytes) -> Outcome {
        post(&self.logs_client, &self.urls.logs, JSON, body).await
    }
}

async fn post(client: &HttpClient, url: &Uri, content_type: HeaderValue, body: Bytes) -> Outcome {
    let answer = match client.post(url, content_type, body).await {
        Ok(answer) if answer.status.is_success() => return Outcome::Delivered,
        Ok(answer) => answer,
        Err(outcome) => return outcome,
    };
    let outcome = answers::outcome(client, url, &answer);
    match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => answers::advised(
            outcome,
            "api.key is an API key (not an application key) of the organization at api.site",
        ),
        StatusCode::NOT_FOUND => answers::advised(outcome, "is api.site one of Datadog's sites?"),
        _ => outcome,
    }
}
