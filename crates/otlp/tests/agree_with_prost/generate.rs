//! Random requests as `prost` types, with every field of every message used.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::profiles::v1development::ExportProfilesServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint, exemplar, exponential_histogram_data_point::Buckets, metric,
    number_data_point, summary_data_point::ValueAtQuantile,
};
use opentelemetry_proto::tonic::profiles::v1development as profiles;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

/// A source of random protobuf; the same seed gives the same.
pub(crate) struct Random {
    state: u64,
    /// Whether doubles may be `NaN` or infinite.
    pub(crate) special_doubles: bool,
    /// Whether every optional message is there; and no entity references, which views don't show.
    pub(crate) complete: bool,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random {
            state: seed,
            special_doubles: true,
            complete: false,
        }
    }

    /// splitmix64.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn chance(&mut self) -> bool {
        self.below(4) != 0
    }

    fn u64(&mut self) -> u64 {
        match self.below(4) {
            0 => 0,
            1 => self.next(),
            _ => self.below(1000),
        }
    }

    fn u32(&mut self) -> u32 {
        self.u64() as u32
    }

    fn i64(&mut self) -> i64 {
        self.u64() as i64
    }

    fn i32(&mut self) -> i32 {
        self.u64() as i32
    }

    fn f64(&mut self) -> f64 {
        match self.below(8) {
            0 => 0.0,
            1 if self.special_doubles => f64::NAN,
            2 if self.special_doubles => f64::INFINITY,
            3 if self.special_doubles => f64::NEG_INFINITY,
            4 => -0.0,
            5 => 1e300,
            6 => self.below(1000) as f64,
            _ => self.below(1_000_000) as f64 / 1000.0 - 500.0,
        }
    }

    fn text(&mut self) -> String {
        const TEXTS: [&str; 8] = [
            "",
            "a",
            "service.name",
            "ünïcode 🦀",
            "quote\" back\\slash",
            "line\nbreak\ttab\u{1}",
            "12",
            "NaN",
        ];
        match self.below(10) {
            8 => "long ".repeat(40),
            9 => "é".repeat(70),
            index => TEXTS[index as usize].to_owned(),
        }
    }

    fn id(&mut self, length: usize) -> Vec<u8> {
        if self.chance() {
            (0..length).map(|_| self.next() as u8).collect()
        } else {
            Vec::new()
        }
    }

    fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(20)).map(|_| self.next() as u8).collect()
    }

    fn list<T>(&mut self, limit: u64, mut make: impl FnMut(&mut Random) -> T) -> Vec<T> {
        (0..self.below(limit + 1)).map(|_| make(self)).collect()
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Random) -> T) -> Option<T> {
        self.chance().then(|| make(self))
    }

    fn message<T>(&mut self, make: impl FnOnce(&mut Random) -> T) -> Option<T> {
        (self.complete || self.chance()).then(|| make(self))
    }

    fn value(&mut self, depth: u64) -> AnyValue {
        let value = match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => None,
            1 => Some(Value::StringValue(self.text())),
            2 => Some(Value::BoolValue(self.below(2) == 0)),
            3 => Some(Value::IntValue(self.i64())),
            4 => Some(Value::DoubleValue(self.f64())),
            5 => Some(Value::BytesValue(self.bytes())),
            6 => Some(Value::ArrayValue(ArrayValue {
                values: self.list(3, |random| random.value(depth - 1)),
            })),
            _ => Some(Value::KvlistValue(KeyValueList {
                values: self.attributes(depth - 1),
            })),
        };
        AnyValue { value }
    }

    fn attributes(&mut self, depth: u64) -> Vec<KeyValue> {
        self.list(3, |random| KeyValue {
            key: random.text(),
            value: random.message(|random| random.value(depth)),
            key_strindex: 0,
        })
    }

    fn resource(&mut self) -> Resource {
        Resource {
            attributes: self.attributes(3),
            dropped_attributes_count: self.u32(),
            entity_refs: self.list(if self.complete { 0 } else { 1 }, |random| EntityRef {
                schema_url: random.text(),
                r#type: random.text(),
                id_keys: random.list(2, Random::text),
                description_keys: random.list(2, Random::text),
            }),
        }
    }

    fn scope(&mut self) -> InstrumentationScope {
        InstrumentationScope {
            name: self.text(),
            version: self.text(),
            attributes: self.attributes(1),
            dropped_attributes_count: self.u32(),
        }
    }

    pub(crate) fn traces(&mut self) -> ExportTraceServiceRequest {
        let resource_spans = self.list(3, |random| ResourceSpans {
            resource: random.message(Random::resource),
            scope_spans: random.list(3, |random| ScopeSpans {
                scope: random.message(Random::scope),
                spans: random.list(4, Random::span),
                schema_url: random.text(),
            }),
            schema_url: random.text(),
        });
        ExportTraceServiceRequest { resource_spans }
    }

    fn span(&mut self) -> Span {
        Span {
            trace_id: self.id(16),
            span_id: self.id(8),
            trace_state: self.text(),
            parent_span_id: self.id(8),
            flags: self.u32(),
            name: self.text(),
            kind: self.i32(),
            start_time_unix_nano: self.u64(),
            end_time_unix_nano: self.u64(),
            attributes: self.attributes(3),
            dropped_attributes_count: self.u32(),
            events: self.list(2, |random| Event {
                time_unix_nano: random.u64(),
                name: random.text(),
                attributes: random.attributes(1),
                dropped_attributes_count: random.u32(),
            }),
            dropped_events_count: self.u32(),
            links: self.list(2, |random| Link {
                trace_id: random.id(16),
                span_id: random.id(8),
                trace_state: random.text(),
                attributes: random.attributes(1),
                dropped_attributes_count: random.u32(),
                flags: random.u32(),
            }),
            dropped_links_count: self.u32(),
            status: self.message(|random| Status {
                message: random.text(),
                code: random.below(3) as i32,
            }),
        }
    }

    pub(crate) fn logs(&mut self) -> ExportLogsServiceRequest {
        let resource_logs = self.list(3, |random| ResourceLogs {
            resource: random.message(Random::resource),
            scope_logs: random.list(3, |random| ScopeLogs {
                scope: random.message(Random::scope),
                log_records: random.list(4, Random::log_record),
                schema_url: random.text(),
            }),
            schema_url: random.text(),
        });
        ExportLogsServiceRequest { resource_logs }
    }

    fn log_record(&mut self) -> LogRecord {
        LogRecord {
            time_unix_nano: self.u64(),
            observed_time_unix_nano: self.u64(),
            severity_number: self.below(25) as i32,
            severity_text: self.text(),
            body: self.message(|random| random.value(3)),
            attributes: self.attributes(2),
            dropped_attributes_count: self.u32(),
            flags: self.u32(),
            trace_id: self.id(16),
            span_id: self.id(8),
            event_name: self.text(),
        }
    }

    pub(crate) fn metrics(&mut self) -> ExportMetricsServiceRequest {
        let resource_metrics = self.list(2, |random| ResourceMetrics {
            resource: random.message(Random::resource),
            scope_metrics: random.list(2, |random| ScopeMetrics {
                scope: random.message(Random::scope),
                metrics: random.list(4, Random::metric),
                schema_url: random.text(),
            }),
            schema_url: random.text(),
        });
        ExportMetricsServiceRequest { resource_metrics }
    }

    fn metric(&mut self) -> Metric {
        let data = match self.below(6) {
            0 => None,
            1 => Some(metric::Data::Gauge(Gauge {
                data_points: self.list(4, Random::number),
            })),
            2 => Some(metric::Data::Sum(Sum {
                data_points: self.list(4, Random::number),
                aggregation_temporality: self.below(3) as i32,
                is_monotonic: self.below(2) == 0,
            })),
            3 => Some(metric::Data::Histogram(Histogram {
                data_points: self.list(4, Random::histogram),
                aggregation_temporality: self.below(3) as i32,
            })),
            4 => Some(metric::Data::ExponentialHistogram(ExponentialHistogram {
                data_points: self.list(4, Random::exponential_histogram),
                aggregation_temporality: self.below(3) as i32,
            })),
            _ => Some(metric::Data::Summary(Summary {
                data_points: self.list(4, Random::summary),
            })),
        };
        let (name, description, unit) = (self.text(), self.text(), self.text());
        Metric {
            name,
            description,
            unit,
            metadata: self.attributes(1),
            data,
        }
    }

    fn exemplar(&mut self) -> Exemplar {
        let value = match self.below(3) {
            0 => None,
            1 => Some(exemplar::Value::AsDouble(self.f64())),
            _ => Some(exemplar::Value::AsInt(self.i64())),
        };
        Exemplar {
            filtered_attributes: self.attributes(1),
            time_unix_nano: self.u64(),
            span_id: self.id(8),
            trace_id: self.id(16),
            value,
        }
    }

    fn number(&mut self) -> NumberDataPoint {
        let value = match self.below(3) {
            0 => None,
            1 => Some(number_data_point::Value::AsDouble(self.f64())),
            _ => Some(number_data_point::Value::AsInt(self.i64())),
        };
        NumberDataPoint {
            attributes: self.attributes(1),
            start_time_unix_nano: self.u64(),
            time_unix_nano: self.u64(),
            exemplars: self.list(2, Random::exemplar),
            flags: self.u32(),
            value,
        }
    }

    fn histogram(&mut self) -> HistogramDataPoint {
        HistogramDataPoint {
            attributes: self.attributes(1),
            start_time_unix_nano: self.u64(),
            time_unix_nano: self.u64(),
            count: self.u64(),
            sum: self.maybe(Random::f64),
            bucket_counts: self.list(4, Random::u64),
            explicit_bounds: self.list(4, Random::f64),
            exemplars: self.list(2, Random::exemplar),
            flags: self.u32(),
            min: self.maybe(Random::f64),
            max: self.maybe(Random::f64),
        }
    }

    fn exponential_histogram(&mut self) -> ExponentialHistogramDataPoint {
        let buckets = |random: &mut Random| Buckets {
            offset: random.i32(),
            bucket_counts: random.list(4, Random::u64),
        };
        ExponentialHistogramDataPoint {
            attributes: self.attributes(1),
            start_time_unix_nano: self.u64(),
            time_unix_nano: self.u64(),
            count: self.u64(),
            sum: self.maybe(Random::f64),
            scale: self.i32(),
            zero_count: self.u64(),
            positive: self.message(buckets),
            negative: self.message(buckets),
            flags: self.u32(),
            exemplars: self.list(2, Random::exemplar),
            min: self.maybe(Random::f64),
            max: self.maybe(Random::f64),
            zero_threshold: self.f64(),
        }
    }

    fn summary(&mut self) -> SummaryDataPoint {
        SummaryDataPoint {
            attributes: self.attributes(1),
            start_time_unix_nano: self.u64(),
            time_unix_nano: self.u64(),
            count: self.u64(),
            sum: self.f64(),
            quantile_values: self.list(3, |random| ValueAtQuantile {
                quantile: random.f64(),
                value: random.f64(),
            }),
            flags: self.u32(),
        }
    }

    pub(crate) fn profiles(&mut self) -> ExportProfilesServiceRequest {
        let resource_profiles = self.list(2, |random| profiles::ResourceProfiles {
            resource: random.message(Random::resource),
            scope_profiles: random.list(2, |random| profiles::ScopeProfiles {
                scope: random.message(Random::scope),
                profiles: random.list(3, Random::profile),
                schema_url: random.text(),
            }),
            schema_url: random.text(),
        });
        ExportProfilesServiceRequest {
            resource_profiles,
            dictionary: self.message(Random::dictionary),
        }
    }

    fn profile(&mut self) -> profiles::Profile {
        let value_type = |random: &mut Random| profiles::ValueType {
            type_strindex: random.i32(),
            unit_strindex: random.i32(),
        };
        profiles::Profile {
            sample_type: self.message(value_type),
            samples: self.list(4, |random| profiles::Sample {
                stack_index: random.i32(),
                attribute_indices: random.list(3, Random::i32),
                link_index: random.i32(),
                values: random.list(3, Random::i64),
                timestamps_unix_nano: random.list(3, Random::u64),
            }),
            time_unix_nano: self.u64(),
            duration_nano: self.u64(),
            period_type: self.message(value_type),
            period: self.i64(),
            profile_id: self.id(16),
            dropped_attributes_count: self.u32(),
            original_payload_format: self.text(),
            original_payload: self.bytes(),
            attribute_indices: self.list(3, |random| random.below(4) as i32),
        }
    }

    fn dictionary(&mut self) -> profiles::ProfilesDictionary {
        profiles::ProfilesDictionary {
            mapping_table: self.list(2, |random| profiles::Mapping {
                memory_start: random.u64(),
                memory_limit: random.u64(),
                file_offset: random.u64(),
                filename_strindex: random.i32(),
                attribute_indices: random.list(2, Random::i32),
            }),
            location_table: self.list(2, |random| profiles::Location {
                mapping_index: random.i32(),
                address: random.u64(),
                lines: random.list(2, |random| profiles::Line {
                    function_index: random.i32(),
                    line: random.i64(),
                    column: random.i64(),
                }),
                attribute_indices: random.list(2, Random::i32),
            }),
            function_table: self.list(2, |random| profiles::Function {
                name_strindex: random.i32(),
                system_name_strindex: random.i32(),
                filename_strindex: random.i32(),
                start_line: random.i64(),
            }),
            link_table: self.list(2, |random| profiles::Link {
                trace_id: random.id(16),
                span_id: random.id(8),
            }),
            string_table: self.list(5, Random::text),
            attribute_table: self.list(4, |random| profiles::KeyValueAndUnit {
                key_strindex: random.below(5) as i32,
                value: random.message(|random| random.value(1)),
                unit_strindex: random.i32(),
            }),
            stack_table: self.list(2, |random| profiles::Stack {
                location_indices: random.list(3, Random::i32),
            }),
        }
    }
}
