//! Policies, in JSON.

use keytender_core::policy::{Action, Policy, Severity};
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A rule of the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleView {
    /// Its name.
    #[schema(example = "key-unused")]
    pub id: String,
    /// What it is about, in a few words.
    pub title: String,
    /// What must hold for a key to break it, in words.
    #[serde(default)]
    #[schema(example = "active and older than 90 days")]
    pub when: String,
    /// How serious a finding is.
    pub severity: Severity,
    /// What to do about a key that breaks it.
    pub action: Action,
    /// What to do, in a sentence.
    pub help: String,
    /// The controls that it serves, such as `CIS AWS Foundations 3.0 1.12`.
    pub controls: Vec<String>,
    /// Pages that say more.
    pub links: Vec<String>,
}

/// The policy that the inventory is held against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyView {
    /// Whether it is the default one.
    pub is_default: bool,
    /// Its rules.
    pub rules: Vec<RuleView>,
    /// How many exceptions it makes.
    pub exceptions: u64,
    /// Its text, in TOML.
    pub text: String,
}

impl PolicyView {
    /// The view of a policy and its text.
    pub fn of(is_default: bool, policy: &Policy, text: String) -> Self {
        let rules = policy.rules().iter().map(|rule| RuleView {
            id: rule.id.clone(),
            title: rule.title.clone(),
            when: rule.when_in_words(),
            severity: rule.severity,
            action: rule.action,
            help: rule.help.clone(),
            controls: rule.controls.clone(),
            links: rule.links.clone(),
        });
        Self {
            is_default,
            rules: rules.collect(),
            exceptions: u64::try_from(policy.exceptions().len()).unwrap_or(0),
            text,
        }
    }
}

/// An exception that has ended: its keys are due again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndedView {
    /// From which rule; absent: from all.
    pub rule: Option<String>,
    /// When it ended.
    pub until: Time,
    /// Why there was one.
    pub reason: String,
}

/// What is in a policy, and what it would find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyCheckView {
    /// How many rules it has.
    pub rules: u64,
    /// How many exceptions it makes.
    pub exceptions: u64,
    /// Exceptions that have ended.
    pub ended: Vec<EndedView>,
    /// How many keys of the inventory would be due.
    pub would_be_due: u64,
    /// How many are due under the present policy.
    pub due: u64,
    /// How many would be due that are not.
    #[serde(default)]
    pub more: u64,
    /// How many are due that would not be.
    #[serde(default)]
    pub fewer: u64,
    /// How many keys break each rule, of either policy.
    #[serde(default)]
    pub by_rule: Vec<RuleCountView>,
}

/// How many keys break a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleCountView {
    /// The rule.
    pub rule: String,
    /// How many would break it.
    pub would_be: u64,
    /// How many break it under the present policy.
    pub now: u64,
}
