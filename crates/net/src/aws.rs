//! Requests to AWS: credentials from the default chain, and signatures
//! ([version 4](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html)).
//!
//! Region and credentials are resolved at the first request, so that a slow metadata service does not delay the start.

mod identity;

use std::path::PathBuf;
use std::time::SystemTime;

pub use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::{Request, Uri};

pub use identity::{Identity, IdentityError};

/// Whose credentials are taken, and where they are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentitySettings {
    /// The region; empty for that of the environment, the profile or the instance.
    pub region: String,
    /// The role to take on, if any.
    pub role_arn: String,
    /// What proves to the role's owner who asks.
    pub external_id: String,
    /// The profile of the shared files; it and `shared_credentials_file` go before the environment.
    pub profile: String,
    /// Where credentials are kept; empty for `~/.aws/credentials`.
    pub shared_credentials_file: Vec<PathBuf>,
    /// Neither region nor credentials are asked of the instance's metadata service.
    pub local_mode: bool,
    /// How often the metadata service is asked again.
    pub imds_retries: u32,
}

/// Signs a request to a service with all headers that it has; `url` is where it goes, with host and query.
///
/// # Errors
/// Why it can't be signed.
pub fn sign_request<B>(
    request: &mut Request<B>,
    url: &Uri,
    body: &[u8],
    service: &str,
    (region, credentials): (&str, &Credentials),
) -> Result<(), String> {
    let can_not_sign =
        |error: &dyn std::fmt::Display| format!("the request can't be signed: {error}");
    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| can_not_sign(&error))?
        .into();
    let url = url.to_string();
    let headers = request.headers().iter();
    let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let signable = SignableRequest::new(
        request.method().as_str(),
        &url,
        headers,
        SignableBody::Bytes(body),
    )
    .map_err(|error| can_not_sign(&error))?;
    let (instructions, _) = sign(signable, &params)
        .map_err(|error| can_not_sign(&error))?
        .into_parts();
    instructions.apply_to_request_http1x(request);
    Ok(())
}
