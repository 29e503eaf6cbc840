//! HTTP and gRPC clients and servers made from configuration blocks.
//!
//! Limits hold everywhere: a body is never larger than its component allows, before or after decompression; all bodies
//! that a server reads at once fit into one [`admission`] budget; answers of backends are read up to 64 KiB; redirects are
//! never followed; no header value reaches a message.
//!
//! | Module | Room for |
//! |---|---|
//! | [`http`] | the server (for gRPC too) with its [`http::Handler`]s, and the HTTP client |
//! | [`grpc`] | unary calls, in and out |
//! | [`intake`], [`admission`], [`compress`] | reading bodies within limits |
//! | [`status`] | what a refusal looks like, and what a backend's answer means |
//! | [`kafka`] | the settings that Kafka producers and consumers share |
//! | `aws` (a feature) | credentials and signatures of AWS |
//! | [`auth`], [`self_loop`] | credentials; recognising an exporter that points back at the hub |

pub mod admission;
pub mod auth;
#[cfg(feature = "aws")]
pub mod aws;
mod body;
pub mod compress;
mod connect;
pub mod grpc;
pub mod http;
pub mod intake;
pub mod kafka;
pub mod self_loop;
pub mod status;
mod tls;

pub use body::{Body, BodyError};
