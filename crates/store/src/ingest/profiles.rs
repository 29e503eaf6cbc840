//! Profiles: the request is kept whole, since its profiles share a dictionary, with a row for each of them.

use fanlight_otlp::Batch;
use fanlight_otlp::view::ProfileView;
use rusqlite::params;

use super::{Ingest, IngestError, service_of};

/// How hard zstd works on profiles.
const LEVEL: i32 = 3;

impl Ingest<'_, '_> {
    pub(super) fn profiles(&mut self, batch: &Batch) -> Result<(), IngestError> {
        if batch.items() == 0 && batch.bytes().is_empty() {
            return Ok(());
        }
        let tables = batch.dictionary()?.tables()?;
        let mut request = None;
        let mut number = 0;
        for resource in batch.resources() {
            let resource = resource?;
            let service = self.interner.name(service_of(&resource.attributes)?)?;
            for scope in resource.scopes() {
                for profile in scope?.profiles() {
                    let profile = profile?;
                    let request = match request {
                        Some(request) => request,
                        None => *request.insert(self.profile_request(batch)?),
                    };
                    let kind = profile.sample_type.unwrap_or_default();
                    let text = |index| tables.string(index).unwrap_or_default();
                    let names = (text(kind.type_strindex), text(kind.unit_strindex));
                    self.profile((request, number), service, &profile, names)?;
                    number += 1;
                }
            }
        }
        self.added.profiles += number;
        Ok(())
    }

    fn profile_request(&self, batch: &Batch) -> Result<i64, IngestError> {
        let data = zstd::encode_all(&batch.bytes()[..], LEVEL)
            .map_err(|error| IngestError::Block(error.into()))?;
        let mut insert = self
            .transaction
            .prepare_cached("INSERT INTO profile_requests (data) VALUES (?)")?;
        Ok(insert.insert([data])?)
    }

    fn profile(
        &self,
        (request, number): (i64, i64),
        service: i64,
        profile: &ProfileView<'_>,
        (sample_type, unit): (&str, &str),
    ) -> Result<(), IngestError> {
        let time_ns = match profile.time_unix_nano.cast_signed() {
            0 => self.now_ns,
            time => time,
        };
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO profiles (request, number, service, time_ns, duration_ns, sample_type, unit, samples)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?;
        insert.execute(params![
            request,
            number,
            service,
            time_ns,
            profile.duration_nano.cast_signed(),
            sample_type,
            unit,
            profile.samples_count() as i64
        ])?;
        Ok(())
    }
}
