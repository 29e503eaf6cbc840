//! The hub: the graph with what stands beside it (store, dashboard, status page).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fanlight_config::blocks::HttpServer;
use fanlight_config::{ComponentId, ConfigError, Environment, ListenAddress};
use fanlight_dashboard::Access;
use fanlight_net::http::Server;
use fanlight_pipeline::{
    Additions, BuildError, ExporterConfig, Host, ReceiverConfig, Running, StartError, Status, Stop,
    Stopper,
};
use fanlight_store::{Store, StoreConfig};

use crate::address::AddressFile;
use crate::cli::ServeArgs;
use crate::dashboard::DashboardReceiver;
use crate::hub_status::HubStatus;
use crate::report::{self, Summary};
use crate::sources::{Sources, Unusable};
use crate::status_page::StatusPage;
use crate::{data_dir, graph, llm};

/// What the hub calls itself in requests.
pub(crate) const USER_AGENT: &str = concat!("fanlight/", env!("CARGO_PKG_VERSION"));

/// A running hub.
pub(crate) struct Hub {
    /// The graph.
    pub running: Running,
    status: Arc<HubStatus>,
    sources: Sources,
    metrics: Option<StatusServer>,
    home: Option<String>,
    _address: Option<AddressFile>,
}

/// The server of the metrics and health pages. It stands beside the graph and tells of its end, too.
struct StatusServer {
    address: SocketAddr,
    _stopper: Stopper,
}

/// The hub can't start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HubError {
    /// The configuration can't be used.
    #[error("the configuration can't be used")]
    Config(Unusable),
    /// A component of the graph can't start.
    #[error(transparent)]
    Start(StartError),
    /// Something beside the graph can't start.
    #[error("{what} can't start")]
    Part {
        /// What.
        what: &'static str,
        /// Why.
        #[source]
        error: BuildError,
    },
}

impl Hub {
    /// Opens everything and starts. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Says what can't start and what to do about it.
    pub(crate) fn start(
        mut sources: Sources,
        args: &ServeArgs,
        environment: &Environment,
        status: Status,
    ) -> Result<Hub, HubError> {
        let directory = data_dir::choose(args.config.data_dir.as_deref(), environment);
        let part = |what, error| HubError::Part { what, error };
        data_dir::make(&directory).map_err(|error| {
            let error =
                BuildError::new(format!("{} can't be made", directory.display())).because(error);
            part(
                "the data directory",
                error.hint("name another one with --data-dir"),
            )
        })?;
        let store_config = store_config(&sources)
            .map_err(|error| HubError::Config(Unusable::of(error, &sources)))?;
        let store = store_config.as_ref();
        let store = store
            .map(|config| open_store(config, &directory))
            .transpose()
            .map_err(|error| part("the store", error))?;
        let shared = Arc::new(HubStatus::new(status.clone(), &directory));
        leave_proxy_to_others(&mut sources);
        let plan = graph::plan(&mut sources, |sources| {
            additions(sources, store_config.clone(), store.clone(), &shared)
        })
        .map_err(HubError::Config)?;
        let metrics = sources.settings.metrics.as_ref().map(bind_status);
        let metrics = metrics
            .transpose()
            .map_err(|error| part("the metrics page", error))?;
        let destinations = plan
            .destinations()
            .map(|(id, destination, _)| (id.clone(), destination.text));
        let destinations: Vec<(ComponentId, String)> = destinations.collect();
        let running = plan
            .start(&Host {
                data_dir: directory,
                user_agent: USER_AGENT,
                status: status.clone(),
            })
            .map_err(HubError::Start)?;
        // Who asks before now waits for the answer, and whoever hears that the hub is well can send to it.
        let metrics = metrics.map(|server| serve_status(server, &status));
        let with_origins = destinations.into_iter().map(|(id, text)| {
            let origin = sources.loaded.origin(&id);
            (id, text, origin)
        });
        shared.started(
            with_origins.collect(),
            running.listening().to_vec(),
            running.probes(),
        );
        let home = environment.non_empty("HOME").map(str::to_owned);
        let address = write_address(&running, shared.data_dir());
        Ok(Hub {
            _address: address,
            running,
            status: shared,
            sources,
            metrics,
            home,
        })
    }

    /// What the terminal shows once the hub runs.
    pub(crate) fn summary(&self, took: Duration) -> Summary {
        let home = self.home.as_deref();
        let is_dashboard = |id: &ComponentId| *id == ComponentId::of(DashboardReceiver::ID);
        let listening = self.running.listening();
        let receiving =
            listening
                .iter()
                .filter(|(id, _)| !is_dashboard(id))
                .map(|(id, listening)| {
                    let tls = if listening.tls { " (TLS)" } else { "" };
                    (
                        listening.protocol.to_owned(),
                        format!("{}{tls}", listening.address),
                        id.to_string(),
                    )
                });
        let dashboard = listening
            .iter()
            .find(|(id, _)| is_dashboard(id))
            .map(|(_, listening)| listening.address);
        let sending = self
            .status
            .destinations()
            .into_iter()
            .map(|(id, text, origin)| (id, report::shorten_home(&text, home), origin));
        let first_http = listening
            .iter()
            .find(|(id, l)| l.protocol == "OTLP/HTTP" && !is_dashboard(id));
        let base = first_http
            .map(|(_, listening)| listening.address)
            .or(dashboard);
        Summary {
            took,
            receiving: receiving.collect(),
            dashboard: match dashboard {
                Some(address) => self.dashboard_line(address),
                None => self.sources.settings.dashboard_off.to_owned(),
            },
            metrics: self.metrics.as_ref().map(|server| {
                format!("http://{}/metrics  (and /healthz, /readyz)", server.address)
            }),
            sending: sending.collect(),
            data: report::short(self.status.data_dir(), home),
            notes: self.sources.loaded.notes.clone(),
            next: match base {
                Some(address) => format!("OTEL_EXPORTER_OTLP_ENDPOINT=http://{address} your-app"),
                None => "fanlight check --send".to_owned(),
            },
        }
    }
}

