//! Where a running hub's dashboard is, for commands that ask it: a file in the data directory, there as long as it runs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const NAME: &str = "dashboard.url";

/// The file; it goes with this value. A hub that was killed leaves it behind, and nobody answers there.
#[derive(Debug)]
pub(crate) struct AddressFile(PathBuf);

impl AddressFile {
    /// Writes the address down. Commands do without where that fails, so it is only logged.
    pub(crate) fn write(directory: &Path, address: SocketAddr) -> Option<AddressFile> {
        let path = directory.join(NAME);
        match std::fs::write(&path, format!("http://{address}\n")) {
            Ok(()) => Some(AddressFile(path)),
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "the dashboard's address can't be written down");
                None
            }
        }
    }
}

impl Drop for AddressFile {
    fn drop(&mut self) {
        // Whoever reads it next finds that nobody answers.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The address that a hub wrote down, running or not.
pub(crate) fn read(directory: &Path) -> Option<String> {
    let text = std::fs::read_to_string(directory.join(NAME)).ok()?;
    Some(text.trim().to_owned()).filter(|url| !url.is_empty())
}
