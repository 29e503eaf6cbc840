//! The dashboard's port: the page and its API, and OTLP/HTTP beside them, on one socket.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fanlight_config::ComponentId;
use fanlight_config::blocks::HttpServer;
use fanlight_dashboard::{self as page, StatusSource};
use fanlight_net::http::{Drain, Server, Tower};
use fanlight_net::intake::{Intake, Limits};
use fanlight_pipeline::{
    BuildContext, BuildError, ExporterSnapshot, ExporterState, Inlet, Listening, Peer,
    PipelineSnapshot, Receiver, ReceiverConfig, Status, Stop,
};
use fanlight_receivers::HttpHandler;
use fanlight_store::Store;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::settings::Dashboard;

/// Streams of live updates end with the hub; what else is open has this long.
const DRAIN: Drain = Drain(Duration::from_secs(2));

/// A receiver that also serves the dashboard.
#[derive(Clone, Debug)]
pub(crate) struct DashboardReceiver {
    settings: Dashboard,
    store: Store,
    status: Arc<HubStatus>,
}

impl DashboardReceiver {
    /// Its component id.
    pub(crate) const ID: &'static str = "dashboard";

    /// A dashboard over a store.
    pub(crate) fn new(
        settings: Dashboard,
        store: Store,
        status: Arc<HubStatus>,
    ) -> DashboardReceiver {
        DashboardReceiver {
            settings,
            store,
            status,
        }
    }
}

impl ReceiverConfig for DashboardReceiver {
    fn endpoints(&self) -> Vec<Peer> {
        let endpoint = &self.settings.endpoint;
        vec![Peer {
            host: endpoint.host().to_owned(),
            port: endpoint.port(),
        }]
    }

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Receiver>, BuildError> {
        // The page's stream of live updates goes on for as long as the page is open.
        let block = HttpServer {
            write_timeout: Duration::ZERO,
            ..HttpServer::default()
        };
        let server = Server::http(
            &block,
            &self.settings.endpoint,
            "dashboard.endpoint (or --dashboard)",
        )?;
        Ok(Box::new(Built {
            config: self.clone(),
            limits: block.body_limit(),
            server: server.with_drain(DRAIN),
        }))
    }
}

/// Its socket is open.
struct Built {
    config: DashboardReceiver,
    limits: u64,
    server: Server,
}

impl Receiver for Built {
    fn listening(&self) -> Vec<Listening> {
        vec![self.server.listening("OTLP/HTTP")]
    }

    fn run(self: Box<Self>, out: Inlet, stop: Stop) -> BoxFuture<'static, Result<(), BuildError>> {
        let Built {
            config,
            limits,
            server,
        } = *self;
        let stopping = stop.clone();
        let options = page::Options {
            bound: Some(server.address()),
            allowed_hosts: config.settings.allowed_hosts,
            closing: async move { stopping.requested().await }.boxed().shared(),
        };
        let router = page::router(config.store, config.status, options);
        let limits = Limits::of_size(usize::try_from(limits).unwrap_or(usize::MAX));
        let handler = HttpHandler::new(out, Intake::default(), limits, None)
            .with_fallback(Arc::new(Tower(router)));
        Box::pin(server.serve(Arc::new(handler), stop))
    }
}

/// What the dashboard may know about the hub.
#[derive(Debug)]
pub(crate) struct HubStatus {
    status: Status,
    data_dir: PathBuf,
    started: OnceLock<Started>,
}

/// What is known once everything is open.
#[derive(Debug)]
struct Started {
    /// Id, destination and origin of each exporter.
    destinations: Vec<(ComponentId, String, String)>,
    listening: Vec<(ComponentId, Listening)>,
}

impl HubStatus {
    /// The status of a hub that is being started.
    pub(crate) fn new(status: Status, data_dir: &Path) -> HubStatus {
        HubStatus {
            status,
            data_dir: data_dir.to_owned(),
            started: OnceLock::new(),
        }
    }

    /// Everything is open now.
    pub(crate) fn started(
        &self,
        destinations: Vec<(ComponentId, String, String)>,
        listening: Vec<(ComponentId, Listening)>,
    ) {
        // A hub starts once.
        let _ = self.started.set(Started {
            destinations,
            listening,
        });
    }

    /// Where data is kept.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Id, destination and origin of each exporter.
    pub(crate) fn destinations(&self) -> Vec<(String, String, String)> {
        let started = self
            .started
            .get()
            .map(|started| started.destinations.as_slice())
            .unwrap_or_default();
        started
            .iter()
            .map(|(id, text, origin)| (id.to_string(), text.clone(), origin.clone()))
            .collect()
    }

    fn listeners(&self) -> Vec<page::Listener> {
        let listening = self
            .started
            .get()
            .map(|started| started.listening.as_slice())
            .unwrap_or_default();
        let listener = |(id, listening): &(ComponentId, Listening)| page::Listener {
            component: id.to_string(),
            protocol: listening.protocol.to_owned(),
            address: listening.address.to_string(),
            tls: listening.tls,
        };
        listening.iter().map(listener).collect()
    }

    fn exporter(&self, exporter: ExporterSnapshot) -> page::ExporterStatus {
        let from = self
            .destinations()
            .into_iter()
            .find(|(id, _, _)| *id == exporter.id)
            .map(|(_, _, from)| from);
        let total = |counts: &std::collections::BTreeMap<_, u64>| counts.values().sum();
        page::ExporterStatus {
            from: from.unwrap_or_default(),
            state: match exporter.state {
                ExporterState::Idle => page::ExporterState::Idle,
                ExporterState::Healthy => page::ExporterState::Healthy,
                ExporterState::Failing => page::ExporterState::Failing,
            },
            queue_size: exporter.queue_size,
            queue_capacity: exporter.queue_capacity,
            sent_items: total(&exporter.sent),
            failed_items: total(&exporter.send_failed),
            dropped_items: total(&exporter.enqueue_failed),
            id: exporter.id,
            destination: exporter.destination,
            last_error: exporter.last_error,
        }
    }
}

impl StatusSource for HubStatus {
    fn status(&self) -> page::Status {
        let snapshot = self.status.snapshot();
        let pipeline = |pipeline: PipelineSnapshot| page::PipelineStatus {
            id: pipeline.id,
            receivers: pipeline.receivers,
            processors: pipeline.processors,
            exporters: pipeline.exporters,
        };
        page::Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: snapshot.uptime.as_secs(),
            data_dir: self.data_dir.display().to_string(),
            listening: self.listeners(),
            exporters: snapshot
                .exporters
                .into_iter()
                .map(|exporter| self.exporter(exporter))
                .collect(),
            pipelines: snapshot.pipelines.into_iter().map(pipeline).collect(),
        }
    }
}
