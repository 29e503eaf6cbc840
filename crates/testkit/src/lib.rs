//! Generators, recording servers and contract suites for tests.
