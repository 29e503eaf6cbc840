//! Stored messages as JSON.

use fanlight_otlp::view::{Attributes, ResourceView, ScopeView, Value};
use fanlight_otlp::write::Encoder;
use fanlight_otlp::{Batch, DecodeError, Signal, json};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::QueryError;

/// JSON that is ready to be sent.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

/// What sent something.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Its attributes, as a list of key and value.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::query::schema::KeyValue>))]
    pub attributes: Json,
    /// How many attributes the sender dropped.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub dropped_attributes_count: u32,
    /// The schema of its attributes; empty when unknown.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub schema_url: String,
}

/// The instrumentation that made something.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Scope {
    /// Its name, such as the library's.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its attributes, as a list of key and value.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::query::schema::KeyValue>))]
    pub attributes: Json,
    /// How many attributes the sender dropped.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub dropped_attributes_count: u32,
    /// The schema of the items' attributes; empty when unknown.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub schema_url: String,
}

impl Json {
    /// The text of the JSON.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Attributes as a list of key and value.
    pub(crate) fn attributes(attributes: Attributes<'_>) -> Result<Json, QueryError> {
        let mut out = vec![b'['];
        for (index, attribute) in attributes.iter().enumerate() {
            let (key, value) = attribute?;
            out.extend_from_slice(if index == 0 {
                b"{\"key\":"
            } else {
                b",{\"key\":"
            });
            serde_json::to_writer(&mut out, key)?;
            out.extend_from_slice(b",\"value\":");
            json::write_value(&value, &mut out)?;
            out.push(b'}');
        }
        out.push(b']');
        Json::from_bytes(&out)
    }

    /// A value as `{"stringValue": ...}` and its like; `{}` for none.
    pub(crate) fn any_value(value: Value<'_>) -> Result<Json, QueryError> {
        let mut out = Vec::new();
        json::write_value(&value, &mut out)?;
        Json::from_bytes(&out)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Json, QueryError> {
        Ok(Json(serde_json::from_slice(bytes)?))
    }
}

impl Resource {
    /// Reads the resource of a stored envelope.
    pub(crate) fn read(envelope: &[u8]) -> Result<Resource, QueryError> {
        with_resource(envelope, |view| {
            Ok(Resource {
                attributes: Json::attributes(view.attributes)?,
                dropped_attributes_count: view.dropped_attributes_count,
                schema_url: view.schema_url.to_owned(),
            })
        })
    }
}

impl Scope {
    /// Reads the scope of a stored envelope.
    pub(crate) fn read(envelope: &[u8]) -> Result<Scope, QueryError> {
        let mut resource = Encoder::new();
        resource.some_bytes(2, envelope);
        with_resource(&resource.into_bytes(), |view| {
            let view: ScopeView<'_> = view.scopes().next().ok_or(QueryError::Closed)??;
            Ok(Scope {
                name: view.name.to_owned(),
                version: view.version.to_owned(),
                attributes: Json::attributes(view.attributes)?,
                dropped_attributes_count: view.dropped_attributes_count,
                schema_url: view.schema_url.to_owned(),
            })
        })
    }
}

/// Views are made from batches, so the envelope becomes a request again. The signal makes no difference here: there are
/// no items.
pub(super) fn with_resource<T>(
    envelope: &[u8],
    read: impl FnOnce(ResourceView<'_>) -> Result<T, QueryError>,
) -> Result<T, QueryError> {
    let mut request = Encoder::new();
    request.some_bytes(1, envelope);
    let batch = Batch::decode(Signal::Traces, request.into_bytes().into())?;
    let view = batch.resources().next().ok_or(QueryError::Closed)??;
    read(view)
}

/// A value as text for people and for search: text as it is, everything else as plain JSON, nothing as `None`.
pub(crate) fn any_value_text(
    value: Value<'_>,
) -> Result<Option<std::borrow::Cow<'_, str>>, DecodeError> {
    match value {
        Value::Empty => Ok(None),
        Value::Str(text) => Ok(Some(text.into())),
        value => {
            let mut out = Vec::new();
            json::write_plain_value(&value, &mut out)?;
            Ok(Some(String::from_utf8_lossy(&out).into_owned().into()))
        }
    }
}

/// Serializes what has a text form as that text: ids, and times past what JSON numbers hold.
pub(super) fn as_text<T: ToString, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

/// As [`as_text`]; nothing becomes `null`.
#[expect(
    clippy::ref_option,
    reason = "serde hands over a reference to the field"
)]
pub(super) fn as_text_or_null<T: ToString, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => as_text(value, serializer),
        None => serializer.serialize_none(),
    }
}

/// An id of a column: 16 or 8 bytes, as they were written.
pub(super) fn id<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap_or([0; N])
}

/// As [`as_text`], for lists.
pub(super) fn as_texts<T: ToString, S: Serializer>(
    values: &[T],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(ToString::to_string))
}
