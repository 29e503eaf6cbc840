//! The command itself. It stays in the terminal's foreground, in this process' group, so that it can read keys, and ctrl-C,
//! ctrl-Z and the window's size reach it from the terminal directly.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus};

use rustix::process::{Pid, Signal, getpgrp, kill_process};
use rustix::termios::tcgetpgrp;
use tokio::process::{Child, Command};
use tokio::signal::unix::{self, SignalKind};

use super::TOKEN;
use super::variables::Variables;
use crate::report;

/// Runs the command to its end.
pub(super) async fn run(
    program: &OsStr,
    arguments: &[OsString],
    variables: &Variables,
) -> ExitCode {
    // Caught before the command starts: from then on, a signal is its.
    let signals = match Signals::catch() {
        Ok(signals) => signals,
        Err(error) => return refused(program, &error),
    };
    let mut command = Command::new(program);
    command.args(arguments).env_remove(TOKEN);
    for name in &variables.unset {
        command.env_remove(name);
    }
    for (name, value) in &variables.set {
        command.env(name, value);
    }
    let status = match command.spawn() {
        Ok(child) => wait(child, signals).await,
        Err(error) => return refused(program, &error),
    };
    match status {
        Ok(status) => code(status),
        Err(error) => refused(program, &error),
    }
}

/// As shells have it.
fn refused(program: &OsStr, error: &std::io::Error) -> ExitCode {
    let message = format!("{} can't be run: {error}", program.display());
    report::error(&message, &[], None);
    match error.kind() {
        ErrorKind::NotFound => ExitCode::from(127),
        _ => ExitCode::from(126),
    }
}

/// The command's code, or as shells have it, 128 and the number of the signal that ended it.
fn code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// The signals that somebody may send to this process and mean the command.
struct Signals {
    interrupt: unix::Signal,
    quit: unix::Signal,
    terminate: unix::Signal,
    hang_up: unix::Signal,
    user_1: unix::Signal,
    user_2: unix::Signal,
}

impl Signals {
    fn catch() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: unix::signal(SignalKind::interrupt())?,
            quit: unix::signal(SignalKind::quit())?,
            terminate: unix::signal(SignalKind::terminate())?,
            hang_up: unix::signal(SignalKind::hangup())?,
            user_1: unix::signal(SignalKind::user_defined1())?,
            user_2: unix::signal(SignalKind::user_defined2())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.quit.recv() => Signal::QUIT,
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.hang_up.recv() => Signal::HUP,
            _ = self.user_1.recv() => Signal::USR1,
            _ = self.user_2.recv() => Signal::USR2,
        }
    }
}

async fn wait(mut child: Child, mut signals: Signals) -> std::io::Result<ExitStatus> {
    loop {
        let signal = tokio::select! {
            status = child.wait() => return status,
            signal = signals.next() => signal,
        };
        let is_key = signal == Signal::INT || signal == Signal::QUIT;
        if is_key && is_in_foreground() {
            // The terminal sent it to the command as well; twice would mean something else to it.
            continue;
        }
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(id) = id.and_then(Pid::from_raw) {
            // A command that has just ended needs none.
            let _ = kill_process(id, signal);
        }
    }
}

/// Whether keys of a terminal reach this process' group.
fn is_in_foreground() -> bool {
    let Ok(terminal) = std::fs::File::open("/dev/tty") else {
        return false;
    };
    tcgetpgrp(&terminal).is_ok_and(|group| group == getpgrp())
}
