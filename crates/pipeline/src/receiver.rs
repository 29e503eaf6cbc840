//! What a receiver is.

use std::fmt;
use std::net::SocketAddr;

use futures::future::BoxFuture;

use crate::{BuildContext, BuildError, Inlet, Peer, Stop};
use fanlight_config::ComponentId;
use fanlight_otlp::SignalSet;

/// A source of telemetry, built and with its sockets open.
pub trait Receiver: Send {
    /// Where it listens, for the start-up summary and to recognise exporters that point back at the hub.
    fn listening(&self) -> Vec<Listening> {
        Vec::new()
    }

    /// Takes telemetry in until told to stop, or until it breaks. Stops accepting at once when told to, and returns after
    /// every request that was already being served has its answer.
    fn run(self: Box<Self>, out: Inlet, stop: Stop) -> BoxFuture<'static, Result<(), BuildError>>;
}

/// An address that a receiver listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    /// What it speaks, for people: `OTLP/gRPC`, `OTLP/HTTP`, ...
    pub protocol: &'static str,
    /// The bound address, with the real port where the configuration said 0.
    pub address: SocketAddr,
    /// Whether clients must speak TLS.
    pub tls: bool,
}

/// A receiver's checked configuration: nothing is opened yet.
pub trait ReceiverConfig: fmt::Debug + Send + Sync {
    /// The signals that it can produce.
    fn signals(&self) -> SignalSet {
        SignalSet::ALL
    }

    /// The addresses that it will listen on, as configured, to recognise exporters that point back at the hub.
    fn endpoints(&self) -> Vec<Peer> {
        Vec::new()
    }

    /// Extensions that it refers to, which must be listed under `service.extensions`.
    fn extensions(&self) -> Vec<ComponentId> {
        Vec::new()
    }

    /// Opens what it needs (binds its sockets) and returns it ready to run. Called within a tokio runtime.
    ///
    /// # Errors
    /// Says what could not be opened and which key to change.
    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Receiver>, BuildError>;
}
