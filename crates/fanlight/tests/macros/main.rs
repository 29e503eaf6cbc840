//! The macros: what they record, that they mean the same wherever they stand, and what they say when they are used wrongly.

mod hygiene;
mod instrument;
mod logs;
mod refusals;
mod spans;
