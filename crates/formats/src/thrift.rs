//! Thrift, read from a slice: the binary and the compact protocol.
//!
//! Made for what strangers send: nothing is allocated on a length that a sender merely claims, nesting is bounded, and no
//! input panics (the `thrift` crate does, on negative lengths; tests compare with it). Texts and bytes are borrowed. Source:
//! [binary](https://github.com/apache/thrift/blob/master/doc/specs/thrift-binary-protocol.md),
//! [compact](https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).

/// How deep unknown values may be nested.
const DEEPEST: u8 = 32;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `TBinaryProtocol`.
    Binary,
    /// `TCompactProtocol`.
    Compact,
}

/// The bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThriftError {
    /// They end too early, or a length is larger than what follows it.
    #[error("it ends in the middle of a value")]
    Short,
    /// A number stands for no type.
    #[error("{0} is no type of a value")]
    Type(u8),
    /// A message begins with other bytes.
    #[error("it does not begin as a message of this protocol")]
    Message,
    /// A text has other bytes.
    #[error("a text is not UTF-8")]
    Text,
    /// Lists in lists in lists.
    #[error("values are nested too deep")]
    Depth,
    /// The elements of a list are of another type.
    #[error("a list has elements of another type")]
    Elements,
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the specification")]
pub enum Type {
    Bool,
    I8,
    I16,
    I32,
    I64,
    Double,
    /// A text too.
    Bytes,
    Struct,
    Map,
    Set,
    List,
    Uuid,
}

/// A field of a struct; its value follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its number.
    pub id: i16,
    /// Its type.
    pub kind: Type,
}

/// Reads values one after the other.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    protocol: Protocol,
    rest: &'a [u8],
    /// The compact protocol has a boolean field's value in the head of the field.
    boolean: Option<bool>,
}

type Read<T> = Result<T, ThriftError>;

impl<'a> Reader<'a> {
    /// Reads these bytes.
    pub fn new(protocol: Protocol, bytes: &'a [u8]) -> Reader<'a> {
        Reader {
            protocol,
            rest: bytes,
            boolean: None,
        }
    }

    /// The head of a message: the name of the method that is called. Its arguments follow, as a struct.
    ///
    /// # Errors
    /// When the bytes do not begin as a message does.
    pub fn message(&mut self) -> Read<&'a str> {
        match self.protocol {
            Protocol::Compact => {
                let [protocol, version] = self.take()?;
                if protocol != 0x82 || version & 0x1f != 1 {
                    return Err(ThriftError::Message);
                }
                self.varint()?;
                self.text()
            }
            Protocol::Binary => {
                let first = i32::from_be_bytes(self.take()?);
                // Old senders have the name's length where others have the version, which is negative.
                let name = match usize::try_from(first) {
                    Ok(length) => self.slice(length)?,
                    Err(_) if first as u32 >> 16 == 0x8001 => self.bytes()?,
                    Err(_) => return Err(ThriftError::Message),
                };
                if first >= 0 {
                    self.take::<1>()?;
                }
                self.take::<4>()?;
                std::str::from_utf8(name).map_err(|_| ThriftError::Text)
            }
        }
    }

