//! Spans in Thrift over UDP, as client libraries send them to an agent.
//!
//! Limits: a packet is at most `max_packet_size`; at most `queue_size` packets wait for the pipelines, and `workers` of them
//! are offered at once. A sender has no answer: what is refused is counted as refused spans, and a packet that can't be read
//! as one, since nobody knows how many it held.

use std::net::{SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fanlight_config::{ByteSize, ListenAddress};
use fanlight_formats::jaeger::thrift::{AgentMessage, read_agent_message};
use fanlight_formats::thrift::Protocol;
use fanlight_otlp::{Batch, Signal};
use fanlight_pipeline::{BuildError, Inlet, Listening, Stop};
use futures::StreamExt as _;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::otlp;

/// What the configuration says about a protocol over UDP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Udp {
    /// Where to listen. Default: the port of an agent, on this machine.
    pub(super) endpoint: Option<ListenAddress>,
    /// How many packets may wait. Default: 1000.
    queue_size: usize,
    /// The largest packet in bytes. Default: 65000.
    max_packet_size: ByteSize,
    /// How many packets are offered to the pipelines at once. Default: 10.
    workers: usize,
    /// The receive buffer that the system is asked for, in bytes; zero leaves it to the system. Default: 0.
    socket_buffer_size: ByteSize,
}

impl Default for Udp {
    fn default() -> Udp {
        Udp {
            endpoint: None,
            queue_size: 1000,
            max_packet_size: ByteSize::of(65_000),
            workers: 10,
            socket_buffer_size: ByteSize::of(0),
        }
    }
}

/// An open socket.
#[derive(Debug)]
pub(super) struct UdpServer {
    socket: UdpSocket,
    address: SocketAddr,
    protocol: Protocol,
    options: Udp,
}

impl UdpServer {
    /// Opens the socket; `place` is where its address is configured.
    pub(super) fn bind(
        options: &Udp,
        protocol: Protocol,
        default: &ListenAddress,
        place: &str,
    ) -> Result<UdpServer, BuildError> {
        let address = options.endpoint.as_ref().unwrap_or(default);
        let open = || {
            let socket = match address.socket_addr() {
                Some(known) => UdpSocket::bind(known)?,
                None => {
                    let found = (address.host(), address.port()).to_socket_addrs()?;
                    UdpSocket::bind(&found.collect::<Vec<_>>()[..])?
                }
            };
            let buffer = options.socket_buffer_size.bytes();
            if buffer > 0 {
                let buffer = usize::try_from(buffer).unwrap_or(usize::MAX);
                socket2::SockRef::from(&socket).set_recv_buffer_size(buffer)?;
            }
            socket.set_nonblocking(true)?;
            let bound = socket.local_addr()?;
            Ok((socket, bound))
        };
        let (socket, bound) = open().map_err(|error: std::io::Error| {
            BuildError::new(format!("could not listen on {address} for UDP: {error}"))
                .because(error)
                .hint(format!("set {place} to a free port of this machine"))
        })?;
        Ok(UdpServer {
            socket,
            address: bound,
            protocol,
            options: options.clone(),
        })
    }

    /// For the start-up summary.
    pub(super) fn listening(&self) -> Listening {
        Listening {
            protocol: match self.protocol {
                Protocol::Compact => "Jaeger/compact/UDP",
                Protocol::Binary => "Jaeger/binary/UDP",
            },
            address: self.address,
            tls: false,
        }
    }

    /// Takes packets until told to stop, and returns when those that wait are offered.
    pub(super) async fn serve(self, inlet: Inlet, stop: Stop) -> Result<(), BuildError> {
        let broken =
            |error| BuildError::new(format!("the socket on {} broke", self.address)).because(error);
        let socket = tokio::net::UdpSocket::from_std(self.socket).map_err(broken)?;
        let reader = Arc::new(Reader {
            protocol: self.protocol,
            transport: match self.protocol {
                Protocol::Compact => "udp_thrift_compact",
                Protocol::Binary => "udp_thrift_binary",
            },
            inlet,
            lost: Lost::new(self.address),
        });
        let longest = usize::try_from(self.options.max_packet_size.bytes()).unwrap_or(usize::MAX);
        let (queue, mut waiting) = mpsc::channel(self.options.queue_size.max(1));
        let read = reader.read(&socket, longest, queue, &stop);
        let waiting = futures::stream::poll_fn(|context| waiting.poll_recv(context));
        let offer = waiting.for_each_concurrent(self.options.workers.max(1), |batch| {
            let reader = Arc::clone(&reader);
            async move { reader.offer(batch).await }
        });
        futures::join!(read, offer);
        Ok(())
    }
}

/// Makes batches of packets.
struct Reader {
    protocol: Protocol,
    /// The Collector's name for it, in the counters.
    transport: &'static str,
    inlet: Inlet,
    lost: Lost,
}

impl Reader {
    async fn read(
        &self,
        socket: &tokio::net::UdpSocket,
        longest: usize,
        queue: mpsc::Sender<Batch>,
        stop: &Stop,
    ) {
        // No packet is longer than what UDP can carry, whatever the configuration allows.
        let longest = longest.min(usize::from(u16::MAX));
        // One byte more, to know a packet that was cut.
        let mut packet = vec![0; longest + 1];
        loop {
            let received = tokio::select! {
                biased;
                () = stop.requested() => return,
                received = socket.recv_from(&mut packet) => received,
            };
            let length = match received {
                Ok((length, _)) => length,
                Err(error) => {
                    tracing::warn!(address = %self.lost.address, %error, "could not receive a packet");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let read = match packet.get(..length) {
                Some(packet) if length <= longest => self.decode(packet),
                _ => Err("it is longer than max_packet_size".to_owned()),
            };
            match read {
                Err(why) => self.lose(1, &format!("a packet could not be read: {why}")),
                Ok(batch) => {
                    if let Err(full) = queue.try_send(batch) {
                        let spans = full.into_inner().items();
                        self.lose(spans, "queue_size packets wait already");
                    }
                }
            }
        }
    }

    fn decode(&self, packet: &[u8]) -> Result<Batch, String> {
        match read_agent_message(self.protocol, packet) {
            Ok(AgentMessage::Batch(batch)) => {
                otlp::batch(batch).map_err(|invalid| invalid.to_string())
            }
            Ok(AgentMessage::Other(method)) => {
                let method: String = method.chars().take(40).collect();
                Err(format!(
                    "its method is {method:?}, and only emitBatch is taken"
                ))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    async fn offer(&self, batch: Batch) {
        // The inlet counts what it refuses.
        if let Err(refused) = self.inlet.offer(batch, self.transport).await {
            self.lost.tell(&refused.message);
        }
    }

    fn lose(&self, spans: usize, why: &str) {
        self.inlet.refuse(Signal::Traces, spans, self.transport);
        self.lost.tell(why);
    }
}

/// Tells about lost packets: the first at once, later ones together.
#[derive(Debug)]
struct Lost {
    address: SocketAddr,
    /// When it was told last, and how many packets were lost since.
    told: Mutex<(Option<Instant>, u64)>,
}

/// How often lost packets are told at most.
const PAUSE: Duration = Duration::from_secs(10);

impl Lost {
    fn new(address: SocketAddr) -> Lost {
        Lost {
            address,
            told: Mutex::default(),
        }
    }

    fn tell(&self, why: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.1 += 1;
        if told.0.is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        tracing::warn!(address = %self.address, packets = told.1, why, "packets were lost");
        *told = (Some(Instant::now()), 0);
    }
}
