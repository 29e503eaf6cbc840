//! Fenced code blocks of Markdown.

/// A fenced block.
#[derive(Debug)]
pub(super) struct Block {
    /// The line of its opening fence, from 1.
    pub line: usize,
    /// The fence's first word, in lower case; empty when there is none.
    pub language: String,
    /// What stands between the fences, without the fences' own indentation.
    pub text: String,
}

/// The fenced blocks, in order.
pub(super) fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(Block, usize, String)> = None;
    for (number, line) in markdown.lines().enumerate() {
        let trimmed = line.trim_start();
        let indentation = line.len() - trimmed.len();
        if let Some((block, outer, fence)) = &mut open {
            if trimmed.trim_end() == fence {
                blocks.extend(open.take().map(|(block, ..)| block));
            } else {
                let inner = line
                    .get(*outer..)
                    .filter(|_| indentation >= *outer)
                    .unwrap_or(trimmed);
                block.text.push_str(inner);
                block.text.push('\n');
            }
        } else if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            let fence: String = trimmed
                .chars()
                .take_while(|letter| trimmed.starts_with(*letter))
                .collect();
            let language = trimmed
                .trim_start_matches(['`', '~'])
                .split_whitespace()
                .next()
                .unwrap_or_default();
            let block = Block {
                line: number + 1,
                language: language.to_lowercase(),
                text: String::new(),
            };
            open = Some((block, indentation, fence));
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_language_line_and_no_indentation_of_the_fence() {
        let found = blocks("text\n\n  ```yaml title\n  a:\n    b: 1\n  ```\n```\nx\n```\n");
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].line, &*found[0].language, &*found[0].text),
            (3, "yaml", "a:\n  b: 1\n")
        );
        assert_eq!(found[1].text, "x\n");
    }
}
