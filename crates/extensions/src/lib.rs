//! Capabilities that other components use: health, credentials, queue storage.
//!
//! | Type | Offers |
//! |---|---|
//! | `file_storage` | directories for queues on disk |
//! | `basicauth` | HTTP basic authentication, in and out |
//! | `bearertokenauth` | tokens in a header, in and out |
//! | `health_check` | a page that says whether the hub does its job |
//!
//! No secret ever gets into a message, a log line or a `Debug` text; secrets are compared in constant time. Files with
//! credentials are read again when they change, and when one can't be read, nobody is let in on the strength of what it
//! said before.

mod authorization;
mod basic_auth;
mod bearer_token_auth;
mod file_storage;
mod health_check;
mod table;
mod watched_file;

pub use table::EXTENSIONS;
