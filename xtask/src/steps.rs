//! A command as a list of steps: what each does, how long it took, and a summary that says what failed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::workspace;

/// How many tests a step ran.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tests {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed.
    pub failed: usize,
}

impl Tests {
    /// One test that passed.
    pub const ONE: Tests = Tests {
        passed: 1,
        failed: 0,
    };

    /// Some tests that passed.
    pub const fn passed(passed: usize) -> Tests {
        Tests { passed, failed: 0 }
    }
}

/// Where a step of a command keeps the output of what it runs.
pub fn log(command: &str, step: &str) -> PathBuf {
    let name: String = step
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    workspace::target()
        .join("xtask")
        .join(command)
        .join(format!("{name}.log"))
}

/// The steps of one command.
#[derive(Debug)]
pub struct Steps {
    command: &'static str,
    done: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    name: String,
    took: Duration,
    tests: Tests,
    failed: bool,
}

impl Steps {
    /// No step yet.
    pub const fn new(command: &'static str) -> Steps {
        Steps {
            command,
            done: Vec::new(),
        }
    }

    /// Where a step keeps the output of what it runs.
    pub fn log(&self, step: &str) -> PathBuf {
        log(self.command, step)
    }

    /// Runs a step. Its failure is printed, and fails the command at the end; the other steps run all the same.
    pub fn run(&mut self, name: &str, work: impl FnOnce(&Steps) -> Result<Tests>) {
        println!("── {name}");
        let start = Instant::now();
        let outcome = work(self);
        let took = start.elapsed();
        let (tests, failed) = match outcome {
            Ok(tests) => (tests, tests.failed > 0),
            Err(error) => {
                println!("{error:#}");
                (
                    Tests {
                        passed: 0,
                        failed: 1,
                    },
                    true,
                )
            }
        };
        println!(
            "   {} in {:.1} s",
            if failed { "FAILED" } else { "ok" },
            took.as_secs_f32()
        );
        self.done.push(Step {
            name: name.to_owned(),
            took,
            tests,
            failed,
        });
    }

    /// Prints the summary, and the closing line with the number of tests.
    ///
    /// # Errors
    /// When a step failed.
    pub fn finish(&self) -> Result<()> {
        println!("\n{:<58} {:>8} {:>8}", self.command, "tests", "seconds");
        for step in &self.done {
            let mark = if step.failed { "FAILED " } else { "" };
            let name = format!("{mark}{}", step.name);
            println!(
                "{name:<58} {:>8} {:>8.1}",
                step.tests.passed + step.tests.failed,
                step.took.as_secs_f32()
            );
        }
        let passed: usize = self.done.iter().map(|step| step.tests.passed).sum();
        let failed: usize = self.done.iter().map(|step| step.tests.failed).sum();
        println!("\n{passed} passed, {failed} failed");
        let broken: Vec<&str> = self
            .done
            .iter()
            .filter(|step| step.failed)
            .map(|step| &*step.name)
            .collect();
        if !broken.is_empty() {
            bail!("failed: {}", broken.join("; "));
        }
        Ok(())
    }
}
