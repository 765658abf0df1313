//! Which keys, in which order.

use keytender_core::access::Side;
use keytender_core::id::{AccountId, KeyId, OwnerId, PrincipalId};
use keytender_core::key::{LastUse, State};
use keytender_core::policy::Action;
use keytender_core::report::aws;
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};

use super::HeldKey;
use super::line::severity_number;

use crate::store::db::{Db, Value, Values};

const ACCOUNTS: &str = "SELECT a.id FROM accounts a WHERE a.tenant_id = $1";
const PRINCIPALS: &str = "SELECT p.id FROM principals p WHERE p.tenant_id = $1";

/// Which keys; every part that is given must hold. Destroyed keys are shown only if their state is
/// asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Something must be done about them.
    pub is_due: bool,
    /// They break a rule now, or may do so by this moment.
    pub finding_by: Option<Time>,
    /// They are of an API of ours, which customers hold, or they are not.
    pub customers: Option<bool>,
    /// What to do about them.
    pub action: Option<Action>,
    /// They break this rule.
    pub rule: Option<String>,
    /// Of this provider.
    pub provider: Option<String>,
    /// In this account.
    pub account: Option<AccountId>,
    /// Acting for this principal.
    pub principal: Option<PrincipalId>,
    /// Whose: this owner's, or nobody's.
    pub owner: Option<Option<OwnerId>>,
    /// In this state.
    pub state: Option<State>,
    /// Whose last use is of this kind: the word in the database.
    pub use_status: Option<&'static str>,
    /// Kept as they are at this moment.
    pub kept_at: Option<Time>,
    /// They were found where a secret must not be.
    pub is_exposed: bool,
    /// Idle since before this moment; unknown last uses are not among them.
    pub idle_since: Option<Time>,
    /// Made before this moment.
    pub created_before: Option<Time>,
    /// Ending at this moment or before it.
    pub expires_by: Option<Time>,
    /// A part of the label, the id, or the name of the principal or account.
    pub text: Option<String>,
    /// Those that this names: our id, the provider's id, a label, or a principal and a place, as in
    /// `deploy/1`. By an id it finds destroyed keys too.
    pub named: Option<String>,
    /// On this side.
    pub side: Option<Side>,
    /// Only this owner's, whatever else is asked for; `None` within: nobody's.
    pub seen_by: Option<Option<OwnerId>>,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// What is due first, the most serious first, the oldest first.
    #[default]
    Severity,
    /// The oldest first.
    Age,
    /// The longest idle first.
    LastUsed,
    /// Those that end soonest first.
    Expires,
    /// By account, principal and label.
    Name,
}

/// What comes after everything that is known.
const LAST: i64 = i64::MAX;

/// One value of a place in an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Term {
    /// A number, or a moment in microseconds.
    Number(i64),
    /// A text.
    Text(String),
}

