//! What is observed without the program: instruments of one scope, made in short.

use std::sync::Arc;

use super::registry::Registry;
use super::series::Shape;
use super::{InstrumentBuilder, Observable};

/// Makes observables of one scope.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    registry: Arc<Registry>,
    scope: &'static str,
}

impl Meter {
    pub(super) fn new(registry: &Arc<Registry>, scope: &'static str) -> Meter {
        Meter {
            registry: Arc::clone(registry),
            scope,
        }
    }

    pub(super) fn counter(
        &self,
        name: &'static str,
        unit: &'static str,
    ) -> InstrumentBuilder<Observable> {
        self.builder(name, unit, Shape::Sum { is_monotonic: true })
    }

    pub(super) fn up_down_counter(
        &self,
        name: &'static str,
        unit: &'static str,
    ) -> InstrumentBuilder<Observable> {
        self.builder(
            name,
            unit,
            Shape::Sum {
                is_monotonic: false,
            },
        )
    }

    pub(super) fn gauge(
        &self,
        name: &'static str,
        unit: &'static str,
    ) -> InstrumentBuilder<Observable> {
        self.builder(name, unit, Shape::Last)
    }

    fn builder(
        &self,
        name: &'static str,
        unit: &'static str,
        shape: Shape,
    ) -> InstrumentBuilder<Observable> {
        InstrumentBuilder::new(Arc::clone(&self.registry), name.into(), shape)
            .unit(unit)
            .scope(self.scope, env!("CARGO_PKG_VERSION"))
    }
}
