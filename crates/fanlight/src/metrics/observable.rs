//! Instruments that are asked when metrics are collected.

use std::fmt;
use std::sync::Arc;

use super::attributes::Attributes;
use super::number::Measure;
use super::registry::{Callback, Instrument};

/// A callback that is asked whenever metrics are collected. It goes on being asked when this is dropped, until
/// [`Observable::stop`].
pub struct Observable {
    instrument: Arc<Instrument>,
    callback: Callback,
}

/// Takes what is observed. A series that is not observed any more is not exported any more.
#[derive(Debug)]
pub struct Observer<'a> {
    instrument: &'a Instrument,
}

impl Observable {
    pub(super) fn new(instrument: Arc<Instrument>, callback: Callback) -> Observable {
        Observable {
            instrument,
            callback,
        }
    }

    /// Has the callback asked no more.
    pub fn stop(self) {
        self.instrument.stop_observing(&self.callback);
    }
}

impl fmt::Debug for Observable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.instrument.fmt(f)
    }
}

impl<'a> Observer<'a> {
    pub(super) fn new(instrument: &'a Instrument) -> Observer<'a> {
        Observer { instrument }
    }

    /// Observes a value: of counters the total.
    pub fn observe(&self, value: impl Measure, attributes: impl Attributes) {
        let value = value.number();
        if self.instrument.accepts(value) {
            self.instrument
                .series
                .with(&attributes, |series| series.set(value));
        }
    }
}
