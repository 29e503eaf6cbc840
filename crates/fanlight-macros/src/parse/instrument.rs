//! What stands in `#[instrument(...)]`, matched with its function.

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser, Result};
use syn::punctuated::Punctuated;
use syn::visit::Visit;
use syn::{Error, FnArg, ItemFn, LitStr, Pat, ReturnType, Signature, Token, Type, parenthesized};

use super::{attributes, comma, message, options};
use crate::model::{Attribute, Call, Capture, Instrument, Options};

/// Options with a value; `name` and those without a value are read here.
const VALUED: &[&str] = &["level", "kind", "parent", "links", "tags", "crate"];
const OFFERED: &str = "`name`, `level`, `kind`, `parent`, `links`, `tags`, `root`, `args`, `skip`, `skip_all`, `fields`, `ret`, `err` and `crate`";

/// What is written, before it is matched with the function.
#[derive(Default)]
struct Written {
    name: Option<LitStr>,
    options: Options,
    /// Whether all arguments are wanted.
    all: bool,
    skipped: Vec<Ident>,
    attributes: Vec<Attribute>,
    ret: Option<Wish>,
    err: Option<Span>,
}

/// `ret`, `ret(Debug)`, `ret(Display)`.
#[derive(Clone, Copy)]
struct Wish(Option<Capture>);

/// Reads the attribute of a function.
pub(crate) fn instrument(attribute: TokenStream, function: &ItemFn) -> Result<Instrument> {
    let signature = &function.sig;
    if let Some(constant) = &signature.constness {
        return Err(Error::new_spanned(
            constant,
            "a `const fn` runs at compile time too, where nothing can be recorded; remove `const` or `#[instrument]`",
        ));
    }
    let mut written = Written::read.parse2(attribute)?;
    let arguments = arguments(signature);
    check_skipped(&written.skipped, signature, &arguments)?;
    let mut attributes = Vec::new();
    if written.all || !written.skipped.is_empty() {
        for (name, capture) in &arguments {
            if !written.skipped.contains(name) {
                attributes::push(&mut attributes, attributes::of_variable(name, *capture))?;
            }
        }
    }
    for attribute in written.attributes.drain(..) {
        // What is said of an argument by name goes before what is said of all.
        attributes
            .retain(|other| other.key != attribute.key || !is_argument(&other.key, &arguments));
        attributes::push(&mut attributes, attribute)?;
    }
    let name = written.name.unwrap_or_else(|| {
        let ident = signature.ident.unraw();
        LitStr::new(&ident.to_string(), ident.span())
    });
    let message = message::resolve(&name, &mut attributes)?;
    if let (Some(span), ReturnType::Default) = (written.err, &signature.output) {
        return Err(Error::new(
            span,
            "`err` records what a function returns as `Err`, and this one returns nothing",
        ));
    }
    Ok(Instrument {
        returned: written.ret.map(|wish| {
            wish.0
                .unwrap_or_else(|| capture_of_return(signature, written.err.is_some()))
        }),
        errors: written.err,
        call: Call {
            options: written.options,
            message,
            attributes,
        },
    })
}

impl Written {
    fn read(input: ParseStream<'_>) -> Result<Written> {
        let mut written = Written::default();
        if input.peek(LitStr) {
            written.name = Some(input.parse()?);
            if !input.is_empty() {
                comma(input)?;
            }
        }
        while !input.is_empty() {
            let option = Ident::parse_any(input)?;
            written.option(&option, input)?;
            if !input.is_empty() {
                comma(input)?;
            }
        }
        Ok(written)
    }

    fn option(&mut self, option: &Ident, input: ParseStream<'_>) -> Result<()> {
        match option.to_string().as_str() {
            "name" => self.named(option, input)?,
            "root" => self.options.is_root = true,
            "skip_all" => self.all = false,
            "args" if input.peek(syn::token::Paren) => self.list(input)?,
            "args" => self.all = true,
            "fields" => self.list(input)?,
            "skip" => {
                let content;
                parenthesized!(content in input);
                let names = Punctuated::<Ident, Token![,]>::parse_terminated_with(
                    &content,
                    Ident::parse_any,
                )?;
                self.skipped.extend(names);
            }
            "ret" => self.ret = Some(Wish(capture(input)?)),
            "err" => {
                capture(input)?;
                self.err = Some(option.span());
            }
            other if VALUED.contains(&other) => {
                if input.parse::<Option<Token![:]>>()?.is_none() {
                    input.parse::<Token![=]>()?;
                }
                options::set(&mut self.options, option, VALUED, input)?;
            }
            other => return Err(Error::new(option.span(), unknown(other))),
        }
        Ok(())
    }

