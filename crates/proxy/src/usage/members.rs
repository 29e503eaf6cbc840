//! The members of a JSON object as they stand in the text, without reading what is in them.

use std::ops::Range;

/// One member: where its name (without the quotes) and its value stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
}

/// Walks over the members of the object that a text is; ends early where it is none.
pub(super) struct Members<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Members<'t> {
    /// The members of the object that begins at or after `at`; none if something else begins there.
    pub(super) fn of(text: &'t [u8], at: usize) -> Option<Members<'t>> {
        let mut members = Members { text, at };
        members.skip_blanks();
        (members.peek() == Some(b'{')).then(|| {
            members.at += 1;
            members
        })
    }

    /// Where the walk is: after the last member, this is the closing brace.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Goes behind a string that begins here.
    fn skip_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            let rest = self.text.get(self.at..)?;
            let found = memchr::memchr2(b'"', b'\\', rest)?;
            let is_end = rest.get(found) == Some(&b'"');
            self.at += found + if is_end { 1 } else { 2 };
            if is_end {
                return Some(());
            }
        }
    }

    /// Goes behind a value of any kind that begins here.
    fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.skip_string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' if depth == 0 => return None,
                b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => {
                    self.at += 1;
                    continue;
                }
                _ => self.skip_word(),
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// Goes behind a number or a word.
    fn skip_word(&mut self) {
        while !matches!(
            self.peek(),
            None | Some(
                b',' | b':' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'{' | b'['
            )
        ) {
            self.at += 1;
        }
    }
}

impl Iterator for Members<'_> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        self.skip_blanks();
        if self.peek() == Some(b',') {
            self.at += 1;
            self.skip_blanks();
        }
        if self.peek() != Some(b'"') {
            return None;
        }
        let start = self.at + 1;
        self.skip_string()?;
        let name = start..self.at - 1;
        self.skip_blanks();
        if self.peek() != Some(b':') {
            return None;
        }
        self.at += 1;
        self.skip_blanks();
        let start = self.at;
        self.skip_value()?;
        Some(Member {
            name,
            value: start..self.at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(text: &str) -> Vec<(&str, &str)> {
        let members = Members::of(text.as_bytes(), 0).into_iter().flatten();
        members
            .filter_map(|member| Some((text.get(member.name)?, text.get(member.value)?)))
            .collect()
    }

    #[test]
    fn members_stand_where_they_stand() {
        let text =
            r#" { "a" : 1, "b":"x\"},{\\" , "c":[{"a":2},"]"], "d":{ "e" : null } ,"f":true}"#;
        let expected = [
            ("a", "1"),
            ("b", r#""x\"},{\\""#),
            ("c", r#"[{"a":2},"]"]"#),
            ("d", r#"{ "e" : null }"#),
            ("f", "true"),
        ];
        assert_eq!(walk(text), expected);
    }

    #[test]
    fn broken_text_ends_the_walk() {
        for text in [
            "",
            "[1]",
            "{",
            "{\"a",
            "{\"a\":",
            "{\"a\":\"b",
            "{\"a\":[1,",
            "{\"a\" 1}",
            "{\"a\":,",
            "{\"a\":\"\\",
        ] {
            assert_eq!(walk(text), Vec::new(), "{text}");
        }
        assert_eq!(walk("{\"a\":1,\"b\":{"), [("a", "1")]);
    }
}
