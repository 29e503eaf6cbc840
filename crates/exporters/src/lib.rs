//! Components that send telemetry to backends.
