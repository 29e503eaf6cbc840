//! Azure OpenAI: a host for each resource, a path for each deployment, a version in the query.
//! [Source](https://learn.microsoft.com/azure/ai-services/openai/reference).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use crate::problem::Problem;
use crate::upstream::{Base, Origin};

/// How many resources that headers name keep connections.
const MOST: usize = 64;

/// What is configured for Azure.
#[derive(Debug)]
pub(crate) struct Azure {
    /// `api-version` of requests that have none.
    pub(crate) api_version: String,
    /// Deployments by the names of their models in upper case, every other character a `_`.
    pub(crate) deployments: BTreeMap<String, String>,
    known: Mutex<HashMap<String, Arc<Origin>>>,
}

impl Azure {
    pub(crate) fn new(api_version: String, deployments: &BTreeMap<String, String>) -> Azure {
        let deployments = deployments
            .iter()
            .map(|(model, deployment)| (key(model), deployment.clone()));
        Azure {
            api_version,
            deployments: deployments.collect(),
            known: Mutex::default(),
        }
    }

    /// The base of a resource that a header names; the host's suffix is fixed.
    ///
    /// # Errors
    /// When it is no label of a host.
    pub(crate) fn base(&self, resource: &str) -> Result<Base, Problem> {
        let not_a_name = || {
            Problem::bad("the Azure resource is not a name: letters, digits and hyphens")
                .of("azure")
        };
        if !is_label(resource) {
            return Err(not_a_name());
        }
        let mut base: Base = format!("https://{resource}.openai.azure.com")
            .parse()
            .map_err(|_| not_a_name())?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST && !known.contains_key(resource) {
            known.clear();
        }
        let origin = known
            .entry(resource.to_owned())
            .or_insert_with(|| Arc::clone(&base.origin));
        base.origin = Arc::clone(origin);
        Ok(base)
    }

    /// The path and query of a request that was written for OpenAI.
    pub(crate) fn path(&self, path: &str, query: Option<&str>, model: Option<&str>) -> String {
        let (before, rest) = match path.split_once("/v1/") {
            Some((before, rest)) => (before, rest),
            None => ("", path.trim_start_matches('/')),
        };
        let mut target = format!("{before}/openai/");
        if let Some(model) = model {
            let deployment = match self.deployments.get(&key(model)) {
                Some(deployment) => deployment.clone(),
                None => model.replace('.', ""),
            };
            target.push_str("deployments/");
            target.extend(deployment.chars().filter(|c| is_plain(*c)));
            target.push('/');
        }
        target.push_str(rest);
        let has_version = query
            .unwrap_or_default()
            .split('&')
            .any(|pair| pair.starts_with("api-version="));
        let parts = [
            query.map(str::to_owned),
            (!has_version).then(|| format!("api-version={}", self.api_version)),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect();
        format!("{target}?{}", parts.join("&"))
    }

    /// Whether streams of a request can be asked for what they used, which older versions refuse.
    /// [Source](https://learn.microsoft.com/azure/ai-services/openai/api-version-lifecycle).
    pub(crate) fn counts_streams(path_and_query: &str) -> bool {
        const SINCE: &str = "2024-09-01";
        if path_and_query.contains("/openai/v1/") {
            return true;
        }
        let version = path_and_query.split_once("api-version=");
        version.is_some_and(|(_, version)| version.get(..SINCE.len()).unwrap_or_default() >= SINCE)
    }

    pub(super) fn origins(&self) -> Vec<Arc<Origin>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.values().cloned().collect()
    }
}

/// `GPT_4O` of `gpt-4o`, as in `AZURE_DEPLOYMENT_GPT_4O`.
fn key(model: &str) -> String {
    model
        .chars()
        .map(|c| match c.is_ascii_alphanumeric() {
            true => c.to_ascii_uppercase(),
            false => '_',
        })
        .collect()
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~".contains(c)
}

fn is_label(text: &str) -> bool {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (1..=63).contains(&text.len())
        && text.chars().all(is_inside)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn azure() -> Azure {
        let deployments = [("gpt-4o.mini".to_owned(), "small".to_owned())];
        Azure::new("2024-10-21".to_owned(), &deployments.into_iter().collect())
    }

    #[test]
    fn a_resource_is_a_label_and_nothing_else() {
        let base = azure().base("my-resource").unwrap();
        assert_eq!(base.origin.host, "my-resource.openai.azure.com");
        for resource in [
            "evil.example/",
            "a.b",
            "evil.example#",
            "",
            "-a",
            "a-",
            "a@b",
            "a:1",
        ] {
            assert!(azure().base(resource).is_err(), "{resource}");
        }
    }

    #[test]
    fn paths_of_openai_become_those_of_deployments() {
        let azure = azure();
        let cases = [
            (
                "/v1/chat/completions",
                None,
                Some("gpt-4o.mini"),
                "/openai/deployments/small/chat/completions?api-version=2024-10-21",
            ),
            (
                "/v1/chat/completions",
                None,
                Some("gpt-3.5-turbo"),
                "/openai/deployments/gpt-35-turbo/chat/completions?api-version=2024-10-21",
            ),
            (
                "/chat/completions",
                Some("api-version=2025-01-01"),
                Some("m/../x"),
                "/openai/deployments/mx/chat/completions?api-version=2025-01-01",
            ),
            (
                "/v1/models",
                Some("a=1"),
                None,
                "/openai/models?a=1&api-version=2024-10-21",
            ),
        ];
        for (path, query, model, expected) in cases {
            assert_eq!(azure.path(path, query, model), expected);
        }
    }

    #[test]
    fn only_newer_versions_count_streams() {
        assert!(Azure::counts_streams(
            "/openai/deployments/m/chat/completions?api-version=2024-10-21"
        ));
        assert!(Azure::counts_streams("/x?api-version=2024-09-01-preview"));
        assert!(!Azure::counts_streams("/x?api-version=2024-02-01"));
        assert!(Azure::counts_streams("/openai/v1/chat/completions"));
    }
}
