//! The dashboard's port: the page and its API, and OTLP/HTTP beside them, on one socket.

use std::sync::Arc;
use std::time::Duration;

use fanlight_config::blocks::HttpServer;
use fanlight_dashboard::{self as page, Guard, Refusal};
use fanlight_net::Body;
use fanlight_net::http::{Drain, Handler, Server, Tower};
use fanlight_net::intake::{Intake, Limits};
use fanlight_net::status::{BodyFormat, Code, Failure};
use fanlight_otlp::Batch;
use fanlight_pipeline::{
    BuildContext, BuildError, Inlet, Listening, Peer, Receiver, ReceiverConfig, Stop,
};
use fanlight_receivers::HttpHandler;
use fanlight_store::Store;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};

use crate::hub_status::HubStatus;
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
            access: config.settings.access,
            intake: Some(Arc::new(Pipelines(out.clone()))),
            closing: async move { stopping.requested().await }.boxed().shared(),
        };
        let guard = page::Guard::new(&options);
        let router = page::router(config.store, config.status, options);
        let limits = Limits::of_size(usize::try_from(limits).unwrap_or(usize::MAX));
        let handler = HttpHandler::new(out, Intake::default(), limits, None)
            .with_fallback(Arc::new(Tower(router)));
        Box::pin(server.serve(Arc::new(Port { guard, handler }), stop))
    }
}

/// The pipelines, for spans that come in LLMFlow's words.
struct Pipelines(Inlet);

impl page::Intake for Pipelines {
    fn take(&self, batch: Batch) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            let taken = self.0.offer(batch, "llmflow").await;
            taken.map(drop).map_err(Failure::from)
        })
    }
}

/// Everything that the port answers. The page's routes have the guard themselves; OTLP gets it here.
struct Port {
    guard: Guard,
    handler: HttpHandler,
}

impl Handler for Port {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        if self.handler.signal_of(request.uri().path()).is_none() {
            return self.handler.handle(request);
        }
        match self.guard.admit(request.uri(), request.headers()) {
            Ok(()) => self.handler.handle(request),
            Err(refusal) => {
                let answer = refused(&refusal).to_http(format_of(&request));
                Box::pin(std::future::ready(answer))
            }
        }
    }
}

/// A refusal in OTLP's form.
fn refused(refusal: &Refusal) -> Failure {
    let is_unknown = refusal.status() == StatusCode::UNAUTHORIZED;
    Failure {
        status: refusal.status(),
        code: match is_unknown {
            true => Code::Unauthenticated,
            false => Code::PermissionDenied,
        },
        challenge: is_unknown.then_some("Bearer"),
        message: refusal.text(),
        ..Failure::bad_request("")
    }
}

fn format_of(request: &Request<Body>) -> BodyFormat {
    let named = request.headers().get(CONTENT_TYPE);
    named
        .and_then(|named| BodyFormat::from_content_type(named.to_str().ok()?))
        .unwrap_or(BodyFormat::Json)
}
