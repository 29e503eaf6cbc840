//! All routes, behind the guard.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::middleware;
use axum::response::Response;
use fanlight_store::Store;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, pending};

use crate::access::{self, Access};
use crate::guard::{self, Guard};
use crate::intake::Intake;
use crate::status::StatusSource;
use crate::{api, embed, jaeger, llmflow, prometheus};

/// Everything comes from the hub itself, nothing is inlined, nobody may frame the page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// How the dashboard is served.
#[derive(Clone)]
pub struct Options {
    /// The address of its socket. When it is not a loopback address, any IP address is accepted as `Host`: a name is what
    /// DNS rebinding needs.
    pub bound: Option<SocketAddr>,
    /// Names, without port, under which it may be reached besides `localhost`.
    pub allowed_hosts: Vec<String>,
    /// Who may use it; none where everybody on this machine may.
    pub access: Option<Access>,
    /// Where spans go that come in other words than OTLP's, so that they are exported, too; to the store alone where there is
    /// none.
    pub intake: Option<Arc<dyn Intake>>,
    /// Resolves when the hub stops: open live streams end then, so that connections can be closed.
    pub closing: Shared<BoxFuture<'static, ()>>,
}

impl Default for Options {
    /// Loopback only; live streams never end by themselves.
    fn default() -> Options {
        Options {
            bound: None,
            allowed_hosts: Vec::new(),
            access: None,
            intake: None,
            closing: pending().boxed().shared(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("bound", &self.bound)
            .field("allowed_hosts", &self.allowed_hosts)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

/// What handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) status: Arc<dyn StatusSource>,
    pub(crate) intake: Option<Arc<dyn Intake>>,
    pub(crate) closing: Shared<BoxFuture<'static, ()>>,
}

/// The dashboard: API and page.
pub fn router(store: Store, status: Arc<dyn StatusSource>, options: Options) -> Router {
    let guard = Guard::new(&options);
    let sign_in = options.access.map(access::routes).unwrap_or_default();
    let app = App {
        store,
        status,
        intake: options.intake,
        closing: options.closing,
    };
    let llmflow = Router::new().nest("/api", llmflow::all());
    let instead = llmflow.clone().with_state(app.clone());
    Router::new()
        .merge(sign_in.with_state(()))
        .nest("/api", api::routes())
        .nest("/jaeger", jaeger::routes())
        .nest("/prometheus", prometheus::routes())
        .nest("/llmflow", llmflow.merge(llmflow::socket()))
        .merge(llmflow::socket())
        .fallback(embed::serve)
        .layer(middleware::from_fn_with_state(instead, llmflow::instead))
        .layer(middleware::from_fn_with_state(guard, guard::check))
        .layer(middleware::map_response(with_headers))
        .with_state(app)
}

/// Headers that every answer has.
async fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
