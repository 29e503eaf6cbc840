//! Strict stand-ins for commercial services that can't run on a developer's machine, each from its published API: what
//! the service would refuse, they refuse in its words.

pub mod aws;
pub mod azure_monitor;
pub mod datadog;
pub mod elasticsearch;
pub mod google_cloud;
pub mod llm;
pub mod otlp_services;
pub mod splunk_hec;
pub mod splunk_observability;
mod strict_json;
