//! The messages themselves. Numbers and names are those of the `.proto` files.

use super::Kind::{
    Bool, Bytes, Double, Enum, Fixed32, Fixed64, Id, Int32, Int64, Message, Sfixed64, Sint32, Text, Uint32, Uint64,
};
use super::{Kind, field, message};

const TRACE_ID: Kind = Id(16);
const SPAN_ID: Kind = Id(8);
const PROFILE_ID: Kind = Id(16);

// Requests.

pub(crate) static EXPORT_TRACE_REQUEST: super::Message = message(
    "ExportTraceServiceRequest",
    &[field(1, "resource_spans", "resourceSpans", Message(&RESOURCE_SPANS)).repeated().envelope()],
);

pub(crate) static EXPORT_METRICS_REQUEST: super::Message = message(
    "ExportMetricsServiceRequest",
    &[field(1, "resource_metrics", "resourceMetrics", Message(&RESOURCE_METRICS)).repeated().envelope()],
);

pub(crate) static EXPORT_LOGS_REQUEST: super::Message = message(
    "ExportLogsServiceRequest",
    &[field(1, "resource_logs", "resourceLogs", Message(&RESOURCE_LOGS)).repeated().envelope()],
);

pub(crate) static EXPORT_PROFILES_REQUEST: super::Message = message(
    "ExportProfilesServiceRequest",
    &[
        field(1, "resource_profiles", "resourceProfiles", Message(&RESOURCE_PROFILES)).repeated().envelope(),
        field(2, "dictionary", "dictionary", Message(&PROFILES_DICTIONARY)),
    ],
);

// Common.

pub(crate) static ANY_VALUE: super::Message = message(
    "AnyValue",
    &[
        field(1, "string_value", "stringValue", Text).one_of(),
        field(2, "bool_value", "boolValue", Bool).one_of(),
        field(3, "int_value", "intValue", Int64).one_of(),
        field(4, "double_value", "doubleValue", Double).one_of(),
        field(5, "array_value", "arrayValue", Message(&ARRAY_VALUE)).one_of(),
        field(6, "kvlist_value", "kvlistValue", Message(&KEY_VALUE_LIST)).one_of(),
        field(7, "bytes_value", "bytesValue", Bytes).one_of(),
        field(8, "string_value_strindex", "stringValueStrindex", Int32).one_of(),
    ],
);

static ARRAY_VALUE: super::Message =
    message("ArrayValue", &[field(1, "values", "values", Message(&ANY_VALUE)).repeated().always()]);

pub(crate) static KEY_VALUE_LIST: super::Message =
    message("KeyValueList", &[field(1, "values", "values", Message(&KEY_VALUE)).repeated().always()]);

pub(crate) static KEY_VALUE: super::Message = message(
    "KeyValue",
    &[
        field(1, "key", "key", Text).always(),
        field(2, "value", "value", Message(&ANY_VALUE)),
        field(3, "key_strindex", "keyStrindex", Int32),
    ],
);

static INSTRUMENTATION_SCOPE: super::Message = message(
    "InstrumentationScope",
    &[
        field(1, "name", "name", Text),
        field(2, "version", "version", Text),
        field(3, "attributes", "attributes", Message(&KEY_VALUE)).repeated(),
        field(4, "dropped_attributes_count", "droppedAttributesCount", Uint32),
    ],
);

static ENTITY_REF: super::Message = message(
    "EntityRef",
    &[
        field(1, "schema_url", "schemaUrl", Text),
        field(2, "type", "type", Text),
        field(3, "id_keys", "idKeys", Text).repeated(),
        field(4, "description_keys", "descriptionKeys", Text).repeated(),
    ],
);

static RESOURCE: super::Message = message(
    "Resource",
    &[
        field(1, "attributes", "attributes", Message(&KEY_VALUE)).repeated(),
        field(2, "dropped_attributes_count", "droppedAttributesCount", Uint32),
        field(3, "entity_refs", "entityRefs", Message(&ENTITY_REF)).repeated(),
    ],
);

