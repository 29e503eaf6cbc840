//! A bounded, crash-safe queue on disk.
