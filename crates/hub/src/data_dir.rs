//! Where data is kept.

use std::path::{Path, PathBuf};

use fanlight_config::{Environment, env_vars};

/// The directory that the command line or `DATA_DIR` names, or else the user's own data directory, as the
/// [XDG base directory specification](https://specifications.freedesktop.org/basedir-spec/latest/) has it.
pub(crate) fn choose(named: Option<&Path>, environment: &Environment) -> PathBuf {
    if let Some(named) = named {
        return named.to_owned();
    }
    // The specification says that a relative path must be ignored.
    let xdg = environment
        .non_empty(env_vars::XDG_DATA_HOME.name)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || {
        environment
            .non_empty("HOME")
            .map(|home| Path::new(home).join(".local/share"))
    };
    xdg.or_else(home)
        .unwrap_or_else(std::env::temp_dir)
        .join("fanlight")
}

/// Makes the directory, for its owner only.
///
/// # Errors
/// When it can't be made.
pub(crate) fn make(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(named: Option<&str>, variables: &[(&str, &str)]) -> String {
        let environment = variables
            .iter()
            .map(|(name, value)| (*name, *value))
            .collect();
        choose(named.map(Path::new), &environment)
            .display()
            .to_string()
    }

    #[test]
    fn the_command_line_wins_then_xdg_then_home() {
        let home = ("HOME", "/home/ada");
        assert_eq!(
            chosen(Some("/x"), &[("XDG_DATA_HOME", "/data"), home]),
            "/x"
        );
        assert_eq!(
            chosen(None, &[("XDG_DATA_HOME", "/data"), home]),
            "/data/fanlight"
        );
        assert_eq!(
            chosen(None, &[("XDG_DATA_HOME", ""), home]),
            "/home/ada/.local/share/fanlight"
        );
        assert_eq!(
            chosen(None, &[("XDG_DATA_HOME", "relative"), home]),
            "/home/ada/.local/share/fanlight"
        );
    }
}
