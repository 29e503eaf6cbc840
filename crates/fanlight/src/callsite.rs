//! Places in a program that make spans and log records, and whether anybody wants what they make.
//!
//! Each use of a macro is one static [`Callsite`]. It holds what never changes there, so that what happens at run time is
//! only an id and the values. Where a callsite is not wanted, that costs one relaxed load.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::span::SpanKind;
use crate::{Level, bridge, context};

/// What a place in the program makes.
#[derive(Debug)]
pub struct Callsite {
    template: &'static str,
    level: Level,
    kind: SpanKind,
    source: Source,
    tags: &'static [&'static str],
    interest: AtomicU8,
    id: AtomicU32,
}

/// Where in the code a callsite is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Source {
    /// The crate, which becomes the instrumentation scope.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The module, `shop::checkout`.
    pub module: &'static str,
    /// The file as the compiler was given it.
    pub file: &'static str,
    /// The line in it, from 1.
    pub line: u32,
}

#[cfg(test)]
impl Source {
    /// Where tests say that their callsites are.
    pub(crate) const TEST: Source = Source {
        package: "test",
        version: "1",
        module: "test",
        file: "src/pay.rs",
        line: 7,
    };
}

/// Nobody has asked yet.
const UNKNOWN: u8 = 0;
const UNWANTED: u8 = 1;
const WANTED: u8 = 2;
/// Wanted by threads whose telemetry is captured, and by nobody else.
const CAPTURED: u8 = 3;

static REGISTRY: RwLock<Registry> = RwLock::new(Registry {
    callsites: Vec::new(),
    filter: None,
    captures: 0,
});

struct Registry {
    callsites: Vec<&'static Callsite>,
    filter: Option<Filter>,
    /// How often threads are captured at present.
    captures: usize,
}

/// Which callsites are wanted: those of a level at least as high as the longest matching module prefix asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// What modules without a rule need; nothing stands for none at all.
    pub minimum: Option<Level>,
    /// Module prefixes, with what they need.
    pub modules: Vec<(String, Option<Level>)>,
}

impl Callsite {
    /// A callsite; for the macros.
    pub const fn new(template: &'static str, level: Level, source: Source) -> Callsite {
        Callsite {
            template,
            level,
            kind: SpanKind::Internal,
            source,
            tags: &[],
            interest: AtomicU8::new(UNKNOWN),
            id: AtomicU32::new(0),
        }
    }

    /// With the kind of its spans.
    pub const fn with_kind(mut self, kind: SpanKind) -> Callsite {
        self.kind = kind;
        self
    }

    /// With tags.
    pub const fn with_tags(mut self, tags: &'static [&'static str]) -> Callsite {
        self.tags = tags;
        self
    }

    /// One of each level, least first, for a level that is known at run time only.
    pub const fn at_each_level(self) -> [Callsite; 7] {
        [
            self.at(Level::Trace),
            self.at(Level::Debug),
            self.at(Level::Info),
            self.at(Level::Notice),
            self.at(Level::Warn),
            self.at(Level::Error),
            self.at(Level::Fatal),
        ]
    }

    const fn at(&self, level: Level) -> Callsite {
        Callsite::new(self.template, level, self.source)
            .with_kind(self.kind)
            .with_tags(self.tags)
    }

    /// Whether anybody wants what it makes.
    #[inline]
    pub fn is_wanted(&'static self) -> bool {
        match self.interest.load(Ordering::Relaxed) {
            WANTED => true,
            UNWANTED => false,
            _ => self.ask(),
        }
    }

    /// The message with its placeholders, which is also the name of its spans.
    pub fn template(&self) -> &'static str {
        self.template
    }

    /// How much it matters.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The kind of its spans.
    pub fn kind(&self) -> SpanKind {
        self.kind
    }

    /// Where it is.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Its tags.
    pub fn tags(&self) -> &'static [&'static str] {
        self.tags
    }

    /// Its number in this process, from 1. A callsite that nobody asked about has none yet and is given one.
    pub(crate) fn id(&'static self) -> u32 {
        match self.id.load(Ordering::Relaxed) {
            0 => {
                self.register();
                self.id.load(Ordering::Relaxed)
            }
            id => id,
        }
    }

    /// The callsite of a number.
    pub(crate) fn of(id: u32) -> Option<&'static Callsite> {
        let registry = REGISTRY.read().unwrap_or_else(PoisonError::into_inner);
        let index = usize::try_from(id).ok()?.checked_sub(1)?;
        registry.callsites.get(index).copied()
    }

    #[cold]
    fn ask(&'static self) -> bool {
        if self.interest.load(Ordering::Relaxed) == UNKNOWN {
            self.register();
        }
        match self.interest.load(Ordering::Relaxed) {
            CAPTURED => context::is_redirected(),
            interest => interest == WANTED,
        }
    }

    fn register(&'static self) {
        let mut registry = REGISTRY.write().unwrap_or_else(PoisonError::into_inner);
        if self.id.load(Ordering::Relaxed) == 0 {
            registry.callsites.push(self);
            let id = u32::try_from(registry.callsites.len()).unwrap_or(u32::MAX);
            self.id.store(id, Ordering::Relaxed);
        }
        registry.decide(self);
    }
}

