//! Exceptions: what they are grouped by.

use fanlight_otlp::TraceId;
use fanlight_otlp::view::Attributes;
use rusqlite::{Transaction, params};

use super::IngestError;
use super::spans::text;
use crate::intern::content_hash;

/// The most that is kept of a message for the list of errors; the whole one stays with its span.
const MAX_MESSAGE: usize = 500;

/// What belongs to the language or to libraries, and not to the application.
const FOREIGN: [&str; 21] = [
    "site-packages/",
    "dist-packages/",
    "/lib/python",
    "<frozen ",
    "node_modules/",
    "node:",
    "internal/",
    "at java.",
    "at javax.",
    "at jdk.",
    "at sun.",
    "at org.springframework.",
    "at org.apache.",
    "at kotlin.",
    "at System.",
    "at Microsoft.",
    "/rustc/",
    "/.cargo/registry/",
    "/usr/local/go/src/",
    "/gems/",
    "/vendor/",
];

/// Where and when something broke.
pub(super) struct Exception<'a> {
    pub(super) service: i64,
    pub(super) time_ns: i64,
    /// Zero when it was in none.
    pub(super) trace_id: TraceId,
    /// Where it happened, if its stack trace doesn't say.
    pub(super) place: &'a str,
}

impl Exception<'_> {
    /// Notes it. The attributes are those of the event or the log record.
    pub(super) fn note(
        &self,
        transaction: &Transaction<'_>,
        attributes: &Attributes<'_>,
    ) -> Result<(), IngestError> {
        let Exception {
            service,
            time_ns,
            trace_id,
            place,
        } = *self;
        let kind = text(attributes.get("exception.type")?).unwrap_or("unknown");
        let message = text(attributes.get("exception.message")?).unwrap_or_default();
        let stack = text(attributes.get("exception.stacktrace")?).unwrap_or_default();
        let place = application_frame(stack).unwrap_or(place);
        let key = [kind, place].join("\n") + &format!("\n{service}");
        let id = content_hash(key.as_bytes());
        let cut = message.floor_char_boundary(MAX_MESSAGE);
        let message = message.get(..cut).unwrap_or_default();
        let mut group = transaction.prepare_cached(
            "INSERT INTO error_groups (id, service, type, place, message) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET message = excluded.message",
        )?;
        group.execute(params![id, service, kind, place, message])?;
        let trace_id = Some(&trace_id.0[..]).filter(|id| id.iter().any(|byte| *byte != 0));
        let mut insert = transaction
            .prepare_cached("INSERT INTO exceptions (time_ns, error, trace_id) VALUES (?, ?, ?)")?;
        insert.execute(params![time_ns, id, trace_id])?;
        Ok(())
    }
}

/// The frame of a stack trace that is the application's own and nearest to where it broke.
fn application_frame(stack: &str) -> Option<&str> {
    let is_own = |line: &&str| !FOREIGN.iter().any(|foreign| line.contains(foreign));
    let frames = || stack.lines().map(str::trim).filter(|line| is_frame(line));
    // Python has the innermost frame last, everybody else first.
    let is_python = stack.contains("Traceback (most recent call last)");
    let own = match is_python {
        true => frames().rfind(is_own),
        false => frames().find(is_own),
    };
    own.or_else(|| frames().next())
}

/// Whether a line of a stack trace names a place: `File "x.py", line 3, in f`, `at f (x.js:1:2)`, `x.go:12 +0x1d`.
fn is_frame(line: &str) -> bool {
    let has_number = || {
        line.rsplit(':')
            .any(|part| part.starts_with(|first: char| first.is_ascii_digit()))
    };
    line.starts_with("File \"") || line.starts_with("at ") || (line.contains('/') && has_number())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_of_the_application_is_found_in_every_language() {
        let cases = [
            (
                "Traceback (most recent call last):\n  File \"/app/main.py\", line 3, in main\n    pay()\n  File \"/app/pay.py\", line 9, in pay\n    get()\n  File \"/usr/lib/python3.11/site-packages/requests/api.py\", line 1, in get\nValueError: no",
                "File \"/app/pay.py\", line 9, in pay",
            ),
            (
                "java.lang.IllegalStateException: no\n\tat java.util.List.of(List.java:1)\n\tat shop.Cart.pay(Cart.java:42)\n\tat shop.Main.main(Main.java:3)",
                "at shop.Cart.pay(Cart.java:42)",
            ),
            (
                "Error: no\n    at get (/app/node_modules/got/index.js:1:2)\n    at pay (/app/pay.js:10:5)",
                "at pay (/app/pay.js:10:5)",
            ),
            (
                "goroutine 1 [running]:\nmain.pay(...)\n\t/usr/local/go/src/net/http.go:1 +0x1\n\t/app/pay.go:12 +0x1d",
                "/app/pay.go:12 +0x1d",
            ),
        ];
        for (stack, expected) in cases {
            assert_eq!(application_frame(stack), Some(expected));
        }
        assert_eq!(application_frame("no stack at all"), None);
    }
}
