//! What the process and the machine say of themselves. This is the only place that asks them.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use fanlight_config::Environment;

use super::variables;

/// What is known of where the program runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    pub(crate) environment: Environment,
    pub(crate) executable: Option<PathBuf>,
    pub(crate) process_id: Option<u32>,
    pub(crate) host_name: Option<String>,
    pub(crate) container_id: Option<String>,
    /// Such as `Debian GNU/Linux 13 (trixie)`.
    pub(crate) os_description: Option<String>,
    /// Whether this is a test that cargo built.
    pub(crate) is_test: bool,
}

impl Machine {
    /// This one.
    pub(crate) fn here() -> Machine {
        // Variables that aren't text can't be any that we know.
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let environment: Environment = std::env::vars_os().filter_map(text).collect();
        let executable = std::env::current_exe().ok();
        Machine {
            host_name: host_name(&environment),
            container_id: container_id(&read("/proc/self/cgroup"), &read("/proc/self/mountinfo")),
            os_description: os_description(&read("/etc/os-release")),
            is_test: executable.as_deref().is_some_and(is_test),
            process_id: Some(std::process::id()),
            executable,
            environment,
        }
    }

    /// The program's file name.
    pub(crate) fn program(&self) -> Option<&str> {
        self.executable.as_deref()?.file_stem()?.to_str()
    }
}

/// What a file of the system holds; nothing where there is none.
fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn host_name(environment: &Environment) -> Option<String> {
    let told = [read("/proc/sys/kernel/hostname"), read("/etc/hostname")];
    let told = told.iter().map(|name| name.trim());
    let variables = [variables::COMPUTERNAME, variables::HOSTNAME];
    told.chain(
        variables
            .iter()
            .filter_map(|known| environment.get(known.name)),
    )
    .find(|name| !name.is_empty())
    .map(str::to_owned)
}

fn os_description(release: &str) -> Option<String> {
    let line = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(line.trim_matches('"').to_owned())
}

/// The container's id: 64 hexadecimal digits in a path of its control group, or of what is mounted into it from
/// `.../containers/<id>/`.
fn container_id(cgroup: &str, mounts: &str) -> Option<String> {
    let in_groups = cgroup
        .split(['/', '\n', '-', '.', ':'])
        .find(|part| is_container_id(part));
    let in_mounts = || {
        let (_, rest) = mounts.split_once("containers/")?;
        rest.split('/').find(|part| is_container_id(part))
    };
    in_groups.or_else(in_mounts).map(str::to_owned)
}

fn is_container_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether cargo built this to be a test or a benchmark: it puts those, and nothing else that it runs, into a directory
/// `deps` as `name-0123456789abcdef`. Tests in documents run in a directory of rustdoc's.
fn is_test(executable: &Path) -> bool {
    let name_of = |path: Option<&Path>| {
        let name = path.and_then(Path::file_name)?;
        Some(name.to_string_lossy().into_owned())
    };
    let directory = name_of(executable.parent()).unwrap_or_default();
    let stem = executable.file_stem().unwrap_or_default().to_string_lossy();
    let is_hashed = stem.rsplit_once('-').is_some_and(|(_, hash)| {
        hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    (directory == "deps" && is_hashed) || directory.starts_with("rustdoctest")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_told_from_programs() {
        for (path, expected) in [
            ("/shop/target/debug/deps/shop-0123456789abcdef", true),
            ("/tmp/rustdoctestAbC/rust_out", true),
            ("/shop/target/debug/shop", false),
            ("/shop/target/debug/examples/shop", false),
            ("/opt/deps/shop", false),
            ("shop", false),
        ] {
            assert_eq!(is_test(Path::new(path)), expected, "{path}");
        }
        assert!(Machine::here().is_test);
    }

    #[test]
    fn containers_are_found_in_either_version_of_control_groups() {
        let id = "ab".repeat(32);
        let first = format!("12:cpu:/docker/{id}\n");
        assert_eq!(container_id(&first, ""), Some(id.clone()));
        let scope = format!("0::/system.slice/cri-containerd-{id}.scope\n");
        assert_eq!(container_id(&scope, ""), Some(id.clone()));
        let mounts = format!("1 2 3 /var/lib/docker/containers/{id}/hostname /etc/hostname rw\n");
        assert_eq!(container_id("0::/\n", &mounts), Some(id));
        assert_eq!(container_id("0::/user.slice\n", "1 2 3 / / rw\n"), None);
    }

    #[test]
    fn the_system_names_itself() {
        let release = "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\n";
        assert_eq!(
            os_description(release).as_deref(),
            Some("Debian GNU/Linux 13 (trixie)")
        );
        assert_eq!(os_description(""), None);
    }
}
