//! A tap on a TCP connection: passes bytes both ways and keeps them, so that what two HTTP clients heard can be compared to
//! the byte, whatever library they use.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};

/// A tap that listens on a port of its own.
pub(super) struct Tap {
    port: u16,
    connections: Arc<Mutex<Vec<Arc<Mutex<Wire>>>>>,
}

/// What went over one connection.
#[derive(Default)]
struct Wire {
    asked: Vec<u8>,
    answered: Vec<u8>,
    /// At which byte of `asked` something came, and its number among all that came to the tap.
    marks: Vec<(usize, usize)>,
}

/// A request's reply.
#[derive(Debug)]
pub(super) struct Exchange {
    number: usize,
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Without transfer coding.
    pub body: Vec<u8>,
    /// Whether all came that was announced.
    pub is_whole: bool,
}

impl Tap {
    /// Listens for connections to a port, until the process ends.
    pub(super) fn start(target: u16) -> Result<Tap> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let connections = Arc::<Mutex<Vec<Arc<Mutex<Wire>>>>>::default();
        let all = Arc::clone(&connections);
        thread::spawn(move || {
            let count = Arc::<AtomicUsize>::default();
            for client in listener.incoming().flatten() {
                let wire = Arc::<Mutex<Wire>>::default();
                lock(&all).push(Arc::clone(&wire));
                // A connection that can't go on is closed, which its client will see.
                let _ = pass(client, target, &wire, &count);
            }
        });
        Ok(Tap { port, connections })
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Every exchange so far, in the order of the requests.
    pub(super) fn exchanges(&self) -> Result<Vec<Exchange>> {
        let mut all = Vec::new();
        for wire in lock(&self.connections).iter() {
            all.extend(lock(wire).exchanges()?);
        }
        all.sort_by_key(|exchange| exchange.number);
        Ok(all)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pass(
    client: TcpStream,
    target: u16,
    wire: &Arc<Mutex<Wire>>,
    count: &Arc<AtomicUsize>,
) -> Result<()> {
    let server = TcpStream::connect(("127.0.0.1", target))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = (client.try_clone()?, client);
    let (from_server, to_server) = (server.try_clone()?, server);
    let (asking, answering) = (Arc::clone(wire), Arc::clone(wire));
    let count = Arc::clone(count);
    thread::spawn(move || {
        copy(from_client, to_server, |bytes| {
            let mut wire = lock(&asking);
            let mark = (wire.asked.len(), count.fetch_add(1, Ordering::Relaxed));
            wire.marks.push(mark);
            wire.asked.extend_from_slice(bytes);
        });
    });
    thread::spawn(move || {
        copy(from_server, to_client, |bytes| {
            lock(&answering).answered.extend_from_slice(bytes);
        });
    });
    Ok(())
}

/// Ends both sockets at the end, however it comes: half-closed connections are not what HTTP clients do.
fn copy(mut from: TcpStream, mut to: TcpStream, mut keep: impl FnMut(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let bytes = buffer.get(..count).unwrap_or_default();
        keep(bytes);
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

impl Wire {
    fn exchanges(&self) -> Result<Vec<Exchange>> {
        let mut all = Vec::new();
        let (mut asked, mut answered) = (0, 0);
        while asked < self.asked.len() {
            let marks = self.marks.iter().take_while(|(at, _)| *at <= asked);
            let number = marks.last().map_or(0, |(_, number)| *number);
            let request = Message::read(self.asked.get(asked..).unwrap_or_default(), true)?;
            asked += request.length;
            let reply = Message::read(self.answered.get(answered..).unwrap_or_default(), false);
            let reply = reply.with_context(|| format!("no reply to {}", request.first_line))?;
            answered += reply.length;
            let status = reply.first_line.split(' ').nth(1).unwrap_or("");
            all.push(Exchange {
                number,
                status: status.parse().unwrap_or(0),
                headers: reply.headers,
                body: reply.body,
                is_whole: reply.is_whole,
            });
        }
        Ok(all)
    }
}

/// A message of HTTP/1.1.
struct Message {
    first_line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// How many bytes it takes on the wire.
    length: usize,
    is_whole: bool,
}

impl Message {
    fn read(bytes: &[u8], is_request: bool) -> Result<Message> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.context("a message has no end of headers")?;
        let (head, rest) = bytes.split_at(end + 4);
        let head = String::from_utf8_lossy(head);
        let mut lines = head.lines();
        let first_line = lines.next().unwrap_or("").to_owned();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let header = |wanted: &str| {
            let mut found = headers.iter().filter(|(name, _)| name == wanted);
            found.next().map(|(_, value)| value.as_str())
        };
        let (body, taken, is_whole) = if header("transfer-encoding") == Some("chunked") {
            unchunked(rest)
        } else if let Some(length) = header("content-length").and_then(|text| text.parse().ok()) {
            let body = rest.get(..length).unwrap_or(rest);
            (body.to_vec(), body.len(), body.len() == length)
        } else if is_request {
            (Vec::new(), 0, true)
        } else {
            (rest.to_vec(), rest.len(), true)
        };
        Ok(Message {
            first_line,
            length: end + 4 + taken,
            headers,
            body,
            is_whole,
        })
    }
}

/// The body, how many bytes it took, and whether its end came.
fn unchunked(bytes: &[u8]) -> (Vec<u8>, usize, bool) {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(line) = rest.windows(2).position(|two| two == b"\r\n") else {
            return (body, bytes.len(), false);
        };
        let size = String::from_utf8_lossy(rest.get(..line).unwrap_or_default());
        let size = usize::from_str_radix(size.split(';').next().unwrap_or("").trim(), 16);
        let Ok(size) = size else {
            return (body, bytes.len(), false);
        };
        let chunk = rest.get(line + 2..line + 2 + size);
        let Some(chunk) = chunk else {
            body.extend_from_slice(rest.get(line + 2..).unwrap_or_default());
            return (body, bytes.len(), false);
        };
        body.extend_from_slice(chunk);
        at += line + 2 + size + 2;
        if size == 0 {
            return (body, at, true);
        }
    }
}
