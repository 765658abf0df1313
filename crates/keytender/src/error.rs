//! What could not be done, to which thing, and what to do now.

use std::error::Error as StdError;
use std::fmt;

/// What kind of refusal it is: what a program that asked can do about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// What was asked for cannot be done so.
    #[default]
    Refused,
    /// Whoever asks may not do this.
    Forbidden,
    /// The thing is not there.
    NotFound,
    /// There is one already, or it stands in the way.
    Conflict,
    /// The thing is not any more what the caller last saw.
    Stale,
    /// The provider, or another service that was asked, did not do it.
    Provider,
    /// This program or its database failed.
    Internal,
}

/// A refusal for people: one sentence, perhaps a hint, and the cause. It never holds a secret.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// What could not be done, and to which thing.
    pub fn new(message: impl Into<String>) -> Self {
        Self { kind: Kind::Refused, message: message.into(), hint: None, source: None }
    }

    /// Nothing of this name or id is there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(message).kind(Kind::NotFound)
    }

    /// What kind of refusal it is.
    #[must_use]
    pub const fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// What to do now.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Why it could not be done.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What a program that asked can do about it.
    pub const fn of_kind(&self) -> Kind {
        self.kind
    }

    /// What could not be done and why, on one line, without the hint.
    pub fn explanation(&self) -> String {
        let mut text = self.message.clone();
        let mut cause = StdError::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    /// What to do now, if anybody can say.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The whole of it: the message, its causes, and the hint on a line of its own.
    pub fn report(&self) -> String {
        let mut report = self.explanation();
        if let Some(hint) = &self.hint {
            report.push_str("\nhint: ");
            report.push_str(hint);
        }
        report
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}
