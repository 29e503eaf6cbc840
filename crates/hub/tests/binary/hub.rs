//! A hub as a child process on free ports, and a small HTTP client.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A running hub; killed when dropped.
pub struct Hub {
    child: Child,
    /// The start-up summary.
    pub summary: String,
    pub directory: tempfile::TempDir,
    log: Arc<Mutex<String>>,
}

/// The command, with nothing of this machine's environment that could matter.
pub fn fanlight(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanlight"));
    command
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("NO_COLOR", "1")
        .args(arguments);
    command
}

/// Runs a command that ends by itself.
pub fn run(command: &mut Command) -> Output {
    command.output().expect("the binary runs")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Free ports for everything.
pub const FREE: [&str; 10] = [
    "--otlp-grpc",
    "127.0.0.1:0",
    "--otlp-http",
    "127.0.0.1:0",
    "--dashboard",
    "127.0.0.1:0",
    "--metrics",
    "127.0.0.1:0",
    "--proxy",
    "127.0.0.1:0",
];

impl Hub {
    /// A hub without a file, on free ports.
    pub fn start(variables: &[(&str, &str)]) -> Hub {
        Hub::start_in(tempfile::tempdir().unwrap(), &FREE, variables)
    }

    /// A hub with a configuration, on free ports.
    pub fn with_config(yaml: &str) -> Hub {
        Hub::with_config_in(tempfile::tempdir().unwrap(), yaml)
    }

    /// A hub with a configuration, on the data of an earlier one.
    pub fn with_config_in(directory: tempfile::TempDir, yaml: &str) -> Hub {
        Hub::with_config_and(directory, yaml, &[])
    }

    /// The same with variables of the environment.
    pub fn with_config_and(
        directory: tempfile::TempDir,
        yaml: &str,
        variables: &[(&str, &str)],
    ) -> Hub {
        let file = directory.path().join("hub.yaml");
        std::fs::write(&file, yaml).unwrap();
        let file = file.display().to_string();
        Hub::start_in(
            directory,
            &[
                "--config",
                &file,
                "--metrics",
                "127.0.0.1:0",
                "--proxy",
                "off",
            ],
            variables,
        )
    }

    /// A hub with these arguments.
    pub fn start_in(
        directory: tempfile::TempDir,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Hub {
        let mut command = fanlight(arguments);
        command.arg("--data-dir").arg(directory.path().join("data"));
        command
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let log = Arc::<Mutex<String>>::default();
        let (kept, lines) = (log.clone(), BufReader::new(child.stderr.take().unwrap()));
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                eprintln!("{line}");
                kept.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut summary = String::new();
        while !summary.contains("  Try ") {
            assert_ne!(
                lines.read_line(&mut summary).unwrap(),
                0,
                "the hub ended: {summary}"
            );
        }
        // The rest of its output is read and thrown away, so that it never waits for a reader.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Hub {
            child,
            summary,
            directory,
            log,
        }
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// One of its own metrics, of the only series that has this exporter; 0 where there is none.
    pub fn metric(&self, name: &str, exporter: &str) -> u64 {
        let (_, page) = get(self.address("Metrics"), "/metrics");
        let start = format!("{name}{{exporter=\"{exporter}\"}} ");
        let value = page.lines().find_map(|line| line.strip_prefix(&start));
        value.map_or(0, |value| value.parse().unwrap())
    }

    /// The address on the summary's line that holds this text.
    pub fn address(&self, line: &str) -> SocketAddr {
        let line = self
            .summary
            .lines()
            .find(|text| text.contains(line))
            .expect(line);
        let start = line.find("127.0.0.1:").expect(line);
        let address: String = line[start..]
            .chars()
            .take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':'))
            .collect();
        address.parse().expect(&address)
    }

    /// Where it takes OTLP/HTTP.
    pub fn otlp(&self) -> SocketAddr {
        self.address("OTLP/HTTP")
    }

    /// The dashboard's API.
    pub fn api(&self, path: &str) -> Value {
        let (status, body) = get(self.address("Dashboard"), path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Waits until the API answers as wanted.
    pub fn api_until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.api(path);
            if wanted(&answer) {
                return answer;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "{path} still answers {answer}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The directory of its data, as an argument of commands that ask it.
    pub fn data_dir(&self) -> String {
        self.directory.path().join("data").display().to_string()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([name, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "the hub does not stop"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it as a crash would, and keeps its data.
    pub fn crash(mut self) -> tempfile::TempDir {
        self.signal("-KILL");
        self.wait();
        std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap())
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request; its status, head and body.
pub fn request(to: SocketAddr, head: &str, body: &[u8]) -> (u16, String, String) {
    let head = format!(
        "{head}\r\nHost: {to}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    exchange(to, head.as_bytes(), body)
}

/// A request as it stands; its status and body.
pub fn raw(to: SocketAddr, request: &str) -> (u16, String) {
    let (status, _, body) = exchange(to, request.as_bytes(), b"");
    (status, body)
}

fn exchange(to: SocketAddr, head: &[u8], body: &[u8]) -> (u16, String, String) {
    let mut socket = TcpStream::connect(to).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    socket.write_all(head).unwrap();
    // A server may refuse before it has read everything.
    let _ = socket.write_all(body);
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    let answer = text(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

pub fn get(to: SocketAddr, path: &str) -> (u16, String) {
    let (status, _, body) = request(to, &format!("GET {path} HTTP/1.1"), b"");
    (status, body)
}

/// Sends OTLP/JSON and expects it to be taken.
pub fn post(to: SocketAddr, path: &str, json: &str) {
    let head = format!("POST {path} HTTP/1.1\r\nContent-Type: application/json");
    let (status, _, body) = request(to, &head, json.as_bytes());
    assert_eq!(status, 200, "{body}");
}

/// A request with one span.
pub fn span(number: u64, name: &str) -> String {
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},
        "scopeSpans":[{{"spans":[{{"name":"{name}","traceId":"{:032x}","spanId":"{:016x}",
        "startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000025000000"}}]}}]}}]}}"#,
        number + 1,
        number + 1
    )
}
