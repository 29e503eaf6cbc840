//! What the JSON of stored messages looks like, for OpenAPI. Nothing is made of these types: the JSON itself is ready text.

#![expect(dead_code, reason = "only their schemas are used")]

use serde::Serialize;
use utoipa::ToSchema;

/// A value of [OTLP/JSON](https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding); `{}` for none.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(no_recursion)]
pub(crate) enum AnyValue {
    Text {
        #[serde(rename = "stringValue")]
        string_value: String,
    },
    Bool {
        #[serde(rename = "boolValue")]
        bool_value: bool,
    },
    Int {
        #[schema(inline)]
        #[serde(rename = "intValue")]
        int_value: NumberOrText,
    },
    Double {
        #[schema(inline)]
        #[serde(rename = "doubleValue")]
        double_value: NumberOrText,
    },
    Array {
        #[schema(inline)]
        #[serde(rename = "arrayValue")]
        array_value: Values,
    },
    Map {
        #[schema(inline)]
        #[serde(rename = "kvlistValue")]
        kvlist_value: Entries,
    },
    Bytes {
        #[serde(rename = "bytesValue")]
        bytes_value: String,
    },
    None {},
}

/// A number, or its text where JSON numbers can't hold it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum NumberOrText {
    Text(String),
    Number(f64),
}

/// Values in order.
#[derive(Serialize, ToSchema)]
#[schema(no_recursion)]
pub(crate) struct Values {
    #[schema(required = false)]
    values: Vec<AnyValue>,
}

/// Values by key.
#[derive(Serialize, ToSchema)]
#[schema(no_recursion)]
pub(crate) struct Entries {
    #[schema(required = false)]
    values: Vec<KeyValue>,
}

/// An attribute.
#[derive(Serialize, ToSchema)]
#[schema(no_recursion)]
pub(crate) struct KeyValue {
    key: String,
    #[schema(required = false)]
    value: AnyValue,
}

/// `SpanKind` without its prefix.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum SpanKind {
    Unspecified,
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

/// `StatusCode` without its prefix.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum StatusCode {
    Unset,
    Ok,
    Error,
}

/// The name of a metric's field.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MetricType {
    Gauge,
    Sum,
    Histogram,
    ExponentialHistogram,
    Summary,
}

/// How a metric's points relate to each other.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Temporality {
    Unspecified,
    Delta,
    Cumulative,
}

/// A value in a row.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum SqlValue {
    Text(String),
    Number(f64),
    Null,
}
