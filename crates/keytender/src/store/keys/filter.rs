//! Which keys, in which order.

use keytender_core::id::{AccountId, OwnerId};
use keytender_core::key::State;
use keytender_core::policy::Action;
use keytender_core::time::Time;

use crate::store::db::{Value, Values};

/// Which keys; every part that is given must hold. Destroyed keys are shown only if their state is
/// asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Something must be done about them.
    pub is_due: bool,
    /// They have a finding that is only to be looked at, or are due.
    pub has_finding: bool,
    /// What to do about them.
    pub action: Option<Action>,
    /// They break this rule.
    pub rule: Option<String>,
    /// Of this provider.
    pub provider: Option<String>,
    /// In this account.
    pub account: Option<AccountId>,
    /// Whose: this owner's, or nobody's.
    pub owner: Option<Option<OwnerId>>,
    /// In this state.
    pub state: Option<State>,
    /// Idle since before this moment; unknown last uses are not among them.
    pub idle_since: Option<Time>,
    /// Made before this moment.
    pub created_before: Option<Time>,
    /// Ending at this moment or before it.
    pub expires_by: Option<Time>,
    /// A part of the label, the id or the principal's name.
    pub text: Option<String>,
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

impl Order {
    pub(super) const fn sql(self) -> &'static str {
        match self {
            Self::Severity => {
                "k.tenant_id, k.due DESC, k.severity DESC, COALESCE(k.created_at, 0), k.id"
            }
            Self::Age => "k.created_at IS NULL, k.created_at, k.id",
            Self::LastUsed => "k.use_at IS NULL, k.use_at, k.id",
            Self::Expires => "k.expires_at IS NULL, k.expires_at, k.id",
            Self::Name => {
                "a.name, COALESCE(p.name, ''), COALESCE(k.slot, 0), COALESCE(k.label, ''), k.id"
            }
        }
    }
}

/// Which part of the list.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The order.
    pub order: Order,
    /// How many at most.
    pub limit: u32,
    /// After how many.
    pub offset: u64,
}

impl Filter {
    /// The tables that its conditions speak of.
    pub(super) const fn tables(&self) -> &'static str {
        if self.provider.is_some() || self.text.is_some() {
            "keys k JOIN accounts a ON a.id = k.account_id \
             LEFT JOIN principals p ON p.id = k.principal_id"
        } else {
            "keys k"
        }
    }

    /// The condition and its values.
    pub(super) fn sql(&self, tenant: i64) -> (String, Values) {
        let mut sql =
            Conditions { text: "k.tenant_id = $1".to_owned(), values: vec![tenant.into()] };
        match self.state {
            Some(state) => sql.and("k.state =", state.as_str()),
            None => sql.and("k.state <>", State::Destroyed.as_str()),
        }
        if self.is_due {
            sql.plain("k.due = 1");
        }
        if self.has_finding {
            sql.plain("k.rules <> ''");
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
            sql.and("a.provider =", provider.as_str());
        }
        if let Some(account) = self.account {
            sql.and("k.account_id =", account.as_i64());
        }
        match self.owner {
            Some(Some(owner)) => sql.and("k.owner_id =", owner.as_i64()),
            Some(None) => sql.plain("k.owner_id IS NULL"),
            None => {}
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
        if let Some(text) = &self.text {
            let pattern = format!("%{}%", escaped(&text.to_lowercase()));
            let place = sql.values.len() + 1;
            sql.values.push(pattern.into());
            let columns = ["k.label", "k.provider_id", "p.name", "a.name"];
            let parts = columns.map(|name| format!("LOWER({name}) LIKE ${place} ESCAPE '\\'"));
            sql.plain(&format!("({})", parts.join(" OR ")));
        }
        (sql.text, sql.values)
    }
}

struct Conditions {
    text: String,
    values: Values,
}

impl Conditions {
    fn plain(&mut self, condition: &str) {
        self.text.push_str(" AND ");
        self.text.push_str(condition);
    }

    fn and(&mut self, condition: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        let place = self.values.len();
        self.plain(&format!("{condition} ${place}"));
    }
}

/// `text` without a meaning of its own in a LIKE pattern.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for one in text.chars() {
        if matches!(one, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(one);
    }
    escaped
}