impl Hub {
    /// Where the dashboard is; with a token, the link that signs a browser in once.
    fn dashboard_line(&self, address: SocketAddr) -> String {
        let dashboard = self.sources.settings.dashboard.as_ref();
        let access = dashboard.and_then(|dashboard| dashboard.access.as_ref());
        match access.and_then(Access::one_time_path) {
            Some(path) => {
                let address = reachable(address);
                format!("http://{address}{path}  (signs one browser in, once; takes OTLP/HTTP too)")
            }
            None => format!("http://{address}  (takes OTLP/HTTP too)"),
        }
    }
}

/// Writes down where the dashboard is, if there is one.
fn write_address(running: &Running, directory: &Path) -> Option<AddressFile> {
    let dashboard = ComponentId::of(DashboardReceiver::ID);
    let mut listening = running.listening().iter();
    let (_, listening) = listening.find(|(id, _)| *id == dashboard)?;
    AddressFile::write(directory, reachable(listening.address))
}

/// An address that a browser on this machine can open.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, address.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, address.port()).into(),
        _ => address,
    }
}

fn open_store(config: &StoreConfig, directory: &Path) -> Result<Store, BuildError> {
    Store::open(&config.options(directory))
        .map_err(|error| BuildError::new("the database can't be opened").because(error))
}

/// The store's configuration; none where the store is off.
fn store_config(sources: &Sources) -> Result<Option<StoreConfig>, ConfigError> {
    sources
        .settings
        .store
        .as_ref()
        .map(StoreConfig::decode)
        .transpose()
}

/// What the hub adds to the graph: its store as an exporter, and its dashboard as a receiver.
fn additions(
    sources: &Sources,
    store_config: Option<StoreConfig>,
    store: Option<Store>,
    status: &Arc<HubStatus>,
) -> Result<Additions, ConfigError> {
    let mut additions = proxy(sources)?;
    if let (Some(config), Some(store)) = (store_config, store) {
        let exporter: Box<dyn ExporterConfig> = Box::new(config.with(store.clone()));
        additions
            .exporters
            .push((ComponentId::of("store"), exporter));
        if let Some(dashboard) = &sources.settings.dashboard {
            let receiver = DashboardReceiver::new(dashboard.clone(), store, Arc::clone(status));
            let receiver: Box<dyn ReceiverConfig> = Box::new(receiver);
            additions
                .receivers
                .push((ComponentId::of(DashboardReceiver::ID), receiver));
        }
    }
    Ok(additions)
}

/// Does without a proxy that nobody asked for, if its address is another program's.
fn leave_proxy_to_others(sources: &mut Sources) {
    let settings = &mut sources.settings;
    if settings.proxy_is_asked_for || settings.proxy.is_none() {
        return;
    }
    if let Some(note) = llm::other_program() {
        settings.proxy = None;
        sources.loaded.notes.push(note);
    }
}

/// The LLM proxy as a receiver, where there is one.
fn proxy(sources: &Sources) -> Result<Additions, ConfigError> {
    let mut additions = Additions::default();
    if let Some(node) = &sources.settings.proxy {
        additions.receivers.push(llm::receiver(node)?);
    }
    Ok(additions)
}

/// What a check adds in place of what the hub would: nothing of it is opened.
///
/// # Errors
/// When the `store` or the `llm` section can't be read.
pub(crate) fn unopened_additions(sources: &Sources) -> Result<Additions, ConfigError> {
    let mut additions = proxy(sources)?;
    if let Some(config) = store_config(sources)? {
        additions
            .exporters
            .push((ComponentId::of("store"), Box::new(config)));
    }
    Ok(additions)
}

fn bind_status(address: &ListenAddress) -> Result<Server, BuildError> {
    Server::http(
        &HttpServer::default(),
        address,
        "service.telemetry.metrics.address (or --metrics)",
    )
}

fn serve_status(server: Server, status: &Status) -> StatusServer {
    let (stopper, stop) = Stop::new();
    let address = server.address();
    let page = Arc::new(StatusPage(status.clone()));
    tokio::spawn(async move {
        if let Err(error) = server.serve(page, stop).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the metrics page is gone"
            );
        }
    });
    StatusServer {
        address,
        _stopper: stopper,
    }
}
