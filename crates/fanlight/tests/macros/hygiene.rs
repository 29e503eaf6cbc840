//! The macros where nothing has its usual meaning. It is enough that this compiles, without a warning.

#![no_implicit_prelude]
#![deny(warnings)]
#![allow(
    dead_code,
    unused_macros,
    non_upper_case_globals,
    non_camel_case_types,
    reason = "names that could stand in the way"
)]

struct Some;
struct None;
struct Ok;
struct Err;
struct Option;
struct Result;
struct Span;
struct Context;
struct Level;
struct u8;
struct bool;
struct str;
mod std {}
mod core {}
mod alloc {}
const builder: i32 = 1;
static out: i32 = 1;
static callsite: i32 = 1;

macro_rules! format_args {
    () => {};
}

macro_rules! env {
    () => {};
}

/// A macro of somebody else, which uses ours.
macro_rules! wrapped {
    ($value:expr) => {{
        let inner = $value;
        ::fanlight::info!("wrapped {inner} {inner:>3}", again = $value)
    }};
}

fn logs<T: ::core::fmt::Debug>(value: T) -> T {
    let span = 1;
    let level = ::fanlight::Level::Warn;
    let error = "text";
    ::fanlight::info!("plain");
    ::fanlight::info!("with {value:?} {span}", other = ?value, out, builder, callsite);
    ::fanlight::info!(tags: ["a"], error: error, parent: span!("x").context(), "formatted {span:>5} {level:?}");
    ::fanlight::log!(level, "dynamic {level:?}");
    wrapped!(span);
    value
}

use ::fanlight::span;

fn spans(list: &[i32]) -> i32 {
    let outer = span!("outer", size = list.len());
    let _guard = span!(links: [outer.context()], tags: [list.len()], parent: &outer, "inner {size:>4}", size = list.len()).entered();
    1
}

#[::fanlight::instrument("sync {number:>4}", args, ret, err)]
fn fails<T: ::core::fmt::Debug>(
    number: i32,
    other: &T,
) -> ::core::result::Result<i32, ::core::fmt::Error> {
    ::core::result::Result::Ok(number)
}

#[::fanlight::instrument(args, ret, err)]
async fn waits<'a, T: ::core::fmt::Debug>(
    number: i32,
    other: &'a T,
) -> ::core::result::Result<&'a T, ::core::fmt::Error> {
    ::core::future::ready(number).await;
    ::core::result::Result::Ok(other)
}

#[::fanlight::instrument]
async fn waits_for_nothing() {}

#[::fanlight::instrument(ret)]
fn nothing(_: i32) {}
