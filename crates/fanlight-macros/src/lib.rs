//! The macros of the crate `fanlight`, which exports them: use them from there.

mod expand;
mod model;
mod parse;

use proc_macro::TokenStream;
use syn::{Error, ItemFn, parse_macro_input};

use crate::parse::{LeveledLogCall, LogCall, SpanCall};

/// Starts a span: an operation with a start and an end, and whatever happens between.
///
/// The message says what is done, with placeholders for what differs from one time to the next. The message as it is written
/// is the span's name; filled in, it is what people read. Each value is an attribute.
///
/// ```
/// use fanlight::{Level, SpanKind, span};
///
/// let order = 17;
/// let span = span!("pay {order}", currency = "EUR");
/// span.in_scope(|| {
///     let _span = span!(kind: SpanKind::Client, "charge {card}", card = "visa", attempt = 1).entered();
/// });
///
/// // As a child of another span than the one that is entered:
/// let _other = span!(level: Level::Debug, parent: &span, tags: ["billing"], "print receipt");
/// ```
///
/// Where nobody wants it, no value is evaluated, and what is left costs no more than reading an atomic.
///
/// # Message
///
/// | Written | Shows |
/// |---|---|
/// | `{order}` | the attribute `order`, or else the variable `order`, which becomes an attribute |
/// | `{user.name}` | the attribute `user.name`, or else the field `name` of `user`, which becomes one |
/// | `{seconds:.1}`, `{text:>width$}` | the same as `format!` would; the message is made at the call, which takes longer |
/// | `{order:?}` | its `Debug` form, in which the attribute is recorded unless it is in the list in another form |
/// | `{{`, `}}` | braces |
///
/// There are no positional values: every attribute has a name.
///
/// # Attributes
///
/// | Written | Key | Recorded as |
/// |---|---|---|
/// | `order = 17` | `order` | what it is: see `ToValue` |
/// | `user.id = 5` | `user.id` | |
/// | `"any key" = true` | `any key` | |
/// | `order` | `order` | the variable of that name |
/// | `user.name` | `user.name` | the field `name` of the variable `user` |
/// | `?order`, `key = ?order` | `order`, `key` | its `Debug` form |
/// | `%order`, `key = %order` | `order`, `key` | its `Display` form |
/// | `#order`, `key = #order` | `order`, `key` | what serde makes of it, with its structure (feature `serde`) |
///
/// Values are only looked at: nothing is moved. Keys that begin with `logfire.`, `otel.` or `fanlight.` are refused.
///
/// # Options
///
/// Options come before the message, as `name: value`.
///
/// | Option | Means |
/// |---|---|
/// | `level: Level::Debug` | how much it matters; `Level::Info` otherwise |
/// | `kind: SpanKind::Client` | what it does for whom; `SpanKind::Internal` otherwise |
/// | `parent: &span`, `parent: context`, `parent: None` | whose child it is; the entered span's otherwise |
/// | `links: [context]` | other spans that have to do with it |
/// | `tags: ["billing"]` | tags |
/// | `crate: my::fanlight` | where the crate `fanlight` is, if it has another name |
#[proc_macro]
pub fn span(input: TokenStream) -> TokenStream {
    let SpanCall(call) = parse_macro_input!(input);
    expand::span(&call).into()
}

/// Records that something happened, at the level given first.
///
/// ```
/// use fanlight::{Level, log};
///
/// let level = if cfg!(debug_assertions) { Level::Debug } else { Level::Warn };
/// log!(level, "retry {attempt}", attempt = 2);
/// ```
///
/// All else is as in [`info!`].
#[proc_macro]
pub fn log(input: TokenStream) -> TokenStream {
    let LeveledLogCall(call) = parse_macro_input!(input);
    expand::log(&call, "Info").into()
}

/// Records every step, for whoever follows the code. The grammar is that of [`info!`].
///
/// ```
/// fanlight::trace!("take {item} from the queue", item = 3);
/// ```
#[proc_macro]
pub fn trace(input: TokenStream) -> TokenStream {
    log_at(input, "Trace")
}

/// Records something for whoever looks for a fault. The grammar is that of [`info!`].
///
/// ```
/// let cache = vec![1, 2];
/// fanlight::debug!("the cache holds {cache:?}");
/// ```
#[proc_macro]
pub fn debug(input: TokenStream) -> TokenStream {
    log_at(input, "Debug")
}

/// Records that something happened, as part of the entered span.
///
/// ```
/// let name = "Ada";
/// fanlight::info!("hello {name}");
/// fanlight::info!("order {order.id} paid", order.id = 17, amount = 12.5, tags = ["card", "retry"]);
/// ```
///
/// The message and the attributes are as in [`span!`]; these are the options before the message:
///
/// | Option | Means |
/// |---|---|
/// | `error: &error` | an error, which is recorded as an exception with its type, its text and its causes |
/// | `parent: &span`, `parent: context`, `parent: None` | which span it belongs to; the entered one otherwise |
/// | `tags: ["billing"]` | tags |
/// | `crate: my::fanlight` | where the crate `fanlight` is, if it has another name |
#[proc_macro]
pub fn info(input: TokenStream) -> TokenStream {
    log_at(input, "Info")
}