// Traces.

static RESOURCE_SPANS: super::Message = message(
    "ResourceSpans",
    &[
        field(1, "resource", "resource", Message(&RESOURCE)),
        field(2, "scope_spans", "scopeSpans", Message(&SCOPE_SPANS)).repeated().envelope(),
        field(3, "schema_url", "schemaUrl", Text),
    ],
);

static SCOPE_SPANS: super::Message = message(
    "ScopeSpans",
    &[
        field(1, "scope", "scope", Message(&INSTRUMENTATION_SCOPE)),
        field(2, "spans", "spans", Message(&SPAN)).items(),
        field(3, "schema_url", "schemaUrl", Text),
    ],
);

pub(crate) static SPAN: super::Message = message(
    "Span",
    &[
        field(1, "trace_id", "traceId", TRACE_ID),
        field(2, "span_id", "spanId", SPAN_ID),
        field(3, "trace_state", "traceState", Text),
        field(4, "parent_span_id", "parentSpanId", SPAN_ID),
        field(16, "flags", "flags", Fixed32),
        field(5, "name", "name", Text),
        field(6, "kind", "kind", Enum(SPAN_KIND)),
        field(7, "start_time_unix_nano", "startTimeUnixNano", Fixed64),
        field(8, "end_time_unix_nano", "endTimeUnixNano", Fixed64),
        field(9, "attributes", "attributes", Message(&KEY_VALUE)).repeated(),
        field(10, "dropped_attributes_count", "droppedAttributesCount", Uint32),
        field(11, "events", "events", Message(&EVENT)).repeated(),
        field(12, "dropped_events_count", "droppedEventsCount", Uint32),
        field(13, "links", "links", Message(&LINK)).repeated(),
        field(14, "dropped_links_count", "droppedLinksCount", Uint32),
        field(15, "status", "status", Message(&STATUS)),
    ],
);

static EVENT: super::Message = message(
    "Span.Event",
    &[
        field(1, "time_unix_nano", "timeUnixNano", Fixed64),
        field(2, "name", "name", Text),
        field(3, "attributes", "attributes", Message(&KEY_VALUE)).repeated(),
        field(4, "dropped_attributes_count", "droppedAttributesCount", Uint32),
    ],
);

static LINK: super::Message = message(
    "Span.Link",
    &[
        field(1, "trace_id", "traceId", TRACE_ID),
        field(2, "span_id", "spanId", SPAN_ID),
        field(3, "trace_state", "traceState", Text),
        field(4, "attributes", "attributes", Message(&KEY_VALUE)).repeated(),
        field(5, "dropped_attributes_count", "droppedAttributesCount", Uint32),
        field(6, "flags", "flags", Fixed32),
    ],
);

static STATUS: super::Message = message(
    "Status",
    &[field(2, "message", "message", Text), field(3, "code", "code", Enum(STATUS_CODE))],
);

static SPAN_KIND: &[(&str, i32)] = &[
    ("SPAN_KIND_UNSPECIFIED", 0),
    ("SPAN_KIND_INTERNAL", 1),
    ("SPAN_KIND_SERVER", 2),
    ("SPAN_KIND_CLIENT", 3),
    ("SPAN_KIND_PRODUCER", 4),
    ("SPAN_KIND_CONSUMER", 5),
];

static STATUS_CODE: &[(&str, i32)] = &[("STATUS_CODE_UNSET", 0), ("STATUS_CODE_OK", 1), ("STATUS_CODE_ERROR", 2)];

// Logs.

static RESOURCE_LOGS: super::Message = message(
    "ResourceLogs",
    &[
        field(1, "resource", "resource", Message(&RESOURCE)),
        field(2, "scope_logs", "scopeLogs", Message(&SCOPE_LOGS)).repeated().envelope(),
        field(3, "schema_url", "schemaUrl", Text),
    ],
);

