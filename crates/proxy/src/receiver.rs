//! The receiver: its socket is open; what comes is forwarded until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use fanlight_config::blocks::TlsClient;
use fanlight_net::http::{Dialer, Drain, Server};
use fanlight_pipeline::{BuildContext, BuildError, Inlet, Listening, Receiver, Stop};
use futures::future::BoxFuture;

use crate::address;
use crate::config::{Config, Keys};
use crate::forward::Forwarder;
use crate::guard::Guard;
use crate::page::Page;
use crate::record::{Recorder, Settings};
use crate::refusals::Refusals;
use crate::routes::Routes;
use crate::upstream::Pool;

/// How often unused connections are looked for.
const SWEEP: Duration = Duration::from_secs(10);

/// A proxy whose socket is open.
pub(crate) struct LlmProxy {
    server: Server,
    keys: Keys,
    routes: Routes,
    dialer: Dialer,
}

impl LlmProxy {
    /// Opens the socket.
    ///
    /// # Errors
    /// When the address can't be listened on, or a provider's base is the proxy itself.
    pub(crate) fn open(
        config: &Config,
        context: &BuildContext<'_>,
    ) -> Result<LlmProxy, BuildError> {
        let place = match context.id.name() {
            "" => "llm.endpoint (or --proxy, PROXY_PORT)".to_owned(),
            _ => format!("receivers.{}.endpoint", context.id),
        };
        let server = Server::http(&config.server(), &config.keys.endpoint, &place)?;
        if let Some(provider) = config.find_loop(server.address()) {
            let message = format!(
                "the base URL of provider `{}` is the proxy itself, so every call would go round for ever",
                provider.name
            );
            return Err(BuildError::new(message).hint(format!(
                "set llm.providers.{}.base_url to the provider's own address",
                provider.name
            )));
        }
        Ok(LlmProxy {
            server: server.with_drain(Drain(Duration::from_secs(5))),
            keys: config.keys.clone(),
            routes: config.routes()?,
            dialer: dialer(config.keys.upstream_tls.as_ref())?,
        })
    }
}

/// Opens connections with TLS as configured. Where nothing is, and the system has no certificates to check servers with,
/// plain hosts can still be reached.
fn dialer(tls: Option<&TlsClient>) -> Result<Dialer, BuildError> {
    if tls.is_some() {
        return Dialer::new(tls, address::may_be_reached);
    }
    Dialer::new(Some(&TlsClient::default()), address::may_be_reached).or_else(|error| {
        tracing::warn!(%error, "the LLM proxy reaches no provider over https");
        Dialer::new(None, address::may_be_reached)
    })
}

impl Receiver for LlmProxy {
    fn listening(&self) -> Vec<Listening> {
        vec![self.server.listening("LLM proxy")]
    }

    fn run(self: Box<Self>, out: Inlet, stop: Stop) -> BoxFuture<'static, Result<(), BuildError>> {
        let LlmProxy {
            server,
            keys,
            routes,
            dialer,
        } = *self;
        let refusals = Refusals::new(out.clone());
        let recorder = Recorder::new(
            Settings {
                service: keys.service_name,
                buffer_bytes: bytes(keys.recording_buffer.bytes()),
                body_bytes: bytes(keys.recorded_body.bytes()),
                text_bytes: bytes(keys.truncated_text.bytes()),
            },
            out,
        );
        let forwarder = Arc::new(Forwarder {
            guard: Guard::new(
                server.address(),
                &keys.allowed_hosts,
                keys.allowed_origins,
                keys.token,
            ),
            page: Page::new(server.address()),
            routes,
            pool: Pool::new(dialer),
            recorder: recorder.clone(),
            refusals,
            inject_usage: keys.inject_usage,
        });
        Box::pin(async move {
            let sweeping = sweep(Arc::clone(&forwarder));
            let served = tokio::select! {
                served = server.serve(forwarder, stop) => served,
                () = sweeping => Ok(()),
            };
            recorder.finish().await;
            served
        })
    }
}

/// Closes connections that nobody uses, for ever.
async fn sweep(forwarder: Arc<Forwarder>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        forwarder
            .routes
            .origins()
            .for_each(|origin| origin.forget_idle());
    }
}

fn bytes(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}
