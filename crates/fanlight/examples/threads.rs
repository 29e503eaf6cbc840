//! Counts primes in several threads, without any runtime. Each thread's span is a child of the one that started it.
//!
//! ```text
//! cargo run --example threads -- 1000000
//! ```
//!
//! Where the telemetry goes says the environment (`OTEL_EXPORTER_OTLP_ENDPOINT` and the like).

#![allow(clippy::print_stdout, reason = "it shows the result")]

use std::env;
use std::error::Error;
use std::ops::Range;
use std::thread;

use fanlight::Context;

/// How many threads share the work.
const THREADS: u64 = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let _fanlight = fanlight::configure().service_name("threads").start()?;
    let limit = match env::args().nth(1) {
        Some(limit) => limit.parse()?,
        None => 100_000,
    };
    println!("{} primes below {limit}", count_below(limit));
    Ok(())
}

#[fanlight::instrument("count primes below {limit}", args(limit), ret)]
fn count_below(limit: u64) -> u64 {
    // A thread starts outside of every span, so it is told whose child it is.
    let context = Context::current();
    let begin = |part| limit * part / THREADS;
    let parts = (0..THREADS).map(|part| begin(part)..begin(part + 1));
    thread::scope(|scope| {
        let running: Vec<_> = parts
            .map(|part| scope.spawn(move || count_in(part, context)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_default())
            .sum()
    })
}

#[fanlight::instrument("count from {start} to {end}", fields(start = numbers.start, end = numbers.end), ret, parent = context)]
fn count_in(numbers: Range<u64>, context: Option<Context>) -> u64 {
    let found = numbers.filter(|number| is_prime(*number)).count() as u64;
    fanlight::counter("primes.found").build().add(found, ());
    fanlight::info!("found {found}");
    found
}

fn is_prime(number: u64) -> bool {
    let mut divisors = (2..).take_while(|divisor| divisor * divisor <= number);
    number > 1 && !divisors.any(|divisor| number.is_multiple_of(divisor))
}
