//! Grades of key management, in JSON: a contract, for other programs read it.

use keytender_core::akm::Descriptor;
use keytender_core::conform::{Block, Level, Outcome};
use keytender_core::text::printable;
use serde::Serialize;

/// How well a provider lets the holders of its keys manage them.
#[derive(Clone, Debug, Serialize)]
pub struct ConformView {
    /// The version of this form.
    pub version: u8,
    /// The provider's short name.
    pub provider: String,
    /// Its name.
    pub name: String,
    /// By what it was graded: `document` or `live`.
    pub basis: &'static str,
    /// The level of its best kind of key, 0 to 5; null if none reaches K0.
    pub level: Option<u8>,
    /// Whether that hangs on something that the document says and nobody tried.
    pub is_claimed: bool,
    /// The kind of key that has this level.
    pub kind: Option<String>,
    /// Each kind of key.
    pub kinds: Vec<ConformKindView>,
}

/// The grade of one kind of key.
#[derive(Clone, Debug, Serialize)]
pub struct ConformKindView {
    /// Its name in the document.
    pub id: String,
    /// What the provider calls it.
    pub noun: String,
    /// Its level, 0 to 5; null if it does not reach K0.
    pub level: Option<u8>,
    /// Whether that hangs on something that the document says and nobody tried.
    pub is_claimed: bool,
    /// Each check, by level.
    pub checks: Vec<ConformCheckView>,
    /// The building blocks that are missing, the lowest level first.
    pub missing: Vec<MissingBlockView>,
}

/// A check, and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct ConformCheckView {
    /// Its name.
    pub id: &'static str,
    /// The level that asks for it, 0 to 5.
    pub level: u8,
    /// `must` or `should`.
    pub need: &'static str,
    /// How it is answered: `document` or `live`.
    pub how: &'static str,
    /// `passed`, `claimed`, `failed` or `not tried`.
    pub verdict: &'static str,
    /// What holds if it is passed.
    pub title: &'static str,
    /// By what, or why not.
    pub reason: String,
    /// The building blocks that it is about.
    pub blocks: &'static [&'static str],
}

/// A building block that is missing.
#[derive(Clone, Debug, Serialize)]
pub struct MissingBlockView {
    /// Its number.
    pub block: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// What it would give whoever holds keys.
    pub gives: &'static str,
    /// The level that asks for it, 0 to 5.
    pub level: u8,
    /// `must` or `should`.
    pub need: &'static str,
    /// How a descriptor says it.
    pub akm: &'static str,
    /// The check that found it missing.
    pub check: &'static str,
    /// What was found instead.
    pub reason: String,
}

impl ConformView {
    /// The grades of the kinds of keys of a document.
    pub fn new(descriptor: &Descriptor, is_live: bool, kinds: Vec<ConformKindView>) -> Self {
        let provider = &descriptor.provider;
        let view = Self {
            version: 1,
            provider: provider.id.value.clone(),
            name: printable(&provider.name).into_owned(),
            basis: if is_live { "live" } else { "document" },
            level: None,
            is_claimed: false,
            kind: None,
            kinds,
        };
        view.graded()
    }

    /// With the level of the best of its kinds; the first of those that are equally good.
    #[must_use]
    pub fn graded(mut self) -> Self {
        let best = self.kinds.iter().rev().max_by_key(|kind| kind.level);
        self.level = best.and_then(|kind| kind.level);
        self.is_claimed = best.is_some_and(|kind| kind.is_claimed);
        self.kind = best.map(|kind| kind.id.clone());
        self
    }
}

impl From<&Outcome> for ConformCheckView {
    fn from(outcome: &Outcome) -> Self {
        let check = outcome.check;
        Self {
            id: check.id,
            level: check.level.number(),
            need: check.need.as_str(),
            how: check.how.as_str(),
            verdict: outcome.verdict.as_str(),
            title: check.title,
            reason: printable(&outcome.reason).into_owned(),
            blocks: check.blocks,
        }
    }
}

impl From<(&'static Block, &Outcome)> for MissingBlockView {
    fn from((block, outcome): (&'static Block, &Outcome)) -> Self {
        Self {
            block: block.id,
            name: block.name,
            what: block.what,
            gives: block.why,
            level: outcome.check.level.number(),
            need: outcome.check.need.as_str(),
            akm: block.akm,
            check: outcome.check.id,
            reason: printable(&outcome.reason).into_owned(),
        }
    }
}

/// A level by its number.
pub fn level(number: Option<u8>) -> Option<Level> {
    Level::ALL.into_iter().find(|level| Some(level.number()) == number)
}
