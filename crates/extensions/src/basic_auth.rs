//! `basicauth`: a name and a password, added to outgoing requests or asked of incoming ones.
//!
//! `client_auth` makes it a source of credentials, `htpasswd` a check of them; unlike the Collector's, one extension may be
//! both. Password files are Apache's, and of their hashes bcrypt, apr1, MD5-crypt, SHA-crypt, SHA-1 and plain text are
//! known. `aws_secrets_manager` is not supported.
//!
//! bcrypt and its like are slow on purpose, so a password that was right is remembered (as a digest, in memory) until the
//! file changes; only wrong ones are computed each time, off the threads that serve other requests where that is possible.
//! [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/basicauthextension).

mod htpasswd;
mod password;

use std::path::PathBuf;
use std::sync::Arc;

use fanlight_config::blocks::NotSupported;
use fanlight_config::{ConfigError, Node, Secret, present};
use fanlight_pipeline::{
    BuildContext, BuildError, ClientAuth, Extension, ExtensionConfig, ExtensionKind, ServerAuth,
    Unauthenticated,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use self::htpasswd::Htpasswd;
use crate::authorization::{Credentials, refusal};
use crate::watched_file::WatchedFile;

/// The component type.
pub(crate) static KIND: ExtensionKind = ExtensionKind {
    name: "basicauth",
    aliases: &["basic_auth"],
    about: "HTTP basic authentication: credentials for exporters, or a password file for receivers.",
    sample: "client_auth:\n  username: user\n  password: ${env:PASSWORD:-}",
    decode,
};

const CHALLENGE: &str = "Basic realm=\"fanlight\"";

/// `basicauth` as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Config {
    /// Who may send to the hub. Default: nobody is asked.
    #[serde(deserialize_with = "present")]
    htpasswd: Option<HtpasswdConfig>,
    /// Who the hub is when it sends. Default: no credentials.
    #[serde(deserialize_with = "present")]
    client_auth: Option<ClientConfig>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct HtpasswdConfig {
    /// A password file.
    file: Option<PathBuf>,
    /// The lines of one; they win over those of the file.
    inline: Secret,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ClientConfig {
    username: String,
    /// A file with the username, which wins.
    username_file: Option<PathBuf>,
    password: Secret,
    /// A file with the password, which wins.
    password_file: Option<PathBuf>,
    aws_secrets_manager: NotSupported,
}

fn decode(node: &Node) -> Result<Box<dyn ExtensionConfig>, ConfigError> {
    let config: Config = node.decode()?;
    if config.htpasswd.is_none() && config.client_auth.is_none() {
        return Err(node
            .error("no credentials are given")
            .hint("write client_auth: for exporters or htpasswd: for receivers"));
    }
    if config
        .htpasswd
        .as_ref()
        .is_some_and(|it| it.file.is_none() && it.inline.expose().is_empty())
    {
        return Err(node
            .error_at("htpasswd", "no passwords are given")
            .hint("write file: or inline: below it"));
    }
    if let Some(client) = &config.client_auth
        && (client.username.contains(':') && client.username_file.is_none())
    {
        let client = node.get("client_auth").unwrap_or(node);
        return Err(client.error_at("username", "a username can't have a colon in it"));
    }
    Ok(Box::new(config))
}

impl ExtensionConfig for Config {
    fn build(&self, _: &BuildContext<'_>) -> Result<Arc<dyn Extension>, BuildError> {
        let client = self.client_auth.as_ref().map(Client::new).transpose()?;
        let server = self.htpasswd.as_ref().map(Server::new).transpose()?;
        Ok(Arc::new(BasicAuth {
            client: client.map(Arc::new),
            server: server.map(Arc::new),
        }))
    }
}

struct BasicAuth {
    client: Option<Arc<Client>>,
    server: Option<Arc<Server>>,
}

impl Extension for BasicAuth {
    fn client_auth(&self) -> Option<Arc<dyn ClientAuth>> {
        Some(self.client.clone()?)
    }

    fn server_auth(&self) -> Option<Arc<dyn ServerAuth>> {
        Some(self.server.clone()?)
    }
}

/// Credentials for outgoing requests.
#[derive(Debug)]
struct Client {
    written: Credentials,
    username: Option<WatchedFile<String>>,
    password: Option<WatchedFile<Secret>>,
}

impl Client {
    fn new(config: &ClientConfig) -> Result<Client, BuildError> {
        let username = config.username_file.as_deref();
        let password = config.password_file.as_deref();
        let client = Client {
            written: Credentials {
                username: config.username.clone(),
                password: config.password.clone(),
            },
            username: username.map(|path| {
                WatchedFile::new("client_auth.username_file", path, |text| text.trim().into())
            }),
            password: password.map(|path| {
                WatchedFile::new("client_auth.password_file", path, |text| {
                    Secret::new(text.trim())
                })
            }),
        };
        client
            .username
            .as_ref()
            .map(WatchedFile::check)
            .transpose()?;
        client
            .password
            .as_ref()
            .map(WatchedFile::check)
            .transpose()?;
        Ok(client)
    }
}

impl ClientAuth for Client {
    fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, Unauthenticated> {
        let mut credentials = self.written.clone();
        if let Some(file) = &self.username {
            credentials.username = file.current()?.as_ref().clone();
        }
        if let Some(file) = &self.password {
            credentials.password = file.current()?.as_ref().clone();
        }
        Ok(vec![credentials.header()?])
    }
}

/// The check of incoming requests.
#[derive(Debug)]
struct Server {
    inline: Htpasswd,
    file: Option<WatchedFile<Htpasswd>>,
}

impl Server {
    fn new(config: &HtpasswdConfig) -> Result<Server, BuildError> {
        let file = config
            .file
            .as_deref()
            .map(|path| WatchedFile::new("htpasswd.file", path, Htpasswd::parse));
        let server = Server {
            inline: Htpasswd::parse(config.inline.expose()),
            file,
        };
        server.inline.check("htpasswd.inline")?;
        if let Some(file) = &server.file {
            file.check()?.check("htpasswd.file")?;
        }
        Ok(server)
    }
}

impl ServerAuth for Server {
    fn check(&self, headers: &HeaderMap) -> Result<(), Unauthenticated> {
        let Some(credentials) = Credentials::of_request(headers) else {
            return Err(refusal(
                "the request has no basic credentials",
                Some(CHALLENGE),
            ));
        };
        let right = match (self.inline.verify(&credentials), &self.file) {
            (Some(right), _) => right,
            (None, Some(file)) => file.current()?.verify(&credentials).unwrap_or(false),
            (None, None) => false,
        };
        // Which of the two is wrong is nobody's business.
        if right {
            Ok(())
        } else {
            Err(refusal(
                "the username or the password is wrong",
                Some(CHALLENGE),
            ))
        }
    }
}
