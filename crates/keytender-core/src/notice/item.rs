//! One key in a notice: what is told of it, and in which words.

use crate::id::KeyId;
use crate::key::{Key, LastUse, PrincipalKind, State};
use crate::policy::{Action, Condition, Finding, Severity};
use crate::steps::{self, Step, ago, last_used_where};
use crate::time::Time;

use super::digest::Rank;
use super::words::{self, count, shown};

mod customers;

pub use customers::{CustomersKey, News};

/// How many places a key is used at are named, before they are counted.
const MAX_DESTINATIONS: usize = 8;

/// What happens to a key next, if its owner does nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    #[default]
    Nothing,
    /// Its provider ends it.
    Expires {
        /// When.
        at: Time,
    },
    /// Keytender disables it.
    Disable {
        /// When.
        at: Time,
        /// Until when it can be enabled again; `None` as long as nobody deletes it.
        undo_until: Option<Time>,
    },
    /// Keytender deletes it; it is disabled until then, and can be enabled again.
    Delete {
        /// When.
        at: Time,
    },
}

/// What a notice tells of a key beside the key itself and its findings.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// Keytender's own id of the key.
    pub own_id: Option<KeyId>,
    /// Whether the provider's id is, or holds, the secret, and so must not be told.
    pub id_is_secret: bool,
    /// The name that people gave the account.
    pub account_alias: Option<&'a str>,
    /// Whether the key's principal may do anything.
    pub is_admin: bool,
    /// Who answers for the key; `None` if nobody is known.
    pub owner: Option<&'a str>,
    /// When all this was looked at.
    pub observed_at: Option<Time>,
    /// Where the key is used.
    pub destinations: &'a [String],
    /// Until when somebody should act ([`super::act_by`]).
    pub act_by: Option<Time>,
    /// What happens if nobody does.
    pub next: Next,
    /// Whether a line is enough: reviews, and what is not serious.
    pub in_a_line: bool,
    /// The page on which the owner can disable it, keep it, or say that it is somebody else's.
    pub page: Option<&'a str>,
    /// What the steps depend on.
    pub steps: steps::Context<'a>,
}

/// The fact that a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Somebody else may have it.
    Exposed,
    /// It ends, or ended, by itself at this moment.
    Ends(Time),
    /// It was last used at this moment.
    Unused(Time),
    /// It was not used since this moment, or ever.
    NeverUsed(Time),
    /// It is disabled, since this moment if that is known.
    Disabled(Option<Time>),
    /// It was made at this moment.
    Old(Time),
    /// It stops at this moment, because another has taken its place, and is still used.
    OverlapEnds(Time),
    /// It was first used in another region than before at this moment.
    Elsewhere(Time),
    /// Something else.
    Other,
}

/// One key in a notice.
#[derive(Clone, Debug)]
pub struct Item {
    key: Key<'static>,
    fact: Fact,
    action: Action,
    severity: Severity,
    is_admin: bool,
    own_id: Option<KeyId>,
    hides_id: bool,
    account_alias: Option<String>,
    owner: Option<String>,
    observed_at: Option<Time>,
    destinations: Vec<String>,
    reasons: Vec<String>,
    steps: Vec<Step>,
    links: Vec<String>,
    act_by: Option<Time>,
    next: Next,
    in_a_line: bool,
    page: Option<String>,
    /// Of a key that is told of in the name of whoever issued it: what may be shown of it, and where.
    customers: Option<customers::Shown>,
}