static SCOPE_LOGS: super::Message = message(
    "ScopeLogs",
    &[
        field(1, "scope", "scope", Message(&INSTRUMENTATION_SCOPE)),
        field(2, "log_records", "logRecords", Message(&LOG_RECORD)).items(),
        field(3, "schema_url", "schemaUrl", Text),
    ],
);

pub(crate) static LOG_RECORD: super::Message = message(
    "LogRecord",
    &[
        field(1, "time_unix_nano", "timeUnixNano", Fixed64),
        field(11, "observed_time_unix_nano", "observedTimeUnixNano", Fixed64),
        field(2, "severity_number", "severityNumber", Enum(SEVERITY_NUMBER)),
        field(3, "severity_text", "severityText", Text),
        field(5, "body", "body", Message(&ANY_VALUE)),
        field(6, "attributes", "attributes", Message(&KEY_VALUE)).repeated(),
        field(7, "dropped_attributes_count", "droppedAttributesCount", Uint32),
        field(8, "flags", "flags", Fixed32),
        field(9, "trace_id", "traceId", TRACE_ID),
        field(10, "span_id", "spanId", SPAN_ID),
        field(12, "event_name", "eventName", Text),
    ],
);

static SEVERITY_NUMBER: &[(&str, i32)] = &[
    ("SEVERITY_NUMBER_UNSPECIFIED", 0),
    ("SEVERITY_NUMBER_TRACE", 1),
    ("SEVERITY_NUMBER_TRACE2", 2),
    ("SEVERITY_NUMBER_TRACE3", 3),
    ("SEVERITY_NUMBER_TRACE4", 4),
    ("SEVERITY_NUMBER_DEBUG", 5),
    ("SEVERITY_NUMBER_DEBUG2", 6),
    ("SEVERITY_NUMBER_DEBUG3", 7),
    ("SEVERITY_NUMBER_DEBUG4", 8),
    ("SEVERITY_NUMBER_INFO", 9),
    ("SEVERITY_NUMBER_INFO2", 10),
    ("SEVERITY_NUMBER_INFO3", 11),
    ("SEVERITY_NUMBER_INFO4", 12),
    ("SEVERITY_NUMBER_WARN", 13),
    ("SEVERITY_NUMBER_WARN2", 14),
    ("SEVERITY_NUMBER_WARN3", 15),
    ("SEVERITY_NUMBER_WARN4", 16),
    ("SEVERITY_NUMBER_ERROR", 17),
    ("SEVERITY_NUMBER_ERROR2", 18),
    ("SEVERITY_NUMBER_ERROR3", 19),
    ("SEVERITY_NUMBER_ERROR4", 20),
    ("SEVERITY_NUMBER_FATAL", 21),
    ("SEVERITY_NUMBER_FATAL2", 22),
    ("SEVERITY_NUMBER_FATAL3", 23),
    ("SEVERITY_NUMBER_FATAL4", 24),
];

// Metrics.

static RESOURCE_METRICS: super::Message = message(
    "ResourceMetrics",
    &[
        field(1, "resource", "resource", Message(&RESOURCE)),
        field(2, "scope_metrics", "scopeMetrics", Message(&SCOPE_METRICS)).repeated().envelope(),
        field(3, "schema_url", "schemaUrl", Text),
    ],
);

static SCOPE_METRICS: super::Message = message(
    "ScopeMetrics",
    &[
        field(1, "scope", "scope", Message(&INSTRUMENTATION_SCOPE)),
        field(2, "metrics", "metrics", Message(&METRIC)).repeated().envelope(),
        field(3, "schema_url", "schemaUrl", Text),
    ],
);

