//! What a failed statement means: whether to try again, and what the user can do.
//!
//! [The server's codes](https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp).

use clickhouse::error::Error;
use fanlight_net::http::no_answer;
use fanlight_otlp::DecodeError;
use fanlight_pipeline::Outcome;

/// A statement failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server's client says why.
    Client(Error),
    /// The batch is not one.
    Unreadable(DecodeError),
    /// The table is not there, or not to be seen.
    NoTable,
}

/// The longest part of a server's message that is shown.
const LONGEST: usize = 400;

const UNKNOWN_TABLE: u32 = 60;
const UNKNOWN_DATABASE: u32 = 81;
/// Codes for which another column list may help: the table is another than it was.
const CHANGED: [u32; 3] = [16, UNKNOWN_TABLE, UNKNOWN_DATABASE];
/// Codes of data or statements that will never do.
const PERMANENT: [u32; 25] = [
    6, 10, 16, 20, 26, 27, 33, 36, 38, 41, 43, 44, 47, 48, 50, 53, 62, 70, 73, 115, 117, 349, 396,
    452, 469,
];
/// Codes of users who may not.
const FORBIDDEN: [u32; 7] = [164, 192, 193, 194, 195, 497, 516];

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Client(error)
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Failure {
        Failure::Unreadable(error)
    }
}

impl Failure {
    /// Whether looking at the table again may help.
    pub(super) fn is_of_schema(&self) -> bool {
        self.code().is_some_and(|code| CHANGED.contains(&code))
    }

    /// Whether another host may be better off.
    pub(super) fn is_of_network(&self) -> bool {
        matches!(self, Failure::Client(Error::Network(_) | Error::TimedOut))
    }

    /// The server's exception code.
    fn code(&self) -> Option<u32> {
        let Failure::Client(Error::BadResponse(text)) = self else {
            return None;
        };
        let (_, after) = text.split_once("Code: ")?;
        let digits = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len());
        after.get(..digits)?.parse().ok()
    }

    /// Whether a proxy in between takes less at once: ClickHouse itself has no such limit. All there is of its status is text.
    fn is_too_large(&self) -> bool {
        let Failure::Client(Error::BadResponse(text)) = self else {
            return false;
        };
        self.code().is_none() && (text.starts_with("413") || text.contains("<title>413 "))
    }

    /// The outcome of an attempt that failed so, at this server and table.
    pub(super) fn outcome(self, url: &str, table: &str, password: &str) -> Outcome {
        let code = self.code();
        let is_too_large = self.is_too_large();
        let (is_final, why) = match &self {
            Failure::Unreadable(error) => (true, format!("the batch can't be read: {error}")),
            Failure::NoTable => (
                false,
                format!("{url}: there is no table {table} that this user sees; {CREATE}"),
            ),
            Failure::Client(Error::Network(error)) => (false, explained(url, error.as_ref())),
            Failure::Client(Error::TimedOut) => (false, format!("{url} did not answer in time")),
            Failure::Client(Error::BadResponse(text)) => {
                let (is_final, advice) = meaning(code, text, table);
                (
                    is_final,
                    format!("{url} answered: {}{advice}", shortened(text)),
                )
            }
            Failure::Client(other) => (
                false,
                format!("{url}: its answer can't be read: {other}{NOT_IT}"),
            ),
        };
        let why = match password.is_empty() {
            true => why,
            false => why.replace(password, "[REDACTED]"),
        };
        match is_final {
            _ if is_too_large => Outcome::TooLarge { why },
            true => Outcome::Rejected { why },
            false => Outcome::Retry { after: None, why },
        }
    }
}

const NOT_IT: &str = "; is this ClickHouse's HTTP interface (port 8123, 8443 with TLS)?";
const CREATE: &str = "create it, or set create_schema: true";

/// Whether sending again is of no use, and what the user can do.
fn meaning(code: Option<u32>, text: &str, table: &str) -> (bool, String) {
    let Some(code) = code else {
        // Not ClickHouse itself: a proxy in between, or something else altogether.
        let status: Option<u16> = text.get(..3).and_then(|status| status.parse().ok());
        let is_final = matches!(status, Some(400..=428 | 430..=499) if status != Some(408));
        return (is_final, NOT_IT.to_owned());
    };
    let (is_final, advice) = match code {
        UNKNOWN_TABLE | UNKNOWN_DATABASE => (false, CREATE),
        516 | 192..=195 => (true, "check username and password"),
        497 => (
            true,
            "grant this user INSERT on it, SELECT on system.columns, and CREATE with create_schema",
        ),
        164 => (true, "this user may only read; use one that may insert"),
        16 | 47 => (true, "the table has other columns than the Collector's"),
        115 => (true, "take the setting out of connection_params"),
        241 => (
            false,
            "the server is out of memory; send smaller batches (sending_queue.batch.max_size)",
        ),
        252 => (
            false,
            "too many small inserts; send larger batches (sending_queue.batch.min_size), or leave async_insert on",
        ),
        _ => (PERMANENT.contains(&code) || FORBIDDEN.contains(&code), ""),
    };
    match advice {
        "" => (is_final, String::new()),
        advice => (is_final, format!("; table {table}: {advice}")),
    }
}

fn explained(url: &str, error: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    match url.parse() {
        Ok(url) => no_answer(&url, error),
        Err(_) => error.to_string(),
    }
}

fn shortened(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.get(..line.floor_char_boundary(LONGEST))
        .unwrap_or(line)
        .trim_end()
}
