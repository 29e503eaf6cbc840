//! The embedded telemetry store: SQLite with one writer and group commit.