impl Order {
    /// The terms: each never NULL, and whether the greatest comes first.
    const fn terms(self) -> &'static [(&'static str, bool)] {
        match self {
            Self::Severity => &[
                ("k.due", true),
                ("k.severity", true),
                ("COALESCE(k.created_at, 0)", false),
                ("k.id", false),
            ],
            Self::Age => &[("COALESCE(k.created_at, 9223372036854775807)", false), ("k.id", false)],
            Self::LastUsed => {
                &[("COALESCE(k.use_at, 9223372036854775807)", false), ("k.id", false)]
            }
            Self::Expires => {
                &[("COALESCE(k.expires_at, 9223372036854775807)", false), ("k.id", false)]
            }
            Self::Name => &[
                ("a.name", false),
                ("COALESCE(p.name, '')", false),
                ("COALESCE(k.slot, 0)", false),
                ("COALESCE(k.label, '')", false),
                ("k.id", false),
            ],
        }
    }

    /// What follows ORDER BY.
    pub(super) fn sql(self) -> String {
        // As the index has it.
        let first = if self == Self::Severity { "k.tenant_id, " } else { "" };
        format!("{first}{}", self.of_keys().sorted())
    }

    /// The terms, of a key `k`.
    fn of_keys(self) -> Terms {
        Terms(self.terms().iter().map(|(term, falls)| ((*term).to_owned(), *falls)).collect())
    }

    /// What a table selects that has a column for each term.
    pub(super) fn selected(self) -> String {
        let terms = self.terms().iter().zip(self.columns().0);
        let terms = terms.map(|((term, _), (column, _))| format!("{term} AS {column}"));
        terms.collect::<Vec<_>>().join(", ")
    }

    /// The terms, of such a table.
    pub(super) fn columns(self) -> Terms {
        let terms = self.terms().iter().enumerate();
        Terms(terms.map(|(place, (_, falls))| (format!("term_{place}"), *falls)).collect())
    }

    /// The place of a key in this order.
    pub fn place(self, held: &HeldKey) -> Vec<Term> {
        let key = &held.record.key;
        let text = |text: Option<&str>| Term::Text(text.unwrap_or_default().to_owned());
        let time =
            |at: Option<Time>, unknown: i64| Term::Number(at.map_or(unknown, Time::as_micros));
        let id = Term::Number(held.record.id.as_i64());
        match self {
            Self::Severity => vec![
                Term::Number(held.standing.is_due.into()),
                Term::Number(severity_number(held.standing.severity)),
                time(key.created_at, 0),
                id,
            ],
            Self::Age => vec![time(key.created_at, LAST), id],
            Self::LastUsed => vec![time(use_at(&key.last_used), LAST), id],
            Self::Expires => vec![time(key.expires_at, LAST), id],
            Self::Name => vec![
                text(Some(&held.account_name)),
                text(key.principal.as_deref()),
                Term::Number(key.slot.map_or(0, i64::from)),
                text(key.label.as_deref()),
                id,
            ],
        }
    }

    /// Whether `place` can be one in this order.
    pub fn fits(self, place: &[Term]) -> bool {
        let terms = self.terms();
        let is_text = |term: &str| term.contains("name") || term.contains("label");
        place.len() == terms.len()
            && terms
                .iter()
                .zip(place)
                .all(|((term, _), value)| matches!(value, Term::Text(_)) == is_text(term))
    }

    /// The condition that a key comes after `place`, whose values are added to `values`.
    pub(super) fn after(self, place: Vec<Term>, values: &mut Values) -> String {
        self.of_keys().after(place, values)
    }
}

/// The terms of an order as they are written: each with whether the greatest comes first, the id last.
pub(super) struct Terms(Vec<(String, bool)>);

impl Terms {
    /// What follows ORDER BY.
    pub(super) fn sorted(&self) -> String {
        let terms = self.0.iter().map(|(term, falls)| match falls {
            true => format!("{term} DESC"),
            false => term.clone(),
        });
        terms.collect::<Vec<_>>().join(", ")
    }

    /// The id.
    pub(super) fn id(&self) -> &str {
        self.0.last().map_or("", |(term, _)| term)
    }

    /// The condition that something comes after `place`, whose values are added to `values`.
    pub(super) fn after(&self, place: Vec<Term>, values: &mut Values) -> String {
        let mut condition = String::new();
        let mut open = 0;
        for ((term, falls), value) in self.0.iter().zip(place) {
            values.push(match value {
                Term::Number(number) => number.into(),
                Term::Text(text) => text.into(),
            });
            let (number, sign) = (values.len(), if *falls { '<' } else { '>' });
            let is_id = term == self.id();
            condition.push_str(&match is_id {
                true => format!("{term} {sign} ${number}"),
                // The first part alone lets an index begin at the place.
                false => format!("{term} {sign}= ${number} AND ({term} {sign} ${number} OR ("),
            });
            open += if is_id { 0 } else { 2 };
        }
        condition.push_str(&")".repeat(open));
        condition
    }
}

/// The moment in the column of the last use: of a key that was never used, since when that holds.
fn use_at(last_used: &LastUse<'_>) -> Option<Time> {
    match last_used {
        LastUse::Used(used) => Some(used.at),
        LastUse::Never { since } => Some(*since),
        LastUse::Unknown { .. } => None,
    }
}

