//! A client: pooled connections, compression, credentials, and answers of limited size.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use fanlight_config::blocks;
use fanlight_pipeline::{BuildContext, BuildError, ClientAuth, Outcome};
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::header_map;
use crate::auth::{self, Secrets};
use crate::body::Body;
use crate::compress::{Compressor, Encoding};
use crate::connect::{Connector, causes, server_name};
use crate::status::Advice;
use crate::{status, tls};

/// How much of an answer is read, unless a component asks for more.
const LONGEST_ANSWER: usize = 64 << 10;

/// Sends requests for one component. Connects when the first request is sent.
pub struct HttpClient {
    client: Client<Connector, Body>,
    headers: HeaderMap,
    auth: Option<Arc<dyn ClientAuth>>,
    compressor: Option<Compressor>,
    advice: Advice,
    longest_answer: usize,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The first 64 KiB of the body, unless the client reads more.
    pub body: Bytes,
    /// Whether the body is longer than that, or broke off.
    pub is_cut: bool,
}

impl HttpClient {
    /// A client made from a block. TLS material is read if one of the URLs asks for TLS.
    ///
    /// # Errors
    /// When the TLS material can't be used, a header can't be sent, or the extension is not there.
    pub fn new(
        block: &blocks::HttpClient,
        default_compression: blocks::Compression,
        urls: &[Uri],
        context: &BuildContext<'_>,
    ) -> Result<HttpClient, BuildError> {
        let encrypted = urls.iter().any(|url| url.scheme() == Some(&Scheme::HTTPS));
        let tls = match encrypted {
            true => Some(tls::client_config(&block.tls, &[b"h2", b"http/1.1"])?),
            false => None,
        };
        let name = block
            .tls
            .server_name_override
            .as_deref()
            .map(server_name)
            .transpose();
        let name =
            name.map_err(|why| BuildError::new(format!("tls.server_name_override: {why}")))?;
        let idle = match (block.disable_keep_alives, block.max_idle_conns_per_host) {
            (true, _) => 0,
            (false, 0) => block.max_idle_conns,
            (false, per_host) => per_host,
        };
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(
                (!block.idle_conn_timeout.is_zero()).then_some(block.idle_conn_timeout),
            )
            .pool_max_idle_per_host(usize::try_from(idle).unwrap_or(usize::MAX))
            .build(Connector::new(tls, name, None, false));
        let mut headers = header_map(&block.headers)?;
        headers
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(context.user_agent));
        let auth = block
            .auth
            .as_ref()
            .map(|auth| context.client_auth(&auth.authenticator))
            .transpose()?;
        let compression = block.compression.unwrap_or(default_compression);
        let compressor = encoding(compression)
            .map(|encoding| Compressor::new(encoding, block.compression_params.level));
        Ok(HttpClient {
            client,
            headers,
            auth,
            compressor,
            advice: Advice::GENERAL,
            longest_answer: LONGEST_ANSWER,
        })
    }

    /// The same client, with what to tell the user when this backend refuses.
    #[must_use]
    pub fn with_advice(mut self, advice: Advice) -> HttpClient {
        self.advice = advice;
        self
    }

    /// The same client, reading so many bytes of an answer: for backends that answer every item.
    #[must_use]
    pub fn with_longest_answer(mut self, bytes: usize) -> HttpClient {
        self.longest_answer = bytes;
        self
    }

    /// The same client with a header that carries a secret, such as a backend's own token header; the configuration's
    /// headers come first.
    ///
    /// # Errors
    /// When the value can't be sent in a header.
    pub fn with_secret(mut self, name: HeaderName, value: &str) -> Result<HttpClient, BuildError> {
        let mut secret = HeaderValue::from_str(value).map_err(|_| {
            BuildError::new(format!(
                "the value of the header {name} has characters that a header can't carry"
            ))
        })?;
        secret.set_sensitive(true);
        self.headers.entry(name).or_insert(secret);
        Ok(self)
    }

    /// Sends one POST request. The block's headers and credentials go with it.
    ///
    /// # Errors
    /// As [`HttpClient::send`].
    pub async fn post(
        &self,
        url: &Uri,
        content_type: HeaderValue,
        body: Bytes,
    ) -> Result<Answer, Outcome> {
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.clone();
        request.headers_mut().insert(CONTENT_TYPE, content_type);
        self.send(request).await
    }

    /// Sends one request; its own headers win over the block's. A body that has its `content-encoding` already is not
    /// compressed again.
    ///
    /// # Errors
    /// [`Outcome::Retry`] when there is no answer: the credentials can't be had now, nobody listens, the connection broke.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Answer, Outcome> {
        let (mut head, body) = request.into_parts();
        let url = head.uri.clone();
        let own = std::mem::replace(&mut head.headers, self.headers.clone());
        let headers = &mut head.headers;
        let failed = |why: String| Outcome::Retry { after: None, why };
        auth::add_credentials(self.auth.as_ref(), headers)
            .map_err(|missing| failed(missing.to_string()))?;
        for name in own.keys() {
            headers.remove(name);
        }
        headers.extend(own);
        let is_plain = !body.is_empty() && !headers.contains_key(CONTENT_ENCODING);
        let body = match self.compressor.as_ref().filter(|_| is_plain) {
            None => body,
            Some(compressor) => {
                headers.insert(
                    CONTENT_ENCODING,
                    HeaderValue::from_static(compressor.encoding().name()),
                );
                compressor
                    .compress(body)
                    .await
                    .map_err(|error| failed(error.to_string()))?
            }
        };
        let request = Request::from_parts(head, Body::from(body));
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| failed(self.advice.explain_connection(no_answer(&url, &error))))?;
        let (head, body) = response.into_parts();
        let (body, is_cut) = read_answer(body, self.longest_answer).await;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
            is_cut,
        })
    }

    /// What an answer other than success means; secrets that the server repeats are taken out of its words.
    pub fn outcome(&self, url: &Uri, answer: &Answer) -> Outcome {
        let target = target(url);
        let outcome = status::http_outcome(
            answer.status,
            &answer.headers,
            &answer.body,
            &target,
            &self.advice,
            SystemTime::now(),
        );
        let mut sent = self.headers.clone();
        // Credentials that can't be had now can't be in the answer either.
        drop(auth::add_credentials(self.auth.as_ref(), &mut sent));
        Secrets::of_headers(sent.iter())
            .except(&self.advice)
            .redact_outcome(outcome)
    }

    /// Whether requests carry credentials, for a hint when they are refused.
    pub fn is_authenticated(&self) -> bool {
        self.auth.is_some() || self.headers.contains_key(AUTHORIZATION)
    }
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpClient")
            .field("compressor", &self.compressor)
            .finish_non_exhaustive()
    }
}

