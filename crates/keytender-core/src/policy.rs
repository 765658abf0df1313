//! Policies: rules that keys are held against, exceptions, and what follows for a key.
//!
//! A policy is data ([`Policy::parse`]), compiled once into checked conditions. Evaluating is pure
//! and three-valued: a rule fires only if all its conditions are known to hold, so what is not
//! known never makes a key due.

use serde::{Deserialize, Serialize};

use crate::key::{Key, State};
use crate::rotation::{Gate, Window};
use crate::time::Time;

mod change;
mod condition;
mod evidence;
mod parse;
mod words;

pub use condition::{Condition, LastUseWord, Truth};
pub use evidence::Message;
pub use parse::PolicyError;

/// The policy that is compiled in, as text.
pub const DEFAULT: &str = include_str!("../../../policies/default.toml");
/// The policy that keys of our own APIs are held against.
pub const ISSUED: &str = include_str!("../../../policies/issued.toml");

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Tidy up when there is time.
    Low,
    /// Due.
    Medium,
    /// Due, and overdue.
    High,
    /// Before anything else.
    Critical,
}

impl Severity {
    /// Every severity, the least first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What to do about a key; a stronger one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Look at it; nothing is due.
    Review,
    /// Replace it by a new key.
    Rotate,
    /// Disable it, hold it, delete it.
    Remove,
}

impl Action {
    /// Every action, the weakest first.
    pub const ALL: [Self; 3] = [Self::Review, Self::Rotate, Self::Remove];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Rotate => "rotate",
            Self::Remove => "remove",
        }
    }
}

/// What a rule's controls are counted over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Population {
    /// Each key.
    Keys,
    /// Each principal, whether or not it has keys.
    Principals,
}

/// One rule of a policy.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name: lower case, digits and hyphens.
    pub id: String,
    /// What must hold for a key to break it.
    pub when: Vec<Condition>,
    /// How serious that is.
    pub severity: Severity,
    /// What to do then.
    pub action: Action,
    /// What is wrong, in a few words.
    pub title: String,
    /// What to do, in a sentence.
    pub help: String,
    /// Pages to read.
    pub links: Vec<String>,
    /// The controls of published standards that it stands for, as `STANDARD: NUMBER`.
    pub controls: Vec<String>,
    /// What its controls are counted over.
    pub population: Population,
    /// What `when` asks of the state, and the rest of it: most keys fail or pass on the state.
    states: States,
    checks: Vec<Condition>,
}

/// A set of states.
#[derive(Clone, Copy, Debug)]
struct States(u8);

impl States {
    /// The states that all of `conditions` allow.
    fn allowed_by(conditions: &[Condition]) -> Self {
        let mut allowed = u8::MAX;
        for condition in conditions {
            if let Condition::State(states) = condition {
                allowed &= states.iter().fold(0, |set, state| set | Self::bit(*state));
            }
        }
        Self(allowed)
    }

    const fn has(self, state: State) -> bool {
        self.0 & Self::bit(state) != 0
    }

    const fn bit(state: State) -> u8 {
        1 << state as u8
    }
}

impl Rule {
    /// What is wrong with `key`, which breaks this rule, for people: the title and the figures.
    pub const fn message<'m>(&'m self, key: &'m Key<'m>, now: Time) -> Message<'m> {
        Message { rule: self, key, now }
    }

    /// Whether the rule speaks of this key at all: its conditions on what the key is (and not on
    /// how old or idle it is) hold.
    pub fn is_about(&self, key: &Key<'_>, now: Time) -> bool {
        let what = self.when.iter().filter(|condition| condition.is_scope(self.population));
        condition::all(what, key, now) != Truth::False
    }
}

/// A rule does not apply to some keys, for a reason and until a day.
#[derive(Clone, Debug)]
pub struct Exception {
    /// Which keys.
    pub matches: Vec<Condition>,
    /// Which rule; `None` for all of them.
    pub rule: Option<String>,
    /// The moment from which the rule applies again.
    pub until: Time,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub approved_by: Option<String>,
}

/// Rules, the most severe first, and the exceptions from them.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: Vec<Rule>,
    exceptions: Vec<Exception>,
    rotation: Rotating,
}

/// How keys are replaced: those that somebody rotates, and those that rotate by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotating {
    /// The rules whose keys rotate by themselves.
    pub automatic: Vec<String>,
    /// Whether it is only said what would rotate by itself.
    pub dry_run: bool,
    /// How many rotate by themselves at a time, at most.
    pub at_most: u32,
    /// What somebody must approve.
    pub approve: Vec<Gate>,
    /// When it is done what others may notice.
    pub window: Option<Window>,
    /// For how many days the old key must not be used; as usual where nothing is said.
    pub quiet_days: Option<u32>,
    /// For how many days it is held disabled; as usual where nothing is said.
    pub hold_days: Option<u32>,
    /// After how many days the old key goes although it is used, if its owner was told a week before.
    pub deadline_days: Option<u32>,
}