impl Order {
    /// Where a page is looked for: the tables, of which `keys` is that of the keys, and the
    /// beginning of the condition.
    pub(super) fn from(self, keys: &str) -> String {
        match self {
            // SQLite takes the tables of a CROSS JOIN as they stand: account by account, in the
            // order of an index, so that nothing is sorted beyond the last account of the page.
            Self::Name => {
                "accounts a CROSS JOIN keys k LEFT JOIN principals p ON p.id = k.principal_id \
                 WHERE a.tenant_id = $1 AND k.account_id = a.id AND"
                    .to_owned()
            }
            Self::Severity | Self::Age | Self::LastUsed | Self::Expires => format!("{keys} WHERE"),
        }
    }
}

/// Which part of the list.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The order.
    pub order: Order,
    /// How many at most.
    pub limit: u32,
    /// After how many.
    pub offset: u64,
    /// After this place in the order.
    pub after: Option<Vec<Term>>,
}

impl Filter {
    /// Whether every key must be looked at, because no index tells which ones are meant.
    pub(super) fn is_search(&self) -> bool {
        let is_owners = self.owner.flatten().is_some() || self.seen_by.flatten().is_some();
        let is_indexed =
            self.account.is_some() || self.principal.is_some() || self.named.is_some() || is_owners;
        !is_indexed && *self != Self { is_due: self.is_due, ..Self::default() }
    }

    /// Whether most keys are let through: those that work, and nothing else is asked for.
    pub(super) fn is_broad(&self) -> bool {
        *self == Self { state: Some(State::Active), ..Self::default() }
    }

    /// The condition on a key `k`, and its values.
    pub(super) fn sql(&self, db: &Db) -> (String, Values) {
        let mut sql = Conditions::of_tenant("k", db.tenant());
        match (self.state, &self.named) {
            (Some(state), _) => sql.and("k.state =", state.as_str()),
            (None, Some(_)) => {}
            // A word in the text and no value, so that an index of just these keys can serve.
            (None, None) => sql.plain(&format!("k.state <> '{}'", State::Destroyed.as_str())),
        }
        if let Some(word) = &self.named {
            sql.named(word);
        }
        if self.is_due {
            sql.plain("k.due = 1");
        }
        if self.is_exposed {
            sql.plain("k.exposed_at IS NOT NULL");
        }
        if let Some(at) = self.finding_by {
            sql.and("(k.rules <> '' OR k.evaluate_at <=", at);
            sql.text.push(')');
        }
        if let Some(is_customers) = self.customers {
            let is_null = if is_customers { "IS NOT NULL" } else { "IS NULL" };
            sql.plain(&format!("k.account_id IN ({ACCOUNTS} AND a.api_id {is_null})"));
        }
        if let Some(action) = self.action {
            sql.and("k.action =", action.as_str());
        }
        if let Some(rule) = &self.rule {
            let pattern = format!("% {} %", escaped(rule));
            sql.and("' ' || k.rules || ' ' LIKE", pattern);
            sql.text.push_str(" ESCAPE '\\'");
        }
        if let Some(provider) = &self.provider {
            let place = sql.place(provider.as_str());
            sql.plain(&format!("k.account_id IN ({ACCOUNTS} AND a.provider = {place})"));
        }
        if let Some(account) = self.account {
            sql.and("k.account_id =", account.as_i64());
        }
        if let Some(principal) = self.principal {
            sql.and("k.principal_id =", principal.as_i64());
        }
        if let Some(side) = self.side {
            let place = sql.place(side.as_str());
            sql.plain(&format!("k.account_id IN ({ACCOUNTS} AND a.side = {place})"));
        }
        sql.seen_by(self.seen_by);
        match self.owner {
            Some(Some(owner)) => sql.and("k.owner_id =", owner.as_i64()),
            Some(None) => sql.plain("k.owner_id IS NULL"),
            None => {}
        }
        self.times(&mut sql);
        if let Some(text) = &self.text {
            let pattern = format!("%{}%", escaped(&text.to_lowercase()));
            let place = sql.place(pattern);
            let like = |name: &str| format!("{} LIKE {place} ESCAPE '\\'", db.caseless(name));
            // Accounts and principals are searched once, and not once for each of their keys.
            let parts = [
                like("k.label"),
                like("k.provider_id"),
                format!("k.account_id IN ({ACCOUNTS} AND {})", like("a.name")),
                format!("k.principal_id IN ({PRINCIPALS} AND {})", like("p.name")),
            ];
            sql.plain(&format!("({})", parts.join(" OR ")));
        }
        (sql.text, sql.values)
    }

