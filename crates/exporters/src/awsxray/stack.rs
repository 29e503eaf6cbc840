//! Stack traces as the languages print them, taken apart into frames and causes.
//!
//! Lines that are no frames are skipped: a trace is text, and what can't be read of it must not keep the rest away.

/// One exception of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Thrown<'a> {
    /// Its type; empty for the outermost, which the event names.
    pub(super) kind: &'a str,
    /// Its message, likewise.
    pub(super) message: &'a str,
    /// Its frames, innermost call first.
    pub(super) frames: Vec<Frame<'a>>,
}

/// One call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// The function.
    pub(super) label: &'a str,
    /// The file.
    pub(super) path: &'a str,
    /// The line, 0 when unknown.
    pub(super) line: u32,
}

/// The exceptions of a trace, the outermost first, each caused by the next.
pub(super) fn parse<'a>(language: &str, trace: &'a str) -> Vec<Thrown<'a>> {
    match language {
        "python" => python(trace),
        "go" => vec![Thrown {
            frames: go(trace),
            ..Thrown::default()
        }],
        "dotnet" => vec![Thrown {
            frames: trace.lines().filter_map(dotnet_frame).collect(),
            ..Thrown::default()
        }],
        _ => with_causes(trace),
    }
}

/// Java and PHP, which tell causes after the frames; JavaScript, Rust and others, which write frames the same way.
fn with_causes(trace: &str) -> Vec<Thrown<'_>> {
    let mut thrown = vec![Thrown::default()];
    for line in trace.lines().skip(1) {
        if let Some(cause) = line.strip_prefix("Caused by: ") {
            let (kind, message) = kind_and_message(cause);
            thrown.push(Thrown {
                kind,
                message,
                frames: Vec::new(),
            });
        } else if let (Some(frame), Some(last)) = (at_frame(line), thrown.last_mut()) {
            last.frames.push(frame);
        }
    }
    thrown
}

/// `    at label (path:line:column)`, `\tat module/label(path:line)`, `    at path:line:column`.
fn at_frame(line: &str) -> Option<Frame<'_>> {
    let call = line.trim().strip_prefix("at ")?;
    let inside = call.strip_suffix(')').and_then(|call| call.split_once('('));
    let (label, place) = match inside {
        Some((label, place)) => (label.trim_end(), place),
        None => ("", call),
    };
    // A Java module or class loader before the class.
    let label = label.rsplit_once('/').map_or(label, |(_, label)| label);
    let (path, line) = path_and_line(place);
    Some(Frame { label, path, line })
}

/// `   at label in path:line 7`, `   at Namespace.Method(String name)`.
fn dotnet_frame(line: &str) -> Option<Frame<'_>> {
    let call = line.trim().strip_prefix("at ")?;
    let (label, place) = call.split_once(" in ").unwrap_or((call, ""));
    let (path, number) = place.rsplit_once(":line ").unwrap_or((place, ""));
    Some(Frame {
        label,
        path,
        line: number.trim().parse().unwrap_or_default(),
    })
}

/// Tracebacks come oldest call first, and causes before what they caused.
fn python(trace: &str) -> Vec<Thrown<'_>> {
    const BETWEEN: [&str; 2] = [
        "During handling of the above exception, another exception occurred:",
        "The above exception was the direct cause of the following exception:",
    ];
    let mut thrown = vec![Thrown::default()];
    for line in trace.lines() {
        if BETWEEN.contains(&line.trim()) {
            thrown.push(Thrown::default());
            continue;
        }
        let Some(last) = thrown.last_mut() else {
            continue;
        };
        if let Some(frame) = python_frame(line) {
            last.frames.insert(0, frame);
        } else if !line.starts_with([' ', '\t']) && !line.starts_with("Traceback") {
            let (kind, message) = kind_and_message(line);
            if !kind.is_empty() {
                (last.kind, last.message) = (kind, message);
            }
        }
    }
    thrown.reverse();
    thrown
}

/// `  File "path", line 7, in label`.
fn python_frame(line: &str) -> Option<Frame<'_>> {
    let rest = line.trim_start().strip_prefix("File \"")?;
    let (path, rest) = rest.split_once("\", line ")?;
    let (number, label) = rest.split_once(", in ").unwrap_or((rest, ""));
    Some(Frame {
        label,
        path,
        line: number.trim().parse().unwrap_or_default(),
    })
}

