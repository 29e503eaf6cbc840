//! gRPC, unary calls only, over HTTP/2. [Source](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).

mod client;
mod frame;
mod server;
mod status;

pub use client::{CallError, GrpcClient, target};
pub use server::{GrpcHandler, Service};
pub use status::Status;
