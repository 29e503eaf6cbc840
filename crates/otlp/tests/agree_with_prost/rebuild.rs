//! Requests as `prost` types, made from what the views say.

use fanlight_otlp::view::{
    Attributes, BucketsView, ExemplarView, LogView, MetricKind, MetricView, NumberView, PointValue,
    PointView, SpanView, Value as View,
};
use fanlight_otlp::{Batch, SpanId, TraceId};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint, exemplar, exponential_histogram_data_point::Buckets, metric,
    number_data_point, summary_data_point::ValueAtQuantile,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

macro_rules! request {
    ($batch:expr, $request:ident { $resources:ident }, $resource:ident { $scopes:ident }, $scope:ident { $items:ident },
     $iterate:ident, $item:expr) => {{
        let $resources = $batch.resources().map(|resource| {
            let resource = resource.unwrap();
            let $scopes = resource.scopes().map(|scope| {
                let scope = scope.unwrap();
                $scope {
                    scope: Some(InstrumentationScope {
                        name: scope.name.to_owned(),
                        version: scope.version.to_owned(),
                        attributes: attributes(scope.attributes),
                        dropped_attributes_count: scope.dropped_attributes_count,
                    }),
                    $items: scope.$iterate().map(|item| $item(&item.unwrap())).collect(),
                    schema_url: scope.schema_url.to_owned(),
                }
            });
            $resource {
                resource: Some(Resource {
                    attributes: attributes(resource.attributes),
                    dropped_attributes_count: resource.dropped_attributes_count,
                    entity_refs: Vec::new(),
                }),
                $scopes: $scopes.collect(),
                schema_url: resource.schema_url.to_owned(),
            }
        });
        $request {
            $resources: $resources.collect(),
        }
    }};
}

pub(crate) fn traces(batch: &Batch) -> ExportTraceServiceRequest {
    request!(
        batch,
        ExportTraceServiceRequest { resource_spans },
        ResourceSpans { scope_spans },
        ScopeSpans { spans },
        spans,
        span
    )
}

pub(crate) fn logs(batch: &Batch) -> ExportLogsServiceRequest {
    request!(
        batch,
        ExportLogsServiceRequest { resource_logs },
        ResourceLogs { scope_logs },
        ScopeLogs { log_records },
        logs,
        log
    )
}

pub(crate) fn metrics(batch: &Batch) -> ExportMetricsServiceRequest {
    request!(
        batch,
        ExportMetricsServiceRequest { resource_metrics },
        ResourceMetrics { scope_metrics },
        ScopeMetrics { metrics },
        metrics,
        metric
    )
}

fn value(view: View<'_>) -> AnyValue {
    let value = match view {
        View::Empty => None,
        View::Str(text) => Some(Value::StringValue(text.to_owned())),
        View::Bool(value) => Some(Value::BoolValue(value)),
        View::Int(value) => Some(Value::IntValue(value)),
        View::Double(value) => Some(Value::DoubleValue(value)),
        View::Bytes(bytes) => Some(Value::BytesValue(bytes.to_vec())),
        View::Array(array) => {
            let values = array
                .into_iter()
                .map(|element| value(element.unwrap()))
                .collect();
            Some(Value::ArrayValue(ArrayValue { values }))
        }
        View::Map(map) => Some(Value::KvlistValue(KeyValueList {
            values: attributes(map),
        })),
    };
    AnyValue { value }
}

pub(crate) fn attributes(view: Attributes<'_>) -> Vec<KeyValue> {
    let list = view.iter().map(|attribute| {
        let (key, view) = attribute.unwrap();
        KeyValue {
            key: key.to_owned(),
            value: Some(value(view)),
            key_strindex: 0,
        }
    });
    list.collect()
}

fn trace_id(id: TraceId) -> Vec<u8> {
    if id.is_zero() {
        Vec::new()
    } else {
        id.0.to_vec()
    }
}

fn span_id(id: SpanId) -> Vec<u8> {
    if id.is_zero() {
        Vec::new()
    } else {
        id.0.to_vec()
    }
}

fn span(view: &SpanView<'_>) -> Span {
    let events = view.events().map(|event| {
        let event = event.unwrap();
        Event {
            time_unix_nano: event.time_unix_nano,
            name: event.name.to_owned(),
            attributes: attributes(event.attributes),
            dropped_attributes_count: event.dropped_attributes_count,
        }
    });
    let links = view.links().map(|link| {
        let link = link.unwrap();
        Link {
            trace_id: trace_id(link.trace_id),
            span_id: span_id(link.span_id),
            trace_state: link.trace_state.to_owned(),
            attributes: attributes(link.attributes),
            dropped_attributes_count: link.dropped_attributes_count,
            flags: link.flags,
        }
    });
    Span {
        trace_id: trace_id(view.trace_id),
        span_id: span_id(view.span_id),
        trace_state: view.trace_state.to_owned(),
        parent_span_id: span_id(view.parent_span_id),
        flags: view.flags,
        name: view.name.to_owned(),
        kind: view.kind,
        start_time_unix_nano: view.start_time_unix_nano,
        end_time_unix_nano: view.end_time_unix_nano,
        attributes: attributes(view.attributes),
        dropped_attributes_count: view.dropped_attributes_count,
        events: events.collect(),
        dropped_events_count: view.dropped_events_count,
        links: links.collect(),
        dropped_links_count: view.dropped_links_count,
        status: Some(Status {
            message: view.status.message.to_owned(),
            code: view.status.code,
        }),
    }
}

