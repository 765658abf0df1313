//! A key as its customer is told of it, in the name of the API that issued it.
//!
//! Here stand no words of the inventory: who looked at the key when, and with which command it is changed here,
//! is nothing to a customer.

use super::{Fact, Item, Next, dated, fact, reason};
use crate::key::{Key, State};
use crate::notice::Brand;
use crate::notice::words::{self, shown};
use crate::policy::{Action, Condition, Finding, Severity};
use crate::steps::Step;
use crate::time::Time;

/// What is said of a key that leaked.
const EXPOSED: &str = "It was found where others can read it";
/// How many uses of an old key are named.
const MAX_USES: usize = 6;

/// What happened to a key that no rule tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It stops soon, because another key has taken its place, and is still used.
    OverlapEnds {
        /// When it stops.
        at: Time,
        /// Where, when and from where it was used since the other key works, for people, the latest first.
        uses: Vec<String>,
    },
    /// It was first used in another region than before.
    Elsewhere {
        /// When.
        at: Time,
        /// Where, and from where, for people.
        place: String,
    },
    /// It leaked, and was ended for that.
    ExposedAndEnded,
}

/// What is told of a customer's key beside the key itself and its findings.
#[derive(Clone, Copy, Debug)]
pub struct CustomersKey<'a> {
    /// In whose name.
    pub brand: &'a Brand,
    /// What may be shown of the key: `acme_live_7Hk2mQ9xTz4B`.
    pub token: &'a str,
    /// What happened that no rule tells.
    pub news: &'a [News],
    /// Whether a key that takes its place waits for its first use.
    pub has_successor: bool,
    /// Until when somebody should act ([`crate::notice::act_by`]).
    pub act_by: Option<Time>,
    /// Whether it is a hint, for which a line is enough.
    pub is_hint: bool,
}

/// What a customer is shown of a key beside what every item has.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    brand: String,
    token: String,
}

impl Item {
    /// What a customer is told at `now` of `key`, which breaks the rules of `findings`.
    pub fn of_customer(
        key: &Key<'_>,
        findings: &[Finding<'_>],
        about: &CustomersKey<'_>,
        now: Time,
    ) -> Self {
        let key = key.clone().into_owned();
        let rules = || findings.iter().map(|finding| finding.rule);
        let of_news = |one: &News| match one {
            News::OverlapEnds { .. } => (Action::Rotate, Severity::High),
            News::ExposedAndEnded => (Action::Rotate, Severity::Critical),
            News::Elsewhere { .. } => (Action::Review, Severity::Medium),
        };
        let news = || about.news.iter().map(of_news);
        let actions = rules().map(|rule| rule.action).chain(news().map(|(action, _)| action));
        let severities = rules().map(|rule| rule.severity).chain(news().map(|(_, one)| one));
        let action = actions.max().unwrap_or(Action::Review);
        let fact = decisive(&key, findings, about.news, action);
        Self {
            fact,
            action,
            severity: severities.max().unwrap_or(Severity::Low),
            is_admin: false,
            own_id: None,
            hides_id: false,
            account_alias: None,
            owner: None,
            observed_at: None,
            destinations: Vec::new(),
            reasons: reasons(&key, findings, about.news, now),
            steps: steps(&key, fact, about.has_successor),
            links: Vec::new(),
            act_by: about.act_by,
            next: next(&key, fact, now),
            in_a_line: about.is_hint,
            page: about.brand.keys_page.clone(),
            customers: Some(Shown { brand: about.brand.shown(), token: shown(about.token) }),
            key,
        }
    }

    pub(super) fn customers_lead(&self, now: Time) -> [String; 2] {
        let age = match (self.fact, self.key.age(now)) {
            (Fact::Old(_), _) | (_, None) => String::new(),
            (_, Some(age)) => format!("; it is {} old", age.in_words()),
        };
        let what = format!("Your key {} {}{age}.", self.called(), self.fact.words(now));
        [what, self.what_happens_to_customers(now)]
    }

    pub(super) fn customers_subject(&self, now: Time) -> String {
        let name = self.key.label.as_deref().unwrap_or("without a name");
        let name = words::shortened(name, words::MAX_SUBJECT_LETTERS);
        format!("your key {name} {}", self.fact.words(now))
    }

    /// Its name, and whose app it is of.
    fn called(&self) -> String {
        let name = self.key.label.as_deref().map_or_else(|| "without a name".to_owned(), shown);
        match &self.key.principal {
            Some(app) => format!("{name} of {}", shown(app)),
            None => name,
        }
    }

    fn what_happens_to_customers(&self, now: Time) -> String {
        let has_ended =
            matches!(self.key.state, State::Deactivated | State::Compromised | State::Destroyed);
        match (self.fact, self.next) {
            (Fact::Exposed, _) if has_ended => {
                "It was ended, and nothing accepts it any more; that cannot be undone.".to_owned()
            }
            (Fact::Exposed, _) if self.key.state == State::Suspended => {
                "It was suspended: nothing accepts it, and whatever needs it fails.".to_owned()
            }
            (Fact::Exposed, _) => {
                "It still works, for whoever has it: replace it now, and revoke it.".to_owned()
            }
            (Fact::OverlapEnds(at), _) => format!(
                "Another key has taken its place. This one stops by itself at {}: whatever uses it \
                 then fails.",
                at.to_seconds()
            ),
            (_, Next::Expires { at }) if at > now => format!(
                "It stops by itself at {}; that cannot be undone, so replace it before.",
                at.to_seconds()
            ),
            (Fact::Elsewhere(_), _) => "If that was you, nothing is to be done.".to_owned(),
            _ => "Nothing happens to it by itself, and there is no hurry.".to_owned(),
        }
    }
}

impl Shown {
    pub(super) fn title(&self, item: &Item) -> String {
        format!("{} ({}…)", item.called(), self.token)
    }