impl Item {
    /// What is told at `now` of `key`, which breaks the rules of `findings`.
    pub fn new(key: &Key<'_>, findings: &[Finding<'_>], about: &About<'_>, now: Time) -> Self {
        let mut key = key.clone().into_owned();
        let hides_id = about.id_is_secret && key.id.take().is_some();
        let rules = || findings.iter().map(|finding| finding.rule);
        let action = rules().map(|rule| rule.action).max().unwrap_or(Action::Review);
        let mut links: Vec<String> = Vec::new();
        for link in rules().flat_map(|rule| &rule.links) {
            if words::is_about(link, &key.provider) && !links.contains(link) {
                links.push(link.clone());
            }
        }
        Self {
            fact: fact(&key, findings, action),
            action,
            severity: rules().map(|rule| rule.severity).max().unwrap_or(Severity::Low),
            is_admin: about.is_admin,
            own_id: about.own_id,
            hides_id,
            account_alias: about.account_alias.map(shown),
            owner: about.owner.map(shown),
            observed_at: about.observed_at,
            destinations: destinations(about.destinations),
            reasons: findings.iter().map(|finding| reason(&key, finding, now)).collect(),
            steps: steps::steps(&key, action, about.steps, now),
            links,
            act_by: about.act_by,
            next: about.next,
            in_a_line: about.in_a_line,
            page: about.page.map(ToOwned::to_owned),
            customers: None,
            key,
        }
    }

    /// What to do about it.
    pub const fn action(&self) -> Action {
        self.action
    }

    /// How serious it is.
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// What the notice is about.
    pub const fn fact(&self) -> Fact {
        self.fact
    }

    /// Until when somebody should act.
    pub const fn act_by(&self) -> Option<Time> {
        self.act_by
    }

    /// What happens if nobody does.
    pub const fn next(&self) -> Next {
        self.next
    }

    /// Whether a line is enough.
    pub const fn in_a_line(&self) -> bool {
        self.in_a_line
    }

    /// What is wrong: the title of each rule, what was measured and the limit.
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }

    /// What to do, step by step.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Pages to read.
    pub fn links(&self) -> &[String] {
        &self.links
    }

    /// The page on which the owner can disable it, keep it, or say that it is somebody else's.
    pub fn page(&self) -> Option<&str> {
        self.page.as_deref()
    }

    /// Who issued it.
    pub fn provider(&self) -> &str {
        &self.key.provider
    }

    /// Whether it is told in the name of whoever issued the key.
    pub const fn is_customers(&self) -> bool {
        self.customers.is_some()
    }

    /// Which key it is: `deploy/1 at AWS 123456789012 (prod)`.
    pub fn title(&self) -> String {
        if let Some(shown) = &self.customers {
            return shown.title(self);
        }
        format!("{} at {}", self.name(), self.place())
    }

    /// Which key it is and what to do, for a heading: `deploy/1 at AWS 123456789012 (prod): rotate`.
    pub fn heading(&self) -> String {
        format!("{}: {}", self.title(), verb(self.action, self.is_customers()))
    }

    /// The key in one line, with what to do and all that is wrong.
    pub fn line(&self) -> String {
        match self.reasons.join("; ").as_str() {
            "" => self.heading(),
            reasons => format!("{}. {reasons}", self.heading()),
        }
    }

    /// What it is, how old, whose; then what happens when, whether by itself, and until when that
    /// can be undone.
    pub fn lead(&self, now: Time) -> [String; 2] {
        if self.is_customers() {
            return self.customers_lead(now);
        }
        let whose = match &self.key.principal {
            Some(principal) if !self.is_root() => format!(" of {}", shown(principal)),
            _ => String::new(),
        };
        let age = match (self.fact, self.key.age(now)) {
            (Fact::Old(_), _) | (_, None) => String::new(),
            (_, Some(age)) => format!(" and is {} old", age.in_words()),
        };
        let owner = match &self.owner {
            Some(owner) => format!("Its owner is {owner}."),
            None => "Nobody is known to answer for it: please name an owner.".to_owned(),
        };
        let what = format!("The {}{whose} at {}", words::noun(&self.key), self.place());
        [format!("{what} {}{age}. {owner}", self.fact.words(now)), self.what_happens(now)]
    }

    /// What is known of the key: names and values.
    pub fn facts(&self, now: Time) -> Vec<(&'static str, String)> {
        if let Some(shown) = &self.customers {
            return shown.facts(self, now);
        }
        let mut facts = vec![("Provider", words::provider(&self.key.provider))];
        if let Some(account) = &self.key.account {
            facts.push(("Account", with_note(shown(account), self.account_alias.as_deref())));
        }
        if let Some(principal) = &self.key.principal {
            let kind = self.key.principal_kind.map(PrincipalKind::as_str);
            // Of root everybody knows it.
            let admin = (self.is_admin && !self.is_root()).then_some("administrator");
            let notes: Vec<&str> = kind.into_iter().chain(admin).collect();
            let notes = (!notes.is_empty()).then(|| notes.join(", "));
            facts.push(("Principal", with_note(shown(principal), notes.as_deref())));
        }
        facts.push(("Key id", self.id()));
        if let Some(label) = &self.key.label {
            facts.push(("Label", shown(label)));
        }
        facts.push(("Created", self.key.created_at.map_or_else(not_known, |at| dated(at, now))));
        let no_end = || "no end is known".to_owned();
        facts.push(("Expires", self.key.expires_at.map_or_else(no_end, Time::date)));
        facts.push(("Last used", self.last_used(now)));
        facts.push((
            "Observed",
            self.observed_at.map_or_else(
                || "not by Keytender: somebody told of it".to_owned(),
                |at| at.to_seconds().to_string(),
            ),
        ));
        if let Some(cadence) = self.key.cadence {
            let words = cadence.in_words();
            facts.push(("Usual gap", format!("at most {words} between two uses")));
        }
        let state = self.key.state.as_str();
        let is_other = |word: &&str| !word.eq_ignore_ascii_case(state);
        let word = self.key.provider_state.as_deref().filter(is_other).map(shown);
        facts.push(("Status", with_note(state.to_owned(), word.as_deref())));
        if !self.destinations.is_empty() {
            facts.push(("Used at", self.destinations.join(", ")));
        }
        facts.push(("Owner", self.owner.clone().unwrap_or_else(|| "missing".to_owned())));
        facts
    }

    /// How to say that it stays, or is somebody else's.
    pub fn keep(&self) -> Vec<Step> {
        let say = |text: &str| Step { text: text.to_owned(), ..Step::default() };
        if self.is_customers() {
            return self.page.iter().map(|_| say("See to your keys:")).collect();
        }
        if self.page.is_some() {
            let how =
                "Disable it, keep it until a date (with a reason), or say that it is not yours:";
            return vec![say(how)];
        }
        let id = self.own_id.map_or_else(|| "KEY".to_owned(), |id| id.to_string());
        let command = format!("keytender keys set {id} --keep-until DATE --because REASON");
        vec![
            Step { command: Some(command), ..say("To keep it as it is until a date:") },
            say("Without Keytender at hand, or if it is not yours, answer this mail and say so."),
        ]
    }

    /// Greater for what comes first: exposed, root, admin, unused, oldest; single lines last.
    pub(super) fn rank(&self) -> Rank {
        let is_unused = matches!(self.fact, Fact::Unused(_) | Fact::NeverUsed(_));
        let created = self.key.created_at.map_or(i64::MAX, Time::as_micros);
        let is_exposed = self.key.exposed == Some(true);
        let is_root = self.is_root();
        (!self.in_a_line, is_exposed, is_root, self.is_admin, is_unused, created.saturating_neg())
    }

    /// The subject of a mail about this key alone, without the time to act.
    pub(super) fn subject(&self, now: Time) -> String {
        if self.is_customers() {
            return self.customers_subject(now);
        }
        let short = |text: &str| words::shortened(text, words::MAX_SUBJECT_LETTERS);
        let whose = match &self.key.principal {
            Some(principal) if !self.is_root() => format!(" of {}", short(principal)),
            _ => String::new(),
        };
        let account = self.key.account.as_deref().map(|id| format!(" {}", short(id)));
        format!(
            "1 {}{whose} {} at {}{}",
            words::noun(&self.key),
            self.fact.words(now),
            short(&words::provider(&self.key.provider)),
            account.unwrap_or_default()
        )
    }

    fn is_root(&self) -> bool {
        self.key.principal_kind == Some(PrincipalKind::Root)
    }

    fn name(&self) -> String {
        shown(&steps::name(&self.key))
    }

    /// `AWS 123456789012 (prod)`.
    fn place(&self) -> String {
        let provider = words::provider(&self.key.provider);
        match &self.key.account {
            Some(account) => {
                with_note(format!("{provider} {}", shown(account)), self.account_alias.as_deref())
            }
            None => provider,
        }
    }

    /// The public id, or ours where the provider's must not be told.
    fn id(&self) -> String {
        let own = self.own_id.map(|id| id.to_string());
        match (&self.key.id, own) {
            (Some(id), _) => shown(id),
            (None, Some(own)) if self.hides_id => {
                format!("{own} (Keytender's own: the provider's would tell the secret)")
            }
            (None, Some(own)) => format!("{own} (Keytender's own: the provider's is not known)"),
            (None, None) => not_known(),
        }
    }

    fn last_used(&self, now: Time) -> String {
        match &self.key.last_used {
            LastUse::Used(used) => match last_used_where(&self.key) {
                Some(place) => format!("{}, {}, {}", used.at, ago(used.at, now), shown(&place)),
                None => format!("{}, {}", used.at, ago(used.at, now)),
            },
            LastUse::Never { since } => format!("never since {}", since.date()),
            LastUse::Unknown { why } => format!("unknown because {}", shown(why)),
        }
    }

    fn what_happens(&self, now: Time) -> String {
        match self.next {
            Next::Expires { at } if at <= now => {
                format!("It stopped working by itself on {}; that cannot be undone.", at.date())
            }
            Next::Expires { at } => format!(
                "It stops working by itself on {}; that cannot be undone, so replace it before.",
                at.date()
            ),
            Next::Disable { at, undo_until: Some(until) } => format!(
                "Keytender disables it by itself on {}; that can be undone until {}.",
                at.date(),
                until.date()
            ),
            Next::Disable { at, undo_until: None } => format!(
                "Keytender disables it by itself on {}; that can be undone until it is deleted.",
                at.date()
            ),
            Next::Delete { at } => format!(
                "It is disabled, which can be undone until {}: then Keytender deletes it by itself.",
                at.date()
            ),
            Next::Nothing => self.nothing_happens(now),
        }
    }

    fn nothing_happens(&self, now: Time) -> String {
        let please = match self.act_by {
            Some(act_by) if act_by.date() < now.date() => {
                format!("it is {}", words::deadline(act_by, now))
            }
            Some(act_by) => format!("please {}", words::deadline(act_by, now)),
            None => "there is no hurry".to_owned(),
        };
        let undo = match self.key.state {
            State::Suspended => "It is disabled, which can be undone until it is deleted.",
            State::PreActivation | State::Active => {
                "Disabling it can be undone until it is deleted."
            }
            State::Deactivated | State::Compromised | State::Destroyed => {
                "That it ended cannot be undone."
            }
        };
        format!("Nothing happens to it by itself: {please}. {undo}")
    }
}

