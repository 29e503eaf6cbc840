//! What the exporters to AWS share: the session's settings, credentials from the default chain, signed requests.
//!
//! Credentials and region are resolved at the first request, so that a slow metadata service does not delay the start; a
//! request for which there are none yet is tried again. Field names and defaults are the Collector's
//! [session settings](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/internal/aws/awsutil);
//! signatures are [version 4](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html).

mod answer;

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use fanlight_config::blocks::{self, Compression, NotSupported, TlsClient};
use fanlight_config::{ConfigError, Endpoint, Node, Scheme};
use fanlight_net::aws::{Credentials, Identity, IdentitySettings, sign_request};
use fanlight_net::http::HttpClient;
use fanlight_pipeline::{BuildContext, BuildError, Destination, Outcome, Peer};
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use serde::Deserialize;

pub(crate) use self::answer::{Refusal, is_transient};

/// The settings of every AWS component.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Session {
    /// Where to send instead of the region's own endpoint. Default: none.
    pub(crate) endpoint: Option<Endpoint>,
    /// The region. Default: that of the environment, the profile or the instance.
    pub(crate) region: String,
    /// The role to take on. Default: none.
    pub(crate) role_arn: String,
    /// What proves to the role's owner who asks. Default: none.
    pub(crate) external_id: String,
    /// The profile of the shared files; it and `shared_credentials_file` go before the environment. Default: none.
    pub(crate) profile: String,
    /// Where credentials are kept. Default: `~/.aws/credentials`.
    pub(crate) shared_credentials_file: Vec<PathBuf>,
    /// Neither region nor credentials are asked of the instance's metadata service. Default: false.
    pub(crate) local_mode: bool,
    /// How often the metadata service is asked again. Default: 1.
    pub(crate) imds_retries: u32,
    /// How long one attempt may take, in seconds. Default: 30.
    pub(crate) request_timeout_seconds: u64,
    /// TLS without checking the server's certificate. Default: false.
    pub(crate) no_verify_ssl: bool,
    /// Certificate authorities to trust, a PEM file. Default: the system's.
    pub(crate) certificate_file_path: Option<PathBuf>,
    /// Accepted, no effect: concurrency is `sending_queue.num_consumers`. Default: 8.
    pub(crate) num_workers: u32,
    /// Accepted, no effect: how long is tried again says `retry_on_failure`. Default: 2.
    pub(crate) max_retries: u32,
    /// Accepted, no effect: it names the sender in the telemetry of the Collector's exporter about itself.
    pub(crate) resource_arn: String,
    /// Not supported.
    pub(crate) proxy_address: NotSupported,
}

impl Default for Session {
    fn default() -> Session {
        Session {
            endpoint: None,
            region: String::new(),
            role_arn: String::new(),
            external_id: String::new(),
            profile: String::new(),
            shared_credentials_file: Vec::new(),
            local_mode: false,
            imds_retries: 1,
            request_timeout_seconds: 30,
            no_verify_ssl: false,
            certificate_file_path: None,
            num_workers: 8,
            max_retries: 2,
            resource_arn: String::new(),
            proxy_address: NotSupported,
        }
    }
}

impl Session {
    /// Refuses what can't be an endpoint of AWS.
    pub(crate) fn check(&self, node: &Node) -> Result<(), ConfigError> {
        let scheme = self.endpoint.as_ref().map(Endpoint::scheme);
        match scheme {
            Some(Scheme::Dns | Scheme::Unix) => Err(node
                .error_at("endpoint", "an endpoint of AWS is reached over HTTP")
                .hint("write a URL such as https://xray.eu-central-1.amazonaws.com")),
            _ => Ok(()),
        }
    }

    /// Whose credentials are taken.
    fn identity(&self) -> IdentitySettings {
        IdentitySettings {
            region: self.region.clone(),
            role_arn: self.role_arn.clone(),
            external_id: self.external_id.clone(),
            profile: self.profile.clone(),
            shared_credentials_file: self.shared_credentials_file.clone(),
            local_mode: self.local_mode,
            imds_retries: self.imds_retries,
        }
    }

