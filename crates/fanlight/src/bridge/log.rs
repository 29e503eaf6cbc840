//! What the `log` crate's macros record, as Fanlight's log records, with their key-values typed as they are.
//!
//! ```
//! fanlight::Logger::new().install()?;
//! log::info!(order = 17; "paid");
//! # Ok::<(), log::SetLoggerError>(())
//! ```

use std::error::Error;
use std::sync::{Mutex, PoisonError};

use ::log::kv::{Key, VisitSource, VisitValue};
use ::log::{LevelFilter, Log, Metadata, Record, SetLoggerError};

use super::callsites::{Place, package_of};
use crate::exception::Described;
use crate::value::{DisplayValue, ToValue};
use crate::{Level, LogBuilder, callsite};

/// A logger for the `log` crate that makes Fanlight's log records, and may pass everything on to another.
pub struct Logger {
    next: Option<Box<dyn Log>>,
    next_wants: LevelFilter,
}

/// What the wrapped logger wants, once there is one installed.
static INSTALLED: Mutex<Option<LevelFilter>> = Mutex::new(None);

/// The `log` crate remembers the least level that is wanted.
pub(super) fn follow_filter() {
    // Held to the end, so that the last to come says what is so then.
    let installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(next_wants) = *installed {
        ::log::set_max_level(wanted().max(next_wants));
    }
}

fn wanted() -> LevelFilter {
    match callsite::least_wanted() {
        Some(Level::Trace) => LevelFilter::Trace,
        Some(Level::Debug) => LevelFilter::Debug,
        Some(Level::Info) => LevelFilter::Info,
        Some(Level::Notice | Level::Warn) => LevelFilter::Warn,
        Some(Level::Error) => LevelFilter::Error,
        Some(Level::Fatal) | None => LevelFilter::Off,
    }
}

impl Logger {
    /// A logger that records for Fanlight alone.
    pub fn new() -> Logger {
        Logger {
            next: None,
            next_wants: LevelFilter::Off,
        }
    }

    /// A logger that also lets another have what it wants, up to a level that it says.
    ///
    /// ```no_run
    /// # struct Other;
    /// # impl log::Log for Other {
    /// #     fn enabled(&self, _: &log::Metadata) -> bool { true }
    /// #     fn log(&self, _: &log::Record) {}
    /// #     fn flush(&self) {}
    /// # }
    /// # impl Other { fn filter(&self) -> log::LevelFilter { log::LevelFilter::Info } }
    /// # let logger = Other;
    /// let level = logger.filter();
    /// fanlight::Logger::wrapping(logger, level).install()?;
    /// # Ok::<(), log::SetLoggerError>(())
    /// ```
    pub fn wrapping(logger: impl Log + 'static, wants: LevelFilter) -> Logger {
        Logger {
            next: Some(Box::new(logger)),
            next_wants: wants,
        }
    }

    /// Makes it the program's logger, before or after Fanlight starts.
    ///
    /// # Errors
    /// When the program has one already.
    pub fn install(self) -> Result<(), SetLoggerError> {
        let next_wants = self.next_wants;
        ::log::set_boxed_logger(Box::new(self))?;
        *INSTALLED.lock().unwrap_or_else(PoisonError::into_inner) = Some(next_wants);
        follow_filter();
        Ok(())
    }

    fn next_for(&self, metadata: &Metadata<'_>) -> Option<&dyn Log> {
        let next = self.next.as_deref()?;
        (metadata.level() <= self.next_wants && next.enabled(metadata)).then_some(next)
    }
}

impl Default for Logger {
    fn default() -> Logger {
        Logger::new()
    }
}

impl std::fmt::Debug for Logger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Logger")
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        callsite::wants(metadata.target(), level(metadata)) || self.next_for(metadata).is_some()
    }

    fn log(&self, record: &Record<'_>) {
        if let Some(next) = self.next_for(record.metadata()) {
            next.log(record);
        }
        let place = Place {
            name: "",
            package: package_of(record.module_path(), record.target()),
            version: "",
            target: record.target(),
            file: record.file(),
            line: record.line(),
            level: level(record.metadata()),
        };
        let callsite = place.callsite();
        if callsite.is_wanted() {
            let mut builder = LogBuilder::at(callsite);
            builder.message(record.args());
            // Only a visitor's own error stops it, and this one has none.
            let _ = record.key_values().visit(&mut KeyValues(&mut builder));
            builder.emit();
        }
    }

    fn flush(&self) {
        if let Some(next) = &self.next {
            next.flush();
        }
    }
}

fn level(metadata: &Metadata<'_>) -> Level {
    match metadata.level() {
        ::log::Level::Trace => Level::Trace,
        ::log::Level::Debug => Level::Debug,
        ::log::Level::Info => Level::Info,
        ::log::Level::Warn => Level::Warn,
        ::log::Level::Error => Level::Error,
    }
}

struct KeyValues<'a>(&'a mut LogBuilder);

impl<'kvs> VisitSource<'kvs> for KeyValues<'_> {
    fn visit_pair(
        &mut self,
        key: Key<'kvs>,
        value: ::log::kv::Value<'kvs>,
    ) -> Result<(), ::log::kv::Error> {
        value.visit(OneValue {
            key: key.as_str(),
            builder: self.0,
        })
    }
}

struct OneValue<'a> {
    key: &'a str,
    builder: &'a mut LogBuilder,
}

impl OneValue<'_> {
    fn put(&mut self, value: &(impl ToValue + ?Sized)) -> Result<(), ::log::kv::Error> {
        self.builder.add(self.key, value);
        Ok(())
    }
}

impl<'v> VisitValue<'v> for OneValue<'_> {
    fn visit_any(&mut self, value: ::log::kv::Value<'_>) -> Result<(), ::log::kv::Error> {
        self.put(&DisplayValue(value))
    }

    fn visit_null(&mut self) -> Result<(), ::log::kv::Error> {
        self.put(&())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), ::log::kv::Error> {
        self.put(&value)
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), ::log::kv::Error> {
        self.put(&value)
    }

    fn visit_u128(&mut self, value: u128) -> Result<(), ::log::kv::Error> {
        self.put(&value)
    }

    fn visit_i128(&mut self, value: i128) -> Result<(), ::log::kv::Error> {
        self.put(&value)
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), ::log::kv::Error> {
        self.put(&value)
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), ::log::kv::Error> {
        self.put(&value)
    }

    fn visit_str(&mut self, value: &str) -> Result<(), ::log::kv::Error> {
        self.put(value)
    }

    fn visit_char(&mut self, value: char) -> Result<(), ::log::kv::Error> {
        self.put(&value)
    }

    fn visit_error(&mut self, error: &(dyn Error + 'static)) -> Result<(), ::log::kv::Error> {
        self.builder.exception(Described::of_unknown(error));
        self.put(&DisplayValue(error))
    }

    fn visit_borrowed_error(
        &mut self,
        error: &'v (dyn Error + 'static),
    ) -> Result<(), ::log::kv::Error> {
        self.visit_error(error)
    }
}
