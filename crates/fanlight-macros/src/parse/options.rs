//! `name: value` before the message.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Result};
use syn::{Error, Expr, ExprLit, Lit, Path, Token};

use crate::model::Options;

/// Options of `span!`.
pub(super) const OF_SPANS: &[&str] = &["level", "kind", "parent", "links", "tags", "crate"];
/// Options of the log macros.
pub(super) const OF_LOGS: &[&str] = &["error", "parent", "tags", "crate"];

/// Whether an option comes next.
pub(super) fn is_next(input: ParseStream<'_>) -> bool {
    input.peek(Ident::peek_any) && input.peek2(Token![:]) && !input.peek2(Token![::])
}

/// The options that there are.
pub(super) fn parse(input: ParseStream<'_>, offered: &[&str]) -> Result<Options> {
    let mut options = Options::default();
    while is_next(input) {
        let name = Ident::parse_any(input)?;
        input.parse::<Token![:]>()?;
        set(&mut options, &name, offered, input)?;
        if !input.is_empty() {
            super::comma(input)?;
        }
    }
    Ok(options)
}

/// Reads the value of an option.
pub(super) fn set(
    options: &mut Options,
    name: &Ident,
    offered: &[&str],
    input: ParseStream<'_>,
) -> Result<()> {
    let text = name.unraw().to_string();
    if !offered.contains(&text.as_str()) {
        return Err(Error::new(name.span(), unknown(&text, offered)));
    }
    if text == "crate" {
        let path = Path::parse_mod_style(input)?;
        return put(&mut options.fanlight, path, name);
    }
    let value: Expr = input.parse()?;
    if let Expr::Lit(ExprLit {
        lit: Lit::Str(literal),
        ..
    }) = &value
        && let Some(example) = example(&text)
    {
        let message = format!("`{text}` is a value, such as `{example}`");
        return Err(Error::new(literal.span(), message));
    }
    let place = match text.as_str() {
        "level" => &mut options.level,
        "kind" => &mut options.kind,
        "parent" => &mut options.parent,
        "links" => &mut options.links,
        "tags" => &mut options.tags,
        _ => &mut options.error,
    };
    put(place, value, name)
}

fn put<T>(place: &mut Option<T>, value: T, name: &Ident) -> Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::new(
            name.span(),
            format!("`{name}` is there already"),
        )),
    }
}

/// What a value of an option looks like, for those who write text.
fn example(option: &str) -> Option<&'static str> {
    match option {
        "level" => Some("Level::Warn"),
        "kind" => Some("SpanKind::Client"),
        "tags" => Some("[\"billing\"]"),
        _ => None,
    }
}

fn unknown(name: &str, offered: &[&str]) -> String {
    let offered: Vec<String> = offered.iter().map(|name| format!("`{name}`")).collect();
    let instead = match name {
        "level" => "a level of its own is that of `log!(Level::Warn, \"message\")`".to_owned(),
        "error" => "an error is recorded with `Span::record_error`".to_owned(),
        _ => format!("attributes come after the message, as `{name} = value`"),
    };
    format!(
        "there is no option `{name}` here, only {}; {instead}",
        offered.join(", ")
    )
}
