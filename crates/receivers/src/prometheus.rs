//! `prometheus`: scrapes targets as Prometheus does: text, OpenMetrics and protobuf, with native histograms.
//!
//! Configuration is the Collector's: a Prometheus configuration under `config`, of which `global`, `scrape_configs` with
//! static and file discovery, relabelling, credentials and TLS are here; what is not is refused by name. Each scrape is one
//! batch with its own resource (`service.name` is the job, `service.instance.id` the target), the series `up` and
//! `scrape_*`, and a stale marker for every series that is gone.
//! [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/receiver/prometheusreceiver),
//! [mapping](https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/).

mod config;
mod exposition;
mod native;
mod otlp;
mod relabel;
mod scrape;
mod targets;

use fanlight_config::{ConfigError, Node};
use fanlight_otlp::{Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Inlet, Receiver, ReceiverConfig, ReceiverKind, Stop,
};
use futures::future::BoxFuture;
use tokio::task::JoinSet;

use self::config::{Keys, ScrapeConfig};
use self::scrape::Job;

/// The component type.
pub(crate) static KIND: ReceiverKind = ReceiverKind {
    name: "prometheus",
    aliases: &[],
    about: "Metrics of targets that it scrapes, by Prometheus' scrape_configs.",
    sample: "config:\n  scrape_configs:\n    - job_name: node\n      scrape_interval: 15s\n      static_configs:\n        - targets: [localhost:9100]",
    decode,
};

/// A checked configuration.
#[derive(Debug)]
struct Prometheus {
    jobs: Vec<ScrapeConfig>,
}

fn decode(node: &Node) -> Result<Box<dyn ReceiverConfig>, ConfigError> {
    let keys: Keys = node.decode()?;
    let jobs = keys.jobs().map_err(|why| node.error_at("config", why))?;
    Ok(Box::new(Prometheus { jobs }))
}

impl ReceiverConfig for Prometheus {
    fn signals(&self) -> SignalSet {
        SignalSet::of(&[Signal::Metrics])
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Receiver>, BuildError> {
        let jobs = self.jobs.iter().map(|job| Job::new(job.clone(), context));
        Ok(Box::new(Scraper {
            jobs: jobs.collect::<Result<_, _>>()?,
        }))
    }
}

/// Built: nothing is connected yet.
struct Scraper {
    jobs: Vec<Job>,
}

impl Receiver for Scraper {
    fn run(self: Box<Self>, out: Inlet, stop: Stop) -> BoxFuture<'static, Result<(), BuildError>> {
        Box::pin(async move {
            let mut running = JoinSet::new();
            for job in self.jobs {
                running.spawn(job.run(out.clone(), stop.clone()));
            }
            while running.join_next().await.is_some() {}
            stop.requested().await;
            Ok(())
        })
    }
}
