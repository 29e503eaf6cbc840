//! Attributes, and the message where it is made at the call.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{LitStr, Path};

use super::Item;
use crate::model::{Attribute, Call, Capture, Message, Piece};

/// The statements that add every attribute and the message.
pub(super) fn recorded(call: &Call, item: Item) -> TokenStream {
    let fanlight = call.options.crate_path();
    let message = message(&call.message, &call.attributes, item, &fanlight);
    // From the last to the first, since a value that the message needs encloses all that comes after it: its temporaries
    // live that long, which a `let` would not grant.
    let mut statements = message;
    for (index, attribute) in call.attributes.iter().enumerate().rev() {
        let Attribute { key, value, .. } = attribute;
        // What is wrong with a value is told at its place.
        let reference = quote_spanned!(place_of(value)=> &(#value));
        statements = if call.message.needs(index) {
            let name = variable(index);
            let captured = captured(attribute.capture, &quote!(#name), &fanlight);
            quote! {
                match #reference {
                    #name => {
                        __fanlight_builder.add(#key, #captured);
                        #statements
                    }
                }
            }
        } else {
            let captured = captured(attribute.capture, &reference, &fanlight);
            quote! {
                __fanlight_builder.add(#key, #captured);
                #statements
            }
        };
    }
    statements
}

/// A value, which is given by reference, in the form in which it is recorded.
pub(super) fn captured(capture: Capture, value: &TokenStream, fanlight: &Path) -> TokenStream {
    let place = place_of(value);
    match capture {
        Capture::Typed => value.clone(),
        Capture::Debug => quote_spanned!(place=> &#fanlight::DebugValue(#value)),
        Capture::Display => quote_spanned!(place=> &#fanlight::DisplayValue(#value)),
        Capture::Serialized => quote_spanned!(place=> &#fanlight::SerializedValue(#value)),
    }
}

/// Where code begins, for code around it.
pub(super) fn place_of(code: &TokenStream) -> Span {
    let start = code.clone().into_iter().next();
    let start = start.map_or_else(Span::call_site, |token| token.span());
    Span::call_site().located_at(start)
}

fn variable(index: usize) -> Ident {
    format_ident!("__fanlight_value_{index}")
}

/// The statement that sets the message, if there is to be one.
fn message(
    message: &Message,
    attributes: &[Attribute],
    item: Item,
    fanlight: &Path,
) -> TokenStream {
    let Some(pieces) = &message.formatted else {
        return TokenStream::new();
    };
    let mut template = String::new();
    let mut positional = Vec::new();
    let mut named: Vec<(&Ident, TokenStream)> = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => template.push_str(text),
            Piece::Placeholder {
                attribute,
                spec,
                arguments,
            } => {
                template.push_str(&format!("{{{}:{spec}}}", positional.len()));
                let value = variable(*attribute);
                positional.push(match attributes.get(*attribute) {
                    // As the collector shows a value.
                    Some(attribute) if spec.is_empty() => {
                        let captured = captured(attribute.capture, &quote!(#value), fanlight);
                        quote!(#fanlight::__private::Shown(#captured))
                    }
                    _ => quote!(#value),
                });
                for argument in arguments {
                    if named.iter().all(|(name, _)| **name != argument.name) {
                        let value = match argument.attribute {
                            Some(index) => {
                                let value = variable(index);
                                quote!(*#value)
                            }
                            None => {
                                let name = &argument.name;
                                quote!(#name)
                            }
                        };
                        named.push((&argument.name, value));
                    }
                }
            }
        }
    }
    let literal = Literal::string(&template);
    let mut literal: LitStr = syn::parse_quote!(#literal);
    literal.set_span(message.span);
    let named = named.iter().map(|(name, value)| quote!(#name = #value));
    let formatted =
        quote!(#fanlight::__private::core::format_args!(#literal, #(#positional,)* #(#named,)*));
    match item {
        Item::Span => quote!(__fanlight_builder.add("logfire.msg", &#formatted);),
        Item::Log => quote!(__fanlight_builder.message(&#formatted);),
    }
}

impl Message {
    /// Whether it is made at the call and shows that attribute.
    fn needs(&self, index: usize) -> bool {
        self.formatted.iter().flatten().any(|piece| match piece {
            Piece::Text(_) => false,
            Piece::Placeholder {
                attribute,
                arguments,
                ..
            } => {
                *attribute == index
                    || arguments
                        .iter()
                        .any(|argument| argument.attribute == Some(index))
            }
        })
    }
}
