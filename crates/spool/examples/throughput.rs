//! How fast records go in and out: `cargo run --release -p fanlight-spool --example throughput [DIRECTORY]`.
//!
//! Absolute figures depend on the disk, so beside them stands what plain writes to one file make on the same disk.
#![allow(clippy::print_stdout, reason = "it prints its result")]

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use fanlight_spool::{Options, Spool};

const SIZE: usize = 50_000;
const RECORDS: usize = 10_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args_os()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from)
        .join("spool-throughput");
    let record = vec![42; SIZE];
    std::fs::create_dir_all(&directory)?;
    let began = Instant::now();
    let mut file = std::fs::File::create(directory.join("plain"))?;
    for _ in 0..RECORDS {
        file.write_all(&record)?;
    }
    report("plain writes to one file", RECORDS, began);
    std::fs::remove_file(directory.join("plain"))?;

    let (spool, _) = Spool::open(
        directory.join("unsynced"),
        Options {
            sync: false,
            ..Options::default()
        },
    )?;
    let began = Instant::now();
    for _ in 0..RECORDS {
        spool.append(&[&record])?;
    }
    report("append, not synced", RECORDS, began);
    let began = Instant::now();
    while let Some(record) = spool.next()? {
        spool.ack(&[record.id])?;
    }
    report("next and ack", RECORDS, began);

    let (spool, _) = Spool::open(directory.join("synced"), Options::default())?;
    for threads in [1, 8, 64] {
        let each = 640 / threads;
        let began = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| (0..each).try_for_each(|_| spool.append(&[&record]).map(drop)));
            }
        });
        report(
            &format!("append, synced, {threads} threads"),
            threads * each,
            began,
        );
    }
    drop(spool);
    std::fs::remove_dir_all(&directory)?;
    Ok(())
}

fn report(what: &str, records: usize, began: Instant) {
    let seconds = began.elapsed().as_secs_f64();
    let megabytes = (records * SIZE) as f64 / 1e6;
    println!(
        "{what:32} {:8.0} MB/s {:8.0} records/s",
        megabytes / seconds,
        records as f64 / seconds
    );
}
