//! Region and credentials: AWS's default chain, asked at the first request and again before what it gave expires.
//!
//! The chain is defined by environment variables, shared files and metadata services
//! ([source](https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html)); this is the one place here that
//! reads them, by AWS's own crate. Where a profile or a file of credentials is configured, only that is asked.

use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_config::Region;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::imds;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::ProvideRegion;

use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use tokio::sync::Mutex;

use super::IdentitySettings;

/// New credentials are fetched this long before the old ones expire.
const MARGIN: Duration = Duration::from_secs(60);
/// Credentials without an end are read again after this time, as somebody may have changed them.
const READ_AGAIN: Duration = Duration::from_secs(15 * 60);

/// Who sends, and where.
pub struct Identity {
    settings: IdentitySettings,
    /// Held while the chain is asked: others wait for its answer instead of asking, too.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    source: Option<Source>,
    credentials: Option<(Credentials, SystemTime)>,
}

#[derive(Clone)]
struct Source {
    region: String,
    provider: provider::SharedCredentialsProvider,
}

/// There is no way to sign a request now.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No source knows the region.
    #[error(
        "no AWS region was found in {tried}; set region: here, AWS_REGION, or the profile's region"
    )]
    NoRegion {
        /// The sources.
        tried: &'static str,
    },
    /// No source has credentials, or one is broken.
    #[error(
        "no AWS credentials: {why}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile:, or give this machine a role"
    )]
    NoCredentials {
        /// What each source said.
        why: String,
    },
}

impl Identity {
    /// Nothing is asked yet.
    pub fn new(settings: IdentitySettings) -> Identity {
        Identity {
            settings,
            state: Mutex::default(),
        }
    }

    /// What to sign with now.
    ///
    /// # Errors
    /// When no source has a region, or credentials.
    pub async fn region_and_credentials(&self) -> Result<(String, Credentials), IdentityError> {
        let mut state = self.state.lock().await;
        let source = match &state.source {
            Some(source) => source.clone(),
            None => {
                let source = resolve(&self.settings).await?;
                state.source.insert(source).clone()
            }
        };
        let now = SystemTime::now();
        if let Some((credentials, until)) = &state.credentials
            && now < *until
        {
            return Ok((source.region, credentials.clone()));
        }
        let found = source.provider.provide_credentials().await;
        let credentials = found.map_err(|error| IdentityError::NoCredentials {
            why: causes(&error),
        })?;
        let until = match credentials.expiry() {
            Some(expiry) => expiry.checked_sub(MARGIN).unwrap_or(now),
            None => now + READ_AGAIN,
        };
        state.credentials = Some((credentials.clone(), until));
        Ok((source.region, credentials))
    }

    /// The service did not accept the credentials: the chain is asked at the next request.
    pub async fn forget(&self) {
        self.state.lock().await.credentials = None;
    }
}

async fn resolve(settings: &IdentitySettings) -> Result<Source, IdentityError> {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let config = ProviderConfig::without_region()
        .with_behavior_version(Some(BehaviorVersion::latest()))
        .with_http_client(http.clone());
    let metadata = imds::Client::builder()
        .configure(&config)
        .max_attempts(settings.imds_retries.saturating_add(1))
        .build();
    let region = region(settings, &config, &metadata).await?;
    let config = config.with_region(Some(region.clone()));
    let chain = chain(settings, &config, metadata);
    let provider = match settings.role_arn.as_str() {
        "" => provider::SharedCredentialsProvider::new(chain),
        role => {
            let sdk = aws_config::defaults(BehaviorVersion::latest())
                .http_client(http)
                .region(region.clone())
                .no_credentials()
                .load()
                .await;
            let mut builder = AssumeRoleProvider::builder(role)
                .session_name("fanlight")
                .configure(&sdk);
            if !settings.external_id.is_empty() {
                builder = builder.external_id(&settings.external_id);
            }
            provider::SharedCredentialsProvider::new(builder.build_from_provider(chain).await)
        }
    };
    Ok(Source {
        region: region.to_string(),
        provider,
    })
}

