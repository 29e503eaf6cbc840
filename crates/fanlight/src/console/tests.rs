use std::sync::{Arc, Mutex};

use super::*;
use crate::callsite::{Callsite, Source};
use crate::record;
use crate::value::put_attribute;

static SPAN: Callsite = Callsite::new("pay {order}", Level::Info, Source::TEST);
static WARNING: Callsite = Callsite::new(
    "card is slow",
    Level::Warn,
    Source {
        line: 9,
        ..Source::TEST
    },
)
.with_tags(&["card"]);

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn span(records: &mut Vec<u8>, kind: Kind, ids: (u8, u8), milliseconds: u64, error: Option<&str>) {
    let level = if error.is_some() {
        Level::Error
    } else {
        Level::Info
    };
    record::append(records, kind, &SPAN, level, |out| {
        out.some_bytes(1, [1; 16]);
        out.some_bytes(2, [ids.0; 8]);
        out.some_bytes(4, [ids.1; 8]);
        out.bytes(5, "pay {order}");
        out.some_fixed64(7, 1_700_000_000_000_000_000);
        out.some_fixed64(8, 1_700_000_000_000_000_000 + milliseconds * 1_000_000);
        put_attribute(out, 9, "order", &17);
        put_attribute(out, 9, "gen_ai.usage.input_tokens", &1204);
        put_attribute(out, 9, "gen_ai.usage.output_tokens", &96);
        if let Some(error) = error {
            out.nested(15, |out| {
                out.bytes(2, error);
                out.varint(3, 2);
            });
        }
    });
}

fn printed(console: Console, colored: bool) -> String {
    let mut records = Vec::new();
    span(&mut records, Kind::Started, (2, 0), 0, None);
    span(&mut records, Kind::Started, (3, 2), 0, None);
    record::append(&mut records, Kind::Log, &WARNING, Level::Warn, |out| {
        out.some_fixed64(1, 1_700_000_000_500_000_000);
        out.some_bytes(9, [1; 16]);
        out.some_bytes(10, [3; 8]);
    });
    record::append(&mut records, Kind::Log, &WARNING, Level::Debug, |_| {});
    span(
        &mut records,
        Kind::Span,
        (3, 2),
        1500,
        Some("CardError: declined \x1b[2J"),
    );
    span(&mut records, Kind::Span, (2, 0), 12_345, None);
    let paper = Paper::default();
    let mut screen = Screen::over(Box::new(paper.clone()), console, colored);
    screen.view(&record::read(&records).collect::<Vec<_>>());
    assert!(screen.depths.is_empty());
    let text = paper.0.lock().unwrap().clone();
    String::from_utf8(text).unwrap()
}

#[test]
fn spans_indent_what_is_inside_and_end_with_how_they_went() {
    let console = Console {
        timestamps: false,
        ..Console::default()
    };
    let expected = "\
pay 17
  pay 17
    warn  card is slow  [card]
  failed: pay 17  1500 ms · 1,204 → 96 tokens · CardError: declined \u{fffd}[2J
pay 17  12.3 s · 1,204 → 96 tokens
";
    assert_eq!(printed(console, false), expected);
    let simple = Console {
        style: ConsoleStyle::Simple,
        tags: false,
        ..console
    };
    let text = printed(simple, false);
    assert!(text.lines().all(|line| !line.starts_with(' ')));
    assert!(!text.contains("[card]"), "{text}");
}

#[test]
fn the_time_is_in_front_and_details_at_the_end() {
    let text = printed(
        Console {
            verbose: true,
            ..Console::default()
        },
        false,
    );
    let warning = text.lines().find(|line| line.contains("slow")).unwrap();
    assert!(
        warning.ends_with("warn  card is slow  [card]  src/pay.rs:9"),
        "{warning}"
    );
    assert_eq!(warning.find("  "), Some("12:04:31.207".len()), "{warning}");
    assert!(text.contains("  order=17  gen_ai"), "{text}");
}

#[test]
fn trouble_has_a_color() {
    let text = printed(
        Console {
            timestamps: false,
            ..Console::default()
        },
        true,
    );
    assert!(
        text.contains("\x1b[33mwarn  card is slow\x1b[0m"),
        "{text:?}"
    );
    assert!(text.contains("\x1b[31mfailed: pay 17\x1b[0m"), "{text:?}");
}

#[test]
fn json_lines_have_what_programs_ask_for() {
    let text = printed(
        Console {
            style: ConsoleStyle::Json,
            minimum: Level::Trace,
            ..Console::default()
        },
        false,
    );
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 6);
    assert_eq!(lines[4]["error"], "CardError: declined \u{1b}[2J");
    assert_eq!(lines[5]["duration_seconds"], 12.345);
    assert_eq!(lines[5]["attributes"]["order"], 17);
    assert_eq!(
        (&lines[2]["level"], &lines[2]["type"]),
        (&"warn".into(), &"log".into())
    );
    assert_eq!(lines[0]["time"], "2023-11-14T22:13:20Z");
}
