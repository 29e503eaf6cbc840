//! The function under `#[instrument]`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::visit::Visit;
use syn::visit_mut::VisitMut;
use syn::{
    Block, Expr, ExprAsync, GenericArgument, ItemFn, Path, PathArguments, ReturnType, Stmt, Type,
    parse_quote,
};

use super::values::captured;
use super::{exception, span};
use crate::model::{Capture, Instrument};

/// The function, with its body in the span.
pub(crate) fn instrumented(instrument: &Instrument, mut function: ItemFn) -> TokenStream {
    if function.sig.asyncness.is_some() {
        let returned = returned(&function.sig.output);
        let body = within_future(instrument, &function.block, returned.as_ref(), true);
        *function.block = parse_quote!({ #body });
    } else if returns_future(&function.sig.output) {
        let output = future_output(&function.sig.output);
        match returned_future(&mut function.block) {
            Some(future) => {
                let is_moving = future.capture.is_some();
                let body = within_future(instrument, &future.block, output.as_ref(), is_moving);
                future.block = parse_quote!({ #body });
            }
            None => *function.block = synchronous(instrument, &function),
        }
    } else {
        *function.block = synchronous(instrument, &function);
    }
    quote!(#function)
}

/// The body of a function that is not asynchronous.
fn synchronous(instrument: &Instrument, function: &ItemFn) -> Block {
    let fanlight = instrument.call.options.crate_path();
    let span = span(&instrument.call);
    let body = &function.block;
    if instrument.returned.is_none() && instrument.errors.is_none() {
        return parse_quote!({
            let __fanlight_span = #fanlight::Span::entered(#span);
            #body
        });
    }
    let output = returned(&function.sig.output).map(|kind| quote!(-> #kind));
    let recording = recording(instrument);
    parse_quote!({
        let __fanlight_span = #span;
        let __fanlight_result = #fanlight::Span::in_scope(&__fanlight_span, move || #output #body);
        #recording
        __fanlight_result
    })
}

/// The body of an `async` block or function.
fn within_future(
    instrument: &Instrument,
    body: &Block,
    output: Option<&Type>,
    is_moving: bool,
) -> TokenStream {
    let fanlight = instrument.call.options.crate_path();
    let span = span(&instrument.call);
    let recording = recording(instrument);
    let capture = is_moving.then(|| quote!(move));
    // Tells the compiler what the block returns, which `?` needs to know.
    let hint = output.map(|kind| {
        let option = quote!(#fanlight::__private::core::option::Option);
        quote! {
            if let #option::Some(__fanlight_result) = #option::<#kind>::None {
                return __fanlight_result;
            }
        }
    });
    quote! {
        let __fanlight_span = #span;
        let __fanlight_result =
            #fanlight::__private::inside(&__fanlight_span, async #capture { #hint #body }).await;
        #recording
        __fanlight_result
    }
}

/// The statements that record what came out.
fn recording(instrument: &Instrument) -> TokenStream {
    let fanlight = instrument.call.options.crate_path();
    let result = quote!(#fanlight::__private::core::result::Result);
    let mut statements = TokenStream::new();
    if let Some(capture) = instrument.returned {
        statements.extend(record_returned(instrument, capture, &fanlight, &result));
    }
    if let Some(place) = instrument.errors {
        let place = Span::call_site().located_at(place);
        let exception = exception(&fanlight, &quote_spanned!(place=> __fanlight_error));
        let result = located(quote!(#result), place);
        statements.extend(quote_spanned! {place=>
            if let #result::Err(__fanlight_error) = &__fanlight_result {
                __fanlight_span.record_exception(#exception);
            }
        });
    }
    if statements.is_empty() {
        return statements;
    }
    quote! {
        if __fanlight_span.is_recording() {
            #statements
        }
    }
}

/// A path, for errors to be told at another place.
fn located(path: TokenStream, place: Span) -> TokenStream {
    let moved = path.into_iter().map(|mut token| {
        token.set_span(place);
        token
    });
    moved.collect()
}

fn record_returned(
    instrument: &Instrument,
    capture: Capture,
    fanlight: &Path,
    result: &TokenStream,
) -> TokenStream {
    if instrument.errors.is_some() {
        let value = captured(capture, &quote!(__fanlight_value), fanlight);
        quote! {
            if let #result::Ok(__fanlight_value) = &__fanlight_result {
                __fanlight_span.set("return", #value);
            }
        }
    } else {
        let value = captured(capture, &quote!(&__fanlight_result), fanlight);
        quote!(__fanlight_span.set("return", #value);)
    }
}

/// The returned type as it may be written in an expression; nothing for functions that never return.
fn returned(output: &ReturnType) -> Option<Type> {
    match output {
        ReturnType::Default => Some(parse_quote!(())),
        ReturnType::Type(_, kind) if matches!(**kind, Type::Never(_)) => None,
        ReturnType::Type(_, kind) => {
            let mut kind = (**kind).clone();
            WithoutImpl.visit_type_mut(&mut kind);
            Some(kind)
        }
    }
}

/// Puts `_` for each `impl Trait`.
struct WithoutImpl;

impl VisitMut for WithoutImpl {
    fn visit_type_mut(&mut self, kind: &mut Type) {
        match kind {
            Type::ImplTrait(_) => *kind = parse_quote!(_),
            other => syn::visit_mut::visit_type_mut(self, other),
        }
    }
}

/// Whether a function returns a future by its type: `impl Future`, `Pin<Box<dyn Future>>`, `BoxFuture`.
fn returns_future(output: &ReturnType) -> bool {
    let mut futures = Futures::default();
    futures.visit_return_type(output);
    futures.are_there
}

/// What that future has as its output, where the type says.
fn future_output(output: &ReturnType) -> Option<Type> {
    let mut futures = Futures::default();
    futures.visit_return_type(output);
    let mut kind = futures.output?;
    WithoutImpl.visit_type_mut(&mut kind);
    Some(kind)
}

#[derive(Default)]
struct Futures {
    are_there: bool,
    output: Option<Type>,
}

impl Visit<'_> for Futures {
    fn visit_path(&mut self, path: &Path) {
        let Some(last) = path.segments.last() else {
            return;
        };
        let is_boxed = last.ident == "BoxFuture" || last.ident == "LocalBoxFuture";
        if !self.are_there && (is_boxed || last.ident == "Future") {
            self.are_there = true;
            if let PathArguments::AngleBracketed(arguments) = &last.arguments {
                self.output = arguments.args.iter().find_map(|argument| match argument {
                    GenericArgument::AssocType(output) if output.ident == "Output" => {
                        Some(output.ty.clone())
                    }
                    GenericArgument::Type(output) if is_boxed => Some(output.clone()),
                    _ => None,
                });
            }
        }
        syn::visit::visit_path(self, path);
    }
}

/// The `async` block that a function ends with: `async move { ... }` or `Box::pin(async move { ... })`.
fn returned_future(block: &mut Block) -> Option<&mut ExprAsync> {
    let Some(Stmt::Expr(last, None)) = block.stmts.last_mut() else {
        return None;
    };
    match last {
        Expr::Async(future) => Some(future),
        Expr::Call(call) => match (&*call.func, call.args.first_mut()) {
            (Expr::Path(path), Some(Expr::Async(future))) if is_pin(&path.path) => Some(future),
            _ => None,
        },
        _ => None,
    }
}

/// `Box::pin`
fn is_pin(path: &Path) -> bool {
    let mut last = path.segments.iter().rev();
    last.next().is_some_and(|name| name.ident == "pin")
        && last.next().is_some_and(|name| name.ident == "Box")
}