async fn region(
    settings: &IdentitySettings,
    config: &ProviderConfig,
    metadata: &imds::Client,
) -> Result<Region, IdentityError> {
    if !settings.region.is_empty() {
        return Ok(Region::new(settings.region.clone()));
    }
    if let Some(region) = EnvironmentVariableRegionProvider::new().region().await {
        return Ok(region);
    }
    let mut profile = ProfileFileRegionProvider::builder().configure(config);
    if !settings.profile.is_empty() {
        profile = profile.profile_name(&settings.profile);
    }
    if let Some(region) = profile.build().region().await {
        return Ok(region);
    }
    if settings.local_mode {
        let tried = "AWS_REGION and the profile (local_mode leaves the instance's metadata out)";
        return Err(IdentityError::NoRegion { tried });
    }
    let instance = ImdsRegionProvider::builder()
        .configure(config)
        .imds_client(metadata.clone())
        .build();
    let tried = "AWS_REGION, the profile and the instance's metadata";
    let found = instance.region().await;
    found.ok_or(IdentityError::NoRegion { tried })
}

/// The sources in the order in which AWS asks them.
fn chain(settings: &IdentitySettings, config: &ProviderConfig, metadata: imds::Client) -> Chain {
    let mut profile = ProfileFileCredentialsProvider::builder().configure(config);
    if !settings.profile.is_empty() {
        profile = profile.profile_name(&settings.profile);
    }
    if !settings.shared_credentials_file.is_empty() {
        let mut files = EnvConfigFiles::builder().include_default_config_file(true);
        for file in &settings.shared_credentials_file {
            files = files.with_file(EnvConfigFileKind::Credentials, file);
        }
        profile = profile.profile_files(files.build());
    }
    let profile = profile.build();
    let mut sources: Vec<(&'static str, Box<dyn ProvideCredentials>)> = Vec::new();
    if !settings.profile.is_empty() || !settings.shared_credentials_file.is_empty() {
        sources.push(("the configured profile", Box::new(profile)));
        return Chain(sources);
    }
    let environment = EnvironmentVariableCredentialsProvider::new();
    let web_identity = WebIdentityTokenCredentialsProvider::builder().configure(config);
    let container = EcsCredentialsProvider::builder().configure(config);
    sources.push(("environment", Box::new(environment)));
    sources.push(("profile", Box::new(profile)));
    sources.push(("web identity token", Box::new(web_identity.build())));
    sources.push(("container", Box::new(container.build())));
    if !settings.local_mode {
        let instance = ImdsCredentialsProvider::builder()
            .configure(config)
            .imds_client(metadata);
        sources.push(("instance metadata", Box::new(instance.build())));
    }
    Chain(sources)
}

/// Sources that are asked in order; the error says what each answered.
#[derive(Debug)]
struct Chain(Vec<(&'static str, Box<dyn ProvideCredentials>)>);

impl ProvideCredentials for Chain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.ask())
    }
}

impl Chain {
    async fn ask(&self) -> provider::Result {
        let mut tried = Vec::new();
        for (name, source) in &self.0 {
            match source.provide_credentials().await {
                Ok(credentials) => return Ok(credentials),
                Err(error @ CredentialsError::CredentialsNotLoaded(_)) => {
                    tried.push(format!("{name} ({})", causes(&error)));
                }
                // A source that is set up but broken: another identity is not what the user wants.
                Err(error) => {
                    let why = format!("{name} is broken: {}", causes(&error));
                    return Err(CredentialsError::provider_error(why));
                }
            }
        }
        let why = format!("tried {}", tried.join(", "));
        Err(CredentialsError::provider_error(why))
    }
}

/// The innermost cause: the outer ones say only that there was one.
fn causes(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_configured_file_gives_credentials() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("credentials");
        let text = "[other]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = hush\n";
        std::fs::write(&file, text).unwrap();
        let identity = Identity::new(IdentitySettings {
            region: "eu-west-1".to_owned(),
            profile: "other".to_owned(),
            shared_credentials_file: vec![file],
            ..IdentitySettings::default()
        });
        let (region, credentials) = identity.region_and_credentials().await.unwrap();
        assert_eq!(region, "eu-west-1");
        assert_eq!(credentials.access_key_id(), "AKIDOTHER");
    }

    #[tokio::test]
    async fn an_error_says_which_source_was_asked() {
        let identity = Identity::new(IdentitySettings {
            region: "eu-west-1".to_owned(),
            profile: "nobody".to_owned(),
            shared_credentials_file: vec!["/nonexistent/file".into()],
            ..IdentitySettings::default()
        });
        let text = identity
            .region_and_credentials()
            .await
            .unwrap_err()
            .to_string();
        assert!(text.starts_with("no AWS credentials: "), "{text}");
        assert!(text.contains("the configured profile"), "{text}");
        assert!(text.contains("AWS_ACCESS_KEY_ID"), "{text}");
    }
}