/// Records something that is worth a second look, and no fault. The grammar is that of [`info!`].
///
/// ```
/// fanlight::notice!("configuration read again");
/// ```
#[proc_macro]
pub fn notice(input: TokenStream) -> TokenStream {
    log_at(input, "Notice")
}

/// Records that something may go wrong. The grammar is that of [`info!`].
///
/// ```
/// fanlight::warn!("disk is {percent:.0} % full", percent = 91.4);
/// ```
#[proc_macro]
pub fn warn(input: TokenStream) -> TokenStream {
    log_at(input, "Warn")
}

/// Records that something went wrong. The grammar is that of [`info!`].
///
/// ```
/// let order = 17;
/// if let Err(error) = "abc".parse::<u32>() {
///     fanlight::error!(error: &error, "could not pay {order}");
/// }
/// ```
///
/// The error may be an [`Error`](std::error::Error), something that holds one, such as `Box<dyn Error>` and `anyhow::Error`,
/// or anything with a `Display` form.
#[proc_macro]
pub fn error(input: TokenStream) -> TokenStream {
    log_at(input, "Error")
}

/// Records that the program can't go on. The grammar is that of [`info!`].
///
/// ```
/// fanlight::fatal!("no configuration at {path}", path = "/etc/shop.toml");
/// ```
#[proc_macro]
pub fn fatal(input: TokenStream) -> TokenStream {
    log_at(input, "Fatal")
}

fn log_at(input: TokenStream, level: &str) -> TokenStream {
    let LogCall(call) = parse_macro_input!(input);
    expand::log(&call, level).into()
}

/// Makes a span of each call of a function.
///
/// ```
/// use std::num::ParseIntError;
///
/// #[fanlight::instrument("read {text}", err)]
/// fn read(text: &str) -> Result<u32, ParseIntError> {
///     fanlight::debug!("about to parse");
///     text.trim().parse()
/// }
///
/// #[fanlight::instrument(args(order, ?items), fields(shop = "main"), ret)]
/// async fn pay(order: u32, items: Vec<String>, password: &str) -> bool {
///     items.len() > 1
/// }
///
/// assert_eq!(read("17"), Ok(17));
/// ```
///
/// It goes on functions and methods, asynchronous ones too, and on those that end with `async move { ... }` or
/// `Box::pin(async move { ... })`, as `async_trait` makes them. Their futures need no memory of their own.
///
/// | Written | Means |
/// |---|---|
/// | `"pay {order}"`, `name = "pay {order}"` | the message, with placeholders for arguments; the function's name otherwise |
/// | `args(order, ?items)` | arguments to record, as in the list of [`span!`] |
/// | `args` | every argument but `self`: numbers, text and truth values as they are, others in their `Debug` form |
/// | `skip(password)` | every argument but these |
/// | `skip_all` | no argument, as without any of these |
/// | `fields(shop = "main", size = items.len())` | further attributes, which may use the arguments |
/// | `ret`, `ret(Debug)`, `ret(Display)` | records what is returned, as the attribute `return`; with `err`, what is in `Ok` |
/// | `err` | records what is returned as `Err` as an exception, and that the span failed |
/// | `root` | starts a trace of its own |
/// | `level = ...`, `kind = ...`, `parent = ...`, `links = ...`, `tags = ...`, `crate = ...` | as the options of [`span!`] |
///
/// Arguments are recorded only where it is asked for, since they may be large or secret.
///
/// # Coming from `tracing`
///
/// | `#[tracing::instrument]` | `#[fanlight::instrument]` |
/// |---|---|
/// | records every argument in its `Debug` form | records none; `args` records all, with numbers as numbers |
/// | `skip(a)` | the same |
/// | `skip_all` | the same; it may be left out |
/// | `fields(a = 1, b = %c)` | the same; `fields(a)` without a value records the argument `a` |
/// | `name = "pay"` | the same, or only `"pay {order}"` |
/// | `level = "debug"` | `level = Level::Debug` |
/// | `err` emits an event with the error's text | `err` records an exception with its type and its causes, and that the span failed |
/// | `ret` emits an event | `ret` sets the attribute `return` |
/// | `parent = ...`, `follows_from = ...` | `parent = ...`, `links = [...]` |
/// | `target = "..."` | the module is recorded as it is |
/// | `otel.kind = "client"` among the fields | `kind = SpanKind::Client` |
#[proc_macro_attribute]
pub fn instrument(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let original = proc_macro2::TokenStream::from(item.clone());
    let function: ItemFn = match syn::parse(item) {
        Ok(function) => function,
        Err(error) => return with_error(&original, &not_a_function(error)),
    };
    match parse::instrument(attribute.into(), &function) {
        Ok(instrument) => expand::instrumented(&instrument, function).into(),
        Err(error) => with_error(&original, &error),
    }
}

fn not_a_function(error: Error) -> Error {
    let message = format!("`#[instrument]` goes on a function with a body: {error}");
    Error::new(error.span(), message)
}

/// The item as it was besides the error, so that nothing else seems to be wrong.
fn with_error(original: &proc_macro2::TokenStream, error: &Error) -> TokenStream {
    let error = error.to_compile_error();
    quote::quote!(#error #original).into()
}