fn log(view: &LogView<'_>) -> LogRecord {
    LogRecord {
        time_unix_nano: view.time_unix_nano,
        observed_time_unix_nano: view.observed_time_unix_nano,
        severity_number: view.severity_number,
        severity_text: view.severity_text.to_owned(),
        body: Some(value(view.body)),
        attributes: attributes(view.attributes),
        dropped_attributes_count: view.dropped_attributes_count,
        flags: view.flags,
        trace_id: trace_id(view.trace_id),
        span_id: span_id(view.span_id),
        event_name: view.event_name.to_owned(),
    }
}

fn metric(view: &MetricView<'_>) -> Metric {
    let aggregation_temporality = view.aggregation_temporality;
    let data = match view.kind {
        MetricKind::Empty => None,
        MetricKind::Gauge => Some(metric::Data::Gauge(Gauge {
            data_points: points(view, number),
        })),
        MetricKind::Sum => Some(metric::Data::Sum(Sum {
            data_points: points(view, number),
            aggregation_temporality,
            is_monotonic: view.is_monotonic,
        })),
        MetricKind::Histogram => Some(metric::Data::Histogram(Histogram {
            data_points: points(view, histogram),
            aggregation_temporality,
        })),
        MetricKind::ExponentialHistogram => {
            Some(metric::Data::ExponentialHistogram(ExponentialHistogram {
                data_points: points(view, exponential_histogram),
                aggregation_temporality,
            }))
        }
        MetricKind::Summary => Some(metric::Data::Summary(Summary {
            data_points: points(view, summary),
        })),
    };
    Metric {
        name: view.name.to_owned(),
        description: view.description.to_owned(),
        unit: view.unit.to_owned(),
        metadata: attributes(view.metadata),
        data,
    }
}

fn points<T>(view: &MetricView<'_>, make: impl Fn(&PointView<'_>) -> T) -> Vec<T> {
    view.points().map(|point| make(&point.unwrap())).collect()
}

fn exemplars(view: &PointView<'_>) -> Vec<Exemplar> {
    let exemplar = |view: ExemplarView<'_>| Exemplar {
        filtered_attributes: attributes(view.filtered_attributes),
        time_unix_nano: view.time_unix_nano,
        span_id: span_id(view.span_id),
        trace_id: trace_id(view.trace_id),
        value: view.value.map(|value| match value {
            NumberView::Int(value) => exemplar::Value::AsInt(value),
            NumberView::Double(value) => exemplar::Value::AsDouble(value),
        }),
    };
    view.exemplars()
        .map(|view| exemplar(view.unwrap()))
        .collect()
}

fn number(view: &PointView<'_>) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(view.attributes),
        start_time_unix_nano: view.start_time_unix_nano,
        time_unix_nano: view.time_unix_nano,
        exemplars: exemplars(view),
        flags: view.flags,
        value: match view.value {
            PointValue::Number(NumberView::Int(value)) => {
                Some(number_data_point::Value::AsInt(value))
            }
            PointValue::Number(NumberView::Double(value)) => {
                Some(number_data_point::Value::AsDouble(value))
            }
            PointValue::Empty => None,
            other => panic!("not a number: {other:?}"),
        },
    }
}

fn histogram(view: &PointView<'_>) -> HistogramDataPoint {
    let PointValue::Histogram(value) = view.value else {
        panic!("not a histogram: {view:?}")
    };
    HistogramDataPoint {
        attributes: attributes(view.attributes),
        start_time_unix_nano: view.start_time_unix_nano,
        time_unix_nano: view.time_unix_nano,
        count: value.count,
        sum: value.sum,
        bucket_counts: value.bucket_counts().map(Result::unwrap).collect(),
        explicit_bounds: value.explicit_bounds().map(Result::unwrap).collect(),
        exemplars: exemplars(view),
        flags: view.flags,
        min: value.min,
        max: value.max,
    }
}

fn exponential_histogram(view: &PointView<'_>) -> ExponentialHistogramDataPoint {
    let PointValue::ExponentialHistogram(value) = view.value else {
        panic!("not an exponential histogram: {view:?}")
    };
    let buckets = |view: BucketsView<'_>| Buckets {
        offset: view.offset,
        bucket_counts: view.bucket_counts().map(Result::unwrap).collect(),
    };
    ExponentialHistogramDataPoint {
        attributes: attributes(view.attributes),
        start_time_unix_nano: view.start_time_unix_nano,
        time_unix_nano: view.time_unix_nano,
        count: value.count,
        sum: value.sum,
        scale: value.scale,
        zero_count: value.zero_count,
        positive: Some(buckets(value.positive)),
        negative: Some(buckets(value.negative)),
        flags: view.flags,
        exemplars: exemplars(view),
        min: value.min,
        max: value.max,
        zero_threshold: value.zero_threshold,
    }
}

fn summary(view: &PointView<'_>) -> SummaryDataPoint {
    let PointValue::Summary(value) = view.value else {
        panic!("not a summary: {view:?}")
    };
    let quantile_values = value.quantile_values().map(|quantile| {
        let quantile = quantile.unwrap();
        ValueAtQuantile {
            quantile: quantile.quantile,
            value: quantile.value,
        }
    });
    SummaryDataPoint {
        attributes: attributes(view.attributes),
        start_time_unix_nano: view.start_time_unix_nano,
        time_unix_nano: view.time_unix_nano,
        count: value.count,
        sum: value.sum,
        quantile_values: quantile_values.collect(),
        flags: view.flags,
    }
}