    /// Reads a struct: calls `read` for each field, which must read the value or [`Reader::skip`] it.
    ///
    /// # Errors
    /// Those of `read`, and those of the bytes.
    pub fn structure(
        &mut self,
        mut read: impl FnMut(&mut Reader<'a>, Field) -> Read<()>,
    ) -> Read<()> {
        let mut last = 0;
        while let Some(field) = self.field(last)? {
            last = field.id;
            read(self, field)?;
        }
        Ok(())
    }

    /// Reads a list or set: calls `read` for each element, which must be of that type.
    ///
    /// # Errors
    /// Those of `read`, and those of the bytes.
    pub fn list(
        &mut self,
        kind: Type,
        mut read: impl FnMut(&mut Reader<'a>) -> Read<()>,
    ) -> Read<()> {
        let (found, length) = self.list_head()?;
        if length > 0 && found != kind {
            return Err(ThriftError::Elements);
        }
        (0..length).try_for_each(|_| read(self))
    }

    /// A boolean.
    ///
    /// # Errors
    /// When the bytes end.
    pub fn boolean(&mut self) -> Read<bool> {
        if let Some(value) = self.boolean.take() {
            return Ok(value);
        }
        let [byte] = self.take()?;
        Ok(byte == 1)
    }

    /// An integer of any size.
    ///
    /// # Errors
    /// When the bytes end, or the type is no integer.
    pub fn integer(&mut self, kind: Type) -> Read<i64> {
        match (self.protocol, kind) {
            (_, Type::I8) => Ok(i64::from(i8::from_be_bytes(self.take()?))),
            (Protocol::Compact, Type::I16 | Type::I32 | Type::I64) => self.zigzag(),
            (Protocol::Binary, Type::I16) => Ok(i64::from(i16::from_be_bytes(self.take()?))),
            (Protocol::Binary, Type::I32) => Ok(i64::from(i32::from_be_bytes(self.take()?))),
            (Protocol::Binary, Type::I64) => Ok(i64::from_be_bytes(self.take()?)),
            _ => Err(ThriftError::Elements),
        }
    }

    /// A floating-point number.
    ///
    /// # Errors
    /// When the bytes end.
    pub fn double(&mut self) -> Read<f64> {
        let bytes = self.take()?;
        Ok(match self.protocol {
            Protocol::Binary => f64::from_be_bytes(bytes),
            Protocol::Compact => f64::from_le_bytes(bytes),
        })
    }

    /// Bytes.
    ///
    /// # Errors
    /// When there are fewer than their length says.
    pub fn bytes(&mut self) -> Read<&'a [u8]> {
        let length = match self.protocol {
            Protocol::Compact => self.varint()?,
            Protocol::Binary => u64::from(u32::from_be_bytes(self.take()?)),
        };
        self.slice(usize::try_from(length).map_err(|_| ThriftError::Short)?)
    }

    /// A text.
    ///
    /// # Errors
    /// As [`Reader::bytes`], and when it is not UTF-8.
    pub fn text(&mut self) -> Read<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| ThriftError::Text)
    }

    /// Reads a value that is of no interest.
    ///
    /// # Errors
    /// When the bytes are no such value.
    pub fn skip(&mut self, kind: Type) -> Read<()> {
        self.skip_within(kind, DEEPEST)
    }

    fn skip_within(&mut self, kind: Type, depth: u8) -> Read<()> {
        let Some(deeper) = depth.checked_sub(1) else {
            return Err(ThriftError::Depth);
        };
        match kind {
            Type::Bool => self.boolean().map(drop),
            Type::I8 | Type::I16 | Type::I32 | Type::I64 => self.integer(kind).map(drop),
            Type::Double => self.double().map(drop),
            Type::Bytes => self.bytes().map(drop),
            Type::Uuid => self.take::<16>().map(drop),
            Type::Struct => self.structure(|reader, field| reader.skip_within(field.kind, deeper)),
            Type::Set | Type::List => {
                let (kind, length) = self.list_head()?;
                (0..length).try_for_each(|_| self.skip_within(kind, deeper))
            }
            Type::Map => {
                let Some((key, value, length)) = self.map_head()? else {
                    return Ok(());
                };
                (0..length).try_for_each(|_| {
                    self.skip_within(key, deeper)?;
                    self.skip_within(value, deeper)
                })
            }
        }
    }

    /// The head of the next field; `None` at the end of the struct.
    fn field(&mut self, last: i16) -> Read<Option<Field>> {
        let [head] = self.take()?;
        if head == 0 {
            return Ok(None);
        }
        match self.protocol {
            Protocol::Binary => {
                let kind = binary_type(head)?;
                let id = i16::from_be_bytes(self.take()?);
                Ok(Some(Field { id, kind }))
            }
            Protocol::Compact => {
                let kind = compact_type(head & 0x0f)?;
                let id = match i16::from(head >> 4) {
                    0 => self.zigzag()? as i16,
                    step => last.wrapping_add(step),
                };
                if kind == Type::Bool {
                    self.boolean = Some(head & 0x0f == 1);
                }
                Ok(Some(Field { id, kind }))
            }
        }
    }

    fn list_head(&mut self) -> Read<(Type, usize)> {
        let [head] = self.take()?;
        let (kind, length) = match (self.protocol, head >> 4) {
            (Protocol::Binary, _) => {
                let length = u32::from_be_bytes(self.take()?);
                (binary_type(head), u64::from(length))
            }
            (Protocol::Compact, 15) => (compact_type(head & 0x0f), self.varint()?),
            (Protocol::Compact, length) => (compact_type(head & 0x0f), u64::from(length)),
        };
        let length = self.elements(length)?;
        // An empty list may say anything about its elements.
        match kind {
            Err(_) if length == 0 => Ok((Type::Bool, 0)),
            kind => Ok((kind?, length)),
        }
    }

    fn map_head(&mut self) -> Read<Option<(Type, Type, usize)>> {
        match self.protocol {
            Protocol::Binary => {
                let [key, value] = self.take()?;
                let length = u32::from_be_bytes(self.take()?);
                match self.elements(u64::from(length))? {
                    0 => Ok(None),
                    length => Ok(Some((binary_type(key)?, binary_type(value)?, length))),
                }
            }
            Protocol::Compact => {
                let length = self.varint()?;
                match self.elements(length)? {
                    0 => Ok(None),
                    length => {
                        let [types] = self.take()?;
                        Ok(Some((
                            compact_type(types >> 4)?,
                            compact_type(types & 0x0f)?,
                            length,
                        )))
                    }
                }
            }
        }
    }

    /// A number of elements, each of which takes a byte at least.
    fn elements(&self, length: u64) -> Read<usize> {
        match usize::try_from(length) {
            Ok(length) if length <= self.rest.len() => Ok(length),
            _ => Err(ThriftError::Short),
        }
    }

    fn zigzag(&mut self) -> Read<i64> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn varint(&mut self) -> Read<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.take()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(ThriftError::Short)
    }

    fn slice(&mut self, length: usize) -> Read<&'a [u8]> {
        let (slice, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(ThriftError::Short)?;
        self.rest = rest;
        Ok(slice)
    }

    fn take<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(ThriftError::Short)?;
        self.rest = rest;
        Ok(*bytes)
    }
}

