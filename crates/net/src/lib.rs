//! HTTP and gRPC clients and servers made from configuration blocks.
