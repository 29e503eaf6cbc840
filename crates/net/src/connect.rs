//! Opening connections: name lookup, TCP with `TCP_NODELAY`, TLS.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::Uri;
use http::uri::Scheme;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::net::{IpAddr, SocketAddr};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use crate::tls;

/// How long opening a connection may take, TLS on top; the pipeline's `timeout` of an attempt may end it earlier.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection whose data stays unacknowledged this long is dead, and the next attempt opens another.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(20);

/// Opens connections for one component.
#[derive(Clone)]
pub(crate) struct Connector {
    tcp: HttpConnector<Resolver>,
    tls: Option<TlsConnector>,
    server_name: Option<ServerName<'static>>,
    /// Where to connect whatever the request's URL says, for clients that send another `:authority`.
    target: Option<Uri>,
}

/// A connection could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ConnectError {
    message: String,
    pub(crate) is_timeout: bool,
}

impl Connector {
    /// A connector. With `rotate`, each connection begins with another of the name's addresses.
    pub(crate) fn new(
        tls: Option<Arc<ClientConfig>>,
        server_name: Option<ServerName<'static>>,
        target: Option<Uri>,
        rotate: bool,
    ) -> Connector {
        let resolver = Resolver {
            next: rotate.then(Arc::default),
            may_reach: |_| true,
        };
        Connector {
            tcp: tcp(resolver),
            tls: tls.map(TlsConnector::from),
            server_name,
            target,
        }
    }

    /// The same, but names that lead to other addresses than these are not followed there. (Addresses in URLs are not looked
    /// up, and so not checked.)
    pub(crate) fn only_to(mut self, may_reach: fn(IpAddr) -> bool) -> Connector {
        let resolver = Resolver {
            next: None,
            may_reach,
        };
        self.tcp = tcp(resolver);
        self
    }

    pub(crate) async fn connect(mut self, url: Uri) -> Result<Stream, ConnectError> {
        let target = self.target.clone().unwrap_or_else(|| url.clone());
        let place = place(&target);
        let tcp = self
            .tcp
            .call(target)
            .await
            .map_err(|error| ConnectError::of_tcp(&place, &error))?
            .into_inner();
        if url.scheme() != Some(&Scheme::HTTPS) {
            return Ok(Stream {
                io: TokioIo::new(Box::new(tcp)),
                http2: false,
            });
        }
        let failed = |why: String| ConnectError {
            message: format!("could not connect to {place} with TLS: {why}"),
            is_timeout: false,
        };
        let tls = self
            .tls
            .ok_or_else(|| failed("this component was built without TLS".to_owned()))?;
        let name = match self.server_name {
            Some(name) => name,
            None => server_name(url.host().unwrap_or_default()).map_err(failed)?,
        };
        let handshake = tokio::time::timeout(CONNECT_TIMEOUT, tls.connect(name, tcp)).await;
        let handshake = handshake.map_err(|_| ConnectError {
            is_timeout: true,
            ..failed("the server did not answer the TLS handshake".to_owned())
        })?;
        let stream = handshake.map_err(|error| failed(tls::explain(&error)))?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Stream {
            io: TokioIo::new(Box::new(stream)),
            http2,
        })
    }
}

fn tcp(resolver: Resolver) -> HttpConnector<Resolver> {
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp.set_keepalive(Some(Duration::from_secs(15)));
    #[cfg(target_os = "linux")]
    tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    tcp
}

/// The name that a certificate must be for.
pub(crate) fn server_name(host: &str) -> Result<ServerName<'static>, String> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(host.to_owned())
        .map_err(|_| format!("{host:?} is not a name that a certificate can be for"))
}

/// Host and port of a URL, for messages.
fn place(url: &Uri) -> String {
    let port = url
        .port_u16()
        .unwrap_or(if url.scheme() == Some(&Scheme::HTTPS) {
            443
        } else {
            80
        });
    format!("{}:{port}", url.host().unwrap_or_default())
}

impl ConnectError {
    fn of_tcp(place: &str, error: &(dyn std::error::Error + 'static)) -> ConnectError {
        let io = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
        let why = match io.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => {
                "nothing listens there (connection refused)".to_owned()
            }
            Some(io::ErrorKind::TimedOut) => "no answer (timed out)".to_owned(),
            _ => io.map_or_else(|| error.to_string(), io::Error::to_string),
        };
        ConnectError {
            message: format!("could not connect to {place}: {why}"),
            is_timeout: io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut),
        }
    }
}

/// An error and what caused it, outermost first.
pub(crate) fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectError;
    type Future = BoxFuture<'static, Result<Stream, ConnectError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        Box::pin(self.clone().connect(url))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// The system's resolver, which may begin with another address each time.
#[derive(Clone)]
struct Resolver {
    next: Option<Arc<AtomicUsize>>,
    may_reach: fn(IpAddr) -> bool,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let turn = self
            .next
            .as_ref()
            .map_or(0, |next| next.fetch_add(1, Ordering::Relaxed));
        let may_reach = self.may_reach;
        Box::pin(async move {
            let mut addresses: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let found = addresses.len();
            addresses.retain(|address| may_reach(address.ip()));
            if addresses.is_empty() && found > 0 {
                return Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    "the name leads to an address that nothing is sent to",
                ));
            }
            if !addresses.is_empty() {
                let turn = turn % addresses.len();
                addresses.rotate_left(turn);
            }
            Ok(addresses.into_iter())
        })
    }
}

trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// An open connection, plain or encrypted.
pub struct Stream {
    io: TokioIo<Box<dyn Socket>>,
    http2: bool,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        if self.http2 {
            Connected::new().negotiated_h2()
        } else {
            Connected::new()
        }
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, buffers)
    }
}