    /// `timeout` of one attempt.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_seconds)
    }

    /// Where a service is, for people.
    pub(crate) fn destination(&self, service: &str, name: &str) -> Destination {
        let place = match (&self.endpoint, self.region.as_str()) {
            (Some(endpoint), _) => endpoint.url(uses_tls(endpoint), ""),
            (None, "") => format!("{service} in the region of the environment"),
            (None, region) => regional(service, region),
        };
        let peer = |endpoint: &Endpoint| Peer {
            host: endpoint.host().to_owned(),
            port: endpoint.port_or_default(uses_tls(endpoint)),
        };
        Destination {
            text: format!("{place} ({name})"),
            peers: self.endpoint.iter().map(peer).collect(),
        }
    }

    /// A client of a service, by the name that both its host and its signatures have.
    ///
    /// # Errors
    /// When the TLS material can't be used.
    pub(crate) fn client(
        &self,
        service: &'static str,
        context: &BuildContext<'_>,
    ) -> Result<AwsClient, BuildError> {
        let block = blocks::HttpClient {
            tls: TlsClient {
                insecure_skip_verify: self.no_verify_ssl,
                ca_file: self.certificate_file_path.clone(),
                ..TlsClient::default()
            },
            ..blocks::HttpClient::default()
        };
        let endpoint = self
            .endpoint
            .as_ref()
            .map(|endpoint| endpoint.url(uses_tls(endpoint), ""));
        // Only whether it wants TLS counts here; the region may not be known yet.
        let known = endpoint
            .clone()
            .unwrap_or_else(|| regional(service, "us-east-1"));
        let known = known
            .parse()
            .map_err(|error| BuildError::new(format!("the endpoint is not a URL: {error}")))?;
        Ok(AwsClient {
            http: HttpClient::new(&block, Compression::None, &[known], context)?,
            service,
            endpoint,
            identity: Identity::new(self.identity()),
        })
    }
}

fn uses_tls(endpoint: &Endpoint) -> bool {
    endpoint.uses_tls(false).unwrap_or(true)
}

/// A service's own endpoint. [Source](https://docs.aws.amazon.com/general/latest/gr/rande.html).
fn regional(service: &str, region: &str) -> String {
    let domain = match region.starts_with("cn-") {
        true => "amazonaws.com.cn",
        false => "amazonaws.com",
    };
    format!("https://{service}.{region}.{domain}")
}

/// Sends signed requests to one service.
pub(crate) struct AwsClient {
    http: HttpClient,
    service: &'static str,
    /// The base URL, where it does not follow from the region.
    endpoint: Option<String>,
    identity: Identity,
}

impl AwsClient {
    /// Sends one POST request, and returns the body of a good answer.
    ///
    /// # Errors
    /// What an answer other than success means, or that there is none.
    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &[(&'static str, &'static str)],
        body: Bytes,
    ) -> Result<Bytes, Refusal> {
        let no_answer = |outcome| Refusal {
            code: String::new(),
            outcome,
        };
        let found = self.identity.region_and_credentials().await;
        let (region, credentials) = found.map_err(|error| {
            no_answer(Outcome::Retry {
                after: None,
                why: error.to_string(),
            })
        })?;
        let base = match &self.endpoint {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => regional(self.service, &region),
        };
        let rejected = |why: String| no_answer(Outcome::Rejected { why });
        let url: Uri = format!("{base}{path}")
            .parse()
            .map_err(|_| rejected(format!("`{region}` is not a region of AWS")))?;
        let request = self
            .signed(&url, &region, &credentials, headers, body)
            .map_err(rejected)?;
        let answer = self.http.send(request).await.map_err(no_answer)?;
        if answer.status.is_success() {
            return Ok(answer.body);
        }
        let refusal = Refusal::read(&base, &answer, &credentials);
        if refusal.is_about_credentials() {
            self.identity.forget().await;
        }
        Err(refusal)
    }

    fn signed(
        &self,
        url: &Uri,
        region: &str,
        credentials: &Credentials,
        headers: &[(&'static str, &'static str)],
        body: Bytes,
    ) -> Result<Request<Bytes>, String> {
        let mut request = Request::new(body.clone());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.clone();
        for (name, value) in headers {
            request.headers_mut().insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        sign_request(
            &mut request,
            url,
            &body,
            self.service,
            (region, credentials),
        )?;
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use fanlight_testkit::node;

    use super::*;

    #[test]
    fn defaults_are_the_collectors() {
        let read: Session = node("").decode().unwrap();
        assert_eq!(read, Session::default());
        assert_eq!((read.num_workers, read.max_retries), (8, 2));
        assert_eq!(read.timeout(), Duration::from_secs(30));
    }

    #[test]
    fn the_endpoint_follows_from_the_region_unless_it_is_given() {
        let text = |yaml: &str| {
            let session: Session = node(yaml).decode().unwrap();
            session.destination("logs", "CloudWatch Logs").text
        };
        assert_eq!(
            text("region: eu-west-1"),
            "https://logs.eu-west-1.amazonaws.com (CloudWatch Logs)"
        );
        assert_eq!(
            text("region: cn-north-1"),
            "https://logs.cn-north-1.amazonaws.com.cn (CloudWatch Logs)"
        );
        assert_eq!(
            text("endpoint: logs.us-east-1.amazonaws.com"),
            "https://logs.us-east-1.amazonaws.com (CloudWatch Logs)"
        );
        assert_eq!(
            text(""),
            "logs in the region of the environment (CloudWatch Logs)"
        );
    }
}
