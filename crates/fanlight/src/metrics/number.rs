//! The types of numbers that instruments take.

use std::time::Duration;

use fanlight_otlp::view::NumberView;

/// A number that can be measured. Durations are measured in seconds.
///
/// OTLP's integers end at `i64::MAX`; larger ones count as that.
pub trait Measure: Copy {
    /// Whether values of the type are whole numbers.
    #[doc(hidden)]
    const IS_INT: bool;

    /// The number.
    #[doc(hidden)]
    fn number(self) -> NumberView;
}

/// What counters count in: `u64` or `f64`.
pub trait Increment: Measure {}

/// What up-down counters and gauges count in: `i64` or `f64`.
pub trait Signed: Measure {}

impl Increment for u64 {}
impl Increment for f64 {}
impl Signed for i64 {}
impl Signed for f64 {}

macro_rules! ints {
    ($($type:ty)*) => {$(
        impl Measure for $type {
            const IS_INT: bool = true;

            fn number(self) -> NumberView {
                NumberView::Int(i64::from(self))
            }
        }
    )*};
}
ints!(i8 i16 i32 i64 u8 u16 u32);

macro_rules! wide_ints {
    ($($type:ty)*) => {$(
        impl Measure for $type {
            const IS_INT: bool = true;

            fn number(self) -> NumberView {
                NumberView::Int(i64::try_from(self).unwrap_or(i64::MAX))
            }
        }
    )*};
}
wide_ints!(u64 usize);

impl Measure for isize {
    const IS_INT: bool = true;

    fn number(self) -> NumberView {
        // No platform has an `isize` of more than 64 bits.
        NumberView::Int(self as i64)
    }
}

impl Measure for f64 {
    const IS_INT: bool = false;

    fn number(self) -> NumberView {
        NumberView::Double(self)
    }
}

impl Measure for f32 {
    const IS_INT: bool = false;

    fn number(self) -> NumberView {
        NumberView::Double(f64::from(self))
    }
}

impl Measure for Duration {
    const IS_INT: bool = false;

    fn number(self) -> NumberView {
        NumberView::Double(self.as_secs_f64())
    }
}
