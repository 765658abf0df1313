//! Conditions in words, for people who read a policy.

use std::fmt::{self, Display, Formatter};

use wildmatch::WildMatch;

use super::Rule;
use super::condition::{Condition, LastUseWord};
use crate::time::Span;

const DAY: Span = Span::days(1);

/// `a, b or c`.
fn either<T: Display>(things: &[T]) -> String {
    let texts: Vec<String> = things.iter().map(T::to_string).collect();
    match texts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => texts.concat(),
    }
}

/// `a and b`.
fn all(conditions: &[Condition]) -> String {
    joined(conditions.iter())
}

fn joined<'c>(conditions: impl Iterator<Item = &'c Condition>) -> String {
    conditions.map(Condition::to_string).collect::<Vec<_>>().join(" and ")
}

fn long(span: Span) -> String {
    match span.whole_days() {
        1 if span == DAY => "1 day".to_owned(),
        days if span.as_micros() == DAY.as_micros().saturating_mul(days) => format!("{days} days"),
        _ => span.to_string(),
    }
}

fn is(f: &mut Formatter<'_>, what: &str, patterns: &[WildMatch]) -> fmt::Result {
    write!(f, "{what} is {}", either(patterns))
}

impl Display for Condition {
    /// Such as `older than 90 days`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider(patterns) => is(f, "provider", patterns),
            Self::Account(patterns) => is(f, "account", patterns),
            Self::Principal(patterns) => is(f, "principal", patterns),
            Self::Id(patterns) => is(f, "id", patterns),
            Self::Label(patterns) => is(f, "name", patterns),
            Self::Tag(name, patterns) => is(f, &format!("tag {name}"), patterns),
            Self::PrincipalKind(kinds) => {
                let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
                write!(f, "principal is a {}", either(&words))
            }
            Self::State(states) => {
                let words: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
                f.write_str(&either(&words))
            }
            Self::Slot(slot) => write!(f, "slot {slot}"),
            Self::AgeOver(span) => write!(f, "older than {}", long(*span)),
            Self::AgeUnder(span) => write!(f, "younger than {}", long(*span)),
            Self::IdleOver(span) => write!(f, "idle for more than {}", long(*span)),
            Self::SuspendedFor(span) => write!(f, "suspended for more than {}", long(*span)),
            Self::ExpiresWithin(span) => write!(f, "ends within {}", long(*span)),
            Self::SecondActive(span) => {
                write!(f, "beside a younger active key of more than {}", long(*span))
            }
            Self::LastUsed(word) => f.write_str(match word {
                LastUseWord::Used => "used",
                LastUseWord::Never => "never used",
                LastUseWord::Unknown => "of unknown last use",
            }),
            Self::Expired(is_so) => truth(f, *is_so, ["past its end", "not past its end"]),
            Self::RotationOpen(is_so) => {
                truth(f, *is_so, ["with an open rotation", "without an open rotation"])
            }
            Self::HasOwner(is_so) => truth(f, *is_so, ["with an owner", "without an owner"]),
            Self::Exposed(is_so) => truth(f, *is_so, ["exposed", "not exposed"]),
            Self::Any(groups) => {
                let texts: Vec<String> = groups.iter().map(|group| all(group)).collect();
                write!(f, "either ({})", texts.join(") or ("))
            }
            Self::Not(group) => write!(f, "not ({})", all(group)),
        }
    }
}

fn truth(f: &mut Formatter<'_>, is_so: bool, [yes, no]: [&str; 2]) -> fmt::Result {
    f.write_str(if is_so { yes } else { no })
}

impl Rule {
    /// What must hold for a key to break it, in words: `active and older than 90 days`.
    pub fn when_in_words(&self) -> String {
        // What state it is in comes first.
        let is_state = |condition: &&Condition| matches!(condition, Condition::State(_));
        let (states, others): (Vec<_>, Vec<_>) = self.when.iter().partition(is_state);
        joined(states.into_iter().chain(others))
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::{DEFAULT, Policy};

    fn words(when: &str) -> String {
        let text = format!(
            "[[rule]]\nid = \"x\"\nwhen = {when}\nseverity = \"low\"\naction = \"review\"\n\
             title = \"X\"\nhelp = \"X.\"\n"
        );
        Policy::parse(&text).unwrap().rules()[0].when_in_words()
    }

    #[test]
    fn every_condition_has_words() {
        for (when, said) in [
            ("{ state = \"active\", age_over = \"90d\" }", "active and older than 90 days"),
            ("{ state = [\"active\", \"suspended\"] }", "active or suspended"),
            ("{ age_under = \"36h\" }", "younger than 36h"),
            ("{ idle_over = \"1d\" }", "idle for more than 1 day"),
            ("{ provider = [\"aws\", \"git*\"] }", "provider is aws or git*"),
            ("{ tag.env = \"prod\" }", "tag env is prod"),
            ("{ last_used = \"never\" }", "never used"),
            ("{ age_over = \"2d\", state = \"active\" }", "active and older than 2 days"),
            ("{ has_owner = false }", "without an owner"),
            ("{ not = { exposed = true } }", "not (exposed)"),
            (
                "{ any = [{ expired = true }, { expires_within = \"7d\" }] }",
                "either (past its end) or (ends within 7 days)",
            ),
        ] {
            assert_eq!(words(when), said);
        }
    }

    #[test]
    fn every_rule_of_the_default_policy_is_said_in_words() {
        for rule in Policy::parse(DEFAULT).unwrap().rules() {
            assert!(rule.when_in_words().len() > 5, "{}", rule.id);
        }
    }
}
