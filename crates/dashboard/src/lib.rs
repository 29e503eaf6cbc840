//! The local dashboard: HTTP API, live updates and the embedded page.
//!
//! [`router`] makes all of it, to be served by whoever owns the socket. It reads one [`Store`](fanlight_store::Store) and
//! asks one [`StatusSource`]. The [`Guard`] keeps other web sites out: the `Host` of every request must be one of ours (DNS
//! rebinding), and an `Origin` must be the page's own. With an [`Access`], every request needs its token, too.
//!
//! | Path | Answer |
//! |---|---|
//! | `/api/health` | that it works, and the version |
//! | `/api/traces`, `/api/traces/{traceId}`, `/api/traces/{traceId}/logs` | traces, newest first; one with its spans; its logs |
//! | `/api/logs`, `/api/metrics`, `/api/services` | lists |
//! | `/api/live` | what arrives, as server-sent events |
//! | `/api/status` | what the hub does |
//! | everything else | the page |

mod access;
mod api;
mod embed;
mod guard;
mod openapi;
mod router;
mod status;

pub use access::{Access, TokenTooShort};
pub use guard::{Guard, Refusal};
pub use openapi::text as openapi;
pub use router::{Options, router};
pub use status::{ExporterState, ExporterStatus, Listener, PipelineStatus, Status, StatusSource};
