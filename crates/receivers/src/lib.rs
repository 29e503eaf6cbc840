//! Components that take telemetry in.