    pub(super) fn facts(&self, item: &Item, now: Time) -> Vec<(&'static str, String)> {
        let key = &item.key;
        let mut facts = vec![("API", self.brand.clone()), ("Key", format!("{}_…", self.token))];
        let texts = [("Name", key.label.as_deref()), ("App", key.principal.as_deref())];
        facts.extend(texts.into_iter().filter_map(|(name, text)| Some((name, shown(text?)))));
        facts.extend(key.created_at.map(|at| ("Created", dated(at, now))));
        let stops = match item.fact {
            Fact::OverlapEnds(at) => Some(at),
            _ => key.expires_at,
        };
        let end =
            stops.map_or_else(|| "never by itself".to_owned(), |at| at.to_seconds().to_string());
        facts.push(("Ends", end));
        facts.push(("Last used", item.last_used(now)));
        facts.push(("State", key.state.as_str().to_owned()));
        facts
    }
}

/// The fact that is told first: that it leaked, that it stops, what the rules say, where it was used.
fn decisive(key: &Key<'_>, findings: &[Finding<'_>], news: &[News], action: Action) -> Fact {
    let said = |of: fn(&News) -> Option<Fact>| news.iter().find_map(of);
    let ended = said(|one| matches!(one, News::ExposedAndEnded).then_some(Fact::Exposed));
    let stops = said(|one| match one {
        News::OverlapEnds { at, .. } => Some(Fact::OverlapEnds(*at)),
        _ => None,
    });
    let elsewhere = said(|one| match one {
        News::Elsewhere { at, .. } => Some(Fact::Elsewhere(*at)),
        _ => None,
    });
    let by_rules = || match findings.is_empty() {
        true => None,
        false => Some(fact(key, findings, action)),
    };
    let exposed = (key.exposed == Some(true) && !findings.is_empty()).then_some(Fact::Exposed);
    let presses = findings.iter().any(|finding| finding.rule.action != Action::Review);
    let first = ended.or(exposed).or(stops);
    match presses {
        true => first.or_else(by_rules).or(elsewhere),
        false => first.or(elsewhere).or_else(by_rules),
    }
    .unwrap_or(Fact::Other)
}

fn reasons(key: &Key<'_>, findings: &[Finding<'_>], news: &[News], now: Time) -> Vec<String> {
    let mut reasons = Vec::new();
    for one in news {
        match one {
            News::OverlapEnds { uses, .. } => {
                let named = uses.iter().take(MAX_USES);
                reasons.extend(named.map(|one| shown(&format!("Still used: {one}"))));
                match uses.len().saturating_sub(MAX_USES) {
                    0 => {}
                    rest => reasons.push(format!("and at {} more", words::count(rest, "place"))),
                }
            }
            News::Elsewhere { place, .. } => reasons.push(shown(&format!("New: {place}"))),
            News::ExposedAndEnded => reasons.push(EXPOSED.to_owned()),
        }
    }
    let is_exposed = |finding: &Finding<'_>| {
        finding.rule.when.iter().any(|one| matches!(one, Condition::Exposed(true)))
    };
    reasons.extend(findings.iter().map(|finding| match is_exposed(finding) {
        true => EXPOSED.to_owned(),
        false => reason(key, finding, now),
    }));
    reasons
}

/// What a customer can do.
fn steps(key: &Key<'_>, fact: Fact, has_successor: bool) -> Vec<Step> {
    let says: &[&str] = match (fact, key.state) {
        (Fact::Exposed, State::Active | State::PreActivation) => &[
            "Make a new key, and put it wherever this one is used.",
            "Revoke this one: until then whoever has it can use it.",
        ],
        (Fact::Exposed, _) => &["Make a new key, and put it wherever this one was used."],
        (Fact::OverlapEnds(_), _) => &["Put the new key where this one is still used."],
        (Fact::Elsewhere(_), _) => &[
            "If it was not you, make a new key, put it wherever this one is used, and revoke this one.",
        ],
        (Fact::Ends(_), _) if has_successor => {
            &["A new key waits for its first use: put it wherever this one is used."]
        }
        (Fact::Ends(_), _) => &[
            "Rotate it: a new key is made, and both work for a while.",
            "Put the new key wherever this one is used.",
        ],
        (Fact::Unused(_) | Fact::NeverUsed(_), _) => &["Revoke it, if nothing needs it any more."],
        (Fact::Old(_), _) => {
            &["Rotate it when it suits you: a new key is made, and both work for a while."]
        }
        _ => &["Look at it."],
    };
    says.iter().map(|text| Step { text: (*text).to_owned(), ..Step::default() }).collect()
}

fn next(key: &Key<'_>, fact: Fact, now: Time) -> Next {
    match (fact, key.expires_at) {
        (Fact::OverlapEnds(at), _) => Next::Expires { at },
        (_, Some(at)) if at > now && key.state == State::Active => Next::Expires { at },
        _ => Next::Nothing,
    }
}
