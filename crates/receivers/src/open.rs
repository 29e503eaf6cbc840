//! Servers between configuration and traffic: the socket is open, and nobody is served yet.

use std::sync::Arc;

use fanlight_config::ListenAddress;
use fanlight_config::blocks::{GrpcServer, HttpServer, ServerAuthRef};
use fanlight_net::grpc::{GrpcHandler, Service};
use fanlight_net::http::{Handler, Server};
use fanlight_net::intake::{Intake, Limits};
use fanlight_pipeline::{BuildContext, BuildError, Listening, Peer, ServerAuth, Stop};
use futures::future::BoxFuture;

/// A server's run, which ends when it is stopped or its socket breaks.
pub(crate) type Serving = BoxFuture<'static, Result<(), BuildError>>;

/// An open socket, who may send to it, and what was configured for it.
pub(crate) struct Open<B> {
    server: Server,
    pub(crate) auth: Option<Arc<dyn ServerAuth>>,
    pub(crate) block: B,
}

impl<B> Open<B> {
    /// What the start-up summary says.
    pub(crate) fn listening(&self, protocol: &'static str) -> Listening {
        self.server.listening(protocol)
    }
}

impl Open<HttpServer> {
    /// Opens the socket. `place` is where the address stands in the configuration.
    ///
    /// # Errors
    /// When the address can't be listened on, the TLS material can't be used, or the extension is none that checks.
    pub(crate) fn http(
        block: &HttpServer,
        default: &ListenAddress,
        place: &str,
        context: &BuildContext<'_>,
    ) -> Result<Open<HttpServer>, BuildError> {
        Ok(Open {
            server: Server::http(block, default, place)?,
            auth: checker(block.auth.as_ref(), context)?,
            block: block.clone(),
        })
    }

    /// Has requests answered by a handler made of what was configured.
    pub(crate) fn serve<H: Handler + 'static>(
        self,
        handler: impl FnOnce(HttpServer, Option<Arc<dyn ServerAuth>>) -> H,
        stop: Stop,
    ) -> Serving {
        let handler = handler(self.block, self.auth);
        Box::pin(self.server.serve(Arc::new(handler), stop))
    }
}

impl Open<GrpcServer> {
    /// As [`Open::http`].
    ///
    /// # Errors
    /// As [`Open::http`].
    pub(crate) fn grpc(
        block: &GrpcServer,
        default: &ListenAddress,
        place: &str,
        context: &BuildContext<'_>,
    ) -> Result<Open<GrpcServer>, BuildError> {
        Ok(Open {
            server: Server::grpc(block, default, place)?,
            auth: checker(block.auth.as_ref(), context)?,
            block: block.clone(),
        })
    }

    /// Has calls answered by a service, their messages within the memory budget of `intake`.
    pub(crate) fn serve(
        self,
        service: impl Service + 'static,
        intake: Intake,
        stop: Stop,
    ) -> Serving {
        let limits = Limits::of_size(bytes(self.block.message_limit()));
        let handler = GrpcHandler::new(service, intake, limits, self.auth);
        Box::pin(self.server.serve(Arc::new(handler), stop))
    }
}

/// Serves on all sockets of a receiver, until told to stop or one of them breaks.
pub(crate) fn all(servers: Vec<Serving>) -> Serving {
    Box::pin(async move { futures::future::try_join_all(servers).await.map(drop) })
}

/// What a body over HTTP may have.
pub(crate) fn limits(block: &HttpServer) -> Limits {
    Limits {
        total: Some(block.read_timeout).filter(|timeout| !timeout.is_zero()),
        ..Limits::of_size(bytes(block.body_limit()))
    }
}

/// Where a server will listen.
pub(crate) fn peer(address: Option<&ListenAddress>, default: &ListenAddress) -> Peer {
    let address = address.unwrap_or(default);
    Peer {
        host: address.host().to_owned(),
        port: address.port(),
    }
}

/// The extension that checks credentials, where the configuration names one.
fn checker(
    auth: Option<&ServerAuthRef>,
    context: &BuildContext<'_>,
) -> Result<Option<Arc<dyn ServerAuth>>, BuildError> {
    auth.map(|auth| context.server_auth(&auth.authenticator))
        .transpose()
}

/// A limit of the configuration.
pub(crate) fn bytes(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
