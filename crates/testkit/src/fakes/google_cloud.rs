//! Cloud Trace, Cloud Logging and Cloud Monitoring, strict: what they refuse, this refuses as they do.
//!
//! [Cloud Trace](https://cloud.google.com/trace/docs/reference/v2/rpc/google.devtools.cloudtrace.v2),
//! [errors](https://cloud.google.com/apis/design/errors). Tokens are those that a service account signs itself
//! ([source](https://google.aip.dev/auth/4111)); signatures are not checked.

mod logs;
mod metrics;
mod traces;

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use fanlight_formats::google::logging::{self, WriteLogEntriesRequest};
use fanlight_formats::google::monitoring::{self, CreateTimeSeriesRequest};
use fanlight_formats::google::trace::{self, BatchWriteSpansRequest};
use fanlight_net::status::{Code, Failure};
use prost::Message as _;
use serde_json::Value;

pub use self::logs::{partial as partial_entries, partial_codes};
pub use self::metrics::partial as partial_points;
use crate::Recorded;

/// The file of a service account that the fake knows. Its key is good for nothing else.
pub const CREDENTIALS_FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/src/fakes/google_cloud/service_account.json"
);
/// The service account's own project.
pub const PROJECT: &str = "fake-project";
/// The service account.
const ACCOUNT: &str = "exporter@fake-project.iam.gserviceaccount.com";
/// What a token must be good for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// What a good request holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    /// `BatchWriteSpans`.
    Spans(BatchWriteSpansRequest),
    /// `WriteLogEntries`.
    Entries(WriteLogEntriesRequest),
    /// `CreateTimeSeries`.
    Series(CreateTimeSeriesRequest),
}

/// The answer to a call; the service account may write to these projects.
///
/// # Errors
/// As the service refuses it.
pub fn answer(projects: &[&str], request: &Recorded) -> Result<Bytes, Failure> {
    authenticate(request)?;
    let payload = read(request)?;
    for project in payload.projects() {
        if !projects.contains(&project.as_str()) {
            let why = format!("The caller does not have permission on project {project}");
            return Err(failure(Code::PermissionDenied, why));
        }
    }
    let quota = request.header("x-goog-user-project");
    if !quota.is_empty() && !projects.contains(&quota) {
        let why = format!("Caller does not have required permission to use project {quota}.");
        return Err(failure(Code::PermissionDenied, why));
    }
    Ok(Bytes::new())
}

/// What a call holds, within the published limits.
///
/// # Errors
/// As the service refuses it.
pub fn read(request: &Recorded) -> Result<Payload, Failure> {
    let malformed = |error: prost::DecodeError| invalid(error.to_string());
    match request.path.as_str() {
        trace::BATCH_WRITE_SPANS => {
            let request =
                BatchWriteSpansRequest::decode(request.body.clone()).map_err(malformed)?;
            traces::check(&request).map_err(invalid)?;
            Ok(Payload::Spans(request))
        }
        logging::WRITE_LOG_ENTRIES => {
            let request =
                WriteLogEntriesRequest::decode(request.body.clone()).map_err(malformed)?;
            logs::check(&request)?;
            Ok(Payload::Entries(request))
        }
        monitoring::CREATE_TIME_SERIES => {
            let request =
                CreateTimeSeriesRequest::decode(request.body.clone()).map_err(malformed)?;
            metrics::check(&request)?;
            Ok(Payload::Series(request))
        }
        path => Err(Failure::not_found(format!("Method not found: {path}"))),
    }
}

impl Payload {
    fn projects(&self) -> Vec<String> {
        let id = |name: &str| name.split('/').nth(1).unwrap_or_default().to_owned();
        match self {
            Payload::Spans(request) => vec![id(&request.name)],
            Payload::Series(request) => vec![id(&request.name)],
            Payload::Entries(request) => {
                let names = request.entries.iter().map(|entry| id(&entry.log_name));
                names.collect()
            }
        }
    }
}

/// A token that the service account signed: a JWT with issuer, scope and an end that is to come.
fn authenticate(request: &Recorded) -> Result<(), Failure> {
    let refused = || {
        let why = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.";
        failure(Code::Unauthenticated, why)
    };
    let token = request.header("authorization").strip_prefix("Bearer ");
    let claims = token.and_then(|token| token.split('.').nth(1));
    let claims = claims.and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
    let claims: Value = claims
        .and_then(|claims| serde_json::from_slice(&claims).ok())
        .ok_or_else(refused)?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    let is_good = claims["iss"] == ACCOUNT
        && claims["scope"] == SCOPE
        && claims["exp"].as_u64().is_some_and(|end| end > now);
    match is_good {
        true => Ok(()),
        false => Err(refused()),
    }
}

/// A failure with any code.
pub fn failure(code: Code, message: impl Into<String>) -> Failure {
    Failure {
        code,
        ..Failure::bad_request(message)
    }
}

fn invalid(why: String) -> Failure {
    failure(Code::InvalidArgument, why)
}

fn require(fits: bool, why: &str) -> Result<(), String> {
    match fits {
        true => Ok(()),
        false => Err(why.to_owned()),
    }
}