    fn named(&mut self, option: &Ident, input: ParseStream<'_>) -> Result<()> {
        input.parse::<Token![=]>()?;
        let name = message::literal(input, "span")?;
        match self.name.replace(name) {
            None => Ok(()),
            Some(_) => Err(Error::new(option.span(), "the span has a name already")),
        }
    }

    /// `(key = value, ?argument)`
    fn list(&mut self, input: ParseStream<'_>) -> Result<()> {
        let content;
        parenthesized!(content in input);
        while !content.is_empty() {
            let attribute = attributes::parse(&content)?;
            attributes::push(&mut self.attributes, attribute)?;
            if !content.is_empty() {
                comma(&content)?;
            }
        }
        Ok(())
    }
}

/// `(Debug)` or `(Display)`, where it is said.
fn capture(input: ParseStream<'_>) -> Result<Option<Capture>> {
    if !input.peek(syn::token::Paren) {
        return Ok(None);
    }
    let content;
    parenthesized!(content in input);
    let name: Ident = content.parse()?;
    match name.to_string().as_str() {
        "Debug" => Ok(Some(Capture::Debug)),
        "Display" => Ok(Some(Capture::Display)),
        _ => Err(Error::new(name.span(), "expected `Debug` or `Display`")),
    }
}

fn unknown(option: &str) -> String {
    let instead = match option {
        "follows_from" => "; write `links = [context]`",
        "target" => "; the module is recorded as it is",
        "err_debug" | "error" => "; write `err`",
        _ => "; attributes go into `fields(key = value)`",
    };
    format!("there is no option `{option}` here, only {OFFERED}{instead}")
}

fn is_argument(key: &str, arguments: &[(Ident, Capture)]) -> bool {
    arguments.iter().any(|(name, _)| name.unraw() == key)
}

fn check_skipped(
    skipped: &[Ident],
    signature: &Signature,
    arguments: &[(Ident, Capture)],
) -> Result<()> {
    let is_known = |name: &&Ident| {
        (*name == "self" && signature.receiver().is_some())
            || arguments.iter().any(|(argument, _)| argument == *name)
    };
    match skipped.iter().find(|name| !is_known(name)) {
        None => Ok(()),
        Some(name) => Err(Error::new(
            name.span(),
            format!("the function has no argument `{name}`"),
        )),
    }
}

/// The arguments but `self`, and how each is recorded where it isn't said.
fn arguments(signature: &Signature) -> Vec<(Ident, Capture)> {
    let mut arguments = Vec::new();
    for input in &signature.inputs {
        let FnArg::Typed(argument) = input else {
            continue;
        };
        match &*argument.pat {
            Pat::Ident(name) if name.subpat.is_none() => {
                arguments.push((name.ident.clone(), capture_of(&argument.ty)))
            }
            pattern => {
                let mut names = Names(Vec::new());
                names.visit_pat(pattern);
                arguments.extend(names.0.into_iter().map(|name| (name, Capture::Debug)));
            }
        }
    }
    arguments
}

/// The variables of a pattern.
struct Names(Vec<Ident>);

impl Visit<'_> for Names {
    fn visit_pat_ident(&mut self, name: &syn::PatIdent) {
        self.0.push(name.ident.clone());
        syn::visit::visit_pat_ident(self, name);
    }
}

/// Numbers, truth values and text stay what they are; nothing else can be known of a type by its name but that it has,
/// most likely, a `Debug` form.
fn capture_of(kind: &Type) -> Capture {
    const TYPED: &[&str] = &[
        "bool", "char", "str", "String", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize",
        "u8", "u16", "u32", "u64", "u128", "usize", "Duration",
    ];
    match kind {
        Type::Reference(reference) => capture_of(&reference.elem),
        Type::Path(path) => match path.path.segments.last() {
            Some(last)
                if last.arguments.is_empty() && TYPED.iter().any(|name| last.ident == name) =>
            {
                Capture::Typed
            }
            _ => Capture::Debug,
        },
        _ => Capture::Debug,
    }
}

/// As [`capture_of`], for what a function returns, or returns as `Ok`.
fn capture_of_return(signature: &Signature, is_result: bool) -> Capture {
    let ReturnType::Type(_, kind) = &signature.output else {
        return Capture::Debug;
    };
    let Type::Path(path) = &**kind else {
        return capture_of(kind);
    };
    let arguments = path.path.segments.last().map(|last| &last.arguments);
    match arguments {
        Some(syn::PathArguments::AngleBracketed(arguments)) if is_result => {
            match arguments.args.first() {
                Some(syn::GenericArgument::Type(kind)) => capture_of(kind),
                _ => Capture::Debug,
            }
        }
        _ => capture_of(kind),
    }
}
