//! From tokens to the model, with every check that needs no types.

mod attributes;
mod instrument;
mod message;
mod options;

use syn::parse::{Parse, ParseStream, Result};
use syn::{Error, Expr, Token};

use crate::model::{Call, Options};

pub(crate) use instrument::instrument;

/// What `span!` takes.
pub(crate) struct SpanCall(pub(crate) Call);

/// What `info!` and the like take.
pub(crate) struct LogCall(pub(crate) Call);

/// What `log!` takes: the level, then the same.
pub(crate) struct LeveledLogCall(pub(crate) Call);

impl Parse for SpanCall {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let options = options::parse(input, options::OF_SPANS)?;
        call(input, options, "span").map(SpanCall)
    }
}

impl Parse for LogCall {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let options = options::parse(input, options::OF_LOGS)?;
        call(input, options, "info").map(LogCall)
    }
}

impl Parse for LeveledLogCall {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        const USAGE: &str = "`log!` takes the level first: `log!(Level::Info, \"message\")`";
        if input.is_empty() || input.peek(syn::LitStr) || options::is_next(input) {
            return Err(Error::new(input.span(), USAGE));
        }
        let level: Expr = input.parse()?;
        if input.parse::<Option<Token![,]>>()?.is_none() {
            return Err(Error::new(input.span(), USAGE));
        }
        let mut options = options::parse(input, options::OF_LOGS)?;
        options.level = Some(level);
        call(input, options, "info").map(LeveledLogCall)
    }
}

/// The message and the attributes.
fn call(input: ParseStream<'_>, options: Options, example: &str) -> Result<Call> {
    let literal = message::literal(input, example)?;
    let mut attributes = Vec::new();
    while !input.is_empty() {
        comma(input)?;
        if input.is_empty() {
            break;
        }
        if options::is_next(input) {
            return Err(input.error("options come before the message, values after it"));
        }
        attributes::push(&mut attributes, attributes::parse(input)?)?;
    }
    let message = message::resolve(&literal, &mut attributes)?;
    Ok(Call {
        options,
        message,
        attributes,
    })
}

fn comma(input: ParseStream<'_>) -> Result<()> {
    match input.parse::<Token![,]>() {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::new(input.span(), "expected `,`")),
    }
}
