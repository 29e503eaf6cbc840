//! The local dashboard: HTTP API, live updates and the embedded page.
//!
//! [`router`] makes all of it, to be served by whoever owns the socket. It reads one [`Store`](fanlight_store::Store) and
//! asks one [`StatusSource`]. The [`Guard`] keeps other web sites out: the `Host` of every request must be one of ours (DNS
//! rebinding), and an `Origin` must be the page's own. With an [`Access`], every request needs its token, too.
//!
//! | Path | Answer |
//! |---|---|
//! | `/api/...` | the API; `/api/openapi.json` describes it |
//! | `/jaeger/api/...` | Jaeger's query API, for Grafana |
//! | `/prometheus/api/v1/...` | Prometheus' query API, for Grafana |
//! | `/llmflow/...`, `/ws` and some routes below `/api` | LLMFlow's API, for scripts that were written for it |
//! | `/login` | signs a browser in, where there is a token |
//! | everything else | the page |

mod access;
mod api;
mod embed;
mod guard;
mod intake;
mod jaeger;
mod llmflow;
mod openapi;
mod prometheus;
mod router;
mod status;

pub use access::{Access, TokenTooShort};
pub use guard::{Guard, Refusal};
pub use intake::Intake;
pub use openapi::text as openapi;
pub use router::{Options, router};
pub use status::{
    Dropped, ExporterState, ExporterStatus, Listener, PipelineStatus, Status, StatusSource,
    TestOutcome,
};
