//! Query parameters, strictly: an unknown one is an error, and so is a value that can't be read.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use fanlight_config::nearest;
use fanlight_store::{AttributeFilter, TimeRange};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use super::{ApiError, DEFAULT_LIMIT};

/// The parameters of a route: a tuple of one or more groups, each documented by itself.
pub(super) struct Parameters<T>(pub(super) T);

/// Groups of parameters that come in one query.
pub(super) trait Groups: Sized {
    /// Reads them.
    fn read(query: &str) -> Result<Self, ApiError>;

    /// The names that they have.
    fn names() -> Vec<String>;
}

macro_rules! groups {
    ($($group:ident),+) => {
        impl<$($group: DeserializeOwned + IntoParams),+> Groups for ($($group,)+) {
            fn read(query: &str) -> Result<Self, ApiError> {
                Ok(($(group::<$group>(query)?,)+))
            }

            fn names() -> Vec<String> {
                [$($group::into_params(|| None)),+]
                    .into_iter()
                    .flatten()
                    .map(|parameter| parameter.name)
                    .collect()
            }
        }
    };
}

groups!(A);
groups!(A, B);
groups!(A, B, C);
groups!(A, B, C, D);

impl<T: Groups, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Parameters<T>, ApiError> {
        read(parts.uri.query().unwrap_or_default()).map(Parameters)
    }
}

/// Reads all parameters of a query.
pub(super) fn read<T: Groups>(query: &str) -> Result<T, ApiError> {
    refuse_unknown(query, &T::names())?;
    T::read(query)
}

/// Reads one group; an error names the parameter.
pub(super) fn group<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let form = serde_html_form::Deserializer::from_bytes(query.as_bytes());
    serde_path_to_error::deserialize(form).map_err(|error| match error.path().to_string() {
        path if path == "." => ApiError::bad(error.inner().to_string()),
        path => ApiError::bad(format!("{path}: {}", error.inner())),
    })
}

fn refuse_unknown(query: &str, known: &[String]) -> Result<(), ApiError> {
    let pairs: Vec<(String, String)> =
        serde_html_form::from_str(query).map_err(|error| ApiError::bad(error.to_string()))?;
    let Some((unknown, _)) = pairs.iter().find(|(name, _)| !known.contains(name)) else {
        return Ok(());
    };
    let error = ApiError::bad(format!("unknown parameter `{unknown}`"));
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    Err(match nearest(unknown, &names) {
        Some(name) => error.hint(format!("did you mean `{name}`?")),
        None if known.is_empty() => error.hint("this has no parameters"),
        None => error.hint(format!("there are: {}", names.join(", "))),
    })
}

/// A time range. Absent ends are open.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct Range {
    /// The first nanosecond since 1970 that counts.
    #[param(value_type = Option<String>)]
    from: Option<u64>,
    /// The first nanosecond since 1970 that no longer counts.
    #[param(value_type = Option<String>)]
    to: Option<u64>,
}

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// How many to answer, 1000 at most. Default: 50.
    limit: Option<u32>,
    /// Where to go on: the `nextCursor` of the page before.
    cursor: Option<String>,
}

/// How finely time is divided.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct Bins {
    /// How many parts the time is divided into, at most. Default: 60.
    bins: Option<u32>,
}

/// Which service is wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct OfService {
    /// Only of this service.
    service: Option<String>,
}

impl Range {
    pub(super) fn time(self) -> TimeRange {
        TimeRange {
            from: self.from,
            to: self.to,
        }
    }
}

impl Paging {
    pub(super) fn limit(&self) -> u32 {
        self.limit.unwrap_or(DEFAULT_LIMIT)
    }

    pub(super) fn cursor(self) -> Option<String> {
        given(self.cursor)
    }
}

impl Bins {
    pub(super) fn count(self) -> u32 {
        self.bins.unwrap_or(0)
    }
}

impl OfService {
    pub(super) fn name(self) -> Option<String> {
        given(self.service)
    }
}

/// A text parameter that says something.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Reads `key=value` of each `attr`.
pub(super) fn attributes(texts: Vec<String>) -> Result<Vec<AttributeFilter>, ApiError> {
    let read = |text: String| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok(AttributeFilter {
            key: key.to_owned(),
            value: value.to_owned(),
        }),
        _ => Err(
            ApiError::bad(format!("attr {text:?} is not a key with a value"))
                .hint("write attr=key=value, once for each attribute"),
        ),
    };
    texts.into_iter().map(read).collect()
}
