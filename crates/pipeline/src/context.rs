//! What a component gets when it is built, and what it says when that fails.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use fanlight_config::ComponentId;

use crate::{ClientAuth, Extension, QueueStorage, ServerAuth, Status};

/// What a component may use while it is built.
pub struct BuildContext<'a> {
    /// The component's own id.
    pub id: &'a ComponentId,
    /// The extensions that are already built.
    pub extensions: &'a BTreeMap<ComponentId, Arc<dyn Extension>>,
    /// The hub's data directory.
    pub data_dir: &'a Path,
    /// `fanlight/<version>`, to send as `user-agent`.
    pub user_agent: &'static str,
    /// What the hub counts and knows about itself; [`Status::health`] is the short form.
    pub status: Status,
}

/// A component could not be built, or broke while it ran.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct BuildError {
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    hint: Option<String>,
}

impl BuildError {
    /// An error that states a fact: lower case, no full stop.
    pub fn new(message: impl Into<String>) -> BuildError {
        BuildError {
            message: message.into(),
            source: None,
            hint: None,
        }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn because(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> BuildError {
        self.source = Some(source.into());
        self
    }

    /// The same error with what the user should do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> BuildError {
        self.hint = Some(hint.into());
        self
    }

    /// What the user should do, if there is something.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl BuildContext<'_> {
    /// The credentials of an extension.
    ///
    /// # Errors
    /// When there is no such extension, or it offers no credentials.
    pub fn client_auth(&self, id: &ComponentId) -> Result<Arc<dyn ClientAuth>, BuildError> {
        self.capability(id, "credentials for outgoing requests", |extension| {
            extension.client_auth()
        })
    }

    /// The check of an extension.
    ///
    /// # Errors
    /// When there is no such extension, or it offers no check.
    pub fn server_auth(&self, id: &ComponentId) -> Result<Arc<dyn ServerAuth>, BuildError> {
        self.capability(id, "a check of incoming requests", |extension| {
            extension.server_auth()
        })
    }

    /// The queue storage of an extension.
    ///
    /// # Errors
    /// When there is no such extension, or it offers no storage.
    pub fn queue_storage(&self, id: &ComponentId) -> Result<Arc<dyn QueueStorage>, BuildError> {
        self.capability(id, "storage for queues", |extension| {
            extension.queue_storage()
        })
    }

    fn capability<T>(
        &self,
        id: &ComponentId,
        what: &str,
        offered: impl Fn(&dyn Extension) -> Option<T>,
    ) -> Result<T, BuildError> {
        let extension = self.extensions.get(id).ok_or_else(|| {
            BuildError::new(format!("extension {id} is not running")).hint(format!(
                "define it under extensions: and list it under service.extensions: [{id}]"
            ))
        })?;
        offered(extension.as_ref())
            .ok_or_else(|| BuildError::new(format!("extension {id} does not offer {what}")))
    }
}
