//! Exporters in front of recording servers and strict fakes: what is on the wire, and what bad answers become.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_docs_in_private_items,
    reason = "a test that can't be set up has failed"
)]

mod aws_cloudwatch_logs;
mod aws_xray;
mod azure_monitor;
mod datadog;
mod elasticsearch;
mod googlecloud;
mod loki;
mod made;
mod presets;
mod prometheus;
mod prometheus_remote_write;
mod pyroscope;
mod splunk_hec;
mod splunk_observability;
mod too_large;
mod zipkin;