static METRIC: super::Message = message(
    "Metric",
    &[
        field(1, "name", "name", Text),
        field(2, "description", "description", Text),
        field(3, "unit", "unit", Text),
        field(5, "gauge", "gauge", Message(&GAUGE)).one_of().envelope(),
        field(7, "sum", "sum", Message(&SUM)).one_of().envelope(),
        field(9, "histogram", "histogram", Message(&HISTOGRAM)).one_of().envelope(),
        field(10, "exponential_histogram", "exponentialHistogram", Message(&EXPONENTIAL_HISTOGRAM)).one_of().envelope(),
        field(11, "summary", "summary", Message(&SUMMARY)).one_of().envelope(),
        field(12, "metadata", "metadata", Message(&KEY_VALUE)).repeated(),
    ],
);

static GAUGE: super::Message =
    message("Gauge", &[field(1, "data_points", "dataPoints", Message(&NUMBER_DATA_POINT)).items()]);

static SUM: super::Message = message(
    "Sum",
    &[
        field(1, "data_points", "dataPoints", Message(&NUMBER_DATA_POINT)).items(),
        field(2, "aggregation_temporality", "aggregationTemporality", Enum(AGGREGATION_TEMPORALITY)),
        field(3, "is_monotonic", "isMonotonic", Bool),
    ],
);

static HISTOGRAM: super::Message = message(
    "Histogram",
    &[
        field(1, "data_points", "dataPoints", Message(&HISTOGRAM_DATA_POINT)).items(),
        field(2, "aggregation_temporality", "aggregationTemporality", Enum(AGGREGATION_TEMPORALITY)),
    ],
);

static EXPONENTIAL_HISTOGRAM: super::Message = message(
    "ExponentialHistogram",
    &[
        field(1, "data_points", "dataPoints", Message(&EXPONENTIAL_HISTOGRAM_DATA_POINT)).items(),
        field(2, "aggregation_temporality", "aggregationTemporality", Enum(AGGREGATION_TEMPORALITY)),
    ],
);

static SUMMARY: super::Message =
    message("Summary", &[field(1, "data_points", "dataPoints", Message(&SUMMARY_DATA_POINT)).items()]);

static NUMBER_DATA_POINT: super::Message = message(
    "NumberDataPoint",
    &[
        field(7, "attributes", "attributes", Message(&KEY_VALUE)).repeated(),
        field(2, "start_time_unix_nano", "startTimeUnixNano", Fixed64),
        field(3, "time_unix_nano", "timeUnixNano", Fixed64),
        field(4, "as_double", "asDouble", Double).one_of(),
        field(6, "as_int", "asInt", Sfixed64).one_of(),
        field(5, "exemplars", "exemplars", Message(&EXEMPLAR)).repeated(),
        field(8, "flags", "flags", Uint32),
    ],
);

static HISTOGRAM_DATA_POINT: super::Message = message(
    "HistogramDataPoint",
    &[
        field(9, "attributes", "attributes", Message(&KEY_VALUE)).repeated(),
        field(2, "start_time_unix_nano", "startTimeUnixNano", Fixed64),
        field(3, "time_unix_nano", "timeUnixNano", Fixed64),
        field(4, "count", "count", Fixed64),
        field(5, "sum", "sum", Double).optional(),
        field(6, "bucket_counts", "bucketCounts", Fixed64).repeated(),
        field(7, "explicit_bounds", "explicitBounds", Double).repeated(),
        field(8, "exemplars", "exemplars", Message(&EXEMPLAR)).repeated(),
        field(10, "flags", "flags", Uint32),
        field(11, "min", "min", Double).optional(),
        field(12, "max", "max", Double).optional(),
    ],
);

