//! What `#[instrument]` makes of functions.

use std::cell::Cell;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::future::{Future, ready};
use std::num::ParseIntError;
use std::pin::Pin;

use fanlight::testing::{CapturedSpan, capture};
use fanlight::{Level, SpanKind, info, instrument, span};
use futures::executor::block_on;

/// The only span that a piece of code makes, which has a record in it.
fn only<R>(run: impl FnOnce() -> R) -> (CapturedSpan, R) {
    let captured = capture();
    let result = run();
    let mut spans = captured.spans();
    assert_eq!(spans.len(), 1);
    let span = spans.remove(0);
    for log in captured.logs() {
        assert_eq!(log.parent_id, Some(span.span_id));
    }
    (span, result)
}

#[instrument]
fn plain(_secret: &str) -> u8 {
    info!("inside");
    7
}

/// Scenario: a function with nothing said.
/// Guarantee: the span has its name and none of its arguments, and encloses what it does.
#[test]
fn the_name_is_the_functions_and_arguments_are_kept_quiet() {
    let (span, result) = only(|| plain("secret"));
    assert_eq!(result, 7);
    assert_eq!(span.name, "plain");
    assert!(span.attributes.is_empty());
    assert_eq!(span.source.module, module_path!());
}

#[derive(Debug)]
struct Cart(u8);

#[instrument("pay {order}", level = Level::Warn, kind = SpanKind::Server, tags = ["a"], args(?cart), fields(size = items.len()), ret)]
fn pay(order: u32, cart: &Cart, items: Vec<String>, mut total: f64) -> f64 {
    total += f64::from(cart.0) + items.len() as f64;
    total
}

/// Scenario: arguments named one by one, and all but one.
/// Guarantee: numbers stay numbers, other types have their `Debug` form, what is returned is recorded.
#[test]
fn arguments_and_result_are_recorded_as_asked() {
    let (span, _) = only(|| pay(17, &Cart(3), vec!["tea".to_owned()], 0.5));
    assert_eq!(span.message, "pay 17");
    assert_eq!((span.level, span.kind), (Level::Warn, SpanKind::Server));
    assert_eq!(span.tags, ["a"]);
    assert_eq!(span.attributes["order"], 17);
    assert_eq!(span.attributes["cart"], "Cart(3)");
    assert_eq!(span.attributes["size"], 1);
    assert_eq!(span.attributes["return"], 4.5);

    let (span, _) = only(|| all_but(17, Cart(3), (1, 2), "secret"));
    assert_eq!(span.attributes["order"], 17);
    assert_eq!(span.attributes["cart"], "Cart(3)");
    assert_eq!(span.attributes["right"], "2");
    assert_eq!(span.attributes["return"], "\"17\"");
    assert_eq!(span.attributes.len(), 5);
}

#[instrument(skip(password), ret(Debug))]
fn all_but(order: u32, cart: Cart, (left, right): (u8, u8), password: &str) -> String {
    assert!(cart.0 > left && !password.is_empty() && right > 0);
    order.to_string()
}

struct Shop {
    name: &'static str,
    orders: Vec<u32>,
}

trait Sells {
    fn sell(&mut self) -> usize;
}

impl Sells for Shop {
    #[instrument("{self.name} sells")]
    fn sell(&mut self) -> usize {
        self.orders.push(1);
        self.orders.len()
    }
}

impl Shop {
    #[instrument(err, args(self.name))]
    fn last<'a>(&'a mut self, text: &str) -> Result<&'a mut u32, ParseIntError> {
        let order: u32 = text.parse()?;
        if order == 0 {
            return Ok(&mut self.orders[0]);
        }
        self.orders.push(order);
        Ok(&mut self.orders[0])
    }

    #[instrument(args(order), ret, err)]
    async fn pay(&self, order: u32) -> Result<u32, String> {
        info!("before");
        ready(()).await;
        info!("after");
        if order == 0 {
            Err("nothing to pay")?;
        }
        Ok(order)
    }

    #[instrument("boxed {order}", err)]
    fn boxed<'a>(
        &'a self,
        order: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<u32, ParseIntError>> + Send + 'a>> {
        let name = self.name;
        Box::pin(async move {
            info!("in {name}");
            let order: u32 = order.parse()?;
            ready(()).await;
            Ok(order)
        })
    }

    #[allow(clippy::manual_async_fn, reason = "this is what is tried")]
    #[instrument(err)]
    fn returned(&self, order: u32) -> impl Future<Output = Result<u32, Box<dyn Error>>> + use<'_> {
        async move {
            info!("{self.name}");
            if order == 0 {
                return Err("nothing".into());
            }
            Ok(ready(order).await)
        }
    }
}

fn shop() -> Shop {
    Shop {
        name: "main",
        orders: vec![5],
    }
}

