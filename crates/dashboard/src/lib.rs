//! The local dashboard: HTTP API, live updates and the embedded page.
