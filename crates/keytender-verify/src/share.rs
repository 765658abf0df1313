//! How verifiers divide the limit of an app among them, so that all of them together give out no more than it.
//!
//! Each holds a [`Part`]. While nobody is short, all parts are even and nobody speaks of them. Whoever is short of an
//! app says so with its lease, each second; what all want is held against each other, and [`part`] says what one may
//! hold from now on. A part is taken from somebody only once its holder has said that it holds less, and what was
//! left in the part that was given up goes along.
//!
//! # The bound
//!
//! In any `t` seconds all verifiers together give out at most `burst + rate × t` and one use more for each of them,
//! as one alone would, but for two things: a verifier that starts or dies may add an even part of the burst and, for
//! the five seconds of a lease, of the rate; and one that serves on without the server adds the part that it had.
//! They give out less for at most four seconds after the demand moves, because a part moves in three exchanges; and
//! then at least 15/16 of the limit where all demand is at one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Each of `n` verifiers keeps at least one of so many parts of an even share, whoever is short.
const LEAST: u32 = 16;

/// A part of a limit, in millionths.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Part(u32);

impl Part {
    /// All of it.
    pub const WHOLE: Self = Self(1_000_000);
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// So many millionths; no more than the whole.
    pub const fn new(millionths: u32) -> Self {
        if millionths > Self::WHOLE.0 { Self::WHOLE } else { Self(millionths) }
    }

    /// What each of so many holds while nobody is short.
    pub const fn even(verifiers: u32) -> Self {
        match verifiers {
            0 | 1 => Self::WHOLE,
            many => Self(Self::WHOLE.0 / many),
        }
    }

    /// In millionths.
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self::new(self.0.saturating_add(other.0))
    }

    /// What is left of it without another.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// What a verifier wants of an app's limit, and holds of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// What it is asked for, refused or not; the whole if that is more.
    pub wanted: Part,
    /// What it may still be giving out.
    pub held: Part,
}

impl Wish {
    /// Whether so little is wanted that an even part is enough.
    pub fn is_calm(&self, verifiers: u32) -> bool {
        self.wanted.0 <= Part::even(verifiers).0 / 2
    }
}

/// What one verifier may hold from now on, beside the others; nothing of what they hold.
///
/// While all are calm, even parts. Else each gets what it wants and the rest evenly; and where that is too much, those
/// that want the most get the same ([max-min fairness](https://en.wikipedia.org/wiki/Max-min_fairness)).
pub fn part(own: Wish, others: &[Wish]) -> Part {
    let held: u32 = others.iter().fold(0, |sum, other| sum.saturating_add(other.held.0));
    let is_free = Part::WHOLE.less(Part(held));
    fair(own, others).min(is_free)
}

fn fair(own: Wish, others: &[Wish]) -> Part {
    let verifiers = u32::try_from(others.len() + 1).unwrap_or(u32::MAX);
    let even = Part::even(verifiers);
    if own.is_calm(verifiers) && others.iter().all(|other| other.is_calm(verifiers)) {
        return even;
    }
    let want = |wish: &Wish| wish.wanted.0.max(even.0 / LEAST);
    let mut wants: Vec<u32> = others.iter().map(want).collect();
    wants.push(want(&own));
    wants.sort_unstable();
    let mut left = Part::WHOLE.0;
    let mut still = verifiers;
    // The smallest are served first; whoever wants more than an even part of what is left gets that.
    for next in wants {
        if next > left / still {
            return Part(want(&own).min(left / still));
        }
        left -= next;
        still -= 1;
    }
    Part(want(&own) + left / verifiers)
}

/// What is written of the limit of one app, for all its verifiers; empty while nobody is short.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// Who holds another part than an even one, or wants to.
    pub wishes: BTreeMap<String, Wish>,
    /// What of the burst was given up and not given to anybody yet.
    pub spare: Part,
}

impl Book {
    /// A verifier says what it wants and holds, and what was freed; nothing where it holds an even part and wants no
    /// other. Its part from now on, and what comes along of the burst.
    ///
    /// `live` are all verifiers that hold a lease, this one among them or not.
    pub fn settle<'a>(
        &mut self,
        node: &str,
        live: impl IntoIterator<Item = &'a str>,
        said: Option<(Wish, Part)>,
    ) -> (Part, Part) {
        let names: BTreeSet<&str> = live.into_iter().filter(|name| *name != node).collect();
        self.wishes.retain(|name, _| name == node || names.contains(name.as_str()));
        let verifiers = u32::try_from(names.len() + 1).unwrap_or(u32::MAX);
        let even = Part::even(verifiers);
        let calm = Wish { wanted: Part::NONE, held: even };
        let others: Vec<Wish> =
            names.iter().map(|name| self.wishes.get(*name).copied().unwrap_or(calm)).collect();
        let (own, freed) = said.unwrap_or((calm, Part::NONE));
        let new = part(own, &others);
        let held = own.held.max(new);
        self.spare = self.spare.and(freed);
        // Who freed it has no room for it.
        let is_rest = freed == Part::NONE && self.is_calm(verifiers);
        let more = match new > own.held || !own.is_calm(verifiers) || is_rest {
            true => self.spare.min(new),
            false => Part::NONE,
        };
        self.spare = self.spare.less(more);
        // What nobody holds is as full as it was when it was given up, at most.
        let all = others.iter().fold(held, |sum, other| sum.and(other.held));
        self.spare = self.spare.min(Part::WHOLE.less(all));
        if own.is_calm(verifiers) && new == even && own.held == even {
            self.wishes.remove(node);
        } else {
            self.wishes.insert(node.to_owned(), Wish { held, ..own });
        }
        if self.wishes.is_empty() {
            self.spare = Part::NONE;
        }
        (new, more)
    }

    fn is_calm(&self, verifiers: u32) -> bool {
        self.wishes.values().all(|wish| wish.is_calm(verifiers))
    }
}
