//! Profiles, as far as counting, storing and showing them needs.

use super::Value;
use super::dictionary::Tables;
use crate::schema::wire_type::{FIXED64, VARINT};
use crate::wire::{List, Records, Scalars};
use crate::{Batch, DecodeError, Signal};

/// A profile (`v1development`). What its indices point at is in the batch's [`DictionaryView`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ProfileView<'a> {
    /// When it was taken, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// How long it took, in nanoseconds.
    pub duration_nano: u64,
    /// What its values are; none when the sender left it out.
    pub sample_type: Option<ValueTypeView>,
    /// What happens once a period.
    pub period_type: Option<ValueTypeView>,
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

/// What values are: indices into the string table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ValueTypeView {
    /// `cpu`, `alloc_space`, ...
    pub type_strindex: i32,
    /// `nanoseconds`, `bytes`, ...
    pub unit_strindex: i32,
}

/// A stack that was seen, and how often or how much.
#[derive(Clone, Copy, Debug, Default)]
pub struct SampleView<'a> {
    /// Index into the stack table.
    pub stack_index: i32,
    /// Index into the link table; 0 when it belongs to no span.
    pub link_index: i32,
    attribute_indices: List<'a>,
    values: List<'a>,
    timestamps: List<'a>,
}

/// The tables that the profiles of one batch share. Lookups walk the table; [`DictionaryView::tables`] reads them once.
#[derive(Clone, Copy, Debug, Default)]
pub struct DictionaryView<'a> {
    pub(super) mappings: List<'a>,
    pub(super) locations: List<'a>,
    pub(super) functions: List<'a>,
    pub(super) links: List<'a>,
    pub(super) strings: List<'a>,
    pub(super) attributes: List<'a>,
    pub(super) stacks: List<'a>,
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
                1 => view.sample_type = Some(ValueTypeView::read(record.bytes()?)?),
                2 => view.samples.add(&record),
                3 => view.time_unix_nano = record.fixed64()?,
                4 => view.duration_nano = record.varint()?,
                5 => view.period_type = Some(ValueTypeView::read(record.bytes()?)?),
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

    /// Its samples.
    pub fn samples(&self) -> impl Iterator<Item = Result<SampleView<'a>, DecodeError>> + use<'a> {
        self.samples
            .map(|record| SampleView::read(record?.bytes()?))
    }

    /// How many samples it has.
    pub const fn samples_count(&self) -> usize {
        self.samples.len()
    }

    /// Its attributes, as indices for [`DictionaryView::attribute`].
    pub fn attribute_indices(&self) -> impl Iterator<Item = Result<i32, DecodeError>> + use<'a> {
        indices(self.attribute_indices)
    }
}

impl ValueTypeView {
    fn read(bytes: &[u8]) -> Result<ValueTypeView, DecodeError> {
        let mut view = ValueTypeView::default();
        for record in Records::new(bytes, "ValueType") {
            let record = record?;
            match record.number {
                1 => view.type_strindex = record.varint()? as i32,
                2 => view.unit_strindex = record.varint()? as i32,
                _ => {}
            }
        }
        Ok(view)
    }
}

impl<'a> SampleView<'a> {
    fn read(bytes: &'a [u8]) -> Result<SampleView<'a>, DecodeError> {
        let mut view = SampleView::default();
        for record in Records::new(bytes, "Sample") {
            let record = record?;
            match record.number {
                1 => view.stack_index = record.varint()? as i32,
                2 => view.attribute_indices.add(&record),
                3 => view.link_index = record.varint()? as i32,
                4 => view.values.add(&record),
                5 => view.timestamps.add(&record),
                _ => {}
            }
        }
        Ok(view)
    }

    /// Its attributes, as indices into the attribute table.
    pub fn attribute_indices(&self) -> impl Iterator<Item = Result<i32, DecodeError>> + use<'a> {
        indices(self.attribute_indices)
    }

    /// Its values, in the unit of the profile's sample type: one for each timestamp, or one in all. Where there is none, each
    /// timestamp stands for one.
    pub fn values(&self) -> impl Iterator<Item = Result<i64, DecodeError>> + use<'a> {
        Scalars::new(self.values, VARINT).map(|value| value.map(u64::cast_signed))
    }

    /// When it was seen, in nanoseconds since 1970; nothing where the sender counted only.
    pub fn timestamps_unix_nano(&self) -> impl Iterator<Item = Result<u64, DecodeError>> + use<'a> {
        Scalars::new(self.timestamps, FIXED64)
    }
}

/// A repeated field of indices.
pub(super) fn indices<'a>(
    list: List<'a>,
) -> impl Iterator<Item = Result<i32, DecodeError>> + use<'a> {
    Scalars::new(list, VARINT).map(|index| index.map(|index| index as i32))
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
                1 => view.mappings.add(&record),
                2 => view.locations.add(&record),
                3 => view.functions.add(&record),
                4 => view.links.add(&record),
                5 => view.strings.add(&record),
                6 => view.attributes.add(&record),
                7 => view.stacks.add(&record),
                _ => {}
            }
        }
        Ok(view)
    }

    /// Every table, for many lookups.
    ///
    /// # Errors
    /// When the bytes are not a dictionary.
    pub fn tables(&self) -> Result<Tables<'a>, DecodeError> {
        Tables::read(self)
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
    pub(super) fn value(&self, bytes: &'a [u8]) -> Result<Value<'a>, DecodeError> {
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