/// The coding that a configuration names.
pub(crate) const fn encoding(compression: blocks::Compression) -> Option<Encoding> {
    match compression {
        blocks::Compression::None => None,
        blocks::Compression::Gzip => Some(Encoding::Gzip),
        blocks::Compression::Zstd => Some(Encoding::Zstd),
        blocks::Compression::Deflate => Some(Encoding::Deflate),
    }
}

/// A URL as it may be shown: without its query, which may hold a key.
pub(crate) fn target(url: &Uri) -> String {
    let scheme = url.scheme_str().unwrap_or("http");
    format!(
        "{scheme}://{}{}",
        url.authority().map_or("", |authority| authority.as_str()),
        url.path()
    )
}

/// Pooled connections for a backend's own client library: name lookup, timeouts and TLS are those of [`HttpClient`].
///
/// # Errors
/// When the TLS material can't be used.
pub fn pool<B>(
    tls: Option<&blocks::TlsClient>,
    idle_timeout: Duration,
) -> Result<Client<impl Connect + Clone + Send + Sync + 'static, B>, BuildError>
where
    B: http_body::Body + Send,
    B::Data: Send,
{
    let config = tls
        .map(|tls| tls::client_config(tls, &[b"http/1.1"]))
        .transpose()?;
    let name = tls
        .and_then(|tls| tls.server_name_override.as_deref())
        .map(server_name);
    let name = name
        .transpose()
        .map_err(|why| BuildError::new(format!("tls.server_name_override: {why}")))?;
    Ok(Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(idle_timeout)
        .build(Connector::new(config, name, None, false)))
}

/// Why there is no answer, and what the user can do.
pub fn no_answer(url: &Uri, error: &(dyn std::error::Error + 'static)) -> String {
    if let Some(connect) =
        causes(error).find_map(|cause| cause.downcast_ref::<crate::connect::ConnectError>())
    {
        return connect.to_string();
    }
    let target = target(url);
    let deepest = causes(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default();
    let broken = causes(error).find_map(|cause| cause.downcast_ref::<hyper::Error>());
    if broken.is_some_and(hyper::Error::is_parse) {
        return format!(
            "{target} did not answer in HTTP ({deepest}); does the server want TLS (https://), or gRPC?"
        );
    }
    // In TLS 1.3 a server looks at the client's certificate after the handshake; only the text of its alert gets here.
    let advice = match deepest.contains("CertificateRequired") {
        true => "; the server asks for a client certificate: set tls.cert_file and tls.key_file",
        false => "",
    };
    format!("the connection to {target} broke before the answer came: {deepest}{advice}")
}

/// Reads what fits, and says whether that is not all. The rest of a longer answer, and one that breaks off, is of no
/// interest to most.
async fn read_answer(mut body: hyper::body::Incoming, longest: usize) -> (Bytes, bool) {
    let mut read = BytesMut::new();
    let reading = async {
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            let room = longest.saturating_sub(read.len());
            read.extend_from_slice(data.get(..room).unwrap_or(&data));
            if data.len() > room {
                return false;
            }
        }
        true
    };
    // The status has come already: a body that dawdles does not turn success into failure.
    let is_whole = tokio::time::timeout(Duration::from_secs(10), reading).await;
    (read.freeze(), !is_whole.unwrap_or(false))
}
