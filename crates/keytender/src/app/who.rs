//! Who asks: what they may do, and what they see.

use keytender_core::access::{Grant, Role};
use keytender_core::id::{AccountId, OwnerId};

use super::inventory::Sight;

/// Whoever asks, once they proved who they are.
#[derive(Clone, Debug)]
pub struct Who {
    /// Whose inventory they ask.
    pub tenant: i64,
    /// Their name; of a customer, what its account is called.
    pub user: String,
    /// What they may do.
    pub grant: Grant,
    /// What they see.
    pub sight: Sight,
}

impl Who {
    /// Of a user with this grant. `owner` is whose keys a user of the role `owner` sees: one of whom
    /// nobody said whose sees none.
    pub(super) fn of(tenant: i64, user: String, grant: Grant, owner: Option<OwnerId>) -> Self {
        let is_owner = grant.role == Role::Owner;
        let sight = Sight { owner: is_owner.then_some(owner), side: grant.side, account: None };
        Self { tenant, user, grant, sight }
    }

    /// The same for the customer whose account this is, and what that is called: it is the one who acts.
    #[must_use]
    pub(super) fn in_account(self, account: AccountId, name: String) -> Self {
        let grant = self.grant.of_customer();
        let sight = Sight { account: Some(account), side: grant.side, ..self.sight };
        Self { user: name, grant, sight, ..self }
    }
}
