//! The token, where the dashboard has one.
//!
//! Programs send it as `Authorization: Bearer`. A browser gets a cookie in its place, by a link that works once (the
//! terminal shows it at the start) or by typing the token in; the cookie holds a hash, so the token itself stays out of
//! the browser, and scripts can't read it. Comparisons take the same time whatever is compared, and nothing is logged.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Form;
use axum::Router;
use axum::extract::State;
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE,
};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use fanlight_config::Secret;
use rand::Rng as _;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::api::ApiError;

/// Where a browser signs in.
const PATH: &str = "/login";
const STYLE_PATH: &str = "/login.css";
const COOKIE_NAME: &str = "fanlight_session";
/// How long a browser stays signed in, in seconds: 30 days.
const COOKIE_AGE: u32 = 30 * 24 * 60 * 60;

/// Who may use the dashboard: whoever has the token. A clone is the same access.
#[derive(Clone)]
pub struct Access(Arc<Inner>);

struct Inner {
    token: Hash,
    session: String,
    /// What the one-time link carries; none once it was used.
    ticket: Mutex<Option<String>>,
}

type Hash = [u8; 32];

/// The token is too short to keep anybody out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenTooShort;

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Access([REDACTED])")
    }
}

impl fmt::Display for TokenTooShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the token is too short; take at least {} characters, as `openssl rand -hex 16` makes them",
            Access::SHORTEST
        )
    }
}

impl std::error::Error for TokenTooShort {}

impl Access {
    /// The fewest characters that a token may have.
    pub const SHORTEST: usize = 16;

    /// Access by this token.
    ///
    /// # Errors
    /// When it has fewer than [`Access::SHORTEST`] characters.
    pub fn new(token: &Secret) -> Result<Access, TokenTooShort> {
        let token = token.expose();
        if token.chars().count() < Access::SHORTEST {
            return Err(TokenTooShort);
        }
        let ticket: [u8; 16] = rand::rng().random();
        Ok(Access(Arc::new(Inner {
            token: hash("token", token),
            session: hex(&hash("session", token)),
            ticket: Mutex::new(Some(hex(&ticket))),
        })))
    }

    /// The path that signs a browser in, once; none after that.
    pub fn one_time_path(&self) -> Option<String> {
        let ticket = self.0.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        ticket
            .as_ref()
            .map(|ticket| format!("{PATH}?ticket={ticket}"))
    }

    /// Whether the request has the token.
    pub(crate) fn has_bearer(&self, headers: &HeaderMap) -> bool {
        let text = headers
            .get(AUTHORIZATION)
            .and_then(|text| text.to_str().ok());
        let bearer = text.and_then(|text| text.split_once(' '));
        bearer.is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer") && self.is_token(token.trim())
        })
    }

    /// Whether the request has the cookie.
    pub(crate) fn has_session(&self, headers: &HeaderMap) -> bool {
        let cookies = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|text| text.to_str().ok());
        cookies
            .flat_map(|text| text.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .any(|(name, value)| name == COOKIE_NAME && same(value, &self.0.session))
    }

    fn is_token(&self, text: &str) -> bool {
        hash("token", text).ct_eq(&self.0.token).into()
    }

    /// Takes the ticket, if it is the right one.
    fn redeem(&self, given: &str) -> bool {
        let mut ticket = self.0.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        let is_right = ticket.as_ref().is_some_and(|ticket| same(given, ticket));
        if is_right {
            *ticket = None;
        }
        is_right
    }

    /// Sends the browser to the page with its cookie.
    fn sign_in(&self) -> Response {
        let cookie = format!(
            "{COOKIE_NAME}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={COOKIE_AGE}",
            self.0.session
        );
        let headers = [
            (LOCATION, "/".to_owned()),
            (SET_COOKIE, cookie),
            (CACHE_CONTROL, "no-store".to_owned()),
        ];
        (StatusCode::SEE_OTHER, headers).into_response()
    }
}

/// Whether a path is answered to those who have no token yet.
pub(crate) fn is_open(path: &str) -> bool {
    path == PATH || path == STYLE_PATH
}

/// The error of a request without the token, or with a wrong one.
pub(crate) fn needed(was_given: bool) -> ApiError {
    let message = if was_given {
        "the token is wrong"
    } else {
        "the dashboard needs its token"
    };
    ApiError::new(StatusCode::UNAUTHORIZED, message).hint(
        "send it as `Authorization: Bearer <token>`, or open the link that the hub showed when it started",
    )
}

/// The routes of signing in.
pub(crate) fn routes(access: Access) -> Router {
    Router::new()
        .route(PATH, get(by_link).post(by_token))
        .route(STYLE_PATH, get(style))
        .with_state(access)
}

async fn by_link(State(access): State<Access>, uri: Uri) -> Response {
    match uri.query().and_then(|query| query.strip_prefix("ticket=")) {
        None => page(StatusCode::OK, ""),
        Some(ticket) if access.redeem(ticket) => access.sign_in(),
        Some(_) => page(
            StatusCode::UNAUTHORIZED,
            "This link was used already, or the hub was started again since.",
        ),
    }
}

#[derive(Deserialize)]
struct Typed {
    token: String,
}

async fn by_token(State(access): State<Access>, Form(typed): Form<Typed>) -> Response {
    if access.is_token(typed.token.trim()) {
        access.sign_in()
    } else {
        page(StatusCode::UNAUTHORIZED, "This is not the token.")
    }
}

async fn style() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("access/login.css"),
    )
}

/// The page to sign in, with what went wrong.
pub(crate) fn page(status: StatusCode, problem: &'static str) -> Response {
    let html = include_str!("access/login.html").replace("{problem}", problem);
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
    ];
    (status, headers, html).into_response()
}

fn hash(purpose: &str, text: &str) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(b"fanlight dashboard ");
    hasher.update(purpose.as_bytes());
    hasher.update([0]);
    hasher.update(text.as_bytes());
    hasher.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
