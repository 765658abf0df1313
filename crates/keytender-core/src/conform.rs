//! How well a provider lets the holders of its keys manage them: the building blocks of key management, the
//! checks that ask for them, and the level K0 to K5 that follows.
//!
//! A check is answered by the descriptor alone, or by trying: a probe makes keys of its own, looks, and ends
//! them. What a descriptor says of something that nobody tried is a claim, and is called one.

mod badge;
mod blocks;
mod checks;
mod document;
mod recognise;

use std::fmt;

pub use badge::badge;
pub use blocks::{BLOCKS, Block, Group};
pub use checks::CHECKS;
pub use document::{Said, Subject};
pub use recognise::{LOOK_ALIKES, Unrecognised, recognise};

use crate::akm::Descriptor;

/// What the names of everything that a probe makes begin with.
pub const PROBE: &str = "keytender-probe-";

/// A level of conformance: a provider has one if every check that must hold at it and below it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Declared: the document says what can be done, and where.
    K0,
    /// Inventory: every key can be listed.
    K1,
    /// Controllable: keys can be made, stopped and ended.
    K2,
    /// Rotatable: a key can be replaced without a gap.
    K3,
    /// Observable: who used a key when, and who did what to it.
    K4,
    /// Responsive: the provider tells, and acts on keys that leaked.
    K5,
}

impl Level {
    /// Each of them, the lowest first.
    pub const ALL: [Self; 6] = [Self::K0, Self::K1, Self::K2, Self::K3, Self::K4, Self::K5];

    /// Its number.
    pub const fn number(self) -> u8 {
        match self {
            Self::K0 => 0,
            Self::K1 => 1,
            Self::K2 => 2,
            Self::K3 => 3,
            Self::K4 => 4,
            Self::K5 => 5,
        }
    }

    /// Its name, such as `K3`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::K0 => "K0",
            Self::K1 => "K1",
            Self::K2 => "K2",
            Self::K3 => "K3",
            Self::K4 => "K4",
            Self::K5 => "K5",
        }
    }

    /// Its word, such as `rotatable`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::K0 => "declared",
            Self::K1 => "inventory",
            Self::K2 => "controllable",
            Self::K3 => "rotatable",
            Self::K4 => "observable",
            Self::K5 => "responsive",
        }
    }

    /// What whoever holds keys of a provider at this level can do.
    pub const fn gives(self) -> &'static str {
        match self {
            Self::K0 => "you know what can be done with your keys, by call or by hand, and where",
            Self::K1 => "you see every key that you have, how old it is and whether it works",
            Self::K2 => "you make, stop and end keys by calls, and know when that holds",
            Self::K3 => "you replace a key while everything that uses it goes on working",
            Self::K4 => "you see when a key was last used, and who did what to it",
            Self::K5 => "you are told before a key is a problem, and one that leaked is stopped",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a level hangs on a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Without it there is no such level.
    Must,
    /// It is good to have, and the level stands without it.
    Should,
}

impl Need {
    /// The word of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
        }
    }
}

/// How a check is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By the document.
    Document,
    /// By trying.
    Live,
}

impl How {
    /// The word of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Live => "live",
        }
    }
}

/// One thing that is asked of a provider.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its name, such as `suspends`.
    pub id: &'static str,
    /// The level that asks for it.
    pub level: Level,
    /// Whether the level hangs on it.
    pub need: Need,
    /// How it is answered.
    pub how: How,
    /// The building blocks that it is about.
    pub blocks: &'static [&'static str],
    /// What holds if it is passed, in a sentence.
    pub title: &'static str,
    /// What the document says of it.
    pub says: fn(&Subject<'_>) -> Said,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds: the document shows it, or it was tried.
    Passed,
    /// The document says so, and nobody tried.
    Claimed,
    /// It does not hold.
    Failed,
    /// It could not be tried.
    NotTried,
}

impl Verdict {
    /// The word of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Claimed => "claimed",
            Self::Failed => "failed",
            Self::NotTried => "not tried",
        }
    }
}

/// A check, and what came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The check.
    pub check: &'static Check,
    /// What came of it.
    pub verdict: Verdict,
    /// Why, or by what.
    pub reason: String,
}

/// What a document says of one kind of key, check by check, in the order of [`CHECKS`].
pub fn of_document(subject: &Subject<'_>) -> Vec<Outcome> {
    let outcome = |check: &'static Check| {
        let (verdict, reason) = match ((check.says)(subject), check.how) {
            (Ok(reason), How::Document) => (Verdict::Passed, reason),
            (Ok(reason), How::Live) => (Verdict::Claimed, reason),
            (Err(reason), _) => (Verdict::Failed, reason),
        };
        Outcome { check, verdict, reason }
    };
    CHECKS.iter().map(outcome).collect()
}

/// The highest level at which, and below which, every check that must hold does or is claimed; `None` if not
/// even the lowest is reached.
pub fn grade(outcomes: &[Outcome]) -> Option<Level> {
    let holds = |level: &Level| {
        let musts =
            outcomes.iter().filter(|one| one.check.level == *level && one.check.need == Need::Must);
        let mut musts = musts.peekable();
        musts.peek().is_some()
            && musts.all(|one| matches!(one.verdict, Verdict::Passed | Verdict::Claimed))
    };
    Level::ALL.into_iter().take_while(holds).last()
}

/// Whether something that a level up to this one hangs on was only claimed.
pub fn is_claimed(outcomes: &[Outcome], level: Option<Level>) -> bool {
    outcomes.iter().any(|one| {
        one.verdict == Verdict::Claimed
            && one.check.need == Need::Must
            && level.is_some_and(|level| one.check.level <= level)
    })
}

/// The building blocks that checks found missing, those of lower levels first, and of a level those on which it
/// hangs.
pub fn missing(outcomes: &[Outcome]) -> Vec<(&'static Block, &Outcome)> {
    let mut failed: Vec<_> = outcomes.iter().filter(|one| one.verdict == Verdict::Failed).collect();
    failed.sort_by_key(|one| (one.check.level, one.check.need));
    let mut found: Vec<(&'static Block, &Outcome)> = Vec::new();
    for outcome in failed {
        for id in outcome.check.blocks {
            let is_new = found.iter().all(|(block, _)| block.id != *id);
            let block = BLOCKS.iter().find(|block| block.id == *id);
            found.extend(block.filter(|_| is_new).map(|block| (block, outcome)));
        }
    }
    found
}

/// Every kind of key of a document, graded by what it says.
pub fn document(descriptor: &Descriptor) -> Vec<(Subject<'_>, Vec<Outcome>)> {
    let subjects = descriptor.key_types.iter().map(|kind| Subject::new(descriptor, kind));
    subjects.map(|subject| (subject, of_document(&subject))).collect()
}

#[cfg(test)]
mod tests;
