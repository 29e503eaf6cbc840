//! Child processes: to their end with their output kept, or in the background and ended with their owner.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How many of its last lines an error shows of a log.
const LINES_SHOWN: usize = 60;
/// No single command takes longer than this.
const LIMIT: Duration = Duration::from_secs(45 * 60);

/// Runs a command to its end, with all its output in a log, and returns that output.
///
/// # Errors
/// When it can't be started, fails or takes too long; the error carries the last lines of the log.
pub fn run(command: &mut Command, log: &Path) -> Result<String> {
    run_within(command, log, LIMIT)
}

/// As [`run`], within a time.
///
/// # Errors
/// As [`run`].
pub fn run_within(command: &mut Command, log: &Path, limit: Duration) -> Result<String> {
    let (status, output) = finish(command, log, limit)?;
    if !status.success() {
        bail!(
            "{} ended with {status}\n{}",
            described(command),
            tail(&output)
        );
    }
    Ok(output)
}

/// Runs a command to its end whatever its exit status, and returns that status and all output.
///
/// # Errors
/// When it can't be started, or takes too long.
pub fn finish(command: &mut Command, log: &Path, limit: Duration) -> Result<(ExitStatus, String)> {
    let mut child = Background::spawn(command, log)?;
    let status = child.wait(limit)?;
    Ok((status, child.output()))
}

/// A command's program and arguments, for messages.
pub fn described(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The last lines of a log.
pub fn tail(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    let kept = lines
        .get(lines.len().saturating_sub(LINES_SHOWN)..)
        .unwrap_or_default();
    kept.join("\n")
}

/// A process in the background; it is killed when this is dropped.
#[derive(Debug)]
pub struct Background {
    child: Child,
    described: String,
    log: PathBuf,
}

impl Background {
    /// Starts a command, with all its output in a log.
    ///
    /// # Errors
    /// When the program is not there, or the log can't be written.
    pub fn spawn(command: &mut Command, log: &Path) -> Result<Background> {
        if let Some(directory) = log.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let out =
            File::create(log).with_context(|| format!("{} can't be written", log.display()))?;
        let described = described(command);
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn();
        let child = child.with_context(|| format!("{described} can't be started"))?;
        Ok(Background {
            child,
            described,
            log: log.to_path_buf(),
        })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has printed so far.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When the time is up; it is killed then.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                self.kill();
                bail!(
                    "{} did not end within {limit:?}\n{}",
                    self.described,
                    tail(&self.output())
                );
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// Fails when it has ended, with what it printed last.
    ///
    /// # Errors
    /// When it has ended.
    pub fn still_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!(
                "{} ended with {status}\n{}",
                self.described,
                tail(&self.output())
            ),
        }
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    ///
    /// # Errors
    /// When it takes longer than the limit.
    pub fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        Command::new("kill")
            .args(["-TERM", &self.id().to_string()])
            .status()?;
        self.wait(limit)
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A TCP port of the loopback interface that nobody listens on now.
///
/// # Errors
/// When the system has none.
pub fn free_port() -> Result<u16> {
    let [port] = free_ports()?;
    Ok(port)
}

/// Several of them, no two of which are the same.
///
/// # Errors
/// When the system has none.
pub fn free_ports<const COUNT: usize>() -> Result<[u16; COUNT]> {
    let mut ports = [0; COUNT];
    // All are held until the last is found: the system gives a port that was let go to the next who asks.
    let mut held = Vec::new();
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Waits until a check passes, and returns what it found.
///
/// # Errors
/// The check's last error, when the time is up.
pub fn eventually<T>(limit: Duration, mut check: impl FnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        match check() {
            Ok(found) => return Ok(found),
            Err(error) if Instant::now() > deadline => {
                return Err(error.context(format!("still so after {limit:?}")));
            }
            Err(_) => sleep(Duration::from_millis(50)),
        }
    }
}

/// Where a program is, if it is on the PATH.
pub fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates = std::env::split_paths(&path).map(|directory| directory.join(program));
    candidates.find(|candidate| candidate.is_file())
}
