//! What filters of several lists share.

/// A range of time, in nanoseconds since 1970. The default is all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The first nanosecond that belongs to it.
    pub from: Option<u64>,
    /// The first nanosecond behind it.
    pub to: Option<u64>,
}

/// An attribute that an item, or its resource, must have. Values are compared as text: strings as they are, numbers and
/// booleans as JSON writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeFilter {
    /// The key.
    pub key: String,
    /// The value's text.
    pub value: String,
}

/// Equal parts of a range of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bins {
    pub(crate) start: i64,
    pub(crate) step: i64,
    pub(crate) count: usize,
}

/// The most bins that an answer has.
const MAX_BINS: u32 = 1000;

impl TimeRange {
    pub(crate) fn first_ns(self) -> i64 {
        self.from
            .map_or(i64::MIN, |time| i64::try_from(time).unwrap_or(i64::MAX))
    }

    pub(crate) fn end_ns(self) -> i64 {
        self.to
            .map_or(i64::MAX, |time| i64::try_from(time).unwrap_or(i64::MAX))
    }

    /// Whether a time lies in it.
    pub(crate) fn contains(self, time_ns: i64) -> bool {
        (self.first_ns()..self.end_ns()).contains(&time_ns)
    }
}

impl Bins {
    /// Bins over a range. Open ends are those of the data: `found` is its first and last time.
    pub(crate) fn of(range: TimeRange, found: Option<(i64, i64)>, bins: u32, unit: i64) -> Bins {
        let (first, last) = found.unwrap_or((0, 0));
        let start = range.from.map_or(first, |_| range.first_ns());
        let end = range.to.map_or(last.saturating_add(1), |_| range.end_ns());
        let wanted = i64::from(bins.clamp(1, MAX_BINS));
        let start = start - start.rem_euclid(unit);
        let length = end.saturating_sub(start).max(1);
        // Whole units, so that what was counted by the unit falls into one bin.
        let units = rounded_up(rounded_up(length, wanted), unit);
        let step = units.saturating_mul(unit);
        let count = usize::try_from(rounded_up(length, step)).unwrap_or(1);
        Bins { start, step, count }
    }

    /// The bin of a time, if it is in one.
    pub(crate) fn index(self, time_ns: i64) -> Option<usize> {
        let offset = time_ns.checked_sub(self.start)?;
        let index = usize::try_from(offset.checked_div(self.step)?).ok()?;
        (offset >= 0 && index < self.count).then_some(index)
    }
}

/// A quotient of positive numbers, rounded up.
const fn rounded_up(number: i64, by: i64) -> i64 {
    (number - 1) / by + 1
}
