//! Query parameters, strictly: an unknown one is an error, and so is a value that can't be read.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use fanlight_config::nearest;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use super::ApiError;

/// The parameters of a route: a tuple of one or more groups, each documented by itself.
pub(super) struct Parameters<T>(pub(super) T);

/// Groups of parameters that come in one query.
pub(super) trait Groups: Sized {
    /// Reads them.
    fn read(query: &str) -> Result<Self, serde_html_form::de::Error>;

    /// The names that they have.
    fn names() -> Vec<String>;
}

macro_rules! groups {
    ($($group:ident),+) => {
        impl<$($group: DeserializeOwned + IntoParams),+> Groups for ($($group,)+) {
            fn read(query: &str) -> Result<Self, serde_html_form::de::Error> {
                Ok(($(serde_html_form::from_str::<$group>(query)?,)+))
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

impl<T: Groups, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Parameters<T>, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        refuse_unknown(query, &T::names())?;
        T::read(query)
            .map(Parameters)
            .map_err(|error| ApiError::bad(error.to_string()))
    }
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
    pub(super) from: Option<u64>,
    /// The first nanosecond since 1970 that no longer counts.
    #[param(value_type = Option<String>)]
    pub(super) to: Option<u64>,
}

/// A text parameter that says something.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
