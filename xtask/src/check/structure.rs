//! The structure that the design asks for: which crate may stand on which, and how long files and functions get.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::cargo_command;
use crate::steps::Tests;
use crate::workspace;

/// A file has at most this many lines of code: comments, blank lines and `mod tests` are not counted.
const FILE_LINES: usize = 500;
/// How many of the longest files and functions are shown. Clippy's `too_many_lines` keeps functions short.
const LONGEST_SHOWN: usize = 3;

/// Which crates of this repository a crate may stand on, outside its tests.
const ARROWS: [(&str, &[&str]); 20] = [
    ("fanlight-otlp", &[]),
    ("fanlight-config", &[]),
    ("fanlight-spool", &[]),
    ("fanlight-pipeline", &["spool", "config", "otlp"]),
    ("fanlight-net", &["pipeline", "config", "otlp"]),
    ("fanlight-formats", &["otlp"]),
    ("fanlight-genai", &["otlp"]),
    ("fanlight-macros", &[]),
    ("fanlight", &["otlp", "config", "spool", "macros", "genai"]),
    ("fanlight-receivers", TRANSLATOR),
    ("fanlight-processors", COMPONENT),
    ("fanlight-exporters", TRANSLATOR),
    ("fanlight-extensions", COMPONENT),
    (
        "fanlight-proxy",
        &["net", "pipeline", "config", "otlp", "genai"],
    ),
    (
        "fanlight-store",
        &["net", "pipeline", "config", "otlp", "genai"],
    ),
    (
        "fanlight-dashboard",
        &["store", "net", "formats", "genai", "config", "otlp"],
    ),
    (
        "fanlight-testkit",
        &["net", "pipeline", "config", "otlp", "formats"],
    ),
    (
        "fanlight-hub",
        &[
            "receivers",
            "processors",
            "exporters",
            "extensions",
            "proxy",
            "store",
            "dashboard",
            "net",
            "pipeline",
            "config",
            "otlp",
        ],
    ),
    ("fanlight-load", &["net", "otlp", "config", "testkit"]),
    ("xtask", &["testkit", "otlp"]),
];

const TRANSLATOR: &[&str] = &["net", "pipeline", "config", "otlp", "formats"];
const COMPONENT: &[&str] = &["net", "pipeline", "spool", "config", "otlp"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<PathBuf>,
}

/// Checks arrows and sizes.
///
/// # Errors
/// Names every arrow that points the wrong way, every file and every function that is too long.
pub(super) fn check() -> Result<Tests> {
    let mut faults = wrong_arrows()?;
    let mut lengths = Lengths::default();
    for file in rust_files()? {
        let text = std::fs::read_to_string(&file)?;
        let name = workspace::shown(&file);
        if name.ends_with("/mod.rs") {
            faults.push(format!(
                "{name}: a module x is x.rs with its parts in x/, never mod.rs"
            ));
        }
        if !(name.contains("/tests/") || name.ends_with("tests.rs")) {
            lengths.measure(name, &text);
        }
    }
    faults.extend(lengths.too_long());
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    lengths.print();
    Ok(Tests::ONE)
}

/// Lines of code by file, and lines by function.
#[derive(Default)]
struct Lengths {
    files: Vec<(usize, String)>,
    functions: Vec<(usize, String)>,
}

impl Lengths {
    fn measure(&mut self, file: String, text: &str) {
        self.functions.extend(
            functions(text)
                .into_iter()
                .map(|(name, lines)| (lines, format!("{file}: {name}"))),
        );
        self.files.push((lines_of_code(text), file));
    }

    fn too_long(&self) -> impl Iterator<Item = String> {
        let long = self.files.iter().filter(|(lines, _)| *lines > FILE_LINES);
        long.map(|(lines, file)| {
            format!("{file}: {lines} lines of code; split it by meaning, the limit is {FILE_LINES}")
        })
    }

    fn print(mut self) {
        println!(
            "   {} files; the longest, in lines of code, and the longest functions:",
            self.files.len()
        );
        self.files.sort_by(|a, b| b.cmp(a));
        self.functions.sort_by(|a, b| b.cmp(a));
        for (lines, name) in self
            .files
            .iter()
            .take(LONGEST_SHOWN)
            .chain(self.functions.iter().take(LONGEST_SHOWN))
        {
            println!("   {lines:>5}  {name}");
        }
    }
}

fn wrong_arrows() -> Result<Vec<String>> {
    let output = cargo_command(&["metadata", "--format-version", "1", "--no-deps"]).output()?;
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let allowed = BTreeMap::from(ARROWS);
    let mut faults = Vec::new();
    for package in &metadata.packages {
        let Some(may) = allowed.get(&*package.name) else {
            faults.push(format!(
                "{}: not in the table of arrows, xtask/src/check/structure.rs",
                package.name
            ));
            continue;
        };
        let own = package
            .dependencies
            .iter()
            .filter(|found| found.path.is_some() && found.kind.as_deref() != Some("dev"));
        let wrong = own.filter(|found| {
            !found
                .name
                .strip_prefix("fanlight-")
                .is_some_and(|name| may.contains(&name))
        });
        faults.extend(
            wrong.map(|found| format!("{} must not stand on {}", package.name, found.name)),
        );
    }
    Ok(faults)
}

fn rust_files() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in ["crates", "xtask"] {
        collect(&workspace::root().join(folder), &mut files)?;
    }
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && name != "node_modules" && name != "target" {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn lines_of_code(text: &str) -> usize {
    let before_tests = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    before_tests.lines().filter(is_code).count()
}

/// Names and lengths of functions, by the indentation that rustfmt keeps.
fn functions(text: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut open: Option<(String, usize, usize)> = None;
    let before_tests = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    for (number, line) in before_tests.lines().enumerate() {
        let indentation = line.len() - line.trim_start().len();
        if let Some((name, start, outer)) = &open {
            if indentation == *outer && line.trim() == "}" {
                found.push((name.clone(), (number - start).saturating_sub(1)));
                open = None;
            }
        } else if let Some(name) = function_name(line)
            && line.trim_end().ends_with(['{', '(', ','])
        {
            open = Some((name, number, indentation));
        }
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let after = line
        .trim_start()
        .strip_prefix("pub ")
        .unwrap_or(line.trim_start());
    let after = ["pub(crate) ", "pub(super) "]
        .iter()
        .fold(after, |rest, prefix| {
            rest.strip_prefix(prefix).unwrap_or(rest)
        });
    let after = ["const ", "async "].iter().fold(after, |rest, prefix| {
        rest.strip_prefix(prefix).unwrap_or(rest)
    });
    let name: String = after
        .strip_prefix("fn ")?
        .chars()
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect();
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_functions_and_files_are_found() {
        let mut lengths = Lengths::default();
        lengths.measure(
            "a.rs".to_owned(),
            &format!(
                "fn short() {{\n}}\n\nfn long(\n) {{\n{}}}\n",
                "    work();\n".repeat(70)
            ),
        );
        assert_eq!(
            lengths.functions,
            [(0, "a.rs: short".to_owned()), (71, "a.rs: long".to_owned())]
        );
        lengths.measure("b.rs".to_owned(), &"const A: u8 = 1;\n".repeat(501));
        assert_eq!(lengths.too_long().count(), 1);
    }

    #[test]
    fn comments_and_tests_are_not_code() {
        assert_eq!(
            lines_of_code("// a\n\nfn b() {}\n#[cfg(test)]\nmod tests {\n    fn c() {}\n}\n"),
            1
        );
    }
}
