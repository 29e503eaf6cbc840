//! What can be an attribute's value.
//!
//! A value is written at once as the fields of an OTLP `AnyValue`, typed as it is: numbers stay numbers, lists and maps keep
//! their structure, whatever backend reads them later.

#[cfg(feature = "serde")]
mod serialized;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use fanlight_otlp::write::Encoder;

#[cfg(feature = "serde")]
pub use serialized::SerializedValue;

/// Something that can be an attribute's value.
///
/// Implement it for types of your own, where `?value` (Debug), `%value` (Display) and `#value` (serde) don't fit:
///
/// ```
/// use fanlight::{ToValue, ValueWriter};
///
/// struct Money { cents: i64, currency: &'static str }
///
/// impl ToValue for Money {
///     fn to_value(&self, out: ValueWriter<'_>) {
///         out.map([("cents", &self.cents as &dyn ToValue), ("currency", &self.currency)]);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no attribute's value as it is",
    label = "not a `ToValue`",
    note = "before the value, `?` records its `Debug` form, `%` its `Display` form and `#` what serde makes of it"
)]
pub trait ToValue {
    /// Writes the value.
    fn to_value(&self, out: ValueWriter<'_>);
}

/// Takes one value. Nothing written is the empty value.
#[derive(Debug)]
pub struct ValueWriter<'a>(&'a mut Encoder);

/// A value as its `Debug` form; what `?value` in a macro is.
#[derive(Clone, Copy, Debug)]
pub struct DebugValue<T>(pub T);

/// A value as its `Display` form; what `%value` in a macro is.
#[derive(Clone, Copy, Debug)]
pub struct DisplayValue<T>(pub T);

impl<'a> ValueWriter<'a> {
    pub(crate) fn new(out: &'a mut Encoder) -> ValueWriter<'a> {
        ValueWriter(out)
    }

    /// Text.
    pub fn string(self, value: &str) {
        self.0.some_bytes(1, value);
    }

    /// What a value displays as.
    pub fn display(self, value: impl fmt::Display) {
        self.0.display(1, value);
    }

    /// A truth value.
    pub fn bool(self, value: bool) {
        self.0.some_varint(2, u64::from(value));
    }

    /// A whole number.
    pub fn int(self, value: i64) {
        self.0.some_varint(3, value.cast_unsigned());
    }

    /// A number.
    pub fn double(self, value: f64) {
        self.0.some_fixed64(4, value.to_bits());
    }

    /// Bytes.
    pub fn bytes(self, value: &[u8]) {
        self.0.some_bytes(7, value);
    }

    /// A list.
    pub fn array<T: ToValue>(self, elements: impl IntoIterator<Item = T>) {
        self.0.nested(5, |out| {
            for element in elements {
                out.nested(1, |out| element.to_value(ValueWriter(out)));
            }
        });
    }

    /// A map.
    pub fn map<K: AsRef<str>, T: ToValue>(self, entries: impl IntoIterator<Item = (K, T)>) {
        self.0.nested(6, |out| {
            for (key, value) in entries {
                put_attribute(out, 1, key.as_ref(), &value);
            }
        });
    }
}

/// Writes a `KeyValue` as field `number`.
pub(crate) fn put_attribute(
    out: &mut Encoder,
    number: u32,
    key: &str,
    value: &(impl ToValue + ?Sized),
) {
    out.nested(number, |out| {
        out.bytes(1, key);
        out.nested(2, |out| value.to_value(ValueWriter(out)));
    });
}

macro_rules! ints {
    ($($type:ty)*) => {$(
        impl ToValue for $type {
            fn to_value(&self, out: ValueWriter<'_>) {
                out.int(i64::from(*self));
            }
        }
    )*};
}
ints!(i8 i16 i32 i64 u8 u16 u32);

/// OTLP's numbers end at `i64::MAX`; what is larger is text, which keeps every digit.
macro_rules! wide_ints {
    ($($type:ty)*) => {$(
        impl ToValue for $type {
            fn to_value(&self, out: ValueWriter<'_>) {
                match i64::try_from(*self) {
                    Ok(value) => out.int(value),
                    Err(_) => out.display(self),
                }
            }
        }
    )*};
}
wide_ints!(u64 i128 u128 isize usize);

macro_rules! non_zero_ints {
    ($($type:ty)*) => {$(
        impl ToValue for NonZero<$type> {
            fn to_value(&self, out: ValueWriter<'_>) {
                self.get().to_value(out);
            }
        }
    )*};
}
non_zero_ints!(i32 i64 isize u8 u16 u32 u64 u128 usize);

impl ToValue for f64 {
    fn to_value(&self, out: ValueWriter<'_>) {
        out.double(*self);
    }
}

impl ToValue for f32 {
    fn to_value(&self, out: ValueWriter<'_>) {
        out.double(f64::from(*self));
    }
}

impl ToValue for bool {
    fn to_value(&self, out: ValueWriter<'_>) {
        out.bool(*self);
    }
}

impl ToValue for str {
    fn to_value(&self, out: ValueWriter<'_>) {
        out.string(self);
    }
}

impl ToValue for String {
    fn to_value(&self, out: ValueWriter<'_>) {
        out.string(self);
    }
}

impl ToValue for char {
    fn to_value(&self, out: ValueWriter<'_>) {
        out.string(self.encode_utf8(&mut [0; 4]));
    }
}

impl ToValue for () {
    fn to_value(&self, _: ValueWriter<'_>) {}
}

/// In seconds, as OpenTelemetry counts durations.
impl ToValue for Duration {
    fn to_value(&self, out: ValueWriter<'_>) {
        out.double(self.as_secs_f64());
    }
}

impl ToValue for fmt::Arguments<'_> {
    fn to_value(&self, out: ValueWriter<'_>) {
        match self.as_str() {
            Some(text) => out.string(text),
            None => out.display(self),
        }
    }
}

impl<T: fmt::Debug> ToValue for DebugValue<T> {
    fn to_value(&self, out: ValueWriter<'_>) {
        out.display(format_args!("{:?}", self.0));
    }
}

impl<T: fmt::Display> ToValue for DisplayValue<T> {
    fn to_value(&self, out: ValueWriter<'_>) {
        out.display(&self.0);
    }
}

/// Nothing is the empty value.
impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self, out: ValueWriter<'_>) {
        if let Some(value) = self {
            value.to_value(out);
        }
    }
}

