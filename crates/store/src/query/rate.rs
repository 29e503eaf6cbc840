//! How many items a list has over time.

use serde::Serialize;

use super::json::as_text;
use super::{Bins, TimeRange};

/// How many traces or log records pass a filter, over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    /// Where the first bin begins, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub start_nano: u64,
    /// How long a bin is, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub step_nano: u64,
    /// The bins, in the order of time.
    pub bins: Vec<RateBin>,
}

/// A part of the time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RateBin {
    /// How many items.
    pub count: u64,
    /// Traces that have a span with status error; log records of severity error and above.
    pub errors: u64,
    /// Log records by severity, from trace to fatal; those without severity are in `count` only. Not there for traces.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u64>, required = false))]
    pub severities: Option<[u64; 6]>,
}

/// How many bins there are when nobody says.
pub(super) const DEFAULT_BINS: u32 = 60;

impl Rate {
    /// Counts items: when each was, whether it is an error, and its severity.
    pub(super) fn of(
        time: TimeRange,
        bins: u32,
        has_severities: bool,
        items: &[(i64, bool, i64)],
    ) -> Rate {
        let times = || items.iter().map(|(time, ..)| *time);
        let found = times().min().zip(times().max());
        let wanted = if bins == 0 { DEFAULT_BINS } else { bins };
        let places = Bins::of(time, found, wanted, 1);
        let empty = RateBin {
            severities: has_severities.then(Default::default),
            ..RateBin::default()
        };
        let mut bins = vec![empty; places.count];
        for (time, is_error, severity) in items {
            let Some(bin) = places.index(*time).and_then(|index| bins.get_mut(index)) else {
                continue;
            };
            bin.count += 1;
            bin.errors += u64::from(*is_error);
            // Severities are 1 to 4 for trace, 5 to 8 for debug, and so on.
            let class = usize::try_from((severity - 1).div_euclid(4)).ok();
            if let (Some(class), Some(severities)) = (class, &mut bin.severities)
                && let Some(count) = severities.get_mut(class)
            {
                *count += 1;
            }
        }
        Rate {
            start_nano: places.start.cast_unsigned(),
            step_nano: places.step.cast_unsigned(),
            bins,
        }
    }
}
