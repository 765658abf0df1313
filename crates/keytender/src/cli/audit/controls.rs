//! How the controls of published standards come out: what an auditor asks for.

use std::collections::BTreeMap;

use keytender_core::key::{Key, Principal};
use keytender_core::policy::{Assessment, Outcome, Policy, Population};
use keytender_core::time::Time;

use crate::app::audit::Observation;

/// The counts of one control.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// What it speaks of.
    pub(super) population: u64,
    /// What keeps to it.
    pub(super) passed: u64,
    /// What does not.
    pub(super) failed: u64,
    /// What an exception allows not to.
    pub(super) excepted: u64,
    /// What too little is known of.
    pub(super) not_assessable: u64,
}

/// One control of one standard.
pub(super) struct Control {
    /// The standard with its version.
    pub(super) standard: String,
    /// Its number in there.
    pub(super) number: String,
    /// What it is counted over.
    pub(super) population: Population,
    rules: Vec<usize>,
    /// The counts so far.
    pub(super) counts: Counts,
}

/// All controls that a policy's rules carry.
pub(super) struct Controls {
    /// In the order of their standards, then of their numbers.
    pub(super) all: Vec<Control>,
}

/// How one unit of a control's population came out; a greater one outweighs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Passed,
    NotAssessable,
    Excepted,
    Failed,
}

impl Controls {
    pub(super) fn of(policy: &Policy) -> Self {
        let mut found: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, rule) in policy.rules().iter().enumerate() {
            for control in &rule.controls {
                found.entry(control).or_default().push(place);
            }
        }
        let mut all: Vec<Control> = found
            .into_iter()
            .map(|(name, rules)| {
                let (standard, number) = name.split_once(": ").unwrap_or((name, ""));
                let per_principal = rules.iter().any(|place| {
                    policy
                        .rules()
                        .get(*place)
                        .is_some_and(|rule| rule.population == Population::Principals)
                });
                Control {
                    standard: standard.to_owned(),
                    number: number.to_owned(),
                    population: if per_principal {
                        Population::Principals
                    } else {
                        Population::Keys
                    },
                    rules,
                    counts: Counts::default(),
                }
            })
            .collect();
        all.sort_by(|a, b| {
            (&a.standard, numbers(&a.number)).cmp(&(&b.standard, numbers(&b.number)))
        });
        Self { all }
    }

    /// Counts the principal and the keys of a row.
    pub(super) fn add(&mut self, observation: &Observation<'_>, policy: &Policy, now: Time) {
        for control in &mut self.all {
            match (control.population, &observation.row.principal) {
                (Population::Principals, Some(principal)) => {
                    control.principal(principal, observation, policy, now);
                }
                (Population::Principals, None) => {}
                (Population::Keys, _) => {
                    for (key, assessment) in observation.keys() {
                        control.key(key, assessment, policy, now);
                    }
                }
            }
        }
    }
}

impl Control {
    fn key(&mut self, key: &Key<'_>, assessment: &Assessment, policy: &Policy, now: Time) {
        if self.is_about(key, policy, now) {
            let verdict = self.verdict(assessment);
            self.counts.add(verdict);
        }
    }

    fn principal(
        &mut self,
        principal: &Principal<'_>,
        observation: &Observation<'_>,
        policy: &Policy,
        now: Time,
    ) {
        // A principal without keys is asked for too: it keeps to the control.
        let stand_in = Key {
            account: Some(principal.account.clone()),
            principal: Some(principal.name.clone()),
            principal_kind: Some(principal.kind),
            ..Key::new(principal.provider.clone())
        };
        if self.is_about(&stand_in, policy, now) {
            let verdicts = observation.keys().map(|(_, assessment)| self.verdict(assessment));
            let verdict = verdicts.max().unwrap_or(Verdict::Passed);
            self.counts.add(verdict);
        }
    }

    fn is_about(&self, key: &Key<'_>, policy: &Policy, now: Time) -> bool {
        let rules = self.rules.iter().filter_map(|place| policy.rules().get(*place));
        rules.into_iter().any(|rule| rule.is_about(key, now))
    }

    fn verdict(&self, assessment: &Assessment) -> Verdict {
        let outcomes = self.rules.iter().filter_map(|place| assessment.outcomes().get(*place));
        let verdicts = outcomes.map(|outcome| match outcome {
            Outcome::Kept => Verdict::Passed,
            Outcome::Unknown => Verdict::NotAssessable,
            Outcome::Excepted { .. } => Verdict::Excepted,
            Outcome::Broken { .. } => Verdict::Failed,
        });
        verdicts.max().unwrap_or(Verdict::Passed)
    }
}

impl Counts {
    const fn add(&mut self, verdict: Verdict) {
        self.population += 1;
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed => self.failed += 1,
            Verdict::Excepted => self.excepted += 1,
            Verdict::NotAssessable => self.not_assessable += 1,
        }
    }
}

/// The numbers in a control's number, so that 1.4 comes before 1.12.
fn numbers(text: &str) -> Vec<u32> {
    text.split(|character: char| !character.is_ascii_digit())
        .filter_map(|part| part.parse().ok())
        .collect()
}