impl Registry {
    fn decide(&self, callsite: &Callsite) {
        let interest = if self.wants(callsite.source.module, callsite.level) {
            WANTED
        } else if self.captures > 0 {
            CAPTURED
        } else {
            UNWANTED
        };
        callsite.interest.store(interest, Ordering::Relaxed);
    }

    fn decide_again(&self) {
        for callsite in &self.callsites {
            self.decide(callsite);
        }
    }

    fn wants(&self, module: &str, level: Level) -> bool {
        let filter = self.filter.as_ref();
        filter.is_some_and(|filter| filter.wants(module, level))
    }
}

/// Puts a filter in force; without one nothing is wanted.
pub(crate) fn set_filter(filter: Option<Filter>) {
    change(|registry| {
        registry.filter = filter;
        true
    });
}

/// Says that a thread is captured, and wants everything.
pub(crate) fn begin_capture() {
    change(|registry| {
        registry.captures += 1;
        registry.captures == 1
    });
}

/// Takes back one [`begin_capture`].
pub(crate) fn end_capture() {
    change(|registry| {
        registry.captures = registry.captures.saturating_sub(1);
        registry.captures == 0
    });
}

/// Changes what is wanted, and decides again where the change says that it matters.
fn change(change: impl FnOnce(&mut Registry) -> bool) {
    let mut registry = REGISTRY.write().unwrap_or_else(PoisonError::into_inner);
    let matters = change(&mut registry);
    if matters {
        registry.decide_again();
    }
    drop(registry);
    if matters {
        bridge::follow_filter();
    }
}

/// The least level that some module may make; nothing where no module may make anything.
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) fn least_wanted() -> Option<Level> {
    let registry = REGISTRY.read().unwrap_or_else(PoisonError::into_inner);
    if registry.captures > 0 {
        return Some(Level::Trace);
    }
    let filter = registry.filter.as_ref()?;
    let modules = filter.modules.iter().map(|(_, minimum)| *minimum);
    modules.chain([filter.minimum]).flatten().min()
}

/// Whether something that has no callsite of its own is wanted; nothing where that depends on the thread.
#[cfg(feature = "tracing")]
pub(crate) fn is_always_wanted(module: &str, level: Level) -> Option<bool> {
    let registry = REGISTRY.read().unwrap_or_else(PoisonError::into_inner);
    match registry.wants(module, level) {
        true => Some(true),
        false => (registry.captures == 0).then_some(false),
    }
}

/// Whether anybody wants to know of spans that have started and not ended.
static STARTS_ARE_WANTED: AtomicBool = AtomicBool::new(false);

pub(crate) fn are_starts_wanted() -> bool {
    STARTS_ARE_WANTED.load(Ordering::Relaxed)
}

pub(crate) fn want_starts(wanted: bool) {
    STARTS_ARE_WANTED.store(wanted, Ordering::Relaxed);
}

/// Whether the filter in force wants something that has no callsite of its own.
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) fn wants(module: &str, level: Level) -> bool {
    let registry = REGISTRY.read().unwrap_or_else(PoisonError::into_inner);
    registry.wants(module, level) || (registry.captures > 0 && context::is_redirected())
}

impl Filter {
    /// One minimum for everything.
    pub fn at_least(minimum: Level) -> Filter {
        Filter {
            minimum: Some(minimum),
            modules: Vec::new(),
        }
    }

    /// Whether it wants what a module makes at a level.
    pub fn wants(&self, module: &str, level: Level) -> bool {
        let matches = |prefix: &str| {
            module
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        let rule = self.modules.iter().filter(|(prefix, _)| matches(prefix));
        let minimum = match rule.max_by_key(|(prefix, _)| prefix.len()) {
            Some((_, minimum)) => *minimum,
            None => self.minimum,
        };
        minimum.is_some_and(|minimum| level >= minimum)
    }
}
