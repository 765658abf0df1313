//! Pointers into documents (RFC 6901), and where the parts of a key stand in one.

use serde::{Deserialize, Serialize};

use super::file::FilePath;
use super::layout::Part;

/// Where a text stands in a document: `/database/password`, `/keys/0`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pointer(String);

impl TryFrom<String> for Pointer {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut escapes = text.split('~').skip(1);
        if !text.starts_with('/') || !escapes.all(|rest| rest.starts_with(['0', '1'])) {
            return Err("not a pointer: write it as /name/name, with ~1 for / and ~0 for ~");
        }
        Ok(Self(text))
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> Self {
        pointer.0
    }
}

impl Pointer {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names on the way.
    pub(super) fn steps(&self) -> Vec<String> {
        self.0.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
    }
}

/// The place in a list that a step names: digits without a zero before them.
pub(super) fn index(step: &str) -> Option<usize> {
    let is_plain = step == "0" || !step.starts_with(['0', '+']);
    step.parse().ok().filter(|_| is_plain)
}

/// Texts in a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The file.
    pub path: FilePath,
    /// Where the secret stands.
    pub secret: Pointer,
    /// Where the id stands, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Pointer>,
}

impl Field {
    pub(super) fn pointers(&self) -> Pointers {
        Pointers { secret: self.secret.clone(), id: self.id.clone() }
    }
}

/// Where the parts of a key stand.
#[derive(Clone)]
pub(super) struct Pointers {
    pub(super) secret: Pointer,
    pub(super) id: Option<Pointer>,
}

impl Pointers {
    pub(super) const fn of(&self, part: Part) -> Option<&Pointer> {
        match part {
            Part::Id => self.id.as_ref(),
            Part::Secret => Some(&self.secret),
        }
    }
}
