//! Providers of language models that answer as fast as asked to, for a proxy to stand in front of.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use fanlight_config::ListenAddress;
use fanlight_testkit::fakes::llm::{Options as Behaviour, Providers, Wishes};

/// What is to be answered, and when.
#[derive(Args)]
pub(crate) struct Options {
    /// The port of 127.0.0.1 to listen on.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Milliseconds before an answer begins.
    #[arg(long, default_value_t = 0)]
    delay: u64,
    /// In how many pieces a text is streamed; one a word when left out.
    #[arg(long, default_value_t = 0)]
    chunks: usize,
    /// Milliseconds between the frames of a stream.
    #[arg(long, default_value_t = 0)]
    pace: u64,
    /// How long an answer's text is, in bytes; a sentence when left out.
    #[arg(long, default_value_t = 0)]
    size: usize,
    /// Keep every request, for `GET /_requests`.
    #[arg(long)]
    keep: bool,
}

/// Answers until killed.
pub(crate) async fn run(options: Options) -> Result<()> {
    let providers = Providers::start_with(Behaviour {
        endpoint: Some(ListenAddress::new("127.0.0.1", options.port)),
        wishes: Wishes {
            delay: Duration::from_millis(options.delay),
            chunks: options.chunks,
            pace: Duration::from_millis(options.pace),
            size: options.size,
            ..Wishes::default()
        },
        forgets: !options.keep,
    });
    println!("{}", providers.address);
    std::future::pending::<()>().await;
    Ok(())
}