impl Fact {
    /// The rest of a sentence that begins with the key: `is 7 years old`.
    pub fn words(self, now: Time) -> String {
        let since = |at: Time| now.since(at).in_words();
        match self {
            Self::Exposed => "was found where others can read it".to_owned(),
            Self::Ends(at) if at <= now => format!("expired on {}", at.date()),
            Self::Ends(at) => format!("expires on {}", at.date()),
            Self::Unused(at) => format!("was not used for {}", since(at)),
            Self::NeverUsed(from) => format!("was never used in {}", since(from)),
            Self::Disabled(Some(from)) => format!("has been disabled for {}", since(from)),
            Self::Disabled(None) => "is disabled and was never deleted".to_owned(),
            Self::Old(created) => format!("is {} old", since(created)),
            Self::OverlapEnds(at) => format!("stops on {} and is still used", at.date()),
            Self::Elsewhere(at) => format!("was first used in a new region on {}", at.date()),
            Self::Other => "needs a look".to_owned(),
        }
    }
}

/// The fact behind the action that follows for `key`.
fn fact(key: &Key<'_>, findings: &[Finding<'_>], action: Action) -> Fact {
    if key.exposed == Some(true) {
        return Fact::Exposed;
    }
    let old = key.created_at.map_or(Fact::Other, Fact::Old);
    if key.principal_kind == Some(PrincipalKind::Root) {
        return old;
    }
    let decisive = findings.iter().filter(|finding| finding.rule.action == action);
    let mut facts = decisive.flat_map(|finding| &finding.rule.when).filter_map(|condition| {
        Some(match condition {
            Condition::ExpiresWithin(_) | Condition::Expired(true) => Fact::Ends(key.expires_at?),
            Condition::IdleOver(_) => match &key.last_used {
                LastUse::Never { .. } => Fact::NeverUsed(key.idle_from()?),
                LastUse::Used(_) | LastUse::Unknown { .. } => Fact::Unused(key.idle_from()?),
            },
            Condition::SuspendedFor(_) => Fact::Disabled(key.suspended_since),
            Condition::AgeOver(_) => old,
            _ => return None,
        })
    });
    facts.next().unwrap_or(if action == Action::Review { Fact::Other } else { old })
}

