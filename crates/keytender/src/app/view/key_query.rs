//! Which keys, in which order: filters that read like questions.

use keytender_core::access::Side;
use keytender_core::key::State;
use keytender_core::policy::Action;
use keytender_core::time::Span;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::keys::Order;

/// Which keys, in which order. Every filter that is given must let a key through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct KeyQuery {
    /// If true, only those about which something must be done.
    pub due: Option<bool>,
    /// Only those that break this rule.
    pub rule: Option<String>,
    /// Only those with this action.
    pub action: Option<Action>,
    /// Only those not used for so long, such as `90d`; of unknown last uses nobody can say.
    #[param(value_type = Option<String>, example = "90d")]
    pub unused_for: Option<Span>,
    /// Only those older than this.
    #[param(value_type = Option<String>, example = "365d")]
    pub older_than: Option<Span>,
    /// Only those that end within this time.
    #[param(value_type = Option<String>, example = "30d")]
    pub expires_within: Option<Span>,
    /// Only this owner's, by name, address or id; `none`: those without an owner.
    pub owner: Option<String>,
    /// Only this provider's.
    pub provider: Option<String>,
    /// Only those in this account, by its name here.
    pub account: Option<String>,
    /// Only those of this app of a customer, by its id.
    #[param(example = "app_0dj2c8xk3v9q4")]
    pub app: Option<String>,
    /// Only those whose last use is of this kind: `never` are those without any.
    #[param(inline)]
    pub last_used: Option<UseStatus>,
    /// If true, only those that somebody keeps as they are, and whose day has not come.
    pub kept: Option<bool>,
    /// If true, only those that were found where a secret must not be.
    pub exposed: Option<bool>,
    /// Only those in this state; destroyed ones are shown only if asked for.
    pub state: Option<State>,
    /// Only those with this in their name, id, principal or account.
    pub text: Option<String>,
    /// Only those on this side.
    pub side: Option<Side>,
    /// Only those that this names: Keytender's id, the provider's id, a label, or a principal and a
    /// slot such as `deploy/1`. An id also finds a destroyed key.
    pub named: Option<String>,
    /// The order.
    #[param(inline)]
    pub sort: Option<KeySort>,
    /// How many keys the page has at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<u32>,
    /// The cursor from which the page goes on: `next` of the page before.
    pub after: Option<String>,
    /// After how many keys the page begins; programs take `after`, which costs the same on each page.
    #[param(minimum = 0, maximum = 1_000_000)]
    pub offset: Option<u64>,
}

/// What is known of a last use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UseStatus {
    /// There was one.
    Used,
    /// There was none since somebody would have seen it.
    Never,
    /// Nobody can say.
    Unknown,
}

impl UseStatus {
    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Never => "never",
            Self::Unknown => "unknown",
        }
    }
}

/// An order of keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeySort {
    /// What is due first, the most serious first, the oldest first.
    #[default]
    Severity,
    /// The oldest first.
    Age,
    /// The longest idle first.
    LastUsed,
    /// Those that end soonest first.
    Expires,
    /// By account, principal and name.
    Name,
}

impl KeySort {
    /// The order of the store.
    pub const fn order(self) -> Order {
        match self {
            Self::Severity => Order::Severity,
            Self::Age => Order::Age,
            Self::LastUsed => Order::LastUsed,
            Self::Expires => Order::Expires,
            Self::Name => Order::Name,
        }
    }
}
