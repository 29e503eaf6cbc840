//! From the model to code.
//!
//! The code names everything by its full path, and its own variables begin with `__fanlight_`, so that it means the same
//! wherever it is put. Values are evaluated in the order in which they are written, in no closure: `?`, `return` and `.await`
//! do what they do elsewhere.

mod function;
mod values;

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Expr, ExprArray, ExprLit, ExprPath, Lit, LitStr, Path};

use crate::model::{Call, Options};

pub(crate) use function::instrumented;

const LEVELS: &[&str] = &["Trace", "Debug", "Info", "Notice", "Warn", "Error", "Fatal"];
const KINDS: &[&str] = &["Internal", "Server", "Client", "Producer", "Consumer"];

/// What an expansion makes: a span that has started, or a record that is emitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Span,
    Log,
}

/// The expression that is the span.
pub(crate) fn span(call: &Call) -> TokenStream {
    recorded(call, Item::Span, "Info")
}

/// The expression that emits a log record.
pub(crate) fn log(call: &Call, level: &str) -> TokenStream {
    recorded(call, Item::Log, level)
}

fn recorded(call: &Call, item: Item, level: &str) -> TokenStream {
    let fanlight = call.options.crate_path();
    let (callsite, finding) = callsite(call, level);
    let builder = match item {
        Item::Span => quote!(SpanBuilder),
        Item::Log => quote!(LogBuilder),
    };
    let options = option_calls(&call.options, item);
    let values = values::recorded(call, item);
    let (finish, otherwise) = match item {
        Item::Span => (
            quote!(#fanlight::SpanBuilder::start(__fanlight_builder)),
            Some(quote!(else { #fanlight::Span::none() })),
        ),
        Item::Log => (
            quote!(#fanlight::LogBuilder::emit(__fanlight_builder);),
            None,
        ),
    };
    let changes = !(options.is_empty() && values.is_empty());
    let mutability = changes.then(|| quote!(mut));
    quote! {{
        #finding
        if #fanlight::callsite::Callsite::is_wanted(#callsite) {
            let #mutability __fanlight_builder = #fanlight::#builder::at(#callsite);
            #options
            #values
            #finish
        } #otherwise
    }}
}

/// What names the callsite, and what must be written before that.
fn callsite(call: &Call, level: &str) -> (TokenStream, TokenStream) {
    let fanlight = call.options.crate_path();
    let core = quote!(#fanlight::__private::core);
    let template = LitStr::new(&call.message.template, call.message.span);
    let default = format_ident!("{level}");
    let level = match &call.options.level {
        Some(level) if is_variant(level, LEVELS) => quote!(#level),
        _ => quote!(#fanlight::Level::#default),
    };
    let kind = match &call.options.kind {
        Some(kind) if is_variant(kind, KINDS) => Some(quote!(.with_kind(#kind))),
        _ => None,
    };
    let tags = call
        .options
        .tags
        .as_ref()
        .and_then(literals)
        .map(|tags| quote!(.with_tags(&#tags)));
    let new = quote! {
        #fanlight::callsite::Callsite::new(
            #template,
            #level,
            #fanlight::callsite::Source {
                package: #core::env!("CARGO_PKG_NAME"),
                version: #core::env!("CARGO_PKG_VERSION"),
                module: #core::module_path!(),
                file: #core::file!(),
                line: #core::line!(),
            },
        ) #kind #tags
    };
    match &call.options.level {
        Some(level) if !is_variant(level, LEVELS) => (
            quote!(__fanlight_callsite),
            quote! {
                static __FANLIGHT_CALLSITES: [#fanlight::callsite::Callsite; 7] = #new.at_each_level();
                let __fanlight_callsite = #fanlight::__private::of_level(&__FANLIGHT_CALLSITES, #level);
            },
        ),
        _ => (
            quote!(&__FANLIGHT_CALLSITE),
            quote!(static __FANLIGHT_CALLSITE: #fanlight::callsite::Callsite = #new;),
        ),
    }
}

/// What changes the builder before values are added.
fn option_calls(options: &Options, item: Item) -> TokenStream {
    let fanlight = options.crate_path();
    let mut calls = TokenStream::new();
    if options.is_root {
        calls
            .extend(quote!(__fanlight_builder = #fanlight::SpanBuilder::root(__fanlight_builder);));
    }
    if let Some(parent) = &options.parent {
        calls.extend(quote!(__fanlight_builder = __fanlight_builder.parent(#parent);));
    }
    if let Some(kind) = options
        .kind
        .as_ref()
        .filter(|kind| !is_variant(kind, KINDS))
    {
        calls.extend(quote!(__fanlight_builder = __fanlight_builder.kind(#kind);));
    }
    if let Some(links) = &options.links {
        calls.extend(
            quote!(__fanlight_builder = #fanlight::__private::link(__fanlight_builder, #links);),
        );
    }
    if let Some(tags) = options
        .tags
        .as_ref()
        .filter(|tags| literals(tags).is_none())
    {
        calls.extend(quote!(__fanlight_builder.add("logfire.tags", &(#tags));));
    }
    if let Some(error) = &options.error
        && item == Item::Log
    {
        let exception = exception(&fanlight, &by_reference(error));
        calls.extend(quote!(__fanlight_builder.exception(#exception);));
    }
    calls
}

/// The expression that describes an error, whatever it can be asked for.
fn exception(fanlight: &Path, error: &TokenStream) -> TokenStream {
    let place = values::place_of(error);
    quote_spanned! {place=> {
        use #fanlight::__private::{OfDisplay as _, OfError as _, OfErrorWithin as _};
        (&&&#fanlight::__private::Failure(#error)).describe()
    }}
}

/// `&error`, or the reference that it is already.
fn by_reference(error: &Expr) -> TokenStream {
    match error {
        Expr::Reference(reference) => quote!(#reference),
        other => {
            let other = quote!(#other);
            quote_spanned!(values::place_of(&other)=> &(#other))
        }
    }
}

impl Options {
    /// The path of the crate `fanlight`.
    pub(crate) fn crate_path(&self) -> Path {
        match &self.fanlight {
            Some(path) => path.clone(),
            None => syn::parse_quote!(::fanlight),
        }
    }
}

/// Whether an expression is one of these variants by its path, and so a constant.
fn is_variant(expression: &Expr, variants: &[&str]) -> bool {
    let Expr::Path(ExprPath {
        qself: None, path, ..
    }) = expression
    else {
        return false;
    };
    path.segments
        .last()
        .is_some_and(|last| variants.iter().any(|variant| last.ident == variant))
}

/// A list of literals, and so a constant.
fn literals(expression: &Expr) -> Option<&ExprArray> {
    let Expr::Array(array) = expression else {
        return None;
    };
    let is_text = |element: &Expr| {
        matches!(
            element,
            Expr::Lit(ExprLit {
                lit: Lit::Str(_),
                ..
            })
        )
    };
    array.elems.iter().all(is_text).then_some(array)
}
