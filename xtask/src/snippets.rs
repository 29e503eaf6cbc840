//! `cargo xtask snippets`: every configuration snippet of Markdown documents, run as a reader would.
//!
//! A snippet goes through `fanlight check` and a short `fanlight serve` that one item of each signal is sent to. Hosts are
//! redirected to a sink on this machine, without TLS; listening addresses become free ports; variables get placeholder
//! values; a fragment is completed with the receiver that it leaves out. Nothing else is changed.

mod classify;
mod markdown;
mod redirect;
mod trial;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::steps::{Steps, Tests};
use crate::{hub, workspace};
use classify::Kind;
use trial::{Sink, Verdict};

/// The expected verdicts on the project's own documents.
const EXPECTED: &str = "tests/snippets.txt";

/// What one snippet came to.
struct Judged {
    /// `README.md 2`: the document, and the number of the block in it.
    place: String,
    line: usize,
    kind: Kind,
    verdict: Verdict,
}

/// Runs the snippets of documents and folders, and prints the verdicts.
///
/// # Errors
/// When a snippet of a kind that this release supports does not work, or one that it does not support is accepted.
pub fn run(paths: &[PathBuf]) -> Result<()> {
    let steps = Steps::new("snippets");
    let binary = hub::build(hub::Profile::Debug, &steps.log("cargo build"))?;
    let judged = judge(&binary, &documents(paths)?)?;
    print!("{}", table(&judged));
    let wrong = judged.iter().filter(|snippet| snippet.is_wrong()).count();
    println!("{} snippets, {wrong} not as they should be", judged.len());
    if wrong > 0 {
        bail!("{wrong} snippets are not as they should be");
    }
    Ok(())
}

/// Runs the snippets of the project's own documents, and of `../shared/seeds` where that folder is there.
///
/// # Errors
/// When the verdicts on the project's own documents are not the expected ones, or a supported snippet fails.
pub fn own_documents(binary: &Path) -> Result<Tests> {
    let root = workspace::root();
    let own = ["README.md", "CONTRIBUTING.md", "docs"].map(|name| root.join(name));
    let own: Vec<PathBuf> = own.into_iter().filter(|path| path.exists()).collect();
    let mut judged = judge(binary, &documents(&own)?)?;
    let found = snapshot(&judged);
    let expected = std::fs::read_to_string(root.join(EXPECTED)).unwrap_or_default();
    if found != expected {
        let accepted = workspace::target().join("xtask/snippets.txt");
        std::fs::write(&accepted, &found)?;
        print!("{}", table(&judged));
        bail!(
            "the verdicts differ from {EXPECTED}; if they are right, copy {} over it",
            workspace::shown(&accepted)
        );
    }
    let seeds = root.join("../shared/seeds");
    if seeds.is_dir() {
        judged.extend(judge(binary, &documents(&[seeds])?)?);
    }
    let wrong: Vec<&Judged> = judged.iter().filter(|snippet| snippet.is_wrong()).collect();
    if !wrong.is_empty() {
        bail!("{}", table(wrong));
    }
    Ok(Tests::passed(
        judged
            .iter()
            .filter(|snippet| !matches!(snippet.verdict, Verdict::NotOurs))
            .count(),
    ))
}

impl Judged {
    fn is_wrong(&self) -> bool {
        match (&self.kind, &self.verdict) {
            (Kind::NotOurs(_), _) => false,
            (Kind::Collector { later, .. }, verdict) if !later.is_empty() => {
                !matches!(verdict, Verdict::Refused(_))
            }
            (_, verdict) => !matches!(verdict, Verdict::Ok { .. }),
        }
    }
}

fn documents(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let entries: Result<Vec<_>, _> = std::fs::read_dir(path)?.collect();
            let mut inside: Vec<PathBuf> = entries?.into_iter().map(|entry| entry.path()).collect();
            inside.retain(|path| {
                path.is_dir() || path.extension().is_some_and(|extension| extension == "md")
            });
            inside.sort();
            found.extend(documents(&inside)?);
        } else {
            found.push(path.clone());
        }
    }
    Ok(found)
}

fn judge(binary: &Path, documents: &[PathBuf]) -> Result<Vec<Judged>> {
    let steps = Steps::new("snippets");
    let sink = Sink::start(&steps)?;
    let mut judged = Vec::new();
    for document in documents {
        let text = std::fs::read_to_string(document)
            .with_context(|| format!("{} can't be read", document.display()))?;
        let name = document
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        for (number, block) in markdown::blocks(&text).into_iter().enumerate() {
            let kind = classify::kind(&block);
            let place = format!("{name} {}", number + 1);
            let verdict = trial::of(&block, &kind, binary, &sink, &place)?;
            judged.push(Judged {
                place,
                line: block.line,
                kind,
                verdict,
            });
        }
    }
    Ok(judged)
}

fn table<'a>(judged: impl IntoIterator<Item = &'a Judged>) -> String {
    let mut text = String::new();
    for snippet in judged {
        if matches!(snippet.verdict, Verdict::NotOurs) {
            continue;
        }
        let mark = if snippet.is_wrong() { "WRONG" } else { "" };
        let place = format!("{} (line {})", snippet.place, snippet.line);
        let verdict = match (&snippet.kind, &snippet.verdict) {
            (Kind::Collector { later, .. }, Verdict::Refused(_)) if !later.is_empty() => {
                format!("refused, not in this release: {}", later.join(", "))
            }
            (_, verdict) => verdict.to_string(),
        };
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "{mark:<6}{place:<40} {:<12} {verdict}",
            snippet.kind.name()
        );
    }
    text
}

fn snapshot(judged: &[Judged]) -> String {
    let mut text = String::new();
    for snippet in judged {
        let verdict = match &snippet.verdict {
            Verdict::NotOurs => continue,
            Verdict::Ok { .. } => "ok",
            Verdict::Refused(_) => "refused",
            Verdict::Broken(_) => "broken",
        };
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "{}: {}: {verdict}",
            snippet.place,
            snippet.kind.name()
        );
    }
    text
}
