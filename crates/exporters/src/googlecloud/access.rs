//! Credentials: [Application Default Credentials](https://cloud.google.com/docs/authentication/application-default-credentials),
//! looked for at the first call and again at each call until there are some.
//!
//! A file of credentials first (configured, named by GOOGLE_APPLICATION_CREDENTIALS, or written by `gcloud auth`), else the
//! metadata server. The chain is defined by environment variables; this is the one place of this exporter that reads them.
//! Tokens are made, kept and renewed by Google's own crate.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use google_cloud_auth::build_errors;
use google_cloud_auth::credentials::{
    CacheableResource, Credentials, external_account, impersonated, mds, service_account,
    user_account,
};
use http::{Extensions, HeaderMap};
use serde_json::Value;
use tokio::sync::Mutex;

use super::config::{Impersonate, Keys};

/// What a token may take, so that the reason is told before the attempt's own time is over.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Who calls.
pub(super) struct Access {
    file: Option<PathBuf>,
    impersonate: Impersonate,
    /// Held while credentials are looked for: others wait for them instead of looking, too.
    found: Mutex<Option<Found>>,
}

#[derive(Clone)]
struct Found {
    credentials: Credentials,
    /// Where they are from, for people.
    source: String,
    project: String,
}

/// There is no way to make a call now.
#[derive(Debug, thiserror::Error)]
pub(super) enum AccessError {
    /// A source that is there but can't be used.
    #[error(
        "no Google Cloud credentials: {source_name} can't be used: {why}; name a service account's key file in GOOGLE_APPLICATION_CREDENTIALS or credentials_file:"
    )]
    Unusable {
        /// Which source.
        source_name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The source gave no token.
    #[error(
        "no Google Cloud credentials: tried {source_name}: {why}; name a service account's key file in GOOGLE_APPLICATION_CREDENTIALS or credentials_file:, or give this machine a service account"
    )]
    NoToken {
        /// What was asked.
        source_name: String,
        /// What it said.
        why: String,
    },
}

impl Access {
    /// Nothing is looked for yet.
    pub(super) fn new(keys: &Keys) -> Access {
        Access {
            file: keys.credentials_file.clone(),
            impersonate: keys.impersonate.clone(),
            found: Mutex::default(),
        }
    }

    /// The headers of a call, all sensitive, and the project of the credentials, which may be empty.
    pub(super) async fn headers_and_project(&self) -> Result<(HeaderMap, String), AccessError> {
        let found = {
            let mut found = self.found.lock().await;
            match &*found {
                Some(found) => found.clone(),
                None => found.insert(self.find().await?).clone(),
            }
        };
        let no_token = |why: String| AccessError::NoToken {
            source_name: found.source.clone(),
            why,
        };
        let asked = found.credentials.headers(Extensions::new());
        let answer = tokio::time::timeout(LONGEST_WAIT, asked)
            .await
            .map_err(|_| no_token(format!("no answer within {LONGEST_WAIT:?}")))?
            .map_err(|error| no_token(causes(&error)))?;
        let CacheableResource::New { mut data, .. } = answer else {
            return Err(no_token("no token".to_owned()));
        };
        data.values_mut()
            .for_each(|value| value.set_sensitive(true));
        Ok((data, found.project))
    }

    async fn find(&self) -> Result<Found, AccessError> {
        // Google's crate takes the TLS provider of the process; an error says that there is one already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut found = match self.file() {
            Some(place) => from_file(&place.path, place.named_by).await?,
            None => None,
        };
        let mut found = match found.take() {
            Some(found) => found,
            None => from_metadata_server(self.file.is_none())?,
        };
        if found.project.is_empty() {
            found.project = env::var("GOOGLE_CLOUD_PROJECT").unwrap_or_default();
        }
        if !self.impersonate.target_principal.is_empty() {
            let target = &self.impersonate.target_principal;
            let builder = impersonated::Builder::from_source_credentials(found.credentials)
                .with_target_principal(target)
                .with_delegates(self.impersonate.delegates.iter().cloned());
            found.credentials = builder.build().map_err(|error| unusable(target, &error))?;
            found.source = format!("{target} by {}", found.source);
        }
        Ok(found)
    }

    /// The file of credentials, if one should be there.
    fn file(&self) -> Option<Place> {
        if let Some(path) = &self.file {
            return Some(Place::new(path, "credentials_file"));
        }
        if let Some(path) = env::var_os("GOOGLE_APPLICATION_CREDENTIALS") {
            return Some(Place::new(path, "GOOGLE_APPLICATION_CREDENTIALS"));
        }
        let home = PathBuf::from(env::var_os("HOME")?);
        let known = home.join(".config/gcloud/application_default_credentials.json");
        known.exists().then(|| Place::new(known, "gcloud auth"))
    }
}

struct Place {
    path: PathBuf,
    named_by: &'static str,
}

impl Place {
    fn new(path: impl Into<PathBuf>, named_by: &'static str) -> Place {
        Place {
            path: path.into(),
            named_by,
        }
    }
}

async fn from_file(path: &Path, named_by: &str) -> Result<Option<Found>, AccessError> {
    let source = format!("{} ({named_by})", path.display());
    let unreadable = |why: String| AccessError::Unusable {
        source_name: source.clone(),
        why,
    };
    let text = tokio::fs::read(path)
        .await
        .map_err(|error| unreadable(error.to_string()))?;
    // The parser's own words might quote a key.
    let json: Value =
        serde_json::from_slice(&text).map_err(|_| unreadable("it is not JSON".to_owned()))?;
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
    let project = [text("project_id"), text("quota_project_id")];
    let project = project.into_iter().find(|project| !project.is_empty());
    let project = project.unwrap_or_default().to_owned();
    let credentials = match text("type") {
        "service_account" => service_account::Builder::new(json.clone()).build(),
        "authorized_user" => user_account::Builder::new(json.clone()).build(),
        "external_account" => external_account::Builder::new(json.clone()).build(),
        "impersonated_service_account" => impersonated::Builder::new(json.clone()).build(),
        other => {
            return Err(unreadable(format!(
                "its type `{other}` is not one of credentials"
            )));
        }
    };
    Ok(Some(Found {
        credentials: credentials.map_err(|error| unusable(&source, &error))?,
        source,
        project,
    }))
}

fn from_metadata_server(tried_files: bool) -> Result<Found, AccessError> {
    let source = match tried_files {
        true => {
            "GOOGLE_APPLICATION_CREDENTIALS (not set), ~/.config/gcloud (nothing there) and the metadata server"
        }
        false => "the metadata server",
    };
    let credentials = mds::Builder::default().build();
    Ok(Found {
        credentials: credentials.map_err(|error| unusable(source, &error))?,
        source: source.to_owned(),
        project: String::new(),
    })
}

fn unusable(source: &str, error: &build_errors::Error) -> AccessError {
    AccessError::Unusable {
        source_name: source.to_owned(),
        why: causes(error),
    }
}

/// An error with its causes, which hold the facts.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}
