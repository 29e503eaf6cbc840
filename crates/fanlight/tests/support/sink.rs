//! A backend for tests: it records what it is sent, and answers as told.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test that can't go on fails; several test programs use this"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use fanlight_otlp::{Batch, Signal};

/// What was sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Decompressed.
    pub body: Vec<u8>,
    pub at: Instant,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name)?;
        Some(&found.1)
    }

    /// The request as what it must be: OTLP of the signal that the path ends with.
    pub fn batch(&self) -> Batch {
        let is_of = |signal: &Signal| self.path.ends_with(signal.info().http_path);
        let signal = Signal::ALL.into_iter().find(is_of).expect("a path of OTLP");
        Batch::decode(signal, self.body.clone().into()).expect("OTLP in protobuf")
    }
}

/// What the backend does with a request.
#[derive(Clone, Debug)]
pub enum Response {
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// An answer that takes its time.
    Slow(Duration, u16),
    /// No answer, ever.
    Hang,
    /// The connection is closed.
    Reset,
}

impl Response {
    pub fn status(status: u16) -> Response {
        Response::Answer(status, Vec::new(), Vec::new())
    }
}

type Script = Box<dyn Fn(&Request) -> Response + Send + Sync>;

/// The backend, on a port of its own until it is dropped.
pub struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    script: Mutex<Script>,
    requests: Mutex<Vec<Request>>,
    has_more: Condvar,
    connections: Mutex<Vec<TcpStream>>,
    is_stopped: AtomicBool,
}

impl Sink {
    /// A backend that takes everything.
    pub fn start() -> Sink {
        Sink::start_at("127.0.0.1:0".parse().unwrap())
    }

    /// As [`Sink::start`], at an address where perhaps one was before.
    pub fn start_at(address: SocketAddr) -> Sink {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::new(Box::new(|_| Response::status(200))),
            requests: Mutex::default(),
            has_more: Condvar::new(),
            connections: Mutex::default(),
            is_stopped: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if accepting.is_stopped.load(Ordering::SeqCst) {
                    return;
                }
                let mut open = accepting.connections.lock().unwrap();
                open.push(connection.try_clone().unwrap());
                drop(open);
                let serving = Arc::clone(&accepting);
                std::thread::spawn(move || serving.serve(connection));
            }
        });
        Sink { address, shared }
    }

    /// An address where nobody listens.
    pub fn nowhere() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    }

    /// From now on, requests are answered so.
    pub fn answer(&self, script: impl Fn(&Request) -> Response + Send + Sync + 'static) {
        *self.shared.script.lock().unwrap() = Box::new(script);
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:port` and a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Every request so far, in the order in which they were whole.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Waits for so many requests. Fails after ten seconds.
    pub fn wait_for(&self, count: usize) -> Vec<Request> {
        let requests = self.shared.requests.lock().unwrap();
        let limit = Duration::from_secs(10);
        let waited = self
            .shared
            .has_more
            .wait_timeout_while(requests, limit, |it| it.len() < count);
        let requests = waited.unwrap().0.clone();
        assert!(requests.len() >= count, "{count} requests: {requests:#?}");
        requests
    }

    /// Spans, log records or data points in the requests of a signal, whatever was answered.
    pub fn items(&self, signal: Signal) -> usize {
        let requests = self.requests();
        let batches = requests.iter().map(Request::batch);
        batches
            .filter(|batch| batch.signal() == signal)
            .map(|batch| batch.items())
            .sum()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        for connection in self.shared.connections.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn serve(&self, mut connection: TcpStream) {
        let mut reader = BufReader::new(connection.try_clone().unwrap());
        while let Some(request) = read(&mut reader) {
            let response = (self.script.lock().unwrap())(&request);
            self.requests.lock().unwrap().push(request);
            self.has_more.notify_all();
            let (status, headers, body) = match response {
                Response::Answer(status, headers, body) => (status, headers, body),
                Response::Slow(delay, status) => {
                    std::thread::sleep(delay);
                    (status, Vec::new(), Vec::new())
                }
                // Until the other side gives up, or the sink is dropped.
                Response::Hang => {
                    let _ = reader.read(&mut [0]);
                    return;
                }
                Response::Reset => break,
            };
            let mut head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("\r\n");
            let sent = connection.write_all(&[head.as_bytes(), &body].concat());
            if sent.is_err() {
                return;
            }
        }
        let _ = connection.shutdown(Shutdown::Both);
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|length| *length > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request {
        method,
        path,
        headers,
        body: Vec::new(),
        at: Instant::now(),
    };
    let length = request.header("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body = match request.header("content-encoding") {
        Some("gzip") => {
            let mut plain = Vec::new();
            let mut decoder = flate2::read::GzDecoder::new(body.as_slice());
            decoder.read_to_end(&mut plain).expect("gzip");
            plain
        }
        Some(other) => panic!("unexpected encoding {other}"),
        None => body,
    };
    Some(request)
}
