//! The hub as a library, for its own tests.
