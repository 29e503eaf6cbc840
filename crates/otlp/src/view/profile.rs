//! Profiles, as far as counting, storing and showing them needs.

use super::Value;
use crate::schema::wire_type::VARINT;
use crate::wire::{List, Records, Scalars};
use crate::{Batch, DecodeError, Signal};

/// A profile (`v1development`). What its indices point at is in the batch's [`DictionaryView`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ProfileView<'a> {
    /// When it was taken, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// How long it took, in nanoseconds.
    pub duration_nano: u64,
    /// The sampling period.
    pub period: i64,
    /// Its id; zeros when it has none.
    pub profile_id: [u8; 16],
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// The format of the original payload, such as `pprof`.
    pub original_payload_format: &'a str,
    /// The profile as its source wrote it, if the sender kept it.
    pub original_payload: &'a [u8],
    samples: List<'a>,
    attribute_indices: List<'a>,
}

/// The tables that the profiles of one batch share. Lookups walk the table.
#[derive(Clone, Copy, Debug, Default)]
pub struct DictionaryView<'a> {
    strings: List<'a>,
    attributes: List<'a>,
}

impl<'a> ProfileView<'a> {
    /// Reads a `Profile` message.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn read(bytes: &'a [u8]) -> Result<ProfileView<'a>, DecodeError> {
        let mut view = ProfileView::default();
        for record in Records::new(bytes, "Profile") {
            let record = record?;
            match record.number {
                2 => view.samples.add(&record),
                3 => view.time_unix_nano = record.fixed64()?,
                4 => view.duration_nano = record.varint()?,
                6 => view.period = record.varint()?.cast_signed(),
                7 => view.profile_id = record.id()?,
                8 => view.dropped_attributes_count = record.varint()? as u32,
                9 => view.original_payload_format = record.text()?,
                10 => view.original_payload = record.bytes()?,
                11 => view.attribute_indices.add(&record),
                _ => {}
            }
        }
        Ok(view)
    }

    /// How many samples it has.
    pub const fn samples_count(&self) -> usize {
        self.samples.len()
    }

    /// Its attributes, as indices for [`DictionaryView::attribute`].
    pub fn attribute_indices(&self) -> impl Iterator<Item = Result<i32, DecodeError>> + use<'a> {
        Scalars::new(self.attribute_indices, VARINT).map(|index| index.map(|index| index as i32))
    }
}

impl Batch {
    /// The tables that the batch's profiles share; empty for other signals.
    ///
    /// # Errors
    /// When the bytes are not a request.
    pub fn dictionary(&self) -> Result<DictionaryView<'_>, DecodeError> {
        let mut view = DictionaryView::default();
        if self.signal() != Signal::Profiles {
            return Ok(view);
        }
        for record in Records::new(self.bytes(), "ExportProfilesServiceRequest") {
            let record = record?;
            if record.number == 2 {
                view = DictionaryView::read(record.bytes()?)?;
            }
        }
        Ok(view)
    }
}

impl<'a> DictionaryView<'a> {
    fn read(bytes: &'a [u8]) -> Result<DictionaryView<'a>, DecodeError> {
        let mut view = DictionaryView::default();
        for record in Records::new(bytes, "ProfilesDictionary") {
            let record = record?;
            match record.number {
                5 => view.strings.add(&record),
                6 => view.attributes.add(&record),
                _ => {}
            }
        }
        Ok(view)
    }

    /// A string of the table; `None` when the index points past it.
    ///
    /// # Errors
    /// When the bytes are not a dictionary.
    pub fn string(&self, index: i32) -> Result<Option<&'a str>, DecodeError> {
        let Some(record) = usize::try_from(index)
            .ok()
            .and_then(|index| self.strings.clone().nth(index))
        else {
            return Ok(None);
        };
        record?.text().map(Some)
    }

    /// An attribute of the table; `None` when an index points past a table.
    ///
    /// # Errors
    /// When the bytes are not a dictionary.
    pub fn attribute(&self, index: i32) -> Result<Option<(&'a str, Value<'a>)>, DecodeError> {
        let Some(record) = usize::try_from(index)
            .ok()
            .and_then(|index| self.attributes.clone().nth(index))
        else {
            return Ok(None);
        };
        let mut key = 0;
        let mut value: &[u8] = &[];
        for record in Records::new(record?.bytes()?, "KeyValueAndUnit") {
            let record = record?;
            match record.number {
                1 => key = record.varint()? as i32,
                2 => value = record.bytes()?,
                _ => {}
            }
        }
        let Some(key) = self.string(key)? else {
            return Ok(None);
        };
        Ok(Some((key, self.value(value)?)))
    }

    /// An `AnyValue`, with a reference into the string table resolved.
    fn value(&self, bytes: &'a [u8]) -> Result<Value<'a>, DecodeError> {
        for record in Records::new(bytes, "AnyValue") {
            let record = record?;
            if record.number == 8 {
                return Ok(self
                    .string(record.varint()? as i32)?
                    .map_or(Value::Empty, Value::Str));
            }
        }
        Value::read(bytes)
    }
}
