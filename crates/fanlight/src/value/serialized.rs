//! Values as serde serializes them, with their structure: what `#value` in a macro is.

use std::fmt;

use fanlight_otlp::write::{Encoder, Open};
use serde::ser::{self, Impossible, Serialize};

use super::{ToValue, ValueWriter};

/// A value as serde serializes it; what `#value` in a macro is.
///
/// Structs and maps become maps, and enums what they are in JSON. What can't be serialized becomes a text that says so.
///
/// ```
/// #[derive(serde::Serialize)]
/// struct Order { id: u32, items: Vec<&'static str> }
///
/// let order = Order { id: 17, items: vec!["tea"] };
/// fanlight::info!("{order.id} paid", #order);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SerializedValue<T>(pub T);

impl<T: Serialize> ToValue for SerializedValue<T> {
    fn to_value(&self, ValueWriter(out): ValueWriter<'_>) {
        let start = out.len();
        if let Err(error) = self.0.serialize(Serializer(out)) {
            out.remove(start..out.len());
            ValueWriter(out).display(format_args!("not serializable: {error}"));
        }
    }
}

/// Field numbers of `AnyValue`, and of what is in it.
mod field {
    pub(super) const STRING: u32 = 1;
    pub(super) const ARRAY: u32 = 5;
    pub(super) const MAP: u32 = 6;
    /// Of an array or a map.
    pub(super) const ELEMENT: u32 = 1;
    /// Of a map's element.
    pub(super) const KEY: u32 = 1;
    pub(super) const VALUE: u32 = 2;
}

/// Why something can't be serialized.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unserializable(String);

impl ser::Error for Unserializable {
    fn custom<T: fmt::Display>(message: T) -> Unserializable {
        Unserializable(message.to_string())
    }
}

/// Writes one value as the fields of an `AnyValue`.
struct Serializer<'a>(&'a mut Encoder);

/// A list or a map that is being written.
struct Compound<'a> {
    out: &'a mut Encoder,
    open: Open,
    /// What encloses the content of a variant.
    variant: Option<[Open; 3]>,
    /// The element whose key is written and whose value is to follow.
    element: Option<Open>,
}

impl<'a> Serializer<'a> {
    fn value(self, value: impl ToValue) -> Result<(), Unserializable> {
        value.to_value(ValueWriter(self.0));
        Ok(())
    }

    fn compound(self, number: u32) -> Result<Compound<'a>, Unserializable> {
        let open = self.0.open(number);
        Ok(Compound {
            out: self.0,
            open,
            variant: None,
            element: None,
        })
    }

    /// `{ "variant": ... }`
    fn variant(self, name: &str, number: u32) -> Result<Compound<'a>, Unserializable> {
        let map = self.0.open(field::MAP);
        let element = self.0.open(field::ELEMENT);
        self.0.bytes(field::KEY, name);
        let value = self.0.open(field::VALUE);
        Ok(Compound {
            variant: Some([map, element, value]),
            ..self.compound(number)?
        })
    }
}