impl<T: ToValue> ToValue for [T] {
    fn to_value(&self, out: ValueWriter<'_>) {
        out.array(self);
    }
}

impl<T: ToValue, const N: usize> ToValue for [T; N] {
    fn to_value(&self, out: ValueWriter<'_>) {
        out.array(self);
    }
}

impl<T: ToValue> ToValue for Vec<T> {
    fn to_value(&self, out: ValueWriter<'_>) {
        out.array(self);
    }
}

impl<K: AsRef<str>, T: ToValue, S> ToValue for HashMap<K, T, S> {
    fn to_value(&self, out: ValueWriter<'_>) {
        out.map(self);
    }
}

impl<K: AsRef<str>, T: ToValue> ToValue for BTreeMap<K, T> {
    fn to_value(&self, out: ValueWriter<'_>) {
        out.map(self);
    }
}

impl<T: ToValue + ToOwned + ?Sized> ToValue for Cow<'_, T> {
    fn to_value(&self, out: ValueWriter<'_>) {
        self.as_ref().to_value(out);
    }
}

macro_rules! pointers {
    ($($type:ty)*) => {$(
        impl<T: ToValue + ?Sized> ToValue for $type {
            fn to_value(&self, out: ValueWriter<'_>) {
                (**self).to_value(out);
            }
        }
    )*};
}
pointers!(&T &mut T Box<T> Rc<T> Arc<T>);

#[cfg(test)]
mod tests {
    use fanlight_otlp::view::Value;

    use super::*;

    fn written(value: impl ToValue) -> String {
        let mut out = Encoder::new();
        value.to_value(ValueWriter(&mut out));
        let bytes = out.into_bytes();
        format!("{:?}", Value::read(&bytes).unwrap())
    }

    #[test]
    fn numbers_keep_their_type() {
        assert_eq!(written(-3_i8), written(-3_i64));
        assert_eq!(written(7_u64), written(7_i64));
        assert_eq!(written(u64::MAX), written("18446744073709551615"));
        assert_eq!(written(0.5_f32), written(0.5_f64));
        assert_ne!(written(1), written(1.0));
        assert_ne!(written(1), written(true));
    }

    #[test]
    fn nothing_is_the_empty_value() {
        assert_eq!(written(None::<i64>), written(()));
        assert_eq!(written(Some("text")), written("text"));
    }
}
