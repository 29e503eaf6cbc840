//! Wire formats that are not OTLP: the messages of other systems, for receivers that read them and exporters that write them.
//!
//! Messages only, field by field as their authors publish them; what they mean in OTLP is decided by the component.

pub mod datadog;
pub mod google;
pub mod jaeger;
pub mod loki;
pub mod pprof;
pub mod prometheus;
pub mod pyroscope;
pub mod signalfx;
pub mod splunk_hec;
pub mod thrift;
pub mod zipkin;