impl Compound<'_> {
    fn element(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Unserializable> {
        let open = self.out.open(field::ELEMENT);
        value.serialize(Serializer(self.out))?;
        self.out.close(open);
        Ok(())
    }

    fn entry(
        &mut self,
        key: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), Unserializable> {
        self.key(key);
        self.value_of_key(value)
    }

    fn key(&mut self, key: &str) {
        self.element = Some(self.out.open(field::ELEMENT));
        self.out.bytes(field::KEY, key);
    }

    fn value_of_key(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Unserializable> {
        let open = self.out.open(field::VALUE);
        value.serialize(Serializer(self.out))?;
        self.out.close(open);
        if let Some(element) = self.element.take() {
            self.out.close(element);
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Unserializable> {
        self.out.close(self.open);
        for open in self.variant.into_iter().flatten().rev() {
            self.out.close(open);
        }
        Ok(())
    }
}

macro_rules! typed {
    ($($method:ident: $type:ty),* $(,)?) => {$(
        fn $method(self, value: $type) -> Result<(), Unserializable> {
            self.value(value)
        }
    )*};
}

impl<'a> ser::Serializer for Serializer<'a> {
    type Ok = ();
    type Error = Unserializable;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Compound<'a>;
    type SerializeTupleStruct = Compound<'a>;
    type SerializeTupleVariant = Compound<'a>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = Compound<'a>;

    typed! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128, serialize_f32: f32, serialize_f64: f64, serialize_char: char, serialize_str: &str,
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unserializable> {
        ValueWriter(self.0).bytes(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unserializable> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unserializable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unserializable> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unserializable> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Unserializable> {
        self.value(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unserializable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unserializable> {
        let mut map = self.compound(field::MAP)?;
        map.entry(variant, value)?;
        map.finish()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'a>, Unserializable> {
        self.compound(field::ARRAY)
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'a>, Unserializable> {
        self.compound(field::ARRAY)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Compound<'a>, Unserializable> {
        self.compound(field::ARRAY)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a>, Unserializable> {
        self.variant(variant, field::ARRAY)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'a>, Unserializable> {
        self.compound(field::MAP)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'a>, Unserializable> {
        self.compound(field::MAP)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a>, Unserializable> {
        self.variant(variant, field::MAP)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), Unserializable> {
        self.0.display(field::STRING, value);
        Ok(())
    }
}

macro_rules! lists {
    ($($trait:ident::$method:ident),*) => {$(
        impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = Unserializable;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
                self.element(value)
            }

            fn end(self) -> Result<(), Unserializable> {
                self.finish()
            }
        }
    )*};
}
lists!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! structs {
    ($($trait:ident),*) => {$(
        impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = Unserializable;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Unserializable> {
                self.entry(key, value)
            }

            fn end(self) -> Result<(), Unserializable> {
                self.finish()
            }
        }
    )*};
}
structs!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = Unserializable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unserializable> {
        let key = key.serialize(KeySerializer)?;
        self.key(&key);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
        self.value_of_key(value)
    }

    fn end(self) -> Result<(), Unserializable> {
        self.finish()
    }
}

/// Makes texts of the keys of maps.
struct KeySerializer;

macro_rules! displayed {
    ($($method:ident: $type:ty),* $(,)?) => {$(
        fn $method(self, value: $type) -> Result<String, Unserializable> {
            Ok(value.to_string())
        }
    )*};
}

fn no_key<T>() -> Result<T, Unserializable> {
    Err(ser::Error::custom(
        "the key of a map is not text, a number or a truth value",
    ))
}

impl ser::Serializer for KeySerializer {
    type Ok = String;
    type Error = Unserializable;
    type SerializeSeq = Impossible<String, Unserializable>;
    type SerializeTuple = Impossible<String, Unserializable>;
    type SerializeTupleStruct = Impossible<String, Unserializable>;
    type SerializeTupleVariant = Impossible<String, Unserializable>;
    type SerializeMap = Impossible<String, Unserializable>;
    type SerializeStruct = Impossible<String, Unserializable>;
    type SerializeStructVariant = Impossible<String, Unserializable>;

    displayed! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128, serialize_f32: f32, serialize_f64: f64, serialize_char: char, serialize_str: &str,
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<String, Unserializable> {
        no_key()
    }

    fn serialize_none(self) -> Result<String, Unserializable> {
        no_key()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<String, Unserializable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<String, Unserializable> {
        no_key()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<String, Unserializable> {
        no_key()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<String, Unserializable> {
        Ok(variant.to_owned())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<String, Unserializable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, Unserializable> {
        no_key()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Unserializable> {
        no_key()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unserializable> {
        no_key()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Unserializable> {
        no_key()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unserializable> {
        no_key()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unserializable> {
        no_key()
    }

    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, Unserializable> {
        no_key()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unserializable> {
        no_key()
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<String, Unserializable> {
        Ok(value.to_string())
    }
}

#[cfg(test)]
mod tests;
