//! Bedrock for clients of AWS: their signatures are for the proxy's address, so requests are signed anew, with the hub's own
//! credentials and only where that is asked for.

use std::path::PathBuf;

use fanlight_net::aws::{Identity, IdentitySettings, sign_request};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, Request, Uri};

use crate::problem::Problem;
use crate::upstream::Origin;

/// The service's name in signatures, whatever its host is called.
const SERVICE: &str = "bedrock";
/// What a client's own signature consists of.
const OLD: [&str; 3] = ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"];

/// Signs requests with the hub's credentials.
pub(crate) struct Signer(Identity);

impl Signer {
    /// Takes the region and, if they are named, the profile and the file of credentials; otherwise the default chain.
    pub(crate) fn new(region: String, profile: String, file: Option<PathBuf>) -> Signer {
        Signer(Identity::new(IdentitySettings {
            region,
            profile,
            shared_credentials_file: file.into_iter().collect(),
            imds_retries: 1,
            ..IdentitySettings::default()
        }))
    }

    /// Signs a request that goes to this path of the origin.
    ///
    /// # Errors
    /// When there are no credentials.
    pub(crate) async fn sign(
        &self,
        head: &mut Parts,
        origin: &Origin,
        path: &Uri,
        body: &[u8],
    ) -> Result<(), Problem> {
        let failed = |why: String| Problem::bad(why).hint("llm.providers.bedrock.sign asks for it");
        let found = self.0.region_and_credentials().await;
        let (region, credentials) = found.map_err(|error| failed(error.to_string()))?;
        head.headers.remove(AUTHORIZATION);
        for name in OLD {
            head.headers.remove(name);
        }
        let mut signed = Request::new(());
        signed.method_mut().clone_from(&head.method);
        if let Some(kind) = head.headers.get(CONTENT_TYPE) {
            signed.headers_mut().insert(CONTENT_TYPE, kind.clone());
        }
        let url = origin
            .url_of(path)
            .ok_or_else(|| failed("the path can't be signed".to_owned()))?;
        sign_request(&mut signed, &url, body, SERVICE, (&region, &credentials)).map_err(failed)?;
        for (name, value) in signed.headers() {
            head.headers.insert(name.clone(), value.clone());
        }
        Ok(())
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

/// Whether a client of AWS signed the request, for an address that is not Bedrock's.
pub(crate) fn is_signed(headers: &HeaderMap) -> bool {
    let value = headers.get(AUTHORIZATION);
    value.is_some_and(|value| value.as_bytes().starts_with(b"AWS4-"))
}

/// The region in a host of Bedrock's: `bedrock-runtime.eu-central-1.amazonaws.com`.
pub(crate) fn region_of(host: &str) -> Option<&str> {
    let (service, rest) = host.split_once('.')?;
    service
        .starts_with("bedrock")
        .then(|| rest.split('.').next())?
}

/// A path as AWS signs it: it reads a colon as written `%3A`, as models' names have it.
pub(crate) fn signable(path_and_query: &str) -> String {
    match path_and_query.split_once('?') {
        Some((path, query)) => format!("{}?{query}", path.replace(':', "%3A")),
        None => path_and_query.replace(':', "%3A"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_in_the_host() {
        assert_eq!(
            region_of("bedrock-runtime.eu-central-1.amazonaws.com"),
            Some("eu-central-1")
        );
        assert_eq!(region_of("127.0.0.1"), None);
    }

    #[test]
    fn a_colon_of_a_model_is_escaped_and_no_query_is() {
        assert_eq!(
            signable("/model/m-v1:0/converse?a=b:c"),
            "/model/m-v1%3A0/converse?a=b:c"
        );
        assert_eq!(
            signable("/model/m-v1%3A0/converse"),
            "/model/m-v1%3A0/converse"
        );
    }
}
