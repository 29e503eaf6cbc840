//! Keeps keys out of what is recorded.