    /// What is asked of a key's times.
    fn times(&self, sql: &mut Conditions) {
        if let Some(status) = self.use_status {
            sql.and("k.use_status =", status);
        }
        if let Some(at) = self.kept_at {
            sql.and("k.keep_until >", at);
        }
        if let Some(at) = self.idle_since {
            sql.plain("k.use_status <> 'unknown'");
            let idle_from = "CASE WHEN k.created_at > k.use_at THEN k.created_at ELSE k.use_at END";
            sql.and(&format!("{idle_from} <"), at);
        }
        if let Some(at) = self.created_before {
            sql.and("k.created_at <", at);
        }
        if let Some(at) = self.expires_by {
            sql.and("k.expires_at <=", at);
        }
    }
}

/// Conditions that must all hold, and their values.
pub(in crate::store) struct Conditions {
    pub(in crate::store) text: String,
    pub(in crate::store) values: Values,
}

impl Conditions {
    /// Those that the rows of `table` are a tenant's.
    pub(in crate::store) fn of_tenant(table: &str, tenant: i64) -> Self {
        Self { text: format!("{table}.tenant_id = $1"), values: vec![tenant.into()] }
    }

    /// And this.
    pub(in crate::store) fn plain(&mut self, condition: &str) {
        self.text.push_str(" AND ");
        self.text.push_str(condition);
    }

    /// And this, before `value`.
    pub(in crate::store) fn and(&mut self, condition: &str, value: impl Into<Value>) {
        let place = self.place(value);
        self.plain(&format!("{condition} {place}"));
    }

    /// How a value is written in a condition.
    pub(in crate::store) fn place(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// And the key is this owner's; nobody's is nothing.
    pub(in crate::store) fn seen_by(&mut self, owner: Option<Option<OwnerId>>) {
        match owner {
            Some(Some(owner)) => self.and("k.owner_id =", owner.as_i64()),
            Some(None) => self.plain("1 = 0"),
            None => {}
        }
    }

    fn named(&mut self, word: &str) {
        let id = self.place(word.parse::<KeyId>().map_or(-1, KeyId::as_i64));
        let (name, slot) = match word.rsplit_once('/') {
            Some((name, slot)) => (name, slot.parse::<i64>().unwrap_or(-1)),
            None => (word, -1),
        };
        let word = self.place(word);
        let name = self.place(if name == "root" { aws::ROOT } else { name });
        let slot = self.place(slot);
        // Each way by an index of its own; the plus keeps SQLite from one of tenants.
        self.text.insert(0, '+');
        let accounts = "account_id IN (SELECT id FROM accounts WHERE tenant_id = $1)";
        self.plain(&format!(
            "k.id IN (SELECT id FROM keys WHERE id = {id} \
             UNION SELECT id FROM keys WHERE tenant_id = $1 AND {accounts} \
             AND provider_id = {word} \
             UNION SELECT id FROM keys WHERE tenant_id = $1 AND label = {word} \
             AND state <> 'destroyed' \
             UNION SELECT id FROM keys WHERE tenant_id = $1 AND slot = {slot} \
             AND state <> 'destroyed' AND principal_id IN (SELECT id FROM principals \
             WHERE tenant_id = $1 AND {accounts} AND name = {name}))"
        ));
    }
}

/// `text` without a meaning of its own in a LIKE pattern.
pub(in crate::store) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for one in text.chars() {
        if matches!(one, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(one);
    }
    escaped
}