impl Default for Rotating {
    fn default() -> Self {
        Self {
            automatic: Vec::new(),
            dry_run: false,
            at_most: 3,
            approve: Vec::new(),
            window: None,
            quiet_days: None,
            hold_days: None,
            deadline_days: None,
        }
    }
}

/// What a rule came to for one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The key keeps to it.
    Kept,
    /// The key breaks it, since then if that is known.
    Broken {
        /// From when on.
        since: Option<Time>,
    },
    /// The key breaks it, and the exception of this index allows it.
    Excepted {
        /// Into [`Policy::exceptions`].
        exception: usize,
    },
    /// Not enough is known of the key.
    Unknown,
}

/// What a policy says of one key.
#[derive(Clone, Debug, Default)]
pub struct Assessment {
    outcomes: Vec<Outcome>,
    action: Option<Action>,
    severity: Option<Severity>,
    is_excepted: bool,
}

/// A rule that a key breaks.
#[derive(Clone, Copy, Debug)]
pub struct Finding<'p> {
    /// The rule.
    pub rule: &'p Rule,
    /// Its place in [`Policy::rules`].
    pub index: usize,
    /// From when on, if that is known.
    pub since: Option<Time>,
}

impl Policy {
    /// How keys are replaced.
    pub const fn rotation(&self) -> &Rotating {
        &self.rotation
    }

    /// Reads a policy from TOML.
    ///
    /// # Errors
    /// [`PolicyError`] with line and column at the first thing that is not understood.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        parse::policy(text)
    }

    /// The rules, the most severe first.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The exceptions, in the order of the file.
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// Holds `key` against every rule. `assessment` is overwritten; it is a parameter so that a
    /// million keys need one.
    pub fn assess(&self, key: &Key<'_>, now: Time, assessment: &mut Assessment) {
        assessment.outcomes.clear();
        assessment.action = None;
        assessment.severity = None;
        assessment.is_excepted = false;
        for rule in &self.rules {
            let outcome = self.outcome(rule, key, now);
            match outcome {
                Outcome::Broken { .. } => {
                    assessment.action = assessment.action.max(Some(rule.action));
                    assessment.severity = assessment.severity.max(Some(rule.severity));
                }
                Outcome::Excepted { .. } => assessment.is_excepted = true,
                Outcome::Kept | Outcome::Unknown => {}
            }
            assessment.outcomes.push(outcome);
        }
    }

    fn outcome(&self, rule: &Rule, key: &Key<'_>, now: Time) -> Outcome {
        if !rule.states.has(key.state) {
            return Outcome::Kept;
        }
        match condition::all(&rule.checks, key, now) {
            Truth::False => Outcome::Kept,
            Truth::Unknown => Outcome::Unknown,
            Truth::True(since) => match self.exception(rule, key, now) {
                Some(exception) => Outcome::Excepted { exception },
                None => Outcome::Broken { since: since.or(key.created_at) },
            },
        }
    }

    /// The exception that allows `key` to break `rule` now.
    fn exception(&self, rule: &Rule, key: &Key<'_>, now: Time) -> Option<usize> {
        self.exceptions.iter().position(|exception| {
            now < exception.until
                && exception.rule.as_ref().is_none_or(|id| *id == rule.id)
                && matches!(condition::all(&exception.matches, key, now), Truth::True(_))
        })
    }

    /// The rules that the key breaks, the most severe first.
    pub fn findings<'p>(
        &'p self,
        assessment: &'p Assessment,
    ) -> impl Iterator<Item = Finding<'p>> + 'p {
        let outcomes = self.rules.iter().zip(&assessment.outcomes).enumerate();
        outcomes.filter_map(|(index, (rule, outcome))| match outcome {
            Outcome::Broken { since } => Some(Finding { rule, index, since: *since }),
            _ => None,
        })
    }

    /// The rules that the key is allowed to break, with the exception that allows it.
    pub fn excepted<'p>(
        &'p self,
        assessment: &'p Assessment,
    ) -> impl Iterator<Item = (&'p Rule, &'p Exception)> + 'p {
        self.rules.iter().zip(&assessment.outcomes).filter_map(|(rule, outcome)| match outcome {
            Outcome::Excepted { exception } => Some((rule, self.exceptions.get(*exception)?)),
            _ => None,
        })
    }
}

impl Assessment {
    /// What to do about the key: the strongest action of its findings.
    pub const fn action(&self) -> Option<Action> {
        self.action
    }

    /// How serious the most serious finding is.
    pub const fn severity(&self) -> Option<Severity> {
        self.severity
    }

    /// Whether something must be done: the action is to remove or to rotate.
    pub fn is_due(&self) -> bool {
        self.action > Some(Action::Review)
    }

    /// Whether an exception allows the key to break a rule.
    pub const fn is_excepted(&self) -> bool {
        self.is_excepted
    }

    /// What each rule came to, in the order of [`Policy::rules`].
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }
}