static EXPONENTIAL_HISTOGRAM_DATA_POINT: super::Message = message(
    "ExponentialHistogramDataPoint",
    &[
        field(1, "attributes", "attributes", Message(&KEY_VALUE)).repeated(),
        field(2, "start_time_unix_nano", "startTimeUnixNano", Fixed64),
        field(3, "time_unix_nano", "timeUnixNano", Fixed64),
        field(4, "count", "count", Fixed64),
        field(5, "sum", "sum", Double).optional(),
        field(6, "scale", "scale", Sint32),
        field(7, "zero_count", "zeroCount", Fixed64),
        field(8, "positive", "positive", Message(&BUCKETS)),
        field(9, "negative", "negative", Message(&BUCKETS)),
        field(10, "flags", "flags", Uint32),
        field(11, "exemplars", "exemplars", Message(&EXEMPLAR)).repeated(),
        field(12, "min", "min", Double).optional(),
        field(13, "max", "max", Double).optional(),
        field(14, "zero_threshold", "zeroThreshold", Double),
    ],
);

static BUCKETS: super::Message = message(
    "Buckets",
    &[field(1, "offset", "offset", Sint32), field(2, "bucket_counts", "bucketCounts", Uint64).repeated()],
);

static SUMMARY_DATA_POINT: super::Message = message(
    "SummaryDataPoint",
    &[
        field(7, "attributes", "attributes", Message(&KEY_VALUE)).repeated(),
        field(2, "start_time_unix_nano", "startTimeUnixNano", Fixed64),
        field(3, "time_unix_nano", "timeUnixNano", Fixed64),
        field(4, "count", "count", Fixed64),
        field(5, "sum", "sum", Double),
        field(6, "quantile_values", "quantileValues", Message(&VALUE_AT_QUANTILE)).repeated(),
        field(8, "flags", "flags", Uint32),
    ],
);

static VALUE_AT_QUANTILE: super::Message =
    message("ValueAtQuantile", &[field(1, "quantile", "quantile", Double), field(2, "value", "value", Double)]);

static EXEMPLAR: super::Message = message(
    "Exemplar",
    &[
        field(7, "filtered_attributes", "filteredAttributes", Message(&KEY_VALUE)).repeated(),
        field(2, "time_unix_nano", "timeUnixNano", Fixed64),
        field(3, "as_double", "asDouble", Double).one_of(),
        field(6, "as_int", "asInt", Sfixed64).one_of(),
        field(4, "span_id", "spanId", SPAN_ID),
        field(5, "trace_id", "traceId", TRACE_ID),
    ],
);

static AGGREGATION_TEMPORALITY: &[(&str, i32)] = &[
    ("AGGREGATION_TEMPORALITY_UNSPECIFIED", 0),
    ("AGGREGATION_TEMPORALITY_DELTA", 1),
    ("AGGREGATION_TEMPORALITY_CUMULATIVE", 2),
];

// Profiles.

static RESOURCE_PROFILES: super::Message = message(
    "ResourceProfiles",
    &[
        field(1, "resource", "resource", Message(&RESOURCE)),
        field(2, "scope_profiles", "scopeProfiles", Message(&SCOPE_PROFILES)).repeated().envelope(),
        field(3, "schema_url", "schemaUrl", Text),
    ],
);

static SCOPE_PROFILES: super::Message = message(
    "ScopeProfiles",
    &[
        field(1, "scope", "scope", Message(&INSTRUMENTATION_SCOPE)),
        field(2, "profiles", "profiles", Message(&PROFILE)).repeated().envelope(),
        field(3, "schema_url", "schemaUrl", Text),
    ],
);

static PROFILE: super::Message = message(
    "Profile",
    &[
        field(1, "sample_type", "sampleType", Message(&VALUE_TYPE)),
        field(2, "samples", "samples", Message(&SAMPLE)).items(),
        field(3, "time_unix_nano", "timeUnixNano", Fixed64),
        field(4, "duration_nano", "durationNano", Uint64),
        field(5, "period_type", "periodType", Message(&VALUE_TYPE)),
        field(6, "period", "period", Int64),
        field(7, "profile_id", "profileId", PROFILE_ID),
        field(8, "dropped_attributes_count", "droppedAttributesCount", Uint32),
        field(9, "original_payload_format", "originalPayloadFormat", Text),
        field(10, "original_payload", "originalPayload", Bytes),
        field(11, "attribute_indices", "attributeIndices", Int32).repeated(),
    ],
);

