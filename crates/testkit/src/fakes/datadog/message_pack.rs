//! [MessagePack](https://github.com/msgpack/msgpack/blob/master/spec.md) as JSON; binary becomes a list of numbers.

use serde_json::{Map, Value};

/// Reads one value, and nothing behind it.
pub(super) fn read(bytes: &[u8]) -> Result<Value, String> {
    let mut reader = Reader(bytes);
    let value = reader.value()?;
    match reader.0 {
        [] => Ok(value),
        _ => Err("something follows".to_owned()),
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let taken = self.0.split_at_checked(length);
        let (taken, rest) = taken.ok_or("it breaks off")?;
        self.0 = rest;
        Ok(taken)
    }

    /// A number of so many bytes.
    fn number(&mut self, length: usize) -> Result<u64, String> {
        let bytes = self.take(length)?;
        Ok(bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn text(&mut self, length: u64) -> Result<Value, String> {
        let bytes = self.take(length as usize)?;
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        Ok(text.into())
    }

    fn value(&mut self) -> Result<Value, String> {
        let kind = self.number(1)?;
        Ok(match kind {
            0x00..=0x7f => kind.into(),
            0x80..=0x8f => self.map(kind & 0x0f)?,
            0x90..=0x9f => self.list(kind & 0x0f)?,
            0xa0..=0xbf => self.text(kind & 0x1f)?,
            0xc0 => Value::Null,
            0xc2 | 0xc3 => (kind == 0xc3).into(),
            0xc4..=0xc6 => {
                let length = self.number(1 << (kind - 0xc4))?;
                self.take(length as usize)?.to_vec().into()
            }
            0xcb => f64::from_bits(self.number(8)?).into(),
            0xcc..=0xcf => self.number(1 << (kind - 0xcc))?.into(),
            0xd9..=0xdb => {
                let length = self.number(1 << (kind - 0xd9))?;
                self.text(length)?
            }
            0xdc | 0xdd => {
                let length = self.number(2 << (kind - 0xdc))?;
                self.list(length)?
            }
            0xde | 0xdf => {
                let length = self.number(2 << (kind - 0xde))?;
                self.map(length)?
            }
            _ => return Err(format!("the kind {kind:#x} is not expected")),
        })
    }

    fn list(&mut self, length: u64) -> Result<Value, String> {
        (0..length).map(|_| self.value()).collect()
    }

    fn map(&mut self, length: u64) -> Result<Value, String> {
        let mut map = Map::new();
        for _ in 0..length {
            let key = self.value()?;
            let key = key.as_str().ok_or("a key is a text")?.to_owned();
            map.insert(key, self.value()?);
        }
        Ok(map.into())
    }
}
