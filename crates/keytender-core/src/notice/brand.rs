//! In whose name a notice is written, where that is not this installation's: of an API that issues keys.

use super::words::shown;

/// Who writes to the customers of an API about their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brand {
    /// What people call the API.
    pub name: String,
    /// Where its customers see to their keys.
    pub keys_page: Option<String>,
    /// Where they find help: a page, or a mail address.
    pub support: Option<String>,
    /// Where whoever wants no more hints says so.
    pub no_hints: Option<String>,
}

impl Brand {
    /// The name, made safe to print.
    pub(super) fn shown(&self) -> String {
        shown(&self.name)
    }
}
