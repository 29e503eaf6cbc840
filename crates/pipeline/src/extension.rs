//! What an extension is: something that hands a capability to other components, or serves beside the pipelines.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{BuildContext, BuildError, Listening, Stop};

/// Credentials for outgoing requests.
pub trait ClientAuth: Send + Sync + fmt::Debug {
    /// The headers to add to a request. Values are marked sensitive.
    ///
    /// # Errors
    /// Says why no credentials can be had now (a token file that can't be read, say).
    fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, Unauthenticated>;
}

/// A check of incoming requests.
pub trait ServerAuth: Send + Sync + fmt::Debug {
    /// Whether a request with these headers may come in.
    ///
    /// # Errors
    /// Says what is missing, without repeating what was sent. Answered with HTTP 401 or gRPC `UNAUTHENTICATED`.
    fn check(&self, headers: &HeaderMap) -> Result<(), Unauthenticated>;
}

/// No credentials, or wrong ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unauthenticated {
    /// What is wrong and what to do; never a secret.
    pub message: String,
    /// The `WWW-Authenticate` challenge to answer with, such as `Basic realm="fanlight"`.
    pub challenge: Option<&'static str>,
}

/// A place where exporters' queues are kept on disk.
pub trait QueueStorage: Send + Sync + fmt::Debug {
    /// The directory for one component's queue, and how it is to be kept.
    ///
    /// # Errors
    /// Says why the directory can't be used.
    fn queue_directory(&self, component: &str) -> Result<PathBuf, BuildError>;

    /// Whether every accepted batch is synced to disk before the sender is told so.
    fn sync(&self) -> bool;
}

/// An extension, built: the capabilities that it offers, and what it runs.
pub trait Extension: Send + Sync {
    /// Credentials for outgoing requests, if it offers them.
    fn client_auth(&self) -> Option<Arc<dyn ClientAuth>> {
        None
    }

    /// A check of incoming requests, if it offers one.
    fn server_auth(&self) -> Option<Arc<dyn ServerAuth>> {
        None
    }

    /// Storage for queues, if it offers it.
    fn queue_storage(&self) -> Option<Arc<dyn QueueStorage>> {
        None
    }

    /// Where it listens.
    fn listening(&self) -> Vec<Listening> {
        Vec::new()
    }

    /// Serves until told to stop.
    fn run(self: Arc<Self>, stop: Stop) -> BoxFuture<'static, Result<(), BuildError>> {
        Box::pin(async move {
            stop.requested().await;
            Ok(())
        })
    }
}

/// An extension's checked configuration.
pub trait ExtensionConfig: fmt::Debug + Send + Sync {
    /// Opens what it needs.
    ///
    /// # Errors
    /// Says what could not be opened and which key to change.
    fn build(&self, context: &BuildContext<'_>) -> Result<Arc<dyn Extension>, BuildError>;

    /// The address it will listen on, if any.
    fn address(&self) -> Option<SocketAddr> {
        None
    }
}
