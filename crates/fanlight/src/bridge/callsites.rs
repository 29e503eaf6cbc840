//! Callsites for places whose macros belong to other crates: made when a place first records something, and kept for good.
//!
//! A program has as many places as its text, so that is little. Should a program make places as it runs, those beyond
//! [`LIMIT`] share one callsite for each level, which says nothing of where it is.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::{PoisonError, RwLock};

use crate::__private::of_level;
use crate::Level;
use crate::callsite::{Callsite, Source};

/// How many places get a callsite of their own.
pub(super) const LIMIT: usize = 8192;

/// A place in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place<'a> {
    /// The name of its spans; empty for log records.
    pub(super) name: &'a str,
    /// The crate, and its version where that is known.
    pub(super) package: &'a str,
    pub(super) version: &'a str,
    /// What filters know it as; usually its module.
    pub(super) target: &'a str,
    pub(super) file: Option<&'a str>,
    pub(super) line: Option<u32>,
    pub(super) level: Level,
}

static MADE: RwLock<Made> = RwLock::new(Made {
    by_hash: HashMap::with_hasher(BuildHasherDefault::new()),
    count: 0,
});

struct Made {
    by_hash: HashMap<u64, Vec<&'static Callsite>, BuildHasherDefault<DefaultHasher>>,
    count: usize,
}

static NOWHERE: [Callsite; 7] = Callsite::new(
    "",
    Level::Info,
    Source {
        package: "",
        version: "",
        module: "",
        file: "",
        line: 0,
    },
)
.at_each_level();

impl Place<'_> {
    /// Its callsite.
    pub(super) fn callsite(&self) -> &'static Callsite {
        let hash = BuildHasherDefault::<DefaultHasher>::new().hash_one(self);
        let made = MADE.read().unwrap_or_else(PoisonError::into_inner);
        let found = self.find(&made, hash);
        drop(made);
        found.unwrap_or_else(|| self.make(hash))
    }

    fn find(&self, made: &Made, hash: u64) -> Option<&'static Callsite> {
        let alike = made.by_hash.get(&hash)?;
        alike.iter().copied().find(|callsite| self.is_of(callsite))
    }

    fn is_of(&self, callsite: &Callsite) -> bool {
        let source = callsite.source();
        callsite.template() == self.name
            && source.module == self.target
            && source.package == self.package
            && source.version == self.version
            && source.file == self.file.unwrap_or_default()
            && source.line == self.line.unwrap_or_default()
            && callsite.level() == self.level
    }

    #[cold]
    fn make(&self, hash: u64) -> &'static Callsite {
        let mut made = MADE.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(callsite) = self.find(&made, hash) {
            return callsite;
        }
        if made.count >= LIMIT {
            return of_level(&NOWHERE, self.level);
        }
        let source = Source {
            package: forever(self.package),
            version: forever(self.version),
            module: forever(self.target),
            file: forever(self.file.unwrap_or_default()),
            line: self.line.unwrap_or_default(),
        };
        let callsite = Callsite::new(forever(self.name), self.level, source);
        let callsite: &'static Callsite = Box::leak(Box::new(callsite));
        made.by_hash.entry(hash).or_default().push(callsite);
        made.count += 1;
        callsite
    }
}

/// The crate, with which modules begin. Those who name no module may have named it as their target.
#[cfg(any(feature = "log", feature = "tracing"))]
pub(super) fn package_of<'a>(module: Option<&'a str>, target: &'a str) -> &'a str {
    let module = module.unwrap_or(target);
    let package = module.split_once("::");
    package.map_or(module, |(package, _)| package)
}

fn forever(text: &str) -> &'static str {
    Box::leak(text.into())
}
