//! Builds the page under `ui/` with npm and lists its files for `embed.rs`.
//!
//! Needs `npm` and nothing else. Where npm is missing or fails, the page under `fallback/` is embedded instead, with a
//! warning that says why: the hub and its API are complete without the page. `FANLIGHT_SKIP_UI=1` asks for that on
//! purpose, for quick checks. Nothing is written into the source tree but `ui/node_modules`.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Everything in `ui/` that the page is made of.
const SOURCES: [&str; 8] = [
    "src",
    "public",
    "index.html",
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "svelte.config.js",
    "tsconfig.json",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let ui = root.join("ui");
    println!("cargo::rerun-if-env-changed=FANLIGHT_SKIP_UI");
    println!("cargo::rerun-if-env-changed=PATH");
    println!("cargo::rerun-if-changed=fallback");
    println!("cargo::rerun-if-changed=build.rs");
    for source in SOURCES.iter().filter(|source| ui.join(source).exists()) {
        println!("cargo::rerun-if-changed=ui/{source}");
    }
    let page = match build_page(&ui, &out.join("page")) {
        Ok(page) => page,
        Err(why) => {
            println!(
                "cargo::warning=the dashboard's page was not built: {why}. The hub works without it; a plain page says so."
            );
            root.join("fallback")
        }
    };
    fs::write(out.join("assets.rs"), list(&page)?)?;
    Ok(())
}

/// Builds the page and answers the folder that it is in, or what is missing and what to do.
fn build_page(ui: &Path, page: &Path) -> Result<PathBuf, String> {
    if env::var_os("FANLIGHT_SKIP_UI").is_some_and(|value| !value.is_empty() && value != "0") {
        return Err("FANLIGHT_SKIP_UI is set; unset it to build the page".to_owned());
    }
    if !ui.join("package.json").exists() {
        return Err(format!(
            "{} is not there; take the whole source tree",
            ui.display()
        ));
    }
    if !is_installed(ui) {
        npm(ui, &["ci", "--no-audit", "--no-fund"])?;
    }
    npm(
        ui,
        &[
            "run",
            "build",
            "--",
            "--outDir",
            &page.to_string_lossy(),
            "--emptyOutDir",
        ],
    )?;
    if page.join("index.html").exists() {
        Ok(page.to_owned())
    } else {
        Err("`npm run build` made no index.html".to_owned())
    }
}

/// Whether `node_modules` is what the lock file says: npm leaves a copy of it there when it is done.
fn is_installed(ui: &Path) -> bool {
    let changed = |path: &str| fs::metadata(ui.join(path)).and_then(|file| file.modified());
    match (
        changed("node_modules/.package-lock.json"),
        changed("package-lock.json"),
    ) {
        (Ok(installed), Ok(locked)) => installed >= locked,
        _ => false,
    }
}

fn npm(ui: &Path, arguments: &[&str]) -> Result<(), String> {
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let command = format!("npm {}", arguments.join(" "));
    let output = Command::new(program).args(arguments).current_dir(ui).output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            "npm is not installed; get Node.js 20.19 or newer from https://nodejs.org (npm comes with it) and build again"
                .to_owned()
        }
        _ => format!("`{command}` did not start: {error}"),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(6)
        .collect();
    Err(format!(
        "`{command}` in {} failed ({}): {}",
        ui.display(),
        output.status,
        lines.join(" / ")
    ))
}

/// The Rust source of the list of files in a folder.
fn list(page: &Path) -> Result<String, Box<dyn Error>> {
    let mut files = Vec::new();
    collect(page, &mut files)?;
    files.sort();
    let mut source = String::from("&[\n");
    for file in files {
        let path = file
            .strip_prefix(page)?
            .to_string_lossy()
            .replace('\\', "/");
        writeln!(
            source,
            "Asset {{ path: {path:?}, content: include_bytes!({:?}) }},",
            file.to_string_lossy()
        )?;
    }
    source.push(']');
    Ok(source)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
