//! `span!` and the log macros, used wrongly.

use fanlight::{Level, error, info, log, span};

struct Opaque;

fn main() {
    let order = 17;
    let message = String::new();
    let opaque = Opaque;
    let level = Level::Warn;

    // The message.
    span!();
    info!(message);
    info!(order = 17, "paid");
    info!("paid {}", order);
    info!("paid {0}", order);
    info!("paid {order");
    info!("paid order}");
    info!("paid {no name}");
    info!("paid {missing}");
    info!("{order:.*}");

    // Attributes.
    span!("pay", order = 1, order = 2);
    span!("pay", otel.kind = "client");
    span!("pay", logfire.tags = ["a"]);
    span!("pay", fanlight.x = 1);
    span!("pay", "" = 1);
    span!("pay", 17);
    span!("pay", order + 1);
    span!("pay", "text");
    span!("pay", ?order = 17);
    span!("pay", order =);
    span!("pay", opaque);
    span!("pay" order);

    // Options.
    span!(lvl: Level::Warn, "pay");
    span!("pay", level: Level::Warn);
    span!(level: "warn", "pay");
    span!(kind: fanlight::SpanKind::Client, kind: fanlight::SpanKind::Server, "pay");
    info!(level: Level::Warn, "paid");
    error!(error: &opaque, "not paid");
    log!("paid");
    log!(level);
    span!(error: "text", "pay");
    span!("pay {order}", value = vec![Opaque], order);
}