/// What a rule says: of one that the key does not break yet, from when on it will.
fn reason(key: &Key<'_>, finding: &Finding<'_>, now: Time) -> String {
    match finding.since {
        Some(since) if since > now => {
            let message = finding.rule.message(key, since).to_string();
            shown(&format!("{message}, from {} on", since.date()))
        }
        _ => shown(&finding.rule.message(key, now).to_string()),
    }
}

fn destinations(all: &[String]) -> Vec<String> {
    let mut named: Vec<String> = all.iter().take(MAX_DESTINATIONS).map(|one| shown(one)).collect();
    let rest = all.len().saturating_sub(MAX_DESTINATIONS);
    if rest > 0 {
        named.push(format!("and {} more", count(rest, "place")));
    }
    named
}

/// `2020-06-15, 6 years ago`.
fn dated(at: Time, now: Time) -> String {
    format!("{}, {}", at.date(), ago(at, now))
}

fn with_note(text: String, note: Option<&str>) -> String {
    match note {
        Some(note) => format!("{text} ({note})"),
        None => text,
    }
}

fn not_known() -> String {
    "not known".to_owned()
}

/// The action as something to do, for whoever tends keys here or for a customer.
pub(super) const fn verb(action: Action, is_customers: bool) -> &'static str {
    match action {
        Action::Remove => "remove",
        Action::Rotate if is_customers => "replace",
        Action::Rotate => "rotate",
        Action::Review => "look at",
    }
}
