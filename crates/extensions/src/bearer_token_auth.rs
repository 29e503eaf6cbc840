//! `bearertokenauth`: a token in a header, added to outgoing requests and asked of incoming ones.
//!
//! A file of tokens (one a line) wins over tokens in the configuration and is read again when it changes. Outgoing requests
//! carry the first token, incoming ones may carry any.
//! [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/bearertokenauthextension).

use std::path::PathBuf;
use std::sync::Arc;

use fanlight_config::{ConfigError, Node, Secret};
use fanlight_pipeline::{
    BuildContext, BuildError, ClientAuth, Extension, ExtensionConfig, ExtensionKind, ServerAuth,
    Unauthenticated,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use crate::authorization::{after_scheme, refusal, same, value};
use crate::watched_file::WatchedFile;

/// The component type.
pub(crate) static KIND: ExtensionKind = ExtensionKind {
    name: "bearertokenauth",
    aliases: &["bearer_token_auth"],
    about: "A token in a header, added by exporters or asked of senders.",
    sample: "token: ${env:TOKEN:-example}",
    decode,
};

const CHALLENGE: &str = "Bearer";

/// `bearertokenauth` as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Config {
    /// The header. Default: `Authorization`.
    header: String,
    /// What stands before the token; empty means nothing. Default: `Bearer`.
    scheme: String,
    token: Secret,
    /// Several, for changing them without a gap.
    tokens: Vec<Secret>,
    /// A file with one token a line.
    filename: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            header: "Authorization".into(),
            scheme: "Bearer".into(),
            token: Secret::default(),
            tokens: Vec::new(),
            filename: None,
        }
    }
}

fn decode(node: &Node) -> Result<Box<dyn ExtensionConfig>, ConfigError> {
    let mut config: Config = node.decode()?;
    config.filename.take_if(|path| path.as_os_str().is_empty());
    let token = !config.token.expose().is_empty();
    if token && !config.tokens.is_empty() {
        return Err(node
            .error_at("tokens", "token and tokens exclude each other")
            .hint("put all of them below tokens:"));
    }
    if !token && config.tokens.is_empty() && config.filename.is_none() {
        return Err(node
            .error("no token is given")
            .hint("write token: or filename:"));
    }
    if config.tokens.iter().any(|token| token.expose().is_empty()) {
        return Err(node.error_at("tokens", "one of the tokens is empty"));
    }
    if HeaderName::try_from(&config.header).is_err() {
        return Err(node
            .error_at("header", "this is not a header's name")
            .hint("the usual one is Authorization"));
    }
    Ok(Box::new(config))
}

impl ExtensionConfig for Config {
    fn build(&self, context: &BuildContext<'_>) -> Result<Arc<dyn Extension>, BuildError> {
        let header = HeaderName::try_from(&self.header).map_err(|error| {
            BuildError::new("header: this is not a header's name").because(error)
        })?;
        let source = match &self.filename {
            Some(path) => {
                if !self.token.expose().is_empty() || !self.tokens.is_empty() {
                    tracing::warn!(extension = %context.id, "tokens in the configuration are ignored, since filename wins");
                }
                let file = WatchedFile::new("filename", path, lines);
                file.check()?;
                Source::File(file)
            }
            None if self.tokens.is_empty() => Source::Written(Arc::new(vec![self.token.clone()])),
            None => Source::Written(Arc::new(self.tokens.clone())),
        };
        let auth = BearerTokenAuth {
            header,
            scheme: self.scheme.clone(),
            source,
        };
        // Says now what every request would say later.
        auth.headers()
            .map_err(|error| BuildError::new(error.message))?;
        Ok(Arc::new(Shared(Arc::new(auth))))
    }
}

fn lines(text: &str) -> Vec<Secret> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(Secret::new)
        .collect()
}

struct Shared(Arc<BearerTokenAuth>);

impl Extension for Shared {
    fn client_auth(&self) -> Option<Arc<dyn ClientAuth>> {
        Some(self.0.clone())
    }

    fn server_auth(&self) -> Option<Arc<dyn ServerAuth>> {
        Some(self.0.clone())
    }
}

#[derive(Debug)]
struct BearerTokenAuth {
    header: HeaderName,
    scheme: String,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Written(Arc<Vec<Secret>>),
    File(WatchedFile<Vec<Secret>>),
}

impl BearerTokenAuth {
    fn tokens(&self) -> Result<Arc<Vec<Secret>>, Unauthenticated> {
        match &self.source {
            Source::Written(tokens) => Ok(Arc::clone(tokens)),
            Source::File(file) => file.current(),
        }
    }
}

impl ClientAuth for BearerTokenAuth {
    fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, Unauthenticated> {
        let tokens = self.tokens()?;
        let token = tokens
            .first()
            .ok_or_else(|| refusal("the file of tokens is empty", None))?;
        let text = format!("{} {}", self.scheme, token.expose());
        Ok(vec![(self.header.clone(), value(text.trim_start())?)])
    }
}

impl ServerAuth for BearerTokenAuth {
    fn check(&self, headers: &HeaderMap) -> Result<(), Unauthenticated> {
        let missing = || {
            refusal(
                &format!("the header {} is missing", self.header),
                Some(CHALLENGE),
            )
        };
        let sent = headers.get(&self.header).ok_or_else(missing)?;
        let sent = sent
            .to_str()
            .ok()
            .and_then(|text| after_scheme(text, &self.scheme))
            .unwrap_or_default();
        let tokens = self.tokens()?;
        // All are compared, so that the time does not tell which one was close.
        let right = tokens.iter().fold(false, |right, token| {
            right | same(sent.as_bytes(), token.expose().as_bytes())
        });
        if right {
            Ok(())
        } else {
            Err(refusal("the token is wrong", Some(CHALLENGE)))
        }
    }
}