static VALUE_TYPE: super::Message = message(
    "ValueType",
    &[field(1, "type_strindex", "typeStrindex", Int32), field(2, "unit_strindex", "unitStrindex", Int32)],
);

static SAMPLE: super::Message = message(
    "Sample",
    &[
        field(1, "stack_index", "stackIndex", Int32),
        field(2, "attribute_indices", "attributeIndices", Int32).repeated(),
        field(3, "link_index", "linkIndex", Int32),
        field(4, "values", "values", Int64).repeated(),
        field(5, "timestamps_unix_nano", "timestampsUnixNano", Fixed64).repeated(),
    ],
);

static PROFILES_DICTIONARY: super::Message = message(
    "ProfilesDictionary",
    &[
        field(1, "mapping_table", "mappingTable", Message(&MAPPING)).repeated(),
        field(2, "location_table", "locationTable", Message(&LOCATION)).repeated(),
        field(3, "function_table", "functionTable", Message(&FUNCTION)).repeated(),
        field(4, "link_table", "linkTable", Message(&PROFILE_LINK)).repeated(),
        field(5, "string_table", "stringTable", Text).repeated(),
        field(6, "attribute_table", "attributeTable", Message(&KEY_VALUE_AND_UNIT)).repeated(),
        field(7, "stack_table", "stackTable", Message(&STACK)).repeated(),
    ],
);

static MAPPING: super::Message = message(
    "Mapping",
    &[
        field(1, "memory_start", "memoryStart", Uint64),
        field(2, "memory_limit", "memoryLimit", Uint64),
        field(3, "file_offset", "fileOffset", Uint64),
        field(4, "filename_strindex", "filenameStrindex", Int32),
        field(5, "attribute_indices", "attributeIndices", Int32).repeated(),
    ],
);

static LOCATION: super::Message = message(
    "Location",
    &[
        field(1, "mapping_index", "mappingIndex", Int32),
        field(2, "address", "address", Uint64),
        field(3, "lines", "lines", Message(&LINE)).repeated(),
        field(4, "attribute_indices", "attributeIndices", Int32).repeated(),
    ],
);

static LINE: super::Message = message(
    "Line",
    &[
        field(1, "function_index", "functionIndex", Int32),
        field(2, "line", "line", Int64),
        field(3, "column", "column", Int64),
    ],
);

static FUNCTION: super::Message = message(
    "Function",
    &[
        field(1, "name_strindex", "nameStrindex", Int32),
        field(2, "system_name_strindex", "systemNameStrindex", Int32),
        field(3, "filename_strindex", "filenameStrindex", Int32),
        field(4, "start_line", "startLine", Int64),
    ],
);

static PROFILE_LINK: super::Message =
    message("Link", &[field(1, "trace_id", "traceId", TRACE_ID), field(2, "span_id", "spanId", SPAN_ID)]);

static STACK: super::Message =
    message("Stack", &[field(1, "location_indices", "locationIndices", Int32).repeated()]);

pub(crate) static KEY_VALUE_AND_UNIT: super::Message = message(
    "KeyValueAndUnit",
    &[
        field(1, "key_strindex", "keyStrindex", Int32),
        field(2, "value", "value", Message(&ANY_VALUE)),
        field(3, "unit_strindex", "unitStrindex", Int32),
    ],
);

/// Every message that a request can hold, each once.
#[cfg(test)]
pub(crate) fn every_message() -> Vec<&'static super::Message> {
    let mut found: Vec<&'static super::Message> =
        crate::Signal::ALL.into_iter().map(super::Message::request).collect();
    let mut next = 0;
    while let Some(message) = found.get(next).copied() {
        next += 1;
        for field in message.fields {
            if let Message(child) = field.kind
                && !found.iter().any(|known| std::ptr::eq(*known, child))
            {
                found.push(child);
            }
        }
    }
    found
}
