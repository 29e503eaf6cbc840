//! Objects of which every member must be taken: what nobody takes can't be translated.

use serde_json::{Map, Value as Json};

use super::Untranslatable;

/// An object, and where it stands in the request.
pub(super) struct Members {
    path: String,
    members: Map<String, Json>,
}

impl Members {
    /// The members of what should be an object.
    pub(super) fn of(value: Json, path: &str) -> Result<Members, Untranslatable> {
        match value {
            Json::Object(members) => Ok(Members {
                path: path.to_owned(),
                members,
            }),
            _ => Err(Untranslatable(format!("{} must be an object", named(path)))),
        }
    }

    /// Where a member stands: `messages[0].content`.
    pub(super) fn at(&self, name: &str) -> String {
        match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }

    /// Takes a member; null is none.
    pub(super) fn take(&mut self, name: &str) -> Option<Json> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Untranslatable> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.must_be(name, "a string")),
        }
    }

    pub(super) fn some_text(&mut self, name: &str) -> Result<String, Untranslatable> {
        self.text(name)?
            .ok_or_else(|| self.must_be(name, "a string"))
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Option<Json>, Untranslatable> {
        match self.take(name) {
            Some(value) if !value.is_number() => Err(self.must_be(name, "a number")),
            value => Ok(value),
        }
    }

    pub(super) fn count(&mut self, name: &str) -> Result<Option<u64>, Untranslatable> {
        let value = self.take(name).map(|value| value.as_u64());
        value
            .map(|count| count.ok_or_else(|| self.must_be(name, "a whole number")))
            .transpose()
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Untranslatable> {
        let value = self.take(name).map(|value| value.as_bool());
        value
            .map(|flag| flag.ok_or_else(|| self.must_be(name, "true or false")))
            .transpose()
    }

    pub(super) fn list(&mut self, name: &str) -> Result<Vec<Json>, Untranslatable> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Json::Array(items)) => Ok(items),
            Some(_) => Err(self.must_be(name, "an array")),
        }
    }

    /// The members of an object within it.
    pub(super) fn object(&mut self, name: &str) -> Result<Option<Members>, Untranslatable> {
        let path = self.at(name);
        self.take(name)
            .map(|value| Members::of(value, &path))
            .transpose()
    }

    pub(super) fn must_be(&self, name: &str, what: &str) -> Untranslatable {
        Untranslatable(format!("`{}` must be {what}", self.at(name)))
    }

    /// Everything has been taken; what is null or empty need not be.
    pub(super) fn done(self) -> Result<(), Untranslatable> {
        let is_empty = |value: &Json| match value {
            Json::Null => true,
            Json::Array(items) => items.is_empty(),
            Json::Object(members) => members.is_empty(),
            _ => false,
        };
        match self.members.iter().find(|(_, value)| !is_empty(value)) {
            Some((name, _)) => Err(no_word(&self.at(name))),
            None => Ok(()),
        }
    }
}

/// A member can't be said in the provider's words.
pub(super) fn no_word(member: &str) -> Untranslatable {
    Untranslatable(format!(
        "`{member}` can't be translated for this provider; leave it out, or use the provider's own interface"
    ))
}

fn named(path: &str) -> String {
    match path {
        "" => "the body".to_owned(),
        path => format!("`{path}`"),
    }
}