/// A function, and on the next line, behind a tab, its place: `\t/path/file.go:7 +0x1d`.
fn go(trace: &str) -> Vec<Frame<'_>> {
    let mut frames = Vec::new();
    let mut label = "";
    for line in trace.lines() {
        match line.strip_prefix('\t') {
            Some(place) => {
                let place = place.split_once(" +").map_or(place, |(place, _)| place);
                let (path, line) = path_and_line(place);
                frames.push(Frame { label, path, line });
            }
            None => label = line,
        }
    }
    frames
}

fn kind_and_message(text: &str) -> (&str, &str) {
    let (kind, message) = text.split_once(':').unwrap_or((text, ""));
    (kind.trim(), message.trim())
}

/// `path`, `path:line` or `path:line:column`; the path may have colons of its own.
fn path_and_line(place: &str) -> (&str, u32) {
    let numbered = |text: &'_ str| -> Option<(usize, u32)> {
        let (front, number) = text.rsplit_once(':')?;
        Some((front.len(), number.parse().ok()?))
    };
    let Some((end, last)) = numbered(place) else {
        return (place, 0);
    };
    let front = place.get(..end).unwrap_or(place);
    match numbered(front) {
        Some((end, line)) => (front.get(..end).unwrap_or(front), line),
        None => (front, last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame<'a>(label: &'a str, path: &'a str, line: u32) -> Frame<'a> {
        Frame { label, path, line }
    }

    #[test]
    fn java_has_causes() {
        let trace = "java.lang.IllegalStateException: state\n\tat app//shop.Cart.pay(Cart.java:17)\n\t... 3 more\nCaused by: java.io.IOException: disk: full\n\tat shop.Disk.write(Native Method)";
        let thrown = parse("java", trace);
        assert_eq!(thrown[0].frames, [frame("shop.Cart.pay", "Cart.java", 17)]);
        assert_eq!(
            (thrown[1].kind, thrown[1].message),
            ("java.io.IOException", "disk: full")
        );
        assert_eq!(
            thrown[1].frames,
            [frame("shop.Disk.write", "Native Method", 0)]
        );
    }

    #[test]
    fn python_tells_the_cause_first_and_the_oldest_call_first() {
        let trace = "Traceback (most recent call last):\n  File \"a.py\", line 1, in load\n    open(x)\nOSError: gone\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"m.py\", line 9, in main\n    run()\n  File \"m.py\", line 4, in run\n    raise ValueError(\"x: y\")\nValueError: x: y\n";
        let thrown = parse("python", trace);
        assert_eq!(
            thrown[0].frames,
            [frame("run", "m.py", 4), frame("main", "m.py", 9)]
        );
        assert_eq!((thrown[1].kind, thrown[1].message), ("OSError", "gone"));
        assert_eq!(thrown[1].frames, [frame("load", "a.py", 1)]);
    }

    #[test]
    fn other_languages_are_read_line_by_line() {
        let javascript = "TypeError: x\n    at run (file:///srv/app.js:10:5)\n    at /srv/main.js:3:1\n    at Array.map (native)";
        assert_eq!(
            parse("nodejs", javascript)[0].frames,
            [
                frame("run", "file:///srv/app.js", 10),
                frame("", "/srv/main.js", 3),
                frame("Array.map", "native", 0)
            ]
        );
        let dotnet = "System.Exception: x\r\n   at Shop.Pay(String id) in C:\\shop\\Pay.cs:line 12\r\n   at Shop.Main()";
        assert_eq!(
            parse("dotnet", dotnet)[0].frames,
            [
                frame("Shop.Pay(String id)", "C:\\shop\\Pay.cs", 12),
                frame("Shop.Main()", "", 0)
            ]
        );
        let go = "goroutine 1 [running]:\nmain.pay(0x1)\n\t/srv/pay.go:12 +0x1d\nmain.main()\n\t/srv/main.go:3\n";
        assert_eq!(
            parse("go", go)[0].frames,
            [
                frame("main.pay(0x1)", "/srv/pay.go", 12),
                frame("main.main()", "/srv/main.go", 3)
            ]
        );
    }

    #[test]
    fn what_is_no_trace_has_no_frames() {
        for language in ["java", "python", "go", "dotnet", "nodejs", ""] {
            for text in ["", "Grüße", "\n\n", "at", "\tat (", "  File \"", ":::"] {
                for thrown in parse(language, text) {
                    assert!(thrown.frames.len() <= 1, "{language}: {text:?}");
                }
            }
        }
    }
}
