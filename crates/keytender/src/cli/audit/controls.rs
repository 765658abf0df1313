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

/// The controls of one standard, over its versions, that the same rules stand for.
pub(super) struct Control {
    /// The standard, without its version.
    pub(super) standard: String,
    /// The control's number, and the versions of the standard that give it this number.
    pub(super) numbers: Vec<(String, Vec<String>)>,
    /// What its rules look for, for people.
    pub(super) titles: String,
    /// What it is counted over.
    pub(super) population: Population,
    rules: Vec<usize>,
    /// The counts so far.
    pub(super) counts: Counts,
}

/// All controls that a policy's rules carry.
pub(super) struct Controls {
    /// In the order of their standards, then of their first numbers.
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
        let mut carried: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, rule) in policy.rules().iter().enumerate() {
            for control in &rule.controls {
                carried.entry(control).or_default().push(place);
            }
        }
        let mut all: Vec<Control> = Vec::new();
        for (name, rules) in carried {
            let (standard, version, number) = parts(name);
            let known = all.iter_mut().find(|one| one.standard == standard && one.rules == rules);
            match known {
                Some(control) => control.add_number(number, version),
                None => all.push(Control::new(standard, version, number, rules, policy)),
            }
        }
        let first = |control: &Control| {
            control.numbers.first().map(|(number, _)| digits(number)).unwrap_or_default()
        };
        all.sort_by(|a, b| (&a.standard, first(a)).cmp(&(&b.standard, first(b))));
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
    fn new(
        standard: &str,
        version: &str,
        number: &str,
        rules: Vec<usize>,
        policy: &Policy,
    ) -> Self {
        let carriers = || rules.iter().filter_map(|place| policy.rules().get(*place));
        let is_per_principal = carriers().any(|rule| rule.population == Population::Principals);
        let titles: Vec<&str> = carriers().map(|rule| rule.title.as_str()).collect();
        Self {
            standard: standard.to_owned(),
            numbers: vec![(number.to_owned(), vec![version.to_owned()])],
            titles: titles.join(", "),
            population: if is_per_principal { Population::Principals } else { Population::Keys },
            rules,
            counts: Counts::default(),
        }
    }

    fn add_number(&mut self, number: &str, version: &str) {
        match self.numbers.iter_mut().find(|(known, _)| known == number) {
            Some((_, versions)) => versions.push(version.to_owned()),
            None => self.numbers.push((number.to_owned(), vec![version.to_owned()])),
        }
    }

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

/// The standard, its version and the number in it: `CIS AWS Foundations 4.0: 1.14`.
fn parts(control: &str) -> (&str, &str, &str) {
    let (standard, number) = control.split_once(": ").unwrap_or((control, ""));
    match standard.rsplit_once(' ') {
        Some((name, version)) if version.starts_with(|one: char| one.is_ascii_digit()) => {
            (name, version, number)
        }
        _ => (standard, "", number),
    }
}

/// The numbers in a control's number, so that 1.4 comes before 1.12.
fn digits(text: &str) -> Vec<u32> {
    text.split(|character: char| !character.is_ascii_digit())
        .filter_map(|part| part.parse().ok())
        .collect()
}
