//! Components that change or refuse telemetry on its way, and connectors.