/// Scenario: methods by reference, of a trait, returning what they borrow, failing in the middle.
/// Guarantee: they do what they did, and a failure is an exception and the span's error.
#[test]
fn methods_stay_what_they_are_and_errors_are_exceptions() {
    let mut shop = shop();
    let (span, _) = only(|| shop.sell());
    assert_eq!(span.message, "main sells");

    let (span, result) = only(|| shop.last("7").copied());
    assert_eq!(result, Ok(5));
    assert_eq!(span.attributes["self.name"], "main");
    assert_eq!(span.error, None);

    let (span, result) = only(|| shop.last("x").is_err());
    assert!(result);
    assert_eq!(span.level, Level::Error);
    assert_eq!(span.events[0].name, "exception");
    assert_eq!(
        span.events[0].attributes["exception.type"],
        "core::num::error::ParseIntError"
    );
    assert_eq!(
        span.error.as_deref(),
        Some("core::num::error::ParseIntError: invalid digit found in string")
    );
}

/// Scenario: an async method, a boxed future as `async_trait` makes it, and a future that is returned.
/// Guarantee: the span is entered whenever the future runs, and has its error; nothing is recorded before it runs.
#[test]
fn futures_run_in_their_span() {
    let shop = shop();
    let (span, result) = only(|| block_on(shop.pay(3)));
    assert_eq!(result, Ok(3));
    assert_eq!(span.attributes["return"], 3);
    let (span, _) = only(|| block_on(shop.pay(0)));
    assert_eq!(
        span.events[0].attributes["exception.message"],
        "nothing to pay"
    );
    assert!(!span.attributes.contains_key("return"));

    let (span, result) = only(|| block_on(shop.boxed("4")));
    assert_eq!((span.message.as_str(), result), ("boxed 4", Ok(4)));
    let (span, _) = only(|| block_on(shop.boxed("x")));
    assert!(span.error.is_some());

    let (span, _) = only(|| block_on(shop.returned(0)));
    assert_eq!(span.events[0].attributes["exception.message"], "nothing");

    let captured = capture();
    drop(shop.pay(3));
    assert!(captured.spans().is_empty());
}

#[async_trait::async_trait]
trait Delivers {
    async fn deliver(&mut self, order: u32) -> anyhow::Result<usize>;

    #[instrument("wait for {order}")]
    async fn wait(&self, order: u32) {
        ready(order).await;
    }
}

#[async_trait::async_trait]
impl Delivers for Shop {
    #[instrument("{self.name} delivers {order}", args(order), ret, err)]
    async fn deliver(&mut self, order: u32) -> anyhow::Result<usize> {
        info!("under way to {order}");
        let parsed: u32 = ready("x")
            .await
            .parse()
            .map_err(|error| anyhow::Error::new(error).context("no address"))?;
        self.orders.push(parsed);
        Ok(self.orders.len())
    }
}

/// Scenario: methods of a trait that `async_trait` makes dynamic, and an error of `anyhow`.
/// Guarantee: they are instrumented as other methods are, and the error comes with its causes.
#[test]
fn async_traits_are_instrumented() {
    let mut shop = shop();
    let (span, _) = only(|| block_on(shop.deliver(3)).is_err());
    assert_eq!(span.message, "main delivers 3");
    let exception = &span.events[0].attributes;
    assert_eq!(exception["exception.type"], "anyhow::Error");
    assert_eq!(exception["exception.message"], "no address");
    assert_eq!(
        exception["exception.stacktrace"],
        "caused by: invalid digit found in string\n"
    );
    let (span, ()) = only(|| block_on(shop.wait(4)));
    assert_eq!(span.message, "wait for 4");
}

#[instrument(args(?value), err)]
fn generic<T: Debug, E: Display>(
    value: T,
    result: Result<(), E>,
) -> Result<impl Iterator<Item = T>, E> {
    result?;
    Ok([value].into_iter())
}

#[instrument(root)]
fn root(stop: bool) {
    if stop {
        return;
    }
    info!("on");
}

/// Scenario: generic functions, a root inside of a span, a function that never returns.
/// Guarantee: a type that can only be displayed may be an error; a root has no parent; a panic is the span's error.
#[test]
fn unusual_functions_are_instrumented_too() {
    let (span, result) = only(|| generic(1, Ok::<_, &str>(())).map(Iterator::count));
    assert_eq!(result, Ok(1));
    assert_eq!(span.attributes["value"], "1");
    let (span, _) = only(|| generic(1, Err("broken")).is_err());
    assert_eq!(span.error.as_deref(), Some("str: broken"));

    let captured = capture();
    span!("outer").in_scope(|| root(true));
    assert_eq!(captured.spans()[0].parent_id, None);
    assert_eq!(captured.spans()[0].name, "root");

    let (span, _) = only(|| std::panic::catch_unwind(|| never(&Cell::new(false))).is_err());
    assert_eq!(span.error.as_deref(), Some("panicked"));
}

#[instrument(skip_all, name = "never")]
fn never(flag: &Cell<bool>) -> ! {
    flag.set(true);
    panic!("never returns")
}

/// Scenario: the size of an instrumented future beside the same without.
/// Guarantee: it holds its body once, and no memory of its own is asked for.
#[test]
fn a_future_holds_its_body_once() {
    async fn bare(bytes: [u8; 1000]) -> u8 {
        ready(()).await;
        bytes[0]
    }
    #[instrument]
    async fn dressed(bytes: [u8; 1000]) -> u8 {
        ready(()).await;
        bytes[0]
    }
    let (bare, dressed) = (
        size_of_val(&bare([0; 1000])),
        size_of_val(&dressed([0; 1000])),
    );
    assert!(dressed < 3 * bare, "{dressed} beside {bare}");
}
