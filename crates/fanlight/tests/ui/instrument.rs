//! `#[instrument]`, used wrongly.

use fanlight::instrument;

#[instrument]
const fn constant() {}

#[instrument(skip(missing))]
fn skips(order: u32) {}

#[instrument(lvl = Level::Warn)]
fn option() {}

#[instrument(target = "shop")]
fn target() {}

#[instrument(level = "debug")]
fn level() {}

#[instrument("pay", name = "pay")]
fn twice() {}

#[instrument(fields(a = 1, a = 2))]
fn duplicate() {}

#[instrument("pay {missing}")]
fn captures() {}

#[instrument(err)]
fn nothing() {}

#[instrument(err)]
fn number() -> u32 {
    1
}

#[instrument(ret(Pretty))]
fn pretty() -> u32 {
    1
}

#[instrument]
struct Order;

trait Pays {
    #[instrument]
    fn pay(&self);
}

fn main() {}