fn binary_type(number: u8) -> Read<Type> {
    Ok(match number {
        2 => Type::Bool,
        3 => Type::I8,
        4 => Type::Double,
        6 => Type::I16,
        8 => Type::I32,
        10 => Type::I64,
        11 => Type::Bytes,
        12 => Type::Struct,
        13 => Type::Map,
        14 => Type::Set,
        15 => Type::List,
        16 => Type::Uuid,
        other => return Err(ThriftError::Type(other)),
    })
}

fn compact_type(number: u8) -> Read<Type> {
    Ok(match number {
        1 | 2 => Type::Bool,
        3 => Type::I8,
        4 => Type::I16,
        5 => Type::I32,
        6 => Type::I64,
        7 => Type::Double,
        8 => Type::Bytes,
        9 => Type::List,
        10 => Type::Set,
        11 => Type::Map,
        12 => Type::Struct,
        13 => Type::Uuid,
        other => return Err(ThriftError::Type(other)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_beyond_the_input_are_refused_before_anything_is_made_of_them() {
        let huge_list = [0x0f, 0xff, 0xff, 0xff, 0xff];
        let huge_text = [0xff, 0xff, 0xff, 0xff, b'a'];
        let mut binary = Reader::new(Protocol::Binary, &huge_list);
        assert_eq!(binary.skip(Type::List), Err(ThriftError::Short));
        let mut binary = Reader::new(Protocol::Binary, &huge_text);
        assert_eq!(binary.bytes(), Err(ThriftError::Short));
        let mut compact = Reader::new(Protocol::Compact, &[0xff, 0xff, 0xff, 0xff, 0x0f, b'a']);
        assert_eq!(compact.bytes(), Err(ThriftError::Short));
        let mut compact = Reader::new(Protocol::Compact, &[0xff; 20]);
        assert_eq!(compact.bytes(), Err(ThriftError::Short));
    }

    #[test]
    fn nesting_is_bounded() {
        // A list of one list of one list ...
        let deep = [0x19; 1000];
        let mut reader = Reader::new(Protocol::Compact, &deep);
        assert_eq!(reader.skip(Type::List), Err(ThriftError::Depth));
    }

    #[test]
    fn field_numbers_may_wrap_without_harm() {
        // Field 32767 by its number, then a step of 15.
        let fields = [0x03, 0xfe, 0xff, 0x03, 1, 0xf3, 2, 0];
        let mut seen = Vec::new();
        let mut reader = Reader::new(Protocol::Compact, &fields);
        let read = reader.structure(|reader, field| {
            seen.push(field.id);
            reader.skip(field.kind)
        });
        assert_eq!((read, seen), (Ok(()), vec![32767, -32754]));
    }
}
