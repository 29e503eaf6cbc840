//! The binary as a user meets it: what it prints, serves, keeps and refuses.

mod command_line;
mod forwarding;
mod hub;
mod serving;
